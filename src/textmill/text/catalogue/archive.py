"""A wheel, a zip or a tar -> the bytes of its members, by name. Room: text/.

Used by the conversions. Nothing is ever extracted under its own name, so no member can be written anywhere.
"""

from __future__ import annotations

import contextlib
import io
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from textmill.errors import InputError

MEMBER_LIMIT = 256 << 20  # bytes of one unpacked member: the largest that is read has 6 million


class Archive:
    """A wheel or another zip, or a tar, read a member at a time; nothing is ever extracted under its own name.

    Raises InputError for a member that is missing, that points outside the archive, that is no plain file, or that
    is larger than MEMBER_LIMIT, and for an archive that cannot be read.
    """

    def __init__(self, source: Path | IO[bytes], name: str):
        self.name = name
        with _readable(name):
            is_tar = name.endswith((".tar.gz", ".tar.bz2", ".tar.xz", ".tar"))
            opened = tarfile.open(fileobj=_stream(source)) if is_tar else zipfile.ZipFile(_stream(source))  # noqa: SIM115
            self._zip = opened if isinstance(opened, zipfile.ZipFile) else None
            self._tar = opened if isinstance(opened, tarfile.TarFile) else None
            self._tar_members = {member.name: member for member in self._tar} if self._tar else {}

    def names(self, pattern: str) -> list[str]:
        """The members whose whole name matches a regular expression, sorted."""
        known = list(self._tar_members) if self._zip is None else self._zip.namelist()
        return sorted(name for name in known if re.fullmatch(pattern, name))

    def read(self, name: str) -> bytes:
        """All bytes of a member."""
        refuse_outside(name, self.name)
        where = f"{self.name}/{name}"
        with _readable(where):
            if self._zip is not None:
                stream: IO[bytes] | None = self._zip.open(name)
            elif self._tar is not None and self._tar_members[name].isfile():
                stream = self._tar.extractfile(self._tar_members[name])
            else:
                stream = None
            if stream is None:
                raise InputError("is a link or a device inside the archive, not a file", where=where)
            with stream:
                data = stream.read(MEMBER_LIMIT + 1)
        if len(data) > MEMBER_LIMIT:
            raise InputError(f"unpacks to more than the limit of {MEMBER_LIMIT:,} bytes", where=where)
        return data

    def text(self, name: str) -> str:
        """A member as strict UTF-8."""
        try:
            return self.read(name).decode()
        except UnicodeDecodeError as error:
            raise InputError(f"is not UTF-8 at byte {error.start}", where=f"{self.name}/{name}") from None

    def inner(self, name: str) -> Archive:
        """An archive inside this one."""
        return Archive(io.BytesIO(self.read(name)), f"{self.name}/{name}")


def _stream(source: Path | IO[bytes]) -> IO[bytes]:
    return io.BytesIO(source.read_bytes()) if isinstance(source, Path) else source


@contextlib.contextmanager
def _readable(where: str) -> Iterator[None]:
    try:
        yield
    except KeyError:
        raise InputError("is not in the archive", where=where) from None
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        struct.error,
        ValueError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise InputError(f"the archive cannot be read: {error}", where=where) from None


def refuse_outside(name: str, where: str) -> None:
    """A name that leads out of its folder, in the manner of any system, is never used."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or ":" in parts[0]:
        raise InputError(f"holds a member that points outside: {name!r}", where=where)
