"""A seed -> pages of facts about invented things, and questions whose answers are known or known to be absent. Room:
text/ (worlds).

A page is about a product, a town or a person, and mentions two others of the kind. Some of its relations are told, in
prose among sentences of no matter, by name or by a word that stands for it under the heading. For each page there are
questions on what it tells, and questions that nothing answers: the page's subject without that relation, another one of
which only that is not told, a name that no page has. The same relation of others, and other relations of the same, are
all around. Names are invented and unique: page i owns the names 4i to 4i + 3.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from textmill.text.worlds.draws import Draws, draws
from textmill.text.worlds.fact_words import (
    CHARACTERS,
    FEW,
    FILLERS,
    GIVEN,
    HANDS,
    PROFESSIONS,
    RELATIONS,
    SURNAMES,
    THEMES,
    UNNAMED,
    WEEKDAYS,
    Hand,
    Theme,
)
from textmill.text.worlds.world import Language, World, Written, check, check_language, into_new_folder

Kind = Literal["told", "told-of-another", "not-told", "not-told-of-another", "unknown-name"]
N_NAMES = 4
N_TOLD = 3
CONSONANTS, VOWELS, ENDS = "bdfgklmnprstvz", "aeiou", "klmnrs"
DOCUMENTS, QUESTIONS = "documents", "questions"


class FactQuestion(NamedTuple):
    """A question on a page. answer "": nothing in any page answers it; else page.text[start:end] is the answer."""

    question: str
    answer: str
    start: int
    end: int
    kind: Kind
    relation: str
    in_other_words: bool


@dataclass(frozen=True, slots=True)
class FactPage:
    """A page: a heading and prose, and the questions on it."""

    name: str
    text: str
    questions: tuple[FactQuestion, ...]

    @property
    def key(self) -> str:
        """A text is itself."""
        return self.text

    def row(self) -> dict[str, Any]:
        """Columns text, title, and questions, a list of {question, answer, start, end, kind, …}."""
        return {"text": self.text, "title": self.name, "questions": [one._asdict() for one in self.questions]}


@dataclass(frozen=True)
class Facts(World[FactPage]):
    """Pages about invented things. Raises InputError for knobs out of range.

    unnamed: share of the sentences on a page's own subject that do not name it. hand: whose words the questions use;
    what is tuned on one can be measured on the other.
    """

    name: ClassVar[str] = "facts"
    what: ClassVar[str] = "pages of facts about invented things, and questions that they answer or do not"
    files: ClassVar[dict[str, str]] = {DOCUMENTS: "documents", QUESTIONS: "questions.jsonl"}
    next_command: ClassVar[str] = "textmill ask {folder}/documents --questions {folder}/questions.jsonl"

    unnamed: float = 0.5
    hand: Hand = "one"
    language: Language = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        check_language(self.language, self.name)
        check(self.hand in HANDS, f"no hand '{self.hand}' (there are: {', '.join(HANDS)})", self.name)
        self.check_range("unnamed", 0, 1)

    def item(self, number: int) -> FactPage:
        """The page of this number."""
        random = draws(self.name, self.seed, number)
        theme = random.pick(THEMES)
        own, *others = (self._named(theme, N_NAMES * number + place) for place in range(N_NAMES - 1))
        relations = random.some(tuple(RELATIONS[self.language][theme]), len(RELATIONS[self.language][theme]))
        told, untold = relations[:N_TOLD], relations[N_TOLD:]
        # One other is told to have what the page's own subject is not told to have, the other something that it has.
        facts = [(own, relation) for relation in told] + [(others[0], untold[0]), (others[1], told[0])]
        sentences = [self._sentence(random, theme, name, relation, name == own) for name, relation in facts]
        text, places = self._page(random, theme, own, sentences)
        present: list[tuple[int, Kind]] = [(0, "told"), (1, "told"), (3, "told-of-another")]
        questions = [
            self._asked(random, theme, *facts[which], kind, value, place)
            for which, kind in present
            for value, place in [(sentences[which][1], places[which])]
        ]
        absent: list[tuple[str, str, Kind]] = [
            (own, untold[0], "not-told"),
            (others[1], told[1], "not-told-of-another"),
            (self._named(theme, N_NAMES * number + N_NAMES - 1), told[0], "unknown-name"),
        ]
        questions += [self._asked(random, theme, name, relation, kind) for name, relation, kind in absent]
        return FactPage(own, text, tuple(questions))

    def write(self, n: int, folder: Path) -> Written:
        """Write a file for each page under documents/, and all questions into questions.jsonl, an object a line.

        A question has `answers` ([]: nothing answers it) and, where there is one, `source`, the file under documents/,
        with `start` and `end` in its code points. Raises InputError where the folder has content.
        """
        n_questions = 0
        with into_new_folder(folder) as unfinished:
            (unfinished / self.files[DOCUMENTS]).mkdir()
            with (unfinished / self.files[QUESTIONS]).open("w", encoding="utf-8", newline="") as questions:
                for number, page in enumerate(self.items(n)):
                    file = f"{number:05d}.md"
                    (unfinished / self.files[DOCUMENTS] / file).write_text(page.text, encoding="utf-8", newline="")
                    for one in page.questions:
                        row: dict[str, Any] = {"question": one.question, "answers": [one.answer] if one.answer else []}
                        if one.answer:
                            row |= {"source": file, "start": one.start, "end": one.end}
                        questions.write(json.dumps({**row, "kind": one.kind}, ensure_ascii=False) + "\n")
                        n_questions += 1
        return Written(
            {part: folder / name for part, name in self.files.items()}, {DOCUMENTS: n, QUESTIONS: n_questions}
        )

    def _named(self, theme: Theme, number: int) -> str:
        """The name of this number, which no other number has. Raises InputError past the last there is."""
        if self.language == "en":
            firsts = [c + v for c in CONSONANTS for v in VOWELS]
            lasts = [one + end for one in firsts for end in ENDS]
            one, two, three = self._spelt(number, (len(firsts), len(firsts), len(lasts)))
            # Always three syllables of seven letters: equal letters mean equal syllables.
            name = (firsts[one] + firsts[two] + lasts[three]).capitalize()
            return f"{GIVEN[number % len(GIVEN)]} {name}" if theme == "person" else name
        places = self._spelt(number, tuple(len(characters) for characters in CHARACTERS[:3]))
        name = "".join(characters[place] for characters, place in zip(CHARACTERS, places, strict=False))
        if theme == "person":
            return SURNAMES[number % len(SURNAMES)] + name
        return name + ("镇" if theme == "town" else "")

    def _spelt(self, number: int, sizes: tuple[int, ...]) -> list[int]:
        """A number as digits of these sizes, after a walk through all of them in an order that the seed decides."""
        total = 1
        for size in sizes:
            total *= size
        check(number < total, f"there are names for {total // N_NAMES:,} pages only", self.name)
        # 7919 shares no factor with the sizes (2, 3, 5, 7 and 11 at most), so the walk visits each number once.
        left = (number * 7919 + draws(self.name, "names", self.seed).below(total)) % total
        digits = []
        for size in reversed(sizes):
            left, digit = divmod(left, size)
            digits.append(digit)
        return digits[::-1]

    def _sentence(
        self, random: Draws, theme: Theme, name: str, relation: str, is_own: bool
    ) -> tuple[str, str, tuple[int, int]]:
        """A sentence, its value, and where that stands in it."""
        telling = RELATIONS[self.language][theme][relation]
        value = VALUES[telling.value](random, self.language)
        template = random.pick(telling.told)
        is_named = not is_own or not random.chance(self.unnamed)
        start, within = (name, name) if is_named else UNNAMED[self.language][theme]
        before, after = (part.format(S=start, s=within) for part in template.split("{v}"))
        return before + value + after, value, (len(before), len(before) + len(value))

    def _page(
        self, random: Draws, theme: Theme, own: str, sentences: list[tuple[str, str, tuple[int, int]]]
    ) -> tuple[str, list[tuple[int, int]]]:
        """The text, and where each value stands in it. The page's own facts come first, so that "the device" is it."""
        fillers = random.some(FILLERS[self.language][theme], 5)
        own_part = list[int | str](random.some((*range(N_TOLD), *fillers[:3]), N_TOLD + 3))
        other_part = list[int | str](random.some((*range(N_TOLD, len(sentences)), *fillers[3:]), len(sentences) - 1))
        blank = " " if self.language == "en" else ""
        text, places = f"# {own}\n\n", dict[int, tuple[int, int]]()
        for part, end in ((own_part[:3], "\n\n"), (own_part[3:], "\n\n"), (other_part, "\n")):
            for number, piece in enumerate(part):
                text += blank if number else ""
                if isinstance(piece, int):
                    sentence, _, (start, stop) = sentences[piece]
                    places[piece] = (len(text) + start, len(text) + stop)
                    text += sentence
                else:
                    text += piece
            text += end
        return text, [places[number] for number in range(len(sentences))]

    def _asked(
        self,
        random: Draws,
        theme: Theme,
        name: str,
        relation: str,
        kind: Kind,
        value: str = "",
        place: tuple[int, int] = (0, 0),
    ) -> FactQuestion:
        which = random.below(2)
        question = RELATIONS[self.language][theme][relation].asked[self.hand][which].format(e=name)
        return FactQuestion(question, value, *place, kind, relation, which == 1)


