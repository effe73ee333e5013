"""An index of passages: what is found, what is read again, and what is left by a kill or by damage."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.errors import InputError, MissingExtra
from textmill.text import passage_index
from textmill.text.passage_index import Hit, PassageIndex

QUESTIONS = ("How long is the warranty?", "保修期多久？", "kettle", "水", "cup blue 红色", "nothing of it: zyx")
TEXTS = {
    "a.md": "# Kettle\n\nIt boils water.\n\n## Warranty\n\nThe warranty is two years. Keep the receipt.\n",
    "b.txt": "第一章 保修\n\n保修期是两年，请保留收据。\n\n第二章 清洗\n\n每月用醋清洗水壶。\n",
    "c.txt": "A cup of blue glass.\n",
}


def written(folder: Path, texts: dict[str, str], settled: bool = True) -> str:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        path = folder / name
        path.write_bytes(text.encode())
        if settled:
            an_hour_ago = time.time_ns() - 3600 * 10**9
            os.utime(path, ns=(an_hour_ago, an_hour_ago))
    return str(folder)


def found(index: PassageIndex) -> list[list[Hit]]:
    return [index.search(question) for question in QUESTIONS]


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read for their passages."""
    names: list[str] = []
    original = passage_index.read_passages

    def counted(file, data, report):  # type: ignore[no-untyped-def]
        names.append(Path(file.name).name)
        return original(file, data, report)

    monkeypatch.setattr(passage_index, "read_passages", counted)
    return names


def test_a_question_finds_its_passage_with_file_line_and_bytes(tmp_path: Path) -> None:
    docs = written(tmp_path / "docs", TEXTS)
    index = PassageIndex.open([docs], DataConfig(), tmp_path / "into")

    english, chinese = index.search("How long is the warranty?")[0], index.search("水壶怎么清洗？")[0]
    assert english.passage.heading == ("Kettle", "Warranty") and english.passage.line == 5
    assert chinese.passage.source == f"{docs}/b.txt" and chinese.passage.line == 5
    assert english.score > 0 and index.n_files == 3 and index.n_passages == 5

    start = chinese.passage.text.index("每月")
    place = index.place(chinese.passage, start, start + 9)
    raw = Path(docs, "b.txt").read_bytes()
    assert raw[place.byte_start : place.byte_end].decode() == "每月用醋清洗水壶。" and place.is_exact
    assert raw.decode()[place.start : place.end] == "每月用醋清洗水壶。" and place.line == 7


def test_the_scores_are_those_of_bm25_as_written_down(tmp_path: Path) -> None:
    """Lucene's: idf ln(1 + (N - n + 0.5) / (n + 0.5)), tf / (tf + 1.5 (0.25 + 0.75 length / mean)), summed."""
    docs = written(tmp_path / "docs", {"a.txt": "blue cup", "b.txt": "blue blue cup cup cup plate", "c.txt": "plate"})
    index = PassageIndex.open([docs], DataConfig(), tmp_path / "into")

    idf, mean = np.log(1 + (3 - 2 + 0.5) / (2 + 0.5)), 3.0
    expected = {
        name: idf * tf / (tf + 1.5 * (0.25 + 0.75 * n / mean)) for name, tf, n in (("a.txt", 1, 2), ("b.txt", 2, 6))
    }
    assert {Path(hit.passage.source).name: pytest.approx(hit.score) for hit in index.search("blue")} == expected


def test_an_index_that_is_as_it_was_reads_no_file(tmp_path: Path, read_files: list[str]) -> None:
    docs, said = written(tmp_path / "docs", TEXTS), list[str]()
    first = PassageIndex.open([docs], DataConfig(), tmp_path / "into")
    assert sorted(read_files) == ["a.md", "b.txt", "c.txt"]
    read_files.clear()

    again = PassageIndex.open([docs], DataConfig(), tmp_path / "into", said.append)

    assert read_files == [] and said == [] and found(again) == found(first)


@pytest.mark.parametrize("settled", [True, False])
def test_only_what_changed_is_read_again_and_what_is_gone_is_found_no_more(
    tmp_path: Path, read_files: list[str], settled: bool
) -> None:
    docs, said = written(tmp_path / "docs", TEXTS, settled), list[str]()
    PassageIndex.open([docs], DataConfig(), tmp_path / "into")
    read_files.clear()
    written(tmp_path / "docs", {"c.txt": "A cup of red glass.\n", "d.txt": "A new plate.\n"}, settled=False)
    Path(docs, "a.md").unlink()

    index = PassageIndex.open([docs], DataConfig(), tmp_path / "into", said.append)

    assert read_files == ["c.txt", "d.txt"]
    assert not index.search("warranty") and not index.search("blue") and index.search("red")[0].passage.line == 1
    assert index.search("plate")[0].passage.source == f"{docs}/d.txt"
    assert any("2 files are new or changed" in one for one in said) and any("1 file is gone" in one for one in said)
    stored = "".join(str(path.read_bytes()) for path in index.folder.rglob("*") if path.is_file())
    assert "warranty" not in stored and "blue" not in stored  # nothing of it is kept


