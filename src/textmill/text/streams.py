"""Streams that are read from the front: what io asks of each, said once. Room: text/.

Used by opening, stretches, transcoding.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class FromStart(io.RawIOBase):
    """Readable, and seekable to a place that is counted from the start. A subclass says `_take` and `_go_to`."""

    _position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only seeks from the start")
        self._go_to(offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        taken = memoryview(self._take(len(view)))
        view[: len(taken)] = taken
        return len(taken)

    def _take(self, most: int) -> ReadableBuffer:
        """The next bytes, `most` at the most, and `_position` behind them; none at the end."""
        raise NotImplementedError

    def _go_to(self, offset: int) -> None:
        """Set `_position`: at the offset, or at the end where that comes first."""
        raise NotImplementedError


class InPieces(FromStart):
    """What comes a piece at a time; to a place behind, by reading from the start again."""

    def __init__(self) -> None:
        super().__init__()
        self._rewind()

    def _rewind(self) -> None:
        self._start()
        self._waiting = memoryview(b"")
        self._position = 0

    def _start(self) -> None:
        """Go back to the start of what is read."""
        raise NotImplementedError

    def _next_piece(self) -> bytes:
        """Some bytes; none at the end."""
        raise NotImplementedError

    def _take(self, most: int) -> memoryview:
        if not self._waiting:
            self._waiting = memoryview(self._next_piece())
        taken, self._waiting = self._waiting[:most], self._waiting[most:]
        self._position += len(taken)
        return taken

    def _go_to(self, offset: int) -> None:
        if offset < self._position:
            self._rewind()
        while self._position < offset and self._take(offset - self._position):
            pass
