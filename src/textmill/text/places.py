"""A document's characters -> where they stand in the file's bytes as it lies on the disk. Room: text/.

Used by passage_reading and passage_index. `FilePlaces` walks beside `reading.records_of`, whose items sum to the file's
bytes, and so knows the stretch of each record; within it a text is looked for as its format writes it. A text is a row
of runs: most are one alone, and what cleaning took out, what cannot be decoded, and the escapes of JSON and CSV part
them. Sizes rest on the law of transcoding: a character encoded again takes as many bytes as it took in the file.
"""

from __future__ import annotations

import codecs
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, NamedTuple, TypeAlias

from textmill.text.documents import Dropped, Found, TakenOut
from textmill.text.files import CHUNK, TextFile, open_unchanged
from textmill.text.long_text import LONG, Text, in_pieces, part_of
from textmill.text.transcoding import Bad, pieces_of, size_in

WITH_LINES = ("text", "csv", "tsv")
"""Formats in which a line end of the text is one of the file."""
WITH_BYTES = (*WITH_LINES, "jsonl", "json")
"""Formats whose texts stand in the file as bytes."""

_literal = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_key = re.compile(r"[ \t\n\r]*:")
_escape = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]+", re.DOTALL
)
_decoder = json.JSONDecoder()
_fields_begin, _fields_end = ",;\t\n", ",;\t\r\n"
MOST_TRIES = 20
"""Places in front of a JSON record at which it may begin."""


class Run(NamedTuple):
    """Some characters in a row, and the bytes that hold them.

    start, end: of the text as cleaning leaves it. decoded: of `start` in the text as it was decoded. line: of the file,
    from 1; 0: none. byte_start: -1 where no bytes are known. is_plain: each character takes the bytes that it takes in
    the file's encoding; else all of them together take these (an escape).
    """

    start: int
    end: int
    decoded: int
    line: int
    byte_start: int = -1
    byte_end: int = -1
    is_plain: bool = True


class Stood(NamedTuple):
    """Where a stretch stands: code points as decoded, line (0: none), bytes (-1: none), and whether these decoded are
    its text."""

    start: int
    end: int
    line: int
    byte_start: int
    byte_end: int
    is_exact: bool


@dataclass
class Places:
    """Where the characters of one text stand."""

    text: Text
    runs: list[Run]
    """They cover the text."""
    codec: str
    has_lines: bool
    """A line end of the text is one of the file."""
    record: tuple[int, int] | None = None
    """Bytes of what the text stands in, where its runs have none."""

    def __post_init__(self) -> None:
        self._starts = [run.start for run in self.runs]
        self._near = (-1, 0, 0, 0)  # the run last asked for, a place in it, and its byte and line

    def of(self, start: int, end: int) -> Stood:
        """Where the characters start … end stand; at least one. Fast where what is asked for goes forwards."""
        first, last = bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1) - 1
        byte_start, line = self._at(first, start)
        byte_end, _ = self._at(last, end)
        decoded = self.runs[first].decoded + start - self.runs[first].start
        decoded_end = self.runs[last].decoded + end - self.runs[last].start
        if byte_start < 0:
            byte_start, byte_end = self.record or (-1, -1)
            return Stood(decoded, decoded_end, line, byte_start, byte_end, False)
        some = self.runs[first : last + 1]
        is_exact = all(run.is_plain for run in some) and all(
            one.byte_end == other.byte_start for one, other in pairwise(some)
        )
        return Stood(decoded, decoded_end, line, byte_start, byte_end, is_exact)

    def runs_of(self, start: int, end: int) -> list[Run]:
        """The runs of a stretch as those of a text of its own; [] where `of` says all: it is one plain run."""
        first, last = bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1) - 1
        if first == last and self.runs[first].is_plain:
            return []
        found = []
        for number in range(first, last + 1):
            run = self.runs[number]
            here, there = max(start, run.start), min(end, run.end)
            (byte_start, line), (byte_end, _) = self._at(number, here), self._at(number, there)
            decoded = run.decoded + here - run.start
            found.append(Run(here - start, there - start, decoded, line, byte_start, byte_end, run.is_plain))
        return found

    def _at(self, number: int, place: int) -> tuple[int, int]:
        """Byte and line of a place in a run, or at its end."""
        run = self.runs[number]
        if not run.is_plain:
            return (run.byte_start if place == run.start else run.byte_end), run.line
        near, at, byte, line = self._near
        if near != number or at > place:
            at, byte, line = run.start, run.byte_start, run.line
        between = self.text[at:place]
        if byte >= 0:
            byte += size_in(between, self.codec)
        if self.has_lines and line:
            line += between.count("\n")
        self._near = (number, place, byte, line)
        return byte, line


