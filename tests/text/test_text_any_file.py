"""One text in any encoding, compression or archive is the same documents, and every byte of the file is counted."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.errors import ConfigError, InputError, TextmillError
from textmill.text import ReadReport, opening, plan_split, read_documents

FAST = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PROSE = "Early in the morning the miller opens the sluice. 清晨，磨坊主打开水闸，水轮慢慢地转动起来。\n" * 12

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda raw: raw,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda raw: zstandard.ZstdCompressor().compress(raw),
}


def config(*paths: Path, **knobs: Any) -> DataConfig:
    return DataConfig(paths=tuple(str(path) for path in paths), **{"clean": (), **knobs})


def read(*paths: Path, **knobs: Any) -> tuple[list[str], ReadReport]:
    report = ReadReport()
    found = read_documents([str(path) for path in paths], config(**knobs), report)
    return [document.text for document in found], report


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return stream.getvalue()


def tarred(files: dict[str, bytes], mode: Any = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, raw in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return stream.getvalue()


# -- encodings ---------------------------------------------------------------------------------------------------------

HAN = st.sampled_from("中文的一是在不了有和人这磨坊主打开水闸")
LINES = st.lists(st.text(HAN | st.sampled_from("abc, .\t\"'0"), max_size=12), max_size=8)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "gb18030"])
@pytest.mark.parametrize("unit", ["file", "line", "paragraph"])
@FAST
@given(lines=LINES, line_end=st.sampled_from(["\n", "\r\n"]))
@example(lines=["中", "", "a"], line_end="\r\n")
def test_plain_text_is_the_same_in_any_encoding_and_its_bytes_are_those_of_the_file(
    encoding: str, unit: Any, lines: list[str], line_end: str, tmp_path: Path
) -> None:
    text = line_end.join(lines)
    plain, other = tmp_path / "plain.txt", tmp_path / "other.txt"
    plain.write_bytes(text.encode())
    other.write_bytes(text.encode(encoding))
    expected, _ = read(plain, unit=unit, encoding="utf-8")
    found, report = read(other, unit=unit, encoding=encoding)
    assert found == expected
    [file] = report.files
    assert sum(file.n_bytes.values()) == other.stat().st_size
    assert file.n_bytes.get("text", 0) == sum(len(document.encode(encoding)) for document in found)


@pytest.mark.parametrize("encoding", ["utf-16-le", "gb18030"])
@FAST
@given(
    rows=st.lists(st.tuples(st.text(HAN | st.sampled_from('a",\n'), max_size=8), st.text(HAN, max_size=5)), max_size=6)
)
def test_tables_and_json_lines_count_their_columns_in_the_files_own_bytes(
    encoding: str, rows: list[tuple[str, str]], tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps({"text": text, "note": note}, ensure_ascii=False) for text, note in [("中", "文"), *rows]]
    path.write_bytes("\n".join(lines).encode(encoding))
    found, report = read(path, encoding=encoding)
    kept = [(text, note) for text, note in [("中", "文"), *rows] if text.strip()]
    assert found == [text for text, _ in kept]
    counts = report.files[0].n_bytes
    assert sum(counts.values()) == path.stat().st_size
    assert counts["unused_column"] == sum(len(note.encode(encoding)) for _, note in kept)


def test_one_bad_byte_is_dropped_by_name_and_strict_stops_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    good = "第一行\n第二行很好\n第三行\n" * 20
    raw = good.encode()
    at = len("第一行\n第二".encode())
    path.write_bytes(raw[:at] + b"\xff" + raw[at:])
    found, report = read(path)
    assert found == [good]
    assert report.files[0].n_bytes["bad_record"] == 1
    [said] = report.bad_records
    assert said.startswith(f"{path}:2: byte {at} of the file: 0xff")
    with pytest.raises(InputError, match=f"byte {at} of the file"):
        read(path, strict=True)


@FAST
@given(places=st.lists(st.integers(0, 300), max_size=5), bad=st.sampled_from([b"\xff", b"\xfe\xff", b"\x80"]))
def test_wherever_bad_bytes_stand_the_rest_is_kept_and_all_is_counted(
    places: list[int], bad: bytes, tmp_path: Path
) -> None:
    lines = [f"行{n} tells of {n} geese" for n in range(40)]
    pieces = "\n".join(lines)
    for place in sorted(places, reverse=True):
        pieces = pieces[:place] + "\udcff" + pieces[place:]
    path = tmp_path / "a.txt"
    path.write_bytes(bad.join(part.encode() for part in pieces.split("\udcff")))
    found, report = read(path, unit="line", encoding="utf-8")
    assert found == lines
    counts = report.files[0].n_bytes
    assert sum(counts.values()) == path.stat().st_size
    assert counts.get("bad_record", 0) == len(bad) * len(places)


def test_an_unknown_encoding_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(ConfigError, match="no encoding 'gb18031'") as error:
        read(tmp_path / "a.txt", encoding="gb18031")
    assert "gb18030" in str(error.value.hint)


# -- compressions and archives -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_packed_is_plain(packing: str, encoding: str, tmp_path: Path) -> None:
    raw = PROSE.encode(encoding)
    path = tmp_path / f"prose.txt{packing}"
    path.write_bytes(PACKERS[packing](raw))
    found, report = read(path)
    assert found == [PROSE]
    assert sum(report.files[0].n_bytes.values()) == len(raw)
    plan = plan_split(config(path))
    assert plan.ledger.n_bytes == len(raw)
    assert "".join(d.text for part in ("train", "validation", "test") for d in plan.documents(part)) == PROSE


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.zip", zipped),
        ("a.tar", tarred),
        ("a.tar.gz", lambda files: tarred(files, "w:gz")),
        ("a.tgz", lambda files: tarred(files, "w:gz")),
        ("a.tar.xz", lambda files: tarred(files, "w:xz")),
        ("a.tar.bz2", lambda files: tarred(files, "w:bz2")),
        ("a.tar.zst", lambda files: PACKERS[".zst"](tarred(files))),
    ],
)
def test_an_archive_is_read_like_the_folder_it_was_made_of(
    name: str, pack: Callable[[dict[str, bytes]], bytes], tmp_path: Path
) -> None:
    files = {
        "one/b.txt": "bee".encode("utf-16"),
        "one/c.jsonl": b'{"text": "line"}\n',
        "picture.png": b"12345",
        ".hidden.txt": b"123",
        "z.txt.gz": gzip.compress(PROSE.encode("gb18030")),
    }
    path = tmp_path / name
    path.write_bytes(pack(files))
    found, report = read(path)
    assert found == ["bee", "line", PROSE]
    assert {file.path: sum(file.n_bytes.values()) for file in report.files} == {
        f"{path}/one/b.txt": len("bee".encode("utf-16")),
        f"{path}/one/c.jsonl": 17,
        f"{path}/picture.png": 5,
        f"{path}/.hidden.txt": 3,
        f"{path}/z.txt.gz": len(PROSE.encode("gb18030")),
    }
    beside = tmp_path / "folder" / name
    beside.parent.mkdir()
    beside.write_bytes(path.read_bytes())
    assert read(beside.parent)[0] == found


def test_members_that_point_outside_or_are_links_are_passed_over_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("../escape.txt", "/etc/absolute.txt", "good.txt"):
            info = tarfile.TarInfo(name)
            info.size = 4
            archive.addfile(info, io.BytesIO(b"text"))
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    plan = plan_split(config(path))
    assert [d.text for d in plan.documents("train")] == ["text"]
    assert plan.ledger.total == {"train": 4, "other:points-outside": 8}
    said = "\n".join(plan.notes)
    assert "../escape.txt" in said and "link.txt" in said
    assert not (tmp_path.parent / "escape.txt").exists()


@pytest.mark.parametrize("packing", [".gz", ".xz", ".bz2", ".zst", ".zip", ".tar.gz"])
def test_a_bomb_is_refused_with_the_limit(packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "ALWAYS_ALLOWED", 100_000)
    raw = b"a" * 3_000_000
    packed = {
        ".zip": lambda: zipped({"a.txt": raw}),
        ".tar.gz": lambda: tarred({"a.txt": raw}, "w:gz"),
    }.get(packing, lambda: PACKERS[packing](raw))()
    path = tmp_path / f"bomb.txt{packing}" if packing in PACKERS else tmp_path / f"bomb{packing}"
    path.write_bytes(packed)
    with pytest.raises(InputError, match=r"more than 200 times|every file was left out"):
        plan_split(config(path))
    (tmp_path / "good.txt").write_text("good")
    plan = plan_split(config(tmp_path))
    assert [d.text for d in plan.documents("train")] == ["good"]
    assert any("200 times" in note for note in plan.notes)


@pytest.mark.parametrize("packing", [".gz", ".xz", ".bz2", ".zst"])
@pytest.mark.parametrize("harm", ["cut", "noise"])
def test_a_damaged_file_is_an_error_where_it_was_named_and_a_note_in_a_folder(
    packing: str, harm: str, tmp_path: Path
) -> None:
    packed = PACKERS[packing](PROSE.encode())
    path = tmp_path / f"a.txt{packing}"
    path.write_bytes(packed[: len(packed) // 2] if harm == "cut" else b"noise" + packed)
    with pytest.raises(InputError, match="cannot be unpacked") as error:
        read(path)
    assert error.value.where == str(path)
    (tmp_path / "good.txt").write_text("good")
    plan = plan_split(config(tmp_path))
    assert [d.text for d in plan.documents("train")] == ["good"]
    assert plan.ledger.total["other:cannot-be-unpacked"] == path.stat().st_size


@pytest.mark.parametrize("make", [zipped, tarred, lambda files: tarred(files, "w:gz")])
@FAST
@given(data=st.data())
def test_a_mutated_archive_gives_only_our_errors(make: Any, data: st.DataObject, tmp_path: Path) -> None:
    raw = bytearray(make({"a.txt": PROSE.encode(), "b/c.csv": b"text\nvalue\n"}))
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=6)):
        raw[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    path = tmp_path / ("a.zip" if make is zipped else "a.tar" if make is tarred else "a.tar.gz")
    path.write_bytes(bytes(raw[:cut]) if data.draw(st.booleans()) else bytes(raw))
    try:
        read(path)
    except TextmillError as error:
        assert str(path) in str(error)
    finally:
        opening._archive.cache_clear()


def test_chinese_names_in_an_archive_are_shown_as_they_were(tmp_path: Path) -> None:
    stream = io.BytesIO(zipped({"cn.txt": b"text"}))
    raw = stream.getvalue().replace(
        b"cn.txt", "中.txt".encode("gb18030")
    )  # as old Windows tools write it: no UTF-8 flag
    path = tmp_path / "a.zip"
    path.write_bytes(raw)
    assert [file.path for file in plan_split(config(path)).ledger.files] == [f"{path}/中.txt"]


def test_a_file_that_changes_between_the_passes_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.txt": b"one\ntwo\nthree\n" * 9}))
    plan = plan_split(config(path))
    path.write_bytes(zipped({"a.txt": b"other\n" * 9}))
    with pytest.raises(InputError, match="changed while it was read"):
        list(plan.documents("train"))


# -- archives inside archives ------------------------------------------------------------------------------------------

MAKERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    ".zip": zipped,
    ".tar": tarred,
    ".tar.gz": lambda files: tarred(files, "w:gz"),
    ".tar.zst": lambda files: PACKERS[".zst"](tarred(files)),
}


@pytest.mark.parametrize("inner", MAKERS)
@pytest.mark.parametrize("outer", MAKERS)
def test_an_archive_inside_an_archive_is_read_like_a_folder_inside_a_folder(
    inner: str, outer: str, tmp_path: Path
) -> None:
    inside = {"b.txt": b"bee", "c/d.txt.gz": gzip.compress(PROSE.encode("gb18030")), "picture.png": b"12345"}
    path = tmp_path / f"outer{outer}"
    files = {"a.txt": b"ant", f"in{inner}": MAKERS[inner](inside), "z.txt": b"zoo"}
    path.write_bytes(MAKERS[outer](files))

    found, report = read(path)

    assert found == ["ant", "bee", PROSE, "zoo"]
    assert {file.path: sum(file.n_bytes.values()) for file in report.files} == {
        f"{path}/a.txt": 3,
        f"{path}/in{inner}/b.txt": 3,
        f"{path}/in{inner}/c/d.txt.gz": len(PROSE.encode("gb18030")),
        f"{path}/in{inner}/picture.png": 5,
        f"{path}/z.txt": 3,
    }


def test_an_archive_still_deeper_inside_is_dropped_by_name_with_what_to_do(tmp_path: Path) -> None:
    deepest = zipped({"c.txt": b"sea"})
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"b.tar": tarred({"b.txt": b"bee", "c.zip": deepest}), "a.txt": b"ant"}))

    plan = plan_split(config(path))

    assert plan.ledger.total == {"train": 3, "validation": 3, "other:archive-in-archive": len(deepest)}
    [note] = [note for note in plan.notes if "inside of that is not" in note]
    assert f"{path}/b.tar/c.zip" in note and "Unpack the outermost one" in note


def test_a_damaged_archive_inside_an_archive_is_dropped_whole_by_name(tmp_path: Path) -> None:
    cut = zipped({"b.txt": PROSE.encode()})[:-30]
    path = tmp_path / "a.tar.gz"
    path.write_bytes(tarred({"a.txt": b"ant", "b.zip": cut, "z.txt": b"zoo"}, "w:gz"))

    plan = plan_split(config(path))

    assert plan.ledger.total == {"train": 3, "validation": 3, "other:damaged": len(cut)}
    assert any(f"{path}/b.zip: cannot be unpacked" in note for note in plan.notes)


def test_members_of_an_inner_archive_that_point_outside_are_passed_over_too(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"b.zip": zipped({"../../escape.txt": b"text", "good.txt": b"good"})}))
    assert plan_split(config(path)).ledger.total == {"train": 4, "other:points-outside": 4}


def test_a_bomb_in_two_steps_is_measured_by_what_it_takes_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "ALWAYS_ALLOWED", 100_000)
    block = "".join(random.Random(1).choices("etaoinshrdlu \n", k=5000)).encode()
    once = zipped({f"{n}.txt": block * 100 for n in range(60)})  # each grows 60 times, and all are equal
    inner, path = tmp_path / "b.zip", tmp_path / "a.zip"
    inner.write_bytes(once)
    path.write_bytes(zipped({"b.zip": once, "good.txt": b"good"}))
    assert len(read(inner)[0]) == 60

    plan = plan_split(config(path))

    assert [d.text for d in plan.documents("train")] == ["good"]
    assert "other:bomb" in plan.ledger.total and any("200 times" in note for note in plan.notes)


def test_the_limit_of_entries_holds_for_an_archive_with_all_that_are_inside_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MOST_MEMBERS", 5)
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({f"{n}.zip": zipped({"a.txt": b"ant", "b.txt": b"bee"}) for n in range(3)}))

    plan = plan_split(config(path))

    assert plan.n_documents["train"] == 2 or plan.ledger.total["other:damaged"] > 0
    assert any("2.zip" in note and "the limit is 5" in note for note in plan.notes)


def test_members_of_one_archive_are_read_without_opening_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({f"{n}.txt": f"number {n}".encode() for n in range(30)}))
    opened: list[int] = []
    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", _counted(opened, zipfile.ZipFile._RealGetContents))

    assert len(read(path)[0]) == 30

    assert len(opened) == 1


def _counted(calls: list[int], function: Callable[..., Any]) -> Callable[..., Any]:
    def counting(*arguments: Any) -> Any:
        calls.append(1)
        return function(*arguments)

    return counting
