"""The floor of a run: both rows over the same text, kept as runs of their own, cut at a stated number of tokens."""

from __future__ import annotations

import math

import numpy as np
import pytest

from textmill.config import Config
from textmill.errors import InputError, TooLittleText
from textmill.evaluation.floor import Floor, bytes_of, fit_floor, stream_of, table_of_bytes, uniform_scores
from textmill.metrics.language import metrics_of
from textmill.runs import Run
from textmill.tasks.measuring import TokenSizes, documents_of, score_documents
from textmill.tokens import StoreWriter, Tokenizer

TEXTS = [
    "the cat sat on the mat and the dog sat on the log",
    "好猫坐在垫子上，好狗坐在木头上",
    "the dog and the cat sat on the log and on the mat",
    "",
]


def store_of(folder, tokenizer, texts=TEXTS):
    with StoreWriter(folder, tokenizer.vocab_size) as writer:
        for number, text in enumerate(texts):
            writer.add(tokenizer.encode(text), len(text.encode()), len(text), f"t{number}.txt")
    from textmill.tokens import TokenStore

    return TokenStore(folder)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train("bpe", TEXTS * 5, 300, seed=0)


@pytest.fixture(scope="module")
def store(tokenizer, tmp_path_factory):
    return store_of(tmp_path_factory.mktemp("data") / "FINGERPRINT" / "train", tokenizer)


def test_both_rows_are_scored_on_the_same_bytes(store, tokenizer):
    floor = Floor.fit(store, tokenizer)
    scores = floor.score(list(documents_of(store)), tokenizer)

    assert list(scores) == ["ngram", "ngram_bytes"]
    for own in scores.values():
        metrics = metrics_of(own)
        assert metrics["n_bytes"] == sum(len(text.encode()) for text in TEXTS)
        assert metrics["n_chars"] == sum(len(text) for text in TEXTS)
        assert metrics["bpb"] < 2  # it has seen this text
    assert metrics_of(scores["ngram"])["n_tokens"] == store.n_tokens
    assert metrics_of(scores["ngram_bytes"])["n_tokens"] == store.n_bytes + store.n_documents


def test_over_a_bytes_tokenizer_both_rows_are_one(tmp_path):
    tokenizer = Tokenizer.train("bytes", [], None, seed=0)
    store = store_of(tmp_path / "train", tokenizer)
    scores = Floor.fit(store, tokenizer).score(list(documents_of(store)), tokenizer)
    assert scores["ngram"] == scores["ngram_bytes"]


@pytest.mark.parametrize("begin_mark", [True, False])
def test_the_floor_scores_what_the_model_scores(store, tokenizer, begin_mark):
    """Without a begin mark the first token (over bytes: the first byte) of a document is only read."""
    floor = Floor.fit(store, tokenizer)
    scores = floor.score(list(documents_of(store)), tokenizer, begin_mark=begin_mark)
    sizes = TokenSizes.of(tokenizer)
    assert scores["ngram"] == score_documents(
        floor.ngram, documents_of(store), tokenizer.mark, begin_mark=begin_mark, sizes=sizes
    )
    lost = 0 if begin_mark else 1
    assert [s.n_tokens for s in scores["ngram_bytes"]] == [len(t.encode()) + 1 - lost for t in TEXTS]
    assert [s.n_bytes for s in scores["ngram_bytes"]] == [max(0, len(t.encode()) - lost) for t in TEXTS]


