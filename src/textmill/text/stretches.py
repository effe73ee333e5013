"""Some stretches of a stream as a stream of their own. Room: text/. Used by files, for what is read in part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from textmill.text.streams import FromStart


class Stretched(FromStart):
    """The bytes of (start, end), one stretch after the other; a file that ends sooner ends it.

    >>> import io
    >>> Stretched(io.BytesIO(b"abcdefgh"), [(0, 2), (5, 7)]).read()
    b'abfg'
    """

    def __init__(self, stream: BinaryIO, stretches: Sequence[tuple[int, int]]):
        super().__init__()
        self._stream, self._stretches = stream, stretches
        self.seek(0)

    def close(self) -> None:
        self._stream.close()
        super().close()

    def _take(self, most: int) -> bytes:
        while self._number < len(self._stretches) and not self._left:
            self._number += 1
            self._enter(0)
        piece = self._stream.read(min(most, self._left)) if self._left else b""
        self._left -= len(piece)
        self._position += len(piece)
        return piece

    def _go_to(self, offset: int) -> None:
        self._number = before = 0
        while self._number < len(self._stretches):
            start, end = self._stretches[self._number]
            if offset < before + end - start:
                break
            before += end - start
            self._number += 1
        self._position = min(offset, before) if self._number == len(self._stretches) else offset
        self._enter(self._position - before)

    def _enter(self, offset: int) -> None:
        """Go to a byte of the stretch whose turn it is."""
        self._left = 0
        if self._number < len(self._stretches):
            start, end = self._stretches[self._number]
            self._stream.seek(start + offset)
            self._left = end - start - offset
