"""Test sets inside training text: what was planted is found, where it was planted, and nothing else."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from textmill.text import Document, against, near
from textmill.text.against import LEAST_WORDS, N_CHARACTERS, N_WORDS, find_overlaps

CASE = Path(__file__).parents[1] / "cases" / "06-duplicates-leak"
ENGLISH = [a + b + c for a in "bdfglmnprst" for b in ("a", "e", "i", "o", "ou") for c in ("ck", "nd", "rt", "lly", "m")]
CHINESE = [chr(0x4E00 + code) for code in range(0, 3000, 3)]


def documents(texts: list[str], name: str) -> list[Document]:
    return [Document(text, f"{name}:{number}") for number, text in enumerate(texts)]


def found_in(training: list[str], tests: list[str]) -> dict[str, tuple[str, float]]:
    report = find_overlaps(documents(training, "train"), documents(tests, "test"))
    assert report.n_test_documents == len(tests)
    assert report.n_training_documents == len(training)
    assert report.n_found == len(report.found) == round(report.share * len(tests))
    return {overlap.test: (overlap.training, overlap.share) for overlap in report.found}


@pytest.mark.parametrize(
    ("vocabulary", "between", "length"),
    [*((ENGLISH, " ", length) for length in (8, 12, 13, 60)), *((CHINESE, "", length) for length in (13, 25, 26, 60))],
    ids=[*(f"{length} words" for length in (8, 12, 13, 60)), *(f"{length} characters" for length in (13, 25, 26, 60))],
)
def test_every_planted_test_sentence_is_found_where_it_stands_and_no_other(vocabulary, between, length):
    rng = random.Random(length)
    sentences = [between.join(rng.choices(vocabulary, k=length)) for _ in range(60)]
    training = [rng.choices(vocabulary, k=300) for _ in range(100)]
    planted = rng.sample(range(60), 20)
    places = rng.sample(range(100), 20)
    for number, place in zip(planted, places, strict=True):
        training[place].insert(rng.randrange(300), sentences[number])

    found = found_in([between.join(words) for words in training], sentences)

    assert found == {f"test:{n}": (f"train:{place}", 1.0) for n, place in zip(planted, places, strict=True)}


@pytest.mark.parametrize("piece", [500, 4001])
def test_what_stands_in_one_long_document_is_found_across_the_pieces_it_is_read_in(monkeypatch, piece):
    rng = random.Random(piece)
    sentences = [" ".join(rng.choices(ENGLISH, k=length)) for length in (5, 9, 13, 14, 40) for _ in range(40)]
    lines = [" ".join(rng.choices(ENGLISH, k=rng.randrange(1, 30))) for _ in range(1000)]
    planted = set(rng.sample(range(200), 100))
    for number in planted:
        lines.insert(rng.randrange(len(lines)), sentences[number])
    monkeypatch.setattr(near, "PIECE", piece)
    monkeypatch.setattr(near, "LONGEST_WORD", 40)
    monkeypatch.setattr(against, "PIECE", piece)

    assert set(found_in(["\n".join(lines)], sentences)) == {f"test:{number}" for number in planted}


def test_the_first_and_the_last_line_of_a_long_document_are_lines_too(monkeypatch):
    monkeypatch.setattr(near, "PIECE", 200)
    monkeypatch.setattr(against, "PIECE", 200)
    middle = "\n".join(" ".join(random.Random(7).choices(ENGLISH, k=20)) for _ in range(40))

    assert set(found_in([f"open here\n{middle}\nand close"], ["Open here!", "And close."])) == {"test:0", "test:1"}


def test_case_width_blanks_and_punctuation_do_not_hide_a_leak():
    sentence = "The old miller took seventeen heavy sacks of rye down to the river landing"
    hidden = "So — “the OLD miller;  took seventeen ｈｅａｖｙ sacks\nof rye (down) to the river-landing!” they said."

    assert found_in(["nothing", hidden], [sentence]) == {"test:0": ("train:1", 1.0)}


def test_one_word_less_in_common_than_a_run_has_is_no_leak():
    rng = random.Random(3)
    words = rng.sample(ENGLISH, 40)
    for n_common, found in ((N_WORDS - 1, {}), (N_WORDS, {"test:0": ("train:0", 1 / (40 - N_WORDS + 1))})):
        assert found_in([" ".join(["start", *words[5 : 5 + n_common], "end"])], [" ".join(words)]) == found
    characters = rng.sample(CHINESE, 60)
    for n_common, found in (
        (N_CHARACTERS - 1, {}),
        (N_CHARACTERS, {"test:0": ("train:0", 1 / (60 - N_CHARACTERS + 1))}),
    ):
        assert found_in(["始" + "".join(characters[5 : 5 + n_common]) + "终"], ["".join(characters)]) == found


def test_a_short_document_is_found_inside_a_line_and_a_very_short_one_only_as_a_line():
    words = ["grey", "ducks", "sleep", "under", "the", "wooden", "bridge", "tonight"]
    assert len(words) == LEAST_WORDS
    short, very_short = " ".join(words), " ".join(words[1:])

    inside = f"We heard that {short} and left."
    assert found_in([inside], [short, very_short]) == {"test:0": ("train:0", 1.0)}
    assert found_in([f"Look:\n  {very_short}!\nYes."], [short, very_short]) == {"test:1": ("train:0", 1.0)}
    assert found_in(["Grey ducks\nsleep"], ["grey ducks sleep", "ducks"]) == {"test:0": ("train:0", 1.0)}


def test_nothing_runs_over_from_one_training_document_into_the_next():
    words = random.Random(4).sample(ENGLISH, 30)
    halves = [" ".join(words[:15][-7:]), " ".join(words[15:][:7])]

    assert found_in(halves, [" ".join(words), " ".join(words[8:22]), " ".join(words[10:20])]) == {}


def test_the_share_counts_all_training_documents_and_the_source_is_the_first_with_most():
    words = random.Random(5).sample(ENGLISH, 33)
    stretches = [words[:15], words[10:28], words[18:], words[10:28], words[:15]]
    training = [" ".join(stretch) for stretch in stretches]

    (overlap,) = find_overlaps(documents(training, "train"), documents([" ".join(words)], "test")).found

    # Runs of 13 of the 21: 3 + 3 + 6 of them, all different.
    assert overlap.share == pytest.approx(12 / 21)
    assert overlap.training == "train:1"
    assert overlap.excerpt == " ".join(words[10:28])[: against.EXCERPT]


def test_what_one_document_has_alone_is_told_beside_what_all_have():
    words = [f"word{n}" for n in range(60)]
    halves = [Document(" ".join(words[:40]), "a:1"), Document(" ".join(words[28:]), "a:2")]
    [found] = find_overlaps(halves, [Document(" ".join(words), "b:1")]).found
    n_runs = 60 - N_WORDS + 1
    assert (found.training, found.share) == ("a:1", 1.0)
    assert found.share_in_one == pytest.approx((40 - N_WORDS + 1) / n_runs)
    [found] = find_overlaps([Document("one two three", "a:1")], [Document("one two three", "b:1")]).found
    assert (found.share, found.share_in_one) == (1.0, 1.0)


def test_found_documents_come_by_share_and_equal_ones_in_their_order():
    words = random.Random(6).sample(ENGLISH, 80)
    tests = [" ".join(words[:40]), " ".join(words[40:60]), " ".join(words[60:]), "no such thing", "..."]

    report = find_overlaps(documents([" ".join(words[10:])], "train"), documents(tests, "test"))

    assert [overlap.test for overlap in report.found] == ["test:1", "test:2", "test:0"]
    assert (report.n_found, report.n_wordless, report.share) == (3, 1, 0.6)


@pytest.mark.parametrize(("training", "tests"), [([], []), (["", " "], ["a"]), (["a b c"], []), (["", "?"], ["", "!"])])
def test_without_text_on_a_side_nothing_is_found(training, tests):
    assert found_in(training, tests) == {}


def test_of_case_06_the_halves_that_leak_are_found():
    lines = (CASE / "docs.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {record["id"]: record["text"] for record in map(json.loads, lines)}
    training = documents([texts[name] for name in ("d00", "d01", "d04", "d06", "d07")], "train")
    tests = [Document(texts[name], name) for name in ("d02", "d03", "d05", "d08", "d10", "d11")]

    report = find_overlaps(training, tests)

    assert {overlap.test: overlap.training for overlap in report.found} == {
        "d02": "train:0",
        "d03": "train:1",
        "d05": "train:2",
        "d08": "train:3",
        "d11": "train:0",
    }
