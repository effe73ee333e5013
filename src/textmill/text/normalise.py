"""When two texts count as the same: digests of a text, exact and normalised. Room: text/. Used by splits.

Normalised: NFKC, case folded, runs of blanks one blank, outer blanks off. A digest stands for the text, so that a plan
over any amount of text needs memory for digests only.
"""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from textmill.text.long_text import PIECE, Text, in_pieces


def normalised(text: str) -> str:
    """The text as it is compared.

    >>> normalised("  the Ｋettle　is on") == normalised("The kettle is  on ")
    True
    """
    return " ".join(_folded(text).split())


def _folded(text: str) -> str:
    composed = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return composed.casefold()


def digest(text: Text) -> bytes:
    """16 bytes that stand for the text as it is."""
    hasher = hashlib.blake2b(digest_size=16)
    for piece in in_pieces(text):
        hasher.update(piece.encode())
    return hasher.digest()


def normalised_digest(text: Text, seed: int = 0) -> bytes:
    """16 bytes that stand for the normalised text; their order depends on the seed."""
    hasher = hashlib.blake2b(b"%d\0" % seed, digest_size=16)
    has_begun = after_blank = False
    for piece in _apart(text):
        folded = _folded(piece)
        words = folded.split()
        if not words:
            after_blank = True
            continue
        if has_begun and (after_blank or folded[0].isspace()):
            hasher.update(b" ")
        hasher.update(" ".join(words).encode())
        has_begun, after_blank = True, folded[-1].isspace()
    return hasher.digest()


def _apart(text: Text) -> Iterator[str]:
    """The text in pieces that NFKC changes as it changes the whole."""
    if len(text) <= PIECE:
        yield text[0 : len(text)]
        return
    held = ""
    for piece in in_pieces(text):
        place = next((n for n in range(len(piece) - 1, -1, -1) if _begins_anew(piece[n])), None)
        if place is None:
            held += piece
            continue
        if done := held + piece[:place]:
            yield done
        held = piece[place:]
    if held:
        yield held


def _begins_anew(character: str) -> bool:
    """Whether normalisation never joins it, nor what it stands for, to what precedes it."""
    if character.isascii() or "\u4e00" <= character <= "\u9fff":
        return True
    first = unicodedata.normalize("NFKD", character)[0]
    return not unicodedata.combining(first) and first not in _second_halves()


@lru_cache(maxsize=1)
def _second_halves() -> frozenset[str]:
    """What is joined to the character before it although it is no mark: vowels and finals of Hangul among others."""
    pairs = (unicodedata.decomposition(chr(code)).split() for code in range(sys.maxunicode + 1))
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and not pair[0].startswith("<")}
    return frozenset(seconds | set(map(chr, range(0x1161, 0x1176))) | set(map(chr, range(0x11A8, 0x11C3))))
