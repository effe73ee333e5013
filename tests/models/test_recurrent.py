"""torch.nn's cells behind the backbone are the recurrences of the papers, written out here by hand."""

from __future__ import annotations

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from textmill.config import RecurrentConfig
from textmill.models import build_model
from textmill.models.recurrent import packed

V, D = 23, 6


def rnn(gates_x, gates_h, h, c):
    return torch.tanh(gates_x + gates_h), c


def lstm(gates_x, gates_h, h, c):
    i, f, g, o = (gates_x + gates_h).chunk(4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gru(gates_x, gates_h, h, c):
    (reset_x, update_x, new_x), (reset_h, update_h, new_h) = gates_x.chunk(3), gates_h.chunk(3)
    update = (update_x + update_h).sigmoid()
    new = (new_x + (reset_x + reset_h).sigmoid() * new_h).tanh()
    return (1 - update) * new + update * h, c


@pytest.mark.parametrize(("arch", "step"), [("rnn", rnn), ("lstm", lstm), ("gru", gru)])
def test_a_recurrent_backbone_is_the_recurrence_written_by_hand(arch, step):
    torch.set_num_threads(1)
    model = build_model(RecurrentConfig(arch=arch, n_layers=2, d_model=D), V, seed=2).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel()))
    weights = {name.removeprefix("backbone.cells."): parameter.detach() for name, parameter in model.named_parameters()}
    ids = torch.randint(0, V, (2, 9), generator=torch.Generator().manual_seed(0))

    expected = torch.empty(2, 9, V, dtype=torch.float64)
    for row in range(2):
        states = [(torch.zeros(D).double(), torch.zeros(D).double()) for _ in range(2)]
        for place in range(9):
            x = weights["embedding.weight"][ids[row, place]]
            for layer in range(2):
                h, c = states[layer]
                gates_x = weights[f"weight_ih_l{layer}"] @ x + weights[f"bias_ih_l{layer}"]
                gates_h = weights[f"weight_hh_l{layer}"] @ h + weights[f"bias_hh_l{layer}"]
                x, c = step(gates_x, gates_h, h, c)
                states[layer] = x, c
            expected[row, place] = weights["head.weight"] @ x + weights["head.bias"]

    with torch.no_grad():
        hidden, _ = model(ids)
        torch.testing.assert_close(model.head.logits(hidden), expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("arch", ["rnn", "lstm", "gru"])
def test_recurrent_weights_begin_orthogonal_gate_by_gate_and_the_forget_gate_open(arch):
    model = build_model(RecurrentConfig(arch=arch, n_layers=2, d_model=D), V, seed=2)
    cells = model.backbone.cells
    for layer in range(2):
        for gate in getattr(cells, f"weight_hh_l{layer}").detach().split(D):
            torch.testing.assert_close(gate @ gate.T, torch.eye(D), atol=1e-5, rtol=0)
        bias = getattr(cells, f"bias_ih_l{layer}") + getattr(cells, f"bias_hh_l{layer}")
        expected = torch.zeros_like(bias)
        if arch == "lstm":
            expected[D : 2 * D] = 1  # input, forget, cell, output
        assert torch.equal(bias, expected)


def test_texts_end_to_end_are_packed_as_torch_packs_them_and_found_again():
    lengths = torch.tensor([3, 1, 7, 3, 5])
    tokens = torch.randn(int(lengths.sum()), 4, dtype=torch.float64, requires_grad=True)
    ours, back = packed(tokens, lengths)
    theirs = pack_sequence(list(torch.split(tokens, lengths.tolist())), enforce_sorted=False)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)
    assert torch.equal(ours.data[back], tokens)
    weights = torch.randn_like(ours.data)
    gradients = [torch.autograd.grad((one.data * weights).sum(), tokens)[0] for one in (ours, theirs)]
    assert torch.equal(*gradients)
