"""`textmill compare RUN RUN`: which of two runs is better on the same text, and how sure that is. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from textmill.cli.output import Shell, table
from textmill.cli.remote_options import PROMPTS, SCHEME, TEXT_WAYS, RemoteSaid, remote_options
from textmill.cli.run_argument import open_argument, settings_of, use_threads
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.results import Comparison


@verb(
    "compare",
    knobs=("eval", "machine"),
    examples=(
        "textmill compare runs/lstm runs/gru                 on what both held out",
        "textmill compare runs/lstm runs/gru --data new.txt  on another text",
        "textmill compare runs/novel/floor runs/novel        the 5-gram floor is a run too",
        "textmill compare runs/reviews openai:NAME --data new.csv --prompts reviews.toml      a model of a server",
    ),
)
@remote_options(**PROMPTS, **TEXT_WAYS)
@click.argument("run", metavar="RUN")
@click.argument("other", metavar="RUN")
@click.option("--data", metavar="PATH", help="Text to measure on. Default: the part that both runs held out.")
def compare_command(shell: Shell, remote: RemoteSaid, run: str, other: str, data: str | None) -> None:
    """Measure two runs on the same text and say which is better: bits per byte, of translators BLEU and chrF
    too; of classifiers accuracy and macro F1; of runs that answer questions exact match and F1.

    The differences are paired: the same documents are drawn for both. Nothing is kept.
    """
    from textmill.evaluation.comparing import compare

    if run.startswith(SCHEME) or other.startswith(SCHEME):
        from textmill.cli.remote import compared_with_remote

        shell.show(compared_with_remote(shell, remote, (run, other), data), comparison_text)
        return
    remote.refuse(run)
    runs = [open_argument(name) for name in (run, other)]
    for one in runs:
        one.config = settings_of(one, shell, ("eval", "machine"))
        use_threads(one.config)
    shell.show(compare(runs[0], runs[1], data), comparison_text)


def comparison_text(found: Comparison) -> str:
    """A column for each run, one for the second minus the first."""
    from textmill.cli.scores import titles_of
    from textmill.report.numbers import shown

    cells = [["", *found.runs, "second − first", f"{found.confidence:.0%} interval"]]
    for name, title in titles_of(found.metrics[0]).items():
        if not all(name in metrics for metrics in found.metrics):
            continue
        difference = found.differences.get(name)
        ends = difference.interval if difference else None
        cells.append(
            [
                title,
                *(shown(name, metrics[name]) for metrics in found.metrics),
                signed(difference.value) if difference else "",
                " to ".join(map(signed, ends)) if ends else "",
            ]
        )
    blocks = [f"on {found.data}: {found.n_documents:,} documents", table(cells, right=range(1, 5)), found.verdict]
    return "\n\n".join([*blocks, *(f"note: {note}" for note in found.notes)])


def signed(value: float) -> str:
    """A difference with its sign."""
    from textmill.report.numbers import measure

    return f"{'+' if value > 0 else ''}{measure(value)}"
