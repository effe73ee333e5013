"""The adapters of a run -> adapter_config.json and adapter_model.safetensors, as peft reads them. Room: hub/.

Called by export. The names are those of the stock class of the base (hub/families.py); where theirs joins several of
our matrices, as GPT-2 joins query, key and value, their adapters become one of as many times the rank:
    (W_q; W_k; W_v) + scale · diag(B_q, B_k, B_v) (A_q; A_k; A_v)
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from textmill.config.model import TransformerConfig
from textmill.errors import ConfigError, RunError
from textmill.files import new_folder, write_json
from textmill.hub.config_json import family_of
from textmill.hub.families import Place, halves_exchanged, listed, places_of
from textmill.models.adapters import ADAPTERS, Lora
from textmill.runs import Run

PREFIX = "base_model.model."
TASK_TYPES = {"decoder": "CAUSAL_LM", "encoder-decoder": "SEQ_2_SEQ_LM"}
"""Form -> what peft calls a model of it; others are not named."""


def write_peft(run: Run, out: Path, checkpoint: str | int | None = None) -> Path:
    """Write the adapters of a run of --tune lora into a new folder, whole or not at all; the folder.

    base_model_name_or_path is the run that it began from: as transformers' stock class, or exported to it. Raises as
    peft_files does, and RunError where there is something already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError("there is something here already", where=str(out), hint="Name a new folder.")
    tensors, settings = peft_files(run, str(run.config.model.start), checkpoint)
    with new_folder(out) as temporary:
        put_files(temporary, tensors, settings)
    return out


def put_files(folder: Path, tensors: dict[str, Tensor], settings: dict[str, Any]) -> None:
    """adapter_model.safetensors and adapter_config.json."""
    safetensors.torch.save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    write_json(folder / "adapter_config.json", settings)
    shutil.copymode(folder / "adapter_config.json", folder / "adapter_model.safetensors")


def peft_files(run: Run, base: str, checkpoint: str | int | None = None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(adapter_model.safetensors, adapter_config.json) of a run of --tune lora. base: the model that they are for.

    New heads stand beside the adapters, under modules_to_save. checkpoint: default as the run names it. Raises RunError
    for a run without adapters, ConfigError where no stock class is as the model.
    """
    train, config = run.config.train, run.config.model
    if run.kind != "network" or train.tune != "lora":
        raise RunError(
            "this run has no adapters: it was not trained with --tune lora",
            where=str(run.path),
            hint="Its weights leave whole: textmill export",
        )
    family = family_of(config, str(run.info["form"]))
    assert isinstance(config, TransformerConfig), "family_of knows Transformers alone"
    saved = run.load(checkpoint if checkpoint is not None else run.default_checkpoint)
    tensors = {name: tensor.detach().cpu() for name, tensor in (saved.average or saved.model).items()}
    own_sources = run.tokenizer.source_vocab_size is not None
    lora, left = Lora.of(train), dict(tensors)
    written: dict[str, Tensor] = {}
    ranks: dict[str, int] = {}
    whole: list[str] = []
    is_transposed = False
    for place in places_of(family, config, dict(run.info["heads"] or {}), own_sources):
        module = place.theirs.removesuffix(".weight")
        pair = joined(place, left, config, lora)
        if pair is not None:
            written[f"{PREFIX}{module}.lora_A.weight"], written[f"{PREFIX}{module}.lora_B.weight"] = pair
            ranks[module] = len(pair[0])
            is_transposed = is_transposed or place.lies == "transposed"
        elif all(name in left for name in place.ours):
            if len(place.ours) > 1 or place.lies != "same":
                continue  # told below, as what is left
            written[f"{PREFIX}{place.theirs}"] = left.pop(place.ours[0]).contiguous()
            whole.append(place.theirs.rpartition(".")[0])
    if left:
        raise ConfigError(
            f"the stock class of {family} has no place for {listed(sorted(left))}",
            where=str(run.path),
            hint="Export the whole model to another format, or tune without a head that is ours alone.",
        )
    settings: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": TASK_TYPES.get(str(run.info["form"])),
        "base_model_name_or_path": base,
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "target_modules": sorted(ranks),
        # Of joined matrices: as many times the rank, and alpha, so that their quotient stays.
        "rank_pattern": {module: rank for module, rank in ranks.items() if rank != lora.rank},
        "alpha_pattern": {module: lora.alpha * rank / lora.rank for module, rank in ranks.items() if rank != lora.rank},
        "fan_in_fan_out": is_transposed,
        "modules_to_save": sorted(set(whole)) or None,
        "bias": "none",
        "inference_mode": True,
        "init_lora_weights": True,
    }
    return written, settings


def joined(
    place: Place, tensors: dict[str, Tensor], config: TransformerConfig, lora: Lora
) -> tuple[Tensor, Tensor] | None:
    """A and B of one of their matrices, out of the adapters of ours, which are taken from the tensors; None where none
    of ours has one."""
    adapters = []
    for name in place.ours:
        outer, _, inner = name.rpartition(".")
        begin = f"{outer}.{ADAPTERS}.{inner}"
        adapters.append((tensors.pop(f"{begin}.a", None), tensors.pop(f"{begin}.b", None)))
    there = [(a, b) for a, b in adapters if a is not None and b is not None]
    if not there:
        return None
    first = torch.cat([a for a, _ in there])
    rows = []
    before = 0
    widths = [config.n_heads * config.head_width, *[config.kv_heads * config.head_width] * 2]
    for number, (_, b) in enumerate(adapters):
        n_out = widths[number] if b is None else len(b)
        row = first.new_zeros(n_out, len(first))
        if b is not None:
            row[:, before : before + lora.rank] = b
            before += lora.rank
        rows.append(row)
    second = torch.cat(rows)
    if place.lies == "halves":
        second = halves_exchanged(second, config.head_width)
    return first.contiguous(), second.contiguous()
