"""Which script a text is written in, character by character. Room: text/.

No guess about words: zh counts Han characters, en the letters a to z, other all other letters and marks; digits,
punctuation, symbols and blanks count for nothing. Japanese therefore counts partly as zh, and German mostly as en.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from textmill.text.long_text import PIECE, Text, in_pieces

LANGUAGES = ("zh", "en", "other")

# Unicode 16: ideographs unified and compatible, zero and iteration mark. The planes of 20000 and 30000 are Han alone.
HAN = ((0x3005, 0x3005), (0x3007, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
LATIN = ((0x41, 0x5A), (0x61, 0x7A), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A))


class ScriptCount:
    """Counts characters by script over texts that come one by one."""

    def __init__(self) -> None:
        self.counts = np.zeros(1 + len(LANGUAGES), dtype=np.int64)
        self._waiting: list[str] = []
        self._n_waiting = 0

    def add(self, text: Text) -> None:
        """Count one text."""
        # Short texts wait for each other, long ones are cut: counting a million characters at a time is fastest.
        for piece in in_pieces(text):
            self._waiting.append(piece)
            self._n_waiting += len(piece)
            if self._n_waiting >= PIECE:
                self._count()

    def _count(self) -> None:
        text = "".join(self._waiting)
        self._waiting, self._n_waiting = [], 0
        for start in range(0, len(text), PIECE):
            codes = np.frombuffer(text[start : start + PIECE].encode("utf-32-le", "surrogatepass"), dtype="<u4")
            self.counts += np.bincount(_scripts_of(codes), minlength=len(self.counts))

    def shares(self) -> dict[str, float]:
        """Shares of zh, en and other; all 0 where there was no letter."""
        self._count()
        total = int(self.counts[1:].sum())
        return {name: int(n) / total if total else 0.0 for name, n in zip(LANGUAGES, self.counts[1:], strict=True)}


def languages(texts: Iterable[Text]) -> dict[str, float]:
    """Share of the texts' letters by script: zh, en, other.

    >>> languages(["中文 ab, 12!"])
    {'zh': 0.5, 'en': 0.5, 'other': 0.0}
    """
    count = ScriptCount()
    for text in texts:
        count.add(text)
    return count.shares()


BLOCK = 256
_scripts = np.zeros(((sys.maxunicode + 1) // BLOCK, BLOCK), dtype=np.uint8)
"""Code point, by block -> 0 (counts for nothing) or 1 + its place in LANGUAGES."""
_is_filled = np.zeros(len(_scripts), dtype=bool)


def _scripts_of(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The table's entry of each code point. Blocks are filled when a text has them: all of Unicode takes a second."""
    for block in np.flatnonzero(np.bincount(codes // BLOCK, minlength=len(_scripts)).astype(bool) & ~_is_filled):
        first = int(block) * BLOCK
        _scripts[block] = [_script(code) for code in range(first, first + BLOCK)]
        _is_filled[block] = True
    return _scripts.reshape(-1)[codes]


def _script(code: int) -> int:
    if any(first <= code <= last for first, last in HAN):
        return 1
    if any(first <= code <= last for first, last in LATIN):
        return 2
    return 3 if unicodedata.category(chr(code))[0] in "LM" else 0
