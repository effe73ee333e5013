"""Case 03, the reading: quoted line breaks, words that look like "missing", outer blanks, no header."""

import json
from pathlib import Path
from typing import Any

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text import Document, ReadReport, look, read_documents
from textmill.text.documents import LABELS
from textmill.text.label_findings import label_counts

CASE = Path(__file__).parent / "03-csv-records"
EXPECTED = json.loads((CASE / "expected.json").read_text(encoding="utf-8"))
REVIEWS, NO_HEADER = str(CASE / "reviews.csv"), str(CASE / "noheader.csv")


def read(path: str, **knobs: Any) -> tuple[list[Document], ReadReport]:
    report = ReadReport()
    return list(read_documents([path], DataConfig(**knobs), report)), report


def test_nine_records_eight_with_text_each_with_its_first_line() -> None:
    documents, report = read(REVIEWS)
    with_text = [record for record in EXPECTED["records"] if record["text"]]
    assert len(EXPECTED["records"]) == 9 and len(with_text) == 8
    assert [(d.text, d.source) for d in documents] == [
        (record["text"], f"{REVIEWS}:{record['first_line']}") for record in with_text
    ]
    assert not report.bad_records
    assert report.n_empty == 1


def test_na_null_and_none_are_texts_and_outer_blanks_are_kept() -> None:
    texts = [d.text for d in read(REVIEWS)[0]]
    assert texts[3:6] == ["NA", "null", "None"]
    assert texts[1] == "第一行\n第二行"
    assert texts[2] == 'He said "fine" and left'
    assert texts[7] == "  padded, kept  " and len(texts[7]) == 16


def test_the_record_without_text_is_told_with_its_line() -> None:
    found = look(DataConfig(paths=(REVIEWS,)))
    assert any("1 place without text" in note and f"{REVIEWS}:11" in note for note in found.notes)
    assert found.ledger["empty"] == len("9,,1\n")
    assert sum(found.ledger.values()) == found.bytes == (CASE / "reviews.csv").stat().st_size


def test_without_a_header_a_column_by_name_stops_and_shows_the_columns_found() -> None:
    with pytest.raises(InputError, match="还可以") as error:
        read(NO_HEADER, text="text")
    assert "no column 'text'" in str(error.value) and error.value.where == f"{NO_HEADER}:1"
    with pytest.raises(InputError, match="还可以"):
        read(NO_HEADER)


def test_columns_that_are_named_leave_the_first_record_in_place() -> None:
    documents, _ = read(NO_HEADER, header=False, columns=("text", "label"))
    assert [d.text for d in documents] == [row[0] for row in EXPECTED["noheader"]]
    assert len(documents) == 3


def labelled(path: str, **knobs: Any) -> tuple[list[Document], ReadReport]:
    return read(path, labelled=True, **knobs)


def test_labels_are_five_ones_and_three_zeros_and_the_missing_one_is_told_by_record_and_line() -> None:
    documents, report = labelled(REVIEWS)
    with_both = [record for record in EXPECTED["records"] if record["text"] and record["label"]]
    assert [(d.text, d.meta[LABELS], d.source) for d in documents] == [
        (record["text"], (record["label"],), f"{REVIEWS}:{record['first_line']}") for record in with_both
    ]
    # Five 1 and three 0 are counted over all nine records; the ninth has a label and no text.
    of_records = [record["label"] for record in EXPECTED["records"]]
    assert (of_records.count("1"), of_records.count("0"), of_records.count(None)) == (5, 3, 1)
    assert label_counts(documents) == {"0": 3, "1": 4}
    assert report.unlabelled == [f"{REVIEWS}:9"] and report.empty_records == [f"{REVIEWS}:11"]

    found = look(DataConfig(paths=(REVIEWS,), labelled=True))
    assert any("1 text without a label" in note and f"{REVIEWS}:9" in note for note in found.notes)
    assert any("1 place without text" in note and f"{REVIEWS}:11" in note for note in found.notes)
    assert found.ledger["other:no-label"] == len("7,标签忘了写,\n".encode())
    assert sum(found.ledger.values()) == (CASE / "reviews.csv").stat().st_size


def test_labels_without_a_header_are_asked_for_by_name_or_read_in_order() -> None:
    with pytest.raises(InputError, match="还可以, 1") as error:
        labelled(NO_HEADER, text="text", label="label")
    assert error.value.where == f"{NO_HEADER}:1"
    with pytest.raises(InputError, match="还可以, 1") as error:
        labelled(NO_HEADER)
    assert "--data.header false --data.columns text,label" in str(error.value)
    documents, _ = labelled(NO_HEADER, header=False, columns=("text", "label"))
    assert [[d.text, *d.meta[LABELS]] for d in documents] == EXPECTED["noheader"]
