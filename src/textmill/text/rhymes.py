"""Which Chinese characters rhyme. Room: text/. Used where poems are written in a form (generation/form.py).

The rule: two characters rhyme where their finals are one class of the eighteen rhymes of 诗韵新编 (1965, after 中华新韵
of 1941). Finals that differ in the medial alone (an ian uan üan) are one, and so are o and uo, ê ie üe, ing and eng.
The final that i stands for is two: behind zh ch sh r z c s, and elsewhere. Tones do not count, nor do the older rhymes
of 平水韵. Readings are pypinyin's (the extra [zh]), today's standard Mandarin.

A character of several readings has the first that pypinyin gives it alone. Where pypinyin knows a phrase that ends in
it and reads it into another class there (一行: háng), its reading at the end of a line is not sure: it has a class, but
is no sure rhyme.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from textmill.errors import MissingExtra

CLASSES = {
    "a": "a ia ua",
    "o": "o uo io",
    "e": "e",
    "ê": "ê ie ve üe",
    "-i": "-i",
    "er": "er",
    "i": "i",
    "ei": "ei uei",
    "ai": "ai uai",
    "u": "u",
    "ü": "v ü",
    "ou": "ou iou",
    "ao": "ao iao",
    "an": "an ian uan van üan",
    "en": "en in uen vn ün",
    "ang": "ang iang uang",
    "eng": "eng ing ueng",
    "ong": "ong iong",
}
"""Name of a class -> its finals, as pypinyin writes them; in the order 麻波歌皆支儿齐微开姑鱼侯豪寒痕唐庚东."""
CLASS_OF = {final: name for name, finals in CLASSES.items() for final in finals.split()}
SIBILANTS = frozenset(("zh", "ch", "sh", "r", "z", "c", "s"))
"""Initials behind which i stands for another vowel."""


def class_of(initial: str, final: str) -> str | None:
    """The class of a syllable, as pypinyin parts it (strict); None for what is no syllable of the eighteen (m, ng).

    >>> class_of("sh", "i"), class_of("x", "i"), class_of("", "uan"), class_of("", "ng")
    ('-i', 'i', 'an', None)
    """
    if final == "i" and initial in SIBILANTS:
        return "-i"
    return CLASS_OF.get(final)


@cache
def rhyme_of(character: str) -> str | None:
    """The class of a character by its first reading; None where it has none. Raises MissingExtra."""
    pinyin = _pypinyin().pinyin
    initial = pinyin(character, style=_style("INITIALS"), strict=True, errors="ignore")
    final = pinyin(character, style=_style("FINALS"), strict=True, errors="ignore")
    return class_of(initial[0][0] if initial else "", final[0][0]) if final else None


def is_sure(character: str) -> bool:
    """Whether its reading at the end of a line is of the class of rhyme_of, whatever stands before it."""
    return character not in _unsure()


def sure_rhymes(characters: Iterable[str]) -> dict[str, str]:
    """Character -> class, of those that are sure rhymes. Raises MissingExtra."""
    return {one: found for one in characters if (found := rhyme_of(one)) is not None and is_sure(one)}


@cache
def _unsure() -> frozenset[str]:
    """Characters that a phrase known to pypinyin ends in, with a reading of another class than alone."""
    from pypinyin.constants import PHRASES_DICT
    from pypinyin.contrib.tone_convert import to_finals, to_initials

    unsure = set()
    for phrase, readings in PHRASES_DICT.items():
        last, syllable = phrase[-1], readings[-1][0]
        found = class_of(to_initials(syllable, strict=True), to_finals(syllable, strict=True))
        if last not in unsure and found != rhyme_of(last):
            unsure.add(last)
    return frozenset(unsure)


def _style(name: str):  # type: ignore[no-untyped-def]
    return getattr(_pypinyin().Style, name)


@cache
def _pypinyin():  # type: ignore[no-untyped-def]
    try:
        import pypinyin
    except ImportError:
        raise MissingExtra(
            "rhymes of Chinese need pypinyin, which is not installed", hint="pip install 'textmill[zh]'"
        ) from None
    return pypinyin
