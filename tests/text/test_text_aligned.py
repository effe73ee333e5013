"""Sentence pairs out of two files, TSV and JSON lines: every line has its partner, or the first without is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text import ReadReport, plan_split, read_documents
from textmill.text.aligned import SentencePair
from textmill.text.worlds import Pairs

CASE = Path(__file__).parent.parent / "cases" / "02-line-separators"


def pairs_of(*paths, **knobs):
    data = DataConfig(paths=paths, pairs=True, **knobs)
    return [SentencePair.of(document) for document in read_documents(data.paths, data, ReadReport())]


def test_case_02_gives_its_six_pairs_with_rare_line_breaks_inside_the_text():
    expected = json.loads((CASE / "expected.json").read_text(encoding="utf-8"))
    pairs = pairs_of(CASE / "pairs.en", CASE / "pairs.zh")
    assert [(pair.source, pair.target) for pair in pairs] == [(pair["en"], pair["zh"]) for pair in expected]
    assert pairs[4].place.endswith("pairs.en:5")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_each_side_is_read_in_its_own_encoding(tmp_path, encoding):
    lines = ["图书馆九点关门。", "请把窗户关上。", "这座桥是一百年以前修的。"]
    (tmp_path / "a.zh").write_bytes("".join(line + "\n" for line in lines).encode(encoding))
    (tmp_path / "a.en.gz").write_bytes(gzip.compress(b"one\r\ntwo\r\nthree"))
    pairs = pairs_of(tmp_path / "a.zh", tmp_path / "a.en.gz")
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
        pairs_of(tmp_path / "s", tmp_path / "t")
    assert caught.value.exit_code == 2
    for words in told:
        assert words in str(caught.value)


def test_an_empty_side_is_refused_by_its_line(tmp_path):
    (tmp_path / "s").write_text("one\n \nthree\n")
    (tmp_path / "t").write_text("eins\nzwei\ndrei\n")
    with pytest.raises(InputError, match=r"s:2: the source of this pair is empty"):
        pairs_of(tmp_path / "s", tmp_path / "t")
    with pytest.raises(InputError, match=r"p\.tsv:2: the target of this pair is empty"):
        (tmp_path / "p.tsv").write_text("one\teins\ntwo\t\n")
        pairs_of(tmp_path / "p.tsv")
    for name in "ef":
        (tmp_path / name).write_text("")
    with pytest.raises(InputError, match="no pair of sentences"):
        pairs_of(tmp_path / "e", tmp_path / "f")
    with pytest.raises(InputError, match="no such file"):
        pairs_of(tmp_path / "p.tsv", tmp_path / "none")


def test_tsv_is_two_columns_and_quotes_are_text(tmp_path):
    (tmp_path / "p.tsv").write_text('She said "no.\tElle a dit « non ».\r\na\tb\n')
    pairs = pairs_of(tmp_path / "p.tsv")
    assert [(pair.source, pair.target) for pair in pairs] == [('She said "no.', "Elle a dit « non »."), ("a", "b")]
    for line, n in (("alone", 1), ("a\tb\tc", 3)):
        (tmp_path / "p.tsv").write_text(f"a\tb\n{line}\n")
        with pytest.raises(InputError, match=rf"p\.tsv:2: {n} columns"):
            pairs_of(tmp_path / "p.tsv")


def test_json_lines_hold_a_translation_or_two_keys(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"translation": {"en": "bridge", "zh": "桥\u2028"}}\n', encoding="utf-8")
    assert pairs_of(path, source="zh", target="en") == [SentencePair("桥\u2028", "bridge", f"{path}:1")]
    items = [Pairs(seed=2).item(number) for number in range(3)]
    path.write_text("".join(json.dumps(item.row()) + "\n" for item in items))
    assert [(pair.source, pair.target) for pair in pairs_of(path)] == [(i.source, i.target) for i in items]
    for line, complaint in (
        ('{"translation": {"en": "a"}}', "no key 'zh' .there are: en"),
        ('{"zh": "a", "en": 3}', "'en' is a number"),
        ("[1]", "a list, not an object"),
        ("{", "not JSON"),
    ):
        path.write_text(line + "\n")
        with pytest.raises(InputError, match=complaint) as caught:
            pairs_of(path, source="zh", target="en")
        assert f"{path}:1" in str(caught.value)


def write_sides(folder, name, pairs, languages=("en", "de")):
    folder.mkdir(exist_ok=True)
    for side, language in enumerate(languages):
        (folder / f"{name}.{language}").write_text("".join(f"{pair[side]}\n" for pair in pairs), encoding="utf-8")


def test_a_folder_gives_its_parts_by_name_and_its_ledger_has_a_row_for_each_side(tmp_path):
    pairs = [(f"line {n} of it", f"{n}. Zeile, schön") for n in range(30)]
    write_sides(tmp_path / "corpus", "train", pairs[:24])
    write_sides(tmp_path / "corpus", "val", pairs[24:])
    (tmp_path / "corpus" / "README.md").write_text("About it.\n")
    data = DataConfig(paths=tmp_path / "corpus", pairs=True, source="de", target="en", test_share=0.0)
    plan = plan_split(data)
    assert plan.n_documents == {"train": 24, "validation": 6, "test": 0}
    assert [SentencePair.of(one).source for one in plan.documents("validation")] == [pair[1] for pair in pairs[24:]]
    rows = {Path(file.path).name: file for file in plan.ledger.files}
    assert sorted(rows) == ["README.md", "train.de", "train.en", "val.de", "val.en"]
    for name, file in rows.items():
        assert sum(file.ledger.values()) == file.bytes == (tmp_path / "corpus" / name).stat().st_size
    assert rows["README.md"].ledger == {"other:no-translation": 10}
    assert rows["val.en"].ledger["validation"] == sum(len(pair[0]) for pair in pairs[24:])
    with pytest.raises(InputError, match="not said which") as caught:
        plan_split(DataConfig(paths=tmp_path / "corpus", pairs=True))
    assert "--source de --target en" in str(caught.value)


def test_pairs_that_share_a_side_stand_on_one_side_of_the_split(tmp_path):
    pairs = [(f"source {n // 2}", f"target {(n + 1) // 2}") for n in range(12)]
    pairs += [(f"alone {n}", f"allein {n}") for n in range(60)]
    write_sides(tmp_path / "c", "all", pairs)
    plan = plan_split(
        DataConfig(paths=(tmp_path / "c/all.en", tmp_path / "c/all.de"), pairs=True, valid_share=0.2, test_share=0.2)
    )
    sides = {part: [SentencePair.of(one) for one in plan.documents(part)] for part in ("train", "validation", "test")}
    assert sum(map(len, sides.values())) == 72 and all(sides.values())
    for side in ("source", "target"):
        seen = [{getattr(pair, side) for pair in some} for some in sides.values()]
        assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    chained = [part for part, some in sides.items() if any(pair.source.startswith("source") for pair in some)]
    assert len(chained) == 1  # each of the twelve shares a side with the next


def test_a_file_that_is_named_alone_or_twice_is_refused(tmp_path):
    write_sides(tmp_path / "c", "all", [("a", "b")])
    with pytest.raises(InputError, match=r"all\.en: there is no file with its translation"):
        pairs_of(tmp_path / "c/all.en")
    (tmp_path / "c/all.fr").write_text("c\n")
    with pytest.raises(InputError, match="not said which of"):
        pairs_of(tmp_path / "c")
    assert pairs_of(tmp_path / "c", source="fr", target="de")[0].source == "c"


def test_one_side_is_enough_where_both_endings_are_said(tmp_path):
    write_sides(tmp_path / "c", "all", [(f"line {n}", f"Zeile {n}") for n in range(40)])
    write_sides(tmp_path / "c", "val", [("a", "b")])
    write_sides(tmp_path / "c", "old", [("c", "d")])
    (tmp_path / "c/old.de").rename(tmp_path / "c/old.de.txt")
    plan = plan_split(
        DataConfig(
            paths=(tmp_path / "c/all.en", tmp_path / "c/all.de"),
            valid=(tmp_path / "c/val.en",),
            test=(tmp_path / "c/old.en",),
            pairs=True,
        )
    )
    held_out = [SentencePair.of(*plan.documents(part)) for part in ("validation", "test")]
    assert [(pair.source, pair.target) for pair in held_out] == [("a", "b"), ("c", "d")]
    assert any(note.endswith(f"{tmp_path / 'c/val.de'}, which lies beside it.") for note in plan.notes)
    assert pairs_of(tmp_path / "c/val.de", source="en", target="de")[0].source == "a"

    both = pairs_of(tmp_path / "c/val.en", tmp_path / "c/old.en", source="en", target="de")
    assert sorted(pair.source for pair in both) == ["a", "c"]

    (tmp_path / "c/val.de.txt").write_text("b\n")
    with pytest.raises(InputError, match="not said which of") as caught:
        pairs_of(tmp_path / "c/val.en", source="en", target="de")
    assert "val.de, " in str(caught.value) and "val.de.txt" in str(caught.value)


def test_a_line_that_is_missing_far_in_is_named_within_fifty(tmp_path):
    pairs = [Pairs(seed=6).item(number) for number in range(700)]
    sides = [[pair.source for pair in pairs], [pair.target for pair in pairs]]
    del sides[1][400]
    for name, lines in zip(("s", "t"), sides, strict=True):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with pytest.raises(InputError, match="come apart at about line") as caught:
        pairs_of(tmp_path / "s", tmp_path / "t")
    place = int(str(caught.value).split("about line ")[1].split(":")[0])
    assert abs(place - 401) <= 50
