"""The pictures of a classifier: confusion, how sure and how often right, risk and coverage. Room: report/."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textmill.report import numbers
from textmill.report.drawing import COLOURS, FONT_SIZE, Drawing, Pen, breadth, fitted, paper, write_above
from textmill.report.words import N_, Words
from textmill.results import Abstaining, Classes, Evaluation, ReliabilityBin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

NAMES = ("confusion", "reliability", "risk")
MOST_DRAWN = 12
"""Classes whose confusion is drawn."""
FEW = 6
"""Classes that leave room for their names in a narrow picture."""
SMALLEST = 6
"""Points of a count that can still be read."""
BROADEST = 110
"""Points of a square."""
DARKEST = 0.5
"""Opacity of a square that holds all texts of its class: ink on it can be read in both schemes."""


def drawings_of(evaluation: Evaluation, subject: str, words: Words) -> dict[str, Drawing]:
    """Those that there are numbers for. subject: the run."""
    classes = evaluation.classes
    if classes is None:
        return {}
    found: dict[str, Drawing] = {}
    if classes.confusion is not None and len(classes.names) <= MOST_DRAWN:
        label = describe_confusion(classes, words)
        found["confusion"] = Drawing(
            partial(draw_confusion, classes, subject), label, N_("Which class is told as which")
        )
    if any(part.n_texts for part in classes.reliability):
        label = describe_reliability(evaluation, words)
        title = N_("How sure, and how often right")
        found["reliability"] = Drawing(partial(draw_reliability, classes.reliability, subject), label, title)
    if classes.risk_coverage:
        label = describe_risk(classes, words)
        title = N_("What not answering would do")
        found["risk"] = Drawing(partial(draw_risk, classes, subject), label, title)
    return found


# confusion


def describe_confusion(classes: Classes, words: Words) -> str:
    assert classes.confusion is not None
    said = [
        words(
            "%(name)s: %(right)s of %(n)s texts are told so",
            name=own.name,
            right=numbers.count(row[number]),
            n=numbers.count(own.n_texts),
        )
        for number, (own, row) in enumerate(zip(classes.scores, classes.confusion, strict=True))
    ]
    return (
        words("Squares: texts of each class by the class they are told as.") + words.space + words.semicolon.join(said)
    )


def draw_confusion(classes: Classes, subject: str, pen: Pen) -> Figure:
    """A square a pair of classes: its shade the share of the row, its number the texts. Rows are true classes."""
    assert classes.confusion is not None
    n, step = len(classes.names), 30 if pen.narrow else 36
    size = FONT_SIZE - (3 if pen.narrow else 1)
    heads = [f"[{number}] {pen.foreign(name)}" for number, name in enumerate(classes.names, start=1)]
    widest = max(sum(map(breadth, head)) for head in heads) * 0.62 * size + 16
    left = int(min(widest, pen.width * (0.28 if pen.narrow and n > FEW else 0.4)))
    room = pen.width - left - 10
    broad = min(room / n, BROADEST)
    longest = max(len(str(count)) for counts in classes.confusion for count in counts)
    of_counts = min(size, (broad - 4) / (0.62 * longest))
    figure, axes = paper(subject, pen, height=step * n + 62, left=left, bottom=6, top=56)
    axes.set_xlim(0, room / broad)
    axes.set_ylim(n, 0)
    for row, (head, counts, own) in enumerate(zip(heads, classes.confusion, classes.scores, strict=True)):
        axes.annotate(
            fitted(head, left - 12, size),
            (0, row + 0.5),
            xytext=(-8, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=COLOURS["ink"],
            size=size,
        )
        for column, count in enumerate(counts):
            share = count / own.n_texts if own.n_texts else 0.0
            colour = COLOURS["model"] if row == column else COLOURS["floor"]
            axes.add_patch(_square(column, row, colour, DARKEST * share))
            if of_counts >= SMALLEST:  # else they stand in the table alone
                ink = COLOURS["ink"] if count else COLOURS["muted"]
                axes.text(column + 0.5, row + 0.5, str(count), ha="center", va="center", color=ink, size=of_counts)
    for column in range(n):
        axes.annotate(
            f"[{column + 1}]" if broad > 36 else str(column + 1),
            (column + 0.5, 0),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            color=COLOURS["muted"],
            size=size,
        )
    axes.annotate(
        pen.words("rows: the true class; columns: what it is told as"),
        (0, 0),
        xytext=(4 - left, 30),
        textcoords="offset points",
        color=COLOURS["muted"],
        size=FONT_SIZE - (2 if pen.narrow else 0),
        annotation_clip=False,
    )
    axes.set_axis_off()
    return figure


def _square(column: int, row: int, colour: str, opacity: float) -> Rectangle:
    from matplotlib.patches import Rectangle

    return Rectangle((column + 0.03, row + 0.03), 0.94, 0.94, facecolor=colour, alpha=opacity, edgecolor="none")


# how sure, and how often right


def describe_reliability(evaluation: Evaluation, words: Words) -> str:
    classes = evaluation.classes
    assert classes is not None
    said = [
        words(
            "%(low)s to %(high)s sure: %(accuracy)s right, of %(n)s texts",
            low=numbers.share(part.low),
            high=numbers.share(part.high),
            accuracy=numbers.share(part.accuracy),
            n=numbers.count(part.n_texts),
        )
        for part in classes.reliability
        if part.n_texts
    ]
    return words("Points: how often answers are right by how sure they are.") + words.space + words.semicolon.join(said)


def draw_reliability(bins: list[ReliabilityBin], subject: str, pen: Pen) -> Figure:
    """Accuracy by confidence with intervals, beside the line on which both are equal."""
    figure, axes = _shares(subject, pen, pen.words("how sure the answer is"))
    axes.plot(
        [0, 1],
        [0, 1],
        color=COLOURS["uniform"],
        linestyle=(0, (5, 3)),
        linewidth=1.4,
        label=pen.words("as sure as right"),
    )
    most = max(part.n_texts for part in bins)
    points = []
    for part in bins:
        if part.confidence is None or part.accuracy is None or part.interval is None:
            continue
        points.append((part.confidence, part.accuracy, 18 + 150 * part.n_texts / most))
        axes.plot(
            [part.confidence, part.confidence],
            part.interval,
            color=COLOURS["model"],
            linewidth=1.4,
            alpha=0.6,
            solid_capstyle="butt",
        )
    confidence, accuracy, sizes = zip(*points, strict=True)
    axes.scatter(
        confidence,
        accuracy,
        s=sizes,
        color=COLOURS["model"],
        zorder=3,
        linewidths=0,
        label=pen.words("answers, the larger the more texts"),
    )
    axes.set_ylim(0, 1.02)
    write_above(figure, axes, pen, pen.words("share that is right"))
    return figure


# risk and coverage


def describe_risk(classes: Classes, words: Words) -> str:
    last = classes.risk_coverage[-1]
    said = [
        words("Curve: how often answers are wrong by how many texts are answered."),
        words("All answered: %(risk)s are wrong.", risk=numbers.share(last.risk)),
    ]
    if row := asked_row(classes):
        said.append(
            words(
                "Answering from %(p)s on: %(coverage)s of the texts, of them %(risk)s wrong.",
                p=f"{row.threshold:g}",
                coverage=numbers.share(row.coverage),
                risk=numbers.share(row.risk),
            )
        )
    return words.space.join(said)


def asked_row(classes: Classes) -> Abstaining | None:
    """What was asked for by --abstain."""
    return next((row for row in classes.abstaining if row.threshold == classes.asked), None)


def draw_risk(classes: Classes, subject: str, pen: Pen) -> Figure:
    """Risk by coverage; where P lies, if one was asked for."""
    figure, axes = _shares(subject, pen, pen.words("share of the texts that are answered"))
    coverage = [point.coverage for point in classes.risk_coverage]
    risk = [point.risk for point in classes.risk_coverage]
    axes.plot(coverage, risk, color=COLOURS["model"], linewidth=1.8, label=pen.words("the surest first"))
    whole = risk[-1]
    axes.axhline(
        whole,
        color=COLOURS["uniform"],
        linestyle=(0, (5, 3)),
        linewidth=1.4,
        label=pen.words("all answered: %(risk)s", risk=numbers.share(whole)),
    )
    highest = max(whole, *risk[len(risk) // 10 :])  # the very surest few may be anything
    row = asked_row(classes)
    if row is not None and row.risk is not None and row.interval is not None:
        colour, said = (
            COLOURS["floor"],
            pen.words("with --abstain %(p)s: %(risk)s", p=f"{row.threshold:g}", risk=numbers.share(row.risk)),
        )
        axes.plot([row.coverage] * 2, row.interval, color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot([row.coverage], [row.risk], color=colour, marker="o", markersize=7, linestyle="none", label=said)
        highest = max(highest, row.interval[1])
    axes.set_ylim(0, (highest or 0.01) * 1.15)
    write_above(figure, axes, pen, pen.words("share of the answers that are wrong"))
    return figure


def _shares(subject: str, pen: Pen, below: str) -> tuple[Figure, Axes]:
    """Paper whose axes are shares in percent."""
    figure, axes = paper(subject, pen, height=330, left=50, bottom=48, top=76 if pen.narrow else 58)
    axes.set_xlim(0, 1.08 if pen.narrow else 1.03)
    axes.xaxis.set_major_formatter(_percent)
    axes.yaxis.set_major_formatter(_percent)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1] if pen.narrow else [place / 10 for place in range(11)])
    axes.set_xlabel(below, color=COLOURS["muted"], loc="right")
    axes.grid(color=COLOURS["rule"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["bottom"].set_color(COLOURS["muted"])
    return figure, axes


def _percent(value: float, _: object) -> str:
    return f"{100 * value:.3g} %"
