"""Case 04, the reading: numbers turned to decimals, one table of classes whatever the rows, a split with one class."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.text import Document, ReadReport, look, read_documents
from textmill.text.documents import LABELS
from textmill.text.label_findings import label_counts
from textmill.text.labels import in_class_order

CASE = Path(__file__).parent / "04-labels"
WORDS = ["中性", "正面", "负面"]


def read(name: str) -> tuple[list[Document], ReadReport]:
    report = ReadReport()
    data = DataConfig(paths=(str(CASE / name),), labelled=True)
    return list(read_documents(data.paths, data, report)), report


def labels(name: str) -> list[str]:
    return [label for document in read(name)[0] for label in document.meta[LABELS]]


def test_decimals_blanks_and_numbers_are_two_classes_and_the_row_without_one_is_told() -> None:
    documents, report = read("train.csv")
    assert label_counts(documents) == {"0": 2, "1": 3}
    assert (report.n_unlabelled, report.unlabelled) == (1, [f"{CASE}/train.csv:5"])
    found = look(DataConfig(paths=(str(CASE / "train.csv"),), labelled=True))
    assert any("1 text without a label" in note and f"{CASE}/train.csv:5" in note for note in found.notes)
    assert sum(found.ledger.values()) == (CASE / "train.csv").stat().st_size


def test_the_development_set_has_no_third_class() -> None:
    assert labels("dev.jsonl") == ["1", "0", "1", "0", "1"]


def test_a_file_of_one_class_is_read_as_it_is() -> None:
    assert labels("test_one_class.csv") == ["1", "1", "1"]


def test_the_words_stand_in_the_order_of_their_code_points_whatever_the_rows() -> None:
    assert labels("words_a.csv") == labels("words_b.csv")[::-1]
    assert in_class_order(labels("words_a.csv")) == in_class_order(labels("words_b.csv")) == WORDS
    assert [ord(name[0]) for name in WORDS] == [0x4E2D, 0x6B63, 0x8D1F]


def test_a_label_that_no_model_knows_is_read_with_its_line() -> None:
    documents, _ = read("words_dev_unknown.csv")
    assert [(document.meta[LABELS], document.source) for document in documents] == [
        (("混合",), f"{CASE}/words_dev_unknown.csv:2"),
        (("中性",), f"{CASE}/words_dev_unknown.csv:3"),
    ]


@pytest.mark.ci
def test_the_table_of_classes_is_the_same_under_every_hash_seed_and_order_of_rows() -> None:
    program = (
        "import json, sys\n"
        "from textmill.config import DataConfig\n"
        "from textmill.text import ReadReport, read_documents\n"
        "from textmill.text.label_findings import label_counts\n"
        "for path in sys.argv[1:]:\n"
        "    data = DataConfig(paths=(path,), labelled=True)\n"
        "    print(json.dumps(list(label_counts(read_documents(data.paths, data, ReadReport())))))"
    )
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program, *(str(CASE / name) for name in ("words_a.csv", "words_b.csv"))],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=120,
        )
        assert [json.loads(line) for line in done.stdout.splitlines()] == [WORDS, WORDS]
