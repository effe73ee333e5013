"""Runs with random weights, made without training: what is exported need not be learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from textmill.config.layers import load_config
from textmill.models import build_model
from textmill.runs import Checkpoint, Run
from textmill.tables import TASK_FORMS
from textmill.tokens import Tokenizer

ENGLISH = "the wheel of the mill turned, and the miller's song turned with it. naïve café 1984 😀\n"
CHINESE = "水车转动，磨坊在河边。水车转动。\n"
TEXT = (ENGLISH + CHINESE) * 4
CLASSES = ["bad", "好"]
DECIDED = {
    "train.steps": "2",
    "train.warmup_steps": "0",
    "train.eval_every": "1",
    "train.save_every": "1",
    "train.batch": "2",
    "train.optimizer": "adamw",
    "train.lr": "0.001",
    "train.weight_decay": "0",
    "train.precision": "float32",
    "train.order": "shuffle",
    "model.dropout": "0",
}
SMALL = {"model.n_layers": "2", "model.d_model": "16", "model.seq_len": "40"}


def made_run(
    folder: Path, arch: str = "transformer", preset: str = "", task: str = "lm", seed: int = 3, **said: str
) -> Run:
    """A finished run of two layers. said: more knobs, section__name="value". Zeros and ones would hide a forgotten
    tensor: every weight is drawn."""
    knobs = DECIDED | SMALL | {"model.arch": arch, "task.name": task, "data.paths": "none.txt"}
    if arch == "transformer":
        knobs |= {"model.n_heads": "4", "model.preset": preset or "modern"}
    knobs |= {name.replace("__", ".", 1): value for name, value in said.items()}
    knobs.setdefault("tokens.kind", "bpe")
    config = load_config(knobs).config
    n_ids = config.tokens.vocab_size or 300
    tokenizer = Tokenizer.train(config.tokens.kind, [TEXT], None if config.tokens.kind == "bytes" else n_ids, seed=1)
    form, heads = TASK_FORMS[task], heads_of(task, tokenizer)
    model = build_model(config.model, tokenizer.vocab_size, form, heads)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(mean=1.0 if name.endswith("norm.weight") else 0.0, std=0.25, generator=generator)
    info = {
        "kind": "network",
        "form": form,
        "heads": {name: dict(told) for name, told in heads.items()},
        "finished": True,
        "data": {"prepared": "none", "fingerprint": "none", "paths": ["none.txt"], "languages": {"en": 0.6, "zh": 0.4}},
        "sample_prompt": "the",
    }
    run = Run.create(folder, config, info, tokenizer)
    run.save(Checkpoint(2, dict(model.state_dict())), best=True, valid_loss=1.0)
    return run


def heads_of(task: str, tokenizer: Tokenizer) -> Mapping[str, Mapping[str, Any]]:
    if task == "classify":
        return {"classify": {"classes": CLASSES, "several": False}}
    if task == "answer":
        return {"span": {"longest": 8, "typed": True}}
    return {"mask": {"vocab_size": tokenizer.vocab_size}} if task == "mask" else {}
