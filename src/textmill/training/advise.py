"""What `look` says: the facts of text/, the findings of the task, and the command to run next. Room: training/."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from textmill.config import DataConfig
from textmill.results import Look
from textmill.tables import TASKS, load
from textmill.text import look as facts_of
from textmill.text import look_against, plan_split


def look(data: DataConfig, task: str = "lm", against: Sequence[str] = ()) -> Look:
    """See what a text holds, what would be dropped, and what to do next. Raises InputError.

    against: files or folders of a test set, to be searched for in the training text.
    """
    plan = plan_split(data, tell_languages=True)
    facts = facts_of(data, plan)
    findings = load(TASKS[task])().findings(plan.documents("train"))
    return facts.model_copy(
        update={"notes": [*facts.notes, *findings], "suggestion": suggestion_for(data)}
        | ({"against": look_against(plan, against, data)} if against else {})
    )


def suggestion_for(data: DataConfig) -> str:
    """The training command that takes this text as `look` took it."""
    said = [
        f"--data.{key} {shlex.quote(str(value))}"
        for key, value in data.model_dump(exclude_defaults=True).items()
        if key not in ("paths", "valid", "test") and not isinstance(value, (tuple, bool))
    ]
    paths = [shlex.quote(path) for path in data.paths]
    return " ".join(["textmill train", *paths, *said])
