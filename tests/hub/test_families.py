"""Every family is equal to its implementation in transformers, in float32, read from what save_pretrained wrote."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from textmill.errors import ConfigError
from textmill.hub.families import config_of, family_of, family_said, ours_of, their_config_of, theirs_of
from textmill.models import build_model

transformers = pytest.importorskip("transformers", reason="the references are transformers' models")
V, D, H, F, L, T = 61, 24, 4, 40, 3, 30
SIZES = {
    "vocab_size": V,
    "hidden_size": D,
    "intermediate_size": F,
    "num_hidden_layers": L,
    "num_attention_heads": H,
    "max_position_embeddings": T,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 12,
}
DECODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": ("GPT2", {"vocab_size": V, "n_positions": T, "n_embd": D, "n_layer": L, "n_head": H, "n_inner": F}),
    "gpt2, plain": ("GPT2", {"vocab_size": V, "n_positions": T, "n_embd": D, "n_layer": L, "n_head": H}),
    "gpt2, its own head": (
        "GPT2",
        {"vocab_size": V, "n_positions": T, "n_embd": D, "n_layer": L, "n_head": H, "tie_word_embeddings": False},
    ),
    "llama": ("Llama", SIZES),
    "llama, grouped": ("Llama", {**SIZES, "num_key_value_heads": 2, "rms_norm_eps": 1e-5}),
    "llama, tied, wide heads": ("Llama", {**SIZES, "tie_word_embeddings": True, "head_dim": 10}),
    "llama, with biases": ("Llama", {**SIZES, "attention_bias": True}),
    "llama 3": ("Llama", {**SIZES, "num_key_value_heads": 1, "rope_parameters": LLAMA3}),
    "llama, linear": ("Llama", {**SIZES, "rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 3.0}}),
    "mistral": ("Mistral", {**SIZES, "num_key_value_heads": 2, "sliding_window": 5}),
    "mistral, no window": ("Mistral", {**SIZES, "num_key_value_heads": 4, "sliding_window": None}),
    "qwen2": ("Qwen2", {**SIZES, "num_key_value_heads": 2}),
    "qwen2, windows": (
        "Qwen2",
        {**SIZES, "num_key_value_heads": 2, "use_sliding_window": True, "sliding_window": 7, "max_window_layers": 0},
    ),
    "qwen3": ("Qwen3", {**SIZES, "num_key_value_heads": 2, "head_dim": 8}),
    "qwen3, tied": ("Qwen3", {**SIZES, "num_key_value_heads": 4, "head_dim": 6, "tie_word_embeddings": True}),
    "nanochat": ("NanoChat", {**SIZES, "num_key_value_heads": 2}),
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def reference_of(name: str, kind: str, said: dict[str, Any]) -> Any:
    """A model of transformers with random weights everywhere: zeros and ones would hide a forgotten tensor."""
    torch.manual_seed(6)
    ids = {"bos_token_id": 0, "eos_token_id": 0} if name == "GPT2" else {}
    config = getattr(transformers, f"{name}Config")(**said, **ids, attn_implementation="eager")
    reference = getattr(transformers, f"{name}{kind}")(config).eval()
    with torch.no_grad():
        for parameter in reference.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.25)
    return reference


def read(folder: Path, heads: Any = None, knobs: Any = None, **more: Any) -> tuple[str, Any, dict[str, Tensor], Any]:
    """(family, config, our tensors, our model) of a folder."""
    said = json.loads((folder / "config.json").read_text())
    family = family_said(said)
    config = config_of(family, said).model_copy(update=knobs or {})
    theirs = safetensors.torch.load_file(folder / "model.safetensors")
    ours = ours_of(family, theirs, config, heads or {}, **more)
    form = {"marian": "encoder-decoder", "bert": "encoder", "roberta": "encoder"}.get(family, "decoder")
    sources = ours.get("source_embedding.weight")
    model = build_model(
        config,
        len(ours["embedding.weight"]),
        form,
        heads or {},
        seed=5,
        source_vocab_size=None if sources is None else len(sources),
    )
    model.load_state_dict(ours)
    return family, config, ours, model.eval()


def random_ids(length: int, batch: int = 3) -> Tensor:
    return torch.randint(2, V, (batch, length), generator=torch.Generator().manual_seed(7))


def logits(model: Any, ids: Tensor, segments: Tensor | None = None) -> Tensor:
    with torch.no_grad():
        return model.head.logits(model(ids, segments)[0])


def logits_with_cache(model: Any, ids: Tensor) -> Tensor:
    """One call for the first half, one of three tokens, then token by token."""
    half = ids.shape[1] // 2
    cuts = sorted({0, half, *range(min(half + 3, ids.shape[1]), ids.shape[1] + 1)})
    state, parts = None, []
    with torch.no_grad():
        for start, stop in itertools.pairwise(cuts):
            hidden, state = model(ids[:, start:stop], state=state)
            parts.append(model.head.logits(hidden))
    return torch.cat(parts, dim=1)


@pytest.mark.parametrize("dialect", DECODERS)
def test_a_decoder_read_from_its_folder_gives_the_logits_of_transformers(dialect, tmp_path):
    name, said = DECODERS[dialect]
    reference = reference_of(name, "LMHeadModel" if name == "GPT2" else "ForCausalLM", said)
    reference.save_pretrained(tmp_path)
    _, _, _, model = read(tmp_path)

    for length in (1, 2, 17, T):
        ids = random_ids(length)
        with torch.no_grad():
            expected = reference(ids).logits
        assert expected.std() > 0.1
        torch.testing.assert_close(logits(model, ids), expected, atol=1e-4, rtol=0)
        torch.testing.assert_close(logits_with_cache(model, ids), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("dialect", DECODERS)
def test_padding_on_either_side_changes_no_logit_of_what_is_there(dialect, tmp_path):
    name, said = DECODERS[dialect]
    reference = reference_of(name, "LMHeadModel" if name == "GPT2" else "ForCausalLM", said)
    reference.save_pretrained(tmp_path)
    _, _, _, model = read(tmp_path)
    ids = random_ids(17, batch=2)
    segments = torch.zeros_like(ids)
    segments[0, :4] = segments[1, 12:] = -1

    ours = logits(model, ids, segments)
    with torch.no_grad():
        alone = reference(ids[:1, 4:]).logits[0], reference(ids[1:, :12]).logits[0]

    torch.testing.assert_close(ours[0, 4:], alone[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(ours[1, :12], alone[1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("dialect", DECODERS)
def test_what_goes_in_comes_out_again_and_stock_classes_load_it(dialect, tmp_path):
    name, said = DECODERS[dialect]
    kind = "LMHeadModel" if name == "GPT2" else "ForCausalLM"
    reference = reference_of(name, kind, said)
    reference.save_pretrained(tmp_path / "theirs")
    family, config, ours, _ = read(tmp_path / "theirs")
    their_config = their_config_of(config, V, family=family)

    assert config_of(family, their_config) == config
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "config.json").write_text(json.dumps(their_config))
    theirs = theirs_of(family, ours, config)
    safetensors.torch.save_file(theirs, tmp_path / "ours" / "model.safetensors", metadata={"format": "pt"})
    again = getattr(transformers, f"{name}{kind}").from_pretrained(tmp_path / "ours").eval()
    ids = random_ids(17)
    with torch.no_grad():
        torch.testing.assert_close(again(ids).logits, reference(ids).logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("preset", ["gpt2", "llama", "qwen2", "qwen3", "modern"])
def test_each_preset_has_its_family(preset):
    from textmill.config import PRESETS, TransformerConfig

    config = TransformerConfig(preset=preset, **PRESETS["transformer"][preset])
    family = family_of(config)

    assert family == {"modern": "nanochat"}.get(preset, preset)
    assert config_of(family, their_config_of(config, V)).model_dump(
        exclude={"init", "d_ff", "n_kv_heads", "d_head"}
    ) == (config.model_dump(exclude={"init", "d_ff", "n_kv_heads", "d_head"}))


def test_what_no_stock_class_expresses_is_refused_with_the_reason_and_the_preset_that_can():
    from textmill.config import PRESETS, RecurrentConfig, TransformerConfig

    with pytest.raises(ConfigError, match="it differs in"):
        family_of(TransformerConfig(preset="classic", **PRESETS["transformer"]["classic"]))
    with pytest.raises(ConfigError, match="Transformers alone"):
        family_of(RecurrentConfig(arch="gru"))
    with pytest.raises(ConfigError, match="gated True"):
        family_of(TransformerConfig(preset="gpt2", **{**PRESETS["transformer"]["gpt2"], "gated": True}))
