"""The model as it is before its first step. Room: training/. Called by the session, calibration and the loss doctor."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textmill.config import Config
from textmill.models import Network, build_model
from textmill.models.adapters import tune
from textmill.runs import Prepared
from textmill.tasks import task_of
from textmill.training.starting import put_start

COUNTED_TOGETHER = 4096  # documents


def new_model(
    config: Config, prepared: Prepared, device: str, start: Path | None = None, begun: Collection[str] = ()
) -> Network:
    """With its first weights, and told what stands in the training text. start: the file of those that it begins with;
    begun: their names, where the file is not there yet. Raises ConfigError, Damaged."""
    task, tokenizer = task_of(config), prepared.tokenizer
    model: Network = build_model(
        config.model,
        tokenizer.vocab_size,
        task.form,
        task.heads_of(prepared.train),
        seed=config.run.seed,
        device=device,
        source_vocab_size=tokenizer.source_vocab_size,
    )
    model.order_by(lambda: counts_written(prepared, task.written(prepared.train)))
    if start is not None:
        begun = put_start(model, start)
    tune(model, config.train, config.run.seed, begun)
    if config.train.recompute:
        model.recompute_layers()
    return model


def counts_written(prepared: Prepared, numbers: range) -> NDArray[np.int64]:
    """How often each id is to be written in the training text (V,), the mark after each document included."""
    store, tokenizer = prepared.train, prepared.tokenizer
    if len(numbers) == store.n_documents:
        return store.counts()
    counts = np.zeros(tokenizer.vocab_size, dtype=np.int64)
    for start in range(0, len(numbers), COUNTED_TOGETHER):
        documents = [store.document(number) for number in numbers[start : start + COUNTED_TOGETHER]]
        counts += np.bincount(np.concatenate(documents), minlength=tokenizer.vocab_size)
    counts[tokenizer.mark] += len(numbers)
    return counts
