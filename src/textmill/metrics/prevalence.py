"""Counts of predicted classes -> shares of the true ones, corrected for a measured confusion. Room: metrics/.

A classifier that is right four times in five says 0.42 where 0.37 is true: errors of the many outnumber those of the
few. Where P(predicted | true) stays what it was on the labelled texts, the shares of predicted classes are q = π M, and
π is found back from q: adjusted classify-and-count (Forman 2008, 10.1007/s10618-008-0097-y). Where that leaves the
simplex, the likeliest π is taken (the EM of Saerens et al. 2002, 10.1162/089976602753284446, on predicted classes).

An interval counts both the texts of the period and the labelled texts that the confusion was measured on: both are
drawn from their posteriors (Dirichlet, 1/C a cell), the middle of what comes out is given. Seeded. It does not know of
a confusion that is another in the stream than on the labelled texts.
Letters: C classes, B draws. Rows of a confusion are true classes, its columns predicted ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt

from textmill.errors import InputError
from textmill.messages import Message, message

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WORST_CONDITION = 20.0
"""Of a confusion that is inverted: beyond, a day's noise grows more than twentyfold in the corrected shares."""
TRUSTED = 0.95
"""Share of the draws of a confusion that must be invertible."""
EM_STEPS = 500


@dataclass(frozen=True)
class Shares:
    """Shares of the classes (C,), and (low, high) of each (C, 2)."""

    values: Floats
    intervals: Floats


@dataclass(frozen=True)
class Period:
    """One period of a stream. start: its first moment; n: its texts; counts: of predicted classes (C,).

    shares: corrected, with intervals; None where it has no text or the confusion cannot be inverted.
    """

    start: datetime
    n: int
    counts: Ints
    shares: Shares | None


