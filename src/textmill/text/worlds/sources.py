"""A seed -> text whose entropy is known exactly: what the best possible model's loss is. Room: text/ (worlds).

A model trained on such text can be compared with the truth. Each text carries the nats that every symbol, and its end,
costs whoever knows the source: `nats` is -ln P(text), so floors hold for any tokenizer; per token where one token is
one symbol. A text ends after each symbol with the same probability, so that the end mark has a known price too.

`entropy_per_token` is the entropy rate (nats a symbol, the end left out); `loss_per_target` is the expected loss as
`textmill eval` counts it: n symbols and the end mark predicted, each document read from its beginning. It is exact for
a reader that sees whole documents; one that is cut off from the last `order` symbols pays more.

Sources: Shannon 1948 (Markov sources); Cover and Thomas 2006, theorems 4.2.4 and 4.5.1; Rabiner 1989 (forward
algorithm). Letters: V symbols, S hidden states, e the probability that a text ends after a symbol.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from textmill.errors import InputError
from textmill.text.worlds.draws import Draws, draws
from textmill.text.worlds.spelling import letters, most_letters, most_words, space, words
from textmill.text.worlds.world import Language, World, check, check_language

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LARGEST_TABLE = 1 << 22  # probabilities of a source: 32 MB
SETTLED = 1e-14  # change in a step, summed over contexts: rounding
MOST_STEPS = 100_000
SMOOTHING = 1e-3  # of every row is uniform: each symbol can follow each context, so there is one stationary law


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text and what each of its symbols costs, in nats; the last price is that of the end mark."""

    text: str
    symbols: tuple[int, ...]
    token_nats: tuple[float, ...]

    @property
    def nats(self) -> float:
        """-ln P(text), the end included."""
        return math.fsum(self.token_nats)

    @property
    def key(self) -> str:
        """A text is itself."""
        return self.text

    def row(self) -> dict[str, Any]:
        """Columns text, nats, n_symbols."""
        return {"text": self.text, "nats": round(self.nats, 6), "n_symbols": len(self.symbols)}


class Source(World[SourceText]):
    """Texts of known probability."""

    @property
    @abstractmethod
    def nats_per_document(self) -> float:
        """The expected -ln P(text), the end included: the entropy of a document."""

    @property
    @abstractmethod
    def symbols_per_document(self) -> float:
        """The expected number of symbols."""

    @property
    def loss_per_target(self) -> float:
        """Nats a predicted target, the end mark being one: the lowest loss that any model can expect."""
        return self.nats_per_document / (self.symbols_per_document + 1)


class Chain(Source):
    """Symbols of a random law, written as characters where the language has so many (26 letters, 3755 Chinese
    characters), else as made-up words with a blank between. Raises InputError for knobs out of range."""

    vocabulary: int
    sharpness: float
    """How uneven the rows of the tables are; 0: uniform, 1: every law equally likely (Dirichlet), more: surer."""
    mean_length: float
    """Symbols of a text on average; a text ends after each symbol with probability 1 / mean_length."""
    language: Language
    seed: int

    def __post_init__(self) -> None:
        check_language(self.language, self.name)
        self.check_range("vocabulary", 1, max(most_letters(self.language), most_words(self.language)))
        self.check_range("sharpness", 0, 100)
        check(self.mean_length > 1, f"mean_length is {self.mean_length}, must be above 1", self.name)

    @property
    def symbols_per_document(self) -> float:
        """The mean length of a text."""
        return float(self.mean_length)

    def _text(self, symbols: list[int], prices: list[float]) -> SourceText:
        are_letters = self.vocabulary <= most_letters(self.language)
        signs = (letters if are_letters else words)(self.vocabulary, self.language)
        text = ("" if are_letters else space(self.language)).join([signs[symbol] for symbol in symbols])
        return SourceText(text, tuple(symbols), with_end(prices, self.mean_length))


