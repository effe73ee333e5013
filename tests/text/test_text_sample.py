"""A sample is bounded, drawn over all of the text, exact where it says so, and all of the text where it is large."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.errors import ConfigError, InputError, TooLittleText
from textmill.results import Look
from textmill.text import look, plan_split
from textmill.text.sample import size_said
from textmill.text.stretches import Stretched

N = 6000


def config(path: Path, **knobs: object) -> DataConfig:
    return DataConfig(paths=(str(path),), near_duplicates="off", **knobs)  # type: ignore[arg-type]


def sampled(path: Path, sample: str, **knobs: object) -> Look:
    data = config(path, **knobs)
    return look(data, plan_split(data, sample=sample))


def numbers_in(path: Path, sample: str, **knobs: object) -> list[int]:
    """The first word of each document that was read: its number in the file."""
    data = config(path, **knobs)
    return [int(document.text.split()[0]) for document in plan_split(data, sample=sample).documents("train")]


def line(n: int) -> str:
    return f"{n} geese flew over the {n * n % 97} hills of {n % 13} farms"


def written(path: Path, kind: str) -> Path:
    """A file with N numbered records."""
    if kind == "text":
        path.write_text("".join(f"{line(n)}\n" for n in range(N)))
    elif kind == "paragraph":
        path.write_text("".join(f"{line(n)}\nand so on\n \n" for n in range(N)))
    elif kind == "csv":
        path.write_text("id,text\n" + "".join(f'{n},"{line(n)}, ""so"""\n' for n in range(N)))
    elif kind == "multi-line csv":
        path.write_text("id,text\n" + "".join(f'{n},"{line(n)}\n\nand ""so"" on"\n' for n in range(N)))
    elif kind == "jsonl":
        path.write_text("".join(json.dumps({"text": line(n), "n": n}) + "\n" for n in range(N)))
    elif kind == "json":
        path.write_text("[" + ", ".join(json.dumps({"text": line(n)}) for n in range(N)) + "]")
    elif kind == "json object":
        path.write_text(json.dumps({"data": [{"text": f"{line(n)} é"} for n in range(N)]}, ensure_ascii=False))
    elif kind == "gz":
        path.write_bytes(gzip.compress("".join(json.dumps({"text": line(n)}) + "\n" for n in range(N)).encode(), 1))
    elif kind == "utf-16":
        path.write_bytes("".join(f"{line(n)} 山\U00020000\n" for n in range(N)).encode("utf-16"))
    elif kind == "gb18030":
        path.write_bytes("".join(f"{line(n)} 山里有座庙\n" for n in range(N)).encode("gb18030"))
    else:
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.table({"text": [line(n) for n in range(N)]})
        pyarrow.parquet.write_table(table, path, row_group_size=200)
    return path


