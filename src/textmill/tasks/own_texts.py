"""Texts of a store as they were given. Room: tasks/. Used where a task or a baseline needs the text itself.

Ids of our own tokenizers give every text back. Those of other people's models need not (lower case, unknown words): a
store that is written with one of them keeps, in the field `text`, the texts that would not come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from textmill.messages import Message, message
from textmill.text import Document
from textmill.tokens import Tokenizer, TokenStore

TEXT = "text"


class Losses:
    """What the ids of texts do not say, counted while documents pass by: texts that do not come back from their ids,
    and tokens that are unknown."""

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        self.n_texts = self.n_changed = self.n_tokens = self.n_unknown = 0

    def counted(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents, as they are."""
        sides = self.tokenizer.of_source, self.tokenizer
        if all(side.exact for side in sides):
            yield from documents
            return
        for document in documents:
            own = document.texts
            for text, by in zip(own, sides if len(own) == 2 else (self.tokenizer,) * len(own), strict=True):
                text = text[0 : len(text)]
                ids = by.encode(text)
                self.n_texts += 1
                self.n_changed += by.decode(ids) != text
                self.n_tokens += len(ids)
                self.n_unknown += 0 if by.unknown is None else ids.count(by.unknown)
            yield document

    @property
    def notes(self) -> list[Message]:
        """A sentence each of what was lost."""
        told = []
        if self.n_changed:
            told.append(
                message(
                    "The tokenizer changes %(share)s %% of the texts (%(n)s of %(all)s): ids do not give them back to "
                    "the letter.",
                    share=f"{100 * self.n_changed / self.n_texts:.1f}",
                    n=f"{self.n_changed:,}",
                    all=f"{self.n_texts:,}",
                )
            )
        if self.n_unknown:
            told.append(
                message(
                    "%(share)s %% of the tokens (%(n)s of %(all)s) are unknown to the tokenizer: the model cannot tell "
                    "them apart.",
                    share=f"{100 * self.n_unknown / self.n_tokens:.1f}",
                    n=f"{self.n_unknown:,}",
                    all=f"{self.n_tokens:,}",
                )
            )
        return told


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
