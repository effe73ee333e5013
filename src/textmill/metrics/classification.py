"""How well texts are put into classes: counts, shares, and how sure they are. Room: metrics/ (predictions -> scores).

Used by evaluation. A class is a number, 0 to C - 1. A text has one of them, or a set of them as a row of booleans; both
are counted alike, since one class is a set of one. Letters: N texts, C classes, M draws.

Conventions: a precision, recall or F1 over nothing is 0 (zero_division = 0 of scikit-learn). Macro F1 is the plain mean
over the classes that occur, in truth or prediction; micro F1 is of summed counts, and is the accuracy where each text
has one class. An interval is a percentile bootstrap over texts; each draw is scored by the same rules, and one in which
a class does not occur does not count for its F1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from textmill.errors import InputError
from textmill.metrics.bootstrap import Difference, middle, resampled_sums

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Interval = tuple[float, float]
Ratio = tuple[Floats, Floats]
"""What stands above and below, one of each for a draw."""

OF_CLASSES = ("accuracy", "f1_macro", "f1_micro")
"""The scores of texts that have one class each."""
OF_SETS = ("subset_accuracy", "f1_macro", "f1_micro", "f1_samples")
"""The scores of texts that have a set of classes: the share of texts whose whole set is right, and three F1."""


@dataclass(frozen=True)
class ClassScore:
    """Of one class, shares in [0, 1]."""

    precision: float
    """Of the texts that were given the class, those that have it."""
    recall: float
    """Of the texts that have the class, those that were given it."""
    f1: float
    support: int
    """Texts that have the class."""
    predicted: int
    """Texts that were given it."""


@dataclass(frozen=True)
class ClassificationScores:
    """shares: name -> share in [0, 1], the names those of OF_CLASSES or OF_SETS. classes: by their numbers."""

    n_texts: int
    shares: dict[str, float]
    classes: tuple[ClassScore, ...]


@dataclass(frozen=True)
class ClassificationIntervals:
    """(low, high) of each share, and of the F1 of each class by its number: None where the class never occurs.

    Below two texts there is none of either.
    """

    shares: dict[str, Interval]
    f1_class: tuple[Interval | None, ...]


@dataclass(frozen=True)
class PairedComparison:
    """Two classifiers on the same texts. differences: name -> ours minus theirs."""

    differences: dict[str, Difference]
    only_ours: int
    """Texts that ours has right and theirs has wrong."""
    only_theirs: int
    p_value: float
    """Exact McNemar test, two-sided: the chance of counts at least so unequal if both were right equally often."""


@dataclass(frozen=True)
class SampleSize:
    """What a test set of this size can tell."""

    n_texts: int
    n_needed: int
    """Texts that tell two accuracies apart that differ by `difference`; see texts_needed."""
    difference: float
    tells_from_floor: bool
    """The interval of the accuracy is no wider than its distance from the floor's."""

    @property
    def tells_difference(self) -> bool:
        """There are as many texts as are needed."""
        return self.n_texts >= self.n_needed


def confusion(truth: Any, predicted: Any, n_classes: int) -> Ints:
    """How many texts of each class (row) were given each class (column): (C, C), in all N. Raises InputError."""
    truth, predicted = _checked(truth, predicted, n_classes)
    return np.bincount(truth * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)


def class_scores(truth: Any, predicted: Any, n_classes: int) -> ClassificationScores:
    """accuracy, f1_macro, f1_micro, and each class. truth, predicted: (N,) class numbers.

    Raises InputError over no text, for unequal lengths, and for a number that is no class.

    >>> class_scores([0, 0, 1], [0, 1, 1], 2).classes[0].f1
    0.6666666666666666
    """
    return _scores(*_as_sets(truth, predicted, n_classes), OF_CLASSES)


def set_scores(truth: Any, predicted: Any) -> ClassificationScores:
    """subset_accuracy, f1_macro, f1_micro, f1_samples, and each class. truth, predicted: (N, C) booleans.

    f1_samples is the mean of each text's own F1, 0 for a text without a class on either side. Raises InputError.
    """
    return _scores(*_checked_sets(truth, predicted), OF_SETS)


