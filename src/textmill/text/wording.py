"""Counts, lists and places as words of a sentence. Room: text/. Used wherever a note or an error is written.

What is made here from messages is one too, so that a note can be said in another language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from textmill.messages import Message, message

PART_WORDS: dict[str, Message] = {
    "train": message("train"),
    "validation": message("validation"),
    "test": message("test"),
}
"""A part in the middle of a sentence."""


def counted(n: int, noun: str) -> str:
    """
    >>> counted(1, "bad record"), counted(1200, "repeat")
    ('1 bad record', '1,200 repeats')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def left_out_as(category: str) -> Message:
    """A category of the ledger that has a name of its own.

    >>> left_out_as("other:png")
    'other:png'
    """
    return message("other:%(name)s", name=category.removeprefix("other:"))


def joined(parts: Iterable[str]) -> str:
    """
    >>> joined(["a", "b", "c"]), joined([])
    ('a, b, c', '')
    """
    parts = list(parts)
    return reduce(lambda these, this: message("%(these)s, %(this)s", these=these, this=this), parts) if parts else ""


def joined_clauses(parts: Iterable[Message]) -> Message:
    """At least one, parted by semicolons.

    >>> joined_clauses([message("%(n)s bytes", n=2), message("%(n)s bytes", n=3)])
    '2 bytes; 3 bytes'
    """
    return reduce(lambda these, this: message("%(these)s; %(this)s", these=these, this=this), parts)


def placed(where: str, what: str) -> Message:
    """
    >>> placed("a.csv:2", "no text")
    'a.csv:2: no text'
    """
    return message("%(where)s: %(what)s", where=where, what=what)


def advised(what: str, hint: str | None) -> str:
    """What an error says, with what to do about it where that is known.

    >>> advised("is locked", "save it without a password"), advised("is locked", None)
    ('is locked (save it without a password)', 'is locked')
    """
    return message("%(what)s (%(hint)s)", what=what, hint=hint) if hint else what


def first_line(error: Exception) -> str:
    """The first line of what an exception says, or its name where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def damage(kind: str, error: Exception) -> Message:
    """
    >>> damage("PDF", ValueError("no trailer"))
    'damaged, or no PDF: no trailer'
    """
    return message("damaged, or no %(kind)s: %(error)s", kind=kind, error=first_line(error))


def not_installed(ending: str, package: str) -> Message:
    """
    >>> not_installed(".pdf", "pypdf")
    'reading .pdf needs pypdf, which is not installed'
    """
    return message("reading %(ending)s needs %(package)s, which is not installed", ending=ending, package=package)


def some_of(names: Sequence[str], n_all: int | None = None, limit: int = 3) -> str:
    """The first names, and how many more there are. `n_all`: where `names` is only the beginning of a list.

    >>> some_of(["a", "b", "c", "d"]), some_of(["a"], n_all=3)
    ('a, b, c and 1 more', 'a and 2 more')
    """
    shown = names[:limit]
    rest = (len(names) if n_all is None else n_all) - len(shown)
    return message("%(names)s and %(n)s more", names=joined(shown), n=f"{rest:,}") if rest > 0 else joined(shown)


def percent(share: float) -> str:
    """
    >>> percent(0.05), percent(0.125)
    ('5 %', '12.5 %')
    """
    return f"{round(100 * share, 1):g} %"
