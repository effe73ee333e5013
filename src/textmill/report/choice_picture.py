"""The picture of `textmill choose`: each architecture with its interval, beside the floors. Room: report/."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from textmill.report import numbers
from textmill.report.drawing import COLOURS, FONT_SIZE, Drawing, Pen, Pictures, drawn, fitted, paper, size_of
from textmill.report.saying import ARCHITECTURES
from textmill.report.words import N_, Words, floor_name, floor_order
from textmill.results import Chosen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("choice",)
Row = tuple[str, float, tuple[float, float] | None, str]
"""Label, bits per byte, interval, colour."""


def draw(chosen: Chosen, words: Words) -> Pictures:
    label = words("Bar picture of bits per byte, lower is better.") + words.space
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
    bars, step = rows(chosen, pen.words), 48
    figure, axes = paper(chosen.name, pen, height=step * len(bars) + 26, left=4, bottom=26, top=0)
    ends = [max(bpb, interval[1] if interval else bpb) for _, bpb, interval, _ in bars]
    axes.set_xlim(0, (max(ends) or 1.0) * (1.24 if pen.narrow else 1.12))
    axes.set_ylim(step * len(bars), 0)
    for place, ((name, bpb, interval, colour), end) in enumerate(zip(bars, ends, strict=True)):
        middle = place * step + 33
        weight = "bold" if place == 0 else "normal"
        axes.barh(middle, bpb, height=16, color=COLOURS[colour])
        label = fitted(pen.foreign(name), pen.width - 8, FONT_SIZE)
        axes.text(0, middle - 14, label, color=COLOURS["ink"], weight=weight)
        if interval:
            axes.plot(interval, [middle, middle], color=COLOURS["ink"], linewidth=1.4, solid_capstyle="butt")
            for edge in interval:
                axes.plot([edge, edge], [middle - 5, middle + 5], color=COLOURS["ink"], linewidth=1.4)
        axes.annotate(
            numbers.measure(bpb),
            (end, middle),
            xytext=(7, 0),
            textcoords="offset points",
            va="center_baseline",
            color=COLOURS["ink"],
            weight=weight,
        )
    axes.set_axis_off()
    unit = pen.words("bits per byte, lower is better")
    figure.text(4 / pen.width, 8 / size_of(figure)[1], unit, color=COLOURS["muted"])
    return figure
