"""A run of letters without end is encoded in windows: the ids are those of the whole."""

import random
from functools import cache
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import InputError
from textmill.text.long_text import LongTextWriter
from textmill.tokens import Tokenizer, joins
from textmill.tokens.library import Ids

WORDS = ["cat", "the", "there", "aaaa", "今天", "天气", "好", "é", "ñandú", "кот", "가나", "ab"]
LETTERS = st.lists(st.sampled_from(WORDS), min_size=30, max_size=90).map("".join)
AROUND = st.sampled_from(["", " ", "it's 5 o'", "don'", "\n", "a, b", "'", "x1", "=="])


@cache
def trained(kind: str) -> Tokenizer:
    draw = random.Random(2)
    lines = ["".join(draw.choices(WORDS, k=12)) + "\n" for _ in range(400)] + [
        "it's the cat, don't!\n",
        "cat 今天\n",
    ] * 20
    return Tokenizer.train(kind, lines, 420, seed=1)


@pytest.fixture
def small_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joins, "OVERLAP", 1)


@pytest.mark.usefixtures("small_overlap")
@pytest.mark.parametrize("kind", ["bpe", "word"])
def test_the_ids_of_windows_joined_are_the_ids_of_the_text(kind: str) -> None:
    tokenizer = trained(kind)
    n_joined = 0

    @settings(deadline=None, max_examples=60, derandomize=True)
    @given(before=AROUND, run=LETTERS, between=AROUND, other=LETTERS, more=st.integers(0, 9))
    def holds(before: str, run: str, between: str, other: str, more: int) -> None:
        nonlocal n_joined
        text = before + run * 3 + between + other * 3
        longest = max(len(tokenizer.token_bytes(i)) for i in range(tokenizer.vocab_size))
        part_chars = 2 * (max(1, 2 * longest) + joins.DEEP) + more
        parts = list(tokenizer.encode_parts(text, part_chars))
        n_joined += len(parts) > 3
        assert np.concatenate(parts).tolist() == tokenizer.encode_slowly([text])[0].tolist()
        writer = LongTextWriter()
        writer.add(text)
        from_disk = list(tokenizer.encode_parts(writer.end(), part_chars))
        assert [part.tolist() for part in from_disk] == [part.tolist() for part in parts]

    holds()
    assert n_joined > 20


@pytest.mark.parametrize("kind", ["bpe", "word"])
@pytest.mark.parametrize("letters", ["a", "ab", "今", "etaoin", "今天气好"])
def test_a_run_of_letters_longer_than_a_part_is_encoded_part_by_part(kind: str, letters: str) -> None:
    draw = random.Random(3)
    text = "".join(draw.choices(letters, k=60_000))
    tokenizer = trained(kind)
    parts = list(tokenizer.encode_parts(text, 10_000))
    assert len(parts) > 5
    whole = tokenizer._encoder([text])[0]  # held against the library by test_encoders
    assert np.array_equal(np.concatenate(parts), whole)
    assert tokenizer.decode(whole.tolist()) == text


def test_windows_that_do_not_agree_are_an_error_and_no_guess() -> None:
    n_bytes_of = np.ones(300, dtype=np.int64)
    numbers = count()

    def another_each_time(text: str) -> Ids:
        return np.full(len(text), next(numbers), dtype=np.int32)

    with pytest.raises(InputError, match="no two of them agree") as told:
        list(joins.encode_joined("a" * 30_000, another_each_time, n_bytes_of, 10_000))
    assert "--tokens.kind char" in str(told.value.hint)
