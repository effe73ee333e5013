"""A file in any encoding -> UTF-8 for the readers, and its own bytes for the ledger. Room: text/ (bytes -> documents).

Readers know UTF-8 alone: `Transcoded` is the stream they get. What cannot be decoded is left out of it, and named by
`SourceCounter`, which walks through the same file beside the reader and tells how many of the file's own bytes each
stretch of UTF-8 stands for. Both rest on one law of the encodings (held by tests/text/test_text_encodings.py): a
character encoded again takes as many bytes as it took in the file.
"""

from __future__ import annotations

import codecs
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from textmill.text.columns import utf8_size
from textmill.text.long_text import Text, in_pieces
from textmill.text.streams import InPieces

PIECE = 1 << 16
KEEP, LEAVE_OUT = "textmill.count_as_utf8", "textmill.leave_out"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters, and the bytes of the file that hold them."""

    text: str
    n_source: int


@dataclass(frozen=True, slots=True)
class Bad:
    """Neighbouring bytes that the encoding does not have, and where the first stands in the file."""

    raw: bytes
    position: int


def pieces_of(stream: BinaryIO, codec: str, position: int = 0) -> Iterator[Piece | Bad]:
    """The characters of a stream in order, and what cannot be decoded between them. position: of its next byte."""
    runs = _left_out()
    held = b""
    final = False
    while not final:
        chunk = stream.read(PIECE)
        final = not chunk
        raw = held + chunk
        decoder = codecs.getincrementaldecoder(codec)(LEAVE_OUT)
        text = decoder.decode(raw, final)
        held = decoder.getstate()[0]
        end = len(raw) - len(held)
        found = runs[:]
        runs.clear()
        if not found:
            if text:
                yield Piece(text, end)
        else:
            start = 0
            for first, last in (*found, (end, end)):
                if first > start:
                    yield Piece(raw[start:first].decode(codec), first - start)
                if last > first:
                    yield Bad(raw[first:last], position + first)
                start = last
        position += end


class Transcoded(InPieces):
    """A stream of UTF-8 over a file in another encoding, or with undecodable bytes."""

    def __init__(self, stream: BinaryIO, codec: str, mark: int):
        """stream: seekable; mark: bytes before the text."""
        self._stream, self._codec, self._mark = stream, codec, mark
        super().__init__()

    def _start(self) -> None:
        self._stream.seek(self._mark)
        pieces = pieces_of(self._stream, self._codec, self._mark)
        self._texts = (piece.text for piece in pieces if isinstance(piece, Piece))

    def _next_piece(self) -> bytes:
        return next(self._texts, "").encode()

    def close(self) -> None:
        self._stream.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Left:
    """A stretch that was left out of the UTF-8: its bytes, its place in the file, and its line."""

    bad: Bad
    line: int


class SourceCounter:
    """Walks through a file's UTF-8 in steps and gives the file's own bytes of each step."""

    def __init__(self, stream: BinaryIO, codec: str, mark: int):
        stream.seek(mark)
        self._pieces = pieces_of(stream, codec, mark)
        self._codec = codec
        self._utf8 = b""
        self._n_source = 0
        self._line = 1

    def advance(self, n_utf8: int) -> tuple[int, list[Left]]:
        """The bytes of the file behind the next n_utf8 bytes of UTF-8, which end with a character; and what was left
        out before their end (at the end of the file: all that is left)."""
        n_source = 0
        left: list[Left] = []
        while n_utf8 > 0:
            if not self._utf8 and not self._fill(left):
                break  # the file has grown shorter: its reader will say so
            taken = self._utf8[:n_utf8]
            n_utf8 -= len(taken)
            self._utf8 = self._utf8[len(taken) :]
            self._line += taken.count(b"\n")
            # At the end of a piece its own count is exact whatever the encoding does inside.
            n_bytes = self._n_source if not self._utf8 else size_in(taken.decode(), self._codec)
            n_source += n_bytes
            self._n_source -= n_bytes
        return n_source, left

    def rest(self) -> list[Left]:
        """What was left out behind the last character."""
        left: list[Left] = []
        while self._fill(left):
            self._utf8 = b""
        return left

    def _fill(self, left: list[Left]) -> bool:
        for piece in self._pieces:
            if isinstance(piece, Piece):
                self._utf8, self._n_source = piece.text.encode(), piece.n_source
                return True
            left.append(Left(piece, self._line))
        return False


def size_in(text: Text, codec: str) -> int:
    """Bytes of a text in an encoding; a character that it lacks (written as an escape in the file) counts as UTF-8."""
    if codec == "utf-8":
        return utf8_size(text)
    if isinstance(text, str):
        return len(text.encode(codec, KEEP))
    return sum(size_in(piece, codec) for piece in in_pieces(text))


def _keep(error: UnicodeError) -> tuple[bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    return error.object[error.start : error.end].encode("utf-8", "surrogatepass"), error.end


def _leave_out(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    runs = _left_out()
    if runs and runs[-1][1] == error.start:
        runs[-1] = (runs[-1][0], error.end)
    else:
        runs.append((error.start, error.end))
    return "", error.end


_here = threading.local()


def _left_out() -> list[tuple[int, int]]:
    """Where the decoder that runs in this thread left bytes out: (first, behind the last)."""
    if not hasattr(_here, "runs"):
        _here.runs = []
    runs: list[tuple[int, int]] = _here.runs
    return runs


codecs.register_error(KEEP, _keep)
codecs.register_error(LEAVE_OUT, _leave_out)
