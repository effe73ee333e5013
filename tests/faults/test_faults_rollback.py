"""A run that rolls back, killed or stopped at any instant, ends as one that only rolled back.

The instants are exact, the processes and signals are real; the fault is planted (fault_driver.py), and healed by the
rollback that it brings about.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM
from typing import Any

import pytest
from faults_kit import Driven, Driver, logged_steps, names, outcome, some_text, training

pytestmark = pytest.mark.ci

SEED = 3
SPOILT = [9, 15]
STEPS = ["--steps", "20", "--train.eval_every", "6", "--train.log_every", "2", "--train.bad_step", "rollback"]
SESSION = "textmill.training.session:Session."
KEPT = ["1", "2"]


class Rolling:
    """One command, in a working folder of its own: disturbed, then left alone until it ends."""

    def __init__(self, driver: Driver, place: Path, keep: str):
        place.mkdir(parents=True)
        (place / "geese.txt").write_text(some_text(), encoding="utf-8")
        self.driver, self.place, self.run = driver, place, place / "runs/geese"
        self.command = [*training(steps=STEPS), "--keep", keep]

    def __call__(self, *at: str | int, signals: tuple[int, ...] = ()) -> Driven:
        return self.driver(self.place, self.command, at=at, signals=signals, page=False, spoilt=SPOILT)

    def ends_like(self, expected: dict[str, Any]) -> None:
        done = self()
        assert done.code == 0, done.err
        assert outcome(self.run) == expected
        steps = logged_steps(self.run)
        assert steps == sorted(set(steps))
        assert [name for name in names(self.run / "checkpoints") if not name.startswith("step-")] == []
        assert not list(self.run.glob("metrics.jsonl.damaged*")), "a sound log was called damaged"


def events(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [event for line in lines for event in line.get("events", [])]


@pytest.fixture(scope="module")
def undisturbed(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """What it comes to with rollbacks alone, and how many calls that takes."""
    rolling = Rolling(driver, tmp_path_factory.mktemp("undisturbed") / "a", "2")
    done = rolling("call", 0)
    assert done.code == 0, done.err
    told = [(event["step"], event["to_step"]) for event in events(rolling.run)]
    assert told == [(9, 6), (15, 12)]
    return outcome(rolling.run), done.calls


INSTANTS = [
    ("enter", SESSION + "roll_back", 1),
    ("enter", "textmill.runs.folder:Run.forget_unplanned", 1),
    ("leave", SESSION + "roll_back", 1),
    ("enter", SESSION + "after", 11),  # 8 steps, a rollback, 2 steps
    ("enter", "textmill.runs.checkpoint:save_checkpoint", 2),
    ("leave", SESSION + "roll_back", 2),
]
# In the short form: right after a rollback, and before its next checkpoint.
SHORT = [(INSTANTS[2], "1"), (INSTANTS[3], "2")]


@pytest.mark.parametrize(
    ("at", "keep"),
    [
        pytest.param(
            at, keep, marks=[] if (at, keep) in SHORT else pytest.mark.slow, id=" ".join(map(str, (*at, keep)))
        )
        for at in INSTANTS
        for keep in KEPT
    ],
)
def test_killed_about_a_rollback(
    driver: Driver,
    undisturbed: tuple[dict[str, Any], int],
    tmp_path: Path,
    at: tuple[str, str, int],
    keep: str,
) -> None:
    rolling = Rolling(driver, tmp_path / "a", keep)

    assert rolling(*at, signals=(SIGKILL,)).code == -SIGKILL

    rolling.ends_like(undisturbed[0])


@pytest.mark.parametrize(
    ("round_", "keep"),
    [(0, "1"), *(pytest.param(n, keep, marks=pytest.mark.slow) for n in range(1, 6) for keep in KEPT)],
)
def test_killed_and_stopped_again_and_again_at_random_calls(
    driver: Driver, undisturbed: tuple[dict[str, Any], int], tmp_path: Path, round_: int, keep: str
) -> None:
    draw = random.Random(f"{SEED} {round_} {keep}")
    print(f"seed {SEED} {round_} {keep}")
    rolling = Rolling(driver, tmp_path / "a", keep)

    for _ in range(6):
        number = draw.choice((SIGKILL, SIGKILL, SIGINT, SIGTERM))
        stopped = rolling("call", draw.randrange(1, undisturbed[1]), signals=(number,))
        assert stopped.code in (-number, 128 + number, 0), stopped

    rolling.ends_like(undisturbed[0])


@pytest.mark.parametrize("keep", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_what_a_signal_saved_before_a_rollback_is_not_taken_up_after_it(
    driver: Driver, undisturbed: tuple[dict[str, Any], int], tmp_path: Path, keep: str
) -> None:
    # Saved at step 8, before the fault of step 9; rolled back to 6, and stopped at 7: a checkpoint of an older step.
    rolling = Rolling(driver, tmp_path / "a", keep)

    assert "saved at step 8 of" in rolling("enter", SESSION + "after", 8, signals=(SIGINT,)).err
    assert "step-00000006" in names(rolling.run / "checkpoints"), "a rollback needs it"
    stopped = rolling("enter", SESSION + "after", 1, signals=(SIGTERM,))
    assert "back to step 6" in stopped.err and "saved at step 7 of" in stopped.err
    assert names(rolling.run / "checkpoints")[-2:] == ["step-00000006", "step-00000007"]
    went_on = rolling("enter", SESSION + "after", 2, signals=(SIGKILL,))
    assert "continuing runs/geese at step 7 of" in went_on.err

    rolling.ends_like(undisturbed[0])
