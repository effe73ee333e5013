"""A key -> random numbers that are the same on every machine. Room: text/ (worlds); used by every world.

Item i of a world is drawn from (world, seed, i) alone, so it does not depend on how many are asked for, on the order in
which they are asked for, or on Python's hash seed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draws(Random):
    """Random numbers that use `random()` alone: the one method whose sequence Python promises to keep."""

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1, each equally likely."""
        return int(self.random() * n)

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, each equally likely."""
        return choices[int(self.random() * len(choices))]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random() < probability

    def some(self, choices: Sequence[T], n: int) -> list[T]:
        """n different ones of the choices, in random order."""
        rest = list(choices)
        return [rest.pop(int(self.random() * len(rest))) for _ in range(n)]

    def length(self, mean: float) -> int:
        """A whole number from 1 up with this mean: geometric, so that each next step is the last equally often."""
        if mean <= 1:
            return 1
        return 1 + int(math.log(1.0 - self.random()) / math.log1p(-1.0 / mean))


def draws(*key: int | str) -> Draws:
    """The random numbers of a key.

    >>> draws("stories", 0, 7).below(10) == draws("stories", 0, 7).below(10)
    True
    """
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest()
    return Draws(int.from_bytes(digest, "big"))
