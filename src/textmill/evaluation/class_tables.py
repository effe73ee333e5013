"""A classifier's answers beside the right ones -> the tables that are shown of them. Room: evaluation/.

Confusion, each class, how sure and how often right, what not answering would do, what looks unlike training. Called by
labels.py, which has the single numbers.
Shapes: N texts, C classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from textmill.messages import Message, message
from textmill.metrics.calibration import answered_above, noise_floor, reliability, risk_coverage, share_interval
from textmill.metrics.classification import class_scores, confusion, set_scores
from textmill.results import (
    Abstaining,
    Classes,
    ClassScore,
    Confused,
    Flag,
    Flagged,
    Offered,
    ReliabilityBin,
    RiskPoint,
)
from textmill.tasks.classify import sureness
from textmill.tasks.classifying import Offer

if TYPE_CHECKING:
    from textmill.evaluation.labels import Measured

MOST_SQUARED = 100
"""Classes up to which the confusion is given as a square."""
MOST_POINTS = 200
"""Of a curve of risk and coverage."""
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""At which not answering is tried."""


def tables_of(measured: Measured, offer: Offer, settings: Any, abstain: float | None = None) -> Classes:
    """settings: [eval]. abstain: a threshold that was asked for."""
    names, several = list(measured.classes), measured.several
    truth, given = measured.numbers
    scores = set_scores(measured.truth, measured.predicted) if several else class_scores(truth, given, len(names))
    right = (measured.truth == measured.predicted).all(axis=1)
    sure = np.array([sureness(own, several) for own in measured.probabilities])
    curve = risk_coverage(sure, right)
    some = np.unique(np.linspace(0, len(curve.risk) - 1, MOST_POINTS).round().astype(int))
    thresholds = sorted({*THRESHOLDS, *([] if abstain is None else [abstain])})
    found = Classes(
        names=names,
        scores=[
            ClassScore(
                name=name, precision=own.precision, recall=own.recall, n_texts=own.support, n_given=own.predicted
            )
            for name, own in zip(names, scores.classes, strict=True)
        ],
        risk_coverage=[
            RiskPoint(
                threshold=float(curve.thresholds[at]), coverage=float(curve.coverage[at]), risk=float(curve.risk[at])
            )
            for at in some
        ],
        aurc=curve.aurc,
        abstaining=[_abstaining(threshold, sure, right, settings.confidence) for threshold in thresholds],
        asked=abstain,
        offer=Offered(
            name=offer.name,
            weight=offer.weight,
            temperature=offer.temperature,
            n_texts=offer.n_texts,
            losses=offer.losses,
        ),
    )
    if several:
        return found
    table = confusion(truth, given, len(names))
    found.confusion = table.tolist() if len(names) <= MOST_SQUARED else None
    off = table - np.diag(table.diagonal())
    pairs = sorted(np.argwhere(off > 0).tolist(), key=lambda pair: (-off[pair[0], pair[1]], pair))
    found.confused = [
        Confused(label=names[row], output=names[column], n=int(off[row, column])) for row, column in pairs
    ]
    found.reliability = [
        ReliabilityBin(
            low=part.low,
            high=part.high,
            n_texts=part.n_texts,
            confidence=part.confidence,
            accuracy=part.accuracy,
            interval=share_interval(round((part.accuracy or 0) * part.n_texts), part.n_texts, settings.confidence),
        )
        for part in reliability(truth, measured.probabilities)
    ]
    found.ece_noise_high = noise_floor(measured.probabilities, seed=settings.seed).high
    return found


def _abstaining(threshold: float, sure: Any, right: Any, confidence: float) -> Abstaining:
    own = answered_above(threshold, sure, right, confidence)
    return Abstaining(
        threshold=threshold,
        n_answered=own.n_answered,
        n_wrong=own.n_wrong,
        coverage=own.n_answered / len(sure),
        risk=own.n_wrong / own.n_answered if own.n_answered else None,
        interval=own.interval,
    )


def flagged(flags: Sequence[Sequence[Flag]], expected: float) -> Flagged:
    """Of texts, those that have flags."""
    counts = Counter(flag for own in flags for flag in own)
    return Flagged(n_texts=len(flags), n=sum(map(bool, flags)), by=dict(sorted(counts.items())), expected=expected)


def flagged_told(found: Flagged) -> Message:
    """How many of the texts look unlike those of training."""
    return message(
        "%(percent)s %% of these texts look unlike those of training; of texts like the held-out ones about "
        "%(expected)s %% do.",
        percent=f"{100 * found.n / max(1, found.n_texts):.1f}",
        expected=f"{100 * found.expected:.1f}",
    )
