"""What obeying a constraint costs a text, by the model's own probabilities. Room: generation/.

Read again after it was written: bits per character of the tokens that were written, and how much of the model's
probability was forbidden where each was drawn. Both are of the model alone, before any temperature or cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from textmill.generation.constraints import Constraint
from textmill.generation.scoring import next_token_log_probs
from textmill.generation.writing import Writing
from textmill.messages import Message, message
from textmill.models.next_token import NextToken
from textmill.results import FormKept


@dataclass(frozen=True)
class Obedience:
    """Of one text, or of several together."""

    nats: float
    """−ln P of its tokens, the end mark among them where one was written."""
    n_characters: int
    forbidden: float = 0.0
    """The share of the model's probability that was forbidden, summed over the tokens."""
    n_tokens: int = 0

    @property
    def bits_per_character(self) -> float:
        """NaN of texts without a character."""
        return self.nats / math.log(2) / self.n_characters if self.n_characters else math.nan

    @property
    def forbidden_share(self) -> float:
        """The mean over the tokens."""
        return self.forbidden / self.n_tokens if self.n_tokens else math.nan


def obedience(
    model: NextToken, before: Sequence[int], written: Sequence[int], text: str, constraint: Constraint | None = None
) -> Obedience:
    """before: the ids that stood before, at least one. written: those of the text, its end mark among them.

    A text longer than the model's context is read in windows of that.
    """
    obeying = None if constraint is None else constraint.begin(0, 0)
    rows = list(next_token_log_probs(model, [*before, *written], model.max_context, None))[len(before) - 1 :]
    nats = forbidden = 0.0
    for place, (token_id, log_probs) in enumerate(zip(written, rows, strict=True)):
        nats -= float(log_probs[token_id])
        if obeying is not None:
            forbidden += 1.0 - float(np.exp(log_probs[obeying.allowed(len(written) - place)]).sum())
            obeying.push(token_id)
    return Obedience(nats, len(text), forbidden, len(written))


def obedience_of(model: NextToken, writing: Writing, constraint: Constraint | None = None) -> list[Obedience]:
    """Of each text of a writing that is over. constraint: the one it was written under."""
    n = len(writing.ids) // len(writing.before)
    return [
        obedience(model, writing.before[row // n], ids, result.text, constraint)
        for row, (ids, result) in enumerate(zip(writing.ids, writing.results, strict=True))
    ]


def together(parts: Iterable[Obedience]) -> Obedience:
    """Of several texts: sums."""
    parts = list(parts)
    return Obedience(
        math.fsum(part.nats for part in parts),
        sum(part.n_characters for part in parts),
        math.fsum(part.forbidden for part in parts),
        sum(part.n_tokens for part in parts),
    )


def form_kept(form: str, kept: Sequence[Obedience], free: Sequence[Obedience]) -> tuple[list[FormKept], Message]:
    """The facts of each text, and a sentence on all. form: as it was said. free: of the texts without it, in order."""
    facts = [
        FormKept(
            form=form,
            bits_per_character=one.bits_per_character,
            bits_per_character_free=other.bits_per_character if other.n_characters else None,
            forbidden_share=one.forbidden_share,
        )
        for one, other in zip(kept, free, strict=True)
    ]
    all_kept, all_free = together(kept), together(free)
    said = message(
        "By the model's own probabilities: %(kept)s bits per character in this form, %(free)s without it (same seed "
        "and settings); the form forbade %(share)s %% of the probability at a token.",
        kept=f"{all_kept.bits_per_character:.2f}",
        free=f"{all_free.bits_per_character:.2f}",
        share=f"{100 * all_kept.forbidden_share:.1f}",
    )
    return facts, said
