"""When tiktoken may not be trusted with a text, the tokenizers library encodes it: the ids are the same."""

import numpy as np
import pytest

from textmill.tokens import Tokenizer, encoders
from textmill.tokens.encoders import BpeEncoder

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
    for n in (encoders.BpeEncoder.LONGEST_RUN // len(unit) - 1, 300_000):
        text = "x" + unit * n + "y"
        assert tokenizer.encode(text) == tokenizer.encode_slowly([text])[0].tolist()


def test_texts_that_the_two_cut_otherwise_go_to_the_library(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = encoders.pieces_by_library
    monkeypatch.setattr(
        encoders, "pieces_by_library", lambda cutter, text: [text.encode()] if "é" in text else cut(cutter, text)
    )
    asked: list[str] = []
    by_library = encoders.encode_by_library
    monkeypatch.setattr(
        encoders, "encode_by_library", lambda library, texts: asked.extend(texts) or by_library(library, texts)
    )
    encoder = encoder_of(tokenizer)

    texts = ["the cat", "café", "今天", "é"]
    ids = encoder(texts)

    assert [encoder.cuts_alike(text) for text in texts] == [True, False, True, False]
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

        def encode_ordinary_batch(self, texts: list[str], num_threads: int) -> list[list[int]]:
            raise PanicException

    encoder = encoder_of(tokenizer)
    monkeypatch.setattr(encoder, "_tiktoken", Panics())
    encoder._probed[:], encoder._same[:] = True, True

    for texts in (["the cat"], ["the cat", "今天"]):
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
