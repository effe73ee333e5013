"""One trainer a run folder: an flock that the kernel frees when its process ends, however it ends. Room: runs/."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from textmill.errors import RunError

N_TRIES, BETWEEN_TRIES_S = 10, 0.02


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold folder/lock while training. Raises RunError naming the pid that holds it. A link is never followed."""
    path = folder / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise RunError(f"the lock cannot be opened: {error.strerror}", where=str(path)) from error
    try:
        if not _taken(descriptor):
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise RunError(
                f"another process trains this run (pid {holder})",
                where=str(folder),
                hint="Wait for it, or choose another --name.",
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Whether the lock is ours now. Tried for a moment: `is_locked` of a reader holds it for an instant."""
    for _ in range(N_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(BETWEEN_TRIES_S)
        else:
            return True
    return False


def is_locked(folder: Path) -> bool:
    """Whether a living process trains the run."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
