"""Case 18: exact match and F1 of English and Chinese answers in one file, worked out by hand."""

import json
from pathlib import Path

import pytest

from textmill.metrics.answers import AnswerScore, answer_score, metrics_of

CASE = Path(__file__).parent / "18-qa-exact-match-f1"
ITEMS = [json.loads(line) for line in (CASE / "items.jsonl").read_text().splitlines()]
EXPECTED = json.loads((CASE / "expected.json").read_text())


def score(item: dict[str, object]) -> AnswerScore:
    return answer_score(str(item["prediction"]), list(item["golds"]))  # type: ignore[call-overload]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["id"])
def test_an_item_scores_what_was_worked_out_by_hand(item: dict[str, object]) -> None:
    em, f1 = EXPECTED["per_item_em_f1"][item["id"]]
    found = score(item)
    assert found.em == em
    assert found.f1 == pytest.approx(f1, abs=1e-12)


def test_all_items_together_score_their_means() -> None:
    metrics = metrics_of([score(item) for item in ITEMS])
    assert metrics["em"] == pytest.approx(EXPECTED["em"], abs=1e-12)
    assert metrics["f1"] == pytest.approx(EXPECTED["f1"], abs=1e-12)


def test_chinese_cut_at_blanks_alone_would_give_nothing_for_what_is_nearly_right() -> None:
    for item in ITEMS:
        if item["id"] in ("m07", "m11", "m15"):
            assert answer_score(item["prediction"], item["golds"], "squad").f1 == 0
