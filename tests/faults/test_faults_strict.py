"""A bad record is counted and said; with --strict it stops everything, with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from faults_kit import InProcess, refused, training, tree

GOOD = [f"goose number {i} flew over hill {i * i}" for i in range(60)]


def jsonl(bad: str) -> str:
    lines = [json.dumps({"text": text}) for text in GOOD]
    return "\n".join([*lines[:9], bad, *lines[9:]]) + "\n"


def table(bad: str, delimiter: str = ",") -> str:
    lines = [f"{i}{delimiter}{text}" for i, text in enumerate(GOOD)]
    return "\n".join([f"id{delimiter}text", *lines[:8], bad, *lines[8:]]) + "\n"


BAD = [
    ("cut.jsonl", jsonl('{"text": "cut'), "cut.jsonl:10"),
    ("list.jsonl", jsonl("[1, 2]"), "list.jsonl:10"),
    ("number.jsonl", jsonl('{"text": 7}'), "number.jsonl:10"),
    ("twice.jsonl", jsonl('{"text": "a", "text": "b"}'), "twice.jsonl:10"),
    ("wide.csv", table("8,one,two,three"), "wide.csv:10"),
    ("narrow.tsv", table("8", "\t"), "narrow.tsv:10"),
    ("open.csv", table('8,"never closed'), "open.csv:10"),
]


@pytest.mark.parametrize(("name", "content", "place"), BAD, ids=[name for name, _, _ in BAD])
def test_strict_stops_at_a_bad_record_with_its_line(
    mill: InProcess, tmp_path: Path, name: str, content: str, place: str
) -> None:
    (tmp_path / name).write_text(content)
    before = tree(tmp_path)

    refused(mill(*training(name), "--strict"), f"{place}: ", "without --strict")
    refused(mill("look", name, "--strict"), f"{place}: ")
    refused(mill(*training(name), "--strict", "-n"), f"{place}: ")

    assert tree(tmp_path) == before


@pytest.mark.parametrize(("name", "content", "place"), BAD, ids=[name for name, _, _ in BAD])
def test_without_strict_it_is_counted_and_said(
    mill: InProcess, tmp_path: Path, name: str, content: str, place: str
) -> None:
    (tmp_path / name).write_text(content)
    bad_line = content.split("\n")[9] + "\n"

    [found] = mill("look", name, "--json").documents()

    assert found["ledger"]["bad_record"] == len(bad_line.encode())
    assert sum(found["ledger"].values()) == found["bytes"] == len(content.encode())
    assert [record for record in found["bad_records"] if record.startswith(f"{place}: ")]


def test_training_says_how_many_records_it_left_out(mill: InProcess, tmp_path: Path) -> None:
    name, content, place = BAD[0]
    (tmp_path / name).write_text(content)

    said = mill(*training(name))

    assert said.code == 0, said.err
    assert place in said.err and "--strict" in said.err


def test_a_file_that_is_no_text_in_a_folder_is_counted_or_with_strict_refused(mill: InProcess, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/good.txt").write_text("\n".join(GOOD))
    (tmp_path / "texts/noise.txt").write_bytes(bytes(range(128, 256)) * 2)

    [found] = mill("look", "texts", "--json").documents()

    assert found["ledger"]["other:not-text"] == 256
    assert any("texts/noise.txt: not a text: byte 0" in note for note in found["notes"])
    refused(mill("look", "texts", "--strict"), "texts/noise.txt: not a text: byte 0")
