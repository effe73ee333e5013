"""Tables of questions with their answers: which columns hold them. Room: text/. Used by passage_reading.

A list of frequently asked questions is a knowledge base: a question is looked for among its questions, and answered by
the answer beside it. What --data.question and --data.answer leave unsaid is guessed by the
names that such columns mostly have, and is said. A table with a column of texts is one of texts, whatever else it has;
so is one where --data.text names the text.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.messages import message
from textmill.text.columns import DEFAULT_COLUMNS, no_column
from textmill.text.delimited import DELIMITERS
from textmill.text.files import TextFile, open_text
from textmill.text.json_file import members_in_list
from textmill.text.jsonl import BadRecord, members_of
from textmill.text.label_columns import called

QUESTION = "question"
"""The role of the column that is kept beside an answer."""
QUESTION_NAMES = (
    ("question", "questions", "问题", "問題", "提问", "提問"),
    ("q", "query", "faq", "ask", "title", "问", "問", "问句", "标准问题", "标准问", "标题", "標題"),
)
ANSWER_NAMES = (
    ("answer", "answers", "答案", "回答", "解答"),
    ("a", "reply", "response", "答", "答复", "答覆", "回复", "回覆", "标准答案"),
)
OF_TEXTS = (*DEFAULT_COLUMNS, "context", "passage", "paragraph", "document", "上下文", "段落")
PEEKED_RECORDS = 100
FORMATS = ("csv", "tsv", "jsonl", "json")


def with_questions(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> tuple[TextFile, DataConfig]:
    """An examined file, its questions kept beside its answers, with how to read it; as it is where it holds none.

    Raises InputError where a column that is named is not there.
    """
    if file.format not in FORMATS or data.text or file.dropped_as:
        return file, data
    columns = _keys(file, data) if file.format in ("jsonl", "json") else columns_named(file, data)
    if columns is None:
        return file, data
    question, answer = (
        _said(data.question, columns, file, "data.question"),
        _said(data.answer, columns, file, "data.answer"),
    )
    if question is None and answer is None and called(OF_TEXTS, columns):
        return file, data
    question = question or _guessed(QUESTION_NAMES, [name for name in columns if name != answer])
    answer = answer or _guessed(ANSWER_NAMES, [name for name in columns if name != question])
    if question is None or answer is None:
        if not data.question and not data.answer:
            return file, data
        raise InputError(
            message("it is not said which column holds the answers to which questions"),
            where=file.name,
            hint=message("say both: --data.question QUESTIONS --data.answer ANSWERS"),
        )
    if not data.question or not data.answer:
        note(
            message(
                "%(file)s: questions are taken from '%(question)s', their answers from '%(answer)s' (--data.question "
                "and --data.answer decide; --data.text NAME: it is no list of questions).",
                file=file.name,
                question=question,
                answer=answer,
            )
        )
    return replace(file, kept=((QUESTION, question),)), data.model_copy(update={"text": (answer,)})


def _said(names: Sequence[str], columns: Sequence[str], file: TextFile, knob: str) -> str | None:
    """The first of the names that is a column; None where none is said."""
    found = next((name for name in names if name in columns), None)
    if names and found is None:
        raise no_column(names, columns, file.name, knob)
    return found


def _guessed(tiers: Sequence[Sequence[str]], columns: Sequence[str]) -> str | None:
    """The only column of the surest names that there are."""
    for tier in tiers:
        found = called(tier, columns)
        if found:
            return found[0] if len(found) == 1 else None
    return None


def columns_named(file: TextFile, data: DataConfig) -> list[str] | None:
    """The names of a table's columns, by the delimiter that gives most of them; None: it has none, or one."""
    if not data.header:
        return list(data.columns) or None
    with open_text(file) as stream:
        first = next((line for line in map(bytes.decode, stream) if line.strip()), "")
    usual = DELIMITERS[file.format]
    found: list[str] = []
    for delimiter in dict.fromkeys((usual, ",", ";", "\t")):
        try:
            names = next(csv.reader([first], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        found = names if len(names) > len(found) else found
    return found if len(found) > 1 else None


def _keys(file: TextFile, data: DataConfig) -> list[str] | None:
    """The keys of the first records that hold strings in all that have them."""
    kinds: dict[str, bool] = {}
    records = members_in_list(file, data) if file.format == "json" else _members_of_lines(file)
    for members in islice(records, PEEKED_RECORDS):
        for key, (value, _) in members.items():
            kinds[key] = kinds.get(key, True) and isinstance(value, str)
    return [key for key, is_text in kinds.items() if is_text] or None


def _members_of_lines(file: TextFile) -> Iterator[dict[str, tuple[Any, str]]]:
    with open_text(file) as stream:
        for raw in stream:
            try:
                yield members_of(raw.decode())
            except BadRecord:
                yield {}
