"""What a language model spends on text: sums per example, and the numbers taken from them. Room: metrics/.

tasks.measuring makes the sums, evaluation the document of an evaluation. A ratio is a sum over a sum, never a mean of
means: perplexity is per token, bpb per UTF-8 byte, bpc per code point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from textmill.errors import NothingScored
from textmill.metrics.loss import LossSum, bits_per_byte, bits_per_character, perplexity


@dataclass(frozen=True)
class ExampleScore:
    """What a model spends on one document, or on one block of a document.

    nats: summed over the n_tokens scored targets, the end mark among them. n_bytes, n_chars: UTF-8 bytes and code
    points of the same tokens; the mark has none.
    """

    source: str
    nats: float
    n_tokens: int
    n_bytes: int
    n_chars: int


def metrics_of(scores: Sequence[ExampleScore]) -> dict[str, float]:
    """loss (nats per token), perplexity, bpb, bpc, n_tokens, n_bytes, n_chars over all examples together.

    Raises NothingScored where no token, no byte or no code point was scored.

    >>> metrics_of([ExampleScore("a", 3 * math.log(2), 1, 1, 1), ExampleScore("b", math.log(2), 3, 3, 1)])["bpc"]
    2.0
    """
    loss = LossSum(math.fsum(score.nats for score in scores), sum(score.n_tokens for score in scores))
    if not loss.count:
        raise NothingScored(
            "no token was scored: the text is empty",
            hint="Without a begin mark the first token of a document is read but not scored (tokens.begin_mark).",
        )
    n_bytes, n_chars = sum(score.n_bytes for score in scores), sum(score.n_chars for score in scores)
    return {
        "loss": loss.mean,
        "perplexity": perplexity(loss),
        "bpb": bits_per_byte(loss, n_bytes),
        "bpc": bits_per_character(loss, n_chars),
        "n_tokens": loss.count,
        "n_bytes": n_bytes,
        "n_chars": n_chars,
    }