class FilePlaces:
    """Gives the places of each document of a file, while its items come in order. Close it."""

    def __init__(self, file: TextFile):
        self._file = file
        lies_plain = file.archive is None and not file.compression and file.made is None and not file.stretches
        self._has_bytes = lies_plain and file.beside is None and file.format in WITH_BYTES
        self._has_lines = file.format in WITH_LINES
        self._position = 0
        self._removed: list[TakenOut] = []
        self._stream: BinaryIO | None = None
        self._bad: list[Bad] = []
        if self._has_bytes and file.is_transcoded:
            stream = self._opened()
            stream.seek(file.mark)
            self._bad = [one for one in pieces_of(stream, file.codec, file.mark) if isinstance(one, Bad)]

    def take(self, item: Found | Dropped) -> Places | None:
        """The places of a document; None for what is none. Every item of records_of, in order."""
        self._position += item.n_bytes
        if isinstance(item, TakenOut):
            self._removed.append(item)
            return None
        removed, self._removed = self._removed, []
        if isinstance(item, Dropped):
            return None
        beside = item.markup + item.unused_column + item.label
        self._position += beside
        content = item.document.content
        n_bytes = item.n_bytes + beside + sum(one.n_bytes for one in removed)
        n_chars = len(content) + sum(len(one.text) for one in removed)
        line = self._line(item.document.source)
        written, has_lines = [_Written(n_chars, -1, -1)], self._has_lines
        record: tuple[int, int] | None = None
        if self._has_bytes:
            start = self._start(n_bytes)
            record = (start, self._position)
            if self._file.format == "text":
                written = list(self._plainly(start, n_chars))
            elif n_chars <= LONG:
                text = "".join(_woven(content, removed))
                raw, stretches = self._decoded(start, self._position)
                found, own = _in_json(raw, text) if self._file.format.startswith("json") else _in_table(raw, text)
                record = (_byte_of(own[0], raw, stretches, self._file.codec),
                          _byte_of(own[1], raw, stretches, self._file.codec, at_end=True))  # fmt: skip
                has_lines = has_lines and bool(found)
                if found:
                    line += raw[: found[0][0]].count("\n") if has_lines else 0
                    written = [
                        _Written(n, _byte_of(one, raw, stretches, self._file.codec),
                                 _byte_of(other, raw, stretches, self._file.codec, at_end=True), is_plain)
                        for one, other, n, is_plain in _parted(found, stretches)
                    ]  # fmt: skip
        runs = list(_runs(content, removed, written, line, has_lines, self._file.codec))
        return Places(content, runs, self._file.codec, has_lines, record)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def _line(self, source: str) -> int:
        number = source.removeprefix(f"{self._file.name}:")
        return int(number) if number.isdecimal() and self._file.format in (*WITH_LINES, "jsonl") else 0

    def _opened(self) -> BinaryIO:
        if self._stream is None:
            self._stream = open_unchanged(self._file)
        return self._stream

    def _start(self, n_bytes: int) -> int:
        """Where the last n_bytes that can be decoded begin; what cannot be decoded is counted before them."""
        start = self._position - n_bytes
        for bad in reversed(self._bad):
            if bad.position >= self._position:
                continue
            if bad.position < start:
                break
            start -= len(bad.raw)
        return start

    def _stretches(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """What can be decoded, from start to end."""
        for bad in self._bad:
            if start < bad.position + len(bad.raw) and bad.position < end:
                if bad.position > start:
                    yield start, bad.position
                start = bad.position + len(bad.raw)
        if start < end:
            yield start, end

    def _plainly(self, start: int, n_chars: int) -> Iterator[_Written]:
        """The runs of a text that stands as it is, from byte `start` on."""
        inside = [bad for bad in self._bad if start <= bad.position < self._position]
        if not inside:
            yield _Written(n_chars, start, self._position)
            return
        for first, last in self._stretches(start, self._position):
            n = min(n_chars, sum(map(len, self._pieces(first, last))))
            n_chars -= n
            if n:
                yield _Written(n, first, last)

    def _pieces(self, start: int, end: int) -> Iterator[str]:
        stream, decoder = self._opened(), codecs.getincrementaldecoder(self._file.codec)()
        stream.seek(start)
        while start < end and (raw := stream.read(min(CHUNK, end - start))):
            start += len(raw)
            yield decoder.decode(raw)
        yield decoder.decode(b"", final=True)

    def _decoded(self, start: int, end: int) -> tuple[str, list[tuple[int, int, int]]]:
        """What stands between two bytes, and of each stretch of it the first character, first byte and last byte."""
        found: list[tuple[int, int, int]] = []
        text = ""
        for first, last in self._stretches(start, end):
            found.append((len(text), first, last))
            text += "".join(self._pieces(first, last))
        return text, found


class _Written(NamedTuple):
    """Some characters of a text as it was decoded, and the bytes that hold them; see Run."""

    n_chars: int
    byte_start: int
    byte_end: int
    is_plain: bool = True


def _woven(content: Text, removed: Iterable[TakenOut]) -> Iterator[str]:
    """The text as it was decoded."""
    for _, piece in _pieces_of(content, removed):
        yield from in_pieces(piece)


def _pieces_of(content: Text, removed: Iterable[TakenOut]) -> Iterator[tuple[bool, Text]]:
    """What is kept and what was removed, in the order of the text as it was decoded."""
    at = decoded = 0
    for one in removed:
        n_kept = one.start - decoded
        if n_kept:
            yield True, part_of(content, at, at + n_kept)
        yield False, one.text
        at, decoded = at + n_kept, one.start + len(one.text)
    if at < len(content):
        yield True, part_of(content, at, len(content))


def _runs(
    content: Text, removed: list[TakenOut], written: list[_Written], line: int, has_lines: bool, codec: str
) -> Iterator[Run]:
    """The runs of a text: what is kept of it, parted where its bytes are. line: of its beginning."""
    at = decoded = number = 0
    left, byte = written[0].n_chars, written[0].byte_start
    for is_kept, piece in _pieces_of(content, removed):
        done = 0
        while done < len(piece):
            while not left and number + 1 < len(written):
                number += 1
                left, byte = written[number].n_chars, written[number].byte_start
            here = written[number]
            n = min(left, len(piece) - done)
            assert n, "the bytes of a document hold all of its text"
            stretch = part_of(piece, done, done + n)
            byte_end = here.byte_end
            if here.is_plain and here.byte_start >= 0:
                byte_end = byte + size_in(stretch, codec)
            if is_kept:
                start = byte if here.is_plain else here.byte_start
                yield Run(at, at + n, decoded, line, start, byte_end, here.is_plain)
                at += n
            if has_lines and line:
                line += sum(some.count("\n") for some in in_pieces(stretch))
            byte, left, done, decoded = byte_end, left - n, done + n, decoded + n


def _byte_of(place: int, raw: str, stretches: list[tuple[int, int, int]], codec: str, *, at_end: bool = False) -> int:
    """The byte of the character at a place of what was decoded; at_end: behind the one before it."""
    number = max(bisect_right([first for first, _, _ in stretches], place - at_end) - 1, 0)
    first, byte, _ = stretches[number]
    return byte + size_in(raw[first:place], codec)


Literal: TypeAlias = list[tuple[int, int, int, bool]]
"""Of each run of a written text: where it starts and ends, the characters that it means, whether these are it."""
Own: TypeAlias = tuple[int, int]


def _parted(found: Literal, stretches: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, int, bool]]:
    """The same, plain runs parted where something between them cannot be decoded."""
    edges = [first for first, _, _ in stretches]
    for start, end, n, is_plain in found:
        if not is_plain:
            yield start, end, n, is_plain
            continue
        for edge in [edge for edge in edges if start < edge < end]:
            yield start, edge, edge - start, True
            start = edge
        yield start, end, end - start, True


