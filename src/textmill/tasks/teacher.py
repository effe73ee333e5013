"""A trained model that others learn from: what it makes of a batch. Room: tasks/.

Made by training/teaching.py; a task that can be taught (tables.TASKS_TAUGHT) asks it for a lesson in its loss, and
minimises (1 − share) times its own loss + share · τ² KL(teacher ‖ student), both softened by the temperature τ. Hinton
et al. 2015, arXiv:1503.02531. What is reported stays the loss itself.
Shapes: B rows, T tokens, E the teacher's width.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from textmill.generation.windows import plan_windows
from textmill.models.teaching import HeadLesson
from textmill.tasks.task import Batch

ROWS_TOGETHER = 16
"""Rows that are read at once where what was read is kept: always the same ones, so that bits do not depend on the
order in which they are asked for."""


@dataclass
class Teacher:
    """A model that only reads, without gradients.

    keeps: of rows that have a number, what was made of them is kept (in bfloat16) and not made again.
    """

    model: Any
    share: float
    temperature: float
    keeps: bool = False
    rows: Any = None
    """What numbered rows are read from, by number, where they are kept: (numbers) -> Batch."""
    kept: dict[int, Tensor] = field(default_factory=dict)

    def lesson(self, batch: Batch) -> HeadLesson:
        """What it holds likely at each place of the batch."""
        hidden = self.of_numbered(batch) if self.keeps and batch.numbers is not None else self.read(batch)
        return HeadLesson(hidden, self.model.head, self.share, self.temperature)

    @torch.no_grad()
    def read(self, batch: Batch) -> Tensor:
        """Hidden vectors (B, T, E). Rows that are longer than its context are read in windows that overlap by half."""
        if batch.source is not None:
            begun = self.model.begin(batch.source, batch.source_segments)
            return self.model(batch.ids, batch.segments, begun)[0]  # type: ignore[no-any-return]
        n_tokens, reach = batch.ids.shape[1], self.model.max_context
        parts = []
        for part in plan_windows(n_tokens, reach, None if reach is None else max(1, reach // 2)):
            seen = slice(part.start, part.stop)
            segments = None if batch.segments is None else batch.segments[:, seen]
            hidden, _ = self.model(batch.ids[:, seen], segments)
            parts.append(hidden[:, part.first_scored - part.start :])
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def of_numbered(self, batch: Batch) -> Tensor:
        """read, of rows that may have been read before."""
        assert batch.numbers is not None
        for block in dict.fromkeys(number // ROWS_TOGETHER for number in batch.numbers):
            if block not in self.kept:
                start = block * ROWS_TOGETHER
                together = self.rows(range(start, start + ROWS_TOGETHER)).to(str(batch.ids.device))
                self.kept[block] = self.read(together).to(torch.bfloat16)
        width = batch.ids.shape[1]
        rows = [self.kept[n // ROWS_TOGETHER][n % ROWS_TOGETHER, :width] for n in batch.numbers]
        return torch.stack(rows).float()
