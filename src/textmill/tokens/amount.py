"""A planned text -> which tokens it gets, about how many, and whether they are enough. Room: tokens/. Loads no torch.

Called by look, by the plan behind -n, and by training, so that they agree.
"""

from __future__ import annotations

from collections.abc import Sequence

from textmill.config import Config
from textmill.errors import TooLittleText
from textmill.messages import message, plural_message
from textmill.text import SplitPlan
from textmill.tokens.choice import choose_kind
from textmill.tokens.tokenizer import Tokenizer

N_TOKENS_LEAST = 16  # below this nothing can be told from chance, not even in a test
SAMPLED_CHARACTERS = 1 << 20


def with_tokens_chosen(config: Config, plan: SplitPlan, shares: dict[str, float]) -> tuple[Config, str | None]:
    """The config with tokens.kind and vocab_size decided, and the reason as a sentence where it was decided here."""
    if config.tokens.kind != "auto":
        return config, None
    kind, vocab_size, reason = choose_kind(plan.ledger.total.get("train", 0), shares, bool(config.data.pairs))
    chosen = {"kind": kind, "vocab_size": config.tokens.vocab_size or vocab_size}
    return config.model_copy(update={"tokens": config.tokens.model_copy(update=chosen)}), reason


def too_little(n_tokens: int, paths: Sequence[str]) -> TooLittleText | None:
    """The error of a training text with so few tokens, end marks included; None where there are enough to begin."""
    if n_tokens >= N_TOKENS_LEAST:
        return None
    return TooLittleText(
        plural_message(
            "the text to train on has %(n)s token, end marks included; %(least)s are the least",
            "the text to train on has %(n)s tokens, end marks included; %(least)s are the least",
            n_tokens,
            least=N_TOKENS_LEAST,
        ),
        where=", ".join(paths),
        hint=message("Add text. A model of use wants 10 kB or more."),
    )


def tokens_about(config: Config, text: SplitPlan) -> tuple[int, int]:
    """Training tokens, end marks included, and ids: as a vocabulary learned from the start of the text has them."""
    texts: list[str] = []
    n_characters = n_bytes = 0
    for document in text.documents("train"):
        for content in document.texts:
            texts.append(content[0 : SAMPLED_CHARACTERS - n_characters])
            n_characters += len(texts[-1])
            n_bytes += len(texts[-1].encode())
        if n_characters >= SAMPLED_CHARACTERS:
            break
    tokenizer = Tokenizer.train(
        config.tokens.kind, texts, config.tokens.vocab_size, config.run.seed, config.tokens.segmenter
    )
    n_sampled = sum(len(ids) for ids in map(tokenizer.encode, texts))
    n_marks = text.n_documents["train"] * (2 if config.data.pairs else 1)
    n_tokens = round(n_sampled * text.ledger.total["train"] / max(1, n_bytes)) + n_marks
    return n_tokens, tokenizer.vocab_size
