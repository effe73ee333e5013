"""Shares corrected for a confusion: exact where nothing is by chance, in the simplex, with intervals that cover."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import InputError
from textmill.metrics.prevalence import Correction, likeliest, periods_of

FOUR_IN_FIVE = [[800, 200], [200, 800]]


def test_what_a_classifier_of_four_in_five_says_is_turned_back() -> None:
    """True 0.1: it says 0.1 · 0.8 + 0.9 · 0.2 = 0.26."""
    found = Correction(FOUR_IN_FIVE, ["yes", "no"]).shares([26_000, 74_000])

    assert found.values == pytest.approx([0.1, 0.9])


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_shares_through_any_confusion_come_back(n_classes: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    confusion = 1000 * np.eye(n_classes) + generator.integers(0, 400, size=(n_classes, n_classes))
    true = generator.dirichlet(np.ones(n_classes))
    predicted = true @ (confusion / confusion.sum(axis=1, keepdims=True))

    found = Correction(confusion, list(map(str, range(n_classes)))).shares(1e6 * predicted)

    assert found.values == pytest.approx(true, abs=1e-6)
    assert (found.intervals[:, 0] <= found.values).all() and (found.values <= found.intervals[:, 1]).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=3, max_size=3).filter(any))
def test_corrected_shares_stay_shares_however_the_counts_are(counts: list[int]) -> None:
    found = Correction([[60, 20, 20], [10, 80, 10], [25, 25, 50]], ["a", "b", "c"]).shares(counts)

    assert found.values.sum() == pytest.approx(1)
    assert ((found.intervals >= 0) & (found.intervals <= 1)).all() and (found.values >= 0).all()


def test_where_the_inverse_leaves_the_simplex_no_other_shares_are_likelier() -> None:
    rates = np.array([[0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]])
    predicted = np.array([0.05, 0.15, 0.8])  # more of the third than even that class alone gives
    best = likeliest(predicted[None], rates[None])[0]

    grid = [(a, b, 1 - a - b) for a in np.linspace(0, 1, 101) for b in np.linspace(0, 1 - a, 101)]
    likelihoods = (np.log(np.array(grid) @ rates) * predicted).sum(axis=1)

    assert best == pytest.approx([0, 0, 1], abs=1e-3)
    assert (np.log(best @ rates) * predicted).sum() >= likelihoods.max() - 1e-6


@pytest.mark.parametrize("true_share", [0.5, 0.1])
def test_an_interval_of_95_percent_covers_the_true_share_as_often(true_share: float) -> None:
    """Both the labelled texts (100 a class) and the day's (200) are drawn anew each time."""
    generator = np.random.default_rng(7)
    covered, n = 0, 300
    for _ in range(n):
        rates = np.array([[0.8, 0.2], [0.25, 0.75]])
        confusion = generator.multinomial(100, rates)
        counts = generator.multinomial(200, np.array([true_share, 1 - true_share]) @ rates)
        low, high = Correction(confusion, ["a", "b"], draws=400).shares(counts).intervals[0]
        covered += low <= true_share <= high

    assert covered >= 0.92 * n  # 0.95 less two standard errors and a half


def test_a_larger_labelled_set_and_a_larger_day_both_narrow_the_interval() -> None:
    def width(labelled: int, day: int) -> float:
        low, high = (
            Correction(labelled * np.array([[0.8, 0.2], [0.2, 0.8]]), ["a", "b"]).shares([day, day]).intervals[0]
        )
        return float(high - low)

    assert width(10_000, 100) < width(100, 100) and width(100, 10_000) < width(100, 100)
    assert width(100, 1_000_000) > 0.1  # no number of texts makes up for a confusion that is not known


def test_the_difference_of_two_batches_is_of_the_same_confusion_and_so_is_sure_where_the_shares_are_not() -> None:
    correction = Correction([[40, 10], [10, 40]], ["a", "b"])
    before, after = correction.shares([30_000, 70_000]), correction.shares([36_000, 64_000])
    difference = correction.difference([30_000, 70_000], [36_000, 64_000])

    assert difference.values[0] == pytest.approx(0.1)  # 0.06 / 0.6
    low, high = difference.intervals[0]
    assert 0.05 < low < 0.1 < high < 0.16
    assert before.intervals[0, 1] > after.intervals[0, 0]  # though the two intervals overlap


@pytest.mark.parametrize(
    ("confusion", "why"),
    [
        ([[52, 48], [48, 52]], "cannot be inverted"),
        ([[50, 50], [50, 50]], "cannot be inverted"),
        ([[100, 0], [100, 0]], "cannot be inverted"),
        ([[3, 2], [2, 3]], "10 labelled texts are too few"),
        ([[10, 0], [0, 0]], "no labelled text of class 'no'"),
    ],
)
def test_a_confusion_that_says_too_little_corrects_nothing_and_says_why(confusion: list[list[int]], why: str) -> None:
    correction = Correction(confusion, ["yes", "no"])

    assert correction.why_not is not None
    with pytest.raises(InputError, match=why):
        correction.shares([1, 1])
    [period] = periods_of([datetime(2024, 5, 1, tzinfo=UTC)], [[1, 1]], correction)
    assert period.shares is None and period.n == 2


def test_a_period_without_a_text_has_no_shares() -> None:
    starts = [datetime(2024, 5, day, tzinfo=UTC) for day in (1, 2)]
    full, empty = periods_of(starts, [[26, 74], [0, 0]], Correction(FOUR_IN_FIVE, ["yes", "no"]))

    assert full.shares is not None and full.shares.values == pytest.approx([0.1, 0.9])
    assert empty.shares is None and (empty.n, empty.start) == (0, starts[1])


@pytest.mark.parametrize("confusion", [[[1, 2]], [[1]], [[1, -1], [1, 1]], [[1, float("nan")], [1, 1]]])
def test_what_is_no_confusion_is_refused(confusion: list[list[float]]) -> None:
    with pytest.raises(InputError, match="a confusion of"):
        Correction(confusion, ["yes", "no"][: len(confusion[0])])


def test_the_same_seed_gives_the_same_interval() -> None:
    first, again, other = (Correction(FOUR_IN_FIVE, ["a", "b"], seed=seed).shares([40, 60]) for seed in (1, 1, 2))

    assert (first.intervals == again.intervals).all() and (first.intervals != other.intervals).any()
