"""A planned text -> which tokens it gets, about how many, and whether they are enough. Room: tokens/. Loads no torch.

Called by look, by the plan behind -n, and by training, so that they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textmill.config import Config
from textmill.errors import TooLittleText
from textmill.messages import message, plural_message
from textmill.text import SplitPlan
from textmill.text.long_text import Text
from textmill.tokens.choice import choose_kind
from textmill.tokens.tokenizer import Tokenizer

N_TOKENS_LEAST = 16  # below this nothing can be told from chance, not even in a test
SAMPLED_CHARACTERS = 1 << 20


def with_tokens_chosen(config: Config, plan: SplitPlan, shares: dict[str, float]) -> tuple[Config, str | None]:
    """The config with tokens.kind and vocab_size decided, and the reason as a sentence where it was decided here."""
    if config.tokens.kind != "auto":
        return config, None
    n_bytes, data = plan.ledger.total.get("train", 0), config.data
    masked = config.task.is_of_masks
    read = bool(data.pairs), config.tokens.shared, bool(data.labelled), bool(data.questions), masked
    kind, vocab_size, reason = choose_kind(n_bytes, shares, *read)
    chosen = {"kind": kind, "vocab_size": config.tokens.vocab_size or vocab_size}
    return config.model_copy(update={"tokens": config.tokens.model_copy(update=chosen)}), reason


def learned(config: Config, texts: Callable[[], Iterable[tuple[Text, ...]]], seed: int) -> Tokenizer:
    """The tokenizer that [tokens] wants, learned from the texts of documents; without tokens.shared that of targets,
    which knows the one of sources. texts: called for each reading of them."""
    tokens = config.tokens

    def of(some: Iterable[Text]) -> Tokenizer:
        return Tokenizer.train(tokens.kind, some, tokens.vocab_size, seed, tokens.segmenter)

    if tokens.shared:
        return of(text for own in texts() for text in own)
    return of(target for _, target in texts()).with_source(of(source for source, _ in texts()))


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


def tokens_about(config: Config, text: SplitPlan, given: Tokenizer | None = None) -> tuple[int, Tokenizer]:
    """Training tokens, end marks included, and the tokenizer that is learned from the start of the text, or given."""
    texts: list[tuple[str, ...]] = []
    n_characters = n_bytes = 0
    for document in text.documents("train"):
        own: list[str] = []
        for content in document.texts:
            own.append(content[0 : SAMPLED_CHARACTERS - n_characters])
            n_characters += len(own[-1])
            n_bytes += len(own[-1].encode())
        texts.append(tuple(own))
        if n_characters >= SAMPLED_CHARACTERS:
            break
    tokenizer = given or learned(config, lambda: texts, config.run.seed)
    sides = (tokenizer.of_source, tokenizer)
    n_sampled = sum(len(side.encode(content)) for own in texts for side, content in zip(sides, own, strict=False))
    n_marks = text.n_documents["train"] * (2 if config.data.pairs else 1)
    n_tokens = round(n_sampled * text.ledger.total["train"] / max(1, n_bytes)) + n_marks
    return n_tokens, tokenizer
