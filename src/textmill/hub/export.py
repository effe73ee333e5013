"""A run -> a folder that other tools open: `textmill export`. Room: hub/. The formats stand in tables.EXPORTS.

What leaves is proved before it is there: the folder is filled beside its place, read back by somebody else's reader,
compared with the run, and only then takes its name. A killed export is absent or complete.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from textmill.errors import RunError, UsageError
from textmill.files import make_folder, new_folder, remove_abandoned
from textmill.hub.export_card import card_of
from textmill.hub.exportable import format_named
from textmill.hub.leaving import Leaving
from textmill.hub.opening import open_run
from textmill.results import Exported
from textmill.runs import Run

FOLDER = "export"
"""In a run's folder: exports, by format."""


def export(
    run: Run | str | os.PathLike[str],
    to: str,
    out: str | os.PathLike[str] | None = None,
    *,
    checkpoint: str | int | None = None,
    fresh: bool = False,
    notice: Callable[[str], None] = lambda text: None,
) -> Exported:
    """Write a run for other tools, with a card and the proof that it gives the run's numbers.

    run: a Run, its folder or its name. to: hf, onnx, gguf or peft. out: a new folder; default, export/TO in the run's
    own. checkpoint: "best", "last" or a step. fresh: what lies at `out` is moved to .replaced beside it.
    Raises UsageError for a format that there is not, RunError where `out` is taken, for a run without weights and where
    the proof fails; ConfigError for a model that the format has no place for; MissingExtra. Then nothing is written.
    """
    if not isinstance(run, Run):
        run = open_run(os.fspath(run))
    form, folder = format_named(to), folder_for(run, to, out)
    run.refuse_smaller("other tools get whole weights")
    refuse_taken(folder, fresh)
    if run.kind != "network":
        raise RunError(
            f"this run is of kind {run.kind}: it counts, and has no network to export",
            where=str(run.path),
            hint="Export the run that it is the floor of.",
        )
    form.refuse(run.config, run.tokenizer.kind)
    leaving = Leaving(run, checkpoint)
    for name in remove_abandoned(folder.parent):
        notice(f"removed {name}, which a killed export had left")
    with new_folder(folder) as inside:
        written = form.write(leaving, inside)
        assert written.proof is not None, "a format proves what it writes"
        (inside / "README.md").write_text(card_of(leaving, written, form.title), encoding="utf-8")
        files = {str(path.relative_to(inside)): path.stat().st_size for path in sorted(inside.rglob("*"))}
        if folder.exists() and any(folder.iterdir()):
            notice(f"{folder} was moved to {moved_away(folder)}")
    return Exported(
        run=str(run.path),
        step=leaving.step,
        to=to,
        out=str(folder),
        architecture=written.architecture,
        files=files,
        proof=written.proof,
        notes=written.notes,
    )


def folder_for(run: Run, to: str, out: str | os.PathLike[str] | None) -> Path:
    """Where an export goes. Raises UsageError where nobody says, and the run's folder is not ours to write in."""
    if out is not None:
        return Path(out)
    if not (run.path / "run.json").is_file():
        raise UsageError(
            "say where the export goes: this RUN is a folder of another tool, and stays as it is",
            hint=f"textmill export {run.path} --to {to} --out {run.path.name}-{to}",
        )
    return run.path / FOLDER / to


def refuse_taken(folder: Path, fresh: bool) -> None:
    """Raises RunError where something lies there already, unless it may be moved away."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise RunError("this is no folder, and an export is one", where=str(folder), hint="Choose another --out.")
    if not fresh and folder.is_dir() and any(folder.iterdir()):
        raise RunError(
            "there is something already, and nothing of it is overwritten",
            where=str(folder),
            hint="Choose another --out, or --fresh to move it to .replaced beside it.",
        )


def moved_away(folder: Path) -> Path:
    """Out of the way, not deleted: .replaced/NAME-TIME beside it."""
    aside = folder.parent / ".replaced" / f"{folder.name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    make_folder(aside.parent)
    folder.rename(aside)
    return aside
