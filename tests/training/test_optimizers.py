"""The optimizers are torch's own to the bit, and take no compiler with them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.optim import SGD, Adafactor, Adam, AdamW, Muon, RMSprop

from textmill.training.muon import Float32Muon
from textmill.training.optimizers import uncompiled


@pytest.mark.parametrize("kind", [Adafactor, Adam, AdamW, Float32Muon, Muon, RMSprop, SGD])
def test_an_uncompiled_optimizer_takes_the_steps_of_torchs_own(kind: type) -> None:
    def after_steps(kind: type) -> torch.Tensor:
        torch.manual_seed(1)
        weights = torch.nn.Parameter(torch.randn(8, 6))
        optimizer = kind([{"params": [("weights", weights)]}], lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            (weights.sin() * torch.randn(8, 6)).sum().backward()
            optimizer.step()
        return weights.detach()

    assert isinstance(uncompiled(kind)([torch.nn.Parameter(torch.zeros(2, 2))], lr=0.1), kind)
    assert torch.equal(after_steps(uncompiled(kind)), after_steps(kind))
    beginning = torch.randn(8, 6, generator=torch.Generator().manual_seed(1))
    assert not torch.equal(after_steps(kind), beginning)


def test_an_update_loads_no_compiler() -> None:
    program = """
import sys, torch
from textmill.training.optimizers import uncompiled
weights = torch.nn.Parameter(torch.ones(3, 3))
optimizer = uncompiled(torch.optim.AdamW)([weights], lr=0.1, fused=True)
optimizer.zero_grad(); weights.sum().backward(); optimizer.step(); optimizer.load_state_dict(optimizer.state_dict())
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=120).returncode == 0
