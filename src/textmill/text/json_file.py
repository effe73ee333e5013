"""A .json file -> documents, with every byte accounted for. Room: text/ (bytes -> documents). Used by reading.

What is read as records, by these rules in this order:
1. a list: its elements;
2. an object whose line is followed by others: JSON lines under another name, said by a note;
3. an object with a string under the text key: one record; one with a list of strings, or an object of strings, under it
   (columns): each string is a record;
4. an object with one list of objects (`{"data": [...]}`, whatever the key): its elements, said by a note;
5. an object in which one key alone holds a string or a list of strings: as in 3, with that key for the text key.
Anything else is refused with the keys found. A record is an object, read as a line of JSON lines is, or a string that
is the text itself. Several values behind each other are records too. Where texts have labels, a record is an object
with both: strings alone, and texts and labels that stand in lists of their own, are refused.

A value is first cut out, by its brackets and quotes alone, and only then parsed: memory is bounded by the largest
record, an element that is not JSON is one bad record, and where not even the brackets hold, all that follows is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.messages import message
from textmill.text.answer_columns import PARAGRAPHS, QUESTION_NAMES, QUESTIONS
from textmill.text.columns import choose_column, first_of, listed, no_column
from textmill.text.documents import BAD_RECORD, EMPTY, KEPT, LABELS, MARKUP, UNUSED_COLUMN, Document, Dropped, Found
from textmill.text.files import CHUNK, TextFile, open_text
from textmill.text.jsonl import (
    BadRecord,
    choose_keys,
    found_in,
    kept_in,
    labels_in,
    members_of,
    no_key,
    read_jsonl,
    text_of,
    value_of,
    values,
)
from textmill.text.label_columns import Columns, FirstRows, called, choose_columns, needs_columns, unlabelled
from textmill.text.transcoding import size_in

LARGEST_VALUE = 1 << 28
"""Bytes of one record. A larger one is bad: mostly a quote that is never closed. It bounds memory."""

_blanks = re.compile(rb"[ \t\r\n]*")
_scalar = re.compile(rb'[^ \t\r\n,:"\[\]{}]*')
_string = re.compile(rb'(?>[^"\\]+|\\.)*+', re.DOTALL)
_between_brackets = re.compile(rb'(?>[^"\[\]{}]+|"(?>[^"\\]+|\\.)*+")*+', re.DOTALL)
_continuation = bytes(range(0x80, 0xC0))

Place = tuple[int, int]  # line and column in characters, from 1


@dataclass(frozen=True)
class Element:
    """A value as written, its place, the bytes of markup before it, and whether it is a record: the others are a record
    list's neighbours. The last one has no bytes: it is the end."""

    raw: bytes
    place: Place
    before: int
    is_record: bool = False


class _Broken(ValueError):
    """Where brackets, quotes and commas no longer make values, and why."""

    def __init__(self, reason: str, place: Place):
        super().__init__(reason)
        self.reason, self.place = reason, place


class _Scanner:
    """A stream of bytes, cut into JSON values without holding more than is asked for."""

    def __init__(self, stream: BinaryIO):
        self.stream = stream
        self.piece = b""
        self.at = 0  # in the piece
        self.n_before = 0  # bytes of earlier pieces
        self.counted, self.line, self.column = 0, 1, 1

    @property
    def offset(self) -> int:
        return self.n_before + self.at

    def place(self) -> Place:
        passed = self.piece[self.counted : self.at]
        n_lines = passed.count(b"\n")
        if n_lines:
            self.line += n_lines
            self.column = 1
            passed = passed[passed.rindex(b"\n") + 1 :]
        self.column += len(passed.translate(None, _continuation))
        self.counted = self.at
        return self.line, self.column

    def next(self) -> bytes:
        """The next byte that is no blank, not taken; b"" at the end of the stream."""
        while True:
            self.at = _end(_blanks, self.piece, self.at)
            if self.at < len(self.piece):
                return self.piece[self.at : self.at + 1]
            if not self._more():
                return b""

    def take(self, wanted: bytes) -> None:
        """Go past the next byte that is no blank; it must be this one."""
        if self.next() != wanted:
            raise _Broken(message("expecting '%(what)s'", what=wanted.decode()), self.place())
        self.at += 1

    def value(self, keep: bool = True, depth: int = 0) -> bytes:
        """Go past the value that begins at the next byte that is no blank, and give it as written if it is kept.

        depth: of its brackets that were taken before.
        """
        first = self.next()
        start = self.place()
        if not depth and first not in (b'"', b"[", b"{"):
            return self._scalar(start)
        in_string = not depth and first == b'"'
        kept = [first] if in_string else []
        self.at += in_string
        size, after_backslash = 0, False
        while self.at < len(self.piece) or self._more():
            begin = self.at
            done = False
            while self.at < len(self.piece) and not done:
                if after_backslash:
                    self.at += 1
                    after_backslash = False
                    continue
                self.at = _end(_string if in_string else _between_brackets, self.piece, self.at)
                edge = self.piece[self.at : self.at + 1]
                self.at += len(edge)
                if in_string:
                    in_string, after_backslash = edge != b'"', edge == b"\\"
                elif edge:
                    in_string = edge == b'"'
                    depth += (edge in b"[{") - (edge in b"]}")
                done = bool(edge) and not in_string and not depth
            if keep:
                kept.append(self.piece[begin : self.at])
                size += self.at - begin
                if size > LARGEST_VALUE:
                    reason = message("a value of more than %(n)s MiB: is a quote never closed?", n=LARGEST_VALUE >> 20)
                    raise _Broken(reason, start)
            if done:
                return b"".join(kept)
        raise _Broken(message("a value is opened and never closed"), start)

    def rest(self) -> None:
        """Go to the end of the stream."""
        while self._more():
            pass

    def _scalar(self, start: Place) -> bytes:
        kept: list[bytes] = []
        while True:
            begin = self.at
            self.at = _end(_scalar, self.piece, begin)
            kept.append(self.piece[begin : self.at])
            if self.at < len(self.piece) or not self._more():
                break
        if not any(kept):
            raise _Broken(message("expecting a value"), start)
        return b"".join(kept)

    def _more(self) -> bool:
        self.at = len(self.piece)
        self.place()
        self.n_before += len(self.piece)
        self.piece = self.stream.read(CHUNK)
        self.at = self.counted = 0
        return bool(self.piece)


