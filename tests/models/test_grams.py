"""N-grams of words and characters: what a word is, that texts do not touch, that counts are those of a slow loop."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.models import grams
from textmill.models.grams import Vocabulary, grams_of
from textmill.text.normalise import normalised

TEXTS = st.lists(st.text(alphabet="ab 不好,!'’\n", max_size=12), min_size=1, max_size=6)


def names(texts, kind, lengths):
    found = grams_of(texts, kind, lengths)
    return [found.joined[start:end] for start, end in zip(found.starts, found.ends, strict=True)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't buy it!", ["don't", "buy", "it", "!"]),
        ("'quoted'", ["'", "quoted", "'"]),
        ("it 's n't", ["it", "'", "s", "n't"]),
        ("7/10 ok", ["7", "/", "10", "ok"]),
        ("这台PC很好。", ["这", "台", "pc", "很", "好", "。"]),
        ("ＡＢ！", ["ab", "!"]),
        ("Straße", ["strasse"]),
        ("👍 ok", ["👍", "ok"]),
        (" \t ", []),
        ("", []),
    ],
)
def test_a_word_is_a_run_of_letters_a_character_without_blanks_or_a_sign(text, words):
    assert names([text], "words", (1, 1)) == words


def test_characters_see_the_ends_of_the_text_and_each_chinese_character_counts_one():
    assert names(["很 好"], "characters", (2, 2)) == [" 很", "很 ", " 好", "好 "]
    assert names(["很好"], "characters", (3, 3)) == [" 很好", "很好 "]


def slow_characters(text, lengths):
    whole = f" {normalised(text)} " if normalised(text) else ""
    low, high = lengths
    return Counter(whole[i : i + n] for n in range(low, high + 1) for i in range(len(whole) - n + 1))


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_counts_are_those_of_a_slow_loop(texts):
    """Whatever the batches: here each text is one of its own."""
    vocabulary, counts = Vocabulary.fit(texts, "characters", (1, 3), least_texts=1, most_features=1000)
    expected = [slow_characters(text, (1, 3)) for text in texts]
    assert sorted(vocabulary.names) == sorted({gram for found in expected for gram in found})
    for row, found in zip(counts.toarray(), expected, strict=True):
        assert {vocabulary.names[i]: n for i, n in enumerate(row.tolist()) if n} == found
    assert (vocabulary.counts(texts) != counts).nnz == 0
    assert vocabulary.n_texts_with.tolist() == (counts.toarray() > 0).sum(axis=0).tolist()


def test_no_gram_goes_from_one_text_into_the_next_and_batches_change_nothing(monkeypatch):
    texts = ["not good", "bad service", "", "very good", "good not bad"]
    whole, counts = Vocabulary.fit(texts, "words", (1, 2), least_texts=1, most_features=100)
    assert "good bad" not in whole.names and "not good" in whole.names

    monkeypatch.setattr(grams, "BATCH_CHARACTERS", 5)
    parts, part_counts = Vocabulary.fit(texts, "words", (1, 2), least_texts=1, most_features=100)
    assert parts.names == whole.names and np.array_equal(parts.hashes, whole.hashes)
    assert (part_counts != counts).nnz == 0


def test_only_grams_of_enough_texts_are_features_and_of_too_many_the_most_common():
    texts = ["a b", "a b", "a c", "a a"]
    vocabulary, counts = Vocabulary.fit(texts, "words", (1, 1), least_texts=2, most_features=100)
    assert dict(zip(vocabulary.names, vocabulary.n_texts_with.tolist(), strict=True)) == {"a": 4, "b": 2}
    assert counts.sum() == 5 + 2  # "a a" counts two

    only, counts = Vocabulary.fit(texts, "words", (1, 1), least_texts=1, most_features=1)
    assert only.names == ["a"] and counts.toarray().ravel().tolist() == [1, 1, 1, 2]


def test_the_unknown_grams_of_a_text():
    vocabulary, _ = Vocabulary.fit(["a b", "a b"], "words", (1, 1), least_texts=1, most_features=100)
    _, (n_unknown, n_grams) = vocabulary.read(["a b", "a c", "x y z", "a x y z", ""])
    assert (n_unknown.tolist(), n_grams.tolist()) == ([0, 1, 3, 3, 0], [2, 2, 3, 4, 0])
    assert [len(column) for column in vocabulary.read([])[1]] == [0, 0]
