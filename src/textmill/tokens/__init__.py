"""Documents -> ids -> batches: tokenizers, memory-mapped stores, rows for training and their order. Room: tokens/."""

from __future__ import annotations

from textmill.tokens.choice import choose_kind
from textmill.tokens.fertility import fertility
from textmill.tokens.packing import IGNORED, PackedRows
from textmill.tokens.sampler import Sampler
from textmill.tokens.store import StoreWriter, TokenStore
from textmill.tokens.stream import StreamDecoder
from textmill.tokens.tokenizer import Tokenizer

__all__ = [
    "IGNORED",
    "PackedRows",
    "Sampler",
    "StoreWriter",
    "StreamDecoder",
    "TokenStore",
    "Tokenizer",
    "choose_kind",
    "fertility",
]
