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


def sides(ours: str, theirs: str, kinds: tuple[str, ...] = ("weight", "bias"), only: str = "") -> dict[str, str]:
    """Names of one part of every block, in the encoder and in the decoder (or only one of them)."""
    return {
        f"backbone.{side}.blocks.{{n}}.{ours}.{kind}": f"model.{side}.layers.{{n}}.{theirs}.{kind}"
        for side in ([only] if only else ["encoder", "decoder"])
        for kind in kinds
    }


MARIAN_NAMES = (
    {"embedding.weight": "model.shared.weight"}
    | {
        k: v
        for part in ("query", "key", "value", "out")
        for k, v in sides(
            f"attention.{part}", f"self_attn.{ {'query': 'q', 'key': 'k', 'value': 'v', 'out': 'out'}[part] }_proj"
        ).items()
    }
    | {
        k: v
        for part in ("query", "key", "value", "out")
        for k, v in sides(
            f"cross_attention.{part}",
            f"encoder_attn.{ {'query': 'q', 'key': 'k', 'value': 'v', 'out': 'out'}[part] }_proj",
            only="decoder",
        ).items()
    }
    | sides("attention_norm", "self_attn_layer_norm")
    | sides("cross_norm", "encoder_attn_layer_norm", only="decoder")
    | sides("feed_forward.up", "fc1")
    | sides("feed_forward.down", "fc2")
    | sides("feed_forward_norm", "final_layer_norm")
)


@pytest.mark.parametrize("own_vocabulary", [False, True])
def test_marian_equals_transformers_marian_with_padding_on_both_sides(own_vocabulary):
    transformers = pytest.importorskip("transformers", reason="the reference is transformers' MarianMTModel")
    n_of_sources = 47 if own_vocabulary else None
    sizes = {"d_model": D, "n_heads": H, "d_ff": F, "n_layers": L, "seq_len": T}
    config = TransformerConfig(preset="marian", **{**PRESETS["transformer"]["marian"], **sizes})
    model = build_model(config, V, "encoder-decoder", seed=5, source_vocab_size=n_of_sources).eval()
    torch.manual_seed(6)
    reference = transformers.MarianMTModel(
        transformers.MarianConfig(
            vocab_size=n_of_sources or V, decoder_vocab_size=V, d_model=D, max_position_embeddings=T,
            encoder_layers=L, decoder_layers=L, encoder_attention_heads=H, decoder_attention_heads=H,
            encoder_ffn_dim=F, decoder_ffn_dim=F, activation_function="swish", scale_embedding=True,
            pad_token_id=V - 1 if n_of_sources is None else n_of_sources - 1, decoder_start_token_id=V - 1,
            eos_token_id=0, forced_eos_token_id=0, share_encoder_decoder_embeddings=not own_vocabulary,
        )
    ).eval()  # fmt: skip
    with torch.no_grad():
        for parameter in reference.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.25)
        reference.final_logits_bias.normal_(std=0.25)
    theirs = {name: tensor for name, tensor in reference.named_parameters() if tensor.requires_grad}
    theirs["final_logits_bias"] = reference.final_logits_bias[0]
    names = {"head.bias": "final_logits_bias", **MARIAN_NAMES}
    if own_vocabulary:
        names |= {
            "embedding.weight": "model.decoder.embed_tokens.weight",
            "source_embedding.weight": "model.encoder.embed_tokens.weight",
        }
        assert torch.equal(
            theirs.pop("lm_head.weight", reference.lm_head.weight), reference.model.decoder.embed_tokens.weight
        )
    ours = dict(model.named_parameters())
    for pattern, foreign in names.items():
        for n in range(L) if "{n}" in pattern else [0]:
            with torch.no_grad():
                ours.pop(pattern.format(n=n)).copy_(theirs.pop(foreign.format(n=n)))
    assert not ours, f"not copied: {list(ours)}"
    assert not theirs, f"not filled: {list(theirs)}"

    for n_source, n_target in ((1, 1), (5, 2), (T, 11), (9, T)):
        sources, ids = random_ids(n_source) % (n_of_sources or V), random_ids(n_target)
        segments = torch.zeros_like(sources)
        segments[0, n_source // 2 + 1 :] = -1  # transformers knows padding to the right alone
        with torch.no_grad():
            expected = reference(input_ids=sources, attention_mask=segments >= 0, decoder_input_ids=ids).logits
            state = model.begin(sources, segments)
            whole = logits_from(model, ids, state)
            parts = []
            for place in range(n_target):
                hidden, state = model(ids[:, place : place + 1], None, state)
                parts.append(model.head.logits(hidden))
        assert expected.std() > 0.1
        torch.testing.assert_close(whole, expected, atol=1e-4, rtol=0)
        torch.testing.assert_close(torch.cat(parts, dim=1), expected, atol=1e-4, rtol=0)


def logits_from(model: LanguageModel, ids: Tensor, state: Any) -> Tensor:
    return model.head.logits(model(ids, None, state)[0])


BERT_LAYERS = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_forward.up": "intermediate.dense",
    "feed_forward.down": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}


def test_bert_equals_transformers_bert_with_padding():
    transformers = pytest.importorskip("transformers", reason="the reference is transformers' BertModel")
    sizes = {"d_model": D, "n_heads": H, "d_ff": F, "n_layers": L, "seq_len": T}
    config = TransformerConfig(preset="bert", **{**PRESETS["transformer"]["bert"], **sizes})
    model = build_model(config, V, "encoder", seed=5).eval()
    torch.manual_seed(6)
    reference = transformers.BertModel(
        transformers.BertConfig(
            vocab_size=V, hidden_size=D, num_hidden_layers=L, num_attention_heads=H, intermediate_size=F,
            max_position_embeddings=T, pad_token_id=V - 1,
        ),
        add_pooling_layer=False,
    ).eval()  # fmt: skip
    assert (reference.config.hidden_act, reference.config.layer_norm_eps) == ("gelu", 1e-12)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.normal_(std=0.25)
    theirs, ours = dict(reference.named_parameters()), dict(model.named_parameters())
    types = theirs.pop("embeddings.token_type_embeddings.weight")
    names = {"embedding.weight": "embeddings.word_embeddings.weight"}
    for kind in ("weight", "bias"):
        names[f"backbone.embed_norm.{kind}"] = f"embeddings.LayerNorm.{kind}"
        for part, foreign in BERT_LAYERS.items():
            names |= {f"backbone.blocks.{n}.{part}.{kind}": f"encoder.layer.{n}.{foreign}.{kind}" for n in range(L)}
    with torch.no_grad():
        ours.pop("backbone.learned.weight").copy_(theirs.pop("embeddings.position_embeddings.weight") + types[0])
        for name, foreign in names.items():
            ours.pop(name).copy_(theirs.pop(foreign))
    assert not ours, f"not copied: {list(ours)}"
    assert not theirs, f"not filled: {list(theirs)}"

    for length in (1, 2, 17, T):
        ids = random_ids(length)
        segments = torch.zeros_like(ids)
        segments[0, length // 2 + 1 :] = segments[2, length - length // 4 :] = -1  # transformers: to the right alone
        real = segments >= 0
        with torch.no_grad():
            expected = reference(input_ids=ids, attention_mask=real).last_hidden_state
            whole = reference(input_ids=ids).last_hidden_state
            assert expected.std() > 0.1
            torch.testing.assert_close(model(ids, segments)[real], expected[real], atol=1e-4, rtol=0)
            torch.testing.assert_close(model(ids), whole, atol=1e-4, rtol=0)
