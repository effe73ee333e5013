"""score: the chain rule over a given text, for fixed, n-gram and trained models."""

import math

import numpy as np
import pytest
import torch
from fixed_models import Bytes, HashModel, Unigram
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from textmill.config.model import RecurrentConfig, TransformerConfig
from textmill.errors import ConfigError, ContextFull, InputError, NothingScored
from textmill.generation import score
from textmill.generation.scoring import next_token_log_probs
from textmill.models import build_model
from textmill.models.ngram import NGram
from textmill.tokens import Tokenizer


class Letters(Bytes):
    """a, b, c are 0, 1, 2; 3 is the mark."""

    mark, vocab_size = 3, 4

    def encode(self, text):
        return ["abc".index(letter) for letter in text]

    def token_text(self, token_id):
        return "abc|"[token_id]


LETTERS = Unigram([1 / 2, 1 / 8, 1 / 4, 1 / 8])


def test_a_text_of_three_letters_worked_out_by_hand():
    scored = score(LETTERS, Letters(), "acb", n_alternatives=2)

    assert [round(token.logprob / math.log(2)) for token in scored.tokens] == [-1, -2, -3]
    assert scored.total_logprob == pytest.approx(-6 * math.log(2))
    assert [token.rank for token in scored.tokens] == [1, 2, 3]
    assert [(token.text, token.id, token.start, token.end) for token in scored.tokens] == [
        ("a", 0, 0, 1),
        ("c", 2, 1, 2),
        ("b", 1, 2, 3),
    ]
    for token in scored.tokens:
        assert [(other["text"], other["id"]) for other in token.alternatives] == [("a", 0), ("c", 2)]
        assert token.alternatives[0]["logprob"] == pytest.approx(-math.log(2))


def test_the_end_mark_is_predicted_where_it_is_asked_for():
    scored = score(LETTERS, Letters(), "ac", include_end=True)
    last = scored.tokens[-1]
    assert (last.text, last.id, last.start, last.end, last.rank) == ("|", 3, 2, 2, 4)
    assert scored.total_logprob == pytest.approx(-6 * math.log(2))


def test_without_a_begin_mark_the_first_token_is_only_read():
    scored = score(LETTERS, Letters(), "acb", begin_mark=False)
    assert [(token.text, token.start) for token in scored.tokens] == [("c", 1), ("b", 2)]
    assert scored.total_logprob == pytest.approx(-5 * math.log(2))


@given(st.lists(st.floats(0.01, 1), min_size=4, max_size=4))
def test_ranks_and_alternatives_are_one_order_lowest_id_first_among_equals(weights):
    weights = [round(weight, 1) + 0.1 for weight in weights]  # ties are common
    model = Unigram([weight / sum(weights) for weight in weights])
    order = sorted(range(4), key=lambda token_id: (-weights[token_id], token_id))
    for token in score(model, Letters(), "abc", n_alternatives=4, include_end=True).tokens:
        assert [other["id"] for other in token.alternatives] == order
        assert token.rank == order.index(token.id) + 1


@hypothesis_settings(deadline=None)
@given(st.text("abé山😀", min_size=1, max_size=12))
def test_the_chain_rule_gives_the_texts_probability(text):
    model = HashModel(vocab_size=Bytes.vocab_size)
    ids = [Bytes.mark, *text.encode()]
    expected = [model.after(ids[:place])[ids[place]] for place in range(1, len(ids))]
    scored = score(model, Bytes(), text)
    assert [token.logprob for token in scored.tokens] == expected
    assert scored.total_logprob == pytest.approx(sum(expected))


def test_the_bytes_of_a_character_all_stand_at_its_place():
    scored = score(HashModel(vocab_size=Bytes.vocab_size), Bytes(), "a山😀b")
    assert [(token.start, token.end) for token in scored.tokens] == [
        (0, 1),
        *[(1, 2)] * 3,
        *[(2, 3)] * 4,
        (3, 4),
    ]


@pytest.mark.parametrize("kind", ["bytes", "char", "bpe"])
def test_the_tokens_of_a_trained_tokenizer_stand_where_their_letters_stand(kind):
    text = "The gate 山 was 😀 open.\r\ne\u0301 一二"
    tokenizer = Tokenizer.train(kind, [text] * 20, None if kind == "bytes" else 280, 0)
    scored = score(HashModel(vocab_size=tokenizer.vocab_size), tokenizer, text)

    assert [token.id for token in scored.tokens] == tokenizer.encode(text)
    assert scored.tokens[0].start == 0 and scored.tokens[-1].end == len(text)
    for token, following in zip(scored.tokens, scored.tokens[1:], strict=False):
        assert following.start in (token.end, token.end - 1)  # a character split over tokens belongs to each of them
    for token in scored.tokens:
        letters = text[token.start : token.end]
        assert tokenizer.token_bytes(token.id) in letters.encode()
        if "<" not in token.text:
            assert token.text == letters


