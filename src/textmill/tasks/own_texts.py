"""Texts of a store as they were given. Room: tasks/. Used where a task or a baseline needs the text itself.

Ids of our own tokenizers give every text back. Those of other people's models need not (lower case, unknown words): a
store that is written with one of them keeps, in the field `text`, the texts that would not come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textmill.tokens import Tokenizer, TokenStore

TEXT = "text"


def field_of_texts(*tokenizers: Tokenizer) -> tuple[str, ...]:
    """The fields that a store needs for texts: none where all come back."""
    return () if all(tokenizer.exact for tokenizer in tokenizers) else (TEXT,)


def kept_texts(texts: Iterable[tuple[str, Sequence[int] | Any, Tokenizer]]) -> dict[str, list[tuple[str, ...]]]:
    """The field of texts, for (text, its ids, their tokenizer) in order: of each the text, if it does not come back."""
    return {TEXT: [() if (by.exact or by.decode(list(ids)) == text) else (text,) for text, ids, by in texts]}


class OwnTexts:
    """The text of each document of a store."""

    def __init__(self, store: TokenStore):
        self._kept = store.field(TEXT) if TEXT in store.names else None

    def kept(self, number: int) -> str | None:
        """The text of document `number`, None where its ids give it back."""
        return next(iter(self._kept[number]), None) if self._kept is not None else None


def text_of(ids: Sequence[int], kept: str | None, tokenizer: Tokenizer) -> str:
    """A text that was kept, or what its ids say."""
    return tokenizer.decode(ids) if kept is None else kept
