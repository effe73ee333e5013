"""Whether probabilities of classes can be believed, and when not to answer. Room: metrics/ (predictions -> scores).

Used by evaluation, and by the task classify, which fits its temperature on validation. Probabilities are (N, C), a row
a text; its confidence is the largest of them, its predicted class the first that has it. Letters: N texts, C classes, M
draws, K bins. Guo et al. 2017, 1706.04599; Brier 1950; Geifman & El-Yaniv 2017, 1705.08500.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from textmill.errors import InputError
from textmill.metrics.bootstrap import DRAWN_TOGETHER, middle, resampled_sums
from textmill.metrics.classification import Interval, checked_classes

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

N_BINS = 15
"""Of equal width, over [0, 1]: as Guo et al. take them."""
TOLERANCE = 1e-4
"""How far the probabilities of a text may be from a sum of 1."""
COOLEST, HOTTEST = 0.05, 20.0
"""The temperatures among which the best is looked for."""
FEWEST = 20
"""Texts from which on a temperature is fitted."""


@dataclass(frozen=True)
class Bin:
    """Texts whose confidence lies above `low` and not above `high`; the mean of it, and the share that is right.

    Both None where there is no such text.
    """

    low: float
    high: float
    n_texts: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class NoiseFloor:
    """The ECE that chance alone makes: its mean, and what it stays below in 95 of 100 samples."""

    mean: float
    high: float


@dataclass(frozen=True)
class Temperature:
    """What logits are divided by before the softmax. nll_before, nll_after: nats per text, at 1 and at `value`."""

    value: float
    n_texts: int
    nll_before: float
    nll_after: float
    at_bound: bool = False
    """The best lies at COOLEST or HOTTEST, or beyond."""
    not_fitted: Literal["too few texts", "one class", "no mistake", "probability 0"] | None = None
    """Why `value` is 1 without a fit: fewer than FEWEST texts; texts of one class; every text is right, so that nothing
    says how sure is too sure; a label has probability 0, at every temperature."""


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """What is gained by answering only where one is sure. A point for each confidence that occurs, the largest first.

    At a point every text is answered whose confidence is at least `thresholds` (P,): `coverage` (P,) is their share of
    all texts, `risk` (P,) the share of wrong ones among them. aurc: the mean of the risk over the texts, each at its
    own confidence; lower is better.
    """

    thresholds: Floats
    coverage: Floats
    risk: Floats
    n_texts: int
    aurc: float


@dataclass(frozen=True)
class Answered:
    """Answering where the confidence is at least `threshold`: the share that is answered, and the wrong among them."""

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True)
class AnsweredAbove:
    """Of the texts whose confidence is at least `threshold`, those that are wrong. interval: of their share; None where
    there is no such text."""

    threshold: float
    n_answered: int
    n_wrong: int
    interval: Interval | None


def checked_probabilities(probabilities: Any, name: str = "probabilities") -> Floats:
    """(N, C) in float64. Raises InputError over no text, and for a row that is no distribution, naming it."""
    found = np.asarray(probabilities, dtype=np.float64)
    if found.ndim != 2 or not found.shape[1]:
        raise InputError(f"{name}: a row a text and a column a class (N, C), not an array of shape {found.shape}")
    if not len(found):
        raise InputError("no text was classified: there is nothing to score")
    sums = found.sum(axis=1)
    for wrong, why in (
        (~np.isfinite(found).all(axis=1), "a probability is no number"),
        ((found < 0).any(axis=1), "a probability is negative"),
        (~(np.abs(sums - 1) <= TOLERANCE), f"probabilities sum to 1, within {TOLERANCE:g}"),
    ):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            shown = ", ".join(f"{value:g}" for value in found[row, :6]) + (", …" if found.shape[1] > 6 else "")
            raise InputError(f"{why}: {shown} (sum {sums[row]:g})", where=f"{name}[{row}]")
    return found


def predicted_classes(probabilities: Any) -> Ints:
    """(N,): of each text the likeliest class, the first of equal ones. Raises InputError."""
    classes: Ints = checked_probabilities(probabilities).argmax(axis=1)
    return classes


def confidences(probabilities: Any) -> Floats:
    """(N,): of each text the probability of its likeliest class. Raises InputError."""
    sure: Floats = checked_probabilities(probabilities).max(axis=1)
    return sure


def reliability(truth: Any, probabilities: Any, n_bins: int = N_BINS) -> tuple[Bin, ...]:
    """The table behind the ECE: n_bins rows of confidence beside accuracy, empty ones too. Raises InputError.

    truth: (N,) class numbers. Guo et al. 2017: bins of equal width, each without its lower end and with its upper one.
    """
    classes, found = _checked(truth, probabilities)
    right, sure = found.argmax(axis=1) == classes, found.max(axis=1)
    bins = _bins(sure, n_bins)
    n_texts = np.bincount(bins, minlength=n_bins)
    sums = [np.bincount(bins, weights=values, minlength=n_bins) for values in (sure, right)]
    edges = np.linspace(0, 1, n_bins + 1)
    return tuple(
        Bin(
            float(edges[k]),
            float(edges[k + 1]),
            int(n),
            *((float(total[k] / n) for total in sums) if n else (None, None)),
        )
        for k, n in enumerate(n_texts)
    )


def expected_calibration_error(truth: Any, probabilities: Any, n_bins: int = N_BINS) -> float:
    """ECE in [0, 1]: how far confidence and accuracy of a bin are apart, bins weighted by their texts.

    It is above 0 by chance too, the more so the fewer texts: read it beside noise_floor. Raises InputError.

    >>> round(expected_calibration_error([0, 1], [[0.9, 0.1], [0.8, 0.2]]), 6)
    0.45
    """
    classes, found = _checked(truth, probabilities)
    return float(np.abs(_off(classes, found, n_bins).sum(axis=0)).sum() / len(found))


def noise_floor(probabilities: Any, n_bins: int = N_BINS, simulations: int = 1000, seed: int = 0) -> NoiseFloor:
    """The ECE of a classifier of these confidences that is perfectly calibrated, on as many texts. Raises InputError.

    Each text is right with the probability that is its confidence, drawn anew `simulations` times; the order of the
    texts does not matter. Bröcker & Smith 2007: consistency resampling.
    """
    sure = np.sort(confidences(probabilities))
    starts = np.flatnonzero(np.diff(_bins(sure, n_bins), prepend=-1))
    generator = np.random.default_rng(seed)
    together = max(1, DRAWN_TOGETHER // len(sure))
    values = []
    for start in range(0, simulations, together):
        right = generator.random((min(together, simulations - start), len(sure))) < sure  # (M, N)
        values.append(np.abs(np.add.reduceat(right - sure, starts, axis=1)).sum(axis=1) / len(sure))
    found = np.concatenate(values)
    return NoiseFloor(float(found.mean()), float(np.quantile(found, 0.95)))


def brier_score(truth: Any, probabilities: Any) -> float:
    """Mean over texts of the squared differences between probabilities and truth (1 or 0), summed over classes.

    0 to 2, lower is better. Brier 1950; for two classes it is twice what is taken over one of them alone. Raises
    InputError.

    >>> round(brier_score([0, 1], [[0.9, 0.1], [0.8, 0.2]]), 6)
    0.65
    """
    return float(_brier(*_checked(truth, probabilities)).mean())


def label_nll(truth: Any, probabilities: Any) -> float:
    """-ln P of the labels, nats per text; inf where one has probability 0. Raises InputError."""
    classes, found = _checked(truth, probabilities)
    with np.errstate(divide="ignore"):
        return float(-np.log(found[np.arange(len(found)), classes]).mean())


def calibration_intervals(
    truth: Any,
    probabilities: Any,
    n_bins: int = N_BINS,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """(low, high) of ece and brier, over the texts that class_intervals draws by the same seed; {} below two texts.

    Drawing texts with replacement adds noise to each bin, as measuring did, so the ECE of draws lies too high: their
    mean is put where the measured ECE is. The interval is that of the ECE of as many other texts, its noise among it.
    Raises InputError.
    """
    classes, found = _checked(truth, probabilities)
    if len(found) < 2:
        return {}
    table = np.column_stack([_off(classes, found, n_bins), _brier(classes, found)])
    sums = resampled_sums(table, resamples, seed) / len(found)
    ece, brier = np.abs(sums[:, :-1]).sum(axis=1), sums[:, -1]
    too_high = ece.mean() - expected_calibration_error(truth, probabilities, n_bins)
    ones = np.ones(resamples)
    intervals = {
        "ece": middle(np.maximum(ece - too_high, 0), ones, confidence),
        "brier": middle(brier, ones, confidence),
    }
    return {name: interval for name, interval in intervals.items() if interval is not None}


def as_decisions(truth: Any, probabilities: Any) -> tuple[Ints, Floats]:
    """Several classes a text as texts with two, no (0) and yes (1): numbers (N C,) and probabilities (N C, 2).

    truth: (N, C) booleans; probabilities: (N, C), each of its own in [0, 1]. The functions of this file take them so; a
    bootstrap over them would draw classes of one text apart. Raises InputError.
    """
    sets, yes = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    if sets.ndim != 2 or sets.dtype != np.bool_ or sets.shape != yes.shape:
        raise InputError(
            f"a boolean and a probability for each text and class (N, C), not {sets.dtype} of shape {sets.shape} and "
            f"probabilities of shape {yes.shape}"
        )
    wrong = np.argwhere(~((yes >= 0) & (yes <= 1)))
    if len(wrong):
        row, column = wrong[0]
        raise InputError(
            f"a probability lies from 0 to 1, not at {yes[row, column]:g}", where=f"probabilities[{row}, {column}]"
        )
    return sets.reshape(-1).astype(np.int64), np.stack([1 - yes, yes], axis=-1).reshape(-1, 2)


def fit_temperature(logits: Any, truth: Any) -> Temperature:
    """The one temperature that makes the labels likeliest (Guo et al. 2017), to be fitted on validation alone.

    logits: (N, C), or log-probabilities, -inf allowed. Never makes these labels less likely than a temperature of 1.
    Where nothing can be learned it is 1, and `not_fitted` says why. Raises InputError.
    """
    from scipy.optimize import minimize_scalar

    scores = _checked_logits(logits)
    classes = _same_count(checked_classes(truth, scores.shape[1]), scores)
    before = _tempered_nll(scores, classes, 1.0)

    def unfitted(why: Literal["too few texts", "one class", "no mistake", "probability 0"]) -> Temperature:
        return Temperature(1.0, len(scores), before, before, not_fitted=why)

    if len(scores) < FEWEST:
        return unfitted("too few texts")
    if (classes == classes[0]).all():
        return unfitted("one class")
    if (scores.argmax(axis=1) == classes).all():
        return unfitted("no mistake")
    if before == math.inf:
        return unfitted("probability 0")
    ends = math.log(COOLEST), math.log(HOTTEST)
    best = minimize_scalar(
        lambda log_t: _tempered_nll(scores, classes, math.exp(log_t)),
        bounds=ends,
        method="bounded",
        options={"xatol": 1e-6},
    )
    value, after = math.exp(best.x), float(best.fun)
    if after >= before:
        return Temperature(1.0, len(scores), before, before)
    at_bound = min(best.x - ends[0], ends[1] - best.x) < 1e-3
    return Temperature(value, len(scores), before, after, at_bound)


def tempered(logits: Any, temperature: float) -> Floats:
    """softmax(logits / temperature), (N, C) in float64: the likeliest class stays. Raises InputError."""
    if not temperature > 0 or temperature == math.inf:
        raise InputError(f"a temperature is above 0 and finite, not {temperature}")
    return np.exp(_log_softmax(_checked_logits(logits), temperature))


def risk_coverage(confidence: Any, right: Any) -> RiskCoverage:
    """The risk-coverage curve of texts with these confidences (N,), right (N,) or not. Raises InputError.

    Equally sure texts are answered together. Without such ties aurc is the mean over k of the risk of the k surest
    (Geifman et al. 2019, 1805.08206). Any score that orders texts by how sure one is will do as confidence.
    """
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(right)
    if sure.ndim != 1 or right.shape != sure.shape or right.dtype != np.bool_:
        raise InputError(
            f"a number and a boolean a text, (N,) each, not {sure.shape} and {right.dtype} of shape {right.shape}"
        )
    if not len(sure):
        raise InputError("no text was classified: there is nothing to score")
    if np.isnan(sure).any():
        raise InputError("a confidence is no number", where=f"confidence[{np.flatnonzero(np.isnan(sure))[0]}]")
    thresholds, group = np.unique(sure, return_inverse=True)  # ascending
    n_here = np.bincount(group)[::-1]
    n_answered = n_here.cumsum()
    risk = np.bincount(group, weights=~right)[::-1].cumsum() / n_answered
    aurc = float((n_here * risk).sum() / len(sure))
    return RiskCoverage(thresholds[::-1], n_answered / len(sure), risk, len(sure), aurc)


def most_answers(curve: RiskCoverage, risk: float) -> Answered | None:
    """The threshold that answers most texts with a risk of at most `risk` on these texts; None where none does.

    Chosen on the texts it is measured on, it looks a little too good: choose it on validation.
    """
    reached = np.flatnonzero(curve.risk <= risk)
    return _point(curve, int(reached[-1])) if len(reached) else None


def least_risk(curve: RiskCoverage, coverage: float) -> Answered:
    """The threshold of least risk that answers at least a share `coverage` of these texts; of equal ones, most answers.

    Raises InputError where the share is above 1.
    """
    if not 0 <= coverage <= 1:
        raise InputError(f"coverage is a share of the texts, 0 to 1, not {coverage:g}")
    first = int(np.flatnonzero(curve.coverage >= coverage)[0])
    rest = curve.risk[first:]
    return _point(curve, first + int(np.flatnonzero(rest == rest.min())[-1]))


def answered_above(threshold: float, confidence: Any, right: Any, sure: float = 0.95) -> AnsweredAbove:
    """What answering from a threshold on does, that was not chosen on these texts; confidence, right: as risk_coverage
    has them. sure: how often the interval holds what would be, over texts drawn anew.

    >>> round(answered_above(0.8, [0.9] * 50, np.ones(50, dtype=bool)).interval[1], 4)
    0.0711
    """
    answered = np.asarray(confidence) >= threshold
    n_answered, n_wrong = int(answered.sum()), int((answered & ~np.asarray(right)).sum())
    return AnsweredAbove(threshold, n_answered, n_wrong, share_interval(n_wrong, n_answered, sure))


def share_interval(n: int, of: int, sure: float = 0.95) -> Interval | None:
    """(low, high) of a share that was counted as n of `of`: Clopper & Pearson 1934, which has a width also where n is 0
    or all. None where `of` is 0."""
    from scipy.stats import binomtest

    if not of:
        return None
    found = binomtest(n, of).proportion_ci(sure, method="exact")
    return float(found.low), float(found.high)


def _point(curve: RiskCoverage, at: int) -> Answered:
    return Answered(float(curve.thresholds[at]), float(curve.coverage[at]), float(curve.risk[at]))


def _checked(truth: Any, probabilities: Any) -> tuple[Ints, Floats]:
    found = checked_probabilities(probabilities)
    return _same_count(checked_classes(truth, found.shape[1]), found), found


def _same_count(classes: Ints, rows: Floats) -> Ints:
    if len(classes) != len(rows):
        raise InputError(f"{len(classes)} texts have a class and {len(rows)} have probabilities: each has both")
    return classes


def _checked_logits(logits: Any) -> Floats:
    found = np.asarray(logits, dtype=np.float64)
    if found.ndim != 2 or not found.shape[1]:
        raise InputError(f"logits: a row a text and a column a class (N, C), not an array of shape {found.shape}")
    if not len(found):
        raise InputError("no text was classified: there is nothing to score")
    wrong = np.flatnonzero(np.isnan(found).any(axis=1) | ~np.isfinite(found.max(axis=1)))
    if len(wrong):
        raise InputError("a logit is no number, or infinite, or all of them are -inf", where=f"logits[{wrong[0]}]")
    return found


def _log_softmax(logits: Floats, temperature: float) -> Floats:
    scaled = (logits - logits.max(axis=1, keepdims=True)) / temperature
    found: Floats = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return found


def _tempered_nll(logits: Floats, classes: Ints, temperature: float) -> float:
    return float(-_log_softmax(logits, temperature)[np.arange(len(logits)), classes].mean())


def _bins(sure: Floats, n_bins: int) -> Ints:
    """The bin of each confidence, 0 to n_bins - 1; a row that sums to a little more than 1 is in the last."""
    edges = np.linspace(0, 1, n_bins + 1)
    return np.clip(np.digitize(sure, edges, right=True) - 1, 0, n_bins - 1)


def _off(classes: Ints, probabilities: Floats, n_bins: int) -> Floats:
    """(N, K): right (1 or 0) minus confidence, in the column of the text's bin; 0 in the others."""
    sure = probabilities.max(axis=1)
    off = (probabilities.argmax(axis=1) == classes) - sure
    return np.where(_bins(sure, n_bins)[:, None] == np.arange(n_bins), off[:, None], 0.0)


def _brier(classes: Ints, probabilities: Floats) -> Floats:
    """(N,): of each text Σ(p - y)² = Σp² - 2 p_true + 1."""
    squares: Floats = (probabilities**2).sum(axis=1)
    return squares - 2 * probabilities[np.arange(len(probabilities)), classes] + 1
