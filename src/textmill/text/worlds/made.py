"""A world and a number of items -> a stream of JSON lines that needs no file of the person's. Room: text/ (worlds).

Used by files, where a PATH names a world. The lines are made once in a process, one at a time, into a nameless file in
the system's folder for such: it is gone when nobody reads it any more, however the process ends.
"""

from __future__ import annotations

import io
import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from textmill.files import full_disk_named
from textmill.text.streams import FromStart
from textmill.text.worlds.world import World, line

CHUNK = 1 << 18


@dataclass(frozen=True)
class Made:
    """The first n items of a world, a line each."""

    world: World[Any]
    n: int

    def open(self) -> BinaryIO:
        """The lines from the first on; seekable, and any number at once. Raises NoSpace."""
        return cast(BinaryIO, io.BufferedReader(_Lines(_written(self)), CHUNK))


class _File:
    """A file that goes with this."""

    def __init__(self, file: IO[bytes]):
        self._file = file

    def read(self, most: int, position: int) -> bytes:
        return os.pread(self._file.fileno(), most, position)

    def __del__(self) -> None:
        self._file.close()


@lru_cache(maxsize=8)
def _written(made: Made) -> _File:
    with full_disk_named(Path(tempfile.gettempdir())):
        file = tempfile.TemporaryFile()  # noqa: SIM115
        kept = _File(file)
        for item in made.world.items(made.n):
            file.write(line(item))
        file.flush()
    return kept


class _Lines(FromStart):
    """A reader with a place of its own in a file that others read too."""

    def __init__(self, file: _File):
        super().__init__()
        self._file = file

    def _take(self, most: int) -> bytes:
        taken = self._file.read(most, self._position)
        self._position += len(taken)
        return taken

    def _go_to(self, offset: int) -> None:
        self._position = offset
