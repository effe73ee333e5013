"""A text in parts is the text: the same ids, and the same vocabulary learned from it."""

import random
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.tables import TOKENIZERS
from textmill.tokens import Tokenizer
from textmill.tokens.cuts import LONGEST, SAFE_PLACE, last_safe_place, parts_of
from textmill.tokens.sample import SAMPLE_BYTES, take_sample, within_reach
from textmill.tokens.tokenizer import kind_named

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


def parts_without_bound(text: str, part_chars: int) -> Iterator[str]:
    """As parts were cut when no run was too long: at the last safe place, or else at the next one."""
    start = 0
    while len(text) - start > part_chars:
        stop = last_safe_place(text, start, start + part_chars)
        if stop is None:
            following = SAFE_PLACE.search(text, start + part_chars + 1)
            if following is None:
                break
            stop = following.start()
        yield text[start:stop]
        start = stop
    yield text[start:]


def chinese(n_lines: int, line_chars: int, seed: int = 1) -> str:
    """Lines of Han characters; every third has signs, every fifth is indented, none is longer than line_chars."""
    draw = random.Random(seed)
    lines = []
    for number in range(n_lines):
        run = "".join(draw.choices("今天气很好我们去公园看花的一是不", weights=range(16, 0, -1), k=line_chars - 2))
        if number % 3 == 0:
            run = "，".join(run[start : start + 9] for start in range(0, len(run) - line_chars // 8, 9))
        lines.append(("\u3000" if number % 5 == 0 else "") + run + "\n")
    return "".join(lines)


@pytest.mark.parametrize("kind", ["bpe", "word", "char"])
@pytest.mark.parametrize("as_documents", [True, False])
def test_a_chinese_text_of_any_size_teaches_what_it_taught_before_runs_were_bounded(
    kind: str, as_documents: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines of less than the bound (a million characters, here 2,000), 30 times as much as is taken of a run."""
    text = chinese(40, 1900)
    texts = text.splitlines(keepends=True) if as_documents else [text]
    the_kind = kind_named(kind)
    expected = the_kind.learn(texts, 300)

    monkeypatch.setattr(take_sample, "__defaults__", (SAMPLE_BYTES, 2000))
    monkeypatch.setattr(parts_of, "__defaults__", (2000, None))
    monkeypatch.setattr("textmill.tokens.sample.LONGEST", 2000)
    monkeypatch.setattr(within_reach, "__defaults__", (len(text.encode()) // 30, 2000))
    learned = Tokenizer.train(kind, texts, 557, seed=1)

    tokens = [learned.token_bytes(number) for number in range(256, learned.vocab_size - 1)]
    assert tokens == expected.tokens and len(tokens) > 10
    assert "without a blank" not in learned.note


@pytest.mark.parametrize("seed", range(3))
def test_a_chinese_text_beyond_the_sample_is_sampled_as_before_runs_were_bounded(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = chinese(110, 490, seed)
    monkeypatch.setattr("textmill.tokens.sample.LONGEST", 1000)
    found = take_sample([text, text[:100]], seed, limit=40_000, part_chars=1000)
    before = [part for whole in (text, text[:100]) for part in parts_without_bound(whole, 1000)]
    assert found == take_sample(before, seed, limit=40_000, part_chars=10**9) and not found.is_whole
    assert within_reach(found, limit=1, longest=1000) is found


def test_of_runs_without_any_break_alone_so_much_is_learned_from_as_memory_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("textmill.tokens.sample.LONGEST", 5000)
    monkeypatch.setattr("textmill.tokens.sample.SPREAD_CHARS", 100)
    run = "".join(random.Random(1).choices("今天气好", k=50_000))
    prose = chinese(20, 900)
    sample = take_sample([prose, run, prose], seed=1, part_chars=5000)
    spread = within_reach(sample, limit=30_000, longest=5000)

    assert "".join(sample.pieces) == prose + run + prose
    assert sum(piece in run for piece in spread.pieces) == 100 and (spread.n_unbroken_kept, spread.n_unbroken) == (
        30_000,
        150_000,
    )
    assert "".join(piece for piece in spread.pieces if piece not in run) == prose + prose
    assert spread.n_bytes_kept == sum(len(piece.encode()) for piece in spread.pieces) and spread.is_whole


def test_a_text_without_signs_is_cut_at_its_blanks_before_it_is_cut_in_a_word() -> None:
    text = "\u3000今天天气很好\r\n" * 300
    parts = list(parts_of(text, 50, 100))
    assert "".join(parts) == text and len(parts) > 20
    assert all(part.endswith("好") for part in parts[:-1])


def test_the_note_says_how_much_of_a_run_was_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(within_reach, "__defaults__", (50_000, LONGEST))
    run = "".join(random.Random(1).choices("etaoin", k=50_000)) * 23
    note = Tokenizer.train("bpe", [run], 270, seed=1).note
    assert "Of 1.05 MB without a blank" in note and "seeded sample" not in note
