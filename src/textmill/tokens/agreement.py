"""Do tiktoken and the tokenizers library cut a text into the same pieces? Room: tokens/. Used by encoders.BpeEncoder.

Both are given one pattern, but each reads it with regular expressions of its own (Rust's regex, Oniguruma) and Unicode
tables of its own version. A pattern that is made of classes of characters sees nothing of a code point but its classes
and the letters it is a capital or a variant of. So each code point is put, once, between a letter, a digit, a sign, a
white space, a line end, and into the places of a contraction's letters, and both engines cut the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

TOGETHER = 32  # code points probed at once: the library's time for a text grows faster than its length

# What stands around the code point, between two digits: a digit is always a piece of its own, so no piece leaves its
# probe. The letter after a contraction shows where it ended. The two-letter ones are tried in each letter's place.
SURROUNDINGS = (
    *(("", ""), ("a", "a"), (".", "."), (" ", " "), ("\n", "\n")),
    *(("'", "a"), ("'r", "a"), ("'l", "a"), ("'", "ea")),
)
BETWEEN = "1"
PROBES = "".join(BETWEEN + left + "{0}" + right for left, right in SURROUNDINGS)


def tiktoken_encoding(pattern: str, token_bytes: Sequence[bytes]) -> Any:
    """A tiktoken Encoding whose ranks are the places in token_bytes."""
    import tiktoken

    ranks = {token: rank for rank, token in enumerate(token_bytes)}
    return tiktoken.Encoding("textmill", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})


@cache
def agreement_on(pattern: str) -> Agreement:
    """One for the process: what was found out once is known to every tokenizer of the pattern."""
    return Agreement(pattern)


class Agreement:
    """Which code points both engines cut alike under a pattern that never joins digits; found out at first sight."""

    def __init__(self, pattern: str):
        self._pattern = pattern
        self._split = Split(Regex(pattern), behavior="isolated")
        self._probed = np.zeros(0x110000, dtype=bool)
        self._alike = np.zeros(0x110000, dtype=bool)

    def holds_for(self, code_points: NDArray[np.uint32]) -> bool:
        """All of them are cut alike."""
        if not self._probed[code_points].all():
            new = np.unique(code_points[~self._probed[code_points]])
            for first in range(0, len(new), TOGETHER):
                self._probe(new[first : first + TOGETHER].tolist())
        return bool(self._alike[code_points].all())

    def _probe(self, code_points: list[int]) -> None:
        text = "".join(PROBES.format(chr(c)) for c in code_points) + BETWEEN
        alike = np.array_equal(self.ends_by_tiktoken(text), self.ends_by_library(text))
        if alike or len(code_points) == 1:
            self._alike[code_points] = alike
            self._probed[code_points] = True
            return
        half = len(code_points) // 2
        self._probe(code_points[:half])
        self._probe(code_points[half:])

    def ends_by_library(self, text: str) -> NDArray[np.int64]:
        """Where the library's pieces end, in characters."""
        return np.array([end for _, (_, end) in self._split.pre_tokenize_str(text)], dtype=np.int64)

    def ends_by_tiktoken(self, text: str) -> NDArray[np.int64]:
        """Where tiktoken's pieces of a text of probes end, in characters.

        tiktoken does not tell its pieces, only their tokens. With these tokens, though, no border of two characters
        inside a piece stays: so the tokens that end where a character ends are the ends of the pieces.
        """
        encoding, n_bytes_of = self._revealing
        data = np.frombuffer(text.encode(), dtype=np.uint8)
        is_end = np.zeros(len(data) + 1, dtype=bool)
        is_end[np.cumsum(n_bytes_of[encoding.encode_ordinary(text)])] = True
        ends_of_characters = np.append(np.flatnonzero((data & 0xC0) != 0x80)[1:], len(data))
        return 1 + np.flatnonzero(is_end[ends_of_characters])

    @cached_property
    def _revealing(self) -> tuple[Any, NDArray[np.int64]]:
        """A tiktoken Encoding whose tokens betray the pieces of a probe, and the bytes of each token.

        A character of several bytes is joined to its neighbours by its first and its last byte, never inside; these
        tokens come first. A piece of ASCII characters is a token, which tiktoken takes at once.
        """
        tokens = [bytes([byte]) for byte in range(256)]
        starts, ends = range(0xC2, 0xF5), range(0x80, 0xC0)  # bytes that begin a character, and that end one
        lefts, rights = zip(*SURROUNDINGS, strict=True)
        for length in (1, 2):
            tokens += [left[-length:].encode() + bytes([b]) for left in lefts if len(left) >= length for b in starts]
            tokens += [bytes([b]) + right[:length].encode() for right in rights if len(right) >= length for b in ends]
        for text in (left + chr(c) + right for c in range(128) for left, right in SURROUNDINGS):
            tokens += [text[i:j].encode() for i in range(len(text)) for j in range(i + 1, len(text) + 1)]
        tokens = list(dict.fromkeys(tokens))
        return tiktoken_encoding(self._pattern, tokens), np.array([len(token) for token in tokens], dtype=np.int64)