def test_a_file_that_changed_within_one_tick_of_the_clock_is_read_again(tmp_path: Path, read_files: list[str]) -> None:
    docs = written(tmp_path / "docs", {"c.txt": "A cup of blue glass.\n"}, settled=False)
    path = Path(docs, "c.txt")
    before = path.stat().st_mtime_ns
    PassageIndex.open([docs], DataConfig(), tmp_path / "into")
    path.write_text("A cup of teal glass.\n")
    os.utime(path, ns=(before, before))

    assert PassageIndex.open([docs], DataConfig(), tmp_path / "into").search("teal")
    assert read_files == ["c.txt", "c.txt"]


def test_a_file_that_is_written_anew_with_the_same_bytes_is_not_read(tmp_path: Path, read_files: list[str]) -> None:
    docs = written(tmp_path / "docs", TEXTS)
    PassageIndex.open([docs], DataConfig(), tmp_path / "into")
    written(tmp_path / "docs", TEXTS, settled=False)
    read_files.clear()

    index = PassageIndex.open([docs], DataConfig(), tmp_path / "into")

    assert read_files == []
    assert index.place(index.search("warranty")[0].passage, 0, 2).line == 5  # it is not taken for a changed one


NAMES = st.sampled_from(["a.md", "b.txt", "c.txt", "d.txt", "e.md", "x.csv"])
CONTENTS = st.sampled_from(
    [
        *TEXTS.values(),
        "Blue and red cups.\n" * 80,
        "水壶。保修期三年。\n\n# 红色\n\n水。",
        "question,answer\nHow long?,Two years\n",
        "\n",
        "!!!",
    ]
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(NAMES, st.none() | CONTENTS, max_size=4), min_size=2, max_size=4))
def test_a_refreshed_index_is_the_one_made_from_scratch_bit_by_bit(
    tmp_path: Path, changes: list[dict[str, str | None]]
) -> None:
    here = tmp_path / str(time.time_ns())
    here.mkdir()
    written(here / "docs", {"c.txt": TEXTS["c.txt"]})
    for change in changes:
        for name, text in change.items():
            if text is None:
                Path(here, "docs", name).unlink(missing_ok=True)
            else:
                written(here / "docs", {name: text})
        written(here / "docs", {"z.txt": "always something"})
        refreshed = PassageIndex.open([str(here / "docs")], DataConfig(), here / "into")
    scratch = PassageIndex.open([str(here / "docs")], DataConfig(), here / "other")

    assert found(refreshed) == found(scratch)
    assert stored_files(refreshed) == stored_files(scratch)


def stored_files(index: PassageIndex) -> dict[str, bytes]:
    [folder] = index.folder.glob("index-*")
    return {
        f"{folder.name}/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_other_options_of_reading_are_another_index(tmp_path: Path, read_files: list[str]) -> None:
    docs = written(tmp_path / "docs", TEXTS)
    whole = PassageIndex.open([docs], DataConfig(), tmp_path / "into")
    lines = PassageIndex.open([docs], DataConfig(unit="line"), tmp_path / "into")
    again = PassageIndex.open([docs], DataConfig(valid_share=0.1), tmp_path / "into")

    assert lines.n_passages > whole.n_passages and lines.folder != whole.folder == again.folder
    assert len(read_files) == 6


@pytest.mark.parametrize(
    "name", ["rows.npy", "texts.npy", "terms.npy", "names.json", "vocab.index.json", "data.csc.index.npy"]
)
@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_a_damaged_index_is_made_again_and_that_is_said(tmp_path: Path, name: str, how: str) -> None:
    docs, said = written(tmp_path / "docs", TEXTS), list[str]()
    before = PassageIndex.open([docs], DataConfig(), tmp_path / "into")
    expected = found(before)
    [path] = before.folder.rglob(name)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(raw if how == "flipped" else raw[:-3])

    index = PassageIndex.open([docs], DataConfig(), tmp_path / "into", said.append)

    assert found(index) == expected and any("damaged" in one for one in said)
    said.clear()
    PassageIndex.open([docs], DataConfig(), tmp_path / "into", said.append)
    assert said == []


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"index": "../..", "seal": ""}', b"\xff\xfe"])
def test_a_pointer_that_is_none_is_damage_too(tmp_path: Path, content: bytes) -> None:
    docs, said = written(tmp_path / "docs", TEXTS), list[str]()
    index = PassageIndex.open([docs], DataConfig(), tmp_path / "into")
    (index.folder / "current.json").write_bytes(content)

    assert found(PassageIndex.open([docs], DataConfig(), tmp_path / "into", said.append)) == found(index)
    assert any("damaged" in one for one in said)


