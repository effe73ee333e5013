"""LanguageModel: building, files and errors. What holds for every architecture alike stands in tests/laws/."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from textmill.config import PRESETS, RecurrentConfig, TransformerConfig
from textmill.errors import ConfigError, Damaged, RunError
from textmill.models import LanguageModel, build_model
from textmill.models.heads import Head
from textmill.models.network import seed_for

GRU = RecurrentConfig(arch="gru", n_layers=1, d_model=8)


@pytest.fixture
def saved(tmp_path):
    build_model(GRU, 11).save(tmp_path)
    return tmp_path


def test_the_seed_of_a_parameter_is_the_same_number_everywhere():
    """`printf 3:embedding.weight | sha256sum` begins b6609616d59e7a8c: big end first, shifted right by one."""
    assert seed_for(3, "embedding.weight") == 0xB6609616D59E7A8C >> 1
    assert seed_for(3, "embedding.weight") != seed_for(31, "embedding.weight")


def test_forms_and_heads_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match=r"no form 'decodr'\n.*did you mean 'decoder'"):
        build_model(GRU, 11, form="decodr")
    with pytest.raises(ConfigError, match="no head 'span'"):
        build_model(GRU, 11, heads={"span": {}})


def test_on_the_meta_device_nothing_is_allocated():
    model = build_model(TransformerConfig(d_model=4096, n_heads=32, n_layers=64), 100_000, device="meta")
    assert all(parameter.is_meta for parameter in model.parameters())
    assert sum(parameter.numel() for parameter in model.parameters()) > 10**10


def test_zero_projections_begin_as_the_identity_and_guess_evenly():
    modern = TransformerConfig(preset="modern", **PRESETS["transformer"]["modern"], d_model=32, n_layers=2, seq_len=16)
    model = build_model(modern, 50).eval()
    ids = torch.arange(16)[None]
    with torch.no_grad():
        hidden, _ = model(ids)
        embedded = torch.nn.functional.rms_norm(model.embedding(ids), (32,), eps=1e-6)
        torch.testing.assert_close(hidden, embedded, atol=0.01, rtol=0)  # eps is felt twice
        nats, _ = model.nll(ids, ids)
    torch.testing.assert_close(nats, torch.full((1, 16), 50.0).log(), atol=0.05, rtol=0)


def test_a_tied_head_is_the_embedding_and_stored_once(tmp_path):
    from safetensors import safe_open

    config = TransformerConfig(**{**PRESETS["transformer"]["gpt2"], "preset": "gpt2"}, d_model=16, n_layers=1)
    model = build_model(config, 11)
    assert model.head.projection is model.embedding.weight
    model.save(tmp_path)
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        assert "embedding.weight" in file.keys()  # noqa: SIM118
        assert not any(name.startswith("head.") for name in file.keys())  # noqa: SIM118
    back = LanguageModel.load(tmp_path)
    assert back.head.projection is back.embedding.weight


def test_a_model_comes_back_in_the_precision_it_was_saved_in(tmp_path):
    model = build_model(GRU, 11).bfloat16()
    model.save(tmp_path)
    back = LanguageModel.load(tmp_path)
    for name, parameter in back.named_parameters():
        assert parameter.dtype == torch.bfloat16
        assert parameter.requires_grad
        assert torch.equal(parameter, dict(model.named_parameters())[name])
    back(torch.zeros(1, 3, dtype=torch.long))  # torch's cells took the new weights


def test_a_loaded_model_does_not_change_with_its_file(saved):
    back = LanguageModel.load(saved)
    before = back.embedding.weight.detach().clone()
    path = saved / "model.safetensors"
    with path.open("r+b") as file:
        file.seek(-400, 2)
        file.write(b"\xff" * 400)
    assert torch.equal(back.embedding.weight, before)


@pytest.mark.parametrize(
    ("name", "content", "error", "complaint"),
    [
        ("model.json", None, RunError, "there is no model here"),
        ("model.safetensors", None, RunError, "there are no weights here"),
        ("model.safetensors", b"\x10\x00\x00", Damaged, "not a whole safetensors file"),
        ("model.json", b"{", Damaged, "not the description of a model"),
        ("model.json", b'{"vocab_size": 11}', Damaged, "config"),
        ("model.json", b'{"vocab_size": 11, "config": {"arch": "gru", "d_modell": 8}}', Damaged, "d_modell"),
        (
            "model.json",
            b'{"vocab_size": 12, "config": {"arch": "gru", "d_model": 8}}',
            Damaged,
            r"\(11, 8\).*\(12, 8\)",
        ),
    ],
)
def test_a_folder_that_holds_no_whole_model_is_refused_by_name(saved, name, content, error, complaint):
    path = saved / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(error, match=complaint) as caught:
        LanguageModel.load(saved)
    assert str(path) in str(caught.value) or str(saved / "model.safetensors") in str(caught.value)


def test_a_file_cut_short_is_refused(saved):
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Damaged, match="not a whole safetensors file"):
        LanguageModel.load(saved)


def test_the_description_is_plain_json(saved):
    description = json.loads((saved / "model.json").read_text("utf-8"))
    assert description["schema"] == "textmill.model/1"
    assert description["form"] == "decoder"
    assert description["config"]["arch"] == "gru"
    assert "heads" not in description and "pooling" not in description["config"], "an encoder's affair"


def test_a_cap_bends_logits_on_paper():
    """cap 2: a logit of 2 ln 2 becomes 2 tanh(ln 2) = 2 · 3/5 = 1.2."""
    head = Head(torch.nn.Embedding(1, 1), tied=False, bias=False, cap=2.0)
    with torch.no_grad():
        head.weight.fill_(2 * torch.log(torch.tensor(2.0)))
    torch.testing.assert_close(head.logits(torch.ones(1, 1)), torch.tensor([[1.2]]))


def test_building_and_loading_a_model_does_not_import_the_compiler(saved):
    """Two seconds of every command that only reads a model."""
    program = (
        "import sys; from pathlib import Path; from textmill.models import LanguageModel; "
        f"LanguageModel.load(Path({str(saved)!r})); print([m for m in ('torch._dynamo', 'sympy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
