"""Case 10, its averages: a mean over targets, not over texts or batches of texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from textmill.metrics.language import metrics_of
from textmill.metrics.loss import LossSum
from textmill.models.next_token import IGNORED
from textmill.tasks.measuring import score_documents

FOLDER = Path(__file__).parent / "10-unequal-lengths"
LOSSES = json.loads((FOLDER / "losses.json").read_text(encoding="utf-8"))["per_target_loss"]
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
MARK = 4


class GivenLosses:
    """Costs what losses.json says: its three texts are told apart by their number of targets."""

    max_context = None

    def nll(self, ids, targets, segments=None, state=None):
        costs = torch.zeros(targets.shape, dtype=torch.float64)
        for row, own in enumerate(targets != IGNORED):
            [losses] = [losses for losses in LOSSES if len(losses) == own.sum()]
            costs[row, own] = torch.tensor(losses, dtype=torch.float64)
        return costs, state

    def log_probs(self, ids, segments=None, state=None):
        raise NotImplementedError


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("window", [None, 16])
def test_the_mean_is_the_same_for_every_batch(batch, window):
    documents = [([0] * (len(losses) - 1), max(1, len(losses) - 1), len(losses), "d") for losses in LOSSES]
    scores = score_documents(GivenLosses(), documents, MARK, window=window, batch=batch)

    assert [score.n_tokens for score in scores] == [1, 3, 12]
    assert metrics_of(scores)["loss"] == EXPECTED["mean_of_losses_json"] == 0.75


def test_sums_of_parts_have_the_mean_of_the_whole():
    parts = [LossSum(sum(losses), len(losses)) for losses in LOSSES]
    assert sum(parts, LossSum()).mean == 0.75
    assert ((parts[0] + parts[1]) + parts[2]).mean == 0.75
