"""The example of the textbook TransformerModel runs, and is the model of --preset classic."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import torch

from textmill.models import build_model

EXAMPLE = Path(__file__).parents[2] / "examples" / "textbook_transformer.py"


def load_example():
    spec = importlib.util.spec_from_file_location("textbook_transformer", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def copy_layer(ours, theirs):
    pairs = [
        (ours.attention.out, theirs.self_attn.out_proj),
        (ours.feed_forward.up, theirs.linear1),
        (ours.feed_forward.down, theirs.linear2),
        (ours.attention_norm, theirs.norm1),
        (ours.feed_forward_norm, theirs.norm2),
    ]
    for mine, other in pairs:
        mine.load_state_dict(other.state_dict())
    parts = (ours.attention.query, ours.attention.key, ours.attention.value)
    for part, weight, bias in zip(
        parts, theirs.self_attn.in_proj_weight.chunk(3), theirs.self_attn.in_proj_bias.chunk(3), strict=True
    ):
        part.load_state_dict({"weight": weight, "bias": bias})


def test_the_textbook_model_and_preset_classic_are_one_model():
    torch.set_num_threads(1)
    example = load_example()
    torch.manual_seed(3)
    textbook = example.TransformerModel(ntoken=50, ninp=24, nhead=4, nhid=40, nlayers=3, dropout=0.1).eval()
    with torch.no_grad():
        for parameter in textbook.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    ours = build_model(example.textbook_config(ninp=24, nhead=4, nhid=40, nlayers=3, dropout=0.1), vocab_size=50).eval()
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in textbook.parameters())
    ours.embedding.load_state_dict(textbook.embedding.state_dict())
    ours.head.load_state_dict({"weight": textbook.decoder.weight, "bias": textbook.decoder.bias})
    for mine, theirs in zip(ours.backbone.blocks, textbook.encoder.layers, strict=True):
        copy_layer(mine, theirs)

    ids = torch.randint(0, 50, (2, 31))
    with torch.no_grad():
        expected = textbook(ids.T).transpose(0, 1)
        logits = ours.head.logits(ours(ids)[0])
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)


def test_the_example_runs():
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=True)
    textbook, ours = done.stdout.splitlines()
    assert textbook.split()[1:] == ours.split()[1:]
