"""Tiny models of every architecture in the table, of every dialect and form, for the laws.

A model that reads a source is a language model with a beginning: here it begins with one and the same source, and the
laws hold for it as for the others. What it owes to its sources stands in test_source_laws.py.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from textmill.config import PRESETS, ModelConfig
from textmill.models import LanguageModel, build_model
from textmill.models.encoder_decoder import EncoderDecoder
from textmill.tables import ARCHITECTURES, SOURCED

VOCABULARY, LONGEST = 40, 64
TOLERANCE = 1e-8  # float64, one thread
PAD = -1

SUFFIX = "+adaptive"  # with that softmax
# "gru", or "transformer/llama" where an architecture has dialects; "encoder-decoder:gru" in another form than a decoder
DECODERS = [f"{arch}/{preset}" if preset else arch for arch in ARCHITECTURES for preset in PRESETS.get(arch) or [None]]
WITH_SOURCE = [f"encoder-decoder:{kind}" for kind in DECODERS if kind.partition("/")[0] in SOURCED]
ADAPTIVE = [f"{arch}/modern{SUFFIX}" if arch in PRESETS else f"{arch}{SUFFIX}" for arch in ARCHITECTURES]
ADAPTIVE += [f"encoder-decoder:gru{SUFFIX}"]
KINDS = DECODERS + WITH_SOURCE + ADAPTIVE


def form_of(kind: str) -> str:
    form, colon, _ = kind.rpartition(":")
    return form if colon else "decoder"


def arch_of(kind: str) -> str:
    return kind.removesuffix(SUFFIX).rpartition(":")[2].partition("/")[0]


def config_of(kind: str, **knobs: Any) -> Any:
    arch, _, preset = kind.removesuffix(SUFFIX).rpartition(":")[2].partition("/")
    if kind.endswith(SUFFIX):
        knobs = {"softmax": "adaptive"} | knobs
    dialect = {**PRESETS[arch][preset], "preset": preset, "n_heads": 4} if preset else {}
    sizes = {"n_layers": 2, "d_model": 16, "seq_len": LONGEST}
    return TypeAdapter(ModelConfig).validate_python({"arch": arch, **dialect, **sizes, **knobs})


class Begun(EncoderDecoder):
    """Begins every row that is given no state with the same source, padded on both sides."""

    def begun(self, state: Any, ids: Tensor) -> Any:
        if state is None:
            source = torch.tensor([[5, 9, 2, 31, 17, 4]], device=ids.device).expand(len(ids), -1)
            segments = torch.tensor([[PAD, 0, 0, 0, 0, PAD]], device=ids.device).expand(len(ids), -1)
            state = self.begin(source, segments)
        return super().begun(state, ids)


def built(kind: str, config: Any = None, **arguments: Any) -> LanguageModel:
    """build_model in the form of a kind; one that reads sources begins by itself."""
    model = build_model(config or config_of(kind), VOCABULARY, form_of(kind), **arguments)
    return begun(model)


def begun(model: LanguageModel) -> LanguageModel:
    if type(model) is EncoderDecoder:
        model.__class__ = Begun
    return model


def fresh_model(kind: str, seed: int = 1, **knobs: Any) -> LanguageModel:
    """float64, and every weight moved off its first value: projections of zero would make most laws hold by nothing."""
    torch.set_num_threads(1)
    model = built(kind, config_of(kind, **knobs), seed=seed).double().eval()
    generator = torch.Generator().manual_seed(seed + 100)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.3, generator=generator)
    model.head.order_by(lambda: np.arange(VOCABULARY) * 7 % VOCABULARY)
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
