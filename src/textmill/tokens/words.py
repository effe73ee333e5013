"""Which tokens of a text belong to one word. Room: tokens/. Used by tasks that hide whole words.

A token goes on with the word before it where that ends, and it begins, inside of a run of letters and digits. A
character of a script without blanks is a word; so is every sign. Bytes of one character are never apart.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from textmill.tokens.tokenizer import Tokenizer

WORD_LETTER = re.compile(r"[^\W_]")
ALONE = re.compile(
    r"[\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff]"
)


class WordTable:
    """Of every id of a tokenizer, whether its text begins and ends inside of a word."""

    def __init__(self, tokenizer: Tokenizer):
        tokens = [tokenizer.token_bytes(number) for number in range(tokenizer.vocab_size)]
        self.goes_on = np.array([bool(token) and 0x80 <= token[0] < 0xC0 for token in tokens])  # of a character
        self.begins_inside = np.array([_is_letter(_first(token)) for token in tokens])
        self.ends_inside = np.array([_is_letter(_last(token)) for token in tokens])

    def firsts(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places (W,) where a word begins, the first of them 0; of ids (T,), one or more."""
        begins = np.ones(len(ids), dtype=bool)
        within = self.begins_inside[ids[1:]] & self.ends_inside[ids[:-1]]
        begins[1:] = ~(within | self.goes_on[ids[1:]])
        return np.flatnonzero(begins)


def _first(token: bytes) -> str:
    return token.decode(errors="ignore")[:1]


def _last(token: bytes) -> str:
    text = token.decode(errors="ignore")
    whole = text.encode() == token
    return text[-1:] if whole else ""


def _is_letter(character: str) -> bool:
    return bool(WORD_LETTER.match(character)) and not ALONE.match(character)
