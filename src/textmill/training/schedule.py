"""The course of the learning rate: pure functions of the step. Room: training/.

Steps are counted from 1; the factor multiplies each parameter group's own peak rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

N_FIRST_LOGGED = 20
"""Steps at the beginning that are logged each: what a missing warm-up does, it does there."""


def constant(step: int, steps: int, warmup: int, end: float, decay_share: float) -> float:
    """The peak, always."""
    return 1.0


def linear(step: int, steps: int, warmup: int, end: float, decay_share: float) -> float:
    """A straight line from the peak; the last step still has a rate above `end`."""
    return end + (1 - end) * (steps - step + 1) / (steps - warmup)


def cosine(step: int, steps: int, warmup: int, end: float, decay_share: float) -> float:
    """Half a cosine from the peak to exactly `end` at the last step. Loshchilov & Hutter 2017, arXiv:1608.03983."""
    return end + (1 - end) / 2 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def wsd(step: int, steps: int, warmup: int, end: float, decay_share: float) -> float:
    """Warm-up, stable, decay: level, then a straight line over the last decay_share of the steps. arXiv:2404.06395."""
    return end + (1 - end) * min(1.0, (steps - step + 1) / n_falling(steps, warmup, decay_share))


def n_falling(steps: int, warmup: int, decay_share: float) -> int:
    """Steps of wsd's straight line down."""
    return max(1, round(decay_share * (steps - warmup)))


COURSES: dict[str, Callable[[int, int, int, float, float], float]] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "wsd": wsd,
}


@dataclass(frozen=True)
class Plan:
    """What happens at which step. A run is defined by it: nothing here depends on time or load."""

    steps: int
    seed: int
    schedule: str
    warmup_steps: int
    decay_share: float
    lr_end: float
    max_grad_norm: float | None
    eval_every: int
    save_every: int
    log_every: int
    precision: str = "float32"
    rate_scale: float = 1.0
    """Lower after a rollback."""

    def rate_factor(self, step: int) -> float:
        """Share of the peak rate at a step, counted from 1: a line up to warmup_steps, then the course."""
        if step <= self.warmup_steps:
            return self.rate_scale * step / self.warmup_steps
        course = COURSES[self.schedule]
        return self.rate_scale * course(step, self.steps, self.warmup_steps, self.lr_end, self.decay_share)

    @property
    def open_until(self) -> int:
        """The step up to which no rate depends on the number of steps: until then it may become another."""
        if self.schedule == "constant":
            return self.steps
        if self.schedule == "wsd":
            return self.steps + 1 - n_falling(self.steps, self.warmup_steps, self.decay_share)
        return self.warmup_steps

    def logs_after(self, step: int) -> bool:
        return step % self.log_every == 0 or step <= N_FIRST_LOGGED or step == self.steps

    def evaluates_after(self, step: int) -> bool:
        return step % self.eval_every == 0 or step == self.steps

    def saves_after(self, step: int) -> bool:
        return step % self.save_every == 0 or step == self.steps
