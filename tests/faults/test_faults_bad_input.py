"""Bad input is one clear line and exit 2, and nothing is written or lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from faults_kit import InProcess, names, refused, some_text, training, tree

READERS = {
    "look": lambda path: ["look", path],
    "train": lambda path: training(path),
    "train -n": lambda path: [*training(path), "-n"],
}


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> Any:
    """A command line that reads the text at a path."""
    return READERS[request.param]


# -- texts -------------------------------------------------------------------------------------------------------------


def test_a_missing_path_is_named_with_its_neighbour(mill: InProcess, tmp_path: Path, reader: Any) -> None:
    (tmp_path / "geese.txt").write_text(some_text())
    before = tree(tmp_path)

    refused(mill(*reader("gese.txt")), "gese.txt: no such file", "did you mean 'geese.txt'?")

    assert tree(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n \n\t\n"], ids=["nothing", "only a BOM", "only blanks"])
def test_an_empty_file_is_told(mill: InProcess, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "empty.txt").write_bytes(content)
    before = tree(tmp_path)

    refused(mill(*training("empty.txt")), "empty.txt")
    refused(mill(*training("empty.txt"), "-n"), "empty.txt")

    assert tree(tmp_path) == before


def test_an_empty_folder_is_told(mill: InProcess, tmp_path: Path, reader: Any) -> None:
    (tmp_path / "texts").mkdir()
    before = tree(tmp_path)

    refused(mill(*reader("texts")), "texts: nothing readable", "it is empty")

    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"Some words.\n" + bytes(range(256)) * 20, "byte 140"),
        (b"\x7fELF\x02\x01\x01" + bytes(900), "byte 0"),
    ],
    ids=["all bytes", "a program"],
)
def test_a_file_that_is_no_text_is_named_with_the_byte(
    mill: InProcess, tmp_path: Path, reader: Any, content: bytes, place: str
) -> None:
    (tmp_path / "binary.txt").write_bytes(content)
    before = tree(tmp_path)

    refused(mill(*reader("binary.txt")), f"binary.txt: not a text: {place}")

    assert tree(tmp_path) == before


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that even root cannot read: /proc")
def test_a_file_that_cannot_be_read_is_named(mill: InProcess, tmp_path: Path, reader: Any) -> None:
    # /proc/self/mem opens for its owner, and reading its first byte is an I/O error, for root as well.
    (tmp_path / "sick.txt").symlink_to("/proc/self/mem")
    before = tree(tmp_path)

    refused(mill(*reader("sick.txt")), "sick.txt: cannot be read: Input/output error")

    assert tree(tmp_path) == before


def test_a_file_without_permission_is_named(
    mill: InProcess, tmp_path: Path, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(some_text())
    secret.chmod(0)
    if os.access(secret, os.R_OK):  # root reads all: the refusal of open() is played
        before_opening = Path.open

        def open_or_refuse(self: Path, *arguments: Any, **more: Any) -> Any:
            if self.name == "secret.txt":
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
            return before_opening(self, *arguments, **more)

        monkeypatch.setattr(Path, "open", open_or_refuse)

    refused(mill(*reader("secret.txt")), "secret.txt: cannot be read: permission denied")

    assert names(tmp_path) == ["secret.txt"]


def test_a_pipe_or_a_device_is_no_text(mill: InProcess, tmp_path: Path, reader: Any) -> None:
    os.mkfifo(tmp_path / "pipe.txt")

    refused(mill(*reader("pipe.txt")), "pipe.txt: is a pipe")
    refused(mill(*reader("/dev/null")), "/dev/null: is a device")

    assert names(tmp_path) == ["pipe.txt"]


@pytest.mark.parametrize(
    ("name", "place", "content"),
    [
        ("reviews.csv", "reviews.csv:1", "id,text,sentment\n1,Good geese,1\n2,Bad geese,0\n"),
        ("reviews.tsv", "reviews.tsv:1", "id\ttext\tsentment\n1\tGood geese\t1\n"),
        # No line of it has the key: the file is the place.
        (
            "reviews.jsonl",
            "reviews.jsonl: no column",
            '{"text": "Good geese", "sentment": 1}\n{"text": "Bad", "sentment": 0}\n',
        ),
    ],
)
def test_an_unknown_column_is_named_with_its_place_and_the_nearest_one(
    mill: InProcess, tmp_path: Path, reader: Any, name: str, place: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    before = tree(tmp_path)

    refused(mill(*reader(name), "--data.text", "sentiment"), place, "sentiment", "did you mean 'sentment'?")

    assert tree(tmp_path) == before


# -- words of the command line, and config files -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian", "geese.txt"], ["no verb 'trian'", "did you mean 'train'?"]),
        (["config", "shwo"], ["no verb 'config shwo'", "did you mean 'show'?"]),
        (["train", "geese.txt", "--stesp", "3"], ["no option '--stesp'", "did you mean '--steps'?"]),
        (["train", "geese.txt", "--train.stepz", "3"], ["no option '--train.stepz'", "did you mean '--train.steps'?"]),
        (["train", "geese.txt", "--eval.steps", "3"], ["no option '--eval.steps'", "did you mean '--steps'?"]),
        (["train", "geese.txt", "--arch", "gur"], ["no architecture 'gur'", "did you mean 'gru'?"]),
        (["train", "geese.txt", "--arch", "gru", "--model.n_heads", "2"], ["model.n_heads", "transformer"]),
        (["train", "geese.txt", "--steps", "many"], ["train.steps (--steps)", "'many'"]),
        (["train", "geese.txt", "--steps", "-1"], ["train.steps (--steps)"]),
        (["train"], ["there is no PATH"]),
        (["--stpes", "train"], ["--stpes"]),
        (["look"], ["look"]),
        (["generate"], ["generate"]),
        (["train", "geese.txt", "-c", "nowhere.toml"], ["nowhere.toml: no such file"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_word_is_named_with_the_right_one(
    mill: InProcess, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    (tmp_path / "geese.txt").write_text(some_text())
    before = tree(tmp_path)

    refused(mill(*arguments), *words)

    assert tree(tmp_path) == before


@pytest.mark.parametrize("where", ["-c", "textmill.toml"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[train]\nbatch = 4\nstepz = 3\n", [":3: unknown config key 'train.stepz'", "did you mean 'train.steps'?"]),
        ("[trian]\nsteps = 3\n", [":2", "trian.steps", "did you mean 'train.steps'?"]),
        ("[train]\n\nsteps = 'many'\n", [":3: train.steps"]),
        ("[train]\nsteps = 3\nsteps = 4\n", ["is no TOML"]),
        ("[train\n", [":1: is no TOML"]),
        ("[model]\narch = 'gru'\nn_heads = 2\n", [":3: model.n_heads belongs to transformer"]),
    ],
    ids=["key", "section", "value", "twice", "no TOML", "another architecture's"],
)
def test_a_wrong_line_of_a_config_file_is_named(
    mill: InProcess, tmp_path: Path, where: str, content: str, words: list[str]
) -> None:
    name = "run.toml" if where == "-c" else where
    (tmp_path / "geese.txt").write_text(some_text())
    (tmp_path / name).write_text(content)
    before = tree(tmp_path)

    refused(mill("train", "geese.txt", *(["-c", name] if where == "-c" else [])), name, *words)

    assert tree(tmp_path) == before


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that even root cannot read: /proc")
@pytest.mark.parametrize("file", ["/proc/self/mem", "a_folder", "binary.toml"])
def test_a_config_file_that_cannot_be_read_is_named(mill: InProcess, tmp_path: Path, file: str) -> None:
    (tmp_path / "geese.txt").write_text(some_text())
    (tmp_path / "a_folder").mkdir()
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    before = tree(tmp_path)

    refused(mill("train", "geese.txt", "-c", file), file)

    assert tree(tmp_path) == before


# -- runs --------------------------------------------------------------------------------------------------------------

RUN_READERS = ["eval", "generate", "chat", "score", "info", "report"]


@pytest.mark.parametrize("verb", RUN_READERS)
def test_what_is_no_run_is_named(mill: InProcess, tmp_path: Path, verb: str) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "geese.txt").write_text(some_text())
    before = tree(tmp_path)

    refused(mill(verb, "texts"), "texts: this is no run", "run.json")
    refused(mill(verb, "texts/geese.txt"), "texts/geese.txt", "this file is no model", "RUN is a run folder")
    refused(mill(verb, "runs/nothing"), "runs/nothing: there is no such run")

    assert tree(tmp_path) == before


@pytest.mark.parametrize("verb", RUN_READERS)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", b""),
        ("run.json", b"[]"),
        ("run.json", b"{}"),
        ("run.json", b'{"kind": "network", "data"'),
        ("config.toml", b"[train]\nstepz = 3\n"),
        ("config.toml", b"\xff"),
    ],
    ids=[
        "run.json of nothing",
        "run.json is a list",
        "run.json lacks all",
        "run.json is cut",
        "unknown key",
        "no text",
    ],
)
def test_a_run_whose_own_files_are_spoilt_is_named(
    mill: InProcess, geese: Path, verb: str, name: str, content: bytes
) -> None:
    (geese / name).write_bytes(content)
    before = tree(geese)

    refused(mill(verb, "runs/geese"), "runs/geese", *([name] if name == "config.toml" else []))

    assert tree(geese) == before


def test_a_run_that_belongs_to_another_config_is_refused_with_every_difference(
    mill: InProcess, tmp_path: Path, geese: Path
) -> None:
    before = tree(tmp_path)

    refused(
        mill(*training(), "--train.lr", "0.5", "--seed", "3"),
        "train.lr: ", "-> 0.5", "run.seed: 0 -> 3", "--name NEW or --fresh",
    )  # fmt: skip
    refused(mill(*training(arch="lstm")), "model.arch: 'gru' -> 'lstm'")
    refused(mill(*training(steps=["--steps", "3"])), "train.steps: 6 -> 3", "may only grow")

    assert tree(tmp_path) == before


def test_a_run_of_another_text_is_refused(mill: InProcess, tmp_path: Path, geese: Path) -> None:
    (tmp_path / "geese.txt").write_text(some_text(seed=2))
    before = tree(tmp_path)

    refused(mill(*training()), "geese.txt: the text changed since this run began", "--fresh")

    assert tree(tmp_path) == before


def test_a_folder_of_other_things_is_never_trained_into(mill: InProcess, tmp_path: Path) -> None:
    (tmp_path / "geese.txt").write_text(some_text())
    (tmp_path / "runs/geese").mkdir(parents=True)
    (tmp_path / "runs/geese/config.toml").write_text("[train]\nsteps = 3\n")
    before = tree(tmp_path)

    refused(mill(*training()), "runs/geese: the folder is there and is no run")

    assert tree(tmp_path) == before


def test_a_fresh_run_that_cannot_begin_leaves_the_old_one_where_it_is(
    mill: InProcess, tmp_path: Path, geese: Path
) -> None:
    (tmp_path / "geese.txt").write_bytes(bytes(range(128, 256)) * 20)  # no longer a text
    before = tree(tmp_path)

    refused(mill(*training(), "--fresh"), "geese.txt")
    (tmp_path / "geese.txt").unlink()
    refused(mill(*training(), "--fresh"), "geese.txt")

    assert {name: file for name, file in before.items() if name != "geese.txt"} == tree(tmp_path)


def test_a_prompt_of_nothing_needs_a_begin_mark(mill: InProcess, tmp_path: Path, geese: Path) -> None:
    assert mill(*training(), "--name", "unmarked", "--tokens.begin_mark", "false").code == 0
    before = tree(tmp_path)

    refused(mill("generate", "runs/unmarked", ""), "prompt")
    refused(mill("generate", "runs/unmarked", "", "--json"), "prompt")
    assert mill("generate", "runs/unmarked", "L", "--max-new-tokens", "3").code == 0
    assert mill("generate", "runs/geese", "", "--max-new-tokens", "3").code == 0  # legal with the mark

    assert tree(tmp_path) == before
