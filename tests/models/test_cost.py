"""Parameters, FLOPs and memory without allocating: published counts, and those of models that are really built."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import TypeAdapter

from textmill.config import PRESETS, SIZES, SIZES_OF_ENCODERS, SIZES_WITH_SOURCE, ModelConfig, TransformerConfig
from textmill.models import build_model, cost
from textmill.tables import ARCHITECTURES, ENCODERS, SOURCED

DIALECTS = [(arch, preset) for arch in ARCHITECTURES for preset in PRESETS.get(arch) or [None]]


def config_of(arch, preset, **knobs):
    dialect = {**PRESETS[arch][preset], "preset": preset} if preset else {}
    return TypeAdapter(ModelConfig).validate_python({"arch": arch, **dialect, **knobs})


GPT2_SMALL = config_of("transformer", "gpt2", n_layers=12, d_model=768, n_heads=12, seq_len=1024)
LLAMA_2_7B = config_of("transformer", "llama", n_layers=32, d_model=4096, n_heads=32, d_ff=11008, seq_len=4096)
LLAMA_31_8B = config_of(
    "transformer", "llama", n_layers=32, d_model=4096, n_heads=32, n_kv_heads=8, d_ff=14336, rope_theta=500000.0
)


@pytest.mark.parametrize(
    ("config", "vocab_size", "published"),
    [
        (GPT2_SMALL, 50257, 124_439_808),
        (LLAMA_2_7B, 32000, 6_738_415_616),
        (LLAMA_31_8B, 128256, 8_030_261_248),
    ],
)
def test_published_models_have_their_published_number_of_parameters(config, vocab_size, published):
    assert cost.parameters(config, vocab_size).total == published
    on_meta = build_model(config, vocab_size, device="meta")
    assert sum(parameter.numel() for parameter in on_meta.parameters()) == published


SHAPES = [(arch, preset, {"n_layers": layers}) for arch, preset in DIALECTS for layers in (1, 3)]
SHAPES += [
    (arch, preset, {"n_kv_heads": 2, "d_ff": 20, "bias": bias, "gated": gated})
    for arch, preset in DIALECTS
    if preset
    for bias in (False, True)
    for gated in (False, True)
]


@pytest.mark.parametrize(("arch", "preset", "knobs"), SHAPES)
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("form", "of_sources"), [("decoder", None), ("encoder-decoder", None), ("encoder-decoder", 9)])
def test_the_count_is_that_of_the_model_part_by_part(arch, preset, knobs, tied, form, of_sources):
    if form == "encoder-decoder" and arch not in SOURCED:
        pytest.skip(f"{arch} reads no source")
    config = config_of(arch, preset, **{"n_layers": 3, "d_model": 16, "seq_len": 24, "tied": tied, **knobs})
    counts = cost.parameters(config, 31, form, of_sources)
    model = build_model(config, 31, form, source_vocab_size=of_sources)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    embeddings = sum(size for name, size in sizes.items() if "embedding." in name or "learned." in name)
    head = sum(size for name, size in sizes.items() if name.startswith("head."))
    assert counts.total == sum(sizes.values())
    assert counts.embeddings == embeddings
    assert counts.head == head
    assert counts.backbone == sum(sizes.values()) - embeddings - head
    assert counts.matrices == sum(matrix.numel() for _, matrix in model.matrices())
    assert cost._on_meta_device(config, 31, form, of_sources).total == counts.total


@pytest.mark.parametrize(("arch", "preset", "knobs"), SHAPES)
@pytest.mark.parametrize("pooling", ["attention", "max", "mean", "first"])
@pytest.mark.parametrize("classes", [(), ("a", "b", "c")], ids=str)
def test_an_encoder_is_counted_part_by_part(arch, preset, knobs, pooling, classes):
    if arch not in ENCODERS:
        pytest.skip(f"{arch} reads no text as a whole")
    if pooling == "first" and arch != "transformer":
        pytest.skip("a recurrence pools no first place")
    config = config_of(arch, preset, **{"n_layers": 3, "d_model": 16, "seq_len": 24, "pooling": pooling, **knobs})
    heads = {"classify": {"classes": classes}} if classes else {}
    counts, model = cost.parameters(config, 31, "encoder", heads=heads), build_model(config, 31, "encoder", heads)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    embeddings = sum(size for name, size in sizes.items() if "embedding." in name or "learned." in name)
    head = sum(size for name, size in sizes.items() if name.startswith("heads."))
    assert counts.total == sum(sizes.values())
    assert (counts.embeddings, counts.head) == (embeddings, head)
    assert counts.matrices == sum(matrix.numel() for _, matrix in model.matrices())
    on_meta = cost._on_meta_device(config, 31, "encoder", heads=heads)
    assert (on_meta.total, on_meta.head, on_meta.head_multiplies) == (counts.total, head, counts.head_multiplies)
    assert (cost.memory_bytes(config, 31, None, form="encoder", heads=heads)["weights"]) == 4 * counts.total


@pytest.mark.parametrize(("arch", "preset", "knobs"), SHAPES)
@pytest.mark.parametrize("tied", [False, True])
def test_an_encoder_that_guesses_hidden_words_is_counted_part_by_part(arch, preset, knobs, tied):
    config = config_of(arch, preset, **{"n_layers": 3, "d_model": 16, "seq_len": 24, **knobs, "tied": tied})
    heads = {"mask": {"vocab_size": 31}}
    counts, model = cost.parameters(config, 31, "encoder", heads=heads), build_model(config, 31, "encoder", heads)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    assert counts.total == sum(sizes.values())
    assert counts.head == sum(size for name, size in sizes.items() if name.startswith("heads."))
    assert counts.head_multiplies == round(0.15 * (31 * 16 + 16 * 16))


def test_an_encoder_on_paper():
    """LSTM, D = 4, V = 3, 2 layers of two directions of width 2: each 4 · 2 · (4 + 2) weights and 2 · 4 · 2 biases;
    a head of 2 classes: 2 · (4 + 1), and 4 · (4 + 1) that weigh the tokens."""
    config, heads = config_of("lstm", None, n_layers=2, d_model=4), {"classify": {"classes": ["a", "b"]}}
    counts = cost.parameters(config, 3, "encoder", heads=heads)
    assert (counts.embeddings, counts.matrices) == (12, 2 * 2 * 48)
    assert (counts.backbone, counts.head) == (2 * 2 * (48 + 16), 10 + 20)
    assert cost.flops_per_token(config, 3, form="encoder", heads=heads) == 6 * (192 + 20)


@pytest.mark.parametrize(("arch", "preset"), DIALECTS)
@pytest.mark.parametrize("form", ["decoder", "encoder-decoder"])
@pytest.mark.parametrize("vocab_size", [4, 31, 1000])
def test_an_adaptive_softmax_is_counted_as_it_is_built(arch, preset, form, vocab_size):
    if form == "encoder-decoder" and arch not in SOURCED:
        pytest.skip(f"{arch} reads no source")
    heads = {"n_heads": 4} if preset else {}
    config = config_of(arch, preset, **{"n_layers": 1, "d_model": 24, "softmax": "adaptive", "tied": False} | heads)
    counts, model = cost.parameters(config, vocab_size, form), build_model(config, vocab_size, form)
    assert counts.total == sum(parameter.numel() for parameter in model.parameters())
    assert counts.head == sum(parameter.numel() for parameter in model.head.parameters())
    assert counts.matrices == sum(matrix.numel() for _, matrix in model.matrices())
    on_meta = cost._on_meta_device(config, vocab_size, form)
    assert (on_meta.total, on_meta.head, on_meta.head_multiplies) == (counts.total, counts.head, counts.head_multiplies)


def test_an_adaptive_head_on_paper():
    """V 1,600, D 32: 100 frequent and 2 clusters of 300 and 1,200, in 8 and 2 dimensions; a GRU's head has a bias."""
    counts = cost.parameters(config_of("gru", None, d_model=32, softmax="adaptive"), 1600)
    assert counts.head == 102 * 32 + 102 + 8 * (32 + 300) + 2 * (32 + 1200)
    assert counts.head_multiplies == 102 * 32


