"""A text that is too long to be held: laid down in a nameless file, read from it in pieces. Room: text/.

Readers and cleaning make one of what exceeds LONG; whoever reads a document from its beginning to its end asks for
`in_pieces`, whoever looks at some places takes slices: both are the same for a str, so there is one code for both.
"""

from __future__ import annotations

import errno
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

from textmill.errors import NoSpace

LONG = 1 << 24
"""Characters up to which a text is held whole: five times the longest novels have."""
PIECE = 1 << 20
"""Characters of a piece."""
STEP = 1 << 14
"""The place in the file is kept of every so many characters."""


class LongText:
    """Some of the characters of a file on the disk. len() counts characters; a slice [start:end] is a str."""

    def __init__(self, file: _LaidDown, start: int, end: int):
        self._file, self._start, self._end = file, start, end

    def __len__(self) -> int:
        return self._end - self._start

    def __getitem__(self, places: slice) -> str:
        start, end, _ = places.indices(len(self))
        return self._file.read(self._start + start, self._start + end)

    def part(self, start: int, end: int) -> LongText:
        """The characters from start to end, over the same file."""
        return LongText(self._file, self._start + start, self._start + end)


Text: TypeAlias = str | LongText


def in_pieces(text: Text) -> Iterator[str]:
    """The text in a row, in pieces of PIECE characters."""
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def part_of(text: Text, start: int, end: int) -> Text:
    """The characters from start to end; of a long text as a long one."""
    return text[start:end] if isinstance(text, str) else text.part(start, end)


def whole(text: Text) -> str:
    """All of it, in memory."""
    return text if isinstance(text, str) else "".join(in_pieces(text))


def is_blank(text: Text) -> bool:
    """It has no character but white space."""
    return not text.strip() if isinstance(text, str) else not any(piece.strip() for piece in in_pieces(text))


class Gathering:
    """Takes a text in pieces and gives it: a str up to LONG characters, else a long one. Raises NoSpace."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._n_held = 0
        self._writer: LongTextWriter | None = None

    def add(self, text: Text) -> None:
        """The next characters."""
        for piece in in_pieces(text):
            if self._writer is not None:
                self._writer.add(piece)
                continue
            self._held.append(piece)
            self._n_held += len(piece)
            if self._n_held > LONG:
                self._writer = LongTextWriter()
                for held in self._held:
                    self._writer.add(held)
                self._held.clear()

    def end(self) -> Text:
        """The text; the next one may follow."""
        text = "".join(self._held) if self._writer is None else self._writer.end()
        self._held, self._n_held, self._writer = [], 0, None
        return text


def gathered(pieces: Iterable[Text]) -> Text:
    """The pieces as one text. Raises NoSpace."""
    gathering = Gathering()
    for piece in pieces:
        gathering.add(piece)
    return gathering.end()


class LongTextWriter:
    """Takes a text in pieces. Raises NoSpace where the disk is full."""

    def __init__(self) -> None:
        self._file = _LaidDown()
        self._waiting: list[str] = []
        self._n_waiting = 0

    def add(self, piece: str) -> None:
        """The next characters."""
        self._waiting.append(piece)
        self._n_waiting += len(piece)
        if self._n_waiting >= PIECE:
            self._write(self._n_waiting - self._n_waiting % STEP)

    def end(self) -> LongText:
        """The text. Nothing can be added afterwards."""
        self._write(self._n_waiting)
        return LongText(self._file, 0, self._file.n_chars)

    def _write(self, n_chars: int) -> None:
        text = "".join(self._waiting)
        self._file.append(text[:n_chars])
        self._waiting = [text[n_chars:]]
        self._n_waiting -= n_chars


class _LaidDown:
    """The file: UTF-8, and where every STEP-th character begins in it. It goes when nobody has a part of it."""

    def __init__(self) -> None:
        self._starts = array("q", [0])
        self.n_chars = 0
        with self._telling():
            self._file = tempfile.TemporaryFile(prefix="textmill-")  # noqa: SIM115

    def append(self, text: str) -> None:
        """Whole steps; but for the last time."""
        with self._telling():
            for start in range(0, len(text), STEP):
                data = text[start : start + STEP].encode()
                self._file.write(data)
                self._starts.append(self._starts[-1] + len(data))
            self._file.flush()
        self.n_chars += len(text)

    def read(self, start: int, end: int) -> str:
        """The characters from start to end."""
        if start >= end:
            return ""
        first, last = start // STEP, -(-end // STEP)
        self._file.seek(self._starts[first])
        text = self._file.read(self._starts[last] - self._starts[first]).decode()
        return text[start - first * STEP : end - first * STEP]

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):  # it could not be made; what a full disk did not take is tried again
            self._file.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise NoSpace(
                f"a long text is kept on the disk while it is read, and {'the disk is full' if is_full else error} "
                f"after {self._starts[-1]:,} bytes",
                where=tempfile.gettempdir() if is_full else None,
                hint="Let the environment's TMPDIR name a folder with as much space as the text takes twice.",
            ) from None
