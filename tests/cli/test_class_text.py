"""A measured classifier in a terminal: a square for few classes, pairs for many, what not answering does."""

from __future__ import annotations

from textmill.cli.class_tables import classes_text
from textmill.results import Abstaining, Classes, ClassScore, Confused, Evaluation, Offered


def measured(names: list[str], counts: list[list[int]], asked: float | None = None) -> Evaluation:
    classes = Classes(
        names=names,
        scores=[ClassScore(name=name, precision=0.5, recall=0.25, n_texts=12, n_given=6) for name in names],
        confusion=counts,
        confused=[
            Confused(label=names[row], output=names[column], n=n)
            for row, own in enumerate(counts)
            for column, n in enumerate(own)
            if row != column and n
        ],
        aurc=0.1,
        abstaining=[
            Abstaining(threshold=0.8, n_answered=50, n_wrong=2, coverage=0.5, risk=0.04, interval=(0.005, 0.137)),
            Abstaining(threshold=0.99, n_answered=0, n_wrong=0, coverage=0.0, risk=None, interval=None),
        ],
        asked=asked,
        offer=Offered(name="network", weight=1.0, temperature=1.0, n_texts=0, losses={}),
    )
    scores = {f"f1_class.{name}": 0.75 for name in names}
    return Evaluation(run="r", data="test", metrics=scores, intervals={}, baselines={}, convention={}, classes=classes)


def test_few_classes_are_a_square_with_rows_of_truth() -> None:
    [square] = classes_text(measured(["坏", "good"], [[7, 5], [1, 11]]))
    assert [line.split() for line in square.split("\n")[1:]] == [
        ["坏", "7", "5", "25.0", "%", "50.0", "%", "75.0", "%"],
        ["good", "1", "11", "25.0", "%", "50.0", "%", "75.0", "%"],
    ]


def test_long_names_stand_once_and_control_characters_are_shown() -> None:
    [square] = classes_text(measured(["a name that is far too long\x1b[31m", "b"], [[1, 0], [0, 1]]))
    head, first, _ = square.split("\n")
    assert "[1]" in head and "[2]" in head and "far too long" not in head
    assert first.startswith("[1] a name that is far too long\\x1b[31m") and "\x1b" not in square


def test_of_many_classes_the_most_confused_pairs_are_told_and_the_rest_is_counted() -> None:
    names = [f"c{number}" for number in range(15)]
    counts = [[9 if row == column else 2 if column == row + 1 else 0 for column in range(15)] for row in range(15)]
    scores, pairs = classes_text(measured(names, counts))
    assert len(scores.split("\n")) == 16
    assert len(pairs.split("\n")) == 12 and pairs.endswith("4 more pairs, of 8 texts: --json lists them")


def test_what_not_answering_does_is_told_with_an_interval_or_that_nothing_is_answered() -> None:
    told = classes_text(measured(["a", "b"], [[1, 0], [0, 1]], asked=0.8))[-1]
    assert told == "answering from 0.8 on: 50.0 % of the texts (50), of them 4.0 % wrong (0.5 % to 13.7 %)"
    nothing = classes_text(measured(["a", "b"], [[1, 0], [0, 1]], asked=0.99))[-1]
    assert nothing == "answering from 0.99 on: 0.0 % of the texts (0); there is nothing to be wrong in"
