"""Stopped or killed at any instant, the same command goes on to the same bits.

The instants are exact (the nth call of a function, drawn from a seed), the processes and signals are real.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM
from typing import Any

import pytest
from faults_kit import Driven, Driver, last_step, logged_steps, names, outcome, some_text, training

pytestmark = pytest.mark.ci

EVERY = 3
STEPS = ["--steps", "9", "--train.eval_every", str(EVERY), "--train.save_every", "4"]
SEED = 7


class Undisturbed:
    """The run that nothing stopped, of each architecture: what it came to, and how many calls it took."""

    def __init__(self, driver: Driver, folder: Path):
        self.driver, self.folder = driver, folder
        self.known: dict[str, tuple[dict[str, Any], int]] = {}

    def __call__(self, arch: str) -> tuple[dict[str, Any], int]:
        if arch not in self.known:
            place = working_folder(self.folder / arch)
            done = self.driver(place, training(arch=arch, steps=STEPS), at=["call", 0])
            assert done.code == 0, done.err
            self.known[arch] = outcome(place / "runs/geese"), done.calls
        return self.known[arch]


def working_folder(place: Path) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    (place / "geese.txt").write_text(some_text(), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def undisturbed(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(driver, tmp_path_factory.mktemp("undisturbed"))


def left_in_order(done: Driven, number: int) -> None:
    """The exit code of the signal, a word on how to go on, nothing on stdout, no traceback."""
    assert done.code == 128 + number, done
    assert "ame command" in done.err, done.err
    assert "Traceback" not in done.err and "error:" not in done.err
    assert done.out == "" or done.out.startswith("runs/geese, step 9")


def goes_on(
    driver: Driver, place: Path, arch: str, undisturbed: Undisturbed, stopped: Driven, page: bool = True
) -> Driven:
    """The same command finishes, equal to the undisturbed run, with every step logged once."""
    logged = last_step(place / "runs/geese")
    done = driver(place, training(arch=arch, steps=STEPS), page=page)
    assert done.code == 0, f"{stopped}\nthen {done}"
    assert outcome(place / "runs/geese") == undisturbed(arch)[0] | {"page": page}, f"{stopped}\nthen {done.err}"
    assert logged_steps(place / "runs/geese") == list(range(1, 10))
    began = done.err.split("continuing runs/geese at step ")
    first = int(began[1].split()[0]) if len(began) > 1 else 9 if "step 9/9" not in done.err else 0
    assert logged - first <= EVERY, f"{logged - first} steps were repeated"
    assert [name for name in names(place / "runs/geese/checkpoints") if not name.startswith("step-")] == []
    return done


INSTANTS = [
    ("enter", "textmill.training.session:train", 1),
    ("leave", "textmill.text.splits:plan_split", 1),
    ("leave", "textmill.tokens.store:StoreWriter.add", 1),
    ("leave", "textmill.tasks.prepare:prepare", 1),
    ("enter", "textmill.runs.folder:Run.create", 1),
    ("leave", "textmill.tokens.tokenizer:Tokenizer.save", 2),
    ("enter", "textmill.runs.folder:Run.write_info", 1),
    ("leave", "textmill.runs.folder:Run.write_info", 1),
    ("enter", "textmill.training.session:Session.run_updates", 1),
    ("enter", "textmill.training.session:Session.after", 2),
    ("enter", "textmill.training.session:Session.evaluate_now", 2),
    ("enter", "textmill.training.session:Session.sample_now", 2),
    ("leave", "textmill.runs.metrics_log:MetricsLog.write", 6),
    ("enter", "textmill.runs.checkpoint:save_checkpoint", 1),
    ("leave", "textmill.files:sha256_of", 5),
    ("leave", "textmill.runs.checkpoint:save_checkpoint", 2),
    ("leave", "textmill.runs.folder:Run._read_pointer", 2),
    ("enter", "textmill.runs.retention:prune", 3),
    ("enter", "textmill.training.session:Session.after", 9),
    ("enter", "textmill.runs.checkpoint:save_checkpoint", 4),
    ("leave", "textmill.training.session:Session.save", 4),
    ("enter", "textmill.evaluation.floor:fit_floor", 1),
    ("enter", "textmill.evaluation.floor:_save_run", 2),
    ("enter", "textmill.evaluation.evaluating:evaluate", 1),
    ("enter", "textmill.evaluation.evaluating:save_evaluation", 1),
    ("enter", "textmill.training.session:report_run", 1),
    ("enter", "textmill.report.page:page", 1),
    ("leave", "textmill.training.session:report_run", 1),
]


# The short form kills one architecture at calls and another at the disk; all four are stopped, and in the long form
# killed in both ways.
ARCHITECTURES = ["rnn", "lstm", "gru", "transformer"]


def killed_in_short(short: str) -> list[Any]:
    return [arch if arch == short else pytest.param(arch, marks=pytest.mark.slow) for arch in ARCHITECTURES]


# One of each kind in the short form: its text, the steps, within a save, the end, and the page.
SHORT = [3, 9, 15, 21, 26]


@pytest.mark.parametrize(
    "instant",
    [
        pytest.param(instant, marks=[] if number in SHORT else pytest.mark.slow, id=" ".join(map(str, instant)))
        for number, instant in enumerate(INSTANTS)
    ],
)
def test_a_signal_or_a_kill_in_the_midst_of_it(
    driver: Driver, undisturbed: Undisturbed, tmp_path: Path, instant: tuple[str, str, int]
) -> None:
    turn = INSTANTS.index(instant)
    arch = ["gru", "transformer"][turn % 2]
    polite = [SIGINT, SIGTERM][turn // 2 % 2]

    place = working_folder(tmp_path / "asked")
    stopped = driver(place, training(arch=arch, steps=STEPS), at=instant, signals=[polite])
    assert stopped.fired == 1, "the instant never came"
    left_in_order(stopped, polite)
    goes_on(driver, place, arch, undisturbed, stopped)

    place = working_folder(tmp_path / "killed")
    stopped = driver(place, training(arch=arch, steps=STEPS), at=instant, signals=[SIGKILL])
    assert stopped.code == -SIGKILL
    goes_on(driver, place, arch, undisturbed, stopped)


@pytest.mark.parametrize("arch", killed_in_short("gru"))
def test_killed_again_and_again_at_random_calls(
    driver: Driver, undisturbed: Undisturbed, tmp_path: Path, arch: str
) -> None:
    draw = random.Random(f"{SEED} {arch}")
    print(f"seed {SEED} {arch}")
    place, n_calls = working_folder(tmp_path), undisturbed(arch)[1]

    killed = [
        driver(place, training(arch=arch, steps=STEPS), at=["call", draw.randrange(1, n_calls)], signals=[SIGKILL])
        for _ in range(4)
    ]

    goes_on(driver, place, arch, undisturbed, killed[-1])


def calls_of_a_save(driver: Driver, place: Path, arch: str) -> list[int]:
    """The numbers of the calls to the disk that save step 6, from the log's line to the last of what is pruned."""
    done = driver(place, training(arch=arch, steps=STEPS), at=["disk", 0], page=False)
    assert done.code == 0, done.err
    calls = [(call, Path(path), when) for call, path, when in json.loads((place / ".calls").read_text())]
    begun = next(
        number
        for number, (_, path, _) in enumerate(calls)
        if path.name.startswith(".step-00000006") and path.parent.name == "checkpoints"
    )
    ended = next(number for number in range(begun, len(calls)) if calls[number][1].name == "metrics.jsonl")
    first = max(number for number in range(begun) if calls[number][0] == "write")
    kinds = {call for call, _, _ in calls[first:ended]}
    assert {"fsync", "write", "open", "mkdir", "rename", "replace", "unlink", "rmdir"} <= kinds
    assert any(when == "half" for _, _, when in calls[first:ended])
    return list(range(first + 1, ended + 2))


