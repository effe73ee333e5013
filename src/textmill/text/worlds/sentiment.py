"""A seed -> short reviews with a label by rule, and the words that cause it with their effects. Room: text/ (worlds).

A review is drawn as a derivation without language, scored by the rules below, and told in English or Chinese:
- a clause scores its polarity (+1 or -1) times its intensity (fairly / a bit 0.5, plain 1, very 1.5, extremely 2);
- negation turns it round and weakens it, whatever the intensity: "not bad" is +0.5, "not very good" is -0.5;
- "better than" is +1, "worse than" is -1, negated as above;
- "A, but B": A counts a fifth, so B decides;
- clauses of fact score 0; the score of a review is the sum, and its sign the label. Reviews near 0 are not told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

from textmill.text.worlds.draws import Draws, draws
from textmill.text.worlds.world import Language, World, check, check_language

Label = Literal["negative", "neutral", "positive"]
Role = Literal["polarity", "negation", "intensity", "contrast"]
LABELS: dict[str, dict[Label, str]] = {
    "en": {"negative": "negative", "neutral": "neutral", "positive": "positive"},
    "zh": {"negative": "负面", "neutral": "中性", "positive": "正面"},
}
INTENSITIES = (1.0, 0.5, 1.5, 2.0)  # plain, weak, strong, strongest
NEGATED = -0.5
BEFORE_BUT = 0.2  # the strongest first half (2) stays below the weakest second one (0.5)
LEAST_SCORE = 0.5

TOPICS: dict[str, tuple[tuple[str, ...], ...]] = {
    "en": (
        ("room", "breakfast", "service", "bed", "view", "bathroom", "lobby"),
        ("plot", "acting", "music", "ending", "camera work", "dialogue", "main actor"),
        ("food", "soup", "service", "wine", "dessert", "menu", "waiter"),
        ("singer", "sound", "orchestra", "programme", "hall", "lighting", "encore"),
        ("exhibition", "tour", "guide", "building", "shop", "café", "collection"),
    ),
    "zh": (
        ("房间", "早餐", "服务", "床", "景色", "浴室", "大厅"),
        ("剧情", "演技", "配乐", "结局", "摄影", "对白", "主演"),
        ("饭菜", "汤", "服务", "葡萄酒", "甜点", "菜单", "服务员"),
        ("歌手", "音响", "乐团", "曲目", "音乐厅", "灯光", "返场"),
        ("展览", "参观路线", "讲解员", "建筑", "商店", "咖啡馆", "藏品"),
    ),
}
WORDS: dict[str, dict[int, tuple[str, ...]]] = {
    "en": {
        1: ("good", "impressive", "satisfying", "charming", "pleasing", "remarkable"),
        -1: ("bad", "poor", "disappointing", "annoying", "dull", "sloppy"),
    },
    "zh": {
        1: ("好", "出色", "令人满意", "迷人", "讨人喜欢", "出众"),
        -1: ("差", "糟糕", "令人失望", "烦人", "乏味", "粗糙"),
    },
}
COMPARED: dict[str, dict[int, str]] = {"en": {1: "better", -1: "worse"}, "zh": {1: "更好", -1: "更差"}}
# Weak praise and weak blame are said with different words in both languages.
DEGREES: dict[str, dict[int, tuple[str, str, str, str]]] = {
    "en": {1: ("", "fairly", "very", "extremely"), -1: ("", "a bit", "very", "extremely")},
    "zh": {1: ("很", "还算", "非常", "极其"), -1: ("很", "有点", "非常", "极其")},
}
OPENERS = {
    "en": ("", "Overall, ", "Honestly, ", "In my view, "),
    "zh": ("", "总的来说，", "说实话，", "在我看来，"),
}
FACTS = {
    "en": (
        "We came on a Monday",
        "It rained in the morning",
        "My brother had told me about it",
        "There were six of us",
        "It took us an hour to get there",
        "I had read about it in a magazine",
        "We left before ten in the evening",
        "It was my second visit",
    ),
    "zh": (
        "我们是星期一来的",
        "那天早上下了雨",
        "这是我哥哥告诉我的",
        "我们一共六个人",
        "路上花了一个小时",
        "我在杂志上读到过",
        "我们晚上十点前离开了",
        "这是我第二次来",
    ),
}


class Clause(NamedTuple):
    """What is said of one aspect. polarity 0: a fact, numbered by `word`."""

    polarity: int
    aspect: int = 0
    word: int = 0
    intensity: int = 0
    is_negated: bool = False
    is_comparison: bool = False

    @property
    def score(self) -> float:
        """By the rules of this module."""
        strength = 1.0 if self.is_comparison else INTENSITIES[self.intensity]
        return NEGATED * self.polarity if self.is_negated else self.polarity * strength


class Sentence(NamedTuple):
    """One clause, or two with "but" between."""

    clauses: tuple[Clause, ...]
    opener: int = 0

    @property
    def weights(self) -> tuple[float, ...]:
        """What each clause counts."""
        return (1.0,) if len(self.clauses) == 1 else (BEFORE_BUT, 1.0)

    @property
    def score(self) -> float:
        """The weighted sum of its clauses."""
        return sum(weight * clause.score for weight, clause in zip(self.weights, self.clauses, strict=True))


class Reason(NamedTuple):
    """A word that moves the score: start, end in code points.

    effect: by how much the score would fall if the word's work were undone: a polar word made neutral, a negation or a
    degree left out, the two sides of "but" counted alike. 0: the word works, but here it changes nothing.
    """

    start: int
    end: int
    role: Role
    effect: float


@dataclass(frozen=True, slots=True)
class Review:
    """A text, its label, its score, the words that cause it, and the derivation they come from."""

    text: str
    label: str
    score: float
    reasons: tuple[Reason, ...]
    sentences: tuple[Sentence, ...]

    @property
    def key(self) -> str:
        """A text is itself."""
        return self.text

    def row(self) -> dict[str, Any]:
        """Columns text, label, score, reasons ([[start, end, role, effect], …])."""
        return {
            "text": self.text,
            "label": self.label,
            "score": round(self.score, 6),
            "reasons": [[start, end, role, round(effect, 6)] for start, end, role, effect in self.reasons],
        }


@dataclass(frozen=True)
class Sentiment(World[Review]):
    """Reviews of n_sentences[0] … n_sentences[1] sentences; labels equally often.

    negation, comparison: shares of the clauses; contrast, facts: shares of the sentences. n_labels 3 adds "neutral":
    facts alone. Raises InputError for knobs out of range.
    """

    name: ClassVar[str] = "sentiment"
    what: ClassVar[str] = "short reviews, their labels by rule, the words that cause them"

    n_sentences: tuple[int, int] = (1, 4)
    negation: float = 0.3
    comparison: float = 0.15
    contrast: float = 0.25
    facts: float = 0.25
    n_labels: int = 2
    language: Language = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        check_language(self.language, self.name)
        low, high = self.n_sentences
        check(1 <= low <= high, f"n_sentences is {low} to {high}, must be 1 or more, in order", self.name)
        for knob in ("negation", "comparison", "contrast", "facts"):
            self.check_range(knob, 0, 1)
        check(self.facts < 1, "facts is 1: nothing would have a polarity", self.name)
        check(self.n_labels in (2, 3), f"n_labels is {self.n_labels}, must be 2 or 3", self.name)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, as they are written."""
        names = LABELS[self.language]
        return tuple(names[label] for label in names if self.n_labels == 3 or label != "neutral")

    def item(self, number: int) -> Review:
        """The review of this number."""
        random = draws(self.name, self.seed, number)
        wanted: Label = ("negative", "positive", "neutral")[random.below(self.n_labels)]
        topic = random.below(len(TOPICS["en"]))
        low, high = self.n_sentences
        while True:
            n = low + random.below(high - low + 1)
            sentences = self._derived(random, n, wanted == "neutral")
            score = sum(sentence.score for sentence in sentences)
            if wanted == "neutral" or (abs(score) >= LEAST_SCORE and (score > 0) == (wanted == "positive")):
                text, reasons = told(sentences, topic, self.language)
                return Review(text, LABELS[self.language][wanted], score, reasons, sentences)

    def _derived(self, random: Draws, n: int, is_neutral: bool) -> tuple[Sentence, ...]:
        # Dealt out like cards: nothing is judged or said twice in a review, as long as there are cards.
        aspects, facts = list[int](), list[int]()
        openers = random.some(range(len(OPENERS["en"])), len(OPENERS["en"]))
        sentences = list[Sentence]()
        for _ in range(n):
            if is_neutral or random.chance(self.facts):
                facts = facts or random.some(range(len(FACTS["en"])), len(FACTS["en"]))
                sentences.append(Sentence((Clause(0, word=facts.pop()),)))
                continue
            if len(aspects) < 2:
                aspects += random.some(range(len(TOPICS["en"][0])), len(TOPICS["en"][0]))
            opener = openers.pop() if openers and random.chance(0.5) else 0
            clause = self._clause(random, aspects.pop())
            if not random.chance(self.contrast):
                sentences.append(Sentence((clause,), opener))
                continue
            second = self._clause(random, aspects.pop())
            if (second.score > 0) == (clause.score > 0):
                second = second._replace(polarity=-second.polarity)
            sentences.append(Sentence((clause, second), opener))
        return tuple(sentences)

    def _clause(self, random: Draws, aspect: int) -> Clause:
        polarity = 1 if random.chance(0.5) else -1
        is_negated, is_comparison = random.chance(self.negation), random.chance(self.comparison)
        intensity = random.below(len(INTENSITIES))
        if is_negated:
            intensity = 2 * (intensity % 2)  # "not good" or "not very good"; "not a bit bad" would say more
        word = random.below(len(WORDS["en"][1]))
        return Clause(polarity, aspect, word, 0 if is_comparison else intensity, is_negated, is_comparison)


