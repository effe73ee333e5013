"""`textmill train PATH...`: text in, a run folder out; called again, it continues. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from textmill.cli.fetching import fetch_on_use
from textmill.cli.output import Shell
from textmill.cli.plan import plan_text
from textmill.cli.progress import TerminalListener
from textmill.cli.scores import scores_table
from textmill.cli.verb import verb
from textmill.config.knobs import SECTIONS
from textmill.errors import UsageError

if TYPE_CHECKING:
    from textmill.config.layers import Loaded
    from textmill.results import Trained, Verified


EVERY_STEP = "all"


@verb(
    "train",
    knobs=tuple(SECTIONS),
    unlisted=("generate",),
    writes=True,
    examples=(
        "textmill train my_texts/                   a Transformer of fitting size, in runs/my_texts",
        "textmill train my_texts/                   again: goes on after Ctrl-C or a crash, to the same bits",
        "textmill train novel.txt --minutes 60      an hour in all; size and steps are chosen for it (default: 10)",
        "textmill train novel.txt --arch lstm       rnn, lstm, gru or transformer",
        "textmill train novel.txt --size small --steps 5000 --name novel-small",
        "textmill train reviews.csv --data.text body --train.lr 3e-4",
        "textmill train my_texts/ -n                plan and files, nothing is written",
        "textmill train reviews.csv --task classify --pretrain more.txt    first hidden words of text without labels",
        "textmill train more.txt --from runs/novel  begin with the weights of another run",
        "textmill train chats.jsonl --from runs/novel --tune lora          small adapters; of chats the answers count",
        "textmill train -c run.toml                 knobs from a file, such as a run's config.toml",
        "textmill train runs/novel --verify         repeat the last stretch in memory: the same to the bit?",
    ),
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--fresh", is_flag=True, help="Begin anew, even where a run of this name lies.")
@click.option(
    "--verify",
    is_flag=False,
    flag_value=EVERY_STEP,
    default=None,
    metavar="[K]",
    help="Train nothing: repeat the steps (K at most) before the last checkpoint in memory and compare all tensors and "
    "logged losses. Stands last, after PATH or RUN. Exit code 1 if anything differs.",
)
def train_command(shell: Shell, paths: tuple[str, ...], fresh: bool, verify: str | None) -> int:
    """Train a language model on text, measure it, and write its report.

    PATH is a file (.txt .md .csv .tsv .jsonl), a folder, `-` for standard input, or what `textmill data list` shows:
    pypi:NAME and builtin:NAME. The run lies in runs/NAME. The same command on an unfinished run continues it.
    """
    if verify is not None:
        if fresh or shell.dry_run:
            raise UsageError("--verify goes with neither --fresh nor -n: it trains nothing")
        return verified(shell, paths, None if verify == EVERY_STEP else steps_said(verify))
    loaded = loaded_for(shell, paths, will_train=not shell.dry_run)
    if shell.dry_run:
        from textmill.training import plan_run

        shell.show(plan_run(loaded), plan_text)
        return 0
    from textmill.training import train

    with TerminalListener(shell) as listener:
        run = train(loaded, fresh=fresh, listener=listener)
    trained = run.trained()
    shell.show(trained, trained_text)
    if trained.next:
        shell.notice("\n".join(["next:", *(f"  {command}" for command in trained.next)]))
    return 0


def steps_said(word: str) -> int:
    """K of --verify. A PATH that stands in its place is told where to stand."""
    if not word.isdecimal() or int(word) < 1:
        raise UsageError(
            f"--verify takes a number of steps from 1 on, not '{word}'",
            hint="It stands last: textmill train RUN --verify",
        )
    return int(word)


def verified(shell: Shell, paths: tuple[str, ...], n_steps: int | None) -> int:
    """Repeat a stretch of the run; 0 if it comes to the same, else 1."""
    loaded = shell.load(data__paths=paths) if paths else shell.load()
    if not loaded.config.data.paths or "-" in loaded.config.data.paths:
        raise UsageError("--verify needs the run: textmill train runs/NAME --verify")
    from textmill.training import verify_run

    with TerminalListener(shell) as listener:
        found = verify_run(loaded, n_steps, listener)
    shell.show(found, verified_text)
    return 0 if found.equal else 1


def verified_text(found: Verified) -> str:
    from textmill.text.wording import counted

    stretch = f"{found.run}: steps {found.first_step} to {found.last_step}"
    if found.equal:
        return (
            f"{stretch}, done again, are equal to {found.compared_with}: {found.n_tensors} tensors to the bit, and "
            f"{counted(found.n_logged, 'line')} of the log"
        )
    first, *others = found.differences
    by = "" if first.by is None else f", by {first.by:.3g}"
    more = f" ({len(others)} more differ)" if others else ""
    return f"{stretch}, done again, differ from {found.compared_with}; first in {first.what}{by}{more}"


def loaded_for(shell: Shell, paths: tuple[str, ...], will_train: bool = False) -> Loaded:
    """The knobs of a run over these paths, or over those that a config file names.

    will_train: refused where another process trains this run, before anything heavy is loaded or fetched.
    """
    if paths and "data.paths" in shell.said:
        raise UsageError("say PATH or --data.paths, not both")
    loaded = shell.load(data__paths=paths) if paths else shell.load()
    data = loaded.config.data
    if not data.paths:
        raise UsageError("there is no PATH to train on", hint="`textmill train my_texts/`, or data.paths in a config")
    if will_train:
        from textmill.runs.lock import refuse_if_locked
        from textmill.training.naming import folder_of

        refuse_if_locked(folder_of(loaded.config))
    unlabelled = (path for path in loaded.config.train.pretrain if path != "same")
    fetch_on_use(shell, (*data.paths, *data.valid, *data.test, *unlabelled))
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
