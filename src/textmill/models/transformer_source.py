"""The Transformer with a source: blocks that read it whole, blocks that look at it. Room: models/ (ids -> scores).

n_layers counts the blocks of each of the two. The dialects are those of transformer.py; in `marian` it is equal to
transformers' MarianMTModel (tests/hub/test_families_whole.py).
Shapes: B batch, S tokens of a source, T new tokens, D width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor

from textmill.config.model import TransformerConfig
from textmill.models.layout import Layout, SourceLayout
from textmill.models.sourced import SOURCE, SourcedBackbone, SourcedState
from textmill.models.state import refuse_other_names
from textmill.models.transformer import Block, SeenSource, Transformer


class SourcedTransformer(SourcedBackbone):
    """Vaswani et al. 2017, figure 1. A source's keys and values are made once, for all blocks, and kept."""

    default_order: ClassVar[Literal["shuffle", "stream"]] = "shuffle"
    default_optimizer = Transformer.default_optimizer
    default_lr = Transformer.default_lr
    gains_by_bfloat16 = True
    recomputes = True
    target_class = Transformer

    encoder: Transformer
    decoder: Transformer

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.config = config
        self.encoder = Transformer(config)
        self.decoder = Transformer(config, sees_source=True)
        self.max_context, self.head_bias = self.decoder.max_context, self.decoder.head_bias

    def read(self, x: Tensor, layout: SourceLayout) -> SourcedState:
        """Raises ContextFull where a source is longer than max_context."""
        hidden, _ = self.encoder(x, layout)  # (B, S, D)
        source: dict[str, Tensor] = {}
        for number, block in enumerate(self.blocks):
            k, v = block.cross_attention.keys_and_values(hidden)  # type: ignore[union-attr]
            source |= {f"keys.{number}": k, f"values.{number}": v}
        real = layout.sight.real
        return SourcedState(source if real is None else {**source, "real": real})

    def forward(self, x: Tensor, layout: Layout, state: SourcedState) -> tuple[Tensor, SourcedState]:  # type: ignore[override]
        hidden, target = self.decoder(x, layout, state.target, self.seen(state))
        return hidden, SourcedState(state.source, target)

    def seen(self, state: SourcedState) -> list[SeenSource]:
        """What each block is shown of the source."""
        source, sight = state.source, state.sight
        return [(source[f"keys.{n}"], source[f"values.{n}"], sight) for n in range(len(self.blocks))]

    @property
    def blocks(self) -> list[Block]:
        return list(self.decoder.blocks)  # type: ignore[arg-type]

    def attention_to_source(self, x: Tensor, layout: Layout, state: SourcedState) -> Tensor:
        """Of the last block, over all its heads."""
        [*_, last] = self.blocks
        [*_, (k, _, sight)] = self.seen(state)
        looking: list[Tensor] = []
        assert last.cross_attention is not None
        handle = last.cross_attention.register_forward_pre_hook(lambda _, inputs: looking.append(inputs[0]))
        try:
            self.decoder(x, layout, state.target, self.seen(state))
        finally:
            handle.remove()
        return last.cross_attention.weights(looking[0], k, sight)

    @classmethod
    def refuse_other_source(cls, names: Mapping[str, Tensor]) -> None:
        n_layers = max(1, sum(name.startswith(f"{SOURCE}keys.") for name in names))
        needed = {f"{SOURCE}{kind}.{number}" for kind in ("keys", "values") for number in range(n_layers)}
        refuse_other_names(names, needed, optional={f"{SOURCE}real"})
