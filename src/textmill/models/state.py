"""What a model keeps of the tokens it has read: a value. Room: models/ (ids -> scores).

Made by a backbone, given back to it unread by everyone else. Using a state twice gives the same answer twice.
Shapes: B batch, L layers, D width, K key-value heads, P past tokens, E width of a head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from textmill.errors import InputError


class State(ABC):
    """The past of B rows. n_seen (B,): tokens of the document a row is in. segment (B,): its number, -1 = none yet."""

    n_seen: Tensor
    segment: Tensor
    n_past: int = 0
    """Places of the past that a new token can look at: 0 where the past is folded into vectors."""
    documents: Tensor | None = None
    """(B, P) running number of each past place's document, -1 = padding; None = one unpadded document, or no places."""

    @abstractmethod
    def select(self, rows: Tensor) -> Self:
        """The state of these rows, in this order, any number of times each. rows: int64 (N,)."""

    @abstractmethod
    def detach(self) -> Self:
        """The same values without their history: no gradient flows back beyond them."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Everything, by name: what a checkpoint stores. The class's from_tensors gives the state back."""

    @classmethod
    @abstractmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self:
        """The state whose tensors() these are. Raises InputError where a name is missing or unknown."""

    def reserve(self, n_tokens: int) -> Self:
        """The same value, with room for n_tokens more that are then written in place where nobody else can see it."""
        return self


@dataclass(frozen=True)
class RecurrentState(State):
    """The vectors a recurrence carries on: h, and c of an LSTM, each (L, B, D)."""

    vectors: dict[str, Tensor]
    n_seen: Tensor
    segment: Tensor

    def select(self, rows: Tensor) -> RecurrentState:
        vectors = {name: vector.index_select(1, rows) for name, vector in self.vectors.items()}
        return RecurrentState(vectors, self.n_seen.index_select(0, rows), self.segment.index_select(0, rows))

    def detach(self) -> RecurrentState:
        vectors = {name: vector.detach() for name, vector in self.vectors.items()}
        return RecurrentState(vectors, self.n_seen, self.segment)

    def tensors(self) -> dict[str, Tensor]:
        return {"n_seen": self.n_seen, "segment": self.segment, **self.vectors}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> RecurrentState:
        vectors = {name: tensor for name, tensor in tensors.items() if name not in ("n_seen", "segment")}
        refuse_other_names(tensors, {"n_seen", "segment", "h"}, optional={"c"})
        return cls(vectors, tensors["n_seen"], tensors["segment"])


@dataclass
class Room:
    """Keys and values with free places behind the used ones. `used` counts the places that some state holds."""

    keys: Tensor
    values: Tensor
    used: int

    def is_free(self, start: int, stop: int) -> bool:
        """These places may be written now: nobody holds them, they exist, and no gradient needs the old values."""
        writable = not torch.is_grad_enabled() and self.keys.is_inference() == torch.is_inference_mode_enabled()
        return writable and self.used == start and stop <= self.keys.shape[2]


@dataclass(frozen=True)
class LayerCache:
    """Keys and values (B, K, P, E) of one layer. A value, although it may stand in a Room that grows in place."""

    keys: Tensor
    values: Tensor
    room: Room | None = field(default=None, compare=False)

    @property
    def n_places(self) -> int:
        return self.keys.shape[2]

    def extended_by(self, keys: Tensor, values: Tensor) -> LayerCache:
        """This past and T more places. In place only where the free places behind this past are still unused:
        a second use of the same past finds them taken, and copies."""
        room, start, stop = self.room, self.n_places, self.n_places + keys.shape[2]
        if room is None or not room.is_free(start, stop):
            return LayerCache(torch.cat([self.keys, keys], dim=2), torch.cat([self.values, values], dim=2))
        room.keys[:, :, start:stop] = keys
        room.values[:, :, start:stop] = values
        room.used = stop
        return LayerCache(room.keys[:, :, :stop], room.values[:, :, :stop], room)

    def with_room_for(self, n_tokens: int) -> LayerCache:
        if self.keys.requires_grad:
            return self  # a gradient is to flow back through it: nothing may be written in place
        batch, heads, used, width = self.keys.shape
        keys = self.keys.new_zeros(batch, heads, used + n_tokens, width)
        values = self.values.new_zeros(batch, heads, used + n_tokens, width)
        keys[:, :, :used] = self.keys
        values[:, :, :used] = self.values
        room = Room(keys, values, used)
        return LayerCache(room.keys[:, :, :used], room.values[:, :, :used], room)

    def select(self, rows: Tensor) -> LayerCache:
        chosen = LayerCache(self.keys.index_select(0, rows), self.values.index_select(0, rows))
        return chosen if self.room is None else chosen.with_room_for(self.room.keys.shape[2] - self.n_places)

    def detach(self) -> LayerCache:
        return LayerCache(self.keys.detach(), self.values.detach(), self.room)


@dataclass(frozen=True)
class TransformerState(State):
    """Keys and values of every layer, and the document of each of their places."""

    layers: tuple[LayerCache, ...]
    n_seen: Tensor
    segment: Tensor
    documents: Tensor | None = None

    @property
    def n_past(self) -> int:  # type: ignore[override]  # a field of the parent, derived here
        return self.layers[0].n_places

    def select(self, rows: Tensor) -> TransformerState:
        return TransformerState(
            tuple(layer.select(rows) for layer in self.layers),
            self.n_seen.index_select(0, rows),
            self.segment.index_select(0, rows),
            None if self.documents is None else self.documents.index_select(0, rows),
        )

    def detach(self) -> TransformerState:
        layers = tuple(layer.detach() for layer in self.layers)
        return TransformerState(layers, self.n_seen, self.segment, self.documents)

    def reserve(self, n_tokens: int) -> TransformerState:
        layers = tuple(layer.with_room_for(n_tokens) for layer in self.layers)
        return TransformerState(layers, self.n_seen, self.segment, self.documents)

    def tensors(self) -> dict[str, Tensor]:
        named = {"n_seen": self.n_seen, "segment": self.segment}
        if self.documents is not None:
            named["documents"] = self.documents
        for number, layer in enumerate(self.layers):
            named[f"keys.{number}"] = layer.keys.contiguous()
            named[f"values.{number}"] = layer.values.contiguous()
        return named

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> TransformerState:
        n_layers = sum(name.startswith("keys.") for name in tensors)
        needed = {f"{kind}.{number}" for kind in ("keys", "values") for number in range(max(n_layers, 1))}
        refuse_other_names(tensors, needed | {"n_seen", "segment"}, optional={"documents"})
        layers = tuple(LayerCache(tensors[f"keys.{n}"], tensors[f"values.{n}"]) for n in range(n_layers))
        return cls(layers, tensors["n_seen"], tensors["segment"], tensors.get("documents"))


def refuse_other_names(tensors: Mapping[str, Tensor], needed: set[str], optional: set[str]) -> None:
    """Raises InputError, naming every name that is missing or unknown."""
    missing, extra = sorted(needed - set(tensors)), sorted(set(tensors) - needed - optional)
    if missing or extra:
        facts = [f"missing: {', '.join(missing)}"] * bool(missing) + [f"unknown: {', '.join(extra)}"] * bool(extra)
        raise InputError(f"these tensors are no state of this model ({'; '.join(facts)})")
