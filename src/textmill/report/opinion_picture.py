"""The picture of opinion over time: shares of classes with bands, gaps as gaps, alarms as lines. Room: report/.

Computes nothing: shares, intervals and alarms come from metrics/. An alarm is a broken line with its number; what it
says stands in the label of the picture and beside it on the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from textmill.report import numbers
from textmill.report.drawing import COLOURS, FONT_SIZE, Drawing, Pen, Pictures, drawn, paper, write_above
from textmill.report.words import N_, Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 300  # points
MOST = 12  # series that are drawn
NAMES = ("opinion", *(f"opinion-{number}" for number in range(1, MOST + 1)))
LINES = tuple((colour, dash) for dash in ("-", "--", ":") for colour in (
    "model", "floor", "kept-test", "kept-validation", "lost-3", "lost-2", "train"
))  # fmt: skip
"""How the classes are told apart, first to last; beyond, from the beginning again."""


@dataclass(frozen=True)
class Curve:
    """The shares of a class: one for each period, None where there is none; with (low, high)."""

    name: str
    shares: Sequence[float | None]
    intervals: Sequence[tuple[float, float] | None]


@dataclass(frozen=True)
class Mark:
    """An alarm: the number of its period and what it says, in words."""

    at: int
    said: str


@dataclass(frozen=True)
class Opinion:
    """What is drawn. subject: what the texts are of; starts: of the periods, in order; is_corrected: of its shares."""

    subject: str
    starts: Sequence[datetime]
    curves: Sequence[Curve]
    marks: Sequence[Mark]
    is_corrected: bool = True


def draw(opinions: Sequence[Opinion], words: Words) -> Pictures:
    """The shares over time, `opinion` where there is one series, `opinion-1` and so on where there are several, up to
    MOST. A band is the interval of each period by itself."""
    names = NAMES[:1] if len(opinions) == 1 else NAMES[1:]
    return drawn({name: drawing_of(one, words) for name, one in zip(names, opinions, strict=False)}, words)


def drawing_of(opinion: Opinion, words: Words) -> Drawing:
    title = N_("Opinion over time") if opinion.is_corrected else N_("Opinion over time, as the classifier says it")
    return Drawing(partial(draw_shares, opinion), label_of(opinion, words), title)


def label_of(opinion: Opinion, words: Words) -> str:
    """What the picture shows, in words: each class at the first and the last period that has texts, and the alarms."""
    sentences = [
        words(
            "Shares of %(classes)s from %(first)s to %(last)s.",
            classes=words.comma.join(curve.name for curve in opinion.curves),
            first=said_time(opinion.starts[0], opinion.starts),
            last=said_time(opinion.starts[-1], opinion.starts),
        )
    ]
    for curve in opinion.curves:
        if known := [share for share in curve.shares if share is not None]:
            sentences.append(
                words(
                    "%(name)s: first %(first)s, last %(last)s.",
                    name=curve.name,
                    first=numbers.share(known[0]),
                    last=numbers.share(known[-1]),
                )
            )
    sentences += [
        words("Alarm %(number)s: %(said)s", number=number, said=mark.said)
        for number, mark in enumerate(opinion.marks, start=1)
    ]
    return words.space.join(sentences)


def draw_shares(opinion: Opinion, pen: Pen) -> Figure:
    lines = math.ceil(len(opinion.curves) / (2 if pen.narrow else 4))
    top = 34 + 19 * lines + (18 if opinion.marks else 0)
    figure, axes = paper(opinion.subject, pen, height=HEIGHT + 19 * (lines - 1), left=54, bottom=30, top=top)
    n = len(opinion.starts)
    axes.set_xlim(-0.5, max(n - 0.5, 0.5))
    highest = highest_of(opinion)
    axes.set_ylim(0, highest)
    axes.grid(axis="y", color=COLOURS["rule"], linewidth=0.8)
    axes.set_axisbelow(True)
    for number, curve in enumerate(opinion.curves):
        draw_curve(curve, LINES[number % len(LINES)], axes, pen)
    for number, mark in enumerate(opinion.marks, start=1):
        place = mark.at - 0.5
        axes.axvline(place, color=COLOURS["ink"], linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(
            str(number),
            (place, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            color=COLOURS["ink"],
            weight="bold",
        )
    levels = [highest * quarter / 4 for quarter in range(5)]
    axes.set_yticks(levels)
    axes.set_yticklabels([f"{100 * level:g} %" for level in levels])
    places = ticks(n, 3 if pen.narrow else 6)
    axes.set_xticks(places)
    axes.set_xticklabels([said_time(opinion.starts[place], opinion.starts) for place in places], fontsize=FONT_SIZE - 1)
    write_above(figure, axes, pen, pen.words("share of texts"), raised=18 if opinion.marks else 0)
    return figure


def draw_curve(curve: Curve, style: tuple[str, str], axes: Axes, pen: Pen) -> None:
    """A line that is broken where there is no share; a period between two gaps is a dot with its interval."""
    colour, dash = COLOURS[style[0]], style[1]
    shares = [math.nan if share is None else share for share in curve.shares]
    low, high = ([math.nan if pair is None else pair[side] for pair in curve.intervals] for side in (0, 1))
    places = list(range(len(shares)))
    axes.fill_between(places, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(
        places, shares, color=colour, linestyle=dash, linewidth=1.8, label=label_for_legend(pen.foreign(curve.name))
    )
    around = [math.nan, *shares, math.nan]
    alone = [place for place in places if math.isnan(around[place]) and math.isnan(around[place + 2])]
    for place in alone:
        axes.plot([place, place], [low[place], high[place]], color=colour, linewidth=1.8, alpha=0.3)
    axes.plot(alone, [shares[place] for place in alone], color=colour, marker="o", markersize=3.5, linestyle="none")


def label_for_legend(name: str) -> str:
    """The name; with a blank before it where matplotlib would leave it out of the legend (an underscore, nothing)."""
    return f" {name}" if not name or name.startswith("_") else name


def highest_of(opinion: Opinion) -> float:
    """Where the axis of shares ends: the first of 0.2, 0.4, 0.6, 0.8 and 1 that no share or band is above."""
    shares = [share for curve in opinion.curves for share in curve.shares if share is not None]
    ends = [pair[1] for curve in opinion.curves for pair in curve.intervals if pair is not None]
    return next((end for end in (0.2, 0.4, 0.6, 0.8) if max([*shares, *ends, 0]) <= end), 1.0)


def ticks(n: int, at_most: int) -> list[int]:
    """Up to so many of n places, evenly apart."""
    step = max(1, math.ceil(n / at_most))
    return list(range(0, n, step))


def said_time(moment: datetime, starts: Sequence[datetime]) -> str:
    """A period's start in digits: with the hour where any period begins at another than midnight."""
    by_hour = any(start.hour or start.minute for start in starts)
    return moment.strftime("%Y-%m-%d %H:%M" if by_hour else "%Y-%m-%d")