def class_intervals(
    truth: Any, predicted: Any, n_classes: int, resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> ClassificationIntervals:
    """Intervals of what class_scores gives. The same N and seed draw the same texts, here and in calibration."""
    return _intervals(*_as_sets(truth, predicted, n_classes), OF_CLASSES, resamples, confidence, seed)


def set_intervals(
    truth: Any, predicted: Any, resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> ClassificationIntervals:
    """Intervals of what set_scores gives."""
    return _intervals(*_checked_sets(truth, predicted), OF_SETS, resamples, confidence, seed)


def compare_classes(
    truth: Any,
    ours: Any,
    theirs: Any,
    n_classes: int,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> PairedComparison:
    """What ours gains over theirs on the same texts, drawn together: accuracy, f1_macro, f1_micro. Raises InputError.

    truth, ours, theirs: (N,) class numbers. McNemar 1947, by the binomial distribution of where they differ.
    """
    sets, our_sets = _as_sets(truth, ours, n_classes)
    _, their_sets = _as_sets(truth, theirs, n_classes)
    return _comparison(sets, our_sets, their_sets, OF_CLASSES, resamples, confidence, seed)


def compare_sets(
    truth: Any, ours: Any, theirs: Any, resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> PairedComparison:
    """As compare_classes, for (N, C) booleans; a text is right where its whole set is."""
    sets, our_sets = _checked_sets(truth, ours)
    _, their_sets = _checked_sets(truth, theirs)
    return _comparison(sets, our_sets, their_sets, OF_SETS, resamples, confidence, seed)


def only_class(truth: Any, predicted: Any, n_classes: int) -> int | None:
    """The class that was given to every text, though the texts have several; None where there is no such class."""
    truth, predicted = _checked(truth, predicted, n_classes)
    one_for_all = (predicted == predicted[0]).all() and (truth != truth[0]).any()
    return int(predicted[0]) if one_for_all else None


def sample_size(
    accuracy: float, interval: Interval | None, floor: float, n_texts: int, difference: float = 0.02
) -> SampleSize:
    """Whether a test set is large enough. accuracy and its interval; floor: the accuracy of naming the commonest class.

    No interval tells nothing.
    """
    tells = interval is not None and interval[1] - interval[0] <= abs(accuracy - floor)
    return SampleSize(n_texts, texts_needed(accuracy, difference), difference, tells)


def texts_needed(accuracy: float, difference: float = 0.02, confidence: float = 0.95, power: float = 0.8) -> int:
    """Texts for each of two classifiers, measured on texts of their own, so that accuracies that differ are told apart.

    n = (z_confidence + z_power)² (p (1 - p) + q (1 - q)) / (p - q)², p the accuracy, q the other one, on the side where
    more is needed; z two-sided for the confidence. Fleiss 1981, chapter 3. On the same texts fewer are enough:
    texts_needed_on_the_same.

    >>> texts_needed(0.85)
    5271
    """
    other = accuracy - difference if accuracy > 0.5 else accuracy + difference
    spread = accuracy * (1 - accuracy) + other * (1 - other)
    normal = NormalDist()
    deviations = normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(power)
    return ceil(deviations**2 * spread / difference**2)


def texts_needed_on_the_same(
    disagreement: float, difference: float = 0.02, confidence: float = 0.95, power: float = 0.8
) -> int:
    """As texts_needed, with both measured on the same texts. disagreement: the share that just one of them has right.

    n = (z_confidence √d + z_power √(d - δ²))² / δ², d the disagreement and δ the difference, which is never above it.
    Connor 1987.

    >>> texts_needed_on_the_same(0.1)
    1960
    """
    disagreement = max(disagreement, difference)
    normal = NormalDist()
    sure = normal.inv_cdf((1 + confidence) / 2) * sqrt(disagreement)
    found = normal.inv_cdf(power) * sqrt(disagreement - difference**2)
    return ceil((sure + found) ** 2 / difference**2)


def checked_classes(numbers: Any, n_classes: int, name: str = "truth") -> Ints:
    """(N,) class numbers. Raises InputError over no text and for what is no number of a class, naming its place."""
    found = np.asarray(numbers)
    if found.ndim != 1:
        raise InputError(f"{name}: one class a text is a row of numbers (N,), not an array of shape {found.shape}")
    if not len(found):
        raise InputError("no text was classified: there is nothing to score")
    if not np.issubdtype(found.dtype, np.integer):
        raise InputError(f"{name}: the number of a class is a whole number, not {found.dtype}")
    wrong = np.flatnonzero((found < 0) | (found >= n_classes))
    if len(wrong):
        raise InputError(
            f"there is no class {found[wrong[0]]}: {n_classes} classes are numbered 0 to {n_classes - 1}",
            where=f"{name}[{wrong[0]}]",
        )
    return found.astype(np.int64)


def _checked(truth: Any, predicted: Any, n_classes: int) -> tuple[Ints, Ints]:
    truth, predicted = checked_classes(truth, n_classes), checked_classes(predicted, n_classes, "predicted")
    _refuse_other_counts(truth, predicted)
    return truth, predicted


def _checked_sets(truth: Any, predicted: Any) -> tuple[Bools, Bools]:
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    for name, sets in (("truth", truth), ("predicted", predicted)):
        if sets.ndim != 2 or sets.dtype != np.bool_:
            raise InputError(
                f"{name}: sets of classes are booleans (N, C), not {sets.dtype} of shape {sets.shape}",
                hint="Where each text has one class, pass its number: class_scores.",
            )
    if not len(truth):
        raise InputError("no text was classified: there is nothing to score")
    _refuse_other_counts(truth, predicted)
    if truth.shape != predicted.shape:
        raise InputError(f"truth has {truth.shape[1]} classes and predicted has {predicted.shape[1]}")
    return truth, predicted


def _refuse_other_counts(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> None:
    if len(truth) != len(predicted):
        raise InputError(f"{len(truth)} texts have a true class and {len(predicted)} a predicted one: each has both")


def _as_sets(truth: Any, predicted: Any, n_classes: int) -> tuple[Bools, Bools]:
    truth, predicted = _checked(truth, predicted, n_classes)
    numbers = np.arange(n_classes)
    return truth[:, None] == numbers, predicted[:, None] == numbers


def _scores(truth: Bools, predicted: Bools, names: tuple[str, ...]) -> ClassificationScores:
    sums = _table(truth, predicted).sum(axis=0)[None, :]
    right, had, given = _of_classes(sums)[:, 0]
    shares = {name: float(_share(*ratio)[0]) for name, ratio in _ratios(sums, len(truth), names).items()}
    each = zip(_share(right, given), _share(right, had), _share(2 * right, had + given), had, given, strict=True)
    classes = tuple(ClassScore(float(p), float(r), float(f1), int(n), int(m)) for p, r, f1, n, m in each)
    return ClassificationScores(len(truth), shares, classes)


def _intervals(
    truth: Bools, predicted: Bools, names: tuple[str, ...], resamples: int, confidence: float, seed: int
) -> ClassificationIntervals:
    if len(truth) < 2:
        return ClassificationIntervals({}, (None,) * truth.shape[1])
    sums = resampled_sums(_table(truth, predicted), resamples, seed)
    found = {name: middle(*ratio, confidence) for name, ratio in _ratios(sums, len(truth), names).items()}
    above, below = _f1_class(sums)
    return ClassificationIntervals(
        {name: interval for name, interval in found.items() if interval is not None},
        tuple(middle(a, b, confidence) for a, b in zip(above.T, below.T, strict=True)),
    )


def _comparison(
    truth: Bools,
    ours: Bools,
    theirs: Bools,
    names: tuple[str, ...],
    resamples: int,
    confidence: float,
    seed: int,
) -> PairedComparison:
    from scipy.stats import binomtest

    n_texts = len(truth)
    one, other = (_scores(truth, predicted, names).shares for predicted in (ours, theirs))
    tables = [_table(truth, predicted) for predicted in (ours, theirs)]
    drawn = [_ratios(resampled_sums(table, resamples, seed), n_texts, names) for table in tables]
    intervals = {name: _difference(drawn[0][name], drawn[1][name], confidence) for name in names if n_texts > 1}
    differences = {name: Difference(one[name] - other[name], intervals.get(name)) for name in names}
    ours_right, theirs_right = ((truth == predicted).all(axis=1) for predicted in (ours, theirs))
    only_ours = int((ours_right & ~theirs_right).sum())
    only_theirs = int((theirs_right & ~ours_right).sum())
    n_differ = only_ours + only_theirs
    p_value = float(binomtest(only_ours, n_differ, 0.5).pvalue) if n_differ else 1.0
    return PairedComparison(differences, only_ours, only_theirs, p_value)


def _difference(ours: Ratio, theirs: Ratio, confidence: float) -> Interval | None:
    there = (ours[1] > 0) & (theirs[1] > 0)
    values = _share(*ours) - _share(*theirs)
    return middle(values[there], np.ones(int(there.sum())), confidence)


def _table(truth: Bools, predicted: Bools) -> Any:
    """What each text adds, sparse (N, 2 + 3C): its whole set is right, its own F1; of each class right, had, given."""
    from scipy.sparse import csr_array, hstack

    right = truth & predicted
    own = _share(2 * right.sum(axis=1), truth.sum(axis=1) + predicted.sum(axis=1))
    of_text = np.column_stack([(truth == predicted).all(axis=1), own])
    parts = [csr_array(part).astype(np.float64) for part in (of_text, right, truth, predicted)]
    return hstack(parts, format="csr")


def _ratios(sums: Floats, n_texts: int, names: tuple[str, ...]) -> dict[str, Ratio]:
    """The shares of M draws from their sums (M, 2 + 3C), by name."""
    above, below = _f1_class(sums)  # (M, C)
    texts = np.full(len(sums), float(n_texts))
    of_texts = {"accuracy": sums[:, 0], "subset_accuracy": sums[:, 0], "f1_samples": sums[:, 1]}
    found = {name: (total, texts) for name, total in of_texts.items()}
    found |= {
        "f1_macro": (_share(above, below).sum(axis=1), (below > 0).sum(axis=1).astype(np.float64)),
        "f1_micro": (above.sum(axis=1), below.sum(axis=1)),
    }
    return {name: found[name] for name in names}


def _f1_class(sums: Floats) -> Ratio:
    """F1 of each class in M draws, from their sums (M, 2 + 3C): twice those right, over those had and those given."""
    right, had, given = _of_classes(sums)
    return 2 * right, had + given


def _of_classes(sums: Floats) -> Floats:
    """(3, M, C): of each class the texts that are right, that have it, that were given it."""
    return np.stack(np.split(sums[:, 2:], 3, axis=1))


def _share(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> Floats:
    """above / below, 0 where that is over nothing."""
    shares: Floats = np.divide(above, below, out=np.zeros(above.shape), where=below > 0)
    return shares
