"""`textmill report RUN`: one page that works offline. Room: cli/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from textmill.cli.output import Shell
from textmill.cli.plan import show_plan
from textmill.cli.run_argument import run_argument
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.results import Reported
    from textmill.runs import Run


@verb(
    "report",
    writes=True,
    examples=(
        "textmill report runs/novel                  writes report.html, README.md and plots/ into the run",
        "textmill report runs/novel --lang zh --out page/",
    ),
)
@run_argument
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the page. Default: the run's.")
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the page. Default: TEXTMILL_LANG, LANG.")
def report_command(shell: Shell, run: Run, out: Path | None, lang: str | None) -> None:
    """Write the report of RUN: curve, samples, byte ledger, floors and intervals on one page, and its model card."""
    from textmill.report.words import language

    folder, lang = out or run.path, lang or language()
    if shell.dry_run:
        writes = [str(folder / name) for name in ("report.html", "README.md", "plots/")]
        show_plan(shell, verb="report", run=str(run.path), writes=writes, plan={"lang": lang})
        return
    from textmill.report import render

    shell.show(render(run.report(), folder, lang=lang), reported_text)


def reported_text(reported: Reported) -> str:
    return "\n".join([reported.report, reported.card, *reported.plots, *reported.notes])
