"""Fast ways from texts to ids, each equal to the tokenizers library on every text. Room: tokens/.

Used by Tokenizer alone, which has refused lone surrogates before it calls. The library is the reference (tests hold
each encoder against it); these are 10 to 100 times as fast, so that preparing text is never what one waits for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer as Library
from tokenizers import pre_tokenizers

from textmill.tokens.library import Ids, cutter, encode_by_library

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

    The library encodes a text instead where
    - one of its code points is cut otherwise by tiktoken's regular expressions than by the library's: the two carry
      Unicode tables of their own, of versions of their own. Each code point is probed when it is first met;
    - it holds a run of LONGEST_RUN white spaces: tiktoken's regular expressions would exhaust their stack.
    """

    LONGEST_RUN = 20_000

    def __init__(self, library: Library, token_bytes: Sequence[bytes], pattern: str):
        """token_bytes: the bytes of every id but the mark's, in the order in which they were learned."""
        self._library = library
        self._pattern = pattern
        self._cutter = cutter(pattern)
        self._tiktoken = tiktoken_encoding(pattern, token_bytes)
        self._threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._probed = np.zeros(0x110000, dtype=bool)
        self._same = np.zeros(0x110000, dtype=bool)
        self._long_run = re.compile(rf"\s{{{self.LONGEST_RUN}}}")

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        fast = [self.cuts_alike(text) for text in texts]
        quick = iter(self._by_tiktoken([text for text, alike in zip(texts, fast, strict=True) if alike]))
        slow = iter(encode_by_library(self._library, [t for t, alike in zip(texts, fast, strict=True) if not alike]))
        return [next(quick if alike else slow) for alike in fast]

    def _by_tiktoken(self, texts: list[str]) -> list[Ids]:
        if not texts:
            return []
        try:
            if len(texts) == 1:
                lists = [self._tiktoken.encode_ordinary(texts[0])]
            else:
                lists = self._tiktoken.encode_ordinary_batch(texts, num_threads=self._threads)
        except BaseException as error:
            # pyo3's PanicException, no Exception by design: tiktoken gave up on a text, and the library does not.
            if type(error).__name__ != "PanicException":
                raise
            return encode_by_library(self._library, texts)
        return [np.array(ids, dtype=np.int32) for ids in lists]

    def cuts_alike(self, text: str) -> bool:
        """tiktoken cuts this text as the library does."""
        if len(text) >= self.LONGEST_RUN and self._long_run.search(text):
            return False
        code_points = code_points_of(text)
        if not self._probed[code_points].all():
            self._probe(np.unique(code_points[~self._probed[code_points]]))
        return bool(self._same[code_points].all())

    def _probe(self, code_points: NDArray[np.uint32]) -> None:
        """Find out whether both engines see the same letter, digit, white space or sign in each code point."""
        texts = {number: probes_of(chr(number)) for number in code_points.tolist()}
        pieces = {probe[a:b].encode() for probes in texts.values() for probe in probes for a, b in SPANS[len(probe)]}
        others = sorted(piece for piece in pieces if len(piece) > 1)
        table = [bytes([byte]) for byte in range(256)] + others  # every possible piece is one token: the cuts show
        engine = tiktoken_encoding(self._pattern, table)
        for number, probes in texts.items():
            self._same[number] = all(
                [table[i] for i in engine.encode_ordinary(probe)] == pieces_by_library(self._cutter, probe)
                for probe in probes
            )
        self._probed[code_points] = True


SPANS = {n: [(a, b) for a in range(n) for b in range(a + 1, n + 1)] for n in (2, 3)}


def probes_of(character: str) -> tuple[str, ...]:
    """Texts in which a letter, a digit, a white space, a sign and the rest of a contraction are each cut otherwise."""
    return (*(side + character + side for side in ("a", "1", ".", " ", "\n")), "'" + character)


def pieces_by_library(pre_tokenizer: pre_tokenizers.PreTokenizer, text: str) -> list[bytes]:
    """Where the library cuts a text."""
    return [text[start:stop].encode() for _, (start, stop) in pre_tokenizer.pre_tokenize_str(text)]


def tiktoken_encoding(pattern: str, token_bytes: Sequence[bytes]) -> Any:
    """A tiktoken Encoding whose ranks are the places in token_bytes."""
    import tiktoken

    ranks = {token: rank for rank, token in enumerate(token_bytes)}
    return tiktoken.Encoding("textmill", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})


def code_points_of(text: str) -> NDArray[np.uint32]:
    """The text's code points as numbers."""
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
