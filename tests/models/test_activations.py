"""What autograd keeps of a micro-batch: the sums of the formula are what torch really saves, for every architecture."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from textmill.config import PRESETS, ModelConfig
from textmill.models import activations, build_model, recurrent_source, softmax
from textmill.models.activations import Reading, activation_numbers, reserved_numbers
from textmill.models.cost import training_bytes
from textmill.tables import ARCHITECTURES, ENCODERS, SOURCED

DIALECTS = [(arch, preset) for arch in ARCHITECTURES for preset in PRESETS.get(arch) or [None]]
B, T, S, V = 3, 24, 16, 50


def config_of(arch: str, preset: str | None, **knobs: Any) -> Any:
    dialect = {**PRESETS[arch][preset], "preset": preset, "n_heads": 4} if preset else {}
    size = {"n_layers": 2, "d_model": 32, "seq_len": T, "dropout": 0.0}
    return TypeAdapter(ModelConfig).validate_python({"arch": arch, **size, **dialect, **knobs})


def saved_bytes(model: nn.Module, forward: Callable[[], Tensor]) -> int:
    """Of all tensors that autograd saves, each storage once, weights left out."""
    weights = {tensor.untyped_storage().data_ptr() for tensor in model.parameters()}
    found: dict[int, int] = {}
    held = []  # so that no storage is freed and its place used again

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        held.append(tensor)
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(found.values())


def of_decoder(config: Any, is_apart: bool = False, vocab_size: int = V) -> tuple[int, int]:
    """(kept, said to be kept), bytes."""
    model = build_model(config, vocab_size).train()
    ids = torch.randint(0, vocab_size, (B, T))
    segments = None
    if is_apart:
        segments = torch.zeros_like(ids)
        segments[:, 7:] = 1
    kept = saved_bytes(model, lambda: model.nll(ids, ids, segments)[0].sum())
    reading = Reading(B, T, is_apart=is_apart)
    return kept, 4 * (activation_numbers(config, vocab_size, reading) + reserved_numbers(config, reading))


def of_translator(config: Any) -> tuple[int, int]:
    model = build_model(config, V, "encoder-decoder").train()
    source, ids = torch.randint(0, V, (B, S)), torch.randint(0, V, (B, T))
    source_segments, segments = torch.zeros_like(source), torch.zeros_like(ids)
    source_segments[0, -1] = segments[0, -1] = -1
    targets = ids.masked_fill(segments < 0, -100)

    def forward() -> Tensor:
        hidden, _ = model(ids, segments, model.begin(source, source_segments))
        return model.head.nll(hidden, targets).sum()

    return saved_bytes(model, forward), 4 * activation_numbers(config, V, Reading(B, T, S, is_padded=True))


def of_encoder(config: Any, is_padded: bool) -> tuple[int, int]:
    model = build_model(config, V, "encoder", {"classify": {"classes": ["a", "b"]}}).train()
    ids, segments, real = torch.randint(0, V, (B, T)), None, None
    if is_padded:
        segments = torch.zeros_like(ids)
        segments[0, -1] = -1
        real = segments >= 0
    kept = saved_bytes(model, lambda: model.heads["classify"](model(ids, segments), real).log_softmax(dim=1).sum())
    reading = Reading(B, T, is_padded=is_padded, is_whole=True)
    return kept, 4 * (activation_numbers(config, V, reading) + reserved_numbers(config, reading))


@pytest.mark.parametrize(("arch", "preset"), [(arch, preset) for arch, preset in DIALECTS if arch in ENCODERS])
@pytest.mark.parametrize("is_padded", [False, True])
def test_what_is_kept_of_hidden_words(arch: str, preset: str | None, is_padded: bool) -> None:
    config = config_of(arch, preset)
    model = build_model(config, V, "encoder", {"mask": {"vocab_size": V}}).train()
    ids, segments = torch.randint(0, V, (B, T)), None
    if is_padded:
        segments = torch.zeros_like(ids)
        segments[0, -1] = -1
    masked = torch.zeros(B, T, dtype=torch.bool)
    masked[:, ::7] = True
    targets = torch.where(masked, ids, -100)

    def forward() -> Tensor:
        return model.heads["mask"].nll(model(ids, segments, masked=masked), targets, model.embedding.weight).sum()

    reading = Reading(B, T, is_padded=is_padded, is_whole=True, n_masked=int(masked.sum()))
    said = 4 * (activation_numbers(config, V, reading) + reserved_numbers(config, reading))
    assert 0.9 < said / saved_bytes(model, forward) < 1.25


@pytest.mark.parametrize(("arch", "preset"), DIALECTS)
@pytest.mark.parametrize("knobs", [{}, {"n_layers": 1}, {"dropout": 0.1}, {"tied": True}], ids=str)
def test_what_is_kept_of_a_row_is_what_torch_saves(arch: str, preset: str | None, knobs: dict[str, Any]) -> None:
    kept, said = of_decoder(config_of(arch, preset, **knobs))
    assert said == pytest.approx(kept, rel=0.03)


@pytest.mark.parametrize("preset", PRESETS["transformer"])
@pytest.mark.parametrize("knobs", [{"n_kv_heads": 2}, {"gated": True}, {"gated": False, "d_ff": 40}], ids=str)
def test_shared_keys_and_other_feed_forward_layers_are_counted(preset: str, knobs: dict[str, Any]) -> None:
    kept, said = of_decoder(config_of("transformer", preset, **knobs))
    assert said == pytest.approx(kept, rel=0.03)


@pytest.mark.parametrize(("arch", "preset"), DIALECTS)
def test_documents_told_apart_keep_more(arch: str, preset: str | None) -> None:
    kept, said = of_decoder(config_of(arch, preset), is_apart=True)
    assert said == pytest.approx(kept, rel=0.1)


@pytest.mark.parametrize(("arch", "preset"), [(arch, preset) for arch, preset in DIALECTS if arch in SOURCED])
@pytest.mark.parametrize("knobs", [{}, {"dropout": 0.1}], ids=str)
def test_what_is_kept_of_a_source_and_its_target(arch: str, preset: str | None, knobs: dict[str, Any]) -> None:
    kept, said = of_translator(config_of(arch, preset, **knobs))
    assert said == pytest.approx(kept, rel=0.1)


@pytest.mark.parametrize(("arch", "preset"), [(arch, preset) for arch, preset in DIALECTS if arch in ENCODERS])
@pytest.mark.parametrize(
    "knobs", [{}, {"n_layers": 1}, {"dropout": 0.1}, {"pooling": "mean"}, {"pooling": "max"}], ids=str
)
@pytest.mark.parametrize("is_padded", [False, True])
def test_what_is_kept_of_texts_that_are_read_whole(
    arch: str, preset: str | None, knobs: dict[str, Any], is_padded: bool
) -> None:
    config = config_of(arch, preset, **knobs)
    kept, said = of_encoder(config, is_padded)
    assert said == pytest.approx(kept, rel=0.1)
    assert training_bytes(config, V, Reading(B, T, is_padded=is_padded), form="encoder")["activations"] < 2 * kept


@pytest.mark.parametrize("arch", ["transformer", "gru"])
def test_the_scores_of_a_large_vocabulary_are_not_kept(arch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (softmax, activations):
        monkeypatch.setattr(module, "SCORES_AT_ONCE", 100)
        monkeypatch.setattr(module, "SCORES_OF_A_CHUNK", 500)
        monkeypatch.setattr(module, "ROWS_OF_A_CHUNK", 1)
    kept, said = of_decoder(config_of(arch, "modern" if arch == "transformer" else None))
    # Autograd does not see the gradient that a chunked head holds: N · D numbers, counted as kept.
    assert said - 4 * B * T * 32 == pytest.approx(kept, rel=0.03)


def test_bounds_of_chunks_are_those_of_the_modules_that_make_them() -> None:
    for bound in ("SCORES_AT_ONCE", "SCORES_OF_A_CHUNK", "ROWS_OF_A_CHUNK"):
        assert getattr(activations, bound) == getattr(softmax, bound)
    assert activations.COMPARED_AT_ONCE == recurrent_source.COMPARED_AT_ONCE


@pytest.mark.parametrize(("arch", "preset"), DIALECTS)
def test_of_layers_that_are_made_again_their_inputs_and_one_layer_are_counted(arch: str, preset: str | None) -> None:
    config = config_of(arch, preset, n_layers=4)
    model = build_model(config, V).train()
    model.recompute_layers()
    ids = torch.randint(0, V, (B, T))
    kept = saved_bytes(model, lambda: model.nll(ids, ids, None)[0].sum())
    whole, again = (4 * activation_numbers(config, V, Reading(B, T, is_made_again=made)) for made in (False, True))
    one = 4 * activation_numbers(config_of(arch, preset, n_layers=1), V, Reading(B, T))
    assert kept < again <= 1.1 * (kept + one)
    assert again < 0.8 * whole


def test_holes_are_counted_where_freed_blocks_stay() -> None:
    config = config_of("transformer", "modern")
    left_alone, given_back = (
        training_bytes(config, V, Reading(64, T), leaves_holes=leaves) for leaves in (True, False)
    )
    assert given_back["holes"] == 0 < left_alone["holes"]
    assert left_alone["total"] - given_back["total"] == left_alone["holes"]


def test_more_rows_longer_rows_and_more_micro_batches_take_more() -> None:
    config = config_of("transformer", "modern")
    few, many = (training_bytes(config, V, Reading(rows, T))["total"] for rows in (1, 64))
    longer = training_bytes(config, V, Reading(64, 2 * T))["total"]
    accumulated = training_bytes(config, V, Reading(64, 2 * T), accumulates=True)["total"]
    assert few < many < longer < accumulated
    assert (
        training_bytes(config, V, Reading(1, T), continues=True)["copies"]
        == training_bytes(config, V, Reading(1, T))["weights"]
    )


def test_memory_is_foretold_without_torch() -> None:
    program = (
        "import sys, textmill.models.cost as c; from textmill.config import TransformerConfig as T;"
        "from textmill.models.activations import Reading;"
        "c.training_bytes(T(), 9, Reading(2, 8)); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
