"""Word by word, by a dictionary that pairs teach: what a translation must beat. Room: tasks/. Used by translate.

A word's translation is the one that it stands beside most surely: of highest Dice coefficient, 2 n(a, b) / (n(a) +
n(b)), n counted in pairs. A word that was never seen stays as it is. Order and grammar are the source's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

import numpy as np

from textmill.metrics.translation import UNSPACED

MOST_PAIRS = 100_000
COUNTED_TOGETHER = 2_000  # pairs
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s]")
GLUED = re.compile(rf"(?<=[{UNSPACED}，。！？；：、]) | (?=[{UNSPACED}.,;:!?，。！？；：、])")


class WordDictionary:
    """The likeliest translation of each word."""

    def __init__(self, translation_of: dict[str, str]):
        self.translation_of = translation_of

    @classmethod
    def learned(cls, pairs: Iterable[tuple[str, str]]) -> WordDictionary:
        """From the first MOST_PAIRS of (source, target)."""
        sources, targets = _Words(), _Words()
        met: dict[int, int] = {}
        some = islice(pairs, MOST_PAIRS)
        while together := list(islice(some, COUNTED_TOGETHER)):
            codes = [
                (ours[:, None] << 32 | theirs).ravel()
                for ours, theirs in ((sources.numbers(one), targets.numbers(other)) for one, other in together)
            ]
            for code, n in zip(
                *(a.tolist() for a in np.unique(np.concatenate(codes), return_counts=True)), strict=True
            ):
                met[code] = met.get(code, 0) + n
        best: dict[int, tuple[float, int]] = {}
        for code, n in met.items():
            one, other = code >> 32, code & 0xFFFFFFFF
            dice = 2 * n / (sources.counts[one] + targets.counts[other])
            if one not in best or (dice, -other) > (best[one][0], -best[one][1]):
                best[one] = dice, other
        return cls({sources.words[one]: targets.words[other] for one, (_, other) in best.items()})

    def translate(self, text: str) -> str:
        """Each word by its translation, blanks where the target's script has them."""
        return joined(self.translation_of.get(word, word) for word in WORD.findall(text))


class _Words:
    """Words by number, and in how many texts each stands."""

    def __init__(self) -> None:
        self.number_of: dict[str, int] = {}
        self.words: list[str] = []
        self.counts: list[int] = []

    def numbers(self, text: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Of the text's words, each once."""
        found = []
        for word in dict.fromkeys(WORD.findall(text)):
            number = self.number_of.setdefault(word, len(self.words))
            if number == len(self.words):
                self.words.append(word)
                self.counts.append(0)
            self.counts[number] += 1
            found.append(number)
        return np.array(found, dtype=np.int64)


def joined(words: Iterable[str]) -> str:
    """Words as a text: no blank before a mark, nor inside scripts without blanks."""
    return GLUED.sub("", " ".join(words))
