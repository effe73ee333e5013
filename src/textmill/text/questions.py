"""Passages with questions and answers -> documents. Room: text/ (bytes -> documents): SQuAD files, JSON, lines, tables.

A document is a passage with one question about it. A record is
- an article of SQuAD 1.1 or 2.0: {"title", "paragraphs": [passages]};
- a passage: {"context", "qas": [{"id", "question", "answers": [{"text", "answer_start"}], "is_impossible"}]}; or as
  CMRC 2018 wrote it first, {"context_text", "qas": [{"query_id", "query_text", "answers": [strings]}]};
- a question: {"context", "question", "answers"}, by these names or others (answer_columns.py). Answers are such a
  list, {"text": [...], "answer_start": [...]}, or strings, with or without a place; none, null and "" are no answer.
Every answer gets the place at which it stands in its passage, and how it got it is counted (answer_places.py). What
stands nowhere in it is left out and told; so is a question that no answer is left of.

Bytes of passage and question are text, those of the answers label; a passage that stands in the file once, though
several questions are about it, is counted with the first (with the last where it follows them). The other values are
unused columns, the rest is markup.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.messages import Message, message, plural_message
from textmill.text.answer_columns import (
    IMPOSSIBLE,
    PARAGRAPHS,
    QUESTIONS,
    QuestionColumns,
    choose_question_columns,
    names_questions,
)
from textmill.text.answer_places import REPAIRED, How, Placed, place
from textmill.text.columns import utf8_size
from textmill.text.delimited import Row, place_of, rows_of
from textmill.text.documents import (
    ANSWERS,
    ARTICLE,
    BAD_RECORD,
    EMPTY,
    MARKUP,
    NO_QUESTION,
    QUESTION,
    QUESTION_ID,
    UNUSED_COLUMN,
    Document,
    Dropped,
    Found,
)
from textmill.text.files import TextFile, examine, open_text
from textmill.text.json_file import elements, layout_of
from textmill.text.jsonl import (
    PEEKED_BYTES,
    BadRecord,
    elements_of,
    keys_of,
    kind_of,
    members_of,
    no_key,
    places_of,
    text_of,
)
from textmill.text.label_columns import FirstRows, shown
from textmill.text.normalise import normalised_digest
from textmill.text.question_columns import columns_named
from textmill.text.sides import files_of
from textmill.text.transcoding import size_in
from textmill.text.wording import joined, joined_clauses, some_of

SHOWN_PLACES = 3
FORMATS = ("json", "jsonl", "csv", "tsv")
_key = re.compile(r'"([^"\\\n]{1,40})"\s*:')
SQUAD = QuestionColumns()
# The keys of passages and of their questions in SQuAD files, and in those of CMRC 2018 as they were first given out.
PASSAGE_KEYS = ("context", "context_text")
QUESTION_KEYS = ("question", "query_text")
ID_KEYS = ("id", "query_id")
ANSWER_KEYS = ("answers", "answer")
USED_KEYS = (*QUESTION_KEYS, *ANSWER_KEYS, "answer_start", IMPOSSIBLE)

Members = dict[str, tuple[Any, str]]


def read_json(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The questions of a .json file, as they stand in it. What is no record is a bad record.

    Raises InputError where nothing, or more than one thing, could be the records, or what they hold.
    """
    layout = layout_of(file, data)
    if layout.is_lines:
        note(message("%(file)s: read as JSON lines: an object a line.", file=file.name))
        yield from read_jsonl(file, data, note)
        return
    peeked = (
        element.raw.decode()
        for element in elements(file, layout)
        if not isinstance(element, Dropped) and element.is_record
    )
    reading = _Reading(file, data, note, _columns(peeked, data, file))
    gap, n_records = 0, 0
    for element in elements(file, layout):
        if isinstance(element, Dropped):
            if gap:
                yield Dropped(MARKUP, gap)
            yield element
            break
        gap += element.before
        if not element.raw:
            if gap:
                yield Dropped(MARKUP, gap) if n_records else Dropped(EMPTY, gap, f"{file.name}:1")
            break
        n_records += element.is_record
        if element.is_record:
            yield from reading.record(element.raw.decode(), gap, element.place)
        else:
            if gap:
                yield Dropped(MARKUP, gap)
            yield Dropped(UNUSED_COLUMN, len(element.raw))
        gap = 0
    reading.end()


