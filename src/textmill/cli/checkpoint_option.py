"""--checkpoint best|last|STEP of the verbs that read a run's weights. Room: cli/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from textmill.errors import UsageError, did_you_mean


def checkpoint_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the verb `checkpoint`: "best", "last", the digits of a step, or None where it was not said."""
    option = click.option(
        "--checkpoint",
        callback=_checked,
        metavar="best|last|STEP",
        help="Which weights. Default: the best by validation, or the checkpoint folder that RUN names.",
    )
    return option(function)


def _checked(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None or value in ("best", "last") or value.isdecimal():
        return value
    raise UsageError(
        f"--checkpoint must be best, last or the number of a step, not {value!r}",
        hint=did_you_mean(value, ("best", "last")),
    )
