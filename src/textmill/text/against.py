"""Training text and test sets -> which test documents stand in the training text. Room: text/. Used by look --against.

Counted are runs of words in a row that both have, as `near` reads words: without case, width, blanks and punctuation.
N_WORDS is that of GPT-3 (Brown et al. 2020, arXiv:2005.14165, appendix C: between 8 and 13 words); where words are
written without blanks, twice as many characters, a Chinese word having one to two. A test document that is shorter is
found if all of it stands in the training text in a row; one of fewer than LEAST_WORDS words (LEAST_CHARACTERS) only if
it is a whole line or document there, since a few common words prove nothing. 13 words that are a boilerplate of the
test set count too: the share says how much of a document was found.

evaluation/overlap has a quicker measure of something else: the share of a whole text whose lines were trained on as
they are. It is asked before each measurement, and knows no documents and no parts of lines.

The training text is read once and not kept. Memory: the test texts and some 60 bytes a word of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textmill.text.documents import Document
from textmill.text.near import (
    PIECE,
    Hashes,
    Numbers,
    all_folded,
    code_points,
    folded,
    gram_hashes,
    mostly_characters,
    pieces,
    run_hashes,
    tokens,
)

N_WORDS = 13
N_CHARACTERS = 26
LEAST_WORDS = 8
LEAST_CHARACTERS = 13
EXCERPT = 100
"""Characters of the longest run in common that are shown."""
FILTER_BITS = 22
"""A table over so many bits of a hash rules out most runs of the training text before they are looked up."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """A test document that stands in the training text, whole or in part."""

    test: str
    """Source of the test document."""
    training: str
    """Source of the training document that has most of it; the first such."""
    share: float
    """Share of the test document's runs of words that the training text has, all its documents together."""
    share_in_one: float
    """Share of them that the training document named has alone."""
    excerpt: str
    """The longest stretch that the training text has, as it was compared (lower case), cut to 100 characters."""


@dataclass(frozen=True, slots=True)
class Against:
    """What find_overlaps found."""

    n_training_documents: int
    n_test_documents: int
    n_found: int
    n_wordless: int
    """Test documents without a letter or digit: there is nothing to look for."""
    share: float
    """n_found of n_test_documents; 0.0 without any."""
    found: list[Overlap]
    """The largest share first, then in the order of the test documents."""


def find_overlaps(training: Iterable[Document], tests: Iterable[Document]) -> Against:
    """Look for each test document in the training text. See the module for what counts as found.

    >>> leak = find_overlaps([Document("One two three.", "a:1")], [Document("one, two, three", "b:1")])
    >>> leak.n_found, leak.found[0].training
    (1, 'a:1')
    """
    search = _Search(list(tests))
    for document in training:
        search.look_in(document)
    found = search.found()
    n_tests = len(search.texts)
    return Against(
        n_training_documents=search.n_training,
        n_test_documents=n_tests,
        n_found=len(found),
        n_wordless=int((search.n_tokens == 0).sum()),
        share=len(found) / n_tests if n_tests else 0.0,
        found=found,
    )


