"""What is shown of a classifier, beside counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from textmill.config import Config
from textmill.evaluation.class_tables import flagged, tables_of
from textmill.evaluation.labels import Measured
from textmill.tasks.classifying import Offer

SETTINGS = Config().eval
NAMES = ["坏", "好", "中"]


def measured(given: list[int], truth: list[int], sure: list[float]) -> Measured:
    """Texts of three classes: which each was given, which it has, and how sure that was."""
    probabilities = np.array(
        [[p if number == own else (1 - p) / 2 for number in range(3)] for own, p in zip(given, sure, strict=True)]
    )
    return Measured.of(probabilities, [(NAMES[number],) for number in truth], NAMES, several=False)


def test_the_confusion_counts_rows_of_truth_in_class_order() -> None:
    found = tables_of(measured([0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 0, 2], [0.9] * 6), Offer(), SETTINGS)
    assert found.names == NAMES and found.confusion == [[1, 1, 0], [1, 2, 0], [0, 0, 1]]
    assert [(own.n_texts, own.n_given) for own in found.scores] == [(2, 2), (3, 3), (1, 1)]
    assert [own.recall for own in found.scores] == [pytest.approx(1 / 2), pytest.approx(2 / 3), 1]
    assert [(pair.label, pair.output, pair.n) for pair in found.confused] == [("坏", "好", 1), ("好", "坏", 1)]


def test_pairs_that_are_confused_most_come_first() -> None:
    found = tables_of(measured([1, 2, 2, 2, 1], [2, 0, 0, 1, 1], [0.8] * 5), Offer(), SETTINGS)
    assert [(pair.label, pair.output, pair.n) for pair in found.confused] == [
        ("坏", "中", 2),
        ("好", "中", 1),
        ("中", "好", 1),
    ]


def test_above_a_hundred_classes_pairs_alone_tell_the_confusion() -> None:
    names = [f"class {number}" for number in range(101)]
    probabilities = np.eye(101)
    truth = [(name,) for name in names]
    truth[7] = (names[8],)
    found = tables_of(Measured.of(probabilities, truth, names, False), Offer(), SETTINGS)
    assert found.confusion is None
    assert [(pair.label, pair.output) for pair in found.confused] == [("class 8", "class 7")]


def test_not_answering_below_p_leaves_the_surer_texts_with_their_errors() -> None:
    sure = [0.95, 0.9, 0.85, 0.85, 0.6, 0.6]
    found = tables_of(measured([0] * 6, [0, 0, 0, 1, 1, 0], sure), Offer(), SETTINGS, abstain=0.85)
    asked = next(row for row in found.abstaining if row.threshold == found.asked)
    assert (asked.n_answered, asked.n_wrong, asked.coverage, asked.risk) == (4, 1, pytest.approx(4 / 6), 1 / 4)
    # Clopper & Pearson: quantiles of beta distributions.
    assert asked.interval == pytest.approx((beta.ppf(0.025, 1, 4), beta.ppf(0.975, 2, 3)))
    assert [(row.coverage, row.risk) for row in found.risk_coverage] == [
        (pytest.approx(1 / 6), 0),
        (pytest.approx(2 / 6), 0),
        (pytest.approx(4 / 6), 1 / 4),
        (1, pytest.approx(2 / 6)),
    ]


def test_where_none_is_sure_enough_there_is_no_risk() -> None:
    found = tables_of(measured([0, 1], [0, 1], [0.5, 0.5]), Offer(), SETTINGS, abstain=0.9)
    asked = next(row for row in found.abstaining if row.threshold == 0.9)
    assert (asked.n_answered, asked.risk, asked.interval) == (0, None, None)


def test_where_no_answer_is_wrong_the_interval_still_has_a_width() -> None:
    found = tables_of(measured([0, 1] * 25, [0, 1] * 25, [0.9] * 50), Offer(), SETTINGS, abstain=0.9)
    asked = next(row for row in found.abstaining if row.threshold == 0.9)
    # The rule of three: with no error among 50 the share may be as high as 1 − 0.025^(1/50).
    assert asked.risk == 0 and asked.interval == (0, pytest.approx(1 - 0.025 ** (1 / 50)))


def test_a_long_curve_keeps_both_ends() -> None:
    sure = np.linspace(0.4, 0.999, 1000).tolist()
    found = tables_of(measured([0] * 1000, [0] * 999 + [1], sure), Offer(), SETTINGS)
    assert len(found.risk_coverage) == 200
    assert found.risk_coverage[0].threshold == pytest.approx(0.999) and found.risk_coverage[0].risk == 1
    assert (found.risk_coverage[-1].coverage, found.risk_coverage[-1].risk) == (1, pytest.approx(1 / 1000))


def test_of_several_labels_an_answer_is_as_sure_as_its_least_sure_label() -> None:
    probabilities = np.array([[0.9, 0.7], [0.2, 0.1], [0.6, 0.2]])
    own = [("a", "b"), (), ("b",)]
    found = tables_of(Measured.of(probabilities, own, ["a", "b"], True), Offer(), SETTINGS, abstain=0.7)
    asked = next(row for row in found.abstaining if row.threshold == 0.7)
    assert (asked.n_answered, asked.n_wrong) == (2, 0)  # no label is an answer, and the third is not sure enough
    assert found.confusion is None and found.reliability == []


def test_a_text_with_two_flags_counts_once() -> None:
    found = flagged([["language", "domain"], [], ["domain"]], 0.01)
    assert (found.n, found.n_texts, found.by) == (2, 3, {"domain": 2, "language": 1})
