"""Which column or key holds the text. Room: text/ (bytes -> documents). Used by delimited and jsonl."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from functools import reduce

from textmill.errors import InputError, nearest
from textmill.messages import message
from textmill.text.long_text import Text, in_pieces
from textmill.text.wording import some_of

DEFAULT_COLUMNS = ("text", "正文", "文本")


def first_of(columns: Collection[str], wanted: Sequence[str]) -> str | None:
    """The first wanted name that there is; where none is wanted, the first of DEFAULT_COLUMNS, or else the only one
    that is such a name in other letters, such as Text.

    >>> first_of(["id", "正文", "body"], ["body", "正文"]), first_of(["id", "正文"], []), first_of(["id"], [])
    ('body', '正文', None)
    >>> first_of(["Sentiment", "Text"], []), first_of(["Text", "TEXT"], []), first_of(["Text"], ["text"])
    ('Text', None, None)
    """
    exact = next((name for name in wanted or DEFAULT_COLUMNS if name in columns), None)
    if exact is not None or wanted:
        return exact
    near = [name for name in columns if name.strip().casefold() in DEFAULT_COLUMNS]
    return near[0] if len(near) == 1 else None


def choose_column(columns: Sequence[str], wanted: Sequence[str], where: str) -> str:
    """The first wanted one that there is; where none is wanted, a default one, or the only column there is.

    Raises InputError with the columns found and the nearest name where there is no such column, or where several
    could hold the text.
    """
    found = first_of(columns, wanted)
    if found is not None:
        return found
    if wanted:
        raise no_column(wanted, columns, where)
    if len(columns) == 1:
        return columns[0]
    raise InputError(
        message(
            "no column '%(name)s', and several that could hold the text (there are: %(columns)s)",
            name=DEFAULT_COLUMNS[0],
            columns=listed(columns),
        ),
        where=where,
        hint=message("choose one with: --data.text NAME (where files differ: --data.text NAME,NAME)"),
    )


def no_column(wanted: Sequence[str], columns: Sequence[str], where: str, knob: str = "data.text") -> InputError:
    """The error for columns that are not there. knob: the one that names them."""
    near = next((column for name in wanted if (column := nearest(name, columns))), None)
    if len(wanted) == 1:
        others = message("choose one with: --%(knob)s NAME", knob=knob)
    else:
        others = message("name one of them too: --%(knob)s NAME,NAME", knob=knob)
    advice = meant(near, knob) if near else others
    names = reduce(
        lambda these, this: message("%(these)s or %(this)s", these=these, this=this), (f"'{name}'" for name in wanted)
    )
    return InputError(
        message("no column %(names)s (there are: %(columns)s)", names=names, columns=listed(columns)),
        where=where,
        hint=advice,
    )


def meant(column: str, knob: str) -> str:
    """The advice to name a column that was probably meant.

    >>> meant("sentment", "data.label")
    "did you mean 'sentment'? Choose it with: --data.label sentment"
    """
    said = shlex.quote(column.replace(",", "\\,"))
    return f"did you mean '{column}'? Choose it with: --{knob} {said}"


def listed(columns: Sequence[str], limit: int = 20) -> str:
    """Column names in a row, each cut to a readable length."""
    short = [name if len(name) <= 40 else f"{name[:40]}…" for name in columns]
    return some_of(short, limit=limit) if short else message("none")


def utf8_size(text: Text) -> int:
    """Bytes of the text in UTF-8; half a surrogate pair (only ever in columns that are not used) counts 3."""
    if isinstance(text, str):
        return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return sum(map(utf8_size, in_pieces(text)))
