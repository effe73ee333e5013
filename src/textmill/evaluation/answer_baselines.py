"""What answers a question from its passage without any training. Room: evaluation/. Pure, fast, in any language.

Beside them a reader is measured. Words of scripts that put no blanks between them are single characters; where overlap
is counted, pairs of neighbouring ones.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from textmill.metrics.answers import CHARACTERS
from textmill.text.sentences import sentences

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
    """Of the sentence with most of the question's words, the stretch of other words that these stand closest around.

    The window of Richardson, Burges & Renshaw 2013 (MCTest), as Rajpurkar et al. 2016 (SQuAD) chose spans by it: it is
    as wide as the question has words and the stretch too, and a word of the question in it weighs log(1 + 1/n) where
    the passage has it n times. A stretch ends at a mark or a word of the question. Of equal ones the first.

    >>> sliding_window("Which year was the tower built?", "Lee came. The tower was built in 1983, of stone.")
    'in 1983'
    """
    sentence = lexical_overlap(question, passage)
    wanted = {_folded(word) for word in _word.findall(question)}
    counts = Counter(_folded(word) for word in _word.findall(passage))
    places = [match.span() for match in _word.finditer(sentence)]
    words = [_folded(sentence[start:end]) for start, end in places]
    sums = [0.0, *accumulate(math.log(1 + 1 / counts[word]) if word in wanted else 0.0 for word in words)]
    best, answer = -1.0, ""
    for first, last in _stretches(sentence, places, [word in wanted for word in words]):
        width = min(len(words), len(wanted) + last - first)
        starts = range(max(0, last - width), min(first, len(words) - width) + 1)
        weight = max(sums[start + width] - sums[start] for start in starts)
        if weight > best + 1e-9:
            best, answer = weight, sentence[places[first][0] : places[last - 1][1]]
    return answer


def _stretches(sentence: str, places: Sequence[tuple[int, int]], is_asked: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The longest runs of words that are not asked and that only blanks part, as numbers (first, behind the last)."""
    first = 0
    for number in range(len(places) + 1):
        is_last = number == len(places)
        ends = is_last or is_asked[number]
        if ends or (number > first and sentence[places[number - 1][1] : places[number][0]].strip()):
            if number > first:
                yield first, number
            first = number + 1 if ends else number


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