def _in_json(raw: str, text: str) -> tuple[Literal, Own]:
    """Where a text stands as a string of the JSON value that ends `raw`; [] where that is not sure. And the value's own
    place."""
    own = _value_at_end(raw)
    if own is None:
        return [], _trimmed(raw, 0, len(raw))
    found = [
        literal.span()
        for literal in _literal.finditer(raw, *own)
        if not _key.match(raw, literal.end()) and _means(literal[0], text)
    ]
    if len(found) != 1:
        return [], own
    start, end = found[0][0] + 1, found[0][1] - 1
    runs: Literal = []
    for part in _escape.finditer(raw, start, end):
        is_plain = not part[0].startswith("\\")
        runs.append((*part.span(), len(part[0]) if is_plain else 1, is_plain))
    return runs, own


def _means(literal: str, text: str) -> bool:
    if "\\" not in literal:
        return literal[1:-1] == text
    return len(literal) - 2 > len(text) and json.loads(literal, strict=False) == text


def _value_at_end(raw: str) -> Own | None:
    """The outermost object or string that ends where `raw` ends, blanks aside."""
    end = len(raw.rstrip())
    for tries, start in enumerate(re.finditer(r'[{"]', raw)):
        if tries == MOST_TRIES:
            return None
        try:
            _, last = _decoder.raw_decode(raw, start.start())
        except (ValueError, RecursionError):
            continue
        if last == end:
            return start.start(), end
    return None


