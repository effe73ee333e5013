"""Stick-breaking attention and the head over sentences: worked out on paper, and by its laws."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import RecurrentConfig
from textmill.errors import InputError
from textmill.models.story_head import StoryHead, shares_of


def logit(share):
    return math.log(share / (1 - share))


def test_the_newest_takes_its_share_and_those_before_of_what_is_left():
    heights = torch.tensor([[logit(0.5), logit(0.2), logit(0.9), logit(0.5)]], dtype=torch.float64)
    there = torch.tensor([[True, False, True, True]])
    # from the end: 1/2; 9/10 of 1/2; no place there; 1/2 of 1/20
    wanted = torch.tensor([[0.025, 0.0, 0.45, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(shares_of(heights, there), wanted)


def test_of_two_that_fit_the_last_one_is_seen_in_a_story_of_any_length():
    for length in (5, 50, 5000):
        heights = torch.full((1, length), -30.0)
        heights[0, 0] = heights[0, 2] = 30.0
        shares = shares_of(heights, torch.ones(1, length, dtype=torch.bool))
        assert shares.argmax() == 2 and shares[0, 2] > 0.999


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(-40, 40), st.booleans()), min_size=1, max_size=12))
def test_shares_are_a_distribution_with_a_rest_and_none_where_nothing_is(places):
    heights = torch.tensor([[height for height, _ in places]], dtype=torch.float64)
    there = torch.tensor([[own for _, own in places]])
    shares = shares_of(heights, there)
    assert (shares >= 0).all() and shares.sum() <= 1 + 1e-9
    assert (shares[~there] == 0).all()
    left = 1.0
    for number in range(len(places) - 1, -1, -1):
        share = torch.sigmoid(heights[0, number]).item() if there[0, number] else 0.0
        assert shares[0, number].item() == pytest.approx(left * share, abs=1e-9)
        left *= 1 - share


def test_stories_that_name_no_rows_are_refused():
    head = StoryHead(RecurrentConfig(d_model=8), ["a", "b"])
    hidden = torch.zeros(2, 3, 8)
    for stories in ([[0, 2]], [[-1, 0]], [[]]):
        with pytest.raises(InputError, match="question first"):
            head(hidden, None, torch.tensor(stories, dtype=torch.long))


def test_bfloat16_answers_as_float32_but_for_rounding():
    torch.manual_seed(0)
    head, hidden = StoryHead(RecurrentConfig(d_model=8), ["a", "b"]), torch.randn(4, 3, 8)
    for name, parameter in head.named_parameters():
        with torch.no_grad():
            head.draw(name, parameter, torch.Generator().manual_seed(1))
    stories = torch.tensor([[0, 1, 2, 3], [3, 1, -1, -1]])
    logits, attention = head(hidden, None, stories)
    with torch.autocast("cpu", torch.bfloat16):
        mixed, looked = head(hidden, None, stories)
    assert mixed.dtype == looked.dtype == torch.float32
    torch.testing.assert_close(mixed, logits, atol=0.03, rtol=0)
    torch.testing.assert_close(looked, attention, atol=0.03, rtol=0)
