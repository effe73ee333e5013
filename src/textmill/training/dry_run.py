"""What training would do and cost, before anything is written: the plan behind -n. Room: training/.

Costs are estimates ("about"): a vocabulary is learned from the start of the training text, and its tokens per byte are
taken for the whole; FLOPs and memory are models/cost.py's, so activations and the text itself are left out of memory.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from textmill.config import Config, TransformerConfig
from textmill.config.layers import Loaded, merge_for_resume
from textmill.errors import ConfigError
from textmill.models.cost import flops_per_token, memory_bytes, parameters
from textmill.results import Plan
from textmill.runs import Run, device_named
from textmill.text import plan_split
from textmill.tokens.amount import tokens_about, too_little, with_tokens_chosen
from textmill.training.defaults import decide, decide_steps
from textmill.training.session import default_name, sampler_of

CHECKPOINTS_KEPT = 3  # the last two and the best


def plan_run(loaded: Loaded) -> Plan:
    """What `train` would do, without writing anything. Raises as train does."""
    config = loaded.config
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
    text = plan_split(config.data)
    config, reason = with_tokens_chosen(config, text, text.languages)
    n_tokens, vocab_size = tokens_about(config, text)
    if refused := too_little(n_tokens, config.data.paths):
        raise refused
    n_rows = max(1, math.ceil(n_tokens / config.model.seq_len))
    config, notes = decide(config, n_tokens, n_rows)
    config, step_notes = decide_steps(config, n_tokens, sampler_of(config, n_rows).steps_per_epoch)
    facts = {
        "task": config.task.name,
        "arch": config.model.arch,
        **({"preset": config.model.preset} if isinstance(config.model, TransformerConfig) else {}),
        "size": config.model.size,
        "n_documents": text.n_documents,
        "bytes": text.ledger.total,
        "tokenizer": config.tokens.kind,
        "vocab_size_about": vocab_size,
        "train_tokens_about": n_tokens,
        "backbone_parameters": parameters(config.model, vocab_size).backbone,
        "seq_len": config.model.seq_len,
        "dropout": config.model.dropout,
        "steps": config.train.steps,
        "batch": config.train.batch,
        "order": config.train.order,
        "optimizer": config.train.optimizer,
        "lr": config.train.lr,
        "device": device_named(config.machine.device),
        "cost_about": cost_about(config, n_tokens, vocab_size),
        "notes": [*text.notes, *([reason] if reason else []), *notes, *step_notes],
    }
    return Plan(verb="train", run=str(folder), writes=writes, plan=facts)


def cost_about(config: Config, n_tokens: int, vocab_size: int) -> dict[str, float | int]:
    """Passes over the text, FLOPs of all updates, bytes held (without activations) and bytes left on disk."""
    train = config.train
    n_seen = (train.steps or 0) * (train.batch or 0) * train.accumulate * config.model.seq_len
    memory = memory_bytes(config.model, vocab_size, train.optimizer)
    token_bytes = 2 if vocab_size <= 1 << 16 else 4
    return {
        "passes": n_seen / n_tokens,
        "flops": float(n_seen * flops_per_token(config.model, vocab_size)),
        "memory_bytes": sum(memory.values()),
        "disk_bytes": CHECKPOINTS_KEPT * (memory["weights"] + memory["optimizer"]) + token_bytes * n_tokens,
    }
