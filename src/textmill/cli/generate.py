"""`textmill generate RUN "prompt"`: a run writes on. Room: cli/."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.output import Shell, for_terminal
from textmill.cli.remote_options import remote_instead
from textmill.cli.run_argument import model_of, run_argument, settings_of
from textmill.cli.text_argument import text_from
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.results import Generated
    from textmill.runs import Prepared, Run


@verb(
    "generate",
    knobs=("generate", "machine", "run.seed"),
    examples=(
        'textmill generate runs/novel "Once upon a time"',
        'textmill generate runs/novel "Once" --n 3 --seed 7 --max-new-tokens 50',
        'textmill generate runs/novel "Once" --temperature 0        always the likeliest token',
        "echo Once | textmill generate runs/novel                   the prompt from standard input (also: -)",
        'textmill generate runs/novel "Once" --copies                what of it stands in the training text, and where',
        'textmill generate runs/novel "" --stop "." --json          an empty prompt: a text from its beginning',
        'textmill generate openai:NAME "Once" --base-url http://127.0.0.1:8000/v1      a model of a server',
    ),
)
@remote_instead("generate")
@run_argument
@click.argument("prompt", required=False)
@click.option("--n", type=click.IntRange(min=1), default=1, metavar="N", help="Texts to write.")
@click.option("--copies", is_flag=True, help="Say how much of a text stands in the training text, and where.")
@checkpoint_option
def generate_command(shell: Shell, run: Run, prompt: str | None, n: int, copies: bool, checkpoint: str | None) -> None:
    """Let RUN write on from a prompt. The text alone goes to stdout, without the prompt.

    The prompt is an argument, `-`, or what is piped in (without its last line end). The same seed gives the same text.
    Several texts stand apart by an empty line; --json prints a line of JSON for each. What --copies finds goes to
    stderr, or into the JSON.
    """
    from textmill.generation import write

    config = settings_of(run, shell, ("generate", "machine", "run.seed"))
    text = text_from(prompt)
    prepared = run.prepared() if copies else None  # refuses one whose text is gone, before anything is written
    writing = write(
        model_of(run, config, checkpoint),
        run.tokenizer,
        [text],
        config.generate,
        seed=config.run.seed,
        n=n,
        begin_mark=config.tokens.begin_mark,
        notice=shell.notice,
    )
    if n == 1 and not shell.json and sys.stdout.isatty():
        for piece in writing:
            click.echo(for_terminal(piece.text), nl=False)
            sys.stdout.flush()
        click.echo()
        show_copies(shell, with_copies(writing.results, prepared))
        return
    results = with_copies(writing.finish(), prepared)
    for place, result in enumerate(results):
        if shell.json:
            click.echo(result.to_json())
        else:
            click.echo(("\n" if place else "") + result.text)
    if not shell.json:
        show_copies(shell, results)


def with_copies(results: list[Generated], prepared: Prepared | None) -> list[Generated]:
    """The texts, and of each how much of it stands in the training text, where there is one to look in."""
    if prepared is None:
        return results
    from textmill.evaluation.copied import copied

    found = copied([result.text for result in results], prepared)
    return [result.model_copy(update={"copied": own}) for result, own in zip(results, found, strict=True)]


def show_copies(shell: Shell, results: list[Generated]) -> None:
    """On stderr, a block for each text."""
    from textmill.cli.writing import copied_text
    from textmill.report.words import Words, language

    for result in results:
        if result.copied is not None:
            shell.notice(copied_text(result.copied, Words(language())))
