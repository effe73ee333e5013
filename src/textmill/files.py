"""Files that are there whole or not at all. Storey: just above errors; every room that writes uses it.

The order is that of a power cut: data fsynced, renamed, the folder fsynced. A full disk is a NoSpace error that
names the path; nothing half-written is left behind.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from textmill.errors import Damaged, NoSpace, TextmillError

T = TypeVar("T")

TEMPORARY = ".tmp"  # how the names of half-written files and folders end
SEAL = "seal"  # the key of a JSON file that holds its own sha256
SEALED = re.compile(rb'"seal": "([0-9a-f]{64})"')
ABANDONED_AFTER_S = 24 * 3600


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """A folder, and those above it that are not there yet; they are still there after a power cut."""
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in made:
        fsync_folder(folder.parent)


def fsync_file(path: Path) -> None:
    """Make a file's bytes survive a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Turn "no space left" into an error that names the path and how much is free."""
    try:
        yield
    except Exception as error:
        number = _system_error_number(error)
        if number not in (errno.ENOSPC, errno.EDQUOT):
            if number is None or isinstance(error, OSError):
                raise
            raise OSError(number, os.strerror(number), str(path)) from error
        free = shutil.disk_usage(next(p for p in (path, *path.parents) if p.exists())).free
        raise NoSpace(
            f"the disk is full ({free:,} bytes free)",
            where=str(path),
            hint="Free some space and repeat the same command: what was saved before is kept.",
        ) from error


def _system_error_number(error: Exception) -> int | None:
    """errno of an error of the system; safetensors tells it in words: "… No space left on device (os error 28)"."""
    if isinstance(error, OSError):
        return error.errno
    if isinstance(error, TextmillError):
        return None
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader, a crash or a power cut sees the old content or the new, never a part.

    Raises NoSpace where the disk is full; the temporary sibling is removed.
    """
    with new_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """The same, written piece by piece: a temporary sibling takes `path`'s name at the end. On any error: nothing."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    with full_disk_named(path):
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    fsync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    """A JSON file, atomically; keys in their order, non-ASCII readable."""
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_sealed_json(path: Path, value: dict[str, Any]) -> None:
    """A JSON object that carries the sha256 of itself: one flipped bit of it is found, see `seal_holds`."""
    open_value = {key: part for key, part in value.items() if key != SEAL} | {SEAL: ""}
    write_atomically(path, sealed(json.dumps(open_value, ensure_ascii=False, indent=2) + "\n"))


def sealed(text: str) -> str:
    """A JSON text with its last `"seal": ""` filled in: the sha256 of the text as it was before."""
    before, unsealed, after = text.rpartition(f'"{SEAL}": ""')
    assert unsealed, "this text has no open seal"
    return f'{before}"{SEAL}": "{hashlib.sha256(text.encode()).hexdigest()}"{after}'


def seal_holds(content: bytes) -> bool:
    """Whether a sealed JSON text is what was written."""
    found = list(SEALED.finditer(content))
    if not found:
        return False
    start, end = found[-1].span(1)
    return hashlib.sha256(content[:start] + content[end:]).hexdigest().encode() == found[-1][1]


def has_no_seal(content: bytes) -> bool:
    """Whether a JSON text is one of those that were written before there were seals.

    A seal that is spoilt, in its key or its value, does not count as none.
    """
    try:
        value = json_of(content)
    except ValueError:
        return False
    if not isinstance(value, dict) or SEAL in value:
        return False
    last = next(reversed(value.values()), None)
    return not (isinstance(last, str) and len(last) == 64)


def read_json(path: Path) -> Any:
    """A JSON file that Textmill wrote. Raises Damaged where it is none, or none of ours: a key twice, nested too deep.

    Raises FileNotFoundError where it is not there.
    """
    try:
        return json_of(path.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise Damaged(f"the file cannot be read: {error}", where=str(path)) from error


@contextlib.contextmanager
def misfits_told(path: Path, what: str) -> Iterator[None]:
    """Whatever Python says of a value that is not what was written becomes Damaged, naming the file or folder."""
    try:
        yield
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise Damaged(
            f"{what} ({type(error).__name__}: {str(error).partition(chr(10))[0]})", where=str(path)
        ) from error


def json_of(text: bytes | str) -> Any:
    """The value of a JSON text. Raises ValueError, also where a key stands twice, the nesting is too deep, or half a
    character stands in it (an escaped surrogate alone), which no file can be written with."""
    try:
        value = json.loads(text, object_pairs_hook=_each_key_once)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if ("\\u" if isinstance(text, str) else b"\\u") in text:  # type: ignore[operator]
        json.dumps(value, ensure_ascii=False).encode()
    return value


def dataclass_of(kind: type[T], value: Any) -> T:
    """A dataclass out of what a JSON text held: each field of its own type and within the bounds that its annotation
    says (pydantic's Field in Annotated). Raises ValueError."""
    from pydantic import TypeAdapter  # not for those who write only

    return TypeAdapter(kind).validate_json(json.dumps(value), strict=True)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands in it twice")
    return found


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a temporary sibling; at the end its files are fsynced and it takes `path`'s name. On any error: nothing.

    Raises FileExistsError where `path` is there already at the end and is not empty.
    """
    # Not the pid alone: containers that share a disk may have the same.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
    above = [folder for folder in path.parents if not folder.exists()]
    with full_disk_named(path):
        try:
            make_folder(path.parent)
            try:
                temporary.mkdir()
            except FileNotFoundError:  # another, that failed, has just taken its empty folders away
                make_folder(path.parent)
                temporary.mkdir()
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    fsync_file(file)
            for folder in (*(p for p in temporary.rglob("*") if p.is_dir()), temporary):
                fsync_folder(folder)
            with _taken_name_told(path):
                temporary.rename(path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            remove_empty(above)
            raise
    fsync_folder(path.parent)


def name_aside(path: Path) -> Path:
    """A free name beside a damaged file or folder, by which nothing picks it again."""
    aside, number = path.with_name(f"{path.name}.damaged"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    return aside


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove folders that were made for nothing, the innermost first; the first that is in use stays, with the rest."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def remove_abandoned(folder: Path) -> list[str]:
    """Delete half-made folders in which nothing was written for a day: a kill leaves them. Their names.

    By age, not by the pid in the name: containers that share a disk cannot see each other's processes.
    """
    removed = []
    for path in folder.glob(f".*{TEMPORARY}") if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # its writer has just finished
            newest = max(entry.stat().st_mtime for entry in (path, *path.rglob("*")))
            if time.time() - newest > ABANDONED_AFTER_S:
                shutil.rmtree(path, ignore_errors=True)
                removed.append(path.name)
    return removed


@contextlib.contextmanager
def _taken_name_told(path: Path) -> Iterator[None]:
    """A folder that has content cannot be renamed over: the system says ENOTEMPTY or EEXIST, Python only knows one."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