@dataclass(frozen=True)
class Markov(Chain):
    """Each symbol depends on the `order` symbols before it, by a random table; a text begins in the stationary law.

    >>> source = Markov(vocabulary=4, order=1, seed=1)
    >>> source.entropy_per_token < math.log(4)
    True
    """

    name: ClassVar[str] = "markov"
    what: ClassVar[str] = "symbols that depend on the last few, of exactly known entropy"

    order: int = 2
    vocabulary: int = 12
    sharpness: float = 3.0
    mean_length: float = 200.0
    language: Language = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_range("order", 0)
        n_entries = self.vocabulary ** (self.order + 1)
        check(n_entries <= LARGEST_TABLE, f"vocabulary ** (order + 1) is {n_entries:,}, above 2^22", self.name)

    @cached_property
    def transitions(self) -> Floats:
        """(V^order, V): row c is the law of the next symbol after context c, its oldest symbol the highest digit."""
        return uneven_rows(self.vocabulary**self.order, self.vocabulary, self.sharpness, self.seed)

    @cached_property
    def stationary(self) -> Floats:
        """(V^order,): how often each context occurs in the long run."""
        return _stationary(self.transitions, self.vocabulary)

    @cached_property
    def laws(self) -> tuple[Floats, ...]:
        """Number j: the (V^j, V) law of a symbol that has only j symbols before it, for j = 0 … order."""
        import numpy as np

        joint = (self.stationary[:, None] * self.transitions).ravel()
        found = [self.transitions]
        for n_known in range(self.order - 1, -1, -1):
            joint = joint.reshape(self.vocabulary, -1).sum(axis=0)
            rows = joint.reshape(-1, self.vocabulary)
            found.append(rows / rows.sum(axis=1, keepdims=True))
            assert len(rows) == self.vocabulary**n_known
        return tuple(np.ascontiguousarray(rows) for rows in reversed(found))

    @cached_property
    def symbol_entropies(self) -> tuple[float, ...]:
        """Number j: nats that the symbol after j others costs on average, for j = 0 … order; the last one stays."""
        import numpy as np

        weights, found = self.stationary, list[float]()
        for rows in reversed(self.laws):
            found.append(float(-(weights @ (rows * np.log(rows)).sum(axis=1))))
            weights = weights.reshape(self.vocabulary, -1).sum(axis=0) if len(weights) > 1 else weights
        return tuple(reversed(found))

    @property
    def entropy_per_token(self) -> float:
        """The entropy rate, exact: nats a symbol, once `order` symbols are known."""
        return self.symbol_entropies[-1]

    @property
    def nats_per_document(self) -> float:
        """The first symbols at their own prices, the others at the rate, the length at the entropy of its law."""
        ends = 1 / self.mean_length
        first = math.fsum((1 - ends) ** place * nats for place, nats in enumerate(self.symbol_entropies[:-1]))
        rest = (1 - ends) ** self.order / ends * self.entropy_per_token
        return first + rest + length_nats(self.mean_length)

    def item(self, number: int) -> SourceText:
        """The text of this number."""
        random = draws(self.name, self.seed, number)
        n = random.length(self.mean_length)
        size, n_contexts = self.vocabulary, self.vocabulary**self.order
        symbols, prices, context = list[int](), list[float](), 0
        for place in range(n):
            sums, nats = self._sampling[min(place, self.order)]
            symbol = pick_from(sums, context, size, random)
            symbols.append(symbol)
            prices.append(nats[context * size + symbol])
            context = (context * size + symbol) % n_contexts
        return self._text(symbols, prices)

    @cached_property
    def _sampling(self) -> list[tuple[array[float], array[float]]]:
        """Cumulative probabilities and prices of each law, flat: fast to search."""
        return [flat(rows) for rows in self.laws]


@dataclass(frozen=True)
class Zipf(Markov):
    """Words drawn alone, the r-th most frequent with probability ~ 1 / (r + shift)^exponent (Zipf 1949; Mandelbrot).

    No context helps: a model that does better than `entropy_per_token` on new text is wrong.
    """

    name: ClassVar[str] = "zipf"
    what: ClassVar[str] = "words drawn alone by Zipf's law, of exactly known entropy"

    order: int = 0
    vocabulary: int = 1000
    exponent: float = 1.0
    shift: float = 2.7

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.order == 0, f"order is {self.order}, must be 0: words are drawn alone", self.name)
        self.check_range("exponent", 0)
        check(self.shift > -1, f"shift is {self.shift}, must be above -1", self.name)

    @cached_property
    def transitions(self) -> Floats:
        """(1, V): the one law."""
        import numpy as np

        weights = (np.arange(1.0, self.vocabulary + 1) + self.shift) ** -self.exponent
        return np.asarray(weights / weights.sum(), dtype=np.float64).reshape(1, -1)


