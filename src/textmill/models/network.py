"""What every form of a network shares: an embedding, a backbone, first values, files. Room: models/ (ids -> scores).

A form adds what it makes of the hidden vectors: the next token (language.py), the next token after a source
(encoder_decoder.py), or answers about a text as a whole (encoder.py). Shapes: B batch, T time (tokens), D model width,
V vocabulary.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, overload

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from textmill.config.model import ModelConfig
from textmill.errors import ConfigError, Damaged, InputError, RunError, did_you_mean
from textmill.models.backbone import Backbone, Recomputed, embedding
from textmill.tables import FORMS, load

if TYPE_CHECKING:
    from textmill.models.encoder import Encoder
    from textmill.models.encoder_decoder import EncoderDecoder
    from textmill.models.language import LanguageModel

Heads = Mapping[str, Mapping[str, Any]]
"""What an encoder answers: the name of each head, and what it must know, such as its classes."""
NO_HEADS: Heads = MappingProxyType({})


class Network(nn.Module):
    """Embedded tokens through a backbone. What becomes of the hidden vectors is a form's own affair."""

    form: ClassVar[str]
    backbones: ClassVar[dict[str, str]]
    """architecture -> "module:Class" of the backbones that this form takes."""
    unused_knobs: ClassVar[frozenset[str]] = frozenset({"pooling", "token_dropout", "start", "vectors"})
    """Knobs of [model] that this form has no use for, and model.json no place."""

    def __init__(self, config: ModelConfig, vocab_size: int):
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.embedding = embedding(vocab_size, config.d_model)
        self.backbone: Backbone = load(self.backbones[config.arch])(config)
        self.max_context = self.backbone.max_context

    @property
    def order(self) -> str:
        """In which order its training rows come: shuffle, or stream (the state is carried on)."""
        return self.backbone.default_order

    def embedded(self, ids: Tensor, table: nn.Embedding | None = None) -> Tensor:
        """(B, T, D). table: another one than the model's embedding."""
        if ids.ndim != 2 or ids.shape[1] == 0:
            raise InputError(f"a model reads rows of one token or more, not ids of shape {tuple(ids.shape)}")
        table = table or self.embedding
        try:
            return table(ids)  # type: ignore[no-any-return]
        except IndexError as error:
            raise InputError(
                f"ids from {int(ids.min())} to {int(ids.max())}: the vocabulary holds 0 to {table.num_embeddings - 1}",
                hint="text and model belong to different tokenizers",
            ) from error

    def recompute_layers(self) -> None:
        """In training, make activations again in the backward pass instead of keeping them: less memory, more time.

        Raises ConfigError where the architecture cannot.
        """
        if not self.backbone.recomputes:
            raise ConfigError(
                f"train.recompute: {self.config.arch} has no layers that can be computed again",
                hint="Leave --recompute out.",
            )
        for part in self.modules():
            if isinstance(part, Recomputed):
                part.recompute = True

    def matrices(self) -> list[tuple[str, nn.Parameter]]:
        """The backbone's matrices by their name in named_parameters(): what Muon may orthogonalise."""
        return [(f"backbone.{name}", matrix) for name, matrix in self.backbone.matrices()]

    def depth_of(self, name: str) -> int:
        """How far above the ids a parameter stands: 0 of an embedding, 1 … n_layers of a layer, n_layers + 1 of a head.

        name: as in named_parameters(). Each side of an encoder-decoder is counted for itself.
        """
        part, _, inner = name.partition(".")
        if part == "backbone":
            return self.backbone.depth_of(inner)
        return self.config.n_layers + 1 if part in ("head", "heads") else 0

    def order_by(self, counts: Callable[[], NDArray[np.int64]]) -> None:
        """Take in how often each token is to be written in the training text (V,). Most forms need not know."""

    # --- first values

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Draw every parameter from a generator of its own, seeded by (seed, name).

        So the first weights depend neither on the order of construction, nor on device or number of processes.
        """
        for name, parameter in self.named_parameters():
            generator = torch.Generator().manual_seed(seed_for(seed, name))
            first = torch.empty(parameter.shape)
            self.draw(name, first, generator)
            parameter.copy_(first)

    def draw(self, name: str, parameter: Tensor, generator: torch.Generator) -> None:
        """Fill one parameter with its first values. name: as in named_parameters()."""
        part, _, inner = name.partition(".")
        if part == "backbone":
            self.backbone.draw(inner, parameter, generator)
        else:
            self.backbone.draw_embedding(parameter, generator)

    # --- files

    def save(self, folder: Path) -> None:
        """Write model.safetensors and model.json into the folder, which exists."""
        tensors = {name: tensor.detach().contiguous() for name, tensor in self.state_dict().items()}
        save_file(tensors, folder / "model.safetensors")
        text = json.dumps(self.description(), indent=1, ensure_ascii=False) + "\n"
        (folder / "model.json").write_text(text, encoding="utf-8")

    def description(self) -> dict[str, Any]:
        """What model.json says: enough to build the model again."""
        return {
            "schema": "textmill.model/1",
            "form": self.form,
            "vocab_size": self.vocab_size,
            "config": self.config.model_dump(mode="json", exclude=set(self.unused_knobs)),
        }

    @classmethod
    def load(cls, folder: Path, device: str | torch.device = "cpu") -> Self:
        """The model that save() wrote, of this form or one made from it, bit by bit.

        Raises RunError where there is none, or one of another form; Damaged where a tensor is missing, extra or
        misshapen.
        """
        described = read_description(folder / "model.json")
        path = folder / "model.safetensors"
        try:
            with safe_open(path, framework="pt") as file:
                shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
                model = build_model(**described, device="meta")
                expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
                refuse_other_tensors(shapes, expected, path)
                tensors = {name: file.get_tensor(name) for name in shapes}
        except FileNotFoundError as error:
            raise RunError("there are no weights here", where=str(path)) from error
        except ConfigError as error:
            raise Damaged(
                f"not the description of a model ({error.message})", where=str(folder / "model.json")
            ) from error
        except SafetensorError as error:
            raise Damaged(f"not a whole safetensors file ({error})", where=str(path)) from error
        if not isinstance(model, cls):
            raise RunError(f"the model here is of form {model.form!r}", where=str(folder), hint=f"wanted: {cls.form!r}")
        allocate(model, device)
        with torch.no_grad():
            for name, parameter in model.state_dict(keep_vars=True).items():
                parameter.data = tensors[name].to(device, copy=True)
        return model


@overload
def build_model(
    config: ModelConfig,
    vocab_size: int,
    form: Literal["decoder"] = "decoder",
    heads: Heads = NO_HEADS,
    seed: int = 0,
    device: str | torch.device = "cpu",
    source_vocab_size: int | None = None,
) -> LanguageModel: ...


@overload
def build_model(
    config: ModelConfig,
    vocab_size: int,
    form: Literal["encoder-decoder"],
    heads: Heads = NO_HEADS,
    seed: int = 0,
    device: str | torch.device = "cpu",
    source_vocab_size: int | None = None,
) -> EncoderDecoder: ...


@overload
def build_model(
    config: ModelConfig,
    vocab_size: int,
    form: Literal["encoder"],
    heads: Heads = NO_HEADS,
    seed: int = 0,
    device: str | torch.device = "cpu",
    source_vocab_size: int | None = None,
) -> Encoder: ...


@overload
def build_model(
    config: ModelConfig,
    vocab_size: int,
    form: str,
    heads: Heads = NO_HEADS,
    seed: int = 0,
    device: str | torch.device = "cpu",
    source_vocab_size: int | None = None,
) -> Any: ...


def build_model(
    config: ModelConfig,
    vocab_size: int,
    form: str = "decoder",
    heads: Heads = NO_HEADS,
    seed: int = 0,
    device: str | torch.device = "cpu",
    source_vocab_size: int | None = None,
) -> Any:
    """A model with its first weights. device "meta": shapes alone, nothing is allocated.

    heads: what an encoder answers, such as {"classify": {"classes": ["neg", "pos"], "several": False}}.
    source_vocab_size: ids of the sources of an encoder-decoder, where they have a vocabulary of their own.

    Raises ConfigError for a form or a head that does not exist, and for heads that make no sense.
    """
    if form not in FORMS:
        raise ConfigError(f"no form {form!r}", hint=did_you_mean(form, FORMS) or f"there are: {', '.join(FORMS)}")
    if heads and form != "encoder":
        raise ConfigError(f"no head {next(iter(heads))!r}", hint=f"form {form!r} has its one head, over the vocabulary")
    kind: type[Network] = load(FORMS[form])
    if config.arch not in kind.backbones:
        raise ConfigError(
            f"{config.arch} has no form {form!r}", hint=f"Choose --arch out of: {', '.join(kind.backbones)}"
        )
    more: dict[str, Any] = {} if source_vocab_size is None else {"source_vocab_size": source_vocab_size}
    if more and form != "encoder-decoder":
        raise ConfigError(
            f"form {form!r} reads no sources, so they have no vocabulary", hint="leave source_vocab_size out"
        )
    if heads:
        more["heads"] = heads
    with torch.device("meta"):
        model = kind(config, vocab_size, **more)
    if torch.device(device).type == "meta":
        return model
    allocate(model, device)
    model.initialise(seed)
    return model


def allocate(model: nn.Module, device: str | torch.device) -> None:
    """Give a model on "meta" its memory, without values: nn.Module.to_empty but for its empty_like, which imports
    sympy, half a second for nothing."""
    model._apply(lambda tensor: torch.empty(tensor.shape, dtype=tensor.dtype, device=device))  # type: ignore[no-untyped-call]


def seed_for(seed: int, name: str) -> int:
    """63 bits that depend on seed and name alone: equal on every machine and in every process."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big") >> 1


