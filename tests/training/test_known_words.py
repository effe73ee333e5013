"""`--model.vectors FILE`: which words begin with vectors of a file, what is refused, and that the run stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from told import Told

from textmill.config.layers import Loaded, load_config
from textmill.errors import ConfigError, InputError, Interrupted, RunError
from textmill.hub.vector_files import write_vectors
from textmill.runs import Run
from textmill.training import train
from textmill.training.beginning import new_model

BOATS = "".join(f"The {i % 7} boats of day {i * i % 11} came home, and {i % 5} did not.\n" for i in range(60))
GEESE = "鹅回家了。\n" * 30
WORDS = ["the", "boats", "home", "鹅", "unseen", "came"]


@pytest.fixture(autouse=True)
def nothing_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textmill.training.session.close", lambda *args: None)


@pytest.fixture
def said(tmp_path: Path):
    (tmp_path / "boats.txt").write_text(BOATS + GEESE)
    rows = [f"{('good', 'bad')[i % 2]},The {('fine', 'poor')[i % 2]} boats came {i}" for i in range(60)]
    (tmp_path / "reviews.csv").write_text("\n".join(["label,text", *rows]) + "\n")
    pairs = "".join(f"the boats came home {i}\tdie Boote kamen heim {i}\n" for i in range(60))
    (tmp_path / "pairs.tsv").write_text(pairs)
    table = np.random.default_rng(4).normal(scale=3.0, size=(len(WORDS), 16)).astype(np.float32)
    write_vectors(tmp_path / "words.vec", WORDS, table)

    def config(name: str, **more: Any) -> Loaded:
        files = {"classify": "reviews.csv", "translate": "pairs.tsv"}
        flags = {
            "data.paths": (str(tmp_path / files.get(str(more.get("task.name")), "boats.txt")),),
            "data.near_duplicates": "off",
            "data.duplicates": "keep",
            "tokens.kind": "word",
            "model.arch": "gru",
            "model.n_layers": 1,
            "model.d_model": 16,
            "model.seq_len": 12,
            "model.vectors": str(tmp_path / "words.vec"),
            "train.steps": 4,
            "train.batch": 3,
            "train.sample_tokens": 0,
            "eval.resamples": 100,
            "machine.threads": 1,
            "machine.device": "cpu",
            "run.dir": str(tmp_path / "runs"),
            "run.name": name,
        }
        if more.get("model.arch") == "transformer":
            flags["model.n_heads"] = 2
        return load_config({key: value for key, value in (flags | more).items() if value is not None})

    config.table = table  # type: ignore[attr-defined]
    return config


def first_weights(run: Run) -> dict[str, torch.Tensor]:
    return dict(new_model(run.config, run.prepared(), "cpu", run.start).state_dict())


@pytest.mark.parametrize("task", ["lm", "classify", "mask"])
@pytest.mark.parametrize("arch", ["rnn", "lstm", "gru", "transformer"])
def test_known_words_begin_with_their_vectors_and_all_else_as_without(arch: str, task: str, said) -> None:
    shape = {"model.arch": arch, "task.name": task}
    run = train(said("run", **shape), listener=(told := Told()))
    plain = first_weights(train(said("plain", **shape, **{"model.vectors": None})))
    first = first_weights(run)
    tokenizer = run.tokenizer
    scale = run.info["start"]["scale"]
    ids = {}
    for place, word in enumerate(WORDS):
        spellings = [[word], [f" {word}"], [f" {word.capitalize()}"], [word.capitalize()]]
        own = [tokenizer.encode(text)[0] for [text] in spellings if len(tokenizer.encode(text)) == 1]
        for number in own:
            row = first["embedding.weight"][number].numpy()
            if np.allclose(row, said.table[place] * scale, rtol=1e-6):
                ids[number] = place
    n_exact, n_small, n_all = run.info["start"]["found"]["embedding.weight"]
    assert len(ids) == n_exact + n_small > 1
    known = torch.zeros(tokenizer.vocab_size, dtype=torch.bool)
    known[list(ids)] = True
    assert torch.equal(first["embedding.weight"][~known], plain["embedding.weight"][~known])
    assert all(torch.equal(first[name], plain[name]) for name in plain if name != "embedding.weight")
    [line] = [line for line in told.lines if line.startswith("begins with vectors of")]
    assert f"found are {n_exact + n_small} of the {n_all} words of the vocabulary" in line


def test_the_vectors_are_as_large_as_those_that_are_drawn_and_keep_their_angles(said) -> None:
    run = train(said("run"))
    first, table = first_weights(run)["embedding.weight"], said.table
    number = {word: run.tokenizer.encode(f" {word}")[0] for word in ("boats", "home")}
    a, b = first[number["boats"]].double(), first[number["home"]].double()
    x, y = (table[WORDS.index(word)].astype(float) for word in ("boats", "home"))
    assert float(a @ b / a.norm() / b.norm()) == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y), abs=1e-6)
    drawn = first_weights(train(said("plain", **{"model.vectors": None})))["embedding.weight"]
    spelled = {word: (word if word == "鹅" else f" {word}", word.capitalize()) for word in WORDS}
    known = [any(len(run.tokenizer.encode(text)) == 1 for text in spelled[word]) for word in WORDS]
    read = table[known]  # 鹅 may be held out
    assert sum(known) >= 4 and not known[WORDS.index("unseen")]
    wanted = float(drawn.square().mean().sqrt()) / float(np.sqrt(np.square(read).mean()))
    assert run.info["start"]["scale"] == pytest.approx(wanted, rel=1e-5)


def test_each_side_of_a_translator_begins_with_the_words_of_its_own_vocabulary(said) -> None:
    run = train(said("run", **{"task.name": "translate", "tokens.shared": False}))
    found = run.info["start"]["found"]
    assert found["source_embedding.weight"][0] >= 3 and found["embedding.weight"][0] == 0
    number = run.tokenizer.of_source.encode(" boats")[0]
    row = first_weights(run)["source_embedding.weight"][number].numpy()
    np.testing.assert_allclose(row, said.table[1] * run.info["start"]["scale"], rtol=1e-6)


def test_a_stopped_run_goes_on_alike_when_the_file_is_gone_and_another_file_is_refused(said, tmp_path: Path) -> None:
    whole = train(said("whole"))
    with pytest.raises(Interrupted):
        train(said("stopped"), listener=Told(2))
    (tmp_path / "words.vec").rename(tmp_path / "other.vec")
    again = train(said("stopped"))
    assert all(torch.equal(tensor, again.load("last").model[name]) for name, tensor in whole.load("last").model.items())
    with pytest.raises(RunError, match=r"model\.vectors"):
        train(said("stopped", **{"model.vectors": str(tmp_path / "other.vec")}))
    assert again.info["start"]["sha256"] == whole.info["start"]["sha256"]


def test_vectors_of_another_width_are_refused_with_both_before_anything_is_written(said, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)have 16 numbers.*model.d_model\) is 24.*--model.d_model 16"):
        train(said("run", **{"model.d_model": 24}))
    assert not (tmp_path / "runs/run/run.json").exists()
    with pytest.raises(ConfigError, match=r"--model\.d_model 16 --model\.n_heads 2"):
        train(said("run", **{"model.arch": "transformer", "model.d_model": 24, "model.n_heads": 3}))


def test_a_file_that_knows_no_word_or_is_none_is_refused(said, tmp_path: Path) -> None:
    write_vectors(tmp_path / "far.vec", ["zzz"], np.ones((1, 16), dtype=np.float32))
    with pytest.raises(InputError, match=r"(?s)none of the .* words of the vocabulary.*tokens.kind word"):
        train(said("run", **{"model.vectors": str(tmp_path / "far.vec")}))
    with pytest.raises(InputError, match=r"boats.txt:1: these are no word vectors"):
        train(said("run", **{"model.vectors": str(tmp_path / "boats.txt")}))


def test_vectors_and_another_run_to_begin_from_are_refused_together(said) -> None:
    base = train(said("base", **{"model.vectors": None}))
    from_base = {"model.start": str(base.path), "tokens.kind": None, "model.arch": None, "model.n_layers": None}
    with pytest.raises(ConfigError, match="has vectors of its words already"):
        train(said("run", **from_base, **{"model.d_model": None, "model.seq_len": None}))