class Piece(NamedTuple):
    """A stretch of text, with what it does to the score where it does anything."""

    text: str
    role: Role | None = None
    effect: float = 0.0


def told(sentences: tuple[Sentence, ...], topic: int, language: Language) -> tuple[str, tuple[Reason, ...]]:
    """The derivation as text, and where its causes stand in it. topic: 0 … 4, whose aspects are named."""
    text, reasons = "", list[Reason]()
    for number, sentence in enumerate(sentences):
        if number and language == "en":
            text += " "
        for piece in _sentence(sentence, topic, language):
            if piece.role is not None:
                reasons.append(Reason(len(text), len(text) + len(piece.text), piece.role, piece.effect))
            text += piece.text
    return text, tuple(reasons)


def _sentence(sentence: Sentence, topic: int, language: Language) -> list[Piece]:
    is_english = language == "en"
    end = Piece("." if is_english else "。")
    first = sentence.clauses[0]
    if first.polarity == 0:
        return [Piece(FACTS[language][first.word]), end]
    opener = OPENERS[language][sentence.opener]
    the = "The " if not opener else "the "
    pieces = [Piece(opener + the if is_english else opener)]
    if len(sentence.clauses) == 1:
        return [*pieces, *_clause(first, 1.0, topic, language), end]
    before, after = sentence.weights
    effect = (before - 1) * first.score
    if is_english:
        contrast = [Piece(", "), Piece("but", "contrast", effect), Piece(" the ")]
    else:
        pieces.append(Piece("虽然"))
        contrast = [Piece("，"), Piece("但是", "contrast", effect)]
    left = _clause(first, before, topic, language)
    right = _clause(sentence.clauses[1], after, topic, language)
    return [*pieces, *left, *contrast, *right, end]


