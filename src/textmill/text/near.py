"""Texts -> groups of near duplicates, by MinHash over shingles of words or characters. Room: text/. Used by splits.

A token is a word (letters, digits and marks) of the normalised text; where words are written without blanks (Chinese,
Japanese, Thai, ...) each character is one. Punctuation, symbols and blanks separate and count for nothing. A shingle is
SHINGLE tokens in a row, a signature N_PERMUTATIONS numbers of 16 bits: two signatures agree in about as many places as
the two sets of shingles overlap (Jaccard; Broder 1997; b-bit MinHash: Li and König 2010, arXiv:0910.3349).

Two documents are near duplicates if their signatures agree in SIMILAR of the places; groups are closed under that, so a
group may hold A, B and C where only A~B and B~C hold. A document that holds another and as much again is not near it.
Memory: the signatures, 256 bytes a document, twice over while groups are formed; never the text. Time is linear
in the characters, and a document of any length is read in pieces. `against` shares the tokens and their hashes.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from textmill.text.languages import HAN
from textmill.text.long_text import Text
from textmill.text.normalise import normalised_digest

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Signatures = NDArray[np.uint16]

SHINGLE = 3
"""Tokens in a shingle. A changed token breaks so many, so larger ones lose pairs and gain nothing: two unrelated texts
of one author share below a tenth of their shingles of 3."""
LEAST_TOKENS = 50
"""Below so many words or characters only equal texts (normalised) are duplicates: a single word makes the difference
between two short sentences, and a short poem is no copy of its neighbour."""
N_PERMUTATIONS = 128
"""Numbers in a signature: the estimate of an overlap of 0.7 has a standard error of 0.04."""
BAND = 4
"""Numbers that must all agree for two documents to be compared; 4 of 16 bits are one of 64."""
SIMILAR = 0.65
"""Share of a signature that near duplicates agree in. One word in thirty changed leaves an overlap of 0.82, with 200
words and chance in both rarely below 0.68; documents of which 70 % are one boilerplate: 0.54."""
WINDOW = 64
"""Where more documents than this agree in a band, each is compared with so many that follow it: the time stays linear
where thousands share their boilerplate. Near ones still meet, in the bands that hold what they alone share."""
PIECE = 1 << 16
"""Characters that are hashed at once, of many short documents or of one long one."""
LONGEST_WORD = 1 << 10
"""A long text is cut at a blank if there is one within so many characters."""
PAIRS = 1 << 15
"""Pairs that are compared at once."""

WORD, ALONE = 1, 2
# Scripts written without blanks between words, by Unicode blocks: Thai and Lao, Tibetan, Myanmar, Khmer, kana and
# bopomofo, Yi, small kana, half-width kana, kana of the supplementary planes.
WITHOUT_BLANKS = (
    *HAN,
    (0x0E00, 0x0FFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x312F),
    (0x31A0, 0x31FF),
    (0xA000, 0xA4CF),
    (0xFF66, 0xFF9F),
    (0x1AFF0, 0x1B16F),
)
BASE = 0x9E3779B97F4A7C15  # odd: it has an inverse modulo 2**64


class NearDuplicates:
    """Finds near duplicates among documents that come one by one. See the module for what counts as near."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._n_documents = 0
        self._waiting: list[str] = []
        self._n_waiting = 0
        self._signed = array("q")
        self._signatures: list[Signatures] = []
        self._short = array("q")
        self._digests = bytearray()

    def add(self, text: Text) -> None:
        """The next document; they are numbered 0, 1, 2, ... in the order in which they come."""
        if len(text) > PIECE or not isinstance(text, str):
            self._sign_waiting()
            self._add_long(text)
            self._n_documents += 1
            return
        self._waiting.append(text)
        self._n_documents += 1
        self._n_waiting += len(text)
        if self._n_waiting >= PIECE:
            self._sign_waiting()

    def groups(self) -> Numbers:
        """The group of each document, as the number of its first member; a document alone is its own group.

        Which documents stand together does not depend on the order in which they came.
        """
        self._sign_waiting()
        group = np.arange(self._n_documents, dtype=np.int64)
        if self._digests:
            _, same = np.unique(np.frombuffer(self._digests, dtype="V16"), return_inverse=True)
            _gather(group, np.frombuffer(self._short, dtype=np.int64), same)
        if self._signed:
            self._signatures = [np.concatenate(self._signatures)]
            signatures = self._signatures[0]
            # From here on only the set of signatures counts, in the order of their hashes: not where a document lay.
            factors, _ = _powers(N_PERMUTATIONS // BAND)
            row = np.zeros(len(signatures), dtype=np.uint64)
            for column, factor in zip(signatures.view(np.uint64).T, factors, strict=True):
                row += _mixed(column + factor) * factor
            _, which, same = np.unique(_mixed(row), return_index=True, return_inverse=True)
            _gather(group, np.frombuffer(self._signed, dtype=np.int64), _near(signatures, which)[same])
        return group

    def clusters(self, limit: int) -> list[list[int]]:
        """At most `limit` groups of two or more documents, the largest first, each in the order of its documents."""
        group = self.groups()
        order = np.argsort(group, kind="stable")
        first, start, size = np.unique(group[order], return_index=True, return_counts=True)
        largest = np.lexsort((first, -size))[:limit]
        return [order[start[n] : start[n] + size[n]].tolist() for n in largest if size[n] > 1]

    def _sign_waiting(self) -> None:
        """Sign the short documents that wait, all at once; those with few tokens keep a digest."""
        if not self._waiting:
            return
        texts, self._waiting, self._n_waiting = self._waiting, [], 0
        number = self._n_documents - len(texts)
        rows, n_tokens = _signatures(all_folded(texts), LEAST_TOKENS, self.seed)
        self._signatures.append(rows)
        self._signed.extend((number + np.flatnonzero(n_tokens >= LEAST_TOKENS)).tolist())
        for index in np.flatnonzero(n_tokens < LEAST_TOKENS).tolist():
            self._keep_digest(number + index, texts[index])

    def _add_long(self, text: Text) -> None:
        """The signature of a union of sets is the smallest of theirs, place by place: a long text is read in pieces."""
        whole = np.full(N_PERMUTATIONS, np.iinfo(np.uint32).max, dtype=np.uint32)
        total = 0
        for piece in pieces(text):
            rows, n_tokens = _minima([folded(piece)], SHINGLE, self.seed)
            total += int(n_tokens[0])
            for row in rows:
                np.minimum(whole, row, out=whole)
        if total < LEAST_TOKENS:
            self._keep_digest(self._n_documents, text)
            return
        self._signed.append(self._n_documents)
        self._signatures.append(whole.astype(np.uint16)[None])

    def _keep_digest(self, number: int, text: Text) -> None:
        self._short.append(number)
        self._digests += normalised_digest(text)


def pieces(text: Text) -> Iterator[str]:
    """The text in pieces of PIECE characters and up to LONGEST_WORD more, cut behind a line feed, or else a blank."""
    start = 0
    while len(text) - start > PIECE + LONGEST_WORD:
        least = start + PIECE
        reach = text[least : least + LONGEST_WORD]
        blank = next((place for place, character in enumerate(reach) if character.isspace()), -1)
        end = least + ((reach.find("\n") if blank >= 0 else -1) + 1 or blank + 1)
        yield text[start:end]
        start = end
    yield text[start : len(text)]


# -- tokens and their hashes -------------------------------------------------------------------------------------------


def folded(text: str) -> str:
    """The text as `normalise.normalised` compares it, but for characters that only separate words: it may keep them."""
    if not text.isascii() and _composes()[code_points(text)].any():
        text = unicodedata.normalize("NFKC", text)
    return text.casefold()


def all_folded(texts: list[str]) -> list[str]:
    """The same of many texts, sooner where they are short."""
    if _composes()[code_points("".join(texts))].any():
        return [folded(text) for text in texts]
    return [text.casefold() for text in texts]


def tokens(text: str) -> tuple[Hashes, Numbers, Numbers]:
    """A hash of each token of a text, and where the token starts and ends in it. `text`: folded.

    >>> _, starts, ends = tokens("the 猫 sat.")
    >>> starts.tolist(), ends.tolist()
    ([0, 4, 6], [3, 5, 9])
    """
    codes = code_points(text)
    kinds = _kinds()[codes]
    word, alone = kinds == WORD, kinds == ALONE
    inner = np.zeros(len(kinds) + 1, dtype=bool)
    inner[1:-1] = word[1:] & word[:-1]
    token = word | alone
    starts = np.flatnonzero(token & ~inner[:-1])
    ends = np.flatnonzero(token & ~inner[1:]) + 1
    return run_hashes(codes.astype(np.uint64) + np.uint64(1), starts, ends), starts, ends


def mostly_characters(text: str, starts: Numbers) -> bool:
    """Whether most tokens, which start there, are characters of scripts without blanks. `text`: folded."""
    return bool(2 * np.count_nonzero(_kinds()[code_points(text)[starts]] == ALONE) > len(starts))


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of a text, surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def run_hashes(values: Hashes, starts: Numbers, ends: Numbers) -> Hashes:
    """A hash of each run values[start:end], the same wherever the run stands. Time does not depend on their lengths.

    A polynomial over the values modulo 2**64, from sums over everything before start and end (Karp and Rabin 1987),
    then mixed.
    """
    powers, inverses = _powers(1 << max(len(values), 1).bit_length())
    sums = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values * powers[: len(values)], out=sums[1:])
    return _mixed((sums[ends] - sums[starts]) * inverses[starts])


