"""The pictures of a report: loss by step, the floors, the byte ledger; a classifier has more. Room: report/."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from textmill.report import class_pictures, numbers
from textmill.report.bars import Bar, draw_bars
from textmill.report.drawing import (
    COLOURS,
    FONT_SIZE,
    Drawing,
    Pen,
    Pictures,
    drawn,
    fitted,
    paper,
    whole_numbers,
    write_above,
)
from textmill.report.headline import headline_of
from textmill.report.ledger_picture import describe_ledger, draw_ledger, ledger_rows
from textmill.report.words import N_, Words, floor_name, floor_order
from textmill.results import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("loss", "floors", "ledger", *class_pictures.NAMES)
FAR_ABOVE = 1.3  # a floor higher than so many times the curve's highest point is named, not drawn to scale
DASHES = {"uniform": (0, (1.2, 2.4)), "ngram": (0, (5.5, 2.5)), "ngram_bytes": (0, (7, 2, 1.2, 2))}


def draw(report: Report, words: Words) -> Pictures:
    """Every picture that the report has numbers for."""
    drawings: dict[str, Drawing] = {}
    if loss_series(report):
        drawings["loss"] = Drawing(partial(draw_loss, report), describe_loss(report, words), N_("Loss by step"))
    if floor_rows(report):
        title = headline_of(report).floors_title
        drawings["floors"] = Drawing(partial(draw_floors, report), describe_floors(report, words), title)
    if report.evaluation is not None:
        drawings |= class_pictures.drawings_of(report.evaluation, report.run, words)
    if ledger_rows(report.ledger):
        figure = partial(draw_ledger, report.ledger, report.run)
        drawings["ledger"] = Drawing(figure, describe_ledger(report.ledger, words), N_("Where the bytes went"))
    return drawn(drawings, words)


# loss by step


def loss_series(report: Report) -> dict[str, list[tuple[float, float]]]:
    """train and validation as (step, nats per token), where the value is a finite number; {} if there is none."""
    series = {}
    for name in ("train_loss", "valid_loss"):
        points = [(point["step"], point[name]) for point in report.curve if math.isfinite(point.get(name, math.nan))]
        if points:
            series[name] = points
    return series


def loss_floors(report: Report) -> dict[str, float]:
    """Floors that are counted in the curve's unit: nats per token of the model, so not the one over bytes."""
    baselines = report.evaluation.baselines if report.evaluation else {}
    return {
        name: baselines[name]["loss"]
        for name in floor_order(baselines)
        if name != "ngram_bytes" and math.isfinite(baselines[name].get("loss", math.nan))
    }


def describe_loss(report: Report, words: Words) -> str:
    said = []
    for name, points in loss_series(report).items():
        (first_step, first), (last_step, last) = points[0], points[-1]
        said.append(
            words(
                "%(name)s: %(first)s at step %(first_step)s, %(last)s at step %(last_step)s",
                name=words(CURVES[name]),
                first=numbers.measure(first),
                first_step=numbers.count(first_step),
                last=numbers.measure(last),
                last_step=numbers.count(last_step),
            )
        )
    said += [f"{floor_name(name, words)}: {numbers.measure(loss)}" for name, loss in loss_floors(report).items()]
    return words(headline_of(report).loss_picture) + words.space + words.semicolon.join(said)


CURVES = {"train_loss": N_("training"), "valid_loss": N_("validation")}


