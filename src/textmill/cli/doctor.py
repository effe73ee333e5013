"""`textmill doctor RUN`: whether a run is whole, why its loss is as it is, and what to do. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from textmill.cli.output import Shell, on_one_line
from textmill.cli.run_argument import folder_argument
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.report.words import Words
    from textmill.results import Doctor, Finding


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
    from textmill.report.words import STATUSES, Words, language
    from textmill.results import NOT_CHECKED

    words = Words(language())
    if not found.whole:
        state = words("files are damaged")
    elif any(finding.what == NOT_CHECKED for finding in found.findings):
        state = words("no damage was found, but not every file has a seal")
    else:
        state = words("every file is what was written")
    status = words(STATUSES[found.status])
    lines = [f"{found.run}{words.colon}{status}{words.semicolon}{state}"]
    lines += [f"\n{finding_text(finding, words)}" for finding in found.findings]
    if found.resumes_from is not None and found.best is not None:
        told = words(
            "Training would go on from the checkpoint of step %(step)s; the best is that of step %(best)s.",
            step=found.resumes_from,
            best=found.best,
        )
        lines.append(f"\n{told}")
    elif found.resumes_from is not None:
        told = words("Training would go on from the checkpoint of step %(step)s.", step=found.resumes_from)
        lines.append(f"\n{told}")
    return "\n".join(lines)


def finding_text(finding: Finding, words: Words) -> str:
    from textmill.report.words import SEVERITIES

    what, evidence, remedy = (
        on_one_line(words.told(text, finding.messages)) for text in (finding.what, finding.evidence, finding.remedy)
    )
    severity = words(SEVERITIES[finding.severity])
    return "\n".join([f"{severity}{words.colon}{what}", *(f"  {row}" for row in (finding.where, evidence, remedy))])
