"""Case 02: U+2028, U+0085, form feed and U+3000 stay inside a line; LF and CR LF end it."""

import json
from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.text import ReadReport, read_documents

CASE = Path(__file__).parent / "02-line-separators"
PAIRS = json.loads((CASE / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("side", ["en", "zh"])
def test_a_plain_corpus_has_the_six_lines_of_the_case(side: str, tmp_path: Path) -> None:
    path = tmp_path / f"pairs-{side}.txt"
    path.write_bytes((CASE / f"pairs.{side}").read_bytes())
    texts = [d.text for d in read_documents([str(path)], DataConfig(unit="line"), ReadReport())]
    assert texts == [pair[side] for pair in PAIRS]
    assert [len(text) for text in texts] == [pair[f"{side}_chars"] for pair in PAIRS]
    assert not any(text.endswith("\r") for text in texts)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("side", ["en", "zh"])
def test_lines_of_a_jsonl_file_are_read_the_same_way(side: str, line_end: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    lines = [json.dumps({"text": pair[side]}, ensure_ascii=False) + line_end for pair in PAIRS]
    path.write_bytes("".join(lines).encode())
    report = ReadReport()
    texts = [d.text for d in read_documents([str(path)], DataConfig(), report)]
    assert texts == [pair[side] for pair in PAIRS]
    assert not report.bad_records