@pytest.mark.parametrize("moment", ["save", "write_sealed_json"])
def test_a_refresh_that_is_killed_leaves_the_index_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    docs = written(tmp_path / "docs", TEXTS)
    before = PassageIndex.open([docs], DataConfig(), tmp_path / "into")
    expected = found(before)
    kept = dict(TEXTS)
    written(tmp_path / "docs", {"c.txt": "A cup of red glass.\n"})

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(passage_index, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            PassageIndex.open([docs], DataConfig(), tmp_path / "into")
    written(tmp_path / "docs", kept)

    said = list[str]()
    index = PassageIndex.open([docs], DataConfig(), tmp_path / "into", said.append)
    assert found(index) == expected and said == ["1 file is new or changed, and is read into the index."] * bool(said)
    assert not list(index.folder.glob(".*.tmp"))


def test_a_place_in_a_file_that_changed_since_is_refused(tmp_path: Path) -> None:
    docs = written(tmp_path / "docs", TEXTS)
    index = PassageIndex.open([docs], DataConfig(), tmp_path / "into")
    passage = index.search("warranty")[0].passage

    written(tmp_path / "docs", {"a.md": "other"})
    with pytest.raises(InputError, match="the file changed since it was read"):
        index.place(passage, 0, 3)
    Path(docs, "a.md").unlink()
    with pytest.raises(InputError, match="the file changed since it was read"):
        index.place(passage, 0, 3)


def test_of_equal_passages_the_first_in_the_files_comes_first_whatever_k(tmp_path: Path) -> None:
    docs = written(tmp_path / "docs", {f"{number:02}.txt": "A blue cup." for number in range(30)})
    index = PassageIndex.open([docs], DataConfig(), tmp_path / "into")

    whole = index.search("blue", k=100)
    assert [hit.passage.number for hit in whole] == list(range(30))
    assert all(index.search("blue", k=k) == whole[:k] for k in (1, 7, 29, 30))
    assert index.search("blue", k=0) == [] and index.search("") == [] and index.search("？") == []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda docs: (docs / "a.txt").write_text("\n \n"), "the file holds no text"),
        (lambda docs: (docs / "a.png").write_bytes(b"\x89PNG"), "nothing readable in this folder"),
        (lambda docs: None, "it is empty"),
    ],
)
def test_a_folder_without_a_text_is_refused(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    make(docs)

    with pytest.raises(InputError, match=said):
        PassageIndex.open([str(docs)], DataConfig(), tmp_path / "into")
    assert not list((tmp_path / "into").rglob("*.npy"))


def test_texts_without_a_term_are_an_index_that_finds_nothing(tmp_path: Path) -> None:
    docs = written(tmp_path / "docs", {"a.txt": "!!! …"})
    index = PassageIndex.open([docs], DataConfig(clean="none"), tmp_path / "into")

    assert index.n_passages == 1 and index.search("warranty") == []
    assert PassageIndex.open([docs], DataConfig(clean="none"), tmp_path / "into").search("!") == []


def test_records_that_cannot_be_read_are_said_and_with_strict_refused(tmp_path: Path) -> None:
    docs, said = written(tmp_path / "docs", {"a.jsonl": '{"text": "A blue cup."}\n{"text": \n'}), list[str]()

    index = PassageIndex.open([docs], DataConfig(), tmp_path / "into", said.append)
    assert index.n_passages == 1 and any("1 record cannot be read" in one and "a.jsonl:2" in one for one in said)
    with pytest.raises(InputError, match="not JSON"):
        PassageIndex.open([docs], DataConfig(strict=True), tmp_path / "into")


@pytest.mark.parametrize("package", ["bm25s", "opencc"])
def test_a_missing_package_is_one_line_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    from textmill.text import search_terms

    monkeypatch.setitem(sys.modules, package, None)
    search_terms.simplified.cache_clear()
    with pytest.raises(MissingExtra) as error:
        PassageIndex.open([written(tmp_path / "docs", TEXTS)], DataConfig(), tmp_path / "into")
    search_terms.simplified.cache_clear()
    assert package in error.value.message and error.value.hint == "pip install 'textmill[ask]'"


def test_no_stored_file_can_hold_a_pickle(tmp_path: Path) -> None:
    index = PassageIndex.open([written(tmp_path / "docs", TEXTS)], DataConfig(), tmp_path / "into")

    kinds = {path.suffix for path in index.folder.rglob("*") if path.is_file()}
    assert kinds == {".npy", ".json"}
    for path in index.folder.rglob("*.npy"):
        assert np.load(path, allow_pickle=False).dtype.hasobject is False
