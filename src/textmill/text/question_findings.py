"""What is said of passages with questions before they are trained on. Room: text/. Loads no torch; in tables.FINDINGS.

How many questions about how many passages, how many without an answer, how long passages and answers are, what is asked
for, and what is odd: a question that is asked twice about one passage with other answers, one whose answer is most of
its passage. How the answers got their places is said where they are read (questions.py).
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable
from itertools import islice

import numpy as np

from textmill.messages import Message, message, plural_message
from textmill.text.documents import ANSWERS, MADE, QUESTION, Document
from textmill.text.normalise import normalised, normalised_digest
from textmill.text.question_making import made_told
from textmill.text.wording import joined, joined_clauses, percent, some_of

N_MOST = 2_000_000
"""Questions that are read."""
N_SHOWN = 3
MOST_OF_IT = 0.5
"""An answer of such a share of its passage is no place in it."""

KINDS: tuple[tuple[Message, str, str], ...] = (
    (
        message("when"),
        "when|(?:what|which) (?:year|month|day|date|time|century)",
        "哪一?[年天月日]|[何几幾][年时時]|[什甚][么麼](?:时候|時候|时间|時間)",
    ),
    (
        message("where"),
        "where|(?:what|which) (?:city|country|place|town|state)",
        "哪[里裡裏儿兒国國]|何[处處地]|[什甚][么麼]地方|哪一?[个個座](?:城市|国家|國家|地[方区區])",
    ),
    (message("who"), "who|whom|whose", "谁|誰|何人|哪一?[位名]|[什甚][么麼]人"),
    (message("why"), "why|what (?:caused|causes)|for what reason", "[为為](?:什[么麼]|何)|[什甚][么麼]原因"),
    (
        message("how much"),
        "how (?:many|much|long|old|far|often|large|big|tall|high|deep|fast)|what (?:percentage|number)",
        "多少|[几幾]|多[长長久大高远遠深]",
    ),
    (message("in what way"), "how", "如何|怎[么麼样樣]"),
    (message("which"), "which", "哪"),
    (message("what"), "what", "[什甚][么麼]|何"),
)
"""What a question asks for, by its words in English and in Chinese. The first word decides; of those that begin at one
place the kind that stands first here."""
OTHER = message("something else")
_kinds = [(kind, re.compile(rf"\b(?:{english})\b|{chinese}", re.IGNORECASE)) for kind, english, chinese in KINDS]


def findings_of_questions(documents: Iterable[Document]) -> list[str]:
    """Sentences about the training questions: how many, about what, and what is odd; none without any."""
    passages: dict[bytes, int] = {}
    asked: dict[tuple[int, bytes], tuple[frozenset[str], str]] = {}
    lengths, answer_lengths = array("q"), array("q")
    kinds: Counter[Message] = Counter()
    made: Counter[str] = Counter()
    n_questions = n_unanswerable = 0
    most, twice = list[str](), list[str]()
    for document in islice(documents, N_MOST):
        n_questions += 1
        key = normalised_digest(document.content)
        if key not in passages:
            lengths.append(len(document.content))
        number = passages.setdefault(key, len(passages))
        question, answers = document.meta[QUESTION], document.meta[ANSWERS]
        kinds[kind_of_question(question)] += 1
        n_unanswerable += not answers
        made.update([document.meta[MADE]] if MADE in document.meta else [])
        if answers:
            answer_lengths.append(len(answers[0][1]))
            if len(answers[0][1]) > MOST_OF_IT * len(document.content):
                most.append(document.source)
        texts = frozenset(normalised(text) for _, text in answers)
        before, place = asked.setdefault((number, normalised_digest(question)), (texts, document.source))
        if not before & texts and before != texts:
            twice.append(f"{place} = {document.source}")
    if not n_questions:
        return []
    findings: list[str] = [
        message(
            "%(questions)s about %(passages)s to train on; %(share)s of them have no answer in their passage.",
            questions=plural_message("%(n)s question", "%(n)s questions", n_questions),
            passages=plural_message("%(n)s passage", "%(n)s passages", len(passages)),
            share=percent(n_unanswerable / n_questions),
        ),
        _lengths_told(lengths, answer_lengths),
        message("Asked for: %(kinds)s.", kinds=_kinds_told(kinds, n_questions)),
    ]
    if made:
        findings.insert(0, made_told(made))
    if not answer_lengths:
        findings.append(message("No question has an answer, so nothing can be learned but to say that there is none."))
    if twice:
        findings.append(
            plural_message(
                "%(n)s question is asked of one passage twice, with other answers: %(places)s.",
                "%(n)s questions are asked of one passage twice, with other answers: %(places)s.",
                len(twice),
                places=some_of(twice, limit=N_SHOWN),
            )
        )
    if most:
        findings.append(
            plural_message(
                "%(n)s answer is more than half of its passage: %(places)s.",
                "%(n)s answers are more than half of their passages: %(places)s.",
                len(most),
                places=some_of(most, limit=N_SHOWN),
            )
        )
    return findings


def kind_of_question(question: str) -> Message:
    """What it asks for.

    >>> str(kind_of_question("In what year did they who fled return?")), str(kind_of_question("塔是谁修建的？"))
    ('when', 'who')
    """
    found = [(match.start(), number) for number, (_, words) in enumerate(_kinds) if (match := words.search(question))]
    return _kinds[min(found)[1]][0] if found else OTHER


def _lengths_told(passages: array[int], answers: array[int]) -> Message:
    median, longest = _median_and_most(passages)
    of_passages = message(
        "passages %(median)s characters in the median, %(longest)s at most", median=median, longest=longest
    )
    if not answers:
        return message("Lengths: %(of)s.", of=of_passages)
    median, longest = _median_and_most(answers)
    of_answers = message("answers %(median)s, %(longest)s at most", median=median, longest=longest)
    return message("Lengths: %(of)s.", of=joined_clauses([of_passages, of_answers]))


def _median_and_most(lengths: array[int]) -> tuple[str, str]:
    return f"{np.median(lengths):,.0f}", f"{max(lengths):,}"


def _kinds_told(kinds: Counter[Message], n_questions: int) -> str:
    return joined(
        message("%(name)s %(n)s (%(share)s)", name=kind, n=f"{n:,}", share=percent(n / n_questions))
        for kind, n in kinds.most_common()
    )
