"""Which files are read, which are named as left out, and which stop the command with one clear line."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from textmill.config import DataConfig
from textmill.errors import ConfigError, InputError, TooLittleText
from textmill.text import Document, ReadReport, SplitPlan, plan_split, read_documents


def documents(*paths: Path | str, **knobs: Any) -> list[Document]:
    return list(read_documents([str(path) for path in paths], DataConfig(**knobs), ReadReport()))


def planned(*paths: Path, **knobs: Any) -> SplitPlan:
    return plan_split(DataConfig(paths=tuple(map(str, paths)), **knobs))


def sources(plan: SplitPlan, part: Any) -> set[str]:
    return {Path(document.source.rpartition(":")[0]).name for document in plan.documents(part)}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_a_missing_path_is_named_with_the_nearest_name(tmp_path: Path) -> None:
    write(tmp_path / "novel.txt", "text")
    with pytest.raises(InputError, match="no such file") as error:
        documents(tmp_path / "novle.txt")
    assert error.value.where == str(tmp_path / "novle.txt")
    assert error.value.hint == "did you mean 'novel.txt'?"
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("raw", "position"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", 0),
        (b"x" * (1 << 20) + bytes(range(128, 256)) * 8192, 1 << 20),
        (b"\x00\x01\x02\x03" * 500, 0),
    ],
)
def test_what_is_no_text_stops_with_the_position_of_the_first_byte_that_says_so(
    raw: bytes, position: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=f"not a text: byte {position}") as error:
        documents(path)
    assert error.value.where == str(path)


def test_control_characters_and_a_few_nuls_are_text(tmp_path: Path) -> None:
    text = "a\x00b\x07\x1b[0m\x7f\ufffe"
    assert [d.text for d in documents(write(tmp_path / "a.txt", text), clean=("none",))] == [text]


def test_a_byte_order_mark_is_markup_and_no_character(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\ntwo\nthree\n")
    plan = planned(path, valid_share=0.3)
    assert next(plan.documents("train")).text.startswith("one")
    assert plan.ledger.files[0].encoding == "utf-8-sig"
    assert plan.ledger.total["markup"] == 3


@pytest.mark.parametrize("name", ["a.exe", "a.doc", "a.png.gz"])
def test_an_extension_that_is_not_read_is_refused_by_name(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, "text")
    with pytest.raises(InputError, match="not read") as error:
        documents(path)
    assert error.value.where == str(path)
    assert ".txt .md .csv .tsv .jsonl" in str(error.value.hint)


def test_a_pipe_a_socket_and_a_device_are_refused_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(InputError, match="is a pipe"):
        documents(tmp_path / "pipe.txt")
    with pytest.raises(InputError, match="is a device"):
        documents("/dev/null")
    here = Path.cwd()
    os.chdir(tmp_path)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket.txt")
            with pytest.raises(InputError, match="is a socket"):
                documents("socket.txt")
    finally:
        os.chdir(here)


def test_a_link_is_followed_where_it_is_named_and_not_inside_a_folder(tmp_path: Path) -> None:
    target = write(tmp_path / "elsewhere" / "a.txt", "text behind a link")
    folder = tmp_path / "corpus"
    write(folder / "b.txt", "text in the folder")
    (folder / "link.txt").symlink_to(target)
    (folder / "loop").symlink_to(folder)
    (folder / "gone.txt").symlink_to(tmp_path / "nowhere")

    assert [d.text for d in documents(folder / "link.txt")] == ["text behind a link"]
    plan = planned(folder)
    assert [file.path for file in plan.ledger.files] == [str(folder / "b.txt")]
    assert any(
        "Links inside folders and archives are not followed" in note and "link.txt" in note for note in plan.notes
    )
    with pytest.raises(InputError, match="link to nothing"):
        documents(folder / "gone.txt")


def test_a_file_without_permission_stops_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.txt", "text")
    if os.geteuid() == 0:  # root may read anything: the system's answer is played

        def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "open", refuse)
    else:
        path.chmod(0)
    for named in (path, tmp_path):
        with pytest.raises(InputError, match="permission denied") as error:
            documents(named)
        assert error.value.where == str(path)


def test_a_folder_is_walked_in_sorted_order_and_names_what_it_leaves_out(tmp_path: Path) -> None:
    write(tmp_path / "b.txt", "bee\n")
    write(tmp_path / "a" / "z.md", "# zed\n")
    write(tmp_path / "a" / "B.JSONL", '{"text": "line"}\n')
    write(tmp_path / "picture.png", "12345")
    write(tmp_path / "LICENSE", "1234567")
    write(tmp_path / ".secret.txt", "123")
    write(tmp_path / ".git" / "config.txt", "never seen")
    (tmp_path / "old.txt").write_bytes(b"\x00\x01\x02\x03" * 500)
    plan = planned(tmp_path)

    names = [Path(file.path).relative_to(tmp_path).as_posix() for file in plan.ledger.files]
    assert names == [".secret.txt", "LICENSE", "a/B.JSONL", "a/z.md", "b.txt", "old.txt", "picture.png"]
    dropped = {k: n for k, n in plan.ledger.total.items() if k.startswith("other:")}
    assert dropped == {"other:hidden": 3, "other:no-extension": 7, "other:not-text": 2000, "other:png": 5}
    said = "\n".join(plan.notes)
    for word in (".secret.txt", "LICENSE", "picture.png", ".git", "old.txt: not a text: byte 0"):
        assert word in said


def test_strict_stops_at_a_file_of_a_folder_that_is_no_text(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "fine")
    (tmp_path / "b.txt").write_bytes(b"\x00\x01\x02\x03" * 500)
    assert [d.text for d in documents(tmp_path)] == ["fine"]
    with pytest.raises(InputError, match="not a text"):
        documents(tmp_path, strict=True)


def test_a_folder_with_nothing_readable_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is empty"):
        documents(tmp_path)
    write(tmp_path / "a.exe", "x")
    write(tmp_path / "b.exe", "x")
    with pytest.raises(InputError, match="2 × other:exe"):
        documents(tmp_path)


@pytest.mark.parametrize(("raw", "why"), [(b"", r"empty \(0 bytes\)"), (b"\n \xe3\x80\x80\n", "not blank")])
def test_an_empty_or_blank_file_is_too_little_text_and_is_named(raw: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(raw)
    with pytest.raises(TooLittleText, match=why) as error:
        planned(path)
    assert error.value.where == str(path)


def test_standard_input_must_be_kept_in_a_file_first() -> None:
    with pytest.raises(InputError, match="copied to one first"):
        documents("-")


def test_no_path_at_all_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="no path is named"):
        plan_split(DataConfig())


def test_an_unknown_built_in_text_gets_a_did_you_mean() -> None:
    with pytest.raises(InputError, match="no such built-in text") as error:
        documents("builtin:python-doc")
    assert error.value.hint == "did you mean 'builtin:python-docs'?"


def test_a_file_named_twice_is_read_once_and_that_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "one\ntwo\n")
    plan = planned(path, tmp_path)
    assert plan.ledger.n_bytes == 8
    assert any("Named more than once" in note for note in plan.notes)


def test_a_column_that_is_not_there_shows_the_columns_and_the_nearest(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", "id,review\n1,good\n")
    lines = write(tmp_path / "a.jsonl", '{"id": "1", "review": "good"}\n')
    for path in (table, lines):
        with pytest.raises(InputError, match=r"no column 'reveiw' \(there are: id, review\)") as error:
            documents(path, text="reveiw")
        assert "did you mean 'review'?" in str(error.value.hint)
        with pytest.raises(InputError, match=r"there are: id, review"):
            documents(path)
        assert [d.text for d in documents(path, text="review")] == ["good"]


def test_files_of_one_folder_may_call_the_text_by_different_names(tmp_path: Path) -> None:
    write(tmp_path / "c" / "a.csv", "id,body\n1,one\n")
    write(tmp_path / "c" / "b.csv", "编号,内容\n1,二\n")
    write(tmp_path / "c" / "c.jsonl", '{"id": "1", "内容": "三"}\n')
    write(tmp_path / "c" / "d.json", '[{"id": "1", "body": "four", "内容": "四"}]')
    with pytest.raises(InputError, match="no column 'text'"):
        planned(tmp_path / "c")
    with pytest.raises(InputError, match="no column 'body' or '内含'") as error:
        planned(tmp_path / "c", text=("body", "内含"))
    assert "--data.text NAME" in str(error.value.hint)
    plan = planned(tmp_path / "c", text=("body", "内容"), valid_share=0.0, test_share=0.0)
    assert [document.text for document in plan.documents("train")] == ["one", "二", "三", "four"]


def test_a_chinese_column_of_text_needs_no_flag(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", "编号,正文\n1,一\n")
    lines = write(tmp_path / "b.jsonl", '{"编号": "1", "文本": "二"}\n')
    plan = planned(table, lines, valid_share=0.0, test_share=0.0)
    assert [document.text for document in plan.documents("train")] == ["一", "二"]


def test_the_only_column_there_is_holds_the_text(tmp_path: Path) -> None:
    assert [d.text for d in documents(write(tmp_path / "a.csv", "review\ngood\n"))] == ["good"]
    assert [d.text for d in documents(write(tmp_path / "a.jsonl", '{"n": 1, "review": "good"}\n'))] == ["good"]


@pytest.mark.parametrize("later", ["one\ntwo\nthree\nfour\n", "one\ntwo\n3\n", "one\ntwo\nthre\xe9\n"])
def test_a_file_that_changes_after_the_plan_is_refused(later: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "one\ntwo\nthree\n")
    plan = planned(path, unit="line", valid_share=0.3)
    path.write_bytes(later.encode("latin-1"))
    with pytest.raises(InputError, match="changed while it was read"):
        list(plan.documents("train"))


def test_a_file_name_that_is_not_utf_8_is_shown_as_escapes(tmp_path: Path) -> None:
    name = os.fsencode(str(tmp_path)) + b"/caf\xe9.txt"
    try:
        with open(name, "wb") as stream:  # noqa: PTH123 (a name in bytes)
            stream.write(b"one\ntwo\n")
    except OSError:
        pytest.skip("this file system takes no such names")
    plan = planned(tmp_path)
    assert plan.ledger.files[0].path.endswith("caf\\xe9.txt")


# -- parts by name and by flag -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("train.txt", "valid.txt", "test.txt"),
        ("train.txt", "dev.txt", "evaluation.txt"),
        ("training/a.txt", "val/b.txt", "test/c.txt"),
        ("news-train-01.txt", "news-dev.txt", "news_test.txt"),
    ],
)
def test_files_and_folders_named_as_splits_are_taken_as_such(names: tuple[str, str, str], tmp_path: Path) -> None:
    for name in names:
        write(tmp_path / "corpus" / name, f"the text of {name}\nand more\n")
    plan = planned(tmp_path / "corpus")
    for part, name in zip(("train", "validation", "test"), names, strict=True):
        assert sources(plan, part) == {Path(name).name}
    assert any("by name" in note for note in plan.notes)


def test_split_names_count_from_the_given_path_downwards_only(tmp_path: Path) -> None:
    folder = tmp_path / "test" / "corpus"
    write(folder / "a.txt", "one\ntwo\nthree\n")
    assert planned(folder).n_documents["train"] == 1


def test_names_that_would_leave_nothing_to_train_on_are_passed_over_and_that_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "test.txt", "one\ntwo\nthree\n")
    plan = planned(path)
    assert plan.n_documents == {"train": 1, "validation": 1, "test": 0}
    assert any("as if they had no such names" in note for note in plan.notes)


def test_a_title_that_holds_the_word_is_no_split_without_a_train_file(tmp_path: Path) -> None:
    write(tmp_path / "the_test.txt", "a novel about a test\n")
    write(tmp_path / "other.txt", "another novel\n")
    write(tmp_path / "third.txt", "a third novel\n")
    plan = planned(tmp_path, valid_share=0.0)
    assert plan.n_documents == {"train": 3, "validation": 0, "test": 0}
    assert any("Not taken as a split" in note for note in plan.notes)


def test_latest_and_devil_are_no_split_words(tmp_path: Path) -> None:
    for name in ("train.txt", "latest.txt", "devil.txt"):
        write(tmp_path / name, f"{name}\n")
    assert sources(planned(tmp_path, valid_share=0.0), "train") == {"train.txt", "latest.txt", "devil.txt"}


def test_validation_and_test_files_that_were_given_are_used_whole(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "one\ntwo\nthree\n")
    valid = write(tmp_path / "b.txt", "four\nfive\n")
    test = write(tmp_path / "c.txt", "six\n")
    plan = planned(tmp_path, valid=(str(valid),), test=(str(test),))
    assert [d.text for d in plan.documents("train")] == ["one\ntwo\nthree\n"]
    assert [d.text for d in plan.documents("validation")] == ["four\nfive\n"]
    assert [d.text for d in plan.documents("test")] == ["six\n"]
    assert not plan.by_blocks


def test_train_text_that_repeats_in_given_validation_or_test_text_is_dropped_and_said(tmp_path: Path) -> None:
    train = write(tmp_path / "a.txt", "one\nTWO  x\nthree\nfour\n")
    valid = write(tmp_path / "b.txt", "two x\nfive\nsix\n")
    test = write(tmp_path / "c.txt", "Three\nsix\n")
    plan = planned(train, valid=(str(valid),), test=(str(test),), unit="line")
    assert [d.text for d in plan.documents("train")] == ["one", "four"]
    assert [d.text for d in plan.documents("validation")] == ["two x", "five"]
    assert [d.text for d in plan.documents("test")] == ["Three", "six"]
    assert plan.ledger.total["duplicate"] == len("TWO  x") + len("three") + len("six")
    assert sum("Dropped from" in note for note in plan.notes) == 2


def test_train_text_that_stands_whole_in_the_validation_text_leaves_nothing(tmp_path: Path) -> None:
    train, valid = write(tmp_path / "a.txt", "one\n"), write(tmp_path / "b.txt", "ONE\n")
    with pytest.raises(TooLittleText, match="nothing is left to train on"):
        planned(train, valid=(str(valid),))


def test_an_empty_validation_file_is_named(tmp_path: Path) -> None:
    train, valid = write(tmp_path / "a.txt", "one\n"), write(tmp_path / "b.txt", "")
    with pytest.raises(TooLittleText, match="validate on") as error:
        planned(train, valid=(str(valid),))
    assert error.value.where == str(valid)


def test_a_file_named_as_validation_is_set_aside_where_another_was_given(tmp_path: Path) -> None:
    write(tmp_path / "c" / "train.txt", "one\ntwo\nthree\n")
    write(tmp_path / "c" / "valid.txt", "12345")
    other = write(tmp_path / "other.txt", "six\n")
    plan = planned(tmp_path / "c", valid=(str(other),))
    assert sources(plan, "validation") == {"other.txt"}
    assert plan.ledger.total["other:named-validation"] == 5
    assert any("valid.txt is not used" in note for note in plan.notes)


def test_a_file_of_the_training_folder_that_is_named_as_validation_is_used_for_that_alone(tmp_path: Path) -> None:
    write(tmp_path / "c" / "a.txt", "one\ntwo\n")
    other = write(tmp_path / "c" / "b.txt", "six\n")
    plan = planned(tmp_path / "c", valid=(str(other),), unit="line")
    assert {document.text for document in plan.documents("train")} == {"one", "two"}
    assert any(note == f"Used for validation alone, because --valid names it: {other}." for note in plan.notes)


@pytest.mark.parametrize(("part", "flag"), [("valid", "--valid"), ("test", "--test")])
def test_the_only_training_file_cannot_be_held_out_as_well(part: str, flag: str, tmp_path: Path) -> None:
    only = write(tmp_path / "a.txt", "one\n")
    with pytest.raises(TooLittleText, match=f"{flag} names the same text"):
        planned(only, **{part: (str(only),)})


def test_a_run_is_no_text(tmp_path: Path) -> None:
    run = tmp_path / "c" / "runs" / "mine"
    write(run / "run.json", "{}")
    write(run / "config.toml", "")
    write(run / "README.md", "a model card")
    with pytest.raises(InputError, match="is a run, not text") as error:
        planned(run)
    assert f"textmill info {run}" in str(error.value.hint)
    with pytest.raises(InputError, match="nothing readable in this folder: it holds 1 run"):
        planned(tmp_path / "c")
    write(tmp_path / "c" / "a.txt", "one\ntwo\n")
    plan = planned(tmp_path / "c")
    assert [file.path for file in plan.ledger.files] == [str(tmp_path / "c" / "a.txt")]
    assert any("Run folders are not text" in note and str(run) in note for note in plan.notes)


@pytest.mark.parametrize("unit", ["file", "line", "paragraph"])
def test_lines_that_end_in_a_lone_cr_are_told(unit: str, tmp_path: Path) -> None:
    old = write(tmp_path / "a.txt", "one\rtwo\rthree\r")
    assert any("lone CR" in note for note in planned(old, unit=unit).notes)
    for usual in ("one\r\ntwo\r\nthree", "one\rtwo", "one\ntwo\r\r\r"):
        assert not any("lone CR" in note for note in planned(write(tmp_path / "b.txt", usual), unit=unit).notes)


def test_one_file_cannot_be_validation_and_test(tmp_path: Path) -> None:
    train, other = write(tmp_path / "a.txt", "one\n"), write(tmp_path / "b.txt", "two\n")
    with pytest.raises(ConfigError, match="both --valid and --test"):
        planned(train, valid=(str(other),), test=(str(other),))