def draw_loss(report: Report, pen: Pen) -> Figure:
    series, floors, words = loss_series(report), loss_floors(report), pen.words
    figure, axes = paper(
        report.run, pen, height=340 if pen.narrow else 350, left=40, bottom=46, top=84 if pen.narrow else 58
    )
    for name, points in series.items():
        validation = name == "valid_loss"
        few = len(points) <= 40
        axes.plot(
            [step for step, _ in points],
            [loss for _, loss in points],
            color=COLOURS["model"] if validation else COLOURS["train"],
            linewidth=2.2 if validation else 1.3,
            marker="o" if (few and validation) or len(points) == 1 else None,
            markersize=4,
            zorder=3 if validation else 2,
            label=words(CURVES[name]),
        )
    highest = max(loss for points in series.values() for _, loss in points)
    for name, loss in floors.items():
        colour = COLOURS["uniform"] if name == "uniform" else COLOURS["floor"]
        label = fitted(floor_name(name, words, pen.foreign), pen.width / 2, FONT_SIZE) + f" {numbers.measure(loss)}"
        if loss > FAR_ABOVE * highest:  # it would press the curve flat: named, not drawn to scale
            axes.plot([], [], color=colour, linestyle=DASHES.get(name, "--"), label=f"{label} ↑")
        else:
            axes.axhline(loss, color=colour, linestyle=DASHES.get(name, "--"), linewidth=1.6, label=label)
    axes.set_ylim(*loss_limits([loss for points in series.values() for _, loss in points], list(floors.values())))
    axes.set_xlim(0, max(step for points in series.values() for step, _ in points) * 1.02 or 1)
    axes.set_xlabel(words("step"), color=COLOURS["muted"], loc="right")
    axes.grid(axis="y", color=COLOURS["rule"], linewidth=0.8)
    axes.spines["bottom"].set_color(COLOURS["muted"])
    axes.xaxis.set_major_locator(whole_numbers(5 if pen.narrow else 8))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    write_above(figure, axes, pen, words(headline_of(report).loss_axis))
    return figure


def loss_limits(losses: list[float], floors: list[float]) -> tuple[float, float]:
    """Ends of the loss axis: from 0 where that is near, else with room below the lowest line, be it a floor."""
    lines = losses + [floor for floor in floors if floor <= FAR_ABOVE * max(losses)]
    lowest, highest = min(lines), max(lines)
    room = 0.08 * ((highest - lowest) or abs(highest) or 1.0)
    return (0.0 if room / 2 <= lowest < highest / 3 else lowest - room), highest + room / 2


# the models number beside the floors


def floor_rows(report: Report) -> list[tuple[str, float]]:
    """(name, the number that the report is about), best first; "model" is the model. [] where it was not measured."""
    evaluation, told = report.evaluation, headline_of(report)
    if evaluation is None or not math.isfinite(evaluation.metrics.get(told.metric, math.nan)):
        return []
    rows = [("model", evaluation.metrics[told.metric])]
    rows += [
        (name, values[told.metric])
        for name, values in evaluation.baselines.items()
        if math.isfinite(values.get(told.metric, math.nan))
    ]
    sign = 1 if told.is_lower_better else -1
    return sorted(rows, key=lambda row: (sign * row[1], row[0] != "model", row[0]))


def interval_of(report: Report, name: str) -> tuple[float, float] | None:
    """The interval of a metric of the model, if both of its ends are numbers."""
    ends = report.evaluation.intervals.get(name) if report.evaluation else None
    return ends if ends and all(math.isfinite(end) for end in ends) else None


def describe_floors(report: Report, words: Words) -> str:
    told = headline_of(report)
    rows = [f"{floor_name(name, words)}: {numbers.metric(told.metric, value)}" for name, value in floor_rows(report)]
    interval = interval_of(report, told.metric)
    if interval:
        low, high = (numbers.metric(told.metric, end) for end in interval)
        rows.append(words("interval of this model: %(low)s to %(high)s", low=low, high=high))
    return words(told.floors_picture) + words.space + words.semicolon.join(rows)


def draw_floors(report: Report, pen: Pen) -> Figure:
    told = headline_of(report)
    colours = {"model": "model", "uniform": "uniform", "majority": "uniform", "ngram_bytes": "floor-bytes"}
    bars = [
        Bar(
            floor_name(name, pen.words, pen.foreign),
            value,
            interval_of(report, told.metric) if name == "model" else None,
            colours.get(name, "floor"),
            is_bold=name == "model",
        )
        for name, value in floor_rows(report)
    ]
    return draw_bars(report.run, bars, pen, pen.words(told.floors_axis), partial(numbers.metric, told.metric))
