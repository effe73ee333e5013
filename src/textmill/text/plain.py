"""Plain text and Markdown -> documents: a file, a line or a paragraph each. Room: text/ (bytes -> documents).

Lines end in LF or CR LF and nowhere else: U+2028, U+0085, form feed and a lone CR are text.
Markdown is text as it stands.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from textmill.config import DataConfig
from textmill.messages import message
from textmill.text.columns import utf8_size
from textmill.text.documents import EMPTY, MARKUP, Document, Dropped, Found
from textmill.text.files import CHUNK, TextFile, open_text
from textmill.text.long_text import LONG, Gathering, Text, gathered, in_pieces, is_blank, part_of


def read_plain(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The documents of a text file, by data.unit; line ends and blank lines between them are markup."""
    if data.unit == "line":
        return _lines(file, note)
    if data.unit == "paragraph":
        return _paragraphs(file, note)
    return _whole(file, note)


def without_line_end(line: Text) -> Text:
    r"""The line without its LF or CR LF.

    >>> without_line_end("a\r\n"), without_line_end("a\r"), without_line_end("a")
    ('a', 'a\r', 'a')
    """
    end = line[-2:]
    if not end.endswith("\n"):
        return line
    return part_of(line, 0, len(line) - (2 if end == "\r\n" else 1))


def _tell_old_line_ends(file: TextFile, text: Text, note: Callable[[str], None]) -> None:
    """text: the first line with its end, or all."""
    n_returns = 0
    for piece in in_pieces(text):
        if "\n" in piece:
            return
        n_returns += piece.count("\r")
    if n_returns > 1:
        note(
            message(
                "%(file)s is one line: where its lines should end stands a lone CR (0x0D), as in very old files, and "
                "that is text here. tr '\\r' '\\n' <OLD >NEW makes lines of it.",
                file=file.name,
            )
        )


def _whole(file: TextFile, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    with open_text(file) as stream:
        text = gathered(_decoded(iter(partial(stream.read, CHUNK), b"")))
    _tell_old_line_ends(file, text, note)
    if is_blank(text):
        yield Dropped(EMPTY, utf8_size(text), f"{file.name}:1")
    else:
        yield Found(Document(text, f"{file.name}:1"), utf8_size(text))


def _lines(file: TextFile, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    for number, n_bytes, line in _lines_of(file, note):
        content = without_line_end(line)
        if is_blank(content):
            yield Dropped(MARKUP, n_bytes)
        else:
            n_end = len(line) - len(content)
            yield Found(Document(content, f"{file.name}:{number}"), n_bytes - n_end, markup=n_end)


def _paragraphs(file: TextFile, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    held = Gathering()
    first = n_held = 0

    def paragraph() -> Found:
        text = held.end()
        content = without_line_end(text)
        n_end = len(text) - len(content)
        return Found(Document(content, f"{file.name}:{first}"), n_held - n_end, markup=n_end)

    for number, n_bytes, line in _lines_of(file, note):
        if not is_blank(line):
            if not n_held:
                first = number
            held.add(line)
            n_held += n_bytes
            continue
        if n_held:
            yield paragraph()
            n_held = 0
        yield Dropped(MARKUP, n_bytes)
    if n_held:
        yield paragraph()


def _lines_of(file: TextFile, note: Callable[[str], None]) -> Iterator[tuple[int, int, Text]]:
    """Each line: its number, from 1, its bytes, and its text with the line end."""
    with open_text(file) as stream:
        raws = iter(partial(stream.readline, LONG), b"")  # a binary file's lines end in LF alone
        for number, raw in enumerate(raws, start=1):
            n_bytes, line = len(raw), ""  # type: int, Text
            if n_bytes < LONG or raw.endswith(b"\n"):
                line = raw.decode()
            else:
                line = gathered(_decoded(_to_its_end(raw, raws)))
                n_bytes = utf8_size(line)
            if number == 1:
                _tell_old_line_ends(file, line, note)
            yield number, n_bytes, line


def _to_its_end(raw: bytes, raws: Iterator[bytes]) -> Iterator[bytes]:
    """A line that begins with raw, as far as it goes on in raws."""
    yield raw
    for more in raws:
        yield more
        if more.endswith(b"\n"):
            return


def _decoded(raws: Iterable[bytes]) -> Iterator[str]:
    """UTF-8 that is cut anywhere."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for raw in raws:
        yield decoder.decode(raw)
    yield decoder.decode(b"", final=True)
