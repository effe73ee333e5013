"""What tokenizers spend on a text, by language: the one that training would choose beside others. Room: training/.

Called by advise.look (`look --tokens`). Learned from a seeded sample of the training text and counted on it, so that
any amount of text costs the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from textmill.config import Config, DataConfig
from textmill.config.layers import load_config
from textmill.messages import message
from textmill.results import LanguageTokens, TokenCosts, TokenizerCost
from textmill.text import SplitPlan
from textmill.text.document_language import language_of
from textmill.tokens import Tokenizer
from textmill.tokens.amount import with_tokens_chosen
from textmill.tokens.choice import default_vocab_size, size_in_words
from textmill.tokens.fertility import Spent, spent
from textmill.tokens.sample import take_sample
from textmill.tokens.standard import standard_tokenizers
from textmill.tokens.tokenizer import kind_named

SAMPLE_BYTES = 5_000_000


def token_costs(
    data: DataConfig,
    plan: SplitPlan,
    given: Mapping[str, Tokenizer] | None = None,
    limit: int = SAMPLE_BYTES,
    task: str = "lm",
) -> TokenCosts:
    """Tokens per character and bytes per token by language: of the tokenizer that training would choose, of `given`
    ones (name of the run -> its tokenizer), and of standard ones. limit: of more bytes, a seeded sample.
    """
    seed = data.split_seed
    sample = take_sample((document.content for document in plan.documents("train")), seed, limit)
    texts = [(language_of(piece), piece) for piece in sample.pieces]
    tokens = load_config({}).config.tokens.model_dump()
    config = Config(data=data.model_dump(exclude_unset=True), tokens=tokens, task={"name": task})
    config, reason = with_tokens_chosen(config, plan, plan.languages)
    kind, vocab_size = config.tokens.kind, config.tokens.vocab_size
    if vocab_size is None and kind_named(kind).grows:
        vocab_size = default_vocab_size(kind, plan.ledger.total["train"], plan.languages)
    chosen = Tokenizer.train(kind, sample.pieces, vocab_size, seed, config.tokens.segmenter)
    tokenizers = [cost_of(chosen, texts, chosen=True)]
    tokenizers += [cost_of(tokenizer, texts, run=run) for run, tokenizer in (given or {}).items()]
    for tokenizer in standard_tokenizers(sample.pieces, seed):
        if (tokenizer.kind, tokenizer.vocab_size) != (chosen.kind, chosen.vocab_size):
            tokenizers.append(cost_of(tokenizer, texts))
    costs = TokenCosts(tokenizers=tokenizers, n_bytes=sample.n_bytes_kept, of_bytes=sample.n_bytes)
    notes = list(_notes(reason, chosen.note, sample.n_bytes_kept, sample.n_bytes))
    return costs.model_copy(update={"notes": notes})  # validated, they would be plain strings


def cost_of(
    tokenizer: Tokenizer, texts: Sequence[tuple[str, str]], chosen: bool = False, run: str | None = None
) -> TokenizerCost:
    """What one tokenizer spends on (language, text) pairs, by language and in all."""
    by_language = spent(tokenizer, texts)
    total = Spent()
    for count in by_language.values():
        total += count
    return TokenizerCost(
        kind=tokenizer.kind,
        vocab_size=tokenizer.vocab_size,
        chosen=chosen,
        run=run,
        total=_document(total),
        languages={language: _document(count) for language, count in by_language.items()},
    )


def _document(count: Spent) -> LanguageTokens:
    return LanguageTokens(
        tokens_per_character=count.tokens_per_character,
        bytes_per_token=count.bytes_per_token,
        n_characters=count.n_chars,
    )


def _notes(reason: str | None, note: str, n_kept: int, n_bytes: int) -> Iterator[str]:
    if reason:
        yield message("Training would choose: %(reason)s.", reason=reason)
    if note:
        yield note
    if n_kept < n_bytes:
        yield message(
            "Learned from and counted on a seeded sample of %(size)s of %(all)s: a vocabulary of all of the text "
            "differs a little.",
            size=size_in_words(n_kept),
            all=size_in_words(n_bytes),
        )