def killed_at(driver: Driver, place: Path, arch: str, undisturbed: Undisturbed, number: int) -> None:
    """Killed before a call to the disk, or in the midst of a write, the run goes on as ever."""
    stopped = driver(
        working_folder(place), training(arch=arch, steps=STEPS), at=["disk", number], signals=[SIGKILL], page=False
    )
    assert stopped.code == -SIGKILL
    goes_on(driver, place, arch, undisturbed, stopped, page=False)


@pytest.mark.parametrize("arch", killed_in_short("transformer"))
def test_killed_at_calls_to_the_disk_of_one_save(
    driver: Driver, undisturbed: Undisturbed, tmp_path: Path, arch: str
) -> None:
    """A share of the calls for each architecture; all of them in the long form below."""
    calls = calls_of_a_save(driver, working_folder(tmp_path / "whole"), arch)
    for number in calls[ARCHITECTURES.index(arch) :: 12]:
        killed_at(driver, tmp_path / str(number), arch, undisturbed, number)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_killed_at_every_call_to_the_disk_of_one_save(
    driver: Driver, undisturbed: Undisturbed, tmp_path: Path, arch: str
) -> None:
    for number in calls_of_a_save(driver, working_folder(tmp_path / "whole"), arch):
        killed_at(driver, tmp_path / str(number), arch, undisturbed, number)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_stopped_again_and_again_at_random_calls(
    driver: Driver, undisturbed: Undisturbed, tmp_path: Path, arch: str
) -> None:
    draw = random.Random(f"{SEED + 1} {arch}")
    print(f"seed {SEED + 1} {arch}")
    place, n_calls = working_folder(tmp_path), undisturbed(arch)[1]

    for number in (SIGINT, SIGTERM, SIGINT, SIGTERM):
        at = ["call", draw.randrange(1, n_calls)]
        stopped = driver(place, training(arch=arch, steps=STEPS), at=at, signals=[number])
        if stopped.fired:
            left_in_order(stopped, number)
        else:  # the run ended before that
            assert stopped.code == 0, stopped.err

    goes_on(driver, place, arch, undisturbed, stopped)


