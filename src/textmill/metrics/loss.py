"""A loss is a sum in nats over counted targets; the mean is taken once, at the end. Room: metrics/.

Used by tasks (training and measuring) and evaluation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from textmill.errors import NothingScored


@dataclass(frozen=True)
class LossSum:
    """Nats summed over `count` target tokens. `total` is a float, or a 0-d tensor while gradients are needed.

    >>> (LossSum(3.0, 1) + LossSum(9.0, 15)).mean
    0.75
    """

    total: Any = 0.0
    count: int = 0

    def __add__(self, other: LossSum) -> LossSum:
        return LossSum(self.total + other.total, self.count + other.count)

    def detach(self) -> LossSum:
        """The same sum as a plain float: no graph is kept alive."""
        total = self.total.detach() if hasattr(self.total, "detach") else self.total
        return LossSum(float(total), self.count)

    @property
    def mean(self) -> float:
        """Nats per target. Raises NothingScored over no targets."""
        if not self.count:
            raise NothingScored("no token was scored: there is no mean over nothing")
        return float(self.total) / self.count


def perplexity(loss: LossSum) -> float:
    """exp(nats per token): compare it only between models that share a tokenizer. inf where the loss is too large."""
    mean = loss.mean
    return math.exp(mean) if mean < 700 else math.inf


def bits_per_byte(loss: LossSum, n_bytes: int) -> float:
    """Bits the model spends on a byte of text: comparable between tokenizers, lower is better.

    loss: nats, summed over the scored tokens. n_bytes: UTF-8 bytes of the same tokens.
    Raises NothingScored if n_bytes is 0. Source: Gao et al. 2020, arXiv:2101.00027.

    >>> bits_per_byte(LossSum(total=6 * math.log(2), count=2), n_bytes=3)
    2.0
    """
    if not n_bytes:
        raise NothingScored("no byte was scored: there are no bits per byte of nothing")
    return float(loss.total) / math.log(2) / n_bytes


def bits_per_character(loss: LossSum, n_chars: int) -> float:
    """Bits the model spends on a code point of text. loss: nats, summed over the scored tokens of the same text.

    Raises NothingScored if n_chars is 0.

    >>> bits_per_character(LossSum(total=6 * math.log(2), count=2), n_chars=2)
    3.0
    """
    if not n_chars:
        raise NothingScored("no character was scored: there are no bits per character of nothing")
    return float(loss.total) / math.log(2) / n_chars
