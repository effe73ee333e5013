"""Which checkpoints stay: the last ones and the best, so that the disk is bounded. Room: runs/. Used by runs.folder.

Nothing is deleted before what replaces it is whole on disk. A deletion that fails is told and tried again later.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from textmill.files import TEMPORARY, fsync_folder
from textmill.runs.checkpoint import checkpoints_of

DELETED = ".deleted"  # how the names of checkpoints that are being deleted end


def prune(folder: Path, keep: int, best: str | None, notice: Callable[[str], None]) -> None:
    """Keep the last `keep` checkpoints and the one named `best`; delete the others, and what a failure left of them."""
    there = checkpoints_of(folder)
    kept = {path.name for path in there[-keep:]} | {best}
    for path in there:
        if path.name not in kept:
            try:
                path.rename(path.with_name(f".{path.name}{DELETED}"))
            except OSError as error:
                notice(f"an old checkpoint could not be deleted, it is tried again later: {path}: {error.strerror}")
    doomed = sorted(folder.glob(f".step-*{DELETED}"))
    if doomed:  # renamed first, for good: after a power cut, too, a half-deleted folder must not look like a checkpoint
        fsync_folder(folder)
    for path in doomed:
        _delete(path, notice)


def sweep(folder: Path, notice: Callable[[str], None]) -> None:
    """Remove what a killed process left half-written or half-deleted among the checkpoints."""
    for ending in (TEMPORARY, DELETED):
        for path in sorted(folder.glob(f".step-*{ending}")):
            _delete(path, notice)


def _delete(path: Path, notice: Callable[[str], None]) -> None:
    try:
        shutil.rmtree(path)
    except OSError as error:
        notice(f"what is left of an old checkpoint could not be deleted, it is tried again later: {path}: {error}")
