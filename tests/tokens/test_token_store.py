"""Ids on disk: what is written comes back, whole or not at all, and a file that changed is named."""

import errno
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import Damaged, InputError, NoSpace, RunError
from textmill.tokens import StoreWriter, TokenStore
from textmill.tokens import store as module

DOCUMENTS = ([1, 2, 3], [], [255, 0], [7] * 10)
FILES = ("tokens.bin", "starts.bin", "document_bytes.bin", "document_chars.bin", "sources.bin", "source_starts.bin")


def written(folder: Path, documents: Any = DOCUMENTS, vocab_size: int = 257) -> TokenStore:
    with StoreWriter(folder, vocab_size) as writer:
        for number, ids in enumerate(documents):
            writer.add(ids, n_bytes=3 * len(ids), n_chars=len(ids), source=f"a.txt:{number + 1}")
    return TokenStore(folder)


def test_documents_come_back_with_a_mark_between_them(tmp_path: Path) -> None:
    store = written(tmp_path / "train")

    assert [store.document(i).tolist() for i in range(store.n_documents)] == list(DOCUMENTS)
    assert store.tokens.tolist() == [1, 2, 3, 256, 256, 255, 0, 256, *[7] * 10, 256]
    assert store.starts.tolist() == [0, 4, 5, 8, 19]
    assert (store.n_documents, store.n_tokens, store.n_bytes, store.n_chars) == (4, 19, 45, 15)
    assert (store.document_bytes(3), store.document_chars(3), store.source(3)) == (30, 10, "a.txt:4")
    store.verify()


@settings(deadline=None, max_examples=40)
@given(
    documents=st.lists(st.lists(st.integers(0, 99), max_size=20), max_size=10),
    flush_bytes=st.integers(1, 40),
    vocab_size=st.sampled_from([101, 65536, 65537]),
)
def test_any_documents_come_back_however_they_are_flushed(
    documents: list[list[int]], flush_bytes: int, vocab_size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FLUSH_BYTES", flush_bytes)
        store = written(tmp_path_factory.mktemp("store") / "train", documents, vocab_size)

    store.verify()
    assert [store.document(i).tolist() for i in range(store.n_documents)] == documents
    assert store.n_tokens == sum(map(len, documents)) + len(documents)
    assert store.tokens.dtype == (np.uint32 if vocab_size > 65536 else np.uint16)


@settings(deadline=None, max_examples=40)
@given(
    groups=st.lists(st.lists(st.lists(st.integers(0, 99), max_size=9), max_size=5), max_size=5),
    flush_bytes=st.integers(1, 40),
)
def test_documents_added_together_are_the_files_of_those_added_one_by_one(
    groups: list[list[list[int]]], flush_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FLUSH_BYTES", flush_bytes)
        written(folder / "one", [ids for group in groups for ids in group])
        number = 0
        with StoreWriter(folder / "all", 257) as writer:
            for group in groups:
                numbered = list(enumerate(group, start=number + 1))
                writer.add_all([(ids, 3 * len(ids), len(ids), f"a.txt:{n}") for n, ids in numbered])
                number += len(group)

    for name in (*FILES, module.HEADER):
        assert (folder / "all" / name).read_bytes() == (folder / "one" / name).read_bytes(), name


def test_an_id_out_of_range_is_refused_by_the_document_that_it_stands_in(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="id 300 is not one of 257") as refusal, StoreWriter(tmp_path / "a", 257) as w:
        w.add_all([([1], 1, 1, "a.txt:1"), ([], 0, 0, "a.txt:2"), ([2, 300], 2, 2, "a.txt:3"), ([4], 1, 1, "a.txt:4")])
    assert "a.txt:3" in str(refusal.value)


def test_the_largest_ids_of_both_widths_come_back(tmp_path: Path) -> None:
    for vocab_size in (65536, 65537, 200_000):
        store = written(tmp_path / str(vocab_size), [[0, vocab_size - 2]], vocab_size)
        assert store.tokens.tolist() == [0, vocab_size - 2, vocab_size - 1]


def test_a_source_that_is_no_utf8_file_name_comes_back(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "train", 257) as writer:
        for source in ("中文\n.txt:1", "bad\udcff.txt:2"):
            writer.add([1], 1, 1, source)
    store = TokenStore(tmp_path / "train")
    assert [store.source(0), store.source(1)] == ["中文\n.txt:1", "bad\udcff.txt:2"]


def test_a_numpy_array_is_a_document_too_and_a_document_that_is_not_there_is_an_index_error(tmp_path: Path) -> None:
    store = written(tmp_path / "train", [np.array([5, 6], dtype=np.int32)])
    assert store.document(0).tolist() == [5, 6]
    for i in (-1, 1):
        with pytest.raises(IndexError):
            store.document(i)


@pytest.mark.parametrize("wrong", [-1, 256, 257, 70_000])
def test_the_mark_or_an_id_out_of_range_inside_a_document_is_refused_and_nothing_is_left(
    wrong: int, tmp_path: Path
) -> None:
    writer = StoreWriter(tmp_path / "train", 257)
    with pytest.raises(InputError, match=rf"b\.txt:9: id {wrong} is"):
        writer.add([1, wrong], 2, 2, "b.txt:9")
    assert list(tmp_path.iterdir()) == []


def test_until_it_is_closed_there_is_no_store_and_an_interrupted_one_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), StoreWriter(tmp_path / "train", 257) as writer:
        writer.add([1], 1, 1, "a:1")
        assert not (tmp_path / "train").exists()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_is_dropped_leaves_nothing(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "train", 257)
    writer.add([1], 1, 1, "a:1")
    del writer
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="something here already"):
        StoreWriter(tmp_path, 257)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("expected_bytes", [None, 5_000_000])
