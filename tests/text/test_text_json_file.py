"""JSON files: which values are the records, every byte of the file accounted for, and what is broken is named."""

import json
import os
import re
import tracemalloc
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.errors import InputError, TextmillError
from textmill.text import json_file
from textmill.text.documents import BAD_RECORD, EMPTY, MARKUP, UNUSED_COLUMN, Dropped, Found
from textmill.text.files import TextFile
from textmill.text.json_file import read_json

Item = Found | Dropped


def stored(path: Path, raw: bytes) -> TextFile:
    path.write_bytes(raw)
    return TextFile(path, path.name, "json", stamp=(path.stat().st_size, path.stat().st_mtime_ns))


def read(path: Path, raw: bytes | str, **knobs: Any) -> tuple[list[Item], list[str]]:
    notes: list[str] = []
    file = stored(path, raw if isinstance(raw, bytes) else raw.encode())
    return list(read_json(file, DataConfig(**knobs), notes.append)), notes


def texts(items: list[Item]) -> list[str]:
    return [item.document.text for item in items if isinstance(item, Found)]


def sums(items: list[Item]) -> dict[str, int]:
    n: dict[str, int] = {}
    for item in items:
        if isinstance(item, Found):
            parts = {"text": item.n_bytes, MARKUP: item.markup, UNUSED_COLUMN: item.unused_column}
        else:
            parts = {item.category: item.n_bytes}
        for category, size in parts.items():
            assert size >= 0
            n[category] = n.get(category, 0) + size
    return {category: size for category, size in n.items() if size}


def test_a_list_of_objects_is_a_record_each_with_every_byte_in_its_place(tmp_path: Path) -> None:
    raw = '[\n  {"id": 17, "text": "中\\u6587\\n"},\n  {"text": "two", "by": "Ann\\t"}\n]\n'
    items, notes = read(tmp_path / "a.json", raw)
    assert texts(items) == ["中文\n", "two"]
    assert [item.document.source for item in items if isinstance(item, Found)] == ["a.json#1", "a.json#2"]
    used = {"text": 7 + 3, UNUSED_COLUMN: 2 + 4}
    assert sums(items) == used | {MARKUP: len(raw.encode()) - 16}
    assert notes == []