def read_jsonl(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The questions of JSON lines: an article, a passage or a question each. A line that is none is a bad record.

    Raises InputError where it is not known which keys hold what.
    """
    with open_text(file) as stream:
        start = stream.tell()
        columns = _columns((raw.decode() for raw in stream), data, file)
        stream.seek(start)
        reading = _Reading(file, data, note, columns)
        for number, raw in enumerate(stream, start=1):
            if not raw.strip(b" \t\r\n"):
                yield Dropped(MARKUP, len(raw))
                continue
            yield from reading.record(raw.decode(), 0, where=f"{file.name}:{number}")
        reading.end()


def read_table(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The questions of a CSV or TSV file, one a row: passage, question, answer, and its place where there is a column
    of places. An empty answer is none.

    Raises InputError where a column is not there or cannot be known.
    """
    reading = _Reading(file, data, note, SQUAD)
    names: Sequence[str] = ()

    def choose(columns: Sequence[str], where: str) -> None:
        nonlocal names
        names = columns
        if not data.header and not data.columns:
            raise InputError(
                plural_message(
                    "%(n)s column without a name: passage, question and answer are three",
                    "%(n)s columns without names: which ones hold passage, question and answer?",
                    len(columns),
                ),
                where=where,
                hint=message("name them in order: --data.columns context,question,answer"),
            )
        reading.choose(choose_question_columns(columns, data, where))
        for name in reading.columns.used:
            if name in columns:
                place_of(name, columns, where)

    for row in rows_of(file, data, note, choose):
        yield row if isinstance(row, Dropped) else reading.row(row, names)
    reading.end()


def holds_questions(paths: Sequence[str], data: DataConfig) -> bool:
    """Whether a file has keys or columns such as questions and their answers have; others are documents. Raises
    InputError for a path that cannot be read."""
    if data.question or data.answer:
        return True
    for file in files_of(paths, data, []):
        if file.dropped_as or file.format not in FORMATS:
            continue
        file = examine(file, False, [], data.encoding)
        if file.dropped_as:
            continue
        if file.format in ("csv", "tsv"):
            names = columns_named(file, data) or []
        else:
            with open_text(file) as stream:
                names = _key.findall(stream.read(PEEKED_BYTES).decode(errors="replace"))
        if names_questions(names):
            return True
    return False


def _columns(records: Iterator[str], data: DataConfig, file: TextFile) -> QuestionColumns:
    """The keys of records that are questions, judged by the first of them; those of SQuAD where there are none."""
    keys = keys_of(_flat(records))
    if not keys:
        return SQUAD
    texts = [key for key, holds_text in keys.items() if holds_text]
    return choose_question_columns(list(keys), data, file.name, texts)


def _flat(records: Iterator[str]) -> Iterator[tuple[int, Members]]:
    n_bytes = 0
    for record in records:
        members: Members = {}
        with suppress(BadRecord):
            if record.strip():
                members = members_of(record)
        if PARAGRAPHS in members or QUESTIONS in members or n_bytes > PEEKED_BYTES:
            return
        n_bytes += len(record)
        yield len(record), members


@dataclass(frozen=True)
class _Asked:
    """What a record says of a question, not yet checked; answers as their file writes them."""

    passage: Any
    question: Any
    answers: Any
    starts: Any = None
    name: str = ""
    article: str = ""


@dataclass
class _Stretch:
    """A question's bytes in its record, and the other values that stand in them."""

    n_bytes: int
    texts: list[str] = field(default_factory=list)
    unused: int = 0


class _Reading:
    """One file's questions: what its columns are, how many questions there were, how their answers got their places."""

    def __init__(self, file: TextFile, data: DataConfig, note: Callable[[str], None], columns: QuestionColumns):
        self.file, self.data, self.note = file, data, note
        self.number = 0
        self.n_kept = self.n_unanswered = 0
        self.hows = Counter[str]()
        self.unclear: list[str] = []
        self.absent: list[str] = []
        self.n_unclear = self.n_absent = 0
        self.choose(columns)

    def choose(self, columns: QuestionColumns) -> None:
        self.columns = columns
        self.first_rows = FirstRows(self.file.name, columns, self.note)

    def row(self, row: Row, names: Sequence[str]) -> Found | Dropped:
        """The question of a table's row."""
        values = dict(zip(names, row.values, strict=True))
        columns = self.columns
        self.number += 1
        asked = _Asked(
            values[columns.passage],
            values[columns.question],
            values[columns.answer],
            values[columns.start] if columns.start else None,
            values[columns.id] if columns.id else "",
            values[columns.title] if columns.title else "",
        )
        used = [names.index(name) for name in columns.used if name in names]
        unused = sum(size_in(value, self.file.codec) for number, value in enumerate(row.values) if number not in used)
        return self._item(asked, _Stretch(row.n_bytes, [values[columns.passage]], unused), row.where)

    def record(
        self, written: str, gap: int, start: tuple[int, int] | None = None, where: str = ""
    ) -> Iterator[Found | Dropped]:
        """The questions of a record, `gap` bytes of markup before it.

        start: as in jsonl.members_of. where: the source of all of them; "": they are numbered through the file.
        """
        try:
            places = places_of(written, start)
            members = {key: value for key, (value, _, _) in places.items()}
            for key in (PARAGRAPHS, QUESTIONS):
                if key in members and not isinstance(members[key], list):
                    raise BadRecord(message("'%(key)s' is %(kind)s, not a list", key=key, kind=kind_of(members[key])))
        except BadRecord as bad:
            self.number += 1
            if gap:
                yield Dropped(MARKUP, gap)
            yield Dropped(BAD_RECORD, utf8_size(written), where or self._numbered(), bad.reason)
            return
        if PARAGRAPHS not in members and QUESTIONS not in members:
            self.number += 1
            yield self._flat_item(written, places, gap, where or self._numbered())
            return
        walk = _Walk(written, gap, self.file.codec)
        if PARAGRAPHS in members:
            title = members.get("title")
            walk.pass_values(places, but=(PARAGRAPHS,))
            begin, end = places[PARAGRAPHS][1:]
            for passage, from_, to in elements_of(written[begin:end]):
                if not isinstance(passage, dict) or not isinstance(passage.get(QUESTIONS, []), list):
                    self.number += 1
                    reason = message("no passage with a list of questions in '%(key)s'", key=QUESTIONS)
                    record = Dropped(BAD_RECORD, 0, where or self._numbered(), reason)
                    yield from walk.dropped(begin + from_, begin + to, record)
                    continue
                yield from self._passage(
                    walk, begin + from_, begin + to, title if isinstance(title, str) else "", where
                )
        else:
            yield from self._passage(walk, 0, len(written), "", where)
        yield from walk.rest()

    def _passage(self, walk: _Walk, begin: int, end: int, title: str, where: str) -> Iterator[Found | Dropped]:
        """The questions of the passage that is written from `begin` to `end` of the record."""
        try:
            places = places_of(walk.written[begin:end])
        except BadRecord as bad:
            self.number += 1
            yield from walk.dropped(begin, end, Dropped(BAD_RECORD, 0, where or self._numbered(), bad.reason))
            return
        title = title or (str(places["title"][0]) if "title" in places else "")
        key = key_in(places, PASSAGE_KEYS)
        passage = places[key][0] if key in places else None
        walk.pass_values(places, begin, but=(QUESTIONS, key))
        if isinstance(passage, str):
            walk.pass_text(begin + places[key][1], passage)
        questions = []
        if QUESTIONS in places:
            first, last = (begin + number for number in places[QUESTIONS][1:])
            found = elements_of(walk.written[first:last])
            questions = [(question, first + one, first + other) for question, one, other in found]
        if not questions:
            yield from walk.dropped(begin, end, Dropped(NO_QUESTION, 0))
            return
        for number, (question, one, other) in enumerate(questions, start=1):
            self.number += 1
            source = where or self._numbered()
            upto = end if number == len(questions) else other
            try:
                if not isinstance(question, dict):
                    raise BadRecord(message("%(kind)s, not an object", kind=kind_of(question)))
                asked = _asked_of(passage, question, title)
                walk.pass_values(places_of(walk.written[one:other]), one, but=USED_KEYS)
            except BadRecord as bad:
                yield from walk.dropped(one, upto, Dropped(BAD_RECORD, 0, source, bad.reason))
                continue
            yield self._item(asked, walk.stretch(upto), source)

    def _flat_item(
        self, written: str, places: dict[str, tuple[Any, int, int]], gap: int, where: str
    ) -> Found | Dropped:
        columns, n_bytes = self.columns, utf8_size(written) + gap
        values = {key: value for key, (value, _, _) in places.items()}
        try:
            for key in (columns.passage, columns.question):
                if key not in values:
                    raise no_key(key, values)
            answers = answers_said(values, columns.answer)
        except BadRecord as bad:
            return Dropped(BAD_RECORD, n_bytes, where, bad.reason)
        unused = sum(
            size_in(value if isinstance(value, str) else written[begin:end], self.file.codec)
            for key, (value, begin, end) in places.items()
            if key not in columns.used
        )
        starts, name, title = (
            values.get(key) if key is not None else None for key in (columns.start, columns.id, columns.title)
        )
        asked = _Asked(
            values[columns.passage],
            values[columns.question],
            answers,
            starts,
            "" if name is None else str(name),
            title if isinstance(title, str) else "",
        )
        texts = [asked.passage] if isinstance(asked.passage, str) else []
        return self._item(asked, _Stretch(n_bytes, texts, unused), where)

    def _item(self, asked: _Asked, stretch: _Stretch, where: str) -> Found | Dropped:
        """The document of a question, its answers placed."""
        try:
            passage = text_of(asked.passage, f"'{self.columns.passage}'")
            question = text_of(asked.question, f"'{self.columns.question}'")
            said = answers_of(asked.answers, asked.starts, self.columns.answer)
        except BadRecord as bad:
            return Dropped(BAD_RECORD, stretch.n_bytes, where, bad.reason)
        if not passage.strip():
            return Dropped(EMPTY, stretch.n_bytes, where)
        if not question.strip():
            return Dropped(BAD_RECORD, stretch.n_bytes, where, message("the question is empty"))
        placed = [place(passage, text, start) for text, start in said]
        lost = [answer for answer in placed if answer.how == "absent"]
        if lost and (self.data.strict or len(lost) == len(placed)):
            self._count(placed, where)
            return Dropped(BAD_RECORD, stretch.n_bytes, where, _not_there(lost[0], asked.name))
        guessed = [answer for answer in placed if answer.how == "unclear"]
        if guessed and self.data.strict:
            return Dropped(BAD_RECORD, stretch.n_bytes, where, _unclear(guessed[0], asked.name))
        self._count(placed, where)
        self.n_kept += 1
        self.n_unanswered += not placed
        answers = dict.fromkeys((answer.start, answer.text) for answer in placed if answer.start >= 0)
        meta: dict[str, Any] = {
            QUESTION: question,
            ANSWERS: tuple(answers),
            QUESTION_ID: asked.name,
            "group": f"passage {normalised_digest(passage).hex()}",
        }
        if asked.article.strip():
            meta[ARTICLE] = asked.article.strip()
        document = Document(passage, where, meta)
        counted = (*stretch.texts, question)
        n_text, label = sum(map(utf8_size, counted)), sum(size_in(text, self.file.codec) for text, _ in said)
        markup = stretch.n_bytes - n_text - label - stretch.unused
        found = Found(document, n_text, markup, stretch.unused, label=label, counted=counted)
        self.first_rows.add(document)
        return found

    def _count(self, placed: Sequence[Placed], where: str) -> None:
        for answer in placed:
            self.hows[answer.how] += 1
        if any(answer.how == "unclear" for answer in placed):
            self.n_unclear += 1
            self.unclear.append(where)
        if any(answer.how == "absent" for answer in placed):
            self.n_absent += 1
            self.absent.append(where)
        del self.unclear[SHOWN_PLACES:], self.absent[SHOWN_PLACES:]

    def _numbered(self) -> str:
        return f"{self.file.name}#{self.number}"

    def end(self) -> None:
        """Say what was guessed, and how the answers got their places."""
        self.first_rows.end()
        if self.number:
            self.note(self._summary())

    def _summary(self) -> Message:
        return message(
            "%(file)s: %(questions)s, %(without)s; places of the answers: %(places)s.",
            file=self.file.name,
            questions=plural_message("%(n)s question", "%(n)s questions", self.n_kept),
            without=plural_message(
                "%(n)s of them without an answer", "%(n)s of them without an answer", self.n_unanswered
            ),
            places=joined(self._places_told()),
        )

    def _places_told(self) -> Iterator[Message]:
        n = {how: f"{self.hows[how]:,}" for how in get_args(How)}
        yield message("%(n)s right as given", n=n["given"])
        if self.hows["found"]:
            yield message("%(n)s found where none was given", n=n["found"])
        repairs: list[Message] = []
        if self.hows["bytes"]:
            repairs.append(message("%(n)s counted in bytes", n=n["bytes"]))
        if self.hows["utf-16"]:
            repairs.append(message("%(n)s in UTF-16 units", n=n["utf-16"]))
        if self.hows["moved"]:
            repairs.append(message("%(n)s moved to the only place", n=n["moved"]))
        n_repaired = f"{sum(self.hows[how] for how in REPAIRED):,}"
        if repairs:
            yield message("%(n)s repaired (%(how)s)", n=n_repaired, how=joined_clauses(repairs))
        else:
            yield message("%(n)s repaired", n=n_repaired)
        if self.hows["unclear"]:
            places = some_of(self.unclear, self.n_unclear)
            yield message("%(n)s unclear, taken at the nearest place (%(places)s)", n=n["unclear"], places=places)
        else:
            yield message("%(n)s unclear", n=n["unclear"])
        if self.hows["absent"]:
            places = some_of(self.absent, self.n_absent)
            yield message("%(n)s not in the passage, left out (%(places)s)", n=n["absent"], places=places)
        else:
            yield message("%(n)s not in the passage", n=n["absent"])


class _Walk:
    """Goes through a record as it is written, question by question: what stands between two belongs to the second."""

    def __init__(self, written: str, gap: int, codec: str):
        """gap: bytes of markup before the record."""
        self.written, self.codec = written, codec
        self._at = 0
        self._gap = gap
        self._values: list[tuple[int, int, str, bool]] = []
        """(begin, end, value, whether it is text) of values that stand in no stretch yet."""

    def pass_values(self, places: dict[str, tuple[Any, int, int]], start: int = 0, but: Sequence[str] = ()) -> None:
        """There are values of an object that no question uses. start: of the object in the record."""
        for key, (value, begin, end) in places.items():
            if key not in but:
                written = value if isinstance(value, str) else self.written[start + begin : start + end]
                self._values.append((start + begin, start + end, written, False))

    def pass_text(self, begin: int, text: str) -> None:
        """There is a passage."""
        self._values.append((begin, begin + 1, text, True))

    def stretch(self, end: int) -> _Stretch:
        """What stands before `end` and in no stretch yet."""
        here = [value for value in self._values if value[0] < end]
        self._values = [value for value in self._values if value[0] >= end]
        stretch = _Stretch(
            self._gap + utf8_size(self.written[self._at : end]),
            [value for _, _, value, is_text in here if is_text],
            sum(size_in(value, self.codec) for _, _, value, is_text in here if not is_text),
        )
        self._at, self._gap = end, 0
        return stretch

    def dropped(self, begin: int, end: int, as_: Dropped) -> Iterator[Dropped]:
        """What stands from begin to end, as that; and before it what belonged to no question."""
        yield from self.unused(begin)
        before = self.stretch(begin)
        if before.n_bytes:
            yield Dropped(MARKUP, before.n_bytes)
        yield replace(as_, n_bytes=self.stretch(end).n_bytes)

    def unused(self, end: int) -> Iterator[Dropped]:
        """The values before `end` that are in no stretch yet, and the markup before each."""
        for begin, last, _, is_text in sorted(self._values):
            if last <= end and not is_text:
                before = self._gap + utf8_size(self.written[self._at : begin])
                if before:
                    yield Dropped(MARKUP, before)
                self._at, self._gap = begin, 0
                yield Dropped(UNUSED_COLUMN, self.stretch(last).n_bytes)

    def rest(self) -> Iterator[Dropped]:
        """What is left of the record."""
        yield from self.unused(len(self.written))
        if left := self.stretch(len(self.written)).n_bytes:
            yield Dropped(MARKUP, left)


def key_in(members: Iterable[str], names: Sequence[str]) -> str:
    """The first of the names that is a key; the first name where none is."""
    return next((name for name in names if name in members), names[0])


def _asked_of(passage: Any, question: Mapping[str, Any], title: str) -> _Asked:
    """What an element of "qas" asks of its passage. Raises BadRecord."""
    key, name = key_in(question, QUESTION_KEYS), question.get(key_in(question, ID_KEYS))
    if key not in question:
        raise no_key(key, question)
    answers = answers_said(question, key_in(question, ANSWER_KEYS))
    return _Asked(
        passage, question[key], answers, question.get("answer_start"), "" if name is None else str(name), title
    )


def answers_said(members: Mapping[str, Any], key: str) -> Any:
    """What a record says of the answers. Raises BadRecord where it says nothing, which is not "no answer"."""
    if members.get(IMPOSSIBLE) is True:
        return None
    if key not in members:
        raise no_key(key, members)
    return members[key]


def answers_of(value: Any, starts: Any, key: str) -> list[tuple[str, int | None]]:
    """(text, given place or None) of each answer that a value names; blank ones are none.

    value: None, a string, {"text", "answer_start"}, or a list of these; where texts stand in a list, so do places.
    starts: what stands beside it as the place of a string. key: what the value is called. Raises BadRecord.

    >>> answers_of([{"text": "40", "answer_start": 33}], None, "answers")
    [('40', 33)]
    >>> answers_of({"text": ["a", "b"], "answer_start": [1, 2]}, None, "answers"), answers_of("", None, "answer")
    ([('a', 1), ('b', 2)], [])
    """
    if value is None:
        return []
    if isinstance(value, dict):
        if "text" not in value:
            raise no_key("text", value)
        return answers_of(value["text"], value.get("answer_start"), key) if value["text"] is not None else []
    if not isinstance(value, list):
        text = text_of(value, f"'{key}'")
        start = starts[0] if isinstance(starts, list) and len(starts) == 1 else starts
        return [(text, start_of(start))] if text.strip() else []
    found: list[tuple[str, int | None]] = []
    given = starts if isinstance(starts, list) else [starts] * len(value) if len(value) == 1 else [None] * len(value)
    if len(given) != len(value):
        raise BadRecord(
            message("%(n)s answers and %(places)s places in '%(key)s'", n=len(value), places=len(given), key=key)
        )
    for one, start in zip(value, given, strict=True):
        if isinstance(one, list):
            raise BadRecord(message("'%(key)s' holds %(kind)s, not an answer", key=key, kind=kind_of(one)))
        found += answers_of(one, start, key)
    return found


def start_of(value: Any) -> int | None:
    """A place as a number, whatever it is written as; None: it says none (null, "", below 0). Raises BadRecord."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    with suppress(ValueError, OverflowError):
        if not isinstance(value, (bool, list, dict)) and int(value) == float(value):
            return int(value) if int(value) >= 0 else None
    raise BadRecord(message("the place of an answer is %(value)s, not a number of characters", value=repr(value)))


def _of_question(name: str) -> Message:
    return message("question %(id)s", id=name) if name else message("this question")


def _not_there(answer: Placed, name: str) -> Message:
    return message(
        "the answer '%(text)s' of %(question)s is not in its passage",
        text=shown(answer.text),
        question=_of_question(name),
    )


def _unclear(answer: Placed, name: str) -> Message:
    return message(
        "the answer '%(text)s' of %(question)s stands in its passage several times, and not where it is said to be",
        text=shown(answer.text),
        question=_of_question(name),
    )
