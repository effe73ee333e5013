"""ECE, Brier, temperature, abstaining are those of paper and scikit-learn; the noise floor is what chance makes."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from textmill.errors import InputError
from textmill.metrics import calibration
from textmill.metrics.calibration import (
    COOLEST,
    HOTTEST,
    as_decisions,
    brier_score,
    calibration_intervals,
    confidences,
    expected_calibration_error,
    fit_temperature,
    label_nll,
    least_risk,
    most_answers,
    noise_floor,
    predicted_classes,
    reliability,
    risk_coverage,
    tempered,
)

CURVE_TEXTS = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=30)


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def calibrated(generator, n_texts, n_classes=3, spread=1.5):
    """Logits of texts, and labels drawn from the very probabilities that these logits are."""
    logits = generator.normal(0, spread, size=(n_texts, n_classes))
    return logits, drawn(generator, softmax(logits))


def drawn(generator, probabilities):
    return (generator.random((len(probabilities), 1)) > probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)


def curve(texts):
    sure, right = zip(*texts, strict=True)
    return risk_coverage(np.array(sure) / 6, np.array(right))


def test_the_error_of_calibration_is_that_of_paper():
    """Two texts of confidence 0.9, one right: 0.4 apart; one of 0.6, right: 0.4 apart; (2 × 0.4 + 0.4) / 3."""
    probabilities = [[0.9, 0.1], [0.1, 0.9], [0.6, 0.4]]
    assert expected_calibration_error([0, 0, 0], probabilities) == pytest.approx(0.4)
    rows = {row.n_texts: row for row in reliability([0, 0, 0], probabilities) if row.n_texts}
    assert (rows[2].confidence, rows[2].accuracy) == pytest.approx((0.9, 0.5))
    assert (rows[1].confidence, rows[1].accuracy) == pytest.approx((0.6, 1.0))
    assert expected_calibration_error([0, 1], [[0.9, 0.1], [0.8, 0.2]]) == pytest.approx((0.1 + 0.8) / 2)


def test_a_bin_has_its_upper_end_and_not_its_lower_one():
    table = reliability([0, 0, 0], [[0.5, 0.5], [0.75, 0.25], [1.0, 0.0]], n_bins=4)
    assert [row.n_texts for row in table] == [0, 1, 1, 1]
    assert [(row.low, row.high) for row in table] == [(0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)]
    assert table[0].confidence is None and table[0].accuracy is None
    assert len(reliability([0], [[1.0, 0.0]])) == 15


def test_texts_of_opposite_error_in_one_bin_cancel_and_in_two_do_not():
    """0.5, one of two right: 0. 0.75, both right: 0.25. 0.7 right, 0.55 wrong: 0.625 beside 1/2, or 0.3 and 0.55."""
    assert expected_calibration_error([0, 1], [[0.5, 0.5], [0.5, 0.5]], n_bins=1) == 0
    assert expected_calibration_error([0, 1], [[0.75, 0.25], [0.25, 0.75]], n_bins=1) == pytest.approx(0.25)
    assert expected_calibration_error([0, 1], [[0.7, 0.3], [0.55, 0.45]], n_bins=1) == pytest.approx(0.125)
    assert expected_calibration_error([0, 1], [[0.7, 0.3], [0.55, 0.45]], n_bins=15) == pytest.approx((0.3 + 0.55) / 2)


@settings(deadline=None)
@given(st.integers(1, 80), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_the_table_sums_to_the_error_and_the_order_of_texts_does_not_matter(n_texts, n_classes, seed):
    generator = np.random.default_rng(seed)
    logits, truth = calibrated(generator, n_texts, n_classes)
    probabilities, order = softmax(logits), generator.permutation(n_texts)
    table = reliability(truth, probabilities)

    assert sum(row.n_texts for row in table) == n_texts
    assert all(row.low < row.confidence <= row.high + 1e-12 for row in table if row.n_texts)
    by_hand = sum(row.n_texts * abs(row.accuracy - row.confidence) for row in table if row.n_texts) / n_texts
    for measure in (expected_calibration_error, brier_score, label_nll):
        assert measure(truth[order], probabilities[order]) == pytest.approx(measure(truth, probabilities))
    assert expected_calibration_error(truth, probabilities) == pytest.approx(by_hand)
    assert noise_floor(probabilities, simulations=5) == noise_floor(probabilities[order], simulations=5)


def test_sure_and_right_is_perfect_and_sure_and_wrong_the_worst():
    sure = np.eye(3)[[0, 1, 2, 2]]
    assert [measure([0, 1, 2, 2], sure) for measure in (expected_calibration_error, brier_score, label_nll)] == [
        0,
        0,
        0,
    ]
    assert noise_floor(sure).high == 0
    assert expected_calibration_error([1, 2, 0, 0], sure) == 1
    assert brier_score([1, 2, 0, 0], sure) == 2
    assert label_nll([1, 2, 0, 0], sure) == math.inf


def test_brier_and_nll_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    logits, truth = calibrated(generator, 200, n_classes=2)
    probabilities = softmax(logits)
    assert brier_score(truth, probabilities) == pytest.approx(2 * brier_score_loss(truth, probabilities[:, 1]))
    assert brier_score([2], [[0.5, 0.25, 0.25]]) == pytest.approx(0.25 + 0.0625 + 0.5625)

    logits, truth = calibrated(generator, 200, n_classes=4)
    assert label_nll(truth, softmax(logits)) == pytest.approx(log_loss(truth, softmax(logits), labels=[0, 1, 2, 3]))
    assert label_nll([0, 1], [[0.5, 0.5], [0.75, 0.25]]) == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_the_noise_floor_is_that_of_paper():
    """One text of 0.8: 0.2 off with chance 0.8, else 0.8: 0.32. Two of 0.5 in a bin: 1/2, 0, 0, 1/2 off: 0.25."""
    one = noise_floor([[0.8, 0.2]], simulations=20_000)
    assert one.mean == pytest.approx(0.32, abs=0.01) and one.high == pytest.approx(0.8)
    two = noise_floor([[0.5, 0.5], [0.5, 0.5]], simulations=20_000)
    assert two.mean == pytest.approx(0.25, abs=0.01) and two.high == pytest.approx(0.5)


def test_a_calibrated_classifier_stays_below_its_noise_floor_and_an_overconfident_one_does_not():
    """Of 200 samples of 300 texts 10 are expected above the 95 % end, standard deviation 3.1."""
    generator = np.random.default_rng(1)
    above, found, expected = 0, [], []
    for trial in range(200):
        logits, truth = calibrated(generator, 300)
        floor = noise_floor(softmax(logits), simulations=300, seed=trial)
        found.append(expected_calibration_error(truth, softmax(logits)))
        expected.append(floor.mean)
        above += found[-1] > floor.high
    assert 4 <= above <= 20
    assert np.mean(found) == pytest.approx(np.mean(expected), rel=0.05)

    logits, truth = calibrated(generator, 300)
    sure = softmax(3 * logits)
    assert expected_calibration_error(truth, sure) > 2 * noise_floor(sure).high


def test_the_noise_floor_is_seeded_and_the_same_whatever_is_drawn_together(monkeypatch):
    probabilities = softmax(calibrated(np.random.default_rng(2), 50)[0])
    floor = noise_floor(probabilities, simulations=100, seed=4)
    assert floor == noise_floor(probabilities, simulations=100, seed=4) != noise_floor(probabilities, simulations=100)
    monkeypatch.setattr("textmill.metrics.calibration.DRAWN_TOGETHER", 120)
    assert floor == noise_floor(probabilities, simulations=100, seed=4)


def test_intervals_cover_what_they_are_of():
    """100 samples of 300 texts: the Brier score of the source, and the ECE that such samples show on average."""
    generator = np.random.default_rng(3)

    def sample():
        logits, truth = calibrated(generator, 300)
        return truth, softmax(1.5 * logits)

    many = [sample() for _ in range(1500)]
    brier = np.mean([brier_score(*one) for one in many])
    ece = np.mean([expected_calibration_error(*one) for one in many])
    hits = {"ece": 0, "brier": 0}
    for trial in range(100):
        truth, probabilities = sample()
        found = calibration_intervals(truth, probabilities, resamples=300, seed=trial)
        hits["brier"] += found["brier"][0] <= brier <= found["brier"][1]
        hits["ece"] += found["ece"][0] <= ece <= found["ece"][1]
        assert found["ece"][0] <= expected_calibration_error(truth, probabilities) <= found["ece"][1]
    assert all(88 <= n <= 100 for n in hits.values()), hits


def test_intervals_need_two_texts_and_are_seeded():
    logits, truth = calibrated(np.random.default_rng(4), 40)
    found = calibration_intervals(truth, softmax(logits))
    assert (
        found == calibration_intervals(truth, softmax(logits)) != calibration_intervals(truth, softmax(logits), seed=1)
    )
    assert list(found) == ["ece", "brier"]
    assert calibration_intervals([0], [[0.9, 0.1]]) == {}


def test_classes_and_confidences_are_those_of_the_likeliest():
    probabilities = [[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]]
    assert predicted_classes(probabilities).tolist() == [1, 0]
    assert confidences(probabilities).tolist() == [0.5, 0.4]


def test_several_classes_a_text_are_decisions_of_two_classes():
    truth, probabilities = as_decisions(np.array([[True, False], [True, True]]), [[0.75, 0.25], [0.5, 1.0]])
    assert truth.tolist() == [1, 0, 1, 1]
    assert probabilities.tolist() == [[0.25, 0.75], [0.75, 0.25], [0.5, 0.5], [0.0, 1.0]]
    assert brier_score(truth, probabilities) == pytest.approx(2 * (0.0625 + 0.0625 + 0.25 + 0) / 4)
    with pytest.raises(InputError, match=r"probabilities\[0, 1\]: a probability lies from 0 to 1, not at 1.5"):
        as_decisions(np.array([[True, False]]), [[0.5, 1.5]])
    with pytest.raises(InputError, match=r"probabilities\[0, 0\]"):
        as_decisions(np.array([[True, False]]), [[math.nan, 0.5]])
    with pytest.raises(InputError, match="a boolean and a probability"):
        as_decisions(np.array([[1, 0]]), [[0.5, 0.5]])


def test_logits_that_are_too_large_by_a_factor_get_it_as_their_temperature():
    logits, truth = calibrated(np.random.default_rng(5), 20_000)
    for factor in (3.0, 1.0, 0.4):
        found = fit_temperature(factor * logits, truth)
        assert found.value == pytest.approx(factor, rel=0.05)
        assert found.not_fitted is None and not found.at_bound and found.n_texts == 20_000
        assert found.nll_after == pytest.approx(label_nll(truth, tempered(factor * logits, found.value)))
        assert found.nll_before == pytest.approx(label_nll(truth, softmax(factor * logits)))
        around = [label_nll(truth, tempered(factor * logits, found.value * turn)) for turn in (0.99, 1.01)]
        assert found.nll_after < min(around)


def test_a_temperature_repairs_the_error_of_calibration():
    """Fitted on 1,000 texts, measured on 1,000 others, 20 times: 1 is expected above the end of the noise floor."""
    generator = np.random.default_rng(6)
    still_above = 0
    for _ in range(20):
        logits, truth = calibrated(generator, 2000)
        found = fit_temperature(3 * logits[:1000], truth[:1000])
        before, after = tempered(3 * logits[1000:], 1.0), tempered(3 * logits[1000:], found.value)
        assert expected_calibration_error(truth[1000:], before) > noise_floor(before, simulations=200).high
        still_above += expected_calibration_error(truth[1000:], after) > noise_floor(after, simulations=200).high
    assert still_above <= 4


@settings(deadline=None)
@given(st.integers(20, 60), st.integers(2, 5), st.floats(0.1, 8), st.integers(0, 2**32 - 1))
def test_a_temperature_never_makes_its_labels_less_likely_and_keeps_the_classes(n_texts, n_classes, spread, seed):
    generator = np.random.default_rng(seed)
    logits, truth = calibrated(generator, n_texts, n_classes, spread)
    truth = np.where(generator.random(n_texts) < 0.2, generator.integers(n_classes, size=n_texts), truth)
    found = fit_temperature(logits, truth)

    assert found.nll_after <= found.nll_before
    assert COOLEST <= found.value <= HOTTEST
    assert label_nll(truth, tempered(logits, found.value)) <= label_nll(truth, tempered(logits, 1.0)) + 1e-12
    assert np.array_equal(tempered(logits, found.value).argmax(axis=1), logits.argmax(axis=1))


def test_a_temperature_is_1_and_says_why_where_nothing_can_be_learned():
    logits, truth = calibrated(np.random.default_rng(7), 40)
    right = logits.argmax(axis=1)
    impossible = np.where(np.arange(3) == truth[0], -math.inf, logits)
    for found, why in (
        (fit_temperature(logits[:19], truth[:19]), "too few texts"),
        (fit_temperature(logits, np.zeros(40, dtype=int)), "one class"),
        (fit_temperature(logits, right), "no mistake"),
        (fit_temperature(impossible, truth), "probability 0"),
    ):
        assert (found.value, found.not_fitted) == (1.0, why)
        assert found.nll_after == found.nll_before
    assert fit_temperature(logits[:20], truth[:20]).not_fitted is None


def test_a_best_temperature_beyond_the_bounds_is_told():
    """Labels that have nothing to do with the logits are best told by equal probabilities."""
    generator = np.random.default_rng(8)
    logits, truth = generator.normal(0, 9, size=(400, 3)), generator.integers(3, size=400)
    found = fit_temperature(logits, truth)
    assert found.at_bound and found.value == pytest.approx(HOTTEST, rel=1e-3)
    assert found.nll_after < found.nll_before


def test_tempered_probabilities_are_those_of_paper():
    """Logits ln 4 and 0 at temperature 2 are weights 2 and 1."""
    assert tempered([[math.log(4), 0.0]], 2.0)[0].tolist() == pytest.approx([2 / 3, 1 / 3])
    probabilities = softmax(calibrated(np.random.default_rng(9), 10)[0])
    assert np.allclose(tempered(np.log(probabilities), 1.0), probabilities)
    assert tempered([[0.0, -math.inf]], 2.0).tolist() == [[1.0, 0.0]]
    assert np.allclose(tempered([[1e5, 0.0, -1e5]], 0.05), [[1, 0, 0]])
    for wrong in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="a temperature is above 0 and finite"):
            tempered([[0.0, 1.0]], wrong)


def test_risk_and_coverage_are_those_of_paper():
    """0.9 right; 0.8 right and wrong, together; 0.6 right: risks 0, 1/3, 1/4 at coverages 1/4, 3/4, 1."""
    found = risk_coverage([0.8, 0.9, 0.6, 0.8], np.array([True, True, True, False]))
    assert found.thresholds.tolist() == [0.9, 0.8, 0.6]
    assert found.coverage.tolist() == [0.25, 0.75, 1.0]
    assert found.risk.tolist() == pytest.approx([0, 1 / 3, 1 / 4])
    assert found.aurc == pytest.approx((0 + 2 / 3 + 1 / 4) / 4)

    assert most_answers(found, 0.3).threshold == 0.6
    assert most_answers(found, 0.2).threshold == 0.9
    assert least_risk(found, 0.5).threshold == 0.6  # 0.8 answers enough too, at a higher risk
    assert least_risk(found, 0.25).threshold == 0.9
    assert (least_risk(found, 1.0).coverage, least_risk(found, 1.0).risk) == (1.0, 0.25)

    wrong = risk_coverage([0.9, 0.5], np.array([False, False]))
    assert most_answers(wrong, 0.5) is None
    assert least_risk(wrong, 0.1).coverage == 1.0  # no risk is less: all may be answered


@settings(deadline=None)
@given(CURVE_TEXTS, st.integers(0, 10), st.randoms(use_true_random=False))
def test_thresholds_do_what_they_say_and_none_does_better(texts, tenths, random):
    """Each threshold is tried by itself: what is answered, what of it is wrong."""
    found, wanted = curve(texts), tenths / 10
    random.shuffle(texts)
    assert curve(texts).aurc == found.aurc

    def answered(threshold):
        kept = [right for sure, right in texts if sure / 6 >= threshold]
        return len(kept) / len(texts), 1 - sum(kept) / len(kept)

    tried = [answered(sure / 6) for sure, _ in texts]
    point = most_answers(found, wanted)
    fitting = [coverage for coverage, risk in tried if risk <= wanted + 1e-12]
    if point is None:
        assert not [coverage for coverage, risk in tried if risk <= wanted - 1e-12]
    else:
        assert (point.coverage, point.risk) == pytest.approx(answered(point.threshold))
        assert point.risk <= wanted and point.coverage == pytest.approx(max(fitting), abs=1e-9)

    point = least_risk(found, wanted)
    assert (point.coverage, point.risk) == pytest.approx(answered(point.threshold))
    assert point.coverage >= wanted
    assert point.risk == pytest.approx(min(risk for coverage, risk in tried if coverage >= wanted - 1e-12))


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_all_answered_is_the_error_rate_and_the_best_order_has_the_least_area(right):
    right = np.array(right)
    error = 1 - right.mean()
    anyhow, best, worst = (risk_coverage(score, right) for score in (np.arange(len(right)), right * 1.0, ~right * 1.0))
    for found in (anyhow, best, worst):
        assert found.coverage[-1] == 1 and found.risk[-1] == pytest.approx(error)
    assert risk_coverage(np.ones(len(right)), right).aurc == pytest.approx(error)  # all as sure: one point
    ideal = risk_coverage(np.argsort(np.argsort(right, kind="stable")), right).aurc
    assert ideal <= anyhow.aurc + 1e-12
    one_by_one = [(~right[::-1])[: k + 1].mean() for k in range(len(right))]
    assert anyhow.aurc == pytest.approx(np.mean(one_by_one))


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [
        ([[0.5, 0.5], [math.nan, 1.0]], r"probabilities\[1\]: a probability is no number: nan, 1"),
        ([[0.5, 0.5], [math.inf, 1.0]], r"probabilities\[1\]: a probability is no number"),
        ([[-0.1, 1.1], [0.5, 0.5]], r"probabilities\[0\]: a probability is negative: -0.1, 1.1"),
        ([[0.5, 0.5], [0.5, 0.4]], r"probabilities\[1\]: probabilities sum to 1, within 0.0001: 0.5, 0.4 \(sum 0.9\)"),
        ([[0.5, 0.5]], "2 texts have a class and 1 have probabilities"),
        (np.zeros((0, 2)), "no text was classified"),
        ([0.5, 0.5], r"not an array of shape \(2,\)"),
    ],
)
def test_what_is_no_distribution_is_refused_by_its_row(probabilities, said):
    for measure in (expected_calibration_error, brier_score, label_nll, reliability, calibration_intervals):
        with pytest.raises(InputError, match=said):
            measure([0, 1], probabilities)


def test_a_label_that_is_no_class_is_refused_and_rounding_is_not():
    with pytest.raises(InputError, match=r"truth\[1\]: there is no class 2"):
        brier_score([0, 2], [[0.5, 0.5], [0.5, 0.5]])
    assert expected_calibration_error([0], [[1.00005, 0.0]]) == pytest.approx(0, abs=1e-4)
    assert reliability([0], [[1.00005, 0.0]])[-1].n_texts == 1


def test_what_are_no_logits_or_confidences_is_refused():
    for logits, said in (
        ([[0.0, 1.0], [math.nan, 0.0]], r"logits\[1\]"),
        ([[math.inf, 1.0]], r"logits\[0\]"),
        ([[-math.inf, -math.inf]], r"logits\[0\]"),
        (np.zeros((0, 2)), "no text was classified"),
        ([0.0, 1.0], "logits: a row a text"),
    ):
        with pytest.raises(InputError, match=said):
            tempered(logits, 1.0)
        with pytest.raises(InputError, match=said):
            fit_temperature(logits, [0, 1])
    with pytest.raises(InputError, match=r"confidence\[1\]"):
        risk_coverage([0.5, math.nan], np.array([True, False]))
    with pytest.raises(InputError, match="no text was classified"):
        risk_coverage([], np.array([], dtype=bool))
    with pytest.raises(InputError, match="a number and a boolean a text"):
        risk_coverage([0.5], [1])
    with pytest.raises(InputError, match="coverage is a share"):
        least_risk(risk_coverage([0.5], np.array([True])), 1.5)


def test_the_examples_are_right():
    tried = doctest.testmod(calibration)
    assert tried.attempted >= 2 and tried.failed == 0
