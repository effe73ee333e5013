"""How many texts got stuck in a loop: the commonest fault of small models that are decoded boldly. Room: generation/.

Pure functions over text; used by evaluation and the report, with the rate of human text beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MIN_REPEATS = 3
MIN_BYTES = 40
"""UTF-8 bytes that a loop covers at least: a line of verse repeats itself too ("never, never, never")."""
MIN_BYTES_WITHOUT_LETTERS = 160
"""The same for a unit without letter or digit: people draw rules and indent with such runs."""
MAX_PERIOD = 512
"""Characters of the longest unit looked for."""


class Loop(NamedTuple):
    """text[start:stop] repeats its first `period` characters, MIN_REPEATS times or more."""

    start: int
    stop: int
    period: int


def find_loop(text: str) -> Loop | None:
    """The shortest-period loop of a text, or None.

    A loop is a run of at least three immediate repeats of one unit of at most 512 characters that covers at least
    40 UTF-8 bytes (160 where the unit has neither letter nor digit). Case and blanks count as they stand.

    >>> find_loop("It is so: " + "and then the " * 4)
    Loop(start=9, stop=62, period=13)
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    for period in range(1, min(MAX_PERIOD, codes.size // MIN_REPEATS) + 1):
        # Where text[i] != text[i + period] a run of period `period` breaks; between two breaks it holds.
        breaks = np.flatnonzero(codes[period:] != codes[:-period])
        edges = np.concatenate([[-1], breaks, [codes.size - period]])
        lengths = np.diff(edges) - 1 + period
        for place in np.flatnonzero(lengths >= MIN_REPEATS * period):
            start = int(edges[place]) + 1
            stop = start + int(lengths[place])
            unit = text[start : start + period]
            least = MIN_BYTES if any(character.isalnum() for character in unit) else MIN_BYTES_WITHOUT_LETTERS
            if len(text[start:stop].encode("utf-8", "surrogatepass")) >= least:
                return Loop(start, stop, period)
    return None


def loop_rate(texts: Sequence[str]) -> float:
    """Share of texts that hold a loop (see find_loop), in [0, 1]; 0 of no texts.

    Longer texts have more room for one: compare texts of like length.
    """
    return sum(find_loop(text) is not None for text in texts) / len(texts) if texts else 0.0
