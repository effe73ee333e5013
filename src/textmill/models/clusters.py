"""How an adaptive softmax divides a vocabulary: pure numbers, no torch. Room: models/. Used by heads.py and cost.py."""

from __future__ import annotations

from dataclasses import dataclass

from textmill.errors import ConfigError

FREQUENT_SHARE, MIDDLE_SHARE = 1 / 16, 1 / 4
"""Of the vocabulary: frequent tokens, and where the last cluster begins."""
NARROWING = 4
"""Each cluster has so many times fewer dimensions than what comes before it."""
LEAST_VOCABULARY = 4


@dataclass(frozen=True)
class Clusters:
    """Ranks by frequency: [0, n_frequent) stand alone, [start, end) of each cluster together, in `width` dimensions."""

    n_frequent: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    widths: tuple[int, ...]
    d_model: int

    @property
    def n_first(self) -> int:
        """What the first softmax tells apart: frequent tokens, and clusters."""
        return self.n_frequent + len(self.starts)

    @property
    def n_matrix_numbers(self) -> int:
        """Of all matrices together."""
        sizes = zip(self.starts, self.ends, self.widths, strict=True)
        return self.n_first * self.d_model + sum(width * (self.d_model + end - start) for start, end, width in sizes)


def clusters_of(vocab_size: int, d_model: int) -> Clusters:
    """A sixteenth of the vocabulary stands alone, up to a quarter is one cluster, the rest another.

    Raises ConfigError for a vocabulary that cannot be divided.

    >>> clusters_of(50_000, 512)
    Clusters(n_frequent=3125, starts=(3125, 12500), ends=(12500, 50000), widths=(128, 32), d_model=512)
    """
    if vocab_size < LEAST_VOCABULARY:
        raise ConfigError(
            f"model.softmax adaptive divides a vocabulary of {LEAST_VOCABULARY} tokens or more, not of {vocab_size}",
            hint="Say --softmax full.",
        )
    first = max(1, int(vocab_size * FREQUENT_SHARE))
    second = max(first + 1, int(vocab_size * MIDDLE_SHARE))
    widths = tuple(max(1, d_model // NARROWING**power) for power in (1, 2))
    return Clusters(first, (first, second), (second, vocab_size), widths, d_model)
