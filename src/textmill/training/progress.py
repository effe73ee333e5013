"""What training says while it runs: plain values for whoever listens. Room: training/; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Progress:
    """Where a run stands. Losses in nats per token; valid_loss and bpb are None before the first evaluation."""

    step: int
    steps: int
    loss: float
    lr: float
    tokens_per_s: float
    memory_mb: float
    left_s: float
    valid_loss: float | None = None
    bpb: float | None = None
    sample: str | None = None


class Listener(Protocol):
    """Somebody who is told: a terminal, a notebook, a test."""

    def notice(self, text: str) -> None: ...

    def progress(self, progress: Progress) -> None: ...

    def evaluated(self, progress: Progress) -> None: ...


class Quiet:
    """Nobody listens."""

    def notice(self, text: str) -> None:
        return

    def progress(self, progress: Progress) -> None:
        return

    def evaluated(self, progress: Progress) -> None:
        return
