"""What each token of a context has to do with a question, as numbers. Room: models/ (ids -> scores).

A question is found in a context by what both have in common, and a small model does not learn from a few thousand
questions what is the same: it is told (exact matches, as in Chen et al. 2017, arXiv:1704.00051, section 3.2), with how
long the stretch is that is the same, how rare its words are in the context, and how much of it stands nearby (the
sliding window of Richardson et al. 2013). Made by tasks/answer.py for SpanHead, of whole words: a name that the
tokenizer cuts into letters is the same as a whole, or is not. What is to count as the same, such as "The" and "the",
comes as one number. The same is told of the words of the question: is what is asked about in the context at all?
Shapes: Q words of a question, C of a context, F facts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

LONGEST_MATCH = 4
"""Tokens of the longest stretch that is told apart from shorter ones."""
NEARBY = (6, 20, 60)
"""Tokens to either side, within which matches are counted."""
DENSE = {1: 3.0, 2: 10.0}
"""So much of matches of one token, weighed by rarity, and of two tokens is taken for 1."""
NO_ANSWER, QUESTION, CONTEXT = range(3)
"""Facts of a whole row: the place that says that there is no answer, tokens of the question, tokens of the context."""
FIRST_MATCH = 3
N_FACTS = FIRST_MATCH + LONGEST_MATCH + 1 + 2 * len(NEARBY)


def matches(question: Ints, context: Ints) -> Floats:
    """(C, F - 3): is the token within a stretch of 1, 2, 3, 4 tokens that the question has too; how rare it is, if it
    is one (1 over how often the context has it); and within each of NEARBY, how many such tokens there are (by rarity),
    and how many in stretches of two."""
    longest = longest_matches(question, context)
    _, numbers, counts = np.unique(context, return_inverse=True, return_counts=True)
    rare = (longest >= 1) / counts[numbers]
    columns = [longest >= n for n in range(1, LONGEST_MATCH + 1)] + [rare]
    for reach in NEARBY:
        columns.append(nearby(rare, reach) / DENSE[1])
        columns.append(nearby(longest >= 2, reach) / DENSE[2])
    return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)


def longest_matches(question: Ints, context: Ints) -> Ints:
    """(C,) How many tokens the longest stretch has, LONGEST_MATCH at most, that holds the token and stands in the
    question too; 0: there is none.

    >>> longest_matches(np.array([7, 8, 9]), np.array([7, 9, 8, 9, 5])).tolist()
    [1, 2, 2, 2, 0]
    """
    found = np.zeros(len(context), dtype=np.int64)
    ours, theirs = together(question, context)
    first_ours, first_theirs, n_ids = ours, theirs, len(ours) + len(theirs)
    for n in range(1, min(LONGEST_MATCH, len(question), len(context)) + 1):
        if n > 1:  # a stretch of n tokens: the number of its first n - 1, and its last
            ours = ours[:-1] * n_ids + first_ours[n - 1 :]
            theirs = theirs[:-1] * n_ids + first_theirs[n - 1 :]
            ours, theirs = together(ours, theirs)
        starts = np.flatnonzero(np.isin(theirs, ours))
        for place in range(n):
            found[starts + place] = n
    return found


def together(ours: Ints, theirs: Ints) -> tuple[Ints, Ints]:
    """Both, numbered anew from 0 on: equal numbers where they were equal."""
    numbers = np.unique(np.concatenate([ours, theirs]), return_inverse=True)[1]
    return numbers[: len(ours)], numbers[len(ours) :]


def nearby(values: NDArray[np.generic], reach: int) -> NDArray[np.float64]:
    """(C,) The sum of the values (C,) at most `reach` places away."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    places = np.arange(len(values))
    totals: NDArray[np.float64] = (
        sums[np.minimum(places + reach + 1, len(values))] - sums[np.maximum(places - reach, 0)]
    )
    return totals
