"""The Transformer: one class, its dialects by configuration. Room: models/ (ids -> scores).

Its dialects, such as gpt2, bert and llama, differ in the knobs of TransformerConfig alone; each is equal to the
implementation that its preset names (tests/hub/test_families.py, tests/models/test_references.py).
Shapes: B batch, T new tokens, P past tokens, D width, F width of the feed-forward layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textmill.config.model import TransformerConfig
from textmill.errors import ContextFull
from textmill.models.attention import CrossAttention, Rotation, SelfAttention, Turn, rms_normed
from textmill.models.backbone import Backbone, embedding
from textmill.models.layout import Layout, SourceSight
from textmill.models.state import LayerCache, State, TransformerState


class FeedForward(nn.Module):
    """Each place for itself: wider, bent, back. Gated: Shazeer 2020, 2002.05202. relu²: So et al. 2021, 2109.08668."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.activation = config.activation
        self.up = nn.Linear(config.d_model, config.feed_forward_width, bias=config.bias)
        self.gate = nn.Linear(config.d_model, config.feed_forward_width, bias=config.bias) if config.gated else None
        self.down = nn.Linear(config.feed_forward_width, config.d_model, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        wide = self.up(x)  # (B, T, F)
        bent = self.bend(wide) if self.gate is None else self.bend(self.gate(x)) * wide
        return self.down(bent)  # type: ignore[no-any-return]  # (B, T, D)

    def bend(self, x: Tensor) -> Tensor:
        match self.activation:
            case "relu":
                return F.relu(x)
            case "gelu":
                return F.gelu(x)
            case "gelu_tanh":
                return F.gelu(x, approximate="tanh")
            case "silu":
                return F.silu(x)
            case "relu_squared":
                return cast(Tensor, ReluSquared.apply(x))  # type: ignore[no-untyped-call]


class ReluSquared(torch.autograd.Function):
    """relu(x)², whose gradient 2 relu(x) is written out: autograd's own takes a power and twice the passes over x."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return F.relu(x).square_()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return (F.relu(x) * gradient).mul_(2)


SeenSource = tuple[Tensor, Tensor, SourceSight]  # a layer's keys and values of the source, and what may be seen of them


class Block(nn.Module):
    """Attention, then feed-forward, each added to what came in. pre: normalised before; post: normalised after.

    sees_source: between the two, attention to a source.
    """

    def __init__(self, config: TransformerConfig, sees_source: bool = False):
        super().__init__()
        self.norm_place = config.norm_place
        self.attention_norm = make_norm(config)
        self.attention = SelfAttention(config)
        self.cross_norm = make_norm(config) if sees_source else None
        self.cross_attention = CrossAttention(config) if sees_source else None
        self.feed_forward_norm = make_norm(config)
        self.feed_forward = FeedForward(config)
        self.dropout = config.dropout or 0.0

    def forward(
        self,
        x: Tensor,
        layout: Layout,
        turn: Turn | None,
        past: LayerCache | None,
        source: SeenSource | None = None,
    ) -> tuple[Tensor, LayerCache]:
        if self.norm_place == "pre":
            mixed, cache = self.attention(self.attention_norm(x), layout, turn, past)
            x = x + self.dropped(mixed)
            if self.cross_attention is not None and self.cross_norm is not None:
                x = x + self.dropped(self.cross_attention(self.cross_norm(x), *seen(source)))
            return x + self.dropped(self.feed_forward(self.feed_forward_norm(x))), cache
        mixed, cache = self.attention(x, layout, turn, past)
        x = self.attention_norm(x + self.dropped(mixed))
        if self.cross_attention is not None and self.cross_norm is not None:
            x = self.cross_norm(x + self.dropped(self.cross_attention(x, *seen(source))))
        return self.feed_forward_norm(x + self.dropped(self.feed_forward(x))), cache

    def dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout) if self.training and self.dropout else x


def seen(source: SeenSource | None) -> SeenSource:
    """The source that a block with attention to one is always given."""
    assert source is not None, "SourcedTransformer hands every block its source"
    return source


class Transformer(Backbone):
    """A stack of blocks over embedded tokens, which it tells their places."""

    default_order: ClassVar[Literal["shuffle", "stream"]] = "shuffle"
    default_optimizer = "muon"
    default_lr = 0.02
    gains_by_bfloat16 = True
    recomputes = True
    state_class = TransformerState

    config: TransformerConfig

    def __init__(self, config: TransformerConfig, sees_source: bool = False):
        super().__init__()
        self.config = config
        self.max_context = config.seq_len
        self.head_bias = config.bias
        self.learned = embedding(config.seq_len, config.d_model) if config.positions == "learned" else None
        self.sinusoids = Sinusoids(config.d_model, config.positions) if "sinusoidal" in config.positions else None
        self.rotation = Rotation(config) if config.positions == "rotary" else None
        self.embed_norm = make_norm(config) if config.embed_norm else None
        self.blocks = nn.ModuleList(Block(config, sees_source) for _ in range(config.n_layers))
        self.last_norm = make_norm(config) if config.norm_place == "pre" else None
        self.dropout = config.dropout or 0.0

    def forward(
        self,
        x: Tensor,
        layout: Layout,
        state: TransformerState | None = None,
        source: Sequence[SeenSource] | None = None,
    ) -> tuple[Tensor, State]:
        """Raises ContextFull where a document grows beyond max_context. source: one a block, where they look at it."""
        self.refuse_beyond_context(layout)
        layout = layout.seen_through(self.config.window)
        x = self.placed(x, layout)  # (B, T, D)
        turn = self.rotation.at(layout, x) if self.rotation is not None else None

        _ = layout.mask  # filled in before the blocks, of which the first would else be another code when compiled
        caches: list[LayerCache] = []
        for number, block in enumerate(self.blocks):
            past = None if state is None else state.layers[number]
            x, cache = self.layer(block, x, layout, turn, past, None if source is None else source[number])
            caches.append(cache)

        if self.last_norm is not None:
            x = self.last_norm(x)
        return x, TransformerState(tuple(caches), layout.n_seen, layout.segment, layout.documents)

    def placed(self, x: Tensor, layout: Layout) -> Tensor:
        """The embeddings with what the first layer needs to know of their places."""
        if self.config.scale_embedding:
            x = x * math.sqrt(self.config.d_model)
        if self.learned is not None:
            x = x + self.learned(layout.positions)
        if self.sinusoids is not None:
            x = x + self.sinusoids.at(layout, x)
        if self.embed_norm is not None:
            x = self.embed_norm(x)
        return F.dropout(x, self.dropout) if self.training and self.dropout else x

    def refuse_beyond_context(self, layout: Layout) -> None:
        length = layout.n_past + layout.n_tokens
        if length > self.config.seq_len and not layout.in_step:
            length = int(layout.positions.max()) + 1  # padding and other documents take no place in the context
        if length > self.config.seq_len:
            raise ContextFull(
                f"a text of {length} tokens is longer than the model's context of {self.config.seq_len}",
                hint="read it in windows, or train with a longer --model.seq_len",
            )

    def compiled_parts(self) -> list[nn.Module]:
        return list(self.blocks)

    def matrices(self) -> list[tuple[str, nn.Parameter]]:
        return [(name, matrix) for name, matrix in super().matrices() if not name.startswith("learned.")]

    # --- first values

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        """normal: Radford et al. 2019. zero_projections: as nanochat begins, whose layers start as the identity."""
        if parameter.ndim == 1:
            parameter.fill_(1.0 if name.endswith("norm.weight") else 0.0)
        elif name.endswith(("attention.out.weight", "feed_forward.down.weight")):
            if self.config.init == "zero_projections":
                parameter.zero_()
            else:
                parameter.normal_(std=0.02 / math.sqrt(2 * self.config.n_layers), generator=generator)
        elif self.config.init == "zero_projections" and not name.startswith("learned."):
            bound = math.sqrt(3 / parameter.shape[1])  # a standard deviation of 1/√fan_in
            parameter.uniform_(-bound, bound, generator=generator)
        else:
            parameter.normal_(std=0.02, generator=generator)

    def draw_embedding(self, weight: Tensor, generator: torch.Generator) -> None:
        """Vaswani et al. scale by √d what begins at 1/√d. Before a norm the size does not matter, but a small one
        learns sooner: 0.02 against 1 gave 1.88 against 1.90 nats after 300 steps on tinyshakespeare."""
        std = 1 / math.sqrt(self.config.d_model) if self.config.scale_embedding else 0.02
        weight.normal_(std=std, generator=generator)

    def draw_head(self, weight: Tensor, generator: torch.Generator) -> None:
        weight.normal_(std=0.001 if self.config.init == "zero_projections" else 0.02, generator=generator)


class Sinusoids:
    """sin and cos of position · 10000^(-2i/D). Vaswani et al. 2017, section 3.5.

    In turns; or (sinusoidal_halves, as Marian lays them) all sines, then all cosines.
    """

    def __init__(self, d_model: int, positions: str = "sinusoidal"):
        self.d_model, self.in_turns = d_model, positions == "sinusoidal"
        self._tables: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def at(self, layout: Layout, like: Tensor) -> Tensor:
        """(T, D), or (B, T, D) where rows stand at different positions."""
        stop = layout.n_past + layout.n_tokens
        table = self._table(stop, like)
        return table[layout.n_past : stop] if layout.in_step else table[layout.positions]

    def _table(self, length: int, like: Tensor) -> Tensor:
        table = self._tables.get((like.device, like.dtype))
        if table is None or len(table) < length:
            length = max(length, 2 * len(table) if table is not None else 0)
            frequencies = 10000.0 ** (-torch.arange(0, self.d_model, 2, dtype=torch.float64) / self.d_model)
            angles = torch.arange(length, dtype=torch.float64)[:, None] * frequencies
            if self.in_turns:
                table = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, : self.d_model]
            else:
                table = torch.cat([angles.sin(), angles.cos()], dim=-1)[:, : self.d_model]
            table = self._tables[like.device, like.dtype] = table.to(like.device, like.dtype)
        return table


class WeightlessRMSNorm(nn.Module):
    """rms_normed as a module: it has no weights."""

    def __init__(self, eps: float):
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return rms_normed(x, self.eps)


def make_norm(config: TransformerConfig) -> nn.Module:
    match config.norm:
        case "layer":
            return nn.LayerNorm(config.d_model, eps=config.norm_eps, bias=config.bias)
        case "rms":
            return nn.RMSNorm(config.d_model, eps=config.norm_eps)
        case "rms_weightless":
            return WeightlessRMSNorm(config.norm_eps)
