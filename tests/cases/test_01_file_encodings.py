"""Case 01: one review table in five encodings, and two characters that two encodings claim."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text import ReadReport, plan_split, read_documents

CASE = Path(__file__).parent / "01-file-encodings"
EXPECTED = json.loads((CASE / "expected.json").read_text(encoding="utf-8"))
ENCODINGS = {
    "gb18030": "gb18030",
    "utf16be": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf8": "utf-8",
    "utf8bom": "utf-8-sig",
}


def values(path: Path, column: str) -> list[str]:
    data = DataConfig(text=column, clean=())
    return [document.text for document in read_documents([str(path)], data, ReadReport())]


@pytest.mark.parametrize(("name", "encoding"), ENCODINGS.items())
def test_the_same_six_rows_come_out_of_every_encoding(name: str, encoding: str) -> None:
    path = CASE / f"reviews.{name}.csv"
    rows = list(zip(values(path, "label"), values(path, "review"), strict=True))
    assert [list(row) for row in rows] == EXPECTED["rows"]
    assert [len(review) for _, review in rows] == EXPECTED["characters_per_row"]
    joined = "\n".join("\t".join(row) for row in rows).encode()
    assert hashlib.sha256(joined).hexdigest() == EXPECTED["sha256_of_rows"]


@pytest.mark.parametrize(("name", "encoding"), ENCODINGS.items())
def test_the_encoding_is_told_and_every_byte_of_the_file_is_counted(name: str, encoding: str) -> None:
    path = CASE / f"reviews.{name}.csv"
    [file] = plan_split(DataConfig(paths=(str(path),), text="review")).ledger.files
    assert file.encoding == encoding
    assert sum(file.ledger.values()) == file.bytes == path.stat().st_size
    # The six labels are one character each: so many bytes of the file's own encoding are unused.
    assert file.ledger["unused_column"] == 6 * {"utf-16-be": 2, "utf-16-le": 2}.get(encoding, 1)


def test_utf_8_is_tried_first() -> None:
    [text] = [d.text for d in read_documents([str(CASE / "short.utf8.txt")], DataConfig(), ReadReport())]
    assert [f"U+{ord(character):04X}" for character in text] == EXPECTED["short.utf8.txt"]
    by_hand = DataConfig(encoding="gbk")
    [wrong] = [d.text for d in read_documents([str(CASE / "short.utf8.txt")], by_hand, ReadReport())]
    assert wrong == EXPECTED["short_wrong_if_read_as_gb18030"]


def test_where_no_encoding_fits_it_stops_with_the_name_and_the_position(tmp_path: Path) -> None:
    path = tmp_path / "noise.txt"
    path.write_bytes(bytes(range(128, 256)) * 40)
    with pytest.raises(InputError, match="not a text: byte 0") as error:
        list(read_documents([str(path)], DataConfig(), ReadReport()))
    assert error.value.where == str(path) and error.value.exit_code == 2
