"""How the lines of a text are parted: what is learned from texts so that new ones can keep a form. Room: text/.

Used by tasks/verse.py, which reads a run's training text, and by generation/form.py, which writes by it. Lines are
counted in characters where most letters are Han, and in words elsewhere.
    characters: a break is all that stands between two runs of Han characters (，。 or a line feed, or both).
    words: a word is letters and digits, with ' ’ and - between them; a gap is what stands between two words of a line
    (a blank, perhaps behind a sign), a break what stands between the last word of a line and the first of the next.
What is seen once in a long text is no habit: of breaks, ends and gaps those are kept that are at least one in 200.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from textmill.text.passages import HAN

Unit = Literal["characters", "words"]
UNITS: tuple[Unit, ...] = ("characters", "words")

HAN_RUN = re.compile(f"[{HAN}]+")
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
JOINERS = frozenset("'’-")
GAP = re.compile(r"[^\w\s'’-]* ")
LINE_BREAK = re.compile(r"[^\w\s'’-]*[^\S\n]*\n\s*")
ENDING = re.compile(r"[^\w\s'’-]*\n?")
PARTED = re.compile(r"[^\w\s]+\s*|\s+")

READ_CHARACTERS = 4_000_000
"""So much text is read at most: habits show early."""
ONE_IN = 200
FEW_TEXTS = 20
"""Of fewer texts the ends say little: a new text may end as any of their lines does."""
LONGEST_WORD = 24
"""Letters of a word at most; fewer where the text has no word so long."""


@dataclass(frozen=True)
class VerseHabits:
    """What lines are made of, and how they are parted."""

    unit: Unit
    letters: frozenset[str]
    """Of characters: those seen, all of them Han. Of words: what words are made of, joiners left out."""
    joiners: frozenset[str]
    """Of words: those of ' ’ and - that stand within one."""
    breaks: frozenset[str]
    """What may stand between two lines; none is empty."""
    ends: frozenset[str]
    """What may stand behind the last line; "" where nothing may."""
    gaps: frozenset[str] = frozenset()
    """Of words: what may stand between two of a line."""
    longest_word: int = LONGEST_WORD


def learn_verse(texts: Iterable[str], unit: Unit | None = None) -> VerseHabits:
    """The habits of texts; unit None: what they are counted in is found, too.

    breaks, and gaps, are empty where there are none.
    """
    read: list[str] = []
    n_characters = 0
    for text in texts:
        read.append(text[: READ_CHARACTERS - n_characters])
        n_characters += len(read[-1])
        if n_characters == READ_CHARACTERS:
            break
    if unit is None:
        n_han = sum(len(run) for text in read for run in HAN_RUN.findall(text))
        n_letters = sum(len(word) for text in read for word in re.findall(r"[^\W\d_]+", text))
        unit = "characters" if 2 * n_han >= n_letters and n_han else "words"
    return _of_characters(read) if unit == "characters" else _of_words(read)


def _of_characters(texts: list[str]) -> VerseHabits:
    letters: set[str] = set()
    breaks: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for text in texts:
        runs = list(HAN_RUN.finditer(text))
        for run in runs:
            letters.update(run[0])
        breaks.update(text[one.end() : other.start()] for one, other in pairwise(runs))
        if runs:
            ends[text[runs[-1].end() :]] += 1
    return VerseHabits("characters", frozenset(letters), frozenset(), *_kept(breaks, ends, PARTED))


def _of_words(texts: list[str]) -> VerseHabits:
    letters: set[str] = set()
    between: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    longest = 1
    for text in texts:
        words = list(WORD.finditer(text))
        for word in words:
            letters.update(word[0])
            longest = max(longest, len(word[0]))
        between.update(text[one.end() : other.start()] for one, other in pairwise(words))
        if words:
            ends[text[words[-1].end() :]] += 1
    gaps = Counter({text: n for text, n in between.items() if "\n" not in text})
    breaks = Counter({text: n for text, n in between.items() if "\n" in text})
    return VerseHabits(
        "words",
        frozenset(letters - JOINERS),
        frozenset(letters & JOINERS),
        *_kept(breaks, ends, LINE_BREAK),
        gaps=frozenset(usual(gaps, GAP)),
        longest_word=min(longest, LONGEST_WORD),
    )


def _kept(breaks: Counter[str], ends: Counter[str], shape: re.Pattern[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The usual breaks; and the usual ends, the line feeds behind them left out."""
    kept = usual(breaks, shape)
    within = [text for text in kept if text.count("\n") < 2]  # a line, not a verse
    kept = within or kept
    if ends.total() < FEW_TEXTS:
        return frozenset(kept), frozenset(text.rstrip() for text in kept)
    trimmed: Counter[str] = Counter()
    for text, n in ends.items():
        trimmed[text.rstrip()] += n
    return frozenset(kept), frozenset(usual(trimmed, ENDING) or [text.rstrip() for text in kept])


def usual(seen: Counter[str], shape: re.Pattern[str]) -> list[str]:
    """Those of the shape, without brackets and quotes, that are at least one in ONE_IN of them.

    >>> usual(Counter({"，": 900, "。": 99, "；": 1, "（": 500}), PARTED)
    ['，', '。']
    """
    fitting = {text: n for text, n in seen.items() if shape.fullmatch(text) and not any(map(_pairs, text))}
    total = sum(fitting.values())
    return [text for text, n in fitting.items() if ONE_IN * n >= total]


def _pairs(sign: str) -> bool:
    """Whether a sign has a partner that would be missing: a bracket, a quote."""
    return sign == '"' or unicodedata.category(sign) in ("Ps", "Pe", "Pi", "Pf")
