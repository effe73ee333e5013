"""Counts and lists as words of a sentence. Room: text/. Used wherever a note or an error is written."""

from __future__ import annotations

from collections.abc import Sequence


def counted(n: int, noun: str) -> str:
    """
    >>> counted(1, "bad record"), counted(1200, "repeat")
    ('1 bad record', '1,200 repeats')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def some_of(names: Sequence[str], n_all: int | None = None, limit: int = 3) -> str:
    """The first names, and how many more there are. `n_all`: where `names` is only the beginning of a list.

    >>> some_of(["a", "b", "c", "d"]), some_of(["a"], n_all=3)
    ('a, b, c and 1 more', 'a and 2 more')
    """
    shown = list(names[:limit])
    rest = (len(names) if n_all is None else n_all) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest > 0 else "")


def percent(share: float) -> str:
    """
    >>> percent(0.05), percent(0.125)
    ('5 %', '12.5 %')
    """
    return f"{round(100 * share, 1):g} %"
