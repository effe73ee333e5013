"""A text -> where its sentences end, in English and in Chinese. Room: text/. Used by aspects and passages.

A line end ends a sentence in a review (`sentences`), and not in a paragraph of hard-wrapped lines (`ends`).
"""

from __future__ import annotations

import re
from itertools import pairwise

HAN = "[\u3400-\u9fff]"
# In Chinese, marks of ASCII stand for the Chinese ones, without a blank behind them.
MARKS = rf"[.!?]+[\"'”’)\]]*(?=\s|$|{HAN})|(?<={HAN})[.!?]+|[。！？；…]+[”’」』）]*"
END = re.compile(rf"(?:{MARKS})\s*")
END_OR_LINE = re.compile(rf"(?:{MARKS}|\n+)\s*")
ABBREVIATIONS = frozenset(
    ("mr", "mrs", "ms", "dr", "st", "no", "vs", "etc", "e.g", "i.e", "approx", "prof", "jr", "sr")
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text stand, their marks with them and blanks around them left out; a line ends one.

    >>> sentences("Ask Dr. Li. Then go.")
    [(0, 11), (12, 20)]
    """
    edges = [0, *ends(text, END_OR_LINE), len(text)]
    places = (without_blanks(text, one, other) for one, other in pairwise(edges))
    return [place for place in places if place]


def ends(text: str, pattern: re.Pattern[str] = END) -> list[int]:
    """Where sentences end, the blanks behind their marks with them.

    >>> ends("它好。It is 3.5 kg. See")
    [3, 17]
    """
    return [
        mark.end()
        for mark in pattern.finditer(text)
        if text[mark.start()] != "." or not _is_abbreviation(text, mark.start())
    ]


def without_blanks(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The stretch without the blanks at its ends; None: it has nothing else."""
    piece = text[start:end]
    first = start + len(piece) - len(piece.lstrip())
    last = start + len(piece.rstrip())
    return (first, last) if first < last else None


def _is_abbreviation(text: str, dot: int) -> bool:
    word = re.search(r"[A-Za-z.]+$", text[max(0, dot - 12) : dot])
    return word is not None and (word[0].lower() in ABBREVIATIONS or (len(word[0]) == 1 and word[0].isupper()))
