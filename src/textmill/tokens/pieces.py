"""A sample of a text -> as much of it as pairs can be learned from in bounded memory. Room: tokens/.

Called by Tokenizer.train, behind sample. A trainer of pairs holds every different piece of the text (a word, a Chinese
clause between two marks) byte by byte, about a hundred bytes for each; one that comes again costs nothing more. English
repeats its words, so hundreds of MB have few different pieces; nearly every clause of Chinese is a piece of its own.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from textmill.tokens.cuts import parts_of
from textmill.tokens.sample import Sample, n_utf8_bytes

DIFFERENT_BYTES = 6_000_000
"""Of different pieces, as UTF-8. They take about 0.8 GB while pairs are learned."""
PART_CHARS = 1 << 12
"""A text with more of them is drawn from in parts of so many characters."""

PIECE = re.compile(r"(?:[^\w\r\n]|_)?[^\W\d_]+|\d| ?(?:[^\s\w]|_)+[\r\n]*|\s+")
"""A piece of kinds.QWEN2, but for rare numbers and blanks, by Python's own expressions: ten times as fast to count."""

Span = tuple[int, int, int]
"""A part: number of the piece of the sample, start, stop."""


def within_memory(sample: Sample, seed: int, limit: int = DIFFERENT_BYTES, part_chars: int = PART_CHARS) -> Sample:
    """The sample itself where its different pieces have `limit` bytes at most; else parts of it, drawn one by one until
    the next one would bring more than that.

    Every part is as likely as any other, so the shares of frequent and rare pieces stay as they are. A pure function of
    (sample, seed).
    """
    if sample.n_bytes_kept <= limit:
        return sample
    spans = spans_of(sample.pieces, part_chars)
    drawn = draw(sample.pieces, spans, seed, limit)
    if len(drawn) == len(spans):
        return sample
    kept = [sample.pieces[number][start:stop] for number, start, stop in sorted(drawn)]
    return replace(sample, pieces=kept, n_bytes_kept=sum(map(n_utf8_bytes, kept)), different_bytes=limit)


def spans_of(texts: Sequence[str], part_chars: int) -> list[Span]:
    """Parts of part_chars characters at most, which end where a piece does; in a run without any break, anywhere."""
    spans = []
    for number, text in enumerate(texts):
        start = 0
        for part in parts_of(text, part_chars, part_chars):
            spans.append((number, start, start + len(part)))
            start += len(part)
    return spans


def draw(texts: Sequence[str], spans: Sequence[Span], seed: int, limit: int) -> list[Span]:
    """Spans in seeded order, as long as the different pieces in them have `limit` bytes at most; one at least."""
    order = random.Random(seed).sample(spans, len(spans))
    seen: set[str] = set()
    n_bytes = 0
    for n_drawn, (number, start, stop) in enumerate(order):
        new = set(PIECE.findall(texts[number], start, stop)) - seen
        n_bytes += sum(map(n_utf8_bytes, new))
        if n_bytes > limit and n_drawn:
            return order[:n_drawn]
        seen |= new
    return order
