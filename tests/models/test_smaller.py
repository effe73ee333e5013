"""Weights in fewer bits: each within half a step, opened as they were made, and the laws of every architecture."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import PRESETS
from textmill.config.layers import load_config
from textmill.models import build_model
from textmill.models.smaller import rounded, shrunk, widened
from textmill.tables import ARCHITECTURES

FORMS = ("decoder", "encoder", "encoder-decoder")
V, T = 40, 12
every_form = pytest.mark.parametrize("form", FORMS)
every_arch = pytest.mark.parametrize("arch", ARCHITECTURES)
both = pytest.mark.parametrize("to", ["int8", "bf16"])


def model_of(arch, form, softmax="full"):
    """Every weight drawn: zeros would make any bits as good."""
    knobs = {"model.arch": arch, "model.n_layers": 2, "model.d_model": 16, "model.seq_len": 32}
    knobs |= {"model.n_heads": 4} if arch in PRESETS else {}
    knobs |= {"model.softmax": softmax} if softmax != "full" else {}
    config = load_config(knobs).config.model
    heads = {"classify": {"classes": ["a", "b", "c"]}} if form == "encoder" else {}
    model = build_model(config, V, form, heads).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        parameter.normal_(1.0 if name.endswith("norm.weight") else 0.0, 0.2, generator=generator)
    return model


def in_bits(arch, form, to, **more):
    model = model_of(arch, form, **more)
    model.load_state_dict(widened(shrunk(model.state_dict(), to)))
    return model


def logits(model, ids, segments=None, state=None):
    if model.form == "encoder":
        real = None if segments is None else segments >= 0
        return model.heads["classify"](model(ids, segments), real), None
    if model.form == "encoder-decoder" and state is None:
        state = model.begin((ids[:, :5] * 3 + 1) % V)
    return model.log_probs(ids, segments, state)


def some_ids(rows=3):
    return torch.randint(0, V, (rows, T), generator=torch.Generator().manual_seed(1))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**31), st.sampled_from([1e-30, 1e-3, 1.0, 1e30]))
def test_a_weight_is_within_half_a_step_of_its_row_and_its_sign_stays(seed, size):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(5, 7, generator=generator) * size
    matrix[2] = 0
    kept, scales = rounded(matrix)
    again = widened({"w": kept, "w.scale": scales})["w"]
    assert bool(((again - matrix).abs() <= scales[:, None] * 0.5001).all())
    assert bool((again * matrix >= 0).all()) and not again[2].any()
    assert bool((kept.abs().amax(dim=1) == torch.tensor([127, 127, 0, 127, 127])).all())  # all of the range is used


@every_arch
@every_form
def test_bf16_is_what_casting_each_weight_by_hand_gives(arch, form):
    tensors = model_of(arch, form).state_dict()
    again = widened(shrunk(tensors, "bf16"))
    for name, tensor in tensors.items():
        cast = tensor.bfloat16().float() if tensor.is_floating_point() else tensor
        assert torch.equal(again[name], cast) and again[name].dtype == tensor.dtype


@every_arch
@every_form
@both
def test_what_a_file_holds_is_opened_to_the_same_bits_and_is_as_small_as_promised(arch, form, to, tmp_path):
    tensors = model_of(arch, form).state_dict()
    kept = shrunk(tensors, to)
    safetensors.torch.save_file(kept, tmp_path / "m.safetensors")
    again, now = widened(safetensors.torch.load_file(tmp_path / "m.safetensors")), widened(kept)
    assert again.keys() == tensors.keys() == now.keys()
    assert all(torch.equal(again[name], now[name]) for name in now)
    n = sum(t.numel() for t in tensors.values())
    n_vectors = sum(t.numel() for t in tensors.values() if t.ndim < 2)
    n_rows = sum(t.flatten(1).shape[0] for t in tensors.values() if t.ndim > 1)
    expected = 2 * n if to == "bf16" else (n - n_vectors) + 4 * n_rows + 4 * n_vectors
    assert sum(t.numel() * t.element_size() for t in kept.values()) == expected


def test_the_ranks_of_an_adaptive_softmax_stay_as_they_are():
    model = model_of("lstm", "decoder", softmax="adaptive")
    for to in ("int8", "bf16"):
        again = widened(shrunk(model.state_dict(), to))
        assert torch.equal(again["head.rank"], model.head.rank) and again["head.rank"].dtype == torch.int64


@every_arch
@every_form
@both
def test_scores_stay_near_those_of_the_whole_weights_and_are_not_the_same(arch, form, to):
    whole, small = logits(model_of(arch, form), some_ids())[0], logits(in_bits(arch, form, to), some_ids())[0]
    difference, spread = (whole - small).abs().max(), whole.std()
    assert 0 < float(difference) < 0.1 * float(spread)


@every_arch
@every_form
@both
def test_a_text_is_scored_in_a_batch_as_it_is_alone(arch, form, to):
    model, ids = in_bits(arch, form, to), some_ids()
    together = logits(model, ids)[0]
    for row in range(3):
        torch.testing.assert_close(together[row : row + 1], logits(model, ids[row : row + 1])[0], atol=1e-5, rtol=0)


@every_arch
@pytest.mark.parametrize("form", ["decoder", "encoder-decoder"])
@both
def test_reading_in_two_parts_equals_reading_at_once(arch, form, to):
    model, ids = in_bits(arch, form, to), some_ids()
    begun = model.begin((ids[:, :5] * 3 + 1) % V) if form == "encoder-decoder" else None
    whole, _ = model.log_probs(ids, None, begun)
    start, state = model.log_probs(ids[:, :7], None, begun)
    rest, _ = model.log_probs(ids[:, 7:], None, state)
    torch.testing.assert_close(torch.cat([start, rest], dim=1), whole, atol=1e-5, rtol=0)
