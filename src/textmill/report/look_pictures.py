"""The pictures of a look: lengths of the documents, their languages, where the bytes go. Room: report/."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textmill.report import looked, numbers
from textmill.report.drawing import COLOURS, Drawing, Pen, Pictures, drawn, fitted, paper, size_of, whole_numbers
from textmill.report.drawing import FONT_SIZE as SIZE
from textmill.report.ledger_picture import describe_ledger, draw_ledger, ledger_rows
from textmill.report.words import N_, Words
from textmill.results import Lengths, Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("lengths", "languages", "bytes")


def draw(found: Look, subject: str, words: Words) -> Pictures:
    """Every picture that the look has numbers for. subject: the name of the text."""
    drawings: dict[str, Drawing] = {}
    if found.lengths and found.lengths.bins:
        figure = partial(draw_lengths, found.lengths, subject)
        drawings["lengths"] = Drawing(figure, describe_lengths(found, words), N_("Documents by length"))
    if found.document_languages:
        figure = partial(draw_languages, found, subject)
        drawings["languages"] = Drawing(figure, describe_languages(found, words), N_("Documents by language"))
    if ledger_rows(found.ledger):
        figure = partial(draw_ledger, found.ledger, subject)
        drawings["bytes"] = Drawing(figure, describe_ledger(found.ledger, words), N_("Where the bytes go"))
    return drawn(drawings, words)


def describe_lengths(found: Look, words: Words) -> str:
    return (
        words("Column picture of the documents by length.")
        + words.space
        + words("Characters of a document: %(lengths)s.", lengths=looked.lengths(found, words))
    )


def draw_lengths(lengths: Lengths, subject: str, pen: Pen) -> Figure:
    bins = lengths.bins
    figure, axes = paper(subject, pen, height=280, left=52, bottom=46, top=34)
    axes.bar([place + 0.5 for place in range(len(bins))], [one.n for one in bins], width=0.9, color=COLOURS["model"])
    axes.set_xlim(0, len(bins))
    axes.set_ylim(0, max(one.n for one in bins) * 1.06 or 1)
    edges = [one.least for one in bins] + [bins[-1].most + 1]
    longest = max(len(numbers.count(edge)) for edge in edges)
    across = (pen.width - 62) / (0.62 * SIZE * (longest + 2))
    every = max(1, -(-len(edges) // max(2, int(across))))
    axes.set_xticks(range(0, len(edges), every), [numbers.count(edge) for edge in edges[::every]])
    if len(bins) % every == 0:  # a label at the edge of the paper stands inside
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
    axes.yaxis.set_major_locator(whole_numbers(5))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=COLOURS["rule"], linewidth=0.8)
    axes.spines["bottom"].set_color(COLOURS["muted"])
    axes.set_xlabel(pen.words("characters in a document"), color=COLOURS["muted"], loc="right")
    above = axes.get_position().y1 * size_of(figure)[1] + 12
    figure.text(4 / pen.width, above / size_of(figure)[1], pen.words("documents"), color=COLOURS["muted"])
    return figure


def describe_languages(found: Look, words: Words) -> str:
    rows = [f"{name}: {numbers.share(share)}" for name, share in looked.document_languages(found, words)]
    return words("Bar picture of the documents by language.") + words.space + words.semicolon.join(rows)


def draw_languages(found: Look, subject: str, pen: Pen) -> Figure:
    rows = looked.document_languages(found, pen.words)
    step = 48
    figure, axes = paper(subject, pen, height=step * len(rows) + 8, left=4, bottom=4, top=0)
    axes.set_xlim(0, 1.24 if pen.narrow else 1.12)
    axes.set_ylim(step * len(rows), 0)
    for place, (name, share) in enumerate(rows):
        middle = place * step + 33
        axes.barh(middle, share, height=16, color=COLOURS["model"])
        axes.text(0, middle - 14, fitted(pen.foreign(name), pen.width - 8, SIZE), color=COLOURS["ink"])
        axes.annotate(
            numbers.share(share),
            (share, middle),
            xytext=(7, 0),
            textcoords="offset points",
            va="center_baseline",
            color=COLOURS["ink"],
        )
    axes.set_axis_off()
    return figure
