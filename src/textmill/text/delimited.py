"""CSV and TSV -> documents, with every byte of a record accounted for. Room: text/ (bytes -> documents).

Python's csv module parses, in strict mode: what is not well formed is a bad record, never a guess. It draws one line
after the other and none too many, so the lines drawn since the last record are the record's bytes. Of these, the value
of the text column is text, of labelled texts that of the label column is label, the other values are unused columns,
the rest (delimiters, quotes, line end) is markup. Words such as NA, null and None are texts like any other; as labels
they are missing ones (labels.py).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from textmill.config import DataConfig
from textmill.errors import ConfigError, InputError
from textmill.messages import message, plural_message
from textmill.text.answer_columns import choose_question_columns
from textmill.text.columns import choose_column, first_of, utf8_size
from textmill.text.documents import BAD_RECORD, EMPTY, KEPT, LABELS, MARKUP, Document, Dropped, Found
from textmill.text.files import TextFile, open_text
from textmill.text.label_columns import Columns, FirstRows, choose_columns, needs_columns, unlabelled
from textmill.text.labels import labels_of
from textmill.text.transcoding import size_in

FIELD_LIMIT = 1 << 28
"""Characters of one value. A larger one is a bad record: mostly a quote that is never closed. It bounds memory."""
JUDGED_LINES = 10_000
"""So many lines decide whether a TSV file uses quotes."""
DELIMITERS = {"csv": ",", "tsv": "\t"}
SHOWN = {",": message("commas"), ";": message("semicolons"), "\t": message("tabs")}


class _Lines:
    """Decoded physical lines of a stream, counting what the parser draws."""

    def __init__(self, stream: BinaryIO, number: int = 0):
        self.stream = stream
        self.number = number  # of the last line drawn
        self.n_bytes = 0  # drawn since the last record
        self.first_bytes = 0  # of these, the first line's
        self.n_lines = 0
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self.stream.readline()
        if not raw:
            self.ended = True
            raise StopIteration
        self.number += 1
        if not self.n_lines:
            self.first_bytes = len(raw)
        self.n_lines += 1
        self.n_bytes += len(raw)
        return raw.decode()

    def begin_record(self) -> None:
        self.n_bytes = self.first_bytes = self.n_lines = 0


@dataclass(frozen=True)
class Row:
    """A record that has as many values as there are columns; n_bytes as it is written."""

    values: list[str]
    where: str
    n_bytes: int


def read_delimited(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The documents of a CSV or TSV file. A record that is not well formed, or has another number of fields than the
    header, is a bad record.

    Raises InputError where the text column, or that of the label, is not there or cannot be known.
    """
    used, first_rows = NOTHING_YET, FirstRows(file.name, NOTHING_YET.names, note)

    def choose(columns: Sequence[str], where: str) -> None:
        nonlocal used, first_rows
        used = _used(columns, data, file, where)
        first_rows = FirstRows(file.name, used.names, note)

    for row in rows_of(file, data, note, choose):
        if isinstance(row, Dropped):
            yield row
            continue
        item = _item(row, used, data, file)
        if isinstance(item, Found) and item.document.meta:
            first_rows.add(item.document)
        yield item
    first_rows.end()


def _item(row: Row, used: _Used, data: DataConfig, file: TextFile) -> Found | Dropped:
    text = row.values[used.text]
    if not text.strip():
        return Dropped(EMPTY, row.n_bytes, row.where)
    text_bytes = utf8_size(text)
    unused = sum(
        size_in(value, file.codec) for place, value in enumerate(row.values) if place not in (used.text, used.label)
    )
    document, label = Document(text, row.where), 0
    if used.names.label is not None:
        labels = labels_of(row.values[used.label], data.label_separator)
        if not labels:
            return unlabelled(row.n_bytes, row.where, used.names)
        document, label = Document(text, row.where, {LABELS: labels}), size_in(row.values[used.label], file.codec)
    elif used.kept:
        document = Document(text, row.where, {KEPT: {role: row.values[place] for role, place in used.kept}})
    return Found(document, text_bytes, row.n_bytes - text_bytes - label - unused, unused, label=label)


def rows_of(
    file: TextFile, data: DataConfig, note: Callable[[str], None], choose: Callable[[Sequence[str], str], None]
) -> Iterator[Row | Dropped]:
    """The records of a table, and what is none between them. choose(columns, where) is called with the names of the
    columns before the first record; it raises InputError where they do not hold what is sought.

    A record that is not well formed, or has another number of fields than the header, is a bad record.
    """
    if data.header and data.columns:
        raise ConfigError(
            "data.columns names the columns of a file without a header, and data.header says that there is one",
            where="data.columns",
            hint="add: --data.header false",
        )
    if len(set(data.columns)) < len(data.columns):
        raise ConfigError("a column name stands twice", where="data.columns")
    # The limit is one for the whole process: it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))
    with open_text(file) as stream:
        start = stream.tell()
        delimiter = _delimiter(file, data, stream, note)
        stream.seek(start)
        quotes = file.format != "tsv" or _uses_quotes(stream, delimiter)
        if not quotes:
            note(
                message(
                    "%(file)s: quotes are taken as plain characters, because as quoting they do not go together.",
                    file=file.name,
                )
            )
        stream.seek(start)
        yield from _records(file, data, stream, delimiter, quotes, choose)


