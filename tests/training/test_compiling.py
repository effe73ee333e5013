"""--compile: a failure never stops a run, nothing of it is in a checkpoint, and its cost is planned for.

torch.compile is a stand-in here: what it really does is tested in test_compiling_really.py.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from ticking import Ticking, Watcher

from textmill.config.layers import Loaded, load_config
from textmill.errors import Interrupted, RunError
from textmill.runs import Run
from textmill.runs.checkpoint import load_checkpoint
from textmill.training import plan_run, train, verify_run
from textmill.training.compiling import NOTHING, WARNING, WarmUp, reason_of
from textmill.training.spending import REPORT_S, START_UP_S

TEXT = "".join(f"Line {i}: the {i % 9} geese of {i * i % 13} flew over {i % 4} hills.\n" for i in range(80))
STEPS = 6


@pytest.fixture(autouse=True)
def nothing_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textmill.training.session.close", lambda *args: None)


def said(folder: Path, **more: Any) -> Loaded:
    path = folder / "geese.txt"
    path.write_text(TEXT)
    flags: dict[str, Any] = {
        "data.paths": (str(path),),
        "tokens.kind": "bytes",
        "model.arch": "transformer",
        "model.n_heads": 2,
        "model.n_layers": 1,
        "model.d_model": 16,
        "model.seq_len": 16,
        "model.dropout": 0.2,
        "train.steps": STEPS,
        "train.batch": 4,
        "train.accumulate": 2,
        "train.eval_every": 3,
        "train.sample_tokens": 3,
        "machine.threads": 1,
        "machine.device": "cpu",
        "run.dir": str(folder / "runs"),
    }
    return load_config({key: value for key, value in (flags | more).items() if value is not None})


def compiled(folder: Path, **more: Any) -> Loaded:
    return said(folder, **{"train.compile": True, "run.name": "compiled"} | more)


def same_weights(one: Run, other: Run) -> bool:
    saved = [load_checkpoint(run.checkpoints / f"step-{STEPS:08d}") for run in (one, other)]
    return all(
        getattr(saved[0], group).keys() == getattr(saved[1], group).keys()
        and all(
            torch.equal(tensor, getattr(saved[1], group)[name]) for name, tensor in getattr(saved[0], group).items()
        )
        for group in ("model", "optimizer", "state")
    )


class Stand:
    """Stands in for torch.compile: what it gives counts its calls, and fails at those it is told to."""

    def __init__(self, fails_at: int | None = None, in_backward: bool = False, at_once: bool = False):
        self.fails_at, self.in_backward, self.at_once = fails_at, in_backward, at_once
        self.n_calls = 0
        self.before: Callable[[], None] = lambda: None

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if self.at_once:
            raise RuntimeError("torch.compile is not supported here\nat all")

        def called(*args: Any, **knobs: Any) -> Any:
            self.n_calls += 1
            self.before()
            if self.n_calls != self.fails_at:
                return function(*args, **knobs)
            torch.rand(3)  # a failing pass may have drawn random numbers
            if not self.in_backward:
                raise NotImplementedError("no kernel for this")
            hidden, state = function(*args, **knobs)
            return FailsLater.apply(hidden), state

        return called


class FailsLater(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no kernel backward")


@pytest.mark.parametrize(
    "stand",
    [{"at_once": True}, {"fails_at": 1}, {"fails_at": 2}, {"fails_at": 1, "in_backward": True}],
    ids=["at once", "first pass", "second micro-batch", "backward"],
)
def test_a_run_whose_compiling_fails_is_the_run_without_it_and_says_so_once(
    stand: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = train(said(tmp_path, **{"run.name": "plain"}))
    fake, watcher = Stand(**stand), Watcher()
    monkeypatch.setattr(torch, "compile", fake)

    run = train(compiled(tmp_path), listener=watcher)

    assert same_weights(run, plain)
    [failure] = [
        line for line in watcher.notices if line.startswith("train.compile failed, so the run goes on without")
    ]
    assert failure.endswith(("RuntimeError: torch.compile is not supported here", "no kernel for this", "backward"))
    assert Run.open(run.path).info["compile"] == {"to_the_bit": True, "failure": failure}
    assert fake.n_calls == (stand.get("fails_at") or 0)
    assert verify_run(load_config({"data.paths": (str(run.path),)})).equal


@pytest.mark.parametrize("arch", ["rnn", "lstm", "gru"])
def test_recurrent_cells_are_not_compiled_and_that_is_said(
    arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, watcher = Stand(), Watcher()
    monkeypatch.setattr(torch, "compile", fake)
    run = train(compiled(tmp_path, **{"model.arch": arch, "model.n_heads": None}), listener=watcher)
    assert watcher.notices.count(NOTHING) == 1 and WARNING not in watcher.notices
    assert run.info["compile"] == {"to_the_bit": True, "failure": NOTHING}


def test_a_failure_after_compiled_updates_leaves_a_run_that_is_not_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", Stand(fails_at=5))  # in the third update
    run = train(compiled(tmp_path))
    assert run.step == STEPS
    assert (run.info["compile"]["to_the_bit"], "failure" in run.info["compile"]) == (False, True)


def test_an_error_that_compiling_did_not_cause_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> Any:
        raise ZeroDivisionError("of the model's own")

    watcher = Watcher()
    monkeypatch.setattr(torch, "compile", Stand())
    monkeypatch.setattr("textmill.models.transformer.FeedForward.forward", broken)
    with pytest.raises(ZeroDivisionError, match="own"):
        train(compiled(tmp_path), listener=watcher)
    assert not [line for line in watcher.notices if "failed" in line]


def test_a_compiled_run_says_first_and_records_that_it_is_not_repeatable_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, watcher = Stand(), Watcher()
    monkeypatch.setattr(torch, "compile", fake)
    run = train(compiled(tmp_path), listener=watcher)

    assert watcher.notices.count(WARNING) == 1
    assert Run.open(run.path).info["compile"]["to_the_bit"] is False
    assert fake.n_calls == 2 * STEPS  # micro-batches: it is measured, and it writes, uncompiled
    with pytest.raises(RunError, match="was compiled") as refused:
        verify_run(load_config({"data.paths": (str(run.path),)}))
    assert refused.value.exit_code == 2
    assert WARNING in plan_run(compiled(tmp_path, **{"run.name": "planned"})).plan["notes"]
    assert WARNING not in plan_run(said(tmp_path, **{"run.name": "planned"})).plan["notes"]


def test_a_checkpoint_of_a_compiled_run_is_the_plain_models_and_the_run_goes_on_with_or_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = train(said(tmp_path, **{"run.name": "plain"}))
    fake = Stand()
    monkeypatch.setattr(torch, "compile", fake)
    with pytest.raises(Interrupted):
        train(compiled(tmp_path), listener=Stopping(at_step=3))
    stopped = Run.open(tmp_path / "runs" / "compiled")
    assert load_checkpoint(stopped.checkpoints / "step-00000003").model.keys() == plain.model().state_dict().keys()
    assert stopped.model() is not None

    watcher, n_before = Watcher(), fake.n_calls
    run = train(compiled(tmp_path, **{"train.compile": False}), listener=watcher)
    assert "train.compile: True -> False: the last bits may differ from now on" in watcher.notices
    assert fake.n_calls == n_before
    assert same_weights(run, plain)  # the stand-in changes no bit
    assert run.info["compile"]["to_the_bit"] is False  # its first steps were compiled


class Stopping(Watcher):
    def progress(self, progress: Any) -> None:
        if progress.step == self.at_step:
            os.kill(os.getpid(), signal.SIGINT)


def test_what_compiling_takes_is_measured_with_what_was_chosen_and_planned_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, fake, watcher = Ticking(0.05), Stand(), Watcher()
    seen = {"n": 0}

    def slow_at_first() -> None:  # of each compiled model: its first two passes
        seen["n"] += 1
        clock.seconds += 6.0 if seen["n"] <= 2 else 0.0

    def stand(function: Callable[..., Any]) -> Callable[..., Any]:
        seen["n"] = 0
        return fake(function)

    fake.before = slow_at_first
    monkeypatch.setattr(torch, "compile", stand)
    more = {"train.steps": None, "train.minutes": 1, "train.accumulate": 1}
    run = train(compiled(tmp_path, **more), listener=watcher, now=clock)

    budget = run.info["budget"]
    assert [each.get("compile_s") for each in budget["speeds"]] == [None] * (len(budget["speeds"]) - 1) + [12.0]
    assert run.info["compile"]["warm_up_s"] == pytest.approx(12.0, abs=0.5)
    assert any("rows, compiled in 12 s)" in line for line in watcher.notices)
    assert clock.seconds + START_UP_S + REPORT_S == pytest.approx(60, abs=3)  # compiled twice, 24 s, and still in time

    plain = train(said(tmp_path, **more | {"run.name": "plain"}), now=Ticking(0.05))
    assert plain.config.train.steps > run.config.train.steps
    assert "compile" not in plain.info


def test_warm_up_is_what_the_first_updates_took_beyond_the_next() -> None:
    warm_up = WarmUp()
    for seconds, extra_s in ((10.0, 0.0), (3.0, 0.0), (1.0, 11.0), (50.0, 11.0)):
        warm_up.took(seconds)
        assert warm_up.extra_s == extra_s


def test_a_reason_is_one_line_with_its_kind() -> None:
    assert reason_of(ValueError("")) == "ValueError"
    assert reason_of(RuntimeError("\nCppCompileError: C++ compile error\nCommand: g++ …")) == (
        "RuntimeError: CppCompileError: C++ compile error"
    )
    assert len(reason_of(ValueError("x" * 1000))) == 300
