"""The seam of constraints: the settings act on what is allowed, a text is the same alone and in a batch.

The right text comes from writing it the slow way: the rule applied to the scores before they are given to the sampler.
"""

import numpy as np
import pytest
from fixed_models import Bytes, HashModel, Unigram
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError, InputError
from textmill.generation import Piece, distribution, generate, write
from textmill.generation.sampling import draw, uniform_at

MARK = 0
V = 11


class Rising:
    """After an even id only ids that are odd, after an odd one only even ones; the mark after three or more."""

    def __init__(self, vocab_size=V, mark=MARK):
        self.vocab_size, self.mark = vocab_size, mark
        self.begun = []

    def begin(self, prompt, sample):
        self.begun.append((prompt, sample))
        return RisingText(self.vocab_size, self.mark)


class RisingText:
    def __init__(self, vocab_size, mark):
        self.vocab_size, self.mark, self.ids = vocab_size, mark, []

    def allowed(self, n_left):
        parity = 1 if not self.ids else 1 - self.ids[-1] % 2
        mask = np.arange(self.vocab_size) % 2 == parity
        mask[self.mark] = len(self.ids) >= 3
        return mask

    def push(self, token_id):
        assert self.allowed(1)[token_id]
        self.ids.append(token_id)
        return True


class Never(RisingText):
    """Every id is allowed, but those of `refused` are refused when they come."""

    def __init__(self, vocab_size, refused):
        super().__init__(vocab_size, None)
        self.refused, self.n_refused, self.found = refused, 0, set()

    def begin(self, prompt, sample):
        return self

    def allowed(self, n_left):
        return ~np.isin(np.arange(self.vocab_size), list(self.found))

    def push(self, token_id):
        assert token_id not in self.found
        if token_id in self.refused:
            self.n_refused += 1
            self.found.add(token_id)
            return False
        self.found.clear()
        return True


def slowly(model, prompt, settings, seed, sample):
    rule, context, new = RisingText(V, MARK), list(prompt), []
    for position in range(settings.max_new_tokens):
        scores = np.where(rule.allowed(0), model.after(context), -np.inf)
        probabilities = distribution(scores, settings, {*prompt, *new} - {MARK}, new)
        new.append(draw(probabilities, uniform_at(seed, sample, position)))
        if new[-1] == MARK:
            break
        rule.push(new[-1])
        context.append(new[-1])
    return new


settings_of = st.builds(
    GenerateConfig,
    temperature=st.sampled_from([0.0, 1.0]),
    top_k=st.sampled_from([0, 2]),
    top_p=st.sampled_from([1.0, 0.6]),
    min_p=st.sampled_from([0.0, 0.3]),
    repetition_penalty=st.sampled_from([1.0, 0.2, 3.0]),
    frequency_penalty=st.sampled_from([0.0, -5.0, 5.0]),
    max_new_tokens=st.just(12),
)


@hypothesis_settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, V - 1), min_size=1, max_size=5), min_size=1, max_size=3),
    st.integers(1, 3),
    settings_of,
    st.integers(0, 2**64 - 1),
)
def test_each_text_of_a_batch_obeys_and_is_the_text_written_alone(prompts, n, settings, seed):
    model, constraint = HashModel(), Rising()
    rows = {}
    for piece in generate(model, prompts, settings, seed, n, MARK, constraint=constraint):
        rows.setdefault(piece.row, []).append(piece.id)

    assert constraint.begun == [(number, sample) for number in range(len(prompts)) for sample in range(n)]
    for row, ids in rows.items():
        assert ids == slowly(model, prompts[row // n], settings, seed, row % n)
        text = [token_id for token_id in ids if token_id != MARK]
        assert [token_id % 2 for token_id in text] == [1 - place % 2 for place in range(len(text))]


def test_a_logprob_is_the_models_own_also_under_a_constraint():
    only_2 = Never(3, ())
    only_2.allowed = lambda n_left: np.array([False, False, True])
    (piece,) = generate(
        Unigram([0.2, 0.7, 0.1]), [[0]], GenerateConfig(temperature=0, max_new_tokens=1), 0, constraint=only_2
    )
    assert piece == Piece(0, 2, pytest.approx(np.log(0.1)))


def test_what_is_refused_when_it_comes_is_drawn_again_among_the_rest():
    rule = Never(3, {0, 1})
    settings = GenerateConfig(temperature=1.0, top_p=1.0, max_new_tokens=30)
    pieces = list(generate(Unigram([0.45, 0.45, 0.1]), [[0]], settings, 0, constraint=rule))
    assert [piece.id for piece in pieces] == [2] * 30
    assert 30 < rule.n_refused <= 60  # each of the two at most once a token


def test_a_second_draw_does_not_depend_on_the_first():
    # Given that 0 was drawn and refused, 1 and 2 are equally likely: the same number twice would always give 1.
    rule = Never(3, {0})
    settings = GenerateConfig(temperature=1.0, top_p=1.0, max_new_tokens=400)
    ids = [piece.id for piece in generate(Unigram([0.5, 0.25, 0.25]), [[1]], settings, 0, constraint=rule)]
    assert abs(ids.count(1) - 200) < 5 * np.sqrt(100)  # five standard deviations of a fair coin


def test_the_constraint_is_told_how_many_tokens_are_left():
    told = []
    rule = Never(3, ())
    rule.allowed = lambda n_left: told.append(n_left) or np.ones(3, dtype=bool)
    list(generate(Unigram([0.5, 0.25, 0.25]), [[1]], GenerateConfig(max_new_tokens=4), 0, constraint=rule))
    assert told == [4, 3, 2, 1]


def test_a_model_that_can_write_nothing_of_what_is_allowed_says_so():
    rule = Never(3, ())
    rule.allowed = lambda n_left: np.array([True, False, False])
    with (
        np.errstate(divide="ignore"),
        pytest.raises(InputError, match="probability 0 to every token that the constraint allows"),
    ):
        list(generate(Unigram([0.0, 0.5, 0.5]), [[1]], GenerateConfig(max_new_tokens=1), 0, constraint=rule))


def test_text_under_a_constraint_ends_by_it_and_the_reason_is_stop():
    model = HashModel(vocab_size=Bytes.vocab_size)
    settings = GenerateConfig(temperature=1.0, max_new_tokens=2000)
    results = write(model, Bytes(), ["a", "bc"], settings, 0, n=2, constraint=Rising(257, 256)).finish()
    assert [result.finish_reason for result in results] == ["stop"] * 4
    assert all(result.n_tokens >= 4 for result in results)


def test_stop_texts_are_refused_beside_a_constraint():
    settings = GenerateConfig(stop=("END",))
    with pytest.raises(ConfigError, match="'END' could cut a text"):
        write(HashModel(vocab_size=Bytes.vocab_size), Bytes(), ["a"], settings, 0, constraint=Rising(257, 256))
