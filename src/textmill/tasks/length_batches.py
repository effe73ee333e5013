"""Which texts or pairs are read together: a pure function of (seed, step). Room: tasks/. Used by training, as a
sampler, where an example is a row of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from textmill.config import Config
from textmill.errors import ConfigError, TooLittleText

POOL = 64  # batches whose examples are sorted by length together: like lengths meet, and the order stays random


class Sized(Protocol):
    """Rows for training whose examples are of unlike size."""

    sizes: list[int]
    seq_len: int


def sampler_by_length(rows: Sized, config: Config, one: str, several: str, alone: bool = False) -> LengthSampler:
    """Batches of at most train.batch × seq_len places. one, several: what the examples are called. alone: one that is
    larger is a batch of its own. Raises ConfigError for another order than shuffle."""
    train = config.train
    if train.batch is None:
        raise AssertionError("training.defaults decides the batch first")
    if train.order != "shuffle":
        raise ConfigError(
            f"train.order is {train.order}, and {one} does not go on from the one before it",
            hint=f"Leave it out: {several} are read in shuffled order.",
        )
    most = train.batch * rows.seq_len
    sizes = [min(size, most) for size in rows.sizes] if alone else rows.sizes
    return LengthSampler(sizes, most, train.accumulate, config.run.seed)


class LengthSampler:
    """Batches of at most `tokens` places, examples of like length together, `accumulate` of them a step.

    Places are examples times the longest of them, padding counted, so that memory is bounded. Each comes once an
    epoch; epochs follow each other without a break, so that a step may hold batches of two.
    """

    def __init__(self, sizes: Sequence[int], tokens: int, accumulate: int, seed: int):
        """sizes: places of each example; of a pair, those of its longer side. Raises ConfigError where one alone is
        larger than a batch, TooLittleText without any."""
        if not sizes:
            raise TooLittleText(
                "there is nothing to train on that is short enough", hint="Say a longer --model.seq_len."
            )
        if max(sizes) > tokens:
            raise ConfigError(
                f"a batch holds {tokens} tokens, and an example alone has {max(sizes)}",
                hint="Take larger batches, or leave it out.",
            )
        self.sizes, self.tokens, self.accumulate, self.seed = list(sizes), tokens, accumulate, seed
        self._firsts = [0]  # number of the batch with which each epoch begins
        self._epoch, self._batches = -1, list[list[int]]()

    @property
    def steps_per_epoch(self) -> int:
        """Updates that read every example once, the last one perhaps some of them again."""
        return -(-len(self.batches(0)) // self.accumulate)

    def rows(self, step: int) -> list[list[int]]:
        """Numbers of the examples of update `step`, a list a micro-batch."""
        first = step * self.accumulate
        return [self.numbers(number) for number in range(first, first + self.accumulate)]

    def lanes(self, step: int) -> list[list[int]]:
        """Places alone: no example goes on from another."""
        return [list(range(len(numbers))) for numbers in self.rows(step)]

    def new_epoch(self, step: int) -> bool:
        """Every example starts anew."""
        return True

    def numbers(self, batch: int) -> list[int]:
        """Numbers of the examples of a batch, batches counted through all epochs."""
        while self._firsts[-1] <= batch:
            self._firsts.append(self._firsts[-1] + len(self.batches(len(self._firsts) - 1)))
        epoch = int(np.searchsorted(self._firsts, batch, side="right")) - 1
        return self.batches(epoch)[batch - self._firsts[epoch]]

    def batches(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch, in order."""
        if epoch != self._epoch:
            generator = np.random.default_rng((self.seed, epoch))
            order = generator.permutation(len(self.sizes)).tolist()
            mean = max(1, sum(self.sizes) // len(self.sizes))
            pool = max(1, POOL * self.tokens // mean)
            batches: list[list[int]] = []
            for start in range(0, len(order), pool):
                batches += self.cut(sorted(order[start : start + pool], key=self.sizes.__getitem__))
            self._batches = [batches[number] for number in generator.permutation(len(batches))]
            self._epoch = epoch
        return self._batches

    def cut(self, numbers: Sequence[int]) -> Iterator[list[int]]:
        """Examples, sorted by length, into batches as full as they may be."""
        held: list[int] = []
        for number in numbers:
            if held and (len(held) + 1) * self.sizes[number] > self.tokens:
                yield held
                held = []
            held.append(number)
        if held:
            yield held