def _in_table(raw: str, text: str) -> tuple[Literal, Own]:
    """Where a text stands as a field of a record of CSV or TSV; [] where that is not sure. And the record's own
    place."""
    own = _trimmed(raw, 0, len(raw))
    quoted = '"' + text.replace('"', '""') + '"'
    found = [(place, place + len(one)) for one in (text, quoted) for place in _fields(raw, one)]
    if len(found) != 1:
        return [], own
    start, end = found[0]
    if end - start == len(text):
        return [(start, end, len(text), True)], own
    runs: Literal = []
    for part in re.finditer(r'""|[^"]+', raw[start + 1 : end - 1]):
        is_plain = part[0] != '""'
        first, last = part.start() + start + 1, part.end() + start + 1
        runs.append((first, last, last - first if is_plain else 1, is_plain))
    return runs, own


def _fields(raw: str, written: str) -> Iterator[int]:
    """Where something stands as a field may."""
    place = raw.find(written)
    while place >= 0:
        end = place + len(written)
        if (not place or raw[place - 1] in _fields_begin) and (end == len(raw) or raw[end] in _fields_end):
            yield place
        place = raw.find(written, place + 1)


def _trimmed(raw: str, start: int, end: int) -> Own:
    """The stretch without the blanks and commas around it."""
    piece = raw[start:end]
    body = piece.strip(", \t\r\n")
    first = start + piece.find(body)
    return first, first + len(body)
