"""`textmill classify RUN < in > out`: a line in, its class out. Room: cli/."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.lines import Lines
from textmill.cli.output import Shell, for_terminal
from textmill.cli.run_argument import run_argument, settings_of, use_threads
from textmill.cli.verb import verb
from textmill.errors import InputError

if TYPE_CHECKING:
    from textmill.results import Classified
    from textmill.runs import Run


@verb(
    "classify",
    knobs=("machine",),
    examples=(
        "textmill classify runs/reviews < in.txt > out.tsv      a line for each line, in order",
        'textmill classify runs/reviews "A fine film."          one text',
        "textmill classify runs/reviews --json < in.txt         with the probability of every class",
        "textmill classify runs/reviews --abstain 0.8 < in.txt  no answer where it is less sure",
        "textmill classify runs/reviews/floor < in.txt          the floor is a run too",
    ),
)
@run_argument
@click.argument("text", required=False)
@click.option(
    "--abstain",
    type=click.FloatRange(min=0.0, max=1.0),
    default=0.0,
    metavar="P",
    help="Give no answer that is less probable than this.",
)
@checkpoint_option
def classify_command(shell: Shell, run: Run, text: str | None, abstain: float, checkpoint: str | None) -> int:
    """Say of each line which class it belongs to: the class, a tab, its probability. An empty line gives an empty line.

    A text of any length is read whole. A line that is no UTF-8 is named, and its place stays empty; the exit code is 1
    then. With --abstain, a line whose answer is not sure enough has no class: its probability stands alone.
    """
    from textmill.tasks.classifying import LINES_AT_ONCE, classifier_of

    run.config = settings_of(run, shell, ("machine",))
    use_threads(run.config)
    classifier = classifier_of(run, checkpoint)
    source = Lines(shell) if text in (None, "-") else None
    lines = [text or ""] if source is None else source
    at_once = 1 if source is not None and sys.stdin.isatty() else LINES_AT_ONCE
    n_abstained = 0
    for found in classifier.lines(lines, at_once, abstain):
        n_abstained += found.abstained
        click.echo(found.to_json() if shell.json else for_terminal(shown(found)))
    if n_abstained:
        shell.notice(f"lines without an answer, because none is sure enough: {n_abstained:,}")
    if source is None:
        return 0
    if not source.number:
        raise InputError("there is no line to classify", where="standard input", hint="An empty line is one.")
    return 1 if source.n_bad else 0


def shown(found: Classified) -> str:
    """`positive<TAB>0.93`; of several labels the least sure one's."""
    if not found.probabilities:
        return ""
    sure = [found.probabilities[name] for name in found.labels] or [max(found.probabilities.values())]
    return f"{found.label}\t{min(sure):.3f}"
