"""The one door of everything that models P(next token | the tokens before it). Room: models/ (ids -> scores).

LanguageModel, NGram and the fixed models of tests stand behind it; evaluation and generation ask for nothing else.
Shapes: B batch, T time (tokens), V vocabulary.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from textmill.tokens import IGNORED as IGNORED  # a target that is not counted: its nats are 0


@runtime_checkable
class NextToken(Protocol):
    """P(next token | the tokens before it).

    segments (B, T): number of the document in its row, -1 = padding, on either side; None = one document a row, which
    continues the state where one is given.
    state: a value. None = a new text. Using it twice gives the same answer twice.
    """

    max_context: int | None
    """Tokens the model can attend to, itself included; None = no bound."""

    def nll(
        self, ids: Tensor, targets: Tensor, segments: Tensor | None = None, state: Any = None
    ) -> tuple[Tensor, Any]:
        """−ln P(target) in nats (B, T), 0 where the target is IGNORED; and the state after the last id."""
        ...

    def log_probs(self, ids: Tensor, segments: Tensor | None = None, state: Any = None) -> tuple[Tensor, Any]:
        """ln P of every token (B, T, V) at every place; and the state after the last id."""
        ...
