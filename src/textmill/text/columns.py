"""Which column or key holds the text. Room: text/ (bytes -> documents). Used by delimited and jsonl."""

from __future__ import annotations

from collections.abc import Sequence

from textmill.errors import InputError, did_you_mean
from textmill.text.long_text import Text, in_pieces

DEFAULT_COLUMN = "text"


def choose_column(columns: Sequence[str], wanted: str | None, where: str) -> str:
    """`wanted`, or `text`, or the only column there is.

    Raises InputError with the columns found and the nearest name where there is no such column, or where several
    could hold the text.
    """
    if wanted is not None:
        if wanted in columns:
            return wanted
        raise no_column(wanted, columns, where)
    if DEFAULT_COLUMN in columns:
        return DEFAULT_COLUMN
    if len(columns) == 1:
        return columns[0]
    raise InputError(
        f"no column '{DEFAULT_COLUMN}', and several that could hold the text (there are: {listed(columns)})",
        where=where,
        hint="choose one with: --data.text NAME",
    )


def no_column(wanted: str, columns: Sequence[str], where: str) -> InputError:
    """The error for a column that is not there."""
    near = did_you_mean(wanted, columns)
    advice = f"{near} Choose it with: --data.text NAME" if near else "choose one with: --data.text NAME"
    return InputError(f"no column '{wanted}' (there are: {listed(columns)})", where=where, hint=advice)


def listed(columns: Sequence[str], limit: int = 20) -> str:
    """Column names in a row, each cut to a readable length."""
    short = [name if len(name) <= 40 else f"{name[:40]}…" for name in columns]
    rest = f" and {len(short) - limit} more" if len(short) > limit else ""
    return ", ".join(short[:limit]) + rest if short else "none"


def utf8_size(text: Text) -> int:
    """Bytes of the text in UTF-8; half a surrogate pair (only ever in columns that are not used) counts 3."""
    if isinstance(text, str):
        return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return sum(map(utf8_size, in_pieces(text)))
