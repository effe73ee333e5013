"""What -n prints: the plan and its files. Room: cli/."""

from __future__ import annotations

from textmill.cli.output import table
from textmill.results import Plan


def plan_text(plan: Plan) -> str:
    rows = [["would run", plan.verb + (f" -> {plan.run}" if plan.run else "")]]
    for name, value in (plan.plan | {"would write": plan.writes}).items():
        lines = [_words(part) for part in value] if isinstance(value, list | tuple) else [_words(value)]
        rows += [[name.replace("_", " ") if place == 0 else "", line] for place, line in enumerate(lines)]
    return table(rows) + "\nnothing was written"


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_words(part) for part in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else "–" if value is None else str(value)
