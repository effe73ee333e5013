"""Labels as classes: one however it is written, in one order whatever the rows, from every format to the byte."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text import Document, ReadReport, SplitPlan, look, plan_split, read_documents
from textmill.text.documents import LABELS
from textmill.text.labels import MISSING, NUMBER, canonical, in_class_order, labels_of

FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.text(st.characters(codec="utf-8"), max_size=6)


def read(*paths: Path, **knobs: Any) -> tuple[list[Document], ReadReport]:
    report = ReadReport()
    data = DataConfig(paths=tuple(map(str, paths)), labelled=True, **knobs)
    return list(read_documents(data.paths, data, report)), report


def rows_of(documents: list[Document]) -> list[tuple[str, tuple[str, ...]]]:
    return [(document.text, document.meta[LABELS]) for document in documents]


# -- one class however it is written -----------------------------------------------------------------------------------


@given(st.integers(-(10**30), 10**30))
def test_a_whole_number_is_one_class_in_every_way_of_writing_it(number: int) -> None:
    ways = [number, str(number), f" {number}\t", f"{number}.0", f"{number}.", Decimal(number)]
    if number >= 0:
        ways += [f"+{number}"]
    assert {canonical(way) for way in ways} == {str(number)}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_of_json_and_its_digits_in_a_table_are_one_class(number: float) -> None:
    name = canonical(number)
    assert name is not None and canonical(format(Decimal(repr(number)), "f")) == name
    assert float(name) == number and NUMBER.fullmatch(name)
    assert canonical(f"{name}0" if "." in name else f"{name}.00") == name


@given(NAMES)
@example("É")
@example("１")
def test_a_canonical_name_stays_as_it_is(name: str) -> None:
    found = canonical(name)
    if found is None:
        assert name.strip() == "" or name.strip() in MISSING
        return
    assert canonical(found) == found and found == found.strip() != ""


@pytest.mark.parametrize(
    "text", ["007", "1e3", "1,5", "1_000", "1 000", "--1", "+", ".", "-.", "1.2.3", "none", "NONE", "na"]
)
def test_in_doubt_a_label_is_a_text(text: str) -> None:
    assert canonical(text) == text


@pytest.mark.parametrize("value", [None, "", " \u3000", math.nan, "nan", "NaN", "None", " null ", "NULL", "N/A"])
def test_what_tools_write_for_nothing_is_no_class(value: object) -> None:
    assert canonical(value) is None


def test_letters_that_look_alike_are_one_class_and_true_is_no_number() -> None:
    assert canonical("e\u0301") == canonical("\u00e9") == "\u00e9"
    assert (canonical(True), canonical(1)) == ("true", "1")
    with pytest.raises(TypeError):
        canonical({"a": 1})


@given(st.lists(st.integers(-99, 99).map(str) | st.sampled_from(["2.5", "-0.5"]) | NAMES), st.randoms())
def test_the_order_of_classes_depends_on_their_names_alone(names: list[str], random: Any) -> None:
    names = [name for name in map(canonical, names) if name is not None]
    order = in_class_order(names)
    shuffled = [*names, *names]
    random.shuffle(shuffled)
    assert in_class_order(shuffled) == order and set(order) == set(names)

    numbers = [name for name in order if NUMBER.fullmatch(name)]
    texts = order[len(numbers) :]
    assert order[: len(numbers)] == numbers
    assert [Decimal(name) for name in numbers] == sorted(Decimal(name) for name in numbers)
    assert texts == sorted(texts, key=lambda name: [ord(letter) for letter in name])


def test_several_labels_are_cut_at_the_sign_or_come_as_a_list() -> None:
    assert labels_of("b; a ;b;;nan", ";") == ("a", "b")
    assert labels_of(["x", None, 2.0, "10"], ";") == ("2", "10", "x")
    assert labels_of("a;b") == ("a;b",)
    assert labels_of([]) == labels_of(None) == labels_of(";", ";") == ()


# -- formats -----------------------------------------------------------------------------------------------------------

ROWS = [("好极了，推荐", "1"), ("bad", "0"), ("again\nand again", "1"), ("so so", "0")]


def as_csv(rows: list[tuple[str, str]], delimiter: str = ",") -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows([("text", "label"), *rows])
    return buffer.getvalue()


def objects(rows: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"label": int(label), "text": text} for text, label in rows]


def as_parquet(rows: list[tuple[str, str]], path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"label": [int(label) for _, label in rows], "text": [text for text, _ in rows]})
    parquet.write_table(table, path)


def write(folder: Path, name: str, rows: list[tuple[str, str]] = ROWS) -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        as_parquet(rows, path)
        return path
    text = {
        ".csv": lambda: as_csv(rows),
        ".tsv": lambda: as_csv(rows, "\t"),
        ".jsonl": lambda: "".join(json.dumps(row) + "\n" for row in objects(rows)),
        ".json": lambda: json.dumps(objects(rows), ensure_ascii=False, indent=1),
    }[Path(name.removesuffix(".gz")).suffix]()
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet", "a.csv.gz"])
def test_every_format_gives_the_same_texts_with_the_same_labels(name: str, tmp_path: Path) -> None:
    documents, report = read(write(tmp_path, name))
    assert rows_of(documents) == [(text, (label,)) for text, label in ROWS]
    assert report.files[0].n_bytes["label"] == len(ROWS)
    assert "unused_column" not in report.files[0].n_bytes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "gb18030"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@FAST
@given(
    rows=st.lists(
        st.tuples(st.text('中文ab,"\n ', max_size=6), st.sampled_from(["1", "正面", "", " 0", "nan"])), max_size=6
    )
)
def test_labels_are_counted_in_the_bytes_of_the_file_whatever_its_encoding(
    encoding: str, kind: str, rows: list[tuple[str, str]], tmp_path: Path
) -> None:
    rows = [("第一", "负面"), *rows]
    lines = [json.dumps({"text": text, "label": label, "id": 7}, ensure_ascii=False) + "\n" for text, label in rows]
    path = tmp_path / f"a.{kind}"
    path.write_bytes((as_csv(rows) if kind == "csv" else "".join(lines)).encode(encoding))

    documents, report = read(path, encoding=encoding.removesuffix("-sig"), clean=())

    kept = [(text, label) for text, label in rows if text.strip() and canonical(label)]
    assert rows_of(documents) == [(text, (canonical(label),)) for text, label in kept]
    [file] = report.files
    width = encoding.removesuffix("-sig")
    assert sum(file.n_bytes.values()) == path.stat().st_size
    assert file.n_bytes["text"] == sum(len(text.encode(width)) for text, _ in kept)
    assert file.n_bytes["label"] == sum(len(label.encode(width)) for _, label in kept)
    assert file.n_bytes.get("unused_column", 0) == (len("7".encode(width)) * len(kept) if kind == "jsonl" else 0)
    assert report.n_unlabelled == sum(bool(text.strip()) and not canonical(label) for text, label in rows)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet"])
def test_the_ledger_of_a_split_sums_to_the_size_of_the_file(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, name, [(f"review {n} of them", str(n % 2)) for n in range(40)])
    plan = plan_split(DataConfig(paths=path, labelled=True, near_duplicates="off"))
    [file] = plan.ledger.files
    assert sum(file.ledger.values()) == file.bytes and file.ledger["label"] == 40
    if not name.endswith(".parquet"):
        assert file.bytes == path.stat().st_size
    assert list(file.ledger)[:4] == ["train", "validation", "test", "label"]


def test_a_label_that_is_missing_is_left_out_by_its_place_and_strict_stops_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\none,1\ntwo,\nthree,NaN\n,\nfive,0\n", encoding="utf-8")
    documents, report = read(path)
    assert rows_of(documents) == [("one", ("1",)), ("five", ("0",))]
    assert (report.unlabelled, report.n_unlabelled, report.n_empty) == ([f"{path}:3", f"{path}:4"], 2, 1)
    assert report.files[0].n_bytes["other:no-label"] == len("two,\nthree,NaN\n")

    plan = plan_split(DataConfig(paths=path, labelled=True, valid_share=0, test_share=0))
    assert plan.n_unlabelled == 2
    assert f"Left out, 2 texts without a label: {path}:3, {path}:4 (--strict stops there)." in plan.notes

    with pytest.raises(InputError, match="no label in 'label'") as error:
        read(path, strict=True)
    assert error.value.where == f"{path}:3"


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ('{"text": "a", "label": null}', None),
        ('{"text": "a"}', None),
        ('{"text": "a", "label": []}', None),
        ('{"text": "a", "label": [2, "b", 1.0]}', ("1", "2", "b")),
        ('{"text": "a", "label": false}', ("false",)),
        ('{"text": "a", "label": {"b": 1}}', "'label' holds an object, and a label is a string or a number"),
        ('{"text": "a", "label": [["b"]]}', "'label' holds a list, and a label"),
        ('{"text": "a", "label": "b\\ud83d"}', "half a surrogate pair"),
    ],
)
def test_json_labels_are_values_lists_or_bad_records(line: str, labels: Any, tmp_path: Path) -> None:
    for path, raw in (
        (tmp_path / "a.jsonl", f'{{"text": "first", "label": "x"}}\n{line}\n'),
        (tmp_path / "a.json", f'[{{"text": "first", "label": "x"}},\n{line}]'),
    ):
        path.write_text(raw, encoding="utf-8")
        documents, report = read(path)
        assert rows_of(documents)[0] == ("first", ("x",))
        if isinstance(labels, tuple):
            assert rows_of(documents)[1:] == [("a", labels)]
        elif labels is None:
            assert report.n_unlabelled == 1 and not report.bad_records
        else:
            assert labels in report.bad_records[0] and not report.n_unlabelled


def test_a_sign_cuts_the_labels_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,tags\none,food|price\ntwo,price| food |\n")
    documents, _ = read(tmp_path / "a.csv", label="tags", label_separator="|")
    assert rows_of(documents) == [("one", ("food", "price")), ("two", ("food", "price"))]


def test_numbers_of_parquet_columns_are_classes_in_their_shortest_form(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {
        "f32": (pyarrow.array([0.1, 1.0, None], pyarrow.float32()), [("0.1",), ("1",)]),
        "f64": (pyarrow.array([0.1, float("nan"), 2.0]), [("0.1",), ("2",)]),
        "word": (pyarrow.array(["b", "None", "a"]).dictionary_encode(), [("b",), ("a",)]),
        "list": (pyarrow.array([["b", "a"], [], ["c"]]), [("a", "b"), ("c",)]),
        "flag": (pyarrow.array([True, False, None]), [("true",), ("false",)]),
    }
    path = tmp_path / "a.parquet"
    table = {"text": ["one", "two", "three"], **{name: column for name, (column, _) in columns.items()}}
    parquet.write_table(pyarrow.table(table), path)
    for name, (_, wanted) in columns.items():
        documents, report = read(path, label=name)
        assert [document.meta[LABELS] for document in documents] == wanted, name
        assert report.n_unlabelled == 3 - len(wanted)


def test_a_parquet_column_of_other_things_holds_no_labels(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    stamps = pyarrow.array([0, 1], pyarrow.timestamp("ms"))
    parquet.write_table(pyarrow.table({"text": ["a", "b"], "label": stamps}), path)
    with pytest.raises(InputError, match=r"the column 'label' holds timestamp\[ms\], not labels"):
        read(path)


# -- columns that nobody named -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "text", "label"),
    [
        ("label,sentence", "sentence", "label"),
        ("Sentiment,Text", "Text", "Sentiment"),
        ("id,评论内容,情感极性", "评论内容", "情感极性"),
        ("label,text_a", "text_a", "label"),
        ("rating,label,review", "review", "label"),
        ("Star Rating,what they wrote", "what they wrote", "Star Rating"),
        ("text,label,score,reasons", "text", "label"),
        ("评分,正文", "正文", "评分"),
    ],
)
def test_columns_are_guessed_by_their_names_and_shown_with_three_rows(
    header: str, text: str, label: str, tmp_path: Path
) -> None:
    columns = header.split(",")
    path = tmp_path / "a.csv"
    lines = [header, *(",".join(f"{name} {n}" for name in columns) for n in range(5))]
    path.write_text("\n".join(lines), encoding="utf-8")

    documents, report = read(path)

    assert rows_of(documents) == [(f"{text} {n}", (f"{label} {n}",)) for n in range(5)]
    rows = "; ".join(f"{text} {n} → {label} {n}" for n in range(3))
    assert report.notes == [
        f"{path}: the text is taken from '{text}', the label from '{label}' (--data.text and --data.label decide): "
        f"{rows}."
    ]
    lines = [json.dumps({name: f"{name} {n}" for name in columns}) for n in range(5)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert rows_of(read(tmp_path / "a.jsonl")[0]) == rows_of(documents)


def test_nothing_is_shown_where_both_are_said_and_a_long_text_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"text,label\n{'wort ' * 30},1\n")
    assert read(path, text="text", label="label")[1].notes == []
    [note] = read(path)[1].notes
    assert f"{('wort ' * 8)[:39]}… → 1." in note


@pytest.mark.parametrize(
    ("header", "knobs", "told"),
    [
        ("id,text,sentment", {"label": "sentiment"}, ["'sentiment'", "id, text, sentment", "--data.label sentment"]),
        ("id,text,lable", {}, ["no column is called as labels mostly are", "did you mean 'lable'?", "--data.label"]),
        ("id,text,mood", {}, ["no column is called as labels mostly", "id, text, mood", "--data.columns text,label"]),
        ("text,label,labels", {}, ["several columns could hold the label: label, labels"]),
        ("text,rating,category", {}, ["several columns could hold the label: rating, category"]),
        ("content,review,label", {}, ["several columns could hold the text: content, review", "--data.text NAME"]),
        ("a,b,label", {}, ["no column is called as texts mostly are", "a, b, label"]),
        ("text,label", {"text": "label"}, ["no column is called as labels mostly are (there are: text, label)"]),
        ("text,label", {"text": "label", "label": "label"}, ["'label' cannot be both the text and its label"]),
        ("text,label,label", {}, ["several columns could hold the label"]),
    ],
)  # fmt: skip
def test_columns_that_cannot_be_known_are_asked_for(header: str, knobs: Any, told: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n{','.join('1' for _ in header.split(','))}\n")
    with pytest.raises(InputError) as caught:
        read(path, **knobs)
    assert caught.value.where == f"{path}:1" and caught.value.exit_code == 2
    for words in told:
        assert words in str(caught.value)


def test_each_file_is_guessed_by_itself_and_of_several_names_the_first_that_it_has_counts(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("label\tsentence\n1\tone\n")
    (tmp_path / "b.tsv").write_text("content\tSentiment\ntwo\t0\n")
    assert rows_of(read(tmp_path)[0]) == [("one", ("1",)), ("two", ("0",))]
    documents, _ = read(tmp_path, text=("content", "sentence"), label=("label", "Sentiment"))
    assert rows_of(documents) == [("one", ("1",)), ("two", ("0",))]


def test_a_table_separated_by_semicolons_is_found_by_both_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("label;review\n1;good, really\n")
    documents, report = read(tmp_path / "a.csv")
    assert rows_of(documents) == [("good, really", ("1",))]
    assert any("separated by semicolons" in note for note in report.notes)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ('{"text": ["a", "b"], "label": [0, 1]}', "none or several lists of objects"),
        ('{"text": {"0": "a"}, "label": {"0": 1}}', "none or several lists of objects"),
        ('{"one": [{"text": "a"}], "two": [{"text": "b"}]}', "none or several lists of objects"),
    ],
)
def test_json_whose_texts_and_labels_stand_apart_is_refused(raw: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(raw)
    with pytest.raises(InputError, match=told):
        read(tmp_path / "a.json")


def test_a_json_file_may_be_one_review_or_hold_its_list_under_a_key(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"review": "one", "stars": 5, "id": "x", "places": [{"a": 1}]}')
    assert rows_of(read(tmp_path / "a.json", text="review", label="stars")[0]) == [("one", ("5",))]
    (tmp_path / "a.json").write_text('{"data": [{"text": "two", "label": "b"}, "alone"], "n": 1}')
    documents, report = read(tmp_path / "a.json")
    assert rows_of(documents) == [("two", ("b",))]
    assert "a string alone has no label" in report.bad_records[0]


def test_a_text_alone_and_a_format_without_labels_are_refused_with_what_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    with pytest.raises(InputError, match="nothing says the labels of these texts") as caught:
        read(tmp_path / "a.txt")
    assert "--data.label NAME" in str(caught.value) and "reviews/pos/1.txt" in str(caught.value)
    (tmp_path / "a.tmx").write_text("<tmx></tmx>")
    with pytest.raises(InputError, match="labels are not read from the format tmx"):
        read(tmp_path / "a.tmx")


def test_short_texts_with_a_label_are_kept_where_a_document_without_would_be_near_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n:)))))),1\n!!!!!!!!!!,0\n")
    assert len(read(tmp_path / "a.csv")[0]) == 2


# -- splits ------------------------------------------------------------------------------------------------------------


def test_what_stands_in_a_held_out_file_is_dropped_from_training_and_both_sides_are_counted(tmp_path: Path) -> None:
    texts = [f"{word} {n}" for n, word in enumerate(("geese", "milk", "river", "stone", "bread", "light", "paper") * 4)]
    train = [*((text, "1") for text in texts), (texts[0].upper(), "1"), (texts[1], "0")]
    valid = [(texts[0], "1"), (texts[1], "1"), (texts[2].upper(), "0"), ("quite another", "0")]
    plan = plan_split(
        DataConfig(
            paths=write(tmp_path, "train.csv", train),
            valid=write(tmp_path, "dev.csv", valid),
            labelled=True,
            test_share=0,
            near_duplicates="off",
        )
    )
    assert plan.n_documents == {"train": len(train) - 5, "validation": 4, "test": 0}
    assert "Dropped from train, 5 documents that also stand in the validation or test text." in plan.notes
    assert "Of the 4 held-out texts, 3 stood in the train text too, 2 of them as exact copies." in plan.notes


def planned(folder: Path, rows: list[tuple[str, str]]) -> SplitPlan:
    return plan_split(DataConfig(paths=write(folder, "a.csv", rows), labelled=True, near_duplicates="off"))


def test_a_class_that_a_held_out_part_lacks_is_told(tmp_path: Path) -> None:
    rare = [(f"rare {n}", "rare") for n in range(20)]
    # Its texts are a hundredth of the bytes: no hash order gives both parts some of each class here.
    common = [(f"a much longer text about other things, number {n} of them " * 3, "usual") for n in range(400)]
    plan = planned(tmp_path, common + rare)
    held = {part: {d.meta[LABELS][0] for d in plan.documents(part)} for part in ("validation", "test")}
    lacking = [part for part, names in held.items() if "rare" not in names]
    told = [note for note in plan.notes if "holds no text of 1 class, though there are 20 of it or more: rare." in note]
    assert len(told) == len(lacking)
    assert [note.split()[1] for note in told] == lacking


def test_fewer_texts_of_a_class_than_twenty_are_not_missed(tmp_path: Path) -> None:
    rows = [(f"text {n}", "usual") for n in range(200)] + [(f"rare {n}", "rare") for n in range(3)]
    assert not any("holds no text of" in note for note in planned(tmp_path, rows).notes)


def test_a_look_shows_the_labels_beside_the_first_texts(tmp_path: Path) -> None:
    found = look(DataConfig(paths=write(tmp_path, "a.jsonl"), labelled=True))
    assert found.preview == ["好极了，推荐 → 1", "bad → 0", "again and again → 1"]


def test_the_fingerprint_of_folders_is_of_their_labels_too(tmp_path: Path) -> None:
    prints = set()
    for names in (("pos", "neg"), ("neg", "pos"), ("good", "bad")):
        folder = tmp_path / "-".join(names)
        for name, text in zip(names, ("I liked it", "I did not"), strict=True):
            (folder / name).mkdir(parents=True)
            (folder / name / "1.txt").write_text(text)
        prints.add(plan_split(DataConfig(paths=folder, labelled=True, valid_share=0, test_share=0)).fingerprint)
    assert len(prints) == 3
