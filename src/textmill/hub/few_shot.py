"""A file of instruction and examples -> prompts for a remote model. Room: hub/. Used by remote_work.py.

The file is TOML or JSON: `task` (classify, translate or answer), `instruction`, `examples`; of classes `labels`; of
questions `none`, the word that says there is no answer. `names` are what stands before each part of an example, so that
a prompt is of one language throughout.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from textmill.errors import InputError, did_you_mean
from textmill.files import json_of
from textmill.hub.remote_model import Prompt
from textmill.hub.remote_odds import folded_label

FewShotTask = Literal["classify", "translate", "answer"]
PARTS: dict[str, tuple[str, ...]] = {
    "classify": ("text", "label"),
    "translate": ("source", "target"),
    "answer": ("passage", "question", "answer"),
}
"""Of an example of each task, its keys; the last is what is to be answered."""
NAMES = {
    "text": "Text",
    "label": "Label",
    "source": "Source",
    "target": "Target",
    "passage": "Passage",
    "question": "Question",
    "answer": "Answer",
    "labels": "Labels",
}
NO_ANSWER = "none"
KEYS = ("task", "instruction", "labels", "examples", "none", "names")
FORM = """The file looks like this:
task = "classify"
instruction = "Say whether the review is positive or negative."
labels = ["positive", "negative"]
[[examples]]
text = "A fine film."
label = "positive\""""


@dataclass(frozen=True)
class FewShot:
    """What a remote model is told to do, and shown. where: the file."""

    task: FewShotTask
    instruction: str
    examples: tuple[Mapping[str, str], ...] = ()
    labels: tuple[str, ...] = ()
    none: str = NO_ANSWER
    names: Mapping[str, str] = field(default_factory=lambda: dict(NAMES))
    where: str = ""

    def prompt(self, **given: str) -> Prompt:
        """The prompt for one input, by the keys of its task but the last."""
        *asked, wanted = PARTS[self.task]
        head = self.instruction
        if self.labels:
            head += f"\n{self.names['labels']}: {', '.join(self.labels)}"
        shown = [(self._said(example, asked), example[wanted] or self.none) for example in self.examples]
        mine = self._said(given, asked)
        last = f"{self.names[wanted]}:"
        text = "\n\n".join([head, *(f"{said}\n{last} {answer}" for said, answer in shown), f"{mine}\n{last}"])
        turns = [turn for said, answer in shown for turn in (("user", said), ("assistant", answer))]
        return Prompt(text, (("system", head), *turns, ("user", mine)), stop=("\n",))  # type: ignore[arg-type]

    def _said(self, given: Mapping[str, str], keys: Sequence[str]) -> str:
        return "\n".join(f"{self.names[key]}: {given[key]}" for key in keys)


def few_shot_file(path: str, task: FewShotTask | None = None) -> FewShot:
    """Read a file of instruction and examples. task: the one that is wanted, where one is.

    Raises InputError for a file that cannot be read, a key that there is not, and an example that lacks a part.
    """
    value = _read(path)
    for key in value:
        if key not in KEYS:
            raise InputError(
                f"there is no key '{key}' in a file of examples (there are: {', '.join(KEYS)})",
                where=path,
                hint=did_you_mean(str(key), KEYS),
            )
    own = value.get("task")
    if own not in PARTS:
        raise InputError(f"task is {own!r}, and must be one of {', '.join(PARTS)}", where=path, hint=FORM)
    if task is not None and own != task:
        raise InputError(f"these are examples for {own}, and here one has to {task}", where=path)
    instruction = value.get("instruction")
    if not isinstance(instruction, str) or not instruction.strip():
        raise InputError("there is no instruction: what is the model to do?", where=path, hint=FORM)
    names = value.get("names", {})
    if not isinstance(names, dict) or not all(key in NAMES and isinstance(names[key], str) for key in names):
        raise InputError(f"names are texts for some of {', '.join(NAMES)}", where=path)
    none = value.get("none", NO_ANSWER)
    if not isinstance(none, str) or not none.strip():
        raise InputError("none is a word that says there is no answer", where=path)
    labels = _labels(value.get("labels", []), own, path)
    examples = _examples(value.get("examples", []), own, labels, path)
    return FewShot(own, instruction.strip(), examples, labels, none.strip(), NAMES | names, path)


def _read(path: str) -> dict[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=path) from None
    except UnicodeDecodeError as error:
        raise InputError(f"is no UTF-8 at byte {error.start}", where=path) from None
    is_json = path.endswith(".json")
    try:
        value = json_of(text) if is_json else tomllib.loads(text)
    except ValueError as error:
        raise InputError(f"is no {'JSON' if is_json else 'TOML'}: {error}", where=path, hint=FORM) from None
    if not isinstance(value, dict) or not value:
        raise InputError("holds no instruction and no examples", where=path, hint=FORM)
    return value


def _labels(value: Any, task: str, path: str) -> tuple[str, ...]:
    if task != "classify":
        if value:
            raise InputError(f"labels are for classify, and the task is {task}", where=path)
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        raise InputError("labels are a list of texts", where=path, hint=FORM)
    labels = tuple(one.strip() for one in value)
    if len(labels) < 2:
        raise InputError("there are fewer than two labels: there is nothing to tell apart", where=path, hint=FORM)
    if len({folded_label(one) for one in labels}) < len(labels):
        raise InputError("two labels are the same but for case, width or marks", where=path)
    return labels


def _examples(value: Any, task: str, labels: Sequence[str], path: str) -> tuple[Mapping[str, str], ...]:
    keys = PARTS[task]
    if not isinstance(value, list):
        raise InputError("examples are a list of tables: [[examples]]", where=path, hint=FORM)
    for number, one in enumerate(value, start=1):
        where = f"{path}, example {number}"
        if not isinstance(one, dict) or set(one) != set(keys) or not all(isinstance(one[key], str) for key in keys):
            raise InputError(f"an example has the texts {', '.join(keys)}, and nothing else", where=where, hint=FORM)
        empty = [key for key in keys if not one[key].strip() and not (task == "answer" and key == "answer")]
        if empty:
            raise InputError(f"{empty[0]} is empty", where=where)
        if task == "classify" and one["label"] not in labels:
            raise InputError(
                f"the label '{one['label']}' is none of the labels",
                where=where,
                hint=did_you_mean(one["label"], labels),
            )
    return tuple(value)
