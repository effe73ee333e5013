"""The leak meter: planted copies make the naive score too good, the more of them the more; without them it is right."""

import json
import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from textmill.config import DataConfig
from textmill.evaluation.leaks import measure_leaks
from textmill.metrics.bootstrap import difference_of_ratios
from textmill.results import Leaks
from textmill.text import SplitPlan, plan_split
from textmill.text.holdout import choose_groups
from textmill.text.long_text import LongText
from textmill.text.naive import Sides
from textmill.text.worlds import plant

RANDOM = random.Random(5)
TEXTS = [
    " ".join("".join(RANDOM.choices("abcdefghijklmnop", k=8)) for _ in range(RANDOM.randint(30, 60)))
    for _ in range(300)
]
"""Nothing can be known of these words but by having read them."""


def plan_of(texts: list[str], folder: Path, **knobs: object) -> SplitPlan:
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    data = DataConfig(paths=(str(path),), valid_share=0.1, test_share=0.1, **knobs)  # type: ignore[arg-type]
    return plan_split(data, split_twice=True)


def leaks_with_copies(share: float, folder: Path) -> Leaks:
    texts = [document.text for document in plant(TEXTS, share=share, seed=1)]
    return measure_leaks(plan_of(texts, folder))


def numbers_of(leaks: Leaks) -> tuple[float, float, float, tuple[float, float]]:
    assert leaks.naive is not None and leaks.grouped is not None and leaks.difference is not None
    assert leaks.interval is not None
    return leaks.naive, leaks.grouped, leaks.difference, leaks.interval


def test_without_copies_the_two_scores_agree(tmp_path: Path) -> None:
    leaks = leaks_with_copies(0.0, tmp_path)
    naive, grouped, difference, (low, high) = numbers_of(leaks)

    assert naive == grouped and difference == 0.0 and low <= 0.0 <= high
    assert leaks.n_held > 20 and leaks.n_leaked == 0
    assert "nothing leaks" in leaks.verdict


def test_the_margin_grows_with_the_share_of_planted_copies(tmp_path: Path) -> None:
    found = [leaks_with_copies(share, tmp_path) for share in (0.0, 0.15, 0.4)]
    margins = [numbers_of(leaks)[2] for leaks in found]

    assert margins[0] < margins[1] < margins[2]
    assert numbers_of(found[2])[3][0] > 0  # the whole interval
    assert found[2].inflation == pytest.approx(margins[2] / numbers_of(found[2])[1])
    assert "better than it is" in found[2].verdict


def test_what_near_copies_hide_is_shown_within_a_point_of_what_knowing_them_would_show(tmp_path: Path) -> None:
    longer = [" ".join(TEXTS[place : place + 4]) for place in range(0, len(TEXTS), 4)]
    copied = list(plant(longer, share=0.4, kinds=("near",), one_in=100, seed=1))
    plan = plan_of([document.text for document in copied], tmp_path)
    twice = plan.twice
    assert twice is not None
    original = np.array([document.given for document in copied])
    first = np.array([twice.groups[original == given].min() for given in original])  # their order by hash stays
    known = np.unique(np.stack([first, original]), axis=1, return_inverse=True)[1].reshape(-1)
    test, valid = choose_groups(np.bincount(known, weights=twice.sizes), 0.1, 0.1)
    held = np.isin(known, test + valid)
    truth = measure_leaks(replace(plan, twice=replace(twice, groups=known, grouped=Sides(train=~held, held=held))))
    leaks = measure_leaks(plan)

    assert truth.inflation is not None and leaks.inflation is not None and truth.inflation > 0.1
    assert abs(leaks.inflation - truth.inflation) < 0.01


def test_documents_of_one_group_count_as_repeats(tmp_path: Path) -> None:
    """Only the built-in documentation names groups so far: here they are put into the plan."""
    plan = plan_of(TEXTS, tmp_path)
    assert plan.twice is not None
    groups = np.arange(len(TEXTS)) // 2
    held = groups < 30
    grouped, naive = Sides(train=~held, held=held), Sides(train=np.arange(300) % 5 > 0, held=np.arange(300) % 5 == 0)
    leaks = measure_leaks(replace(plan, twice=replace(plan.twice, groups=groups, grouped=grouped, naive=naive)))

    assert (leaks.n_held, leaks.n_leaked) == (60, 60)
    assert "differ by no more than chance" in leaks.verdict  # neighbours of this source tell nothing of each other


def test_lines_of_one_document_tell_of_their_neighbours(tmp_path: Path) -> None:
    # A document whose subject changes: a word of its own every ten lines.
    lines = [f"the {'abcdefgh'[n // 10 % 8] * 3}{n // 10:03} of day {n % 10} was there\n" for n in range(600)]
    path = tmp_path / "a.txt"
    path.write_text("".join(lines))
    leaks = measure_leaks(plan_split(DataConfig(paths=(str(path),), unit="file"), split_twice=True))
    naive, grouped, _, interval = numbers_of(leaks)

    assert leaks.by == "line" and leaks.n_leaked is None
    assert naive < grouped and interval[0] > 0
    assert "it reads their neighbours" in leaks.verdict


