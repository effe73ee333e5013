"""Updates that would spoil a run, told by the losses before them, and what each was. Room: training/.

Used by updates (which asks before the weights change) and session (which stops, skips or rolls back).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from textmill.errors import Diverged
from textmill.metrics.loss import LossSum

N_RECENT = 128
N_SKIPPED_MOST = 128  # in a row; a quarter of a shorter run
N_LEAST = 32  # losses before a spike is told
LEAST_RISE = 0.25  # of the mean: where losses hardly vary, a spike is more than many deviations
LEAST_LOSS = 0.1  # nats a target: below, what was learnt to the last digit only wavers
RATE_FACTOR = 0.5  # at each rollback
N_ROLLBACKS_MOST = 5


@dataclass
class LossWatch:
    """Judges each update by its loss and gradient. A spike: OLMo 2's rule (arXiv:2501.00656), of the loss alone.

    Only losses of updates that were made are remembered, so neither a NaN nor a spike moves the measure.
    """

    skips: bool = False
    spike: float | None = None
    """Deviations above the mean of the recent losses; None: spikes are not looked for."""
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=N_RECENT))
    in_a_row: int = 0
    """Updates skipped since the last that was made."""

    def fault(self, loss: LossSum, grad_norm: float) -> str | None:
        """Why an update must not be made; None where it may."""
        if not math.isfinite(loss.total):
            return "the loss is not finite"
        if not math.isfinite(grad_norm):
            return "the gradient is not finite"
        if self.spike is None or len(self.recent) < N_LEAST or not loss.count:
            return None
        mean = math.fsum(self.recent) / len(self.recent)
        deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in self.recent) / len(self.recent))
        if loss.mean > max(LEAST_LOSS, mean + max(self.spike * deviation, LEAST_RISE * mean)):
            return f"the loss jumped (the last {len(self.recent)}: {mean:.3g} ± {deviation:.2g})"
        return None

    def made(self, loss: LossSum) -> None:
        self.in_a_row = 0
        if loss.count:
            self.recent.append(loss.mean)

    def skipped(self) -> None:
        self.in_a_row += 1

    def state(self) -> dict[str, Any]:
        """For a checkpoint: a run that goes on judges as if it had not stopped."""
        return {"recent": list(self.recent), "in_a_row": self.in_a_row}

    def put_back(self, state: dict[str, Any]) -> None:
        self.recent = deque(state["recent"], maxlen=N_RECENT)
        self.in_a_row = state["in_a_row"]


def event(action: str, step: int, why: str, loss: float, grad_norm: float, lr: float) -> dict[str, Any]:
    """What metrics.jsonl says of a fault. JSON has no NaN and no infinity: they are the words nan, inf and -inf."""
    told = {"loss": loss, "grad_norm": grad_norm, "lr": lr}
    return {"action": action, "step": step, "why": why} | {
        name: value if math.isfinite(value) else str(value) for name, value in told.items()
    }


def event_of(action: str, fault: Diverged) -> dict[str, Any]:
    return event(action, fault.step, fault.why, fault.loss, fault.grad_norm, fault.lr)


def all_finite(tensors: Iterable[Tensor]) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors if tensor.is_floating_point())
