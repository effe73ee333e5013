"""JSON lines -> documents, with every byte of a line accounted for. Room: text/ (bytes -> documents).

A line is an object with the text under one key. Bytes of the text are those of its value in UTF-8, whatever escapes it
was written with; of labelled texts the value under the label's key is label; the other keys' values are unused columns;
the rest (braces, keys, quotes, escapes) is markup.
A line ends in LF: U+2028 and U+0085 may stand inside it. json_file reads the records of a list by the same rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.messages import message
from textmill.text.columns import DEFAULT_COLUMNS, choose_column, first_of, listed, no_column, utf8_size
from textmill.text.documents import BAD_RECORD, EMPTY, KEPT, LABELS, MARKUP, Document, Dropped, Found
from textmill.text.files import TextFile, open_text
from textmill.text.label_columns import LABEL_NAMES, Columns, FirstRows, choose_columns, needs_columns, unlabelled
from textmill.text.labels import labels_of
from textmill.text.transcoding import size_in

PEEKED_LINES, PEEKED_BYTES = 1000, 1 << 24

T = TypeVar("T")

_decoder = json.JSONDecoder()
_blanks = re.compile(r"[ \t\n\r]*")


class BadRecord(ValueError):
    """Why a line, or an element of a list, is no record."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def read_jsonl(
    file: TextFile,
    data: DataConfig,
    note: Callable[[str], None],
    group_of: Callable[[dict[str, Any]], str | None] | None = None,
) -> Iterator[Found | Dropped]:
    """The documents of a JSONL file. A line that is no object with a string under the text key is a bad record.

    group_of: gives what the rows of one group share; None: a row stands alone.

    Raises InputError where the text's key was named or is the default and no line at all has it, and where that of the
    label is not there or cannot be known.
    """
    from textmill.text.conversations import Told, found_conversation, keys_wanted  # which reads records as this does

    with open_text(file) as stream:
        start = stream.tell()
        wanted = None if file.kept else keys_wanted((values(members) for _, members in _peeked(stream)), data)
        stream.seek(start)
        if wanted is not None:
            told = Told(file.name, wanted, note)
            for number, raw in enumerate(stream, start=1):
                if not raw.strip(b" \t\r\n"):
                    yield Dropped(MARKUP, len(raw))
                    continue
                where = f"{file.name}:{number}"
                try:
                    found = found_conversation(members_of(raw.decode()), wanted, where, len(raw), file.codec)
                except BadRecord as bad:
                    yield Dropped(BAD_RECORD, len(raw), where, bad.reason)
                    continue
                told.add(found)
                yield found
            told.end()
            return
        columns = choose_keys(_peeked(stream), data, file)
        key, first_rows = columns.text, FirstRows(file.name, columns, note)
        stream.seek(start)
        n_with_key = 0
        other_keys: dict[str, None] = {}
        for number, raw in enumerate(stream, start=1):
            where = f"{file.name}:{number}"
            if not raw.strip(b" \t\r\n"):
                yield Dropped(MARKUP, len(raw))
                continue
            try:
                members = members_of(raw.decode())
                if key not in members:
                    if len(other_keys) < 100:
                        other_keys.update(dict.fromkeys(members))
                    raise no_key(key, members)
                n_with_key += 1
                text = text_of(members[key][0], f"'{key}'")
                labels = labels_in(members, columns, data.label_separator)
                kept = kept_in(members, columns)
            except BadRecord as bad:
                yield Dropped(BAD_RECORD, len(raw), where, bad.reason)
                continue
            if not text.strip():
                yield Dropped(EMPTY, len(raw), where)
                continue
            if columns.label is not None and not labels:
                yield unlabelled(len(raw), where, columns)
                continue
            group = group_of({name: value for name, (value, _) in members.items()}) if group_of else None
            meta: dict[str, Any] = {} if group is None else {"group": group}
            if labels:
                meta[LABELS] = labels
            if columns.kept:
                meta[KEPT] = kept
            found = found_in(members, columns, Document(text, where, meta), len(raw), file.codec)
            first_rows.add(found.document)
            yield found
        first_rows.end()
        if other_keys and not n_with_key:
            raise no_column(data.text or [key], list(other_keys), file.name)


def values(members: dict[str, tuple[Any, str]]) -> dict[str, Any]:
    """key -> value. members: as in members_of."""
    return {key: value for key, (value, _) in members.items()}


