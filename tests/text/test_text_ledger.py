"""Every byte of every file has a name, whatever the file holds. Formats are written by the standard library's own
writers, so the right documents are known by construction."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text import ReadReport, SplitPlan, plan_split, read_documents

# Anything that UTF-8 can hold, and often what readers stumble over.
CHARACTERS = st.characters(codec="utf-8") | st.sampled_from('\n\r\t",;\\ \x00\x0c\x85\u2028\u3000\ufeffａ中é😀')
TEXTS = st.text(CHARACTERS, max_size=40)
FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def config(*paths: Path, **knobs: Any) -> DataConfig:
    return DataConfig(paths=tuple(str(path) for path in paths), **{"clean": (), "encoding": "utf-8", **knobs})


def read(path: Path, **knobs: Any) -> tuple[list[str], ReadReport]:
    """The documents of one file; its bytes, by category, must be all there are."""
    report = ReadReport()
    texts = [document.text for document in read_documents([str(path)], config(**knobs), report)]
    assert sum(report.files[0].n_bytes.values()) == path.stat().st_size
    return texts, report


def assert_exact(plan: SplitPlan, sizes: dict[Path, int]) -> None:
    """The ledger sums to the files, the parts' texts to the ledger (plain text: text is stored as it is)."""
    assert {file.path: file.bytes for file in plan.ledger.files} == {str(path): n for path, n in sizes.items()}
    for file in plan.ledger.files:
        assert sum(file.ledger.values()) == file.bytes
        assert all(n > 0 for n in file.ledger.values())
    for part in ("train", "validation", "test"):
        documents = list(plan.documents(part))
        assert len(documents) == plan.n_documents[part]
        assert sum(len(d.text.encode()) for d in documents) == plan.ledger.total.get(part, 0)


@FAST
@given(text=TEXTS, unit=st.sampled_from(["file", "line", "paragraph"]), bom=st.booleans())
@example(text="a\r\n\r\nb\r", unit="paragraph", bom=True)
@example(text="\ufeff", unit="line", bom=False)
def test_plain_text_of_any_unit_comes_back_byte_for_byte(text: str, unit: Any, bom: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    raw = b"\xef\xbb\xbf" * bom + text.encode()
    path.write_bytes(raw)
    texts, report = read(path, unit=unit)

    # What is left out is only line ends, blank lines and the byte-order mark: no character that is not blank.
    content = raw.removeprefix(b"\xef\xbb\xbf").decode()
    assert "".join("".join(texts).split()) == "".join(content.split())
    if unit == "file" and content.strip():
        assert texts == [content]
    if unit == "line":
        lines = [line.removesuffix("\r") if ends else line for line, ends in lines_of(content)]
        assert texts == [line for line in lines if line.strip()]
    assert report.files[0].n_bytes.get("text", 0) == sum(len(t.encode()) for t in texts)


def lines_of(content: str) -> list[tuple[str, bool]]:
    """(line, whether a line feed follows)."""
    *full, last = content.split("\n")
    return [(line, True) for line in full] + [(last, False)]


@FAST
@given(
    rows=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=6),
    tab=st.booleans(),
    bom=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_table_from_the_csv_writer_comes_back_value_by_value(
    rows: list[tuple[str, str, str]], tab: bool, bom: bool, line_end: str, tmp_path: Path
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter="\t" if tab else ",", lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "text", "label"), *rows])
    path = tmp_path / ("a.tsv" if tab else "a.csv")
    path.write_bytes(b"\xef\xbb\xbf" * bom + buffer.getvalue().encode())
    texts, report = read(path)

    kept = [row for row in rows if row[1].strip()]
    assert texts == [row[1] for row in kept]
    assert report.n_empty == len(rows) - len(kept) and not report.bad_records
    n_bytes = report.files[0].n_bytes
    assert n_bytes.get("text", 0) == sum(len(row[1].encode()) for row in kept)
    assert n_bytes.get("unused_column", 0) == sum(len((row[0] + row[2]).encode()) for row in kept)


@FAST
@given(raw=st.text(CHARACTERS | st.sampled_from('",\n'), max_size=80), tab=st.booleans())
@example(raw='1,"never closed\n2,b\n3,c\n', tab=False)
@example(raw='"x"y\n"z', tab=False)
def test_no_garbage_in_a_table_loses_a_byte_or_stops_the_run(raw: str, tab: bool, tmp_path: Path) -> None:
    path = tmp_path / ("a.tsv" if tab else "a.csv")
    path.write_text("text" + ("\t" if tab else ",") + "n\n" + raw, encoding="utf-8", newline="")
    read(path)


