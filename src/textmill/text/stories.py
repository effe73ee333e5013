r"""Stories with questions -> documents, with every byte accounted for. Room: text/ (bytes -> documents).

A document is a story as far as it was told when a question comes: its sentences and the question, a line each. Its one
label is the answer, and meta[FACTS] the sentences that prove it, where they are given. Two forms are read, told apart
by the first line:

    1 Mary moved to the bathroom.                   bAbI's (Weston et al. 2015, arXiv:1502.05698): number 1 begins a new
    2 Where is Mary?<TAB>bathroom<TAB>1             story; behind tabs the answer and the numbers of its proofs

    {"sentences": ["玛丽去了厨房。"], "question": "玛丽在哪里？", "answer": "厨房", "facts": [0]}
                                                    an object a line; facts, counted from 0, and `story`, a name that
                                                    questions on one story share, may be left out

Of a bAbI story, bytes of text are those of a question and of the sentences since the question before it: each counts
once. An answer such as "football,apple" is one class, and so are its words in another order. Questions on one story
never stand on two sides of a split.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.messages import message
from textmill.text.columns import utf8_size
from textmill.text.documents import (
    BAD_RECORD,
    EMPTY,
    FACTS,
    LABELS,
    MARKUP,
    NO_LABEL,
    NO_QUESTION,
    Document,
    Dropped,
    Found,
)
from textmill.text.files import TextFile, examine, open_text
from textmill.text.jsonl import BadRecord, kind_of, members_of, no_key, text_of
from textmill.text.labels import canonical
from textmill.text.sides import files_of
from textmill.text.transcoding import size_in

NUMBERED = re.compile(r"([0-9]{1,9}) +(.*)", re.DOTALL)
BREAKS = re.compile(r"[\r\n]+")


def read_stories(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The questions of a file, each with what was told before it. Raises InputError for a file of neither form."""
    first = _first_line(file)
    if not first:
        return _blank(file)
    if first.startswith("{"):
        note(message("%(file)s: read as stories, a JSON object a line.", file=file.name))
        return _json_lines(file)
    if NUMBERED.fullmatch(first):
        note(message("%(file)s: read as stories in bAbI's format.", file=file.name))
        return _numbered_lines(file)
    raise InputError(
        message(
            "these are no stories: the first line is %(line)s",
            line=repr(first if len(first) <= 60 else first[:59] + "…"),
        ),
        where=file.name,
        hint=message(
            "A story in bAbI's format begins with a line such as `1 Mary went home.`; of JSON lines each is an object "
            "with sentences, question and answer."
        ),
    )


def holds_stories(paths: Sequence[str], data: DataConfig) -> bool:
    """Whether the first line of the first file is that of a story, in either form. Raises InputError for a path that
    cannot be read."""
    file = next(iter(files_of(paths, data, [])), None)
    if file is None or file.format not in ("text", "jsonl", "world"):
        return False
    file = examine(file, False, [], data.encoding)
    first = _first_line(file)
    if not first.startswith("{"):
        numbered = NUMBERED.fullmatch(first)
        return numbered is not None and numbered[1] == "1"
    try:
        return {"sentences", "question", "answer"} <= members_of(first).keys()
    except BadRecord:
        return False


def _first_line(file: TextFile) -> str:
    """The first line with something in it; "" where none has."""
    with open_text(file) as stream:
        return next((line for raw in stream if (line := raw.decode(errors="replace").strip())), "")


def _blank(file: TextFile) -> Iterator[Found | Dropped]:
    with open_text(file) as stream:
        n_bytes = sum(map(len, stream))
    if n_bytes:
        yield Dropped(EMPTY, n_bytes, f"{file.name}:1")


# --- bAbI's lines


@dataclass
class _Told:
    """A story as far as it was read. places: number of a line -> which sentence it is, from 0."""

    group: str
    number: int = 0
    sentences: list[str] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)
    n_waiting: int = 0
    """How many of the last sentences no question has followed yet."""
    waiting: int = 0
    """Bytes of their lines, and of blank ones among them."""
    waiting_text: int = 0
    """Bytes of the sentences alone."""
    broken_by: str = ""
    """The line that could not be read, and with which what follows it makes no sense."""


