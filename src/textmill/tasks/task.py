"""What a model is for: one file a task. Room: tasks/ (records <-> batches, loss, predictions).

training, evaluation and the verbs ask a task to do its work and never which task it is; tables.TASKS names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from torch import Tensor

from textmill.config import Config
from textmill.metrics.language import ExampleScore
from textmill.metrics.loss import LossSum
from textmill.models.network import Heads
from textmill.tasks.measuring import DocumentIds
from textmill.text import Document
from textmill.tokens import Tokenizer, TokenStore

if TYPE_CHECKING:
    from textmill.runs import Prepared


@dataclass(frozen=True)
class Batch:
    """Rows read together. ids, targets (B, T); segments (B, T), -1 at padding, or None where there is none.

    source (B, S) and source_segments: what is read before them, where the model reads a source.
    owners (B,): number of the text that each row is a window of, where texts are what has targets, in order.
    stories (B, 1 + S): of stories, numbers of the rows of the question and of its sentences, -1 behind the last.
    proofs (B, S): 1 for a sentence that proves the answer, 0 for another, -1 where that is not given.
    n_read: tokens in it, where they are not its targets. weights: by which the gradient of each target is multiplied.
    facts (B, T, F): what is known of each token besides its id.
    masked (B, T): True where the token is hidden from the model.
    numbers: of the rows, where they are read again and again.
    """

    ids: Tensor
    targets: Tensor
    segments: Tensor | None
    n_targets: int
    source: Tensor | None = None
    source_segments: Tensor | None = None
    owners: Tensor | None = None
    n_read: int | None = None
    weights: Tensor | None = None
    stories: Tensor | None = None
    proofs: Tensor | None = None
    facts: Tensor | None = None
    masked: Tensor | None = None
    numbers: tuple[int, ...] | None = None

    def to(self, device: str) -> Batch:
        def moved(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        return Batch(
            self.ids.to(device),
            self.targets.to(device),
            moved(self.segments),
            self.n_targets,
            moved(self.source),
            moved(self.source_segments),
            moved(self.owners),
            self.n_read,
            moved(self.weights),
            moved(self.stories),
            moved(self.proofs),
            moved(self.facts),
            moved(self.masked),
            self.numbers,
        )


@dataclass(frozen=True)
class Judgement:
    """What a task's outputs are worth, beside the loss: scores, intervals of them, the same of baselines by name, how
    they were taken, and the outputs themselves."""

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    baselines: dict[str, dict[str, float]]
    convention: dict[str, Any]
    rows: list[dict[str, Any]]
    """Of each example, in order: output, reference (what it was to be), sentence (number of its source: examples of one
    source are scored together); of a model of both directions, way."""
    notes: list[str] = field(default_factory=list)


class Rows(Protocol):
    """Examples for training, collated by number."""

    notes: list[str]
    """What was left out of them, as sentences."""

    def __len__(self) -> int:
        """Rows of model.seq_len tokens that they fill."""
        ...


class Order(Protocol):
    """Which examples an update reads: a pure function of (seed, step), such as tokens.Sampler."""

    @property
    def steps_per_epoch(self) -> int: ...

    def rows(self, step: int) -> list[list[int]]: ...

    def lanes(self, step: int) -> list[list[int]]: ...

    def new_epoch(self, step: int) -> bool: ...


class Task(Protocol):
    """From documents to a loss and to numbers. An example is what the task measures at once: its own affair."""

    form: str
    """decoder, encoder or encoder-decoder."""
    best_by: str
    """The metric of validation that the best checkpoint has the least of; where output_scores has it, the most."""
    teacher: Any
    """A tasks.teacher.Teacher that its loss learns from too; None for most runs, and always of tasks that do not stand
    in tables.TASKS_TAUGHT."""

    @classmethod
    def of(cls, config: Config) -> Self:
        """The task as a config wants it."""
        ...

    def heads_of(self, store: TokenStore) -> Heads:
        """The heads of an encoder for a training part, by name, as models.build_model takes them."""
        ...

    def refuse(self, parts: dict[str, TokenStore]) -> None:
        """Raises InputError where the parts of a text, by the names of runs.Prepared, cannot be trained and measured
        on."""
        ...

    def encode(self, documents: Iterable[Document], tokenizer: Tokenizer, folder: Path) -> TokenStore:
        """Documents -> a store on disk."""
        ...

    def rows(self, store: TokenStore, tokenizer: Tokenizer, config: Config) -> Rows:
        """A store -> rows for training."""
        ...

    def sampler(self, rows: Rows, config: Config) -> Order:
        """Which rows each update reads."""
        ...

    def collate(self, rows: Rows, indices: Sequence[int]) -> Batch:
        """Row numbers -> a batch."""
        ...

    def loss(self, model: Any, batch: Batch, state: Any = None) -> tuple[LossSum, Any]:
        """The sum of the loss over a batch, with gradient; and the state after it."""
        ...

    def written(self, store: TokenStore) -> range:
        """The numbers of the documents of a store that the model learns to write: floors count these alone."""
        ...

    def documents(self, texts: Sequence[Document], tokenizer: Tokenizer) -> list[Any]:
        """Documents as examples: the same for training and for a text named later."""
        ...

    def examples(self, store: TokenStore, tokenizer: Tokenizer, max_tokens: int | None = None) -> Iterable[Any]:
        """The examples of a store, in order, up to about max_tokens in all."""
        ...

    def measure(
        self,
        model: Any,
        examples: Iterable[Any],
        tokenizer: Tokenizer,
        config: Config,
        n_blocks: int | None = None,
    ) -> list[ExampleScore]:
        """Sums and counts per example, or per block of one that is alone (n_blocks)."""
        ...

    def metrics(self, scores: Sequence[ExampleScore]) -> dict[str, float]:
        """The numbers of a measurement by name; best_by is one of them. Raises NothingScored."""
        ...

    def as_documents(self, examples: Iterable[Any]) -> list[DocumentIds]:
        """What is predicted of the examples, as documents: a floor is measured on it."""
        ...

    def judge(
        self,
        model: Any,
        tokenizer: Tokenizer,
        examples: Sequence[Any],
        config: Config,
        training: TokenStore | None = None,
    ) -> Judgement | None:
        """What the outputs for the examples are worth; None where the loss says all. training: for baselines that
        learn from it."""
        ...

    def output_scores(
        self, model: Any, tokenizer: Tokenizer, examples: Iterable[Any], config: Config
    ) -> dict[str, float]:
        """What quickly made outputs are worth, the higher the better; {} where the best is chosen by the loss."""
        ...

    def predict(
        self, model: Any, tokenizer: Tokenizer, inputs: Sequence[str], config: Config, seed: int
    ) -> Iterator[str]:
        """Outputs for inputs; in batches = one by one."""
        ...

    def opening(self, config: Config, prepared: Prepared) -> str:
        """What samples of a run begin with."""
        ...

    def samples(
        self, model: Any, tokenizer: Tokenizer, config: Config, opening: str, n: int, n_tokens: int
    ) -> list[str]:
        """n samples of at most n_tokens: always the same ones for the same weights."""
        ...
