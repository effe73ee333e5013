"""Each dialect is equal to the implementation it names, in float32, weights copied."""

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


def copy_weights(source: LanguageModel, target: nn.Module, names: dict[str, str], changed=lambda name, tensor: tensor):
    """names: ours -> theirs, `{n}` for the layer. Every parameter of both sides is copied, or this fails."""
    ours, theirs = dict(source.named_parameters()), dict(target.named_parameters())
    for pattern, foreign in names.items():
        layers = range(L) if "{n}" in pattern else [0]
        for n in layers:
            parts = pattern.format(n=n).split("+")
            together = torch.cat([changed(part, ours.pop(part)) for part in parts])
            there = theirs.pop(foreign.format(n=n))
            if there.shape != together.shape:
                together = together.T  # GPT-2 keeps its matrices the other way round
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


def test_gpt2_equals_transformers_gpt2():
    transformers = pytest.importorskip("transformers")
    model = dialect("gpt2")
    config = transformers.GPT2Config(
        vocab_size=V, n_positions=T, n_embd=D, n_layer=L, n_head=H, n_inner=F, bos_token_id=0, eos_token_id=0
    )
    reference = transformers.GPT2LMHeadModel(config).eval()
    names = {
        "embedding.weight": "transformer.wte.weight",
        "backbone.learned.weight": "transformer.wpe.weight",
        "backbone.last_norm.weight": "transformer.ln_f.weight",
        "backbone.last_norm.bias": "transformer.ln_f.bias",
        qkv("weight"): "transformer.h.{n}.attn.c_attn.weight",
        qkv("bias"): "transformer.h.{n}.attn.c_attn.bias",
    } | {
        f"{BLOCK}{ours}.{kind}": f"transformer.h.{{n}}.{theirs}.{kind}"
        for kind in ("weight", "bias")
        for ours, theirs in {
            "feed_forward.up": "mlp.c_fc",
            "feed_forward.down": "mlp.c_proj",
            "attention_norm": "ln_1",
            "feed_forward_norm": "ln_2",
        }.items()
    }
    names |= {
        f"{BLOCK}attention.out.weight": "transformer.h.{n}.attn.c_proj.weight",
        f"{BLOCK}attention.out.bias": "transformer.h.{n}.attn.c_proj.bias",
    }
    conv1d = {"attention.out.weight"}  # square: its shape does not show that GPT-2 keeps it the other way round
    copy_weights(model, reference, names, lambda name, w: w.T if name.endswith(tuple(conv1d)) else w)
    check_equal(model, lambda ids: reference(ids).logits, 1e-4)


@pytest.mark.parametrize("n_kv_heads", [4, 2, 1])
def test_llama_equals_transformers_llama(n_kv_heads):
    transformers = pytest.importorskip("transformers")
    model = dialect("llama", n_kv_heads=n_kv_heads)
    config = transformers.LlamaConfig(
        vocab_size=V,
        hidden_size=D,
        intermediate_size=F,
        num_hidden_layers=L,
        num_attention_heads=H,
        num_key_value_heads=n_kv_heads,
        max_position_embeddings=T,
        rms_norm_eps=1e-5,
    )
    reference = transformers.LlamaForCausalLM(config).eval()
    names = {
        "embedding.weight": "model.embed_tokens.weight",
        "head.weight": "lm_head.weight",
        "backbone.last_norm.weight": "model.norm.weight",
    } | {
        f"{BLOCK}{ours}.weight": f"model.layers.{{n}}.{theirs}.weight"
        for ours, theirs in {
            "attention.query": "self_attn.q_proj",
            "attention.key": "self_attn.k_proj",
            "attention.value": "self_attn.v_proj",
            "attention.out": "self_attn.o_proj",
            "feed_forward.up": "mlp.up_proj",
            "feed_forward.gate": "mlp.gate_proj",
            "feed_forward.down": "mlp.down_proj",
            "attention_norm": "input_layernorm",
            "feed_forward_norm": "post_attention_layernorm",
        }.items()
    }
    copy_weights(model, reference, names)
    check_equal(model, lambda ids: reference(ids).logits, 1e-4)


@pytest.mark.parametrize("n_kv_heads", [4, 2])
def test_modern_equals_transformers_nanochat(n_kv_heads):
    transformers = pytest.importorskip("transformers")
    model = dialect("modern", n_kv_heads=n_kv_heads)
    config = transformers.NanoChatConfig(
        vocab_size=V,
        hidden_size=D,
        intermediate_size=F,
        num_hidden_layers=L,
        num_attention_heads=H,
        num_key_value_heads=n_kv_heads,
        max_position_embeddings=T,
    )
    reference = transformers.NanoChatForCausalLM(config).eval()
    names = {"embedding.weight": "model.embed_tokens.weight", "head.weight": "lm_head.weight"} | {
        f"{BLOCK}{ours}.weight": f"model.layers.{{n}}.{theirs}.weight"
        for ours, theirs in {
            "attention.query": "self_attn.q_proj",
            "attention.key": "self_attn.k_proj",
            "attention.value": "self_attn.v_proj",
            "attention.out": "self_attn.o_proj",
            "feed_forward.up": "mlp.fc1",
            "feed_forward.down": "mlp.fc2",
        }.items()
    }

    def halves_exchanged(name: str, weight: Tensor) -> Tensor:
        """NanoChat turns queries and keys the other way round: the same with their halves exchanged."""
        if not name.endswith(("query.weight", "key.weight")):
            return weight
        return weight.unflatten(0, (-1, 2, D // H // 2)).flip(1).flatten(0, 2)

    copy_weights(model, reference, names, halves_exchanged)
    check_equal(model, lambda ids: reference(ids).logits, 1e-4)
