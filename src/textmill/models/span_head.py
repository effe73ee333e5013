"""Question and context in one row -> where the answer begins and ends. Room: models/ (ids -> scores).

A head of Encoder (tables.HEADS), trained and used by tasks/answer.py. A row is mark, question, mark, context; its first
mark stands for "no answer is in this context". What small data can teach is helped twice: before the backbone reads,
each token of the context is told what the question has in common with it (models/matches.py), which of its tokens is
the nearest (aligned question embedding), and what is asked for; after it, begin and end are scored by a bilinear form
with the question. Chen et al. 2017, arXiv:1704.00051 (DrQA), over one row in place of two encoders.
Shapes: W rows, T tokens of a row, Q of a question, D model width, F facts (models/matches.py).
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textmill.config.model import ModelConfig
from textmill.errors import ConfigError, InputError
from textmill.models.matches import CONTEXT, N_FACTS, NO_ANSWER, QUESTION

HALVES = (torch.bfloat16, torch.float16)
EPS = 1e-6


class SpanHead(nn.Module):
    """Scores of the begin and of the end of an answer.

    longest: code points of the longest answer that is given. Raises ConfigError where that is no number of them.
    typed: what stands behind the context, the mark that closes it, is told to be of it, as BERT's token types say:
    equal to transformers' BertForQuestionAnswering then, but for a number that is the same at all places.
    """

    def __init__(self, config: ModelConfig, longest: int, typed: bool = False):
        super().__init__()
        self.typed = typed
        if not isinstance(longest, int) or isinstance(longest, bool) or longest < 1:
            raise ConfigError(f"the longest answer has {longest!r} characters, which is no number of them")
        self.longest, self.dropout = longest, config.dropout or 0.0
        d_model = config.d_model
        self.facts = nn.Parameter(torch.empty(N_FACTS, d_model))
        self.align = nn.Parameter(torch.empty(d_model, d_model))
        self.aligned = nn.Parameter(torch.empty(d_model, d_model))
        self.asks = nn.Parameter(torch.empty(d_model))
        self.asked = nn.Parameter(torch.empty(d_model, d_model))
        self.weigh = nn.Parameter(torch.empty(d_model))
        self.bilinear = nn.Parameter(torch.empty(2, d_model, d_model))
        self.linear = nn.Parameter(torch.empty(2, d_model))
        self.absent = nn.Parameter(torch.empty(2))

    def take_in(self, x: Tensor, facts: Tensor | None) -> Tensor:
        """Embedded tokens (W, T, D) -> what the backbone reads of them. facts (W, T, F). Raises InputError without
        facts, and for a row without a question or without a context."""
        facts = checked(facts, x)
        question, context = facts[..., QUESTION] > 0, facts[..., CONTEXT] > 0
        places = question.long().argsort(dim=1, descending=True, stable=True)[:, : int(question.sum(dim=1).max())]
        asked = x.gather(1, places[..., None].expand(-1, -1, x.shape[-1]))  # (W, Q, D)
        is_asked = question.gather(1, places)  # (W, Q): fewer in some rows

        plain, plain_asked = (F.rms_norm(tokens, x.shape[-1:], eps=EPS) for tokens in (x, asked))
        alike = (plain @ self.align.T) @ (plain_asked @ self.align.T).transpose(1, 2)  # (W, T, Q)
        alike = (alike / math.sqrt(x.shape[-1])).masked_fill(~is_asked[:, None], -math.inf).softmax(dim=-1)
        whole = self.gathered(plain_asked, asked, is_asked, self.asks)  # (W, D)
        told = alike @ (asked @ self.aligned.T) + (whole @ self.asked.T)[:, None]
        if self.typed:
            behind = (context.cumsum(dim=1) > 0) & ~context
            x = x + behind[..., None].to(x.dtype) * self.facts[CONTEXT]
        return x + facts.to(x.dtype) @ self.facts + torch.where(context[..., None], told, 0.0)

    def forward(self, hidden: Tensor, facts: Tensor) -> Tensor:
        """Scores (W, T, 2) of each place as the first and as the last token of the answer, at least in float32: −inf
        where none can be, which is everywhere but in the context and at the place that says that there is none. hidden
        (W, T, D), facts (W, T, F)."""
        facts = checked(facts, hidden)
        question, open_ = facts[..., QUESTION] > 0, (facts[..., CONTEXT] > 0) | (facts[..., NO_ANSWER] > 0)
        if self.training and self.dropout:
            hidden = F.dropout(hidden, self.dropout)
        vector = self.gathered(hidden, hidden, question, self.weigh)  # (W, D)
        wanted = torch.einsum("kde,we->wkd", self.bilinear.to(vector.dtype), vector) + self.linear.to(vector.dtype)
        scores = hidden @ wanted.transpose(1, 2) / math.sqrt(hidden.shape[-1])  # (W, T, 2)
        scores = scores.float() if scores.dtype in HALVES else scores
        scores = scores + (facts[..., NO_ANSWER, None].to(scores.dtype) * self.absent.to(scores.dtype))
        return scores.masked_fill(~open_[..., None], -math.inf)

    @staticmethod
    def gathered(seen: Tensor, values: Tensor, question: Tensor, weigh: Tensor) -> Tensor:
        """(W, D) The mean of values (W, T, D) over the tokens of the question (W, T), weighted by what stands in
        `seen` (W, T, D)."""
        heights = (seen @ weigh.to(seen.dtype)).masked_fill(~question, -math.inf)
        return (heights.softmax(dim=-1)[:, None] @ values)[:, 0]

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        """What is the same is alike from the beginning; all places of a row begin nearly alike. `facts` are drawn as
        the embedding is, to which they are added."""
        if name == "absent":
            parameter.zero_()
        elif name in ("align", "aligned", "asked"):
            parameter.normal_(std=parameter.shape[-1] ** -0.5, generator=generator)
        else:
            parameter.normal_(std=0.02, generator=generator)

    def description(self) -> dict[str, Any]:
        """What builds the head again."""
        return {"longest": self.longest} | ({"typed": True} if self.typed else {})


def checked(facts: Tensor | None, x: Tensor) -> Tensor:
    """The facts of rows (W, T, D). Raises InputError."""
    if facts is None or facts.shape != (*x.shape[:2], N_FACTS):
        shape = None if facts is None else tuple(facts.shape)
        raise InputError(f"facts have shape {shape}, of rows {tuple(x.shape[:2])} with {N_FACTS} of each token")
    for column, what in ((QUESTION, "question"), (CONTEXT, "context"), (NO_ANSWER, "place for no answer")):
        lacking = ~(facts[..., column] > 0).any(dim=1)
        if bool(lacking.any()):
            raise InputError(f"row {int(lacking.nonzero()[0])} has no {what}")
    return facts
