"""Parquet: the text column row by row, counted in UTF-8 bytes; every other file is a clear error."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.errors import InputError, MissingExtra, TextmillError
from textmill.text.documents import BAD_RECORD, EMPTY, Dropped, Found
from textmill.text.files import TextFile, examine
from textmill.text.parquet import read_parquet

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

Item = Found | Dropped


def read(path: Path, raw: bytes, **knobs: Any) -> list[Item]:
    path.write_bytes(raw)
    file = examine(TextFile(path, path.name, "parquet"), False, [])
    return list(read_parquet(file, DataConfig(**knobs), lambda _: None))


def stored(columns: dict[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


TEXTS = ["one", None, "中文", "", " \n", "two\n"]


@pytest.mark.parametrize(
    "type_",
    ["string", "large_string", "string_view", "dictionary"],
)
@pytest.mark.parametrize("row_group_size", [2, 100])
def test_rows_are_documents_counted_in_utf_8_bytes_of_the_text(type_: str, row_group_size: int, tmp_path: Path) -> None:
    types = {"string": pa.string(), "large_string": pa.large_string(), "string_view": pa.string_view()}
    texts = pa.array(TEXTS, types.get(type_, pa.dictionary(pa.int32(), pa.string())))
    raw = stored({"id": list(range(6)), "text": texts, "more": ["x" * 100] * 6}, row_group_size=row_group_size)
    items = read(tmp_path / "a.parquet", raw)
    found = [(i.document.text, i.document.source, i.n_bytes, i.markup) for i in items if isinstance(i, Found)]
    assert found == [("one", "a.parquet#1", 3, 0), ("中文", "a.parquet#3", 6, 0), ("two\n", "a.parquet#6", 4, 0)]
    dropped = [item for item in items if isinstance(item, Dropped)]
    assert dropped == [
        Dropped(EMPTY, 0, f"a.parquet#{n}") if n != 5 else Dropped(EMPTY, 2, "a.parquet#5") for n in (2, 4, 5)
    ]


def test_the_column_is_the_named_one_or_the_only_one(tmp_path: Path) -> None:
    raw = stored({"a": ["one"], "b.c": ["two"]})
    items = read(tmp_path / "a.parquet", raw, text="b.c")
    assert [item.document.text for item in items if isinstance(item, Found)] == ["two"]
    items = read(tmp_path / "a.parquet", stored({"body": ["one"]}))
    assert [item.document.text for item in items if isinstance(item, Found)] == ["one"]
    with pytest.raises(InputError, match="several that could hold the text"):
        read(tmp_path / "a.parquet", raw)
    with pytest.raises(InputError, match=r"no column 'd'.*a, b\.c"):
        read(tmp_path / "a.parquet", raw, text="d")


@pytest.mark.parametrize(
    ("column", "type_"),
    [
        (pa.array([1]), "int64"),
        (pa.array([["x"]]), "list"),
        (pa.array([{"x": "y"}]), "struct"),
        (pa.array([b"x"]), "binary"),
        (pa.nulls(1), "null"),
    ],
)
def test_a_column_that_holds_no_strings_is_refused_with_its_type(column: Any, type_: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"'text' holds {type_}") as error:
        read(tmp_path / "a.parquet", stored({"text": column, "title": ["x"]}))
    assert "title" in str(error.value.hint)


def test_a_string_that_is_not_utf_8_is_one_bad_record(tmp_path: Path) -> None:
    texts = pa.Array.from_buffers(pa.string(), 3, pa.array([b"one", b"caf\xe9", b"two"]).buffers())
    items = read(tmp_path / "a.parquet", stored({"text": texts}))
    assert [item.document.text for item in items if isinstance(item, Found)] == ["one", "two"]
    (bad,) = (item for item in items if isinstance(item, Dropped))
    assert (bad.category, bad.n_bytes, bad.source) == (BAD_RECORD, 4, "a.parquet#2")
    assert "byte 3" in bad.reason


def test_without_pyarrow_the_command_to_install_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match="needs pyarrow") as error:
        read(tmp_path / "a.parquet", b"")
    assert error.value.hint == "pip install 'textmill[data]'"


@pytest.mark.parametrize("raw", [b"", b"PAR1", b"no parquet at all", stored({"text": ["x"] * 50})[:-20]])
def test_a_file_that_is_no_parquet_is_an_error_with_its_name(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="damaged, or no Parquet file") as error:
        read(tmp_path / "a.parquet", raw)
    assert error.value.where == "a.parquet"


WHOLE = stored({"id": list(range(40)), "text": [f"text {n}" for n in range(40)]}, row_group_size=10)


@settings(max_examples=60, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_file_is_an_error_of_ours_or_is_read(
    changes: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = bytearray(WHOLE)
    for at, value in changes:
        raw[at] = value
    try:
        items = read(tmp_path_factory.mktemp("damaged") / "a.parquet", bytes(raw))
    except TextmillError:
        return
    for item in items:
        if isinstance(item, Found):
            assert item.n_bytes == len(item.document.text.encode())
