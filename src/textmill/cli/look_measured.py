"""What `textmill look` measures or writes when it is asked to: --leaks, --mistakes, --tokens, --removed. Room: cli/."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from textmill.cli.output import Shell, on_one_line, table
from textmill.cli.run_argument import open_argument
from textmill.errors import UsageError

if TYPE_CHECKING:
    from textmill.report.words import Words
    from textmill.results import Leaks, Look, Mistakes, TokenCosts


def measuring_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of this module."""
    for option in (
        click.option(
            "--removed",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Write all that cleaning takes out into this new file, one JSON object a line.",
        ),
        click.option(
            "--tokens-of",
            multiple=True,
            metavar="RUN",
            help="With --tokens (which it implies): that run's tokenizer too.",
        ),
        click.option("--tokens", is_flag=True, help="What tokenizers spend on this text, by language."),
        click.option(
            "--mistakes-file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="With --mistakes (which it implies): write them all into this new file, .csv or .jsonl.",
        ),
        click.option("--mistakes", is_flag=True, help="Which labels are likely wrong (--task classify)."),
        click.option("--leaks", is_flag=True, help="How much better a model would look under a naive split."),
    ):
        function = option(function)
    return function


def measurements(
    shell: Shell,
    paths: Sequence[str],
    leaks: bool,
    mistakes: bool,
    mistakes_file: Path | None,
    tokens: bool,
    tokens_of: tuple[str, ...],
    removed: Path | None,
) -> dict[str, Any]:
    """What the shell was asked to measure, as textmill.look takes it. Raises UsageError, RunError, InputError."""
    if removed is not None:
        from textmill.text.removals import refuse_place

        if "-" in paths:
            raise UsageError(
                "what is removed from standard input cannot be given back to it", hint="Keep the text in a file first."
            )
        refuse_place(removed, paths)
    asked: dict[str, Any] = {}
    if leaks:
        asked["leaks"] = True
    if mistakes or mistakes_file:
        asked["mistakes"] = mistakes_file or True
    if tokens or tokens_of:
        asked["tokens"] = {name: open_argument(name).tokenizer for name in tokens_of}
    if removed is not None:
        asked["removed"] = removed
    return asked


def measured_texts(found: Look, words: Words) -> Iterator[str]:
    """A block for each measurement that was asked for."""
    from textmill.report.numbers import count, size

    if found.leaks:
        yield leaks_text(found.leaks, found, words)
    if found.mistakes:
        yield mistakes_text(found.mistakes, found, words)
    if found.tokens:
        yield tokens_text(found.tokens, found, words)
    if found.removals:
        removals = found.removals
        yield words(
            "removals: %(path)s, %(n)s stretches, %(size)s",
            path=on_one_line(removals.path),
            n=count(removals.n),
            size=size(removals.bytes),
        )


def leaks_text(leaks: Leaks, found: Look, words: Words) -> str:
    from textmill.report.looked import leak_metric, leak_rows

    verdict = words.told(leaks.verdict, found.messages)
    rows = leak_rows(leaks, words)
    if not rows:
        return words("leaks: %(why)s", why=verdict)
    return f"{table([(words('leaks'), leak_metric(leaks, words), ''), *rows], right=(1,))}\n{verdict}"


def mistakes_text(mistakes: Mistakes, found: Look, words: Words) -> str:
    from textmill.report.looked import mistake_rows, mistakes_left_out

    lines = [words("label mistakes: %(what)s", what=words.told(mistakes.verdict, found.messages))]
    rows = mistake_rows(mistakes, words)
    if rows:
        lines += table([[on_one_line(cell) for cell in row] for row in rows], right=(3,)).splitlines()
    if left_out := mistakes_left_out(mistakes, words):
        lines.append(left_out)
    if mistakes.seconds is not None:
        lines.append(words("It took %(n)s seconds.", n=f"{mistakes.seconds:,.0f}"))
    return "\n".join(lines)


def tokens_text(costs: TokenCosts, found: Look, words: Words) -> str:
    from textmill.report.looked import token_rows

    rows = token_rows(costs, words)
    notes = [words.told(note, found.messages) for note in costs.notes]
    return "\n".join([table(rows, right=range(1, len(rows[0]))), *notes])
