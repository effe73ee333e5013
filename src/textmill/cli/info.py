"""`textmill info RUN`: what a run is. Room: cli/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textmill.cli.output import Shell, on_one_line, table
from textmill.cli.run_argument import run_argument
from textmill.cli.scores import titles_of
from textmill.cli.verb import verb

if TYPE_CHECKING:
    from textmill.results import Info
    from textmill.runs import Run


@verb(
    "info",
    examples=(
        "textmill info runs/novel          model, data, seed, versions, numbers",
        "textmill info runs/novel --json",
    ),
)
@run_argument
def info_command(shell: Shell, run: Run) -> None:
    """Say what RUN is: model, tokenizer, text, numbers, and what it was made with."""
    shell.show(run.summary(), info_text)


KINDS = {"ngram": "n-gram: counts, no training steps"}
TITLES = {
    "n_documents": "documents",
    "n_tokens": "tokens",
    "n_bytes": "bytes",
    "n_chars": "characters",
    "by_blocks": "split",
    "duplicates": "repeats",
    "ledger": "bytes by use",
    "loss": "nats per token",
    "bpb": "bits per byte",
    "bpc": "bits per character",
    "n_masked": "hidden tokens",
    "vocab_size": "vocabulary",
    "time": "time spent",
    "bytes_to_load": "memory to load",
    "bytes_to_train": "memory to train, activations not counted",
    "why": "safe, because",
}


def loss_title(metrics: Mapping[str, Any]) -> dict[str, str]:
    """What the loss of a run is counted over, where that is no token."""
    return {"loss": titles_of(metrics)["loss"]}


def info_text(info: Info) -> str:
    steps = f", step {info.step:,}" + (f" of {info.steps:,}" if info.steps else "") if info.kind == "network" else ""
    kind = f"{info.kind}, {info.arch}" if info.kind != info.arch else KINDS.get(info.kind, info.kind)
    rows = [["run", info.run], ["kind", kind], ["status", info.status + steps]]
    for part, facts in (
        ("parameters", info.n_parameters),
        ("tokenizer", info.tokenizer),
        ("data", info.data),
        ("numbers", info.metrics),
        ("made", info.made),
        ("origin", info.origin),
    ):
        for name, value in facts.items():
            lines = [line for line in value if line] if isinstance(value, list) else [value]
            if name == "files":  # a ledger each: for --json
                lines = [f"{len(lines):,} (each with its ledger: --json)"]
            titles = TITLES | loss_title(facts)
            title = titles.get(name, name.replace("_", " "))
            label = f"{part}: {title}"
            words = [text for line in lines if (text := fact(name, line))]
            rows += [[label if place == 0 else "", text] for place, text in enumerate(words)]
    return table(rows)


def fact(name: str, value: Any) -> str:
    """A fact of a run in words, with its unit; "" for one that is not known."""
    from textmill.report.numbers import SHARES, duration, share, shown, size
    from textmill.report.words import Words
    from textmill.text.wording import counted

    if name == "languages" and isinstance(value, dict):
        return ", ".join(f"{language} {share(part)}" for language, part in value.items() if part)
    if name == "duplicates" and isinstance(value, dict):
        n_documents = counted(value.get("n_documents", 0), "document")
        return f"{value.get('exact', 0):,} exact, {value.get('normalised', 0):,} after normalisation, of {n_documents}"
    if name == "by_blocks":
        return "one document, cut into contiguous blocks" if value else "by whole documents"
    if name == "time" and isinstance(value, dict):
        return ", ".join(f"{work} {duration(seconds, Words('en'))}" for work, seconds in value.items())
    if isinstance(value, dict):
        parts = {key: fact(key, part) for key, part in value.items()}
        return ", ".join(f"{TITLES.get(key, key.replace('_', ' '))} {part}" for key, part in parts.items() if part)
    if isinstance(value, list):
        return ", ".join(fact(name, part) for part in value)
    if isinstance(value, float):
        return f"{value:,.0f}" if value == int(value) and name not in SHARES else shown(name, value)
    if value is None or isinstance(value, bool):
        return "" if value is None else "yes" if value else "no"
    if name.startswith("bytes_to_"):
        return size(value)
    if isinstance(value, int):
        return str(value) if name == "seed" else f"{value:,}"
    return on_one_line(str(value))
