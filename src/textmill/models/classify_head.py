"""Hidden vectors of a text -> one score for each class. Room: models/ (ids -> scores).

A head of Encoder (tables.HEADS), trained and used by tasks/classify.py. A text may lie in several rows, its windows: it
is pooled over all tokens of all of them at once, never as a mean of means.
Shapes: W rows (windows), T tokens of a row, D model width, B texts, C classes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textmill.config.model import ModelConfig
from textmill.errors import ConfigError, InputError

HALVES = (torch.bfloat16, torch.float16)


class ClassifyHead(nn.Module):
    """Scores of classes from one vector a text, which config.pooling makes of its hidden vectors.

    attention: their mean, weighted by softmax(vᵀ tanh(W h)) over the tokens of the text. Lin et al. 2017,
    arXiv:1703.03130, with one hop. mean: every token weighs the same. max: of each of the D numbers the highest of any
    token. Collobert & Weston 2008; for both-ways LSTMs Conneau et al. 2017, arXiv:1705.02364.
    first: tanh(W h + b) of the first place of the text (Devlin et al. 2019; equal to transformers'
    BertForSequenceClassification); of a text in several windows the mean of theirs.
    classes: in the order of the scores. several: a text may have any number of them, each told for itself; else it has
    exactly one. Raises ConfigError for classes that are repeated or too few.
    """

    embedding_scale: ClassVar[float] = 0.1
    """Of a recurrent encoder, times what its embedding begins with else. Words that begin large hardly move, and are
    told apart by where they began instead of what they say: on 67,000 phrases half a pass then takes two."""

    def __init__(self, config: ModelConfig, classes: Sequence[str], several: bool = False):
        super().__init__()
        refuse_classes(classes, several)
        self.classes, self.several = tuple(classes), several
        self.dropout = config.dropout or 0.0
        self.pooling = config.pooling
        attends, d_model = config.pooling == "attention", config.d_model
        self.compare = nn.Parameter(torch.empty(d_model, d_model)) if attends else None
        self.score = nn.Parameter(torch.empty(d_model)) if attends else None
        turns = config.pooling == "first"
        self.turn = nn.Parameter(torch.empty(d_model, d_model)) if turns else None
        self.turn_bias = nn.Parameter(torch.empty(d_model)) if turns else None
        self.weight = nn.Parameter(torch.empty(len(classes), d_model))
        self.bias = nn.Parameter(torch.empty(len(classes)))

    def forward(self, hidden: Tensor, real: Tensor | None = None, owners: Tensor | None = None) -> Tensor:
        """Logits (B, C), at least in float32. hidden (W, T, D). real (W, T): True where there is a token, None =
        everywhere.

        owners (W,): number of the text that each row is a window of, 0 to B - 1 in order, each at least once; None =
        one row a text. Raises InputError for others, and for a text without a token.
        """
        vectors, _ = self.pooled(hidden, real, owners)  # (B, D)
        if self.training and self.dropout:
            vectors = F.dropout(vectors, self.dropout)
        logits = F.linear(vectors, self.weight, self.bias)
        return logits.float() if logits.dtype in HALVES else logits

    def weights(self, hidden: Tensor, real: Tensor | None = None, owners: Tensor | None = None) -> Tensor:
        """(W, T) how much each token weighs in its text: 0 at padding, summing to 1 over all rows of a text. Of max the
        share of the D numbers that are the token's."""
        vectors, weights = self.pooled(hidden, real, owners)
        if weights is None:
            mine = hidden == (vectors if owners is None else vectors[owners])[:, None]  # (W, T, D)
            if real is not None:
                mine &= real[..., None]
            weights = mine.sum(dim=1).to(vectors.dtype)  # (W, D) how many tokens have it, in a window
            windows = windows_of(owners, len(hidden), hidden.device)
            if windows is not None:
                weights = (windows.to(weights.dtype) @ weights)[owners]
            weights = (mine / weights[:, None]).mean(dim=2)
        return weights

    def pooled(self, hidden: Tensor, real: Tensor | None, owners: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(the vectors of the texts (B, D), the weights (W, T) of their tokens, None of max)."""
        windows = windows_of(owners, len(hidden), hidden.device)
        if self.turn is not None:
            return self.firsts(hidden, real, windows)
        if self.pooling == "max":
            if real is not None:
                hidden = hidden.masked_fill(~real[..., None], -math.inf)
            highest = hidden.amax(dim=1)  # (W, D)
            if windows is not None and len(windows) < len(highest):  # else each text is one row
                highest = torch.where(windows[..., None], highest, -math.inf).amax(dim=1)  # (B, D)
            refuse_empty(highest[:, 0])
            return highest, None
        hidden = hidden.contiguous()  # cells write (T, W, D): every product would else keep a copy of its own
        heights = self.heights(hidden)  # (W, T)
        if real is not None:
            heights = heights.masked_fill(~real, -math.inf)
        tops = heights.detach().amax(dim=1)  # (W,)
        if windows is not None:
            tops = torch.where(windows, tops, -math.inf).amax(dim=1)[owners]
        refuse_empty(tops)
        parts = (heights - tops[:, None]).exp()
        sums = parts.sum(dim=1)  # (W,)
        if windows is not None:
            sums = (windows.to(sums.dtype) @ sums)[owners]
        weights = parts / sums[:, None]
        vectors = (weights[:, None].to(hidden.dtype) @ hidden)[:, 0]  # (W, D)
        return vectors if windows is None else windows.to(vectors.dtype) @ vectors, weights

    def firsts(self, hidden: Tensor, real: Tensor | None, windows: Tensor | None) -> tuple[Tensor, Tensor]:
        """pooled of first: the first place of each row that holds a token is turned, the mean taken over windows."""
        places = torch.zeros(hidden.shape[:2], dtype=torch.bool, device=hidden.device)
        if real is None:
            places[:, 0] = True
        else:
            empty = torch.where(real.any(dim=1), 0.0, -math.inf)
            refuse_empty(empty)
            places |= real & (real.cumsum(dim=1) == 1)
        shares = torch.ones(len(hidden), device=hidden.device, dtype=hidden.dtype)
        vectors = torch.tanh(F.linear(hidden[places], self.turn, self.turn_bias))  # type: ignore[arg-type]
        if windows is not None:
            weigh = windows.to(hidden.dtype) / windows.sum(dim=1, keepdim=True)
            vectors, shares = weigh @ vectors, weigh.sum(dim=0)
        return vectors, places.to(hidden.dtype) * shares[:, None]

    def heights(self, hidden: Tensor) -> Tensor:
        """(W, T) what the softmax over the tokens of a text is taken of, at least in float32."""
        if self.compare is None or self.score is None:
            return hidden.new_zeros(hidden.shape[:2], dtype=torch.float32 if hidden.dtype in HALVES else hidden.dtype)
        compared = torch.tanh(F.linear(hidden, self.compare))  # (W, T, D)
        heights = compared @ self.score.to(compared.dtype)
        return heights.float() if heights.dtype in HALVES else heights

    def log_probs(self, logits: Tensor) -> Tensor:
        """Logits (B, C) -> ln P of each class: of the one that a text has; or, with several, of having it at all."""
        return F.logsigmoid(logits) if self.several else F.log_softmax(logits, dim=-1)

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        """Small, so that all classes and all tokens begin nearly alike."""
        if name.endswith("bias"):
            parameter.zero_()
        elif name in ("compare", "turn"):
            parameter.normal_(std=parameter.shape[1] ** -0.5, generator=generator)
        else:
            parameter.normal_(std=0.02, generator=generator)

    def description(self) -> dict[str, Any]:
        """What builds the head again."""
        return {"classes": list(self.classes), "several": self.several}


def refuse_classes(classes: Sequence[str], several: bool) -> None:
    """Raises ConfigError for what are no classes to tell apart."""
    if isinstance(classes, str) or not all(isinstance(one, str) for one in classes):
        raise ConfigError(f"classes are a list of texts, not {classes!r}")
    repeated = [one for one, n in Counter(classes).items() if n > 1]
    if repeated:
        raise ConfigError(f"class {repeated[0]!r} stands twice among the classes", hint="name each class once")
    if len(classes) < (1 if several else 2):
        found = f"one class, {classes[0]!r}" if classes else "no class"
        raise ConfigError(
            f"there is {found}, and nothing to tell apart", hint="look at the labels: two classes are the least"
        )


def refuse_empty(tops: Tensor) -> None:
    """Raises InputError where the highest number of a row, or of a text, is that of no token."""
    if bool(tops.isneginf().any()):
        row = int(tops.isneginf().nonzero()[0])
        raise InputError(f"row {row} belongs to a text without a token, and there is nothing to be said of it")


def windows_of(owners: Tensor | None, n_rows: int, device: torch.device) -> Tensor | None:
    """(B, W) True where the row is a window of the text. Raises InputError for owners that skip or repeat a text."""
    if owners is None:
        return None
    steps = owners.diff()
    if owners.shape != (n_rows,) or int(owners[0]) != 0 or not bool(((steps == 0) | (steps == 1)).all()):
        raise InputError(
            f"owners {owners.tolist()} of {n_rows} rows: they number the texts from 0, in order, each at least once"
        )
    return torch.arange(int(owners[-1]) + 1, device=device)[:, None] == owners
