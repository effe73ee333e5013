"""Where a run's time goes, and how much of the machine's arithmetic it uses. Room: training/.

Called by session: seconds by kind for the log, and utilisation = FLOPs a token (models/cost.py, CONVENTION) times
tokens a second of computing, over the most that this machine multiplies in the run's precision and threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import torch

from textmill.config import Config
from textmill.models.adapters import numbers_of_tuning
from textmill.models.cost import CONVENTION, flops_per_token

MATRIX = 1024
LEAST_S, N_LEAST = 0.25, 3
"""The peak is the fastest of so many products, and of as many as fit into so many seconds."""
MOST_S = 0.8
"""A slow machine makes no further product after it."""


class Clock(Protocol):
    spent: dict[str, float]

    def doing(self, kind: str) -> AbstractContextManager[None]: ...


@contextmanager
def taken_off(clock: Clock, inner: str, outer: str) -> Iterator[None]:
    """Count what is done as `inner`, within work that is counted as `outer`, in which it is not counted again."""
    before = clock.spent.get(inner, 0.0)
    with clock.doing(inner):
        yield
    clock.spent[outer] = clock.spent.get(outer, 0.0) - (clock.spent[inner] - before)


LOGGED_AS = {"train": "compute"}


def logged(spent: Mapping[str, float]) -> dict[str, float]:
    """Seconds since the run began by kind of work, as metrics.jsonl names them: time/compute_s, time/data_s, …"""
    return {f"time/{LOGGED_AS.get(kind, kind)}_s": round(seconds, 3) for kind, seconds in spent.items()}


@cache
def multiplication_peak(
    device: str, precision: str, n_threads: int, now: Callable[[], float] = time.perf_counter
) -> float:
    """FLOPs a second of a large matrix product, the fastest of some; no random number is drawn.

    n_threads: those that torch is set to; a machine is measured once a process for each.
    """
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    a = torch.ones(MATRIX, MATRIX, dtype=dtype, device=device)
    b = torch.ones(MATRIX, MATRIX, dtype=dtype, device=device)
    began, fastest_s, n_made = now(), float("inf"), 0
    with torch.no_grad():
        a @ b  # the first allocates
        while (n_made < N_LEAST or now() - began < LEAST_S) and now() - began < MOST_S:
            start = now()
            a @ b
            if device == "cuda":
                torch.cuda.synchronize()
            fastest_s = min(fastest_s, now() - start)
            n_made += 1
    return 2 * MATRIX**3 / fastest_s if n_made else 0.0


@dataclass
class Usage:
    """What one stretch of updates uses of the machine."""

    flops_per_token: int
    peak: float
    n_tokens: int = 0
    compute_s: float = 0.0

    @classmethod
    def of(cls, config: Config, vocab_size: int, form: str, device: str) -> Usage | None:
        """None for a form whose FLOPs are not counted: an encoder-decoder reads a source that no convention covers."""
        if form != "decoder":
            return None
        threads = torch.get_num_threads()
        peak = multiplication_peak(device, config.train.precision, threads)
        trained = numbers_of_tuning(config.model, config.train, vocab_size, form)
        return cls(flops_per_token(config.model, vocab_size, trained=trained), peak)

    def took(self, n_tokens: int, compute_s: float) -> None:
        self.n_tokens += n_tokens
        self.compute_s += compute_s

    @property
    def share(self) -> float | None:
        """Of the peak; None before anything was timed."""
        if not self.compute_s or not self.peak:
            return None
        return self.flops_per_token * self.n_tokens / self.compute_s / self.peak

    def facts(self) -> dict[str, Any]:
        """For run.json."""
        return {
            "share": None if self.share is None else round(self.share, 4),
            "flops_per_token": self.flops_per_token,
            "peak_flops_per_s": round(self.peak),
            "convention": CONVENTION,
        }
