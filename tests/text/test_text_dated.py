"""Tables with dates become texts with moments: columns, encodings, orders of day and month, standard input."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError, TooLittleText
from textmill.text import arriving
from textmill.text.dated import Dated, DatedTexts

ROWS = [("2024-05-01", "cup", "good one"), ("2024-05-02 23:30", "hat", "bad, really"), ("1714694400", "cup", "fine")]
KEYS = ("date", "product", "review")


def written(path: Path, rows: list[tuple[str, ...]] = ROWS, encoding: str = "utf-8") -> str:
    """The rows in the format that the file's name says."""
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(dict(zip(KEYS, row, strict=True))) + "\n" for row in rows)
    elif path.suffix == ".json":
        text = json.dumps([dict(zip(KEYS, row, strict=True)) for row in rows])
    else:
        sign = "\t" if path.suffix == ".tsv" else ";" if "semicolon" in path.name else ","
        quoted = [[f'"{cell}"' if "," in cell else cell for cell in row] for row in [KEYS, *rows]]
        text = "".join(sign.join(row) + "\n" for row in quoted)
    path.write_bytes(text.encode(encoding))
    return str(path)


def read(*paths: str, time: str = "date", by: str | None = "product", **said: Any) -> tuple[list[Dated], DatedTexts]:
    zone, order = said.pop("zone", UTC), said.pop("order", None)
    texts = DatedTexts(paths, DataConfig(**said), time, by, zone, order)
    return list(texts), texts


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.semicolon.csv", "a.jsonl", "a.json"])
def test_every_format_gives_the_same_texts_moments_and_series(tmp_path: Path, name: str) -> None:
    found, texts = read(written(tmp_path / name))

    assert [(one.text, one.series) for one in found] == [("good one", "cup"), ("bad, really", "hat"), ("fine", "cup")]
    assert [one.moment for one in found] == [
        datetime(2024, 5, 1, tzinfo=UTC),
        datetime(2024, 5, 2, 23, 30, tzinfo=UTC),
        datetime(2024, 5, 3, tzinfo=UTC),
    ]
    assert any("'review' (--data.text decides)" in note for note in texts.notes)
    assert not texts.drops.n["bad_date"]


def test_a_parquet_file_is_read_alike(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    days = [datetime(2024, 5, 1), None]
    table = pyarrow.table({"date": days, "product": [1, 2], "review": ["good", "bad"]})
    parquet.write_table(table, tmp_path / "a.parquet")

    found, texts = read(str(tmp_path / "a.parquet"))
    assert [(one.text, one.series, one.moment) for one in found] == [("good", "1", datetime(2024, 5, 1, tzinfo=UTC))]
    assert texts.drops.n["no_date"] == 1


def test_chinese_dates_in_gb18030_are_days_of_the_zone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("日期,评论\n二〇二四年五月一日,房间很好\n2024年5月2日 下午3点,早餐很差\n".encode("gb18030"))
    zone = ZoneInfo("Asia/Shanghai")
    found, _ = read(str(path), time="日期", by=None, zone=zone)

    assert [one.text for one in found] == ["房间很好", "早餐很差"]
    assert [one.moment for one in found] == [datetime(2024, 4, 30, 16, tzinfo=UTC), datetime(2024, 5, 2, 7, tzinfo=UTC)]


def test_what_cannot_be_used_is_named_and_counted_and_strict_stops_there(tmp_path: Path) -> None:
    rows = [("yesterday", "cup", "a"), ("", "cup", "b"), ("2024-05-01", "", "c"), ("2024-05-01", "cup", "d"),
            ("2024-05-01", "cup", " ")]  # fmt: skip
    path = written(tmp_path / "a.csv", rows)
    with (tmp_path / "a.csv").open("a") as file:
        file.write("2024-05-01,cup\n")
    found, texts = read(path)

    assert [one.text for one in found] == ["d"]
    assert texts.drops.n == {"bad_date": 1, "no_date": 1, "no_series": 1, "bad_record": 1, "empty": 1}
    assert [line.split(": ")[0] for line in texts.drops.first] == [f"{path}:{line}" for line in (2, 3, 4, 7)]
    with pytest.raises(InputError, match="yesterday") as refused:
        read(path, strict=True)
    assert refused.value.where == f"{path}:2"


def test_which_of_day_and_month_is_first_is_said_by_the_whole_column(tmp_path: Path) -> None:
    rows = [("03/04/2024", "cup", "a"), ("13/05/2024", "cup", "b")]
    found, texts = read(written(tmp_path / "a.csv", rows))
    assert [one.moment.month for one in found] == [4, 5]
    assert texts.order == "day-first" and any("13/05/2024" in note for note in texts.notes)

    american = [("03/04/2024", "cup", "a"), ("05/13/2024", "cup", "b")]
    found, _ = read(written(tmp_path / "b.csv", american))
    assert [one.moment.month for one in found] == [3, 5]


def test_an_ambiguous_date_is_never_guessed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", [("03/04/2024", "cup", "a"), ("2024-05-13", "cup", "b")])
    with pytest.raises(InputError, match="nothing in the column says which"):
        read(path)
    assert [one.moment.month for one in read(path, order="month-first")[0]] == [3, 5]

    both = [("03/04/2024", "cup", "a"), ("13/05/2024", "cup", "b"), ("05/13/2024", "cup", "c")]
    with pytest.raises(InputError, match="cannot be told"):
        read(written(tmp_path / "b.csv", both))
    found, texts = read(written(tmp_path / "b.csv", both), order="day-first")
    assert [one.text for one in found] == ["a", "b"] and texts.drops.n["bad_date"] == 1


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_a_column_that_is_not_there_is_an_error_with_the_nearest(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name)
    for said, option in (({"time": "dat"}, "--time date"), ({"by": "produkt"}, "--by product")):
        with pytest.raises(InputError) as refused:
            read(path, **said)
        assert option in str(refused.value.hint)
    with pytest.raises(InputError, match="no column 'reviw'"):
        read(path, text=("reviw",))


def test_a_text_file_has_no_column_of_dates(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    with pytest.raises(InputError, match="no columns in the format text"):
        read(str(tmp_path / "a.txt"))


def test_a_label_column_is_no_rival_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("date,label,text\n2024-05-01,pos,fine\n")
    assert [one.text for one in read(str(tmp_path / "a.csv"), by=None)[0]] == ["fine"]


# -- standard input ----------------------------------------------------------------------------------------------------


class Drips(io.RawIOBase):
    """A pipe that gives a few bytes at a time, and remembers how many it gave."""

    def __init__(self, content: bytes, at_once: int):
        self.content, self.at_once, self.given = content, at_once, 0

    def read1(self, most: int) -> bytes:
        piece = self.content[self.given : self.given + min(most, self.at_once)]
        self.given += len(piece)
        return piece


def from_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes, at_once: int = 7) -> Drips:
    pipe = Drips(content, at_once)

    class Input:
        buffer: BinaryIO = pipe  # type: ignore[assignment]

    monkeypatch.setattr(arriving.sys, "stdin", Input())
    return pipe


@pytest.mark.parametrize("name", ["a.csv", "a.semicolon.csv", "a.jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le"])
def test_standard_input_is_read_as_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, encoding: str
) -> None:
    path = written(tmp_path / name, encoding=encoding)
    content = (b"\xff\xfe" if encoding == "utf-16-le" else b"") + Path(path).read_bytes()
    from_stdin(monkeypatch, content)
    found, _ = read("-")

    plain = written(tmp_path / name)
    assert [(one.text, one.moment, one.series) for one in found] == [
        (one.text, one.moment, one.series) for one in read(plain)[0]
    ]
    assert [one.source.rpartition(":")[2] for one in found] == [one.source.rpartition(":")[2] for one in read(plain)[0]]


