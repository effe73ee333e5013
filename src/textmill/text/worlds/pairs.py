"""A seed -> a sentence in English and in Chinese, with the words that stand for each other. Room: text/ (worlds).

A synchronous grammar (Aho and Ullman 1969): each rule writes both sides at once, so the translation is known, and so is
the word alignment. What differs: time, place and manner stand behind the object in English and before the verb in
Chinese; relative clauses follow their noun or precede it; Chinese has classifiers and aspect particles where English
has number, tense and agreement; what is given moves before the verb (把); reasons come last or first.
English follows from Chinese: a Chinese sentence has one English side. The other way round only without ambiguous words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

from textmill.text.worlds.draws import Draws, draws
from textmill.text.worlds.lexicon import (
    ADJECTIVES,
    AMBIGUOUS,
    GIVING,
    MANNERS,
    NAMES,
    NOUNS,
    NUMBERS,
    OWNERS,
    PLACES,
    PRONOUNS,
    PUNCTUAL,
    SAYING,
    TIMES,
    VERBS,
    Noun,
    Verb,
)
from textmill.text.worlds.world import World, check

Direction = Literal["en-zh", "zh-en"]
DIRECTIONS: tuple[Direction, ...] = ("en-zh", "zh-en")
Tense = Literal["past", "future", "progressive", "habit", "perfect"]
TENSES: tuple[Tense, ...] = ("past", "past", "past", "future", "progressive", "habit", "perfect")
Agreement = Literal["I", "one", "many"]
ARTICLE = "a"  # until the next word is known


class Word(NamedTuple):
    """A word and the part of the derivation that it writes: words of one part stand for each other."""

    text: str
    part: int


class Phrase(NamedTuple):
    """Both sides of a part of the derivation, and what a verb agrees with."""

    english: list[Word]
    chinese: list[Word]
    agreement: Agreement = "one"


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and its translation. alignment: (word of the source, word of the target), from 0, sorted; every word
    of either side is in it, full stops included."""

    source: str
    target: str
    source_words: tuple[str, ...]
    target_words: tuple[str, ...]
    alignment: tuple[tuple[int, int], ...]
    english: str

    @property
    def key(self) -> str:
        """The English side: sentences that share a side stand on one side of a split."""
        return self.english

    def row(self) -> dict[str, Any]:
        """Columns source, target, source_words, target_words, alignment."""
        return {
            "source": self.source,
            "target": self.target,
            "source_words": list(self.source_words),
            "target_words": list(self.target_words),
            "alignment": [list(pair) for pair in self.alignment],
        }


@dataclass(frozen=True)
class Pairs(World[Pair]):
    """Sentence pairs. depth: clauses inside each other, at most (0: none). modifiers: share of nouns with an adjective
    and of clauses with each adverbial. ambiguity: share of the nouns that mean two things in English (bat, crane …), of
    which the verb decides. Raises InputError for knobs out of range."""

    name: ClassVar[str] = "pairs"
    what: ClassVar[str] = (
        "sentences in English and Chinese, with the words that stand for each other (--data.text source)"
    )

    direction: Direction = "en-zh"
    depth: int = 1
    modifiers: float = 0.35
    ambiguity: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        known = ", ".join(DIRECTIONS)
        check(self.direction in DIRECTIONS, f"no direction '{self.direction}' (there are: {known})", self.name)
        self.check_range("depth", 0, 8)
        for knob in ("modifiers", "ambiguity"):
            self.check_range(knob, 0, 1)

    def group_of(self, row: Mapping[str, Any]) -> str:
        """The English side."""
        return str(row["source" if self.direction == "en-zh" else "target"])

    def item(self, number: int) -> Pair:
        """The pair of this number."""
        grammar = Grammar(draws(self.name, self.seed, number), self.modifiers, self.ambiguity)
        phrase = grammar.text(self.depth)
        stop = grammar.part()
        english = [*phrase.english, Word(".", stop)]
        chinese = [*phrase.chinese, Word("。", stop)]
        english_words = spelled_english(english)
        english_text = " ".join(english_words[:-1]) + "."
        chinese_text = "".join(word.text for word in chinese)
        source, target = (english, chinese) if self.direction == "en-zh" else (chinese, english)
        sides = [(english_text, english_words), (chinese_text, tuple(word.text for word in chinese))]
        if self.direction == "zh-en":
            sides.reverse()
        return Pair(
            source=sides[0][0],
            target=sides[1][0],
            source_words=sides[0][1],
            target_words=sides[1][1],
            alignment=aligned(source, target),
            english=english_text,
        )


def spelled_english(words: list[Word]) -> tuple[str, ...]:
    """a or an, and a capital at the beginning."""
    found = [word.text for word in words]
    for place, text in enumerate(found):
        if text == ARTICLE and sounds_like_a_vowel(found[place + 1]):
            found[place] = "an"
    found[0] = found[0][0].upper() + found[0][1:]
    return tuple(found)


