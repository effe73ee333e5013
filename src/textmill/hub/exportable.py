"""Which formats there are, and whether a config can leave in one: asked before anything is trained. Room: hub/.

The formats stand in tables.EXPORTS; one is loaded when it is asked for. Used by export.py, the verb, and training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textmill.config import Config
from textmill.errors import UsageError, did_you_mean
from textmill.tables import EXPORTS, SMALLER, load

if TYPE_CHECKING:
    from textmill.hub.leaving import Format


def refuse_unexportable(config: Config, kind: str | None = None) -> None:
    """Raises ConfigError where train.exportable names a format that has no place for what the config trains. kind: of
    the tokenizer; default, as the config says. Loads no package of the format."""
    if config.train.exportable is not None:
        format_named(config.train.exportable).refuse(config, kind or config.tokens.kind)


def format_named(to: str) -> Format:
    """Raises UsageError for one that stands in no table."""
    if to not in EXPORTS:
        raise UsageError(
            f"there is no format {to!r} to export to (there are: {', '.join((*EXPORTS, *SMALLER))})",
            hint=did_you_mean(to, (*EXPORTS, *SMALLER)),
        )
    made: Format = load(EXPORTS[to])()
    return made