def gram_hashes(hashes: Hashes, n: int) -> Hashes:
    """A hash of each n tokens in a row: len(hashes) - n + 1 of them, none where there are fewer than n tokens."""
    starts = np.arange(max(len(hashes) - n + 1, 0), dtype=np.int64)
    return run_hashes(hashes, starts, starts + n)


def _mixed(values: Hashes) -> Hashes:
    """Every bit of a value moves every bit of the result (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@lru_cache(maxsize=4)
def _powers(n: int) -> tuple[Hashes, Hashes]:
    """BASE to the 0, 1, ... n - 1, and their inverses, modulo 2**64."""
    both = []
    for base in (BASE, pow(BASE, -1, 1 << 64)):
        factors = np.full(n, base, dtype=np.uint64)
        factors[0] = 1
        both.append(np.cumprod(factors))
    return both[0], both[1]


@lru_cache(maxsize=1)
def _kinds() -> NDArray[np.uint8]:
    """code point -> 0 (separates), WORD or ALONE."""
    table = np.zeros(0x110000, dtype=np.uint8)
    # Letters, marks and digits; above the second plane there are none but Han characters and a few marks.
    table[:0x20000] = [WORD if unicodedata.category(chr(code))[0] in "LMN" else 0 for code in range(0x20000)]
    for first, last in WITHOUT_BLANKS:
        assigned = table[first : last + 1] > 0
        table[first : last + 1] = ALONE if first >= 0x20000 else np.where(assigned, ALONE, 0)
    return table


@lru_cache(maxsize=1)
def _composes() -> NDArray[np.bool_]:
    """code point -> whether NFKC may change it, alone or with the one before it, into other tokens.

    Marks and the letters of Hangul syllables compose with what stands before them. Full-width punctuation becomes other
    punctuation and does not count: most Chinese text need not be normalised, which would take most of the time.
    """
    kinds = _kinds()
    table = np.zeros(0x110000, dtype=bool)
    for code in chain(range(0x80, 0xD800), range(0xE000, 0x20000)):
        composed = unicodedata.normalize("NFKC", chr(code))
        tokens_change = composed != chr(code) and (kinds[code] or any(kinds[ord(letter)] for letter in composed))
        table[code] = tokens_change or unicodedata.category(chr(code))[0] == "M"
    for first, last in ((0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF)):  # the letters of Hangul syllables
        table[first : last + 1] = True
    table[0x2F800:0x30000] = True  # compatible ideographs
    return table


# -- signatures --------------------------------------------------------------------------------------------------------


def _signatures(texts: list[str], least_tokens: int, seed: int) -> tuple[Signatures, Numbers]:
    """(signatures of the texts that have least_tokens, in order; number of tokens of every text)."""
    minima, n_tokens = _minima(texts, least_tokens, seed)
    return minima.astype(np.uint16), n_tokens


def _minima(texts: list[str], least_tokens: int, seed: int) -> tuple[NDArray[np.uint32], Numbers]:
    """The same with 32 bits; what is below them is mixed. The texts are folded."""
    from rensa import RMinHash

    hashes, starts, _ = tokens(" ".join(texts))
    bounds = np.cumsum([0, *(len(text) + 1 for text in texts)])
    first = np.searchsorted(starts, bounds)
    n_tokens = np.diff(first)
    long = n_tokens >= least_tokens
    n_shingles = n_tokens[long] - SHINGLE + 1
    offsets = np.concatenate([[0], np.cumsum(n_shingles)]).astype(np.uint64)
    # The n-th shingle of a text starts at its n-th token.
    places = np.arange(int(offsets[-1])) + np.repeat(first[:-1][long] - offsets[:-1].astype(np.int64), n_shingles)
    shingles = run_hashes(hashes, places, places + SHINGLE)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(shingles, offsets, N_PERMUTATIONS, seed)
    values = chain.from_iterable(matrix.to_rows())
    minima = np.fromiter(values, dtype=np.uint32, count=int(long.sum()) * N_PERMUTATIONS)
    return minima.reshape(-1, N_PERMUTATIONS), n_tokens


# -- groups ------------------------------------------------------------------------------------------------------------


def _near(signatures: Signatures, which: Numbers) -> Numbers:
    """A number per signature signatures[which], equal for those that near ones connect."""
    root = np.arange(len(which), dtype=np.int64)
    bands = signatures.view(np.uint64)
    for band in range(bands.shape[1]):
        key = bands[which, band]
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        for step in range(1, WINDOW + 1):
            together = np.flatnonzero(ordered[step:] == ordered[:-step])
            if not len(together):
                break
            here, there = order[together], order[together + step]
            apart = root[here] != root[there]
            here, there = here[apart], there[apart]
            for start in range(0, len(here), PAIRS):
                some, others = here[start : start + PAIRS], there[start : start + PAIRS]
                similar = (signatures[which[some]] == signatures[which[others]]).mean(axis=1) >= SIMILAR
                _join(root, some[similar], others[similar])
    return root


def _join(root: Numbers, some: Numbers, others: Numbers) -> None:
    """Put the sets of each pair together; afterwards `root` names the smallest number of each set."""
    for one, other in zip(some.tolist(), others.tolist(), strict=True):
        one, other = _find(root, one), _find(root, other)
        root[max(one, other)] = min(one, other)
    while not np.array_equal(above := root[root], root):
        root[:] = above


def _find(root: Numbers, number: int) -> int:
    while root[number] != number:
        root[number] = root[root[number]]
        number = int(root[number])
    return number


def _gather(group: Numbers, documents: Numbers, same: Numbers) -> None:
    """Name the group of each document by the first document with the same number; documents stand in order."""
    first = np.full(int(same.max()) + 1, -1, dtype=np.int64)
    first[same[::-1]] = documents[::-1]
    group[documents] = first[same]