@pytest.mark.parametrize(
    ("name", "kind", "unit"),
    [
        ("a.txt", "text", "line"),
        ("a.txt", "paragraph", "paragraph"),
        ("a.csv", "csv", "auto"),
        ("a.jsonl", "jsonl", "auto"),
        ("a.parquet", "parquet", "auto"),
        ("a.txt", "gb18030", "line"),
    ],
)
def test_blocks_of_a_large_file_hold_whole_records_from_all_over_it(
    name: str, kind: str, unit: str, tmp_path: Path
) -> None:
    path = written(tmp_path / name, kind)
    numbers = numbers_in(path, "60kB", unit=unit)
    found = sampled(path, "60kB", unit=unit)

    assert numbers == sorted(set(numbers)) and (numbers[0] == 0 or kind == "csv")  # its first record is the header
    assert len(numbers) < N / 4
    assert numbers[len(numbers) * 3 // 4] > N / 2  # not only of its beginning
    assert found.bad_records == [] and found.n_documents == {"text": len(numbers)}
    assert found.sample is not None and (found.sample.n_in_blocks, found.sample.n_beginnings) == (1, 0)


@pytest.mark.parametrize(
    ("name", "kind", "unit"),
    [
        ("a.csv", "multi-line csv", "auto"),
        ("a.json", "json", "auto"),
        ("a.json", "json object", "auto"),
        ("a.jsonl.gz", "gz", "auto"),
        ("a.txt", "utf-16", "line"),
    ],
)
def test_what_cannot_be_entered_in_the_middle_gives_its_beginning_and_no_bad_record(
    name: str, kind: str, unit: str, tmp_path: Path
) -> None:
    path = written(tmp_path / name, kind)
    numbers = numbers_in(path, "30kB", unit=unit)
    found = sampled(path, "30kB", unit=unit)

    assert numbers == list(range(len(numbers))) and 100 < len(numbers) < N / 2
    assert found.bad_records == [] and "bad_record" not in found.ledger
    assert found.sample is not None and (found.sample.n_in_blocks, found.sample.n_beginnings) == (0, 1)
    assert any(note.startswith("Only the beginning is read of 1 file") for note in found.notes)
    assert (found.sample.share is None) == (kind == "gz")


def test_a_member_of_an_archive_gives_its_beginning(tmp_path: Path) -> None:
    inner = written(tmp_path / "a.jsonl", "jsonl").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", inner)
    numbers = numbers_in(tmp_path / "a.zip", "50kB")
    assert numbers == list(range(len(numbers))) and len(numbers) > 100


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for n in range(60):
        (folder / f"{n:02}.txt").write_text(f"{n} {'words of a small file ' * (20 + n)}")
    written(folder / "big.jsonl", "jsonl")
    (folder / "picture.png").write_bytes(bytes(5000))
    return folder


def test_a_sample_is_bounded_and_what_is_said_to_be_exact_is(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    found = sampled(folder, "100kB")

    assert found.sample is not None
    assert found.sample.n_files == 61
    assert found.sample.bytes == sum(sizes.values()) - 5000
    assert found.sample.dropped == {"other:png": 5000}
    assert 50_000 < found.bytes < 150_000 and found.bytes == found.sample.bytes_read
    assert found.sample.share == found.bytes / found.sample.bytes
    assert found.sample.n_files_read == len(found.files) < 61
    assert sum(found.ledger.values()) == found.bytes == sum(file.bytes for file in found.files)
    for file in found.files:
        size = sizes[Path(file.path).name]
        assert (file.bytes, file.of_bytes) == (size, None) or file.bytes < size == file.of_bytes
    assert not {"train", "validation", "test"} & (set(found.ledger) | set(found.n_documents))


def test_the_same_seed_draws_the_same_and_another_seed_another(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    assert sampled(folder, "100kB") == sampled(folder, "100kB")
    assert sampled(folder, "100kB").files != sampled(folder, "100kB", split_seed=1).files


@pytest.mark.parametrize("sample", ["2GB", "100%", "250%"])
def test_a_sample_as_large_as_the_text_is_all_of_it(sample: str, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("a few words\n" * 20)
    (folder / "b.csv").write_text("id,text\n" + "".join(f"{n},{line(n)}\n" for n in range(200)))
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(b'{"text": "as before"}\n' * 5000))
    data = config(folder)
    assert sampled(folder, sample) == look(data, plan_split(data))


def test_a_packed_text_that_is_larger_unpacked_than_the_sample_is_not_read_whole(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl.gz", "gz")
    unpacked = len(gzip.decompress(path.read_bytes()))
    assert path.stat().st_size < unpacked // 2
    part = sampled(path, str(unpacked - 1))
    assert part.sample is not None and part.bytes < unpacked
    assert sampled(path, str(unpacked)).sample is None


def test_a_file_that_is_one_document_and_one_line_is_cut_between_characters(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("山里有座庙" * 200_000, encoding="utf-8")
    found = sampled(tmp_path / "a.txt", "100kB")
    assert found.bad_records == [] and set(found.ledger) == {"text"}
    assert found.lengths is not None and 90_000 < 3 * found.lengths.longest <= 100_000
    assert any(note.startswith("A file is one document") for note in found.notes)


def test_what_does_not_fit_is_said_or_refused(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text(json.dumps({"text": "x" * 6_000_000}) + "\n")
    with pytest.raises(InputError, match="no file can be read within a sample of 100kB"):
        sampled(tmp_path, "100kB")
    written(tmp_path / "two.jsonl", "jsonl")
    found = sampled(tmp_path, "1MB")
    assert [Path(file.path).name for file in found.files] == ["two.jsonl"]
    assert any("its first record alone is longer" in note for note in found.notes)


def test_a_sample_without_a_document_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": ""}\n' * 20_000)
    with pytest.raises(TooLittleText) as refused:
        sampled(tmp_path, "100kB")
    assert "no document in a sample of 100kB" in str(refused.value) and "a larger --sample" in str(refused.value)


@pytest.mark.parametrize("said", ["", "many", "0", "0%", "-5MB", "5 parsecs", "1e6", "%"])
def test_what_is_no_size_is_refused_with_an_example(said: str) -> None:
    with pytest.raises(ConfigError, match="200MB"):
        size_said(said, 1000)


@pytest.mark.parametrize(
    ("said", "size"), [("200MB", 200_000_000), ("1 MiB", 1 << 20), ("7", 7), ("1.5k", 1500), ("2 g", 2 * 10**9)]
)
def test_a_size_is_said_in_bytes_with_or_without_a_unit(said: str, size: int) -> None:
    assert size_said(said, 1000) == size


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=8), st.data())
def test_stretches_read_as_their_bytes_joined(raw: bytes, places: list[int], data: st.DataObject) -> None:
    edges = sorted(min(place, len(raw)) for place in places)
    stretches = list(zip(edges[::2], edges[1::2], strict=False))
    joined = b"".join(raw[start:end] for start, end in stretches)
    stream = io.BufferedReader(Stretched(io.BytesIO(raw), stretches), 4)

    assert stream.read() == joined
    at = data.draw(st.integers(0, len(joined) + 3))
    assert stream.seek(at) == min(at, len(joined)) or at > len(joined)
    assert stream.read() == joined[at:]
    stream.seek(0)
    assert list(stream) == list(io.BytesIO(joined))