def test_a_full_disk_is_told_with_place_and_space_and_leaves_nothing(
    expected_bytes: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: module.ArrayWriter) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = StoreWriter(tmp_path / "train", 257, n_bytes_expected=expected_bytes)
    monkeypatch.setattr(module.ArrayWriter, "flush", full)
    monkeypatch.setattr(module, "FLUSH_BYTES", 1000)

    needed = "up to 10,000,000 bytes" if expected_bytes else r"more than 2,\d\d\d bytes"
    with pytest.raises(NoSpace, match=rf"train: the disk is full: the tokens of this text need {needed}"):
        writer.add([1] * 1000, 1000, 1000, "a:1")
    assert list(tmp_path.iterdir()) == []


def test_another_error_of_the_disk_passes_as_it_is_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = StoreWriter(tmp_path / "train", 257)

    def broken(self: module.ArrayWriter) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module.ArrayWriter, "flush", broken)
    with pytest.raises(OSError, match="Input/output error"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_found_and_its_file_named(name: str, tmp_path: Path) -> None:
    written(tmp_path / "train")
    file = tmp_path / "train" / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)

    with pytest.raises(Damaged, match=name.replace(".", r"\.")):
        TokenStore(tmp_path / "train").verify()


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_lengthened_or_missing_is_found_on_opening(name: str, tmp_path: Path) -> None:
    written(tmp_path / "train")
    file = tmp_path / "train" / name
    whole = file.read_bytes()
    for data in (whole[:-1], whole + b"\0"):
        file.write_bytes(data)
        with pytest.raises(Damaged, match=rf"{name}: it has {len(data)} bytes instead of {len(whole)}"):
            TokenStore(tmp_path / "train")
    file.unlink()
    with pytest.raises(Damaged, match=f"{name}: the file is missing"):
        TokenStore(tmp_path / "train")


def test_an_offset_that_points_outside_is_found_before_it_is_used(tmp_path: Path) -> None:
    written(tmp_path / "train")
    starts = np.fromfile(tmp_path / "train" / "starts.bin", dtype="<i8")
    for wrong in (-5, 10**9, 0):
        (starts.copy()).tofile(tmp_path / "train" / "starts.bin")
        spoiled = starts.copy()
        spoiled[2] = wrong
        spoiled.tofile(tmp_path / "train" / "starts.bin")
        with pytest.raises(Damaged, match=r"starts\.bin: document 1 lies outside"):
            TokenStore(tmp_path / "train").document(1)


def spoil(header: dict[str, Any], key: str) -> None:
    if key == "path":
        header["files"]["../../etc/passwd"] = header["files"]["tokens.bin"]
    elif key == "size":
        header["files"]["tokens.bin"]["length"] += 1
    elif key == "file":
        del header["files"]["sources.bin"]
    elif key == "dtype":
        header["files"]["tokens.bin"]["dtype"] = "|O"
    else:
        header[key] += 1


