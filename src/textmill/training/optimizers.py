"""Optimizers by name, and their state as named tensors. Room: training/.

Muon takes the inner matrices alone, which it does not choose itself; AdamW takes embeddings, head and vectors.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adafactor, Adam, AdamW, Muon, Optimizer, RMSprop

from textmill.config import TrainConfig
from textmill.errors import ConfigError, Damaged
from textmill.models import Network
from textmill.models.adapters import trained_state
from textmill.training.muon import Float32Muon
from textmill.training.processor import multiplies_in_bfloat16

NamedParameters = list[tuple[str, nn.Parameter]]


def build_optimizers(model: nn.Module, config: TrainConfig) -> list[Optimizer]:
    """The optimizers of a config whose optimizer, lr and weight_decay are decided.

    Each parameter group holds `peak_lr`, and the names of its parameters. Raises ConfigError for a model without
    matrices under Muon.
    """
    lr, decay = config.lr, config.weight_decay
    if lr is None or decay is None or config.optimizer == "auto":
        raise AssertionError("training.defaults decides optimizer, lr and weight_decay first")
    betas, groups = (config.beta1, config.beta2), partial(by_layer, model, decay=config.layer_decay)
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]

    if config.optimizer == "muon":
        trained = {name for name, _ in named}
        matrices: NamedParameters = [pair for pair in getattr(model, "matrices", list)() if pair[0] in trained]
        if not matrices:
            raise ConfigError(
                "train.optimizer is muon, but the model has no inner matrix", hint="Choose adamw instead."
            )
        inner = {id(parameter) for _, parameter in matrices}
        rest = [(name, p) for name, p in named if id(p) not in inner]
        kind = Muon if multiplies_in_bfloat16(matrices[0][1].device.type) else Float32Muon
        muon = uncompiled(kind)(groups(_params(matrices)), lr=lr, weight_decay=decay, momentum=config.momentum)
        optimizers: list[Optimizer] = [muon]
        if rest:
            lr_rest, of_rest = config.lr_rest or lr, groups(_params(rest))
            optimizers.append(uncompiled(AdamW)(of_rest, lr=lr_rest, betas=betas, weight_decay=0.0, fused=True))
    elif config.optimizer in ("adam", "adamw"):
        adam = AdamW if config.optimizer == "adamw" else Adam
        optimizers = [uncompiled(adam)(groups(_decayed(named, decay)), lr=lr, betas=betas, fused=True)]
    elif config.optimizer == "adafactor":  # Shazeer & Stern 2018, 1804.04235; lr bounds the relative step ρ
        optimizers = [uncompiled(Adafactor)(groups(_decayed(named, decay)), lr=lr)]
    elif config.optimizer == "rmsprop":
        optimizers = [uncompiled(RMSprop)(groups(_decayed(named, decay)), lr=lr, alpha=0.99, momentum=config.momentum)]
    else:
        momentum = 0.0 if config.optimizer == "sgd" else config.momentum
        nesterov = config.optimizer == "nesterov"
        optimizers = [uncompiled(SGD)(groups(_decayed(named, decay)), lr=lr, momentum=momentum, nesterov=nesterov)]

    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"] * group.get("share", 1.0)
    return optimizers


def by_layer(model: nn.Module, groups: list[dict[str, Any]], decay: float) -> Any:
    """Groups of parameters divided by their layers, each with its `share` of the rate: decay^(L − l) of layer l of L;
    what stands above the last has as much, the embedding decay^L. The top comes first. decay 1: nothing is divided.

    Howard & Ruder 2018, arXiv:1801.06146, section 3.2.
    """
    if decay == 1.0:
        return groups
    assert isinstance(model, Network), "layers are a network's"
    n_layers = model.config.n_layers
    found = []
    for group in groups:
        layers: dict[int, NamedParameters] = {}
        for name, parameter in group["params"]:
            layers.setdefault(min(model.depth_of(name), n_layers), []).append((name, parameter))
        for layer in sorted(layers, reverse=True):
            found.append(group | {"params": layers[layer], "share": decay ** (n_layers - layer)})
    return found


@cache
def uncompiled(kind: type[Optimizer]) -> Any:
    """An optimizer whose methods do not load torch's compiler, which takes a processor 1.5 seconds at the first step.

    torch wraps them so that torch.compile stays out of them, and loads it for that (torch.optim.optimizer,
    torch._compile). Here they are as they are written: no optimizer is compiled, only the model's passes are.
    """
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    plain: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    return type(kind.__name__, (kind,), plain | {"step": torch.no_grad()(inspect.unwrap(kind.step))})


def _params(named: NamedParameters) -> Any:
    return [{"params": named}]


def _decayed(named: NamedParameters, decay: float) -> Any:
    """Weight decay pulls at matrices; biases and gains are left alone."""
    matrices = [(name, p) for name, p in named if p.ndim >= 2]
    vectors = [(name, p) for name, p in named if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def set_learning_rate(optimizer: Optimizer, factor: float) -> None:
    """Each group's own peak, times the factor."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor


def _named_states(optimizers: Iterable[Optimizer]) -> Iterable[tuple[str, Optimizer, Tensor, bool]]:
    for number, optimizer in enumerate(optimizers):
        for group in optimizer.param_groups:
            for name, parameter in zip(group["param_names"], group["params"], strict=True):
                yield f"{number}/{name}", optimizer, parameter, bool(group.get("fused"))


def optimizer_tensors(optimizers: Iterable[Optimizer]) -> dict[str, Tensor]:
    """All state, as "number/parameter/key" -> tensor."""
    return {
        f"{place}/{key}": value
        for place, optimizer, parameter, _ in _named_states(optimizers)
        for key, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def load_optimizer_tensors(optimizers: list[Optimizer], tensors: dict[str, Tensor]) -> None:
    """Put saved state back. Raises Damaged where a tensor belongs to no parameter."""
    left = dict(tensors)
    for place, optimizer, parameter, fused in _named_states(optimizers):
        mine = [key for key in left if key.rpartition("/")[0] == place]
        if mine:
            # Step counts (0-d) stay on the processor, except where a fused optimizer keeps them beside the parameter.
            optimizer.state[parameter] = {
                key.rpartition("/")[2]: tensor.to(parameter.device) if tensor.ndim or fused else tensor
                for key, tensor in ((key, left.pop(key)) for key in mine)
            }
    if left:
        raise Damaged(f"the checkpoint has optimizer state for parameters that are not there: {sorted(left)[:3]}")


class WeightAverage:
    """A running average of the weights that are trained: average ← decay · average + (1 − decay) · weights.

    Polyak & Juditsky 1992. In the first steps the decay is (1 + n) / (10 + n), so that the start is forgotten soon.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        self.tensors = {name: tensor.detach().clone() for name, tensor in trained_state(model).items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, tensor in trained_state(model).items():
            if tensor.is_floating_point():
                self.tensors[name].lerp_(tensor, 1 - decay)
            else:
                self.tensors[name].copy_(tensor)
