"""RNN, LSTM and GRU with a source: read from both ends, looked at from each target place. Room: models/.

The encoder reads a source in both directions (Schuster & Paliwal 1997), half the width each. The decoder begins in the
state in which the encoder ended; what its last layer says at a place is compared with every token of the source, and
mixed with what is found there (Luong et al. 2015, 1508.04025, without input feeding: a target's places are read in one
call). n_layers counts the layers of each of the two.
Shapes: B batch, S tokens of a source, T new tokens, D width, L layers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from textmill.config.model import RecurrentConfig
from textmill.models.both_ways import BothWays, BothWaysGRU, BothWaysLSTM, BothWaysRNN
from textmill.models.layout import Layout, SourceLayout, SourceSight
from textmill.models.recurrent import GRU, LSTM, RNN, Recurrent
from textmill.models.sourced import SOURCE, SourcedBackbone, SourcedState
from textmill.models.state import State, refuse_other_names

COMPARED_AT_ONCE = 2**23  # numbers: 32 MB in float32


class SourceAttention(nn.Module):
    """Each target place compared with each token of its source, and what it takes from them.

    additive: vᵀ tanh(W q + U k), Bahdanau et al. 2014, 1409.0473. dot: qᵀ k / √D.
    """

    def __init__(self, config: RecurrentConfig):
        super().__init__()
        width = config.d_model
        self.additive = config.source_attention == "additive"
        self.query = nn.Linear(width, width, bias=False) if self.additive else None
        self.key = nn.Linear(width, width, bias=False) if self.additive else None
        self.score = nn.Parameter(torch.empty(width)) if self.additive else None
        self.mix = nn.Linear(2 * width, width, bias=False)

    def keys(self, source: Tensor) -> Tensor | None:
        """(B, S, D) what places are compared with, where it is not the source itself."""
        return None if self.key is None else self.key(source)

    def forward(self, hidden: Tensor, source: Tensor, keys: Tensor | None, sight: SourceSight) -> Tensor:
        """tanh(W [found; hidden]), (B, T, D)."""
        found = self.weights(hidden, source, keys, sight) @ source  # (B, T, D)
        return torch.tanh(self.mix(torch.cat([found, hidden], dim=-1)))

    def weights(self, hidden: Tensor, source: Tensor, keys: Tensor | None, sight: SourceSight) -> Tensor:
        """(B, T, S), each row sums to 1."""
        if keys is None:
            scores = hidden @ source.transpose(1, 2) / math.sqrt(hidden.shape[-1])
        else:
            scores = self.compared(hidden, keys)
        if sight.real is not None:
            scores = scores.masked_fill(~sight.real[:, None], -math.inf)
        return scores.softmax(dim=-1)

    def compared(self, hidden: Tensor, keys: Tensor) -> Tensor:
        """(B, T, S) additive scores. (B, T, S, D) is never held whole where it is large: its places go in chunks,
        which the backward pass computes again."""
        assert self.query is not None
        queries = self.query(hidden)
        chunk = max(1, COMPARED_AT_ONCE // keys.numel())
        if queries.shape[1] <= chunk:
            return self.compared_at_once(queries, keys)
        parts: list[Any] = [
            checkpoint(self.compared_at_once, some, keys, use_reentrant=False, preserve_rng_state=False)
            if torch.is_grad_enabled()
            else self.compared_at_once(some, keys)
            for some in torch.split(queries, chunk, dim=1)
        ]
        return torch.cat(parts, dim=1)

    def compared_at_once(self, queries: Tensor, keys: Tensor) -> Tensor:
        assert self.score is not None
        return torch.tanh(queries[:, :, None] + keys[:, None]) @ self.score.to(queries.dtype)


class SourcedRecurrent(SourcedBackbone):
    """An encoder of both directions, a decoder of the same cells, attention from the one to the other."""

    default_order: ClassVar[Literal["shuffle", "stream"]] = "shuffle"
    default_optimizer = "muon"  # with AdamW they learn next to nothing of a source in the same time (docs/numbers.md)
    default_lr = 0.02
    default_lr_rest = 0.01
    head_bias = True
    recomputes = True
    target_class: ClassVar[type[Recurrent]]
    encoder_class: ClassVar[type[BothWays]]

    encoder: BothWays
    decoder: Recurrent

    def __init__(self, config: RecurrentConfig):
        super().__init__()
        self.config = config
        self.encoder = self.encoder_class(config)
        self.decoder = self.target_class(config)
        self.attention = SourceAttention(config)

    def read(self, x: Tensor, layout: SourceLayout) -> SourcedState:
        hidden, ends = self.encoder.read(x, layout)
        source = {"values": hidden, **{name: vector.transpose(0, 1) for name, vector in ends.items()}}
        keys, real = self.attention.keys(hidden), layout.sight.real
        if keys is not None:
            source["keys"] = keys
        return SourcedState(source if real is None else {**source, "real": real})

    def forward(self, x: Tensor, layout: Layout, state: SourcedState) -> tuple[Tensor, SourcedState]:  # type: ignore[override]
        hidden, target = self.written(x, layout, state)
        source = state.source
        hidden = self.attention(hidden, source["values"], source.get("keys"), state.sight)
        return self.decoder.dropped(hidden), SourcedState(source, target)

    def written(self, x: Tensor, layout: Layout, state: SourcedState) -> tuple[Tensor, State]:
        """What the decoder's cells say, before they look at the source."""
        start = {name: state.source[name].transpose(0, 1).contiguous() for name in self.decoder.state_names}
        hidden, target = self.decoder(x, layout, state.target, start)
        return hidden, target

    def attention_to_source(self, x: Tensor, layout: Layout, state: SourcedState) -> Tensor:
        hidden, _ = self.written(x, layout, state)
        return self.attention.weights(hidden, state.source["values"], state.source.get("keys"), state.sight)

    @classmethod
    def refuse_other_source(cls, names: Mapping[str, Tensor]) -> None:
        needed = {f"{SOURCE}{name}" for name in ("values", *cls.target_class.state_names)}
        refuse_other_names(names, needed, optional={f"{SOURCE}keys", f"{SOURCE}real"})

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        if name.startswith("attention."):
            parameter.normal_(std=parameter.shape[-1] ** -0.5, generator=generator)
        else:
            super().draw(name, parameter, generator)


class SourcedRNN(SourcedRecurrent):
    """Of tanh cells."""

    target_class, encoder_class = RNN, BothWaysRNN


class SourcedLSTM(SourcedRecurrent):
    """Of LSTM cells."""

    target_class, encoder_class = LSTM, BothWaysLSTM


class SourcedGRU(SourcedRecurrent):
    """Of GRU cells."""

    target_class, encoder_class = GRU, BothWaysGRU
