"""Texts and how much each speaks for something -> the few to show. Room: text/. Used behind an alarm of opinion."""

from __future__ import annotations

from collections.abc import Sequence

from textmill.text.normalise import normalised

SHINGLE = 3
"""Characters in a row that two texts are compared by: some word and a half of Chinese, half a word of English."""
ALIKE = 0.6
"""Share of the shingles of both that near-equal texts have in common."""
LOOKED_THROUGH = 200
"""Of the most telling ones so many are compared with those already chosen."""


def most_telling(texts: Sequence[str], weights: Sequence[float], n: int = 5) -> list[int]:
    """The places of up to n texts of greatest weight, greatest first, none empty and no near-equal ones twice.

    weights: the probability of the class that grew, a number for each text. Of equal weights the earlier text comes
    first. Raises ValueError where the two are not of one length.

    >>> most_telling(["too late again", "Too late, again!", "no answer", "fine"], [0.9, 0.95, 0.8, 0.1], n=2)
    [1, 2]
    """
    if len(texts) != len(weights):
        raise ValueError(f"{len(texts)} texts and {len(weights)} weights")
    order = sorted(range(len(texts)), key=lambda place: (-weights[place], place))
    chosen, seen = list[int](), list[set[str]]()
    for place in order[:LOOKED_THROUGH]:
        if len(chosen) == n:
            break
        shingles = shingles_of(texts[place])
        if shingles and not any(are_alike(shingles, other) for other in seen):
            chosen.append(place)
            seen.append(shingles)
    return chosen


def shingles_of(text: str) -> set[str]:
    """What a text is compared by: SHINGLE letters and digits in a row, or all of a shorter one; perhaps none."""
    letters = "".join(sign for sign in normalised(text) if sign.isalnum())
    return {letters[start : start + SHINGLE] for start in range(max(1, len(letters) - SHINGLE + 1))} - {""}


def are_alike(one: set[str], other: set[str]) -> bool:
    """Whether two sets of shingles overlap by ALIKE (Jaccard)."""
    return len(one & other) >= ALIKE * len(one | other)