def test_lines_that_are_all_alike_leak_nothing(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    path = tmp_path / "a.txt"
    path.write_text("".join("".join(generator.choice(list("ab "), 40)) + ".\n" for _ in range(600)))
    leaks = measure_leaks(plan_split(DataConfig(paths=(str(path),), near_duplicates="off"), split_twice=True))

    low, high = numbers_of(leaks)[3]
    assert low <= 0.0 <= high and "no leak shows" in leaks.verdict


@pytest.mark.parametrize("limit", [8_000, 20_000])
def test_a_large_text_is_measured_on_a_bounded_sample_and_that_is_said(tmp_path: Path, limit: int) -> None:
    texts = [document.text for document in plant(TEXTS, share=0.4, kinds=("exact",), seed=1)]
    plan = plan_of(texts, tmp_path)
    leaks = measure_leaks(plan, limit=limit)

    assert 0.5 * limit < leaks.n_bytes <= limit < leaks.of_bytes == sum(map(len, texts))
    assert "Measured on a seeded sample" in leaks.verdict
    assert leaks == measure_leaks(plan, limit=limit)
    path = tmp_path / "one.txt"
    path.write_text("\n".join(texts).replace(" a", "\na"))
    one = measure_leaks(plan_split(DataConfig(paths=(str(path),)), split_twice=True), limit=limit)
    assert one.n_bytes <= limit and "around the first cut" in one.verdict


def test_where_nothing_is_held_out_the_verdict_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS[:5]))
    data = DataConfig(paths=(str(path),), valid_share=0.0, test_share=0.0)
    nothing = measure_leaks(plan_split(data, split_twice=True))
    (tmp_path / "b.txt").write_text("one line of words that is long enough to be cut in two or three. " * 9)
    short = measure_leaks(plan_split(DataConfig(paths=(str(tmp_path / "b.txt"),)), split_twice=True))

    assert nothing.naive is nothing.grouped is None and "nothing is held out" in nothing.verdict
    assert short.naive is None and "one document of 1 line: 40 are the least" in short.verdict


def test_a_difference_of_ratios_by_hand() -> None:
    # Every draw of two equal rows gives 6/2 - 4/4; a row with nothing on one side never makes a ratio over nothing.
    same = np.array([[3.0, 1.0, 2.0, 2.0]] * 2)
    assert difference_of_ratios(same) == (2.0, 2.0)
    assert difference_of_ratios(same[:1]) is None
    apart = np.array([[3.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 2.0]])
    assert difference_of_ratios(apart) == (2.0, 2.0)
    low, high = difference_of_ratios(np.array([[1.0, 1.0, 0.0, 1.0], [2.0, 1.0, 0.0, 1.0]] * 50)) or (math.nan,) * 2
    assert 1.3 < low < 1.5 < high < 1.7


def test_a_document_that_lies_on_the_disk_leaks_as_one_that_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.txt"
    path.write_text("\n".join(f"{text} 今天天气很好" for text in TEXTS), encoding="utf-8")
    held = measure_leaks(plan_split(DataConfig(paths=(str(path),)), split_twice=True), limit=30_000)
    for module in ("long_text", "plain", "reading", "long_cleaning"):
        monkeypatch.setattr(f"textmill.text.{module}.LONG", 10_000)
    plan = plan_split(DataConfig(paths=(str(path),)), split_twice=True)

    assert all(isinstance(block.content, LongText) for block in plan.blocks().values())
    assert measure_leaks(plan, limit=30_000) == held and held.n_bytes == 30_000 < held.of_bytes


def labelled_reviews(path: Path, n: int, copies: int, generator: random.Random) -> Path:
    """n texts of 60 words with labels drawn by lot, and of some of them copies with two words changed, labels kept."""
    words = [first + vowel + last for first in "bdfgklm" for vowel in "aeiou" for last in "nrst"]
    rows = []
    for number in range(n):
        text = [generator.choice(words) for _ in range(60)]
        label = generator.choice(["bad", "good"])
        rows.append((" ".join(text), label))
        if number < copies:
            text[5] = text[40] = "x"
            rows.append((" ".join(text), label))
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return path


def test_labels_that_only_copies_tell_are_told_by_the_naive_split_alone(tmp_path: Path) -> None:
    """Labels by lot: nothing but memory tells them, and what remembers is the floor of classifiers."""
    path = labelled_reviews(tmp_path / "reviews.csv", n=300, copies=300, generator=random.Random(0))
    data = DataConfig(paths=(str(path),), labelled=True, valid_share=0.1, test_share=0.2)
    leaks = measure_leaks(plan_split(data, split_twice=True))
    assert leaks.metric == "error_rate" and leaks.naive is not None and leaks.grouped is not None
    assert leaks.naive < 0.3, "a copy stands in training, but for pairs that are both held out"
    assert 0.35 < leaks.grouped < 0.65, "nothing is known of a new text"
    assert leaks.interval is not None and leaks.interval[0] > 0.2
    assert "fewer mistakes than it makes" in leaks.verdict


def test_of_labelled_texts_without_copies_nothing_leaks(tmp_path: Path) -> None:
    path = labelled_reviews(tmp_path / "reviews.csv", n=200, copies=0, generator=random.Random(1))
    leaks = measure_leaks(plan_split(DataConfig(paths=(str(path),), labelled=True), split_twice=True))
    assert (leaks.metric, leaks.difference) == ("error_rate", 0.0) and "nothing leaks" in leaks.verdict


def test_where_all_labels_are_one_the_leaks_of_labels_cannot_be_measured(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("text,label\n" + "".join(f"text number {number} of it,good\n" for number in range(60)))
    leaks = measure_leaks(plan_split(DataConfig(paths=(str(path),), labelled=True), split_twice=True))
    assert leaks.naive is None and leaks.verdict.startswith("Leaks cannot be measured: all ")