def found_in(
    members: dict[str, tuple[Any, str]], columns: Columns, document: Document, n_all: int, codec: str
) -> Found:
    """The document of a record of n_all bytes, with what they are. members: as in members_of."""
    sizes = {name: size_in(counted, codec) for name, (_, counted) in members.items() if name != columns.text}
    label = sizes.pop(columns.label, 0) if columns.label is not None else 0
    n_bytes, unused = utf8_size(document.content), sum(sizes.values())
    return Found(document, n_bytes, n_all - n_bytes - label - unused, unused, label=label)


def labels_in(members: dict[str, tuple[Any, str]], columns: Columns, separator: str | None) -> tuple[str, ...]:
    """The classes that a record names, in class order; (): none, or texts have no labels.

    Raises BadRecord for an object, or a list of lists or objects, in the label's place.
    """
    if columns.label is None or columns.label not in members:
        return ()
    value = members[columns.label][0]
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, str):
            text_of(part, f"'{columns.label}'")
        elif isinstance(part, (list, dict)):
            raise BadRecord(
                message(
                    "'%(key)s' holds %(kind)s, and a label is a string or a number",
                    key=columns.label,
                    kind=kind_of(part),
                )
            )
    return labels_of(value, separator)


def kept_in(members: dict[str, tuple[Any, str]], columns: Columns) -> dict[str, str]:
    """{role: value} of what is kept beside a text; a number as it is written, "" for null and where there is none.

    Raises BadRecord for a list or an object.
    """
    found: dict[str, str] = {}
    for role, column in columns.kept:
        value, written = members.get(column, (None, ""))
        if isinstance(value, (list, dict)):
            raise BadRecord(
                message("'%(key)s' holds %(kind)s, not a string or a number", key=column, kind=kind_of(value))
            )
        found[role] = text_of(written, f"'{column}'") if value is not None else ""
    return found


def no_key(key: str, members: Iterable[str]) -> BadRecord:
    """The error of a record without the text key."""
    return BadRecord(message("no key '%(key)s' (there are: %(keys)s)", key=key, keys=listed(list(members))))


def text_of(value: Any, shown: str) -> str:
    """The value as text. `shown`: what it is called. Raises BadRecord where it is no text, or none that UTF-8 holds."""
    if not isinstance(value, str):
        raise BadRecord(message("%(what)s is %(kind)s, not a string", what=shown, kind=kind_of(value)))
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadRecord(
            message(
                "%(what)s holds half a surrogate pair (%(escape)s at character %(place)s), which no UTF-8 text can "
                "hold",
                what=shown,
                escape=f"\\u{ord(value[error.start]):04x}",
                place=error.start,
            )
        ) from None
    return value


