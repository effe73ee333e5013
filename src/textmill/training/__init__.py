"""Batches -> weights. Room: training/.

Names are loaded when they are asked for: `look` needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textmill.training.advise import look, plan_removals
    from textmill.training.choosing import choose, plan_choice
    from textmill.training.demo import demo
    from textmill.training.dry_run import plan_run
    from textmill.training.examining import examine
    from textmill.training.preparing import plan_preparation, prepare_ahead
    from textmill.training.progress import Listener, Progress, Quiet
    from textmill.training.session import train
    from textmill.training.verifying import verify_run

__all__ = [
    "Listener",
    "Progress",
    "Quiet",
    "choose",
    "demo",
    "examine",
    "look",
    "plan_choice",
    "plan_preparation",
    "plan_removals",
    "plan_run",
    "prepare_ahead",
    "train",
    "verify_run",
]

_HOMES = {
    "Listener": "progress",
    "Progress": "progress",
    "Quiet": "progress",
    "choose": "choosing",
    "demo": "demo",
    "examine": "examining",
    "look": "advise",
    "plan_choice": "choosing",
    "plan_preparation": "preparing",
    "plan_removals": "advise",
    "plan_run": "dry_run",
    "prepare_ahead": "preparing",
    "train": "session",
    "verify_run": "verifying",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found  # demo is also a module's name, which importing it has put here
    return found
