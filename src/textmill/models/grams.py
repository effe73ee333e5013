"""Texts -> counts of their n-grams of words or of characters, as one sparse matrix. Room: models/.

Used by tfidf.py; knows nothing of weights or classes, loads no torch. A text is normalised first (NFKC, lower case by
case folding, runs of blanks one blank). Words: a run of letters, digits and marks, with the apostrophes inside; a
character of a script without blanks (Chinese, Japanese, Thai, ...), a sign of punctuation and a symbol are a word each.
Characters: every code point, blanks too, with a blank before and behind the text; each Chinese character counts one.

An n-gram is known by a hash of 64 bits: among a million of them, two share one with a chance of 3 in 100 million.
Shapes: N texts, F features, M n-grams of a batch.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from textmill.text.near import ALONE, WITHOUT_BLANKS, WORD, code_points, gram_hashes, run_hashes
from textmill.text.normalise import normalised

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Kind = Literal["words", "characters"]

BATCH_CHARACTERS = 1 << 20  # texts that are counted together; one longer text is counted alone
APOSTROPHES = (0x27, 0x2019)
BETWEEN_TEXTS = ord("\n")  # a normalised text holds none


class Grams(NamedTuple):
    """The n-grams of a batch: their hashes, the numbers of their texts, and where each stands in `joined` (M,)."""

    hashes: Hashes
    rows: Ints
    starts: Ints
    ends: Ints
    joined: str


class Unknown(NamedTuple):
    """Of each text, the n-grams that are no features, and all that it has (N,)."""

    n_unknown: Ints
    n_grams: Ints


def grams_of(texts: Sequence[str], kind: Kind, lengths: tuple[int, int]) -> Grams:
    """All n-grams of lengths[0] … lengths[1] words or characters; none goes from one text into the next.

    >>> found = grams_of(["not good", "不好"], "words", (1, 2))
    >>> [found.joined[start:end] for start, end in zip(found.starts, found.ends)]
    ['not', 'good', '不', '好', 'not good', '不好']
    """
    joined = "\n".join(f" {text} " if text else "" for text in map(normalised, texts))
    codes = code_points(joined)
    between = codes == BETWEEN_TEXTS
    row = np.cumsum(between)
    row[between] = -1
    if kind == "words":
        starts, ends = _words(codes)
        units, row = run_hashes(codes.astype(np.uint64) + np.uint64(1), starts, ends), row[starts]
    else:
        starts = np.arange(len(codes))
        units, ends = codes.astype(np.uint64) + np.uint64(1), starts + 1

    parts = []
    for n in range(lengths[0], lengths[1] + 1):
        hashes = gram_hashes(units, n)
        first, last = row[: len(hashes)], row[n - 1 : n - 1 + len(hashes)]
        whole = np.flatnonzero((first == last) & (first >= 0))
        parts.append((hashes[whole], first[whole], starts[whole], ends[whole + n - 1]))
    hashes, rows, starts, ends = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Grams(hashes, rows, starts, ends, joined)


def _words(codes: npt.NDArray[np.uint32]) -> tuple[Ints, Ints]:
    """Where the words of a text start and end."""
    kinds = _kinds()[codes]
    is_word = kinds == WORD
    inside = np.zeros(len(codes), dtype=bool)
    inside[1:-1] = is_word[:-2] & is_word[2:] & np.isin(codes[1:-1], APOSTROPHES)
    is_word |= inside
    alone = (kinds == ALONE) & ~inside
    joins_last = np.zeros(len(codes) + 1, dtype=bool)
    joins_last[1:-1] = is_word[1:] & is_word[:-1]
    starts = np.flatnonzero((is_word | alone) & ~joins_last[:-1])
    ends = np.flatnonzero((is_word | alone) & ~joins_last[1:]) + 1
    return starts, ends


@lru_cache(maxsize=1)
def _kinds() -> npt.NDArray[np.uint8]:
    """code point -> 0 (separates), WORD or ALONE."""
    kind_of = dict.fromkeys("LMN", WORD) | dict.fromkeys("PS", ALONE)
    table = np.zeros(0x110000, dtype=np.uint8)
    # Above the second plane there are none but Han characters and a few marks.
    table[:0x20000] = [kind_of.get(unicodedata.category(chr(code))[0], 0) for code in range(0x20000)]
    for first, last in WITHOUT_BLANKS:
        assigned = table[first : last + 1] > 0
        table[first : last + 1] = ALONE if first >= 0x20000 else np.where(assigned, ALONE, 0)
    return table


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in order, as many at a time as have BATCH_CHARACTERS."""
    start = n_characters = 0
    for stop, text in enumerate(texts, start=1):
        n_characters += len(text)
        if n_characters >= BATCH_CHARACTERS or stop == len(texts):
            yield texts[start:stop]
            start, n_characters = stop, 0