def _end(pattern: re.Pattern[bytes], piece: bytes, at: int) -> int:
    found = pattern.match(piece, at)
    return found.end() if found else at


def _entries(scanner: _Scanner, closing: bytes) -> Iterator[str]:
    """Stop at each value of what ends with `closing`, with its key, or "" in a list; the caller goes past it.

    The opening bracket is taken; `closing` is b"" for values behind each other up to the end of the stream.
    """
    is_first = True
    while scanner.next() != closing:
        if not is_first and closing:
            scanner.take(b",")
        is_first = False
        key = ""
        if closing == b"}":
            if scanner.next() != b'"':
                raise _Broken(message("expecting a key in quotes"), scanner.place())
            place = scanner.place()
            with suppress(BadRecord):  # such a key is none that anyone asks for
                key = value_of(scanner.value().decode(), place)
            scanner.take(b":")
        if not scanner.next():
            raise _Broken(message("the file ends where a value is expected"), scanner.place())
        yield key
    scanner.at += len(closing)


# -- what the records are ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """Where the records stand: in the list ("[") or object ("{") under `inside`, in the list that the file is, or one
    behind the other (""). `is_lines`: they are JSON lines."""

    opening: bytes = b""
    inside: str | None = None
    is_lines: bool = False


def read_json(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The documents of a .json file. What is no record is a bad record; brackets that do not hold are one bad record,
    with line and column, over all that follows.

    Raises InputError where nothing, or more than one thing, could be the text, or its label, with the keys found.
    """
    layout = layout_of(file, data)
    if layout.is_lines:
        note(message("%(file)s: read as JSON lines: an object a line.", file=file.name))
        yield from read_jsonl(file, data, note)
        return
    if layout.inside is not None:
        note(message("%(file)s: the records are what stands under '%(key)s'.", file=file.name, key=layout.inside))
    from textmill.text.conversations import Told, found_conversation, keys_wanted  # which reads records as this does

    wanted = None if file.kept else keys_wanted((values(members) for _, members in _peeked(file, layout)), data)
    columns = choose_keys(_peeked(file, layout), data, file) if wanted is None else Columns("")
    key, first_rows = columns.text, FirstRows(file.name, columns, note)
    told = None if wanted is None else Told(file.name, wanted, note)
    number, gap, n_found = 0, 0, 0
    keys: dict[str, None] = {}
    for element in elements(file, layout):
        if isinstance(element, Dropped):
            if gap:
                yield Dropped(MARKUP, gap)
            yield element
            break
        gap += element.before
        if not element.raw:
            first_rows.end()
            if told is not None:
                told.end()
            if gap:
                yield Dropped(MARKUP, gap) if number else Dropped(EMPTY, gap, f"{file.name}:1")
            break
        if not element.is_record:
            size = _unused_size(element.raw, file.codec)
            gap += len(element.raw) - size
            yield Dropped(UNUSED_COLUMN, size)
            continue
        number += 1
        if wanted is not None and told is not None:
            where, n_all = f"{file.name}#{number}", gap + len(element.raw)
            try:
                found = found_conversation(
                    members_of(element.raw.decode(), element.place), wanted, where, n_all, file.codec
                )
            except BadRecord as bad:
                yield Dropped(BAD_RECORD, len(element.raw), where, bad.reason)
                continue
            gap = 0
            told.add(found)
            yield found
            continue
        item = _item(element.raw, element.place, columns, gap, keys, file, data, number)
        if isinstance(item, Found):
            n_found, gap = n_found + 1, 0
            first_rows.add(item.document)
        yield item
    if wanted is None and keys and key not in keys and not n_found:
        raise no_column(data.text or [key], list(keys), file.name)


