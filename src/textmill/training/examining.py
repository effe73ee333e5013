"""What is wrong with a run, and what to do: its files, and its loss. Room: training/. Called by the doctor verb."""

from __future__ import annotations

from pathlib import Path

from textmill.results import Doctor
from textmill.runs.inspection import inspect


def examine(folder: Path | str) -> Doctor:
    """Every file of a run held against what was written. Changes nothing. Raises RunError where it is no run."""
    folder = Path(folder)
    seen = inspect(folder)
    return Doctor(
        run=str(folder),
        status=seen.status,
        whole=all(finding.severity != "damaged" for finding in seen.findings),
        resumes_from=seen.resumes_from,
        best=seen.best,
        findings=seen.findings,
    )
