"""NaN, Inf and jumps of the loss: stopped, skipped, or rolled back; told, and never saved."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from textmill.config.layers import Loaded, load_config
from textmill.errors import Diverged, Interrupted
from textmill.metrics.loss import LossSum
from textmill.runs import Run
from textmill.runs.checkpoint import GROUPS, checkpoints_of, load_checkpoint
from textmill.tables import ARCHITECTURES
from textmill.tasks.lm import LanguageModelling
from textmill.training import Quiet, session, train
from textmill.training import updates as updates_module
from textmill.training.faults import N_RECENT, LossWatch
from textmill.training.verifying import verify_run

TEXT = "".join(f"Line {i}: the {i % 9} geese of {i * i % 13} flew over {i % 4} hills.\n" for i in range(80))
POISON = "☠"


def said(folder: Path, text: str = TEXT, **more: Any) -> Loaded:
    (folder / "geese.txt").write_text(text)
    knobs = {
        "data.paths": (str(folder / "geese.txt"),),
        "tokens.kind": "char",
        "model.arch": "gru",
        "model.n_layers": 1,
        "model.d_model": 16,
        "model.seq_len": 16,
        "train.steps": 24,
        "train.batch": 4,
        "train.sample_tokens": 0,
        "train.eval_every": 6,
        "train.log_every": 5,
        "eval.resamples": 100,
        "machine.threads": 1,
        "run.dir": str(folder / "runs"),
    }
    return load_config(knobs | more)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """Step -> what its loss is multiplied by, whenever that step is made. Steps are told by their seed."""
    factors: dict[int, float] = {}
    now = {"step": 0}
    honest_seed, honest_loss = updates_module.reseed, LanguageModelling.loss

    def reseed(seed: int, step: int, micro: int, rank: int = 0) -> None:
        now["step"] = step + 1
        honest_seed(seed, step, micro, rank)

    def loss(self: LanguageModelling, *given: Any, **named: Any) -> Any:
        total, state = honest_loss(self, *given, **named)
        factor = factors.get(now["step"], 1.0)
        return LossSum(total.total * factor, total.count), state

    monkeypatch.setattr("textmill.training.updates.reseed", reseed)
    monkeypatch.setattr(LanguageModelling, "loss", loss)
    return factors


def events(run: Run) -> list[dict[str, Any]]:
    lines = run.log.read()
    assert [line["step"] for line in lines] == sorted({line["step"] for line in lines})  # each step stands once
    return [event for line in lines for event in line.get("events", [])]


def geese(folder: Path) -> Run:
    return Run.open(folder / "runs" / "geese")


def all_saved_is_finite(run: Run) -> bool:
    saved = [load_checkpoint(path) for path in checkpoints_of(run.checkpoints)]
    tensors = [tensor for one in saved for group in GROUPS for tensor in getattr(one, group).values()]
    return bool(saved) and all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.load("last").model


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_by_default_a_run_stops_and_says_the_true_value(
    tmp_path: Path, poisoned: dict[int, float], factor: float
) -> None:
    poisoned[9] = factor
    with pytest.raises(Diverged, match=r"step 9: the loss is not finite: the loss is (nan|inf)") as stopped:
        train(said(tmp_path))
    assert "--train.bad_step skip" in str(stopped.value)
    run = geese(tmp_path)
    [told] = events(run)
    assert (told["action"], told["step"], told["loss"]) == ("stop", 9, str(factor))
    assert run.step == 6 and all_saved_is_finite(run)
    with pytest.raises(Diverged):  # the same command comes to the same step
        train(said(tmp_path))
    assert [event["step"] for event in events(run)] == [9]
    # and with another policy goes on as if that had been said from the beginning
    went_on = train(said(tmp_path, **{"train.bad_step": "skip"}))
    whole = train(said(tmp_path, **{"train.bad_step": "skip", "run.name": "whole"}))
    assert equal(weights(went_on), weights(whole))
    assert [event["action"] for event in events(went_on)] == ["skip"]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_skipped_update_changes_nothing_but_its_step(tmp_path: Path, poisoned: dict[int, float], arch: str) -> None:
    poisoned |= {7: math.nan, 8: math.inf, 20: math.nan}
    run = train(said(tmp_path, **{"model.arch": arch, "train.bad_step": "skip", "train.average": 0.9}))
    assert [(event["step"], event["loss"]) for event in events(run)] == [(7, "nan"), (8, "inf"), (20, "nan")]
    assert all_saved_is_finite(run)
    logged = [line["train/loss"] for line in run.log.read() if "train/loss" in line]
    assert logged and all(map(math.isfinite, logged))
    assert any("3 of its 24 updates were skipped" in limit for limit in run.info["limits"])
    assert verify_run(said(tmp_path, **{"model.arch": arch, "train.average": 0.9})).equal


def test_one_poisoned_document_does_not_spoil_a_run_that_skips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = LanguageModelling.loss
    seen = 0

    def loss(self: LanguageModelling, model: Any, batch: Any, *given: Any, **named: Any) -> Any:
        nonlocal seen
        total, state = honest(self, model, batch, *given, **named)
        is_poison = bool((batch.ids == poison_id).any())
        seen += is_poison
        return LossSum(total.total * (math.nan if is_poison else 1.0), total.count), state

    monkeypatch.setattr(LanguageModelling, "loss", loss)
    valid = tmp_path / "valid.txt"
    valid.write_text(TEXT[-600:].replace("geese", "ducks"))
    knobs = {"train.steps": 60, "data.valid": (str(valid),), "train.bad_step": "skip"}
    poison_id = -1
    clean = train(said(tmp_path, **knobs))
    text = TEXT[:1500] + f"{POISON * 40}\n" + TEXT[1500:]
    knobs["run.name"] = "poisoned"
    prepared, _ = session.prepared_text(said(tmp_path, text, **knobs).config, tmp_path / "runs", Quiet())
    [poison_id] = set(prepared.tokenizer.encode(POISON))
    run = train(said(tmp_path, text, **knobs))
    assert len(events(run)) == seen > 0
    assert all_saved_is_finite(run)
    ours, theirs = run.evaluation(), clean.evaluation()
    assert ours is not None and theirs is not None
    assert ours.metrics["loss"] < theirs.metrics["loss"] + 0.15


@pytest.mark.parametrize("arch", ["gru", "transformer"])
def test_a_rollback_goes_on_at_half_the_rate_and_the_log_tells_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poisoned: dict[int, float], arch: str
) -> None:
    rates = {"model.arch": arch, "train.bad_step": "rollback", "train.schedule": "constant", "train.lr": 0.01}
    heal(monkeypatch, poisoned, {9: math.nan, 15: math.nan})
    run = train(said(tmp_path, **rates))
    told = events(run)
    assert [(one["action"], one["step"], one["to_step"]) for one in told] == [("rollback", 9, 6), ("rollback", 15, 12)]
    lines = {line["step"]: line for line in run.log.read()}
    assert all(len(point) > 1 for point in run.report().curve)
    assert lines[5]["train/lr"] == 0.01 and lines[10]["train/lr"] == 0.005 and lines[15]["train/lr"] == 0.0025
    assert lines[7]["events"] == told[:1]
    assert all_saved_is_finite(run)
    assert any("went back 2 times" in limit for limit in run.info["limits"])


def heal(monkeypatch: pytest.MonkeyPatch, poisoned: dict[int, float], at_first: dict[int, float]) -> None:
    """Each fault is there until a rollback for it has been made: depends on the rate alone, as a real one might."""
    honest = session.Session.run_stretch

    def run_stretch(self: Any, *given: Any) -> int:
        poisoned.clear()
        poisoned.update(dict(list(at_first.items())[self.n_rollbacks :]))
        return honest(self, *given)

    monkeypatch.setattr(session.Session, "run_stretch", run_stretch)


def test_a_run_that_was_stopped_and_rolled_back_ends_like_one_that_was_only_rolled_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poisoned: dict[int, float]
) -> None:
    heal(monkeypatch, poisoned, {9: math.nan, 15: math.nan})
    knobs = {"train.bad_step": "rollback", "run.name": "unbroken"}
    unbroken = train(said(tmp_path, **knobs))

    honest = session.Session.after
    stops = [7, 8, 11, 13, 14, 16]

    def after(self: Any, update: Any, plan: Any, pace: Any, stop: Any) -> bool:
        if stops and update.step == stops[0]:
            stops.pop(0)
            stop.signal_number = 15
        return honest(self, update, plan, pace, stop)

    monkeypatch.setattr(session.Session, "after", after)
    for _ in range(20):
        try:
            broken = train(said(tmp_path, **knobs | {"run.name": "broken"}))
            break
        except Interrupted:
            continue
    assert not stops
    assert equal(weights(unbroken), weights(broken))
    assert events(unbroken) == events(broken)


def test_a_rollback_before_the_first_checkpoint_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poisoned: dict[int, float]
) -> None:
    heal(monkeypatch, poisoned, {3: math.nan})
    run = train(said(tmp_path, **{"train.bad_step": "rollback"}))
    [told] = events(run)
    assert told["to_step"] == 0 and run.step == 24


def test_rollbacks_that_heal_nothing_end(tmp_path: Path, poisoned: dict[int, float]) -> None:
    poisoned[9] = math.nan
    with pytest.raises(Diverged, match="step 9"):
        train(said(tmp_path, **{"train.bad_step": "rollback"}))
    run = geese(tmp_path)
    assert [event["action"] for event in events(run)] == ["rollback"] * 5 + ["stop"]
    assert all_saved_is_finite(run)


def test_a_loss_that_jumps_is_a_fault_and_one_that_wavers_is_none(tmp_path: Path, poisoned: dict[int, float]) -> None:
    poisoned[50] = 3.0
    knobs = {"train.steps": 60, "train.bad_step": "skip", "train.eval_every": 20}
    run = train(said(tmp_path, **knobs))
    [told] = events(run)
    assert told["step"] == 50 and "jumped" in told["why"]
    untold = train(said(tmp_path, **knobs, **{"train.spike": None, "run.name": "untold"}))
    assert events(untold) == []
    with pytest.raises(Diverged, match="step 50: the loss jumped"):
        train(said(tmp_path, **knobs | {"train.bad_step": "stop", "run.name": "stops"}))


def test_the_watch_by_hand() -> None:
    watch = LossWatch(spike=3.0)
    for n in range(N_RECENT):
        assert watch.fault(LossSum(1e9 if n < 31 else 0.0, 1), 1.0) is None  # too few to judge by
        watch.made(LossSum(2.0 + (n % 2), 1))  # mean 2.5, deviation 0.5: 4 is three deviations off
    assert watch.fault(LossSum(3.999, 1), 1.0) is None
    assert watch.fault(LossSum(4.001, 1), 1.0) is not None
    assert watch.fault(LossSum(0.1, 1), 1.0) is None  # lower is no fault
    assert watch.fault(LossSum(2.5, 1), math.inf) == "the gradient is not finite"
    flat = LossWatch(spike=3.0)
    for _ in range(N_RECENT):
        flat.made(LossSum(2.0, 1))
    assert flat.fault(LossSum(2.4, 1), 1.0) is None and flat.fault(LossSum(2.6, 1), 1.0) is not None
    learnt = LossWatch(spike=3.0)
    for _ in range(N_RECENT):
        learnt.made(LossSum(1e-10, 1))
    assert learnt.fault(LossSum(0.09, 1), 1.0) is None, "what is known by heart wavers in its last digits"
    assert learnt.fault(LossSum(0.11, 1), 1.0) is not None


def test_weights_that_are_spoilt_end_a_run_that_skips(tmp_path: Path) -> None:
    knobs = {"train.bad_step": "skip", "train.optimizer": "sgd", "train.lr": 1e38, "train.warmup_steps": 0}
    with pytest.raises(Diverged, match="not finite"):
        train(said(tmp_path, **knobs, **{"train.eval_every": 24, "train.save_every": 1, "train.max_grad_norm": None}))
    folders = checkpoints_of(geese(tmp_path).checkpoints)
    assert not folders or all_saved_is_finite(geese(tmp_path))
