"""Documents -> the same documents with planted copies, and who copies whom. Room: text/ (worlds).

For measuring what finds duplicates: exact copies, copies that are equal once normalised (case, blanks, width of signs),
and near copies with one word in n changed. Copies come later than what they copy, and never of copies.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice
from typing import Any, ClassVar, Literal

from textmill.text.languages import HAN
from textmill.text.normalise import normalised
from textmill.text.worlds.draws import Draws, draws
from textmill.text.worlds.spelling import most_words, words
from textmill.text.worlds.stories import Stories
from textmill.text.worlds.world import Language, World, check, check_language

CopyKind = Literal["exact", "normalised", "near"]
COPY_KINDS: tuple[CopyKind, ...] = ("exact", "normalised", "near")
N_TRIES = 8
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}  # ASCII signs -> their full-width forms


@dataclass(frozen=True, slots=True)
class Copied:
    """A document that comes out. number: its place, from 0. source: the number of what it copies; None: an original.

    given: the number of the original among the documents that went in. changed: the words that a near copy changed, as
    (start, end) in code points of its own text.
    """

    number: int
    text: str
    given: int
    source: int | None = None
    kind: CopyKind | None = None
    changed: tuple[tuple[int, int], ...] = ()

    @property
    def key(self) -> str:
        """A copy stands on the side of its original."""
        return f"document {self.given}"

    def row(self) -> dict[str, Any]:
        """Columns text, number, copy_of (a number or null), kind (or null)."""
        return {"text": self.text, "number": self.number, "copy_of": self.source, "kind": self.kind}


@dataclass(frozen=True)
class Copies(World[Copied]):
    """Stories with copies among them: `plant`, whose knobs these are, over an endless row of stories of the same seed.

    Copies follow their originals, so the number of an item is the number of steps to it.
    """

    name: ClassVar[str] = "copies"
    what: ClassVar[str] = "stories with exact, normalised and near copies among them"

    share: float = 0.4
    kinds: tuple[CopyKind, ...] = COPY_KINDS
    one_in: int = 30
    least_words: int = 1
    most_delay: int = 100
    language: Language = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        check_language(self.language, self.name)
        self._planted(())

    def item(self, number: int) -> Copied:
        """The document of this number."""
        return next(self.items(1, number))

    def items(self, n: int, start: int = 0) -> Iterator[Copied]:
        """Documents start … start + n - 1, one at a time."""
        stories = Stories(language=self.language, seed=self.seed)
        return islice(self._planted(stories.item(number).text for number in count()), start, start + n)

    def group_of(self, row: Mapping[str, Any]) -> str:
        """The original."""
        return f"{self} {row['number'] if row['copy_of'] is None else row['copy_of']}"

    def _planted(self, documents: Iterable[str]) -> Iterator[Copied]:
        return plant(
            documents,
            share=self.share,
            kinds=self.kinds,
            one_in=self.one_in,
            least_words=self.least_words,
            most_delay=self.most_delay,
            seed=self.seed,
        )


def plant(
    documents: Iterable[str],
    *,
    share: float = 0.4,
    kinds: tuple[CopyKind, ...] = COPY_KINDS,
    one_in: int = 30,
    least_words: int = 1,
    most_delay: int = 1000,
    seed: int = 0,
) -> Iterator[Copied]:
    """The documents in their order, with copies among them.

    share: of what comes out, copies, on average, up to a half; each document is copied at most once. kinds: equally
    often. one_in: a near copy changes one word in so many, at least one; a word is a run of letters and digits, or a
    Chinese character. least_words: shorter documents are not copied (and the share is of the others). most_delay: a
    copy comes at most so many originals later; so many are held in memory. Raises InputError for knobs out of range.
    """
    name = "copies"
    check(0 <= share <= 0.5, f"share is {share}, must be 0 to 0.5", name)
    unknown = [kind for kind in kinds if kind not in COPY_KINDS]
    check(bool(kinds) and not unknown, f"kinds {unknown} are unknown (there are: {', '.join(COPY_KINDS)})", name)
    for knob, value in (("one_in", one_in), ("least_words", least_words), ("most_delay", most_delay)):
        check(value >= 1, f"{knob} is {value}, must be at least 1", name)
    return _plant(documents, share / (1 - share), kinds, one_in, least_words, most_delay, seed)


def _plant(
    documents: Iterable[str],
    probability: float,
    kinds: tuple[CopyKind, ...],
    one_in: int,
    least_words: int,
    most_delay: int,
    seed: int,
) -> Iterator[Copied]:
    number = 0
    waiting: list[tuple[int, int, Copied]] = []
    for given, text in enumerate(documents):
        while waiting and waiting[0][0] <= given:
            yield _numbered(heapq.heappop(waiting)[2], number)
            number += 1
        yield Copied(number, text, given)
        random = draws("copies", seed, given)
        if random.chance(probability):
            found = list(_word().finditer(text))
            if len(found) >= least_words:
                kind = random.pick(kinds)
                changed: tuple[tuple[int, int], ...] = ()
                copy = text
                if kind == "normalised":
                    copy = _written_otherwise(text, random)
                elif kind == "near":
                    copy, changed = _near(text, found, max(1, len(found) // one_in), random)
                due = given + 1 + random.below(most_delay)
                heapq.heappush(waiting, (due, given, Copied(-1, copy, given, number, kind, changed)))
        number += 1
    while waiting:
        yield _numbered(heapq.heappop(waiting)[2], number)
        number += 1


def _numbered(copy: Copied, number: int) -> Copied:
    return Copied(number, copy.text, copy.given, copy.source, copy.kind, copy.changed)


def _written_otherwise(text: str, random: Draws) -> str:
    """Equal once normalised, never before: words in capitals or full width, blanks doubled, one at the end."""

    def changed(match: re.Match[str]) -> str:
        word, fate = match[0], random.random()
        if fate < 0.1:
            return "".join(letter.upper() if letter.isascii() else letter for letter in word)
        if fate < 0.2:
            return word.translate(WIDE)
        if fate < 0.3 and word.isspace():
            return word + word
        return word

    return re.sub(r"\s+|\S+", changed, text) + " "


def _near(
    text: str, found: list[re.Match[str]], n_changes: int, random: Draws
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text with n_changes words replaced by others, of the document where it has others, and where these stand."""
    pieces, changed, end, length = list[str](), list[tuple[int, int]](), 0, 0
    for place in sorted(random.some(range(len(found)), n_changes)):
        word = found[place]
        other = _another(word[0], found, random)
        pieces += [text[end : word.start()], other]
        start = length + word.start() - end
        end, length = word.end(), start + len(other)
        changed.append((start, length))
    return "".join([*pieces, text[end:]]), tuple(changed)


def _another(word: str, found: list[re.Match[str]], random: Draws) -> str:
    # A Chinese character for a Chinese character: a word beside another would run into it.
    is_han, own = _is_han(word), normalised(word)
    for _ in range(N_TRIES):
        other = random.pick(found)[0]
        if _is_han(other) == is_han and normalised(other) != own:
            return other
    language: Literal["en", "zh"] = "zh" if is_han else "en"
    made_up = words(most_words(language), language)
    place = random.below(len(made_up))
    return made_up[place] if made_up[place] != own else made_up[place - 1]


def _is_han(word: str) -> bool:
    return any(first <= ord(word[0]) <= last for first, last in HAN)


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    han = "".join(f"{chr(first)}-{chr(last)}" for first, last in HAN)
    return re.compile(rf"[{han}]|[^\W_{han}]+")