@dataclass(frozen=True)
class HiddenMarkov(Chain):
    """A hidden state walks by a Markov chain and writes a symbol at each step; only the symbols are seen.

    How much the past says never ends, so the rate has no closed form: `entropy_bounds` are exact on both sides, and
    `entropy_estimate` takes the forward algorithm over a long text. The nats of a text are exact.
    """

    name: ClassVar[str] = "hidden-markov"
    what: ClassVar[str] = "symbols written by a hidden chain of states, each text of exactly known probability"

    n_states: int = 4
    vocabulary: int = 12
    sharpness: float = 3.0
    mean_length: float = 200.0
    language: Language = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_range("n_states", 1, 512)

    @cached_property
    def transitions(self) -> Floats:
        """(S, S): the law of the next state."""
        return uneven_rows(self.n_states, self.n_states, self.sharpness, self.seed)

    @cached_property
    def emissions(self) -> Floats:
        """(S, V): the law of the symbol that a state writes."""
        return uneven_rows(self.n_states, self.vocabulary, self.sharpness, self.seed + 1_000_003)

    @cached_property
    def stationary(self) -> Floats:
        """(S,): how often each state occurs in the long run; a text begins in it."""
        return _stationary(self.transitions, self.n_states)

    @cached_property
    def entropy_per_token(self) -> float:
        """The estimate of the entropy rate, in nats a symbol; see `entropy_estimate` for how sure it is."""
        return self.entropy_estimate()[0]

    @property
    def nats_per_document(self) -> float:
        """An estimate: all symbols at the estimated rate (the first ones cost a little more), and the length."""
        return self.mean_length * self.entropy_per_token + length_nats(self.mean_length)

    def item(self, number: int) -> SourceText:
        """The text of this number."""
        random = draws(self.name, self.seed, number)
        symbols = self._walk(random, random.length(self.mean_length))
        return self._text(symbols, self.symbol_nats(symbols))

    def symbol_nats(self, symbols: list[int]) -> list[float]:
        """-ln P(symbol | all before it), by the forward algorithm, scaled at each step."""
        transitions, by_symbol = self.transitions, self.emissions.T
        believed, prices = self.stationary, list[float]()
        for symbol in symbols:
            seen = believed * by_symbol[symbol]
            probability = float(seen.sum())
            prices.append(-math.log(probability))
            believed = (seen / probability) @ transitions
        return prices

    def entropy_estimate(self, n_symbols: int = 50_000, n_parts: int = 50) -> tuple[float, float]:
        """The entropy rate in nats a symbol, and the standard error of it, from one long text cut into parts."""
        settled = 1000  # symbols by which the beginning is forgotten
        symbols = self._walk(draws(self.name, self.seed, "estimate"), settled + n_symbols)
        prices = self.symbol_nats(symbols)[settled:]
        size = n_symbols // n_parts
        means = [math.fsum(prices[part * size : (part + 1) * size]) / size for part in range(n_parts)]
        mean = math.fsum(means) / n_parts
        variance = math.fsum((value - mean) ** 2 for value in means) / (n_parts - 1)
        return mean, math.sqrt(variance / n_parts)

    def entropy_bounds(self, depth: int) -> tuple[float, float]:
        """Below and above the entropy rate, exact: the price of symbol number `depth` for one who also knows the first
        state, and for one who does not. Adds up over all V^depth texts. Raises InputError where these are too many."""
        size = self.vocabulary**depth * self.n_states**2
        check(
            depth >= 1 and size <= LARGEST_TABLE, f"depth {depth} needs {size:,} probabilities, above 2^22", self.name
        )
        joint = self._joints(depth)
        before = self._joints(depth - 1)
        upper = entropy(joint.sum(axis=(1, 2))) - entropy(before.sum(axis=(1, 2)))
        lower = entropy(joint.sum(axis=2)) - entropy(before.sum(axis=2))
        return lower, upper

    def _joints(self, depth: int) -> Floats:
        """(V^depth, S, S): P(texts of this length, first state, state after them)."""
        import numpy as np

        joint = np.diag(self.stationary)[None]
        for _ in range(depth):
            joint = np.einsum("tfs,sv,sn->tvfn", joint, self.emissions, self.transitions)
            joint = joint.reshape(-1, self.n_states, self.n_states)
        return joint

    def _walk(self, random: Draws, n: int) -> list[int]:
        (begin, _), (move, _), (say, _) = self._sampling
        symbols, state = list[int](), pick_from(begin, 0, self.n_states, random)
        for _ in range(n):
            symbols.append(pick_from(say, state, self.vocabulary, random))
            state = pick_from(move, state, self.n_states, random)
        return symbols

    @cached_property
    def _sampling(self) -> list[tuple[array[float], array[float]]]:
        return [flat(rows) for rows in (self.stationary[None], self.transitions, self.emissions)]


