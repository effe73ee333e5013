"""Text as ids ahead of training, in RUNS/.data, where every run of that text finds it. Room: training/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textmill.config import Config
from textmill.config.layers import Loaded
from textmill.errors import ConfigError
from textmill.results import Plan, PreparedText
from textmill.tasks.prepare import fingerprint_of
from textmill.text import plan_split
from textmill.tokens.amount import tokens_about, too_little, with_tokens_chosen
from textmill.training.advise import training_command
from textmill.training.naming import as_said, with_kept_stdin
from textmill.training.progress import Listener, Quiet
from textmill.training.session import prepared_text
from textmill.training.signals import watch_signals


def prepare_ahead(wanted: Loaded | Config, listener: Listener | None = None) -> PreparedText:
    """Prepare a text as `train` would before its first step, and stop there.

    What is prepared already is verified, every byte of it, and used again. Raises ConfigError, InputError,
    TooLittleText, NoSpace, Damaged; Interrupted on a signal: nothing half-made stays.
    """
    with watch_signals():
        config = with_kept_stdin(named(wanted))
        runs = Path(config.run.dir)
        plan = plan_split(config.data)
        decided, _ = with_tokens_chosen(config, plan, plan.languages)
        folder = runs / ".data" / fingerprint_of(decided, plan)
        reused = (folder / "ledger.json").is_file()
        prepared, _ = prepared_text(config, runs, listener or Quiet(), plan)
    stores, tokenizer = prepared.stores, prepared.tokenizer
    return PreparedText(
        folder=str(prepared.path),
        reused=reused,
        tokenizer={"kind": tokenizer.kind, "vocab_size": tokenizer.vocab_size, "note": tokenizer.note},
        n_documents=prepared.ledger["n_documents"],
        n_tokens={name: store.n_tokens for name, store in stores.items()},
        n_bytes={name: store.n_bytes for name, store in stores.items()},
        ledger=prepared.ledger["ledger"],
        notes=prepared.ledger["notes"],
        next=[training_command({"data": config.data, "task": config.task, "tokens": config.tokens, "run": config.run})],
    )


def plan_preparation(wanted: Loaded | Config) -> Plan:
    """What prepare_ahead would do, without writing anything. Raises as it does."""
    config = named(wanted)
    if "-" in config.data.paths:
        raise ConfigError("-n cannot look ahead into standard input", hint="Name a file instead of -.")
    plan = plan_split(config.data)
    decided, reason = with_tokens_chosen(config, plan, plan.languages)
    n_tokens, tokenizer = tokens_about(decided, plan)
    if refused := too_little(n_tokens, config.data.paths):
        raise refused
    folder = Path(config.run.dir) / ".data" / fingerprint_of(decided, plan)
    facts: dict[str, Any] = {
        "n_documents": plan.n_documents,
        "bytes": plan.ledger.total,
        "tokenizer": decided.tokens.kind,
        "vocab_size_about": tokenizer.vocab_size,
        **({} if tokenizer.source_vocab_size is None else {"source_vocab_size_about": tokenizer.source_vocab_size}),
        "train_tokens_about": n_tokens,
        "is_there_already": (folder / "ledger.json").is_file(),
        "notes": [*plan.notes, *([reason] if reason else [])],
    }
    return Plan(verb="prepare", run=None, writes=[str(folder)], plan=facts)


def named(wanted: Loaded | Config) -> Config:
    """The config, which names a text. Raises ConfigError where it does not."""
    config = (wanted if isinstance(wanted, Loaded) else as_said(wanted)).config
    if not config.data.paths:
        raise ConfigError("no text was named", hint="Name a file or folder: textmill prepare PATH")
    return config
