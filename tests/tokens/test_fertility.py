"""Tokens per character by language: counted over all its texts, never a mean of means."""

from textmill.tokens import Tokenizer, fertility
from textmill.tokens.fertility import Spent, spent
from textmill.tokens.standard import standard_tokenizers


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


def test_bytes_per_token_counts_bytes_of_utf8_and_sums_can_be_joined() -> None:
    tokenizer = Tokenizer.train("char", ["今天今天"], None, seed=1)
    found = spent(tokenizer, [("zh", "今天"), ("zh", "天a"), ("en", "é")])

    # 今 and 天 are tokens, é is left as its two bytes: 4 tokens for 3 + 3 + 3 + 1 bytes, 2 tokens for 2.
    assert found["zh"] == Spent(n_tokens=4, n_chars=4, n_bytes=10)
    assert found["zh"].bytes_per_token == 2.5
    total = Spent()
    for count in found.values():
        total += count
    assert total == Spent(6, 5, 12)
    assert total.tokens_per_character == 1.2


def test_a_small_bpe_is_the_beginning_of_a_large_one() -> None:
    texts = [f"the {n % 17} geese of {n * n % 101} flew over {n % 23} hills and 山里的学校 {n}" for n in range(400)]
    found = list(standard_tokenizers(texts, seed=1, sizes=(270, 290, 20_000)))

    assert [one.kind for one in found] == ["bytes", "char", "bpe", "bpe", "bpe"]
    assert [one.vocab_size for one in found[2:4]] == [270, 290]
    for one, size in zip(found[2:], (270, 290, 20_000), strict=True):
        alone = Tokenizer.train("bpe", texts, size, seed=1)
        assert (one.vocab_size, one.encode(texts[7])) == (alone.vocab_size, alone.encode(texts[7]))


def test_sizes_that_the_text_does_not_support_are_left_out() -> None:
    sizes = [one.vocab_size for one in standard_tokenizers(["ab ab ab"], seed=1)]
    assert len(sizes) == 3 and sizes[-1] < 1024
