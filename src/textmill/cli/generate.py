"""`textmill generate RUN "prompt"`: a run writes on. Room: cli/."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.constraint_options import Asked, constraint_options
from textmill.cli.output import Shell, for_terminal
from textmill.cli.remote_options import remote_instead
from textmill.cli.run_argument import model_of, run_argument, settings_of
from textmill.cli.text_argument import text_from
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.runs import Run


@verb(
    "generate",
    knobs=("generate", "machine", "run.seed"),
    examples=(
        'textmill generate runs/novel "Once upon a time"',
        'textmill generate runs/novel "Once" --n 3 --seed 7 --max-new-tokens 50',
        'textmill generate runs/novel "Once" --temperature 0        always the likeliest token',
        "echo Once | textmill generate runs/novel                   the prompt from standard input (also: -)",
        'textmill generate runs/novel "" --stop "." --json          an empty prompt: a text from its beginning',
        'textmill generate runs/novel "A cat: " --json-schema cat.json      JSON that a schema accepts; also: --regex',
        'textmill generate openai:NAME "Once" --base-url http://127.0.0.1:8000/v1      a model of a server',
    ),
)
@remote_instead("generate")
@run_argument
@click.argument("prompt", required=False)
@click.option("--n", type=click.IntRange(min=1), default=1, metavar="N", help="Texts to write.")
@constraint_options
@checkpoint_option
def generate_command(shell: Shell, run: Run, prompt: str | None, n: int, asked: Asked, checkpoint: str | None) -> None:
    """Let RUN write on from a prompt. The text alone goes to stdout, without the prompt.

    The prompt is an argument, `-`, or what is piped in (without its last line end). The same seed gives the same text.
    Several texts stand apart by an empty line; --json prints a line of JSON for each. Under --json-schema or --regex
    every text obeys, and ends within --max-new-tokens.
    """
    from textmill.generation import write

    config = settings_of(run, shell, ("generate", "machine", "run.seed"))
    text = text_from(prompt)
    writing = write(
        model_of(run, config, checkpoint),
        run.tokenizer,
        [text],
        config.generate,
        seed=config.run.seed,
        n=n,
        begin_mark=config.tokens.begin_mark,
        notice=shell.notice,
        constraint=asked.constraint(run.tokenizer, [text], config.generate),
    )
    if n == 1 and not shell.json and sys.stdout.isatty():
        for piece in writing:
            click.echo(for_terminal(piece.text), nl=False)
            sys.stdout.flush()
        click.echo()
        return
    for place, result in enumerate(writing.finish()):
        if shell.json:
            click.echo(result.to_json())
        else:
            click.echo(("\n" if place else "") + result.text)
