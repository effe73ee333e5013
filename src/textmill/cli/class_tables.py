"""A measured classifier, class by class, as eval prints it. Room: cli/. Computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textmill.cli.output import for_terminal, on_one_line, table, width

if TYPE_CHECKING:
    from textmill.results import Abstaining, Classes, Evaluation

MOST_SQUARED = 8
"""Classes whose confusion is shown as a square."""
PAIRS_SHOWN = 10
WIDEST_HEAD = 14
"""Columns of a terminal; of longer class names the columns of the square have numbers."""


def classes_text(found: Evaluation) -> list[str]:
    """Blocks: each class and the confusion; the risk of not answering below P."""
    classes = found.classes
    assert classes is not None, "only what classifies has classes"
    square = classes.confusion is not None and len(classes.names) <= MOST_SQUARED
    blocks = [square_text(found) if square else scores_text(found)]
    if not square and classes.confused:
        blocks.append(pairs_text(classes))
    if classes.asked is not None:
        blocks.append(abstaining_text(next(row for row in classes.abstaining if row.threshold == classes.asked)))
    return blocks


def square_text(found: Evaluation) -> str:
    """Texts of each class by the class they were given, with recall, precision and F1."""
    from textmill.report.numbers import count, share

    classes = found.classes
    assert classes is not None and classes.confusion is not None
    names = [for_terminal(on_one_line(name)) for name in classes.names]
    numbered = max(map(width, names)) > WIDEST_HEAD
    heads = [f"[{number}]" for number in range(1, len(names) + 1)] if numbered else names
    rows = [["true class \\ told as", *heads, "recall", "precision", "F1"]]
    for head, name, counts, own in zip(heads, names, classes.confusion, classes.scores, strict=True):
        scores = share(own.recall), share(own.precision), share(found.metrics.get(f"f1_class.{own.name}"))
        rows.append([f"{head} {name}" if numbered else name, *map(count, counts), *scores])
    return table(rows, right=range(1, len(rows[0])))


def scores_text(found: Evaluation) -> str:
    """A row for each class."""
    from textmill.report.numbers import count, share

    classes = found.classes
    assert classes is not None
    rows = [["class", "texts", "told so", "recall", "precision", "F1"]]
    for own in classes.scores:
        scores = share(own.recall), share(own.precision), share(found.metrics.get(f"f1_class.{own.name}"))
        rows.append([for_terminal(on_one_line(own.name)), count(own.n_texts), count(own.n_given), *scores])
    return table(rows, right=range(1, 6))


def pairs_text(classes: Classes) -> str:
    """The classes that were confused most."""
    from textmill.report.numbers import count

    rows = [["most confused: true class", "told as", "texts"]]
    for pair in classes.confused[:PAIRS_SHOWN]:
        rows.append([*(for_terminal(on_one_line(name)) for name in (pair.label, pair.output)), count(pair.n)])
    rest = classes.confused[PAIRS_SHOWN:]
    told = table(rows, right=[2])
    if rest:
        told += f"\n{len(rest):,} more pairs, of {sum(pair.n for pair in rest):,} texts: --json lists them"
    return told


def abstaining_text(row: Abstaining) -> str:
    """What not answering below P does."""
    from textmill.report.numbers import count, share

    said = f"answering from {row.threshold:g} on: {share(row.coverage)} of the texts ({count(row.n_answered)})"
    if row.risk is None or row.interval is None:
        return f"{said}; there is nothing to be wrong in"
    low, high = map(share, row.interval)
    return f"{said}, of them {share(row.risk)} wrong ({low} to {high})"
