"""Which tokens belong to one word."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from textmill.tokens import Tokenizer
from textmill.tokens.words import WordTable


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the boats", ["the", " boats"]),
        ("船回家", ["船", "回", "家"]),
        ("go船s", ["go", "船", "s"]),
        ("a, b2.", ["a", ",", " b2", "."]),
        ("café, 東京", ["café", ",", " ", "東", "京"]),
        ("🙂x", ["🙂", "x"]),
    ],
)
@pytest.mark.parametrize("kind", ["bytes", "char"])
def test_words_by_hand(text: str, words: list[str], kind: str) -> None:
    """A blank goes alone here, since no token of these kinds holds it together with a letter."""
    tokenizer = Tokenizer.train(kind, [text * 2], None, 0)
    ids = np.array(tokenizer.encode(text))
    firsts = [*WordTable(tokenizer).firsts(ids), len(ids)]
    found = [tokenizer.decode(ids[a:b].tolist()) for a, b in pairwise(firsts)]
    apart = [piece for word in words for piece in ([" ", word[1:]] if word[:1] == " " and word[1:] else [word])]
    assert found == apart


def test_pieces_of_a_word_go_together() -> None:
    tokenizer = Tokenizer.train("bpe", ["lower lowest newer newest " * 20], 270, 0)
    ids = np.array(tokenizer.encode("lower newest"))
    firsts = [*WordTable(tokenizer).firsts(ids), len(ids)]
    found = [tokenizer.decode(ids[a:b].tolist()) for a, b in pairwise(firsts)]
    assert [word.strip() for word in found if word.strip()] == ["lower", "newest"]
