"""A mean is a sum over a sum; nothing scored is an error."""

from __future__ import annotations

import math

import pytest

from textmill.errors import NothingScored
from textmill.metrics.language import ExampleScore, metrics_of
from textmill.metrics.loss import LossSum, bits_per_byte, bits_per_character, perplexity


def test_metrics_are_sums_over_sums_and_never_means_of_means():
    """8 bits over 2 tokens of 2 bytes (1 character), 4 bits over 4 tokens of 6 bytes (5 characters)."""
    scores = [
        ExampleScore("a", 8 * math.log(2), n_tokens=2, n_bytes=2, n_chars=1),
        ExampleScore("b", 4 * math.log(2), n_tokens=4, n_bytes=6, n_chars=5),
    ]
    metrics = metrics_of(scores)

    assert metrics["loss"] == pytest.approx(2 * math.log(2))  # the mean of means would be 2.5 bits
    assert metrics["perplexity"] == pytest.approx(4.0)
    assert metrics["bpb"] == pytest.approx(12 / 8) and metrics["bpc"] == pytest.approx(12 / 6)
    assert (metrics["n_tokens"], metrics["n_bytes"], metrics["n_chars"]) == (6, 8, 6)


def test_nothing_scored_is_an_error():
    with pytest.raises(NothingScored, match="no token"):
        metrics_of([])
    with pytest.raises(NothingScored, match="no token"):
        metrics_of([ExampleScore("a", 0.0, 0, 3, 3)])
    with pytest.raises(NothingScored, match="no byte"):
        metrics_of([ExampleScore("a", 1.0, 1, 0, 0)])
    with pytest.raises(NothingScored, match="no character"):
        metrics_of([ExampleScore("a", 1.0, 1, 2, 0)])
    with pytest.raises(NothingScored):
        _ = LossSum().mean


def test_a_loss_that_is_too_large_has_an_infinite_perplexity():
    assert perplexity(LossSum(1600.0, 2)) == math.inf
    assert bits_per_byte(LossSum(math.log(2), 1), 4) == 0.25
    assert bits_per_character(LossSum(math.log(2), 1), 2) == 0.5
