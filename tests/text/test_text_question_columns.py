"""A table of questions with their answers is a knowledge base: which tables are, and what is found in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text.passage_index import PassageIndex
from textmill.text.passages import Passage

FAQ = [
    ("How long is the warranty?", "Two years, with the receipt."),
    ("Can I boil milk?", 'No: it says "water, only".'),
]
ZH = [("保修期多久？", "两年，请保留收据。"), ("可以煮牛奶吗？", "不可以。")]


def table(path: Path, names: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)
    elif path.suffix == ".json":
        records = [dict(zip(names, row, strict=True)) for row in rows]
        text = json.dumps({"faq": records} if "wrapped" in path.name else records, ensure_ascii=False, indent=1)
    else:
        sign = "\t" if path.suffix == ".tsv" else ";" if "semicolon" in path.name else ","
        quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in [names, *rows]]
        text = "".join(sign.join(row) + "\r\n" for row in quoted)
    path.write_bytes(text.encode())
    return str(path)


def opened(path: str, tmp_path: Path, **said: Any) -> tuple[PassageIndex, list[str]]:
    notes: list[str] = []
    return PassageIndex.open([path], DataConfig(**said), tmp_path / "into", notes.append), notes


def passages(index: PassageIndex) -> list[Passage]:
    return [index.passage(number) for number in range(index.n_passages)]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.semicolon.csv", "a.jsonl", "a.json", "a.wrapped.json"])
@pytest.mark.parametrize("names", [("question", "answer"), ("Q", "A"), ("问题", "答案")])
@pytest.mark.parametrize("rows", [FAQ, ZH])
def test_a_passage_is_the_answer_and_is_found_by_its_question(
    tmp_path: Path, name: str, names: tuple[str, str], rows: list[tuple[str, ...]]
) -> None:
    index, notes = opened(table(tmp_path / name, names, rows), tmp_path)

    assert [(one.question, one.text) for one in passages(index)] == rows
    assert [index.search(question)[0].passage.text for question, _ in rows] == [answer for _, answer in rows]
    assert any(f"questions are taken from '{names[0]}', their answers from '{names[1]}'" in note for note in notes)
    raw = (tmp_path / name).read_bytes()
    for one in passages(index):
        written = raw[one.byte_start : one.byte_end].decode()
        assert written.replace('""', '"').replace('\\"', '"') == one.text
    if not name.endswith(".json"):  # whose records lie over several lines
        assert passages(index)[1].line == (2 if name.endswith("jsonl") else 3)


@pytest.mark.parametrize(
    "value",
    [
        ["Never boil milk."],
        {"text": "Never boil milk."},
        {"data": [{"title": "Milk", "text": "Never boil milk."}]},
    ],
)
def test_a_json_file_of_texts_is_none_of_questions(tmp_path: Path, value: Any) -> None:
    (tmp_path / "a.json").write_text(json.dumps(value))
    index, notes = opened(str(tmp_path / "a.json"), tmp_path)
    assert [(one.question, one.text) for one in passages(index)] == [("", "Never boil milk.")]
    assert not any("questions are taken" in note for note in notes)


def test_columns_that_are_named_decide_and_are_not_said(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", ("question", "answer", "formal"), [("Milk?", "no", "Never boil milk.")])

    guessed, _ = opened(path, tmp_path)
    named, notes = opened(path, tmp_path, question=("question",), answer=("formal",))

    assert [one.text for one in passages(guessed)] == ["no"]
    assert [(one.question, one.text) for one in passages(named)] == [("Milk?", "Never boil milk.")]
    assert not any("--data.question" in note for note in notes)


def test_a_table_without_a_header_has_the_columns_that_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Milk?,Never boil milk.\n")

    index, _ = opened(str(path), tmp_path, header=False, columns=("q", "a"))

    assert [(one.question, one.text) for one in passages(index)] == [("Milk?", "Never boil milk.")]


@pytest.mark.parametrize(
    ("names", "row"),
    [(("question", "answer", "context"), ("Milk?", "no", "Never boil milk.")), (("text",), ("Never boil milk.",))],
)
def test_a_table_of_texts_is_none_of_questions(tmp_path: Path, names: tuple[str, ...], row: tuple[str, ...]) -> None:
    index, notes = opened(table(tmp_path / "a.csv", names, [row]), tmp_path, text=(names[-1],))

    assert [(one.question, one.text) for one in passages(index)] == [("", "Never boil milk.")]
    assert not any("questions are taken" in note for note in notes)


def test_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", ("question", "answer"), FAQ)

    with pytest.raises(InputError) as error:
        opened(path, tmp_path, answer=("anwser",))
    assert (
        "no column 'anwser'" in error.value.message
        and error.value.hint == "did you mean 'answer'? Choose it with: --data.answer answer"
    )

    path = table(tmp_path / "b.csv", ("question", "x", "y"), [("Milk?", "1", "2")])
    with pytest.raises(InputError, match="which column holds the answers"):
        opened(path, tmp_path, question=("question",))


def test_a_question_without_an_answer_is_no_passage(tmp_path: Path) -> None:
    index, _ = opened(table(tmp_path / "a.csv", ("question", "answer"), [("Milk?", ""), *FAQ]), tmp_path)

    assert [one.question for one in passages(index)] == [question for question, _ in FAQ]


def test_lists_of_answers_are_no_knowledge_base(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"question": "Milk?", "answers": ["no"], "context": "Never boil milk."}\n')

    index, _ = opened(str(path), tmp_path, text="context")

    assert [(one.question, one.text) for one in passages(index)] == [("", "Never boil milk.")]
