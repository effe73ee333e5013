"""Translation memories: every byte counted, codes left out, units without both languages dropped by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text import ReadReport, plan_split, read_documents
from textmill.text import tmx as module
from textmill.text.aligned import SentencePair

HEAD = '<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4">\n<header/>\n<body>\n'
TAIL = "</body>\n</tmx>\n"


def unit(*sides: tuple[str, str]) -> str:
    inside = "".join(f'<tuv xml:lang="{language}"><seg>{text}</seg></tuv>' for language, text in sides)
    return f'  <tu tuid="1">{inside}</tu>\n'


def written(folder: Path, body: str, encoding: str = "utf-8") -> Path:
    path = folder / "memory.tmx"
    path.write_bytes((HEAD + body + TAIL).encode(encoding))
    return path


def read(path: Path, **knobs: object) -> tuple[list[tuple[str, str]], ReadReport]:
    data, report = DataConfig(paths=(str(path),), pairs=True, **knobs), ReadReport()
    pairs = [SentencePair.of(document) for document in read_documents(data.paths, data, report)]
    return [(pair.source, pair.target) for pair in pairs], report


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_units_are_pairs_without_their_codes(
    encoding: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    body = unit(("en-US", "Press <bpt i='1'>&lt;b></bpt>OK<ept i='1'>&lt;/b></ept> &amp; wait."), ("de", "Drücke OK."))
    body += unit(("en-US", "A <hi>red</hi> cat."), ("de", "Eine rote Katze."))
    path = written(tmp_path, body, encoding)
    pairs, report = read(path)
    assert pairs == [("Press OK & wait.", "Drücke OK."), ("A red cat.", "Eine rote Katze.")]
    [file] = report.files
    assert sum(file.n_bytes.values()) == path.stat().st_size
    assert any("from en-US to de" in note for note in report.notes)


def test_the_languages_that_are_said_are_read_and_other_units_dropped(tmp_path: Path) -> None:
    body = unit(("en", "one"), ("fr", "un"), ("zh", "一")) + unit(("en", "two"), ("fr", "deux"))
    body += unit(("EN-gb", "three"), ("zh-CN", "三")) + unit(("en", " "), ("zh", "四"))
    path = written(tmp_path, body)
    pairs, report = read(path, source="zh", target="en")
    assert pairs == [("一", "one"), ("三", "three")]
    [file] = report.files
    assert file.n_bytes["other:no-translation"] == sum(
        len(part.strip().encode()) for part in (unit(("en", "two"), ("fr", "deux")), unit(("en", " "), ("zh", "四")))
    )
    with pytest.raises(InputError, match="not said which two of its languages") as caught:
        read(path)
    assert "en, fr, zh" in str(caught.value)


def test_a_unit_that_is_no_xml_is_a_bad_record_and_a_bomb_is_none(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE t [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>\n'
    path = tmp_path / "memory.tmx"
    path.write_text(bomb + HEAD + unit(("en", "&b;"), ("de", "x")) + unit(("en", "a"), ("de", "b")) + "<tu><tuv>")
    pairs, report = read(path)
    assert pairs == [("a", "b")]
    assert report.n_bad_records == 2 and "is no XML" in report.bad_records[0]
    assert "ends inside a unit" in report.bad_records[1]
    [file] = report.files
    assert sum(file.n_bytes.values()) == path.stat().st_size


def test_without_pairs_every_text_is_a_document_and_a_unit_stays_on_one_side(tmp_path: Path) -> None:
    path = written(tmp_path, "".join(unit(("en", f"line {n}"), ("de", f"Zeile {n}")) for n in range(40)))
    plan = plan_split(DataConfig(paths=(str(path),)))
    assert sum(plan.n_documents.values()) == 80
    for part in ("train", "validation", "test"):
        numbers = [document.text.split()[1] for document in plan.documents(part)]
        assert all(numbers.count(number) == 2 for number in numbers)
    assert sum(plan.ledger.files[0].ledger.values()) == path.stat().st_size
