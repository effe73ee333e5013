"""What `look` says: the facts of text/, the findings of the task, and the command to run next. Room: training/."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from textmill.config import Config, DataConfig, TaskConfig
from textmill.config.knobs import all_knobs
from textmill.config.layers import load_config
from textmill.errors import ConfigError, TooLittleText
from textmill.messages import message, record_of
from textmill.results import Look
from textmill.tables import FINDINGS, TASKS_OF_CONVERSATIONS, load
from textmill.text import SplitPlan, look_against, plan_split
from textmill.text import look as facts_of
from textmill.text.removals import refuse_place, write_removals
from textmill.tokens.amount import tokens_about, too_little, with_tokens_chosen

if TYPE_CHECKING:
    from textmill.tokens import Tokenizer

SMALL_BYTES = 10_000  # below this, tokens are counted to tell whether they are enough to train on

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def look(
    data: DataConfig | Paths,
    task: str = "lm",
    against: Sequence[str] = (),
    sample: str | None = None,
    leaks: bool = False,
    mistakes: bool | str | os.PathLike[str] = False,
    tokens: bool | Mapping[str, Tokenizer] = False,
    removed: str | os.PathLike[str] | None = None,
    **knobs: Any,
) -> Look:
    """See what a text holds, what would be dropped, and what to do next.

    data: a path, several, or a DataConfig. knobs: of [data], as in look("novel.txt", unit="line").
    against: files or folders of a test set, to be searched for in the training text.
    sample: about how much to read, such as "200MB" or "5%", spread over all of it; the suggestion is for the whole.
    leaks: measure what a naive split would hide. mistakes: look for likely label mistakes; the name of a new .csv or
    .jsonl: and write them all down there. tokens: count what tokenizers spend; also of runs, {name: tokenizer}.
    removed: a new file for all that cleaning took out; nothing else is ever written.
    Raises ConfigError, InputError.
    """
    data = data_of(data, knobs, task)
    if sample and leaks:
        raise ConfigError(
            "a sample is not split",
            where="--sample",
            hint="Leave out --sample, or --leaks, which draws its own.",
        )
    into = Path(mistakes) if isinstance(mistakes, str | os.PathLike) else None
    if mistakes:
        refuse_mistakes(task, into, (*data.paths, *data.valid, *data.test), sample)
    refuse_part_of_removals(sample, removed)
    if removed is not None:
        refuse_place(Path(removed), (*data.paths, *data.valid, *data.test))
    plan = plan_split(data, tell_languages=True, split_twice=leaks, sample=sample)
    facts = facts_of(data, plan)
    findings = load(FINDINGS[task])(plan.documents("train")) if task in FINDINGS else []
    refused = refusal_of_training(data, plan, task)
    if refused is not None:
        why = message("Training would be refused: %(why)s. %(hint)s", why=refused.message, hint=refused.hint)
        findings = [*findings, why]
    notes = [*facts.notes, *findings]
    suggestion = "" if refused else training_command({"data": data, "task": TaskConfig(name=task)})
    found: dict[str, Any] = {"notes": notes, "messages": record_of(notes), "suggestion": suggestion}
    if against:
        found["against"] = look_against(plan, against, data)
    if leaks:
        from textmill.evaluation.leaks import measure_leaks

        found["leaks"] = measure_leaks(plan, data.split_seed)
        found["messages"] |= record_of([found["leaks"].verdict])
    if mistakes:
        from textmill.evaluation.mistakes import measure_mistakes
        from textmill.training.reader_voice import NAME, reader

        found["mistakes"] = measure_mistakes(plan, data.split_seed, into, costly={NAME: reader})
        found["messages"] |= record_of([found["mistakes"].verdict])
    if tokens is not False:
        from textmill.training.token_costs import token_costs

        found["tokens"] = token_costs(data, plan, {} if tokens is True else tokens, task=task)
        found["messages"] |= record_of(found["tokens"].notes)
    if removed is not None:
        found["removals"] = write_removals(plan, Path(removed))
    return facts.model_copy(update=found)


def refuse_mistakes(task: str, into: Path | None, paths: Sequence[str], sample: str | None) -> None:
    """Raise ConfigError where label mistakes cannot be looked for, InputError where they cannot be written down."""
    if task != "classify":
        raise ConfigError(
            f"label mistakes are looked for in labelled texts, and the task is {task}",
            where="--mistakes",
            hint="Say --task classify.",
        )
    if sample:
        raise ConfigError(
            "a sample has no split", where="--sample", hint="Leave out --sample: --mistakes draws its own."
        )
    if into is not None:
        from textmill.evaluation.mistakes import refuse_file

        refuse_file(into)
        refuse_place(into, paths)


def plan_removals(data: DataConfig, removed: Path, sample: str | None = None) -> dict[str, dict[str, int]]:
    """What look would write into the file `removed`: stretches and bytes, stretches by rule. Raises as look does."""
    refuse_part_of_removals(sample, removed)
    refuse_place(removed, (*data.paths, *data.valid, *data.test))
    rules = plan_split(data).cleaning
    return {
        "removals": {"stretches": sum(rule.n for rule in rules), "bytes": sum(rule.bytes for rule in rules)},
        "stretches_by_rule": {rule.rule: rule.n for rule in rules},
    }


def refuse_part_of_removals(sample: str | None, removed: str | os.PathLike[str] | None) -> None:
    """Raise ConfigError where all that is removed is asked of a part of the text."""
    if sample and removed is not None:
        raise ConfigError(
            "a sample is not all that was removed", where="--sample", hint="Leave out --sample, or --removed."
        )


def data_of(data: DataConfig | Paths, knobs: dict[str, Any], task: str) -> DataConfig:
    """[data] of a call from Python, as the task reads. Raises ConfigError without a path, and for a knob that there is
    not."""
    said = data.model_dump(exclude_unset=True) if isinstance(data, DataConfig) else {"paths": data}
    found = Config(data=said | knobs, task={"name": task}).data
    if not found.paths and not isinstance(data, DataConfig):
        raise ConfigError("no text was named", hint='Name a file or folder: textmill.look("novel.txt")')
    return found


def refusal_of_training(data: DataConfig, plan: SplitPlan, task: str) -> TooLittleText | None:
    """What training would say of a text that is too short for it; None where it would begin, or a part was read."""
    if plan.sample or plan.ledger.total.get("train", 0) >= SMALL_BYTES:
        return None
    config, _ = with_tokens_chosen(Config(data=data, task={"name": task}), plan, plan.languages)
    n_tokens, _ = tokens_about(config, plan)
    return too_little(n_tokens, data.paths)


def training_command(sections: Mapping[str, BaseModel]) -> str:
    """The training command that takes a text as these sections of the config say, in the command line's own syntax.

    A key is said where its value is not the default, or where textmill.toml here says another one.
    """
    unsaid = load_config({}).config
    words: list[str] = []
    writes = getattr(sections.get("task"), "name", "lm") in TASKS_OF_CONVERSATIONS
    for section, said in sections.items():
        for name, value in said:
            if (section, name) == ("data", "paths"):
                words = [*(as_argument(path) for path in dict.fromkeys(value)), *words]
            elif section == "data" and name in ("pairs", "labelled", "questions", "stories"):
                continue  # as the task reads
            elif (section, name, value) == ("data", "conversations", False) and not writes:
                continue  # as it reads none
            elif (section, name, value) == ("data", "make_questions", True):
                continue  # as the files are
            elif value != type(said).model_fields[name].default or value != getattr(getattr(unsaid, section), name):
                words += flags_for(f"{section}.{name}", value)
    return " ".join(["textmill train", *map(shlex.quote, words)])


def as_argument(path: str) -> str:
    """A path that is no option: `-dash.txt` becomes `./-dash.txt`; `-` is standard input."""
    return f"./{path}" if path.startswith("-") and path != "-" else path


def flags_for(key: str, value: Any) -> Iterator[str]:
    """The words that say a knob: its short flag where it has one, else --section.name.

    A list is said word by word; a single word after a long form is cut at commas but for those behind a backslash.
    """
    knob = all_knobs()[key]
    name = knob.flag or f"--{knob.key}"
    if knob.kind is bool and knob.flag:
        yield name if value else f"--no-{name.lstrip('-')}"
    elif knob.repeated:
        for item in value:
            yield from (name, item if knob.flag or len(value) > 1 else item.replace(",", "\\,"))
    else:
        yield from (name, str(value).lower() if isinstance(value, bool) else str(value))
