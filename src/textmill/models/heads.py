"""Hidden vectors -> nats and log-probabilities over the vocabulary. Room: models/ (ids -> scores).

The last part of LanguageModel. What head a model has is its config's `softmax`; callers ask for nll and log_probs.
Shapes: B batch, T time (tokens), D model width, V vocabulary, N = B·T places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from textmill.models.next_token import IGNORED
from textmill.models.softmax import nats_of, scores_of

if TYPE_CHECKING:
    from textmill.models.teaching import HeadLesson

Drawing = Callable[[Tensor, torch.Generator], None]


class Head(nn.Module):
    """One softmax over the vocabulary. Tied: it uses the embedding's weights.

    cap: logits are bent to stay within ± cap. Raises IndexError where a target is no id of the vocabulary.
    """

    def __init__(self, embedding: nn.Embedding, tied: bool, bias: bool, cap: float | None):
        super().__init__()
        vocab_size, d_model = embedding.weight.shape
        self.vocab_size, self.cap = vocab_size, cap
        self._tied = (embedding,) if tied else None  # in a tuple: the weights are registered once, as the embedding's
        self.weight = None if tied else nn.Parameter(torch.empty(vocab_size, d_model))
        self.bias = nn.Parameter(torch.empty(vocab_size)) if bias else None

    @property
    def projection(self) -> Tensor:
        """(V, D): weights of its own, or the embedding's."""
        return self._tied[0].weight if self._tied is not None else cast(Tensor, self.weight)

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., D) -> (..., V)."""
        return scores_of(hidden, self.projection, self.bias, self.cap)

    def log_probs(self, hidden: Tensor) -> Tensor:
        """(..., D) -> ln P of every token (..., V)."""
        return F.log_softmax(self.logits(hidden), dim=-1)

    def nll(self, hidden: Tensor, targets: Tensor, smoothing: float = 0.0, lesson: HeadLesson | None = None) -> Tensor:
        """−ln P(target) in nats, shape of targets, 0 where the target is IGNORED; at least in float32.

        Only counted places are scored, and many logits are never held at once.
        smoothing: the values stay, the gradient is that of smoothed targets (softmax.nats_of). So what is reported is
        the loss, and what is minimised is smoothed. lesson: of a teacher at the same places; likewise.
        """
        rows, wanted = hidden.flatten(0, -2), targets.flatten()  # (N, D), (N,)
        counted = wanted != IGNORED
        if counted.all():
            return self._nats(rows, wanted, smoothing, lesson and lesson.at(None)).view(targets.shape)
        nats = self._nats(rows[counted], wanted[counted], smoothing, lesson and lesson.at(counted))
        return nats.new_zeros(wanted.shape).index_put((counted,), nats).view(targets.shape)

    def _nats(self, rows: Tensor, wanted: Tensor, smoothing: float, lesson: HeadLesson | None) -> Tensor:
        if len(wanted) and not 0 <= int(wanted.min()) <= int(wanted.max()) < self.vocab_size:
            raise IndexError(
                f"targets from {int(wanted.min())} to {int(wanted.max())}: the vocabulary is 0 to {self.vocab_size - 1}"
            )
        return self._nats_of(rows, wanted, smoothing, lesson)

    def _nats_of(self, rows: Tensor, wanted: Tensor, smoothing: float, lesson: HeadLesson | None) -> Tensor:
        return nats_of(rows, self.projection, self.bias, wanted, self.cap, smoothing, lesson)

    def order_by(self, counts: Callable[[], NDArray[np.int64]]) -> None:
        """Take in how often each token stands in the training text (V,). A full softmax need not know."""

    def begin(self) -> None:
        """First values of what is no parameter."""

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator, draw_weight: Drawing) -> None:
        """Fill one parameter with its first values. draw_weight: how a matrix is drawn that gives logits."""
        if name == "bias":
            parameter.zero_()
        else:
            draw_weight(parameter, generator)
