"""Tiny models of every architecture in the table, and of every dialect, for the laws."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import Tensor

from textmill.config import PRESETS, ModelConfig
from textmill.models import LanguageModel, build_model
from textmill.tables import ARCHITECTURES

VOCABULARY, LONGEST = 40, 64
TOLERANCE = 1e-8  # float64, one thread
PAD = -1

# "gru", or "transformer/llama" where an architecture has dialects
KINDS = [f"{arch}/{preset}" if preset else arch for arch in ARCHITECTURES for preset in PRESETS.get(arch) or [None]]


def config_of(kind: str, **knobs: Any) -> Any:
    arch, _, preset = kind.partition("/")
    dialect = {**PRESETS[arch][preset], "preset": preset, "n_heads": 4} if preset else {}
    sizes = {"n_layers": 2, "d_model": 16, "seq_len": LONGEST}
    return TypeAdapter(ModelConfig).validate_python({"arch": arch, **dialect, **sizes, **knobs})


def fresh_model(kind: str, seed: int = 1, **knobs: Any) -> LanguageModel:
    """float64, and every weight moved off its first value: projections of zero would make most laws hold by nothing."""
    torch.set_num_threads(1)
    model = build_model(config_of(kind, **knobs), VOCABULARY, seed=seed).double().eval()
    generator = torch.Generator().manual_seed(seed + 100)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.3, generator=generator)
    return model


tiny_model = cache(fresh_model)  # for tests that only read it


def random_ids(batch: int, length: int, seed: int = 3) -> Tensor:
    return torch.randint(0, VOCABULARY, (batch, length), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def scores(model: LanguageModel, ids: Tensor, segments: Any = None, state: Any = None) -> tuple[Tensor, Any]:
    """ln P (B, T, V), and the state; segments may be plain lists."""
    if segments is not None and not isinstance(segments, Tensor):
        segments = torch.tensor(segments)
    return model.log_probs(ids, segments, state)


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=TOLERANCE, rtol=0)
