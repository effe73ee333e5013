"""generate: batch = alone, the rule of the context, rows that end. Right answers: one text, the slow way, no state."""

import warnings

import numpy as np
import pytest
from fixed_models import HashModel, Unigram
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError, InputError
from textmill.generation import Piece, distribution, generate
from textmill.generation.sampling import draw, uniform_at

MARK = 0
prompts_of = st.lists(st.lists(st.integers(0, 10), min_size=1, max_size=9), min_size=1, max_size=4)


def slowly(model, prompt, settings, seed, sample):
    """One text by the rule as it is stated, the whole context read again for every token."""
    context, new, logprobs = list(prompt), [], []
    half = max((model.max_context or 0) // 2, 1)
    if model.max_context and len(context) > model.max_context:
        context = context[-half:]
    for position in range(settings.max_new_tokens):
        log_probs = model.after(context)
        probabilities = distribution(log_probs, settings, {*prompt, *new} - {MARK}, new)
        token_id = draw(probabilities, uniform_at(seed, sample, position))
        new.append(token_id)
        logprobs.append(float(log_probs[token_id]))
        if token_id == MARK:
            break
        context.append(token_id)
        if model.max_context and len(context) > model.max_context:
            context = context[-half:]
    return new, logprobs


def by_row(pieces):
    rows = {}
    for piece in pieces:
        rows.setdefault(piece.row, []).append(piece)
    return rows


@hypothesis_settings(deadline=None)
@given(
    prompts_of,
    st.integers(1, 3),
    st.none() | st.integers(1, 8),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([1.0, 1.5]),
    st.integers(0, 2**64 - 1),
)
def test_each_text_of_a_batch_is_the_text_written_alone_and_slowly(prompts, n, max_context, temperature, penalty, seed):
    model = HashModel(max_context=max_context)
    settings = GenerateConfig(
        temperature=temperature, top_p=0.9, repetition_penalty=penalty, frequency_penalty=0.1, max_new_tokens=12
    )
    rows = by_row(generate(model, prompts, settings, seed, n, MARK, notice=lambda message: None))

    assert sorted(rows) == list(range(n * len(prompts)))
    for row, pieces in rows.items():
        ids, logprobs = slowly(model, prompts[row // n], settings, seed, row % n)
        assert [piece.id for piece in pieces] == ids
        assert [piece.logprob for piece in pieces] == logprobs


def test_the_n_texts_of_a_prompt_differ_and_the_seed_repeats_them():
    def ids(seed):
        settings = GenerateConfig(temperature=1.0, max_new_tokens=20)
        return [
            [piece.id for piece in pieces]
            for pieces in by_row(generate(HashModel(), [[1, 2]], settings, seed, n=3)).values()
        ]

    assert ids(7) == ids(7)
    assert ids(7) != ids(8)
    assert len({tuple(row) for row in ids(7)}) == 3


def test_a_prompt_with_a_seed_of_its_own_is_written_as_alone_and_equal_ones_are_not_one_draw():
    model, settings = HashModel(), GenerateConfig(temperature=1.0, top_p=1.0, max_new_tokens=12)
    prompts, seeds = [[3, 1]] * 20, list(range(5, 25))
    rows = by_row(generate(model, prompts, settings, seeds, n=2, mark=MARK))
    for number, seed in enumerate(seeds):
        alone = by_row(generate(model, [[3, 1]], settings, seed, n=2, mark=MARK))
        assert [rows[2 * number], rows[2 * number + 1]] == [
            [piece._replace(row=2 * number + piece.row) for piece in alone[row]] for row in (0, 1)
        ]
    assert len({tuple(piece.id for piece in row) for row in rows.values()}) > 20
    shared = by_row(generate(model, prompts, settings, 5, mark=MARK))
    assert len({tuple(piece.id for piece in row) for row in shared.values()}) == 1
    with pytest.raises(ConfigError, match="1 seeds for 20 prompts"):
        generate(model, prompts, settings, [1])


def test_a_prompt_is_read_once_whatever_n_is():
    model = HashModel()
    list(generate(model, [[1, 2, 3, 4]], GenerateConfig(max_new_tokens=1), 0, n=5))
    assert model.n_read == 4


def test_a_model_that_remembers_everything_never_reads_anything_twice():
    model = HashModel()
    list(generate(model, [[1] * 30], GenerateConfig(max_new_tokens=40), 0))
    assert model.n_read == 30 + 39


def test_the_full_context_is_told_once():
    told = []
    settings = GenerateConfig(max_new_tokens=30)
    list(generate(HashModel(max_context=4), [[1] * 9, [2, 3]], settings, 0, n=2, notice=told.append))
    assert len(told) == 1
    assert "context of 4 tokens" in told[0]


def test_the_full_context_is_a_warning_where_nobody_listens():
    with pytest.warns(UserWarning, match="context of 4 tokens"):
        list(generate(HashModel(max_context=4), [[1] * 9], GenerateConfig(max_new_tokens=1), 0))


def test_a_context_that_is_exactly_filled_is_not_read_again():
    model = HashModel(max_context=6)
    with warnings.catch_warnings(action="error"):
        list(generate(model, [[1, 2, 3]], GenerateConfig(max_new_tokens=4), 0))
    assert model.n_read == 6  # the fourth new token is never read


def test_a_prompt_above_the_context_is_written_on_from_its_last_half_context():
    settings = GenerateConfig(max_new_tokens=5)
    prompt = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    long = generate(HashModel(max_context=8), [prompt], settings, 3, notice=lambda message: None)
    assert list(long) == list(generate(HashModel(max_context=8), [prompt[-4:]], settings, 3))


def test_a_row_ends_with_its_mark_and_the_others_go_on():
    model = Unigram([0.5, 0.5])
    rows = by_row(generate(model, [[1]], GenerateConfig(temperature=1.0, max_new_tokens=50), 0, n=8, mark=0))
    lengths = [len(pieces) for pieces in rows.values()]
    assert len(set(lengths)) > 1
    for pieces in rows.values():
        assert [piece.id for piece in pieces[:-1]] == [1] * (len(pieces) - 1)
        assert pieces[-1].id == 0 or len(pieces) == 50


def test_a_row_that_the_caller_ends_is_not_written_on():
    ended = set()
    pieces = []
    for piece in generate(HashModel(), [[1], [2]], GenerateConfig(max_new_tokens=5), 0, ended=ended):
        pieces.append(piece)
        if piece.row == 0:
            ended.add(0)
    assert [piece.row for piece in pieces] == [0, 1, 1, 1, 1, 1]


def test_logprobs_are_the_models_own_whatever_the_settings():
    settings = GenerateConfig(temperature=0.0, repetition_penalty=3.0, max_new_tokens=1)
    (piece,) = generate(Unigram([0.2, 0.8]), [[0]], settings, 0)
    assert piece == Piece(0, 1, pytest.approx(np.log(0.8)))


def test_the_begin_mark_is_not_seen_and_the_rest_of_the_prompt_is():
    # ln 0.5 twice = ln 0.25 for what was seen: the mark keeps 0.5 against 0.25 and 0.25 for the others, unseen 0.25.
    settings = GenerateConfig(temperature=0.0, repetition_penalty=2.0, max_new_tokens=1)
    model = Unigram([0.4, 0.35, 0.25])
    assert [piece.id for piece in generate(model, [[0, 1]], settings, 0, mark=0)] == [0]
    assert [piece.id for piece in generate(model, [[0, 1]], settings, 0, mark=None)] == [2]


def test_an_empty_prompt_is_refused_before_anything_is_written():
    with pytest.raises(InputError, match=r"prompt 1 is empty.*tokens\.begin_mark = false"):
        generate(HashModel(), [[1], []], GenerateConfig(), 0)


@pytest.mark.parametrize(("seed", "n", "name"), [(-1, 1, "seed"), (0, 0, "n is 0")])
def test_a_seed_or_n_out_of_range_is_refused_at_once(seed, n, name):
    with pytest.raises(ConfigError, match=name):
        generate(HashModel(), [[1]], GenerateConfig(), seed, n)


def test_no_prompts_give_no_pieces():
    assert list(generate(HashModel(), [], GenerateConfig(), 0)) == []
