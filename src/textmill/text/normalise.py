"""When two texts count as the same: digests of a text, exact and normalised. Room: text/. Used by splits.

Normalised: NFKC, case folded, runs of blanks one blank, outer blanks off. A digest stands for the text, so that a plan
over any amount of text needs memory for digests only.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator

PIECE = 1 << 20
"""Characters that are normalised at once: a long text is not held three times over."""


def normalised(text: str) -> str:
    """The text as it is compared.

    >>> normalised("  the Ｋettle　is on") == normalised("The kettle is  on ")
    True
    """
    composed = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(composed.casefold().split())


def _pieces(text: str) -> Iterator[str]:
    """Cut behind line feeds: no character composes with one, so pieces normalise like the whole."""
    start = 0
    while len(text) - start > PIECE:
        end = text.find("\n", start + PIECE) + 1
        if not end:
            break
        yield text[start:end]
        start = end
    yield text[start:]


def digest(text: str) -> bytes:
    """16 bytes that stand for the text as it is."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def normalised_digest(text: str, seed: int = 0) -> bytes:
    """16 bytes that stand for the normalised text; their order depends on the seed."""
    hasher = hashlib.blake2b(b"%d\0" % seed, digest_size=16)
    before = b""
    for piece in _pieces(text):
        part = normalised(piece).encode()
        if part:
            hasher.update(before + part)
            before = b" "
    return hasher.digest()