@dataclass(frozen=True)
class Vocabulary:
    """Which n-grams are features. hashes (F,): in order; n_texts_with (F,): training texts that have each; names (F,):
    what stands in the text.
    """

    kind: Kind
    lengths: tuple[int, int]
    hashes: Hashes
    n_texts_with: Ints
    names: Sequence[str] = field(repr=False)

    def __len__(self) -> int:
        return len(self.hashes)

    @classmethod
    def fit(
        cls, texts: Sequence[str], kind: Kind, lengths: tuple[int, int], least_texts: int, most_features: int
    ) -> tuple[Vocabulary, Any]:
        """The n-grams that at least least_texts texts have, and their counts in each text: csr (N, F).

        Of more than most_features those in most texts; where equally many have two, the one of the lower hash.
        """
        parts: list[tuple[Hashes, Any]] = []
        examples: list[tuple[str, Ints, Ints]] = []
        for some in batches(texts):
            grams = grams_of(some, kind, lengths)
            hashes, example, column = np.unique(grams.hashes, return_index=True, return_inverse=True)
            counts = _counted(grams.rows, column, (len(some), len(hashes)))
            parts.append((hashes, counts))
            examples.append((grams.joined, grams.starts[example], grams.ends[example]))
        together, first, which = np.unique(
            np.concatenate([hashes for hashes, _ in parts]), return_index=True, return_inverse=True
        )
        in_parts = np.concatenate([np.bincount(counts.indices, minlength=counts.shape[1]) for _, counts in parts])
        n_texts_with = np.bincount(which, weights=in_parts, minlength=len(together)).astype(np.int64)

        kept = np.flatnonzero(n_texts_with >= least_texts)
        if len(kept) > most_features:
            kept = np.sort(kept[np.lexsort((together[kept], -n_texts_with[kept]))][:most_features])
        feature = np.full(len(together), -1, dtype=np.int64)
        feature[kept] = np.arange(len(kept))
        bounds = np.cumsum([0, *(len(hashes) for hashes, _ in parts)])
        rows = [
            _with_columns(counts, feature[which[start:end]], len(kept))
            for (_, counts), start, end in zip(parts, bounds[:-1], bounds[1:], strict=True)
        ]
        names = _names(examples, first[kept], bounds)
        vocabulary = cls(kind, lengths, together[kept], n_texts_with[kept], names)
        return vocabulary, sparse.vstack(rows, format="csr")

    def counts(self, texts: Sequence[str]) -> Any:
        """How often each text has each feature: csr (N, F), int32."""
        return self.read(texts)[0]

    def read(self, texts: Sequence[str]) -> tuple[Any, Unknown]:
        """The counts of the features (N, F), int32, and the n-grams that are none."""
        parts = [self._read(some) for some in batches(texts)]
        if not parts:
            nothing = np.zeros(0, dtype=np.int64)
            return sparse.csr_matrix((0, len(self)), dtype=np.int32), Unknown(nothing, nothing)
        rows, n_unknown, n_grams = zip(*parts, strict=True)
        return sparse.vstack(rows, format="csr"), Unknown(np.concatenate(n_unknown), np.concatenate(n_grams))

    def _read(self, texts: Sequence[str]) -> tuple[Any, Ints, Ints]:
        grams = grams_of(texts, self.kind, self.lengths)
        if not len(self):
            is_known, column = np.zeros(len(grams.hashes), dtype=bool), np.zeros(len(grams.hashes), dtype=np.int64)
        else:
            column = np.minimum(np.searchsorted(self.hashes, grams.hashes), len(self) - 1)
            is_known = self.hashes[column] == grams.hashes
        n_grams = np.bincount(grams.rows, minlength=len(texts))
        n_unknown = np.bincount(grams.rows[~is_known], minlength=len(texts))
        counts = _counted(grams.rows[is_known], column[is_known], (len(texts), len(self)))
        return counts, n_unknown, n_grams


def _counted(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Any:
    """How often each pair of row and column occurs: csr, the columns of a row in order."""
    ones = np.ones(len(rows), dtype=np.int32)
    counts = sparse.csr_matrix((ones, (rows, columns)), shape=shape)
    counts.sum_duplicates()
    return counts


def _with_columns(counts: Any, column_of: Ints, n_columns: int) -> Any:
    """The same counts under other columns; those whose new column is -1 go."""
    columns = column_of[counts.indices]
    stays = columns >= 0
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))[stays]
    moved = sparse.csr_matrix((counts.data[stays], (rows, columns[stays])), shape=(counts.shape[0], n_columns))
    moved.sum_duplicates()
    return moved


def _names(examples: Sequence[tuple[str, Ints, Ints]], places: Ints, bounds: Ints) -> list[str]:
    """What stands at the places-th of all examples; those of batch b are numbered from bounds[b] on."""
    names = np.empty(len(places), dtype=np.object_)
    batch = np.searchsorted(bounds, places, side="right") - 1
    for number, (joined, starts, ends) in enumerate(examples):
        here = np.flatnonzero(batch == number)
        local = places[here] - bounds[number]
        spans = zip(starts[local].tolist(), ends[local].tolist(), strict=True)
        names[here] = [joined[start:end] for start, end in spans]
    found: list[str] = names.tolist()
    return found
