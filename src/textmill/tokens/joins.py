"""A text of any length -> its ids in parts, also where no place is safe to cut it. Room: tokens/ (documents -> ids).

Used by Tokenizer for the kinds that cut a text into pieces first (word, bpe). A part ends at a safe place (cuts). A run
of letters has none, and may be all of a file: Chinese without a sign, a genome. There the text is encoded in windows
that overlap inside the run, and two windows are joined at a token that both have in the same place.

Exact, for the reason that BpeEncoder.merged gives: inside the run the windows hold the beginning and a later stretch of
one piece. That needs letters alone in the overlap, the second window DEEP letters behind its start (a contraction may
take the first two), and more letters than the longest token has (a known word must not be taken for the end of one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from textmill.errors import InputError
from textmill.text.long_text import Text
from textmill.tokens.cuts import next_safe_place, stop_of_part
from textmill.tokens.encoders import is_old_letter
from textmill.tokens.library import Ids

OVERLAP = 1 << 12
"""Characters that two windows share, or two of the longest tokens."""
DEEP = 16
N_TRIED = 16
"""Tokens at which a second window may begin."""


def encode_joined(
    text: Text,
    encode: Callable[[str], Ids],
    n_bytes_of: NDArray[np.int64],
    part_chars: int,
    last_cut: Callable[[str], int] = lambda part: 0,
) -> Iterator[Ids]:
    """Ids of the text, part by part. n_bytes_of: bytes of each id; last_cut: as kinds.Kind has it.

    Raises InputError where no two windows agree.
    """
    overlap = max(OVERLAP, 2 * int(n_bytes_of.max(initial=1))) + DEEP
    start = 0
    while start < len(text):
        stop, is_safe = _stop(text, start, part_chars, overlap, last_cut)
        ids = encode(text[start:stop])
        while not is_safe:
            behind = _bytes_behind(ids, n_bytes_of)
            for at, anchor in _anchors(text[stop - overlap + DEEP : stop], behind, stop):
                right_stop, is_safe = _stop(text, anchor, part_chars, overlap, last_cut)
                right = encode(text[anchor:right_stop])
                right_behind = behind[at] - np.cumsum(n_bytes_of[right]) + n_bytes_of[right]
                _, here, there = np.intersect1d(behind[at:], right_behind, assume_unique=True, return_indices=True)
                same = np.flatnonzero(ids[at:][here] == right[there])
                if len(same):
                    yield ids[: at + int(here[same[-1]])]  # the first in the text has most bytes behind it
                    ids, stop = right[int(there[same[-1]]) :], right_stop
                    break
            else:
                raise InputError(
                    f"a run of more than {part_chars:,} letters cannot be encoded in parts: no two of them agree",
                    hint="Put a blank or the end of a line into it, or choose --tokens.kind char or bytes.",
                )
        yield ids
        start = stop


def _stop(text: Text, start: int, part_chars: int, overlap: int, last_cut: Callable[[str], int]) -> tuple[int, bool]:
    """The end of the part or window that begins at `start`, and whether it is a safe place."""
    stop = stop_of_part(text, start, part_chars)
    if stop is not None:
        return stop, True
    end = start + part_chars
    if place := last_cut(text[start:end]):
        return start + place, True
    if part_chars >= 2 * overlap and all(map(is_old_letter, text[end - overlap : end])):
        return end, False
    return next_safe_place(text, end + 1), True


def _bytes_behind(ids: Ids, n_bytes_of: NDArray[np.int64]) -> NDArray[np.int64]:
    """From the start of each token to the end of all."""
    return np.cumsum(n_bytes_of[ids][::-1])[::-1]


def _anchors(tail: str, behind: NDArray[np.int64], stop: int) -> Iterator[tuple[int, int]]:
    """Number and first character of the tokens that begin with a character in the tail, which ends at `stop`."""
    sizes = [len(character.encode()) for character in tail]
    left = np.cumsum(sizes[::-1])[::-1]  # bytes from each character to the end
    places = {int(n): number for number, n in enumerate(left)}
    first = int(np.searchsorted(-behind, -left[0]))
    found = [(at, places[int(behind[at])]) for at in range(first, len(behind)) if int(behind[at]) in places]
    for at, number in found[:N_TRIED]:
        yield at, stop - len(tail) + number
