"""Every knob as a value that can be listed, asked and fitted. Room: config/ (words of a person -> a Config).

Called by layers (values from files and flags), toml_file (writing) and the shell (options, help, `config keys`).
A key is "section.name". [model] has a section for each kind of architecture; the others have one.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import annotated_types

from textmill.config.model import ModelConfig, section_of
from textmill.config.section import OnResume, Section, meanings
from textmill.config.whole import Config
from textmill.tables import ARCHITECTURES, TASKS, TOKENIZERS

CHOICES_OF_TABLES = {"model.arch": (*ARCHITECTURES,), "task.name": (*TASKS,), "tokens.kind": ("auto", *TOKENIZERS)}
TRUE, FALSE, NONE = ("true", "yes", "on", "1"), ("false", "no", "off", "0"), "none"


@dataclass(frozen=True)
class Knob:
    """One knob, as its section declares it."""

    section: str
    name: str
    kind: type
    """str, int, float or bool; of the items where it is repeated."""
    choices: tuple[str, ...]
    repeated: bool
    optional: bool
    """None is allowed; said as `none`, except where any text has a meaning of its own."""
    limits: tuple[tuple[str, float], ...]
    default: Any
    flag: str | None
    on_resume: OnResume
    help: str

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


@cache
def sections() -> dict[str, dict[str, type[Section]]]:
    """section -> {kind: class}: one class under "" for most, one for each kind of architecture in [model]."""
    found: dict[str, dict[str, type[Section]]] = {}
    for name, field in Config.model_fields.items():
        if name == "model":
            union = typing.get_args(ModelConfig)[0]
            tagged = [typing.get_args(member) for member in typing.get_args(union)]
            found[name] = {tag.tag: section for section, tag in tagged}
        else:
            found[name] = {"": typing.cast(type[Section], field.annotation)}
    return found


def section_class(section: str, arch: str) -> type[Section]:
    """The class whose knobs [section] has under an architecture."""
    kinds = sections()[section]
    return kinds[section_of({"arch": arch})] if len(kinds) > 1 else kinds[""]


@cache
def knobs_of(arch: str) -> dict[str, Knob]:
    """key -> knob: all that exist under an architecture, in the order in which they are declared."""
    return {knob.key: knob for name in sections() for knob in _declared(name, section_class(name, arch))}


@cache
def all_knobs() -> dict[str, Knob]:
    """key -> knob, of every architecture."""
    found: dict[str, Knob] = {}
    for name, kinds in sections().items():
        for section in kinds.values():
            for knob in _declared(name, section):
                found.setdefault(knob.key, knob)
    return found


def owners(key: str) -> list[str]:
    """Which kinds of architecture have this [model] knob: ["transformer"] for model.n_heads."""
    section, _, name = key.partition(".")
    return [kind for kind, owner in sections().get(section, {}).items() if kind and name in owner.model_fields]


def value_of(config: Config, key: str) -> Any:
    """The value of a knob in a config; KeyError where its architecture has no such knob."""
    section, _, name = key.partition(".")
    part = getattr(config, section, None)
    if part is None or name not in type(part).model_fields:
        raise KeyError(key)
    return getattr(part, name)


def _declared(section: str, owner: type[Section]) -> Iterator[Knob]:
    limits = {annotated_types.Ge: ("at least", "ge"), annotated_types.Gt: ("above", "gt")}
    limits |= {annotated_types.Le: ("at most", "le"), annotated_types.Lt: ("below", "lt")}
    for name, field in owner.model_fields.items():
        kind, choices, repeated, optional = _read_type(field.annotation)
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        yield Knob(
            section=section,
            name=name,
            kind=kind,
            choices=CHOICES_OF_TABLES.get(f"{section}.{name}", choices),
            repeated=repeated,
            optional=optional,
            limits=tuple(
                (words, float(getattr(bound, attribute)))
                for bound in field.metadata
                for kind_of_bound, (words, attribute) in limits.items()
                if isinstance(bound, kind_of_bound)
            ),
            default=field.default,
            flag=typing.cast("str | None", extra.get("flag")),
            on_resume=typing.cast(OnResume, extra.get("on_resume") or "refuse"),
            help=" ".join(meanings(owner).get(name, "").split()),
        )


def _read_type(annotation: Any) -> tuple[type, tuple[str, ...], bool, bool]:
    """kind, choices, repeated, optional of a declared type: the few forms that a knob may have."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        kind, choices, repeated, _ = _read_type(inner)
        return kind, choices, repeated, True
    if origin is Literal:
        return str, tuple(arguments), False, False
    if origin is tuple:
        kind, choices, _, _ = _read_type(arguments[0])
        return kind, choices, True, False
    if annotation not in (str, int, float, bool):
        raise TypeError(f"a knob cannot be a {annotation}: str, int, float, bool, Literal, tuple[…, ...] or None")
    return annotation, (), False, False
