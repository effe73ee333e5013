"""The Transformer language model of the textbooks, and the same model from Textmill.

TransformerModel is the well-known ten lines: embedding times √ninp, sinusoidal positions, nn.TransformerEncoder under
a square subsequent mask, linear decoder. `textmill train my_texts/ --preset classic` trains exactly this model;
textbook_config says it in knobs, and tests/models/test_textbook.py holds the two equal.

Run: python examples/textbook_transformer.py
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from textmill.config import PRESETS, TransformerConfig
from textmill.models import build_model


class TransformerModel(nn.Module):
    """ids (T, B) -> logits (T, B, ntoken)."""

    def __init__(self, ntoken: int, ninp: int, nhead: int, nhid: int, nlayers: int, dropout: float = 0.5):
        super().__init__()
        self.ninp, self.drop = ninp, nn.Dropout(dropout)
        self.embedding = nn.Embedding(ntoken, ninp)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(ninp, nhead, nhid, dropout), nlayers, enable_nested_tensor=False
        )
        self.decoder = nn.Linear(ninp, ntoken)

    def forward(self, ids: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(len(ids))
        x = self.embedding(ids) * math.sqrt(self.ninp) + sinusoids(len(ids), self.ninp)
        return self.decoder(self.encoder(self.drop(x), mask))


def sinusoids(length: int, width: int) -> Tensor:
    """(length, 1, width): sin and cos of position / 10000^(2i/width), in turns."""
    angles = torch.arange(length)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, None]


def textbook_config(ninp: int, nhead: int, nhid: int, nlayers: int, dropout: float = 0.5) -> TransformerConfig:
    """The same in Textmill's words: --preset classic --model.d_model ninp …"""
    sizes = {"d_model": ninp, "n_heads": nhead, "d_ff": nhid, "n_layers": nlayers, "dropout": dropout}
    return TransformerConfig(preset="classic", **{**PRESETS["transformer"]["classic"], **sizes})


if __name__ == "__main__":
    textbook = TransformerModel(ntoken=1000, ninp=64, nhead=4, nhid=128, nlayers=2)
    ours = build_model(textbook_config(ninp=64, nhead=4, nhid=128, nlayers=2), vocab_size=1000)
    for model in (textbook, ours):
        print(f"{type(model).__name__}: {sum(parameter.numel() for parameter in model.parameters()):,} parameters")
