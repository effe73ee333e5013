"""A seeded sample of a text that may be larger than memory, for learning a vocabulary. Room: tokens/."""

from __future__ import annotations

import heapq
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from textmill.errors import InputError
from textmill.text.long_text import Text
from textmill.tokens.cuts import LONGEST, PART_CHARS, parts_of

SAMPLE_BYTES = 200_000_000
WITHOUT_BLANKS_BYTES = 5_000_000
RUN = re.compile(rb"\S{24,}")
SPREAD_CHARS = 1 << 12
"""Long pieces are cut to so many characters before some are left out."""


@dataclass(frozen=True)
class Sample:
    """Pieces of the texts in their order; bytes (UTF-8) of all texts and of the pieces kept."""

    pieces: list[str]
    n_bytes: int
    n_bytes_kept: int

    @property
    def is_whole(self) -> bool:
        return self.n_bytes == self.n_bytes_kept


def take_sample(texts: Iterable[Text], seed: int, limit: int = SAMPLE_BYTES, part_chars: int = PART_CHARS) -> Sample:
    """At most `limit` bytes, every piece as likely as any other; all of the texts where they are no more than that.

    One pass; memory is bounded by the limit. A pure function of (texts, seed): each piece draws a key, and the pieces
    with the smallest keys stay. Texts longer than part_chars are cut where no ids change, or after LONGEST characters.
    """
    generator = random.Random(seed)
    kept: list[tuple[float, int, int, str]] = []  # a heap by -key: the largest key leaves first
    n_bytes = n_bytes_kept = 0
    for number, piece in enumerate(piece for text in texts for piece in parts_of(text, part_chars, LONGEST)):
        size = n_utf8_bytes(piece)
        n_bytes += size
        n_bytes_kept += size
        heapq.heappush(kept, (-generator.random(), number, size, piece))
        while n_bytes_kept > limit:
            n_bytes_kept -= heapq.heappop(kept)[2]
    return Sample([piece for _, _, _, piece in sorted(kept, key=lambda entry: entry[1])], n_bytes, n_bytes_kept)


def within_reach(sample: Sample, limit: int = WITHOUT_BLANKS_BYTES) -> Sample:
    """The sample, or evenly spread pieces of it, so that learning pairs from it takes bounded memory.

    The library holds every different piece of the text, byte by byte and some hundred bytes for each. Words come again;
    a run without blanks, a Chinese sentence for one, seldom does: of such runs at most about `limit` bytes are taken.
    """
    n_bytes = sum(len(run) for piece in sample.pieces for run in RUN.findall(piece.encode()))
    n_shares = max(1, -(-n_bytes // limit))
    if n_shares == 1:
        return sample
    parts = (part for piece in sample.pieces for part in parts_of(piece, SPREAD_CHARS, SPREAD_CHARS))
    kept = list(islice(parts, 0, None, n_shares))
    return Sample(kept, sample.n_bytes, sum(map(n_utf8_bytes, kept)))


def n_utf8_bytes(text: str) -> int:
    """UTF-8 bytes of a text. Raises InputError for a lone surrogate, which no UTF-8 text can hold."""
    return len(text) if text.isascii() else len(utf8(text))


def utf8(text: str) -> bytes:
    """The text's bytes. Raises InputError for a lone surrogate (half of a UTF-16 pair): it is no Unicode text."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the text holds a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start + 1:,}",
            hint="It is half of a UTF-16 pair and stands for no character: decode the file again, or remove it.",
        ) from error
