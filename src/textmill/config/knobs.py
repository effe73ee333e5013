"""Every knob as a value that can be listed, asked and fitted. Room: config/ (words of a person -> a Config).

Called by layers (values from files and flags), toml_file (writing) and the shell (options, help, `config keys`).
A key is "section.name". [model] has a section for each kind of architecture; the others have one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from textmill.config.declared import Declared, about, knobs_declared
from textmill.tables import ARCHITECTURES, FOREIGN, TASKS, TOKENIZERS

if TYPE_CHECKING:
    from textmill.config.whole import Config

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "data": {"": ("data", "DataConfig")},
    "tokens": {"": ("tokens", "TokensConfig")},
    "task": {"": ("task", "TaskConfig")},
    "model": {"transformer": ("model", "TransformerConfig"), "recurrent": ("model", "RecurrentConfig")},
    "train": {"": ("train", "TrainConfig")},
    "eval": {"": ("measure", "EvalConfig")},
    "generate": {"": ("measure", "GenerateConfig")},
    "machine": {"": ("run", "MachineConfig")},
    "run": {"": ("run", "RunConfig")},
}
"""section -> kind -> file and class of it: one under "" for most, one for each kind of architecture in [model]. The
fields of Config, for those who load no pydantic."""
CHOICES_OF_TABLES = {
    "model.arch": (*ARCHITECTURES,),
    "task.name": (*TASKS,),
    "tokens.kind": ("auto", *TOKENIZERS, FOREIGN),
}
TRUE, FALSE, NONE = ("true", "yes", "on", "1"), ("false", "no", "off", "0"), "none"


@dataclass(frozen=True)
class Knob(Declared):
    """One knob, as its section declares it, and where it stands."""

    section: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def takes_none(self) -> bool:
        return self.optional and (self.kind is not str or bool(self.choices))

    @property
    def allowed(self) -> str:
        """What may be said, in words: `a whole number, at least 1, or none`."""
        if self.choices:
            words = "one of " + ", ".join(self.choices)
        else:
            words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[self.kind]
        words = ", ".join([words, *(f"{relation} {_plainly(limit)}" for relation, limit in self.limits)])
        return ("a list: " if self.repeated else "") + words + (", or none" if self.takes_none else "")

    @property
    def metavar(self) -> str:
        """How its value is called in help."""
        if self.choices:
            return "|".join(self.choices)
        return {bool: "yes|no", int: "N", float: "X", str: "TEXT"}[self.kind]

    def fit(self, value: Any, *, spoken: bool) -> Any:
        """`value` as this knob's type. spoken: it may be a word of a command line. Raises ValueError(allowed).

        Ranges and the checks of whole sections are the section's own.
        """
        if self.takes_none and (value is None or value == NONE):
            return None
        if self.optional and value is None:
            return None
        if not self.repeated:
            return self._fit_one(value, spoken)
        if isinstance(value, str):
            value = [word.replace("\\,", ",") for word in re.split(r"(?<!\\),", value)] if spoken else [value]
        if not isinstance(value, list | tuple):
            raise ValueError(self.allowed)
        return tuple(self._fit_one(item, spoken) for item in value)

    def _fit_one(self, value: Any, spoken: bool) -> Any:
        if spoken and isinstance(value, str):
            value = _from_text(value, self.kind)
        if self.kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not self.kind or (self.choices and value not in self.choices):
            raise ValueError(self.allowed)
        return value


def _plainly(limit: float) -> str:
    """
    >>> _plainly(1e9), _plainly(0.5)
    ('1,000,000,000', '0.5')
    """
    return f"{limit:,.0f}" if limit == int(limit) else f"{limit:g}"


def _from_text(text: str, kind: type) -> Any:
    """A word as a number or a yes or no; the word itself where it is none (the caller refuses it)."""
    if kind is bool:
        word = text.lower()
        return True if word in TRUE else False if word in FALSE else text
    if kind in (int, float):
        try:
            number = float(text)
            if kind is float:
                return number
            return int(text) if text.lstrip("+-").isdecimal() else int(number) if number == int(number) else text
        except (ValueError, OverflowError):
            return text
    return text


def kind_of(arch: object) -> str:
    """An architecture with knobs of its own has a kind of [model], the others share one."""
    return "transformer" if arch == "transformer" else "recurrent"


def about_section(section: str, arch: str) -> str:
    """What a section is, as its class says it."""
    return about(*_class_of(section, arch))


@cache
def knobs_of(arch: str) -> dict[str, Knob]:
    """key -> knob: all that exist under an architecture, in the order in which they are declared."""
    return {knob.key: knob for section in SECTIONS for knob in _knobs(section, *_class_of(section, arch))}


@cache
def all_knobs() -> dict[str, Knob]:
    """key -> knob, of every architecture."""
    found: dict[str, Knob] = {}
    for section, kinds in SECTIONS.items():
        for module, name in kinds.values():
            for knob in _knobs(section, module, name):
                found.setdefault(knob.key, knob)
    return found


def owners(key: str) -> list[str]:
    """Which kinds of architecture have this [model] knob: ["transformer"] for model.n_heads."""
    section, _, name = key.partition(".")
    return [kind for kind, owner in SECTIONS.get(section, {}).items() if kind and name in knobs_declared(*owner)]


def value_of(config: Config, key: str) -> Any:
    """The value of a knob in a config; KeyError where its architecture has no such knob."""
    section, _, name = key.partition(".")
    part = getattr(config, section, None)
    if part is None or name not in type(part).model_fields:
        raise KeyError(key)
    return getattr(part, name)


def _class_of(section: str, arch: str) -> tuple[str, str]:
    kinds = SECTIONS[section]
    return kinds[kind_of(arch)] if len(kinds) > 1 else kinds[""]


def _knobs(section: str, module: str, owner: str) -> Iterator[Knob]:
    for name, declared in knobs_declared(module, owner).items():
        said = vars(declared) | {"choices": CHOICES_OF_TABLES.get(f"{section}.{name}", declared.choices)}
        yield Knob(section=section, name=name, **said)