def sounds_like_a_vowel(word: str) -> bool:
    """Whether a word of the lexicon begins with a vowel to the ear: an honest, a useful."""
    return word == "honest" or (word[0] in "aeiou" and word != "useful")


def aligned(source: list[Word], target: list[Word]) -> tuple[tuple[int, int], ...]:
    """The places of words that write the same part."""
    places = dict[int, list[int]]()
    for place, word in enumerate(target):
        places.setdefault(word.part, []).append(place)
    return tuple((i, j) for i, word in enumerate(source) for j in places.get(word.part, ()))


class Grammar:
    """The rules. Each method draws what it needs and gives both sides of one kind of phrase."""

    def __init__(self, random: Draws, modifiers: float, ambiguity: float):
        self.random, self.modifiers, self.ambiguity = random, modifiers, ambiguity
        self.n_parts = 0

    def part(self) -> int:
        """The number of a new part."""
        self.n_parts += 1
        return self.n_parts - 1

    def both(self, pair: tuple[str, str]) -> Phrase:
        """An entry of the lexicon whose English may have several words."""
        part = self.part()
        return Phrase([Word(word, part) for word in pair[0].split()], [Word(pair[1], part)])

    def text(self, depth: int) -> Phrase:
        """A sentence; with depth also "S because S" (因为 S，所以 S) and "X said that S"."""
        random = self.random
        if depth and random.chance(0.15):
            main, reason, part = self.clause(depth - 1), self.clause(depth - 1), self.part()
            return Phrase(
                [*main.english, Word("because", part), *reason.english],
                [Word("因为", part), *reason.chinese, Word("，", part), Word("所以", part), *main.chinese],
            )
        if depth and random.chance(0.15):
            who, verb, part = self.subject(0), random.pick(SAYING), self.part()
            said = self.text(depth - 1)
            form = verb.base if who.agreement != "one" else verb.third
            return Phrase(
                [*who.english, Word(form, part), Word("that", part), *said.english],
                [*who.chinese, Word(verb.chinese, part), *said.chinese],
            )
        return self.clause(depth)

    def clause(self, depth: int) -> Phrase:
        """Subject, verb, object, and where there are some: manner, place, time."""
        random = self.random
        tense = random.pick(TENSES)
        subject = self.subject(depth)
        if random.chance(0.15) and tense in ("past", "future"):
            verb = random.pick(GIVING)
            thing, person = self.noun_phrase("thing", 0, is_definite=True), self.noun_phrase("person", 0)
        else:
            verb = random.pick(VERBS)
            thing, person = self.noun_phrase(verb.object_class, depth), None
        is_punctual = verb.base in PUNCTUAL
        if is_punctual and tense == "progressive":
            tense = "past"
        is_negated = tense in ("past", "future") and random.chance(0.2)
        has_manner = not is_negated and not is_punctual and random.chance(self.modifiers / 2)
        manner = self.both(random.pick(MANNERS)) if has_manner else None
        place = self.both(random.pick(PLACES)) if random.chance(self.modifiers) else None
        time = self.both(random.pick(TIMES[tense])) if tense in TIMES and random.chance(self.modifiers) else None
        verb_part, tense_part = self.part(), self.part()
        helper, form = english_verb(verb, tense, subject.agreement, is_negated)
        before, after = chinese_aspect(tense, is_negated, place is not None)
        # Past and perfect of one word: the particle stands for nothing but the form of the verb.
        tense_part = tense_part if helper and (before or after) else verb_part

        english = [*subject.english, *(Word(word, tense_part) for word in helper), Word(form, verb_part)]
        english += thing.english
        chinese = [*subject.chinese, *(time.chinese if time else ())]
        chinese += [Word(before, tense_part)] if before else []
        chinese += [*(place.chinese if place else ()), *(manner.chinese if manner else ())]
        said = [Word(verb.chinese, verb_part), *([Word(after, tense_part)] if after else [])]
        if person is None:
            chinese += [*said, *thing.chinese]
        else:
            english += [Word("to", verb_part), *person.english]
            # 没有 and 会 stand before 把, not before the verb.
            chinese += [Word("把", verb_part), *thing.chinese, *said, *person.chinese]
        for adverbial in (manner, place, time):
            english += adverbial.english if adverbial else []
        return Phrase(english, chinese)

    def subject(self, depth: int) -> Phrase:
        """A pronoun, a name, or a person."""
        fate = self.random.random()
        if fate < 0.25:
            english, chinese = self.random.pick(PRONOUNS)
            part = self.part()
            agreement: Agreement = "I" if english == "I" else "many" if english in ("you", "we", "they") else "one"
            return Phrase([Word(english, part)], [Word(chinese, part)], agreement)
        if fate < 0.45:
            return self.both(self.random.pick(NAMES))
        return self.noun_phrase("person", depth)

    def noun_phrase(self, kind: str, depth: int, is_definite: bool = False) -> Phrase:
        """Determiner, adjective, noun, relative clause. In Chinese the clause follows the determiner of a person, and
        precedes that of anything else: 那位买了书的老师, 玛丽买的那本书."""
        random = self.random
        noun, noun_part = self.noun(kind), self.part()
        determiner = self.determiner(noun, noun_part, is_definite)
        is_many = determiner.agreement == "many"
        adjective = relative = None
        if random.chance(self.modifiers):
            english, chinese = random.pick(ADJECTIVES[kind])
            part = self.part()
            adjective = Phrase([Word(english, part)], [Word(chinese, part), Word("的", part)])
        if depth and random.chance(0.4):
            relative = self.relative(kind, depth - 1, determiner.agreement)
        return Phrase(
            [
                *determiner.english,
                *(adjective.english if adjective else ()),
                Word(noun.many if is_many else noun.one, noun_part),
                *(relative.english if relative else ()),
            ],
            [
                *(relative.chinese if relative and kind != "person" else ()),
                *determiner.chinese,
                *(relative.chinese if relative and kind == "person" else ()),
                *(adjective.chinese if adjective else ()),
                Word(noun.chinese, noun_part),
            ],
            determiner.agreement,
        )

    def noun(self, kind: str) -> Noun:
        """A noun of the class, by the share of ambiguity an ambiguous one."""
        if self.ambiguity and kind in AMBIGUOUS and self.random.chance(self.ambiguity):
            return self.random.pick(AMBIGUOUS[kind])
        return self.random.pick(NOUNS[kind])

    def determiner(self, noun: Noun, noun_part: int, is_definite: bool) -> Phrase:
        """the (nothing), this (这 + classifier), these (这些), a, two …, every, my."""
        random, part = self.random, self.part()
        fate = random.below(6 if is_definite else 10)
        if fate < 2:
            return Phrase([Word("the", noun_part)], [])
        if fate == 2:
            return self.both(random.pick(OWNERS))
        near = random.chance(0.5)
        if fate == 3 or fate == 4:
            english, chinese = ("this", "这") if near else ("that", "那")
            return Phrase([Word(english, part)], [Word(chinese, part), Word(noun.classifier, part)])
        if fate == 5:
            return Phrase([Word("these" if near else "those", part)], [Word("这些" if near else "那些", part)], "many")
        if fate == 6:
            return Phrase([Word("every", part)], [Word("每", part), Word(noun.classifier, part)])
        if fate == 7:
            english, chinese = random.pick(NUMBERS)
            return Phrase([Word(english, part)], [Word(chinese, part), Word(noun.classifier, part)], "many")
        return Phrase([Word(ARTICLE, part)], [Word("一", part), Word(noun.classifier, part)])

    def relative(self, kind: str, depth: int, agreement: Agreement) -> Phrase:
        """For persons "that bought a book" (买了一本书的), for others "that Mary bought" (玛丽买的)."""
        random, part, verb_part = self.random, self.part(), self.part()
        if kind == "person":
            verb = random.pick(VERBS)
            thing = self.noun_phrase(verb.object_class, depth)
            return Phrase(
                [Word("that", part), Word(verb.past, verb_part), *thing.english],
                [Word(verb.chinese, verb_part), Word("了", verb_part), *thing.chinese, Word("的", part)],
                agreement,
            )
        verb = random.pick([verb for verb in VERBS if verb.object_class == kind])
        who = self.subject(0)
        return Phrase(
            [Word("that", part), *who.english, Word(verb.past, verb_part)],
            [*who.chinese, Word(verb.chinese, verb_part), Word("的", part)],
            agreement,
        )


def english_verb(verb: Verb, tense: Tense, agreement: Agreement, is_negated: bool) -> tuple[list[str], str]:
    """The words before the verb, and its form."""
    is_one = agreement == "one"
    if tense == "future":
        return ["will", "not"] if is_negated else ["will"], verb.base
    if tense == "progressive":
        return [{"I": "am", "one": "is", "many": "are"}[agreement]], verb.progressive
    if tense == "perfect":
        return ["has" if is_one else "have"], verb.perfect
    if tense == "habit":
        return ["often"], verb.third if is_one else verb.base
    return (["did", "not"], verb.base) if is_negated else ([], verb.past)


def chinese_aspect(tense: Tense, is_negated: bool, has_place: bool) -> tuple[str, str]:
    """What stands before place and verb, and the particle behind the verb; "" for nothing."""
    if tense == "future":
        return "不会" if is_negated else "会", ""
    if tense == "progressive":
        return "正" if has_place else "正在", ""  # the place brings its own 在
    if tense == "perfect":
        return "", "过"
    if tense == "habit":
        return "常常", ""
    return ("没有", "") if is_negated else ("", "了")
