"""A seed -> texts whose label, or last word, depends on exactly known words. Room: text/ (worlds).

For grading explanations: the words that decide are known, all others are noise by construction. Triggers and fillers
are made-up words without meaning, so nothing else can be read into them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from textmill.text.worlds.draws import draws
from textmill.text.worlds.spelling import most_words, space, words
from textmill.text.worlds.world import Language, World, check, check_language

Rule = Literal["one", "last", "both"]
RULES: tuple[Rule, ...] = ("one", "last", "both")


@dataclass(frozen=True, slots=True)
class Planted:
    """A text, its label, and where the words stand that decide it: (start, end) in code points, in order.

    symbols: the number of each word (see Causes); cause_places: which of them decide.
    """

    text: str
    label: str
    causes: tuple[tuple[int, int], ...]
    symbols: tuple[int, ...]
    cause_places: tuple[int, ...]

    @property
    def key(self) -> str:
        """A text is itself."""
        return self.text

    def row(self) -> dict[str, Any]:
        """Columns text, label, causes ([[start, end], …], code points)."""
        return {"text": self.text, "label": self.label, "causes": [list(span) for span in self.causes]}


@dataclass(frozen=True)
class Causes(World[Planted]):
    """n_words made-up words, among them triggers; each trigger belongs to a label.

    rule "one": one trigger, its label is the answer. "last": two triggers of different labels, the later one decides
    (both are causes: so is their order). "both": two triggers out of two pairs, positive when they are the like ones of
    their pairs (exclusive or): neither says anything alone.
    as_next_word: the label is the text's last word instead, for language models: given all before it, it is certain.
    distance: fillers between the last trigger and the end; None: any. Raises InputError for knobs out of range.
    """

    name: ClassVar[str] = "causes"
    what: ClassVar[str] = "made-up words, of which known ones decide the label"

    rule: Rule = "one"
    n_words: int = 20
    n_labels: int = 2
    n_fillers: int = 50
    distance: int | None = None
    as_next_word: bool = False
    language: Language = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        check_language(self.language, self.name)
        check(self.rule in RULES, f"no rule '{self.rule}' (there are: {', '.join(RULES)})", self.name)
        self.check_range("n_labels", 2)
        check(self.rule != "both" or self.n_labels == 2, "the rule 'both' has 2 labels", self.name)
        self.check_range("n_fillers", 1)
        n_all = self.n_triggers + self.n_labels + self.n_fillers
        most = most_words(self.language)
        check(n_all <= most, f"{n_all} different words are wanted, there are {most}", self.name)
        n_causes = 1 if self.rule == "one" else 2
        most_distance = self.n_words - n_causes
        self.check_range("n_words", n_causes)
        is_within = self.distance is None or 0 <= self.distance <= most_distance
        check(is_within, f"distance is {self.distance}, must be 0 to {most_distance}", self.name)

    @property
    def n_triggers(self) -> int:
        """Triggers have the word numbers 0 … n_triggers - 1; labels' words come next, then fillers."""
        return 4 if self.rule == "both" else self.n_labels

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, as they are written: words of their own."""
        return self._words[self.n_triggers : self.n_triggers + self.n_labels]

    @property
    def triggers(self) -> tuple[str, ...]:
        """The words that decide; for "both" the first two are one pair, the last two the other."""
        return self._words[: self.n_triggers]

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return words(self.n_triggers + self.n_labels + self.n_fillers, self.language)

    def item(self, number: int) -> Planted:
        """The text of this number."""
        random = draws(self.name, self.rule, self.seed, number)
        if self.rule == "one":
            chosen = [random.below(self.n_labels)]
            label = chosen[0]
        elif self.rule == "last":
            chosen = random.some(range(self.n_labels), 2)
            label = chosen[-1]
        else:
            sides = [random.below(2), random.below(2)]
            label = int(sides[0] == sides[1])
            chosen = [sides[0], 2 + sides[1]]
            if random.chance(0.5):
                chosen.reverse()
        last = self.n_words - 1 - self.distance if self.distance is not None else None
        places = sorted(random.some(range(self.n_words if last is None else last), len(chosen) - (last is not None)))
        if last is not None:
            places.append(last)
        first_filler = self.n_triggers + self.n_labels
        symbols = [first_filler + random.below(self.n_fillers) for _ in range(self.n_words)]
        for place, trigger in zip(places, chosen, strict=True):
            symbols[place] = trigger
        if self.as_next_word:
            symbols.append(self.n_triggers + label)
        spelled = [self._words[symbol] for symbol in symbols]
        gap = len(space(self.language))
        starts, start = list[int](), 0
        for word in spelled:
            starts.append(start)
            start += len(word) + gap
        return Planted(
            text=space(self.language).join(spelled),
            label=self._words[self.n_triggers + label],
            causes=tuple((starts[place], starts[place] + len(spelled[place])) for place in places),
            symbols=tuple(symbols),
            cause_places=tuple(places),
        )
