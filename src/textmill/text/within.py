"""Labelled texts -> which of them stand whole within others, as a phrase within its sentence. Room: text/.

Used by splits, by cross-validation of the floor, and where a run chooses what it offers. A phrase is held out together
with the sentence that it was taken from (the Stanford Sentiment Treebank labels both), or what is measured on one was
learnt from the other. Words are read as `near` reads them: without case, width, blanks and punctuation. A text that
stands within several that stand in no other, such as "the film", belongs to none of them: held out with one, it would
still stand in the others.

Memory: 8 bytes a word of all texts, and as much again for the words of those that stand in no other. Time is about
linear: a text is looked for where its rarest word stands, until it is found twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from textmill.text.long_text import Text
from textmill.text.near import PIECE, Numbers, all_folded, tokens
from textmill.text.normalise import normalised_digest

A_WORD = 8  # bytes of a hash
NOWHERE = array("q")


class Within:
    """Finds texts within others among those that come one by one, numbered 0, 1, 2, …

    One of more than PIECE characters is taken for one that stands in no other and holds none.
    """

    def __init__(self) -> None:
        self._texts: list[bytes] = []
        self._waiting: list[str] = []
        self._n_waiting = 0

    def add(self, text: Text) -> None:
        """The next text."""
        self._waiting.append(text if isinstance(text, str) and len(text) <= PIECE else "")
        self._n_waiting += len(self._waiting[-1])
        if self._n_waiting >= PIECE:
            self._read_waiting()

    def groups(self) -> Numbers:
        """(N,) The number of the only text that each stands within, of those that stand in no other; else its own, or
        that of the first text with the same words. A text without a word has its own.

        >>> within = Within()
        >>> for text in ("a fine film", "A fine film, if long.", "film", "the film", "Film!"):
        ...     within.add(text)
        >>> within.groups().tolist()
        [1, 1, 2, 3, 2]
        """
        self._read_waiting()
        group = np.arange(len(self._texts), dtype=np.int64)
        first: dict[bytes, int] = {}
        for number, words in enumerate(self._texts):
            if words:
                group[number] = first.setdefault(words, number)
        alone: dict[bytes, array[int]] = {}  # a word -> the texts with it that stand in no other
        for number in sorted(first.values(), key=lambda number: -len(self._texts[number])):
            found = []
            for other in holding(self._texts[number], alone, self._texts):
                found.append(other)
                if len(found) == 2:
                    break
            if not found:
                note_words(self._texts[number], number, alone)
            elif len(found) == 1:
                group[number] = found[0]
        return group[group]

    def _read_waiting(self) -> None:
        self._texts += words_of(self._waiting)
        self._waiting, self._n_waiting = [], 0


def groups_of_kin(texts: Sequence[str]) -> Numbers:
    """(N,) A number for each text, the same for those that are equal once they are normalised, and for those that stand
    within the same one (Within.groups)."""
    within = Within()
    for text in texts:
        within.add(text)
    _, first, equal = np.unique(groups_of_equal(texts), return_index=True, return_inverse=True)
    kin: Numbers = within.groups()[first][equal]  # only texts without a word could be equal and have two numbers
    return kin


def groups_of_equal(texts: Sequence[str]) -> Numbers:
    """(N,) A number for each text, the same for those that are equal once they are normalised."""
    digests = np.array([normalised_digest(text) for text in texts], dtype="V16")
    return np.unique(digests, return_inverse=True)[1].astype(np.int64)


def standing_in(texts: Sequence[str], others: Sequence[str]) -> NDArray[np.bool_]:
    """(N,) Which texts stand whole within one of the others, or are one of them. A text without a word stands in all.

    >>> standing_in(["film", "art", "!"], ["A fine film.", "The start."]).tolist()
    [True, False, True]
    """
    read = words_of(others)
    holders: dict[bytes, array[int]] = {}
    for number, words in enumerate(read):
        note_words(words, number, holders)
    return np.array([not words or any(True for _ in holding(words, holders, read)) for words in words_of(texts)])


def words_of(texts: Sequence[str]) -> list[bytes]:
    """The hashes of the words of each text in order, A_WORD bytes each."""
    return [tokens(text)[0].tobytes() for text in all_folded(list(texts))]


def note_words(words: bytes, number: int, holders: dict[bytes, array[int]]) -> None:
    """Note of each different word that text `number` has it."""
    for word in different(words):
        holders.setdefault(word, array("q")).append(number)


def different(words: bytes) -> set[bytes]:
    return {words[start : start + A_WORD] for start in range(0, len(words), A_WORD)}


def holding(words: bytes, holders: dict[bytes, array[int]], texts: Sequence[bytes]) -> Iterator[int]:
    """The numbers of the texts among holders that have these words in a row. words: at least one."""
    for number in min((holders.get(word, NOWHERE) for word in different(words)), key=len):
        if stand_in_a_row(words, texts[number]):
            yield number


def stand_in_a_row(words: bytes, others: bytes) -> bool:
    """Whether the hashes of some words stand among those of others, in a row."""
    place = others.find(words)
    while place >= 0 and place % A_WORD:
        place = others.find(words, place + 1)
    return place >= 0
