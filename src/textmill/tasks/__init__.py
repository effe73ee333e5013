"""What a model is for. Room: tasks/ (records <-> batches, loss, predictions).

The doors are loaded when they are first asked for: asking documents (tasks/asking) loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textmill.tables import load

if TYPE_CHECKING:
    from textmill.tasks.prepare import task_of
    from textmill.tasks.task import Batch, Rows, Task

_DOORS = {
    "Batch": "textmill.tasks.task:Batch",
    "Rows": "textmill.tasks.task:Rows",
    "Task": "textmill.tasks.task:Task",
    "task_of": "textmill.tasks.prepare:task_of",
}

__all__ = ["Batch", "Rows", "Task", "task_of"]


def __getattr__(name: str) -> Any:
    if name in _DOORS:
        return load(_DOORS[name])
    raise AttributeError(f"module 'textmill.tasks' has no attribute {name!r}")
