"""A classifier on the page, on the card and in pictures: class names of any length, few classes and many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from textmill.report.card import card
from textmill.report.class_pictures import DARKEST, draw_confusion, draw_reliability, draw_risk
from textmill.report.drawing import NARROW, WIDE, Pen, Pictures
from textmill.report.page import page
from textmill.report.pictures import draw
from textmill.report.words import Words
from textmill.results import (
    Abstaining,
    Classes,
    ClassScore,
    Confused,
    Evaluation,
    Flagged,
    Offered,
    ReliabilityBin,
    Report,
    RiskPoint,
)

from .conftest import bare
from .reading import read

EN, ZH = Words("en"), Words("zh")
LONG = "a class name that goes on and on, " * 6
THREE = ["负面", LONG, "<b>neutral</b>|x"]


def measured(names: list[str], counts: list[list[int]], asked: float | None = None) -> Report:
    """A report of a classifier with this confusion."""
    table = np.array(counts)
    off = [(int(n), row, column) for (row, column), n in np.ndenumerate(table) if row != column and n]
    risk = [RiskPoint(threshold=0.99 - k / 10, coverage=(k + 1) / 5, risk=k / 50) for k in range(5)]
    classes = Classes(
        names=names,
        scores=[
            ClassScore(
                name=name,
                precision=float(table[k, k] / max(1, table[:, k].sum())),
                recall=float(table[k, k] / max(1, table[k].sum())),
                n_texts=int(table[k].sum()),
                n_given=int(table[:, k].sum()),
            )
            for k, name in enumerate(names)
        ],
        confusion=counts,
        confused=[Confused(label=names[r], output=names[c], n=n) for n, r, c in sorted(off, reverse=True)],
        reliability=[
            ReliabilityBin(low=0.5, high=0.6, n_texts=0, confidence=None, accuracy=None, interval=None),
            ReliabilityBin(low=0.8, high=0.9, n_texts=40, confidence=0.85, accuracy=0.7, interval=(0.53, 0.83)),
        ],
        ece_noise_high=0.031,
        risk_coverage=risk,
        aurc=0.05,
        abstaining=[
            Abstaining(threshold=0.8, n_answered=40, n_wrong=2, coverage=0.4, risk=0.05, interval=(0.006, 0.169)),
            Abstaining(threshold=0.99, n_answered=0, n_wrong=0, coverage=0.0, risk=None, interval=None),
        ],
        asked=asked,
        offer=Offered(
            name="mixture",
            weight=0.35,
            temperature=1.5,
            n_texts=321,
            losses={"network": 0.4, "tfidf": 0.3, "offered": 0.25},
        ),
        alarms=["It is worse than its floor."],
        flagged=Flagged(n_texts=100, n=7, by={"domain": 4, "language": 3}, expected=0.01),
    )
    scores = {f"f1_class.{name}": 0.5 for name in names}
    evaluation = Evaluation(
        run="runs/r",
        data="test",
        metrics={"accuracy": 0.8, "f1_macro": 0.7, "f1_micro": 0.8, "ece": 0.05, "ece_noise": 0.02, "loss": 0.3}
        | {"brier": 0.2, "n_texts": float(table.sum())}
        | scores,
        intervals={"accuracy": (0.75, 0.85), f"f1_class.{names[0]}": (0.4, 0.6)},
        baselines={"tfidf": {"accuracy": 0.82} | scores, "majority": {"accuracy": 0.4}},
        convention={"confidence": 0.95, "notes": ["It is worse than its floor.", "A note."]},
        verdict="So it is.",
        classes=classes,
    )
    return bare(task="classify", evaluation=evaluation)


COUNTS = [[30, 5, 0], [2, 40, 8], [0, 1, 14]]


@pytest.mark.parametrize("words", [EN, ZH])
def test_page_and_card_show_every_class_whatever_its_name(words: Words) -> None:
    report = measured(THREE, COUNTS, asked=0.8)
    found = read(page(report, Pictures({}), words))
    rows = [[cell.strip() for cell in row.text.split("]")][1] for row in found.all("tr") if row.text.startswith("[")]
    assert sum(LONG.strip() in row for row in rows) == 2  # its scores, and its row of the confusion
    assert all("neutral" not in element.text for element in found.all("b"))  # a name is no markup
    assert {str(n) for row in COUNTS for n in row} <= found.values
    written = card(report, words)
    assert "负面" in written and "&lt;b&gt;neutral&lt;/b&gt;\\|x" in written
    line = next(line for line in written.split("\n") if line.startswith("| \\[2\\]") and "50" in line)
    assert line.count(" | ") == 6


def test_alarms_stand_at_the_head_and_not_among_the_notes() -> None:
    found = read(page(measured(THREE, COUNTS), Pictures({}), EN))
    assert found.text.count("It is worse than its floor.") == 1
    assert (
        found.text.index("It is worse than its floor.") < found.text.index("Each class") < found.text.index("A note.")
    )


def test_the_page_says_whether_calibration_is_off_by_more_than_chance() -> None:
    off = measured(THREE, COUNTS)
    assert "off by more than chance makes" in read(page(off, draw(off, EN), EN)).text
    assert off.evaluation is not None and off.evaluation.classes is not None
    off.evaluation.classes.ece_noise_high = 0.06
    assert "off by more than chance makes" not in read(page(off, draw(off, EN), EN)).text


def test_a_run_that_does_not_know_its_domain_says_so() -> None:
    report = measured(THREE, COUNTS)
    assert report.evaluation is not None and report.evaluation.classes is not None
    assert "Of 100 texts measured on, 7 look unlike" in read(page(report, Pictures({}), EN)).text
    report.evaluation.classes.flagged = None
    assert "does not know which texts are unlike its own" in read(page(report, Pictures({}), EN)).text


def test_of_many_classes_pairs_are_shown_and_none_is_lost() -> None:
    names = [f"class {number}" for number in range(60)]
    counts = (10 * np.eye(60, dtype=int) + np.eye(60, k=1, dtype=int)).tolist()
    report = measured(names, counts)
    assert "confusion" not in draw(report, EN).drawn
    found = read(page(report, Pictures({}), EN))
    assert all(name in found.text for name in names)
    folded = [row for row in found.all("tr") if "details" in row.path and row.text.startswith("class ")]
    assert len(folded) == 59 - 20 and "Classes that are confused most" in found.text


def test_a_measurement_without_classes_has_the_page_it_had() -> None:
    report = measured(THREE, COUNTS)
    assert report.evaluation is not None
    before = report.model_copy(update={"evaluation": report.evaluation.model_copy(update={"classes": None})})
    found = read(page(before, Pictures({}), EN))
    assert "Class by class" not in found.text and "f1_class.负面" in found.text


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_square_is_as_dark_as_its_share_of_the_row(width: int) -> None:
    report: Any = measured(THREE, COUNTS)
    figure = draw_confusion(report.evaluation.classes, "runs/r", Pen(width, EN))
    squares = [patch.get_alpha() for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert squares == pytest.approx([DARKEST * n / sum(row) for row in COUNTS for n in row])
    written = [text.get_text() for text in figure.axes[0].texts]
    assert {"30", "40", "14"} <= set(written) and any("负面" in text for text in written)


def test_the_pictures_of_shares_have_their_points() -> None:
    report: Any = measured(THREE, COUNTS, asked=0.8)
    classes = report.evaluation.classes
    points = draw_reliability(classes.reliability, "runs/r", Pen(WIDE, EN)).axes[0].collections[0].get_offsets()
    assert np.asarray(points).tolist() == [[0.85, 0.7]]  # the empty bin has none
    lines = draw_risk(classes, "runs/r", Pen(WIDE, EN)).axes[0].get_lines()
    assert list(lines[0].get_ydata()) == pytest.approx([0, 0.02, 0.04, 0.06, 0.08])
    dots = [line for line in lines if line.get_marker() == "o"]
    assert [(list(dot.get_xdata()), list(dot.get_ydata())) for dot in dots] == [([0.4], [0.05])]
    assert "wrong" in draw(report, EN).drawn["risk"].label
