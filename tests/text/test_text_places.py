"""Where a passage stands: its bytes in the file, decoded, are its text, in every encoding and format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.text.documents import ReadReport
from textmill.text.passage_reading import Read, read_passages
from textmill.text.places import Places
from textmill.text.question_columns import with_questions
from textmill.text.reading import examined
from textmill.text.sides import files_of

ENCODINGS = {
    "utf-8": "utf-8", "utf-8-sig": "utf-8-sig", "gb18030": "gb18030", "utf-16": "utf-16", "utf-16-be": "utf-16-be",
    "utf-32": "utf-32", "big5": "cp950", "cp1252": "cp1252",
}  # fmt: skip
SENTENCES = [
    "The kettle boils in two minutes. ", "Is it 3.5 kg? Yes.", "# Warranty", "- an item", "A quote: \"so\", he said.",
    "",
    "Back\\slash and tab\there.", "long word " * 120,
]  # fmt: skip
CHINESE = ["水壺在兩分鐘內燒開水。", "第三章 保固", "保固期是兩年，請保留收據。" * 40]
WIDE = [*CHINESE, "它会沸腾。𠮷", "👩\u200d👧 done", "e\u0301té", "\u2028between"]
FEW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def documents(encoding: str) -> st.SearchStrategy[str]:
    lines = {"cp1252": [*SENTENCES, "café — naïve"], "cp950": [*SENTENCES, *CHINESE]}.get(encoding, [*SENTENCES, *WIDE])
    line = st.tuples(st.sampled_from(lines), st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\r\n"]))
    text = st.lists(line, min_size=1, max_size=8).map(lambda some: "".join(a + b for a, b in some))
    return text.filter(lambda text: bool(text.strip()))


def read(path: Path, **said: Any) -> list[Read]:
    data, report = DataConfig(**said), ReadReport()
    found: list[Read] = []
    for file in files_of([str(path)], data, report.notes):
        how, options = with_questions(examined(file, data, report.notes), data, report.note)
        found += read_passages(how, options, report)
    return found


def decoded(path: Path, start: int | None, end: int | None, encoding: str) -> str:
    assert start is not None and end is not None
    codec = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    return path.read_bytes()[start:end].decode(codec)


@pytest.mark.parametrize("name", ENCODINGS)
@FEW
@given(st.data())
def test_the_bytes_of_a_passage_decoded_are_its_text(name: str, tmp_path: Path, data: st.DataObject) -> None:
    encoding = ENCODINGS[name]
    text, path = data.draw(documents(encoding)), tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))

    found = read(path, encoding=name, clean="none")

    assert found
    for one in found:
        passage = one.passage
        assert passage.is_exact and not one.runs
        assert decoded(path, passage.byte_start, passage.byte_end, encoding) == passage.text
        assert text[passage.start : passage.end] == passage.text
        assert passage.line == text[: passage.start].count("\n") + 1


@pytest.mark.parametrize("unit", ["line", "paragraph"])
@FEW
@given(text=documents("utf-8"), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]))
def test_so_they_are_where_a_document_is_a_line_or_a_paragraph(
    unit: str, tmp_path: Path, text: str, encoding: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))

    for one in read(path, encoding=encoding, clean="none", unit=unit):
        assert decoded(path, one.passage.byte_start, one.passage.byte_end, encoding) == one.passage.text
        before = decoded(path, 0, one.passage.byte_start, "utf-8" if encoding == "utf-8-sig" else encoding)
        assert one.passage.line == before.count("\n") + 1


@FEW
@given(
    parts=st.lists(
        st.tuples(documents("utf-8"), st.sampled_from([b"\xff", b"\xfe\xff", b"\xe6\xb0"])), min_size=1, max_size=4
    )
)
def test_what_cannot_be_decoded_stands_between_the_bytes_of_a_passage_and_not_in_its_text(
    tmp_path: Path, parts: list[tuple[str, bytes]]
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"".join(text.encode() + bad for text, bad in parts))

    for one in read(path, encoding="utf-8", clean="none"):
        passage = one.passage
        raw = path.read_bytes()[passage.byte_start : passage.byte_end]
        assert raw.decode("utf-8", "ignore") == passage.text
        assert passage.is_exact == (raw == passage.text.encode())
        each_character_stands_in_its_bytes(path, one, "utf-8")


def each_character_stands_in_its_bytes(path: Path, one: Read, codec: str) -> None:
    """Of all stretches of one character that are said to be exact, the bytes are theirs."""
    passage = one.passage
    if not one.runs:
        return
    places = Places(passage.text, one.runs, codec, one.has_lines)
    for number, character in enumerate(passage.text):
        stood = places.of(number, number + 1)
        if stood.is_exact:
            assert path.read_bytes()[stood.byte_start : stood.byte_end].decode(codec) == character


@FEW
@given(text=documents("utf-8"))
def test_what_is_cleaned_away_stands_between_the_bytes_of_a_passage_and_not_in_its_text(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "a.txt"
    dirty = "\x00".join(text[place : place + 50] for place in range(0, len(text), 50)).replace("\x1b", "")
    path.write_bytes(dirty.encode())

    for one in read(path, clean="control"):
        passage = one.passage
        raw = path.read_bytes()[passage.byte_start : passage.byte_end]
        assert raw.decode().replace("\x00", "") == passage.text
        assert dirty[passage.start : passage.end].replace("\x00", "") == passage.text
        assert passage.is_exact == ("\x00" not in raw.decode())
        each_character_stands_in_its_bytes(path, one, "utf-8")


RECORDS = st.lists(
    st.tuples(documents("utf-8"), st.sampled_from(["", "x", "a, b", 'say "so"'])), min_size=1, max_size=4
)


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@FEW
@given(records=RECORDS, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]), quoting=st.booleans())
def test_a_field_of_a_table_stands_where_it_is_written(
    ending: str, tmp_path: Path, records: list[tuple[str, str]], encoding: str, quoting: bool
) -> None:
    path, stream = tmp_path / f"a.{ending}", io.StringIO()
    writer = csv.writer(stream, delimiter="\t" if ending == "tsv" else ",", lineterminator="\r\n",
                        quoting=csv.QUOTE_ALL if quoting else csv.QUOTE_MINIMAL)  # fmt: skip
    writer.writerow(("other", "text"))
    writer.writerows((other, text) for text, other in records)
    path.write_bytes(stream.getvalue().encode(encoding))

    for one in read(path, encoding=encoding, clean="none", text="text"):
        passage = one.passage
        raw = decoded(path, passage.byte_start, passage.byte_end, encoding)
        if passage.is_exact:
            assert raw == passage.text
        elif one.runs:
            assert raw.replace('""', '"') == passage.text
            codec = {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
            each_character_stands_in_its_bytes(path, one, codec)
        else:  # another column holds the same: its record
            assert passage.text.split("\n")[0].replace('"', '""').strip() in raw or passage.text in raw


@pytest.mark.parametrize("ending", ["jsonl", "json"])
@FEW
@given(records=RECORDS, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), escapes=st.booleans())
def test_a_string_of_json_stands_where_it_is_written(
    ending: str, tmp_path: Path, records: list[tuple[str, str]], encoding: str, escapes: bool
) -> None:
    path = tmp_path / f"a.{ending}"
    values = [{"id": other, "text": text, "n": [1, {"a": None}]} for text, other in records]
    if ending == "jsonl":
        written = "".join(json.dumps(value, ensure_ascii=escapes) + "\r\n" for value in values)
    else:
        written = json.dumps({"data": values}, ensure_ascii=escapes, indent=1)
    path.write_bytes(written.encode(encoding))

    for one in read(path, encoding=encoding, clean="none", text="text"):
        passage = one.passage
        raw = decoded(path, passage.byte_start, passage.byte_end, encoding)
        if one.runs or passage.is_exact:
            assert json.loads(f'"{raw}"') == passage.text
            assert passage.is_exact == (raw == passage.text)
            codec = {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
            each_character_stands_in_its_bytes(path, one, codec)
        else:
            assert passage.text in json.loads(raw)["text"]


def test_a_text_that_stands_twice_in_its_record_has_the_bytes_of_the_record(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "Two years.", "title": "Two years."}\n{"text": "One.", "title": "x"}\n')

    first, second = (one.passage for one in read(path))

    assert not first.is_exact and second.is_exact
    assert json.loads(path.read_bytes()[first.byte_start : first.byte_end]) == {
        "text": "Two years.",
        "title": "Two years.",
    }
    assert path.read_bytes()[second.byte_start : second.byte_end] == b"One."
    assert (first.line, second.line) == (1, 2)


def test_a_field_over_several_lines_says_the_line_on_which_a_passage_begins(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('n,text\n"1\n2","# One\n\nfirst\n\n# Two\n\nsecond"\n3,third\n')

    assert [(one.passage.text.split()[-1], one.passage.line) for one in read(path)] == [
        ("first", 3), ("second", 7), ("third", 10),
    ]  # fmt: skip


def test_what_has_no_bytes_of_its_own_has_no_place_in_bytes(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text("<h1>Kettle</h1><p>It <b>boils</b>.</p>")

    [one] = read(page)

    assert (one.passage.byte_start, one.passage.byte_end, one.passage.line, one.passage.is_exact) == (
        None,
        None,
        None,
        False,
    )
    assert one.passage.source == str(page)


def test_a_packed_file_has_no_place_in_bytes_and_still_its_lines(tmp_path: Path) -> None:
    import gzip

    packed = tmp_path / "a.txt.gz"
    packed.write_bytes(gzip.compress(b"# Kettle\n\nIt boils.\n\n# Warranty\n\nTwo years.\n"))

    assert [(one.passage.byte_start, one.passage.line) for one in read(packed)] == [(None, 1), (None, 5)]
