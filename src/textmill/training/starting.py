"""`--from RUN`: a run that begins with the weights of another. Room: training/.

Called by session before the text is prepared: the other run gives its model's shape and its tokenizer, and the weights
of the parts that fit. They are kept in the new run's folder (start.safetensors), so that the other may change or go.

    new run             begins from        takes
    any                 its own form       embedding, backbone, and heads that are the same
    encoder             decoder            embedding and backbone of a Transformer
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from textmill.config import Config
from textmill.config.layers import Loaded, begun_from
from textmill.errors import Damaged, RunError
from textmill.files import write_atomically
from textmill.hub import open_run
from textmill.models import Network, build_model
from textmill.models.adapters import refuse_untrained, trained_numbers, tune
from textmill.runs import Prepared, Run
from textmill.runs.checkpoint import read_tensors
from textmill.runs.folder import START
from textmill.tables import TASK_FORMS
from textmill.tasks import task_of


@dataclass(frozen=True)
class Start:
    """The run that another begins from, read whole. sha256: of the file its weights were read from."""

    run: Run
    step: int
    tensors: dict[str, Tensor]
    sha256: str


def started(loaded: Loaded) -> tuple[Loaded, Start | None]:
    """The config with all that `--from RUN` decides, and that run; None where none is said.

    Raises RunError where it is no run to begin from, ConfigError where what is said contradicts it.
    """
    name = loaded.config.model.start
    if name is None:
        return loaded, None
    run = open_run(name)
    if run.kind != "network":
        raise RunError(
            f"this is {'an n-gram model' if run.kind == 'ngram' else 'tf-idf'}, which has no weights to begin with",
            where=str(run.path),
            hint="Name a run that was trained: --from runs/NAME",
        )
    run.refuse_smaller("training begins from whole ones")
    form, theirs = TASK_FORMS[loaded.config.task.name], str(run.info["form"])
    refuse_form(form, theirs, run)
    loaded = begun_from(loaded, run.config, str(run.path))
    saved = run.load(run.default_checkpoint)
    return loaded, Start(run, saved.step, run.weights(saved), run.weights_sha256(saved))


def refuse_form(form: str, theirs: str, run: Run) -> None:
    """Raises RunError where nothing of a run of form `theirs` is of use to one of `form`."""
    arch = run.config.model.arch
    if form == theirs or (form == "encoder" and theirs == "decoder" and arch == "transformer"):
        return
    if form == "encoder" and theirs == "decoder":
        why = f"{arch} of a language model reads forwards alone, and one that reads whole texts reads both ways"
    else:
        why = f"it is of form {theirs}, and this task of form {form}"
    task = {"encoder": "mask", "decoder": "lm", "encoder-decoder": "translate"}[form]
    raise RunError(
        f"nothing of this run fits: {why}",
        where=str(run.path),
        hint=f"Begin from a run of --task {task}, or leave --from out.",
    )


@dataclass(frozen=True)
class Taken:
    """The tensors of another run that a new model begins with; of how many numbers it trains how many."""

    tensors: dict[str, Tensor]
    n_trained: int
    n_all: int


def taken_from(start: Start, config: Config, prepared: Prepared) -> Taken:
    """The tensors of the other run that are tensors of the new model too.

    Raises Damaged, naming them, where a part that should fit does not: nothing is taken in part. Raises ConfigError
    where what is to be trained makes no sense.
    """
    task, tokenizer = task_of(config), prepared.tokenizer
    heads = task.heads_of(prepared.train)
    model: Network = build_model(
        config.model,
        tokenizer.vocab_size,
        task.form,
        heads,
        device="meta",
        source_vocab_size=tokenizer.source_vocab_size,
    )
    ours = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    same_form = task.form == start.run.info["form"]
    theirs = dict(start.run.info["heads"] or {})
    same_heads = {name for name, said in heads.items() if theirs.get(name) == dict(said)}
    fits = {
        name: shape
        for name, shape in ours.items()
        if (part := name.split(".")[0]) not in ("head", "heads")
        or (part == "head" and same_form)
        or (part == "heads" and name.split(".")[1] in same_heads)
    }
    facts = [f"{name} is missing" for name in fits if name not in start.tensors]
    facts += [
        f"{name} has shape {tuple(start.tensors[name].shape)}, the model {shape}"
        for name, shape in fits.items()
        if name in start.tensors and tuple(start.tensors[name].shape) != shape
    ]
    spare = [name for name in start.tensors if name not in fits and not _is_of_another_head(name, theirs, same_form)]
    facts += [f"{name} is not a tensor of this model" for name in spare]
    if facts:
        raise Damaged("the weights do not fit: " + "; ".join(facts), where=str(start.run.path))
    tune(model, config.train, config.run.seed, fits)
    refuse_untrained(model, config.train)
    n_all = sum(parameter.numel() for parameter in model.parameters())
    return Taken({name: start.tensors[name] for name in fits}, trained_numbers(model).total, n_all)


def _is_of_another_head(name: str, heads: Any, same_form: bool) -> bool:
    """Whether a tensor is one of a head that the new model has not, or has anew."""
    part, _, inner = name.partition(".")
    return (part == "heads" and inner.split(".")[0] in heads) or (part == "head" and not same_form)


def keep_start(folder: Path, start: Start, config: Config, prepared: Prepared) -> tuple[dict[str, Any], str]:
    """Write start.safetensors into a run's folder; what run.json says of it, and a sentence."""
    taken = taken_from(start, config, prepared)
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in taken.tensors.items()}
    write_atomically(folder / START, safetensors.torch.save(flat))
    heads = task_of(config).heads_of(prepared.train)
    parts = parts_of(taken.tensors)
    new = [f"head {name}" for name in heads if f"head {name}" not in parts]
    left = sorted(parts_of(start.tensors).keys() - parts.keys())
    facts = {
        "run": str(start.run.path),
        "task": start.run.config.task.name,
        "step": start.step,
        "sha256": start.sha256,
        "taken": parts,
        "new": new,
        "left": left,
    }
    listed = ", ".join(f"{name} ({n:,} numbers)" for name, n in parts.items())
    told = f"begins with step {start.step:,} of {start.run.path}: {listed}"
    told += f"; new: {', '.join(new) or 'nothing'}" + (f"; left there: {', '.join(left)}" if left else "")
    if config.train.tune != "full":
        facts["n_trained"] = taken.n_trained
        told += f"; --tune {config.train.tune} trains {taken.n_trained:,} of {taken.n_all:,} numbers"
    return facts, told


def parts_of(tensors: dict[str, Tensor]) -> dict[str, int]:
    """Numbers in each part of a model: embedding, backbone, the head over the vocabulary, and the heads by name."""
    found: dict[str, int] = {}
    for name, tensor in tensors.items():
        part, _, inner = name.partition(".")
        part = f"head {inner.split('.')[0]}" if part == "heads" else part.replace("_", " ")
        found[part] = found.get(part, 0) + tensor.numel()
    return found


def put_start(model: Network, path: Path) -> set[str]:
    """Give a new model the weights that its run began with; their names. Raises Damaged where they are not of this
    model."""
    tensors, own = read_tensors(path), model.state_dict()
    wrong = [
        f"{name} {tuple(tensor.shape)}"
        for name, tensor in tensors.items()
        if name not in own or own[name].shape != tensor.shape
    ]
    if wrong:
        raise Damaged(f"these are no tensors of this model: {', '.join(wrong)}", where=str(path))
    for name, tensor in tensors.items():
        own[name].copy_(tensor)
    return set(tensors)
