"""A form as a constraint on tokens, whatever the tokenizer cuts texts into. Room: generation/. Used where poems are
written in a form; form.py says which characters may come next, this which tokens.

A token is allowed where all its characters are, one after the other: one that would overrun a line is not. A character
that no token stands for is written byte by byte; one that a token stands for never is. So every place that can be
reached leads on to an end, and the engine's draw is the model's own choice among what is left.
Shapes: V vocabulary.
"""

from __future__ import annotations

import codecs
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from textmill.errors import InputError
from textmill.generation.constraints import Allowed
from textmill.generation.form import Options, Place, Verse
from textmill.text.verse import VerseHabits

if TYPE_CHECKING:
    from textmill.tokens import Tokenizer

KEPT_BYTES = 64_000_000
"""Memory of the masks that are kept for places that come again."""
CONTINUATION = range(0x80, 0xC0)


@dataclass
class _Node:
    """Of the tokens by their characters: those that end here, and those that go on with part of a character."""

    ids: list[int] = field(default_factory=list)
    tails: list[tuple[bytes, int]] = field(default_factory=list)
    children: dict[str, _Node] = field(default_factory=dict)


class Spelling:
    """How a tokenizer's tokens spell characters."""

    def __init__(self, tokenizer: Tokenizer):
        """Raises InputError for a tokenizer whose tokens joined are not the text."""
        if not tokenizer.exact:
            raise InputError(
                "the tokens of this model, joined, are not exactly its text: no form can be kept with them",
                where="--form",
                hint="Runs of `textmill train` with tokenizers of Textmill's own can keep one.",
            )
        self.vocab_size, self.stops = tokenizer.vocab_size, list(tokenizer.stops)
        self.bytes_of = tokenizer.token_bytes
        self.root = _Node()
        self.heads: list[tuple[bytes, int]] = []
        """Tokens that begin inside a character."""
        self.longest = 1
        """Characters of a token at most."""
        single = set()
        for token_id in tokenizer.plain_ids.tolist():
            data = tokenizer.token_bytes(token_id)
            if not data:
                continue
            if len(data) == 1:
                single.add(data)
            if data[0] in CONTINUATION:
                self.heads.append((data, token_id))
            elif (parted := parted_by_characters(data)) is not None:
                self._add(*parted, token_id)
        self.owned = frozenset(character for character, node in self.root.children.items() if node.ids)
        """Characters that a token stands for."""
        self.has_bytes = len(single) == 256

    def _add(self, text: str, tail: bytes, token_id: int) -> None:
        node = self.root
        for character in text:
            node = node.children.setdefault(character, _Node())
        if tail:
            node.tails.append((tail, token_id))
        else:
            node.ids.append(token_id)
        self.longest = max(self.longest, len(text) + bool(tail))

    def writes(self, text: str) -> bool:
        """Whether every character of a text can be written, at any place."""
        return self.has_bytes or all(character in self.owned for character in text)

    def n_tokens(self, text: str) -> int:
        """Tokens that its characters take, one by one, at most."""
        return sum(1 if character in self.owned else len(character.encode()) for character in text)

    def writable(self, habits: VerseHabits) -> VerseHabits:
        """The habits without what no tokens can write."""
        if self.has_bytes:
            return habits

        def kept(some: Options) -> Options:
            return frozenset(filter(self.writes, some))

        return replace(
            habits,
            letters=kept(habits.letters),
            joiners=kept(habits.joiners),
            breaks=kept(habits.breaks),
            ends=kept(habits.ends),
            gaps=kept(habits.gaps),
        )

    @lru_cache(maxsize=256)  # noqa: B019  (as long-lived as the spelling)
    def prefixes(self, options: Options) -> frozenset[bytes]:
        """The beginnings of characters that are written byte by byte."""
        if not self.has_bytes:
            return frozenset()
        written = (character.encode() for character in options - self.owned)
        return frozenset(data[:length] for data in written for length in range(1, len(data)))

    @lru_cache(maxsize=256)  # noqa: B019
    def first(self, options: Options) -> tuple[NDArray[np.int64], tuple[tuple[str, _Node], ...]]:
        """Ids of the tokens that are one of these characters, and the nodes of those that tokens go on behind."""
        nodes = [(character, self.root.children[character]) for character in options & self.root.children.keys()]
        ids = np.array([token_id for _, node in nodes for token_id in node.ids], dtype=np.int64)
        return ids, tuple((character, node) for character, node in nodes if node.children or node.tails)


