"""Where an answer stands in its passage, whatever its file says. Room: text/ (bytes -> documents). Used by questions.

A place counts code points, from 0. Files are written by programs that count otherwise (UTF-8 bytes, UTF-16 units), that
changed the text after they counted, or that counted wrong; each of these is told apart, so that it can be counted.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

How = Literal["given", "found", "bytes", "utf-16", "moved", "unclear", "absent"]

REPAIRED: tuple[How, ...] = ("bytes", "utf-16", "moved")
"""The file says another place, and only this one can be meant."""
FEW = 1000
"""So many places of one answer are looked at; in a passage with more of them the nearest may be another."""


@dataclass(frozen=True)
class Placed:
    """An answer in its passage: passage[start : start + len(text)] == text.

    how: given, where the file says; found, where it says nothing, and the answer stands there once; bytes and utf-16,
    if it counted these; moved, at the only place there is, though it says another; unclear, at the nearest of several
    places, none of which it says. Of one that is absent, start is -1 and text what was sought.
    """

    start: int
    text: str
    how: How


def place(passage: str, text: str, given: int | None = None) -> Placed:
    """The answer `text` in a passage, which its file says to begin at `given`; None: it does not say.

    What differs from the passage in blanks at its ends, or in how letters and their marks are composed, is found, as
    the passage writes it. text: not blank.

    >>> place("Opened in 1971, the café serves 40 guests.", "40", 33)
    Placed(start=32, text='40', how='bytes')
    >>> place("In March. In March too.", "March", 4)
    Placed(start=3, text='March', how='unclear')
    """
    if given is not None and passage.startswith(text, given) and given >= 0:
        return Placed(given, text, "given")
    stretches = [(start, start + len(text)) for start in starts_of(passage, text)]
    if not stretches and text != text.strip():
        lead = len(text) - len(text.lstrip())
        return place(passage, text.strip(), None if given is None else given + lead)
    if not stretches:
        stretches = composed_alike(passage, text)
    if not stretches:
        return Placed(-1, text, "absent")
    starts = [start for start, _ in stretches]

    def at(start: int, how: How) -> Placed:
        return Placed(start, passage[start : dict(stretches)[start]], how)

    if given is None:
        return at(starts[0], "found" if len(starts) == 1 else "unclear")
    if given in starts:
        return at(given, "given")
    units: dict[How, int | None] = {"bytes": given_in_bytes(passage, given), "utf-16": given_in_utf_16(passage, given)}
    meant: dict[How, int] = {how: start for how, start in units.items() if start is not None and start in starts}
    if len(set(meant.values())) == 1:
        how, start = next(iter(meant.items()))
        return at(start, how)
    if len(starts) == 1:
        return at(starts[0], "moved")
    return at(min(starts, key=lambda start: abs(start - given)), "unclear")


def starts_of(passage: str, text: str) -> list[int]:
    """Where the text stands, overlapping places too; the first FEW."""
    starts: list[int] = []
    start = passage.find(text)
    while start >= 0 and len(starts) < FEW:
        starts.append(start)
        start = passage.find(text, start + 1)
    return starts


def given_in_bytes(passage: str, given: int) -> int | None:
    """The code point that begins at so many bytes of UTF-8; None where none does.

    >>> given_in_bytes("café 1", 6), given_in_bytes("café", 4)
    (5, None)
    """
    raw = passage.encode()
    if not 0 <= given <= len(raw) or (given < len(raw) and 0x80 <= raw[given] < 0xC0):
        return None
    return len(raw[:given].decode())


def given_in_utf_16(passage: str, given: int) -> int | None:
    """The code point that begins at so many units of UTF-16; None where none does.

    >>> given_in_utf_16("🎉!", 2), given_in_utf_16("🎉!", 1)
    (1, None)
    """
    raw = passage.encode("utf-16-le")
    if not 0 <= 2 * given <= len(raw) or (2 * given < len(raw) and 0xDC <= raw[2 * given + 1] < 0xE0):
        return None
    return len(raw[: 2 * given].decode("utf-16-le"))


def composed_alike(passage: str, text: str) -> list[tuple[int, int]]:
    """The stretches of whole characters that are the text but for how letters and marks are composed, as (start, end).

    >>> composed_alike("cafe\u0301!", "caf\u00e9")
    [(0, 5)]
    """
    sought = unicodedata.normalize("NFD", text)
    if sought.isascii() and passage.isascii():
        return []
    pieces = [unicodedata.normalize("NFD", character) for character in passage]
    ends = list(accumulate(map(len, pieces)))
    # A stretch begins and ends between characters that no mark joins: there decomposing the parts is decomposing all.
    borders = {0: 0} | {
        end: number + 1
        for number, end in enumerate(ends)
        if number + 1 == len(pieces) or not unicodedata.combining(pieces[number + 1][0])
    }
    whole = unicodedata.normalize("NFD", passage)
    return [
        (borders[start], borders[start + len(sought)])
        for start in starts_of(whole, sought)
        if start in borders and start + len(sought) in borders
    ]
