"""Layers that are computed again in the backward pass: the same loss and gradients, and fewer numbers kept.

Every architecture of the table, in every dialect and form. float64, one thread.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from kinds import KINDS, PAD, SUFFIX, arch_of, fresh_model, random_ids
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from textmill.models import LanguageModel

every_kind = pytest.mark.parametrize("kind", KINDS)
SEGMENTS = torch.tensor([[0] * 5 + [1] * 5 + [PAD] * 2, [PAD] * 3 + [0] * 9, [0] * 12])


def learned(kind: str, recompute: bool, dropout: float, segments: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of two pieces of text, the second of which goes on from the first, and its gradients."""
    model = fresh_model(kind, dropout=dropout, n_layers=3).train()
    if recompute:
        model.recompute_layers()
    ids, targets = random_ids(3, 24), random_ids(3, 24, seed=4)
    torch.manual_seed(11)
    first, state = model.nll(ids[:, :12], targets[:, :12], segments)
    second, _ = model.nll(ids[:, 12:], targets[:, 12:], segments, state)
    loss = first.sum() + second.sum()
    loss.backward()
    return loss.detach(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@every_kind
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("segments", [None, SEGMENTS], ids=["one document", "packed and padded"])
def test_loss_and_gradients_are_those_of_layers_that_are_kept(kind: str, dropout: float, segments: Any) -> None:
    loss, gradients = learned(kind, False, dropout, segments)
    again, same = learned(kind, True, dropout, segments)
    assert torch.equal(loss, again)
    assert gradients.keys() == same.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(same[name], gradient, atol=1e-10, rtol=0)


def bytes_kept(model: LanguageModel) -> int:
    """Of a forward pass in training: all that lives until its backward pass but the weights, and the state."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = random_ids(4, 64)
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        nats, state = model.nll(ids, ids)
    for tensor in state.tensors().values():
        keep(tensor)
    del nats
    return sum(kept.values())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if SUFFIX not in kind])
def test_fewer_bytes_are_kept(kind: str) -> None:
    plain, again = (fresh_model(kind, n_layers=4, d_model=32, dropout=0.1).train() for _ in range(2))
    again.recompute_layers()
    share = bytes_kept(again) / bytes_kept(plain)
    assert share < (0.5 if arch_of(kind) == "transformer" else 0.75)


@every_kind
def test_nothing_is_computed_again_where_nothing_is_learned(kind: str) -> None:
    model = fresh_model(kind)
    model.recompute_layers()
    makes_again = [part for part in model.modules() if getattr(part, "recompute", False)]
    assert makes_again and not any(part.makes_again for part in makes_again)
    model.train()
    assert all(part.makes_again for part in makes_again)
    with torch.no_grad():
        assert not any(part.makes_again for part in makes_again)
