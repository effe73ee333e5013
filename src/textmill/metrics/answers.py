"""Answers beside the right ones -> exact match and F1, by a named convention. Room: metrics/. Pure.

textmill: NFKC, case folded, punctuation and symbols removed. A text of a script that puts blanks between words is cut
at them, without a, an and the unless nothing would be left; of Chinese and its like each character is a token, and
so is a run of other letters and digits. Exact match compares the tokens.
squad: the script of SQuAD 2.0 (Rajpurkar, Jia & Liang 2018): lower case, the punctuation of ASCII removed, a, an and
the made blanks, cut at blanks. That of 1.1 (Rajpurkar et al. 2016) differs only where an answer is nothing else.
cmrc: the script of CMRC 2018 (Cui et al. 2019): certain marks removed; Chinese characters are tokens, what stands
between them is cut as English (treebank.py); F1 is of the longest stretch of tokens that both have, in a row.
With several right answers the best counts; without any, the empty answer is right: full marks, all else 0.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from textmill.errors import ConfigError, NothingScored, did_you_mean
from textmill.metrics.bootstrap import middle, resampled_sums
from textmill.metrics.translation import UNSPACED
from textmill.metrics.treebank import words

ARTICLES = frozenset(("a", "an", "the"))
CHARACTERS = UNSPACED + r"\u3005-\u3007\U00020000-\U0003ffff"
"""The letters of scripts without blanks between words, as a class of characters."""
HAS_CHARACTERS = re.compile(f"[{CHARACTERS}]")
TOKEN = re.compile(rf"[^\W{CHARACTERS}]+|\S")
CMRC_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
CMRC_CHARACTER = re.compile("[\u4e00-\u9fa5]")


@dataclass(frozen=True)
class AnswerScore:
    """One question's exact match (0 or 1) and F1, and whether it has an answer. group: what it is drawn with."""

    em: float
    f1: float
    has_answer: bool
    group: str = ""


def answer_score(answer: str, right: Sequence[str], convention: str = "textmill", group: str = "") -> AnswerScore:
    """An answer ("" = there is none) beside the right ones (none = there is none).

    Raises ConfigError for a convention that there is not.

    >>> answer_score("blue whale.", ["The Blue Whale"])
    AnswerScore(em=1.0, f1=1.0, has_answer=True, group='')
    >>> answer_score("苏州市", ["苏州"]).f1, answer_score("苏州市", ["苏州"], "squad").f1
    (0.8, 0.0)
    """
    if convention not in CONVENTIONS:
        near = did_you_mean(convention, CONVENTIONS)
        raise ConfigError(f"no convention '{convention}' (there are: {', '.join(CONVENTIONS)})", hint=near or None)
    em, f1 = CONVENTIONS[convention](answer, right)
    return AnswerScore(float(em), float(f1), bool(right), group)


