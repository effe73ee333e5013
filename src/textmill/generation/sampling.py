"""From a row of logits to one token: penalties, temperature, cuts, and a draw that depends on its place alone.

Room: generation/. Used by engine.py a row at a time, in float64, so that a text is the same alone and in a batch.
Shapes: V vocabulary. A "logit" is ln P here: it is what every model gives, an n-gram too, and no penalty depends on a
constant that the softmax would have taken away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError, InputError

REACHED = 1e-12  # a sum of shares this close below top_p has reached it: 0.5 + 0.4 reaches 0.9

SORTED_AT_FIRST = 512  # ids: a nucleus is mostly smaller

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


def distribution(
    logits: ArrayLike,
    settings: GenerateConfig,
    seen: Collection[int] = (),
    generated: Sequence[int] = (),
) -> Floats:
    """P of every token under the settings (V,), float64: penalties, temperature, top_k, top_p, min_p, then rescaled.

    logits: (V,), up to a constant unless repetition_penalty is set; −inf stays forbidden.
    seen: ids the repetition penalty counts, once each; the engine gives the prompt's (never padding, never the begin
    mark) and the new ones. generated: the new ids, in order, for the presence and frequency penalties.
    Ties go to the lowest id, in temperature 0, top_k and top_p alike.
    Raises InputError if every logit is −inf, or one is NaN or +inf.
    Sources: repetition, Keskar et al. 2019, arXiv:1909.05858; top_p, Holtzman et al. 2020, arXiv:1904.09751;
    min_p, Nguyen et al. 2024, arXiv:2407.01082.

    >>> distribution([0.0, 0.0, -1.0], GenerateConfig(temperature=0))
    array([1., 0., 0.])
    """
    scores = penalised(np.array(logits, dtype=np.float64), settings, seen, generated)
    if np.isnan(scores).any() or np.isposinf(scores).any():
        raise InputError(
            "the logits hold NaN or +inf: nothing can be drawn from them",
            hint="The weights are damaged or the run diverged; use an earlier checkpoint.",
        )
    best = int(np.argmax(scores))  # the lowest id on a tie
    if np.isneginf(scores[best]):
        raise InputError(
            "the logits are all −inf: every token is forbidden",
            hint="Allow at least one token; a small no_repeat forbids many.",
        )
    if settings.temperature == 0:
        return one_hot(best, scores.size)

    with np.errstate(over="ignore"):  # a tiny temperature sends the others to −inf, which is what it asks for
        shares = np.exp((scores - scores[best]) / settings.temperature)
    if 0 < settings.top_k < shares.size:
        shares = only(shares, best_first(scores, settings.top_k))
    if settings.top_p < 1:
        shares = only(shares, nucleus(scores, shares / shares.sum(), settings.top_p))
    if settings.min_p > 0:
        shares[shares < settings.min_p * shares[best]] = 0.0
    probabilities: Floats = shares / shares.sum()
    return probabilities


def without(scores: Floats, ids: Collection[int]) -> Floats:
    """The scores (V,) with these ids forbidden; the same array where there are none, else one of its own."""
    if not ids:
        return scores
    left = scores.copy()
    left[list(ids)] = -np.inf
    return left


class Runs:
    """The runs of n ids that stand in a text, and which ids would bring one of them a second time.

    What transformers' NoRepeatNGramLogitsProcessor forbids with no_repeat_ngram_size = n (Paulus et al. 2018,
    arXiv:1705.04304, section 2.5), kept as the text grows. n = 0: nothing.

    >>> Runs(3, [7, 8, 9, 7, 8]).completing()
    {9}
    """

    def __init__(self, n: int, ids: Iterable[int]):
        self.n = n
        self._last: tuple[int, ...] = ()  # the n - 1 last ids, where there are so many
        self._n_read = 0
        self._next: dict[tuple[int, ...], set[int]] = {}
        for token_id in ids if n else ():
            self.push(token_id)

    def push(self, token_id: int) -> None:
        """The text goes on with this id."""
        if not self.n:
            return
        if self._n_read >= self.n - 1:
            self._next.setdefault(self._last, set()).add(token_id)
        self._n_read += 1
        self._last = (*self._last, token_id)[-(self.n - 1) :] if self.n > 1 else ()

    def completing(self) -> Collection[int]:
        """The ids that may not come now."""
        return self._next.get(self._last, ()) if self._n_read >= self.n - 1 else ()


def penalised(scores: Floats, settings: GenerateConfig, seen: Collection[int], generated: Sequence[int]) -> Floats:
    """The logits (V,) after the repetition, presence and frequency penalties; changed in place and given back."""
    if settings.repetition_penalty != 1 and len(seen):
        ids = np.unique(np.fromiter(seen, dtype=np.int64))
        factor = settings.repetition_penalty
        with np.errstate(over="ignore"):
            scores[ids] = np.where(scores[ids] > 0, scores[ids] / factor, scores[ids] * factor)
    if (settings.presence_penalty or settings.frequency_penalty) and len(generated):
        ids, counts = np.unique(np.asarray(generated, dtype=np.int64), return_counts=True)
        scores[ids] -= settings.presence_penalty + settings.frequency_penalty * counts
    return scores


def best_first(scores: Floats, n: int) -> Ids:
    """The n best ids, best first, the lowest id first among equals; all if there are fewer. Sorts those alone.

    >>> best_first(np.array([1.0, 3.0, 1.0, 3.0]), 3)
    array([1, 3, 0])
    """
    n = min(n, scores.size)
    if n < 1:
        return np.empty(0, dtype=np.int64)
    least = np.partition(scores, scores.size - n)[scores.size - n]
    candidates = np.flatnonzero(scores >= least)  # every equal of the last one too
    return candidates[np.argsort(-scores[candidates], kind="stable")][:n]


def nucleus(scores: Floats, probabilities: Floats, top_p: float) -> Ids:
    """The smallest best-first set of ids whose probabilities reach top_p; at least the best one.

    Grows the part that is sorted until it reaches: a full sort of a large vocabulary is slower than a small model.
    """
    n = SORTED_AT_FIRST
    while True:
        ids = best_first(scores, n)
        before = np.cumsum(probabilities[ids]) - probabilities[ids]  # the share of all that are better
        reached = before >= top_p - REACHED
        reached[0] = False
        if reached.any() or n >= scores.size:
            return ids[~reached]
        n *= 8


def only(shares: Floats, ids: Ids) -> Floats:
    """The shares (V,) of these ids, 0 elsewhere."""
    kept = np.zeros_like(shares)
    kept[ids] = shares[ids]
    return kept


def one_hot(place: int, size: int) -> Floats:
    """All of the probability in one place."""
    probabilities = np.zeros(size)
    probabilities[place] = 1.0
    return probabilities


def draw(probabilities: Floats, uniform: float) -> int:
    """The id at `uniform` in [0, 1) of the cumulative distribution over ids in their own order.

    In their own order, not best-first: two candidates that rounding swaps then change the draw only if `uniform` lies
    in the rounding error, not whenever it falls on one of them.

    >>> draw(np.array([0.5, 0.0, 0.5]), 0.5)
    2
    """
    cumulative = np.cumsum(probabilities)
    place = int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))
    return min(place, int(np.flatnonzero(probabilities)[-1]))


def uniform_at(seed: int, sample: int, position: int, attempt: int = 0) -> float:
    """A number in [0, 1) that depends on (seed, index of n, position of the new token, how often it was drawn already)
    and nothing else.

    Philox is counter-based: the key names the stream, the counter the place in it (Salmon et al. 2011,
    doi:10.1145/2063384.2063405). Its raw numbers are fixed by NumPy's promise of stable bit streams.
    Raises ConfigError for a seed that does not fit 64 bits.
    """
    if not 0 <= seed < 2**64:
        raise ConfigError(f"the seed is {seed}: it must lie between 0 and 2^64 − 1")
    key = np.array([seed, sample], dtype=np.uint64)
    counter = np.array([position, attempt, 0, 0], dtype=np.uint64)
    return int(np.random.Philox(key=key, counter=counter).random_raw() >> 11) * 2.0**-53
