"""An encoder: it reads a text as a whole, and its heads answer questions about it. Room: models/ (ids -> scores).

Every token sees all of its row, what follows it too. Used by tasks that say something of a text (classify.py); a text
longer than a row is read in windows, which the heads put together.
Shapes: W rows (texts, or windows of texts), T time (tokens), D model width.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textmill.config.model import ModelConfig
from textmill.errors import ConfigError, did_you_mean
from textmill.models.both_ways import BothWays
from textmill.models.layout import TextLayout
from textmill.models.network import NO_HEADS, Heads, Network
from textmill.tables import ENCODERS, HEADS, load


@runtime_checkable
class TakesIn(Protocol):
    """A head that has something to tell of each token before the row is read."""

    def take_in(self, x: Tensor, facts: Tensor | None) -> Tensor:
        """Embedded tokens (W, T, D) -> what the backbone reads. facts (W, T, F)."""
        ...


class Encoder(Network):
    """Hidden vectors of whole texts, and heads by name.

    model.heads["classify"](model(ids, segments), real, owners) are the scores of the classes;
    model.heads["span"](model(ids, segments, facts=facts), facts) those of where an answer begins and ends. Raises
    ConfigError for a head that does not exist, and for one that is told what makes no sense.
    """

    form: ClassVar[str] = "encoder"
    backbones: ClassVar[dict[str, str]] = ENCODERS
    unused_knobs: ClassVar[frozenset[str]] = frozenset({"start", "vectors"})

    def __init__(self, config: ModelConfig, vocab_size: int, heads: Heads = NO_HEADS):
        super().__init__(config, vocab_size)
        self.token_dropout = config.token_dropout or 0.0
        self.heads = nn.ModuleDict({name: head_of(name, config, dict(told)) for name, told in heads.items()})

    def forward(
        self,
        ids: Tensor,
        segments: Tensor | None = None,
        *,
        facts: Tensor | None = None,
        masked: Tensor | None = None,
    ) -> Tensor:
        """Hidden vectors (W, T, D) of ids (W, T), one text a row. segments (W, T): -1 = padding, on either side; None =
        no padding. Hidden vectors at padding mean nothing. facts (W, T, F): what is known of each token besides its id,
        for heads that take it in before the row is read; 0 at padding. masked (W, T): True where the token is hidden
        from the model, which has a head "mask": it reads that head's stand-in there.

        Raises InputError for a row without a token and for ids that are no tokens of the vocabulary, ContextFull beyond
        max_context.
        """
        x = self.embedded(ids)  # (W, T, D)
        if masked is not None:
            stand_in: Tensor = self.heads["mask"].stand_in  # type: ignore[assignment]
            x = torch.where(masked[..., None], stand_in.to(x.dtype), x)
        if self.training and self.token_dropout:
            x = x * F.dropout(x.new_ones(*x.shape[:2], 1), self.token_dropout)
        for head in self.heads.values():
            if isinstance(head, TakesIn):
                x = head.take_in(x, facts)
        return self.read(x, ids, segments)

    def states(self, ids: Tensor, segments: Tensor | None = None) -> Tensor:
        """What the last layer says of each token (W, T, D) of texts of which nothing else is known or asked."""
        return self.read(self.embedded(ids), ids, segments)

    def read(self, x: Tensor, ids: Tensor, segments: Tensor | None) -> Tensor:
        """Embedded tokens (W, T, D) of ids -> hidden vectors."""
        hidden, _ = self.backbone(x, TextLayout(ids.shape[0], ids.shape[1], segments, ids.device))
        return hidden  # type: ignore[no-any-return]

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        part, _, inner = name.partition(".")
        if part == "heads":
            head, _, inner = inner.partition(".")
            if inner == "facts":  # added to the embedding, and of its size
                self.backbone.draw_embedding(parameter, generator)
            else:
                self.heads[head].draw(inner, parameter, generator)  # type: ignore[operator]
        else:
            super().draw(name, parameter, generator)
            if name == "embedding.weight" and isinstance(self.backbone, BothWays):
                parameter.mul_(
                    min((getattr(head, "embedding_scale", 1.0) for head in self.heads.values()), default=1.0)
                )

    def description(self) -> dict[str, Any]:
        heads = {name: head.description() for name, head in self.heads.items()}  # type: ignore[operator]
        return {**super().description(), "heads": heads}


def head_of(name: str, config: ModelConfig, told: dict[str, Any]) -> nn.Module:
    """The head of a name, with what it is told. Raises ConfigError."""
    if name not in HEADS:
        raise ConfigError(f"no head {name!r}", hint=did_you_mean(name, HEADS) or f"an encoder has: {', '.join(HEADS)}")
    kind = load(HEADS[name])
    try:
        inspect.signature(kind).bind(config, **told)
    except TypeError as error:
        raise ConfigError(f"head {name!r}: {error}") from None
    head: nn.Module = kind(config, **told)
    return head
