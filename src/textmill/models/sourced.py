"""What an architecture is that reads a source before it writes: an encoder, a decoder, a state. Room: models/.

A new one is one class that fills in SourcedBackbone, and one line in tables.SOURCED.
Shapes: B batch, S tokens of a source, T new tokens, D width.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from textmill.models.backbone import Backbone
from textmill.models.layout import Layout, SourceLayout, SourceSight
from textmill.models.state import State

SOURCE = "source."  # what the names of a source's tensors begin with, among those of a state


@dataclass(frozen=True)
class SourcedState(State):
    """What is kept of B sources, each tensor (B, …) by name; and the past of their targets, None = nothing yet."""

    source: dict[str, Tensor]
    target: State | None = None

    @property
    def n_rows(self) -> int:
        return len(next(iter(self.source.values())))

    @cached_property
    def n_seen(self) -> Tensor:  # type: ignore[override]  # a field of the parent, derived here
        return self._number(0) if self.target is None else self.target.n_seen

    @cached_property
    def segment(self) -> Tensor:  # type: ignore[override]
        return self._number(-1) if self.target is None else self.target.segment

    @property
    def n_past(self) -> int:  # type: ignore[override]
        return 0 if self.target is None else self.target.n_past

    @property
    def documents(self) -> Tensor | None:  # type: ignore[override]
        return None if self.target is None else self.target.documents

    @property
    def sight(self) -> SourceSight:
        """What the targets may see of their sources."""
        return SourceSight(self.source.get("real"))

    def _number(self, number: int) -> Tensor:
        device = next(iter(self.source.values())).device
        return torch.full((self.n_rows,), number, dtype=torch.long, device=device)

    def select(self, rows: Tensor) -> SourcedState:
        source = {name: tensor.index_select(0, rows) for name, tensor in self.source.items()}
        return SourcedState(source, None if self.target is None else self.target.select(rows))

    def select_targets(self, rows: Tensor) -> SourcedState:
        """select of rows that each stand for a row with the same source: nothing of a source is copied."""
        return SourcedState(self.source, None if self.target is None else self.target.select(rows))

    def detach(self) -> SourcedState:
        source = {name: tensor.detach() for name, tensor in self.source.items()}
        return SourcedState(source, None if self.target is None else self.target.detach())

    def reserve(self, n_tokens: int) -> SourcedState:
        """Room in the past of the targets; a state that has none yet stays as it is."""
        return self if self.target is None else SourcedState(self.source, self.target.reserve(n_tokens))

    def tensors(self) -> dict[str, Tensor]:
        named = {f"{SOURCE}{name}": tensor.contiguous() for name, tensor in self.source.items()}
        return named if self.target is None else {**self.target.tensors(), **named}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> SourcedState:
        raise NotImplementedError("the backbone knows which past its targets have: SourcedBackbone.from_tensors")


class SourcedBackbone(Backbone):
    """Sources (B, S, D) -> a state; then embedded targets (B, T, D) and the state -> hidden (B, T, D).

    A row of targets looks at its one source, whatever documents it holds; each of them begins anew.
    """

    state_class = SourcedState
    target_class: ClassVar[type[Backbone]]
    """What the targets' own past belongs to."""

    encoder: nn.Module
    decoder: Backbone

    @abstractmethod
    def read(self, x: Tensor, layout: SourceLayout) -> SourcedState:
        """Embedded sources (B, S, D) -> the state in which their targets begin."""

    @abstractmethod
    def attention_to_source(self, x: Tensor, layout: Layout, state: SourcedState) -> Tensor:
        """(B, T, S) how much each target place looks at each token of its source: each row sums to 1."""

    @classmethod
    @abstractmethod
    def refuse_other_source(cls, names: Mapping[str, Tensor]) -> None:
        """Raises InputError where these are not the tensors of a source that read() gives."""

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> SourcedState:
        named = {name: tensor for name, tensor in tensors.items() if name.startswith(SOURCE)}
        target = {name: tensor for name, tensor in tensors.items() if name not in named}
        cls.refuse_other_source(named)
        source = {name.removeprefix(SOURCE): tensor for name, tensor in named.items()}
        return SourcedState(source, cls.target_class.from_tensors(target) if target else None)

    # --- first values, what Muon takes, what is compiled: of the parts

    def parts(self) -> Iterator[tuple[str, Backbone]]:
        """The parts that are backbones themselves, by name."""
        return ((name, part) for name, part in self.named_children() if isinstance(part, Backbone))

    def compiled_parts(self) -> list[nn.Module]:
        return [inner for _, part in self.parts() for inner in part.compiled_parts()]

    def matrices(self) -> list[tuple[str, nn.Parameter]]:
        of_parts = [(f"{name}.{inner}", matrix) for name, part in self.parts() for inner, matrix in part.matrices()]
        prefixes = tuple(f"{name}." for name, _ in self.parts())
        own = [(name, matrix) for name, matrix in super().matrices() if not name.startswith(prefixes)]
        return of_parts + own

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        part, _, inner = name.partition(".")
        cast(Backbone, self.get_submodule(part)).draw(inner, parameter, generator)

    def draw_embedding(self, weight: Tensor, generator: torch.Generator) -> None:
        self.decoder.draw_embedding(weight, generator)

    def draw_head(self, weight: Tensor, generator: torch.Generator) -> None:
        self.decoder.draw_head(weight, generator)
