"""`textmill info RUN`: what a run is. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textmill.cli.output import Shell, on_one_line, table
from textmill.cli.run_argument import run_argument
from textmill.cli.verb import verb
from textmill.results import Info

if TYPE_CHECKING:
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


def info_text(info: Info) -> str:
    steps = f"{info.step:,}" + (f" of {info.steps:,}" if info.steps else "")
    rows = [["run", info.run], ["kind", f"{info.kind}, {info.arch}"], ["status", f"{info.status}, step {steps}"]]
    for title, part in (
        ("parameters", info.n_parameters),
        ("tokenizer", info.tokenizer),
        ("data", info.data),
        ("numbers", info.metrics),
        ("made", info.made),
    ):
        for name, value in part.items():
            lines = [line for line in value if line] if isinstance(value, list) else [value]
            if name == "files":  # a ledger each: for --json
                lines = [f"{len(lines):,} (each with its ledger: --json)"]
            label = f"{title}: {name.replace('_', ' ')}"
            rows += [[label if place == 0 else "", _words(line)] for place, line in enumerate(lines) if _words(line)]
    return table(rows)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        parts = {name: _words(part) for name, part in value.items()}
        return ", ".join(f"{name} {part}" for name, part in parts.items() if part)
    if isinstance(value, list):
        return ", ".join(_words(part) for part in value)
    if isinstance(value, float):
        return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
    if value is None or isinstance(value, bool):
        return "" if value is None else "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else on_one_line(str(value))
