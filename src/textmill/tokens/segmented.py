"""Words of Chinese, as jieba cuts them, for the kind `word`. Room: tokens/.

Where Word takes each Han character alone, a run of Han characters is given to jieba, and each of its words is a token,
if the vocabulary has it; else its characters are, as far as the vocabulary has those, and then their bytes. Everything
else is cut as Word cuts it. (Were a rare word its bytes at once, a token would hold 0.86 characters of Chinese reviews,
where it holds 1.25 so, and 1.00 with Word: 8,192 ids learned from 600,000 characters.)

jieba decides by the whole of what it is given, so what it is given is a piece of the pattern: a run, and nothing of its
surroundings. So a text may be cut wherever `cuts` cuts one.

tokenizer.json names jieba and its version in the pattern. It can be loaded, and ids turned into text, without jieba.
What reads it with the tokenizers library alone takes a run for one word, mostly an unknown one: its bytes. The text
comes back exactly, but the ids are others.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from tokenizers import Regex
from tokenizers import Tokenizer as Library
from tokenizers.pre_tokenizers import Split

from textmill.errors import MissingExtra
from textmill.tokens.encoders import Encoder
from textmill.tokens.kinds import LONGEST_WORD, SEEN_TWICE, WORD, Word
from textmill.tokens.library import Ids, Learned

VERSION = "0.42.1"
"""Of jieba: with its dictionary, another version cuts otherwise."""
FIRST_HAN, LAST_HAN = "\u4e00", "\u9fd5"
"""What jieba takes for Chinese."""
LAST_RUN = re.compile(rf"(?s:.*)(?<![{FIRST_HAN}-{LAST_HAN}])([{FIRST_HAN}-{LAST_HAN}]+)")
LONGEST_RUN = 4096
"""A longer run is cut after so many characters, again and again: jieba's memory and time are bounded by it."""


class JiebaWord(Word):
    """A word with the blank before it is a token; in Chinese, a word of jieba's."""

    segmenter = "jieba"
    pattern = f"(?#jieba {VERSION})[{FIRST_HAN}-{LAST_HAN}]+|{WORD}"

    def learn(self, texts: Sequence[str], n_tokens: int | None) -> Learned:
        """Words and characters that occur twice, most frequent first."""
        cutter = Cutter(self.pattern)
        words = Counter(word for text in texts for word in cutter.words(text))
        return Learned([word.encode() for word in most_frequent(words, n_tokens)])

    def last_cut(self, text: str) -> int:
        """Behind the last Chinese run, or where jieba's runs are cut in it."""
        found = LAST_RUN.search(text)
        if found is None:
            return 0
        start, end = found.span(1)
        return end if end < len(text) else start + (end - start) // LONGEST_RUN * LONGEST_RUN

    def encoder(self, library: Library, token_bytes: Sequence[bytes]) -> Encoder:
        return SegmentedEncoder(self.pattern, token_bytes)


def most_frequent(words: Counter[str], n_tokens: int | None) -> list[str]:
    """The words, and the characters of those that stay out, by frequency.

    Twice over: the characters of words that the first choice had no room for count in the second.
    """
    chosen = {word for word, n in words.items() if n >= SEEN_TWICE}
    ranked: list[str] = []
    for _ in range(2):
        counts: Counter[str] = Counter()
        for word, n in words.items():
            for piece in [word] if word in chosen or not is_chinese(word) else word:
                counts[piece] += n
        known = (
            (piece, n) for piece, n in counts.items() if n >= SEEN_TWICE and 1 < len(piece.encode()) <= LONGEST_WORD
        )
        ranked = [piece for piece, _ in sorted(known, key=lambda entry: (-entry[1], entry[0]))][:n_tokens]
        chosen = set(ranked)
    return ranked


class SegmentedEncoder:
    """Words by a table; what it lacks stays bytes, a Chinese word's characters being tried first."""

    def __init__(self, pattern: str, token_bytes: Sequence[bytes]):
        """token_bytes: the bytes of every id."""
        self._cutter = Cutter(pattern)
        self._id_of = {token: number for number, token in enumerate(token_bytes) if token}

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        return [np.fromiter(self._ids(text), dtype=np.int32) for text in texts]

    def pieces(self, text: str) -> Iterator[str]:
        """What each id, or the bytes of an unknown piece, stand for."""
        for word in self._cutter.words(text):
            if is_chinese(word) and word.encode() not in self._id_of:
                yield from word
            else:
                yield word

    def _ids(self, text: str) -> Iterator[int]:
        for piece in self.pieces(text):
            raw = piece.encode()
            known = self._id_of.get(raw)
            if known is None:
                yield from raw
            else:
                yield known


class Cutter:
    """Cuts a text by the pattern, and its runs of Han characters by jieba."""

    def __init__(self, pattern: str):
        self._split = Split(Regex(pattern), behavior="isolated")

    def words(self, text: str) -> Iterator[str]:
        """Joined, they are the text."""
        for piece, _ in self._split.pre_tokenize_str(text):
            if is_chinese(piece):
                for start in range(0, len(piece), LONGEST_RUN):
                    yield from jieba_of_this_version().cut(piece[start : start + LONGEST_RUN])
            else:
                yield piece


def is_chinese(piece: str) -> bool:
    """Whether a piece of the pattern, or a word of one, is of Han characters: all are, or none is."""
    return FIRST_HAN <= piece[0] <= LAST_HAN


@cache
def jieba_of_this_version() -> Any:
    """jieba's own dictionary in memory (2 seconds, 60 MB), as a value that nothing else in the process can change.

    jieba itself would keep it as a file in the system's temporary folder, and read what lies there under that name.
    Raises MissingExtra where jieba is missing or another version.
    """
    hint = "pip install 'textmill[zh]'"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is of 2020: deprecated escapes, pkg_resources
            import jieba
    except ImportError:
        raise MissingExtra("cutting Chinese into words needs jieba, which is not installed", hint=hint) from None
    if jieba.__version__ != VERSION:
        raise MissingExtra(
            f"the tokenizer's words are those of jieba {VERSION}, and jieba {jieba.__version__} is installed", hint=hint
        )
    segmenter = jieba.Tokenizer()
    segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
    segmenter.initialized = True
    return segmenter
