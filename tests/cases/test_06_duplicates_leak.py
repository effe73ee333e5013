"""Case 06: repeated documents never stand on both sides of a split, and nothing is removed without its count."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from textmill.config import DataConfig
from textmill.text import SplitPlan, look, plan_split
from textmill.text.normalise import normalised

CASE = Path(__file__).parent / "06-duplicates-leak"
DOCS = str(CASE / "docs.jsonl")
EXPECTED = json.loads((CASE / "expected.json").read_text(encoding="utf-8"))
TEXTS = {
    record["id"]: record["text"]
    for record in map(json.loads, (CASE / "docs.jsonl").read_text(encoding="utf-8").splitlines())
}


def planned(**knobs: Any) -> SplitPlan:
    return plan_split(DataConfig(paths=(DOCS,), **knobs))


def texts(plan: SplitPlan, part: Any) -> list[str]:
    return [document.text for document in plan.documents(part)]


@pytest.mark.parametrize("test_share", [0.0, 0.05, 0.25])
@pytest.mark.parametrize("seed", range(20))
def test_no_normalised_text_stands_on_two_sides(seed: int, test_share: float) -> None:
    plan = planned(valid_share=0.25, test_share=test_share, split_seed=seed)
    sides = {part: texts(plan, part) for part in ("train", "validation", "test")}
    assert sorted(itertools.chain(*sides.values())) == sorted(TEXTS.values())
    assert sides["train"] and sides["validation"] and bool(sides["test"]) == (test_share > 0)
    seen: set[str] = set()
    for held in sides.values():
        here = {normalised(text) for text in held}
        assert not here & seen
        seen |= here


def test_the_groups_are_those_found_by_hand() -> None:
    groups: dict[str, list[str]] = {}
    for name, text in TEXTS.items():
        groups.setdefault(normalised(text), []).append(name)
    assert [group for group in groups.values() if len(group) > 1] == EXPECTED["groups"]
    assert normalised(TEXTS["d07"]) != normalised(TEXTS["d09"])


@pytest.mark.parametrize(("rule", "unique"), [("exact", EXPECTED["exact_unique"]), ("normalised", 7)])
def test_removal_keeps_nine_or_seven_and_says_how_many_went(rule: str, unique: int) -> None:
    plan = planned(valid_share=0.25, duplicates=rule)
    assert sum(plan.n_documents.values()) == unique
    assert any(f"{12 - unique} repeats (data.duplicates {rule})" in note for note in plan.notes)
    dropped = sorted(TEXTS.values())
    for part in ("train", "validation", "test"):
        for text in texts(plan, part):
            dropped.remove(text)
    assert plan.ledger.total["duplicate"] == sum(len(text.encode()) for text in dropped)


def test_look_counts_repeats_that_are_kept() -> None:
    found = look(DataConfig(paths=(DOCS,)))
    assert found.duplicates.n_documents - found.duplicates.exact == EXPECTED["exact_unique"] == 9
    assert found.duplicates.n_documents - found.duplicates.normalised == EXPECTED["normalised_unique"] == 7
    assert found.duplicates.examples[0] == f"{DOCS}:1 = {DOCS}:3 = {DOCS}:12"


def test_a_given_dev_file_is_checked_in_the_same_way(tmp_path: Path) -> None:
    dev = tmp_path / "dev.jsonl"
    dev.write_text(json.dumps({"text": "ROOM 12 is  empty."}) + "\n" + json.dumps({"text": "new"}), encoding="utf-8")
    plan = planned(valid=(str(dev),), test_share=0.0)
    assert texts(plan, "validation") == ["ROOM 12 is  empty.", "new"]
    assert sorted(texts(plan, "train")) == sorted(text for name, text in TEXTS.items() if name not in ("d04", "d05"))
    assert any("2 documents that also stand in the validation" in note for note in plan.notes)
