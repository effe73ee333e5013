"""What a model is for: one file a task. Room: tasks/ (records <-> batches, loss, predictions).

training, evaluation and the verbs ask a task to do its work and never which task it is; tables.TASKS names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from textmill.config import Config
from textmill.metrics.language import ExampleScore
from textmill.metrics.loss import LossSum
from textmill.tasks.measuring import DocumentIds
from textmill.text import Document
from textmill.tokens import Tokenizer, TokenStore


@dataclass(frozen=True)
class Batch:
    """Rows read together. ids, targets (B, T); segments (B, T) or None; state rows of a carried state, or None."""

    ids: Tensor
    targets: Tensor
    segments: Tensor | None
    n_targets: int
    n_documents: int | None = None

    def to(self, device: str) -> Batch:
        segments = None if self.segments is None else self.segments.to(device)
        return Batch(self.ids.to(device), self.targets.to(device), segments, self.n_targets, self.n_documents)


class Rows(Protocol):
    """Examples as rows of ids; collated by number."""

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int]) -> tuple[Tensor, Tensor, Tensor | None]: ...


class Task(Protocol):
    """From documents to a loss and to numbers."""

    form: str
    """decoder, encoder or encoder-decoder."""
    heads: tuple[str, ...]
    best_by: str
    """The metric of validation that the best checkpoint has the least of."""

    def encode(self, documents: Iterable[Document], tokenizer: Tokenizer, folder: Path) -> TokenStore:
        """Documents -> a store on disk."""
        ...

    def rows(self, store: TokenStore, tokenizer: Tokenizer, config: Config) -> Rows:
        """A store -> rows for training."""
        ...

    def collate(self, rows: Rows, indices: Sequence[int]) -> Batch:
        """Row numbers -> a batch."""
        ...

    def loss(self, model: Any, batch: Batch, state: Any = None) -> tuple[LossSum, Any]:
        """The sum of the loss over a batch, with gradient; and the state after it."""
        ...

    def documents(self, texts: Sequence[Document], tokenizer: Tokenizer) -> list[DocumentIds]:
        """Documents as ids without marks, with their sizes: the same for training and for a text named later."""
        ...

    def measure(
        self,
        model: Any,
        documents: Iterable[DocumentIds],
        tokenizer: Tokenizer,
        config: Config,
        n_blocks: int | None = None,
    ) -> list[ExampleScore]:
        """Sums and counts per document, or per block of one that is alone (n_blocks)."""
        ...

    def metrics(self, scores: Sequence[ExampleScore]) -> dict[str, float]:
        """The numbers of a measurement by name; best_by is one of them. Raises NothingScored."""
        ...

    def predict(
        self, model: Any, tokenizer: Tokenizer, inputs: Sequence[str], config: Config, seed: int
    ) -> Iterator[str]:
        """Outputs for inputs; in batches = one by one."""
        ...