class Correction:
    """A confusion that was counted on labelled texts, ready to correct shares by."""

    def __init__(
        self,
        confusion: npt.ArrayLike,
        classes: Sequence[str],
        confidence: float = 0.95,
        draws: int = 1000,
        seed: int = 0,
    ):
        """confusion: counts (C, C) of labelled texts, true classes down. Raises InputError for another shape."""
        self.counts = np.asarray(confusion, dtype=np.float64)
        self.classes = tuple(classes)
        n = len(self.classes)
        if n < 2 or self.counts.shape != (n, n) or (self.counts < 0).any() or not np.isfinite(self.counts).all():
            raise InputError(
                f"a confusion of {n} classes is {n} rows of {n} counts, of at least 2 classes: this is of shape "
                f"{self.counts.shape}"
            )
        self.confidence, self.n_draws, self.seed = confidence, draws, seed

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @cached_property
    def rates(self) -> Floats:
        """P(predicted | true) as counted (C, C); a class without a labelled text has a row of 0."""
        totals = self.counts.sum(axis=1, keepdims=True)
        rates: Floats = np.divide(self.counts, totals, out=np.zeros_like(self.counts), where=totals > 0)
        return rates

    @cached_property
    def condition(self) -> float:
        """Condition number of the rates: by how much noise may grow; inf where they cannot be inverted."""
        return float(np.linalg.cond(self.rates))

    @cached_property
    def drawn_rates(self) -> Floats:
        """Rates that the labelled texts allow (B, C, C)."""
        weights = np.random.default_rng([self.seed, 1]).standard_gamma(
            self.counts + 1 / self.n_classes, size=(self.n_draws, self.n_classes, self.n_classes)
        )
        return np.asarray(weights / weights.sum(axis=2, keepdims=True))

    @cached_property
    def why_not(self) -> Message | None:
        """Why no share is corrected by this confusion; None where it can be."""
        lacking = [name for name, n in zip(self.classes, self.counts.sum(axis=1), strict=True) if not n]
        if lacking:
            return message(
                "Shares are not corrected: no labelled text of class '%(name)s' was measured.", name=lacking[0]
            )
        if not self.condition <= WORST_CONDITION:
            return message(
                "Shares are not corrected: the measured confusion cannot be inverted (its condition number is "
                "%(condition)s, at most %(most)s would do).",
                condition=f"{self.condition:.3g}",
                most=f"{WORST_CONDITION:g}",
            )
        same_way = np.sign(np.linalg.det(self.drawn_rates)) == np.sign(np.linalg.det(self.rates))
        invertible = same_way & (np.linalg.cond(self.drawn_rates) <= WORST_CONDITION)
        if invertible.mean() < TRUSTED:
            return message(
                "Shares are not corrected: %(n)s labelled texts are too few to tell whether the confusion can be "
                "inverted.",
                n=f"{self.counts.sum():,.0f}",
            )
        return None

    def shares(self, counts: npt.ArrayLike) -> Shares:
        """The true shares behind counts of predicted classes (C,). Raises InputError where why_not says why."""
        counts = self._checked(counts)
        values = self._solved(counts / counts.sum(), self.rates[None])[0]
        return Shares(values, self._middle(self._solved(self._drawn(counts, 2), self.drawn_rates), values))

    def difference(self, before: npt.ArrayLike, after: npt.ArrayLike) -> Shares:
        """True shares of one batch minus those of an earlier one, under the same confusion. Raises as shares.

        before, after: counts of predicted classes (C,); where days vary more than chance, in texts that would vary as
        much by chance alone.
        """
        before, after = self._checked(before), self._checked(after)
        earlier = self._solved(before / before.sum(), self.rates[None])[0]
        later = self._solved(after / after.sum(), self.rates[None])[0]
        drawn = self._solved(self._drawn(after, 3), self.drawn_rates) - self._solved(
            self._drawn(before, 2), self.drawn_rates
        )
        return Shares(later - earlier, self._middle(drawn, later - earlier))

    def _checked(self, counts: npt.ArrayLike) -> Floats:
        counts = np.asarray(counts, dtype=np.float64)
        if self.why_not is not None:
            raise InputError(str(self.why_not))
        if counts.shape != (self.n_classes,) or (counts < 0).any() or not counts.sum() > 0:
            raise InputError(f"shares are of counts of {self.n_classes} classes, of at least one text: not of {counts}")
        return counts

    def _drawn(self, counts: Floats, stream: int) -> Floats:
        """Shares of predicted classes that the counts allow (B, C)."""
        generator = np.random.default_rng([self.seed, stream])
        weights = generator.standard_gamma(counts + 1 / self.n_classes, size=(self.n_draws, self.n_classes))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def _solved(self, predicted: Floats, rates: Floats) -> Floats:
        """Shares π (B, C) with π M = q, for each of q (B, C) or (C,) and M (B, C, C); the likeliest in the simplex."""
        predicted = np.broadcast_to(predicted, (len(rates), self.n_classes))
        solved = np.linalg.solve(np.swapaxes(rates, 1, 2), predicted[:, :, None])[:, :, 0]
        outside = (solved < 0).any(axis=1)
        if self.n_classes == 2:
            solved = np.clip(solved, 0, 1)
        elif outside.any():
            solved[outside] = likeliest(predicted[outside], rates[outside])
        return np.asarray(solved / solved.sum(axis=1, keepdims=True))

    def _middle(self, drawn: Floats, values: Floats) -> Floats:
        """(low, high) of each class (C, 2), the value itself within."""
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
        return np.stack([np.minimum(low, values), np.maximum(high, values)], axis=1)


def as_predicted(classes: Sequence[str], confidence: float = 0.95, seed: int = 0) -> Correction:
    """A confusion that changes nothing and is known: shares stay those of the predicted classes."""
    return Correction(np.eye(len(classes)) * 1e12, classes, confidence, seed=seed)


def likeliest(predicted: Floats, rates: Floats) -> Floats:
    """The shares (B, C) under which shares of predicted classes (B, C) are likeliest, by EM; rates (B, C, C)."""
    shares = np.full_like(predicted, 1 / predicted.shape[1])
    for _ in range(EM_STEPS):
        expected = np.einsum("bi,bij->bj", shares, rates)
        ratio = np.divide(predicted, expected, out=np.zeros_like(predicted), where=expected > 0)
        updated = shares * np.einsum("bij,bj->bi", rates, ratio)
        if np.abs(updated - shares).max() < 1e-9:
            return np.asarray(updated)
        shares = updated
    return shares


def periods_of(starts: Sequence[datetime], counts: npt.ArrayLike, correction: Correction | None) -> list[Period]:
    """The periods of a stream, with corrected shares where there are texts and the confusion allows it.

    counts: of predicted classes (T, C), a row for each start.
    """
    table = np.asarray(counts, dtype=np.int64)
    corrects = correction is not None and correction.why_not is None
    return [
        Period(start, int(row.sum()), row, correction.shares(row) if corrects and correction and row.sum() else None)
        for start, row in zip(starts, table, strict=True)
    ]
