"""Tokenizers to compare another with: bytes, char, and bpe of a few sizes. Room: tokens/. Used by `look --tokens`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textmill.tokens.library import N_BYTES, Learned, assemble
from textmill.tokens.tokenizer import Tokenizer, kind_named

BPE_SIZES = (1024, 4096, 16384)


def standard_tokenizers(texts: Sequence[str], seed: int, sizes: Sequence[int] = BPE_SIZES) -> Iterator[Tokenizer]:
    """bytes, char, and bpe with each of the sizes (ids, mark included; rising), all learned from the texts.

    bpe is learned once: the first merges of a large vocabulary are those of a small one. Where the texts support fewer
    ids than a size asks for, that vocabulary is the last.
    """
    yield Tokenizer.train("bytes", [], None, seed)
    yield Tokenizer.train("char", texts, None, seed)
    kind = kind_named("bpe")
    learned = kind.learn(texts, sizes[-1] - N_BYTES - 1)
    for size in sizes:
        n_tokens = size - N_BYTES - 1
        part = Learned(learned.tokens[:n_tokens], learned.merges[:n_tokens])
        yield Tokenizer(assemble(kind.pattern, kind.ignore_merges, part), kind)
        if len(learned.tokens) <= n_tokens:
            return
