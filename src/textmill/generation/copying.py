"""How much of a text stands word for word in the training text, and where. Room: generation/.

Used by the writing's measurement and by the generate verb. Exact: what is found was compared character by character,
and every common stretch of enough characters is found. The training text is read once from beginning to end; what is
held in memory are the texts that are asked about and a few million characters of it.
A stretch lies within one document. Characters are code points, compared as they stand; token boundaries play no part.
Letters: q places in the texts asked about, p places in the training text, both as arrays of code points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from textmill.tokens import Tokenizer, TokenStore

Codes = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

LETTERS, SIGNS = 50, 20
"""Characters that a copied stretch has at least: of writing with letters, and of Chinese or Japanese, of which one says
as much as two or three letters."""
READ_TOGETHER = 2_000_000  # characters of training text
PAIRS_TOGETHER = 1_000_000  # places that may be equal, compared at once
JUMP = 32  # characters beyond the least length: what is equal for longer is compared by numbers, and checked at last
SIEVE_BITS = 22
END = 0x110000  # no code point: stands between documents
END_OF_ASKED = 0x110001  # and between texts that are asked about
KINDS_OF_CODE = np.uint64(1 << 21)  # more than there are code points, these two included


class Passage(NamedTuple):
    """A stretch of a document of the training text. offset: its first character."""

    document: int
    offset: int
    n_chars: int


@dataclass(frozen=True)
class Copies:
    """What a text has in common with the training text."""

    reach: Ints
    """(characters,): of the longest common stretch that covers it; 0 where none was long enough to be looked for."""
    longest: Passage | None
    """None where there is no common stretch of the least length that was looked for."""
    at: int
    """Where the longest begins in the text."""

    def n_copied(self, least: int) -> int:
        """Characters in common stretches of at least so many."""
        return int((self.reach >= least).sum())


def find_copies(texts: Sequence[str], documents: Iterable[str], least: int) -> list[Copies]:
    """For each text, its common stretches of at least `least` characters with any of the documents, in one reading.

    The time grows with the documents' characters, and with how often stretches of that length are common to both.
    Raises ValueError for a least length below 2.

    >>> [found] = find_copies(["It was a dark and stormy night."], ["On a dark and stormy sea"], least=8)
    >>> found.longest, found.at, found.n_copied(8)
    (Passage(document=0, offset=2, n_chars=20), 6, 20)
    """
    if least < 2:
        raise ValueError("a stretch has two characters or more")
    asked = _Asked(texts, least)
    if len(asked.keys):
        for stretch in _stretches(documents, least, asked.longest_text):
            asked.compare(stretch)
    return asked.found()


class _Stretch(NamedTuple):
    """Some training text: all of it is compared, of what follows `n_own` only as the end of what began before."""

    codes: Codes
    """The first stands only before the others."""
    n_own: int
    documents: Ints
    """The numbers of the documents in it, and where each begins in `codes`; the first may begin before it."""
    starts: Ints


class _Asked:
    """The texts that are asked about, end to end, and the best that was found for each of their places."""

    def __init__(self, texts: Sequence[str], least: int):
        self.least = least
        parts, self.bounds = [[END_OF_ASKED]], [1]
        for text in texts:
            parts.append([*code_points(text).tolist(), END_OF_ASKED])
            self.bounds.append(self.bounds[-1] + len(parts[-1]))
        self.codes = np.concatenate([np.array(part, dtype=np.uint32) for part in parts])
        self.longest_text = max(map(len, texts), default=0)
        self.hashes = _Windows(self.codes)
        hashes = self.hashes.of(least)
        q = np.arange(len(hashes))
        holds_end = np.concatenate([[0], np.cumsum(self.codes >= END)])
        whole = holds_end[q + least] == holds_end[q]
        whole[:1] = False
        self.values, ranks = np.unique(hashes[whole], return_inverse=True)
        # One key for what a place begins with and what stands before it; places in the order of their keys.
        keys = ranks.astype(np.uint64) * KINDS_OF_CODE + self.codes[q[whole] - 1]
        order = np.argsort(keys, kind="stable")
        self.keys, self.places = keys[order], q[whole][order]
        self.sieve = np.zeros(1 << SIEVE_BITS, dtype=bool)
        self.sieve[self._sifted(self.values)] = True
        self.best = np.zeros(len(self.codes), dtype=np.int64)  # characters of the longest that begins here
        self.where = np.zeros((len(self.codes), 2), dtype=np.int64)  # document and offset of it

    @staticmethod
    def _sifted(hashes: Hashes) -> Ints:
        return (hashes >> np.uint64(64 - SIEVE_BITS)).astype(np.int64)

    def compare(self, stretch: _Stretch) -> None:
        of_stretch = _Windows(stretch.codes)
        hashes = of_stretch.of(self.least)[1 : stretch.n_own + 1]
        p = np.flatnonzero(self.sieve[self._sifted(hashes)])
        ranks = np.searchsorted(self.values, hashes[p])
        known = self.values[np.minimum(ranks, len(self.values) - 1)] == hashes[p]
        p, ranks = p[known] + 1, ranks[known].astype(np.uint64)
        # Where the character before is the same too, the stretch began there: those places are left out.
        before = stretch.codes[p - 1].astype(np.uint64)
        first, last = (np.searchsorted(self.keys, each * KINDS_OF_CODE) for each in (ranks, ranks + np.uint64(1)))
        same = ranks * KINDS_OF_CODE + before
        same_first, same_last = (np.searchsorted(self.keys, key) for key in (same, same + np.uint64(1)))
        p = np.concatenate([p, p])
        firsts, counts = np.concatenate([first, same_last]), np.concatenate([same_first - first, last - same_last])
        ends = np.cumsum(counts)
        start = 0
        while start < len(p):
            done = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, done + PAIRS_TOGETHER, side="right")))
            some = slice(start, stop)
            n = counts[some]
            inside = np.arange(int(n.sum())) - np.repeat(np.cumsum(n) - n, n)
            self._extend(stretch, of_stretch, np.repeat(p[some], n), self.places[np.repeat(firsts[some], n) + inside])
            start = stop

    def _extend(self, stretch: _Stretch, hashes: _Windows, p: Ints, q: Ints) -> None:
        """Compare from each pair of places on; keep, for each place of ours, the longest and where it was first."""
        lengths = np.zeros(len(p), dtype=np.int64)
        going = self._step(stretch, p, q, lengths, np.arange(len(p)), self.least + JUMP)
        if len(going):
            jumped, width = going, JUMP
            while len(going):
                going = self._jump(hashes, p, q, lengths, going, width)
                width *= 2
            while width > JUMP:
                width //= 2
                self._jump(hashes, p, q, lengths, jumped, width)
            self._step(stretch, p, q, lengths, jumped, JUMP)
        better = np.flatnonzero((lengths >= self.least) & (lengths > self.best[q]))
        better = better[np.lexsort((-p[better], lengths[better]))]  # of equals the first place is written last
        p, q, lengths = p[better], q[better], lengths[better]
        number = np.searchsorted(stretch.starts, p, side="right") - 1
        self.best[q] = lengths
        self.where[q] = np.stack([stretch.documents[number], p - stretch.starts[number]], axis=1)
        self._check(stretch, np.unique(q))

    def _step(self, stretch: _Stretch, p: Ints, q: Ints, lengths: Ints, going: Ints, n_steps: int) -> Ints:
        """Lengthen those pairs character by character, by n_steps at most; the pairs that are equal so far."""
        for _ in range(n_steps):
            if not len(going):
                break
            ours, theirs = q[going] + lengths[going], p[going] + lengths[going]
            there = theirs < len(stretch.codes)
            going, ours, theirs = going[there], ours[there], theirs[there]
            going = going[self.codes[ours] == stretch.codes[theirs]]
            lengths[going] += 1
        return going

    def _jump(self, hashes: _Windows, p: Ints, q: Ints, lengths: Ints, going: Ints, width: int) -> Ints:
        """Lengthen by `width` those pairs that are equal for so long; these pairs."""
        theirs, ours = hashes.of(width), self.hashes.of(width)
        at_theirs, at_ours = p[going] + lengths[going], q[going] + lengths[going]
        there = (at_theirs < len(theirs)) & (at_ours < len(ours))
        going, at_theirs, at_ours = going[there], at_theirs[there], at_ours[there]
        going = going[theirs[at_theirs] == ours[at_ours]]
        lengths[going] += width
        return going

    def _check(self, stretch: _Stretch, places: Ints) -> None:
        """What is kept is equal to the last character."""
        for q in places.tolist():
            number = int(np.searchsorted(stretch.documents, self.where[q, 0]))
            p, length = int(stretch.starts[number] + self.where[q, 1]), int(self.best[q])
            assert np.array_equal(self.codes[q : q + length], stretch.codes[p : p + length]), "two stretches, one hash"

    def found(self) -> list[Copies]:
        copies = []
        for start, stop in zip(self.bounds, self.bounds[1:], strict=False):
            best = self.best[start : stop - 1]
            reach = np.zeros(len(best), dtype=np.int64)
            begins = np.flatnonzero(best)
            for at in begins[np.argsort(best[begins], kind="stable")].tolist():  # the longest last
                reach[at : at + best[at]] = best[at]
            at = int(np.argmax(best)) if len(begins) else 0
            document, offset = self.where[start + at].tolist()
            longest = Passage(document, offset, int(best[at])) if len(begins) else None
            copies.append(Copies(reach, longest, at))
        return copies


def _stretches(documents: Iterable[str], least: int, longest_text: int) -> Iterator[_Stretch]:
    """The documents end to end in parts; each part goes on for as long as a text can, so that nothing is cut."""
    parts: list[Codes] = []
    numbers: list[int] = []
    starts: list[int] = []
    length = 1

    def whole(n_after: int = 0) -> _Stretch:
        codes = np.concatenate([np.array([END], dtype=np.uint32), *parts])
        return _Stretch(codes, len(codes) - 1 - n_after, np.array(numbers), np.array(starts))

    for number, text in enumerate(documents):
        codes = code_points(text)
        if len(codes) > READ_TOGETHER:
            if parts:
                yield whole()
            for start in range(0, len(codes), READ_TOGETHER):
                stop = min(start + READ_TOGETHER, len(codes))
                reached = min(stop + longest_text, len(codes))
                before = codes[start - 1 : start] if start else np.array([END], dtype=np.uint32)
                some = np.concatenate([before, codes[start:reached], np.array([END], dtype=np.uint32)])
                yield _Stretch(some, stop - start, np.array([number]), np.array([1 - start]))
            parts, numbers, starts, length = [], [], [], 1
            continue
        parts += [codes, np.array([END], dtype=np.uint32)]
        numbers.append(number)
        starts.append(length)
        length += len(codes) + 1
        if length > READ_TOGETHER:
            yield whole()
            parts, numbers, starts, length = [], [], [], 1
    if parts:
        yield whole()


class _Windows:
    """windows(codes, n), each n made when it is first asked for."""

    def __init__(self, codes: Codes):
        self.codes = codes
        self.made: dict[int, Hashes] = {}

    def of(self, n: int) -> Hashes:
        if n not in self.made:
            self.made[n] = windows(self.codes, n)
        return self.made[n]


def windows(codes: Codes, n: int) -> Hashes:
    """(len(codes) − n + 1,): a number for each n characters that follow each other; equal where they are equal.

    By doubling: that of 2k characters is made of those of two times k, so it takes log2 n readings.
    """
    if len(codes) < n:
        return np.zeros(0, dtype=np.uint64)
    hashes, width = _stirred(codes.astype(np.uint64)), 1
    while width < n:
        step = min(width, n - width)
        hashes = _stirred(hashes[: len(hashes) - step] * np.uint64(3) + hashes[step:])
        width += step
    return hashes


def _stirred(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele et al. 2014, doi:10.1145/2714064.2660195): every bit depends on every bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def code_points(text: str) -> Codes:
    """(characters,)"""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def texts_of(store: TokenStore, tokenizer: Tokenizer) -> Iterator[str]:
    """The documents of a store as text."""
    token_bytes = [tokenizer.token_bytes(number) for number in range(tokenizer.vocab_size)]
    for number in range(store.n_documents):
        ids = store.document(number)
        if tokenizer.exact:
            yield b"".join(map(token_bytes.__getitem__, ids.tolist())).decode("utf-8", "replace")
        else:
            yield tokenizer.decode(ids.tolist())


def least_copied(text: str) -> int:
    """Characters from which on a common stretch of this text counts as copied: LETTERS, or SIGNS where more than half
    of its letters are Chinese, Japanese or Korean.

    >>> least_copied("an old mill"), least_copied("老磨坊 mill")
    (50, 50)
    >>> least_copied("老磨坊在河边")
    20
    """
    codes = code_points("".join(character for character in text if character.isalpha()))
    signs = ((codes >= 0x2E80) & (codes <= 0xD7FF)) | ((codes >= 0xF900) & (codes <= 0xFAFF)) | (codes >= 0x20000)
    return SIGNS if len(codes) and signs.mean() > 0.5 else LETTERS