def read_description(path: Path) -> dict[str, Any]:
    """What build_model needs, from model.json. Raises RunError where there is none, Damaged where it makes no sense."""
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        adapter: TypeAdapter[Any] = TypeAdapter(ModelConfig)
        n_of_sources, form = description.get("source_vocab_size"), description.get("form", "decoder")
        if form not in FORMS:
            raise ValueError(f"there is no form {form!r}")
        return {
            "config": adapter.validate_python(description["config"]),
            "vocab_size": int(description["vocab_size"]),
            "form": form,
            "source_vocab_size": None if n_of_sources is None else int(n_of_sources),
            "heads": TypeAdapter(dict[str, dict[str, Any]]).validate_python(description.get("heads", {})),
        }
    except FileNotFoundError as error:
        raise RunError("there is no model here", where=str(path)) from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise Damaged(f"not the description of a model ({error})", where=str(path)) from error


def refuse_other_tensors(shapes: dict[str, Any], expected: dict[str, Any], path: Path) -> None:
    """Raises Damaged, naming every tensor that is missing, extra or of another shape."""
    facts = [f"{name} is missing" for name in sorted(set(expected) - set(shapes))]
    facts += [f"{name} is not a tensor of this model" for name in sorted(set(shapes) - set(expected))]
    facts += [
        f"{name} has shape {shapes[name]}, the model {expected[name]}"
        for name in sorted(set(shapes) & set(expected))
        if shapes[name] != expected[name]
    ]
    if facts:
        raise Damaged("; ".join(facts), where=str(path))