def _clause(clause: Clause, weight: float, topic: int, language: Language) -> list[Piece]:
    """From the aspect to the last word. weight: what the clause counts in its sentence."""
    aspect = TOPICS[language][topic][clause.aspect]
    undone = clause._replace(is_negated=False).score
    negation = weight * (clause.score - undone)
    worth = weight * clause.score
    if clause.is_comparison:
        word = Piece(COMPARED[language][clause.polarity], "polarity", worth)
        if language == "en":
            turned = [Piece("not", "negation", negation), Piece(" ")] if clause.is_negated else []
            return [Piece(f"{aspect} was "), *turned, word, Piece(" than last time")]
        turned = [Piece("并不", "negation", negation)] if clause.is_negated else []
        return [Piece(aspect), *turned, Piece("比上次"), word]
    word = Piece(WORDS[language][clause.polarity][clause.word], "polarity", worth)
    degree = DEGREES[language][clause.polarity][clause.intensity]
    by_degree = weight * (clause.score - clause._replace(intensity=0).score)
    if language == "en":
        pieces = [Piece(f"{aspect} was ")]
        if clause.is_negated:
            pieces += [Piece("not", "negation", negation), Piece(" ")]
        if degree:
            pieces += [Piece(degree, "intensity", by_degree), Piece(" ")]
        return [*pieces, word]
    if clause.is_negated:
        strong = [Piece(degree, "intensity", by_degree)] if clause.intensity else []
        return [Piece(aspect), Piece("算不上" if clause.intensity else "并不", "negation", negation), *strong, word]
    role: Role | None = "intensity" if clause.intensity else None
    return [Piece(aspect), Piece(degree, role, by_degree), word]
