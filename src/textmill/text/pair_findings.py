"""What a look says of pairs before they are trained on. Room: text/. Loads no torch; named in tables.FINDINGS.

Copies, sides of far other length than the rest, and the place where two files slip out of step. A slip is told by what
goes with what: of true pairs the lengths of both sides rise and fall together (Gale & Church 1993), and words of the
one meet words of the other again and again (Dice 1945); of shifted ones they do so only when they are shifted back.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from textmill.messages import message, plural_message
from textmill.text.aligned import SentencePair
from textmill.text.documents import Document
from textmill.text.wording import some_of

N_SHOWN = 3
N_PAIRS_MOST = 2_000_000
N_PAIRS_READ = 200_000
"""Of which words are read, where lengths tell nothing."""
FAR = math.log(4)
"""A side is far too long or short where the ratio of lengths is so many times the usual one."""
SHORT = 10
"""Characters on both sides together below which a ratio says nothing."""
LEAST = 120
"""Pairs on each side of a slip that are enough to tell it."""
IN_STEP, GAIN = 0.45, 0.25
"""Correlation of lengths of pairs that are in step; and how much of it is won by shifting those that are not."""
LEARNED_FROM = 4000
"""Pairs at the beginning whose words are learned."""
MET = 0.15
"""How well words must meet, of the best that they could, in pairs in step; half of it is out of step."""
SHIFTS = (-3, -2, -1, 1, 2, 3)

KNOWN, ENOUGH_WORDS, FOREIGN = 5, 4, 1.0
"""Pairs that a word stands in at least; known words of a text; nats by which they speak for the other side, a word."""

WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")

Floats = NDArray[np.float64]


def findings_of_pairs(documents: Iterable[Document]) -> list[str]:
    """Sentences about the training pairs, the most telling first; none where nothing is odd."""
    pairs = [SentencePair.of(document) for document in islice(documents, N_PAIRS_MOST)]
    places = [pair.place for pair in pairs]
    sources, targets = [pair.source for pair in pairs], [pair.target for pair in pairs]
    slip = slip_in(sources, targets)
    found = [slip_told(slip, places)] if slip else []
    copies = [one.strip() == other.strip() for one, other in zip(sources, targets, strict=True)]
    n_copies = sum(copies)
    if n_copies:
        shown = some_of([place for place, copied in zip(places, copies, strict=True) if copied][:N_SHOWN], n_copies)
        found.append(
            plural_message(
                "%(n)s pair has the same text on both sides: %(places)s.",
                "%(n)s pairs have the same text on both sides: %(places)s.",
                n_copies,
                places=shown,
            )
        )
    strange = np.flatnonzero(in_the_others_language(sources, targets))
    if len(strange):
        found.append(
            plural_message(
                "%(n)s pair has a side that seems to be in the language of the other side: %(places)s.",
                "%(n)s pairs have a side that seems to be in the language of the other side: %(places)s.",
                len(strange),
                places=some_of([places[number] for number in strange[:N_SHOWN]], len(strange)),
            )
        )
    far = np.flatnonzero(far_lengths(sources, targets))
    if len(far):
        found.append(
            plural_message(
                "%(n)s pair has a side that is over four times longer or shorter than such pairs are here: %(places)s.",
                "%(n)s pairs have a side that is over four times longer or shorter than such pairs are here: "
                "%(places)s.",
                len(far),
                places=some_of([places[number] for number in far[:N_SHOWN]], len(far)),
            )
        )
    return found


def far_lengths(sources: Sequence[str], targets: Sequence[str]) -> NDArray[np.bool_]:
    """Which pairs have a ratio of lengths far from the usual one."""
    lengths = np.array([[len(text) for text in side] for side in (sources, targets)], dtype=np.float64).reshape(2, -1)
    if not lengths.size:
        return np.zeros(0, dtype=bool)
    ratios = np.log((lengths[1] + 1) / (lengths[0] + 1))
    far: NDArray[np.bool_] = (np.abs(ratios - np.median(ratios)) > FAR) & (lengths.sum(axis=0) >= SHORT)
    return far


def in_the_others_language(sources: Sequence[str], targets: Sequence[str]) -> NDArray[np.bool_]:
    """Which pairs have a side whose words stand on the other side of the other pairs, copies left out.

    By the odds of each word to stand on either side, counted in these pairs: any two languages are told apart.
    """
    strange = np.zeros(len(sources), dtype=bool)
    sides = [[WORD.findall(text.lower()) for text in side[:N_PAIRS_READ]] for side in (sources, targets)]
    counts = [Counter(word for words in side for word in set(words)) for side in sides]
    n_words = [sum(count.values()) + 1 for count in counts]
    if min(n_words) == 1:
        return strange
    odds = {
        word: math.log((counts[0][word] + 0.5) / n_words[0]) - math.log((counts[1][word] + 0.5) / n_words[1])
        for word in counts[0].keys() | counts[1].keys()
        if counts[0][word] + counts[1][word] >= KNOWN
    }
    for number, pair in enumerate(zip(*sides, strict=True)):
        if sources[number].strip() == targets[number].strip():
            continue
        for words, sign in zip(pair, (1, -1), strict=True):
            known = [odds[word] for word in words if word in odds]
            if len(known) >= ENOUGH_WORDS and sign * sum(known) / len(known) < -FOREIGN:
                strange[number] = True
    return strange


def slip_told(slip: tuple[int, int], places: Sequence[str]) -> str:
    """A sentence about the first pair out of step, whose translation stands so many lines down (below 0: up)."""
    number, shift = slip
    return message(
        "From about %(place)s on the two sides are out of step by %(n)s: there the translation of each text stands "
        "%(where)s. Nothing should be trained on that.",
        place=places[number],
        n=abs(shift),
        where=message("further down") if shift > 0 else message("further up"),
    )


def slip_in(sources: Sequence[str], targets: Sequence[str]) -> tuple[int, int] | None:
    """(number of the first pair out of step, by how many lines its translation stands further down); None where there
    is no such place, or where it cannot be told: fewer than LEAST pairs before or behind it, a slip of more than three
    lines, or a text so uniform that any line could stand for its neighbour.
    """
    if len(sources) < 2 * LEAST:
        return None
    lengths: Floats = np.log([[len(text) + 1 for text in side] for side in (sources, targets)])
    lengths -= lengths.mean(axis=1, keepdims=True)
    lengths /= np.maximum(lengths.std(axis=1, keepdims=True), 1e-9)

    def of_lengths(shift: int) -> Floats:
        products: Floats = lengths[0] * moved(lengths[1], shift)
        return products

    found = best_slip(of_lengths, IN_STEP, GAIN)
    tells = of_lengths(0).mean() - max(of_lengths(shift).mean() for shift in SHIFTS) > GAIN
    if found is not None or tells or len(sources) < LEARNED_FROM + LEAST:
        return found
    ours, theirs = ([words_of(text) for text in side[:N_PAIRS_READ]] for side in (sources, targets))
    met = Meetings(ours[:LEARNED_FROM], theirs[:LEARNED_FROM])
    return best_slip(lambda shift: met.scores(ours, theirs, shift), MET, MET / 2)


def best_slip(scores: Callable[[int], Floats], least: float, gain: float) -> tuple[int, int] | None:
    """The place and shift behind which shifted pairs score most above straight ones. scores: shift -> (N,) by pair."""
    straight = scores(0)
    best, won = None, 0.0
    for shift in SHIFTS:
        shifted = scores(shift)
        gains = np.concatenate([[0.0], np.cumsum(shifted - straight)])
        first = int(np.argmin(gains))  # behind it, shifted is the better reading
        if first < LEAST or len(straight) - first < LEAST or gains[-1] - gains[first] <= won:
            continue
        before, after, shifted_after = straight[:first].mean(), straight[first:].mean(), shifted[first:].mean()
        if min(before, shifted_after) > least and shifted_after - after > gain:
            best, won = (first, shift), gains[-1] - gains[first]
    return best


def moved(values: Floats, shift: int) -> Floats:
    """values[n + shift] at n, and 0 beyond the ends."""
    result = np.zeros_like(values)
    n = len(values)
    result[max(0, -shift) : n - max(0, shift)] = values[max(0, shift) : n - max(0, -shift)]
    return result


class Meetings:
    """Which words of one side stand beside which words of the other, by their Dice coefficient in given pairs."""

    def __init__(self, sources: Sequence[set[str]], targets: Sequence[set[str]]):
        self.sources: Counter[str] = Counter()
        self.targets: Counter[str] = Counter()
        self.both: Counter[tuple[str, str]] = Counter()
        for ours, theirs in zip(sources, targets, strict=True):
            self.sources.update(ours)
            self.targets.update(theirs)
            self.both.update((one, other) for one in ours for other in theirs)

    def dice(self, one: str, other: str) -> float:
        met = self.both.get((one, other), 0)
        return 2 * met / (self.sources[one] + self.targets[other]) if met > 1 else 0.0

    def scores(self, sources: Sequence[set[str]], targets: Sequence[set[str]], shift: int) -> Floats:
        """(N,) for each source, how well its words meet those of the target `shift` lines further down: the mean of the
        best of each that is not too common, 0 without any."""
        result = np.zeros(len(sources))
        common = LEARNED_FROM // 10
        for number, source in enumerate(sources):
            if not 0 <= number + shift < len(targets):
                continue
            theirs = targets[number + shift]
            ours = [word for word in source if 1 < self.sources[word] <= common]
            if ours and theirs:
                result[number] = sum(max(self.dice(word, other) for other in theirs) for word in ours) / len(ours)
        return result


def words_of(text: str) -> set[str]:
    """Words in lower case; of scripts without blanks, single characters."""
    return set(WORD.findall(text.lower()))
