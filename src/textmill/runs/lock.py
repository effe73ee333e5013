"""One trainer a run folder: an flock that the kernel frees when its process ends, however it ends. Room: runs/.

Imports no torch: the shell asks here before it loads any.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from textmill.errors import RunError
from textmill.files import fsync_folder, full_disk_named, make_folder, remove_empty

N_TRIES, BETWEEN_TRIES_S = 10, 0.02


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[RunLock]:
    """Hold folder/lock while training, also before the run begins: the folder is made where there is none.

    Where no run has begun at the end, what was made for the lock goes again. A link is never followed.
    Raises RunError naming the pid that holds it.
    """
    lock = RunLock(folder)
    try:
        yield lock
    finally:
        lock.release()


class RunLock:
    """The lock of a run folder, held until `release`. there: the names that lay in the folder before."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._take()

    def _take(self) -> None:
        self.made = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        self.there = _names(self.folder)
        try:
            self.descriptor: int | None = _held(self.folder)
        except BaseException:
            remove_empty(self.made)
            raise

    def release(self) -> None:
        if self.descriptor is None:  # another was faster in its place
            return
        if not (self.folder / "run.json").exists() and _names(self.folder) - self.there == {"lock"}:
            (self.folder / "lock").unlink()
            remove_empty(self.made)
        os.close(self.descriptor)

    def move_away(self, aside: Path) -> None:
        """Move the folder to `aside` and hold an empty one in its place. Raises RunError where another was faster."""
        assert self.descriptor is not None
        shutil.move(self.folder, aside)
        fsync_folder(aside.parent)  # it is there before it is gone here
        fsync_folder(self.folder.parent)
        old, self.descriptor = self.descriptor, None
        try:
            self._take()
        finally:
            os.close(old)


def refuse_if_locked(folder: Path) -> None:
    """Raises RunError, as `locked` would, where a living process trains the run. Nothing is made or kept."""
    with _opened(folder) as descriptor:
        if descriptor is not None and not _taken(descriptor, fcntl.LOCK_SH):
            raise _held_by_another(descriptor, folder)


def is_locked(folder: Path) -> bool:
    """Whether a living process trains the run."""
    with _opened(folder) as descriptor:
        return descriptor is not None and not _taken(descriptor, fcntl.LOCK_SH, n_tries=1)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """The lock, to be asked only; None where there is none."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _held(folder: Path) -> int:
    """The descriptor of the lock, ours now. A start that fails takes its folder away: then it is made again."""
    path = folder / "lock"
    for _ in range(N_TRIES):
        try:
            with full_disk_named(folder):
                make_folder(folder)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            time.sleep(BETWEEN_TRIES_S)
            continue
        except OSError as error:
            raise RunError(f"the lock cannot be opened: {error.strerror}", where=str(path)) from error
        try:
            if not _taken(descriptor, fcntl.LOCK_EX):
                raise _held_by_another(descriptor, folder)
            if _is_at(descriptor, path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
                return os.dup(descriptor)
        finally:
            os.close(descriptor)
    raise RunError("the lock cannot be held: the folder is deleted again and again", where=str(folder))


def _taken(descriptor: int, kind: int, n_tries: int = N_TRIES) -> bool:
    """Whether the lock is ours now. Tried for a moment: `is_locked` of a reader holds it for an instant."""
    for _ in range(n_tries):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(BETWEEN_TRIES_S)
        else:
            return True
    return False


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file still has that name: its folder may have been moved away or removed before we had it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _held_by_another(descriptor: int, folder: Path) -> RunError:
    holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
    return RunError(
        f"another process trains this run (pid {holder})",
        where=str(folder),
        hint="Wait for it, or choose another --name.",
    )


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
