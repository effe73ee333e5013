"""What training would do and cost, before anything is written: the plan behind -n. Room: training/.

Costs are estimates ("about"): a vocabulary is learned from the start of the training text, and its tokens per byte are
taken for the whole; FLOPs and memory are models/cost.py's. Raises as training does where memory is too small.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from textmill.config import Config, TransformerConfig
from textmill.config.layers import Loaded, merge_for_resume
from textmill.errors import ConfigError
from textmill.models.adapters import numbers_of_tuning
from textmill.models.cost import flops_per_token, memory_bytes, parameters
from textmill.results import Plan
from textmill.runs import Run, device_named
from textmill.tables import TASK_FORMS
from textmill.text import plan_split
from textmill.tokens.amount import tokens_about, too_little, with_tokens_chosen
from textmill.training.budget import CALIBRATION_SHARE
from textmill.training.compiling import WARNING
from textmill.training.defaults import decide, decide_steps
from textmill.training.fitting import Facts, fitted, needed, room_on
from textmill.training.naming import default_name
from textmill.training.pretraining import SUFFIX
from textmill.training.spending import candidates_told, has_budget, open_precisions, open_sizes, with_length
from textmill.training.starting import started
from textmill.training.teaching import Teaching, memory_of, taught
from textmill.training.teaching import facts_of as teacher_facts

CHECKPOINTS_KEPT = 3  # the last two and the best


def plan_run(loaded: Loaded) -> Plan:
    """What `train` would do, without writing anything. Raises as train does."""
    config, told = with_length(loaded.config)
    if not config.data.paths:
        raise ConfigError("no text was named", hint="Name a file or folder: textmill train PATH")
    if "-" in config.data.paths:
        raise ConfigError("-n cannot look ahead into standard input", hint="Name a file instead of -.")
    name = config.run.name or default_name(config.data.paths[0])
    device_named(config.machine.device)
    folder = Path(config.run.dir) / name
    writes = [str(folder), str(Path(config.run.dir) / ".data")]
    if (folder / "run.json").is_file():
        run = Run.open(folder)
        merged, warnings = merge_for_resume(run.config, loaded)
        device_named(merged.machine.device)
        facts: dict[str, Any] = {"continues_at_step": run.step, "steps": merged.train.steps, "warnings": warnings}
        return Plan(verb="train", run=str(folder), writes=writes, plan=facts)
    begins: dict[str, str] = {}
    tokenizer_of = None
    if config.train.pretrain:
        begins["first"] = f"{name}{SUFFIX}: hidden words of {', '.join(config.train.pretrain)}"
        writes.insert(0, f"{folder}{SUFFIX}")
    loaded, start = started(loaded)
    if start is not None:
        (config, told), tokenizer_of = with_length(loaded.config), start.run.tokenizer
        begins["begins_with"] = f"step {start.step:,} of {start.run.path}"
    loaded, teaching = taught(loaded, start)
    if teaching is not None:
        (config, told), tokenizer_of = with_length(loaded.config), teaching.run.tokenizer
        begins["learns_from"] = f"step {teaching.step:,} of {teaching.run.path}"
    text = plan_split(config.data)
    config, reason = with_tokens_chosen(config, text, text.languages)
    n_tokens, tokenizer = tokens_about(config, text, tokenizer_of)
    if refused := too_little(n_tokens, config.data.paths):
        raise refused
    n_rows = max(1, math.ceil(n_tokens / config.model.seq_len))
    budget = budget_facts(config, loaded.said) if has_budget(config) else None
    config, notes = decide(config, n_tokens, n_rows, text.n_documents.get("train", 0))
    device = device_named(config.machine.device)
    room, about = room_on(device, config.machine.threads or 1), Facts.of(tokenizer, device, n_rows)
    if teaching is not None:
        about = replace(about, teacher_bytes=memory_of(teaching, config))
    config, made_smaller = fitted(config, about, room)
    if budget is None:
        config = decide_steps(config, -(-n_rows // ((config.train.batch or 1) * config.train.accumulate)))
    facts = {
        "task": config.task.name,
        "arch": config.model.arch,
        **({"preset": config.model.preset} if isinstance(config.model, TransformerConfig) else {}),
        **({} if begins else {"size": config.model.size}),  # else it is the other model's
        **begins,
        "n_documents": text.n_documents,
        "bytes": text.ledger.total,
        "tokenizer": config.tokens.kind,
        "vocab_size_about": tokenizer.vocab_size,
        **({} if tokenizer.source_vocab_size is None else {"source_vocab_size_about": tokenizer.source_vocab_size}),
        "train_tokens_about": n_tokens,
        "backbone_parameters": parameters(config.model, tokenizer.vocab_size, TASK_FORMS[config.task.name]).backbone,
        "seq_len": config.model.seq_len,
        "dropout": config.model.dropout,
        **({"steps": config.train.steps} if budget is None else budget),
        "batch": config.train.batch,
        "accumulate": config.train.accumulate,
        "order": config.train.order,
        "optimizer": config.train.optimizer,
        "lr": config.train.lr,
        "device": device,
        "cost_about": cost_about(config, n_tokens, about, teaching),
        "memory": str(room),
        "notes": [
            *text.notes,
            *([reason] if reason else []),
            *notes,
            *made_smaller,
            *told,
            *([WARNING] if config.train.compile else []),
        ],
    }
    return Plan(verb="train", run=str(folder), writes=writes, plan=facts)


def budget_facts(config: Config, said: Collection[str]) -> dict[str, Any]:
    """What is known of a budget before this machine is measured."""
    minutes = config.train.minutes or 0.0
    tried = candidates_told(open_sizes(config, said), open_precisions(config))
    return {
        "minutes": minutes,
        "would_calibrate": f"{tried}, for {CALIBRATION_SHARE * 60 * minutes:.3g} s at most",
        "steps": "chosen by what is measured, and written to config.toml",
    }


def cost_about(config: Config, n_tokens: int, facts: Facts, teaching: Teaching | None = None) -> dict[str, float | int]:
    """Passes over the text and FLOPs of all updates, where their number is known; bytes held at most, and bytes left
    on disk."""
    train, vocab_size = config.train, facts.vocab_size
    n_seen = (train.steps or 0) * (train.batch or 0) * train.accumulate * config.model.seq_len
    form = TASK_FORMS[config.task.name]
    trained = numbers_of_tuning(config.model, train, vocab_size, form, facts.source_vocab_size)
    flops = float(n_seen * flops_per_token(config.model, vocab_size, form=form, trained=trained))
    if teaching is not None:
        told = teacher_facts(teaching, config, facts.n_rows)
        flops += min(n_seen, n_tokens) * teaching.flops if told["keeps"] else n_seen * teaching.flops
    memory = memory_bytes(
        config.model, vocab_size, train.optimizer, form=form, source_vocab_size=facts.source_vocab_size, trained=trained
    )
    saved = memory["weights"] if trained is None else memory["gradients"]
    run = {"passes": n_seen / n_tokens, "flops": flops}
    token_bytes = 2 if max(vocab_size, facts.source_vocab_size or 0) <= 1 << 16 else 4
    return {
        **(run if train.steps is not None else {}),
        "memory_bytes": needed(config, facts)["total"],
        "disk_bytes": CHECKPOINTS_KEPT * (saved + memory["optimizer"]) + token_bytes * n_tokens,
    }
