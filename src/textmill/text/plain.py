"""Plain text and Markdown -> documents: a file, a line or a paragraph each. Room: text/ (bytes -> documents).

Lines end in LF or CR LF and nowhere else: U+2028, U+0085, form feed and a lone CR are text.
Markdown is text as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from textmill.config import DataConfig
from textmill.messages import message
from textmill.text.documents import EMPTY, MARKUP, Document, Dropped, Found
from textmill.text.files import TextFile, open_text


def read_plain(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The documents of a text file, by data.unit; line ends and blank lines between them are markup."""
    if data.unit == "line":
        return _lines(file, note)
    if data.unit == "paragraph":
        return _paragraphs(file, note)
    return _whole(file, note)


def without_line_end(line: bytes) -> bytes:
    r"""The line without its LF or CR LF.

    >>> without_line_end(b"a\r\n"), without_line_end(b"a\r"), without_line_end(b"a")
    (b'a', b'a\r', b'a')
    """
    if line.endswith(b"\r\n"):
        return line[:-2]
    return line[:-1] if line.endswith(b"\n") else line


def _tell_old_line_ends(file: TextFile, raw: bytes, note: Callable[[str], None]) -> None:
    """raw: the first line, or all."""
    if b"\n" not in raw and raw.count(b"\r") > 1:
        note(
            message(
                "%(file)s is one line: where its lines should end stands a lone CR (0x0D), as in very old files, and "
                "that is text here. tr '\\r' '\\n' <OLD >NEW makes lines of it.",
                file=file.name,
            )
        )


def _whole(file: TextFile, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    with open_text(file) as stream:
        raw = stream.read()
    _tell_old_line_ends(file, raw, note)
    text = raw.decode()
    if text.strip():
        yield Found(Document(text, f"{file.name}:1"), len(raw))
    else:
        yield Dropped(EMPTY, len(raw), f"{file.name}:1")


def _lines(file: TextFile, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    with open_text(file) as stream:
        for number, raw in enumerate(stream, start=1):  # a binary file iterates to LF alone
            if number == 1:
                _tell_old_line_ends(file, raw, note)
            content = without_line_end(raw)
            text = content.decode()
            if text.strip():
                yield Found(Document(text, f"{file.name}:{number}"), len(content), markup=len(raw) - len(content))
            else:
                yield Dropped(MARKUP, len(raw))


def _paragraphs(file: TextFile, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    held: list[bytes] = []
    first = 0

    def paragraph() -> Found:
        raw = b"".join(held)
        content = without_line_end(raw)
        return Found(Document(content.decode(), f"{file.name}:{first}"), len(content), markup=len(raw) - len(content))

    with open_text(file) as stream:
        for number, raw in enumerate(stream, start=1):
            if number == 1:
                _tell_old_line_ends(file, raw, note)
            if raw.decode().strip():
                if not held:
                    first = number
                held.append(raw)
                continue
            if held:
                yield paragraph()
                held.clear()
            yield Dropped(MARKUP, len(raw))
        if held:
            yield paragraph()
