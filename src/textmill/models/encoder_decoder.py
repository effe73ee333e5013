"""A language model with a beginning: it reads a source, then models the target. Room: models/ (ids -> scores).

begin(source) gives the state in which the targets begin; from there on it is used as every language model, through
NextToken. Shapes: B batch, S tokens of a source, T new tokens, D model width, V vocabulary.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from textmill.config.model import ModelConfig
from textmill.errors import InputError
from textmill.models.backbone import embedding
from textmill.models.language import LanguageModel
from textmill.models.layout import Layout, SourceLayout
from textmill.models.sourced import SourcedBackbone, SourcedState
from textmill.models.state import State
from textmill.tables import SOURCED


class EncoderDecoder(LanguageModel):
    """P(next token | the source and the tokens before it).

    source_vocab_size: None = source and target share the vocabulary and its embedding; a number = sources have a
    vocabulary of that size and an embedding of their own. config.tied: the head shares the target's embedding.
    """

    form: ClassVar[str] = "encoder-decoder"
    backbones: ClassVar[dict[str, str]] = SOURCED
    tied_head_bias: ClassVar[bool] = True
    backbone: SourcedBackbone

    def __init__(self, config: ModelConfig, vocab_size: int, source_vocab_size: int | None = None):
        super().__init__(config, vocab_size)
        self.source_vocab_size = source_vocab_size
        self.source_embedding = None if source_vocab_size is None else embedding(source_vocab_size, config.d_model)

    def begin(self, source: Tensor, segments: Tensor | None = None) -> SourcedState:
        """Sources (B, S) -> the state in which their targets begin. segments: -1 = padding, on either side.

        Raises InputError for ids outside the vocabulary and rows without a token, ContextFull beyond max_context.
        """
        return self.backbone.read(*self.sources(source, segments))

    def sources(self, source: Tensor, segments: Tensor | None) -> tuple[Tensor, SourceLayout]:
        """Sources (B, S) embedded (B, S, D), and their places."""
        table = self.embedding if self.source_embedding is None else self.source_embedding
        return self.embedded(source, table), SourceLayout(source.shape[0], source.shape[1], segments, source.device)

    def states(self, ids: Tensor, segments: Tensor | None = None) -> Tensor:
        """What the last layer of the encoder says of each token of sources (B, S): (B, S, D)."""
        return self.backbone.encoder(*self.sources(ids, segments))[0]  # type: ignore[no-any-return]

    def forward(self, ids: Tensor, segments: Tensor | None = None, state: State | None = None) -> tuple[Tensor, State]:
        """(hidden (B, T, D), state). state: what begin() gave, or a call after it."""
        x = self.embedded(ids)
        begun = self.begun(state, ids)
        hidden, after = self.backbone(x, Layout(ids.shape[0], ids.shape[1], segments, begun.target, ids.device), begun)
        return hidden, after

    @torch.no_grad()
    def attention_to_source(self, ids: Tensor, segments: Tensor | None = None, state: State | None = None) -> Tensor:
        """(B, T, S) how much each target place looks at each token of its source; each row sums to 1."""
        begun = self.begun(state, ids)
        layout = Layout(ids.shape[0], ids.shape[1], segments, begun.target, ids.device)
        return self.backbone.attention_to_source(self.embedded(ids), layout, begun)

    def begun(self, state: Any, ids: Tensor) -> SourcedState:
        if state is None:
            raise InputError(
                "this model reads a source before it writes, and was given none",
                hint="state = model.begin(source), then as with every language model",
            )
        begun = cast(SourcedState, state)
        if begun.n_rows != len(ids):
            raise InputError(
                f"the state holds {begun.n_rows} rows, the ids {len(ids)}", hint="state.select(rows) picks rows"
            )
        return begun

    def description(self) -> dict[str, Any]:
        return {**super().description(), "source_vocab_size": self.source_vocab_size}
