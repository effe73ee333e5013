"""Which rows an update reads, as batches on the device. Room: training/. Used by session and calibration."""

from __future__ import annotations

from collections.abc import Callable

from textmill.config import Config
from textmill.models import Network
from textmill.tasks import Rows, Task
from textmill.training.updates import Lanes, MicroBatches


def batches_of(task: Task, rows: Rows, config: Config, model: Network, device: str) -> Callable[[int], MicroBatches]:
    """step -> its micro-batches, each with how it goes on from the one before."""
    sampler = task.sampler(rows, config)
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
