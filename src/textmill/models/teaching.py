"""What a teacher holds likely, for a student to learn from: a lesson. Room: models/ (ids -> scores).

Made by tasks/teacher.py from the teacher's hidden vectors; taken by the student's head (heads.py), which asks for the
probabilities of a few rows at a time: those of a whole batch need not exist at once.
Shapes: N places, C places of a chunk, E the teacher's width, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from textmill.models.heads import Head


@dataclass(frozen=True)
class HeadLesson:
    """The teacher's hidden vectors at each place of a batch (..., E), and its head, which scores them.

    share: of the loss that is the teacher's. temperature: by which the scores of both are divided.
    """

    hidden: Tensor
    head: Head
    share: float
    temperature: float

    def at(self, counted: Tensor | None) -> HeadLesson:
        """The same as rows (N, E), of the places that are counted, (...) True there; None: all."""
        rows = self.hidden.flatten(0, -2)
        return replace(self, hidden=rows if counted is None else rows[counted.flatten()])

    @torch.no_grad()
    def probabilities(self, rows: slice) -> Tensor:
        """softmax(scores / temperature) of some rows, (C, V)."""
        log_probs = self.head.log_probs(self.hidden[rows])
        return log_probs.exp() if self.temperature == 1 else F.softmax(log_probs / self.temperature, dim=-1)


def softened_gap(logits: Tensor, teacher: Tensor, temperature: float, several: bool) -> Tensor:
    """temperature² KL(teacher ‖ student) (B,) of logits (B, C) of classes, both divided by the temperature.

    several: each class is told for itself, and the gaps of all are added. Hinton et al. 2015, 1503.02531.
    """
    ours, theirs = logits / temperature, teacher / temperature
    if several:
        gap = F.binary_cross_entropy_with_logits(ours, theirs.sigmoid(), reduction="none")
        gap = gap - F.binary_cross_entropy_with_logits(theirs, theirs.sigmoid(), reduction="none")
    else:
        log_probs = F.log_softmax(theirs, dim=1)
        gap = log_probs.exp() * (log_probs - F.log_softmax(ours, dim=1))
    return temperature**2 * gap.sum(dim=1)
