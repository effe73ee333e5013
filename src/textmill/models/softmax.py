"""−ln P(target) under a softmax over linear scores, without all scores at once. Room: models/ (ids -> scores).

Used by the heads (heads.py); knows nothing of layers or tasks. Why not F.linear_cross_entropy: decision 015.
Shapes: N rows, C rows of a chunk, D width, V classes (the vocabulary, or a part of it).
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

SCORES_AT_ONCE = 2**19
"""Numbers, 2 MB in float32: up to here the plain form is taken. They stay in the processor's cache, all of them."""
SCORES_OF_A_CHUNK = 2**22
"""Beyond it. Smaller chunks stay in the cache longer, larger ones multiply better."""
ROWS_OF_A_CHUNK = 192
"""At least: each chunk reads and writes the gradient of all weights."""


class Lesson(Protocol):
    """What a teacher holds likely at the rows (models/teaching.py)."""

    @property
    def share(self) -> float: ...

    @property
    def temperature(self) -> float: ...

    def probabilities(self, rows: slice) -> Tensor:
        """softmax(scores / temperature) of some of the rows, (C, V)."""
        ...


class Manner(NamedTuple):
    """How rows become scores and nats. dtype: that of the products, None = that of the rows."""

    cap: float | None
    smoothing: float
    dtype: torch.dtype | None


class Gradients(NamedTuple):
    """Of the sum of the nats, as far as wanted."""

    rows: Tensor | None
    weight: Tensor | None
    bias: Tensor | None


def scores_of(rows: Tensor, weight: Tensor, bias: Tensor | None, cap: float | None) -> Tensor:
    """(..., D) -> (..., V); bent to stay within ± cap."""
    scores = F.linear(rows, weight, bias)
    return scores if cap is None else cap * torch.tanh(scores / cap)


def nats_of(
    rows: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    wanted: Tensor,
    cap: float | None = None,
    smoothing: float = 0.0,
    lesson: Lesson | None = None,
) -> Tensor:
    """−ln P(wanted) (N,) of rows (N, D), at least in float32; wanted (N,) lies in [0, V).

    smoothing: the values stay, the gradient is that of (1 − smoothing) nll + smoothing · mean of −ln P over all
    classes. Szegedy et al. 2016, 1512.00567.
    lesson: the values stay, the gradient is that of (1 − share) times the above + share · τ² KL(teacher ‖ softmax of
    the scores / τ), τ the temperature. Hinton et al. 2015, 1503.02531.
    """
    if lesson is None and len(rows) * len(weight) <= SCORES_AT_ONCE:
        return _at_once(rows, weight, bias, wanted, cap, smoothing)
    device_type = rows.device.type
    dtype = torch.get_autocast_dtype(device_type) if torch.is_autocast_enabled(device_type) else None
    nats: Tensor = ChunkedNats.apply(rows, weight, bias, wanted, Manner(cap, smoothing, dtype), lesson)  # type: ignore[no-untyped-call]
    return nats


def _at_once(
    rows: Tensor, weight: Tensor, bias: Tensor | None, wanted: Tensor, cap: float | None, smoothing: float
) -> Tensor:
    scores = scores_of(rows, weight, bias, cap)
    if scores.dtype in (torch.bfloat16, torch.float16):
        scores = scores.float()
    nats = F.cross_entropy(scores, wanted, reduction="none")
    if not smoothing:
        return nats
    minimised = F.cross_entropy(scores, wanted, reduction="none", label_smoothing=smoothing)
    return minimised + (nats - minimised).detach()


