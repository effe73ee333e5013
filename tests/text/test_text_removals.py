"""What cleaning takes out can be written down and given back: kept and removed together are the file, byte for byte."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text import ReadReport, plan_split, read_documents
from textmill.text.cleaning import give_back
from textmill.text.documents import Document
from textmill.text.removals import read_removals, refuse_place, write_removals

DIRTY = (
    "All rights reserved.\r\n"
    "The kettle\x00 was on, and nobody had thought of\x1b[31m the milk.\r\n"
    "\ufeffCafÃ© â€“ ouvert, dit-il Ã  l’homme.\r\n"
    "山里的学校只有一位老师。\n第3页/共10页\n她教所有的课。\u2028\n"
)


def written_texts(folder: Path) -> list[str]:
    """A corpus of several formats and encodings with planted dirt; the paths."""
    (folder / "en.txt").write_bytes(DIRTY.encode())
    (folder / "gbk.txt").write_bytes(
        ("第3页/共10页\n山里的学校只有一位老师，\x00她教所有的课。\n" * 40).encode("gb18030")
    )
    rows = [DIRTY, "A clean line about the geese.", "All rights reserved.", DIRTY + "\x07"]
    (folder / "rows.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    (folder / "table.csv").write_text('text,n\n"two\nlines\x01 here\x02",1\nfine words,2\n', newline="")
    return [str(folder / name) for name in ("en.txt", "gbk.txt", "rows.jsonl", "table.csv")]


def documents_of(paths: list[str], clean: tuple[str, ...]) -> dict[str, Document]:
    found = list(read_documents(paths, DataConfig(clean=clean), ReadReport()))
    by_source = {document.source: document for document in found}
    assert len(by_source) == len(found)
    return by_source


def test_what_was_kept_and_the_file_of_removals_together_are_the_documents_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    paths = written_texts(tmp_path / "texts")
    rules = DataConfig().cleaning_rules
    original, kept = documents_of(paths, ("none",)), documents_of(paths, rules)
    out = tmp_path / "removed.jsonl"
    write_removals(plan_split(DataConfig(paths=tuple(paths), valid_share=0.0, test_share=0.0)), out)

    removed = dict(read_removals(out))
    given = {source: give_back(kept.get(source, Document("", source)), removed.get(source, [])) for source in original}

    assert kept != original and set(removed) - set(kept)  # dirt was planted, and one document was nothing else
    assert given == original
    assert all(given[source].text.encode() == original[source].text.encode() for source in original)


def test_the_file_names_rule_line_and_bytes_and_sums_to_the_ledger(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    paths = written_texts(tmp_path / "texts")
    plan = plan_split(DataConfig(paths=tuple(paths), valid_share=0.0, test_share=0.0))
    out = tmp_path / "removed.jsonl"
    told = write_removals(plan, out)

    records = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    n_bytes = Counter[str]()
    for record in records:
        n_bytes["other:" + record["rule"]] += record["bytes"]
    assert n_bytes == {name: n for name, n in plan.ledger.total.items() if name.startswith("other:")}
    assert (told.path, told.n, told.bytes) == (str(out), len(records), n_bytes.total())
    # By hand: the second line of en.txt holds a NUL behind "All rights reserved.\r\n" (22) and "The kettle" (10).
    [nul] = [r for r in records if r["source"] == f"{paths[0]}:1" and r["text"] == "\x00"]
    assert nul == {"rule": "control", "source": f"{paths[0]}:1", "line": 2, "start": 32, "bytes": 1, "text": "\x00"}
    # Two bytes a Chinese character in GB 18030, not the three of UTF-8: 第3页/共10页 and its line end.
    page = next(r for r in records if r["source"] == f"{paths[1]}:1")
    assert (page["text"], page["bytes"], page["line"]) == ("第3页/共10页\n", 13, 1)


def test_without_rules_the_file_is_empty_and_a_rule_that_is_left_out_removes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(DIRTY)

    def rules_in(name: str, *rules: str) -> set[str]:
        out = tmp_path / name
        write_removals(plan_split(DataConfig(paths=(str(path),), clean=rules)), out)
        return {json.loads(line)["rule"] for line in out.read_text(encoding="utf-8").splitlines()}

    assert rules_in("none.jsonl", "none") == set()
    assert rules_in("one.jsonl", "control") == {"control"}
    assert {"control", "boilerplate"} <= rules_in("all.jsonl", *DataConfig().cleaning_rules)


def test_a_text_that_changes_meanwhile_leaves_no_file(tmp_path: Path) -> None:
    path, out = tmp_path / "a.txt", tmp_path / "out" / "removed.jsonl"
    out.parent.mkdir()
    path.write_text(DIRTY)
    plan = plan_split(DataConfig(paths=(str(path),)))
    path.write_text(DIRTY + "more\x00\n")

    with pytest.raises(InputError, match="changed while it was read"):
        write_removals(plan, out)
    assert list(out.parent.iterdir()) == []


def test_nothing_is_written_over_a_file_or_into_the_text_or_nowhere(tmp_path: Path) -> None:
    text = tmp_path / "texts"
    text.mkdir()
    (tmp_path / "there.jsonl").write_text("mine")

    for place, said in (
        (tmp_path / "there.jsonl", "is there already"),
        (text / "removed.jsonl", "which is the text itself"),
        (tmp_path / "no" / "removed.jsonl", "no such folder"),
    ):
        with pytest.raises(InputError, match=said):
            refuse_place(place, [str(text), "builtin:python-docs"])
    refuse_place(tmp_path / "new.jsonl", [str(text)])


@pytest.mark.parametrize("line", ["broken", "[]", '{"rule": "control"}', '{"rule": 1, "source": "a", "start": "x"}'])
def test_another_file_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "removed.jsonl"
    good = {"rule": "control", "source": "a:1", "line": 1, "start": 0, "bytes": 1, "text": "\x00"}
    path.write_text(json.dumps(good) + "\n" + line + "\n")

    with pytest.raises(InputError) as refused:
        list(read_removals(path))
    assert refused.value.where == f"{path}:2"


WRITE = """
import resource, sys
from pathlib import Path
from textmill.config import DataConfig
from textmill.text import plan_split
from textmill.text.removals import write_removals
plan = plan_split(DataConfig(paths=(sys.argv[1],), unit="line", near_duplicates="off"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
told = write_removals(plan, Path(sys.argv[2]))
print(told.bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux alone")
def test_memory_does_not_grow_with_what_is_removed(tmp_path: Path) -> None:
    line = "\x01" * 20_000 + "a line of words\n"
    (tmp_path / "a.txt").write_text(line * 600)
    command = [sys.executable, "-c", WRITE, str(tmp_path / "a.txt"), str(tmp_path / "removed.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    n_removed, grown_kib = map(int, done.stdout.split())
    assert n_removed == 600 * 20_000
    assert grown_kib * 1024 < n_removed / 3
