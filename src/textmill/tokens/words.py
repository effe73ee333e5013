"""Which tokens of a text belong to one word. Room: tokens/. Used by tasks that hide whole words.

A token goes on with the word before it where it begins inside of a run of letters and digits, or of a character. A
character of a script without blanks is a word; so is every sign.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from textmill.tokens.tokenizer import Tokenizer

LETTER = re.compile(r"[^\W_]")
ALONE = re.compile(
    r"[\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff]"
)
LONGEST = 4  # bytes of a character


class WordTable:
    """The bytes of every id of a tokenizer, to find where words begin."""

    def __init__(self, tokenizer: Tokenizer):
        self.bytes_of = [tokenizer.token_bytes(number) for number in range(tokenizer.vocab_size)]

    def firsts(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places (W,) of ids (T,), one or more, where a word begins; 0 is the first."""
        tokens = [self.bytes_of[number] for number in ids.tolist()]
        data, at, found = b"".join(tokens), len(tokens[0]), [0]
        for place, token in enumerate(tokens[1:], start=1):
            if not _is_inside(data, at):
                found.append(place)
            at += len(token)
        return np.array(found)


def _is_inside(data: bytes, at: int) -> bool:
    """Whether the byte `at` goes on with a character or with a word."""
    if at < len(data) and 0x80 <= data[at] < 0xC0:
        return True
    before = max(0, at - 1)
    while before > max(0, at - LONGEST) and 0x80 <= data[before] < 0xC0:
        before -= 1
    one, other = (text.decode(errors="ignore")[:1] for text in (data[before:at], data[at : at + LONGEST]))
    return _is_letter(one) and _is_letter(other)


def _is_letter(character: str) -> bool:
    return bool(LETTER.match(character)) and not ALONE.match(character)