def elements(file: TextFile, layout: Layout) -> Iterator[Element | Dropped]:
    """The values of a file and its end; where brackets do not hold, instead of the end all that follows as one bad
    record, with line and column."""
    done = 0
    with open_text(file) as stream:
        scanner = _Scanner(stream)
        try:
            for raw, place, is_record in _values(scanner, layout):
                before, done = scanner.offset - done - len(raw), scanner.offset
                yield Element(raw, place, before, is_record)
            yield Element(b"", scanner.place(), scanner.offset - done)
        except _Broken as broken:
            scanner.rest()
            line, column = broken.place
            reason = message(
                "not JSON: %(why)s (column %(column)s); nothing behind it can be read",
                why=broken.reason,
                column=column,
            )
            yield Dropped(BAD_RECORD, scanner.offset - done, f"{file.name}:{line}", reason)


def _item(
    raw: bytes,
    place: Place,
    columns: Columns,
    gap: int,
    keys: dict[str, None],
    file: TextFile,
    data: DataConfig,
    number: int,
) -> Found | Dropped:
    """One record. gap: bytes of markup before it, counted with a document. keys: the record's are added."""
    where, key = f"{file.name}#{number}", columns.text
    members: dict[str, tuple[Any, str]] = {}
    try:
        if raw.startswith(b'"'):
            if columns.label is not None:
                raise BadRecord(message("a string alone has no label"))
            if columns.kept:
                raise BadRecord(message("a string alone has no '%(key)s'", key=columns.kept[0][1]))
            text = text_of(value_of(raw.decode(), place), message("the string"))
        else:
            members = members_of(raw.decode(), place)
            if len(keys) < 100 or key in members:
                keys.update(dict.fromkeys(members))
            if key not in members:
                raise no_key(key, members)
            text = text_of(members[key][0], f"'{key}'")
        labels = labels_in(members, columns, data.label_separator)
        kept = kept_in(members, columns)
    except BadRecord as bad:
        return Dropped(BAD_RECORD, len(raw), where, bad.reason)
    if not text.strip():
        return Dropped(EMPTY, len(raw), where)
    if columns.label is not None and not labels:
        return unlabelled(len(raw), where, columns)
    meta: dict[str, Any] = {LABELS: labels} if labels else {KEPT: kept} if columns.kept else {}
    document = Document(text, where, meta)
    return found_in(members, columns, document, gap + len(raw), file.codec)


def _values(scanner: _Scanner, layout: Layout) -> Iterator[tuple[bytes, Place, bool]]:
    """Values as written, their places, and whether they are records: the others are a record list's neighbours."""
    if layout.inside is None:
        yield from _records(scanner, layout.opening)
    else:
        scanner.take(b"{")
        for name in _entries(scanner, b"}"):
            if name == layout.inside and scanner.next() == layout.opening:
                yield from _records(scanner, layout.opening)
            else:
                place = scanner.place()
                yield scanner.value(), place, False
    if scanner.next():
        raise _Broken(message("something follows the end"), scanner.place())


def _records(scanner: _Scanner, opening: bytes) -> Iterator[tuple[bytes, Place, bool]]:
    if opening:
        scanner.take(opening)
    for _ in _entries(scanner, {b"[": b"]", b"{": b"}"}.get(opening, b"")):
        place = scanner.place()
        yield scanner.value(), place, True


def _unused_size(raw: bytes, codec: str) -> int:
    with suppress(BadRecord):
        if raw.startswith(b'"'):
            return size_in(value_of(raw.decode()), codec)
    return size_in(raw.decode(), codec)


def _peeked(file: TextFile, layout: Layout) -> Iterator[tuple[int, dict[str, tuple[Any, str]]]]:
    """Size and members of the records; none where a record is no object."""
    with open_text(file) as stream, suppress(_Broken):
        for raw, place, is_record in _values(_Scanner(stream), layout):
            members: dict[str, tuple[Any, str]] = {}
            with suppress(BadRecord):
                if is_record and raw.startswith(b"{"):
                    members = members_of(raw.decode(), place)
            yield len(raw), members