@FAST
@given(
    records=st.lists(
        st.dictionaries(st.sampled_from(["text", "id", "é", ""]), TEXTS | st.integers() | st.none(), max_size=4),
        max_size=6,
    ),
    ascii_only=st.booleans(),
    bom=st.booleans(),
)
def test_json_lines_come_back_whatever_escapes_they_are_written_with(
    records: list[dict[str, Any]], ascii_only: bool, bom: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    lines = [json.dumps(record, ensure_ascii=ascii_only) for record in [{"text": "first"}, *records]]
    path.write_bytes(b"\xef\xbb\xbf" * bom + "\r\n".join(lines).encode())
    texts, report = read(path)

    strings = [record["text"] for record in records if isinstance(record.get("text"), str)]
    assert texts == ["first"] + [text for text in strings if text.strip()]
    assert report.n_bad_records == len(records) - len(strings)
    assert report.n_empty == sum(not text.strip() for text in strings)


@FAST
@given(raw=st.text(CHARACTERS | st.sampled_from('{}[]":,\n0tfn'), max_size=60))
@example(raw='{"text": "a", "text": "b"}')
@example(raw="[" * 50_000)
@example(raw='{"text": ' + "9" * 5000 + "}")
def test_no_garbage_among_json_lines_loses_a_byte_or_stops_the_run(raw: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "first"}\n' + raw, encoding="utf-8", newline="")
    texts, _ = read(path)
    assert texts[0] == "first"


@FAST
@given(
    texts=st.lists(st.text(CHARACTERS, max_size=300), min_size=1, max_size=12),
    unit=st.sampled_from(["file", "line", "paragraph"]),
    valid=st.sampled_from([0.0, 0.05, 0.3]),
    test=st.sampled_from([0.0, 0.05, 0.2]),
    duplicates=st.sampled_from(["keep", "exact", "normalised"]),
    seed=st.integers(0, 3),
)
def test_a_split_of_any_folder_gives_every_byte_to_one_part_or_a_named_drop(
    texts: list[str], unit: Any, valid: float, test: float, duplicates: Any, seed: int, tmp_path_factory: Any
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    sizes = {}
    for number, text in enumerate(["one two\nthree\n", *texts]):
        path = folder / f"{number:02}.txt"
        sizes[path] = path.write_bytes(text.encode())
    data = config(folder, unit=unit, valid_share=valid, test_share=test, duplicates=duplicates, split_seed=seed)
    plan = plan_split(data)
    assert_exact(plan, sizes)
    assert plan.n_documents["train"] >= 1
    if not valid:
        assert plan.n_documents["validation"] == 0
    if not test:
        assert plan.n_documents["test"] == 0


def test_markup_is_a_record_minus_its_values(tmp_path: Path) -> None:
    # 24 bytes: {"id": 12, "text": "éé"} has é as two bytes each, so 26: 4 of text, 2 of the number, 20 of markup.
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 12, "text": "éé"}', encoding="utf-8")
    _, report = read(path)
    assert report.files[0].n_bytes == {"text": 4, "markup": 20, "unused_column": 2}

    # Escaped, the same text fills 12 bytes of the file; 4 of them count as text.
    path.write_text('{"id": 12, "text": "\\u00e9\\u00e9"}', encoding="utf-8")
    _, report = read(path)
    assert report.files[0].n_bytes == {"text": 4, "markup": 28, "unused_column": 2}


def test_a_bad_record_is_counted_by_line_and_strict_stops_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,n\ngood,1\none field too many,2,3\ngood too,4\n", encoding="utf-8")
    texts, report = read(path)
    assert texts == ["good", "good too"]
    assert report.bad_records == [f"{path}:3: 3 fields where 2 are expected"]
    assert report.files[0].n_bytes["bad_record"] == len("one field too many,2,3\n")

    with pytest.raises(InputError, match="3 fields") as error:
        read(path, strict=True)
    assert error.value.where == f"{path}:3"


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('n,text\n1,fine\n2,"oops\n3,still here\n4,and here\n', encoding="utf-8")
    texts, report = read(path)
    assert texts == ["fine", "still here", "and here"]
    assert report.bad_records == [f"{path}:3: a quote is opened and never closed"]


def test_values_may_be_larger_than_the_csv_modules_own_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "x" * 300_000 + "\n", encoding="utf-8")  # the module stops at 131,072
    texts, _ = read(path)
    assert [len(text) for text in texts] == [300_000]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not JSON"),
        ("[1]", "a list, not an object"),
        ('{"text": null}', "'text' is null, not a string"),
        ('{"text": ["a"]}', "'text' is a list, not a string"),
        ('{"body": "a"}', "no key 'text' (there are: body)"),
        ('{"text": "a", "text": "b"}', "the key 'text' stands twice"),
        ('{"text": "a\\ud83d"}', "half a surrogate pair"),
    ],
)
def test_a_line_that_is_no_record_is_bad_and_says_why(line: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "first"}\n' + line + '\n{"text": "last"}\n', encoding="utf-8")
    texts, report = read(path)
    assert texts == ["first", "last"]
    assert report.n_bad_records == 1 and why in report.bad_records[0]
    assert report.bad_records[0].startswith(f"{path}:2: ")


def test_a_whole_surrogate_pair_is_one_character(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "\\ud83d\\ude00"}\n', encoding="utf-8")
    texts, report = read(path)
    assert texts == ["\U0001f600"]
    assert report.files[0].n_bytes["text"] == 4


def test_literal_quotes_of_a_tsv_file_stay_in_the_text_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('n\ttext\n1\t"Hello," she said.\n2\tplain\n', encoding="utf-8")
    texts, report = read(path)
    assert texts == ['"Hello," she said.', "plain"]
    assert any("quotes are taken as plain characters" in note for note in report.notes)


def test_a_table_separated_by_semicolons_is_read_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;text\n1;a, b\n", encoding="utf-8")
    texts, report = read(path)
    assert texts == ["a, b"]
    assert any("separated by semicolons" in note for note in report.notes)


def test_reading_lines_does_not_load_the_file(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "a.txt"
    path.write_text("a line of text\n", encoding="utf-8")
    assert len(read(path, unit="line")[0]) == 1  # what is loaded once is loaded
    path.write_text(("a line of text " * 10 + "\n") * 15_000, encoding="utf-8")  # 2.3 MB
    tracemalloc.start()
    n = sum(1 for _ in read_documents([str(path)], DataConfig(unit="line"), ReadReport()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == 15_000
    assert peak < 1_000_000
