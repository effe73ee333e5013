"""A folder for each class: whose files have which label, which have none, and every byte is counted."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text import ReadReport, plan_split, read_documents
from textmill.text.documents import LABELS


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(*paths: Path, **knobs: Any) -> tuple[dict[str, str], list[str]]:
    """text -> its label, and the notes."""
    report = ReadReport()
    data = DataConfig(paths=tuple(map(str, paths)), labelled=True, **knobs)
    found = {
        document.text.strip(): ",".join(document.meta[LABELS]) for document in read_documents(data.paths, data, report)
    }
    return found, report.notes


REVIEWS: dict[str, str | bytes] = {
    "pos/1.txt": "good",
    "pos/2.md": "very good",
    "neg/1.html": "<p>bad</p>",
    "neg/2.txt.gz": gzip.compress(b"very bad"),
}
LABELS_OF_REVIEWS = {"good": "pos", "very good": "pos", "bad": "neg", "very bad": "neg"}


def test_the_folder_that_holds_a_text_is_its_label_whatever_the_kind_of_file(tmp_path: Path) -> None:
    found, notes = read(fill(tmp_path / "reviews", REVIEWS))
    assert found == LABELS_OF_REVIEWS
    assert notes == ["The label of a text is the name of its folder; files by label: neg 2, pos 2."]
    assert read(tmp_path / "reviews" / "pos", tmp_path / "reviews" / "neg")[0] == LABELS_OF_REVIEWS


@pytest.mark.parametrize("layout", ["{part}/{label}", "{label}/{part}"])
def test_folders_of_parts_are_no_classes_and_give_the_parts(layout: str, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        f"{layout.format(part=part, label=label)}/{n}.txt": f"{part} {label} {n}"
        for part in ("train", "test", "dev")
        for label in ("pos", "neg")
        for n in range(3)
    }
    plan = plan_split(DataConfig(paths=fill(tmp_path / "corpus", files), labelled=True, near_duplicates="off"))
    assert plan.n_documents == {"train": 6, "validation": 6, "test": 6}
    for part, name in (("train", "train"), ("validation", "dev"), ("test", "test")):
        found = {document.text: document.meta[LABELS] for document in plan.documents(part)}  # type: ignore[arg-type]
        assert found == {f"{name} {label} {n}": (label,) for label in ("pos", "neg") for n in range(3)}


def test_what_lies_beside_the_folders_of_classes_or_is_said_to_be_unlabelled_is_left_out_and_counted(
    tmp_path: Path,
) -> None:
    files = REVIEWS | {
        "README.md": "About it.",
        "unsup/1.txt": "who knows",
        "train/urls_pos.txt": "http",
        "nan/1.txt": "?",
    }
    folder = fill(tmp_path / "reviews", files)
    found, notes = read(folder)
    assert found == LABELS_OF_REVIEWS
    [left_out] = [note for note in notes if note.startswith("In no folder of a class")]
    assert "other:no-label" in left_out and f"{folder}/README.md" in left_out and "and 1 more" in left_out

    plan = plan_split(DataConfig(paths=folder, labelled=True, valid_share=0, test_share=0))
    assert plan.ledger.total["other:no-label"] == len("About it.who knowshttp?")
    assert sum(plan.ledger.total.values()) == plan.ledger.n_bytes
    assert plan.n_unlabelled == 0


def test_a_readme_beside_a_table_is_left_out_and_the_table_is_read(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data", {"a.csv": "text,label\none,1\n", "README.md": "About it."})
    found, notes = read(folder)
    assert found == {"one": "1"}
    assert any("In no folder of a class" in note and "README.md" in note for note in notes)


@pytest.mark.parametrize(
    "files",
    [
        {"a.txt": "one", "b.txt": "two"},
        {"pos/a.txt": "one", "README.md": "two"},
        {"train/a.txt": "one", "test/b.txt": "two"},
        {"pos/a.txt": "one", "unsup/b.txt": "two"},
        {"1/a.txt": "one", "1.0/b.txt": "two"},
    ],
)
def test_fewer_than_two_classes_of_folders_are_refused_with_how_labels_can_be_given(
    files: dict[str, str | bytes], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="nothing says the labels of these texts") as caught:
        read(fill(tmp_path / "corpus", files))
    assert "reviews/pos/1.txt" in str(caught.value.hint)


def test_an_archive_is_a_folder_and_its_own_name_no_class(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in {"aclImdb/train/pos/1.txt": "good", "aclImdb/train/neg/1.txt": "bad", "top.txt": "?"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    path = tmp_path / "aclImdb_v1.tar.gz"
    path.write_bytes(stream.getvalue())
    found, notes = read(path)
    assert found == {"good": "pos", "bad": "neg"}
    assert any("In no folder of a class" in note and "top.txt" in note for note in notes)


def test_a_line_of_a_file_has_the_label_of_its_folder(tmp_path: Path) -> None:
    folder = fill(tmp_path / "reviews", {"pos/a.txt": "one\ntwo\n", "neg/a.txt": "three\n"})
    assert read(folder, unit="line")[0] == {"one": "pos", "two": "pos", "three": "neg"}
