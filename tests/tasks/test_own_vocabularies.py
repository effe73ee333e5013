"""Pairs whose sides have a vocabulary each: what is read by the one is never taken for what is written by the other."""

from __future__ import annotations

import numpy as np
import pytest

from textmill.config import Config
from textmill.errors import ConfigError
from textmill.evaluation import Floor
from textmill.tasks.translate import Translate, sides_of
from textmill.text.aligned import SentencePair
from textmill.text.worlds import Pairs
from textmill.tokens import Tokenizer
from textmill.tokens.amount import learned

ITEMS = [Pairs(seed=5).item(number) for number in range(300)]
PAIRS = [SentencePair(item.source, item.target, f"a:{number}") for number, item in enumerate(ITEMS, 1)]


def config_of(**tokens: object) -> Config:
    return Config(task={"name": "translate"}, data={"paths": ("a.en", "a.zh")}, tokens={"kind": "word", **tokens})


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return learned(config_of(shared=False), lambda: [(pair.source, pair.target) for pair in PAIRS], seed=0)


@pytest.fixture
def store(tokenizer, tmp_path):
    return Translate().encode([pair.document() for pair in PAIRS], tokenizer, tmp_path / "store")


def test_each_side_learns_from_its_own_texts_alone(tokenizer):
    alone = [Tokenizer.train("word", [getattr(pair, side) for pair in PAIRS], None, 0) for side in ("source", "target")]
    for pair in PAIRS[:20]:
        assert tokenizer.of_source.encode(pair.source) == alone[0].encode(pair.source)
        assert tokenizer.encode(pair.target) == alone[1].encode(pair.target)
    assert tokenizer.source_vocab_size == alone[0].vocab_size != tokenizer.vocab_size == alone[1].vocab_size
    shared = learned(config_of(), lambda: [(pair.source, pair.target) for pair in PAIRS], seed=0)
    assert shared.of_source is shared and shared.source_vocab_size is None
    assert shared.vocab_size > max(tokenizer.vocab_size, tokenizer.of_source.vocab_size)
    assert "Each side has a vocabulary of its own" in tokenizer.note and "own" not in shared.note


def test_a_folder_keeps_both_and_one_alone_stays_one(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    assert len(list(tmp_path.glob("tokenizer*.json"))) == 4
    loaded = Tokenizer.load(tmp_path)
    for pair in PAIRS[:20]:
        assert loaded.of_source.encode(pair.source) == tokenizer.of_source.encode(pair.source)
        assert loaded.encode(pair.target) == tokenizer.encode(pair.target)
    assert loaded.note == tokenizer.note
    assert tokenizer.alone().of_source.vocab_size == tokenizer.vocab_size
    other = tmp_path / "alone"
    other.mkdir()
    tokenizer.alone().save(other)
    assert len(list(other.glob("tokenizer*.json"))) == 2


def test_pairs_come_back_whole_from_the_disk(tokenizer, store):
    task = Translate()
    read = list(task.examples(store, tokenizer))
    assert read == task.pair_ids(PAIRS, tokenizer)
    for pair, found in zip(PAIRS, read, strict=True):
        assert found.source == (*tokenizer.of_source.encode(pair.source), tokenizer.of_source.mark)
        assert found.target == tuple(tokenizer.encode(pair.target))
        assert task.source_text(found, tokenizer) == pair.source and tokenizer.decode(found.target) == pair.target
    assert list(sides_of(store, tokenizer, 0)) == [(pair.source, pair.target) for pair in PAIRS]
    batch = task.collate(task.rows(store, tokenizer, config_of(shared=False)), [0, 5])
    assert int(batch.targets.max()) == tokenizer.mark
    assert int(batch.source.max()) == tokenizer.of_source.mark


def test_a_floor_counts_what_is_written_and_nothing_else(tokenizer, store):
    """Equal to one of a store that holds the targets alone; in bytes too."""
    task = Translate()
    floor = Floor.fit(store, tokenizer, documents=task.written(store))
    documents = task.as_documents(task.examples(store, tokenizer))
    total = sum(len(ids) + 1 for ids, *_ in documents)
    assert floor.ngram.facts["n_tokens"] == floor.ngram.facts["n_tokens_of_text"] == total
    n_bytes = sum(len(pair.target.encode()) + 1 for pair in PAIRS)
    assert floor.ngram_bytes.facts["n_tokens"] == floor.ngram_bytes.facts["n_tokens_of_text"] == n_bytes
    both = Translate(directions=("zh", "en"))
    assert list(both.written(store)) == list(range(store.n_documents))
    assert [*task.written(store)] == [*range(1, store.n_documents, 2)]


def test_what_reads_both_languages_on_either_side_shares_a_vocabulary():
    with pytest.raises(ConfigError, match=r"leave tokens\.shared out"):
        Config(task={"name": "translate", "both_ways": True}, tokens={"shared": False})
    with pytest.raises(ConfigError, match=r"tokens\.shared is of pairs"):
        Config(tokens={"shared": False})


def test_counts_are_of_what_is_written(tokenizer, store):
    from types import SimpleNamespace

    from textmill.training.beginning import counts_written

    counts = counts_written(SimpleNamespace(train=store, tokenizer=tokenizer), Translate().written(store))
    expected = np.zeros(tokenizer.vocab_size, dtype=int)
    for pair in PAIRS:
        for token in [*tokenizer.encode(pair.target), tokenizer.mark]:
            expected[token] += 1
    assert counts.tolist() == expected.tolist()
