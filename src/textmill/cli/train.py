"""`textmill train PATH...`: text in, a run folder out; called again, it continues. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from textmill.cli.data import fetch_on_use
from textmill.cli.output import Shell
from textmill.cli.plan import plan_text
from textmill.cli.progress import TerminalListener
from textmill.cli.scores import scores_table
from textmill.cli.verb import verb
from textmill.config.knobs import sections
from textmill.errors import UsageError
from textmill.results import Trained

if TYPE_CHECKING:
    from textmill.config.layers import Loaded


@verb(
    "train",
    knobs=tuple(sections()),
    unlisted=("generate",),
    writes=True,
    examples=(
        "textmill train my_texts/                   a Transformer of fitting size, in runs/my_texts",
        "textmill train my_texts/                   again: goes on after Ctrl-C or a crash, to the same bits",
        "textmill train novel.txt --arch lstm       rnn, lstm, gru or transformer",
        "textmill train novel.txt --size small --steps 5000 --name novel-small",
        "textmill train reviews.csv --data.text body --train.lr 3e-4",
        "textmill train my_texts/ -n                plan and files, nothing is written",
        "textmill train -c run.toml                 knobs from a file, such as a run's config.toml",
    ),
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--fresh", is_flag=True, help="Begin anew, even where a run of this name lies.")
def train_command(shell: Shell, paths: tuple[str, ...], fresh: bool) -> None:
    """Train a language model on text, measure it, and write its report.

    PATH is a file (.txt .md .csv .tsv .jsonl), a folder, `-` for standard input, or what `textmill data list` shows:
    pypi:NAME and builtin:NAME. The run lies in runs/NAME. The same command on an unfinished run continues it.
    """
    loaded = loaded_for(shell, paths)
    if shell.dry_run:
        from textmill.training import plan_run

        shell.show(plan_run(loaded), plan_text)
        return
    from textmill.training import train

    with TerminalListener(shell) as listener:
        run = train(loaded, fresh=fresh, listener=listener)
    trained = run.trained()
    shell.show(trained, trained_text)
    if trained.next:
        shell.notice("\n".join(["next:", *(f"  {command}" for command in trained.next)]))


def loaded_for(shell: Shell, paths: tuple[str, ...]) -> Loaded:
    """The knobs of a run over these paths, or over those that a config file names."""
    if paths and "data.paths" in shell.said:
        raise UsageError("say PATH or --data.paths, not both")
    loaded = shell.load(data__paths=paths) if paths else shell.load()
    data = loaded.config.data
    fetch_on_use(shell, (*data.paths, *data.valid, *data.test))
    if not data.paths:
        raise UsageError("there is no PATH to train on", hint="`textmill train my_texts/`, or data.paths in a config")
    return loaded


def trained_text(trained: Trained) -> str:
    lines = [f"{trained.run}, step {trained.step:,}"]
    if trained.metrics:
        lines += ["", scores_table(trained.metrics, trained.baselines)]
    if trained.verdict:
        lines += ["", trained.verdict]
    if trained.report:
        lines += ["", f"report: {trained.report}"]
    return "\n".join(lines)
