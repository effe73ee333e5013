"""How many tokens a tokenizer spends on a language. Room: tokens/. Used by `look --tokens`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from textmill.tokens.tokenizer import Tokenizer

TOGETHER = 256  # texts handed to the tokenizer at once


def fertility(tokenizer: Tokenizer, texts: Iterable[tuple[str, str]]) -> dict[str, float]:
    """Tokens per character (code point) by language, marks not counted; languages in the order of their names.

    texts: (language, text), read once, in bounded memory. A language without a character is left out.
    Raises InputError for a lone surrogate. Source: Rust et al. 2021, arXiv:2012.15613, who count per word, which
    Chinese does not mark.

    >>> fertility(Tokenizer.train("bytes", [], None, seed=0), [("en", "cat"), ("zh", "今天")])
    {'en': 1.0, 'zh': 3.0}
    """
    n_tokens: Counter[str] = Counter()
    n_chars: Counter[str] = Counter()
    waiting: list[tuple[str, str]] = []

    def count() -> None:
        for (language, text), ids in zip(waiting, tokenizer.encode_arrays([t for _, t in waiting]), strict=True):
            n_tokens[language] += len(ids)
            n_chars[language] += len(text)
        waiting.clear()

    for pair in texts:
        waiting.append(pair)
        if len(waiting) == TOGETHER:
            count()
    count()
    return {language: n_tokens[language] / n_chars[language] for language in sorted(n_chars) if n_chars[language]}
