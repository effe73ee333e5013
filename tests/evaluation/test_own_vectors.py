"""The vectors that runs have of words and make of texts, against the model read by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from textmill.errors import InputError, RunError
from textmill.evaluation.own_vectors import TextReader, words_of
from textmill.runs import Run
from textmill.tokens import Tokenizer

sys.path.append(str(Path(__file__).parents[1] / "hub"))
from made_runs import TEXT, made_run

ARCHS = ("rnn", "lstm", "gru", "transformer")
TASKS = {"lm": "gpt2", "classify": "bert", "mask": "bert", "translate": "marian"}
TEXTS = ["the wheel of the mill", "水车转动。", "t", "the miller's song turned with it. " * 9]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def by_hand(run: Run, text: str) -> np.ndarray:
    """One text alone, its windows one by one."""
    model, tokenizer = run.model(), run.tokenizer
    ids = tokenizer.encode(text)
    ids = [*ids, tokenizer.mark] if model.form == "encoder-decoder" else [tokenizer.mark, *ids]
    longest = model.max_context or (len(ids) if model.form == "decoder" else model.config.seq_len)
    n = -(-len(ids) // -(-len(ids) // longest))
    states = []
    for start in range(0, len(ids), n):
        row = torch.tensor([ids[start : start + n]])
        if model.form == "decoder":
            states.append(model(row)[0][0])
        elif model.form == "encoder":
            states.append(model(row)[0])
        else:
            from textmill.models.layout import SourceLayout

            states.append(model.backbone.encoder(model.embedding(row), SourceLayout(1, row.shape[1]))[0][0])
    if "classify" in getattr(model, "heads", {}):
        head = model.heads["classify"]
        whole = torch.cat(states)
        assert head.pooling == "attention"
        weights = (torch.tanh(whole @ head.compare.T) @ head.score).softmax(0)
        return (weights @ whole).numpy()
    return torch.cat(states).mean(dim=0).numpy()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("arch", ARCHS)
def test_the_vector_of_a_text_is_the_mean_of_the_last_layer_or_what_the_head_takes_and_nothing_is_cut(
    arch: str, task: str, tmp_path: Path
) -> None:
    run = made_run(tmp_path / "run", arch=arch, preset=TASKS[task], task=task)
    found = TextReader(run).vectors(TEXTS)
    assert found.shape == (4, 16)
    np.testing.assert_allclose(found, [by_hand(run, text) for text in TEXTS], atol=2e-5)
    np.testing.assert_allclose(TextReader(run).vectors(TEXTS[:1]), found[:1], atol=1e-6)  # alone as in a batch


def test_a_recurrence_carries_its_state_through_a_text_of_any_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made_run(tmp_path / "run", arch="gru")
    whole = TextReader(run).vectors(TEXTS[3:])
    monkeypatch.setattr("textmill.evaluation.own_vectors.PLACES_AT_ONCE", 7)
    np.testing.assert_allclose(TextReader(run).vectors(TEXTS[3:]), whole, atol=1e-6)


def test_a_word_is_the_token_that_stands_within_a_text() -> None:
    tokenizer = Tokenizer.train("word", [TEXT + "Mill mill Mill"], None, seed=0)
    words = words_of(tokenizer)
    assert tokenizer.token_bytes(words["mill"]) == b" mill"
    assert tokenizer.token_bytes(words["水"]).decode() == "水"
    assert "," not in words and "1984" not in words
    assert list(words.values()) == sorted(words.values())


@pytest.mark.parametrize("kind", ["char", "word", "bpe", "unigram"])
def test_a_word_of_several_tokens_is_the_mean_of_them_and_says_which(kind: str, tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", arch="gru", tokens__kind=kind)
    space = TextReader(run).words()
    word = "水车" if kind in ("char", "word") else "millwheels"
    found = space.composed(word)
    assert "".join(found.pieces) == word and len(found.pieces) > 1
    ids = run.tokenizer.encode(word if word == "水车" else f" {word}")
    weight = run.model().embedding.weight.numpy()
    np.testing.assert_allclose(found.vector, weight[ids].mean(axis=0), atol=1e-6)


def test_of_context_a_word_is_what_the_last_layer_says_of_it_alone(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", preset="gpt2", tokens__kind="word")
    space, tokenizer = TextReader(run).words("context"), run.tokenizer
    hidden = run.model()(torch.tensor([[tokenizer.mark, *tokenizer.encode(" mill")]]))[0][0]
    np.testing.assert_allclose(space.composed("mill").vector, hidden[1].numpy(), atol=1e-5)
    hidden = run.model()(torch.tensor([[tokenizer.mark, *tokenizer.encode("水车")]]))[0][0]
    np.testing.assert_allclose(space.composed("水车").vector, hidden[1:].mean(0).numpy(), atol=1e-5)


def test_output_vectors_are_the_heads_and_where_there_are_none_that_is_said(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", arch="gru", tokens__kind="word")
    place = words_of(run.tokenizer)["mill"]
    space = TextReader(run).words("output")
    np.testing.assert_array_equal(space.composed("mill").vector, run.model().head.weight[place].numpy())
    classify = made_run(tmp_path / "classify", task="classify", preset="bert")
    with pytest.raises(RunError, match="no output vectors: it has no head over the vocabulary"):
        TextReader(classify).words("output")


@pytest.mark.parametrize("word", ["mil", "", "zzz"])
def test_a_word_that_was_never_seen_twice_is_not_there(word: str, tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", arch="gru", tokens__kind="word")
    with pytest.raises(InputError, match="there is no word"):
        TextReader(run).words().composed(word)
