"""Fast ways from texts to ids, each equal to the tokenizers library on every text. Room: tokens/.

Used by Tokenizer alone, which has refused lone surrogates before it calls. The library is the reference (tests hold
each encoder against it); these are 10 to 100 times as fast, so that preparing text is never what one waits for.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer as Library
from tokenizers import pre_tokenizers

from textmill.tokens.agreement import BETWEEN, agreement_on, tiktoken_encoding
from textmill.tokens.alphabet import spelled
from textmill.tokens.library import Ids, cutter, encode_by_library

WORTH_A_THREAD = 10_000  # characters
LETTER, WHITE = 1, 2  # classes of characters
DEEP = 32
"""Letters of a long run that the library is shown."""

Encoder = Callable[[Sequence[str]], list[Ids]]


class BytesEncoder:
    """A byte is its own id."""

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        return [np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int32) for text in texts]


class CharEncoder:
    """Known characters by a table over code points; the others stay bytes."""

    def __init__(self, token_bytes: Sequence[bytes]):
        """token_bytes: the bytes of every id."""
        self._id_of = np.full(0x110000, -1, dtype=np.int32)
        self._id_of[:128] = np.arange(128)
        for number, token in enumerate(token_bytes[256:], start=256):
            if token:
                self._id_of[ord(token.decode())] = number

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        return [self._encode(text) for text in texts]

    def _encode(self, text: str) -> Ids:
        if text.isascii():
            return np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int32)
        code_points = code_points_of(text)
        ids: Ids = self._id_of[code_points]
        known = ids >= 0
        if known.all():
            return ids
        # Lay out every byte; a known character puts its id on its first byte and drops the others.
        laid_out = np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int32)
        n_bytes = 1 + (code_points >= 0x80) + (code_points >= 0x800).astype(np.int64) + (code_points >= 0x10000)
        first = np.cumsum(n_bytes) - n_bytes
        laid_out[first[known]] = ids[known]
        dropped = np.repeat(known, n_bytes)
        dropped[first] = False
        return laid_out[~dropped]


class LibraryEncoder:
    """The library does it (word)."""

    def __init__(self, library: Library):
        self._library = library

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        return encode_by_library(self._library, texts)


class BpeEncoder:
    """tiktoken over our own merges; the library where tiktoken could differ.

    Equal, given that both cut a text into the same pieces: tiktoken joins neighbours whose bytes are a token, lowest
    rank first; the library joins the pairs of its merge list, lowest rank first. With merges learned by training both
    are one: what happens inside the span of a token does not depend on its surroundings as long as nothing crosses its
    ends, so neighbours that spell a token are always the pair that it was learned from. (A foreign vocabulary need not
    have this property: two pairs may spell one token. It is not given to this class.)

    The library encodes a text instead where one of its code points is cut otherwise by tiktoken (agreement).

    A text with a run of LONGEST_RUN letters, signs or white spaces is cut by the library, whose regular expressions do
    not exhaust their stack (of a run of letters it is shown the beginning alone), and its pieces are merged by
    tiktoken, long ones in windows: the time to merge a piece grows faster than its length.
    """

    LONGEST_RUN = 20_000
    WINDOW, OVERLAP = 1 << 15, 1 << 12  # bytes

    def __init__(self, library: Library, token_bytes: Sequence[bytes], pattern: str):
        """token_bytes: the bytes of every id but the mark's, in the order in which they were learned."""
        self._library = library
        self._cutter = cutter(pattern)
        self._token_bytes = token_bytes
        self._tiktoken = tiktoken_encoding(pattern, token_bytes)
        self._agreement = agreement_on(pattern)
        self._n_bytes_of = np.array([len(token) for token in token_bytes], dtype=np.int64)

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        none_is_long = all(len(text) < self.LONGEST_RUN for text in texts)
        if none_is_long and self._agreement.holds_for(code_points_of("".join(texts))):
            return self._by_tiktoken(texts)
        ways = [self._way(text) for text in texts]
        ids = {way: iter(way([t for t, w in zip(texts, ways, strict=True) if w == way])) for way in dict.fromkeys(ways)}
        return [next(ids[way]) for way in ways]

    def _way(self, text: str) -> Encoder:
        code_points = code_points_of(text)
        if len(text) >= self.LONGEST_RUN and longest_run(code_points) >= self.LONGEST_RUN:
            return self._by_pieces
        return self._by_tiktoken if self._agreement.holds_for(code_points) else self._by_the_library

    def _by_the_library(self, texts: Sequence[str]) -> list[Ids]:
        return encode_by_library(self._library, texts)

    def _by_tiktoken(self, texts: Sequence[str]) -> list[Ids]:
        # tiktoken has a batch of its own, which hands texts to threads one by one: short ones then wait for each other.
        groups = shared_out(texts, n_threads())
        if len(groups) == 1:
            return self._joined(texts)
        return [ids for group in threads_of(os.getpid()).map(self._joined, groups) for ids in group]

    def _joined(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of each text, from one call for all: between them stands a digit, which is a piece of its own.

        A text's end is then cut as if nothing followed, but for blanks at it: they look at what comes next.
        """
        alone = [not text or (text[-1].isspace() and text[-1] not in "\r\n") for text in texts]
        together = [text for text, is_alone in zip(texts, alone, strict=True) if not is_alone]
        if len(together) < 2:
            return [self._by_tiktoken_or_library(text) for text in texts]
        try:
            ids = self._tiktoken.encode_to_numpy(BETWEEN.join(together)).astype(np.int32)
        except BaseException as error:
            if not gave_up(error):
                raise
            return [self._by_tiktoken_or_library(text) for text in texts]
        stops = np.cumsum([utf8_length(text) + len(BETWEEN) for text in together])  # in bytes, the digit counted
        lasts = np.searchsorted(np.cumsum(self._n_bytes_of[ids]), stops - len(BETWEEN)).tolist()
        rows = iter([ids[first : last + 1] for first, last in zip([0, *[n + 2 for n in lasts]], lasts, strict=False)])
        return [
            self._by_tiktoken_or_library(text) if is_alone else next(rows)
            for text, is_alone in zip(texts, alone, strict=True)
        ]

    def _by_tiktoken_or_library(self, text: str) -> Ids:
        try:
            return np.array(self._tiktoken.encode_ordinary(text), dtype=np.int32)
        except BaseException as error:
            if not gave_up(error):
                raise
            return encode_by_library(self._library, [text])[0]

    def _by_pieces(self, texts: Sequence[str]) -> list[Ids]:
        return [np.concatenate([self.merged(piece) for piece in self.pieces(text)]) for text in texts]

    def pieces(self, text: str) -> Iterator[str]:
        """Where the library cuts a text.

        A run of letters ends a piece where it ends, and begins one at its start, with the sign before it, or behind a
        contraction ('ll takes two letters of it): what lies deeper changes nothing, and takes the library long.
        """
        start = 0
        for first, stop in letter_runs(text, self.LONGEST_RUN):
            *before, begun = pieces_by_library(self._cutter, text[start : first + DEEP])
            yield from before
            yield text[first + DEEP - len(begun) : stop]
            start = stop
        if start < len(text):
            yield from pieces_by_library(self._cutter, text[start:])

    def merged(self, piece: str) -> Ids:
        """Ids of one piece, however long: merged in windows that overlap, two of which are joined at a token that both
        have in the same place.

        Exact. Suppose that, in the two windows merged as one, some merge crossed an end of that token, and take the
        first. Until then nothing had crossed either end, and merges go by rank, from left to right: so what lay inside
        the token, and on the outer side of that end, was what lies there in the window that holds this side whole (the
        left window for the token's start, the right one for its end). That window would have made the merge too, and
        would not have the token. So nothing crosses, and each side is merged as in its own window.
        """
        data = piece.encode()
        if len(data) <= self.WINDOW:
            return self._merged_whole(piece)
        is_character = np.append((np.frombuffer(data, dtype=np.uint8) & 0xC0) != 0x80, True)  # begins here
        parts: list[Ids] = []
        begin, left = 0, self._window(data, is_character, 0)
        while (end := begin + int(self._n_bytes_of[left].sum())) < len(data):
            starts_left = begin + np.cumsum(self._n_bytes_of[left]) - self._n_bytes_of[left]
            # The next window is a text, so it begins with a character.
            anchors = np.flatnonzero((starts_left >= end - self.OVERLAP) & is_character[starts_left])
            anchors = anchors[anchors > 0]
            if not len(anchors):
                return self._merged_whole(piece)
            anchor = int(anchors[0])
            start = int(starts_left[anchor])
            right = self._window(data, is_character, start)
            starts_right = start + np.cumsum(self._n_bytes_of[right]) - self._n_bytes_of[right]
            _, at_left, at_right = np.intersect1d(
                starts_left[anchor:], starts_right, assume_unique=True, return_indices=True
            )
            same = np.flatnonzero(left[anchor:][at_left] == right[at_right])
            if not len(same):
                return self._merged_whole(piece)
            cut = anchor + int(at_left[same[0]])
            parts.append(left[:cut])
            begin, left = int(starts_left[cut]), right[int(at_right[same[0]]) :]
        return np.concatenate([*parts, left])

    def _window(self, data: bytes, is_character: NDArray[np.bool_], start: int) -> Ids:
        """Ids of the whole characters in WINDOW bytes from start on."""
        reach = is_character[start : start + self.WINDOW + 1]
        stop = start + int(np.flatnonzero(reach)[-1])
        return self._merged_whole(data[start:stop].decode())

    def _merged_whole(self, piece: str) -> Ids:
        try:
            ids = self._tiktoken_uncut.encode_ordinary(piece)
        except BaseException as error:
            if not gave_up(error):
                raise
            ids = [token.id for token in self._library.model.tokenize(spelled(piece.encode()))]
        return np.array(ids, dtype=np.int32)

    @cached_property
    def _tiktoken_uncut(self) -> Any:
        """tiktoken over the same merges, for which every text is one piece."""
        return tiktoken_encoding(r"[\s\S]+", self._token_bytes)


def utf8_length(text: str) -> int:
    """Bytes of the text."""
    return len(text) if text.isascii() else len(text.encode())


def n_threads() -> int:
    """Threads that this process may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def threads_of(pid: int) -> ThreadPoolExecutor:
    """The threads of a process, kept: tiktoken's regular expressions start slowly in a new one. A fork has its own."""
    return ThreadPoolExecutor(n_threads())


def shared_out(texts: Sequence[str], n_groups: int) -> list[Sequence[str]]:
    """The texts in their order in n_groups groups of about the same length, fewer where they are short."""
    ends = np.cumsum([len(text) for text in texts])
    n_chars = int(ends[-1]) if len(texts) else 0
    n_groups = max(1, min(n_groups, n_chars // WORTH_A_THREAD))
    cuts = np.searchsorted(ends, [n_chars * number // n_groups for number in range(1, n_groups)], side="right").tolist()
    return [texts[start:stop] for start, stop in pairwise([0, *cuts, len(texts)])]


def gave_up(error: BaseException) -> bool:
    """pyo3's PanicException, no Exception by design: tiktoken gave up on a text, and the library does not."""
    return type(error).__name__ == "PanicException"


def pieces_by_library(pre_tokenizer: pre_tokenizers.PreTokenizer, text: str) -> list[str]:
    """Where the library cuts a text."""
    return [text[start:stop] for _, (start, stop) in pre_tokenizer.pre_tokenize_str(text)]


def code_points_of(text: str) -> NDArray[np.uint32]:
    """The text's code points as numbers."""
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4")


def letter_runs(text: str, least: int) -> list[tuple[int, int]]:
    """(start, stop) of the runs of at least `least` letters, all of them letters to every library, as what follows each
    is none to any."""
    code_points = code_points_of(text)
    is_letter = _classes()[code_points] == LETTER
    edges = np.flatnonzero(np.diff(is_letter, prepend=False, append=False)).reshape(-1, 2)
    runs = edges[edges[:, 1] - edges[:, 0] >= least].tolist()
    return [
        (first, stop)
        for first, stop in runs
        if all(is_old_letter(chr(one)) for one in np.flatnonzero(np.bincount(code_points[first:stop])).tolist())
        and (stop == len(text) or is_old_other(text[stop]))
    ]


def is_old_letter(character: str) -> bool:
    """A letter since Unicode 3.2: to every library."""
    return unicodedata.ucd_3_2_0.category(character)[0] == "L"


def is_old_other(character: str) -> bool:
    """Something else than a letter since Unicode 3.2: to every library."""
    category = unicodedata.ucd_3_2_0.category(character)
    return category[0] != "L" and category != "Cn"


def longest_run(code_points: NDArray[np.uint32]) -> int:
    """The most characters in a row that are all letters, all white space or all neither."""
    classes = _classes()[code_points]
    edges = np.flatnonzero(np.diff(classes, prepend=255, append=255))
    return int(np.diff(edges).max(initial=0))


@cache
def _classes() -> NDArray[np.uint8]:
    """code point -> LETTER, WHITE, or 0: neither."""
    characters = map(chr, range(0x110000))
    return np.fromiter((LETTER * c.isalpha() + WHITE * c.isspace() for c in characters), dtype=np.uint8, count=0x110000)
