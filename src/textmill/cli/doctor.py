"""`textmill doctor RUN`: whether a run is whole, why its loss is as it is, and what to do. Room: cli/."""

from __future__ import annotations

import click

from textmill.cli.output import Shell, on_one_line
from textmill.cli.run_argument import folder_argument
from textmill.cli.verb import verb
from textmill.results import NOT_CHECKED, Doctor, Finding


@verb(
    "doctor",
    examples=(
        "textmill doctor runs/novel            what is damaged, and what to do",
        "textmill doctor runs/novel --json     for a script; the exit code is 1 where a file is damaged",
    ),
)
@click.argument("run", metavar="RUN")
def doctor_command(shell: Shell, run: str) -> int:
    """Examine RUN: every checkpoint and file against what was written, then why its loss may be bad. It only reads.

    Exit code 0: all is whole; 1: a file is damaged; 2: RUN is no run.
    """
    folder = folder_argument(run)
    from textmill.training import examine

    found = examine(folder)
    shell.show(found, doctor_text)
    return 0 if found.whole else 1


def doctor_text(found: Doctor) -> str:
    all_checked = all(finding.what != NOT_CHECKED for finding in found.findings)
    whole = "every file is what was written" if all_checked else "no damage was found, but not every file has a seal"
    state = whole if found.whole else "files are damaged"
    lines = [f"{found.run}: {found.status}; {state}"]
    lines += [f"\n{finding_text(finding)}" for finding in found.findings]
    if found.resumes_from is not None:
        best = "" if found.best is None else f"; the best is that of step {found.best}"
        lines.append(f"\nTraining would go on from the checkpoint of step {found.resumes_from}{best}.")
    return "\n".join(lines)


def finding_text(finding: Finding) -> str:
    told = on_one_line(f"{finding.severity}: {finding.what}")
    rows = [finding.where, finding.evidence, finding.remedy]
    return "\n".join([told, *(f"  {on_one_line(row)}" for row in rows)])