@hypothesis_settings(deadline=None)
@given(st.integers(1, 12).flatmap(lambda w: st.tuples(st.just(w), st.integers(1, w))), st.integers(1, 40))
def test_a_text_of_any_length_is_read_in_windows_each_token_once(knobs, n_letters):
    (window, stride), ids = knobs, [256, *range(n_letters)]
    model = HashModel(vocab_size=Bytes.vocab_size, max_context=window)
    scored = score(model, Bytes(), bytes(ids[1:]).decode(), stride=stride)

    assert [token.id for token in scored.tokens] == ids[1:]
    for place, token in enumerate(scored.tokens, start=1):
        # The window that scores it starts at the least multiple of the stride that reaches it.
        start = max(math.ceil((place - window) / stride), 0) * stride
        assert token.logprob == model.after(ids[start:place])[token.id]


def test_long_texts_are_read_in_parts_that_carry_the_state(monkeypatch):
    whole = score(HashModel(vocab_size=257), Bytes(), "abcdefghij" * 3)
    monkeypatch.setattr("textmill.generation.scoring.READ_AT_ONCE", 4)
    assert score(HashModel(vocab_size=257), Bytes(), "abcdefghij" * 3) == whole
    windowed = score(HashModel(vocab_size=257), Bytes(), "abcdefghij" * 3, window=9, stride=2)
    monkeypatch.setattr("textmill.generation.scoring.READ_AT_ONCE", 100)
    assert score(HashModel(vocab_size=257), Bytes(), "abcdefghij" * 3, window=9, stride=2) == windowed


def small_models():
    for config in (
        TransformerConfig(n_layers=1, d_model=16, n_heads=2, seq_len=8),
        *(RecurrentConfig(arch=arch, n_layers=1, d_model=16) for arch in ("rnn", "lstm", "gru")),
    ):
        model = build_model(config, Bytes.vocab_size, seed=3).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(3).add_(0.1)
        yield pytest.param(model, id=config.arch)
    stream = np.random.default_rng(0).integers(0, 256, 500).repeat(2)
    yield pytest.param(NGram.fit(np.append(stream, 256), Bytes.vocab_size, Bytes.mark), id="ngram")
    yield pytest.param(HashModel(vocab_size=Bytes.vocab_size), id="fixed")


@pytest.mark.parametrize("model", list(small_models()))
def test_the_probabilities_of_each_place_sum_to_one_and_the_scores_are_among_them(model):
    torch.set_num_threads(1)
    text = "The gate 山 was open."
    ids = [Bytes.mark, *text.encode()]
    rows = list(next_token_log_probs(model, ids, model.max_context, None))
    assert len(rows) == len(ids) - 1
    assert np.exp(rows).sum(axis=1) == pytest.approx(1, abs=1e-5)

    scored = score(model, Bytes(), text, n_alternatives=257)
    for row, token in zip(rows, scored.tokens, strict=True):
        assert token.logprob == row[token.id]
        assert sum(math.exp(other["logprob"]) for other in token.alternatives) == pytest.approx(1, abs=1e-5)
        assert token.alternatives[token.rank - 1]["id"] == token.id
    assert scored.total_logprob == pytest.approx(sum(token.logprob for token in scored.tokens))


@pytest.mark.parametrize(
    ("text", "begin_mark", "reason"), [("", True, "no token to score"), ("a", False, "begin_mark = false")]
)
def test_nothing_to_score_is_an_error_not_probability_one(text, begin_mark, reason):
    with pytest.raises(NothingScored, match=reason):
        score(LETTERS, Letters(), text, begin_mark=begin_mark)


def test_a_window_above_the_context_is_refused():
    with pytest.raises(ContextFull, match=r"eval\.window is 9"):
        score(HashModel(vocab_size=257, max_context=8), Bytes(), "abc", window=9)


def test_a_stride_above_the_window_is_refused():
    with pytest.raises(ConfigError, match=r"eval\.stride"):
        score(LETTERS, Letters(), "abc", window=2, stride=3)


def test_a_text_that_is_not_unicode_is_refused():
    with pytest.raises(InputError, match=r"U\+D800"):
        score(LETTERS, Bytes(), "\ud800")
