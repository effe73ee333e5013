"""Notes can be said in another language: what the rooms below training say of a text is made of messages."""

from __future__ import annotations

import ast
import doctest
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import textmill
from textmill.config import DataConfig
from textmill.messages import Message, message, plural_message, record_of, remembered
from textmill.report.words import Words
from textmill.results import Look
from textmill.text import catalogue, look, plan_split
from textmill.text.catalogue import cache, records
from textmill.text.wording import counted, some_of

PACKAGE = Path(textmill.__file__).parent
SAYING = {"note": 0, "append": 0, "insert": 1, "Dropped": 3, "BadRecord": 0, "_Broken": 0}
"""What is called to say something of a text -> which argument is the sentence."""
ZH = Words("zh")


def sentences_of(source: str) -> Iterator[ast.expr]:
    """What a module says of a text: in note(…), notes.append(…), notes.insert(…), and as reasons of bad records."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        of_list = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        if name in ("append", "insert") and not (of_list and node.func.value.id in ("notes", "findings")):  # type: ignore[attr-defined]
            continue
        if name in SAYING and len(node.args) > SAYING[name]:
            yield node.args[SAYING[name]]


def is_loose(sentence: ast.expr) -> bool:
    """Whether it is English that no catalogue can know."""
    return isinstance(sentence, (ast.JoinedStr, ast.BinOp)) or (
        isinstance(sentence, ast.Constant) and isinstance(sentence.value, str)
    )


@pytest.mark.parametrize("path", [str(p.relative_to(PACKAGE)) for room in ("text", "tokens", "tasks")
                                  for p in sorted((PACKAGE / room).glob("*.py"))])  # fmt: skip
def test_no_note_is_a_finished_english_sentence(path: str) -> None:
    source = (PACKAGE / path).read_text(encoding="utf-8")

    assert [ast.unparse(said) for said in sentences_of(source) if is_loose(said)] == []


def test_a_finished_sentence_would_be_found() -> None:
    said = 'note(f"{x}")\nnotes.append("a" + b)\nnotes.insert(n, "c")\nyield_(Dropped(BAD, 1, w, "d"))\nBadRecord(f"e")'
    fine = 'note(message("f"))\nnotes.append(said)\nnames.append("g")\nDropped(EMPTY, 1, "h")'

    assert len([one for one in sentences_of(said) if is_loose(one)]) == 5
    assert not [one for one in sentences_of(fine) if is_loose(one)]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.txt").write_text(
            f"The {number} geese flew over {number * 7} hills.\n", encoding="utf-8"
        )
    (folder / "a.jsonl").write_text('{"text": "one"}\n{"text": 1}\n{"body": "x"}\n{"text": " "}\n', encoding="utf-8")
    (folder / "b.csv").write_text("text;n\none;1\ntwo;2;3\n", encoding="utf-8")
    (folder / "c.png").write_bytes(b"\x89PNG")
    return folder


def test_every_note_of_a_plan_is_a_message_with_the_reason_inside_it(texts: Path) -> None:
    plan = plan_split(DataConfig(paths=(str(texts),)))

    assert len(plan.notes) >= 5 and all(isinstance(note, Message) for note in plan.notes)
    [left_out] = [note for note in plan.notes if note.startswith("Left out, 3 bad records; ")]
    assert ZH.told(left_out, record_of([left_out])) == (
        f"已略去 3 条坏记录；第一条是 {texts}/a.jsonl:2：'text' 是数字，不是字符串（加上 --strict 就会在那里停下）。"
    )
    [reason] = [record for record in plan.bad_records if ":3: " in record and "a.jsonl" in record]
    assert ZH.told(reason, record_of([reason])) == f"{texts}/a.jsonl:3：没有键“text”（现有：body）"


def test_look_keeps_what_its_notes_are_made_of(texts: Path) -> None:
    found = look(DataConfig(paths=(str(texts),)))
    stored = Look.model_validate_json(found.to_json())

    assert all(isinstance(note, Message) for note in found.notes)
    assert stored.notes == found.notes and set(stored.messages) == set(found.notes)
    assert all(ZH.told(note, stored.messages) != note for note in stored.notes)
    assert all(Words("en").told(note, stored.messages) == note for note in stored.notes)


def test_a_list_of_names_is_a_list_in_either_language() -> None:
    said = message("Hidden folders are not entered: %(names)s.", names=some_of(["a", "b", "c", "d", "e"]))

    assert said == "Hidden folders are not entered: a, b, c and 2 more."
    assert ZH.told(said, record_of([said])) == "不进入隐藏文件夹：a、b、c，另有 2 项。"


@pytest.mark.parametrize("n", [0, 1, 2, 1200])
def test_a_count_is_a_plural_in_english_and_one_form_in_chinese(n: int) -> None:
    said = plural_message("%(n)s bad record", "%(n)s bad records", n)

    assert said == counted(n, "bad record")
    assert ZH.told(said, record_of([said])) == f"{n:,} 条坏记录"


def test_a_stored_text_is_remembered_as_the_message_it_was() -> None:
    said = message("the same record once more")
    text, record = json.loads(json.dumps([said, record_of([said])]))
    around = plural_message("%(n)s record (%(why)s)", "%(n)s records (%(why)s)", 2, why=remembered(text, record))

    assert ZH.told(around, record_of([around])) == "2 条记录（与前面的记录重复）"
    assert type(remembered("an old reason", record)) is str


def test_why_records_were_left_out_of_a_corpus_is_kept_with_its_receipt(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one", encoding="utf-8")
    left_out = records.LeftOut({records.TWICE: 2, message("the same text under two labels"): 1})
    written = cache.write_receipt(tmp_path, "tiny 1.0", "0" * 64, left_out)
    receipt = cache.receipt_in(tmp_path)
    assert receipt is not None and receipt == written

    notes: list[str] = []
    catalogue._files("pypi:tiny", "", receipt, tmp_path, notes)
    [note] = notes
    assert note == (
        "pypi:tiny: left out when it was fetched: 2 records (the same record once more), "
        "1 record (the same text under two labels)."
    )
    assert ZH.told(note, record_of(notes)) == (
        "pypi:tiny：获取时略去了：2 条记录（与前面的记录重复）、1 条记录（同一段文本有两种标签）。"
    )


def test_a_receipt_of_before_is_read_and_its_reasons_stay_english(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one", encoding="utf-8")
    cache.write_receipt(tmp_path, "tiny 1.0", "0" * 64, records.LeftOut({records.TWICE: 1}))
    path = tmp_path / "receipt.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    del told["messages"]
    path.write_text(json.dumps(told), encoding="utf-8")

    receipt = cache.receipt_in(tmp_path)
    notes: list[str] = []
    assert receipt is not None
    catalogue._files("pypi:tiny", "", receipt, tmp_path, notes)
    assert "（the same record once more）" in ZH.told(notes[0], record_of(notes))


def test_the_examples_of_tokens_hold() -> None:
    from textmill.tokens import choice

    assert doctest.testmod(choice).failed == 0
