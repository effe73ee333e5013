"""softmax(QKᵀ/√E)V with grouped queries and rotary positions. Room: models/ (ids -> scores).

Used by transformer.Block; knows nothing of text, losses or optimisers.
Shapes: B batch, T new tokens, P past tokens, S tokens of a source, D width, H query heads, K key-value heads, E = D/H.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textmill.config.model import TransformerConfig
from textmill.models.layout import Layout, SourceSight
from textmill.models.state import LayerCache

Turn = tuple[Tensor, Tensor]  # cos and sin of every place's angles, (T, 1, E) or (B, T, 1, E)


HALVES = (torch.bfloat16, torch.float16)
SHORT = 512  # keys: up to here a CPU attends faster in float32 than in bfloat16 (64 keys: 3 times, training step: 1.6)


def attend(q: Tensor, k: Tensor, v: Tensor, layout: Layout | SourceSight, dropout: float = 0.0) -> Tensor:
    """(B, H, T, E): what each place mixes from the places it may see.

    q (B, H, T, E), k and v (B, K, P+T, E). Through scaled_dot_product_attention: on its causal fast path where the
    layout allows it, else with a mask.
    """
    halves = q.dtype in HALVES or torch.is_autocast_enabled(q.device.type)
    if halves and q.device.type == "cpu" and k.shape[2] <= SHORT:
        with torch.autocast("cpu", enabled=False):
            return attend(q.float(), k.float(), v.float(), layout, dropout).to(v.dtype)
    return F.scaled_dot_product_attention(
        q,
        k,
        v,
        attn_mask=layout.mask,
        is_causal=layout.is_causal,
        dropout_p=dropout,
        enable_gqa=q.shape[1] != k.shape[1],
    )


def explicit_attention(q: Tensor, k: Tensor, v: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
    """The same as attend, written out, and its weights (B, H, T, P+T): each row sums to 1. Vaswani et al. 2017."""
    groups = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(groups, dim=1), v.repeat_interleave(groups, dim=1)  # (B, H, P+T, E)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, P+T)
    weights = scores.masked_fill(~layout.visible, -math.inf).softmax(dim=-1)
    return weights @ v, weights


class Rotation:
    """Rotary positions: the pair (x_i, x_{i+E/2}) is turned by position · theta^(-2i/E). Su et al. 2021, 2104.09864.

    The direction and the pairing are those of Llama in transformers. NanoChat turns the other way round, which is the
    same model with the two halves of each query and key head exchanged. Tables are kept for as long as they are used;
    they are no weights.
    """

    def __init__(self, config: TransformerConfig):
        self.config = config
        self._tables: dict[tuple[torch.device, torch.dtype], Turn] = {}

    def at(self, layout: Layout, like: Tensor) -> Turn:
        """cos and sin for every place, sin with the sign that belongs to the exchanged halves: see turned."""
        if layout.in_step:
            stop = layout.n_past + layout.n_tokens
            cos, sin = self._table(stop, like)
            return cos[layout.n_past : stop, None], sin[layout.n_past : stop, None]  # (T, 1, E)
        # Documents are never longer than the row and its past.
        cos, sin = self._table(layout.n_past + layout.n_tokens, like)
        return cos[layout.positions].unsqueeze(2), sin[layout.positions].unsqueeze(2)  # (B, T, 1, E)

    def _table(self, length: int, like: Tensor) -> Turn:
        kept = self._tables.get((like.device, like.dtype))
        if kept is None or len(kept[0]) < length:
            length = max(length, 2 * len(kept[0]) if kept else 0)
            angles = torch.arange(length, dtype=torch.float64)[:, None] * frequencies_of(self.config)  # (length, E/2)
            cos, sin = angles.cos(), angles.sin()
            kept = (
                torch.cat([cos, cos], dim=-1).to(like.device, like.dtype),
                torch.cat([-sin, sin], dim=-1).to(like.device, like.dtype),
            )
            self._tables[like.device, like.dtype] = kept
        return kept


def frequencies_of(config: TransformerConfig) -> Tensor:
    """(E/2,) radians a place, in float64, so that every device and precision turns by the same angles.

    rope_scaling linear: Chen et al. 2023, 2306.15595. llama3: as in Llama 3.1 (transformers' modeling_rope_utils).
    """
    width = config.head_width
    frequencies = config.rope_theta ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    if config.rope_scaling is None:
        return frequencies
    slow = frequencies / config.rope_factor
    if config.rope_scaling == "linear":
        return slow
    turns = config.rope_original * frequencies / (2 * math.pi)  # within the context there was
    share = ((turns - config.rope_low) / (config.rope_high - config.rope_low)).clamp(0, 1)
    return slow + share * (frequencies - slow)


def turned(x: Tensor, turn: Turn) -> Tensor:
    """x (B, T, H, E), each place turned by its angles."""
    cos, sin = turn
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)


def rms_normed(x: Tensor, eps: float) -> Tensor:
    """x / √(mean of x² + eps) over the last dimension. Zhang & Sennrich 2019, 1910.07467, without weights.

    torch's own rms_norm walks over x more often: on a CPU it takes twice as long, forward and backward.
    """
    return x * torch.rsqrt(torch.linalg.vecdot(x, x).unsqueeze(-1) / x.shape[-1] + eps)


class Gain(nn.Module):
    """The weights (E,) of a norm of queries or keys."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))


class HeadProjections(nn.Module):
    """The maps of an attention layer: to queries, keys and values of its heads, and from their mixtures back."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        d_model, d_head, biased = config.d_model, config.head_width, config.biased
        self.n_heads, self.n_kv_heads, self.d_head = config.n_heads, config.kv_heads, d_head
        self.dropout = config.dropout or 0.0
        self.qk_norm_eps = config.norm_eps if config.qk_norm else None
        self.query_norm = Gain(d_head) if config.qk_norm_gain else None
        self.key_norm = Gain(d_head) if config.qk_norm_gain else None
        self.query = nn.Linear(d_model, self.n_heads * d_head, bias=biased != "none")
        self.key = nn.Linear(d_model, self.n_kv_heads * d_head, bias=biased != "none")
        self.value = nn.Linear(d_model, self.n_kv_heads * d_head, bias=biased != "none")
        self.out = nn.Linear(self.n_heads * d_head, d_model, bias=biased == "all")

    def normed(self, x: Tensor, gain: Gain | None) -> Tensor:
        """Queries or keys (..., E), normalised where the config says so; gain: the weights of the norm, if it has."""
        if self.qk_norm_eps is None:
            return x
        normed = rms_normed(x, self.qk_norm_eps)
        return normed if gain is None else normed * gain.weight.to(normed.dtype)


class SelfAttention(HeadProjections):
    """softmax(QKᵀ/√E)V, each place seeing itself and its past. Grouped queries: Ainslie et al. 2023, 2305.13245."""

    def forward(
        self, x: Tensor, layout: Layout, turn: Turn | None = None, past: LayerCache | None = None
    ) -> tuple[Tensor, LayerCache]:
        """(B, T, D), and the past with these T places in it. turn: None without rotary positions."""
        q = self.query(x).unflatten(-1, (self.n_heads, self.d_head))  # (B, T, H, E)
        k = self.key(x).unflatten(-1, (self.n_kv_heads, self.d_head))  # (B, T, K, E)
        v = self.value(x).unflatten(-1, (self.n_kv_heads, self.d_head))

        if self.query_norm is not None:  # its weights do not turn with what they weigh
            q, k = self.normed(q, self.query_norm), self.normed(k, self.key_norm)
        if turn is not None:
            q, k = turned(q, turn), turned(k, turn)
        if self.query_norm is None:
            q, k = self.normed(q, None), self.normed(k, None)

        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)  # (B, H or K, T, E)
        cache = LayerCache(k, v) if past is None else past.extended_by(k, v)  # (B, K, P+T, E)
        mixed = attend(q, cache.keys, cache.values, layout, self.dropout if self.training else 0.0)
        return self.out(mixed.transpose(1, 2).flatten(2)), cache  # (B, T, D)


class CrossAttention(HeadProjections):
    """softmax(QKᵀ/√E)V with queries of a target, keys and values of its source. Vaswani et al. 2017, section 3.2.3.

    Keys and values do not depend on the target: they are made once a source, and kept in the state.
    """

    def keys_and_values(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Read sources (B, S, D) -> two of (B, K, S, E)."""
        k = self.key(source).unflatten(-1, (self.n_kv_heads, self.d_head)).transpose(1, 2)
        v = self.value(source).unflatten(-1, (self.n_kv_heads, self.d_head)).transpose(1, 2)
        return self.normed(k, self.key_norm), v

    def forward(self, x: Tensor, k: Tensor, v: Tensor, sight: SourceSight) -> Tensor:
        """(B, T, D): what each place takes from its source."""
        q = self.queries(x)
        mixed = attend(q, k, v, sight, self.dropout if self.training else 0.0)  # (B, H, T, E)
        return self.out(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def queries(self, x: Tensor) -> Tensor:
        """(B, H, T, E)."""
        q = self.query(x).unflatten(-1, (self.n_heads, self.d_head)).transpose(1, 2)
        return self.normed(q, self.query_norm)

    def weights(self, x: Tensor, k: Tensor, sight: SourceSight) -> Tensor:
        """(B, T, S) how much each place looks at each token of its source, over all heads: each row sums to 1."""
        q, k = self.queries(x), k.repeat_interleave(self.n_heads // self.n_kv_heads, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d_head)  # (B, H, T, S)
        if sight.mask is not None:
            scores = scores.masked_fill(~sight.mask, -math.inf)
        return scores.softmax(dim=-1).mean(dim=1)
