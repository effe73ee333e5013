"""Lengths of documents -> a few numbers and a histogram. Room: text/. Used by splits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from textmill.results import LengthBin, Lengths

MOST_LINEAR = 13
"""Bins of equal width, at most."""


def lengths_of(n_characters: ArrayLike) -> Lengths | None:
    """Of documents with so many characters each; None without any."""
    sizes = np.asarray(n_characters, dtype=np.int64)
    if not len(sizes):
        return None
    low, median, most, high = map(int, np.quantile(sizes, (0, 0.5, 0.9, 1), method="inverted_cdf"))
    edges = edges_for(low, high)
    counts, _ = np.histogram(sizes, edges)
    bins = [
        LengthBin(least=least, most=above - 1, n=int(n))
        for (least, above), n in zip(pairwise(edges), counts, strict=True)
    ]
    return Lengths(shortest=low, median=median, nine_in_ten=most, longest=high, bins=bins)


def edges_for(low: int, high: int) -> list[int]:
    """Round numbers that low..high lies between: equally far apart where high is below ten times low, else 1, 2, 5, 10,
    20, 50 ..., since lengths of documents mostly differ by factors. The last lies above high.

    >>> edges_for(12, 18), edges_for(3, 60), edges_for(7, 7)
    ([12, 13, 14, 15, 16, 17, 18, 19], [2, 5, 10, 20, 50, 100], [7, 8])
    """
    if high < 10 * max(1, low):
        width = next(size for size in _round_numbers() if size * (MOST_LINEAR - 1) > high - low)
        first = low // width * width
        return list(range(first, high + width + 1 - (high - first) % width, width))
    edges = [0]
    for size in _round_numbers():
        edges = [size] if size <= low else [*edges, size]
        if size > high:
            break
    return edges


def _round_numbers() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50, ..."""
    size = 1
    while True:
        yield from (size, 2 * size, 5 * size)
        size *= 10
