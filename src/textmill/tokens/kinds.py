"""The kinds of tokenizer: what each learns from a text, and how it cuts one. Room: tokens/.

Every kind is a byte-level model of the tokenizers library, so that one file format, one set of doors and any reader of
tokenizer.json serve them all. Ids: 0 to 255 are the bytes themselves, then what was learned, the mark last.
No text is without ids, and none is changed: there is no unknown token and no normalisation.

    kind    beyond the bytes                       rule that cuts the text first
    bytes   nothing                                none
    char    characters                             each character alone
    word    words, with the blank before them      WORD (with jieba: segmented.JiebaWord)
    bpe     pairs merged by frequency              QWEN2
    unigram likeliest pieces (unigram.Unigram)     QWEN2, runs bounded

char and word have no merges: what is known is one token (`ignore_merges`), anything else stays bytes. A character or
word that occurs once is left to its bytes: so the byte ids are learned too, and what training never saw gets a sane
probability (as many occur for the first time as occur once: Good 1953).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from tokenizers import Tokenizer as Library
from tokenizers import models, trainers

from textmill.tokens.alphabet import SYMBOLS, unspelled
from textmill.tokens.encoders import BpeEncoder, BytesEncoder, CharEncoder, Encoder, LibraryEncoder, code_points_of
from textmill.tokens.library import Learned, cutter, learner

CHAR = r"[\s\S]"

CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
WORD = (
    rf"[{CJK}]"  # scripts without blanks: a character alone
    rf"| ?[[\p{{L}}\p{{M}}]&&[^{CJK}]]+(?:['’][[\p{{L}}\p{{M}}]&&[^{CJK}]]+)*"  # a word, "don't" whole
    r"| ?\p{N}| ?[^\s\p{L}\p{M}\p{N}]"  # a digit, a sign
    r"|\s*[\r\n]+|\s+(?!\S)|\s+|[\s\S]"
)

# Of Qwen2 and its successors (transformers `models/qwen2/tokenization_qwen2.py`), registered in llama.cpp as "qwen2":
# it cuts digits one by one, which suits small vocabularies, and never joins letters, digits and signs.
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

SEEN_TWICE = 2
LONGEST_WORD = 1 << 16
"""Bytes of a word that may be a token. A run of letters without end is no word, though its parts may be equal."""
CHARACTERS = "characters"


class Kind(Protocol):
    """What a tokenizer is made of. Stands in tables.TOKENIZERS."""

    name: str
    segmenter: str
    """What cuts Chinese into words, in kind word: a name of tables.SEGMENTERS."""
    pattern: str | None
    """Regular expression (Oniguruma) of the pieces that are cut first; no token crosses a piece. None: one piece."""
    ignore_merges: bool
    """A piece that is a token is taken whole."""
    learns: bool
    """Its tokens come from a text."""
    grows: bool
    """How many ids it needs follows from the amount of text."""
    holds_pieces: bool
    """Learning holds every different piece of the text, byte by byte."""

    def learn(self, texts: Sequence[str], n_tokens: int | None) -> Learned:
        """At most n_tokens tokens beyond the bytes; None: as many as the texts support. Deterministic."""
        ...

    def last_cut(self, text: str) -> int:
        """The last place where a part may end, whatever follows, if the text begins with a piece; 0: none is known.
        Asked for where there is no safe place that suits every kind (cuts)."""
        ...

    def encoder(self, library: Library, token_bytes: Sequence[bytes]) -> Encoder:
        """A fast way from texts to ids. token_bytes: the bytes of every id, b"" for the mark, which is the last."""
        ...


class Bytes:
    """A byte is its own id; nothing is learned."""

    name = "bytes"
    segmenter = CHARACTERS
    pattern = None
    ignore_merges = True
    learns = False
    grows = False
    holds_pieces = False

    def learn(self, texts: Sequence[str], n_tokens: int | None) -> Learned:
        return Learned()

    def last_cut(self, text: str) -> int:
        return len(text)

    def encoder(self, library: Library, token_bytes: Sequence[bytes]) -> Encoder:
        return BytesEncoder()


class Char:
    """A character is a token, if it occurred twice; most frequent first. ASCII characters are bytes already."""

    name = "char"
    segmenter = CHARACTERS
    pattern = CHAR
    ignore_merges = True
    learns = True
    grows = False
    holds_pieces = False

    def learn(self, texts: Sequence[str], n_tokens: int | None) -> Learned:
        counts = np.zeros(0x110000, dtype=np.int64)
        for text in texts:
            if not text.isascii():
                seen, times = np.unique(code_points_of(text), return_counts=True)
                counts[seen] += times
        counts[:128] = 0
        by_frequency = np.argsort(-counts, kind="stable")[: int((counts >= SEEN_TWICE).sum())]
        return Learned([chr(code_point).encode() for code_point in by_frequency[:n_tokens].tolist()])

    def last_cut(self, text: str) -> int:
        return len(text)

    def encoder(self, library: Library, token_bytes: Sequence[bytes]) -> Encoder:
        return CharEncoder(token_bytes)


class Word:
    """A word with the blank before it is a token, if it occurred twice; most frequent first. Chinese: a character."""

    name = "word"
    segmenter = CHARACTERS
    pattern = WORD
    ignore_merges = True
    learns = True
    grows = True
    holds_pieces = False

    def learn(self, texts: Sequence[str], n_tokens: int | None) -> Learned:
        counter = Library(models.WordLevel(unk_token=None))
        counter.pre_tokenizer = cutter(self.pattern)
        n_words = (1 << 31) if n_tokens is None else n_tokens + 256  # a byte alone may be among the words
        trainer = trainers.WordLevelTrainer(
            vocab_size=n_words, min_frequency=SEEN_TWICE, special_tokens=[], show_progress=False
        )
        counter.train_from_iterator(texts, trainer)
        by_id = sorted(counter.get_vocab().items(), key=lambda entry: entry[1])
        return Learned([unspelled(word) for word, _ in by_id if 1 < len(word) <= LONGEST_WORD][:n_tokens])

    def last_cut(self, text: str) -> int:
        return 0

    def encoder(self, library: Library, token_bytes: Sequence[bytes]) -> Encoder:
        return LibraryEncoder(library)


class Bpe:
    """The most frequent pair of neighbours becomes a token, again and again. Sennrich et al. 2016, arXiv:1508.07909."""

    name = "bpe"
    segmenter = CHARACTERS
    pattern = QWEN2
    ignore_merges = False
    learns = True
    grows = True
    holds_pieces = True

    def learn(self, texts: Sequence[str], n_tokens: int | None) -> Learned:
        library = learner(self.pattern)
        trainer = trainers.BpeTrainer(
            vocab_size=(1 << 31) if n_tokens is None else 256 + n_tokens,
            min_frequency=SEEN_TWICE,
            special_tokens=[],
            initial_alphabet=list(SYMBOLS),
            show_progress=False,
        )
        library.train_from_iterator(texts, trainer)
        pairs = json.loads(library.to_str())["model"]["merges"]
        merges = [(unspelled(left), unspelled(right)) for left, right in pairs]
        return Learned([left + right for left, right in merges], merges)

    def last_cut(self, text: str) -> int:
        return 0

    def encoder(self, library: Library, token_bytes: Sequence[bytes]) -> Encoder:
        return BpeEncoder(library, token_bytes[:-1], self.pattern)
