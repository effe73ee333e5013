"""`textmill score RUN "text"`: the probability of every token. Room: cli/."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.output import Shell, on_one_line, table
from textmill.cli.remote_options import remote_instead
from textmill.cli.run_argument import model_of, run_argument, settings_of
from textmill.cli.text_argument import text_from
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.results import Scored
    from textmill.runs import Run


@verb(
    "score",
    knobs=("eval.window", "eval.stride", "machine"),
    examples=(
        'textmill score runs/novel "It was a dark and stormy night"',
        'textmill score runs/novel/floor "It was a dark night"      what the 5-gram thinks of it',
        'textmill score runs/novel "山重水复" --alternatives 5 --json',
        "textmill score runs/novel - < letter.txt",
        'textmill score openai:NAME "It was" --base-url http://127.0.0.1:8000/v1      a model of a server',
    ),
)
@remote_instead("score")
@run_argument
@click.argument("text", required=False)
@click.option("--alternatives", type=click.IntRange(min=0), default=3, metavar="N", help="Likeliest tokens shown.")
@checkpoint_option
def score_command(shell: Shell, run: Run, text: str | None, alternatives: int, checkpoint: str | None) -> None:
    """Show P(token | the tokens before it) for every token of a text, its rank, and what was likelier.

    The text is an argument, `-`, or what is piped in (without its last line end).
    """
    from textmill.generation import score

    config = settings_of(run, shell, ("eval", "machine"))
    found = score(
        model_of(run, config, checkpoint),
        run.tokenizer,
        text_from(text),
        n_alternatives=alternatives,
        begin_mark=config.tokens.begin_mark,
        window=config.eval.window,
        stride=config.eval.stride,
    )
    shell.show(found, score_text)


def score_text(found: Scored) -> str:
    rows = [["token", "ln P", "P", "rank", "likeliest"]]
    for token in found.tokens:
        others = ", ".join(f"{quoted(other['text'])} {math.exp(other['logprob']):.3f}" for other in token.alternatives)
        probability = math.exp(token.logprob)
        rows.append(
            [
                quoted(token.text),
                f"{token.logprob:.4f}",
                f"{probability:.4f}",
                "–" if token.rank is None else f"{token.rank:,}",
                others,
            ]
        )
    from textmill.text.wording import counted

    n_tokens = len(found.tokens)
    total = f"{counted(n_tokens, 'token')}, ln P = {found.total_logprob:.4f} nats"
    if n_tokens:
        total += f", perplexity {math.exp(-found.total_logprob / n_tokens):.3f}"
    if found.unscored:
        total += f"; {quoted(found.unscored)}, which it begins with, has no probability there"
    return f"{table(rows, right=(1, 2, 3))}\n\n{total}"


def quoted(text: str) -> str:
    return f"'{on_one_line(text)}'"
