"""Weights in fewer bits, as files keep them, and back. Room: models/. Why so: decision 019.

Called by hub/smaller.py, which writes a smaller run, and by runs/folder.py, which opens one. What a model computes with
is float32 again, so every law of a model holds for a smaller one as it stands.
    int8    a matrix has 8 bits a number and a float32 scale a row: NAME, NAME.scale; vectors stay as they are
    bf16    every weight is rounded to bfloat16
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

Bits = Literal["int8", "bf16"]
SCALE = ".scale"
LARGEST = 127
"""Of the 8-bit numbers: −127 to 127, so that both signs reach equally far."""


def shrunk(tensors: Mapping[str, Tensor], to: Bits) -> dict[str, Tensor]:
    """What a file keeps of weights. Numbers that are no weights, such as the ranks of tokens, stay as they are."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            found[name] = tensor
        elif to == "bf16":
            found[name] = tensor.to(torch.bfloat16)
        elif tensor.ndim < 2:
            found[name] = tensor.float()
        else:
            found[name], found[name + SCALE] = rounded(tensor.float())
    return found


def rounded(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """(int8, like the matrix; float32 scale of each row): scale · int8 is each weight within half a scale."""
    rows = matrix.flatten(1)
    scales = rows.abs().amax(dim=1) / LARGEST
    steps = rows / torch.where(scales > 0, scales, 1.0)[:, None]
    return steps.round().clamp(-LARGEST, LARGEST).to(torch.int8).view(matrix.shape), scales


def widened(kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights that shrunk kept, in float32: the same bits each time. Of tensors that are not shrunk, they alone."""
    found: dict[str, Tensor] = {}
    for name, tensor in kept.items():
        if tensor.dtype == torch.int8 and name + SCALE in kept:
            scales = kept[name + SCALE].view(-1, *[1] * (tensor.ndim - 1))
            found[name] = tensor.float() * scales
        elif not (name.endswith(SCALE) and is_int8(kept, name.removesuffix(SCALE))):
            found[name] = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    return found


def is_int8(kept: Mapping[str, Tensor], name: str) -> bool:
    return name in kept and kept[name].dtype == torch.int8