@pytest.mark.parametrize(
    ("value", "knobs", "expected"),
    [
        (["one", "two"], {}, ["one", "two"]),
        ("one", {}, ["one"]),
        ({"text": "one", "data": [{"text": "no"}]}, {}, ["one"]),
        ({"body": "one", "n": 1}, {}, ["one"]),
        ({"data": [{"text": "one"}, {"text": "two"}], "version": "1"}, {}, ["one", "two"]),
        ({"rows": [{"body": "one", "n": 1}]}, {}, ["one"]),
        ({"rows": [{"a": "one", "b": "two"}]}, {"text": "b"}, ["two"]),
        ({"lines": ["one", "two"], "n": 2}, {}, ["one", "two"]),
        ({"text": ["one", "two"], "label": ["x", "y"]}, {}, ["one", "two"]),
        ({"a": ["one"], "b": ["two"]}, {"text": "b"}, ["two"]),
        ({"text": {"0": "one", "1": "two"}, "label": {"0": "x", "1": "y"}}, {}, ["one", "two"]),
        ([{"text": "one"}, "two"], {}, ["one", "two"]),
        ([], {}, []),
        ({}, {}, []),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_the_usual_shapes_are_read_by_their_rules(
    value: Any, knobs: dict[str, str], expected: list[str], indent: int | None, tmp_path: Path
) -> None:
    raw = json.dumps(value, indent=indent)
    items, _ = read(tmp_path / "a.json", raw, **knobs)
    assert texts(items) == expected
    assert sum(sums(items).values()) == len(raw)


def test_the_list_that_is_taken_is_said(tmp_path: Path) -> None:
    items, notes = read(tmp_path / "a.json", '{"version": "1.0", "data": [{"text": "one"}], "n": 12}')
    assert texts(items) == ["one"]
    assert notes == ["a.json: the records are what stands under 'data'."]
    assert sums(items)["text"] == 3
    assert sums(items)[UNUSED_COLUMN] == 3 + 2  # 1.0 and 12


@pytest.mark.parametrize(
    ("raw", "knobs", "message"),
    [
        ('{"a": "x", "b": "y"}', {}, "several that could hold the text.*a, b"),
        ('{"a": 1, "b": [2]}', {}, "no key holds a string.*a, b"),
        ('{"train": [{"text": "x"}], "test": [{"text": "y"}]}', {}, "several lists of objects.*train, test"),
        ('{"a": ["x"], "b": ["y"]}', {}, "several that could hold the text.*a, b"),
        ('{"a": ["x"]}', {"text": "b"}, "no column 'b'.*a"),
        ('[{"a": "x", "b": "y"}]', {}, "several that could hold the text.*a, b"),
        ('[{"a": 1}]', {}, "no key holds a string.*a"),
        ('[{"sentence": "x"}]', {"text": "sentense"}, "no column 'sentense'.*sentence"),
    ],
)
def test_what_could_be_several_things_is_refused_with_the_keys(
    raw: str, knobs: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path / "a.json", raw, **knobs)
    assert error.value.where == "a.json"


def test_json_lines_under_another_name_are_read_and_that_is_said(tmp_path: Path) -> None:
    raw = '{"text": "one"}\n{"text": "two"\n{"text": "three"}\n'
    items, notes = read(tmp_path / "a.json", raw)
    assert texts(items) == ["one", "three"]  # a broken line ends with its line
    assert notes == ["a.json: read as JSON lines: an object a line."]
    assert sum(sums(items).values()) == len(raw)


def test_objects_of_several_lines_behind_each_other_are_a_record_each(tmp_path: Path) -> None:
    raw = '{\n"text": "one"\n}\n{\n"text": "two"\n}'
    items, _ = read(tmp_path / "a.json", raw)
    assert texts(items) == ["one", "two"]
    assert sum(sums(items).values()) == len(raw)


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ("12", "a number, not an object"),
        ("null", "null, not an object"),
        ('["x"]', "a list, not an object"),
        ('{"no": "x"}', "no key 'text'.*no"),
        ('{"text": null}', "'text' is null, not a string"),
        ('{"text": "\\ud800"}', "half a surrogate pair"),
        ('"\\ud800"', "the string holds half a surrogate pair"),
        ('{"text": "x",}', r"not JSON.*line 2, column 1[34]"),
        ("{'text': 'x'}", r"not JSON.*line 2, column 2"),
        ('{"text": "x",\n "text": "y"}', "'text' stands twice"),
        ('{"text":\n 中}', r"not JSON.*line 3, column 2"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply|a list"),
        ('{"text": ' + "9" * 5000 + "}", "not read"),
        ('"a\nb"', "not JSON"),
    ],
)
def test_a_bad_element_is_one_bad_record_and_reading_goes_on(element: str, reason: str, tmp_path: Path) -> None:
    raw = f'[{{"text": "one"}},\n{element}, {{"text": "three"}}]'.encode()
    items, _ = read(tmp_path / "a.json", raw)
    assert texts(items) == ["one", "three"]
    (bad,) = (item for item in items if isinstance(item, Dropped) and item.category == BAD_RECORD)
    assert (bad.n_bytes, bad.source) == (len(element.encode()), "a.json#2")
    assert re.search(reason, bad.reason)
    assert sum(sums(items).values()) == len(raw)


@pytest.mark.parametrize(
    ("rest", "place", "reason"),
    [
        (' {"text": "three"}]', "a.json:2", r"expecting ',' \(column 17\)"),
        (', {"text": "thr', "a.json:2", r"never closed \(column 18\)"),
        (",]", "a.json:2", r"expecting a value \(column 17\)"),
        ("", "a.json:2", r"expecting ',' \(column 16\)"),
        ("] and more", "a.json:2", r"follows|expecting"),
        ("}", "a.json:2", r"expecting ',' \(column 16\)"),
    ],
)
def test_where_brackets_do_not_hold_the_rest_is_one_bad_record(
    rest: str, place: str, reason: str, tmp_path: Path
) -> None:
    raw = '[{"text": "one"},\n {"text": "中文"}' + rest
    items, _ = read(tmp_path / "a.json", raw)
    assert texts(items) == ["one", "中文"]
    last = items[-1]
    assert isinstance(last, Dropped)
    assert (last.category, last.source) == (BAD_RECORD, place)
    assert re.search(reason, last.reason)
    assert sum(sums(items).values()) == len(raw.encode())


def test_a_list_that_is_cut_off_inside_an_object_keeps_its_whole_records(tmp_path: Path) -> None:
    raw = '{"data": [{"text": "one"}, {"text": "tw'
    items, _ = read(tmp_path / "a.json", raw)
    assert texts(items) == ["one"]
    assert sums(items)[BAD_RECORD] == len(', {"text": "tw')


@pytest.mark.parametrize("raw", ["", " \n\t", "[ ]\n"])
def test_a_file_without_values_is_an_empty_record(raw: str, tmp_path: Path) -> None:
    items, _ = read(tmp_path / "a.json", raw)
    assert items == ([Dropped(EMPTY, len(raw), "a.json:1")] if raw else [])


def test_a_record_past_the_limit_is_named_and_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_file, "LARGEST_VALUE", 1 << 20)
    raw = '["one", "' + "x" * (1 << 24) + '"]'
    file = stored(tmp_path / "a.json", raw.encode())
    tracemalloc.start()
    items = list(read_json(file, DataConfig(text="text"), lambda _: None))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert texts(items) == ["one"]
    assert isinstance(items[-1], Dropped) and "more than 1 MiB" in items[-1].reason
    assert sum(sums(items).values()) == len(raw)
    assert peak < 6 << 20


