"""Kind unigram: a text is cut where its pieces are likeliest together. Room: tokens/.

Kudo 2018, arXiv:1804.10959: each token has a probability, learned by expectation and maximisation; a piece of the text
is cut into the tokens with the largest product. Learned by sentencepiece, the authors' own program, over words spelled
as bytes (alphabet), so that no text is without tokens; cut by the tokenizers library.

sentencepiece orders what it finds equally good by its spelling, where the tokenizers library's trainer follows a hash
table that differs from process to process: the same text gives the same tokenizer (docs/decisions/012).
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tokenizers import Tokenizer as Library

from textmill.errors import MissingExtra
from textmill.tokens.alphabet import SYMBOLS, unspelled
from textmill.tokens.encoders import Encoder, LibraryEncoder
from textmill.tokens.kinds import CHARACTERS, SEEN_TWICE
from textmill.tokens.library import Learned, cutter

LONGEST_RUN = 256
"""Characters: a longer run of letters or signs is cut after so many, again and again; no token crosses there."""

# As kinds.QWEN2 cuts, but for runs without end.
BOUNDED_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    rf"|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}{{1,{LONGEST_RUN}}}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]{{1,{LONGEST_RUN}}}[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LONGEST_TOKEN = 32
"""Bytes of a token: eight Chinese characters."""
DIGITS = 4
"""Decimal places of a log probability."""
BLANK = "\u2581"
"""How sentencepiece spells a blank. Words have none: theirs are spelled as bytes."""
BELOW_ALL = 10.0
"""A byte that did not occur is less likely than the least likely token by so many nats."""


class Unigram:
    """The likeliest pieces of words."""

    name = "unigram"
    segmenter = CHARACTERS
    pattern = BOUNDED_QWEN2
    ignore_merges = False
    learns = True
    grows = True
    holds_pieces = True

    def learn(self, texts: Sequence[str], n_tokens: int | None) -> Learned:
        """Likeliest first."""
        words = counted_words(self.pattern, texts)
        scores = scores_of(words, n_tokens)
        least = min(scores.values(), default=0.0) - BELOW_ALL
        longer = sorted((token for token in scores if len(token) > 1), key=lambda token: (-scores[token], token))
        of_bytes = [scores.get(symbol, least) for symbol in SYMBOLS]
        return Learned([unspelled(token) for token in longer], scores=[*of_bytes, *(scores[token] for token in longer)])

    def last_cut(self, text: str) -> int:
        """Where its last piece begins: the ones before it end where they do, whatever follows."""
        pieces = cutter(self.pattern).pre_tokenize_str(text)
        return int(pieces[-1][1][0]) if pieces else 0

    def encoder(self, library: Library, token_bytes: Sequence[bytes]) -> Encoder:
        return LibraryEncoder(library)


def counted_words(pattern: str, texts: Sequence[str]) -> Counter[str]:
    """How often each piece of the pattern occurs, spelled as bytes."""
    cut = cutter(pattern).pre_tokenize_str
    return Counter(piece for text in texts for piece, _ in cut(text))


def scores_of(words: Counter[str], n_tokens: int | None) -> dict[str, float]:
    """Token, spelled as bytes -> log probability: the bytes that occur, and n_tokens longer ones at most."""
    sentencepiece = the_library()
    n_symbols = len({symbol for word in words for symbol in word})
    if not words:
        return {}
    if n_tokens is None:
        n_tokens = sum(1 for n in words.values() if n >= SEEN_TWICE)

    def lines() -> Iterator[str]:
        # What is tried as a token is followed by two different signs, and the end of a line is one: without a second
        # line a frequent word that no other begins with would never be whole. The blank is cut off again.
        for word, n in sorted(words.items()):
            yield f"{word}\t{n - (n >= SEEN_TWICE)}"
            if n >= SEEN_TWICE:
                yield f"{word} \t1"

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines(),
        input_format="tsv",
        model_writer=model,
        model_type="unigram",
        vocab_size=n_symbols + n_tokens + 2,  # and the unknown one, and BLANK
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        split_by_unicode_script=False,
        split_by_number=False,
        split_by_whitespace=True,
        max_sentencepiece_length=LONGEST_TOKEN,
        max_sentence_length=1 << 20,
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    learned = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    scores = {
        learned.id_to_piece(number): round(learned.get_score(number), DIGITS)
        for number in range(1, learned.get_piece_size())
    }
    return {token: score for token, score in scores.items() if token != BLANK}


def the_library() -> Any:
    """sentencepiece. Raises MissingExtra."""
    try:
        import sentencepiece
    except ImportError:
        raise MissingExtra(
            "learning a unigram tokenizer needs sentencepiece, which is not installed",
            hint="pip install 'textmill[unigram]'",
        ) from None
    return sentencepiece
