"""Hidden vectors of a text -> which words were hidden in it. Room: models/ (ids -> scores).

A head of Encoder (tables.HEADS), trained and used by tasks/mask.py. Only places whose token is asked for are scored.
Shapes: W rows, T tokens of a row, D model width, V vocabulary, N places that are scored.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textmill.config.model import ModelConfig
from textmill.models.next_token import IGNORED
from textmill.models.softmax import SCORES_OF_A_CHUNK, nats_of, scores_of


class MaskHead(nn.Module):
    """Scores over the vocabulary: a linear map, GELU, LayerNorm, then a softmax. Devlin et al. 2019, arXiv:1810.04805;
    equal to transformers' BertForMaskedLM with a tied configuration.

    stand_in: the vector that a hidden token is read as. The vocabulary has one control token, the mark, which begins
    and ends texts, so that what stands in for a word is no id but a vector of this head. It is not 0, as what
    token_dropout hides: a vector of 0 asks no question of its neighbours in the first layer of a Transformer.
    """

    def __init__(self, config: ModelConfig, vocab_size: int):
        super().__init__()
        d_model = config.d_model
        self.vocab_size, self.cap = vocab_size, config.logit_cap
        self.stand_in = nn.Parameter(torch.empty(d_model))
        self.turn = nn.Parameter(torch.empty(d_model, d_model))
        self.turn_bias = nn.Parameter(torch.empty(d_model))
        self.norm_weight = nn.Parameter(torch.empty(d_model))
        self.norm_bias = nn.Parameter(torch.empty(d_model))
        self.norm_eps = getattr(config, "norm_eps", 1e-5)
        self.weight = None if config.tied else nn.Parameter(torch.empty(vocab_size, d_model))
        self.bias = nn.Parameter(torch.empty(vocab_size))

    def turned(self, hidden: Tensor) -> Tensor:
        """(..., D) -> (..., D), what the scores are made of."""
        turned = F.gelu(F.linear(hidden, self.turn, self.turn_bias))
        return F.layer_norm(turned, turned.shape[-1:], self.norm_weight, self.norm_bias, self.norm_eps)

    def logits(self, hidden: Tensor, table: Tensor) -> Tensor:
        """(..., D) -> (..., V). table (V, D): the model's embedding, whose weights a tied head shares."""
        return scores_of(self.turned(hidden), table if self.weight is None else self.weight, self.bias, self.cap)

    def nll(self, hidden: Tensor, targets: Tensor, table: Tensor, smoothing: float = 0.0) -> Tensor:
        """−ln P(target) in nats (N,), at least in float32, of the places (W, T) whose target is not IGNORED, in order.
        smoothing: as in heads.Head."""
        counted = targets != IGNORED
        rows, weight = self.turned(hidden[counted]), table if self.weight is None else self.weight
        return nats_of(rows, weight, self.bias, targets[counted], self.cap, smoothing)

    @torch.no_grad()
    def told(self, hidden: Tensor, targets: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
        """(nats (N,) in float64, the likeliest id (N,)) of the places whose target is not IGNORED."""
        counted = targets != IGNORED
        rows, wanted = hidden[counted], targets[counted]
        at_once = max(1, SCORES_OF_A_CHUNK // self.vocab_size)
        nats, likeliest = [], []
        for start in range(0, len(rows), at_once):
            log_probs = F.log_softmax(self.logits(rows[start : start + at_once], table).double(), dim=-1)
            nats.append(-log_probs.gather(1, wanted[start : start + at_once, None])[:, 0])
            likeliest.append(log_probs.argmax(dim=-1))
        return torch.cat(nats), torch.cat(likeliest)

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        """Small, so that all tokens begin nearly alike."""
        if name.endswith("bias"):
            parameter.zero_()
        elif name == "norm_weight":
            parameter.fill_(1.0)
        elif name == "turn":
            parameter.normal_(std=parameter.shape[1] ** -0.5, generator=generator)
        else:
            parameter.normal_(std=0.02, generator=generator)

    def description(self) -> dict[str, Any]:
        """What builds the head again."""
        return {"vocab_size": self.vocab_size}
