"""Some stretches of a stream as a stream of their own. Room: text/. Used by files, for what is read in part."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Stretched(io.RawIOBase):
    """The bytes of (start, end), one stretch after the other; a file that ends sooner ends it. Seeks from the start.

    >>> Stretched(io.BytesIO(b"abcdefgh"), [(0, 2), (5, 7)]).read()
    b'abfg'
    """

    def __init__(self, stream: BinaryIO, stretches: Sequence[tuple[int, int]]):
        super().__init__()
        self._stream, self._stretches = stream, stretches
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only seeks from the start")
        self._position = self._number = before = 0
        while self._number < len(self._stretches):
            start, end = self._stretches[self._number]
            if offset < before + end - start:
                break
            before += end - start
            self._number += 1
        self._position = min(offset, before) if self._number == len(self._stretches) else offset
        self._enter(self._position - before)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        while self._number < len(self._stretches) and not self._left:
            self._number += 1
            self._enter(0)
        view = memoryview(buffer).cast("B")
        piece = self._stream.read(min(len(view), self._left)) if self._left else b""
        view[: len(piece)] = piece
        self._left -= len(piece)
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        self._stream.close()
        super().close()

    def _enter(self, offset: int) -> None:
        """Go to a byte of the stretch whose turn it is."""
        self._left = 0
        if self._number < len(self._stretches):
            start, end = self._stretches[self._number]
            self._stream.seek(start + offset)
            self._left = end - start - offset
