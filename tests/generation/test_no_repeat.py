"""no_repeat and min_new_tokens: no run of tokens twice, and no end before its time."""

import numpy as np
import pytest
import torch
from fixed_models import Bytes, HashModel, ScriptModel, Unigram
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError, InputError
from textmill.generation import generate, write
from textmill.generation.sampling import Runs

ids_of_few = st.lists(st.integers(0, 4), min_size=1, max_size=40)


@given(st.integers(1, 6), ids_of_few)
@hypothesis_settings(deadline=None, max_examples=200)
def test_what_is_forbidden_is_what_transformers_forbids(n, ids):
    transformers = pytest.importorskip("transformers")
    scores = transformers.NoRepeatNGramLogitsProcessor(n)(torch.tensor([ids]), torch.zeros(1, 5))
    theirs = set(torch.nonzero(scores[0].isneginf())[:, 0].tolist())
    assert set(Runs(n, ids).completing()) == theirs


@given(st.integers(1, 4), ids_of_few)
@hypothesis_settings(deadline=None)
def test_runs_grow_as_the_text_does(n, ids):
    grown = Runs(n, ids[:1])
    for token_id in ids[1:]:
        grown.push(token_id)
    assert set(grown.completing()) == set(Runs(n, ids).completing())


@given(st.integers(2, 4), st.floats(0, 2), st.integers(0, 1000))
@hypothesis_settings(deadline=None, max_examples=40)
def test_no_run_of_so_many_tokens_comes_twice_prompt_included(n, temperature, seed):
    settings = GenerateConfig(temperature=temperature, top_p=1.0, no_repeat=n, max_new_tokens=60)
    prompt = [1, 2, 3, 1, 2]
    written = prompt + [piece.id for piece in generate(HashModel(vocab_size=11), [prompt], settings, seed)]
    runs = [tuple(written[place : place + n]) for place in range(len(written) - n + 1)]
    new = runs[len(prompt) - n + 1 :]
    assert len(new) == 60
    assert len(set(new)) == len(new)
    assert not set(new) & set(runs[: len(prompt) - n + 1])


def test_a_model_that_repeats_itself_greedily_is_kept_from_it():
    looping = Unigram([0.6, 0.3, 0.1])
    free = [piece.id for piece in generate(looping, [[2]], GenerateConfig(temperature=0, max_new_tokens=6), 0)]
    kept = GenerateConfig(temperature=0, max_new_tokens=6, no_repeat=2)
    assert free == [0] * 6
    # By hand, after 2: 0 (20), 0 (00), not 00 again but 1, 0 (10), neither 00 nor 01 again but 2, not 20 but 1.
    assert [piece.id for piece in generate(looping, [[2]], kept, 0)] == [0, 0, 1, 0, 2, 1]


def test_off_it_changes_nothing():
    model = HashModel(vocab_size=11)
    plain = list(generate(model, [[1, 2]], GenerateConfig(), 3))
    assert list(generate(model, [[1, 2]], GenerateConfig(no_repeat=0, min_new_tokens=0), 3)) == plain


def test_where_every_token_is_forbidden_the_error_says_so():
    settings = GenerateConfig(no_repeat=1, max_new_tokens=5)
    with pytest.raises(InputError, match="every token is forbidden") as raised:
        list(generate(Unigram([0.5, 0.3, 0.2]), [[0]], settings, 0))
    assert "no_repeat" in raised.value.hint


@pytest.mark.parametrize("least", [1, 7, 20])
def test_the_end_mark_does_not_come_before_its_time_and_may_at_it(least):
    always_ending = ScriptModel([Bytes.mark] * 40, Bytes.vocab_size, 3)
    settings = GenerateConfig(min_new_tokens=least, max_new_tokens=30)
    (result,) = write(always_ending, Bytes(), ["Hi"], settings, 0).finish()
    assert (result.n_tokens, result.finish_reason) == (least + 1, "stop")


def test_all_the_ends_of_anothers_model_are_held_back():
    class TwoEnds(Bytes):
        stops = (256, 10)

    newline_always = ScriptModel([10] * 40, Bytes.vocab_size, 3)
    settings = GenerateConfig(min_new_tokens=4, max_new_tokens=30)
    (result,) = write(newline_always, TwoEnds(), ["Hi"], settings, 0).finish()
    assert (result.n_tokens, result.finish_reason) == (5, "stop")


def test_a_stop_text_still_ends_the_writing():
    model = ScriptModel([*b"over. and out"], Bytes.vocab_size, 3)
    settings = GenerateConfig(stop=(".",), min_new_tokens=10, max_new_tokens=20)
    (result,) = write(model, Bytes(), ["Hi"], settings, 0).finish()
    assert (result.text, result.finish_reason) == ("over", "stop")


def test_more_at_least_than_at_most_is_refused_before_anything_is_read():
    model = HashModel(vocab_size=11)
    with pytest.raises(ConfigError, match=r"min_new_tokens \(9\) is above max_new_tokens \(8\)"):
        generate(model, [[1]], GenerateConfig(min_new_tokens=9, max_new_tokens=8), 0)
    assert model.n_read == 0


def test_the_logprob_is_the_models_own_where_a_token_was_forbidden():
    probabilities = [0.6, 0.3, 0.1]
    pieces = list(generate(Unigram(probabilities), [[2]], GenerateConfig(no_repeat=2, max_new_tokens=8), 0))
    assert [piece.logprob for piece in pieces] == pytest.approx([np.log(probabilities[piece.id]) for piece in pieces])
