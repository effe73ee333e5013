"""What -n prints: the plan and its files. Room: cli/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textmill.cli.output import Shell, table

if TYPE_CHECKING:
    from textmill.results import Plan

TITLES = {
    "vocab_size_about": "vocabulary about",
    "source_vocab_size_about": "vocabulary of sources about",
    "n_documents": "documents",
    "memory_bytes": "memory",
    "memory": "memory there is",
    "disk_bytes": "disk",
}


def show_plan(shell: Shell, **plan: Any) -> None:
    """The plan of a verb that makes its own. plan: the fields of results.Plan."""
    from textmill.results import Plan

    shell.show(Plan(**plan), plan_text)


def plan_text(plan: Plan) -> str:
    rows = [["would run", plan.verb + (f" -> {plan.run}" if plan.run else "")]]
    for name, value in (plan.plan | {"would write": plan.writes}).items():
        lines = [_words(part) for part in value] if isinstance(value, list | tuple) else [_words(value, name)]
        rows += [[_title(name) if place == 0 else "", line] for place, line in enumerate(lines)]
    return table(rows) + "\nnothing was written"


def _title(name: str) -> str:
    return TITLES.get(name, name.replace("_", " "))


def _words(value: object, name: str = "") -> str:
    from textmill.report.numbers import size

    if isinstance(value, dict):
        return ", ".join(f"{_title(key)} {_words(part, key)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_words(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return size(value) if name.endswith("_bytes") else f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else "–" if value is None else str(value)
