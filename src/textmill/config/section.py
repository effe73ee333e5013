"""What every config section is made of: frozen, unknown keys refused, docstrings that become help.

A knob is said once: name, type, default, meaning, unit. The same text feeds --help, `config show` and the docs.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

OnResume = Literal["refuse", "grow", "warn", "take"]


class Section(BaseModel):
    """A named group of knobs."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        protected_namespaces=(),
        defer_build=True,  # --help reads names and meanings alone
    )


def knob(default: Any, *, flag: str | None = None, on_resume: OnResume = "refuse", **limits: Any) -> Any:
    """A field with a short flag (`--steps`) and a rule for an unfinished run that is called with another value:

    refuse (it can change the weights), grow (only upwards), warn (taken, bits may differ), take (taken and recorded).
    `limits` are pydantic's (ge, gt, le, lt).
    """
    return Field(default, json_schema_extra={"flag": flag, "on_resume": on_resume}, **limits)


@cache
def meanings(section: type[Section]) -> dict[str, str]:
    """knob -> what stands under its declaration in the file of its class, those of parent classes too.

    Read when it is asked for: pydantic's use_attribute_docstrings reads the files again for every class at import.
    """
    found: dict[str, str] = {}
    for owner in reversed(section.__mro__):
        if issubclass(owner, Section):
            found |= _written_meanings(owner.__module__).get(owner.__name__, {})
    return found


@cache
def _written_meanings(module: str) -> dict[str, dict[str, str]]:
    """class -> knob -> the string that follows its declaration, of all classes of a module."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        node.name: {
            declared.target.id: inspect.cleandoc(said.value.value)
            for declared, said in pairwise(node.body)
            if isinstance(declared, ast.AnnAssign) and isinstance(declared.target, ast.Name)
            if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant) and isinstance(said.value.value, str)
        }
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
