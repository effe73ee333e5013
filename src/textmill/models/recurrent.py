"""RNN, LSTM and GRU: all they keep of the past is their state. Room: models/ (ids -> scores).

torch.nn's cells, stacked; equal to the recurrence written out by hand (tests/models/test_recurrent.py).
Shapes: B batch, T new tokens, D width, L layers, N tokens that are no padding, R documents in the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from textmill.config.model import RecurrentConfig
from textmill.models.backbone import Backbone, Recomputed
from textmill.models.layout import Layout
from textmill.models.state import RecurrentState, State


class Recurrent(Backbone):
    """A stack of cells of one kind, read from left to right. Where segments are given, each document is read alone."""

    default_order: ClassVar[Literal["shuffle", "stream"]] = "stream"
    default_optimizer = "adamw"
    default_lr = 3e-3
    state_class = RecurrentState
    head_bias = True
    recomputes = True

    cells_class: ClassVar[Callable[..., nn.RNNBase]]
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    n_ways: ClassVar[Literal[1, 2]] = 1
    """Directions in which a text is read; the width is divided among them."""
    config: RecurrentConfig

    def __init__(self, config: RecurrentConfig):
        super().__init__()
        self.config = config
        self.dropout = config.dropout or 0.0
        between = self.dropout if config.n_layers > 1 else 0.0
        self.cells = self.cells_class(
            config.d_model,
            config.d_model // self.n_ways,
            config.n_layers,
            batch_first=True,
            dropout=between,
            bidirectional=self.n_ways == 2,
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

        texts, back = packed(x[rows, places], lengths)
        initial = {
            name: torch.where(fresh[None, :, None], start[name][:, owners], vector[:, owners])
            for name, vector in before.items()
        }  # (L, R, D)
        read, last = self.through_cells(texts, initial)
        vectors_read = read.data.index_select(0, back)  # (N, D); under autocast of another precision than x
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
        return run_cells(self.cells, texts, None if vectors is None else self.for_cells(vectors), self)

    def for_cells(self, vectors: dict[str, Tensor]) -> Any:
        """The form torch.nn's cells take: a tensor, or a tuple of them."""
        ordered = tuple(vectors[name].contiguous() for name in self.state_names)
        return ordered if len(ordered) > 1 else ordered[0]

    def named(self, vectors: Any) -> dict[str, Tensor]:
        return dict(zip(self.state_names, vectors if isinstance(vectors, tuple) else (vectors,), strict=True))

    def compiled_parts(self) -> list[nn.Module]:
        """None: torch.compile leaves torch.nn's cells as they are."""
        return []

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


