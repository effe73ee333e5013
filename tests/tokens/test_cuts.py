"""A text in parts is the text: the same ids, and the same vocabulary learned from it."""

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.tables import TOKENIZERS
from textmill.tokens import Tokenizer
from textmill.tokens.cuts import LONGEST, last_safe_place, parts_of
from textmill.tokens.sample import take_sample, within_reach

PROSE = "It's 12 o'clock,  the cat sat.\n\n  Don't!! (a.b) x1y2\r\n今天天气很好，我们去3个公园。“好！”他说。\tend\n"
KINDS = list(TOKENIZERS)
PIECES = st.sampled_from(
    [*" \n\r\t\u3000\u00a0\x1c\u0085'’.,!-_，。“a1五é\u0301ไั😀\u200b", "'s", "n't", "  ", "\n\n", " a", "12"]
)
TEXTS = st.one_of(
    st.lists(PIECES, max_size=40).map("".join), st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
)


@cache
def trained(kind: str) -> Tokenizer:
    return Tokenizer.train(kind, [PROSE * 40], 600, seed=1)


@settings(deadline=None, max_examples=400)
@given(text=TEXTS, part_chars=st.integers(1, 9))
@pytest.mark.parametrize("kind", KINDS)
def test_the_ids_of_the_parts_joined_are_the_ids_of_the_text(kind: str, text: str, part_chars: int) -> None:
    parts = list(trained(kind).encode_parts(text, part_chars))

    assert [i for part in parts for i in part.tolist()] == trained(kind).encode_slowly([text])[0].tolist()


@settings(deadline=None, max_examples=200)
@given(text=TEXTS, part_chars=st.integers(1, 9))
def test_parts_lose_nothing_and_none_is_longer_than_it_must_be(text: str, part_chars: int) -> None:
    parts = list(parts_of(text, part_chars))

    assert "".join(parts) == text
    start = 0
    for part in parts[:-1]:
        assert len(part) <= part_chars or last_safe_place(text, start, start + part_chars) is None
        start += len(part)


def test_ordinary_text_of_any_script_is_cut_near_the_length_asked_for() -> None:
    for text in ("the cat sat " * 9000, "今天天气很好，我们去公园。" * 9000, "x1/+Qf9" * 9000, "字\n" * 9000):
        sizes = [len(part) for part in parts_of(text, 5000)]
        assert max(sizes) <= 5000
        assert min(sizes[:-1]) > 4900


@pytest.mark.parametrize("kind", KINDS)
def test_the_vocabulary_learned_from_parts_is_the_one_learned_from_the_whole(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = random.Random(1)
    words = ["cat", "don't", "12", "今天", "，", "\n", "  ", "x.y", "naïve", "!!"]
    text = " ".join(generator.choices(words, k=20_000)) + "".join(generator.choices(words[3:5], k=5000))
    whole = Tokenizer.train(kind, [text], 500, seed=1)
    monkeypatch.setattr(
        "textmill.tokens.tokenizer.take_sample", lambda texts, seed: take_sample(texts, seed, part_chars=300)
    )

    in_parts = Tokenizer.train(kind, [text], 500, seed=1)

    assert len(take_sample([text], 1, part_chars=300).pieces) > 100
    assert in_parts._library.to_str() == whole._library.to_str()


@pytest.mark.ci
def test_a_line_of_5_mb_without_blanks_is_learned_from_in_pieces_and_encoded_as_a_whole() -> None:
    generator = random.Random(1)
    letters = "".join(generator.choices("etaoin", k=500_000))
    line = letters * 10
    tokenizer = Tokenizer.train("bpe", [line], 300, seed=1)

    pieces = take_sample([line], seed=1).pieces
    assert "".join(pieces) == line and max(map(len, pieces)) == LONGEST
    ids = tokenizer.encode(line)
    assert tokenizer.decode(ids) == line
    assert ids[:50_000] == tokenizer.encode_slowly([letters])[0].tolist()[:50_000]


@pytest.mark.parametrize("unit", ["a", "ab", "今", "-", "etaoin"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_piece_of_any_length_is_learned_from_in_little_time(kind: str, unit: str) -> None:
    # Uncut, the library needs hours for this: the test's own limit of time is the guard.
    tokenizer = Tokenizer.train(kind, [unit * (200_000 // len(unit))], 400, seed=1)
    text = unit * (300_000 // len(unit))
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_pairs_are_learned_from_so_much_text_without_blanks_as_memory_allows() -> None:
    words, sentences = ["the cat sat "] * 1000, ["今天天气很好我们去公园看花"] * 1000
    for texts in (words, [*words, *sentences[:10]]):
        sample = take_sample(texts, seed=1)
        assert within_reach(sample, limit=1000) is sample
    spread = within_reach(take_sample([*words, *sentences], seed=1), limit=3900)
    assert spread.pieces == [*words[:100], *sentences[:100]]
    assert (spread.n_bytes, spread.n_bytes_kept) == (12_000 + 39_000, 1200 + 3900)
    assert not spread.is_whole


def test_one_text_without_blanks_is_spread_over_too() -> None:
    text = "".join(random.Random(1).choices("今天气好", k=100_000))
    spread = within_reach(take_sample([text], seed=1), limit=30_000)
    assert 20_000 <= spread.n_bytes_kept <= 42_000 and len(spread.pieces) > 1
    assert all(piece in text for piece in spread.pieces)
