"""What `look` says: the facts of text/, the findings of the task, and the command to run next. Room: training/."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from textmill.config import Config, DataConfig
from textmill.config.knobs import all_knobs
from textmill.config.layers import load_config
from textmill.errors import ConfigError, TooLittleText
from textmill.messages import record_of
from textmill.results import Look
from textmill.tables import FINDINGS, load
from textmill.text import SplitPlan, look_against, plan_split
from textmill.text import look as facts_of
from textmill.tokens.amount import tokens_about, too_little, with_tokens_chosen

SMALL_BYTES = 10_000  # below this, tokens are counted to tell whether they are enough to train on

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def look(
    data: DataConfig | Paths, task: str = "lm", against: Sequence[str] = (), sample: str | None = None, **knobs: Any
) -> Look:
    """See what a text holds, what would be dropped, and what to do next.

    data: a path, several, or a DataConfig. knobs: of [data], as in look("novel.txt", unit="line").
    against: files or folders of a test set, to be searched for in the training text.
    sample: about how much to read, such as "200MB" or "5%", spread over all of it; the suggestion is for the whole.
    Raises ConfigError, InputError.
    """
    data = data_of(data, knobs)
    plan = plan_split(data, tell_languages=True, sample=sample)
    facts = facts_of(data, plan)
    findings = load(FINDINGS[task])(plan.documents("train")) if task in FINDINGS else []
    refused = refusal_of_training(data, plan)
    if refused is not None:
        findings = [*findings, f"Training would be refused: {refused.message}. {refused.hint}"]
    suggestion = "" if refused else suggestion_for(data)
    notes = [*facts.notes, *findings]
    found: dict[str, Any] = {"notes": notes, "messages": record_of(notes), "suggestion": suggestion}
    if against:
        found["against"] = look_against(plan, against, data)
    return facts.model_copy(update=found)


def data_of(data: DataConfig | Paths, knobs: dict[str, Any]) -> DataConfig:
    """[data] of a call from Python. Raises ConfigError without a path, and for a knob that there is not."""
    if isinstance(data, DataConfig):
        return Config(data=data.model_dump(exclude_unset=True) | knobs).data if knobs else data
    found = Config(data={"paths": data, **knobs}).data
    if not found.paths:
        raise ConfigError("no text was named", hint='Name a file or folder: textmill.look("novel.txt")')
    return found


def refusal_of_training(data: DataConfig, plan: SplitPlan) -> TooLittleText | None:
    """What training would say of a text that is too short for it; None where it would begin, or a part was read."""
    if plan.sample or plan.ledger.total.get("train", 0) >= SMALL_BYTES:
        return None
    config, _ = with_tokens_chosen(Config(data=data), plan, plan.languages)
    n_tokens, _ = tokens_about(config, plan)
    return too_little(n_tokens, data.paths)


def suggestion_for(data: DataConfig) -> str:
    """The training command that takes this text as `look` took it, in the command line's own syntax.

    A key is said where its value is not the default, or where textmill.toml here says another one.
    """
    unsaid = load_config({}).config.data
    words = [as_argument(path) for path in dict.fromkeys(data.paths)]
    for key, value in data.model_dump(exclude={"paths"}).items():
        if value != DataConfig.model_fields[key].default or value != getattr(unsaid, key):
            words += flags_for(key, value)
    return " ".join(["textmill train", *map(shlex.quote, words)])


def as_argument(path: str) -> str:
    """A path that is no option: `-dash.txt` becomes `./-dash.txt`; `-` is standard input."""
    return f"./{path}" if path.startswith("-") and path != "-" else path


def flags_for(key: str, value: Any) -> Iterator[str]:
    """The words that say a knob of [data]: its short flag where it has one, else --data.KEY.

    A list is said word by word; a single word after a long form is cut at commas but for those behind a backslash.
    """
    knob = all_knobs()[f"data.{key}"]
    name = knob.flag or f"--{knob.key}"
    if knob.kind is bool and knob.flag:
        yield name if value else f"--no-{name.lstrip('-')}"
    elif knob.repeated:
        for item in value:
            yield from (name, item if knob.flag or len(value) > 1 else item.replace(",", "\\,"))
    else:
        yield from (name, str(value).lower() if isinstance(value, bool) else str(value))
