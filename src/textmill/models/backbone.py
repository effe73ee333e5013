"""What every architecture is to the rest of the house: vectors in, vectors out, a state. Room: models/.

A new architecture is one class that fills this in, and one line in tables.ARCHITECTURES.
Shapes: B batch, T new tokens, D width.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from textmill.models.layout import Layout
from textmill.models.state import State

IN_LAYER = re.compile(r"(?:blocks\.|_l)(\d+)")
"""In the name of a parameter, the number of its layer: of a Transformer's block, or of torch.nn's cells."""
BEFORE_LAYERS = re.compile(r"(?:^|\.)(?:learned|embed_norm)\.")


def embedding(n: int, width: int) -> nn.Embedding:
    """A table (n, width) whose values are drawn later: nn.Embedding draws its own at once, which on the device "meta"
    imports torch's compiler, two seconds for nothing."""
    return nn.Embedding.from_pretrained(torch.empty(n, width), freeze=False)  # type: ignore[no-untyped-call,no-any-return]


class Recomputed(nn.Module):
    """What can make the activations of its layers again in the backward pass. Chen et al. 2016, arXiv:1604.06174."""

    recompute: bool = False
    """Asked for; it is done in training alone."""

    @property
    def makes_again(self) -> bool:
        return self.recompute and self.training and torch.is_grad_enabled()

    def layer(self, function: Callable[..., Any], *inputs: Any) -> Any:
        """function(*inputs), a layer. Made again: of its activations only what goes in and comes out is kept, and its
        dropout is the same both times."""
        if not self.makes_again:
            return function(*inputs)
        from torch.utils.checkpoint import checkpoint

        return checkpoint(function, *inputs, use_reentrant=False)


class Backbone(Recomputed, ABC):
    """Embedded tokens (B, T, D) -> hidden vectors (B, T, D), each made from its own and earlier tokens only."""

    default_order: ClassVar[Literal["shuffle", "stream"]]
    """In which order training rows come: stream carries the state on from row to row."""
    default_optimizer: ClassVar[str]
    default_lr: ClassVar[float]
    """Peak learning rate of default_optimizer."""
    default_lr_rest: ClassVar[float] = 3e-3
    """That of the AdamW beside Muon."""
    gains_by_bfloat16: ClassVar[bool] = False
    """Training steps are faster with multiplications in bfloat16, at no cost in loss (measured; training.defaults)."""
    state_class: ClassVar[type[State]]
    recomputes: ClassVar[bool] = False
    """It heeds Recomputed.recompute."""

    config: Any
    max_context: int | None = None
    """Tokens of one document it can attend to; None = no bound."""
    head_bias: bool = False
    """A head of its own adds a bias to the logits."""

    @abstractmethod
    def forward(self, x: Tensor, layout: Layout, state: Any = None) -> tuple[Tensor, State]:
        """(hidden (B, T, D), the state after the last place)."""

    @abstractmethod
    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        """Fill one parameter of this backbone with its first values. name: as in named_parameters()."""

    @abstractmethod
    def draw_embedding(self, weight: Tensor, generator: torch.Generator) -> None:
        """Fill the embedding (V, D) that feeds this backbone."""

    @abstractmethod
    def draw_head(self, weight: Tensor, generator: torch.Generator) -> None:
        """Fill a head of its own (V, D) that reads this backbone."""

    def compiled_parts(self) -> list[nn.Module]:
        """The parts, called in its forward pass, that torch.compile is worth its time for."""
        return [self]

    def depth_of(self, name: str) -> int:
        """1 … n_layers of what belongs to a layer, 0 of what comes before the first, n_layers + 1 of what follows the
        last. name: as in named_parameters()."""
        found = IN_LAYER.search(name)
        if found is not None:
            return int(found[1]) + 1
        return 0 if BEFORE_LAYERS.search(name) else int(self.config.n_layers) + 1

    def matrices(self) -> list[tuple[str, nn.Parameter]]:
        """The matrices that map vectors to vectors, by name: what Muon may orthogonalise."""
        return [(name, parameter) for name, parameter in self.named_parameters() if parameter.ndim == 2]

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> State:
        """The state whose tensors() these are."""
        return cls.state_class.from_tensors(tensors)