def test_memory_does_not_grow_with_the_number_of_records(tmp_path: Path) -> None:
    def peak(n_records: int) -> int:
        record = json.dumps({"text": "word " * 400, "label": "x"})
        file = stored(tmp_path / f"{n_records}.json", f'{{"data": [{", ".join([record] * n_records)}]}}'.encode())
        tracemalloc.start()
        n_read = sum(1 for _ in read_json(file, DataConfig(), lambda _: None))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert n_read == n_records + 1
        return peak

    assert peak(1000) < peak(500) + 500_000  # a megabyte more to read


STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(['"', "\\", "}],[{", "\\u"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.lists(
    STRINGS | st.builds(lambda rest, text: {**rest, "text": text}, st.dictionaries(STRINGS, VALUES), STRINGS),
    max_size=6,
)


@pytest.mark.parametrize("chunk", [1, 7, 1 << 18])
@settings(max_examples=40, deadline=None)
@given(records=RECORDS, indent=st.sampled_from([None, 0, 3]), ascii_only=st.booleans(), wrapped=st.booleans())
def test_documents_are_what_a_json_parser_finds_wherever_pieces_end(
    chunk: int,
    records: list[Any],
    indent: int | None,
    ascii_only: bool,
    wrapped: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    records = [{"text": "first"}, *records]
    whole = {"n": 1, "data": records, "by": "Ann"} if wrapped else records
    raw = json.dumps(whole, indent=indent, ensure_ascii=ascii_only)
    with patch.object(json_file, "CHUNK", chunk):
        items, _ = read(tmp_path_factory.getbasetemp() / f"a-{os.getpid()}.json", raw)
    found = [record if isinstance(record, str) else record["text"] for record in records]
    assert texts(items) == [text for text in found if text.strip()]
    assert not any(isinstance(item, Dropped) and item.category == BAD_RECORD for item in items)
    assert sum(sums(items).values()) == len(raw.encode())
    assert sums(items)["text"] == sum(len(text.encode()) for text in texts(items))


@pytest.mark.parametrize("chunk", [1, 7, 1 << 18])
@settings(max_examples=60)
@given(
    start=st.sampled_from(
        ['[{"text": "中", "a": [1, {}]}, "x"]', '{"data": [{"text": "y"}]}', '{"text": "z"}\n{"text": 1}', ""]
    ),
    changes=st.lists(st.tuples(st.integers(0, 40), st.sampled_from(list('[]{}",:\\ \n1x中') + [""])), max_size=8),
)
def test_a_damaged_file_is_an_error_of_ours_or_exact_sums(
    chunk: int, start: str, changes: list[tuple[int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    for at, new in changes:
        start = start[:at] + new + start[at + 1 :]
    try:
        with patch.object(json_file, "CHUNK", chunk):
            items, _ = read(tmp_path_factory.getbasetemp() / f"b-{os.getpid()}.json", start)
    except TextmillError:
        return
    assert sum(sums(items).values()) == len(start.encode())
