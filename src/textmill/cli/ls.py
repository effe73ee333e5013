"""`textmill ls [DIR]`: the runs of a folder. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from textmill.cli.output import Shell, table
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.results import Runs


@verb(
    "ls",
    knobs=("run.dir",),
    examples=("textmill ls              the runs under ./runs", "textmill ls elsewhere --json"),
)
@click.argument("folder", required=False, metavar="[DIR]")
def ls_command(shell: Shell, folder: str | None) -> None:
    """List the runs of a folder, newest first. DIR: by default run.dir, that is ./runs."""
    from textmill.runs import list_runs

    shell.show(list_runs(folder or shell.load().config.run.dir), runs_text)


def runs_text(found: Runs) -> str:
    spoilt = "".join(f"\n{name}: cannot be read: {why}" for name, why in found.unreadable.items())
    if not found.runs:
        return f"no runs in {found.dir}{spoilt}"
    number = "bits per byte" + (", or accuracy" if any(run.accuracy is not None for run in found.runs) else "")
    number += ", or F1" if any(run.f1 is not None for run in found.runs) else ""
    rows = [["name", "status", "task", "arch", "step", number, "changed"]]
    for run in found.runs:
        step = f"{run.step:,}" + (f"/{run.steps:,}" if run.steps else "")
        shown = "–" if run.bpb is None else f"{run.bpb:.3f}"
        shown = shown if run.accuracy is None else f"{100 * run.accuracy:.1f} %"
        shown = shown if run.f1 is None else f"{100 * run.f1:.1f} %"
        rows.append([run.name, run.status, run.task, run.arch, step, shown, run.modified.replace("T", " ")])
    return table(rows, right=(4, 5)) + spoilt
