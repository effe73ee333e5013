"""The form of a poem, and the texts that keep it, character by character. Room: generation/ (weights -> text).

Form is what a person asks for: how long each line is, which lines rhyme, how lines begin. Verse is an automaton over
characters whose every path ends in a text of that form: where it stands, `options` are the characters that may come
next, and each of them leads on to an end. by_characters.py turns that into tokens; both know nothing of models.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

from textmill.errors import InputError, UsageError
from textmill.text.verse import VerseHabits

MOST_LINES, MOST_UNITS = 1000, 1000
FREE = "x"
EVEN = "even"
"""The scheme of regulated verse: all even lines rhyme, the others are free."""


@dataclass(frozen=True)
class Form:
    """What a poem must be."""

    lengths: tuple[int, ...]
    """Characters, or words, of each line."""
    rhymes: tuple[str, ...] = ()
    """The letter of each line: lines of one letter rhyme, those of different ones do not; x is free. (): all are."""
    acrostic: str = ""
    """The first character of each of the first lines."""

    @classmethod
    def of(cls, form: str, rhyme: str | None = None, acrostic: str | None = None) -> Form:
        """As it is said: 5x4 (lines of 5, 4 of them) or 7,5,7,5; even or AABA; 春夏秋冬. Raises UsageError.

        >>> Form.of("5x4", "even"), Form.of("7,5", acrostic="春")
        (Form(lengths=(5, 5, 5, 5), rhymes=('x', 'A', 'x', 'A'), acrostic=''), Form(lengths=(7, 5), rhymes=(), \
acrostic='春'))
        """
        lengths = _lengths(form)
        rhymes = () if rhyme is None else _scheme(rhyme, len(lengths))
        acrostic = acrostic or ""
        if len(acrostic) > len(lengths):
            raise UsageError(
                f"the acrostic '{acrostic}' has {len(acrostic)} characters, and the form {form} has "
                f"{len(lengths)} {'line' if len(lengths) == 1 else 'lines'}",
                where="--acrostic",
                hint=f"Give at most {len(lengths)}, or ask for more lines.",
            )
        for character in acrostic:
            if not character.isalnum():
                raise UsageError(
                    f"no line can begin with '{character}', which is neither a letter nor a digit", where="--acrostic"
                )
        return cls(lengths, rhymes, acrostic)

    def __str__(self) -> str:
        """As it could be said.

        >>> str(Form.of("5x4", "even", "春夏秋冬"))
        '5,5,5,5 --rhyme xAxA --acrostic 春夏秋冬'
        """
        said = [",".join(map(str, self.lengths))]
        said += [f"--rhyme {''.join(self.rhymes)}"] if self.rhymes else []
        return " ".join([*said, f"--acrostic {self.acrostic}"] if self.acrostic else said)

    @property
    def letters(self) -> Counter[str]:
        """Lines of each letter that binds."""
        return Counter(letter for letter in self.rhymes if letter != FREE)


def _lengths(form: str) -> tuple[int, ...]:
    said = form.strip().replace("×", "x").replace("X", "x").replace("，", ",")
    if product := re.fullmatch(r"(\d+)\s*x\s*(\d+)", said, re.ASCII):
        length, n_lines = int(product[1]), int(product[2])
        if 0 < n_lines <= MOST_LINES and 0 < length <= MOST_UNITS:
            return (length,) * n_lines
    elif re.fullmatch(r"\d+(\s*,\s*\d+)*", said, re.ASCII):
        lengths = tuple(map(int, said.split(",")))
        if len(lengths) <= MOST_LINES and all(0 < length <= MOST_UNITS for length in lengths):
            return lengths
    else:
        raise UsageError(
            f"'{form}' is no form",
            where="--form",
            hint="Say 5x4 for four lines of five, or the length of each line: 7,5,7,5.",
        )
    raise UsageError(
        f"the form '{form}' cannot be met: a poem has 1 to {MOST_LINES} lines, and a line 1 to {MOST_UNITS} characters "
        "or words",
        where="--form",
    )


def _scheme(rhyme: str, n_lines: int) -> tuple[str, ...]:
    if rhyme.casefold() == EVEN:
        scheme = tuple("A" if number % 2 else FREE for number in range(n_lines))
    else:
        scheme = tuple(FREE if letter in "xX-" else letter.upper() for letter in rhyme.strip())
        if not re.fullmatch("[A-Za-z-]+", rhyme.strip()):
            raise UsageError(
                f"'{rhyme}' is no rhyme scheme",
                where="--rhyme",
                hint="Say even, or a letter for each line, x where it is free: AABA.",
            )
        if len(scheme) != n_lines:
            raise UsageError(
                f"the rhyme scheme '{rhyme}' is for {len(scheme)} lines, and the form has {n_lines}",
                where="--rhyme",
                hint="A letter for each line: AABA; x where it is free.",
            )
    if all(n < 2 for n in Counter(letter for letter in scheme if letter != FREE).values()):
        raise UsageError(
            f"the rhyme scheme '{rhyme}' lets no two of the {n_lines} lines rhyme",
            where="--rhyme",
            hint="Lines of one letter rhyme: AABA.",
        )
    return scheme


class Place(NamedTuple):
    """Where a text stands: a value."""

    line: int = 0
    n_units: int = 0
    """Of this line, the word that is being written among them."""
    sign: str = ""
    """What has been written of a gap, a break or an end."""
    n_letters: int = 0
    """Of words: letters of the one that is being written; 0: none is. Below 0: behind a joiner, after so many."""
    classes: tuple[str | None, ...] = ()
    """The rhyme that each letter has taken."""
    used: frozenset[str] = frozenset()
    """Characters that rhyme already: none does so twice."""


Options = frozenset[str]
NOTHING: Options = frozenset()


class Verse:
    """The texts of a form, by the habits of a corpus. Never a dead end: from each place at least one way leads on, and
    all ways end."""

    def __init__(self, form: Form, habits: VerseHabits, rhyme_of: Mapping[str, str] | None = None):
        """rhyme_of: character -> class, of all characters that may rhyme; needed where the form has rhymes.

        Raises InputError where no text of the form can be written, by name of what is missing.
        """
        self.form, self.habits = form, habits
        self.letters = tuple(form.letters)
        self._n_lines = len(form.lengths)
        if len(form.lengths) > 1 and not habits.breaks:
            raise InputError(
                "how lines are parted cannot be seen in the training text"
                + (": none of its words stands on a line below another" if habits.unit == "words" else ""),
                where="--form",
                hint="Say it: --breaks '，。', or --breaks '\\n'.",
            )
        if habits.unit == "words" and max(form.lengths) > 1 and not habits.gaps:
            raise InputError("no two words stand on one line in the training text", where="--form")
        unknown = [c for c in dict.fromkeys(form.acrostic) if not self._beginning(c)]
        if unknown:
            raise InputError(
                f"no line can begin with {', '.join(unknown)}: the training text has no such "
                + ("character" if len(unknown) == 1 else "characters"),
                where="--acrostic",
            )
        self._classes: dict[str, Options] = {}
        self._start = Place()
        if self.letters:
            self._prepare_rhymes(rhyme_of)

    @property
    def start(self) -> Place:
        """Before the first character."""
        return self._start

    @cached_property
    def most_characters(self) -> int:
        """Of a text, at most."""
        habits, lengths = self.habits, self.form.lengths
        longest = [max(map(len, some), default=0) for some in (habits.breaks, habits.ends, habits.gaps)]
        unit = 1 if habits.unit == "characters" else habits.longest_word
        n_gaps = sum(lengths) - len(lengths) if habits.unit == "words" else 0
        return sum(lengths) * unit + (len(lengths) - 1) * longest[0] + longest[1] + n_gaps * longest[2]

    # --- where a text may go

    def options(self, place: Place) -> Options:
        """The characters that may come next."""
        if place.n_letters < 0:
            return self.habits.letters
        found = [self._signs_next(self._signs(place), place.sign)]
        if place.n_letters and not place.sign:
            found.append(self._word_goes_on(place.n_letters))
        if begun := self._begun(place):
            found.append(self._content(begun))
        found = [some for some in found if some]
        return found[0] if len(found) == 1 else NOTHING.union(*found)

    def may_end(self, place: Place) -> bool:
        """Whether the text may end here."""
        is_last = place.line == self._n_lines - 1 and place.n_units == self.form.lengths[-1]
        return is_last and place.n_letters >= 0 and place.sign in self.habits.ends

    def after(self, place: Place, character: str) -> Place | None:
        """One character further; None where that may not come."""
        if place.n_letters < 0:
            if character not in self.habits.letters:
                return None
            return place._replace(n_letters=1 - place.n_letters)
        if place.n_letters and not place.sign and character in self._word_goes_on(place.n_letters):
            n_letters = -place.n_letters - 1 if character in self.habits.joiners else place.n_letters + 1
            return place._replace(n_letters=n_letters)
        if character in self._signs_next(self._signs(place), place.sign):
            return place._replace(sign=place.sign + character)
        begun = self._begun(place)
        if begun is None or character not in self._content(begun):
            return None
        return self._taken(begun, character)

    def depends_on_rhymes(self, place: Place, n_characters: int) -> bool:
        """Whether the next n_characters may hold one that rhymes."""
        if not self.letters:
            return False
        ahead, sign = self.form.lengths[place.line] - place.n_units, 0 if place.sign else 1
        for line in range(place.line, self._n_lines):
            if 0 < ahead <= n_characters and self.form.rhymes[line] != FREE:
                return True
            n_characters -= ahead + sign
            ahead, sign = self.form.lengths[min(line + 1, self._n_lines - 1)], 1
        return False

    def _signs(self, place: Place) -> Options:
        """What may stand behind the unit that is being, or has been, written."""
        if place.n_units < self.form.lengths[place.line]:
            return self.habits.gaps if place.n_units else NOTHING
        return self.habits.ends if place.line == self._n_lines - 1 else self.habits.breaks

    @cache  # noqa: B019  (as long-lived as the verse)
    def _signs_next(self, signs: Options, written: str) -> Options:
        """The characters that go on towards one of the signs."""
        return frozenset(s[len(written)] for s in signs if s.startswith(written) and len(s) > len(written))

    @cache  # noqa: B019
    def _word_goes_on(self, n_letters: int) -> Options:
        left = self.habits.longest_word - n_letters
        return (self.habits.letters if left > 0 else NOTHING) | (self.habits.joiners if left > 1 else NOTHING)

    def _begun(self, place: Place) -> Place | None:
        """The place of the unit that may begin now; None where none may."""
        length = self.form.lengths[place.line]
        if place.n_units < length:
            if self.habits.unit == "characters" or not place.n_units or place.sign in self.habits.gaps:
                return place
            return None
        if place.line < self._n_lines - 1 and place.sign in self.habits.breaks:
            return place._replace(line=place.line + 1, n_units=0)
        return None

    def _content(self, place: Place) -> Options:
        """What may stand at a place where a unit begins."""
        if place.n_units == 0 and place.line < len(self.form.acrostic):
            return self._beginning(self.form.acrostic[place.line])
        letter = self._letter_at(place)
        return self.habits.letters if letter is None else self._rhyming(letter, place.classes, place.used)

    def _taken(self, place: Place, character: str) -> Place:
        """The unit that begins with the character, at a place where it may."""
        letter = self._letter_at(place)
        place = place._replace(n_units=place.n_units + 1, sign="", n_letters=1 if self.habits.unit == "words" else 0)
        if letter is None or (place.n_units == 1 and place.line < len(self.form.acrostic)):
            return place  # what an acrostic rhymes with stood in the start
        number = self.letters.index(letter)
        classes = list(place.classes)
        classes[number] = self._rhyme_of[character]
        return place._replace(classes=tuple(classes), used=place.used | {character})

    @cache  # noqa: B019
    def _beginning(self, character: str) -> Options:
        """A character as it is said; a letter in either case."""
        both = (character, character.upper(), character.lower())
        return frozenset(one for one in both if one in self.habits.letters)

    # --- rhymes

    def _letter_at(self, place: Place) -> str | None:
        """The letter that binds the unit which begins here."""
        if not self.letters or place.n_units != self.form.lengths[place.line] - 1:
            return None
        letter = self.form.rhymes[place.line]
        return None if letter == FREE else letter

    @lru_cache(maxsize=4096)  # noqa: B019
    def _rhyming(self, letter: str, classes: tuple[str | None, ...], used: frozenset[str]) -> Options:
        own = classes[self.letters.index(letter)]
        if own is not None:
            return self._classes[own] - used
        return NOTHING.union(*(some for name, some in self._classes.items() if name not in classes))

    def _prepare_rhymes(self, rhyme_of: Mapping[str, str] | None) -> None:
        """Which rhymes can be kept to the end, and those that an acrostic has taken already."""
        if self.habits.unit == "words":
            raise InputError(
                "rhymes are known of Chinese characters alone, and lines are counted in words here",
                where="--rhyme",
                hint="Leave it out.",
            )
        assert rhyme_of is not None
        self._rhyme_of = rhyme_of
        fixed = self._fixed_rhymes()
        by_class: dict[str, set[str]] = {}
        for character in self.habits.letters:
            if character in rhyme_of:
                by_class.setdefault(rhyme_of[character], set()).add(character)
        most = max(self.form.letters.values())
        used = frozenset(character for characters in fixed.values() for character in characters)
        taken = {letter: rhyme_of[characters[0]] for letter, characters in fixed.items()}
        for letter, name in taken.items():
            n_free = self.form.letters[letter] - len(fixed[letter])
            if len(by_class[name] - used) < n_free:
                raise InputError(
                    f"the acrostic rhymes with '{fixed[letter][0]}', and too few characters of the training text do",
                    where="--rhyme",
                )
        self._classes = {
            name: frozenset(some) for name, some in by_class.items() if len(some) >= most or name in taken.values()
        }
        if len(self._classes) < len(self.letters):
            raise InputError(
                f"the scheme has {len(self.letters)} rhymes of up to {most} lines, and the training text has "
                f"characters for {len(self._classes)} such",
                where="--rhyme",
                hint="Ask for fewer: rhyme words are not repeated.",
            )
        self._start = Place(classes=tuple(taken.get(letter) for letter in self.letters), used=used)

    def _fixed_rhymes(self) -> dict[str, list[str]]:
        """The characters of the acrostic that stand in a line's place of rhyme, by letter. Raises InputError."""
        fixed: dict[str, list[str]] = {}
        for length, letter, character in zip(self.form.lengths, self.form.rhymes, self.form.acrostic, strict=False):
            if length == 1 and letter != FREE:
                if character not in self._rhyme_of:
                    raise InputError(f"the rhyme of '{character}' is not known", where="--acrostic")
                fixed.setdefault(letter, []).append(character)
        seen: dict[str, str] = {}
        for letter, characters in fixed.items():
            for character in characters:
                if self._rhyme_of[character] != self._rhyme_of[characters[0]]:
                    raise InputError(
                        f"the acrostic's '{characters[0]}' and '{character}' do not rhyme, and the lines are one "
                        "character long",
                        where="--rhyme",
                    )
            other = seen.setdefault(self._rhyme_of[characters[0]], letter)
            if other != letter:
                raise InputError(
                    f"lines {other} and {letter} rhyme in the acrostic: give them one letter", where="--rhyme"
                )
        return fixed