def kind_of(value: Any) -> str:
    """A JSON value's kind as words of a sentence."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return message("true or false")
    if isinstance(value, (int, float)):
        return message("a number")
    if isinstance(value, list):
        return message("a list")
    return message("an object") if isinstance(value, dict) else message("a string")


def members_of(line: str, start: tuple[int, int] | None = None) -> dict[str, tuple[Any, str]]:
    """key -> (value, what counts as its bytes: the decoded text of a string, anything else as it is written).

    start: line and column, from 1, where `line` stands in its file, if it may be several lines. Raises BadRecord.
    """
    return _explained(_parse_members, line, start)


def places_of(line: str, start: tuple[int, int] | None = None) -> dict[str, tuple[Any, int, int]]:
    """key -> (value, where it begins and ends in the line as it is written). start, errors: as in members_of."""
    return _explained(_parse_places, line, start)


def elements_of(written: str) -> list[tuple[Any, int, int]]:
    """(value, where it begins and ends) of each element of a list that is well-formed JSON."""
    found: list[tuple[Any, int, int]] = []
    position = _skip(written, written.index("[") + 1)
    while not written.startswith("]", position):
        value, end = _decoder.raw_decode(written, position)
        found.append((value, position, end))
        position = _skip(written, end)
        position = _skip(written, position + written.startswith(",", position))
    return found


def value_of(text: str, start: tuple[int, int] | None = None) -> Any:
    """The JSON value that is all of the text. Raises BadRecord; `start` as for members_of."""
    return _explained(json.loads, text, start)


def _explained(parse: Callable[[str], T], text: str, start: tuple[int, int] | None) -> T:
    try:
        return parse(text)
    except json.JSONDecodeError as error:
        place = message("column %(column)s", column=error.pos + 1)
        if start is not None:
            column = error.colno + (start[1] - 1 if error.lineno == 1 else 0)
            line = start[0] + error.lineno - 1
            place = message("line %(line)s, column %(column)s", line=line, column=column)
        raise BadRecord(message("not JSON: %(error)s (%(place)s)", error=error.msg, place=place)) from None
    except RecursionError:
        raise BadRecord(message("not read: nested too deeply")) from None
    except ValueError as error:  # an integer with thousands of digits; or a BadRecord
        raise (
            error if isinstance(error, BadRecord) else BadRecord(message("not read: %(error)s", error=error))
        ) from None


def _parse_members(line: str) -> dict[str, tuple[Any, str]]:
    return {
        key: (value, value if isinstance(value, str) else line[start:end])
        for key, (value, start, end) in _parse_places(line).items()
    }


def _parse_places(line: str) -> dict[str, tuple[Any, int, int]]:
    position = _skip(line, 0)
    if not line.startswith("{", position):
        value, end = _decoder.raw_decode(line, position)
        _expect_end(line, end)
        raise BadRecord(message("%(kind)s, not an object", kind=kind_of(value)))
    members: dict[str, tuple[Any, int, int]] = {}
    position = _skip(line, position + 1)
    closed = line.startswith("}", position)
    while not closed:
        if not line.startswith('"', position):
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", line, position)
        key, position = _decoder.raw_decode(line, position)
        position = _skip(line, position)
        if not line.startswith(":", position):
            raise json.JSONDecodeError("Expecting ':' delimiter", line, position)
        start = _skip(line, position + 1)
        value, end = _decoder.raw_decode(line, start)
        if key in members:
            raise BadRecord(message("the key '%(key)s' stands twice", key=key))
        members[key] = (value, start, end)
        position = _skip(line, end)
        closed = line.startswith("}", position)
        if not closed:
            if not line.startswith(",", position):
                raise json.JSONDecodeError("Expecting ',' delimiter", line, position)
            position = _skip(line, position + 1)
    _expect_end(line, position + 1)
    return members


def _skip(line: str, position: int) -> int:
    match = _blanks.match(line, position)
    return match.end() if match else position


def _expect_end(line: str, position: int) -> None:
    position = _skip(line, position)
    if position != len(line):
        raise json.JSONDecodeError("Extra data", line, position)


def _peeked(stream: BinaryIO) -> Iterator[tuple[int, dict[str, tuple[Any, str]]]]:
    """Size and members of each line; none where it is no record."""
    for raw in stream:
        members: dict[str, tuple[Any, str]] = {}
        with suppress(BadRecord):
            if raw.strip(b" \t\r\n"):
                members = members_of(raw.decode())
        yield len(raw), members


def choose_keys(records: Iterable[tuple[int, dict[str, tuple[Any, str]]]], data: DataConfig, file: TextFile) -> Columns:
    """The key of the text, as choose_key says, and those of the label or of what is kept beside it, as choose_columns
    says.

    Judged by the first records. records: size in bytes, and members. Raises InputError.
    """
    if not needs_columns(file, data):
        return Columns(choose_key(records, data.text, file))
    candidates = keys_of(records)
    if not candidates:
        text = (data.text or DEFAULT_COLUMNS)[0]
        return Columns(text, kept=file.kept) if file.kept else Columns(text, (data.label or LABEL_NAMES[0])[0])
    texts = [key for key, holds_text in candidates.items() if holds_text]
    return choose_columns(list(candidates), data, file.kept, file.name, texts)


def choose_key(records: Iterable[tuple[int, dict[str, tuple[Any, str]]]], wanted: Sequence[str], file: TextFile) -> str:
    """The first wanted key that a record has; where none is wanted, a default one, or the only one that holds strings.

    Judged by the first records. records: size in bytes, and members. Raises InputError where none is wanted and no key
    or several hold strings.
    """
    if len(wanted) == 1:
        return wanted[0]
    candidates = keys_of(records)
    found = first_of(candidates, wanted)
    if found is not None:
        return found
    if wanted or not candidates:
        return (wanted or DEFAULT_COLUMNS)[0]
    texts = [key for key, holds_text in candidates.items() if holds_text]
    if not texts:
        raise InputError(f"no key holds a string (there are: {listed(list(candidates))})", where=file.name)
    return choose_column(texts, (), file.name)


def keys_of(records: Iterable[tuple[int, dict[str, tuple[Any, str]]]]) -> dict[str, bool]:
    """The keys of the first records, and whether a string stands under each."""
    candidates: dict[str, bool] = {}
    n_bytes = 0
    for number, (size, members) in enumerate(records):
        n_bytes += size
        if number == PEEKED_LINES or (n_bytes > PEEKED_BYTES and candidates):
            break
        for key, (value, _) in members.items():
            candidates[key] = candidates.get(key, False) or isinstance(value, str)
    return candidates
