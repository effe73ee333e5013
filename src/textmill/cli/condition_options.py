"""`--title`, `--author` and `--given NAME=VALUE`: what a text is written under. Room: cli/. Used by generate."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from textmill.errors import UsageError

SHORT = ("title", "author")


def condition_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the verb the options, as `given: {name: value}`. Raises UsageError for what is no NAME=VALUE."""

    @click.option("--title", metavar="TEXT", help="Of a run with conditions: the same as --given title=TEXT.")
    @click.option("--author", metavar="TEXT", help="Of a run with conditions: the same as --given author=TEXT.")
    @click.option("--given", multiple=True, metavar="NAME=TEXT", help="A condition of the run (data.conditions).")
    @functools.wraps(function)
    def gathered(shell: Any, given: tuple[str, ...], **values: Any) -> Any:
        pairs = [(name, value) for name in SHORT if (value := values.pop(name)) is not None]
        for said in given:
            name, equals, value = said.partition("=")
            if not equals or not name:
                raise UsageError(f"'{said}' is no NAME=TEXT", where="--given", hint="Such as --given title=春望")
            pairs.append((name, value))
        conditions = dict(pairs)
        if len(conditions) < len(pairs):
            raise UsageError("a condition is said twice", where="--given")
        return function(shell, given=conditions, **values)

    return gathered
