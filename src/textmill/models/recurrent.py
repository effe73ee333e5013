"""RNN, LSTM and GRU: all they keep of the past is their state. Room: models/ (ids -> scores).

torch.nn's cells, stacked; equal to the recurrence written out by hand (tests/models/test_recurrent.py).
Shapes: B batch, T new tokens, D width, L layers, N tokens that are no padding, R documents in the batch.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from textmill.config.model import RecurrentConfig
from textmill.models.backbone import Backbone
from textmill.models.layout import Layout
from textmill.models.state import RecurrentState, State


class Recurrent(Backbone):
    """A stack of cells of one kind, read from left to right. Where segments are given, each document is read alone."""

    default_order: ClassVar[Literal["shuffle", "stream"]] = "stream"
    default_optimizer = "adamw"
    default_lr = 3e-3
    state_class = RecurrentState
    head_bias = True

    cells_class: ClassVar[type[nn.Module]]
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    config: RecurrentConfig

    def __init__(self, config: RecurrentConfig):
        super().__init__()
        self.config = config
        self.dropout = config.dropout or 0.0
        between = self.dropout if config.n_layers > 1 else 0.0
        self.cells = self.cells_class(
            config.d_model, config.d_model, config.n_layers, batch_first=True, dropout=between
        )

    def forward(
        self,
        x: Tensor,
        layout: Layout,
        state: RecurrentState | None = None,
        start: dict[str, Tensor] | None = None,
    ) -> tuple[Tensor, State]:
        """start: the vectors (L, B, D) that a document of a row begins with. Default: zeros."""
        x = self.dropped(x)
        if layout.segments is None:
            hidden, last = self.through_cells(x, start if state is None else state.vectors)
            vectors = {name: vector.to(x.dtype) for name, vector in self.named(last).items()}
        else:
            hidden, vectors = self.read_apart(x, layout, state, start)
        return self.dropped(hidden), RecurrentState(vectors, layout.n_seen, layout.segment)

    def read_apart(
        self, x: Tensor, layout: Layout, state: RecurrentState | None, start: dict[str, Tensor] | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Each document of each row as a row of its own, and put back. Padding is not read; hidden is 0 there."""
        if start is None:
            start = {name: x.new_zeros(self.config.n_layers, len(x), x.shape[-1]) for name in self.state_names}
        before = start if state is None else state.vectors
        rows, places = layout.real.nonzero(as_tuple=True)  # (N,) each, row by row
        if not len(rows):
            return torch.zeros_like(x), before

        # A document begins where the layout says so, and in every row with its first token (going on with the state).
        opens_row = torch.ones_like(rows, dtype=torch.bool)
        opens_row[1:] = rows[1:] != rows[:-1]
        begins = layout.starts[rows, places]
        firsts = (begins | opens_row).nonzero()[:, 0]  # (R,)
        lengths = torch.diff(firsts, append=firsts.new_tensor([len(rows)]))
        owners = rows[firsts]  # (R,) the row of each document
        fresh = begins[firsts]

        texts = pack_sequence(list(torch.split(x[rows, places], lengths.tolist())), enforce_sorted=False)
        initial = {
            name: torch.where(fresh[None, :, None], start[name][:, owners], vector[:, owners])
            for name, vector in before.items()
        }  # (L, R, D)
        read, last = self.through_cells(texts, initial)
        vectors_read = torch.cat(unpack_sequence(read))  # (N, D); under autocast of another precision than x
        hidden = vectors_read.new_zeros(x.shape).index_put((rows, places), vectors_read)

        # Documents stand row by row: the last one of each row leaves its vectors there.
        ends = torch.ones_like(owners, dtype=torch.bool)
        ends[:-1] = owners[1:] != owners[:-1]
        after = {
            name: before[name].index_copy(1, owners[ends], vector[:, ends].to(x.dtype))
            for name, vector in self.named(last).items()
        }
        return hidden, after

    def through_cells(self, texts: Any, vectors: dict[str, Tensor] | None) -> Any:
        """torch.nn's cells over a tensor or a PackedSequence."""
        return run_cells(self.cells, texts, None if vectors is None else self.for_cells(vectors))

    def for_cells(self, vectors: dict[str, Tensor]) -> Any:
        """The form torch.nn's cells take: a tensor, or a tuple of them."""
        ordered = tuple(vectors[name].contiguous() for name in self.state_names)
        return ordered if len(ordered) > 1 else ordered[0]

    def named(self, vectors: Any) -> dict[str, Tensor]:
        return dict(zip(self.state_names, vectors if isinstance(vectors, tuple) else (vectors,), strict=True))

    def dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout) if self.training and self.dropout else x

    # --- first values

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        """Input weights N(0, 1/D); recurrent weights orthogonal, a gate at a time (Saxe et al. 2013, 1312.6120)."""
        if parameter.ndim == 1:
            parameter.zero_()
        elif "weight_hh" in name:
            for gate in torch.split(parameter, parameter.shape[1]):
                nn.init.orthogonal_(gate, generator=generator)
        else:
            parameter.normal_(std=parameter.shape[1] ** -0.5, generator=generator)

    def draw_embedding(self, weight: Tensor, generator: torch.Generator) -> None:
        weight.normal_(std=1.0, generator=generator)

    def draw_head(self, weight: Tensor, generator: torch.Generator) -> None:
        weight.normal_(std=0.02, generator=generator)


def run_cells(cells: nn.Module, texts: Any, state: Any) -> Any:
    """torch.nn's cells over a tensor or a PackedSequence, from a state in their own form.

    On a processor without bfloat16 instructions oneDNN has no LSTM in bfloat16, and stops with an error where
    autocast or the weights ask for one: there float32 is taken.
    """
    weights = next(cells.parameters())
    in_bfloat16 = weights.dtype == torch.bfloat16 or torch.is_autocast_enabled(weights.device.type)
    if not in_bfloat16 or weights.device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return cells(texts, state)
    exact = {name: parameter.float() for name, parameter in cells.named_parameters()}
    initial = tuple(v.float() for v in state) if isinstance(state, tuple) else None if state is None else state.float()
    with torch.autocast("cpu", enabled=False):
        hidden, last = torch.func.functional_call(cells, exact, (texts.float(), initial))
    return hidden.to(weights.dtype), last


class RNN(Recurrent):
    """h' = tanh(W x + U h + b). Elman 1990."""

    cells_class = nn.RNN
    default_lr = 2e-3


class LSTM(Recurrent):
    """Input, forget and output gate around a cell that is carried on. Hochreiter & Schmidhuber 1997."""

    cells_class = nn.LSTM
    state_names = ("h", "c")

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        """As its kin; the forget gate begins open, at a bias of 1 (Jozefowicz, Zaremba & Sutskever 2015)."""
        super().draw(name, parameter, generator)
        if "bias_ih" in name:  # torch's order: input, forget, cell, output
            width = len(parameter) // 4
            parameter[width : 2 * width] = 1.0


class GRU(Recurrent):
    """Reset and update gate. Cho et al. 2014, 1406.1078; the reset acts on U h + b, as in torch.nn.GRU."""

    cells_class = nn.GRU