def members_in_list(file: TextFile, data: DataConfig) -> Iterator[dict[str, tuple[Any, str]]]:
    """The members of each record of a file that is a list of records, or holds one, or has one behind the other; none
    of any other file, whose reader says what is the matter."""
    try:
        layout = layout_of(file, data)
    except InputError:
        return
    if layout.opening != b"{":
        yield from (members for _, members in _peeked(file, layout))


def layout_of(file: TextFile, data: DataConfig) -> Layout:
    """The rules at the top of this file. Raises InputError where none of them fits."""
    with open_text(file) as stream:
        scanner = _Scanner(stream)
        first = scanner.next()
        if first != b"{":
            return Layout(opening=first if first == b"[" else b"")
        begins = scanner.place()
        kinds: dict[str, str] = {}
        with suppress(_Broken):  # what was seen before it is read, and the rest named
            scanner.take(b"{")
            for key in _entries(scanner, b"}"):
                depth, kinds[key] = _kind(scanner)
                scanner.value(keep=False, depth=depth)
            ends = scanner.place()
            if scanner.next():
                is_lines = ends[0] == begins[0] < scanner.place()[0]
                return Layout(is_lines=is_lines)
    if data.reads_questions:
        return _layout_of_questions(kinds, file)
    if needs_columns(file, data):
        return _layout_of_labelled(kinds, data, file)
    wanted = first_of(kinds, data.text)
    if wanted is not None and kinds[wanted] in ("strings", "object of strings"):
        return Layout(b"[" if kinds[wanted] == "strings" else b"{", wanted)
    of_objects = [key for key, kind in kinds.items() if kind == "objects"]
    if (wanted is not None and kinds[wanted] == "string") or not kinds:
        return Layout()
    if len(of_objects) > 1:
        raise InputError(
            f"several lists of objects, and only one can be the records (they are: {listed(of_objects)})",
            where=file.name,
            hint="store each list in a file of its own",
        )
    if of_objects:
        return Layout(b"[", of_objects[0])
    if data.text:
        raise no_column(data.text, list(kinds), file.name)
    texts = [key for key, kind in kinds.items() if kind in ("string", "strings")]
    if not texts:
        raise InputError(
            f"no key holds a string, or a list of strings or objects (there are: {listed(list(kinds))})",
            where=file.name,
        )
    chosen = choose_column(texts, (), file.name)
    return Layout(b"[", chosen) if kinds[chosen] == "strings" else Layout()


def _layout_of_labelled(kinds: dict[str, str], data: DataConfig, file: TextFile) -> Layout:
    """The same where records have labels: one record, or one list of objects. kinds: of the object that the file is."""
    text = first_of(kinds, data.text)
    of_objects = [key for key, kind in kinds.items() if kind == "objects"]
    if not kinds or (text is not None and kinds[text] == "string"):
        return Layout()
    if len(of_objects) == 1:
        return Layout(b"[", of_objects[0])
    texts = [key for key, kind in kinds.items() if kind == "string"]
    if of_objects or not texts:
        keys = listed(list(kinds))
        raise InputError(
            message(
                "none or several lists of objects, and only one can be the records (there are: %(keys)s)", keys=keys
            ),
            where=file.name,
            hint=message('write the records as a list: [{"text": "…", "label": "…"}, …]'),
        )
    choose_columns(list(kinds), data, file.kept, file.name, texts)
    return Layout()


def _layout_of_questions(kinds: dict[str, str], file: TextFile) -> Layout:
    """The same where records are articles, passages or questions: one record, or one list of objects."""
    of_objects = [key for key, kind in kinds.items() if kind == "objects"]
    asks = any(kinds[key] == "string" for tier in QUESTION_NAMES for key in called(tier, kinds))
    if not kinds or asks or any(key in kinds for key in (PARAGRAPHS, QUESTIONS)):
        return Layout()
    if "data" in of_objects or len(of_objects) == 1:
        return Layout(b"[", "data" if "data" in of_objects else of_objects[0])
    raise InputError(
        message(
            "none or several lists of objects, and only one can be the records (there are: %(keys)s)",
            keys=listed(list(kinds)),
        ),
        where=file.name,
        hint=message(
            'write the articles as SQuAD files do: {"data": [{"title": "…", "paragraphs": [{"context": "…", "qas": '
            '[{"question": "…", "answers": […]}]}]}]}'
        ),
    )


def _kind(scanner: _Scanner) -> tuple[int, str]:
    """What the value is, judged by its first element, and how many of its brackets were taken to see that."""
    first = scanner.next()
    if first == b'"':
        return 0, "string"
    if first not in (b"[", b"{"):
        return 0, "other"
    scanner.take(first)
    if first == b"[":
        return 1, {b'"': "strings", b"{": "objects"}.get(scanner.next(), "other")
    if scanner.next() != b'"':
        return 1, "other"
    scanner.value(keep=False)
    scanner.take(b":")
    return 1, "object of strings" if scanner.next() == b'"' else "other"
