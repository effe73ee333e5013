"""The classic dialect is equal to torch's own, in float32, weights copied; the others: tests/hub/test_families.py."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from textmill.config import PRESETS, TransformerConfig
from textmill.models import LanguageModel, build_model

V, D, H, F, L, T = 61, 24, 4, 40, 3, 30


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def dialect(preset: str, **knobs: Any) -> LanguageModel:
    """A model of this preset with random weights everywhere: zeros and ones would hide a forgotten tensor."""
    sizes = {"d_model": D, "n_heads": H, "d_ff": F, "n_layers": L, "seq_len": T}
    config = TransformerConfig(preset=preset, **{**PRESETS["transformer"][preset], **sizes, **knobs})
    model = build_model(config, V, seed=5).eval()
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.25, generator=generator)
    return model


def random_ids(length: int, batch: int = 3) -> Tensor:
    return torch.randint(0, V, (batch, length), generator=torch.Generator().manual_seed(7))


def copy_weights(source: LanguageModel, target: nn.Module, names: dict[str, str]):
    """names: ours -> theirs, `{n}` for the layer. Every parameter of both sides is copied, or this fails."""
    ours, theirs = dict(source.named_parameters()), dict(target.named_parameters())
    for pattern, foreign in names.items():
        layers = range(L) if "{n}" in pattern else [0]
        for n in layers:
            parts = pattern.format(n=n).split("+")
            together = torch.cat([ours.pop(part) for part in parts])
            there = theirs.pop(foreign.format(n=n))
            with torch.no_grad():
                there.copy_(together)
    assert not ours, f"not copied: {list(ours)}"
    assert not theirs, f"not filled: {list(theirs)}"


def logits(model: LanguageModel, ids: Tensor) -> Tensor:
    with torch.no_grad():
        return model.head.logits(model(ids)[0])


def logits_with_cache(model: LanguageModel, ids: Tensor) -> Tensor:
    """One call for the first half, one of three tokens, then token by token."""
    half = ids.shape[1] // 2
    cuts = sorted({0, half, *range(min(half + 3, ids.shape[1]), ids.shape[1] + 1)})
    state, parts = None, []
    with torch.no_grad():
        for start, stop in itertools.pairwise(cuts):
            hidden, state = model(ids[:, start:stop], state=state)
            parts.append(model.head.logits(hidden))
    return torch.cat(parts, dim=1)


def check_equal(model: LanguageModel, reference, tolerance: float) -> None:
    for length in (1, 2, 17, T):
        ids = random_ids(length)
        with torch.no_grad():
            expected = reference(ids)
        assert expected.std() > 0.1
        torch.testing.assert_close(logits(model, ids), expected, atol=tolerance, rtol=0)
        torch.testing.assert_close(logits_with_cache(model, ids), expected, atol=tolerance, rtol=0)


BLOCK = "backbone.blocks.{n}."
QKV = ("query", "key", "value")


def qkv(kind: str) -> str:
    return "+".join(f"{BLOCK}attention.{part}.{kind}" for part in QKV)


CLASSIC_NAMES = {
    "embedding.weight": "embedding.weight",
    "head.weight": "decoder.weight",
    "head.bias": "decoder.bias",
    qkv("weight"): "encoder.layers.{n}.self_attn.in_proj_weight",
    qkv("bias"): "encoder.layers.{n}.self_attn.in_proj_bias",
} | {
    f"{BLOCK}{ours}.{kind}": f"encoder.layers.{{n}}.{theirs}.{kind}"
    for kind in ("weight", "bias")
    for ours, theirs in {
        "attention.out": "self_attn.out_proj",
        "feed_forward.up": "linear1",
        "feed_forward.down": "linear2",
        "attention_norm": "norm1",
        "feed_forward_norm": "norm2",
    }.items()
}


class TorchEncoder(nn.Module):
    """nn.TransformerEncoder with a causal mask between an embedding times √d plus sinusoids and a linear decoder."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, D)
        layer = nn.TransformerEncoderLayer(D, H, F, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, L, enable_nested_tensor=False)
        self.decoder = nn.Linear(D, V)

    def forward(self, ids):
        length = ids.shape[1]
        place = torch.arange(length).unsqueeze(1)
        rate = torch.exp(torch.arange(0, D, 2) * (-math.log(10000.0) / D))
        sinusoids = torch.zeros(length, D)
        sinusoids[:, 0::2], sinusoids[:, 1::2] = torch.sin(place * rate), torch.cos(place * rate)
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.decoder(self.encoder(self.embedding(ids) * math.sqrt(D) + sinusoids, mask))


def test_classic_equals_torch_transformer_encoder_with_a_causal_mask():
    model, reference = dialect("classic"), TorchEncoder().eval()
    copy_weights(model, reference, CLASSIC_NAMES)
    check_equal(model, reference, 1e-5)
