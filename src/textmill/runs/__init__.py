"""A folder that lasts. Room: runs/ (weights -> a folder)."""

from __future__ import annotations

from textmill.runs.checkpoint import Checkpoint
from textmill.runs.folder import Run, device_named, hashes_of, list_runs, open_run
from textmill.runs.lock import locked
from textmill.runs.metrics_log import MetricsLog
from textmill.runs.prepared import Prepared

__all__ = [
    "Checkpoint",
    "MetricsLog",
    "Prepared",
    "Run",
    "device_named",
    "hashes_of",
    "list_runs",
    "locked",
    "open_run",
]