def _numbered_lines(file: TextFile) -> Iterator[Found | Dropped]:
    told = _Told("")
    with open_text(file) as stream:
        for n_line, raw in enumerate(stream, start=1):
            where = f"{file.name}:{n_line}"
            line = raw.decode().strip(" \r\n")  # a tab at its end is a question without an answer
            if not line.strip() and told.n_waiting:
                told.waiting += len(raw)
                continue
            if not line.strip():
                yield Dropped(MARKUP, len(raw))
                continue
            numbered = NUMBERED.fullmatch(line)
            number = int(numbered[1]) if numbered else 0
            if number == 1:
                yield from _unasked(told)
                told = _Told(where)
            try:
                if numbered is None:
                    raise _Break(message("no number stands before it"))
                if told.broken_by:
                    raise BadRecord(message("its story could not be read at %(where)s", where=told.broken_by))
                if number <= told.number:
                    raise _Break(message("number %(n)s follows number %(before)s", n=number, before=told.number))
                told.number = number
                if "\t" in numbered[2]:
                    yield _asked(told, numbered[2], len(raw), where, file.codec)
                else:
                    _tell(told, number, numbered[2], len(raw))
            except _Break as bad:
                yield from _unasked(told)
                told.broken_by = told.broken_by or where
                yield Dropped(BAD_RECORD, len(raw), where, bad.reason)
            except BadRecord as bad:
                yield Dropped(BAD_RECORD, _taken(told) + len(raw), where, bad.reason)
            except _Unanswered:
                yield Dropped(NO_LABEL, _taken(told) + len(raw), where, message("the question has no answer"))
    yield from _unasked(told)


class _Break(BadRecord):
    """What follows in the story makes no sense without this line."""


class _Unanswered(Exception):
    """A question without its answer."""


def _tell(told: _Told, number: int, sentence: str, n_bytes: int) -> None:
    told.places[number] = len(told.sentences)
    told.sentences.append(sentence)
    told.n_waiting += 1
    told.waiting += n_bytes
    told.waiting_text += utf8_size(sentence)


def _taken(told: _Told) -> int:
    """The bytes of the sentences that wait; they wait no longer."""
    n_bytes, told.n_waiting, told.waiting, told.waiting_text = told.waiting, 0, 0, 0
    return n_bytes


def _unasked(told: _Told) -> Iterator[Dropped]:
    """The sentences at the end of a story that no question follows, with their numbers and line ends."""
    if n_bytes := _taken(told):
        yield Dropped(NO_QUESTION, n_bytes)


def _asked(told: _Told, rest: str, n_raw: int, where: str, codec: str) -> Found:
    """The document of a question; its bytes are those since the question before it."""
    question, answer, proofs, *more = [*map(str.strip, rest.split("\t")), ""]
    if len(more) > 1:
        raise BadRecord(
            message("%(n)s values stand behind tabs: an answer and the numbers of its proofs are all", n=1 + len(more))
        )
    if not question:
        raise BadRecord(message("there is no question before the tab"))
    if not told.sentences:
        raise BadRecord(message("the question stands before any sentence"))
    label = canonical(answer)
    if label is None:
        raise _Unanswered
    meta: dict[str, Any] = {"group": told.group, LABELS: (label,)}
    if proofs:
        meta[FACTS] = _facts_of(proofs, told)
    counted = "".join([*told.sentences[len(told.sentences) - told.n_waiting :], question])
    n_text, n_label = told.waiting_text + utf8_size(question), size_in(answer, codec) + size_in(proofs, codec)
    n_all = _taken(told) + n_raw
    text = "\n".join([*told.sentences, question])
    return Found(Document(text, where, meta), n_text, n_all - n_text - n_label, label=n_label, counted=(counted,))


def _facts_of(proofs: str, told: _Told) -> tuple[int, ...]:
    """Numbers of lines, with blanks between -> numbers of sentences, each once, in order."""
    found = set()
    for word in proofs.replace(",", " ").split():
        if not word.isascii() or not word.isdigit():
            raise BadRecord(message("'%(word)s' stands among the numbers of the proofs", word=word))
        if int(word) not in told.places:
            raise BadRecord(message("line %(n)s is given as a proof, and is no sentence before it", n=word))
        found.add(told.places[int(word)])
    return tuple(sorted(found))