def _records(
    file: TextFile,
    data: DataConfig,
    stream: BinaryIO,
    delimiter: str,
    quotes: bool,
    choose: Callable[[Sequence[str], str], None],
) -> Iterator[Row | Dropped]:
    columns: Sequence[str] | None = None if data.header else data.columns or None
    if columns:
        choose(columns, file.name)
    lines = _Lines(stream)
    rows = _parser(lines, delimiter, quotes)
    while True:
        lines.begin_record()
        where = f"{file.name}:{lines.number + 1}"
        start = stream.tell()
        try:
            row = next(rows, None)
        except csv.Error as error:
            if lines.n_lines > 1 and (lines.ended or "field limit" in str(error)):
                # A quote that is never closed would swallow all that follows: only its own line is bad.
                yield Dropped(BAD_RECORD, lines.first_bytes, where, message("a quote is opened and never closed"))
                stream.seek(start + lines.first_bytes)
                lines = _Lines(stream, lines.number - lines.n_lines + 1)
                rows = _parser(lines, delimiter, quotes)
            else:
                yield Dropped(BAD_RECORD, lines.n_bytes, where, message("not well formed: %(error)s", error=error))
            continue
        if row is None:
            return
        n_bytes = lines.n_bytes
        if not row or (len(row) == 1 and not row[0].strip() and columns is not None and len(columns) > 1):
            yield Dropped(MARKUP, n_bytes)  # a blank line between records
            continue
        if columns is None:
            columns = row
            choose(columns, where)
            if data.header:
                yield Dropped(MARKUP, n_bytes)
                continue
        if len(row) != len(columns):
            reason = message("%(n)s fields where %(wanted)s are expected", n=len(row), wanted=len(columns))
            yield Dropped(BAD_RECORD, n_bytes, where, reason)
            continue
        yield Row(row, where, n_bytes)


def _parser(lines: Iterator[str], delimiter: str, quotes: bool) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)


@dataclass(frozen=True)
class _Used:
    """The columns that are used, and their places; label -1 where texts have no labels. kept: (role, place)."""

    names: Columns
    text: int
    label: int = -1
    kept: tuple[tuple[str, int], ...] = ()


NOTHING_YET = _Used(Columns(""), 0)


def _used(columns: Sequence[str], data: DataConfig, file: TextFile, where: str) -> _Used:
    if not data.header and not data.columns:
        if len(columns) == 1 and not needs_columns(file, data):
            return NOTHING_YET
        raise InputError(
            plural_message(
                "%(n)s column without a name: a text and its label are two",
                "%(n)s columns without names: which one holds the text?",
                len(columns),
            ),
            where=where,
            hint=message("name them in order: --data.columns text,label"),
        )
    if needs_columns(file, data):
        names = choose_columns(columns, data, file.kept, where)
    else:
        names = Columns(choose_column(columns, data.text, where))
    places = {name: place_of(name, columns, where) for name in names.used}
    label = -1 if names.label is None else places[names.label]
    return _Used(names, places[names.text], label, tuple((role, places[column]) for role, column in names.kept))


def place_of(name: str, columns: Sequence[str], where: str) -> int:
    """Which column has the name. Raises InputError where two have."""
    if list(columns).count(name) > 1:
        raise InputError(
            message("two columns are called '%(name)s'", name=name), where=where, hint=message("rename one of them")
        )
    return list(columns).index(name)


def _finds_columns(names: Sequence[str], data: DataConfig, file: TextFile) -> bool:
    """Whether these names, read from the first line, say where the text is, and what belongs to it."""
    if not data.header:
        return len(names) == len(data.columns) > 1
    if data.reads_questions:
        try:
            choose_question_columns(names, data, "")
        except InputError:
            return False
        return True
    if not needs_columns(file, data):
        return first_of(names, data.text) is not None
    try:
        choose_columns(names, data, file.kept, "")
    except InputError:
        return False
    return True


def _delimiter(file: TextFile, data: DataConfig, stream: BinaryIO, note: Callable[[str], None]) -> str:
    """The delimiter that the extension says; another one only if it, and not this one, finds the columns."""
    usual = DELIMITERS[file.format]
    first = next((line for line in map(bytes.decode, stream) if line.strip()), "")
    for delimiter in (usual, ",", ";", "\t"):
        try:
            names = next(_parser(iter([first]), delimiter, True), [])
        except csv.Error:
            continue
        if _finds_columns(names, data, file):
            if delimiter != usual:
                note(
                    message(
                        "%(file)s: columns are separated by %(these)s, not by %(usual)s.",
                        file=file.name,
                        these=SHOWN[delimiter],
                        usual=SHOWN[usual],
                    )
                )
            return delimiter
    return usual


def _uses_quotes(stream: BinaryIO, delimiter: str) -> bool:
    """Whether reading quotes as quoting gives no more bad records than reading them as characters."""
    head = [line.decode() for line in islice(stream, JUDGED_LINES)]
    if not any('"' in line for line in head):
        return True
    return _n_bad(head, delimiter, True) <= _n_bad(head, delimiter, False)


def _n_bad(lines: Sequence[str], delimiter: str, quotes: bool) -> int:
    """Physical lines that stand in bad records."""
    drawn = 0

    def draw() -> Iterator[str]:
        nonlocal drawn
        for line in lines:
            drawn += 1
            yield line

    rows = _parser(draw(), delimiter, quotes)
    n_bad, width = 0, 0
    while True:
        before = drawn
        try:
            row = next(rows, None)
        except csv.Error:
            n_bad += drawn - before
            continue
        if row is None:
            return n_bad
        width = width or len(row)
        if row and len(row) != width:
            n_bad += drawn - before
