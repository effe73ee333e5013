"""Pairs are learned from as much of a text as memory holds, and a text below the bound teaches what it always did."""

import random

import pytest

from textmill.tokens import Tokenizer
from textmill.tokens.kinds import QWEN2
from textmill.tokens.library import cutter
from textmill.tokens.pieces import PIECE, draw, spans_of, within_memory
from textmill.tokens.sample import Sample, n_utf8_bytes, take_sample, within_reach

SCRIPTS = {
    "English": "It's 12 o'clock,  the cat sat.\n\n  Don't!! (a.b) x1y2\r\nsnake_case __init__ -- #hash\n",
    "Chinese": "“好！”他说。今天天气很好，我们去3个公园；\n\u3000\u3000却说宝玉听了，忙问道：「是谁？」\n",
    "others": "नमस्ते दुनिया, สวัสดีชาวโลก! Привет, мир. こんにちは、世界。café Straße\n",
}


def clauses(n_clauses: int, seed: int = 1) -> str:
    """Clauses of Han characters, nearly all different, eight to a line."""
    generator = random.Random(seed)
    han = [chr(number) for number in range(0x4E00, 0x4E00 + 400)]
    weights = [1 / (5 + rank) for rank in range(len(han))]
    lines = ("，".join("".join(generator.choices(han, weights, k=9)) for _ in range(8)) for _ in range(n_clauses // 8))
    return "。\n".join(lines)


def sample_of(text: str) -> Sample:
    return within_reach(take_sample([text], seed=1, part_chars=3000))


def pieces_of_the_rule(texts: list[str]) -> set[str]:
    """Different pieces as the library's trainer holds them, by its own rule."""
    cut = cutter(QWEN2)
    return {text[start:stop] for text in texts for _, (start, stop) in cut.pre_tokenize_str(text)}


def different_bytes(texts: list[str]) -> int:
    return sum(map(n_utf8_bytes, pieces_of_the_rule(texts)))


@pytest.mark.parametrize("script", SCRIPTS)
def test_pieces_are_counted_as_the_rule_of_bpe_cuts_them(script: str) -> None:
    text = SCRIPTS[script]

    assert "".join(PIECE.findall(text)) == text
    assert sum(map(n_utf8_bytes, set(PIECE.findall(text)))) == pytest.approx(different_bytes([text]), rel=0.15)


@pytest.mark.parametrize("limit", [20_000, 60_000])
def test_the_pieces_learned_from_keep_the_bound_and_come_near_it(limit: int) -> None:
    sample = sample_of(clauses(8000))
    assert different_bytes(sample.pieces) > 3 * limit

    bounded = within_memory(sample, seed=1, limit=limit, part_chars=200)

    assert 0.9 * limit < different_bytes(bounded.pieces) <= 1.01 * limit
    assert bounded.n_bytes_kept == sum(map(n_utf8_bytes, bounded.pieces)) and bounded.n_bytes == sample.n_bytes
    assert bounded.different_bytes == limit and not bounded.is_whole


def test_a_text_that_repeats_its_pieces_is_learned_from_whole_however_long_it_is() -> None:
    generator = random.Random(1)
    words = ["".join(generator.choices("etaoinshrdlu", k=6)) for _ in range(500)]
    sample = sample_of(" ".join(generator.choices(words, k=50_000)))

    assert sample.n_bytes > 10 * 20_000
    assert within_memory(sample, seed=1, limit=20_000, part_chars=200) is sample


def test_the_parts_that_are_kept_come_from_all_over_the_text_in_its_order() -> None:
    text = clauses(8000)
    bounded = within_memory(sample_of(text), seed=1, limit=60_000, part_chars=200)

    starts = [text.index(piece) for piece in bounded.pieces]
    assert starts == sorted(starts)
    quarters = [4 * start // len(text) for start in starts]
    assert min(quarters.count(quarter) for quarter in range(4)) > 0.15 * len(quarters)


def test_the_same_seed_keeps_the_same_parts_and_another_one_others() -> None:
    sample = sample_of(clauses(4000))
    kept = [within_memory(sample, seed, limit=20_000, part_chars=200).pieces for seed in (1, 1, 2)]
    assert kept[0] == kept[1] != kept[2]


def test_a_run_without_any_break_is_drawn_from_in_parts() -> None:
    run = "".join(random.Random(1).choices("今天气好", k=50_000))
    bounded = within_memory(Sample([run], 150_000, 150_000), seed=1, limit=30_000, part_chars=100)
    assert 29_000 < bounded.n_bytes_kept <= 30_000 and max(map(len, bounded.pieces)) == 100


def test_one_part_is_kept_where_it_alone_is_beyond_the_bound() -> None:
    assert draw(["abcdef"], spans_of(["abcdef"], 3), seed=1, limit=1) != []


def test_the_spans_of_a_text_are_all_of_it() -> None:
    texts = [clauses(400), "", "a" * 1000]
    spans = spans_of(texts, 150)
    for number, text in enumerate(texts):
        assert "".join(text[start:stop] for which, start, stop in spans if which == number) == text


def bounded_to(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(within_memory, "__defaults__", (limit, 200))


def test_a_text_below_the_bound_gives_the_very_same_vocabulary_as_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = clauses(2000)
    monkeypatch.setattr("textmill.tokens.tokenizer.within_memory", lambda sample, seed: sample)
    before = Tokenizer.train("bpe", [text], 600, seed=1)
    monkeypatch.undo()
    bounded_to(different_bytes([text]) * 102 // 100, monkeypatch)

    after = Tokenizer.train("bpe", [text], 600, seed=1)

    assert len(text.encode()) > different_bytes([text])  # or it would not even be counted
    assert after._library.to_str() == before._library.to_str() and after.note == before.note == ""


def test_above_the_bound_the_note_says_so_every_text_comes_back_and_few_tokens_more_are_spent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, held_out = clauses(8000), clauses(400, seed=2)
    whole = Tokenizer.train("bpe", [text], 500, seed=1)
    bounded_to(different_bytes([text]) // 2, monkeypatch)

    tokenizer = Tokenizer.train("bpe", [text], 500, seed=1)

    assert "seeded sample of" in tokenizer.note and "different words and clauses" in tokenizer.note
    assert tokenizer.decode(tokenizer.encode(held_out)) == held_out
    assert tokenizer.encode(held_out) == tokenizer.encode_slowly([held_out])[0].tolist()
    assert tokenizer.vocab_size == whole.vocab_size == 500
    assert len(tokenizer.encode(held_out)) < 1.01 * len(whole.encode(held_out))
    assert Tokenizer.train("bpe", [text], 500, seed=1)._library.to_str() == tokenizer._library.to_str()
