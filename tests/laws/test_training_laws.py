"""Laws of training: resumed = unbroken, same seed = same bits, whatever the rhythm of evaluations and saves.

Every architecture stands in the table and passes. Bitwise, in float32, on one thread.
"""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from textmill.config.layers import load_config
from textmill.errors import Interrupted
from textmill.runs import Run
from textmill.runs.checkpoint import load_checkpoint
from textmill.tables import ARCHITECTURES
from textmill.training import Progress, train

STEPS = 8
TEXT = "".join(f"The {i % 7} boats of day {i * i % 11} came home at dusk, and {i % 5} did not.\n" for i in range(60))


@pytest.fixture(autouse=True)
def nothing_after_the_last_step(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The laws are about weights and losses: floor, measurement and report, which follow, are left out for speed."""
    if "closed" not in request.keywords:
        monkeypatch.setattr("textmill.training.session.close", lambda *args: None)


class StopAfter:
    """A listener that asks for a stop at a step, as Ctrl-C would."""

    def __init__(self, step: int):
        self.step = step

    def notice(self, text: str) -> None:
        return

    def evaluated(self, progress: Progress) -> None:
        return

    def progress(self, progress: Progress) -> None:
        if progress.step == self.step:
            os.kill(os.getpid(), signal.SIGINT)


def flags(folder: Path, arch: str, **more: Any) -> dict[str, Any]:
    text = folder / "boats.txt"
    text.write_text(TEXT)
    return {
        "data.paths": (str(text),),
        "tokens.kind": "bytes",
        "model.arch": arch,
        "model.n_layers": 1,
        "model.d_model": 16,
        "model.seq_len": 12,
        "model.dropout": 0.2,
        "train.steps": STEPS,
        "train.batch": 3,
        "train.log_every": 3,
        "train.sample_tokens": 0,
        "eval.resamples": 100,
        "machine.threads": 1,
        "machine.device": "cpu",
        "run.dir": str(folder / "runs"),
    } | more


def last_of(run: Run) -> dict[str, torch.Tensor]:
    saved = load_checkpoint(run.checkpoints / f"step-{STEPS:08d}")
    return {f"{group}/{name}": t for group in ("model", "optimizer", "average", "state")
            for name, t in getattr(saved, group).items()}  # fmt: skip


def losses_of(run: Run) -> list[tuple[int, float]]:
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line["train/loss"]) for line in lines if "train/loss" in line]


def assert_same_run(run: Run, other: Run) -> None:
    mine, theirs = last_of(run), last_of(other)
    assert mine.keys() == theirs.keys()
    different = [name for name in mine if not torch.equal(mine[name], theirs[name])]
    assert not different
    assert losses_of(run) == losses_of(other)


WAYS: list[dict[str, Any]] = [
    {},
    {"train.average": 0.9},
    {"train.optimizer": "adafactor"},
    {"train.recompute": True, "model.n_layers": 2},
]


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("more", WAYS, ids=str)
def test_a_run_stopped_at_any_step_and_continued_is_the_unbroken_run(
    arch: str, more: dict[str, Any], tmp_path: Path
) -> None:
    whole = train(load_config(flags(tmp_path, arch, **{"run.name": "whole", **more})))
    for stop in (1, 4, 7):
        said = load_config(flags(tmp_path, arch, **{"run.name": f"stopped-{stop}", **more}))
        with pytest.raises(Interrupted) as interrupted:
            train(said, listener=StopAfter(stop))
        assert interrupted.value.exit_code == 130
        assert Run.open(tmp_path / "runs" / f"stopped-{stop}").step == stop
        assert_same_run(train(said), whole)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_evaluations_saves_and_samples_do_not_move_a_bit(arch: str, tmp_path: Path) -> None:
    one = train(load_config(flags(tmp_path, arch, **{"run.name": "seldom", "train.eval_every": 8})))
    other = train(
        load_config(
            flags(
                tmp_path,
                arch,
                **{
                    "run.name": "often",
                    "train.eval_every": 1,
                    "train.save_every": 2,
                    "train.sample_tokens": 5,
                    "train.keep": 5,
                },
            )
        )
    )
    assert_same_run(one, other)


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("order", ["shuffle", "stream"])
def test_the_same_seed_gives_the_same_bits_and_another_seed_other_ones(arch: str, order: str, tmp_path: Path) -> None:
    runs = [
        train(load_config(flags(tmp_path, arch, **{"run.name": f"{n}", "run.seed": seed, "train.order": order})))
        for n, seed in enumerate((3, 3, 4))
    ]
    assert_same_run(runs[0], runs[1])
    assert losses_of(runs[0]) != losses_of(runs[2])


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("order", ["shuffle", "stream"])
def test_layers_computed_again_do_not_move_a_bit(arch: str, order: str, tmp_path: Path) -> None:
    more = {"model.n_layers": 2, "train.order": order, "tokens.isolate": order == "stream"}
    kept = train(load_config(flags(tmp_path, arch, **{"run.name": "kept", **more})))
    again = train(load_config(flags(tmp_path, arch, **{"run.name": "again", "train.recompute": True, **more})))
    assert_same_run(kept, again)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_isolated_documents_resume_too(arch: str, tmp_path: Path) -> None:
    more = {"tokens.isolate": True, "data.unit": "line", "train.order": "stream"}
    whole = train(load_config(flags(tmp_path, arch, **{"run.name": "whole", **more})))
    said = load_config(flags(tmp_path, arch, **{"run.name": "stopped", **more}))
    with pytest.raises(Interrupted):
        train(said, listener=StopAfter(3))
    assert_same_run(train(said), whole)


@pytest.mark.closed
def test_a_finished_run_repeated_does_nothing(tmp_path: Path) -> None:
    said = load_config(flags(tmp_path, "gru"))
    run = train(said)
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.name != "lock"}
    again = train(said)
    assert {path: path.stat().st_mtime_ns for path in again.path.rglob("*") if path.name != "lock"} == before