def parted_by_characters(data: bytes) -> tuple[str, bytes] | None:
    """The whole characters of bytes, and the beginning of one behind them; None for what is in no text.

    >>> parted_by_characters("né山".encode()[:-1]), parted_by_characters(bytes([0xFF]))
    (('né', b'\\xe5\\xb1'), None)
    """
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        text = decoder.decode(data)
    except UnicodeDecodeError:
        return None
    return text, decoder.getstate()[0]


class FormConstraint:
    """Texts of a form (constraints.Constraint)."""

    def __init__(self, verse: Verse, spelling: Spelling):
        """verse: of habits that the spelling can write (Spelling.writable)."""
        self.verse, self.spelling = verse, spelling
        self._masks: OrderedDict[tuple[Place, bytes], Allowed] = OrderedDict()
        self._most_masks = max(16, KEPT_BYTES // spelling.vocab_size)

    @property
    def most_tokens(self) -> int:
        """Of a text, the end mark among them, at most."""
        habits, lengths, n_tokens = self.verse.habits, self.verse.form.lengths, self.spelling.n_tokens
        signs = [max(map(n_tokens, some), default=0) for some in (habits.breaks, habits.ends, habits.gaps)]
        letter = max(map(n_tokens, habits.letters))
        unit, n_gaps = letter, 0
        if habits.unit == "words":
            unit, n_gaps = letter * habits.longest_word, sum(lengths) - len(lengths)
        return sum(lengths) * unit + (len(lengths) - 1) * signs[0] + signs[1] + n_gaps * signs[2] + 1

    def begin(self, prompt: int, sample: int) -> Formed:
        """All texts keep the same form, whatever stands before them."""
        return Formed(self)

    def mask(self, place: Place, pending: bytes) -> Allowed:
        """(V,) what may come next at a place, behind the beginning of a character; not to be changed."""
        if not self.verse.depends_on_rhymes(place, self.spelling.longest + 1):
            place = place._replace(classes=(), used=frozenset())  # the mask of many texts
        key = (place, pending)
        if key in self._masks:
            self._masks.move_to_end(key)
            return self._masks[key]
        mask = self._masks[key] = self._mask(place, pending)
        if len(self._masks) > self._most_masks:
            self._masks.popitem(last=False)
        return mask

    def _mask(self, place: Place, pending: bytes) -> Allowed:
        mask = np.zeros(self.spelling.vocab_size, dtype=bool)
        if pending:
            for data, token_id in self.spelling.heads:
                mask[token_id] = self.after(place, pending, data) is not None
            return mask
        options = self.verse.options(place)
        ids, deeper = self.spelling.first(options)
        mask[ids] = True
        for character, node in deeper:
            if (further := self.verse.after(place, character)) is not None:
                self._descend(node, further, mask)
        self._allow_tails(self.spelling.root, options, mask)
        if self.verse.may_end(place):
            mask[self.spelling.stops] = True
        return mask

    def _descend(self, node: _Node, place: Place, mask: Allowed) -> None:
        """Allow the tokens that go through a node, at the place behind its characters."""
        mask[node.ids] = True
        if not node.children and not node.tails:
            return
        options = self.verse.options(place)
        self._allow_tails(node, options, mask)
        for character, child in node.children.items():
            if character in options and (further := self.verse.after(place, character)) is not None:
                self._descend(child, further, mask)

    def _allow_tails(self, node: _Node, options: Options, mask: Allowed) -> None:
        if node.tails:
            prefixes = self.spelling.prefixes(options)
            for tail, token_id in node.tails:
                mask[token_id] = tail in prefixes

    def after(self, place: Place, pending: bytes, data: bytes) -> tuple[Place, bytes] | None:
        """The place behind a token, and the beginning of a character that it ends with; None where it may not come."""
        parted = parted_by_characters(pending + data)
        if parted is None:
            return None
        text, tail = parted
        further: Place | None = place
        for number, character in enumerate(text):
            if pending and not number and character in self.spelling.owned:
                return None
            further = self.verse.after(further, character) if further is not None else None
        if further is None or (tail and tail not in self.spelling.prefixes(self.verse.options(further))):
            return None
        return further, tail


class Formed:
    """A text that is being written in a form (constraints.Obeying)."""

    def __init__(self, constraint: FormConstraint):
        self._constraint = constraint
        self._place, self._pending = constraint.verse.start, b""

    def allowed(self, n_left: int) -> Allowed:
        """(V,) What may come next. n_left is not asked: the caller gives room for most_tokens."""
        return self._constraint.mask(self._place, self._pending).copy()

    def push(self, token_id: int) -> bool:
        """Take an id that was allowed; every one leads on to an end."""
        if token_id not in self._constraint.spelling.stops:
            data = self._constraint.spelling.bytes_of(token_id)
            further = self._constraint.after(self._place, self._pending, data)
            assert further is not None
            self._place, self._pending = further
        return True
