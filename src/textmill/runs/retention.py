"""Which checkpoints stay: the last ones and the best, so that the disk is bounded. Room: runs/. Used by runs.folder.

Nothing is deleted before what replaces it is whole on disk. A deletion that fails is told and tried again later.
A planned checkpoint is one that an undisturbed run makes as well; the others came of a signal. A run goes on from the
newest of either kind and rolls back to the newest planned one: neither may push the other out.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from textmill.errors import Damaged
from textmill.files import TEMPORARY, fsync_folder, read_json
from textmill.runs.checkpoint import checkpoints_of

DELETED = ".deleted"  # how the names of checkpoints that are being deleted end


def prune(folder: Path, keep: int, best: str | None, notice: Callable[[str], None]) -> None:
    """Keep the last `keep` planned checkpoints, the newest of all and the one named `best`; delete the others, and what
    a failure left of them."""
    there = checkpoints_of(folder)
    planned = [path for path in there if is_planned(path)]
    kept = {path.name for path in [*planned[-keep:], *there[-1:]]} | {best}
    delete(folder, [path for path in there if path.name not in kept], notice)


def is_planned(checkpoint: Path) -> bool:
    """By what it says of itself; one that cannot be read counts as planned: it is set aside when it is needed."""
    try:
        return bool(read_json(checkpoint / "progress.json").get("planned", True))
    except (OSError, AttributeError, Damaged):
        return True


def delete(folder: Path, checkpoints: Iterable[Path], notice: Callable[[str], None]) -> None:
    """Delete checkpoints, and what a failure left of others."""
    for path in checkpoints:
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