def test_dot_attention_to_a_source_has_no_weights_of_its_own_but_those_that_mix():
    config = config_of("gru", None, n_layers=1, d_model=16, source_attention="dot")
    model = build_model(config, 31, "encoder-decoder")
    assert cost.parameters(config, 31, "encoder-decoder").total == sum(p.numel() for p in model.parameters())
    assert sum(p.numel() for p in model.backbone.attention.parameters()) == 2 * 16 * 16


WISHED = {"micro": 0.1e6, "tiny": 0.8e6, "small": 5e6, "base": 25e6, "large": 85e6}


@pytest.mark.parametrize(("arch", "preset"), DIALECTS)
@pytest.mark.parametrize("size", WISHED)
def test_a_size_is_within_a_tenth_of_its_word_for_every_architecture_and_dialect(arch, preset, size):
    if arch not in SIZES:
        pytest.skip(f"{arch} has no table of sizes: its knobs are set one by one")
    config = config_of(arch, preset, size=size, **SIZES[arch][size])
    assert cost.parameters(config, 8000).backbone == pytest.approx(WISHED[size], rel=0.1)
    if arch in SOURCED:
        config = config_of(arch, preset, size=size, **SIZES_WITH_SOURCE[arch][size])
        assert cost.parameters(config, 8000, "encoder-decoder").backbone == pytest.approx(WISHED[size], rel=0.1)
    if arch in ENCODERS:
        config = config_of(arch, preset, size=size, **SIZES_OF_ENCODERS[arch][size])
        assert cost.parameters(config, 8000, "encoder").backbone == pytest.approx(WISHED[size], rel=0.1)


