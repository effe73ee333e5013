"""Batches -> weights. Room: training/."""

from __future__ import annotations

from textmill.training.advise import look
from textmill.training.demo import demo
from textmill.training.dry_run import plan_run
from textmill.training.preparing import plan_preparation, prepare_ahead
from textmill.training.progress import Listener, Progress, Quiet
from textmill.training.session import train
from textmill.training.updates import Update, updates
from textmill.training.verifying import verify_run

__all__ = [
    "Listener",
    "Progress",
    "Quiet",
    "Update",
    "demo",
    "look",
    "plan_preparation",
    "plan_run",
    "prepare_ahead",
    "train",
    "updates",
    "verify_run",
]
