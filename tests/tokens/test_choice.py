"""Which tokenizer suits a text: the choice is a pure function of amount and language, and gives its reason."""

import pytest

from textmill.tokens import choose_kind
from textmill.tokens.choice import default_vocab_size

MB = 1_000_000
ENGLISH, CHINESE, MIXED = {"en": 1.0}, {"zh": 0.95, "en": 0.05}, {"zh": 0.4, "en": 0.6}


@pytest.mark.parametrize(
    ("n_bytes", "languages", "kind", "vocab_size"),
    [
        (25, ENGLISH, "char", None),
        (MB - 1, ENGLISH, "char", None),
        (MB, ENGLISH, "bpe", 1024),
        (10 * MB, ENGLISH, "bpe", 4096),
        (100 * MB, ENGLISH, "bpe", 8192),
        (10_000 * MB, ENGLISH, "bpe", 32768),
        (9 * MB, CHINESE, "char", None),
        (9 * MB, MIXED, "char", None),
        (100 * MB, CHINESE, "bpe", 16384),
        (10_000 * MB, CHINESE, "bpe", 32768),
        (0, {}, "char", None),
    ],
)
def test_small_texts_get_characters_and_large_ones_a_vocabulary_that_grows(
    n_bytes: int, languages: dict[str, float], kind: str, vocab_size: int | None
) -> None:
    assert choose_kind(n_bytes, languages)[:2] == (kind, vocab_size)


def test_labelled_texts_get_words() -> None:
    for languages in (ENGLISH, CHINESE, {}):
        kind, vocab_size, reason = choose_kind(3 * MB, languages, labelled=True)
        assert (kind, vocab_size) == ("word", default_vocab_size("word", 3 * MB, languages))
        assert "with labels: words as tokens" in reason


def test_the_reason_names_the_amount() -> None:
    assert choose_kind(2_500_000, ENGLISH)[2].startswith("2.5 MB of text: pieces of words")
    assert choose_kind(2_500_000, CHINESE)[2].startswith("2.5 MB of Chinese text: characters")


@pytest.mark.parametrize("kind", ["bpe", "word"])
def test_more_text_never_means_fewer_ids(kind: str) -> None:
    sizes = [default_vocab_size(kind, 10**n, ENGLISH) for n in range(12)]
    assert sizes == sorted(sizes)
