"""What a verb was asked for, and where its words go. Room: cli/.

stdout carries the result alone; everything else goes to stderr. Colour only where a terminal looks on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from textmill.errors import TextmillError

if TYPE_CHECKING:
    from textmill.config.layers import Loaded
    from textmill.results import Document

D = TypeVar("D", bound="Document")


@dataclass(frozen=True)
class Shell:
    """How a verb was called: the common options, and the knobs that were said."""

    json: bool
    quiet: bool
    verbose: bool
    dry_run: bool
    config_file: Path | None
    said: dict[str, Any]

    def load(self, **said: Any) -> Loaded:
        """All layers of knobs. said: more of the command line, section__name=value, such as data__paths=paths. Answers
        are those of stories where the text is stories."""
        from textmill.config.layers import load_config
        from textmill.config.train import LENGTHS, two_lengths

        lengths = [key for key in LENGTHS if key in self.said]
        if len(lengths) > 1:
            raise two_lengths(*lengths[:2])
        more = {key.replace("__", ".", 1): value for key, value in said.items()}
        loaded = load_config(self.said | more, self.config_file)
        if loaded.config.task.name != "answer" or not loaded.config.data.paths or "-" in loaded.config.data.paths:
            return loaded
        from textmill.text.stories import holds_stories

        data = loaded.config.data.model_copy(update={"questions": False})  # which files there are, whatever they hold
        if data.make_questions is None and holds_stories(data.paths, data):
            self.notice("these are stories with questions: --task story")
            return load_config(self.said | more | {"task.name": "story"}, self.config_file)
        from textmill.text.questions import holds_questions

        if data.make_questions is not None or holds_questions(data.paths, data):
            return loaded
        self.notice("these are documents without questions: some are made from them (--data.make_questions)")
        return load_config(self.said | more | {"data.make_questions": True}, self.config_file)

    def show(self, document: D, as_text: Callable[[D], str]) -> None:
        """The result, on stdout."""
        click.echo(document.to_json() if self.json else as_text(document))

    def notice(self, text: str) -> None:
        """Something worth knowing, on stderr."""
        if not self.quiet:
            click.echo(text, err=True)


def colour_wanted(arguments: Iterable[str] = ()) -> bool | None:
    """False where colour is declined; None leaves it to whether a terminal looks on (no-color.org, clig.dev)."""
    declined = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or "--no-color" in arguments
    return False if declined else None


def error_line(text: str, arguments: Sequence[str] = ()) -> str:
    label = click.style("error:", fg="red", bold=True)
    return (click.unstyle(label) if colour_wanted(arguments) is False else label) + " " + text


def show_error(error: TextmillError, arguments: Sequence[str] = ()) -> None:
    """`error: where: message`, then its hint, indented, on stderr."""
    place = f"{error.where}: " if error.where else ""
    click.echo(error_line(f"{place}{error.message}", arguments), err=True)
    for line in (error.hint or "").splitlines():
        click.echo(f"  {line.strip()}", err=True)


def forget(stream: IO[str]) -> None:
    """Nobody reads on: what is still buffered has nowhere to go, and saying so at exit would help nobody."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        return


def table(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Rows of cells as aligned columns, two blanks apart. right: the columns whose cells end at the same place.

    A CJK character is two columns wide, as terminals draw it.
    """
    right = set(right)
    widths = [max(width(row[column]) for row in rows if column < len(row)) for column in range(max(map(len, rows)))]
    lines = []
    for row in rows:
        padded = [
            " " * (widths[i] - width(cell)) + cell if i in right else cell + " " * (widths[i] - width(cell))
            for i, cell in enumerate(row)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def width(text: str) -> int:
    """Columns that a terminal gives a text."""
    import unicodedata

    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in click.unstyle(text)
    )


def for_terminal(text: str) -> str:
    """A text whose control characters are shown, not obeyed: a young model may write any. Lines and tabs stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def on_one_line(text: str) -> str:
    """A text with its line ends, tabs and control characters made visible."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
