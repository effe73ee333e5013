"""What a run shows of its training, gathered once: curve, prepared text, weights. Room: training/.

Called by examining; training.diagnosis judges by it. The rate, the warm-up and the dropout that were set are not looked
at: a fault is told by what it does. Text is read as the run reads it, in its task's rows: what a model spends on
another layout says nothing of its training. Shapes: B rows, T tokens, D width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from time import monotonic
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from textmill.config import Config
from textmill.messages import message
from textmill.models import IGNORED, LanguageModel
from textmill.runs import Prepared, Run
from textmill.tasks import task_of
from textmill.tasks.lm import LanguageModelling
from textmill.tasks.task import Batch
from textmill.text.against import find_overlaps
from textmill.text.documents import Document
from textmill.text.normalise import normalised_digest
from textmill.tokens import PackedRows, TokenStore
from textmill.tokens.packing import PADDING
from textmill.training.beginning import new_model

N_PLACES_MEASURED = 24
N_ENDS_MEASURED = 64
N_TOKENS_COMPARED = 20_000_000  # of training text that held-out documents are sought in
N_TOKENS_LEAST_OF_A_COPY = 12  # shorter documents repeat by themselves
N_CHARS_LEAST_OF_A_PART = 150  # of which a part may be a copy
SHARE_OF_A_COPY = 0.6  # of the runs of 13 words of a document, in one other
N_PLACES = 64  # of the training text, of which it is known what stands there
N_KINDS = 4  # numbers that say it
N_UPDATES_TRIED, ROWS_TRIED, RATE_TRIED, SECONDS_TRIED = 40, 8, 3e-3, 60.0
N_BYTE_IDS = 256

Points = list[tuple[int, float]]


@dataclass(frozen=True)
class Vitals:
    """Facts of a run; None: not known, with the reason in `notes`. Losses are in nats per token."""

    train: Points
    """(step, loss) of metrics.jsonl."""
    valid: Points
    steps_per_epoch: int
    shuffled: bool
    """The run says that its rows are shuffled."""
    vocab_size: int
    n_tokens: int
    """To train on."""
    n_documents: int
    n_parameters: int
    """Besides embeddings and head."""
    unigram_nats: float
    """Entropy of the training tokens, each alone."""
    learned_ids: int
    """Ids besides bytes and mark."""
    learned_ids_used: float
    """Share of them that the text has."""
    copied: float | None
    """Share of the held-out documents that stand in the training text."""
    copied_in_part: float | None
    """Share of them that stand there for the most part, within one document, and not whole."""
    places: NDArray[np.float64]
    """(N_PLACES, N_KINDS) what stands at equal parts of the training text, in its order: parts with like tokens have
    like numbers. Zeros where all parts are alike."""
    trained_nats: list[float]
    """What the model spends on a token at evenly spread places of the training text, in its order."""
    gained: float | None
    """How far a few updates at a low rate that falls to nothing lower the loss on held-out text, as a share of it."""
    moved: float
    """How far the inner matrices went from their first values, as a share of those; the median."""
    embedding_turned: float
    """How far the embeddings went, besides along themselves: weight decay alone only shrinks them."""
    nats_at: dict[int, float]
    """Offset -> what the model spends on the token that stands so far behind the one it reads; without 2 where no row
    has it."""
    mark_nats: float | None
    """What it spends on the mark where documents end."""
    dead: float
    """Share of the units that are the same for every token, in the layer that has most of them."""
    notes: tuple[str, ...] = ()


def vitals_of(run: Run) -> Vitals:
    """Raises RunError where there is no checkpoint, or no prepared text."""
    prepared, saved = run.prepared(), run.load("last")
    notes: list[str] = []
    model = new_model(run.config, prepared, "cpu", run.start).eval()  # as it was before its first step
    assert isinstance(model, LanguageModel), "examining looks at language models alone"
    before = _tensors(model)
    model.load_state_dict(saved.average or saved.model)
    after = _tensors(model)
    moved = _moved(before, after)
    log = run.log.read()
    train, config = prepared.train, run.config.train
    rows = Layout.of(run.config, prepared, train)
    held_out = next(
        (
            layout
            for store in (prepared.valid, prepared.test)
            if store is not None and len((layout := Layout.of(run.config, prepared, store)).rows)
        ),
        rows,
    )
    counts = _counts(train)
    learned = counts[prepared.tokenizer.plain_ids[N_BYTE_IDS:]]
    copied, copied_in_part = _copied(prepared, notes)
    nats_at, dead = _measured(model, held_out.batch())
    return Vitals(
        train=_points(log, "train/loss"),
        valid=_points(log, "eval/loss"),
        steps_per_epoch=max(1, -(-len(rows.rows) // ((config.batch or 1) * config.accumulate))),
        shuffled=config.order == "shuffle",
        vocab_size=prepared.tokenizer.vocab_size,
        n_tokens=train.n_tokens,
        n_documents=train.n_documents,
        n_parameters=sum(parameter.numel() for parameter in model.backbone.parameters()),
        unigram_nats=_entropy(counts),
        learned_ids=len(learned),
        learned_ids_used=float((learned > 0).mean()) if len(learned) else 1.0,
        copied=copied,
        copied_in_part=copied_in_part,
        places=_kinds_of_places(train),
        trained_nats=[_nats_on(model, rows.collate(place)) for place in rows.places()],
        gained=_gained(model, rows, held_out.batch(), notes),
        moved=float(np.median([share for name, share in moved.items() if name.startswith("backbone.")] or [0.0])),
        embedding_turned=next(
            _turned(first, after[name]) for name, first in before.items() if name.startswith("embedding.")
        ),
        nats_at=nats_at,
        mark_nats=_nats_of_marks(model, train, prepared.tokenizer.begin, run.config),
        dead=dead,
        notes=tuple(notes),
    )


def _points(log: list[dict[str, Any]], name: str) -> Points:
    return [(int(line["step"]), float(line[name])) for line in log if isinstance(line.get(name), (int, float))]


# the text


def _counts(store: TokenStore) -> NDArray[np.int64]:
    counts = np.zeros(store.vocab_size, dtype=np.int64)
    for start in range(0, store.n_tokens, 1 << 22):
        counts += np.bincount(store.tokens[start : start + (1 << 22)], minlength=store.vocab_size)
    return counts


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / max(1, counts.sum())
    return float(-(shares * np.log(shares)).sum())


def _copied(prepared: Prepared, notes: list[str]) -> tuple[float | None, float | None]:
    """Share of the held-out documents that are equal to one of training but for case, width and blanks, as a split
    counts them; and of those of which most stands in a single one."""
    held_out = [store for store in (prepared.valid, prepared.test) if store is not None]
    if not held_out:
        return None, None
    if prepared.train.n_tokens > N_TOKENS_COMPARED:
        notes.append(
            message("The training text is too large to look through: whether held-out documents stand in it is open.")
        )
        return None, None
    training = list(_texts(prepared.train, prepared))
    known = {normalised_digest(text) for text in training}
    sought = [text for store in held_out for text in _texts(store, prepared)]
    others = [text for text in sought if normalised_digest(text) not in known]
    long = [Document(text, "") for text in others if len(text) >= N_CHARS_LEAST_OF_A_PART]
    found = find_overlaps((Document(text, "") for text in training), long).found if long else []
    n = max(1, len(sought))
    return (len(sought) - len(others)) / n, sum(one.share_in_one >= SHARE_OF_A_COPY for one in found) / n


def _texts(store: TokenStore, prepared: Prepared) -> Iterator[str]:
    """The documents that are long enough to be copies."""
    for number in range(store.n_documents):
        ids = store.document(number)
        if len(ids) >= N_TOKENS_LEAST_OF_A_COPY:
            yield prepared.tokenizer.decode(ids.tolist())


def _kinds_of_places(store: TokenStore) -> NDArray[np.float64]:
    """The first principal components of how often each token stands in each part (square roots of shares)."""
    bounds = np.linspace(0, store.n_tokens, N_PLACES + 1).astype(np.int64)
    if len(set(bounds.tolist())) <= N_PLACES:
        return np.zeros((N_PLACES, N_KINDS))
    shares = np.stack(
        [
            np.bincount(store.tokens[start:end], minlength=store.vocab_size) / (end - start)
            for start, end in pairwise(bounds.tolist())
        ]
    )
    roots = np.sqrt(shares)
    left, sizes, _ = np.linalg.svd(roots - roots.mean(axis=0), full_matrices=False)
    kinds: NDArray[np.float64] = left[:, :N_KINDS] * sizes[:N_KINDS]
    return kinds


# the weights


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.named_parameters() if tensor.ndim >= 2}


def _moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> dict[str, float]:
    """Name -> |after − before| / |before|; matrices that begin at zero are left out."""
    return {
        name: float((after[name] - first).norm() / first.norm()) for name, first in before.items() if first.norm() > 0
    }


def _turned(before: Tensor, after: Tensor) -> float:
    """|after − its part along before| / |before|."""
    before, after = before.double(), after.double()
    along = (after * before).sum() / (before * before).sum() * before
    return float((after - along).norm() / before.norm())


@dataclass(frozen=True)
class Layout:
    """A part of the text in the rows in which its run reads it."""

    task: LanguageModelling
    rows: PackedRows

    @classmethod
    def of(cls, config: Config, prepared: Prepared, store: TokenStore) -> Layout:
        task = task_of(config)
        assert isinstance(task, LanguageModelling), "examining looks at language models alone"
        return cls(task, task.rows(store, prepared.tokenizer, config))

    @property
    def rows_together(self) -> int:
        """How many rows have as many targets as one of model.seq_len."""
        return max(1, round(self.rows.seq_len * len(self.rows) / max(1, self.rows.n_targets)))

    def places(self) -> list[list[int]]:
        """Numbers of rows at evenly spread places, at each about model.seq_len targets."""
        n, together = len(self.rows), self.rows_together
        firsts = np.linspace(0, max(0, n - together), min(N_PLACES_MEASURED, -(-n // together))).astype(int)
        return [list(range(first, min(n, first + together))) for first in firsts.tolist()]

    def batch(self) -> Batch:
        """What stands at these places."""
        return self.collate([row for place in self.places() for row in place])

    def collate(self, rows: Sequence[int]) -> Batch:
        return self.task.collate(self.rows, rows)


def _measured(model: LanguageModel, batch: Batch) -> tuple[dict[int, float], float]:
    """nats_at and dead."""
    targets = batch.targets
    after_next = torch.cat([targets[:, 1:], torch.full_like(targets[:, :1], IGNORED)], dim=1)
    at = {0: batch.ids, 1: targets, 2: after_next}
    counted = (targets != IGNORED) & (after_next != IGNORED)  # (B, T)
    if not counted.any():
        counted = targets != IGNORED
        del at[2]
    read = torch.ones_like(counted) if batch.segments is None else batch.segments != PADDING
    with torch.no_grad(), _watched(model, read) as idle:
        hidden, _ = model(batch.ids, batch.segments)  # (B, T, D)
        idle.append(float((hidden[read].std(dim=0) < 1e-4).float().mean()))
        nats_at = {n: float(model.head.nll(hidden[counted], ids[counted]).mean()) for n, ids in at.items()}
    return nats_at, max(idle)


@torch.no_grad()
def _nats_of_marks(model: LanguageModel, store: TokenStore, begin: int | None, config: Config) -> float | None:
    """On the ends of documents; None where there are few, so that the mark cannot be learned."""
    if store.n_documents < N_ENDS_MEASURED // 2:
        return None
    before, spent = [begin] if config.tokens.begin_mark and begin is not None else [], []
    for number in np.linspace(0, store.n_documents - 1, N_ENDS_MEASURED).astype(int).tolist():
        ids = np.concatenate([before, store.document(number), [store.mark]])[-config.model.seq_len - 1 :]
        if len(ids) > 1:
            row = torch.from_numpy(ids.astype(np.int64))[None]
            hidden, _ = model(row[:, :-1])
            spent.append(float(model.head.nll(hidden[:, -1:], row[:, -1:])))
    return float(np.mean(spent)) if spent else None


def _gained(model: LanguageModel, training: Layout, held_out: Batch, notes: list[str]) -> float | None:
    """The matrices and vectors move by at most RATE_TRIED of their size in each update, less and less. On a copy."""
    tried, begun = deepcopy(model), monotonic()
    groups = [
        {"params": [parameter], "lr": RATE_TRIED * max(float(parameter.detach().square().mean().sqrt()), 1e-3)}
        for parameter in tried.parameters()
    ]
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.95))
    course = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / N_UPDATES_TRIED)
    draw = np.random.default_rng(0)
    before = _nats_on(tried, held_out)
    for _ in range(N_UPDATES_TRIED):
        if monotonic() - begun > SECONDS_TRIED:
            notes.append(message("Updates are slow: whether a lower rate would help at once was not tried."))
            return None
        batch = training.collate(draw.integers(0, len(training.rows), ROWS_TRIED * training.rows_together).tolist())
        optimizer.zero_grad()
        (_nats(tried, batch) / batch.n_targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        course.step()
    return 1 - _nats_on(tried, held_out) / before


def _nats_on(model: LanguageModel, batch: Batch) -> float:
    """A token, without gradients."""
    with torch.no_grad():
        return float(_nats(model, batch)) / batch.n_targets


def _nats(model: LanguageModel, batch: Batch) -> Tensor:
    """Of all targets."""
    nats, _ = model.nll(batch.ids, batch.targets, batch.segments)
    return nats.sum()


@contextmanager
def _watched(model: LanguageModel, read: Tensor) -> Iterator[list[float]]:
    """For each inner linear map that is gone through: the share of its inputs that are 0 for every token.

    read: (B, T) where there is one.
    """
    idle: list[float] = []

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found = inputs[0][read] if inputs[0].shape[:-1] == read.shape else inputs[0].flatten(0, -2)
        if len(found) > 1:
            idle.append(float((found.abs().amax(dim=0) == 0).float().mean()))

    hooks = [m.register_forward_pre_hook(look) for m in model.backbone.modules() if isinstance(m, nn.Linear)]
    try:
        yield idle
    finally:
        for hook in hooks:
            hook.remove()