def test_a_fitted_floor_is_two_runs_that_can_be_opened(store, tokenizer, tmp_path):
    config = Config.model_validate({"tokens": {"begin_mark": False}, "run": {"seed": 7}})
    floor = fit_floor(store, tokenizer, tmp_path / "run" / "floor", seed=7, config=config)

    loaded = Floor.load(tmp_path / "run" / "floor")
    documents = list(documents_of(store))
    assert loaded.score(documents, tokenizer) == floor.score(documents, tokenizer)
    assert loaded.convention() == floor.convention()

    for folder, kind, own in (("floor", "bpe", floor.ngram), ("floor/bytes", "bytes", floor.ngram_bytes)):
        run = Run.open(tmp_path / "run" / folder)
        assert run.kind == "ngram" and run.status == "finished" and run.info["seed"] == 7
        assert run.tokenizer.kind == kind and run.config.tokens.begin_mark is False
        assert run.model().describe() == own.describe()
        assert run.model().mark == run.tokenizer.mark and run.model().vocab_size == run.tokenizer.vocab_size
        assert run.info["data"]["prepared"] == "FINGERPRINT"


def test_the_settings_of_a_floor_over_bytes_can_be_read_whatever_cuts_the_words_of_the_run(store, tokenizer, tmp_path):
    config = Config.model_validate({"tokens": {"kind": "word", "segmenter": "jieba"}})
    fit_floor(store, tokenizer, tmp_path / "floor", seed=7, config=config)

    for folder, kind in (("floor", "bpe"), ("floor/bytes", "bytes")):
        tokens = Run.open(tmp_path / folder).config.tokens
        assert (tokens.kind, tokens.segmenter) == (kind, "characters")


def test_a_failure_leaves_no_half_floor(store, tokenizer, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("no more")

    monkeypatch.setattr("textmill.evaluation.floor.write_sealed_json", fail)
    with pytest.raises(OSError, match="no more"):
        fit_floor(store, tokenizer, tmp_path / "floor", seed=0)
    assert list(tmp_path.iterdir()) == []


def test_more_text_than_the_limit_is_drawn_by_seed_and_said(store, tokenizer):
    floor = Floor.fit(store, tokenizer, seed=1, max_tokens=20)
    assert floor.ngram.facts["n_tokens"] == floor.ngram_bytes.facts["n_tokens"] == 20
    said = floor.convention()["floor_fitted_on"]
    total = store.n_bytes + store.n_documents
    assert said == f"20 of {store.n_tokens} training tokens; 20 of {total} training bytes (marks counted)"
    again, other = (Floor.fit(store, tokenizer, seed=seed, max_tokens=20) for seed in (1, 2))
    documents = list(documents_of(store))
    assert again.score(documents, tokenizer) == floor.score(documents, tokenizer) != other.score(documents, tokenizer)


def test_a_stream_ends_where_it_must_and_a_cut_document_has_no_mark():
    documents = [np.array([1, 2, 3]), np.array([], dtype=np.int64), np.array([4, 5])]
    assert stream_of(documents, 9, 100).tolist() == [1, 2, 3, 9, 9, 4, 5, 9]
    assert stream_of(documents, 9, 7).tolist() == [1, 2, 3, 9, 9, 4, 5]
    assert stream_of(documents, 9, 4).tolist() == [1, 2, 3, 9]
    assert stream_of([], 9, 4).tolist() == []


def test_text_of_ids_is_given_as_bytes(tokenizer):
    table = table_of_bytes(tokenizer)
    assert bytes_of(tokenizer.encode(TEXTS[1]), table).tobytes() == TEXTS[1].encode()
    assert len(bytes_of([], table)) == 0
    with pytest.raises(InputError, match="no token 999"):
        bytes_of([1, 999], table)


def test_uniform_spends_the_logarithm_of_the_vocabulary(store, tokenizer):
    scores = Floor.fit(store, tokenizer).score(list(documents_of(store)), tokenizer)["ngram"]
    metrics = metrics_of(uniform_scores(scores, 256))
    assert metrics["loss"] == pytest.approx(math.log(256)) and metrics["perplexity"] == pytest.approx(256)
    assert metrics["bpb"] == pytest.approx(8 * store.n_tokens / store.n_bytes)


def test_no_text_is_refused(tokenizer, tmp_path):
    empty = store_of(tmp_path / "empty", tokenizer, [])
    with pytest.raises(TooLittleText):
        Floor.fit(empty, tokenizer)
