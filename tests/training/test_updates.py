"""The loop and its optimizers: what one update does, for every architecture."""

import math

import pytest
import torch

from textmill.config import Config, TrainConfig
from textmill.errors import ConfigError, Diverged
from textmill.models import LanguageModel, build_model
from textmill.tables import ARCHITECTURES
from textmill.tasks import Batch
from textmill.tasks.lm import LanguageModelling
from textmill.training.optimizers import (
    WeightAverage,
    build_optimizers,
    load_optimizer_tensors,
    optimizer_tensors,
    set_learning_rate,
)
from textmill.training.schedule import Plan
from textmill.training.updates import Lanes, MicroBatches, Update, updates

OPTIMIZERS = ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "adafactor", "muon"]
RATES = {"sgd": 1.0, "momentum": 0.1, "nesterov": 0.1, "rmsprop": 3e-4, "adam": 1e-2, "adamw": 1e-2}
RATES |= {"adafactor": 0.1, "muon": 0.02}


def tiny(arch: str, seed: int = 1) -> LanguageModel:
    knobs = {"arch": arch, "n_layers": 2, "d_model": 16, "dropout": 0.0}
    return build_model(Config.model_validate({"model": knobs}).model, vocab_size=11, seed=seed)


def counting(step: int) -> MicroBatches:
    """0 1 2 … 10 0 1 …: easy to learn."""
    ids = (torch.arange(12)[None] + torch.arange(4)[:, None]) % 11
    return [(Batch(ids[:, :-1], ids[:, 1:], None, ids[:, 1:].numel()), Lanes())]


def plan(steps: int, **more: object) -> Plan:
    return Plan(**{**vars(Plan(steps, 0, "constant", 0, 0.5, 0.0, 1.0, 1, 1, 1)), **more})  # type: ignore[arg-type]


def run(model: LanguageModel, optimizer: str, steps: int) -> list[Update]:
    settings = TrainConfig(optimizer=optimizer, lr=RATES[optimizer], lr_rest=1e-2, weight_decay=0.0, momentum=0.9)
    return list(updates(model, build_optimizers(model, settings), LanguageModelling(), counting, plan(steps)))


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_teaches_every_architecture_to_count(arch: str, optimizer: str) -> None:
    losses = [update.loss.mean for update in run(tiny(arch), optimizer, 150)]
    assert losses[0] == pytest.approx(math.log(11), rel=0.1)  # it begins by knowing nothing
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("place", ["embedding.weight", "head.weight"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nan_or_inf_stops_before_any_weight_changes(arch: str, place: str, value: float) -> None:
    model = tiny(arch)
    with torch.no_grad():
        dict(model.named_parameters())[place][3] = value
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(Diverged, match=r"step 1: .*before the weights changed"):
        run(model, "adamw", 3)
    after = model.state_dict()
    assert all(torch.equal(before[name].nan_to_num(), after[name].nan_to_num()) for name in before)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizer_state_as_tensors_gives_the_same_next_update(optimizer: str) -> None:
    settings = TrainConfig(optimizer=optimizer, lr=RATES[optimizer], lr_rest=1e-2, weight_decay=0.01)
    one, other = tiny("transformer"), tiny("transformer", seed=2)
    first = build_optimizers(one, settings)
    for _ in updates(one, first, LanguageModelling(), counting, plan(3)):
        pass
    other.load_state_dict(one.state_dict())
    second = build_optimizers(other, settings)
    load_optimizer_tensors(second, {name: tensor.clone() for name, tensor in optimizer_tensors(first).items()})
    for model, optimizers in ((one, first), (other, second)):
        for _ in updates(model, optimizers, LanguageModelling(), counting, plan(5), first_step=3):
            pass
    assert all(torch.equal(t, other.state_dict()[name]) for name, t in one.state_dict().items())


def test_muon_takes_the_inner_matrices_and_adamw_all_else() -> None:
    model = tiny("transformer")
    muon, adamw = build_optimizers(model, TrainConfig(optimizer="muon", lr=0.02, lr_rest=3e-3, weight_decay=0.0))
    inner = set(muon.param_groups[0]["param_names"])
    rest = set(adamw.param_groups[0]["param_names"])
    assert inner | rest == {name for name, _ in model.named_parameters()} and not inner & rest
    assert all(name.startswith("backbone.blocks.") for name in inner) and len(inner) == 2 * 6
    assert {"embedding.weight", "head.weight"} <= rest
    set_learning_rate(muon, 0.5)
    assert muon.param_groups[0]["lr"] == 0.01
    with pytest.raises(ConfigError, match="no inner matrix"):
        build_optimizers(torch.nn.Linear(2, 2), TrainConfig(optimizer="muon", lr=0.02, weight_decay=0.0))


def test_weight_decay_leaves_vectors_alone() -> None:
    [adamw] = build_optimizers(tiny("gru"), TrainConfig(optimizer="adamw", lr=1e-3, weight_decay=0.1))
    decays = {name: g["weight_decay"] for g in adamw.param_groups for name in g["param_names"]}
    assert decays["embedding.weight"] == 0.1
    assert all(decay == 0.0 for name, decay in decays.items() if "bias" in name)


def test_the_average_follows_the_weights_by_its_formula() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = WeightAverage(model, decay=0.9)
    values = []
    for step in (1, 2, 3):
        with torch.no_grad():
            model.weight.fill_(float(step))
        average.update(model, step)
        values.append(float(average.tensors["weight"]))
    # decay (1 + n)/(10 + n): 2/11, 3/12, 4/13; a ← decay a + (1 − decay) w
    a1 = 9 / 11 * 1
    a2 = 3 / 12 * a1 + 9 / 12 * 2
    a3 = 4 / 13 * a2 + 9 / 13 * 3
    assert values == pytest.approx([a1, a2, a3], abs=1e-6)


def test_dropout_depends_on_seed_and_step_alone() -> None:
    knobs = {"arch": "gru", "n_layers": 2, "d_model": 16, "dropout": 0.5}
    losses = []
    for noise in (0, 99):
        model = build_model(Config.model_validate({"model": knobs}).model, vocab_size=11, seed=1)
        model.train()
        optimizers = build_optimizers(model, TrainConfig(optimizer="sgd", lr=0.1, weight_decay=0.0))
        torch.manual_seed(noise)
        found = []
        for update in updates(model, optimizers, LanguageModelling(), counting, plan(4)):
            found.append(update.loss.total)
            torch.randn(noise)  # somebody else draws in between
        losses.append(found)
    assert losses[0] == losses[1] and len(set(losses[0])) == 4
