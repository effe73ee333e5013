"""Values that stand before a text: written in one form, every byte accounted for, marked as read and not learned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from textmill.config import Config, DataConfig
from textmill.errors import ConfigError, InputError
from textmill.text import ReadReport, read_documents
from textmill.text.conditions import laid_before, values_of
from textmill.text.documents import ANSWERED

ROWS = [("春望", "杜甫", "國破山河在，城春草木深。"), (" 鹿 柴", "王維", "空山不見人。"), ("", "李白", "床前明月光。")]
WANTED = ["春望\t杜甫\n國破山河在，城春草木深。", "鹿 柴\t王維\n空山不見人。", "\t李白\n床前明月光。"]
HEADER = ("title", "author", "text")


def read(path: Path, **knobs: Any) -> tuple[list[Any], ReadReport]:
    report = ReadReport()
    data = DataConfig(paths=(str(path),), conditions=("title", "author"), **knobs)
    return list(read_documents([str(path)], data, report)), report


def table(folder: Path, rows: list[tuple[str, ...]], encoding: str = "utf-8") -> Path:
    path = folder / "poems.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding=encoding)
    return path


def poems_of(documents: list[Any]) -> list[str]:
    return [document.text[start:stop] for document in documents for start, stop in document.meta[ANSWERED]]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_conditions_stand_before_the_text_and_every_byte_is_counted(encoding: str, tmp_path: Path) -> None:
    path = table(tmp_path, [HEADER, *ROWS], encoding)
    documents, report = read(path, encoding=encoding)
    assert [document.text for document in documents] == WANTED
    assert poems_of(documents) == [poem for _, _, poem in ROWS]
    assert sum(report.files[0].n_bytes.values()) == path.stat().st_size
    assert "unused_column" not in report.files[0].n_bytes


def test_a_table_without_a_header_is_named_by_position(tmp_path: Path) -> None:
    names = ("title", "author", "poem")
    documents, _ = read(table(tmp_path, list(ROWS)), header=False, columns=names)
    assert [document.text for document in documents] == WANTED


def test_keys_of_json_lines_are_conditions_too(tmp_path: Path) -> None:
    path = tmp_path / "poems.jsonl"
    records = [dict(zip(HEADER, row, strict=True)) | {"id": 7} for row in ROWS]
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    documents, report = read(path)
    assert [document.text for document in documents] == WANTED
    assert sum(report.files[0].n_bytes.values()) == path.stat().st_size
    assert report.files[0].n_bytes["unused_column"] == len("7") * 3


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = table(tmp_path, [("titel", "author", "text"), *ROWS])
    with pytest.raises(InputError, match="no column 'title'") as error:
        read(path)
    assert "data.conditions titel" in str(error.value)


def test_a_file_without_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "poems.txt").write_text("床前明月光")
    with pytest.raises(InputError, match=r"no 'title' for --data\.conditions"):
        read(tmp_path / "poems.txt")


@pytest.mark.parametrize(
    "knobs",
    [
        {"data": {"conditions": ("title",)}, "task": {"name": "classify"}},
        {"data": {"conditions": ("title", "title")}},
        {"data": {"conditions": ("title",), "text": ("title",)}},
        {"data": {"conditions": ("title",), "conversations": True}},
    ],
)
def test_conditions_that_contradict_another_knob_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises((ConfigError, ValueError), match="conditions"):
        Config.model_validate(knobs)


def test_values_come_back_from_what_stands_before() -> None:
    assert values_of(laid_before(["春望", ""])) == ("春望", "")
    assert values_of(laid_before(["a\tb", "c\nd"])) == ("a b", "c d")
