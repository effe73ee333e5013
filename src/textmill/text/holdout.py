"""What is held out: pure functions over sizes and over one text. Room: text/. Used by splits.

Several documents: groups of documents in an order that a hash gave. One document: places to cut it.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textmill.text.long_text import PIECE, Text, in_pieces

FEW = 10
"""Below so many documents (or lines of one document) the text is too short for a test part nobody asked for."""
FEW_LINES_BYTES = 10_000
"""One document with few lines is long enough for a test part from this size on."""
SHORT_LINE_BYTES = 200
"""One line below this size is not cut: it all goes to training."""
REACH = 64
"""Characters around a cut inside a line in which a blank is looked for."""


def choose_groups(group_bytes: ArrayLike, test_share: float, valid_share: float) -> tuple[list[int], list[int]]:
    """Numbers of the groups for test and validation. `group_bytes`: size of each group, groups in hash order.

    Test takes from the front and validation from the back, so that neither moves when the other's share does. A part
    takes groups until it holds its share of the bytes. One that would take it too far (beyond twice its share, or a
    quarter of the training text) is passed over; where that leaves a part empty, it gets the first group of at most
    half the text, or else the smallest. Needs a group for each part and one for training.

    >>> choose_groups([10] * 10, 0.1, 0.2)
    ([0], [9, 8])
    """
    sizes = np.asarray(group_bytes, dtype=np.int64)
    total = int(sizes.sum())
    n_parts = (test_share > 0) + (valid_share > 0)
    if len(sizes) <= n_parts:
        raise ValueError(f"{len(sizes)} groups cannot fill {n_parts} parts and leave one to train on")
    train_bytes = total * (1 - test_share - valid_share)
    taken: set[int] = set()
    test = _take(sizes, range(len(sizes)), taken, test_share * total, train_bytes, reserve=1 + (valid_share > 0))
    valid = _take(sizes, range(len(sizes) - 1, -1, -1), taken, valid_share * total, train_bytes, reserve=1)
    return test, valid


def _take(
    sizes: NDArray[np.int64], order: range, taken: set[int], target: float, train_bytes: float, reserve: int
) -> list[int]:
    if target <= 0:
        return []
    limit = target + min(target, train_bytes / 4)
    chosen: list[int] = []
    held = 0
    for group in order:
        if held >= target or len(taken) + reserve >= len(sizes):
            break
        if group in taken or held + sizes[group] > limit:
            continue
        chosen.append(group)
        taken.add(group)
        held += int(sizes[group])
    if not chosen:
        free = [group for group in order if group not in taken]
        half = int(sizes[free].sum()) / 2
        first = next((group for group in free if sizes[group] <= half), min(free, key=lambda group: int(sizes[group])))
        chosen.append(first)
        taken.add(first)
    return chosen


def line_starts(text: Text) -> array[int]:
    """Where a line that is not blank starts, the first such line left out: cutting there leaves no side blank.

    >>> line_starts("one" + chr(10) + " " + chr(10) + "two")
    array('q', [6])
    """
    starts = array("q")
    begin, at = bounds_of(text)[0], 0
    pending = -1  # where the last line began, if all of it that was read is blank
    for piece in in_pieces(text):
        first = re.search(r"\S|\n", piece)
        if pending >= 0 and first:
            if first[0] != "\n":
                starts.append(pending)
            pending = -1
        starts.extend(at + match.end() for match in re.finditer(r"\n(?=[^\S\n]*\S)", piece))
        last = piece.rfind("\n") + 1
        if last and not piece[last:].strip():
            pending = at + last
        at += len(piece)
    return starts[1:] if starts and starts[0] <= begin else starts


def bounds_of(text: Text) -> tuple[int, int]:
    """Where the first and behind the last character that is not blank; the length twice where all are."""
    end = len(text)
    while end and not (piece := text[max(0, end - PIECE) : end]).strip():
        end -= len(piece)
    if not end:
        return len(text), len(text)
    end -= len(piece) - len(piece.rstrip())
    begin = 0
    while not (piece := text[begin : begin + PIECE]).strip():
        begin += len(piece)
    return begin + len(piece) - len(piece.lstrip()), end


def cut_at_lines(text: Text, starts: Sequence[int], shares: Sequence[float]) -> list[int] | None:
    """Places that give the last parts of `text` about their shares, at line starts; None where lines are too long.

    `shares`: of the second part, the third…; the first part gets the rest. Too long means that the first part would
    fall below half of its share, or another below a third of its own.
    """
    if len(starts) < len(shares):
        return None
    end = bounds_of(text)[1]
    cuts: list[int] = []
    tail = 0.0
    upto = len(starts)
    for number, share in reversed(list(enumerate(shares))):
        tail += share
        # Enough line starts must be left for the parts before this one.
        upto = _nearest(starts, (1 - tail) * end, number, upto)
        cuts.insert(0, starts[upto])
    bounds = [0, *cuts, end]
    lengths = [after - before for before, after in pairwise(bounds)]
    if lengths[0] < (1 - sum(shares)) * end / 2:
        return None
    if any(length < share * end / 3 for length, share in zip(lengths[1:], shares, strict=True)):
        return None
    return cuts


def _nearest(starts: Sequence[int], target: float, first: int, upto: int) -> int:
    """Number of the line start nearest to `target`, in first <= number < upto."""
    after = min(max(bisect_left(starts, target), first), upto - 1)
    if after > first and target - starts[after - 1] <= starts[after] - target:
        return after - 1
    return after


def cut_in_lines(text: Text, shares: Sequence[float]) -> list[int] | None:
    """The same inside lines: at the start of a word near by, or else between two characters; None where it is too
    short for that. No mark, joiner or selector is cut off its base."""
    begin, end = bounds_of(text)
    cuts: list[int] = []
    tail = sum(shares)
    for share in shares:
        place = _word_start(text, round(begin + (1 - tail) * (end - begin)), begin, end)
        if place is None or (cuts and place <= cuts[-1]):
            return None
        cuts.append(place)
        tail -= share
    return cuts


def _word_start(text: Text, target: int, begin: int, end: int) -> int | None:
    """The nearest place where a new word or sentence starts, or the nearest between two whole characters."""
    first = max(0, target - REACH - 1)
    around = text[first : target + REACH + 1]
    near = [target + sign * step for step in range(REACH + 1) for sign in (1, -1)]
    near = [place - first for place in near if begin < place < end]
    kept = [place for place in near if not around[place].isspace() and not _belongs_to_previous(around, place)]
    for place in kept:
        if around[place - 1].isspace() or (around[place - 1] in "。！？；，、" and around[place] not in "”’」』）"):
            return first + place
    return first + kept[0] if kept else None


def _belongs_to_previous(text: str, place: int) -> bool:
    here, before = text[place], text[place - 1]
    # Zero-width joiner on either side, variation selectors and marks (M*), skin tones, and pairs of flag letters.
    return (
        unicodedata.category(here)[0] == "M"
        or "\u200d" in (here, before)
        or "\U0001f3fb" <= here <= "\U0001f3ff"
        or ("\U0001f1e6" <= here <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff")
        or (here == "\n" and before == "\r")
    )
