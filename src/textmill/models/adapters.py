"""Which weights of a model are trained, and low-rank adapters beside those that are not. Room: models/ (ids -> scores).

Called by training, which begins with the weights of another run (`--tune`), and by runs, which reads such a run again
with its adapters added in. A checkpoint of such a run holds what is trained alone.
    full     every weight                    lora    A and B of an adapter beside each matrix, and what is new
    last     the last layers and the heads   frozen  the heads
Shapes: I numbers that go into a matrix (O, I), O that come out of it, R rank.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textmill.config import ModelConfig, TrainConfig
from textmill.errors import ConfigError, did_you_mean
from textmill.models.cost import Trained
from textmill.models.network import Heads, Network, build_model, seed_for

ADAPTERS = "adapters"
OF_CELLS = {"input": "weight_ih", "state": "weight_hh"}
"""What the matrices of recurrent cells are called -> how their names begin in torch."""


@dataclass(frozen=True)
class Lora:
    """What adapters are like. targets: last names of the modules that have them; (): all that can."""

    rank: int
    alpha: float
    dropout: float = 0.0
    targets: Sequence[str] = ()

    @classmethod
    def of(cls, train: TrainConfig) -> Lora:
        return cls(train.lora_rank, train.lora_alpha, train.lora_dropout, train.lora_targets)

    @property
    def scale(self) -> float:
        """By which B A is multiplied."""
        return self.alpha / self.rank


class Adapter(nn.Module):
    """What is added to a matrix W (O, I): scale · B A, with A (R, I) and B (O, R). Hu et al. 2021, arXiv:2106.09685.

    B begins at 0, so that the model begins as it was.
    """

    def __init__(self, weight: Tensor, lora: Lora):
        super().__init__()
        n_out, n_in = weight.shape
        self.scale, self.dropout = lora.scale, lora.dropout
        self.a = nn.Parameter(torch.empty(lora.rank, n_in, device=weight.device))
        self.b = nn.Parameter(torch.empty(n_out, lora.rank, device=weight.device))

    def forward(self, x: Tensor) -> Tensor:
        """(…, I) -> (…, O), what it adds to W x."""
        x = F.dropout(x, self.dropout) if self.training and self.dropout else x
        added: Tensor = F.linear(F.linear(x, self.a), self.b) * self.scale
        return added

    def added_to(self, weight: Tensor) -> Tensor:
        """W + scale · B A."""
        return torch.addmm(weight, self.b, self.a, alpha=self.scale)

    @torch.no_grad()
    def draw(self, seed: int, name: str) -> None:
        """A as peft draws it, U(±1/√I), from a generator of its own; B is 0."""
        bound = 1 / math.sqrt(self.a.shape[1])
        first = torch.empty(self.a.shape)
        first.uniform_(-bound, bound, generator=torch.Generator().manual_seed(seed_for(seed, f"{name}.a")))
        self.a.copy_(first)
        self.b.zero_()


class AdaptedLinear(nn.Linear):
    """A linear layer, with an adapter beside its weights."""

    def __init__(self, linear: nn.Linear, lora: Lora):
        with torch.device("meta"):
            super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None)
        self.weight, self.bias = linear.weight, linear.bias
        self.adapters = nn.ModuleDict({"weight": Adapter(linear.weight, lora)})
        self.train(linear.training)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.adapters["weight"](x)
        return super().forward(x) + added


# --- what is trained


def tune(model: Network, train: TrainConfig, seed: int, begun: Collection[str]) -> None:
    """Leave of a model to training what `train.tune` names. begun: the tensors that it began with; what is new is
    trained in any case.

    Raises ConfigError for targets that the model has not, for a rank that is no low one, and for more layers than there
    are.
    """
    if train.tune == "full":
        return
    if train.tune == "lora":
        adapt(model, Lora.of(train), seed)
    n_layers = model.config.n_layers
    if train.tune == "last" and train.tune_layers > n_layers:
        raise ConfigError(
            f"train.tune_layers is {train.tune_layers}, and the model has {n_layers}",
            hint="Choose fewer; or train all by leaving --tune out.",
        )
    first = {"last": n_layers + 1 - train.tune_layers, "frozen": n_layers + 1}.get(train.tune)
    for name, parameter in model.named_parameters():
        is_head = name.split(".")[0] in ("head", "heads")
        trained = {"lora": False, "frozen": is_head, "last": first is not None and model.depth_of(name) >= first}
        if name in begun and not trained[train.tune]:
            parameter.requires_grad_(False)


def refuse_untrained(model: Network, train: TrainConfig) -> None:
    """Raises ConfigError where no matrix is left to train."""
    if not any(parameter.requires_grad and parameter.ndim >= 2 for parameter in model.parameters()):
        raise ConfigError(
            f"--tune {train.tune} leaves nothing to train: the head of this model shares its weights with the "
            "embedding",
            hint="Choose --tune last, --tune lora, or leave --tune out.",
        )


def adapt(model: Network, lora: Lora, seed: int) -> None:
    """Put an adapter beside each matrix of the backbone that is a target. Raises ConfigError."""
    linears = {name: part for name, part in model.backbone.named_modules() if isinstance(part, nn.Linear)}
    cells = {name: part for name, part in model.backbone.named_modules() if isinstance(part, nn.RNNBase)}
    there = [*dict.fromkeys(name.rpartition(".")[2] for name in linears), *(OF_CELLS if cells else ())]
    if not there:
        raise ConfigError(
            f"--tune lora: {model.config.arch} has no matrix that an adapter can stand beside",
            hint="Choose --tune last or --tune frozen, or leave --tune out.",
        )
    for target in lora.targets:
        if target not in there:
            near = did_you_mean(target, there)
            raise ConfigError(
                f"train.lora_targets names '{target}', which this model has not (there are: {', '.join(there)})",
                hint=near or "Leave it out for all of them.",
            )
    wanted = lora.targets or there
    adapted = set(OF_CELLS) & set(wanted) if cells else set()
    if lora.dropout and adapted:
        raise ConfigError(
            f"train.lora_dropout is {lora.dropout:g}, and recurrent cells multiply by W + B A at once: nothing that "
            "goes into an adapter alone can be dropped",
            hint="Leave it out; --model.dropout drops what goes into the cells.",
        )
    for name, linear in linears.items():
        if name.rpartition(".")[2] in wanted:
            refuse_high_rank(lora, linear.weight, f"backbone.{name}")
            outer, _, inner = name.rpartition(".")
            setattr(model.backbone.get_submodule(outer), inner, AdaptedLinear(linear, lora))
    for name, part in cells.items():
        begins = tuple(OF_CELLS[target] for target in OF_CELLS if target in wanted)
        chosen = {inner: weight for inner, weight in part.named_parameters() if begins and inner.startswith(begins)}
        for inner, weight in chosen.items():
            refuse_high_rank(lora, weight, f"backbone.{name}.{inner}")
        if chosen:
            part.adapters = nn.ModuleDict({inner: Adapter(weight, lora) for inner, weight in chosen.items()})
    for name, part in model.named_modules():
        if isinstance(part, Adapter) and not part.a.is_meta:
            part.draw(seed, name)


def refuse_high_rank(lora: Lora, weight: Tensor, name: str) -> None:
    """Raises ConfigError where an adapter could say all that the matrix can, with more numbers."""
    if lora.rank > min(weight.shape):
        raise ConfigError(
            f"train.lora_rank is {lora.rank}, and {name} has a width of {min(weight.shape)}",
            hint=f"Choose at most {min(weight.shape)}, better far less: 8 is usual.",
        )


def trained_numbers(model: Network) -> Trained:
    """Of a model that tune() was given, on any device."""
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters() if parameter.requires_grad}
    n_layers = int(model.config.n_layers)
    lowest = min((model.depth_of(name) for name in sizes), default=n_layers + 1)
    cells = [
        weight.numel()
        for part in model.modules()
        if isinstance(part, nn.RNNBase) and isinstance(adapters := getattr(part, ADAPTERS, None), nn.ModuleDict)
        for name, weight in part.named_parameters(recurse=False)
        if name in adapters
    ]
    return Trained(
        total=sum(sizes.values()),
        matrices=sum(matrix.numel() for name, matrix in model.matrices() if name in sizes),
        adapters=sum(size for name, size in sizes.items() if f".{ADAPTERS}." in name),
        cells=sum(cells),
        n_layers=min(n_layers, n_layers + 1 - lowest),
        head=any(name.split(".")[0] in ("head", "heads") for name in sizes),
        sides=sum(1 + sum(p.shape) for p in model.parameters() if p.requires_grad),
    )


def numbers_of_tuning(
    config: ModelConfig,
    train: TrainConfig,
    vocab_size: int,
    form: str,
    source_vocab_size: int | None = None,
    heads: Heads | None = None,
) -> Trained | None:
    """What `train` trains of such a model, begun as another ended; None where that is all. Nothing is allocated."""
    if train.tune == "full":
        return None
    model: Network = build_model(
        config, vocab_size, form, heads or {}, device="meta", source_vocab_size=source_vocab_size
    )
    tune(model, train, 0, model.state_dict())
    return trained_numbers(model)


# --- what a checkpoint holds


def frozen_names(model: nn.Module) -> set[str]:
    """The parameters that are not trained."""
    return {name for name, parameter in model.named_parameters() if not parameter.requires_grad}


def trained_state(model: nn.Module) -> dict[str, Tensor]:
    """state_dict() without the parameters that are not trained."""
    frozen = frozen_names(model)
    return {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}


def put_trained(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put trained_state() back. Raises RuntimeError, as torch does, where a tensor is missing, extra or misshapen."""
    frozen = frozen_names(model)
    if wrong := sorted(frozen & tensors.keys()):
        raise RuntimeError(f"{wrong[0]} is not trained, and would be changed")
    model.load_state_dict({name: tensor for name, tensor in model.state_dict().items() if name in frozen} | {**tensors})


def merged(tensors: Mapping[str, Tensor], scale: float) -> dict[str, Tensor]:
    """The tensors of a model, its adapters added to their matrices: those of the model without adapters.

    The sums are made in float64 and rounded once.
    """
    whole = {name: tensor for name, tensor in tensors.items() if f".{ADAPTERS}." not in name}
    for name, a in tensors.items():
        if f".{ADAPTERS}." in name and name.endswith(".a"):
            outer, _, inner = name.removesuffix(".a").rpartition(f".{ADAPTERS}.")
            b, weight = tensors[f"{name.removesuffix('.a')}.b"], whole[f"{outer}.{inner}"]
            whole[f"{outer}.{inner}"] = (weight.double() + scale * (b.double() @ a.double())).to(weight.dtype)
    return whole