def test_a_row_is_given_before_the_stream_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"2024-05-01,text number {number} of many\n" for number in range(5000))
    pipe = from_stdin(monkeypatch, f"date,text\n{rows}".encode(), at_once=4096)
    texts = iter(DatedTexts(["-"], DataConfig(), "date", None, UTC))

    assert next(texts).text == "text number 0 of many"
    assert pipe.given < len(pipe.content) / 4
    assert sum(1 for _ in texts) == 4999


def test_only_the_end_of_a_stream_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "BACK", 1000)
    row = b"2024-05-01," + b"x" * 90 + b"\n"
    from_stdin(monkeypatch, b"date,text\n" + 500 * row, at_once=512)
    texts = DatedTexts(["-"], DataConfig(), "date", None, UTC)
    assert texts.arriving is not None
    stream = texts.arriving.open().raw  # type: ignore[attr-defined]
    largest = 0
    while stream.read(512):
        largest = max(largest, len(stream._kept))
    assert largest < 4000


def test_of_standard_input_the_dates_before_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    from_stdin(monkeypatch, b"date,text\n13/05/2024,a\n03/04/2024,b\n")
    assert [one.moment.month for one in read("-", by=None)[0]] == [5, 4]
    from_stdin(monkeypatch, b"date,text\n03/04/2024,b\n13/05/2024,a\n")
    with pytest.raises(InputError, match="nothing before it in the column"):
        read("-", by=None)
    from_stdin(monkeypatch, b"date,text\n13/05/2024,a\n03/04/2024,b\n05/13/2024,c\n")
    with pytest.raises(InputError, match="'03/04/2024' cannot be told"):
        read("-", by=None)


def test_what_of_standard_input_is_no_utf8_is_counted_and_strict_stops_there(monkeypatch: pytest.MonkeyPatch) -> None:
    content = "date,text\n2024-05-01,早餐很差\n".encode() + b"2024-05-01,caf\xe9 \xff bad\n"
    from_stdin(monkeypatch, content, at_once=1000)
    found, texts = read("-", by=None, encoding="utf-8")
    assert [one.text for one in found] == ["早餐很差", "caf  bad"]
    assert any(note.startswith("2 stretches of standard input are no utf-8") for note in texts.notes)
    from_stdin(monkeypatch, content)
    with pytest.raises(InputError, match=r"e9.* cannot stand there in utf-8"):
        read("-", by=None, encoding="utf-8", strict=True)


def test_nothing_on_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from_stdin(monkeypatch, b"\n \n")
    with pytest.raises(TooLittleText, match="nothing came"):
        read("-")
