"""Scores of classifiers are those of scikit-learn and of paper; intervals cover as often as they say."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from textmill.errors import InputError
from textmill.metrics import classification
from textmill.metrics.bootstrap import resampled_sums
from textmill.metrics.classification import (
    class_intervals,
    class_scores,
    compare_classes,
    compare_sets,
    confusion,
    only_class,
    sample_size,
    set_intervals,
    set_scores,
    texts_needed,
    texts_needed_on_the_same,
)

TRUTH, PREDICTED = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]
LABELS = st.integers(2, 5).flatmap(
    lambda n: st.tuples(
        st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1, max_size=40)
    )
)
SETS = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(st.booleans(), min_size=2 * n, max_size=2 * n), min_size=1, max_size=30)
)


def columns(pairs):
    truth, predicted = np.array(pairs).T
    return truth, predicted


def halves(rows):
    table = np.array(rows)
    return np.hsplit(table, 2)


def test_scores_are_those_of_paper():
    """Class 0: 2 of 3 found, none wrongly; class 1: 1 of 2, 1 wrongly; class 2: 1 of 1, 1 wrongly; class 3: none."""
    assert confusion(TRUTH, PREDICTED, 4).tolist() == [[2, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    scores = class_scores(TRUTH, PREDICTED, 4)

    assert [score.precision for score in scores.classes] == [1.0, 0.5, 0.5, 0.0]
    assert [score.recall for score in scores.classes] == pytest.approx([2 / 3, 0.5, 1.0, 0.0])
    assert [score.f1 for score in scores.classes] == pytest.approx([4 / 5, 1 / 2, 2 / 3, 0.0])
    assert [(score.support, score.predicted) for score in scores.classes] == [(3, 2), (2, 2), (1, 2), (0, 0)]
    assert scores.n_texts == 6
    assert scores.shares == pytest.approx(
        {"accuracy": 4 / 6, "f1_macro": (4 / 5 + 1 / 2 + 2 / 3) / 3, "f1_micro": 4 / 6}
    )


@settings(deadline=None)
@given(LABELS)
def test_scores_of_classes_are_those_of_scikit_learn(drawn):
    n_classes, pairs = drawn
    truth, predicted = columns(pairs)
    scores = class_scores(truth, predicted, n_classes)

    assert np.array_equal(
        confusion(truth, predicted, n_classes), confusion_matrix(truth, predicted, labels=list(range(n_classes)))
    )
    assert scores.shares["accuracy"] == pytest.approx(accuracy_score(truth, predicted))
    for average in ("macro", "micro"):
        theirs = f1_score(truth, predicted, average=average, zero_division=0)
        assert scores.shares[f"f1_{average}"] == pytest.approx(theirs)
    each = precision_recall_fscore_support(truth, predicted, labels=list(range(n_classes)), zero_division=0)
    ours = [(score.precision, score.recall, score.f1, score.support) for score in scores.classes]
    assert np.allclose(np.array(ours).T, each)


@settings(deadline=None)
@given(SETS)
def test_scores_of_sets_are_those_of_scikit_learn(rows):
    truth, predicted = halves(rows)
    scores = set_scores(truth, predicted)

    assert scores.shares["subset_accuracy"] == pytest.approx(accuracy_score(truth, predicted))
    occurring = np.flatnonzero((truth | predicted).any(axis=0))
    for average, labels in (("micro", None), ("samples", None), ("macro", occurring)):
        if average == "macro" and not len(occurring):
            assert scores.shares["f1_macro"] == 0
        elif truth.shape[1] > 1:  # one column is to scikit-learn no set, but one class
            theirs = f1_score(truth, predicted, labels=labels, average=average, zero_division=0)
            assert scores.shares[f"f1_{average}"] == pytest.approx(theirs)


def test_sets_are_scored_as_on_paper():
    """{0, 1} given {0}; {2} given {2}; nothing given nothing, which is right as a set and has an F1 over nothing."""
    truth = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    predicted = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    shares = set_scores(truth, predicted).shares

    assert shares["subset_accuracy"] == pytest.approx(2 / 3)
    assert shares["f1_micro"] == pytest.approx(2 * 2 / (3 + 2))
    assert shares["f1_macro"] == pytest.approx((1 + 0 + 1) / 3)
    assert shares["f1_samples"] == pytest.approx((2 / 3 + 1 + 0) / 3)


@settings(deadline=None)
@given(LABELS, st.randoms(use_true_random=False))
def test_the_order_of_texts_does_not_matter_and_one_class_is_a_set_of_one(drawn, random):
    n_classes, pairs = drawn
    scores = class_scores(*columns(pairs), n_classes)
    random.shuffle(pairs)
    truth, predicted = columns(pairs)
    assert class_scores(truth, predicted, n_classes) == scores

    as_sets = set_scores(np.eye(n_classes, dtype=bool)[truth], np.eye(n_classes, dtype=bool)[predicted])
    assert as_sets.classes == scores.classes
    assert as_sets.shares["subset_accuracy"] == as_sets.shares["f1_samples"] == scores.shares["accuracy"]


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_all_right_is_1_and_all_wrong_is_0(truth):
    assert set(class_scores(truth, truth, 4).shares.values()) == {1.0}
    assert set(class_scores(truth, [(number + 1) % 4 for number in truth], 4).shares.values()) == {0.0}


def test_each_draw_of_the_bootstrap_is_scored_as_scikit_learn_scores_it():
    """Class 3 stands in one text of 30 alone: a third of the draws have none of it."""
    generator = np.random.default_rng(0)
    truth, predicted = generator.integers(3, size=(2, 30))
    truth[7] = predicted[7] = 3
    counts = resampled_sums(np.eye(30), resamples=40, seed=5).astype(int)
    draws = [(np.repeat(truth, count), np.repeat(predicted, count)) for count in counts]
    found = class_intervals(truth, predicted, 4, resamples=40, seed=5)

    for name, measure in {
        "accuracy": accuracy_score,
        "f1_macro": lambda t, p: f1_score(t, p, average="macro", zero_division=0),
        "f1_micro": lambda t, p: f1_score(t, p, average="micro", zero_division=0),
    }.items():
        theirs = np.quantile([measure(t, p) for t, p in draws], [0.025, 0.975])
        assert found.shares[name] == pytest.approx(tuple(theirs))
    for number, interval in enumerate(found.f1_class):
        with_it = [(t, p) for t, p in draws if number in t or number in p]
        each = [f1_score(t, p, labels=[number], average=None, zero_division=0)[0] for t, p in with_it]
        assert interval == pytest.approx(tuple(np.quantile(each, [0.025, 0.975])))
    assert found.f1_class[3] == (1.0, 1.0)
    assert any(3 not in t for t, _ in draws)


def test_an_interval_covers_the_true_value_as_often_as_it_says():
    """200 samples of 200 texts: 190 hits expected of 95 % intervals, standard deviation 3.1.

    Classes of shares 0.6, 0.3, 0.1, each right with 0.8, else one of the others: the true macro F1 is of these shares.
    """
    shares = np.array([0.6, 0.3, 0.1])
    joint = shares[:, None] * np.where(np.eye(3, dtype=bool), 0.8, 0.1)
    f1 = 2 * joint.diagonal() / (joint.sum(axis=1) + joint.sum(axis=0))
    generator = np.random.default_rng(1)
    hits = {"accuracy": 0, "f1_macro": 0, "f1 of class 0": 0}
    for trial in range(200):
        cells = generator.choice(9, size=200, p=joint.ravel())
        found = class_intervals(cells // 3, cells % 3, 3, resamples=400, seed=trial)
        hits["accuracy"] += found.shares["accuracy"][0] <= 0.8 <= found.shares["accuracy"][1]
        hits["f1_macro"] += found.shares["f1_macro"][0] <= f1.mean() <= found.shares["f1_macro"][1]
        hits["f1 of class 0"] += found.f1_class[0][0] <= f1[0] <= found.f1_class[0][1]
    assert all(180 <= n <= 199 for n in hits.values()), hits


def test_intervals_are_seeded_hold_the_value_and_need_two_texts():
    generator = np.random.default_rng(2)
    truth = generator.integers(4, size=300)
    predicted = np.where(generator.random(300) < 0.7, truth, generator.integers(4, size=300))
    scores, found = class_scores(truth, predicted, 5), class_intervals(truth, predicted, 5)

    assert found == class_intervals(truth, predicted, 5) != class_intervals(truth, predicted, 5, seed=1)
    assert list(found.shares) == list(scores.shares)
    assert all(low < scores.shares[name] < high for name, (low, high) in found.shares.items())
    for score, interval in zip(scores.classes[:4], found.f1_class[:4], strict=True):
        assert interval[0] < score.f1 < interval[1]
    assert found.f1_class[4] is None

    alone = class_intervals([1], [1], 2)
    assert alone.shares == {} and alone.f1_class == (None, None)


def test_intervals_of_sets_are_those_of_classes_where_each_text_has_one():
    generator = np.random.default_rng(3)
    truth, predicted = generator.integers(3, size=(2, 60))
    eye = np.eye(3, dtype=bool)
    of_sets, of_classes = set_intervals(eye[truth], eye[predicted]), class_intervals(truth, predicted, 3)

    assert of_sets.f1_class == of_classes.f1_class
    assert of_sets.shares["subset_accuracy"] == of_sets.shares["f1_samples"] == of_classes.shares["accuracy"]
    assert of_sets.shares["f1_macro"] == of_classes.shares["f1_macro"]


def test_the_paired_test_is_that_of_paper():
    """Of 20 texts ours alone has 8 right, theirs alone 2: p = 2 (1 + 10 + 45) / 2¹⁰."""
    truth = np.zeros(20, dtype=int)
    ours, theirs = truth.copy(), truth.copy()
    theirs[:8], ours[8:10] = 1, 1
    found = compare_classes(truth, ours, theirs, 2)

    assert (found.only_ours, found.only_theirs) == (8, 2)
    assert found.p_value == pytest.approx(112 / 1024)
    assert found.differences["accuracy"].value == pytest.approx(6 / 20)
    low, high = found.differences["accuracy"].interval
    assert -0.1 <= low < 6 / 20 < high <= 0.7


def test_a_paired_difference_turns_round_with_its_sides_and_is_nothing_with_itself():
    generator = np.random.default_rng(4)
    truth, ours, theirs = generator.integers(3, size=(3, 80))
    one, other = compare_classes(truth, ours, theirs, 3), compare_classes(truth, theirs, ours, 3)
    assert one.p_value == pytest.approx(other.p_value)
    for name, difference in one.differences.items():
        assert difference.value == -other.differences[name].value
        assert difference.interval == pytest.approx(tuple(-end for end in reversed(other.differences[name].interval)))

    same = compare_classes(truth, ours, ours, 3)
    assert same.p_value == 1.0
    assert all(d.value == 0 and d.interval == (0, 0) for d in same.differences.values())
    assert compare_classes([0], [0], [1], 2).differences["accuracy"].interval is None

    eye = np.eye(3, dtype=bool)
    as_sets = compare_sets(eye[truth], eye[ours], eye[theirs])
    assert as_sets.p_value == one.p_value
    assert as_sets.differences["subset_accuracy"] == one.differences["accuracy"]


def test_a_paired_difference_sees_what_two_intervals_cannot():
    """The second has what the first has right, and 12 of 600 texts more."""
    generator = np.random.default_rng(5)
    truth = generator.integers(2, size=600)
    first = np.where(generator.random(600) < 0.7, truth, 1 - truth)
    second = first.copy()
    second[np.flatnonzero(first != truth)[:12]] = truth[np.flatnonzero(first != truth)[:12]]

    a, b = (class_intervals(truth, own, 2).shares["accuracy"] for own in (first, second))
    assert a[1] > b[0]
    found = compare_classes(truth, second, first, 2)
    assert found.differences["accuracy"].interval[0] > 0 and found.p_value < 0.001


def test_one_class_for_everything_is_seen_where_there_are_several():
    assert only_class([0, 1, 2], [1, 1, 1], 3) == 1
    assert only_class([0, 1, 2], [1, 1, 2], 3) is None
    assert only_class([1, 1], [1, 1], 3) is None


def test_a_test_set_that_is_too_small_is_seen():
    """Width 0.1 beside a distance of 0.08 tells nothing, beside 0.12 it does."""
    assert not sample_size(0.80, (0.75, 0.85), floor=0.72, n_texts=250).tells_from_floor
    assert sample_size(0.80, (0.75, 0.85), floor=0.68, n_texts=250).tells_from_floor
    assert sample_size(0.60, (0.55, 0.65), floor=0.72, n_texts=250).tells_from_floor  # worse, and surely so
    assert not sample_size(1.0, None, floor=0.5, n_texts=1).tells_from_floor
    needed = texts_needed(0.8, 0.02)
    assert not sample_size(0.8, (0.79, 0.81), 0.5, needed - 1).tells_difference
    assert sample_size(0.8, (0.79, 0.81), 0.5, needed).tells_difference


def test_the_texts_needed_are_those_of_the_textbook():
    """p = 0.85 and 0.83: (1.959964 + 0.841621)² × (0.1275 + 0.1411) / 0.0004 = 5270.5; both sides of 1/2 are alike."""
    assert texts_needed(0.85, 0.02) == 5271
    assert texts_needed(0.15, 0.02) == 5271
    assert texts_needed(1.0, 0.02) > 300
    assert texts_needed_on_the_same(0.0) == texts_needed_on_the_same(0.02) > 300  # a difference is itself disagreement


def test_as_many_texts_as_are_needed_find_the_difference_in_80_of_100_cases():
    generator = np.random.default_rng(6)
    n = texts_needed(0.8, 0.05)
    a, b = generator.binomial(n, 0.8, 4000) / n, generator.binomial(n, 0.75, 4000) / n
    found = np.abs(a - b) > 1.96 * np.sqrt((a * (1 - a) + b * (1 - b)) / n)
    assert found.mean() == pytest.approx(0.8, abs=0.025)

    n = texts_needed_on_the_same(disagreement=0.2, difference=0.05)
    assert n < texts_needed(0.8, 0.05)
    ours, theirs, _ = generator.multinomial(n, [0.125, 0.075, 0.8], 4000).T
    found = np.abs(ours - theirs) > 1.96 * np.sqrt(ours + theirs)
    assert found.mean() == pytest.approx(0.8, abs=0.025)


@pytest.mark.parametrize(
    ("truth", "predicted", "said"),
    [
        ([], [], "no text was classified"),
        ([0, 1], [0], "2 texts have a true class and 1 a predicted one"),
        ([0, 3], [0, 1], r"truth\[1\]: there is no class 3: 3 classes are numbered 0 to 2"),
        ([0, 1], [-1, 1], r"predicted\[0\]: there is no class -1"),
        ([0.5, 1], [0, 1], "truth: the number of a class is a whole number, not float64"),
        ([[0, 1]], [0, 1], r"not an array of shape \(1, 2\)"),
    ],
)
def test_what_are_no_classes_is_refused_by_its_place(truth, predicted, said):
    for measure in (confusion, class_scores, class_intervals, only_class):
        with pytest.raises(InputError, match=said):
            measure(truth, predicted, 3)
    with pytest.raises(InputError):
        compare_classes(truth, predicted, predicted, 3)


def test_what_are_no_sets_is_refused():
    sets = np.zeros((2, 3), dtype=bool)
    for truth, predicted, said in (
        (sets, sets[:1], "2 texts have a true class and 1"),
        (sets, sets[:, :2], "truth has 3 classes and predicted has 2"),
        (sets, [0, 1], "predicted: sets of classes are booleans"),
        (sets.astype(int), sets, "truth: sets of classes are booleans"),
        (sets[:0], sets[:0], "no text was classified"),
    ):
        with pytest.raises(InputError, match=said):
            set_scores(truth, predicted)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 60), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_intervals_lie_in_the_range_of_a_share(n_texts, n_classes, seed):
    truth, predicted = np.random.default_rng(seed).integers(n_classes, size=(2, n_texts))
    found = class_intervals(truth, predicted, n_classes, resamples=50, seed=seed)
    everyone = [*found.shares.values(), *(interval for interval in found.f1_class if interval)]
    assert all(0 <= low <= high <= 1 for low, high in everyone)


def test_the_examples_are_right():
    tried = doctest.testmod(classification)
    assert tried.attempted >= 3 and tried.failed == 0
