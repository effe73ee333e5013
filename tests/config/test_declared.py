"""What is read from the source of a section is what pydantic makes of it."""

from __future__ import annotations

import ast
import typing
from types import UnionType
from typing import Any, Literal

import annotated_types
import pytest

from textmill.config import Config, ModelConfig
from textmill.config import declared as reading
from textmill.config.declared import knobs_declared
from textmill.config.knobs import SECTIONS
from textmill.tables import load

LIMITS = {
    annotated_types.Ge: ("at least", "ge"),
    annotated_types.Gt: ("above", "gt"),
    annotated_types.Le: ("at most", "le"),
    annotated_types.Lt: ("below", "lt"),
}
OWNERS = [(file, name) for kinds in SECTIONS.values() for file, name in kinds.values()]


def form_of(annotation: Any) -> tuple[type, tuple[str, ...], bool, bool]:
    """kind, choices, repeated, optional."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return (*form_of(inner)[:3], True)
    if origin is Literal:
        return str, arguments, False, False
    if origin is tuple:
        return (*form_of(arguments[0])[:2], True, False)
    return annotation, (), False, False


@pytest.mark.parametrize(("file", "name"), OWNERS)
def test_a_section_is_read_as_pydantic_reads_it(file: str, name: str) -> None:
    fields = load(f"textmill.config.{file}:{name}").model_fields
    declared = knobs_declared(file, name)
    assert list(declared) == list(fields)
    for key, field in fields.items():
        knob, extra = declared[key], field.json_schema_extra
        assert (knob.kind, knob.choices, knob.repeated, knob.optional) == form_of(field.annotation), key
        assert (knob.flag, knob.on_resume) == (extra["flag"], extra["on_resume"]), key
        assert (knob.default, type(knob.default)) == (field.default, type(field.default)), key
        bounds = [(LIMITS[type(one)], one) for one in field.metadata if type(one) in LIMITS]
        limits = {(words, float(getattr(one, attribute))) for (words, attribute), one in bounds}
        assert set(knob.limits) == limits and len(bounds) == len(limits), key
        assert knob.help and "\n" not in knob.help, key


def test_the_sections_are_the_fields_of_a_config() -> None:
    kinds = {
        typing.get_args(member)[1].tag: typing.get_args(member)[0].__name__
        for member in typing.get_args(typing.get_args(ModelConfig)[0])
    }
    for section, field in Config.model_fields.items():
        named = {kind: name for kind, (_, name) in SECTIONS[section].items()}
        assert named == (kinds if section == "model" else {"": field.annotation.__name__})
    assert list(SECTIONS) == list(Config.model_fields)


@pytest.mark.parametrize("form", ["bytes", "list[str]", "dict[str, int]", "int | str", "Unknown"])
def test_another_form_of_a_knob_is_refused(form: str) -> None:
    with pytest.raises(TypeError, match="a knob cannot be a"):
        reading._type(ast.parse(form, mode="eval").body, {})


def test_what_is_not_declared_by_knob_is_refused() -> None:
    [statement] = ast.parse("steps: int = 5").body
    assert isinstance(statement, ast.AnnAssign)
    with pytest.raises(TypeError, match="declared by knob"):
        reading._declared(statement, "", {})
