"""Bars under each other, with intervals where there are any. Room: report/. Used by the pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textmill.report import numbers
from textmill.report.drawing import COLOURS, FONT_SIZE, Pen, fitted, paper, size_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEP = 48


@dataclass(frozen=True)
class Bar:
    """One bar. colour: a name of COLOURS; label: as it is drawn, but for its length."""

    label: str
    value: float
    interval: tuple[float, float] | None
    colour: str
    is_bold: bool


def draw_bars(
    subject: str, bars: Sequence[Bar], pen: Pen, unit: str, shown: Callable[[float], str] = numbers.measure
) -> Figure:
    """The bars from above, their lengths to one scale that begins at 0. unit: in words; shown: a value as it is written
    beside its bar."""
    figure, axes = paper(subject, pen, height=STEP * len(bars) + 26, left=4, bottom=26, top=0)
    ends = [max(bar.value, bar.interval[1] if bar.interval else bar.value) for bar in bars]
    axes.set_xlim(0, (max(ends) or 1.0) * (1.24 if pen.narrow else 1.12))
    axes.set_ylim(STEP * len(bars), 0)
    for place, (bar, end) in enumerate(zip(bars, ends, strict=True)):
        middle = place * STEP + 33
        weight = "bold" if bar.is_bold else "normal"
        axes.barh(middle, bar.value, height=16, color=COLOURS[bar.colour])
        label = fitted(bar.label, pen.width - 8, FONT_SIZE)
        axes.text(0, middle - 14, label, color=COLOURS["ink"], weight=weight)
        if bar.interval:
            axes.plot(bar.interval, [middle, middle], color=COLOURS["ink"], linewidth=1.4, solid_capstyle="butt")
            for edge in bar.interval:
                axes.plot([edge, edge], [middle - 5, middle + 5], color=COLOURS["ink"], linewidth=1.4)
        axes.annotate(
            shown(bar.value),
            (end, middle),
            xytext=(7, 0),
            textcoords="offset points",
            va="center_baseline",
            color=COLOURS["ink"],
            weight=weight,
        )
    axes.set_axis_off()
    figure.text(4 / pen.width, 8 / size_of(figure)[1], unit, color=COLOURS["muted"])
    return figure
