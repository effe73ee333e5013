"""The loop: one page, in the order in which things happen. Room: training/ (batches -> weights).

It updates weights and yields what happened; logging, evaluating, saving and stopping are plain lines of the caller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from textmill.errors import Diverged, TextmillError
from textmill.metrics.loss import LossSum
from textmill.tasks import Batch, Task
from textmill.training.compiling import Compiled
from textmill.training.faults import N_SKIPPED_MOST, LossWatch
from textmill.training.optimizers import set_learning_rate
from textmill.training.schedule import Plan


@dataclass(frozen=True)
class Lanes:
    """How a micro-batch goes on from the one before it in its lanes.

    rows: of the carried state, or None = every text starts anew. kept: the state after it is carried on.
    """

    rows: list[int] | None = None
    kept: bool = False


MicroBatches = Sequence[tuple[Batch, Lanes]]


@dataclass(frozen=True)
class Update:
    """What one update did. step is counted from 1; loss in nats over the update's targets; lr is the first group's."""

    step: int
    loss: LossSum
    grad_norm: float
    lr: float
    states: list[Any]
    n_read: int
    """Tokens: the targets, or what was read for them."""
    fault: str | None = None
    """Why it was skipped: the weights are as before."""


def reseed(seed: int, step: int, micro: int, rank: int = 0) -> None:
    """Dropout depends on (seed, step, rank, micro-batch) alone: a resumed run needs no stored generator state."""
    torch.manual_seed(int(np.random.SeedSequence((seed, step, rank, micro)).generate_state(1, np.uint64)[0] >> 1))


def updates(
    model: nn.Module,
    optimizers: Sequence[Optimizer],
    task: Task,
    batches: Callable[[int], MicroBatches],
    plan: Plan,
    first_step: int = 0,
    states: list[Any] | None = None,
    watch: LossWatch | None = None,
    compiled: Compiled | None = None,
) -> Iterator[Update]:
    """Update the weights once a step; yield an Update.

    Step n depends on (seed, n) and, in stream order, on the carried states (one a micro-batch): starting at
    first_step repeats the unbroken run. Raises Diverged, before the weights change, if loss or gradient is not finite
    or the watch finds a spike; where it skips, such an update is not made, and carried states begin anew.
    compiled: what the model was compiled by; where that fails, the update is made without it, and all that follow.
    """
    states, watch = list(states or []), watch or LossWatch()
    for step in range(first_step, plan.steps):
        for optimizer in optimizers:
            set_learning_rate(optimizer, plan.rate_factor(step + 1))
        micro_batches = batches(step)
        states += [None] * (len(micro_batches) - len(states))
        try:
            loss, after = gradient(model, task, micro_batches, plan, step, states)
        except Exception as error:  # those of a compiler have no family of their own
            if compiled is None or not compiled.is_on or isinstance(error, TextmillError):
                raise
            compiled.off()
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            loss, after = gradient(
                model, task, micro_batches, plan, step, states
            )  # raises what compiling did not cause
            compiled.failed(error)
        states = after

        limit = plan.max_grad_norm if plan.max_grad_norm is not None else math.inf
        grad_norm = float(clip_grad_norm_(model.parameters(), limit))
        lr = optimizers[0].param_groups[0]["lr"]
        fault = watch.fault(loss, grad_norm)
        if fault is not None:
            if not watch.skips:
                raise Diverged(step + 1, fault, loss.mean, grad_norm, lr, "stopped before the weights changed")
            watch.skipped()
            if watch.in_a_row > min(N_SKIPPED_MOST, max(8, plan.steps // 4)):
                why = f"{fault}, as in the {watch.in_a_row - 1} steps before, which were skipped"
                raise Diverged(step + 1, why, loss.mean, grad_norm, lr, "stopped before the weights changed")
            states = [None] * len(states)
        else:
            for optimizer in optimizers:
                optimizer.step()
            watch.made(loss)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        n_read = sum(batch.n_targets if batch.n_read is None else batch.n_read for batch, _ in micro_batches)
        yield Update(step + 1, loss, grad_norm, lr, states, n_read, fault)


def gradient(
    model: nn.Module, task: Task, micro_batches: MicroBatches, plan: Plan, step: int, states: Sequence[Any]
) -> tuple[LossSum, list[Any]]:
    """Add the gradient of an update's mean loss to the weights' own; the loss, and the state after each micro-batch."""
    n_targets = max(1, sum(batch.n_targets for batch, _ in micro_batches))  # isolated one-token rows may have none
    loss, after = LossSum(), list(states)
    for micro, (batch, lanes) in enumerate(micro_batches):
        reseed(plan.seed, step, micro)
        with multiplying_in(plan.precision, batch.ids.device.type):
            part, state = task.loss(model, batch, carried(states[micro], lanes))
        after[micro] = state.detach() if lanes.kept else None
        del state  # keys and values that nobody goes on from need not outlive the forward pass
        (part.total / n_targets).backward()  # sums first, one division: any split, same gradient
        loss += part.detach()
    return loss, after


def multiplying_in(precision: str, device_type: str) -> AbstractContextManager[Any]:
    """Autocast for bfloat16; float32 is left as it is. Weights, gradients and the loss stay float32."""
    return torch.autocast(device_type, torch.bfloat16) if precision == "bfloat16" else nullcontext()


def carried(state: Any, lanes: Lanes) -> Any:
    """The state that a micro-batch goes on from, or None."""
    if state is None or lanes.rows is None:
        return None
    n_rows = state.n_seen.shape[0]
    if lanes.rows == list(range(n_rows)):
        return state
    return state.select(torch.tensor(lanes.rows, device=state.n_seen.device))
