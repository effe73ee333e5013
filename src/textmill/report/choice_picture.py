"""The picture of `textmill choose`: each architecture with its interval, beside the floors. Room: report/."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from textmill.report import numbers
from textmill.report.bars import Bar, draw_bars
from textmill.report.drawing import Drawing, Pen, Pictures, drawn
from textmill.report.headline import BITS
from textmill.report.saying import ARCHITECTURES
from textmill.report.words import N_, Words, floor_name, floor_order
from textmill.results import Chosen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("choice",)
Row = tuple[str, float, tuple[float, float] | None, str]
"""Label, bits per byte, interval, colour."""


def draw(chosen: Chosen, words: Words) -> Pictures:
    label = words(BITS.floors_picture) + words.space
    label += words.semicolon.join(f"{name}: {numbers.measure(bpb)}" for name, bpb, _, _ in rows(chosen, words))
    title = N_("Bits per byte by architecture")
    return drawn({"choice": Drawing(partial(draw_choice, chosen), label, title)}, words)


def rows(chosen: Chosen, words: Words) -> list[Row]:
    """The architectures, best first, then the floors."""
    found: list[Row] = [
        (ARCHITECTURES.get(one.arch, one.arch), one.metrics["bpb"], one.intervals.get("bpb"), "model")
        for one in chosen.candidates
    ]
    for name in floor_order(chosen.baselines):
        bpb = chosen.baselines[name].get("bpb", math.nan)
        if math.isfinite(bpb):
            found.append((floor_name(name, words), bpb, None, "uniform" if name == "uniform" else "floor"))
    return found


def draw_choice(chosen: Chosen, pen: Pen) -> Figure:
    bars = [
        Bar(pen.foreign(name), bpb, interval, colour, is_bold=not place)
        for place, (name, bpb, interval, colour) in enumerate(rows(chosen, pen.words))
    ]
    return draw_bars(chosen.name, bars, pen, pen.words(BITS.floors_axis))
