"""Standard input as it comes -> a file that is read from the front, once. Room: text/. Used by what follows a stream.

Nothing of it is kept but the last BACK bytes, so a stream may be longer than any disk: there lies what a reader goes
back to (the first lines, to find the columns; a quote that is never closed). To the reader it is UTF-8, whatever it
came in.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import BinaryIO, cast

from textmill.config import DataConfig
from textmill.errors import InputError, TooLittleText
from textmill.messages import message, plural_message
from textmill.text.encodings import CODECS, Detector
from textmill.text.files import TextFile
from textmill.text.streams import FromStart
from textmill.text.transcoding import Bad, pieces_of

STDIN = "-"
PIECE = 1 << 16
BACK = 1 << 25
"""Bytes that are remembered, at least."""


class Arriving:
    """Standard input. data: how it is read; its format and encoding are found in what comes first."""

    def __init__(self, data: DataConfig):
        """Raises TooLittleText where nothing comes, InputError where it is no text."""
        stream = getattr(sys.stdin, "buffer", None)
        if stream is None:
            raise InputError("standard input is closed", where=STDIN)
        self._stream: BinaryIO = stream
        self.strict = data.strict
        self._first = self._first_piece()
        detector = Detector(data.encoding)
        detector.feed(self._first[: self._first.rfind(b"\n") + 1] or self._first)
        finding = detector.finding()
        if finding.is_binary:
            hint = "if it is one, say its encoding: --encoding NAME"
            raise InputError(message("not a text: %(why)s", why=finding.reason), where=STDIN, hint=hint)
        self.encoding, self.is_given = finding.encoding, data.encoding is not None
        self.codec = CODECS[finding.encoding].python
        self._first = self._first[finding.mark :]
        self.n_left_out = 0

    @property
    def file(self) -> TextFile:
        """As the readers take it: JSON lines where the first character opens an object, else a table."""
        opens_object = self._first.decode(self.codec, "ignore").lstrip().startswith("{")
        format_ = "jsonl" if opens_object else "csv"
        return TextFile(Path(STDIN), STDIN, format_, named=True, made=self, encoding="utf-8")

    def open(self) -> BinaryIO:
        """The text from its first character on, as UTF-8; once."""
        return cast(BinaryIO, io.BufferedReader(_AsItComes(self), PIECE))

    def read(self, most: int) -> bytes:
        """What has come, at least a byte; none at the end."""
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            piece: bytes = self._stream.read1(most)  # type: ignore[attr-defined]
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", where=STDIN) from None
        return piece

    def leave_out(self, bad: Bad) -> None:
        """Count a stretch that cannot be decoded. Raises InputError with data.strict."""
        self.n_left_out += 1
        if self.strict:
            raise InputError(
                f"byte {bad.position:,}: {bad.raw[:4].hex(' ')} cannot stand there in {self.encoding}",
                where=STDIN,
                hint="say its encoding: --encoding NAME; without --strict it is counted and left out",
            )

    def notes(self) -> list[str]:
        """What is to be said of it, when all was read."""
        found = list[str]()
        if self.encoding not in ("utf-8", "utf-8-sig") and not self.is_given:
            found.append(
                message("Standard input is read as %(encoding)s (--encoding decides).", encoding=self.encoding)
            )
        if self.n_left_out:
            found.append(
                plural_message(
                    "%(n)s stretch of standard input is no %(encoding)s and was left out.",
                    "%(n)s stretches of standard input are no %(encoding)s and were left out.",
                    self.n_left_out,
                    encoding=self.encoding,
                )
            )
        return found

    def _first_piece(self) -> bytes:
        """Up to the end of the first line at least."""
        self._first = b""
        first = b""
        while b"\n" not in first and (piece := self.read(PIECE)):
            first += piece
        if not first.strip():
            raise TooLittleText("nothing came from standard input", where=STDIN)
        return first


class _AsItComes(FromStart):
    """The UTF-8 of a stream; it goes back by BACK bytes."""

    def __init__(self, source: Arriving):
        super().__init__()
        self._source = source
        self._pieces = pieces_of(cast(BinaryIO, source), source.codec)
        self._kept = bytearray()
        self._kept_from = 0
        """Place of the first byte that is kept."""

    def _take(self, most: int) -> bytes:
        while self._position == self._kept_from + len(self._kept):
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            if isinstance(piece, Bad):
                self._source.leave_out(piece)
                continue
            if len(self._kept) > 2 * BACK:
                self._kept_from += len(self._kept) - BACK
                del self._kept[:-BACK]
            self._kept += piece.text.encode()
        start = self._position - self._kept_from
        taken = bytes(self._kept[start : start + most])
        self._position += len(taken)
        return taken

    def _go_to(self, offset: int) -> None:
        if offset < self._kept_from:
            raise InputError(
                f"a record is longer than {BACK:,} bytes: is a quote opened and never closed?", where=STDIN
            )
        self._position = offset
