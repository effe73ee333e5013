"""Intervals: they cover the true value as often as they say, and agree with formulas where there are some."""

from __future__ import annotations

import math

import numpy as np
import pytest

from textmill.metrics.bootstrap import difference_interval, intervals, resampled_sums
from textmill.metrics.language import ExampleScore


def documents(generator, n, nats_per_token=1.2, spread=0.3):
    """Texts of very unequal length, each with a difficulty of its own: the true loss is nats_per_token."""
    lengths = 5 + generator.geometric(1 / 60, size=n)
    difficulty = generator.gamma(1 / spread**2, nats_per_token * spread**2, size=n)
    return [
        ExampleScore(str(i), float(d * length), int(length), int(4 * length), int(3 * length))
        for i, (length, d) in enumerate(zip(lengths, difficulty, strict=True))
    ]


def test_the_interval_covers_the_true_value_as_often_as_it_says():
    """300 samples of 60 documents, 90 % intervals: 270 hits expected, standard deviation 5.2."""
    generator = np.random.default_rng(0)
    hits = 0
    for trial in range(300):
        low, high = intervals(documents(generator, 60), resamples=400, confidence=0.9, seed=trial)["loss"]
        hits += low <= 1.2 <= high
    assert 250 <= hits <= 285  # a percentile bootstrap of 60 covers a little less than it says


def test_with_equal_lengths_the_interval_is_that_of_a_mean():
    """Mean of n numbers: standard error s/√n; 95 % are ± 1.96 of it."""
    generator = np.random.default_rng(1)
    nats = generator.normal(50, 10, size=400)
    scores = [ExampleScore("d", float(x), 10, 20, 20) for x in nats]

    low, high = intervals(scores, resamples=4000, seed=3)["loss"]
    error = 1.96 * nats.std() / math.sqrt(400) / 10
    assert low == pytest.approx(nats.mean() / 10 - error, abs=0.1 * error)
    assert high == pytest.approx(nats.mean() / 10 + error, abs=0.1 * error)


def test_all_metrics_have_an_interval_that_holds_their_value():
    scores = documents(np.random.default_rng(2), 40)
    total, tokens = sum(s.nats for s in scores), sum(s.n_tokens for s in scores)
    found = intervals(scores)

    assert list(found) == ["loss", "perplexity", "bpb", "bpc"]
    assert found["loss"][0] < total / tokens < found["loss"][1]
    assert found["perplexity"] == pytest.approx(tuple(math.exp(end) for end in found["loss"]))
    assert found["bpb"] == pytest.approx(tuple(end / math.log(2) / 4 for end in found["loss"]))
    assert found["bpc"] == pytest.approx(tuple(end / math.log(2) / 3 for end in found["loss"]))


def test_equal_seeds_give_equal_intervals_whatever_is_drawn_together(monkeypatch):
    scores = documents(np.random.default_rng(2), 40)
    found = intervals(scores, seed=5)
    assert found == intervals(scores, seed=5) != intervals(scores, seed=6)
    monkeypatch.setattr("textmill.metrics.bootstrap.DRAWN_TOGETHER", 1)
    one_by_one = intervals(scores, seed=5)
    assert all(one_by_one[name] == pytest.approx(interval) for name, interval in found.items())


def test_equal_examples_leave_no_doubt_and_one_example_says_nothing():
    same = [ExampleScore("d", 7.0, 10, 20, 20)] * 5
    assert intervals(same)["loss"] == pytest.approx((0.7, 0.7))
    assert intervals(same[:1]) == {}
    assert intervals([same[0], ExampleScore("empty", 0.0, 0, 0, 0)]) == {}
    assert difference_interval(same[:1], same[:1]) is None


def test_a_ratio_over_nothing_does_not_count():
    """Half of the documents are empty: only their end mark was scored, without a byte."""
    scores = [ExampleScore("d", 7.0, 10, 20, 20), ExampleScore("empty", 1.0, 1, 0, 0)]
    found = intervals(scores)
    assert all(math.isfinite(end) for interval in found.values() for end in interval)
    assert "bpb" not in intervals([ExampleScore("empty", 1.0, 1, 0, 0)] * 3)


def test_the_paired_difference_sees_what_two_intervals_cannot():
    """A model that is 1 % better on each text: the intervals overlap, the difference is certain."""
    ours = documents(np.random.default_rng(4), 50)
    theirs = [ExampleScore(s.source, s.nats * 1.01, s.n_tokens, s.n_bytes, s.n_chars) for s in ours]

    a, b = intervals(ours)["bpb"], intervals(theirs)["bpb"]
    assert a[1] > b[0]
    interval = difference_interval(ours, theirs)
    assert interval is not None and interval[1] < 0
    with pytest.raises(ValueError, match="same examples"):
        difference_interval(ours, theirs[1:])


def test_a_resample_draws_whole_rows():
    sums = resampled_sums(np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]), resamples=50, seed=0)
    assert sums.shape == (50, 2)
    assert np.array_equal(sums[:, 1], 10 * sums[:, 0])
    assert sums[:, 0].min() >= 3 and sums[:, 0].max() <= 12 and len(np.unique(sums[:, 0])) > 3