def packed(tokens: Tensor, lengths: Tensor) -> tuple[PackedSequence, Tensor]:
    """Texts that lie end to end, tokens (N, D), of lengths (R,), as torch.nn's cells read them; and where each token
    stands in their data, (N,).

    Equal to torch.nn.utils.rnn.pack_sequence of the parts, whose backward pass takes as many tensors of size (N, D) as
    there are texts.
    """
    by_length = torch.argsort(lengths, descending=True, stable=True)
    ranks = torch.argsort(by_length)
    places = torch.arange(len(tokens), device=tokens.device) - (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
    order = torch.argsort(places * len(lengths) + ranks.repeat_interleave(lengths))
    sizes = torch.bincount(places).cpu()
    return PackedSequence(tokens.index_select(0, order), sizes, by_length, ranks), torch.argsort(order)


WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # of a layer, in the order in which torch takes them


def run_cells(cells: nn.RNNBase, texts: Any, state: Any, owner: Recomputed) -> Any:
    """torch.nn's cells over a tensor or a PackedSequence, from a state in their own form.

    Where their owner makes layers again in the backward pass, they run one by one; else all in one call.

    On a processor without bfloat16 instructions oneDNN has no LSTM in bfloat16, and stops with an error where
    autocast or the weights ask for one: there float32 is taken.
    """
    adapted = adapted_weights(cells)
    weights = next(cells.parameters())
    in_bfloat16 = weights.dtype == torch.bfloat16 or torch.is_autocast_enabled(weights.device.type)
    if not in_bfloat16 or weights.device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        if owner.makes_again:
            return run_layers(cells, adapted or dict(cells.named_parameters()), texts, state, owner)
        return cells(texts, state) if adapted is None else torch.func.functional_call(cells, adapted, (texts, state))
    exact = {name: parameter.float() for name, parameter in (adapted or dict(cells.named_parameters())).items()}
    initial = tuple(v.float() for v in state) if isinstance(state, tuple) else None if state is None else state.float()
    with torch.autocast("cpu", enabled=False):
        if owner.makes_again:
            hidden, last = run_layers(cells, exact, texts.float(), initial, owner)
        else:
            hidden, last = torch.func.functional_call(cells, exact, (texts.float(), initial))
    return hidden.to(weights.dtype), last


def adapted_weights(cells: nn.RNNBase) -> dict[str, Tensor] | None:
    """The weights of cells that have adapters (models/adapters.py), with what these add; None where there are none."""
    adapters = getattr(cells, "adapters", None)
    if adapters is None:
        return None
    return {
        name: adapters[name].added_to(weight) if name in adapters else weight
        for name, weight in cells.named_parameters(recurse=False)
    }


def run_layers(cells: nn.RNNBase, weights: dict[str, Tensor], texts: Any, state: Any, owner: Recomputed) -> Any:
    """What cells(texts, state) gives with these weights, to the bit; each layer is one of its owner's."""
    packed = isinstance(texts, PackedSequence)
    x, sizes = (texts.data, texts.batch_sizes) if packed else (texts.transpose(0, 1), None)  # (N, D) or (T, B, D)
    n_ways, n_rows = 2 if cells.bidirectional else 1, x.shape[1] if sizes is None else int(sizes[0])
    if state is None:
        state = x.new_zeros(n_ways * cells.num_layers, n_rows, cells.hidden_size)
        state = (state, state) if cells.mode == "LSTM" else state
    begin = state if isinstance(state, tuple) else (state,)  # each (L, B, D), of both ways in turns
    if packed:
        begin = tuple(vector.index_select(1, texts.sorted_indices) for vector in begin)
    ends = []
    for number in range(cells.num_layers):
        names = [f"{name}_l{number}{way}" for way in ("", "_reverse")[:n_ways] for name in WEIGHTS]
        of_layer = [weights[name] for name in names]
        before = [vector[n_ways * number : n_ways * (number + 1)] for vector in begin]
        x, *end = owner.layer(run_layer, cells, number, of_layer, sizes, x, *before)
        ends.append(end)
    last = tuple(torch.cat(vectors) for vectors in zip(*ends, strict=True))
    if packed:
        last = tuple(vector.index_select(1, texts.unsorted_indices) for vector in last)
    hidden = PackedSequence(x, sizes, texts.sorted_indices, texts.unsorted_indices) if packed else x.transpose(0, 1)
    return hidden, last if len(last) > 1 else last[0]


def run_layer(
    cells: nn.RNNBase, number: int, weights: list[Tensor], sizes: Tensor | None, x: Tensor, *state: Tensor
) -> tuple[Tensor, ...]:
    """(x after one layer of the cells, and its dropout before it; h, and c of an LSTM, after the last place)."""
    if number and cells.training and cells.dropout:
        x = F.dropout(x, cells.dropout)
    kind = getattr(torch, cells.mode.lower())  # torch.lstm, torch.gru, torch.rnn_tanh: what torch.nn's cells call
    begin = state if cells.mode == "LSTM" else state[0]
    manner = (weights, True, 1, 0.0, cells.training, cells.bidirectional)  # biases, one layer, no dropout
    after: tuple[Tensor, ...] = kind(x, begin, *manner, False) if sizes is None else kind(x, sizes, begin, *manner)
    return after


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
