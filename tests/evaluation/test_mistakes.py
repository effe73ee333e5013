"""Likely label mistakes of a plan: found in all parts, told, and written to a file."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.evaluation.mistakes import measure_mistakes, refuse_file
from textmill.results import Mistakes
from textmill.text import SplitPlan, plan_split

WORDS = {"good": ["fine", "lovely", "great", "warm", "bright"], "bad": ["dull", "cold", "poor", "grim", "weak"]}
WRONG = 7


@pytest.fixture
def reviews(tmp_path: Path) -> tuple[SplitPlan, set[str]]:
    """300 texts whose words tell their label, and the places of the seven whose label was turned round."""
    generator = random.Random(0)
    rows, turned = [], set()
    for number in range(300):
        label = ("good", "bad")[number % 2]
        text = " ".join(generator.choices(WORDS[label], k=4) + generator.choices("abcdefgh", k=4))
        if number % 43 == 1:
            turned.add(f"reviews.csv:{number + 2}")
            label = {"good": "bad", "bad": "good"}[label]
        rows.append((text, label))
    path = tmp_path / "reviews.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    assert len(turned) == WRONG
    return plan_split(DataConfig(paths=(str(path),), labelled=True)), turned


def places(found: Mistakes) -> set[str]:
    return {Path(one.place).name for one in found.examples}


def test_labels_that_were_turned_round_are_found_in_all_parts(reviews: tuple[SplitPlan, set[str]]) -> None:
    plan, turned = reviews
    found = measure_mistakes(plan)
    assert places(found) == turned and found.n_likely == WRONG
    assert (found.n_texts, found.of_texts) == (300, 300)
    assert all(one.suggested != one.label and one.probability > 0.5 for one in found.examples)
    assert found.precision is not None and found.precision > 0.5
    assert found.estimated_share == pytest.approx(WRONG / 300, abs=0.02)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_all_of_them_are_written(reviews: tuple[SplitPlan, set[str]], tmp_path: Path, suffix: str) -> None:
    plan, turned = reviews
    path = tmp_path / f"mistakes{suffix}"
    found = measure_mistakes(plan, into=path)
    text = path.read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines())) if suffix == ".csv" else [*map(json.loads, text.splitlines())]
    assert {Path(row["place"]).name for row in rows} == turned and found.path == str(path)
    assert [float(row["probability"]) for row in rows] == sorted((float(r["probability"]) for r in rows), reverse=True)


def test_a_large_text_is_searched_in_a_sample_and_that_is_said(reviews: tuple[SplitPlan, set[str]]) -> None:
    plan, turned = reviews
    found = measure_mistakes(plan, most_characters=5000)
    assert found.of_texts == 300 and 50 < found.n_texts < 250
    assert places(found) <= turned
    assert f"{found.n_texts} of 300 texts" in found.verdict


def test_where_texts_have_several_labels_or_one_class_it_is_declined(tmp_path: Path) -> None:
    path = tmp_path / "tags.jsonl"
    path.write_text("".join(f'{{"text": "text {n}", "label": ["a", "b"]}}\n' for n in range(40)))
    found = measure_mistakes(plan_split(DataConfig(paths=(str(path),), labelled=True)))
    assert found.n_likely is None and "where each text has one label" in found.verdict
    path = tmp_path / "one.csv"
    path.write_text("text,label\n" + "".join(f"text {n},a\n" for n in range(40)))
    found = measure_mistakes(plan_split(DataConfig(paths=(str(path),), labelled=True)))
    assert found.n_likely is None and found.verdict.startswith("Label mistakes cannot be looked for:")


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match=r"likely mistakes are written as \.csv or \.jsonl"):
        refuse_file(Path("mistakes.xlsx"))
