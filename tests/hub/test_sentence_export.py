"""A folder of sentence-transformers gives the run's vectors there, and what such folders of others say is heeded."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from made_runs import made_run

from textmill.errors import ConfigError, Damaged, RunError
from textmill.evaluation.own_vectors import TextReader
from textmill.hub import open_run
from textmill.hub.export import export
from textmill.hub.sentence_modules import sentences_said
from textmill.runs import Run

TEXTS = ["The mill's wheel turned.", "水车转动，磨坊在河边。", "a"]
LEAVING = {
    "mask": {"preset": "bert"},
    "answer": {"preset": "bert"},
    "classify, mean": {"preset": "bert", "model__pooling": "mean"},
    "classify, max": {"preset": "bert", "model__pooling": "max"},
    "classify, first": {"preset": "bert", "model__pooling": "first"},
    "lm, gpt2": {"preset": "gpt2"},
    "lm, llama": {"preset": "llama"},
    "lm, modern": {"preset": "modern"},
}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def run_of(name: str, folder: Path) -> Run:
    return made_run(folder, task=name.partition(",")[0], **LEAVING[name])  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore")  # of the library's own imports
@pytest.mark.parametrize("name", LEAVING)
def test_sentence_transformers_gives_the_vectors_of_the_run(name: str, tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers", reason="the reference is sentence-transformers")
    run = run_of(name, tmp_path / "run")
    found = export(run, "sentence-transformers", tmp_path / "out")
    wanted = TextReader(run).vectors(TEXTS)
    theirs = library.SentenceTransformer(str(tmp_path / "out"), device="cpu", local_files_only=True)
    np.testing.assert_allclose(theirs.encode(TEXTS), wanted, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(theirs.encode(TEXTS[:1]), wanted[:1], atol=1e-5, rtol=1e-5)
    assert found.proof.of == "vectors" and found.proof.max_difference <= 1e-5
    assert found.proof.n_texts_equal == found.proof.n_texts == 1000
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "largest difference of a number of a vector" in card and "SentenceTransformer(" in card


@pytest.mark.filterwarnings("ignore")
def test_what_left_is_a_run_again_with_the_same_vectors(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="an export is proved by sentence-transformers")
    run = run_of("mask", tmp_path / "run")
    export(run, "sentence-transformers", tmp_path / "out")
    again = TextReader(open_run(tmp_path / "out"))
    assert (again.pooling, again.normalised) == ("mean", False)
    np.testing.assert_allclose(again.vectors(TEXTS), TextReader(run).vectors(TEXTS), atol=1e-5)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"arch": "gru"}, "an architecture gru is no stock class"),
        ({"arch": "lstm"}, "an architecture lstm is no stock class"),
        ({"task": "translate", "preset": "marian"}, "is an encoder and a decoder"),
        ({"task": "classify", "preset": "bert"}, "(?s)model.pooling is attention.*mean, max or first"),
        ({"preset": "classic"}, "(?s)norm_place.*--preset gpt2, llama"),
    ],
)
def test_what_such_a_folder_has_no_place_for_is_refused_by_name(
    said: dict[str, str], message: str, tmp_path: Path
) -> None:
    run = made_run(tmp_path / "run", **said)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=message):
        export(run, "sentence-transformers", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore")
def test_other_vectors_are_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sentence_transformers", reason="an export is proved by sentence-transformers")
    run = run_of("lm, gpt2", tmp_path / "run")
    right = TextReader.vectors
    monkeypatch.setattr(TextReader, "vectors", lambda self, texts: right(self, texts) * np.float32(1.001))
    with pytest.raises(RunError, match="gives other vectors than the run"):
        export(run, "sentence-transformers", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- folders of others


def folder_with(path: Path, modules: object, pooling: object, settings: object = None) -> Path:
    (path / "1_Pooling").mkdir(parents=True)
    (path / "modules.json").write_text(json.dumps(modules))
    (path / "1_Pooling/config.json").write_text(json.dumps(pooling))
    if settings is not None:
        (path / "sentence_bert_config.json").write_text(json.dumps(settings))
    return path


def modules(*kinds: str, at: str = "") -> list[dict[str, object]]:
    old = "sentence_transformers.models."
    return [
        {
            "idx": n,
            "name": str(n),
            "path": f"{n}_{kind.split('.')[-1]}" if n else at,
            "type": kind if "." in kind else old + kind,
        }
        for n, kind in enumerate(kinds)
    ]


MEAN = {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}


@pytest.mark.parametrize(
    ("kinds", "pooling", "found"),
    [
        (("Transformer", "Pooling"), MEAN, ("mean", False)),
        (("Transformer", "Pooling", "Normalize"), MEAN, ("mean", True)),
        (("Transformer", "Pooling"), {"pooling_mode": "cls"}, ("first", False)),
        (("Transformer", "Pooling"), {"pooling_mode": ["max"]}, ("max", False)),
        (
            (
                "sentence_transformers.base.modules.transformer.Transformer",
                "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
            ),
            MEAN,
            ("mean", False),
        ),
    ],
)
def test_the_pooling_that_a_folder_names_is_read_in_old_and_new_words(
    kinds: tuple[str, ...], pooling: dict[str, object], found: tuple[str, bool], tmp_path: Path
) -> None:
    said = sentences_said(folder_with(tmp_path / "f", modules(*kinds), pooling))
    assert said == {"pooling": found[0], "normalised": found[1]}


@pytest.mark.parametrize(
    ("kinds", "pooling", "settings", "message"),
    [
        (("Transformer", "Pooling", "Dense"), MEAN, None, "Dense"),
        (("Transformer", "custom_st.Pooling"), MEAN, None, "custom_st.Pooling"),
        (("Transformer", "Pooling"), MEAN | {"pooling_mode_cls_token": True}, None, r"\['cls', 'mean'\]"),
        (("Transformer", "Pooling"), {"pooling_mode": "weightedmean"}, None, "weightedmean"),
        (("Transformer", "Pooling"), MEAN, {"do_lower_case": True}, "do_lower_case"),
    ],
)
def test_what_is_more_is_not_guessed_and_asked_for_vectors_such_a_folder_says_why_it_has_none(
    kinds: tuple[str, ...], pooling: dict[str, object], settings: object, message: str, tmp_path: Path
) -> None:
    pytest.importorskip("transformers", reason="the folder is written by an export")
    export(made_run(tmp_path / "run", preset="gpt2"), "hf", tmp_path / "f")
    folder_with_what = folder_with(tmp_path / "more", modules(*kinds), pooling, settings)
    for path in sorted(folder_with_what.rglob("*.json")):
        into = tmp_path / "f" / path.relative_to(folder_with_what)
        into.parent.mkdir(exist_ok=True)
        into.write_bytes(path.read_bytes())
    reader = TextReader(open_run(tmp_path / "f"))
    with pytest.raises(RunError, match=f"no sentence vectors of this folder: .*{message}"):
        reader.vectors(["a"])
    assert reader.words().width == 16


@pytest.mark.parametrize("inner", ["../up", "/etc", "a/b", ""])
def test_a_pooling_outside_of_the_folder_is_not_looked_at(inner: str, tmp_path: Path) -> None:
    said = modules("Transformer", "Pooling")
    said[1]["path"] = inner
    with pytest.raises(Damaged, match="which is no folder in it"):
        sentences_said(folder_with(tmp_path / "f", said, MEAN))


def test_normalised_vectors_have_length_one(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", preset="gpt2")
    run.info["origin"] = {"sentences": {"pooling": "mean", "normalised": True}}
    reader = TextReader(run)
    assert [math.hypot(*vector) for vector in reader.vectors(TEXTS).tolist()] == pytest.approx([1.0] * 3, abs=1e-6)
