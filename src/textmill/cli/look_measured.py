"""What `textmill look` measures or writes when it is asked to: --leaks, --tokens, --removed. Room: cli/."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from textmill.cli.output import Shell, on_one_line, table
from textmill.cli.run_argument import open_argument
from textmill.errors import UsageError
from textmill.results import Leaks, Look, TokenCosts, TokenizerCost


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
        click.option("--leaks", is_flag=True, help="How much better a model would look under a naive split."),
    ):
        function = option(function)
    return function


def measurements(
    shell: Shell,
    paths: Sequence[str],
    leaks: bool,
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
    if tokens or tokens_of:
        asked["tokens"] = {name: open_argument(name).tokenizer for name in tokens_of}
    if removed is not None:
        asked["removed"] = removed
    return asked


def measured_texts(found: Look) -> Iterator[str]:
    """A block for each measurement that was asked for."""
    from textmill.report.numbers import count, size

    if found.leaks:
        yield leaks_text(found.leaks)
    if found.tokens:
        yield tokens_text(found.tokens)
    if found.removals:
        removals = found.removals
        yield f"removals: {on_one_line(removals.path)}, {count(removals.n)} stretches, {size(removals.bytes)}"


def leaks_text(leaks: Leaks) -> str:
    from textmill.report.numbers import measure

    if leaks.naive is None or leaks.grouped is None:
        return f"leaks: {leaks.verdict}"
    how = {"document": ("documents at random", "repeats on one side"), "line": ("lines at random", "whole blocks")}
    naive, grouped = how[leaks.by]
    rows = [["leaks", "bits per byte", ""], ["naive split", measure(leaks.naive), naive]]
    rows.append(["training's split", measure(leaks.grouped), grouped])
    interval = "" if leaks.interval is None else f"{measure(leaks.interval[0])} to {measure(leaks.interval[1])}"
    rows.append(["difference", measure(leaks.difference), interval])
    return f"{table(rows, right=(1,))}\n{leaks.verdict}"


def tokens_text(costs: TokenCosts) -> str:
    from textmill.report.numbers import count, measure

    languages = list(dict.fromkeys(language for one in costs.tokenizers for language in one.languages))
    rows = [["tokens per character / bytes per token", "ids", "all", *languages]]
    for one in costs.tokenizers:
        spent = [one.total, *(one.languages[language] for language in languages)]
        cells = [f"{measure(cost.tokens_per_character)} / {measure(cost.bytes_per_token)}" for cost in spent]
        rows.append([_named(one), count(one.vocab_size), *cells])
    return "\n".join([table(rows, right=range(1, len(rows[0]))), *costs.notes])


def _named(one: TokenizerCost) -> str:
    if one.chosen:
        return f"{one.kind} (training's choice)"
    return f"{one.kind} ({on_one_line(one.run)})" if one.run else one.kind
