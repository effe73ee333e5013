"""Case 10: long and short texts in one update weigh by their targets, however they are split into micro-batches."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from textmill.config import Config, TrainConfig
from textmill.models import IGNORED, build_model
from textmill.tables import ARCHITECTURES
from textmill.tasks import Batch
from textmill.tasks.lm import LanguageModelling
from textmill.training.optimizers import build_optimizers
from textmill.training.schedule import Plan
from textmill.training.updates import Lanes, MicroBatches, Update, updates

CASE = Path(__file__).parent / "10-unequal-lengths"
SYMBOLS = "abcd"


class BiasModel(nn.Module):
    """The smallest model there is: logits are one bias a symbol."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(len(SYMBOLS), dtype=torch.float64))

    def nll(
        self, ids: Tensor, targets: Tensor, segments: Tensor | None = None, state: Any = None
    ) -> tuple[Tensor, Any]:
        logits = self.bias.expand(*targets.shape, -1)
        nats = nn.functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="none", ignore_index=IGNORED
        )
        return nats.view(targets.shape), None


def one_update(model: nn.Module, rows: list[list[int]], splits: list[int], lr: float = 1.0) -> Update:
    """One plain gradient step over rows of targets, in micro-batches of the given sizes, each padded to its longest."""

    def batches(step: int) -> MicroBatches:
        parts, start = [], 0
        for size in splits:
            mine = rows[start : start + size]
            start += size
            length = max(map(len, mine))
            targets = torch.tensor([row + [IGNORED] * (length - len(row)) for row in mine])
            segments = torch.where(targets == IGNORED, -1, 0)
            ids = torch.where(targets == IGNORED, 0, targets)
            parts.append((Batch(ids, targets, segments, int((targets != IGNORED).sum())), Lanes()))
        return parts

    optimizers = build_optimizers(model, TrainConfig(optimizer="sgd", lr=lr, weight_decay=0.0))
    plan = Plan(1, 0, "constant", 0, 0.5, 0.0, None, 1, 1, 1)
    [update] = updates(model, optimizers, LanguageModelling(), batches, plan)
    return update


@pytest.mark.parametrize("splits", [[3], [1, 1, 1], [2, 1]])
def test_the_bias_after_one_update_is_the_one_worked_out_by_hand(splits: list[int]) -> None:
    expected = json.loads((CASE / "expected.json").read_text())
    lines = (CASE / "targets.jsonl").read_text().splitlines()
    rows = [[SYMBOLS.index(symbol) for symbol in json.loads(line)["targets"]] for line in lines]
    model = BiasModel()

    before = one_update(model, rows, splits)
    assert before.loss.mean == pytest.approx(expected["loss_before"], abs=1e-12)
    assert model.bias.tolist() == pytest.approx(expected["bias_after_one_update"], abs=1e-12)

    after = one_update(model, rows, splits)
    assert after.loss.mean == pytest.approx(expected["loss_after"], abs=1e-12)
    assert after.loss.count == 16


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_four_rows_at_once_and_one_by_one_give_the_same_weights_in_float64(arch: str) -> None:
    torch.manual_seed(0)
    config = Config.model_validate({"model": {"arch": arch, "n_layers": 2, "d_model": 16, "dropout": 0.0}}).model
    rows = [torch.randint(0, 20, (length,)).tolist() for length in (3, 11, 1, 7)]

    weights = []
    for splits in ([4], [1, 1, 1, 1]):
        model = build_model(config, vocab_size=20, seed=1).double()
        one_update(model, rows, splits, lr=0.1)
        weights.append(model.state_dict())

    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=1e-10)
