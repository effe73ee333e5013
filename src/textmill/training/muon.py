"""Muon in float32, many matrices at once: for processors without bfloat16 instructions. Room: training/.

torch.optim.Muon orthogonalises in bfloat16, which such a processor emulates at a twentieth of the speed of float32.
Used by optimizers, which takes torch's own class wherever bfloat16 is native.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Muon

OBLONG = 2
"""From this ratio of sides on, iterating on the Gram matrix is the cheaper way (half the time at 4; dearer at 1)."""


class Float32Muon(Muon):
    """torch.optim.Muon, orthogonalising in float32: the same update but for bfloat16's rounding, the same state."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update of every matrix that has a gradient; the closure's loss, where one is given."""
        with torch.enable_grad():
            loss = closure() if closure else None
        for group in self.param_groups:
            params: list[Tensor] = []
            grads: list[Tensor] = []
            buffers: list[Tensor] = []
            self._init_group(group, params, grads, buffers)
            if not params:
                continue
            lr, momentum = group["lr"], group["momentum"]
            torch._foreach_lerp_(buffers, grads, 1 - momentum)
            directions = torch._foreach_lerp(grads, buffers, momentum) if group["nesterov"] else buffers
            whole = orthogonalised(directions, group["ns_coefficients"], group["ns_steps"], group["eps"])
            torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
            for parameter, update in zip(params, whole, strict=True):
                rows, columns = parameter.shape
                parameter.add_(update, alpha=-lr * max(1.0, rows / columns) ** 0.5)
        return loss


def orthogonalised(
    matrices: Sequence[Tensor], coefficients: tuple[float, float, float], steps: int, eps: float
) -> list[Tensor]:
    """U p(S) Vᵀ for each USVᵀ over its Frobenius norm, with p ← a·p + b·p³ + c·p⁵ `steps` times: all S near 1.

    Matrices of one shape go together. Source: Jordan et al. 2024, kellerjordan.github.io/posts/muon.
    """
    places: dict[torch.Size, list[int]] = defaultdict(list)
    for place, matrix in enumerate(matrices):
        places[matrix.shape].append(place)
    result: list[Tensor] = list(matrices)
    for (rows, columns), members in places.items():
        stack = torch.stack([matrices[place].float() for place in members])
        wide = stack.mT if rows > columns else stack  # (N, short, long)
        wide = wide / wide.norm(dim=(-2, -1), keepdim=True).clamp(min=eps)
        newton_schulz = by_gram if max(rows, columns) >= OBLONG * min(rows, columns) else directly
        wide = newton_schulz(wide, coefficients, steps)
        for place, update in zip(members, wide.mT if rows > columns else wide, strict=True):
            result[place] = update
    return result


def directly(x: Tensor, coefficients: tuple[float, float, float], steps: int) -> Tensor:
    """x ← a·x + (b·G + c·G²)·x with G = xxᵀ, `steps` times. x: (N, short, long)."""
    a, b, c = coefficients
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def by_gram(x: Tensor, coefficients: tuple[float, float, float], steps: int) -> Tensor:
    """The same as `directly`: every step multiplies by a polynomial of G, so their product is gathered on the short
    side and x is touched once. x: (N, short, long)."""
    a, b, c = coefficients
    gram = x @ x.mT
    product: Tensor | None = None
    for step in range(1, steps + 1):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=-2, dim2=-1).add_(a)
        product = factor if product is None else factor @ product
        if step < steps:
            gram = factor @ (gram @ factor)
    return x if product is None else product @ x