def test_flops_of_gpt2_small_on_paper():
    """Matrices 12·12·768² = 84,934,656; head 50257·768 = 38,597,376; attention 12·12·768·1024 = 113,246,208."""
    assert cost.flops_per_token(GPT2_SMALL, 50257) == 6 * (84_934_656 + 38_597_376) + 113_246_208
    assert cost.flops_per_token(GPT2_SMALL, 50257, training=False) * 3 == cost.flops_per_token(GPT2_SMALL, 50257)
    assert cost.flops_per_token(GPT2_SMALL, 50257, seq_len=512) == 6 * (84_934_656 + 38_597_376) + 113_246_208 // 2


def test_the_flops_that_torch_counts_are_those_of_the_convention():
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    config = config_of("transformer", "llama", n_layers=2, d_model=32, n_heads=4, seq_len=16, d_ff=48)
    model = build_model(config, 50)
    ids = torch.zeros(3, 16, dtype=torch.long)
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        model.nll(ids, ids)[0].sum().backward()
    assert counter.get_total_flops() == 3 * 16 * cost.flops_per_token(config, 50)


def test_memory_on_paper():
    """RNN, D = 2, one layer, V = 3: embedding 6, matrices 8, biases 4, head 6 + 3: 27 numbers of 4 bytes."""
    config = config_of("rnn", None, n_layers=1, d_model=2)
    assert cost.memory_bytes(config, 3, "adamw") == {"weights": 108, "gradients": 108, "optimizer": 216}
    assert cost.memory_bytes(config, 3, "muon")["optimizer"] == (8 + 2 * 19) * 4
    assert cost.memory_bytes(config, 3, "sgd")["optimizer"] == 0
    assert cost.memory_bytes(config, 3, None, bytes_per_number=2) == {"weights": 54, "gradients": 0, "optimizer": 0}


@pytest.mark.parametrize(("arch", "preset"), DIALECTS)
@pytest.mark.parametrize("form", ["decoder", "encoder-decoder", "encoder"])
@pytest.mark.parametrize("more", [{}, {"softmax": "adaptive"}], ids=str)
def test_the_bytes_that_adafactor_keeps_are_those_of_its_state(arch, preset, form, more):
    import torch

    from textmill.config import TrainConfig
    from textmill.training.optimizers import build_optimizers, optimizer_tensors

    if form == "encoder-decoder" and arch not in SOURCED:
        pytest.skip(f"{arch} reads no source")
    if form == "encoder" and (arch not in ENCODERS or more):
        pytest.skip(f"{arch} with {more} is no encoder")
    n_heads = {"n_heads": 4} if preset else {}
    config = config_of(arch, preset, **{"n_layers": 2, "d_model": 24, "tied": False} | n_heads | more)
    heads = {"classify": {"classes": ["a", "b", "c"]}} if form == "encoder" else {}
    model = build_model(config, 100, form, heads)
    optimizers = build_optimizers(model, TrainConfig(optimizer="adafactor", lr=0.01, weight_decay=0.0))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizers[0].step()
    kept = sum(tensor.nbytes for tensor in optimizer_tensors(optimizers).values())
    assert cost.memory_bytes(config, 100, "adafactor", form=form, heads=heads)["optimizer"] == kept
    assert kept < cost.memory_bytes(config, 100, "adamw", form=form, heads=heads)["optimizer"] / 4


@pytest.mark.parametrize(("arch", "preset"), DIALECTS)
def test_the_bytes_of_a_state_are_those_it_takes(arch, preset):
    import torch

    config = config_of(arch, preset, n_layers=2, d_model=16, seq_len=24)
    _, state = build_model(config, 31)(torch.zeros(1, 7, dtype=torch.long))
    taken = sum(t.nbytes for name, t in state.tensors().items() if name not in ("n_seen", "segment", "documents"))
    assert cost.state_bytes(config, 7) == taken


def test_counting_loads_no_torch():
    program = (
        "import sys, textmill.models.cost as c; from textmill.config import TransformerConfig as T;"
        "c.parameters(T(), 9); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_default_width_of_the_feed_forward_layer():
    assert TransformerConfig(d_model=128).feed_forward_width == 512
    assert TransformerConfig(d_model=128, gated=True).feed_forward_width == 352  # 341.3, up to a multiple of 32
    assert TransformerConfig(d_model=96, gated=True).feed_forward_width == 256
    assert TransformerConfig(d_ff=77, gated=True).feed_forward_width == 77
