"""What a model is for. Room: tasks/ (records <-> batches, loss, predictions)."""

from __future__ import annotations

from textmill.tasks.prepare import prepare, task_of
from textmill.tasks.task import Batch, Rows, Task

__all__ = ["Batch", "Rows", "Task", "prepare", "task_of"]
