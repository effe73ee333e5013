"""Models that translate over five tokens, small enough to enumerate every target. Not a test."""

from __future__ import annotations

import itertools

import pytest
import torch

from textmill.config import PRESETS, RecurrentConfig, TransformerConfig
from textmill.models import build_model

V, MARK = 5, 4
SOURCES = [[0, 1, 2], [3], [2, 2, 0, 1, 3], [1, 0]]


def model_of(arch, vocabulary=V, seq_len=16):
    torch.set_num_threads(1)
    sizes = {"n_layers": 1, "d_model": 8, "seq_len": seq_len}
    if arch == "transformer":
        config = TransformerConfig(preset="marian", **{**PRESETS["transformer"]["marian"], **sizes, "n_heads": 2})
    else:
        config = RecurrentConfig(arch=arch, **sizes)
    model = build_model(config, vocabulary, "encoder-decoder", seed=3).double().eval()
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.7, generator=generator)
    return model


every_arch = pytest.mark.parametrize("arch", ["rnn", "lstm", "gru", "transformer"])


def total_of(model, source, target):
    """ln P of a whole target (its mark included, if it is there), in one call."""
    with torch.no_grad():
        state = model.begin(torch.tensor([source]))
        scored, _ = model.log_probs(torch.tensor([[MARK, *target[:-1]]]), None, state)
    return float(scored[0].gather(1, torch.tensor(target)[:, None]).sum())


def all_targets(longest):
    others = [token for token in range(V) if token != MARK]
    for length in range(longest):
        yield from ((*ids, MARK) for ids in itertools.product(others, repeat=length))
