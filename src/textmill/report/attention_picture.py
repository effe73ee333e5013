"""The picture of one translation: what each of its tokens looked at in the source. Room: report/. Computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textmill.report.drawing import COLOURS, FONT_SIZE, Drawing, Pen, Picture, breadth, drawn, fitted, paper
from textmill.report.words import N_, Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 22  # points
LONGEST_LABEL = 130
NAMES = ("attention",)


@dataclass(frozen=True)
class Looked:
    """What the tokens of a translation looked at in their source. source, target: tokens as texts, "" for the mark at
    their end; weights: for each token of the target a row over those of the source, which sums to 1."""

    run: str
    source: Sequence[str]
    target: Sequence[str]
    weights: Sequence[Sequence[float]]


def draw(looked: Looked, words: Words) -> Picture:
    """A row for each token that was written, a column for each that was read; the darker, the more it was looked at."""
    label = words("Each row is a token of the translation; the darker a square, the more it looked at that token.")
    title = N_("What each token looked at")
    return drawn({"attention": Drawing(partial(draw_weights, looked), label, title)}, words).drawn["attention"]


def draw_weights(looked: Looked, pen: Pen) -> Figure:
    from matplotlib.patches import Rectangle

    sources, targets = ([pen.foreign(shown(piece)) for piece in side] for side in (looked.source, looked.target))
    left, top = (min(LONGEST_LABEL, 12 + round(0.62 * FONT_SIZE * max(map(wide, side)))) for side in (targets, sources))
    figure, axes = paper(looked.run, pen, height=ROW * len(targets) + top + 8, left=left, bottom=4, top=top)
    axes.set_xlim(0, len(sources))
    axes.set_ylim(len(targets), 0)
    for row, weights in enumerate(looked.weights):
        for column, weight in enumerate(weights):
            if weight >= 0.01:
                square = Rectangle((column, row), 1, 1, facecolor=COLOURS["model"], alpha=min(1.0, weight), linewidth=0)
                axes.add_patch(square)
    axes.hlines(range(len(targets) + 1), 0, len(sources), colors=COLOURS["rule"], linewidth=0.6)
    axes.vlines(range(len(sources) + 1), 0, len(targets), colors=COLOURS["rule"], linewidth=0.6)
    axes.set_yticks([row + 0.5 for row in range(len(targets))])
    axes.set_yticklabels([fitted(piece, left - 10, FONT_SIZE) for piece in targets], color=COLOURS["ink"])
    axes.xaxis.tick_top()
    axes.set_xticks([column + 0.5 for column in range(len(sources))])
    labels = [fitted(piece, top - 10, FONT_SIZE) for piece in sources]
    axes.set_xticklabels(labels, rotation=90, color=COLOURS["ink"])
    axes.spines["bottom"].set_visible(False)
    return figure


def shown(piece: str) -> str:
    """A token as a label: a blank before it as a raised dot, an end mark as a sign."""
    return "■" if not piece else piece.replace(" ", "·").replace("\n", "↵")


def wide(text: str) -> int:
    return sum(map(breadth, text))