@pytest.mark.parametrize(
    ("number", "instant", "kept"),
    [
        pytest.param(number, instant, kept, id=f"{instant[1].rpartition(':')[2]} {number:d}", marks=marks)
        for turn, (instant, kept) in enumerate(
            [
                (("enter", "textmill.training.session:Session.after", 5), "saved at step 4"),
                (("enter", "textmill.runs.checkpoint:save_checkpoint", 2), "saved at step 3"),
                (("enter", "textmill.training.session:Session.evaluate_now", 1), "nothing was saved yet"),
            ]
        )
        for number, marks in zip([(SIGINT, SIGTERM), (SIGTERM, SIGINT)][turn % 2], [[], pytest.mark.slow], strict=True)
    ],
)
def test_a_second_signal_leaves_at_once_and_says_what_is_kept(
    driver: Driver, undisturbed: Undisturbed, tmp_path: Path, instant: tuple[str, str, int], kept: str, number: int
) -> None:
    place = working_folder(tmp_path)
    command = [*training(steps=STEPS), "-q"]  # quiet: but what answers a key is said

    stopped = driver(place, command, at=instant, signals=[number, number])

    assert stopped.code == 128 + number
    assert stopped.fired == 2
    assert stopped.err == f"stopping after this step (again: leave at once)\nleft at once; {kept}\n"
    goes_on(driver, place, "gru", undisturbed, stopped)


def test_a_stop_before_step_0_leaves_prepared_text_that_the_next_call_uses(
    driver: Driver, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    place = working_folder(tmp_path)
    at = ("enter", "textmill.training.session:begin", 1)

    stopped = driver(place, training(steps=STEPS), at=at, signals=[SIGINT])
    left_in_order(stopped, SIGINT)
    [prepared] = [path for path in (place / "runs/.data").iterdir() if not path.name.startswith(".")]
    times = {path.name: path.stat().st_mtime_ns for path in prepared.rglob("*")}
    goes_on(driver, place, "gru", undisturbed, stopped)

    assert {path.name: path.stat().st_mtime_ns for path in prepared.rglob("*")} == times
    assert names(place / "runs/.data") == [prepared.name]


def test_early_stopping_is_not_forgotten_by_a_kill(driver: Driver, tmp_path: Path) -> None:
    # A rate that soon makes it worse: two evaluations without a new best end the run.
    command = training(steps=["--steps", "30", "--train.eval_every", "2", "--train.patience", "2"])
    command += ["--train.optimizer", "sgd", "--train.lr", "100"]
    whole = working_folder(tmp_path / "whole")
    assert driver(whole, command).code == 0
    ended_at = json.loads((whole / "runs/geese/run.json").read_bytes())["ended_at"]
    assert ended_at < 30
    n_saves = ended_at // 2

    for number, instant in enumerate(
        [
            ("enter", "textmill.training.session:Session.end_early", 1),
            ("leave", "textmill.training.session:Session.end_early", 1),
            ("leave", "textmill.runs.retention:prune", n_saves),
            ("enter", "textmill.runs.folder:Run._point_at", n_saves),
        ]
    ):
        place = working_folder(tmp_path / str(number))
        stopped = driver(place, command, at=instant, signals=[SIGKILL])
        assert stopped.code in (-SIGKILL, 0)
        assert driver(place, command).code == 0
        assert outcome(place / "runs/geese") == outcome(whole / "runs/geese"), instant
