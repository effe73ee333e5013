"""A dictionary out of pairs: words that stand beside each other, in the script of the target."""

from __future__ import annotations

import random

from textmill.tasks.word_dictionary import WordDictionary

WORDS = {"dog": "Hund", "cat": "Katze", "sees": "sieht", "hears": "hört", "the": "der", "old": "alte", "red": "rote"}


def test_words_that_stand_beside_each_other_are_learned_and_others_stay() -> None:
    draw = random.Random(1)
    pairs = []
    for _ in range(300):
        words = draw.sample(sorted(WORDS), 3)
        pairs.append((f"{' '.join(words)}.", f"{' '.join(draw.sample([WORDS[word] for word in words], 3))}."))
    dictionary = WordDictionary.learned(iter(pairs))
    assert {word: dictionary.translation_of[word] for word in WORDS} == WORDS
    assert dictionary.translate("the old dog, zyx.") == "der alte Hund, zyx."


def test_chinese_has_no_blanks_between_its_characters() -> None:
    pairs = [("a cat", "猫"), ("a dog", "狗"), ("a cat sleeps .", "猫睡。"), ("a dog .", "狗。")]
    dictionary = WordDictionary.learned(pairs)
    assert dictionary.translate("cat sleeps.") == "猫睡。"


def test_without_pairs_every_word_stays() -> None:
    assert WordDictionary.learned([]).translate("as it is , so.") == "as it is, so."
