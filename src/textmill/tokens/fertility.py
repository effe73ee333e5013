"""How many tokens a tokenizer spends on a language. Room: tokens/. Used by `look --tokens`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from textmill.tokens.sample import n_utf8_bytes
from textmill.tokens.tokenizer import Tokenizer

TOGETHER = 256  # texts handed to the tokenizer at once


@dataclass
class Spent:
    """Tokens, marks not counted, and what they stand for: characters (code points) and UTF-8 bytes."""

    n_tokens: int = 0
    n_chars: int = 0
    n_bytes: int = 0

    def __iadd__(self, other: Spent) -> Spent:
        self.n_tokens += other.n_tokens
        self.n_chars += other.n_chars
        self.n_bytes += other.n_bytes
        return self

    @property
    def tokens_per_character(self) -> float:
        """Fertility; there must be a character."""
        return self.n_tokens / self.n_chars

    @property
    def bytes_per_token(self) -> float:
        """What a token holds; there must be one."""
        return self.n_bytes / self.n_tokens


def spent(tokenizer: Tokenizer, texts: Iterable[tuple[str, str]]) -> dict[str, Spent]:
    """What a tokenizer spends on each language, in the order of their names; one without a character is left out.

    texts: (language, text), read once, in bounded memory. Raises InputError for a lone surrogate.
    """
    found: defaultdict[str, Spent] = defaultdict(Spent)
    waiting: list[tuple[str, str]] = []

    def count() -> None:
        for (language, text), ids in zip(waiting, tokenizer.encode_arrays([t for _, t in waiting]), strict=True):
            found[language] += Spent(len(ids), len(text), n_utf8_bytes(text))
        waiting.clear()

    for pair in texts:
        waiting.append(pair)
        if len(waiting) == TOGETHER:
            count()
    count()
    return {language: found[language] for language in sorted(found) if found[language].n_chars}


def fertility(tokenizer: Tokenizer, texts: Iterable[tuple[str, str]]) -> dict[str, float]:
    """Tokens per character by language; texts as for `spent`.

    Source: Rust et al. 2021, arXiv:2012.15613, who count per word, which Chinese does not mark.

    >>> fertility(Tokenizer.train("bytes", [], None, seed=0), [("en", "cat"), ("zh", "今天")])
    {'en': 1.0, 'zh': 3.0}
    """
    return {language: count.tokens_per_character for language, count in spent(tokenizer, texts).items()}