# --- JSON lines


def _json_lines(file: TextFile) -> Iterator[Found | Dropped]:
    with open_text(file) as stream:
        for n_line, raw in enumerate(stream, start=1):
            where = f"{file.name}:{n_line}"
            if not raw.strip(b" \t\r\n"):
                yield Dropped(MARKUP, len(raw))
                continue
            try:
                yield _of_members(members_of(raw.decode()), len(raw), where, file)
            except BadRecord as bad:
                yield Dropped(BAD_RECORD, len(raw), where, bad.reason)
            except _Unanswered:
                yield Dropped(NO_LABEL, len(raw), where, message("the question has no answer"))


def _of_members(members: dict[str, tuple[Any, str]], n_all: int, where: str, file: TextFile) -> Found:
    for key in ("sentences", "question"):
        if key not in members:
            raise no_key(key, members)
    sentences = _sentences_of(members["sentences"][0])
    question = _one_line(members["question"][0], "'question'")
    label = _label_of(members["answer"][0]) if "answer" in members else None
    if label is None:
        raise _Unanswered
    meta: dict[str, Any] = {LABELS: (label,)}
    if "facts" in members and members["facts"][0] is not None:
        meta[FACTS] = _checked_facts(members["facts"][0], len(sentences))
    story = members["story"][0] if "story" in members else None
    if isinstance(story, (list, dict)):
        raise BadRecord(message("'%(key)s' holds %(kind)s, not a string or a number", key="story", kind=kind_of(story)))
    told = "\n".join(sentences)
    meta["group"] = f"{file.name} {story}" if story is not None else hashlib.sha256(told.encode()).hexdigest()[:32]
    text = f"{told}\n{question}"
    counted = "".join([*sentences, question])
    sizes = {name: size_in(counted, file.codec) for name, (_, counted) in members.items()}
    n_label = sizes.get("answer", 0) + sizes.get("facts", 0)
    unused = sum(size for name, size in sizes.items() if name not in ("sentences", "question", "answer", "facts"))
    n_text = utf8_size(counted)
    return Found(
        Document(text, where, meta),
        n_text,
        n_all - n_text - n_label - unused,
        unused,
        label=n_label,
        counted=(counted,),
    )


def _sentences_of(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise BadRecord(message("%(what)s is %(kind)s, not a list", what="'sentences'", kind=kind_of(value)))
    if not value:
        raise BadRecord(message("the question stands before any sentence"))
    return [_one_line(sentence, f"'sentences'[{number}]") for number, sentence in enumerate(value)]


def _one_line(value: Any, shown: str) -> str:
    """A sentence is a line of its document: line ends inside it become blanks."""
    text = BREAKS.sub(" ", text_of(value, shown)).strip()
    if not text:
        raise BadRecord(message("%(what)s is empty", what=shown))
    return text


def _label_of(value: Any) -> str | None:
    if isinstance(value, (list, dict)):
        raise BadRecord(
            message("'%(key)s' holds %(kind)s, not a string or a number", key="answer", kind=kind_of(value))
        )
    return canonical(text_of(value, "'answer'") if isinstance(value, str) else value)


def _checked_facts(value: Any, n_sentences: int) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise BadRecord(message("%(what)s is %(kind)s, not a list", what="'facts'", kind=kind_of(value)))
    for number in value:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < n_sentences:
            raise BadRecord(
                message(
                    "'facts' holds %(fact)s, and the sentences are 0 to %(last)s",
                    fact=repr(number),
                    last=n_sentences - 1,
                )
            )
    return tuple(sorted(set(value)))


def parted(text: str) -> tuple[Sequence[str], str]:
    r"""The sentences of a document, and its question.

    >>> parted("Mary went home.\nWhere is Mary?")
    (['Mary went home.'], 'Where is Mary?')
    """
    *sentences, question = text.split("\n")
    return sentences, question
