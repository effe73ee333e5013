"""distribution, draw and uniform_at: laws beside the fixed answers of case 13."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError, InputError
from textmill.generation.sampling import distribution, draw, uniform_at

PLAIN = {"temperature": 1.0, "top_p": 1.0}

logit = st.floats(-50, 50) | st.just(-math.inf)
rows = st.lists(logit, min_size=1, max_size=12).filter(lambda row: max(row) > -math.inf)
settings_of = st.fixed_dictionaries(
    {
        "temperature": st.sampled_from([0.0, 1e-9, 0.3, 1.0, 5.0]),
        "top_k": st.integers(0, 14),
        "top_p": st.floats(0, 1),
        "min_p": st.floats(0, 1),
        "repetition_penalty": st.sampled_from([0.5, 1.0, 1.3]),
        "presence_penalty": st.sampled_from([-1.0, 0.0, 0.5]),
        "frequency_penalty": st.sampled_from([0.0, 0.7]),
    }
)


@given(rows, settings_of, st.data())
def test_any_settings_give_a_distribution_that_forbids_what_was_forbidden(row, knobs, data):
    seen = data.draw(st.lists(st.integers(0, len(row) - 1), max_size=20))
    probabilities = distribution(row, GenerateConfig(**knobs), set(seen), seen)

    assert probabilities.dtype == np.float64
    assert (probabilities >= 0).all()
    assert probabilities.sum() == pytest.approx(1)
    assert not probabilities[np.isneginf(row)].any()
    assert 0 <= draw(probabilities, 0.999999) < len(row)


@given(rows, st.floats(0, 1, exclude_max=True))  # 1 is off: it keeps what rounding loses as well
def test_top_p_keeps_the_smallest_best_first_set_that_reaches_it(row, top_p):
    whole = distribution(row, GenerateConfig(**PLAIN))
    kept = np.flatnonzero(distribution(row, GenerateConfig(temperature=1.0, top_p=top_p)))

    assert whole[kept].sum() >= top_p - 1e-9
    assert kept.size == 1 or whole[kept].sum() - whole[kept].min() < top_p


@given(rows, st.floats(0, 1), st.integers(1, 5))
def test_a_nucleus_found_by_sorting_a_part_is_the_one_found_by_sorting_all(row, top_p, n_sorted):
    settings = GenerateConfig(temperature=1.0, top_p=top_p)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textmill.generation.sampling.SORTED_AT_FIRST", n_sorted)
        in_parts = distribution(row, settings)
    assert in_parts.tolist() == distribution(row, settings).tolist()


@given(rows, st.integers(1, 12))
def test_top_k_keeps_the_best_and_of_equals_the_lowest_ids(row, top_k):
    kept = np.flatnonzero(distribution(row, GenerateConfig(temperature=1.0, top_p=1.0, top_k=top_k)))
    order = sorted(range(len(row)), key=lambda token_id: (-row[token_id], token_id))
    possible = [token_id for token_id in order[:top_k] if math.exp(row[token_id] - max(row)) > 0]
    assert sorted(possible) == kept.tolist()


def test_min_p_is_a_share_of_the_likeliest():
    row = np.log([0.5, 0.3, 0.15, 0.05])  # a quarter of 0.5 is 0.125
    settings = GenerateConfig(temperature=1.0, top_p=1.0, min_p=0.25)
    assert distribution(row, settings) == pytest.approx([0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0.0])


def test_presence_counts_once_and_frequency_each_time():
    row = np.log([0.25, 0.25, 0.25, 0.25])
    settings = GenerateConfig(**PLAIN, presence_penalty=math.log(2), frequency_penalty=math.log(3))
    # id 0 came twice: 1/(2·9); id 1 once: 1/(2·3); the prompt's own ids (3) are not counted.
    weights = np.array([1 / 18, 1 / 6, 1, 1])
    assert distribution(row, settings, {0, 1, 3}, [0, 1, 0]) == pytest.approx(weights / weights.sum())


def test_repetition_comes_before_presence():
    row = [2.0, 0.0]
    settings = GenerateConfig(**PLAIN, repetition_penalty=2.0, presence_penalty=1.0)
    assert distribution(row, settings, {0}, [0]) == pytest.approx([0.5, 0.5])  # 2/2 − 1 = 0


def test_a_sum_that_rounding_left_below_top_p_has_reached_it():
    settings = GenerateConfig(temperature=1.0, top_p=0.9)
    assert np.count_nonzero(distribution(np.log([0.5, 0.4, 0.1]), settings)) == 2


@pytest.mark.parametrize("row", [[math.nan, 0.0], [math.inf, 0.0], [-math.inf, -math.inf]])
def test_logits_without_a_distribution_are_refused(row):
    with pytest.raises(InputError, match="logits"):
        distribution(row, GenerateConfig())


def test_the_callers_logits_are_left_alone():
    row = np.array([1.0, 2.0])
    distribution(row, GenerateConfig(repetition_penalty=2.0), {0, 1}, [0, 1])
    assert row.tolist() == [1.0, 2.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8).filter(any), st.floats(0, 1, exclude_max=True))
def test_a_draw_never_gives_an_id_of_probability_zero(weights, uniform):
    probabilities = np.array(weights) / max(weights)
    assert probabilities[draw(probabilities, uniform)] > 0


@pytest.mark.parametrize(("uniform", "token_id"), [(0.0, 1), (0.4999, 1), (0.5, 3), (1 - 2**-53, 3)])
def test_each_id_has_the_half_open_stretch_of_its_probability(uniform, token_id):
    assert draw(np.array([0.0, 0.5, 0.0, 0.5, 0.0]), uniform) == token_id


def test_draws_follow_the_distribution():
    probabilities = np.array([0.1, 0.0, 0.6, 0.3])
    ids = [draw(probabilities, uniform_at(0, 0, position)) for position in range(4000)]
    shares = np.bincount(ids, minlength=4) / len(ids)
    assert np.abs(shares - probabilities).max() < 0.03  # four standard deviations of a share of 0.6


def test_the_uniform_number_is_the_one_numpys_philox_gives_there():
    generator = np.random.Generator(np.random.Philox(key=[5, 2], counter=[3, 0, 0, 0]))
    assert uniform_at(5, 2, 3) == generator.random()


def test_neighbours_in_seed_sample_and_position_are_unrelated():
    numbers = np.array([[[uniform_at(s, i, p) for p in range(20)] for i in range(20)] for s in range(20)])
    assert len(np.unique(numbers)) == numbers.size
    assert numbers.mean() == pytest.approx(0.5, abs=0.02)
    for axis in range(3):
        one, other = np.delete(numbers, 0, axis).ravel(), np.delete(numbers, -1, axis).ravel()
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.05


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ConfigError, match="seed"):
        uniform_at(seed, 0, 0)
