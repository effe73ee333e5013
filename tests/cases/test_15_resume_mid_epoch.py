"""Case 15: stopped in the middle of an epoch and taken up again."""

import json
import math
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from textmill.config.layers import load_config
from textmill.errors import ConfigError, Interrupted
from textmill.runs import Run
from textmill.runs.checkpoint import load_checkpoint
from textmill.tables import ARCHITECTURES
from textmill.tasks import task_of
from textmill.training import Progress, train

CASE = Path(__file__).parent / "15-resume-mid-epoch"
EXPECTED = json.loads((CASE / "expected.json").read_text())


class Watcher:
    """Notes what happens; asks for a stop at a step, if told to."""

    def __init__(self, stop_at: int | None = None):
        self.stop_at, self.rates, self.notices = stop_at, [], []  # type: ignore[var-annotated]

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def evaluated(self, progress: Progress) -> None:
        return

    def progress(self, progress: Progress) -> None:
        self.rates.append(progress.lr)
        if progress.step == self.stop_at:
            os.kill(os.getpid(), signal.SIGTERM)


def flags(into: Path, name: str, arch: str = "transformer", **more: Any) -> dict[str, Any]:
    return {
        "data.paths": (str(CASE / "docs.jsonl"),),
        "data.valid_share": 0.0,
        "data.test_share": 0.0,
        "tokens.kind": "bytes",
        "tokens.pack": False,
        "model.arch": arch,
        "model.n_layers": 1,
        "model.d_model": 16,
        "model.seq_len": 64,
        "model.dropout": 0.1,
        "train.batch": 4,
        "train.accumulate": 4,
        "train.epochs": 3,
        "train.order": "shuffle",
        "train.optimizer": "adamw",
        "train.lr": 0.001,
        "train.warmup_steps": 2,
        "train.schedule": "cosine",
        "train.lr_end": 0.1,
        "train.save_every": 1,
        "train.sample_tokens": 0,
        "train.log_every": 1,
        "machine.threads": 1,
        "run.dir": str(into),
        "run.name": name,
    } | more


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    saved = load_checkpoint(run.checkpoints / f"step-{EXPECTED['updates']:08d}")
    return saved.model | saved.optimizer


def test_every_epoch_uses_each_document_once_and_the_short_group_too(tmp_path: Path) -> None:
    run = train(load_config(flags(tmp_path, "whole", "gru")))
    prepared, task = run.prepared(), task_of(run.config)
    rows = task.rows(prepared.train, prepared.tokenizer, run.config)
    assert len(rows) == 23  # one window a document

    sampler = task_of(run.config).sampler(rows, run.config)
    steps = [sampler.rows(step) for step in range(EXPECTED["updates"])]
    assert run.step == EXPECTED["updates"]
    assert [sum(map(len, micros)) for micros in steps] == EXPECTED["documents_per_update"]
    assert sum(len(micros) for micros in steps[:2]) == EXPECTED["micro_batches_per_epoch"]
    epochs = [[row for micros in steps[e : e + 2] for micro in micros for row in micro] for e in (0, 2, 4)]
    assert all(sorted(epoch) == list(range(23)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    for micros in steps[:2]:
        for micro in micros:
            batch = task.collate(rows, micro)
            lengths = [prepared.train.document_bytes(row) + 1 for row in micro]  # bytes and the end mark
            assert batch.n_targets == sum(lengths)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_killed_after_update_3_and_resumed_it_is_the_unbroken_run(arch: str, tmp_path: Path) -> None:
    whole_watcher, first, second = Watcher(), Watcher(stop_at=3), Watcher()
    whole = train(load_config(flags(tmp_path, "whole", arch)), listener=whole_watcher)
    said = load_config(flags(tmp_path, "broken", arch))
    with pytest.raises(Interrupted) as interrupted:
        train(said, listener=first)
    assert interrupted.value.exit_code == 143
    broken = train(said, listener=second)

    assert whole_watcher.rates == pytest.approx(EXPECTED["learning_rate_of_update"], abs=1e-9)
    assert first.rates + second.rates == whole_watcher.rates
    mine, theirs = weights_of(broken), weights_of(whole)
    assert mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
    losses = [[line["train/loss"] for line in run.log.read()] for run in (broken, whole)]
    assert losses[0] == losses[1] and len(losses[0]) == 6 and all(map(math.isfinite, losses[0]))

    third = Watcher()
    train(said, listener=third)
    assert third.rates == []
    assert any("nothing to do" in notice for notice in third.notices)


def test_accumulating_more_than_there_is_still_updates_once_an_epoch(tmp_path: Path) -> None:
    more = {"train.accumulate": 100, "train.warmup_steps": 1}
    run = train(load_config(flags(tmp_path, "wide", "gru", **more)))
    assert run.step == 3
    prepared, task = run.prepared(), task_of(run.config)
    rows = task.rows(prepared.train, prepared.tokenizer, run.config)
    assert sum(map(len, task.sampler(rows, run.config).rows(0))) == 23


def test_a_warm_up_longer_than_the_run_is_told_before_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"warmup_steps \(100\) must be below steps \(6\)"):
        train(load_config(flags(tmp_path, "long", "gru", **{"train.warmup_steps": 100})))
    assert not (tmp_path / "long").exists()