OPENING = {"en": "([{<", "zh": "（【《「"}
CLOSING = {"en": ")]}>", "zh": "）】》」"}


@dataclass(frozen=True)
class Brackets(Source):
    """Balanced brackets of several kinds and bounded depth (Dyck language; Hewitt et al. 2020, arXiv:2010.07515).

    Below the bound and above the ground a bracket opens with probability `opens`, its kind uniform, else the last one
    closes; at the bound one must close; back on the ground the text ends with probability `ends`. What closes is
    certain for a reader who keeps the stack: a model's loss above `loss_per_target` is what it forgets.
    """

    name: ClassVar[str] = "brackets"
    what: ClassVar[str] = "balanced brackets, of exactly known entropy"

    n_kinds: int = 3
    max_depth: int = 6
    opens: float = 0.5
    ends: float = 0.2
    language: Language = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        check_language(self.language, self.name)
        self.check_range("n_kinds", 1, 4)
        self.check_range("max_depth", 1, 1000)
        check(0 < self.opens < 1, f"opens is {self.opens}, must lie between 0 and 1", self.name)
        check(0 < self.ends < 1, f"ends is {self.ends}, must lie between 0 and 1", self.name)

    def item(self, number: int) -> SourceText:
        """The text of this number. Symbols: kind for an opening bracket, n_kinds + kind for a closing one."""
        random = draws(self.name, self.seed, number)
        symbols, prices, stack = list[int](), list[float](), list[int]()
        kind_nats = math.log(self.n_kinds)
        while True:
            if not stack and symbols and random.chance(self.ends):
                prices.append(-math.log(self.ends))
                break
            choice = self._choice_nats(len(stack), bool(symbols))
            if not stack or (len(stack) < self.max_depth and random.chance(self.opens)):
                stack.append(random.below(self.n_kinds))
                symbols.append(stack[-1])
                prices.append(choice[0] + kind_nats)
            else:
                symbols.append(self.n_kinds + stack.pop())
                prices.append(choice[1])
        signs = OPENING[self.language][: self.n_kinds] + CLOSING[self.language][: self.n_kinds]
        return SourceText("".join(signs[symbol] for symbol in symbols), tuple(symbols), tuple(prices))

    def _choice_nats(self, depth: int, begun: bool) -> tuple[float, float]:
        """What it costs to open and to close at this depth."""
        if depth == 0:
            return (-math.log1p(-self.ends) if begun else 0.0), math.inf
        if depth == self.max_depth:
            return math.inf, 0.0
        return -math.log(self.opens), -math.log1p(-self.opens)

    @cached_property
    def _visits(self) -> tuple[float, ...]:
        """How often a text stands at each depth 0 … max_depth before a symbol or the end, on average.

        A text leaves the ground 1 / ends times. In one such trip, what goes up from a depth must come down to it.
        """
        trips = 1 / self.ends
        climbs = [trips]  # number d: steps from depth d to d + 1
        visits = [trips + 1]
        for depth in range(1, self.max_depth + 1):
            if depth == self.max_depth:
                visits.append(climbs[-1])
            else:
                # Steps down from a depth equal steps up to it: visits (1 - opens) = climbs below.
                visits.append(climbs[-1] / (1 - self.opens))
                climbs.append(visits[-1] * self.opens)
        return tuple(visits)

    @property
    def symbols_per_document(self) -> float:
        """Every visit but the last is followed by a symbol."""
        return math.fsum(self._visits) - 1

    @property
    def nats_per_document(self) -> float:
        """Kinds, choices between opening and closing, and the end."""
        choices = math.fsum(self._visits[1 : self.max_depth]) * binary_entropy(self.opens)
        kinds = self.symbols_per_document / 2 * math.log(self.n_kinds)
        return choices + kinds + binary_entropy(self.ends) / self.ends

    @property
    def entropy_per_token(self) -> float:
        """Nats a symbol, exact, the price of the ends shared out among the symbols."""
        return self.nats_per_document / self.symbols_per_document