class ChunkedNats(torch.autograd.Function):
    """nats_of in chunks of rows. The gradient of a sum is made while the scores are there, so they are made once.

    A gradient that is not the same for all rows (no sum of nats, a second backward) has the scores made again.
    """

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        wanted: Tensor,
        manner: Manner,
        lesson: Lesson | None,
    ) -> Tensor:
        ctx.manner, ctx.lesson, ctx.wants = manner, lesson, ctx.needs_input_grad[:3]
        nats, ctx.of_sum = _in_chunks(rows, weight, bias, wanted, manner, lesson, ctx.wants, None)
        ctx.save_for_backward(rows, weight, bias, wanted)
        return nats

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None, None]:
        rows, weight, bias, wanted = ctx.saved_tensors
        of_sum: Gradients | None = ctx.of_sum
        if of_sum is not None and bool((gradient == gradient[0]).all()):
            ctx.of_sum = None  # it is scaled in place
            made = Gradients(*(None if one is None else one.mul_(gradient[0]) for one in of_sum))
        else:
            _, made = _in_chunks(rows, weight, bias, wanted, ctx.manner, ctx.lesson, ctx.wants, gradient)
        as_given = [
            None if one is None else one.to(given.dtype) for one, given in zip(made, (rows, weight, bias), strict=True)
        ]
        return as_given[0], as_given[1], as_given[2], None, None, None


def _in_chunks(
    rows: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    wanted: Tensor,
    manner: Manner,
    lesson: Lesson | None,
    wants: tuple[bool, bool, bool],
    scales: Tensor | None,
) -> tuple[Tensor, Gradients]:
    """The nats (N,), and the gradients of Σ scales · nats (None: all are 1). Sums are kept in float32 at least."""
    x, matrix = (rows, weight) if manner.dtype is None else (rows.to(manner.dtype), weight.to(manner.dtype))
    exact = torch.promote_types(x.dtype, torch.float32)
    nats = rows.new_empty(len(rows), dtype=exact)
    of_rows = rows.new_empty(rows.shape, dtype=exact) if wants[0] else None
    of_weight = weight.new_zeros(weight.shape, dtype=exact) if wants[1] else None
    of_bias = weight.new_zeros(len(weight), dtype=exact) if wants[2] else None
    n_together = max(ROWS_OF_A_CHUNK, SCORES_OF_A_CHUNK // len(weight))
    for start in range(0, len(rows), n_together):
        these = slice(start, start + n_together)
        scores = (x[these] @ matrix.t()).to(exact)  # (C, V)
        if bias is not None:
            scores += bias
        if manner.cap is not None:
            scores = scores.div_(manner.cap).tanh_().mul_(manner.cap)
        places = wanted[these, None]
        right, most = scores.gather(1, places), scores.amax(dim=1, keepdim=True)
        slope = None if manner.cap is None or not any(wants) else (scores / manner.cap).square_().neg_().add_(1)
        softened = None
        if lesson is not None and any(wants):  # what KL(teacher ‖ …) · τ² adds: τ (softened P − the teacher's)
            softened = F.softmax(scores / lesson.temperature, dim=1) - lesson.probabilities(these).to(exact)
            softened *= lesson.share * lesson.temperature
        shares = scores.sub_(most).exp_()  # P times `total`: dividing (C, V) numbers waits until they are (C, D)
        total = shares.sum(dim=1, keepdim=True)
        nats[these] = (total.log() + most - right).squeeze(1)
        if not any(wants):
            continue
        if manner.smoothing:  # P − what is wished for, times the slope of the cap
            shares -= total * (manner.smoothing / len(weight))
        shares.scatter_add_(1, places, total * (manner.smoothing - 1))
        if softened is not None and lesson is not None:
            shares = shares.mul_(1 - lesson.share).add_(softened.mul_(total))
        if slope is not None:
            shares *= slope
        scale = total.reciprocal() if scales is None else scales[these, None] / total
        if exact != x.dtype:  # `total` may be larger than half precision can say
            shares, scale = (shares * scale).to(x.dtype), torch.ones_like(scale)
        if of_bias is not None:
            of_bias += (shares.to(exact) * scale).sum(dim=0) if exact != x.dtype else shares.t() @ scale[:, 0]
        if of_rows is not None:
            torch.mul(shares @ matrix, scale, out=of_rows[these])
        if of_weight is not None:
            if exact == x.dtype:
                of_weight.addmm_(shares.t(), x[these] * scale)
            else:
                of_weight += shares.t() @ x[these]
    return nats, Gradients(of_rows, of_weight, of_bias)
