"""A model's passes through torch.compile while it is trained, and what becomes of it where that fails. Room: training/.

Used by session and calibration; updates.py goes on without it where it fails. Nothing of it is in a checkpoint: tensors
keep their names, and the model is measured and sampled uncompiled. Why so: decision 018.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from textmill.models import Network

WARNING = (
    "train.compile: compiled code may give other last bits each time, so this run is repeatable within rounding, not "
    "to the bit"
)
NOTHING = "train.compile: torch compiles no recurrent cells, so the run goes on without it"
N_FIRST = 2
"""Updates that compile: the second one where a shape or a table is another than in the first."""
LONGEST_REASON = 300  # characters


class Compiled:
    """The parts of a model whose passes are compiled while it is in training; as they were, where that fails.

    A part is a layer: all that are alike share one code, so that compiling takes as long for many as for one.
    tell: is called once, where it fails, with a sentence. failure: that sentence.
    """

    def __init__(self, model: Network, tell: Callable[[str], None]):
        self.parts, self.tell = model.backbone.compiled_parts(), tell
        self.failure: str | None = None
        self.is_on = False
        if not self.parts:
            self.say(NOTHING)
            return
        try:
            torch.compiler.reset()  # what others compiled in this process would count against the most that is kept
            passes = [in_training(part) for part in self.parts]
        except Exception as error:  # such as RuntimeError: this Python, or this system, has no torch.compile
            self.failed(error)
            return
        for part, one in zip(self.parts, passes, strict=True):
            part.forward = one
        self.is_on = True

    def off(self) -> None:
        """The model is as it was."""
        for part in self.parts:
            vars(part).pop("forward", None)
        self.is_on = False

    def failed(self, error: Exception) -> None:
        """Say so, once it is off."""
        self.say(f"train.compile failed, so the run goes on without it: {reason_of(error)}")

    def say(self, failure: str) -> None:
        self.failure = failure
        self.tell(failure)


def in_training(part: nn.Module) -> Callable[..., Any]:
    """The forward pass of a part, compiled while it is in training."""
    plain = part.forward
    compiled = torch.compile(plain)

    def one(*args: Any, **knobs: Any) -> Any:
        return (compiled if part.training else plain)(*args, **knobs)

    return one


def reason_of(error: Exception) -> str:
    """The first line of an error that says something, with its kind.

    >>> reason_of(RuntimeError("no C++ compiler\\n  Set CXX …"))
    'RuntimeError: no C++ compiler'
    """
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    kind = type(error).__name__
    told = line if line.startswith(kind) or not line else f"{kind}: {line}"
    return (told or kind)[:LONGEST_REASON]


@dataclass
class WarmUp:
    """Seconds of the first updates, in which code is compiled, and of the next."""

    took_s: list[float] = field(default_factory=list)

    def took(self, seconds: float) -> None:
        """An update took so long."""
        if len(self.took_s) <= N_FIRST:
            self.took_s.append(seconds)

    @property
    def extra_s(self) -> float:
        """What the first took beyond the next; 0 before that one."""
        *first, following = self.took_s or [0.0]
        return max(0.0, sum(first) - N_FIRST * following) if len(first) == N_FIRST else 0.0
