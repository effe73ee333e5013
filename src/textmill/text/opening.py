"""A path on the disk -> the bytes of a file, unpacked: plain, compressed, or a member of an archive. Room: text/.

Used by files, which finds and examines. Nothing is unpacked to the disk under a name, so no member can be written
anywhere. What unpacks to absurd sizes is refused while it is read, before it fills memory or time.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import io
import lzma
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from textmill.errors import InputError, MissingExtra, NoSpace, TextmillError
from textmill.messages import message
from textmill.text.streams import FromStart, InPieces
from textmill.text.wording import not_installed

COMPRESSIONS = (".gz", ".xz", ".bz2", ".zst")
ARCHIVES = {
    ".zip": "",
    ".tar": "",
    **{f".tar{compression}": compression for compression in COMPRESSIONS},
    ".tgz": ".gz",
    ".tbz2": ".bz2",
    ".txz": ".xz",
}
"""Ending -> compression of the whole."""

MOST_TIMES = 200
"""A file may grow by this factor when it is unpacked (text grows 3 to 10 times, logs up to 100) ..."""
ALWAYS_ALLOWED = 100_000_000
"""... and anything up to this many bytes."""
MOST_MEMBERS = 1_000_000
IN_MEMORY = 1 << 26
"""Bytes of an unpacked whole that are held in memory; more lie in a nameless file."""


@dataclass(frozen=True)
class Place:
    """Where a file's bytes are."""

    path: Path
    name: str
    """As it is shown."""
    compression: str = ""
    """.gz, .xz, .bz2 or .zst, of the file or member itself."""
    archive: Place | None = None
    """What it is a member of: the archive at `path`, or one inside that; None: `path` is the file."""
    member: int = -1
    """Its number in the archive."""
    packed_bytes: int = 0
    """Bytes it takes in the archive at `path`, where that can be said."""
    n_bytes: int = 0
    """Bytes it has in its archive, where it is an archive itself."""


@dataclass(frozen=True)
class Member:
    """An entry of an archive."""

    number: int
    name: str
    kind: str
    """file, folder, link, special, encrypted."""
    n_bytes: int
    packed_bytes: int


class CannotUnpack(InputError):
    """A compressed file or an archive is damaged, cut short, or out of bounds."""


class Bomb(CannotUnpack):
    """It unpacks to more than the limit."""


def suffixes(name: str) -> tuple[str, str, str]:
    """(ending that tells the format, compression, archive) of a file name, in lower case.

    >>> suffixes("a.CSV.gz"), suffixes("b.tar.gz"), suffixes("notes"), suffixes("c.zip"), suffixes("d.gz")
    (('.csv', '.gz', ''), ('', '', '.tar.gz'), ('', '', ''), ('', '', '.zip'), ('', '.gz', ''))
    """
    lower = name.lower()
    archive = max((ending for ending in ARCHIVES if lower.endswith(ending)), key=len, default="")
    if archive:
        return "", "", archive
    compression = next((ending for ending in COMPRESSIONS if lower.endswith(ending)), "")
    return Path(lower.removesuffix(compression)).suffix, compression, ""


def stem_of(name: str) -> str:
    """A file name without its endings.

    >>> stem_of("a.csv.gz"), stem_of("b.tar.gz"), stem_of("notes"), stem_of("v1.2.txt")
    ('a', 'b', 'notes', 'v1.2')
    """
    ending, compression, archive = suffixes(name)
    return name[: len(name) - len(archive or ending + compression)]


def open_place(place: Place) -> BinaryIO:
    """The unpacked bytes from the first on; seekable. Raises InputError (damaged, Bomb), MissingExtra, OSError."""
    raw, packed_bytes = _packed(place)
    if not place.compression:
        return raw
    try:
        return _bounded(_decompressed(raw, place.compression, place.name), packed_bytes, place.name, raw)
    except BaseException:
        raw.close()
        raise


