"""Kind unigram: the likeliest cut, by trying all; runs without end; what it is without its teacher."""

from __future__ import annotations

import json
import math
import sys
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import MissingExtra
from textmill.tokens import Tokenizer
from textmill.tokens.alphabet import unspelled
from textmill.tokens.unigram import LONGEST_RUN

ENGLISH = "unlikely, unlike, likely, like, liking; walker walks walked walking, talker talks talked talking. "
CHINESE = "今天天气很好，我们去公园散步吧。猫喜欢在阳光下睡觉，今天也是。"


@cache
def trained() -> Tokenizer:
    return Tokenizer.train("unigram", [ENGLISH * 40, CHINESE * 40], 320, seed=1)


@cache
def scores() -> dict[bytes, float]:
    model = json.loads(trained()._library.to_str())["model"]
    return {unspelled(token): score for token, score in model["vocab"]}


def best_of_all_cuts(word: bytes) -> float:
    """The largest sum of log probabilities over all ways to cut a word into tokens."""
    best = [0.0] + [-math.inf] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(end):
            best[end] = max(best[end], best[start] + scores().get(word[start:end], -math.inf))
    return best[-1]


@settings(deadline=None, max_examples=150)
@given(word=st.text(st.sampled_from("unlikewag今天气"), min_size=1, max_size=12))
def test_a_word_is_cut_where_its_tokens_are_likeliest_together(word: str) -> None:
    ids = trained().encode(word)
    spent = sum(scores()[trained().token_bytes(token)] for token in ids)
    assert spent == pytest.approx(best_of_all_cuts(word.encode()), abs=1e-9)


def test_tokens_are_in_the_order_of_their_probability_and_frequent_words_are_whole() -> None:
    tokenizer = trained()
    of_longer = [scores()[tokenizer.token_bytes(token)] for token in range(256, tokenizer.mark)]
    assert of_longer == sorted(of_longer, reverse=True) and len(of_longer) >= 18
    assert [tokenizer.token_text(token) for token in tokenizer.encode(" talking, liking")] == [
        " talking",
        ",",
        " liking",
    ]
    assert not {"ing,", "，我", "。猫"} & {tokenizer.token_text(token) for token in range(tokenizer.mark)}


@pytest.mark.parametrize("letters", ["walking", "今天", "=-", "talk's", "a b"])
def test_a_run_without_end_is_encoded_part_by_part(letters: str) -> None:
    text = letters * (60_000 // len(letters))
    parts = list(trained().encode_parts(text, 10_000))
    assert len(parts) > 5
    assert np.concatenate(parts).tolist() == trained().encode_slowly([text])[0].tolist()
    longest = max(len(trained().token_bytes(token)) for token in range(trained().mark))
    assert longest <= 32 < LONGEST_RUN


def test_a_tiny_or_repeated_text_gives_one_tokenizer_and_ends_early() -> None:
    for texts in (["ab"], ["ab ab ab"], ["cat 好 " * 30, "好天 cat\n" * 30], ["\n"], ["x" * 5000]):
        tokenizer = Tokenizer.train("unigram", texts, 290, seed=1)
        assert 257 <= tokenizer.vocab_size <= 290
        assert [tokenizer.decode(tokenizer.encode(text)) for text in texts] == texts
    assert "the text supports" in Tokenizer.train("unigram", ["ab ab"], 5000, seed=1).note


def test_learning_needs_sentencepiece_and_reading_does_not(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained().save(tmp_path)
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    assert Tokenizer.load(tmp_path).encode(ENGLISH) == trained().encode(ENGLISH)
    with pytest.raises(MissingExtra, match="sentencepiece, which is not installed") as refused:
        Tokenizer.train("unigram", [ENGLISH], 300, seed=1)
    assert refused.value.hint == "pip install 'textmill[unigram]'"
