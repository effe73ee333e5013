"""What a context has in common with a question: values by hand, and against a plain count of every stretch."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.models.matches import FIRST_MATCH, LONGEST_MATCH, N_FACTS, longest_matches, matches, nearby

ids = st.lists(st.integers(0, 4), min_size=1, max_size=12)


def test_matches_by_hand():
    """The question 1 2 3; the context 1 2 9 3 1. Its first two tokens are a stretch of the question, 1 stands in it
    twice, 9 is no match."""
    found = matches(np.array([1, 2, 3]), np.array([1, 2, 9, 3, 1]))
    assert found.shape == (5, N_FACTS - FIRST_MATCH)
    assert found[:, 0].tolist() == [1, 1, 0, 1, 1]
    assert found[:, 1].tolist() == [1, 1, 0, 0, 0]
    assert not found[:, 2:LONGEST_MATCH].any()
    np.testing.assert_allclose(found[:, LONGEST_MATCH], [0.5, 1, 0, 1, 0.5])
    np.testing.assert_allclose(found[:, LONGEST_MATCH + 1], np.full(5, 3 / 3))  # all of it is near, and 3 counts as 1
    np.testing.assert_allclose(found[:, LONGEST_MATCH + 2], np.full(5, 2 / 10))


@given(ids, ids)
@settings(deadline=None)
def test_the_longest_match_is_that_of_every_stretch_counted_one_by_one(question, context):
    stretches = {tuple(question[a : a + n]) for n in range(1, LONGEST_MATCH + 1) for a in range(len(question) - n + 1)}
    wanted = [
        max(
            (
                n
                for n in range(1, LONGEST_MATCH + 1)
                for a in range(max(0, place - n + 1), place + 1)
                if a + n <= len(context) and tuple(context[a : a + n]) in stretches
            ),
            default=0,
        )
        for place in range(len(context))
    ]
    assert longest_matches(np.array(question), np.array(context)).tolist() == wanted


@given(ids, st.integers(0, 15))
@settings(deadline=None)
def test_what_is_nearby_is_summed_one_by_one(values, reach):
    wanted = [sum(values[max(0, place - reach) : place + reach + 1]) for place in range(len(values))]
    np.testing.assert_allclose(nearby(np.array(values), reach), wanted)


@given(ids, ids)
@settings(deadline=None)
def test_what_ids_are_called_does_not_matter(question, context):
    names = np.array([30, 7, 2**40, 11, 5])
    renamed = matches(names[np.array(question)], names[np.array(context)])
    np.testing.assert_array_equal(renamed, matches(np.array(question), np.array(context)))
