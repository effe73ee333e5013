"""--json-schema and --regex of the verbs that write: what every text obeys. Room: cli/.

Options and not knobs of [generate]: they belong to one question, not to a run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from textmill.errors import UsageError

if TYPE_CHECKING:
    from textmill.config.measure import GenerateConfig
    from textmill.generation.grammars import Grammar
    from textmill.generation.writing import PromptIds
    from textmill.tokens import Tokenizer


class Asked(NamedTuple):
    """What texts were asked to obey."""

    json_schema: str | None
    regex: str | None

    def __bool__(self) -> bool:
        return self.json_schema is not None or self.regex is not None

    def options(self) -> dict[str, bool]:
        """Which of the options were said, by name."""
        return {name: value is not None for name, value in self._asdict().items()}

    def constraint(
        self, tokenizer: Tokenizer, prompts: Sequence[str | PromptIds], settings: GenerateConfig
    ) -> Grammar | None:
        """What the texts behind these prompts obey; None where nothing was asked. Raises what grammar_of raises."""
        if not self:
            return None
        from textmill.generation.grammars import grammar_of

        return grammar_of(tokenizer, prompts, settings, self.json_schema, self.regex)


def constraint_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the verb `asked: Asked`. Raises UsageError where both were said."""

    @functools.wraps(function)
    def parted(*arguments: Any, json_schema: str | None, regex: str | None, **values: Any) -> Any:
        if json_schema is not None and regex is not None:
            raise UsageError("say --json-schema or --regex, not both")
        return function(*arguments, asked=Asked(json_schema, regex), **values)

    for option in (
        click.option("--regex", metavar="PATTERN", help="Every text matches it, whole, as Python's re.fullmatch does."),
        click.option("--json-schema", metavar="FILE|TEXT", help="Every text is JSON that the schema accepts."),
    ):
        parted = option(parted)
    return parted
