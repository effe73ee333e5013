"""A seed -> reviews of several aspects, with the opinion of each known. Room: text/ (worlds).

A review names two to four of five aspects, each once and by one of several words; what is thought of it is good or bad
by a polar word, turned round by a negation. Two aspects may share a sentence, in contrast, side by side or under one
verb; facts of no aspect stand between. The polar words, negations and facts are those of the sentiment grammar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from textmill.text.worlds.draws import Draws, draws
from textmill.text.worlds.sentiment import FACTS, LABELS, WORDS, Label
from textmill.text.worlds.world import Language, World, check_language

ASPECTS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "room": ("room", "bed", "bathroom"),
        "service": ("service", "reception", "waiter"),
        "price": ("price", "bill", "discount"),
        "food": ("food", "breakfast", "soup"),
        "location": ("location", "view", "beach"),
    },
    "zh": {
        "room": ("房间", "床", "浴室"),
        "service": ("服务", "前台", "服务员"),
        "price": ("价格", "收费", "折扣"),
        "food": ("饭菜", "早餐", "汤"),
        "location": ("位置", "景色", "交通"),
    },
}
"""Aspect -> the words for it; the names are English in both languages."""
ALONE = {"en": "The {a} was {p}.", "zh": "{a}{p}。"}
TOGETHER: dict[str, tuple[str, ...]] = {
    "en": (
        "The {a} was {p}, but the {b} was {q}.",
        "Although the {a} was {p}, the {b} was {q}.",
        "The {a} was {p} while the {b} was {q}.",
        "The {a} was {p}, the {b} {q}.",
        "The {a} was {p} and the {b} was {q}.",
        "The {a} was {p}; the {b}, however, was {q}.",
    ),
    "zh": (
        "{a}{p}，但是{b}{q}。",
        "虽然{a}{p}，{b}却{q}。",
        "{a}{p}，{b}{q}。",
        "{a}{p}，不过我觉得{b}{q}。",
        "{a}{p}而{b}{q}。",
        "{a}{p}；{b}{q}。",
    ),
}
SHARED = {"en": "The {a} and the {b} were {p}.", "zh": "{a}和{b}都{p}。"}
NEGATIONS = {"en": "not ", "zh": "并不"}
PLAIN = {"en": "", "zh": "很"}


@dataclass(frozen=True, slots=True)
class AspectReview:
    """A text, and what it says of each aspect that it names."""

    text: str
    opinions: dict[str, str]

    @property
    def key(self) -> str:
        """A text is itself."""
        return self.text

    def row(self) -> dict[str, Any]:
        """Columns text and opinions ({aspect: label})."""
        return {"text": self.text, "opinions": self.opinions}


@dataclass(frozen=True)
class Opinions(World[AspectReview]):
    """Reviews of two to four aspects. Raises InputError for knobs out of range.

    together: share of the aspects that are told two in a sentence; negation: of those that are told by a word of the
    other side; facts: of the sentences with a fact before them.
    """

    name: ClassVar[str] = "opinions"
    what: ClassVar[str] = "short reviews, and the opinion of each aspect that they name"

    together: float = 0.6
    negation: float = 0.3
    facts: float = 0.25
    language: Language = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        check_language(self.language, self.name)
        for knob in ("together", "negation", "facts"):
            self.check_range(knob, 0, 1)

    def item(self, number: int) -> AspectReview:
        """The review of this number."""
        random = draws(self.name, self.seed, number)
        named = random.some(tuple(ASPECTS[self.language]), 2 + random.below(3))
        signs = {aspect: 1 if random.chance(0.5) else -1 for aspect in named}
        told = list[str]()
        rest = list(named)
        while rest:
            if random.chance(self.facts):
                told.append(random.pick(FACTS[self.language]) + ("." if self.language == "en" else "。"))
            if len(rest) > 1 and random.chance(self.together):
                told.append(self._both(random, rest.pop(), rest.pop(), signs))
            else:
                aspect = rest.pop()
                told.append(
                    ALONE[self.language].format(a=self._word(random, aspect), p=self._said(random, signs[aspect]))
                )
        names = LABELS[self.language]
        labels: dict[int, Label] = {1: "positive", -1: "negative"}
        opinions = {aspect: names[labels[sign]] for aspect, sign in signs.items()}
        return AspectReview((" " if self.language == "en" else "").join(told), opinions)

    def _both(self, random: Draws, one: str, other: str, signs: dict[str, int]) -> str:
        """Two aspects in a sentence, under one verb only where they are thought of alike."""
        a, b, p = self._word(random, one), self._word(random, other), self._said(random, signs[one])
        if signs[one] == signs[other] and random.chance(0.5):
            return SHARED[self.language].format(a=a, b=b, p=p)
        return random.pick(TOGETHER[self.language]).format(a=a, b=b, p=p, q=self._said(random, signs[other]))

    def _word(self, random: Draws, aspect: str) -> str:
        return random.pick(ASPECTS[self.language][aspect])

    def _said(self, random: Draws, sign: int) -> str:
        """A word of this sign, or one of the other with a negation before it."""
        is_negated = random.chance(self.negation)
        before = NEGATIONS[self.language] if is_negated else PLAIN[self.language]
        return before + random.pick(WORDS[self.language][-sign if is_negated else sign])
