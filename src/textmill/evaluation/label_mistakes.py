"""Likely label mistakes: texts whose label is denied by models that were not shown it. Room: evaluation/.

Called by `look` on labelled texts. Each text is classified by models fitted on other texts (cross-validation; texts
that are equal once normalised are in one fold). Brodley & Friedl 1999, "Identifying mislabeled data", JAIR 11.
Two kinds of features are tried, and the one that foretells the held-out labels better goes on: tf-idf of words and
characters, best for reviews as people write them, or counts of phrases, which tell "not very good" from "very good".
A wrong label also misleads the models. So all is done again, in other folds, without what has been denied most, as much
as is estimated to be wrong: Northcutt, Jiang & Chuang 2021, "Confident learning" (JAIR 70, arXiv:1911.00068).
Shapes: N texts, C classes, F features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.errors import InputError
from textmill.models.grams import Vocabulary
from textmill.models.tfidf import (
    MOST_FEATURES,
    ROUGH_TOLERANCE,
    TextFeatures,
    folds_of,
    label_table,
    least_texts_of,
    regression,
    with_absent,
)
from textmill.text.within import groups_of_kin

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

N_FOLDS = 5
N_ROUNDS = 6  # the first with all texts, each other without what those before deny; the last half is believed
CHOSEN_ON = 3000  # texts, drawn by seed, on which the two kinds of features are compared
MOST_DENIED = 0.2  # of the texts, that are left out of a round


class Suspect(NamedTuple):
    """A text by its number, its label, the likeliest class, and how likely its label is to the committee."""

    number: int
    given: str
    expected: str
    probability: float


@dataclass(frozen=True)
class LabelCheck:
    """suspects: all texts, the likeliest mistake first. estimated_share: of the labels, that are wrong.

    probabilities (N, C): of each class, by models that were not shown the text. features: the kind that was taken.
    """

    suspects: list[Suspect]
    estimated_share: float
    probabilities: Floats
    features: str


def likely_mistakes(
    texts: Sequence[str],
    labels: Sequence[Sequence[int]],
    classes: Sequence[str],
    seed: int = 0,
    n_folds: int = N_FOLDS,
) -> list[Suspect]:
    """All texts, the likeliest label mistake first; see check_labels."""
    return check_labels(texts, labels, classes, seed, n_folds).suspects


def tfidf_rows(texts: Sequence[str]) -> Any:
    """Words and characters as models/tfidf.py weighs them, csr (N, F)."""
    return TextFeatures.fit(texts, words=(1, 2), characters=(2, 4))[1]


def phrase_rows(texts: Sequence[str]) -> Any:
    """How often each phrase of 1 to 5 words stands in each text, csr (N, F): neither weighed nor scaled."""
    least_texts = least_texts_of(len(texts))
    return Vocabulary.fit(texts, "words", (1, 5), least_texts, MOST_FEATURES)[1].astype(np.float64)


class Kind(NamedTuple):
    """How texts become rows, and the strength of the regression in the first round and in those after it."""

    rows: Callable[[Sequence[str]], Any]
    strengths: tuple[float, float]


KINDS = {"words and characters": Kind(tfidf_rows, (4.0, 4.0)), "phrases": Kind(phrase_rows, (0.3, 3.0))}


def check_labels(
    texts: Sequence[str],
    labels: Sequence[Sequence[int]],
    classes: Sequence[str],
    seed: int = 0,
    n_folds: int = N_FOLDS,
    n_rounds: int = N_ROUNDS,
) -> LabelCheck:
    """Rank the labels (one each) by how much they are denied: by P(label) less P(likeliest other class).

    Equal ones stand in the order of the texts. Raises InputError where a text has not one label, or less than two
    classes have as many different texts as there are folds.
    """
    given = label_table(labels, len(texts), classes, several=False).argmax(axis=1)
    groups = groups_of_kin(texts)
    n_groups = sorted(len(np.unique(groups[given == number])) for number in range(len(classes)))
    if len(n_groups) < 2 or n_groups[-2] < n_folds:
        second = n_groups[-2] if len(n_groups) > 1 else 0
        raise InputError(
            f"label mistakes need two classes with at least {n_folds} different texts each (the second largest has "
            f"{second})"
        )
    folds = [folds_of(groups, given, n_folds, seed + number) for number in range(n_rounds)]
    all_trusted = np.ones(len(texts), dtype=bool)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(texts))[:CHOSEN_ON])
    losses = {}
    for name, kind in KINDS.items():
        rows = kind.rows([texts[number] for number in drawn])
        everyone = np.ones(len(drawn), dtype=bool)
        found = _out_of_fold(rows, given[drawn], folds[0][drawn], everyone, len(classes), kind.strengths[0])
        losses[name] = _loss(found, given[drawn])
    name = min(losses, key=lambda name: losses[name])
    rows, (first, then) = KINDS[name].rows(texts), KINDS[name].strengths
    rounds = [_out_of_fold(rows, given, folds[0], all_trusted, len(classes), first)]
    for number in range(1, n_rounds):
        believed = _believed(rounds)
        n_denied = int(min(estimated_share(believed, given), MOST_DENIED) * len(texts))
        trusted = all_trusted.copy()
        trusted[np.argsort(margins_of(believed, given), kind="stable")[:n_denied]] = False
        rounds.append(_out_of_fold(rows, given, folds[number], trusted, len(classes), then))

    probabilities = _believed(rounds)
    expected = probabilities.argmax(axis=1)
    suspects = [
        Suspect(number, classes[given[number]], classes[expected[number]], float(probabilities[number, given[number]]))
        for number in np.argsort(margins_of(probabilities, given), kind="stable").tolist()
    ]
    return LabelCheck(suspects, estimated_share(probabilities, given), probabilities, name)


def _believed(rounds: Sequence[Floats]) -> Floats:
    """The mean of the last half of the rounds."""
    mean: Floats = np.mean(rounds[len(rounds) // 2 :], axis=0)
    return mean


def _loss(probabilities: Floats, given: Ints) -> float:
    """Nats a text."""
    return float(-np.log(probabilities[np.arange(len(given)), given]).mean())


def _out_of_fold(
    rows: Any, given: Ints, folds: Ints, trusted: npt.NDArray[np.bool_], n_classes: int, strength: float
) -> Floats:
    """P(class) (N, C), each fold by a model of the trusted texts of the others."""
    found = np.zeros((len(given), n_classes))
    for fold in range(int(folds.max()) + 1):
        inside, outside = (folds != fold) & trusted, folds == fold
        if len(np.unique(given[inside])) < 2:  # what is left of a class is all in this fold
            inside = folds != fold
        one = regression(rows[inside], given[inside], strength, tolerance=ROUGH_TOLERANCE)
        own = one.probabilities(rows[outside])
        found[outside] = with_absent(own, one.classes, n_classes, int(inside.sum()))
    return found


def margins_of(probabilities: Floats, given: Ints) -> Floats:
    """P(given class) less P(the likeliest other), (N,): the lower, the more the label is denied.

    >>> margins_of(np.array([[0.75, 0.25, 0.0]]), np.array([1])).tolist()
    [-0.5]
    """
    everyone = np.arange(len(given))
    others = probabilities.copy()
    others[everyone, given] = -np.inf
    margins: Floats = probabilities[everyone, given] - others.max(axis=1)
    return margins


def estimated_share(probabilities: Floats, given: Ints) -> float:
    """The share of labels that are wrong, by the confident joint of Northcutt et al. 2021, section 3.1.

    A text counts for the class whose probability is at least the mean of that class among the texts that are labelled
    so (of several such classes the likeliest); the counts of each label are scaled to the texts that have it.

    >>> estimated_share(np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.9, 0.1]]), np.array([0, 0, 1, 1]))
    0.25
    """
    n_classes = probabilities.shape[1]
    occurring = np.bincount(given, minlength=n_classes) > 0
    mean_of = np.full(n_classes, np.inf)
    for number in np.flatnonzero(occurring):
        mean_of[number] = probabilities[given == number, number].mean()
    sure = np.where(probabilities >= mean_of, probabilities, -np.inf)
    counted = np.isfinite(sure).any(axis=1)
    joint = np.zeros((n_classes, n_classes))
    np.add.at(joint, (given[counted], sure[counted].argmax(axis=1)), 1)
    totals = joint.sum(axis=1, keepdims=True)
    scaled = joint / np.where(totals > 0, totals, 1) * np.bincount(given, minlength=n_classes)[:, None]
    return float((scaled.sum() - np.trace(scaled)) / len(given))
