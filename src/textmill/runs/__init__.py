"""A folder that lasts. Room: runs/ (weights -> a folder).

Names are loaded when they are asked for: the lock needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textmill.runs.checkpoint import Checkpoint
    from textmill.runs.folder import Run, device_named, hashes_of, list_runs, open_run
    from textmill.runs.lock import RunLock, locked, refuse_if_locked
    from textmill.runs.metrics_log import MetricsLog
    from textmill.runs.prepared import Prepared

__all__ = [
    "Checkpoint",
    "MetricsLog",
    "Prepared",
    "Run",
    "RunLock",
    "device_named",
    "hashes_of",
    "list_runs",
    "locked",
    "open_run",
    "refuse_if_locked",
]

_HOMES = {
    "Checkpoint": "checkpoint",
    "MetricsLog": "metrics_log",
    "Prepared": "prepared",
    "Run": "folder",
    "RunLock": "lock",
    "device_named": "folder",
    "hashes_of": "folder",
    "list_runs": "folder",
    "locked": "lock",
    "open_run": "folder",
    "refuse_if_locked": "lock",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
