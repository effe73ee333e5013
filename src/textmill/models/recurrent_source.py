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
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from textmill.config.model import RecurrentConfig
from textmill.errors import ConfigError
from textmill.models.backbone import Recomputed
from textmill.models.layout import Layout, SourceLayout, SourceSight
from textmill.models.recurrent import GRU, LSTM, RNN, Recurrent, packed, run_cells
from textmill.models.sourced import SOURCE, SourcedBackbone, SourcedState
from textmill.models.state import State, refuse_other_names

COMPARED_AT_ONCE = 2**23  # numbers: 32 MB in float32


class BothWays(Recomputed):
    """Cells that read each source from both ends: forward in the first half of (B, S, D), backward in the other."""

    def __init__(self, config: RecurrentConfig, kind: type[Recurrent]):
        if config.d_model % 2:
            raise ConfigError(
                f"model.d_model is {config.d_model}, and an encoder reads with half of it in each direction",
                hint=f"Choose an even width: --model.d_model {config.d_model + 1}",
            )
        super().__init__()
        self.state_names = kind.state_names
        self.dropout = config.dropout or 0.0
        between = self.dropout if config.n_layers > 1 else 0.0
        self.cells = kind.cells_class(
            config.d_model,
            config.d_model // 2,
            config.n_layers,
            batch_first=True,
            dropout=between,
            bidirectional=True,
        )

    def read(self, x: Tensor, layout: SourceLayout) -> tuple[Tensor, dict[str, Tensor]]:
        """(hidden (B, S, D), 0 at padding; the vectors after the last token of either direction, each (L, B, D))."""
        x = self.dropped(x)
        if layout.segments is None:
            hidden, last = run_cells(self.cells, x, None, self)
        else:
            rows, places = layout.real.nonzero(as_tuple=True)
            texts, back = packed(x[rows, places], layout.real.sum(dim=1))
            read, last = run_cells(self.cells, texts, None, self)
            found = read.data.index_select(0, back)
            hidden = found.new_zeros(x.shape).index_put((rows, places), found)
        ends = {
            # (L · 2, B, D/2), the two directions of a layer in turns -> (L, B, D)
            name: vector.unflatten(0, (-1, 2)).transpose(1, 2).flatten(2).to(x.dtype)
            for name, vector in zip(self.state_names, last if isinstance(last, tuple) else (last,), strict=True)
        }
        return self.dropped(hidden), ends

    def dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout) if self.training and self.dropout else x


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

    encoder: BothWays
    decoder: Recurrent

    def __init__(self, config: RecurrentConfig):
        super().__init__()
        self.config = config
        self.encoder = BothWays(config, self.target_class)
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
        else:  # the same rules for the cells of both sides
            self.decoder.draw(name.partition(".")[2], parameter, generator)


class SourcedRNN(SourcedRecurrent):
    """Of tanh cells."""

    target_class = RNN


class SourcedLSTM(SourcedRecurrent):
    """Of LSTM cells."""

    target_class = LSTM


class SourcedGRU(SourcedRecurrent):
    """Of GRU cells."""

    target_class = GRU
