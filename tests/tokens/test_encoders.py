"""When tiktoken may not be trusted with a text, the tokenizers library encodes it: the ids are the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from textmill.tokens import Tokenizer, encoders
from textmill.tokens.agreement import Agreement
from textmill.tokens.encoders import BpeEncoder
from textmill.tokens.kinds import QWEN2

WORDS = "the cat's 12 mats, don't they?\n 今天天气很好 " * 40


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train("bpe", [WORDS], 400, seed=1)


def encoder_of(tokenizer: Tokenizer) -> BpeEncoder:
    encoder = tokenizer._kind.encoder(tokenizer._library, tokenizer._bytes_of)
    assert isinstance(encoder, BpeEncoder)
    return encoder


@pytest.mark.parametrize("unit", [" ", "\t", "\n", "\r\n", "\u3000", " \n", "a", "-", "你", "😀", "'"])
def test_a_very_long_run_gives_the_ids_of_the_library(tokenizer: Tokenizer, unit: str) -> None:
    # A million white spaces exhaust the stack of tiktoken's regular expressions: it aborts the call.
    for n in (encoders.BpeEncoder.LONGEST_RUN // len(unit) - 1, 100_000):
        text = "x" + unit * n + "y"
        assert tokenizer.encode(text) == tokenizer.encode_slowly([text])[0].tolist()


BESIDE = [
    "",
    " ",
    "\n",
    "'",
    "''",
    "'l",
    "(",
    "- ",
    "1",
    "é",
    "\u0301",
    "😀",
    "\U00031350",
    "\ua7ae",
    "今天 ",
    "a'",
    "\t\t",
    "。",
]
"""What may stand beside a run; U+31350 and U+A7AE are letters of Unicode 15 and 9, which older libraries lack."""


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    runs=st.lists(
        st.tuples(st.sampled_from(BESIDE), st.sampled_from("l'd今a"), st.integers(30, 90), st.sampled_from(BESIDE)),
        min_size=1,
        max_size=3,
    )
)
def test_a_text_is_cut_around_long_runs_as_by_the_library(tokenizer: Tokenizer, runs: list[tuple]) -> None:
    class Short(BpeEncoder):
        LONGEST_RUN = 40

    encoder = encoder_of(tokenizer)
    encoder.__class__ = Short
    text = "".join(before + letter * n + after for before, letter, n, after in runs)
    assert [*encoder.pieces(text)] == encoders.pieces_by_library(encoder._cutter, text)


def test_of_a_long_run_the_library_sees_the_beginning_alone(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, seen = encoder_of(tokenizer), list[int]()
    by_library = encoders.pieces_by_library
    monkeypatch.setattr(
        encoders, "pieces_by_library", lambda cutter, text: seen.append(len(text)) or by_library(cutter, text)
    )
    text = "the cat, " + "今天" * encoder.LONGEST_RUN + "。the mat"
    assert encoder([text])[0].tolist() == tokenizer.encode_slowly([text])[0].tolist()
    assert max(seen) < 100


def test_texts_that_the_two_cut_otherwise_go_to_the_library(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class DisagreesOnE(Agreement):
        def ends_by_library(self, text: str) -> NDArray[np.int64]:
            return super().ends_by_library(text)[: -1 if "é" in text else None]

    asked: list[str] = []
    by_library = encoders.encode_by_library
    monkeypatch.setattr(
        encoders, "encode_by_library", lambda library, texts: asked.extend(texts) or by_library(library, texts)
    )
    encoder = encoder_of(tokenizer)
    monkeypatch.setattr(encoder, "_agreement", DisagreesOnE(QWEN2))

    texts = ["the cat", "café", "今天", "é"]
    ids = encoder(texts)

    assert asked == ["café", "é"]
    assert [i.tolist() for i in ids] == [i.tolist() for i in tokenizer.encode_slowly(texts)]


def test_a_text_that_tiktoken_gives_up_on_goes_to_the_library(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PanicException(BaseException):  # pyo3's, by name
        pass

    class Panics:
        def encode_ordinary(self, text: str) -> list[int]:
            raise PanicException

        def encode_to_numpy(self, text: str) -> NDArray[np.uint32]:
            raise PanicException

    encoder = encoder_of(tokenizer)
    monkeypatch.setattr(encoder, "_tiktoken", Panics())
    monkeypatch.setattr(encoder, "_tiktoken_uncut", Panics())

    for texts in (["the cat"], ["the cat", "今天"], ["the cat " + "今天" * encoder.LONGEST_RUN]):
        assert [i.tolist() for i in encoder(texts)] == [i.tolist() for i in tokenizer.encode_slowly(texts)]


def test_equal_on_random_texts_over_the_training_text(tokenizer: Tokenizer) -> None:
    """Neighbours that spell a token are the pair it was learned from: random strings of pieces would show others."""
    generator = np.random.default_rng(0)
    pieces = [tokenizer.token_bytes(i).decode(errors="ignore") for i in range(tokenizer.mark)]
    texts = ["".join(generator.choice(pieces, 30)) for _ in range(3000)]

    assert tokenizer.encode_batch(texts) == [ids.tolist() for ids in tokenizer.encode_slowly(texts)]


@pytest.mark.ci
def test_both_cut_every_code_point_alike_or_the_encoder_knows(tokenizer: Tokenizer) -> None:
    encoder = encoder_of(tokenizer)
    for first in (*range(0, 0x20000, 1 << 11), 0xE0000):  # beyond lie ideographs, private use and nothing
        if not 0xD800 <= first < 0xE000:
            text = "".join(map(chr, range(first, first + (1 << 11))))
            assert encoder([text])[0].tolist() == tokenizer.encode_slowly([text])[0].tolist()


@settings(deadline=None, max_examples=300)
@given(
    piece=st.lists(
        st.sampled_from(["a", "b", "aa", "ab", "cat", "the", "today", "今天", "é"]), min_size=1, max_size=120
    ),
    window=st.integers(12, 60),
)
def test_a_piece_merged_in_windows_has_the_ids_of_the_piece_merged_whole(piece: list[str], window: int) -> None:
    tokenizer = Tokenizer.train("bpe", [WORDS + " ababaab aaaabab today thecat catthe 今天今 " * 50], 400, seed=1)
    text = "".join(piece)
    encoder = encoder_of(tokenizer)
    encoder.WINDOW, encoder.OVERLAP = window, window // 2

    assert encoder.merged(text).tolist() == tokenizer.encode_slowly([text])[0].tolist()


@pytest.mark.parametrize("unit", ["abcd", "今天很", "-=", "a"])
def test_a_long_piece_that_is_joined_from_windows_equals_the_library(tokenizer: Tokenizer, unit: str) -> None:
    generator = np.random.default_rng(1)
    text = "".join(generator.choice(list(unit), 150_000))
    assert tokenizer.encode(text) == tokenizer.encode_slowly([text])[0].tolist()


def test_the_longest_run_is_counted_by_hand() -> None:
    for text, n in (("", 0), ("a", 1), ("ab 今天é x", 3), ("a---  \t\n", 4), ("12.!ab", 4)):
        assert encoders.longest_run(encoders.code_points_of(text)) == n


@pytest.mark.ci
def test_on_10_mb_of_text_in_both_languages_the_ids_are_those_of_the_library() -> None:
    generator = np.random.default_rng(4)
    alphabet = [
        "the",
        " the",
        " cat",
        "'s",
        "ing",
        " 12",
        ", ",
        "。",
        "，",
        "今天",
        "天气",
        "很好",
        "\n",
        "  ",
        "é",
        "😀",
        "!!",
        "x",
    ]
    syllables = ["ka", "to", "re", "mi", "sun", "est", "war", "ol"]
    words = alphabet + [" " + "".join(generator.choice(syllables, n)) for n in generator.integers(1, 5, 3000)]
    documents = ["".join(generator.choice(words, 2000)) for _ in range(750)]
    assert sum(len(document.encode()) for document in documents) >= 10_000_000
    learned = Tokenizer.train("bpe", documents[:100], 4096, seed=1)

    for document in documents:
        assert learned.encode(document) == learned.encode_slowly([document])[0].tolist()


@given(lengths=st.lists(st.integers(0, 40_000), max_size=12), n_groups=st.integers(1, 5))
def test_texts_are_shared_out_in_their_order_without_loss_and_evenly(lengths: list[int], n_groups: int) -> None:
    texts = ["a" * n for n in lengths]

    groups = encoders.shared_out(texts, n_groups)

    assert [text for group in groups for text in group] == texts
    assert 1 <= len(groups) <= n_groups
    fair = sum(lengths) / len(groups)
    assert all(sum(map(len, group)) <= fair + max(lengths, default=0) for group in groups)


def test_many_texts_on_several_threads_give_the_ids_of_each_alone(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [WORDS[n : n + 700] for n in range(300)]
    encoder = encoder_of(tokenizer)
    monkeypatch.setattr(encoders, "n_threads", lambda: 3)

    assert len(encoders.shared_out(texts, 3)) == 3
    assert [ids.tolist() for ids in encoder(texts)] == [ids.tolist() for ids in tokenizer.encode_slowly(texts)]


ENDS = [*" \t\n\r\u3000\u2028\x1c1'.。é", "", " \n", "\n ", "\r\n", "'s", "e\u0301"]


def test_texts_read_in_one_call_have_the_ids_of_each_alone(tokenizer: Tokenizer) -> None:
    """Whatever a text ends in, and whatever the next one begins with."""
    texts = [begin + middle + end for begin in ENDS for middle in ("", "cat", "今天") for end in ENDS]

    ids = encoder_of(tokenizer)(texts)

    assert [i.tolist() for i in ids] == [i.tolist() for i in tokenizer.encode_slowly(texts)]


@settings(deadline=None, max_examples=200)
@given(texts=st.lists(st.text(st.sampled_from("ab1'.\u3000 \t\n\r今é😀\u0301"), max_size=8), max_size=30))
def test_short_texts_read_in_one_call_have_the_ids_of_each_alone(tokenizer: Tokenizer, texts: list[str]) -> None:
    assert tokenizer.encode_batch(texts) == [ids.tolist() for ids in tokenizer.encode_slowly(texts)]
