"""What a run shows of its training, gathered once: curve, prepared text, weights. Room: training/.

Called by examining; training.diagnosis judges by it. The rate, the warm-up and the dropout that were set are not looked
at: a fault is told by what it does. Shapes: B rows, T tokens, D width.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from textmill.messages import message
from textmill.models import LanguageModel, build_model
from textmill.runs import Prepared, Run
from textmill.tasks import task_of
from textmill.text.normalise import normalised_digest
from textmill.tokens import TokenStore

N_ROWS_MEASURED = 24
N_ENDS_MEASURED = 64
N_TOKENS_COMPARED = 20_000_000  # of training text that held-out documents are sought in
N_TOKENS_LEAST_OF_A_COPY = 12  # shorter documents repeat by themselves
OFFSETS = (0, 1, 2)  # targets so many tokens after the one that is read; 1 is right
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
    moved: float
    """How far the inner matrices went from their first values, as a share of those; the median."""
    embedding_turned: float
    """How far the embeddings went, besides along themselves: weight decay alone only shrinks them."""
    nats_at: dict[int, float]
    """Offset -> what the model spends on the token that stands so far behind the one it reads."""
    mark_nats: float | None
    """What it spends on the mark where documents end."""
    dead: float
    """Share of the units that are the same for every token, in the layer that has most of them."""
    notes: tuple[str, ...] = ()


def vitals_of(run: Run) -> Vitals:
    """Raises RunError where there is no checkpoint, or no prepared text."""
    prepared, saved = run.prepared(), run.load("last")
    notes: list[str] = []
    model = _network(run, prepared)
    before = _tensors(model)
    model.load_state_dict(saved.average or saved.model)
    after = _tensors(model)
    moved = _moved(before, after)
    log = run.log.read()
    rows = task_of(run.config).rows(prepared.train, prepared.tokenizer, run.config)
    train, config = prepared.train, run.config.train
    counts = _counts(train)
    learned = counts[N_BYTE_IDS : prepared.tokenizer.mark]
    nats_at, mark_nats, dead = _measured(model, prepared, run.config.model.seq_len)
    return Vitals(
        train=_points(log, "train/loss"),
        valid=_points(log, "eval/loss"),
        steps_per_epoch=max(1, -(-len(rows) // ((config.batch or 1) * config.accumulate))),
        shuffled=config.order == "shuffle",
        vocab_size=prepared.tokenizer.vocab_size,
        n_tokens=train.n_tokens,
        n_documents=train.n_documents,
        n_parameters=sum(parameter.numel() for parameter in model.backbone.parameters()),
        unigram_nats=_entropy(counts),
        learned_ids=len(learned),
        learned_ids_used=float((learned > 0).mean()) if len(learned) else 1.0,
        copied=_copied(prepared, notes),
        moved=float(np.median([share for name, share in moved.items() if name.startswith("backbone.")] or [0.0])),
        embedding_turned=next(
            _turned(first, after[name]) for name, first in before.items() if name.startswith("embedding.")
        ),
        nats_at=nats_at,
        mark_nats=mark_nats,
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


def _copied(prepared: Prepared, notes: list[str]) -> float | None:
    """Documents count as copies when they are equal but for case, width and blanks, as a split counts them."""
    held_out = [store for store in (prepared.valid, prepared.test) if store is not None]
    if not held_out:
        return None
    if prepared.train.n_tokens > N_TOKENS_COMPARED:
        notes.append(
            message("The training text is too large to look through: whether held-out documents stand in it is open.")
        )
        return None
    there = set(_digests(prepared.train, prepared))
    sought = [digest for store in held_out for digest in _digests(store, prepared)]
    return sum(digest in there for digest in sought) / len(sought) if sought else None


def _digests(store: TokenStore, prepared: Prepared) -> Iterator[bytes]:
    for number in range(store.n_documents):
        ids = store.document(number)
        if len(ids) >= N_TOKENS_LEAST_OF_A_COPY:
            yield normalised_digest(prepared.tokenizer.decode(ids.tolist()))


# the weights


def _network(run: Run, prepared: Prepared) -> LanguageModel:
    """The model as it was before its first step."""
    model = build_model(
        run.config.model,
        prepared.tokenizer.vocab_size,
        run.info["form"],
        tuple(run.info["heads"]),
        seed=run.config.run.seed,
        device="cpu",
    )
    model.head.order_by(prepared.train.counts)
    return model.eval()


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


def _measured(model: LanguageModel, prepared: Prepared, seq_len: int) -> tuple[dict[int, float], float | None, float]:
    """nats_at, mark_nats and dead, on a few rows of held-out text (of training text where none is held out)."""
    store = prepared.valid or prepared.test or prepared.train
    rows = _rows(store, seq_len)
    with torch.no_grad(), _watched(model) as idle:
        hidden, _ = model(rows[:, :-2])  # (B, T, D)
        flat = hidden.flatten(0, 1)
        idle.append(float((flat.std(dim=0) < 1e-4).float().mean()))
        width = rows.shape[1] - 2
        nats_at = {n: float(model.head.nll(hidden, rows[:, n : n + width]).mean()) for n in OFFSETS}
        mark_nats = _nats_of_marks(model, prepared.train, seq_len)
    return nats_at, mark_nats, max(idle)


def _rows(store: TokenStore, seq_len: int) -> Tensor:
    """(B, T + 2): evenly spread over the text."""
    width = min(seq_len + 2, store.n_tokens)
    starts = np.linspace(0, store.n_tokens - width, min(N_ROWS_MEASURED, max(1, store.n_tokens // width))).astype(int)
    return torch.from_numpy(np.stack([store.tokens[start : start + width].astype(np.int64) for start in starts]))


def _nats_of_marks(model: LanguageModel, store: TokenStore, seq_len: int) -> float | None:
    """On the ends of documents; None where there are few, so that the mark cannot be learned."""
    if store.n_documents < N_ENDS_MEASURED // 2:
        return None
    spent = []
    for number in np.linspace(0, store.n_documents - 1, N_ENDS_MEASURED).astype(int).tolist():
        ids = np.concatenate([[store.mark], store.document(number), [store.mark]])[-seq_len - 1 :]
        row = torch.from_numpy(ids)[None]
        hidden, _ = model(row[:, :-1])
        spent.append(float(model.head.nll(hidden[:, -1:], row[:, -1:])))
    return float(np.mean(spent))


@contextmanager
def _watched(model: LanguageModel) -> Iterator[list[float]]:
    """For each inner linear map that is gone through: the share of its inputs that are 0 for every token."""
    idle: list[float] = []

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if inputs[0].shape[:-1].numel() > 1:
            idle.append(float((inputs[0].flatten(0, -2).abs().amax(dim=0) == 0).float().mean()))

    hooks = [m.register_forward_pre_hook(look) for m in model.backbone.modules() if isinstance(m, nn.Linear)]
    try:
        yield idle
    finally:
        for hook in hooks:
            hook.remove()