@dataclass(frozen=True)
class Copy(Source):
    """Random letters, a bar, and the same letters again: the second half, and the end, cost nothing to who can copy."""

    name: ClassVar[str] = "copy"
    what: ClassVar[str] = "letters, a bar, and the same letters again"

    vocabulary: int = 8
    mean_length: float = 20.0
    """Letters before the bar, on average."""
    language: Language = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        check_language(self.language, self.name)
        self.check_range("vocabulary", 1, most_letters(self.language))
        check(self.mean_length > 1, f"mean_length is {self.mean_length}, must be above 1", self.name)

    def item(self, number: int) -> SourceText:
        """The text of this number; the bar is symbol number `vocabulary`."""
        random = draws(self.name, self.seed, number)
        half = [random.below(self.vocabulary) for _ in range(random.length(self.mean_length))]
        symbols = [*half, self.vocabulary, *half]
        signs = (*letters(self.vocabulary, self.language), "|")
        prices = with_end([math.log(self.vocabulary)] * len(half), self.mean_length)
        return SourceText(
            "".join(signs[symbol] for symbol in symbols), tuple(symbols), (*prices, *([0.0] * (len(half) + 1)))
        )

    @property
    def symbols_per_document(self) -> float:
        """Twice the letters, and the bar."""
        return 2 * self.mean_length + 1

    @property
    def nats_per_document(self) -> float:
        """The letters and their number, once."""
        return self.mean_length * math.log(self.vocabulary) + length_nats(self.mean_length)

    @property
    def entropy_per_token(self) -> float:
        """Nats a symbol, exact, over both halves and the bar."""
        return self.nats_per_document / self.symbols_per_document


# -- laws --------------------------------------------------------------------------------------------------------------


def uneven_rows(n_rows: int, n_columns: int, sharpness: float, seed: int) -> Floats:
    """(n_rows, n_columns): random laws. Weights are exponential draws to the power of the sharpness."""
    import numpy as np

    # Uniform draws straight from the bit generator: their sequence is promised by numpy.
    raw = np.random.PCG64(seed).random_raw(n_rows * n_columns)
    uniform = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    logs = sharpness * np.log(-np.log(uniform)).reshape(n_rows, n_columns)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    rows = weights / weights.sum(axis=1, keepdims=True)
    return np.asarray((1 - SMOOTHING) * rows + SMOOTHING / n_columns, dtype=np.float64)


def _stationary(transitions: Floats, size: int) -> Floats:
    """(contexts,): the law of contexts that a step leaves as it is. transitions: (contexts, V); V = size."""
    import numpy as np

    weights: Floats = np.full(len(transitions), 1 / len(transitions))
    if len(weights) == 1:
        return weights
    for _ in range(MOST_STEPS):
        after = (weights[:, None] * transitions).reshape(size, -1).sum(axis=0)
        after /= after.sum()
        change = float(np.abs(after - weights).sum())
        weights = after
        if change < SETTLED:
            return weights
    raise InputError("the chain does not settle: its table is nearly certain", hint="choose a lower sharpness")


def entropy(probabilities: Floats) -> float:
    """Nats of a law of any shape; what cannot happen costs nothing."""
    import numpy as np

    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())


def binary_entropy(probability: float) -> float:
    """Nats of a choice between two.

    >>> round(binary_entropy(0.5) / math.log(2), 12)
    1.0
    """
    return -probability * math.log(probability) - (1 - probability) * math.log1p(-probability)


def length_nats(mean_length: float) -> float:
    """Nats of a geometric length from 1 up with this mean."""
    return mean_length * binary_entropy(1 / mean_length)


def with_end(prices: list[float], mean_length: float) -> tuple[float, ...]:
    """The prices of symbols, each but the first with that of not having ended before it, and the price of the end."""
    goes_on = -math.log1p(-1 / mean_length)
    return (prices[0], *(price + goes_on for price in prices[1:]), math.log(mean_length))


def flat(rows: Floats) -> tuple[array[float], array[float]]:
    """The cumulative probabilities and the prices (nats) of each row, row after row."""
    import numpy as np

    return array("d", np.cumsum(rows, axis=1).tobytes()), array("d", (-np.log(rows)).tobytes())


def pick_from(sums: array[float], row: int, size: int, random: Draws) -> int:
    """A number drawn by one row of cumulative probabilities."""
    start = row * size
    return min(bisect_right(sums, random.random(), start, start + size) - start, size - 1)
