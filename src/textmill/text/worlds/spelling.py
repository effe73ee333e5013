"""Symbol numbers -> characters or words, in English letters or Chinese characters. Room: text/ (worlds).

Worlds without meaning (sources, causes) draw numbers; how a number is written does not change what is random about it.
"""

from __future__ import annotations

from functools import lru_cache

from textmill.text.worlds.world import Language

CONSONANTS = "bdfgklmnprstvz"
VOWELS = "aeiou"
SYLLABLES = tuple(consonant + vowel for consonant in CONSONANTS for vowel in VOWELS)
N_LETTERS = 26
N_WORDS = len(SYLLABLES) ** 2
N_CHARACTERS = 3755  # the first level of GB 2312-80: the characters in daily use, in the order of their sound


@lru_cache(maxsize=16)
def letters(n: int, language: Language) -> tuple[str, ...]:
    """n different symbols of one character each: a, b, c … or Chinese characters. n: at most most_letters(language)."""
    if language == "en":
        return tuple(chr(ord("a") + number) for number in range(n))
    rows = (bytes((0xB0 + number // 94, 0xA1 + number % 94)) for number in range(n))
    return tuple(row.decode("gb2312") for row in rows)


def most_letters(language: Language) -> int:
    """How many symbols of one character there are."""
    return N_LETTERS if language == "en" else N_CHARACTERS


@lru_cache(maxsize=16)
def words(n: int, language: Language) -> tuple[str, ...]:
    """n different words that mean nothing: two syllables ("bado") or a Chinese character. n: at most most_words."""
    if language == "zh":
        return letters(n, "zh")
    # A stride without a common divisor mixes the syllables, so that neighbours in number do not look alike.
    places = (number * 1741 % N_WORDS for number in range(n))
    return tuple(SYLLABLES[place // len(SYLLABLES)] + SYLLABLES[place % len(SYLLABLES)] for place in places)


def most_words(language: Language) -> int:
    """How many words there are."""
    return N_WORDS if language == "en" else N_CHARACTERS


def space(language: Language) -> str:
    """What stands between words."""
    return " " if language == "en" else ""
