"""Hidden vectors of sentences -> the answer to a question about them. Room: models/ (ids -> scores).

A head of Encoder (tables.HEADS), trained and used by tasks/stories.py. The encoder reads sentences and questions, a row
each; here each becomes one vector. A sentence looks back at those told before it, then the question looks at the
sentences, several times. Every look is stick-breaking attention: from the newest sentence to the oldest, each takes its
share of what those after it have left, so that of all sentences that fit the last one is seen, in a story of any
length, without numbers of places. Tan et al. 2024, arXiv:2410.17980; Csordás et al. 2022, arXiv:2110.07732; the looks,
or hops, of Sukhbaatar et al. 2015, arXiv:1503.08895.
Since a sentence sees only what was told before it, a story that begins another is read with that one: questions that
come one after the other share the work.
Shapes: R rows, T tokens of a row, D model width, B questions, G different stories, S sentences of a story, W width of
the head, H attention heads, C answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textmill.config.model import ModelConfig
from textmill.errors import InputError
from textmill.models.classify_head import HALVES, refuse_classes

WIDTH = 64
N_HEADS = 4
N_LAYERS = 2
N_HOPS = 3
N_SLOTS = 4
"""Weighted means of the tokens of a row, laid end to end."""
FIRST_BIAS = -2.5
"""Of what decides how much a sentence takes: at first a twelfth, and what was told long before is seen too."""
NEVER = -1e9


class StoryHead(nn.Module):
    """Scores of answers. classes: the answers, in the order of the scores. Raises ConfigError for classes that are
    repeated or too few."""

    several = False

    def __init__(self, config: ModelConfig, classes: Sequence[str]):
        super().__init__()
        refuse_classes(classes, several=False)
        self.classes = tuple(classes)
        width = WIDTH
        self.line = Pooled(config.d_model, width)
        self.layers = nn.ModuleList(LooksBack(width) for _ in range(N_LAYERS))
        self.norm = nn.LayerNorm(width)
        self.hops = nn.ModuleList(Hop(width) for _ in range(N_HOPS))
        self.inner = nn.Linear(width, width)
        self.out = nn.Linear(width, len(classes))

    def forward(self, hidden: Tensor, real: Tensor | None, stories: Tensor) -> tuple[Tensor, Tensor]:
        """(logits (B, C), attention (B, S)), both at least in float32. hidden (R, T, D). real (R, T): True where there
        is a token, None = everywhere.

        stories (B, 1 + S): numbers of rows, of the question and then of its sentences in the order in which they were
        told; -1 behind the last. Attention: how much the answer was drawn from each sentence, 0 to 1, by any of the
        hops; 0 behind the last. Raises InputError for numbers that are no rows.
        """
        if stories.shape[1] == 0 or int(stories.max()) >= len(hidden) or int(stories[:, 0].min()) < 0:
            raise InputError(f"stories name rows of {len(hidden)}, each a question first, not {stories.tolist()}")
        there = stories[:, 1:] >= 0  # (B, S)
        told, owners = told_once(stories[:, 1:])  # (G, S), (B,)
        lines = self.line(hidden, real)  # (R, W)
        sentences, question = lines[told.clamp(min=0)], lines[stories[:, 0]]  # (G, S, W), (B, W)
        for layer in self.layers:
            sentences = layer(sentences, told >= 0)
        asked, keys = question, self.norm(sentences)
        missed = None  # (B, S) ln of what no hop has taken
        for hop in self.hops:
            asked, shares = hop(asked, question, keys, sentences, there, owners)
            left = torch.log1p(-shares.clamp(max=1 - 1e-6))
            missed = left if missed is None else missed + left
        assert missed is not None
        logits = self.out(F.relu(self.inner(asked)))
        return (logits.float() if logits.dtype in HALVES else logits), -torch.expm1(missed)

    def log_probs(self, logits: Tensor) -> Tensor:
        """Logits (B, C) -> ln P of each answer."""
        return F.log_softmax(logits, dim=-1)

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        """Matrices as torch.nn.Linear draws them; at first each sentence takes a little of every look."""
        if name.endswith("start"):
            parameter.fill_(FIRST_BIAS)
        elif name.endswith("norm.weight"):
            parameter.fill_(1.0)
        elif parameter.ndim == 1 or name.endswith("weigh.weight"):  # at first all tokens weigh the same
            parameter.zero_()
        else:
            limit = parameter.shape[1] ** -0.5
            parameter.uniform_(-limit, limit, generator=generator)

    def description(self) -> dict[str, Any]:
        """What builds the head again."""
        return {"classes": list(self.classes)}


class Pooled(nn.Module):
    """Rows of hidden vectors (R, T, D) -> a vector each (R, W): means of the tokens by weights of its own."""

    def __init__(self, d_model: int, width: int):
        super().__init__()
        self.weigh = nn.Linear(d_model, N_SLOTS, bias=False)
        self.join = nn.Linear(N_SLOTS * d_model, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, hidden: Tensor, real: Tensor | None) -> Tensor:
        hidden = hidden.contiguous()
        heights = self.weigh(hidden)  # (R, T, slots)
        if real is not None:
            heights = heights.masked_fill(~real[..., None], NEVER)
            hidden = hidden.masked_fill(~real[..., None], 0.0)
        weights = heights.float().softmax(dim=1) if heights.dtype in HALVES else heights.softmax(dim=1)
        means = weights.transpose(1, 2).to(hidden.dtype) @ hidden  # (R, slots, D)
        pooled: Tensor = self.norm(self.join(means.flatten(1)))
        return pooled


class LooksBack(nn.Module):
    """Each sentence sees those told before it, in several heads."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.start = nn.Parameter(torch.empty(N_HEADS))

    def forward(self, sentences: Tensor, there: Tensor) -> Tensor:
        """(B, S, W), with what was seen added. there (B, S)."""
        x = self.norm(sentences)
        q, k, v = (
            made(x).unflatten(-1, (N_HEADS, -1)).transpose(1, 2) for made in (self.query, self.key, self.value)
        )  # (B, H, S, W/H)
        heights = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + self.start[:, None, None]
        n = sentences.shape[1]
        before = torch.ones(n, n, dtype=torch.bool, device=x.device).tril(-1)
        shares = shares_of(heights, (before & there[:, None, :])[:, None])  # (B, H, S, S)
        seen = (shares.to(v.dtype) @ v).transpose(1, 2).flatten(2)
        added: Tensor = sentences + self.out(seen)
        return added