@pytest.mark.parametrize("key", ["n_documents", "n_tokens", "mark", "vocab_size", "path", "size", "file", "dtype"])
def test_a_header_that_contradicts_the_files_is_damaged(key: str, tmp_path: Path) -> None:
    written(tmp_path / "train")
    file = tmp_path / "train" / "store.json"
    header = json.loads(file.read_text())
    spoil(header, key)
    file.write_text(json.dumps(header))

    with pytest.raises(Damaged, match=r"store\.json"):
        TokenStore(tmp_path / "train")


@pytest.mark.parametrize("key", ["n_bytes", "n_chars"])
def test_counts_that_are_not_those_of_the_documents_are_found_by_verify(key: str, tmp_path: Path) -> None:
    written(tmp_path / "train")
    file = tmp_path / "train" / "store.json"
    header = json.loads(file.read_text())
    header[key] += 1
    file.write_text(json.dumps(header))

    with pytest.raises(Damaged, match=r"store\.json: its counts"):
        TokenStore(tmp_path / "train").verify()


def test_a_store_of_another_version_an_unfinished_one_and_none_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no token store here"):
        TokenStore(tmp_path / "nowhere")
    with pytest.raises(Damaged, match="was not finished"):
        TokenStore(tmp_path)
    written(tmp_path / "train")
    file = tmp_path / "train" / "store.json"
    file.write_text(file.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(RunError, match="format 99, this version reads 1"):
        TokenStore(tmp_path / "train")
    file.write_text("{")
    with pytest.raises(Damaged, match="does not describe a store"):
        TokenStore(tmp_path / "train")


@pytest.mark.parametrize("name", [name for name in FILES if name != "tokens.bin"])
def test_a_damaged_index_is_found_without_reading_the_tokens(name: str, tmp_path: Path) -> None:
    written(tmp_path / "train").verify(full=False)
    file = tmp_path / "train" / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)

    with pytest.raises(Damaged, match=name.replace(".", r"\.")):
        TokenStore(tmp_path / "train").verify(full=False)


def test_a_document_that_does_not_end_with_the_mark_is_found_even_where_the_hash_was_made_to_fit(
    tmp_path: Path,
) -> None:
    store = written(tmp_path / "train")
    tokens = np.array(store.tokens)
    tokens[3] = 9
    tokens.tofile(tmp_path / "train" / "tokens.bin")
    header = json.loads((tmp_path / "train" / "store.json").read_text())
    header["files"]["tokens.bin"]["sha256"] = hashlib.sha256(tokens.tobytes()).hexdigest()
    (tmp_path / "train" / "store.json").write_text(json.dumps(header))

    with pytest.raises(Damaged, match=r"tokens\.bin: a document does not end with the mark"):
        TokenStore(tmp_path / "train").verify()


@given(parts=st.lists(st.lists(st.integers(0, 255), max_size=5), max_size=5))
@settings(deadline=None, max_examples=30)
def test_a_document_in_parts_is_the_document(parts: list[list[int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    with StoreWriter(tmp_path_factory.mktemp("store") / "train", 257) as writer:
        writer.add_in_parts((np.array(part, dtype=np.int32) for part in parts), 1, 1, "a:1")
        store = writer.close()
    assert store.document(0).tolist() == [i for part in parts for i in part]
    store.verify()


def test_a_wrong_id_in_a_later_part_leaves_nothing(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "train", 257)
    with pytest.raises(InputError, match="id 256 is the mark"):
        writer.add_in_parts([np.array([1]), np.array([256])], 2, 2, "a:1")
    assert list(tmp_path.iterdir()) == []


def test_a_mark_that_is_not_the_last_id_ends_documents_all_the_same(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "train", vocab_size=300, mark=2) as writer:
        writer.add([299, 1, 3], n_bytes=3, n_chars=3, source="a:1")
        writer.add([], n_bytes=0, n_chars=0, source="a:2")
    store = TokenStore(tmp_path / "train")
    store.verify()

    assert store.tokens.tolist() == [299, 1, 3, 2, 2]
    assert (store.mark, store.document(0).tolist()) == (2, [299, 1, 3])
    for wrong in (2, 300, -1):
        with (
            pytest.raises(InputError, match=str(wrong)),
            StoreWriter(tmp_path / f"wrong{wrong}", vocab_size=300, mark=2) as writer,
        ):
            writer.add([1, wrong], n_bytes=2, n_chars=2, source="a:1")