def _person(random: Draws, language: str) -> str:
    if language == "en":
        surname = random.pick(CONSONANTS).upper() + random.pick(VOWELS) + random.pick(ENDS) + random.pick(("a", "o"))
        return f"{random.pick(GIVEN)} {surname}"
    return random.pick(SURNAMES) + random.pick(CHARACTERS[3]) + random.pick(CHARACTERS[3])


def _year(random: Draws, language: str) -> str:
    return f"{1820 + random.below(200)}" + ("年" if language == "zh" else "")


def _town(random: Draws, language: str) -> str:
    if language == "en":
        return (random.pick(CONSONANTS) + random.pick(VOWELS) + random.pick(ENDS)).capitalize() + random.pick(
            ("ford", "ton", "haven")
        )
    return random.pick(CHARACTERS[3]) + random.pick(CHARACTERS[2]) + random.pick("城港县")


def _river(random: Draws, language: str) -> str:
    if language == "en":
        return (random.pick(CONSONANTS) + random.pick(VOWELS) + random.pick(ENDS)).capitalize() + random.pick(
            ("ra", "la", "ne")
        )
    return random.pick(CHARACTERS[3]) + random.pick(CHARACTERS[1]) + "河"


def _number(least: int, most: int, step: int, unit: dict[str, str]) -> Callable[[Draws, str], str]:
    """least, least + step … below most, with its unit."""

    def number(random: Draws, language: str) -> str:
        return f"{least + step * random.below((most - least) // step)}{unit[language]}"

    return number


VALUES: dict[str, Callable[[Draws, str], str]] = {
    "months": _number(6, 66, 6, {"en": " months", "zh": "个月"}),
    "kilograms": _number(2, 60, 1, {"en": " kilograms", "zh": "公斤"}),
    "money": _number(40, 900, 10, {"en": " euros", "zh": "元"}),
    "hours": _number(2, 40, 1, {"en": " hours", "zh": "小时"}),
    "metres": _number(30, 2500, 10, {"en": " metres", "zh": "米"}),
    "thousands": _number(1200, 90000, 100, {"en": "", "zh": ""}),
    "few": lambda random, language: random.pick(FEW[language]),
    "weekday": lambda random, language: random.pick(WEEKDAYS[language]),
    "profession": lambda random, language: random.pick(PROFESSIONS[language]),
    "person": _person,
    "year": _year,
    "town": _town,
    "river": _river,
}
"""Kind of value -> one of them, in a language."""
