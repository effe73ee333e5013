"""RNN, LSTM and GRU read from both ends: each place knows the whole text. Room: models/ (ids -> scores).

Schuster & Paliwal 1997. Half the width in each direction. The backbone of an encoder (tables.ENCODERS), and what reads
the source of an encoder-decoder (recurrent_source.py).
Shapes: B batch, T tokens of a text, D width, L layers.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from textmill.config.model import RecurrentConfig
from textmill.errors import ConfigError
from textmill.models.layout import Layout, SourceLayout
from textmill.models.recurrent import GRU, LSTM, RNN, Recurrent, packed, run_cells
from textmill.models.state import RecurrentState, State


class BothWays(Recurrent):
    """Forward in the first half of the hidden vectors (B, T, D), backward in the other."""

    default_order: ClassVar[Literal["shuffle", "stream"]] = "shuffle"
    default_optimizer = "muon"  # as where a source is read (docs/numbers.md)
    default_lr = 0.02
    default_lr_rest = 0.01
    n_ways = 2

    def __init__(self, config: RecurrentConfig):
        if config.d_model % 2:
            raise ConfigError(
                f"model.d_model is {config.d_model}, and an encoder reads with half of it in each direction",
                hint=f"Choose an even width: --model.d_model {config.d_model + 1}",
            )
        super().__init__(config)

    def forward(self, x: Tensor, layout: SourceLayout, state: None = None) -> tuple[Tensor, State]:  # type: ignore[override]
        """(hidden (B, T, D), 0 at padding; the vectors after the last token of either direction). There is no past."""
        hidden, ends = self.read(x, layout)
        return hidden, RecurrentState(ends, layout.n_seen, layout.segment)

    def read(self, x: Tensor, layout: Layout) -> tuple[Tensor, dict[str, Tensor]]:
        """(hidden (B, T, D), 0 at padding; the vectors after the last token of either direction, each (L, B, D))."""
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
            name: torch.unflatten(vector, 0, (-1, 2)).transpose(1, 2).flatten(2).to(x.dtype)
            for name, vector in self.named(last).items()
        }
        return self.dropped(hidden), ends


class BothWaysRNN(BothWays, RNN):
    """Of tanh cells."""


class BothWaysLSTM(BothWays, LSTM):
    """Of LSTM cells."""


class BothWaysGRU(BothWays, GRU):
    """Of GRU cells."""
