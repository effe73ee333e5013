"""Muon in float32 against torch.optim.Muon and against the singular values themselves."""

from __future__ import annotations

import pytest
import torch
from torch.optim import Muon

from textmill.training.muon import Float32Muon, by_gram, directly, orthogonalised

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
SHAPES = [(8, 8), (8, 32), (32, 8), (8, 12), (8, 8)]


def by_singular_values(matrix: torch.Tensor, steps: int) -> torch.Tensor:
    """What orthogonalised promises, on paper: U p(S) Vᵀ, in float64."""
    a, b, c = COEFFICIENTS
    u, s, v = torch.linalg.svd(matrix.double() / matrix.double().norm(), full_matrices=False)
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    return (u * s) @ v


def test_the_singular_values_follow_the_polynomial_for_every_shape_in_a_mixed_list() -> None:
    generator = torch.Generator().manual_seed(0)
    matrices = [torch.randn(shape, generator=generator) for shape in SHAPES]
    for steps in (0, 1, 5):
        for matrix, result in zip(matrices, orthogonalised(matrices, COEFFICIENTS, steps, 1e-7), strict=True):
            torch.testing.assert_close(result.double(), by_singular_values(matrix, steps), rtol=0, atol=2e-5)


def test_five_steps_bring_every_singular_value_near_one() -> None:
    matrix = torch.randn(16, 64, generator=torch.Generator().manual_seed(1))
    [result] = orthogonalised([matrix], COEFFICIENTS, 5, 1e-7)
    singular = torch.linalg.svdvals(result)
    assert singular.min() > 0.5 and singular.max() < 1.5


def test_both_ways_to_iterate_are_one() -> None:
    """Also where the matrix has no full rank, as gradients of small batches do."""
    generator = torch.Generator().manual_seed(2)
    low = torch.randn(3, 16, 4, generator=generator) @ torch.randn(3, 4, 48, generator=generator)
    x = low / low.norm(dim=(-2, -1), keepdim=True)
    torch.testing.assert_close(by_gram(x, COEFFICIENTS, 5), directly(x, COEFFICIENTS, 5), rtol=0, atol=1e-4)


def test_a_gradient_of_zeros_changes_nothing_but_by_decay() -> None:
    [result] = orthogonalised([torch.zeros(4, 8)], COEFFICIENTS, 5, 1e-7)
    assert torch.equal(result, torch.zeros(4, 8))


@pytest.mark.parametrize("nesterov", [True, False])
def test_it_takes_the_steps_of_torchs_muon_but_for_the_rounding_of_bfloat16(nesterov: bool) -> None:
    """bfloat16 keeps 8 bits: five steps of torch's differ from exact arithmetic by a few hundredths of an update."""
    generator = torch.Generator().manual_seed(3)
    start = [torch.randn(shape, generator=generator) for shape in SHAPES]
    gradients = [[torch.randn(shape, generator=generator) for shape in SHAPES] for _ in range(4)]
    ends = []
    for kind in (Muon, Float32Muon):
        params = [torch.nn.Parameter(tensor.clone()) for tensor in start]
        optimizer = kind(params, lr=0.01, weight_decay=0.1, momentum=0.9, nesterov=nesterov)
        for step in gradients:
            for parameter, gradient in zip(params, step, strict=True):
                parameter.grad = gradient.clone()
            optimizer.step()
        ends.append((params, [optimizer.state[p]["momentum_buffer"] for p in params]))
    for mine, theirs, before in zip(ends[1][0], ends[0][0], start, strict=True):
        moved = (theirs - before).norm()
        assert (mine - theirs).norm() < 0.05 * moved
    for mine, theirs in zip(ends[1][1], ends[0][1], strict=True):
        torch.testing.assert_close(mine, theirs)


def test_a_matrix_without_a_gradient_stays() -> None:
    still, moved = torch.nn.Parameter(torch.ones(4, 4)), torch.nn.Parameter(torch.ones(4, 4))
    optimizer = Float32Muon([still, moved], lr=0.1)
    moved.grad = torch.eye(4)
    optimizer.step()
    assert torch.equal(still, torch.ones(4, 4)) and not torch.equal(moved, torch.ones(4, 4))
