"""A language model: embedding, backbone, head. Room: models/ (ids -> scores).

One class for every architecture: what differs stands behind Backbone. Tasks train it, generation and evaluation use it
through NextToken. Shapes: B batch, T time (tokens), D model width, V vocabulary, N = B·T places.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from textmill.config.model import ModelConfig
from textmill.errors import ConfigError, Damaged, InputError, RunError, did_you_mean
from textmill.models.adaptive_head import AdaptiveHead
from textmill.models.backbone import Backbone, Recomputed, embedding
from textmill.models.heads import Head
from textmill.models.layout import Layout
from textmill.models.state import State
from textmill.tables import ARCHITECTURES, FORMS, load


class LanguageModel(nn.Module):
    """P(next token | the tokens before it). Stands behind NextToken."""

    form: ClassVar[str] = "decoder"
    backbones: ClassVar[dict[str, str]] = ARCHITECTURES
    tied_head_bias: ClassVar[bool] = False
    """A head that shares the embedding's weights has a bias too, where the backbone wishes for one."""

    def __init__(self, config: ModelConfig, vocab_size: int):
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.embedding = embedding(vocab_size, config.d_model)
        self.backbone: Backbone = load(self.backbones[config.arch])(config)
        bias = self.backbone.head_bias and (self.tied_head_bias or not config.tied)
        self.head = (
            AdaptiveHead(self.embedding, bias, config.logit_cap)
            if config.softmax == "adaptive"
            else Head(self.embedding, config.tied, bias, config.logit_cap)
        )
        self.max_context = self.backbone.max_context

    @property
    def order(self) -> str:
        """In which order its training rows come: shuffle, or stream (the state is carried on)."""
        return self.backbone.default_order

    def forward(self, ids: Tensor, segments: Tensor | None = None, state: State | None = None) -> tuple[Tensor, State]:
        """(hidden (B, T, D), state). ids, segments: int64 (B, T); see Layout. Hidden vectors at padding mean nothing.

        Raises InputError for ids that are no tokens of the vocabulary, ContextFull beyond max_context.
        """
        x = self.embedded(ids)  # (B, T, D)
        layout = Layout(ids.shape[0], ids.shape[1], segments, state, ids.device)
        hidden, after = self.backbone(x, layout, state)
        return hidden, after

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

    def nll(
        self, ids: Tensor, targets: Tensor, segments: Tensor | None = None, state: State | None = None
    ) -> tuple[Tensor, State]:
        """−ln P(target) in nats (B, T), 0 where the target is IGNORED; and the state after the last id."""
        hidden, after = self(ids, segments, state)
        return self.head.nll(hidden, targets), after

    def log_probs(
        self, ids: Tensor, segments: Tensor | None = None, state: State | None = None
    ) -> tuple[Tensor, State]:
        """ln P of every token (B, T, V) at every place; and the state after the last id."""
        hidden, after = self(ids, segments, state)
        return self.head.log_probs(hidden), after

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

    # --- first values

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Draw every parameter from a generator of its own, seeded by (seed, name).

        So the first weights depend neither on the order of construction, nor on device or number of processes.
        """
        self.head.begin()
        for name, parameter in self.named_parameters():
            generator = torch.Generator().manual_seed(seed_for(seed, name))
            first = torch.empty(parameter.shape)
            match name.partition("."):
                case ("embedding" | "source_embedding", _, _):
                    self.backbone.draw_embedding(first, generator)
                case ("head", _, inner):
                    self.head.draw(inner, first, generator, self.backbone.draw_head)
                case (_, _, inner):
                    self.backbone.draw(inner, first, generator)
            parameter.copy_(first)

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
            "config": self.config.model_dump(mode="json"),
        }

    @classmethod
    def load(cls, folder: Path, device: str | torch.device = "cpu") -> LanguageModel:
        """The model that save() wrote, of any form, bit by bit.

        Raises Damaged where a tensor is missing, extra or misshapen.
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
        except SafetensorError as error:
            raise Damaged(f"not a whole safetensors file ({error})", where=str(path)) from error
        allocate(model, device)
        with torch.no_grad():
            for name, parameter in model.state_dict(keep_vars=True).items():
                parameter.data = tensors[name].to(device, copy=True)
        return model


def build_model(
    config: ModelConfig,
    vocab_size: int,
    form: str = "decoder",
    heads: Sequence[str] = (),
    seed: int = 0,
    device: str | torch.device = "cpu",
    source_vocab_size: int | None = None,
) -> LanguageModel:
    """A model with its first weights. device "meta": shapes alone, nothing is allocated.

    source_vocab_size: ids of the sources of an encoder-decoder, where they have a vocabulary of their own.

    Raises ConfigError for a form or a head that does not exist.
    """
    if form not in FORMS:
        raise ConfigError(f"no form {form!r}", hint=did_you_mean(form, FORMS) or f"there are: {', '.join(FORMS)}")
    if heads:
        raise ConfigError(f"no head {heads[0]!r}", hint=f"a {form} has its one head, over the vocabulary")
    kind: type[LanguageModel] = load(FORMS[form])
    if config.arch not in kind.backbones:
        raise ConfigError(
            f"{config.arch} has no form {form!r}", hint=f"Choose --arch out of: {', '.join(kind.backbones)}"
        )
    sources = {} if source_vocab_size is None else {"source_vocab_size": source_vocab_size}
    if sources and form != "encoder-decoder":
        raise ConfigError(f"a {form} reads no sources, so they have no vocabulary", hint="leave source_vocab_size out")
    with torch.device("meta"):
        model = kind(config, vocab_size, **sources)
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
