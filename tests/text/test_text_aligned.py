"""Sentence pairs out of two files, TSV and JSON lines: every line has its partner, or the first without is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from textmill.errors import InputError
from textmill.text.aligned import SentencePair, pairs_of_files, pairs_of_jsonl, pairs_of_tsv
from textmill.text.worlds import Pairs

CASE = Path(__file__).parent.parent / "cases" / "02-line-separators"


def test_case_02_gives_its_six_pairs_with_rare_line_breaks_inside_the_text():
    expected = json.loads((CASE / "expected.json").read_text(encoding="utf-8"))
    pairs = pairs_of_files(CASE / "pairs.en", CASE / "pairs.zh")
    assert [(pair.source, pair.target) for pair in pairs] == [(pair["en"], pair["zh"]) for pair in expected]
    assert pairs[4].place.endswith("pairs.en:5")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_each_side_is_read_in_its_own_encoding(tmp_path, encoding):
    lines = ["图书馆九点关门。", "请把窗户关上。", "这座桥是一百年以前修的。"]
    (tmp_path / "a.zh").write_bytes("".join(line + "\n" for line in lines).encode(encoding))
    (tmp_path / "a.en.gz").write_bytes(gzip.compress(b"one\r\ntwo\r\nthree"))
    pairs = pairs_of_files(tmp_path / "a.zh", tmp_path / "a.en.gz")
    assert [(pair.source, pair.target) for pair in pairs] == list(zip(lines, ["one", "two", "three"], strict=True))


@pytest.mark.parametrize(
    ("sources", "targets", "told"),
    [
        (["a b c d"] * 3, ["w x y z"] * 4, ["3 lines", "4", "Line 4 stands alone", "w x y z"]),
        (["a b c d"] * 5, ["w x y z", "w x y z", "", "w x y z"], ["5 lines", "4", "line 3"]),
        (
            ["a b c d", "e f g h", "i", "j k l m n o p q", "r"],
            ["a b c d", "e f g h", "j k l m n o p q", "r"],
            ["line 3: 'i' and 'j k l m n o p q'"],
        ),
    ],
)
def test_other_line_counts_are_refused_with_the_first_suspicious_pair(tmp_path, sources, targets, told):
    (tmp_path / "s").write_text("\n".join(sources) + "\n")
    (tmp_path / "t").write_text("\n".join(targets) + "\n")
    with pytest.raises(InputError) as caught:
        pairs_of_files(tmp_path / "s", tmp_path / "t")
    assert caught.value.exit_code == 2
    for words in told:
        assert words in str(caught.value)


def test_an_empty_side_is_refused_by_its_line(tmp_path):
    (tmp_path / "s").write_text("one\n \nthree\n")
    (tmp_path / "t").write_text("eins\nzwei\ndrei\n")
    with pytest.raises(InputError, match=r"s:2: the source of this pair is empty"):
        pairs_of_files(tmp_path / "s", tmp_path / "t")
    with pytest.raises(InputError, match=r"p\.tsv:2: the target of this pair is empty"):
        (tmp_path / "p.tsv").write_text("one\teins\ntwo\t\n")
        pairs_of_tsv(tmp_path / "p.tsv")
    (tmp_path / "e").write_text("")
    with pytest.raises(InputError, match="no pair of sentences"):
        pairs_of_files(tmp_path / "e", tmp_path / "e")
    with pytest.raises(InputError, match="no such file"):
        pairs_of_files(tmp_path / "e", tmp_path / "none")


def test_tsv_is_two_columns_and_quotes_are_text(tmp_path):
    (tmp_path / "p.tsv").write_text('She said "no.\tElle a dit « non ».\r\na\tb\n')
    pairs = pairs_of_tsv(tmp_path / "p.tsv")
    assert [(pair.source, pair.target) for pair in pairs] == [('She said "no.', "Elle a dit « non »."), ("a", "b")]
    for line, n in (("alone", 1), ("a\tb\tc", 3)):
        (tmp_path / "p.tsv").write_text(f"a\tb\n{line}\n")
        with pytest.raises(InputError, match=rf"p\.tsv:2: {n} columns"):
            pairs_of_tsv(tmp_path / "p.tsv")


def test_json_lines_hold_a_translation_or_two_keys(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"translation": {"en": "bridge", "zh": "桥\u2028"}}\n', encoding="utf-8")
    assert pairs_of_jsonl(path, "zh", "en") == [SentencePair("桥\u2028", "bridge", f"{path}:1")]
    items = [Pairs(seed=2).item(number) for number in range(3)]
    path.write_text("".join(json.dumps(item.row()) + "\n" for item in items))
    assert [(pair.source, pair.target) for pair in pairs_of_jsonl(path)] == [(i.source, i.target) for i in items]
    for line, complaint in (
        ('{"translation": {"en": "a"}}', "no texts under 'zh' and 'en' .there are: en"),
        ('{"zh": "a", "en": 3}', "no texts under"),
        ("[1]", "no texts under"),
        ("{", "is no JSON"),
    ):
        path.write_text(line + "\n")
        with pytest.raises(InputError, match=complaint) as caught:
            pairs_of_jsonl(path, "zh", "en")
        assert f"{path}:1" in str(caught.value)
