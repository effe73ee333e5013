"""A language model: embedding, backbone, head. Room: models/ (ids -> scores).

One class for every architecture: what differs stands behind Backbone. Tasks train it, generation and evaluation use it
through NextToken. Shapes: B batch, T time (tokens), D model width, V vocabulary, N = B·T places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textmill.config.model import ModelConfig
from textmill.models.adaptive_head import AdaptiveHead
from textmill.models.heads import Head
from textmill.models.layout import Layout
from textmill.models.network import Network
from textmill.models.state import State
from textmill.tables import ARCHITECTURES


class LanguageModel(Network):
    """P(next token | the tokens before it). Stands behind NextToken."""

    form: ClassVar[str] = "decoder"
    backbones: ClassVar[dict[str, str]] = ARCHITECTURES
    tied_head_bias: ClassVar[bool] = False
    """A head that shares the embedding's weights has a bias too, where the backbone wishes for one."""

    def __init__(self, config: ModelConfig, vocab_size: int):
        super().__init__(config, vocab_size)
        bias = self.backbone.head_bias and (self.tied_head_bias or not config.tied)
        self.head = (
            AdaptiveHead(self.embedding, bias, config.logit_cap)
            if config.softmax == "adaptive"
            else Head(self.embedding, config.tied, bias, config.logit_cap)
        )

    def forward(self, ids: Tensor, segments: Tensor | None = None, state: State | None = None) -> tuple[Tensor, State]:
        """(hidden (B, T, D), state). ids, segments: int64 (B, T); see Layout. Hidden vectors at padding mean nothing.

        Raises InputError for ids that are no tokens of the vocabulary, ContextFull beyond max_context.
        """
        x = self.embedded(ids)  # (B, T, D)
        layout = Layout(ids.shape[0], ids.shape[1], segments, state, ids.device)
        hidden, after = self.backbone(x, layout, state)
        return hidden, after

    def states(self, ids: Tensor, segments: Tensor | None = None) -> Tensor:
        """What the last layer says of each token of texts that are read for themselves, (B, T, D); see forward."""
        return self(ids, segments)[0]  # type: ignore[no-any-return]

    def nll(
        self, ids: Tensor, targets: Tensor, segments: Tensor | None = None, state: State | None = None
    ) -> tuple[Tensor, State]:
        """−ln P(target) in nats (B, T), 0 where the target is IGNORED; and the state after the last id."""
        hidden, after = self(ids, segments, state)
        return self.head.nll(hidden, targets), after

    def log_probs(
        self, ids: Tensor, segments: Tensor | None = None, state: State | None = None
    ) -> tuple[Tensor, State]:
        """ln P of every token (B, T, V) at every place; and the state after the last id."""
        hidden, after = self(ids, segments, state)
        return self.head.log_probs(hidden), after

    def order_by(self, counts: Callable[[], NDArray[np.int64]]) -> None:
        self.head.order_by(counts)

    def initialise(self, seed: int) -> None:
        self.head.begin()
        super().initialise(seed)

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        part, _, inner = name.partition(".")
        if part == "head":
            self.head.draw(inner, parameter, generator, self.backbone.draw_head)
        else:
            super().draw(name, parameter, generator)
