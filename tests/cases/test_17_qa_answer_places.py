"""Case 17: places of answers in bytes, in UTF-16 units, one too far, of two, and of an answer that is not there."""

import json
from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text import Document, ReadReport, look, read_documents
from textmill.text.documents import ANSWERS, QUESTION_ID

CASE = Path(__file__).parent / "17-qa-answer-places"
QUESTIONS = CASE / "questions.jsonl"
EXPECTED = json.loads((CASE / "expected.json").read_text())


def read() -> tuple[dict[str, Document], ReadReport]:
    report = ReadReport()
    data = DataConfig(paths=(str(QUESTIONS),), questions=True)
    return {document.meta[QUESTION_ID]: document for document in read_documents(data.paths, data, report)}, report


def test_every_answer_that_can_be_placed_stands_where_it_is_counted_by_hand() -> None:
    documents, _ = read()
    starts = {name: document.meta[ANSWERS][0][0] for name, document in documents.items() if document.meta[ANSWERS]}
    [unclear] = EXPECTED["two_occurrences_neither_at_given"]
    assert starts.pop(unclear) == 29  # the nearest of both, told; never the first
    assert starts == EXPECTED["true_start_in_characters"]


def test_the_passage_cut_at_start_and_length_is_the_answer_in_every_kept_row() -> None:
    documents, _ = read()
    for document in documents.values():
        for start, text in document.meta[ANSWERS]:
            assert document.text[start : start + len(text)] == text


def test_an_answer_that_its_passage_does_not_hold_is_left_out_and_told_with_its_line() -> None:
    documents, report = read()
    [absent] = EXPECTED["not_in_context"]
    assert absent not in documents
    assert report.n_bad_records == 1
    assert report.bad_records[0].startswith(f"{QUESTIONS}:7: ") and "两公里" in report.bad_records[0]


def test_a_question_without_an_answer_is_kept_as_one() -> None:
    documents, _ = read()
    [unanswerable] = EXPECTED["no_answer"]
    assert documents[unanswerable].meta[ANSWERS] == ()


def test_the_summary_counts_two_three_one_one_and_one() -> None:
    found = look(DataConfig(paths=(str(QUESTIONS),), questions=True))
    [summary] = [note for note in found.notes if "places of the answers" in note]
    for count in (
        "2 right as given",
        "3 repaired (1 counted in bytes; 1 in UTF-16 units; 1 moved to the only place)",
        f"1 unclear, taken at the nearest place ({QUESTIONS}:6)",
        f"1 not in the passage, left out ({QUESTIONS}:7)",
        "1 of them without an answer",
    ):
        assert count in summary
    assert sum(found.ledger.values()) == QUESTIONS.stat().st_size


def test_strict_stops_where_a_place_would_have_to_be_guessed() -> None:
    data = DataConfig(paths=(str(QUESTIONS),), questions=True, strict=True)
    with pytest.raises(InputError, match="stands in its passage several times") as caught:
        list(read_documents(data.paths, data, ReadReport()))
    assert caught.value.where == f"{QUESTIONS}:6"
