"""The picture of where the bytes went: one bar of all of them. Room: report/. Of a run's report and of a look."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textmill.report import numbers
from textmill.report.drawing import COLOURS, FONT_SIZE, Pen, fitted, paper
from textmill.report.words import Words, category_name, ledger_order

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEPT = {"train": "kept-train", "validation": "kept-validation", "test": "kept-test", "text": "kept-train"}
"""Category of the ledger -> role of the palette."""


def ledger_rows(ledger: dict[str, int]) -> list[tuple[str, int]]:
    """(category, bytes) in the house's order: kept parts, then named reasons; those without a byte left out."""
    return [(name, ledger[name]) for name in ledger_order(ledger) if ledger[name] > 0]


def ledger_colours(ledger: dict[str, int]) -> dict[str, str]:
    """category -> role of the palette."""
    roles, lost = {}, 0
    for name, _ in ledger_rows(ledger):
        if name in KEPT:
            roles[name] = KEPT[name]
        else:
            roles[name] = f"lost-{lost % 5 + 1}"
            lost += 1
    return roles


def describe_ledger(ledger: dict[str, int], words: Words) -> str:
    rows = [f"{category_name(name, words)}: {numbers.count(size)}" for name, size in ledger_rows(ledger)]
    return words("One bar of all input bytes by what became of them.") + words.space + words.semicolon.join(rows)


def draw_ledger(ledger: dict[str, int], subject: str, pen: Pen) -> Figure:
    rows, roles, words = ledger_rows(ledger), ledger_colours(ledger), pen.words
    columns = 1 if pen.narrow else 2
    lines = math.ceil(len(rows) / columns)
    height = 34 + 24 * lines + 8
    figure, axes = paper(subject, pen, height=height, left=4, bottom=0, top=0)
    across = pen.width - 8
    axes.set_xlim(0, across)
    axes.set_ylim(height, 0)
    total = sum(size for _, size in rows)
    start = 0.0
    for place, (name, size) in enumerate(rows):
        colour = COLOURS[roles[name]]
        length = across * size / total
        gap = 1.5 if length > 6 and place + 1 < len(rows) else 0.0
        axes.barh(11, length - gap, left=start, height=22, color=colour)
        start += length
        column, line = divmod(place, lines)
        x, y = column * across / columns, 50 + 24 * line
        axes.barh(y - 4.5, 11, left=x, height=11, color=colour)
        label = fitted(category_name(name, words, pen.foreign), across / columns - 150, FONT_SIZE)
        axes.text(x + 19, y, f"{label}  {numbers.size(size)} · {numbers.share(size / total)}", color=COLOURS["ink"])
    axes.set_axis_off()
    return figure