class Hop(nn.Module):
    """The question, with what it knows already, looks at the sentences once more.

    It learns what it saw, and beside it its product with the question, number by number: lines are all read by one
    Pooled, so that whether the two say the same (`Is Mary in the office?`) is a sum of these.
    """

    def __init__(self, width: int):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.start = nn.Parameter(torch.empty(1))
        self.learn = nn.GRUCell(2 * width, width)

    def forward(
        self, asked: Tensor, question: Tensor, keys: Tensor, sentences: Tensor, there: Tensor, owners: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(what is asked now (B, W), the share of each sentence (B, S), at least in float32).

        question (B, W): as it was read. keys, sentences (G, S, W): of the stories told; owners (B,): which of them each
        question is about.
        """
        heights = (self.key(keys)[owners] @ self.query(asked)[..., None])[..., 0] * keys.shape[-1] ** -0.5 + self.start
        shares = shares_of(heights, there)
        looks = shares[:, None].to(sentences.dtype)  # (B, 1, S)
        seen, plain = (looks @ self.value(sentences)[owners])[:, 0], (looks @ keys[owners])[:, 0]
        return self.learn(torch.cat([seen, plain * question], dim=-1), asked), shares


def told_once(told: Tensor) -> tuple[Tensor, Tensor]:
    """Stories (B, S), -1 behind the last sentence -> (those that are no beginning of another (G, S), owners (B,): which
    of these each is, or is the beginning of).

    >>> told_once(torch.tensor([[3, 1, -1], [3, 1, 2], [4, -1, -1]]))
    (tensor([[3, 1, 2],
            [4, -1, -1]]), tensor([0, 0, 1]))
    """
    n_told = (told >= 0).sum(dim=1).tolist()
    longest = beginnings([tuple(row[:n]) for row, n in zip(told.tolist(), n_told, strict=True)])
    kept = sorted(set(longest))
    number_of = {own: number for number, own in enumerate(kept)}
    return told[kept], torch.tensor([number_of[own] for own in longest], device=told.device)


def beginnings(stories: Sequence[tuple[Any, ...]]) -> list[int]:
    """For each story the number of one that it is the beginning of and that is itself the beginning of no other; of
    equal ones the first.

    >>> beginnings([(3, 1), (3, 1, 2), (4,), (3, 1, 2)])
    [1, 1, 2, 1]
    """
    # In the order of words in a dictionary, a story stands right before one that goes on from it, if there is one.
    order = sorted(range(len(stories)), key=lambda number: (stories[number], -number))
    longest = [0] * len(stories)
    for place in reversed(range(len(order))):
        number = order[place]
        after = longest[order[place + 1]] if place + 1 < len(order) else number
        goes_on = stories[after][: len(stories[number])] == stories[number]
        longest[number] = after if goes_on else number
    return longest


def shares_of(heights: Tensor, there: Tensor) -> Tensor:
    """(…, S) what each place takes of a look: σ(height) of what the places behind it have left, 0 where there is none.

    They sum to at most 1; the rest is seen by nobody. At least in float32.
    """
    heights = heights.float() if heights.dtype in HALVES else heights
    heights = heights.masked_fill(~there, NEVER)
    taken, left = F.logsigmoid(heights), F.logsigmoid(-heights)
    behind = left.flip(-1).cumsum(-1).flip(-1) - left
    return (taken + behind).exp()