def tokens(text: str, by_character: bool) -> list[str]:
    """The tokens of an answer by the convention textmill.

    by_character: where it, or what it is held beside, has letters of a script without blanks.

    >>> tokens("The “Blue” Whale", False), tokens("A", False), tokens("C罗, 2024年", True)
    (['blue', 'whale'], ['a'], ['c', '罗', '2024', '年'])
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(character for character in folded if unicodedata.category(character)[0] not in "PS")
    if by_character:
        return TOKEN.findall(kept)
    found = kept.split()
    return [token for token in found if token not in ARTICLES] or found


def _by_textmill(answer: str, right: Sequence[str]) -> tuple[float, float]:
    best = (0.0, 0.0)
    for one in right or ("",):
        folded = unicodedata.normalize("NFKC", one + answer)
        by_character = HAS_CHARACTERS.search(folded) is not None
        theirs, ours = tokens(one, by_character), tokens(answer, by_character)
        best = max(best[0], float(theirs == ours)), max(best[1], shared_f1(theirs, ours))
    return best


def shared_f1(theirs: Sequence[str], ours: Sequence[str]) -> float:
    """2PR/(P+R) of the tokens that both have, each as often as in both; of nothing beside nothing 1.

    >>> shared_f1(["red", "red", "blue"], ["red", "blue", "blue"]), shared_f1([], []), shared_f1([], ["red"])
    (0.6666666666666666, 1.0, 0.0)
    """
    if not theirs or not ours:
        return float(not theirs and not ours)
    return _f1((Counter(theirs) & Counter(ours)).total(), len(theirs), len(ours))


def _f1(n_shared: int, n_theirs: int, n_ours: int) -> float:
    return 2 * n_shared / (n_theirs + n_ours)


def squad_tokens(text: str) -> list[str]:
    """
    >>> squad_tokens("The cat's an-other  hat!")
    ['cats', 'another', 'hat']
    """
    kept = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def _by_squad(answer: str, right: Sequence[str]) -> tuple[float, float]:
    ours = squad_tokens(answer)
    golds = [found for one in right if (found := squad_tokens(one))] or [[]]
    return float(any(found == ours for found in golds)), max(shared_f1(found, ours) for found in golds)


def cmrc_tokens(text: str) -> list[str]:
    """
    >>> cmrc_tokens("《红楼梦》Chapter 3, p. 5！")
    ['红', '楼', '梦', 'chapter', '3', ',', 'p.', '5']
    """
    found: list[str] = []
    between = ""
    for character in text.lower().strip():
        if character in CMRC_MARKS:
            continue
        if not CMRC_CHARACTER.match(character):
            between += character
            continue
        if between:
            found += words(between)
            between = ""
        found.append(character)
    return found + words(between) if between else found


def _without_cmrc_marks(text: str) -> str:
    return "".join(character for character in text.lower().strip() if character not in CMRC_MARKS)


def _by_cmrc(answer: str, right: Sequence[str]) -> tuple[float, float]:
    bare, ours = _without_cmrc_marks(answer), cmrc_tokens(answer)
    if not right:  # the script knows no such question
        return float(not bare), float(not bare)
    em = float(any(_without_cmrc_marks(one) == bare for one in right))
    golds = map(cmrc_tokens, right)
    return em, max(_f1(longest_stretch(one, ours), len(one), len(ours)) if one and ours else 0.0 for one in golds)


def longest_stretch(one: Sequence[str], other: Sequence[str]) -> int:
    """So many tokens in a row stand in both.

    >>> longest_stretch(list("abcd"), list("xbcabc"))
    3
    """
    longest = 0
    ends = [0] * (len(other) + 1)
    for token in one:
        before = 0
        for place, its in enumerate(other, start=1):
            before, ends[place] = ends[place], before + 1 if token == its else 0
            longest = max(longest, ends[place])
    return longest


CONVENTIONS: dict[str, Callable[[str, Sequence[str]], tuple[float, float]]] = {
    "textmill": _by_textmill,
    "squad": _by_squad,
    "cmrc": _by_cmrc,
}


# -- many questions ----------------------------------------------------------------------------------------------------


def metrics_of(scores: Sequence[AnswerScore]) -> dict[str, float]:
    """em and f1 as shares of the questions, and of those with an answer and those without, where there are both; and
    n_questions, n_unanswerable.

    Raises NothingScored without a question.

    >>> metrics_of([AnswerScore(1, 1, True), AnswerScore(0, 0.5, True), AnswerScore(1, 1, False)])["f1_answerable"]
    0.75
    """
    if not scores:
        raise NothingScored("no question was scored: there is none")
    found: dict[str, float] = {}
    for ending, here in _kinds(scores).items():
        found[f"em{ending}"] = sum(score.em for score in here) / len(here)
        found[f"f1{ending}"] = sum(score.f1 for score in here) / len(here)
    n_without = sum(not score.has_answer for score in scores)
    return found | {"n_questions": len(scores), "n_unanswerable": n_without}


def _kinds(scores: Sequence[AnswerScore]) -> dict[str, Sequence[AnswerScore]]:
    answerable = [score for score in scores if score.has_answer]
    unanswerable = [score for score in scores if not score.has_answer]
    parts = {"_answerable": answerable, "_unanswerable": unanswerable} if answerable and unanswerable else {}
    return {"": scores, **parts}


def intervals(
    scores: Sequence[AnswerScore], resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """(low, high) of the shares that metrics_of gives. Groups are drawn whole: questions about one passage are not
    independent. A question without a group is one alone. {} for a share that fewer than two groups have.
    """
    found: dict[str, tuple[float, float]] = {}
    for ending, here in _kinds(scores).items():
        table = _sums_by_group(here)
        if len(table) < 2:
            continue
        em, f1, n = resampled_sums(table, resamples, seed).T
        for name, above in (("em", em), ("f1", f1)):
            interval = middle(above, n, confidence)
            if interval is not None:
                found[f"{name}{ending}"] = interval
    return found


def _sums_by_group(scores: Sequence[AnswerScore]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(groups, 3): sums of em and f1, and how many, in the order in which groups are met."""
    sums: dict[str | int, list[float]] = {}
    for number, score in enumerate(scores):
        row = sums.setdefault(score.group or number, [0.0, 0.0, 0.0])
        row[0] += score.em
        row[1] += score.f1
        row[2] += 1
    return np.array(list(sums.values()), dtype=np.float64).reshape(-1, 3)


@dataclass(frozen=True)
class Threshold:
    """Where to stop answering: a question whose `no_answer` exceeds `value` gets no answer. score: mean at it."""

    score: float
    value: float


def best_threshold(
    scores: Sequence[float],
    answered: Sequence[bool],
    has_answer: Sequence[bool],
    no_answer: Sequence[float],
    least: float = 0.0,
) -> Threshold:
    """The threshold with the best mean score, of em or f1 alike; of equal ones the lowest, which answers least.

    For each question: scores, what its answer would get; answered, whether that is not empty; has_answer; no_answer,
    how sure it is that there is none (a probability or any other number). least: the threshold that answers nothing.
    As find_best_thresh of SQuAD 2.0, but that questions of equal no_answer are answered together, as they must be.
    Raises NothingScored without a question.
    """
    n = len(scores)
    if not n:
        raise NothingScored("no question was scored: there is none")
    now = float(sum(not has for has in has_answer))
    best = Threshold(now / n, least)
    order = sorted(range(n), key=lambda number: no_answer[number])
    for place, number in enumerate(order):
        now += scores[number] if has_answer[number] else -float(answered[number])
        is_last = place + 1 == n or no_answer[order[place + 1]] != no_answer[number]
        if is_last and now / n > best.score + 1e-12:
            best = Threshold(now / n, float(no_answer[number]))
    return best


def with_threshold(scores: Sequence[AnswerScore], no_answer: Sequence[float], threshold: float) -> list[AnswerScore]:
    """The scores when a question whose no_answer exceeds the threshold gets the empty answer."""
    return [
        AnswerScore(float(not score.has_answer), float(not score.has_answer), score.has_answer, score.group)
        if sure > threshold
        else score
        for score, sure in zip(scores, no_answer, strict=True)
    ]
