"""Which rows an update reads, as batches on the device. Room: training/. Used by session and calibration."""

from __future__ import annotations

from collections.abc import Callable

from textmill.config import Config
from textmill.models import LanguageModel
from textmill.tasks import Rows, Task
from textmill.tokens import Sampler
from textmill.training.updates import Lanes, MicroBatches


def sampler_of(config: Config, n_rows: int) -> Sampler:
    train = config.train
    if train.batch is None or train.order is None:
        raise AssertionError("training.defaults decides batch and order first")
    return Sampler(n_rows, train.batch, train.accumulate, config.run.seed, train.order)


def batches_of(
    task: Task, rows: Rows, config: Config, model: LanguageModel, device: str
) -> Callable[[int], MicroBatches]:
    """step -> its micro-batches, each with how it goes on from the one before."""
    sampler = sampler_of(config, len(rows))
    in_stream = config.train.order == "stream"
    kept = in_stream and model.max_context is None  # a bounded context cannot be carried on without end

    def at(step: int) -> MicroBatches:
        numbers = sampler.rows(step)
        lanes: list[Lanes] = [Lanes(kept=kept)] * len(numbers)
        if kept and not sampler.new_epoch(step):
            now, before = sampler.lanes(step), sampler.lanes(step - 1)
            lanes = [Lanes([old.index(lane) for lane in new], kept) for new, old in zip(now, before, strict=False)]
        return [(task.collate(rows, indices).to(device), lane) for indices, lane in zip(numbers, lanes, strict=True)]

    return at