def _packed(place: Place) -> tuple[BinaryIO, int]:
    """Its bytes, out of its archive, and how many they are as they lie on the disk."""
    if place.archive is None:
        return place.path.open("rb"), place.path.stat().st_size
    archive = _archive(place.archive, _stamp(place.path))
    with _damage_told(place.name):
        return _bounded(archive.open(place.member), place.packed_bytes, place.name, archive), place.packed_bytes


def in_one_piece(stream: BinaryIO) -> BinaryIO:
    """All of a stream that is read from the front, in memory or a nameless file: seekable from the end too. Raises
    NoSpace, and what the stream raises."""
    whole = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    try:
        with stream:
            shutil.copyfileobj(stream, whole, 1 << 18)
        whole.seek(0)
    except BaseException as error:
        whole.close()
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(
                "a packed file is unpacked to the disk while it is read, and the disk is full",
                where=tempfile.gettempdir(),
                hint="Let the environment's TMPDIR name a folder with as much space as the unpacked file takes.",
            ) from error
        raise
    return cast(BinaryIO, whole)


def members_of(archive: Place, n_before: int = 0) -> list[Member]:
    """The entries of an archive in its order. Raises InputError where it is damaged or has too many, OSError.

    n_before: entries of the archive that it lies in, and of those before it in there: the limit is for all together.
    """
    members = _archive(archive, _stamp(archive.path)).members
    n = n_before + len(members)
    if n > MOST_MEMBERS:
        said = message("holds %(n)s entries; the limit is %(most)s", n=f"{n:,}", most=f"{MOST_MEMBERS:,}")
        raise Bomb(said, where=archive.name)
    return members


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def damaged(shown: str, error: BaseException) -> CannotUnpack:
    """The error for what cannot be unpacked. Over damaged input the libraries raise nearly anything: OSError, EOFError,
    zlib.error, LZMAError, BadZipFile, TarError, struct.error, IndexError, ValueError ..."""
    said = str(error) or type(error).__name__
    return CannotUnpack(
        message("cannot be unpacked: %(error)s", error=said),
        where=shown,
        hint="It is damaged or cut short: get it again.",
    )


@contextlib.contextmanager
def _damage_told(shown: str, passing: tuple[type[Exception], ...] = (TextmillError,)) -> Iterator[None]:
    try:
        yield
    except passing:
        raise
    except Exception as error:
        raise damaged(shown, error) from error


def _decompressed(raw: BinaryIO, compression: str, shown: str) -> BinaryIO:
    if compression == ".zst":
        try:
            import zstandard
        except ImportError:
            raise MissingExtra(
                not_installed(".zst", "zstandard"), where=shown, hint="pip install 'textmill[data]'"
            ) from None
        return cast(BinaryIO, _Zstandard(raw, zstandard.ZstdDecompressor))
    openers: dict[str, Callable[[BinaryIO], object]] = {
        ".gz": lambda f: gzip.GzipFile(fileobj=f, mode="rb"),
        ".xz": lzma.LZMAFile,
    }
    return cast(BinaryIO, openers.get(compression, bz2.BZ2File)(raw))


class _Zstandard(InPieces):
    """All frames of a file; a frame that is cut short is an error, which zstandard's own reader passes over."""

    def __init__(self, raw: BinaryIO, decompressor: Callable[[], Any]):
        self._raw, self._decompressor = raw, decompressor
        super().__init__()

    def _start(self) -> None:
        self._raw.seek(0)
        self._frame: Any = None
        self._packed = b""

    def _next_piece(self) -> bytes:
        piece = b""
        while not piece:
            self._packed = self._packed or self._raw.read(1 << 16)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("a zstd frame is cut short")
                return b""
            self._frame = self._frame or self._decompressor().decompressobj()
            piece = self._frame.decompress(self._packed)
            self._packed = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = None
        return piece


