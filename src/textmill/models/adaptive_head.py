"""A head for large vocabularies: an adaptive softmax. Room: models/ (ids -> scores).

Built by LanguageModel where the config says `softmax = "adaptive"`; its clusters are those of clusters.py.
Shapes: B batch, T time (tokens), D model width, V vocabulary, N = B·T places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from textmill.models.clusters import clusters_of
from textmill.models.heads import Drawing, Head
from textmill.models.softmax import nats_of, scores_of

if TYPE_CHECKING:
    from textmill.models.teaching import HeadLesson


class AdaptiveHead(Head):
    """Frequent tokens by one softmax; rare ones by its word for their cluster, and a softmax within it, in fewer
    dimensions. Grave et al. 2017, arXiv:1609.04309; equal to torch.nn.AdaptiveLogSoftmaxWithLoss.

    rank (V,): the place of each token by frequency in the training text, part of the weights' file.
    Smoothed targets are smoothed in each softmax that a target passes.
    """

    rank: Tensor

    def __init__(self, embedding: nn.Embedding, bias: bool, cap: float | None):
        super().__init__(embedding, tied=True, bias=False, cap=cap)
        self._tied = None
        vocab_size, d_model = embedding.weight.shape
        clusters = clusters_of(vocab_size, d_model)
        self.n_frequent, self.starts, self.ends = clusters.n_frequent, clusters.starts, clusters.ends
        self.weight = nn.Parameter(torch.empty(clusters.n_first, d_model))
        self.bias = nn.Parameter(torch.empty(clusters.n_first)) if bias else None
        self.reduce = nn.ParameterList(nn.Parameter(torch.empty(width, d_model)) for width in clusters.widths)
        self.expand = nn.ParameterList(
            nn.Parameter(torch.empty(end - start, width))
            for start, end, width in zip(clusters.starts, clusters.ends, clusters.widths, strict=True)
        )
        self.register_buffer("rank", torch.arange(vocab_size))

    def log_probs(self, hidden: Tensor) -> Tensor:
        first = F.log_softmax(self.logits(hidden), dim=-1)  # (..., frequent tokens, then clusters)
        parts = [first[..., : self.n_frequent]]
        for number, (reduce, expand) in enumerate(zip(self.reduce, self.expand, strict=True)):
            scores = scores_of(F.linear(hidden, reduce), expand, None, self.cap)
            of_cluster = first[..., self.n_frequent + number, None]
            parts.append(of_cluster + F.log_softmax(scores, dim=-1))
        return torch.cat(parts, dim=-1)[..., self.rank]

    def _nats_of(self, rows: Tensor, wanted: Tensor, smoothing: float, lesson: HeadLesson | None) -> Tensor:
        assert lesson is None, "config/whole refuses a teacher of an adaptive softmax"
        rank = self.rank[wanted]
        first, members = rank.clone(), []
        for number, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            inside = ((rank >= start) & (rank < end)).nonzero().squeeze(1)
            first[inside] = self.n_frequent + number
            members.append(inside)
        nats = nats_of(rows, self.projection, self.bias, first, self.cap, smoothing)
        for inside, start, reduce, expand in zip(members, self.starts, self.reduce, self.expand, strict=True):
            within = nats_of(F.linear(rows[inside], reduce), expand, None, rank[inside] - start, self.cap, smoothing)
            nats = nats.index_add(0, inside, within)  # of a cluster without a row too: its gradient is 0, not missing
        return nats

    def order_by(self, counts: Callable[[], NDArray[np.int64]]) -> None:
        frequent_first = np.argsort(-counts(), kind="stable")
        ranks = np.empty_like(frequent_first)
        ranks[frequent_first] = np.arange(self.vocab_size)
        self.rank.copy_(torch.from_numpy(ranks))

    def begin(self) -> None:
        self.rank.copy_(torch.arange(self.vocab_size))

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator, draw_weight: Drawing) -> None:
        """As Head.draw; what reduces a vector begins at N(0, 1/D), so that the clusters are scored as the rest is."""
        if name.startswith("reduce."):
            parameter.normal_(std=parameter.shape[1] ** -0.5, generator=generator)
        else:
            super().draw(name, parameter, generator, draw_weight)
