"""How sure a number is: percentile bootstrap over examples. Room: metrics/.

Examples (documents, or contiguous blocks of one) are drawn with replacement, as many as there are; each draw's sums
give the statistic anew, as a sum over a sum. Efron & Tibshirani 1993, chapters 13 and 16. Seeded, vectorised.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from textmill.metrics.language import ExampleScore

Floats = npt.NDArray[np.float64]
DRAWN_TOGETHER = 4_000_000  # draws held in memory at once


@dataclass(frozen=True)
class Difference:
    """Of two scores: ours minus theirs, and (low, high) of it over texts that are drawn together."""

    value: float
    interval: tuple[float, float] | None


def intervals(
    scores: Sequence[ExampleScore], resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """(low, high) of loss, perplexity, bpb and bpc; {} where fewer than 2 examples were scored.

    A draw in which a ratio is over nothing (documents without a byte) does not count for that ratio.
    """
    scored = [score for score in scores if score.n_tokens]
    if len(scored) < 2:
        return {}
    table = np.array([(s.nats, s.n_tokens, s.n_bytes, s.n_chars) for s in scored], dtype=np.float64)
    nats, n_tokens, n_bytes, n_chars = resampled_sums(table, resamples, seed).T
    ratios = {"loss": (nats, n_tokens), "bpb": (nats / math.log(2), n_bytes), "bpc": (nats / math.log(2), n_chars)}
    found: dict[str, tuple[float, float]] = {}
    for name, (above, below) in ratios.items():
        interval = middle(above, below, confidence)
        if interval is None:
            continue
        found[name] = interval
        if name == "loss":  # exp is monotone: the interval of the loss is that of the perplexity
            low, high = (math.exp(min(end, 700.0)) for end in interval)
            found["perplexity"] = (low, high)
    return found


def difference_interval(
    ours: Sequence[ExampleScore],
    theirs: Sequence[ExampleScore],
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float] | None:
    """(low, high) of bpb(ours) − bpb(theirs) over the same examples, drawn together; None where there are fewer than 2.

    Paired: what is hard in the text is hard for both and cancels. Raises ValueError where the examples differ.
    """
    if [(s.source, s.n_bytes) for s in ours] != [(s.source, s.n_bytes) for s in theirs]:
        raise ValueError("a paired difference needs the same examples on both sides")
    if len(ours) < 2:
        return None
    pairs = zip(ours, theirs, strict=True)
    table = np.array([(a.nats - b.nats, a.n_bytes) for a, b in pairs], dtype=np.float64)
    nats, n_bytes = resampled_sums(table, resamples, seed).T
    return middle(nats / math.log(2), n_bytes, confidence)


def difference_of_ratios(
    table: Floats, resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """(low, high) of Σa/Σb − Σc/Σd, the rows (a, b, c, d) of `table` (N, 4) drawn together; None below 2 rows, and
    where every draw has a ratio over nothing.
    """
    if len(table) < 2:
        return None
    a, b, c, d = resampled_sums(table, resamples, seed).T
    there = (b > 0) & (d > 0)
    return middle(a[there] / b[there] - c[there] / d[there], np.ones(int(there.sum())), confidence)


def resampled_sums(table: Any, resamples: int, seed: int) -> Floats:
    """Column sums (resamples, C) of `table` (N, C), its rows drawn N times with replacement for each.

    A pure function of (N, resamples, seed): two tables of the same texts are drawn alike. `table` may be sparse.
    """
    return np.concatenate([counts @ table for counts in _draws(table.shape[0], resamples, np.random.default_rng(seed))])


def _draws(n: int, resamples: int, generator: np.random.Generator) -> Iterator[Floats]:
    """How often each of n examples was drawn, (M, n) at a time; M in all are `resamples`."""
    together = max(1, DRAWN_TOGETHER // n)
    for start in range(0, resamples, together):
        m = min(together, resamples - start)
        drawn = generator.integers(n, size=(m, n)) + np.arange(m)[:, None] * n
        yield np.bincount(drawn.reshape(-1), minlength=m * n).reshape(m, n).astype(np.float64)


def middle(above: Floats, below: Floats, confidence: float) -> tuple[float, float] | None:
    """The middle share of above / below, where below is not 0; None where it always is."""
    there = below > 0
    if not there.any():
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(above[there] / below[there], [tail, 1 - tail])
    return float(low), float(high)
