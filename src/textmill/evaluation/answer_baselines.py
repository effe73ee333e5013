"""What answers a question from its passage without any training. Room: evaluation/. Pure, fast, in any language.

Beside them a reader is measured. Words of scripts that put no blanks between them are single characters; where overlap
is counted, pairs of neighbouring ones.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

from textmill.metrics.answers import CHARACTERS
from textmill.text.sentences import sentences

LONGEST = 6
"""Words that the window is wider than the question has: so many may answer it."""

_word = re.compile(rf"[^\W_{CHARACTERS}]+(?:['’.,][^\W_{CHARACTERS}]+)*|[{CHARACTERS}]")
_character = re.compile(f"[{CHARACTERS}]")


def no_answer(question: str, passage: str) -> str:
    """Always that there is none."""
    return ""


def first_sentence(question: str, passage: str) -> str:
    """The sentence that the passage begins with.

    >>> first_sentence("谁？", "塔由程远修建。用了三年。")
    '塔由程远修建。'
    """
    return next((passage[start:end] for start, end in sentences(passage)), "")


def lexical_overlap(question: str, passage: str) -> str:
    """The sentence that has most of the question's words, each counted once; of equal ones the first.

    >>> lexical_overlap("Who built the tower?", "It rains. The tower was built by Lee. The tower stands.")
    'The tower was built by Lee.'
    """
    wanted = _terms(question)
    found = [passage[start:end] for start, end in sentences(passage)]
    return max(found, key=lambda sentence: len(wanted & _terms(sentence)), default="")


def sliding_window(question: str, passage: str) -> str:
    """The longest stretch without a word of the question in the window that has most of them, rare ones weighing more.

    The window of Richardson, Burges & Renshaw 2013 (MCTest): a word of the question weighs log(1 + 1/n) where the
    passage has it n times. Theirs chooses among given answers; here the answer is the longest run of other words
    within the window that no mark breaks (LONGEST words wider than the question has). Of equal ones the first.

    >>> sliding_window("Which year was the tower built?", "Lee came. The tower was built in May 1983, of stone.")
    'in May 1983'
    """
    places = [match.span() for match in _word.finditer(passage)]
    tokens = [_folded(passage[start:end]) for start, end in places]
    wanted = {_folded(word) for word in _word.findall(question)}
    if not tokens:
        return ""
    counts = Counter(tokens)
    weights = [math.log(1 + 1 / counts[token]) if token in wanted else 0.0 for token in tokens]
    width = min(len(tokens), len(wanted) + LONGEST)
    start = _heaviest(weights, width)
    return _longest_run(passage, places, [token in wanted for token in tokens], start, start + width)


def _heaviest(weights: Sequence[float], width: int) -> int:
    """Where the heaviest window begins; of equal ones, within rounding, the first."""
    total = best = math.fsum(weights[:width])
    first = 0
    for start in range(1, len(weights) - width + 1):
        total += weights[start + width - 1] - weights[start - 1]
        if total > best + 1e-9:
            best, first = total, start
    return first


def _longest_run(
    passage: str, places: Sequence[tuple[int, int]], is_asked: Sequence[bool], start: int, end: int
) -> str:
    runs: list[list[int]] = []
    for number in range(start, end):
        if is_asked[number]:
            continue
        joins = runs and runs[-1][-1] == number - 1 and not passage[places[number - 1][1] : places[number][0]].strip()
        if joins:
            runs[-1].append(number)
        else:
            runs.append([number])
    if not runs:
        return ""
    longest = max(runs, key=len)
    return passage[places[longest[0]][0] : places[longest[-1]][1]]


def _terms(text: str) -> set[str]:
    found: set[str] = set()
    words = [(match.span(), _folded(match[0])) for match in _word.finditer(text)]
    for _, word in words:
        if not _character.match(word):
            found.add(word)
    for ((_, end), one), ((start, _), other) in pairwise(words):
        if end == start and _character.match(one) and _character.match(other):
            found.add(one + other)
    return found


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


BASELINES: dict[str, Callable[[str, str], str]] = {
    "no_answer": no_answer,
    "first_sentence": first_sentence,
    "lexical_overlap": lexical_overlap,
    "sliding_window": sliding_window,
}
"""Name -> (question, passage) to an answer, "" where there is none."""
