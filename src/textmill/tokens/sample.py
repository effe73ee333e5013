"""A seeded sample of a text that may be larger than memory, for learning a vocabulary. Room: tokens/."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass

from textmill.errors import InputError
from textmill.text.long_text import Text
from textmill.tokens.cuts import LONGEST, PART_CHARS, is_unbroken, parts_of

SAMPLE_BYTES = 200_000_000
UNBROKEN_BYTES = 5_000_000
SPREAD_CHARS = 1 << 12
"""A run without any break is cut to so many characters before some are left out."""


@dataclass(frozen=True)
class Sample:
    """Pieces of the texts in their order; bytes (UTF-8) of all texts and of the pieces kept. See within_reach."""

    pieces: list[str]
    n_bytes: int
    n_bytes_kept: int
    n_unbroken: int = 0
    """Of the bytes, those in runs without any break of which only n_unbroken_kept are kept; 0: all are."""
    n_unbroken_kept: int = 0
    different_bytes: int | None = None
    """The most that different pieces may have, where more was left out because of it. See pieces.within_memory."""

    @property
    def is_whole(self) -> bool:
        """No piece was left out by chance."""
        return self.n_bytes - self.n_bytes_kept == self.n_unbroken - self.n_unbroken_kept


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


def within_reach(sample: Sample, limit: int = UNBROKEN_BYTES, longest: int = LONGEST) -> Sample:
    """The sample, but of runs without any break for `longest` characters about `limit` bytes, evenly spread.

    Learning pairs holds every different piece of the text, byte by byte and some hundred bytes for each. Such a run is
    one piece: a book without a sign, a genome, a file in base64. Whatever has lines, blanks or signs is left as it is.
    """
    runs = [is_unbroken(piece, longest) for piece in sample.pieces]
    n_unbroken = sum(n_utf8_bytes(piece) for piece, is_run in zip(sample.pieces, runs, strict=True) if is_run)
    every = -(-n_unbroken // limit)
    if every <= 1:
        return sample
    kept: list[str] = []
    number = n_kept = 0
    for piece, is_run in zip(sample.pieces, runs, strict=True):
        if not is_run:
            kept.append(piece)
            continue
        for start in range(0, len(piece), SPREAD_CHARS):
            if number % every == 0:
                kept.append(piece[start : start + SPREAD_CHARS])
                n_kept += n_utf8_bytes(kept[-1])
            number += 1
    return Sample(kept, sample.n_bytes, sample.n_bytes_kept - n_unbroken + n_kept, n_unbroken, n_kept)


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
