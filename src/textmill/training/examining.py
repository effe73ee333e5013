"""What is wrong with a run, and what to do: its files, then its loss. Room: training/. Called by the doctor verb."""

from __future__ import annotations

from pathlib import Path

from textmill.errors import TextmillError
from textmill.messages import message
from textmill.results import Doctor, Finding, finding
from textmill.runs import Run
from textmill.runs.inspection import Inspection, inspect
from textmill.training.diagnosis import diagnose
from textmill.training.vitals import vitals_of


def examine(folder: Path | str) -> Doctor:
    """Every file of a run held against what was written; where all is whole, likely causes of a loss that is bad.

    Changes nothing. Raises RunError where the folder is no run.
    """
    folder = Path(folder)
    seen = inspect(folder)
    whole = all(finding.severity != "damaged" for finding in seen.findings)
    return Doctor(
        run=str(folder),
        status=seen.status,
        whole=whole,
        resumes_from=seen.resumes_from,
        best=seen.best,
        findings=[*seen.findings, *(causes(folder, seen) if whole else [])],
    )


def causes(folder: Path, seen: Inspection) -> list[Finding]:
    """What the loss suffers from, likely; a note where that cannot be told. Nothing before the first checkpoint."""
    run = Run.open(folder)
    if run.kind != "network" or seen.resumes_from is None:
        return []
    if run.smaller is not None:
        told = message(
            "it is a copy in fewer bits: what its loss suffers from is said of %(run)s", run=run.smaller["run"]
        )
        return [_untold(folder, told)]
    if run.info["form"] != "decoder":
        return [_untold(folder, message("its causes are known for language models alone"))]
    try:
        vitals = vitals_of(run)
    except TextmillError as error:
        return [_untold(folder, error.message)]
    return [*diagnose(vitals, str(folder)), *(_untold(folder, note) for note in vitals.notes)]


def _untold(folder: Path, why: str) -> Finding:
    return finding(
        message("the loss was not judged, or not by all its causes"),
        str(folder),
        "note",
        why,
        message("Nothing, unless the loss is in doubt."),
    )
