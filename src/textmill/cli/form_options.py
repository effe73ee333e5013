"""`--form` and what belongs to it: the options of a poem that keeps its form. Room: cli/. Used by generate."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from textmill.errors import UsageError

if TYPE_CHECKING:
    from textmill.config import Config, GenerateConfig
    from textmill.generation.by_characters import FormConstraint
    from textmill.runs import Run

UNITS = ("characters", "words")


@dataclass(frozen=True)
class FormSaid:
    """What was said of a form; form None: nothing."""

    form: str | None = None
    rhyme: str | None = None
    acrostic: str | None = None
    unit: Any = None
    breaks: str | None = None

    def refuse(self, why: str) -> None:
        """Raises UsageError where anything was said."""
        for name, value in vars(self).items():
            if value is not None:
                raise UsageError(why, where=f"--{name}")

    def constraint(self, run: Run) -> FormConstraint | None:
        """The form as a constraint on what the run writes. Raises UsageError, InputError, RunError, MissingExtra."""
        if self.form is None:
            self.refuse("this belongs to a form: say --form too, such as --form 5x4")
            return None
        from textmill.generation.by_characters import FormConstraint, Spelling
        from textmill.generation.form import Form, Verse

        form = Form.of(self.form, self.rhyme, self.acrostic)
        from textmill.tasks.verse import verse_habits

        spelling = Spelling(run.tokenizer)
        habits = spelling.writable(verse_habits(run, self.unit, self._said_breaks()))
        rhymes = None
        if form.letters and habits.unit == "characters":
            from textmill.text.rhymes import sure_rhymes

            rhymes = sure_rhymes(habits.letters)
        return FormConstraint(Verse(form, habits, rhymes), spelling)

    def _said_breaks(self) -> frozenset[str] | None:
        if self.breaks is None:
            return None
        signs = self.breaks.replace("\\n", "\n")
        for sign in signs or " ":
            if sign.isalnum() or (sign.isspace() and sign != "\n"):
                raise UsageError(
                    f"'{sign}' parts no lines", where="--breaks", hint="Say signs, each by itself: '，。', '\\n'."
                )
        return frozenset(signs)


def with_room(config: Config, said: frozenset[str], constraint: FormConstraint) -> GenerateConfig:
    """The settings with room for the form. said: the knobs that a person said. Raises UsageError where what was said is
    too small."""
    settings, most = config.generate, constraint.most_tokens
    if "generate.max_new_tokens" in said and settings.max_new_tokens < most:
        raise UsageError(
            f"{settings.max_new_tokens} tokens are too few for the form, which can take {most}",
            where="--max-new-tokens",
            hint="Leave it out: a form ends by itself.",
        )
    return settings.model_copy(update={"max_new_tokens": max(settings.max_new_tokens, most)})


def form_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the verb the options, as `form: FormSaid`."""

    @click.option("--form", metavar="FORM", help="Lines of a poem: 5x4, four of five characters; or 7,5,7,5.")
    @click.option(
        "--rhyme",
        is_flag=False,
        flag_value="even",
        metavar="[SCHEME]",
        help="Of a form: AABA, x free. Default of the bare flag: even lines.",
    )
    @click.option("--acrostic", metavar="TEXT", help="Of a form: the first character of each line.")
    @click.option("--unit", type=click.Choice(UNITS), help="What a form counts. Default: as the training text is.")
    @click.option("--breaks", metavar="SIGNS", help="Of a form: what may end a line. Default: as in the training text.")
    @functools.wraps(function)
    def gathered(shell: Any, **values: Any) -> Any:
        said = FormSaid(**{name: values.pop(name) for name in FormSaid.__dataclass_fields__})
        return function(shell, form=said, **values)

    return gathered