class _Runs:
    """Runs of one length of tokens, and the test documents in which each stands."""

    def __init__(self, n: int, hashes: list[Hashes], numbers: list[int]) -> None:
        """n: tokens in a run. hashes: of all runs of a test document. numbers: of these documents."""
        self.n = n
        self.numbers = np.array(numbers, dtype=np.int64)
        sizes = [len(some) for some in hashes]
        self.bounds = np.cumsum([0, *sizes])
        self.hashes, self.run_at = np.unique(np.concatenate(hashes), return_inverse=True)
        order = np.argsort(self.run_at, kind="stable")
        self.tests = np.repeat(self.numbers, sizes)[order]
        self.first_test = np.searchsorted(self.run_at[order], np.arange(len(self.hashes) + 1))
        self.filter = np.zeros(1 << FILTER_BITS, dtype=bool)
        self.filter[_low_bits(self.hashes)] = True

    def among(self, hashes: Hashes) -> tuple[Numbers, Numbers]:
        """(places in `hashes` where a run of ours stands, which run it is)."""
        maybe = np.flatnonzero(self.filter[_low_bits(hashes)])
        runs = np.minimum(np.searchsorted(self.hashes, hashes[maybe]), len(self.hashes) - 1)
        ours = self.hashes[runs] == hashes[maybe]
        return maybe[ours], runs[ours]

    def tests_of(self, runs: Numbers) -> tuple[Numbers, Numbers]:
        """(number of the run in `runs`, test document) for each document in which each of them stands."""
        counts = self.first_test[runs + 1] - self.first_test[runs]
        which = np.repeat(np.arange(len(runs)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return which, self.tests[self.first_test[runs][which] + within]


class _Search:
    """The test documents, and what of them was seen so far."""

    def __init__(self, tests: list[Document]) -> None:
        self.sources = [document.source for document in tests]
        self.texts = [folded(document.text) for document in tests]
        self.n_tokens = np.zeros(len(tests), dtype=np.int64)
        self.whole = np.zeros(len(tests), dtype=np.uint64)  # a hash of all tokens
        self.seen_whole = np.zeros(len(tests), dtype=bool)
        long, starts, lines = _gatherer(), _gatherer(), _gatherer()
        for number, text in enumerate(self.texts):
            hashes, places, _ = tokens(text)
            self.n_tokens[number] = len(hashes)
            if not len(hashes):
                continue
            self.whole[number] = _hash_of_all(hashes)[0]
            by_character = mostly_characters(text, places)
            n, least = (N_CHARACTERS, LEAST_CHARACTERS) if by_character else (N_WORDS, LEAST_WORDS)
            if len(hashes) >= n:
                kind, key, runs = long, n, gram_hashes(hashes, n)
            elif len(hashes) >= least:
                kind, key, runs = starts, least, gram_hashes(hashes[:least], least)
            else:
                kind, key, runs = lines, 0, self.whole[number : number + 1]
            kind[key][0].append(runs)
            kind[key][1].append(number)
        self.long = [_Runs(n, *some) for n, some in sorted(long.items())]
        self.starts = [_Runs(n, *some) for n, some in sorted(starts.items())]
        self.lines = [_Runs(n, *some) for n, some in sorted(lines.items())]
        self.seen = [np.zeros(len(runs.hashes), dtype=bool) for runs in self.long]

        self.n_training = 0
        self.n_common = np.zeros(len(tests), dtype=np.int64)  # runs in common with the training document looked at last
        self.last = np.full(len(tests), -1, dtype=np.int64)  # its number
        self.most = np.zeros(len(tests), dtype=np.int64)  # the most runs in common with one training document
        self.most_in = [""] * len(tests)  # its source
        self.waiting: list[Document] = []
        self.n_waiting = 0

    def look_in(self, document: Document) -> None:
        """The next training document. Short ones wait for each other, long ones are read in pieces."""
        if len(document.content) > PIECE:
            self._look_in_waiting()
            self._look_in_long(document)
            self.n_training += 1
            return
        self.waiting.append(document)
        self.n_training += 1
        self.n_waiting += len(document.content)
        if self.n_waiting >= PIECE:
            self._look_in_waiting()

    def _look_in_waiting(self) -> None:
        if not self.waiting:
            return
        documents, self.waiting, self.n_waiting = self.waiting, [], 0
        texts = all_folded([document.text for document in documents])
        text = "\n".join(texts)
        hashes, starts, _ = tokens(text)
        first = np.searchsorted(starts, np.cumsum([0, *(len(some) + 1 for some in texts)]))
        owners = np.repeat(np.arange(len(texts)), np.diff(first)) + self.n_training - len(texts)
        sources = {self.n_training - len(documents) + n: document.source for n, document in enumerate(documents)}
        self._look_for_runs(hashes, owners, sources)
        self._look_for_lines(hashes, owners, sources, _line_bounds(text, starts, opens=True, closes=True))
        # A document of several lines that is one short text all the same.
        self._look_for_lines(hashes, owners, sources, first)

    def _look_in_long(self, document: Document) -> None:
        before: Hashes = np.zeros(0, dtype=np.uint64)
        opens, left = True, len(document.content)
        for piece in pieces(document.content):
            left -= len(piece)
            text = folded(piece)
            hashes, starts, _ = tokens(text)
            owners = np.full(len(before) + len(hashes), self.n_training)
            both = np.concatenate([before, hashes])
            sources = {self.n_training: document.source}
            self._look_for_runs(both, owners, sources, n_before=len(before))
            self._look_for_lines(hashes, owners, sources, _line_bounds(text, starts, opens, closes=not left))
            before, opens = both[1 - max(N_WORDS, N_CHARACTERS) :], piece.endswith("\n")

    def _look_for_runs(self, hashes: Hashes, owners: Numbers, sources: dict[int, str], n_before: int = 0) -> None:
        """owners: number of the training document of each token; n_before: tokens that were looked at before, in front
        because a run may start there."""
        for runs, seen in zip(self.long, self.seen, strict=True):
            known = max(n_before - runs.n + 1, 0)
            places, which = runs.among(gram_hashes(hashes[known:], runs.n))
            places += known
            inside = owners[places] == owners[places + runs.n - 1]
            seen[which[inside]] = True
            # Each run once for each training document, however often it stands there.
            pairs = np.unique(owners[places[inside]] * len(seen) + which[inside])
            index, tests = runs.tests_of(pairs % len(seen))
            self._count((pairs // len(seen))[index], tests, sources)
        for runs in self.starts:
            places, which = runs.among(gram_hashes(hashes, runs.n))
            index, tests = runs.tests_of(which)
            starts = places[index]
            ends = starts + self.n_tokens[tests]
            inside = (ends <= len(hashes)) & (owners[starts] == owners[np.minimum(ends, len(hashes)) - 1])
            starts, ends, tests = starts[inside], ends[inside], tests[inside]
            equal = run_hashes(hashes, starts, ends) == self.whole[tests]
            self._count_whole(owners[starts[equal]], tests[equal], sources)

    def _look_for_lines(self, hashes: Hashes, owners: Numbers, sources: dict[int, str], bounds: Numbers) -> None:
        """bounds: the tokens where lines start, and the end of the last."""
        bounds = np.unique(bounds)
        starts, ends = bounds[:-1], bounds[1:]
        for runs in self.lines:
            places, which = runs.among(run_hashes(hashes, starts, ends))
            index, tests = runs.tests_of(which)
            self._count_whole(owners[starts[places[index]]], tests, sources)

    def _count_whole(self, owners: Numbers, tests: Numbers, sources: dict[int, str]) -> None:
        fresh = ~self.seen_whole[tests]
        self.seen_whole[tests] = True
        self._count(owners[fresh], tests[fresh], sources)

    def _count(self, owners: Numbers, tests: Numbers, sources: dict[int, str]) -> None:
        """One run in common of each of these pairs of a training and a test document."""
        pairs, counts = np.unique(owners * len(self.texts) + tests, return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            owner, test = divmod(pair, len(self.texts))
            if self.last[test] != owner:
                self.last[test], self.n_common[test] = owner, 0
            self.n_common[test] += count
            if self.n_common[test] > self.most[test]:
                self.most[test], self.most_in[test] = self.n_common[test], sources[owner]

    def found(self) -> list[Overlap]:
        """What was found in all training documents so far."""
        self._look_in_waiting()
        found = [
            Overlap(self.sources[test], self.most_in[test], 1.0, 1.0, self.texts[test].strip()[:EXCERPT])
            for test in np.flatnonzero(self.seen_whole).tolist()
        ]
        numbers = np.flatnonzero(self.seen_whole).tolist()
        for runs, seen in zip(self.long, self.seen, strict=True):
            for number, start, end in zip(runs.numbers.tolist(), runs.bounds[:-1], runs.bounds[1:], strict=True):
                common = seen[runs.run_at[start:end]]
                if common.any():
                    excerpt = _longest(self.texts[number], common, runs.n)
                    in_one = self.most[number] / len(np.unique(runs.run_at[start:end]))
                    share = float(common.mean())
                    found.append(Overlap(self.sources[number], self.most_in[number], share, float(in_one), excerpt))
                    numbers.append(number)
        order = sorted(range(len(found)), key=lambda index: (-found[index].share, numbers[index]))
        return [found[index] for index in order]


def _gatherer() -> defaultdict[int, tuple[list[Hashes], list[int]]]:
    """Length of runs -> (runs of each test document, number of each)."""
    return defaultdict(lambda: ([], []))


def _hash_of_all(hashes: Hashes) -> Hashes:
    return run_hashes(hashes, np.array([0]), np.array([len(hashes)]))


def _low_bits(hashes: Hashes) -> NDArray[np.int64]:
    return (hashes & np.uint64((1 << FILTER_BITS) - 1)).astype(np.int64)


def _line_bounds(text: str, starts: Numbers, opens: bool, closes: bool) -> Numbers:
    """The tokens at which lines start and end. opens, closes: whether a line starts and ends with the text."""
    breaks = np.flatnonzero(code_points(text) == ord("\n"))
    bounds = np.searchsorted(starts, breaks)
    return np.concatenate([[0] if opens else [], bounds, [len(starts)] if closes else []]).astype(np.int64)


def _longest(text: str, common: NDArray[np.bool_], n: int) -> str:
    """The longest stretch of a text that runs of n tokens in common cover; the first of those."""
    edges = np.flatnonzero(np.diff([0, *common.astype(np.int8), 0]))
    first, last = edges[::2], edges[1::2] - 1
    longest = int(np.argmax(last - first))
    _, starts, ends = tokens(text)
    return text[starts[first[longest]] : ends[last[longest] + n - 1]][:EXCERPT]
