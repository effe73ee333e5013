"""Batches -> weights. Room: training/."""

from __future__ import annotations

from textmill.training.advise import look
from textmill.training.demo import demo
from textmill.training.dry_run import plan_run
from textmill.training.examining import examine
from textmill.training.preparing import plan_preparation, prepare_ahead
from textmill.training.progress import Listener, Progress, Quiet
from textmill.training.session import train
from textmill.training.updates import Update, updates

__all__ = [
    "Listener",
    "Progress",
    "Quiet",
    "Update",
    "demo",
    "examine",
    "look",
    "plan_preparation",
    "plan_run",
    "prepare_ahead",
    "train",
    "updates",
]
