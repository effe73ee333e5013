"""Which rows an update reads: a pure function of (seed, step). Room: tokens/. Used by training.

    shuffle   every epoch a new permutation of the rows; its last micro-batch and its last update may be short
    stream    batch × accumulate lanes, each a stretch of rows that follow each other in the text: step n reads the
              n-th row of every lane, so that a recurrent state can be carried on

No state is kept: a resumed run asks for its step. The global order does not depend on the number of processes.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from textmill.errors import ConfigError, TooLittleText

Order = Literal["shuffle", "stream"]


class Sampler:
    """Row numbers of each update, in micro-batches of at most `batch`; every row exactly once an epoch.

    rank, world: this process reads its part of every micro-batch, which may be empty; a lane stays with one process.

    >>> sampler = Sampler(n_rows=23, batch=4, accumulate=4, seed=1, order="shuffle")
    >>> [[len(micro) for micro in sampler.rows(step)] for step in range(sampler.steps_per_epoch)]
    [[4, 4, 4, 4], [4, 3]]
    """

    def __init__(
        self,
        n_rows: int,
        batch: int,
        accumulate: int,
        seed: int,
        order: Order,
        rank: int = 0,
        world: int = 1,
    ):
        """Raises TooLittleText for no rows, ConfigError for a batch, accumulate or order that is none."""
        if n_rows < 1:
            raise TooLittleText("there is no row to train on: 0 targets, 1 is the least")
        if batch < 1 or accumulate < 1:
            raise ConfigError(f"batch {batch} and accumulate {accumulate} must be at least 1")
        if order not in get_args(Order):
            raise ConfigError(f"there is no order {order!r} (there are: {', '.join(get_args(Order))})")
        if not 0 <= rank < world:
            raise ConfigError(f"rank {rank} is not one of {world}")
        self.n_rows, self.batch, self.accumulate = n_rows, batch, accumulate
        self.seed, self.order, self.rank, self.world = seed, order, rank, world
        self.rows_per_step = batch * accumulate
        self._cached: tuple[int, NDArray[np.int64]] | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Updates that read every row once."""
        return -(-self.n_rows // self.rows_per_step)

    def rows(self, step: int) -> list[list[int]]:
        """Row numbers of update `step` (counted from 0), a list for each micro-batch that has rows in any process."""
        epoch, step_of_epoch = divmod(step, self.steps_per_epoch)
        if self.order == "stream":
            return self._in_micro_batches(self._lane_starts(step) + step_of_epoch)
        start = step_of_epoch * self.rows_per_step
        return self._in_micro_batches(self._permutation(epoch)[start : start + self.rows_per_step])

    def lanes(self, step: int) -> list[list[int]]:
        """The lane of each row of rows(step): lane l stands in micro-batch l // batch, at place l % batch.

        In stream order a row continues the row before it in its lane (not at the first step of an epoch). The lanes
        left at the end of an epoch are the first ones. In shuffle order a lane is only a place.
        """
        n_rows = sum(len(micro) for micro in self._whole(step))
        return self._in_micro_batches(np.arange(n_rows))

    def new_epoch(self, step: int) -> bool:
        """Update `step` is the first of an epoch: carried states start anew."""
        return step % self.steps_per_epoch == 0

    def _whole(self, step: int) -> list[list[int]]:
        return Sampler(self.n_rows, self.batch, self.accumulate, self.seed, self.order).rows(step)

    def _lane_starts(self, step: int) -> NDArray[np.int64]:
        """First row of every lane that has a row at this step: the longer lanes come first, by one row."""
        step_of_epoch = step % self.steps_per_epoch
        shorter, n_longer = divmod(self.n_rows, self.rows_per_step)
        lanes = np.arange(self.rows_per_step if step_of_epoch < shorter else n_longer)
        return lanes * shorter + np.minimum(lanes, n_longer)

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        """The epoch's order: rows sorted by random 64-bit keys.

        From the raw bits of a seeded Philox generator, which numpy keeps equal in all versions and on all machines; its
        Generator.permutation is not promised to stay (NEP 19). The order of one epoch is kept: 8 bytes a row.
        """
        if self._cached is None or self._cached[0] != epoch:
            generator = np.random.Philox(np.random.SeedSequence([self.seed, epoch]))
            self._cached = (epoch, np.argsort(generator.random_raw(self.n_rows), kind="stable"))
        return self._cached[1]

    def _in_micro_batches(self, of_step: NDArray[np.int64]) -> list[list[int]]:
        """Cut one update's rows into micro-batches, and take this process's places of each."""
        mine = slice(self.batch * self.rank // self.world, self.batch * (self.rank + 1) // self.world)
        return [of_step[i : i + self.batch][mine].tolist() for i in range(0, len(of_step), self.batch)]
