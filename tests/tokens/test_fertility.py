"""Tokens per character by language: counted over all its texts, never a mean of means."""

from textmill.tokens import Tokenizer, fertility


def test_fertility_is_tokens_over_characters_of_all_texts_of_a_language_by_hand() -> None:
    tokenizer = Tokenizer.train("bytes", [], None, seed=1)
    texts = [("zh", "今"), ("zh", "ab"), ("en", "cat"), ("other", "")]

    # zh: 3 + 2 bytes over 1 + 2 characters; a language without characters has no number.
    assert fertility(tokenizer, texts) == {"en": 1.0, "zh": 5 / 3}


def test_more_texts_than_are_encoded_at_once_are_all_counted() -> None:
    tokenizer = Tokenizer.train("bytes", [], None, seed=1)
    texts = ((language, "é" * n) for n in range(600) for language in ("fr", "de"))
    assert fertility(tokenizer, texts) == {"de": 2.0, "fr": 2.0}


def test_no_text_has_no_fertility() -> None:
    assert fertility(Tokenizer.train("bytes", [], None, seed=1), []) == {}
