"""What we ask of the tokenizers library: one layout of ids and one format for every kind. Room: tokens/.

Byte-level models: 256 bytes, what was learned, the mark last. Used by kinds, encoders and Tokenizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as Library
from tokenizers.pre_tokenizers import Split

from textmill.tokens.alphabet import spelled, unspelled

MARK = "<|endoftext|>"
N_BYTES = 256

Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Learned:
    """What a kind learned: tokens beyond the bytes in the order of their ids; merges, the one of each token (bpe);
    scores, the log probabilities of the bytes and of the tokens (unigram)."""

    tokens: list[bytes] = field(default_factory=list)
    merges: list[tuple[bytes, bytes]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


def cutter(pattern: str | None) -> pre_tokenizers.PreTokenizer:
    """Cuts a text by the pattern and spells its bytes."""
    bytes_spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    if pattern is None:
        return bytes_spelled
    return pre_tokenizers.Sequence([Split(Regex(pattern), behavior="isolated"), bytes_spelled])


LONGEST_PIECE = 256


def learner(pattern: str) -> Library:
    """A BPE tokenizer to train. Its pieces have LONGEST_PIECE characters at most: the time in which the library learns
    from a piece grows with the square of its length, and no token of use is longer.
    """
    cuts = [Split(Regex(rule), behavior="isolated") for rule in (pattern, rf"[\s\S]{{1,{LONGEST_PIECE}}}")]
    library = Library(models.BPE())
    library.pre_tokenizer = pre_tokenizers.Sequence([*cuts, cutter(None)])
    return library


def assemble(pattern: str | None, ignore_merges: bool, learned: Learned) -> Library:
    """A tokenizer of the library: the bytes, what was learned, the mark last."""
    tokens = [spelled(token) for token in ([bytes([byte]) for byte in range(N_BYTES)] + learned.tokens)]
    if learned.scores:
        library = Library(models.Unigram(list(zip(tokens, learned.scores, strict=True))))
    else:
        library = Library(
            models.BPE(
                vocab={token: number for number, token in enumerate(tokens)},
                merges=[(spelled(left), spelled(right)) for left, right in learned.merges],
                ignore_merges=ignore_merges,
            )
        )
    library.pre_tokenizer = cutter(pattern)
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens([AddedToken(MARK, special=True, normalized=False)])
    keep_control_words_as_text(library)
    return library


def keep_control_words_as_text(library: Library) -> None:
    """`<|endoftext|>` in a text is thirteen letters. tokenizer.json does not store this: it is set after every load."""
    library.encode_special_tokens = True


def pattern_of(layout: dict[str, Any]) -> str | None:
    """The pattern of a parsed tokenizer.json, None where it cuts nothing. Raises KeyError, TypeError or ValueError."""
    cutting = layout["pre_tokenizer"]
    if cutting["type"] == "ByteLevel":
        return None
    split, byte_level = cutting["pretokenizers"]
    if byte_level["type"] != "ByteLevel" or byte_level["use_regex"] or byte_level["add_prefix_space"]:
        raise ValueError("not a plain byte level")
    pattern: str = split["pattern"]["Regex"]
    return pattern


def bytes_of_ids(library: Library, vocab_size: int) -> list[bytes]:
    """The bytes of every id. Raises ValueError unless bytes come first, the mark last, and no id is missing."""
    table: list[bytes | None] = [None] * vocab_size
    for symbols, number in library.get_vocab(with_added_tokens=False).items():
        table[number] = unspelled(symbols)
    if library.token_to_id(MARK) != vocab_size - 1 or table[-1] is not None:
        raise ValueError("the mark is not the last id")
    if table[:N_BYTES] != [bytes([byte]) for byte in range(N_BYTES)]:
        raise ValueError("the bytes are not the first ids")
    known = [token for token in table[:-1] if token is not None]
    if len(known) != vocab_size - 1:
        raise ValueError("an id is missing")
    return [*known, b""]


def encode_by_library(library: Library, texts: Sequence[str]) -> list[Ids]:
    """The reference: tokenizers itself."""
    return [
        np.array(encoding.ids, dtype=np.int32)
        for encoding in library.encode_batch_fast(list(texts), add_special_tokens=False)
    ]