def _bounded(stream: BinaryIO, packed_bytes: int, shown: str, below: BinaryIO | _Zip | _Tar | None = None) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Bounded(stream, packed_bytes, shown, below)))


class _Bounded(FromStart):
    """A stream that is refused once it has grown out of proportion to what it was packed in."""

    def __init__(self, stream: BinaryIO, packed_bytes: int, shown: str, below: BinaryIO | _Zip | _Tar | None):
        """below: what `stream` reads from: a stream is closed with it, an archive stays open as long as it."""
        super().__init__()
        self._stream, self._shown, self._below = stream, shown, below
        self._packed_bytes = packed_bytes
        self._most = max(ALWAYS_ALLOWED, MOST_TIMES * packed_bytes)

    def _take(self, most: int) -> bytes:
        with _damage_told(self._shown):
            piece = self._stream.read(most)
        self._position += len(piece)
        if self._position > self._most:
            raise Bomb(
                message(
                    "unpacks to more than %(most)s bytes from %(packed)s: more than %(times)s times, as only a "
                    "decompression bomb or text without content does",
                    most=f"{self._most:,}",
                    packed=f"{self._packed_bytes:,}",
                    times=MOST_TIMES,
                ),
                where=self._shown,
                hint="If it is meant so, unpack it yourself and name the unpacked file.",
            )
        return piece

    def _go_to(self, offset: int) -> None:
        with _damage_told(self._shown):
            self._position = self._stream.seek(offset)

    def close(self) -> None:
        self._stream.close()
        if isinstance(self._below, io.IOBase):
            self._below.close()
        super().close()


# -- archives ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _archive(place: Place, stamp: tuple[int, int]) -> _Zip | _Tar:
    """An open archive; kept, because its table of contents is read each time it is opened."""
    packed, packed_bytes = _packed(place)
    ending = suffixes(place.name)[2]
    try:
        if place.archive is not None:
            packed = in_one_piece(packed)
        with _damage_told(place.name):
            return _Zip(packed) if ending == ".zip" else _Tar(packed, ARCHIVES[ending], packed_bytes, place.name)
    except BaseException:
        packed.close()
        raise


class _Zip:
    def __init__(self, file: BinaryIO):
        self._file = file
        self._zip = zipfile.ZipFile(file)
        self._infos = self._zip.infolist()
        self.members = [
            Member(number, _zip_name(info), self._kind(info), info.file_size, info.compress_size)
            for number, info in enumerate(self._infos)
        ]

    @staticmethod
    def _kind(info: zipfile.ZipInfo) -> str:
        if info.is_dir():
            return "folder"
        if info.flag_bits & 1:
            return "encrypted"
        is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
        return "link" if is_link else "file"

    def open(self, number: int) -> BinaryIO:
        return cast(BinaryIO, self._zip.open(self._infos[number]))

    def __del__(self) -> None:
        self._file.close()


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The member's name; where the archive does not say that it is UTF-8, as UTF-8 or as GB 18030 if it can be."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for codec in ("utf-8", "gb18030"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    return info.filename


class _Tar:
    def __init__(self, file: BinaryIO, compression: str, packed_bytes: int, shown: str):
        self._file = stream = file
        if compression:
            stream = _bounded(_decompressed(stream, compression, shown), packed_bytes, shown)
        self._tar = tarfile.TarFile(fileobj=stream)
        self._infos = self._tar.getmembers()
        self.members = [
            Member(number, info.name, self._kind(info), info.size, info.size) for number, info in enumerate(self._infos)
        ]

    @staticmethod
    def _kind(info: tarfile.TarInfo) -> str:
        if info.isdir():
            return "folder"
        if info.issym() or info.islnk():
            return "link"
        return "file" if info.isreg() else "special"

    def open(self, number: int) -> BinaryIO:
        stream = self._tar.extractfile(self._infos[number])
        assert stream is not None  # only files are opened
        return cast(BinaryIO, stream)

    def __del__(self) -> None:
        self._file.close()
