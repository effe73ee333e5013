"""What every config section is made of: frozen, unknown keys refused, docstrings that become help.

A knob is said once: name, type, default, meaning, unit. The same text feeds --help, `config show` and the docs, which
read it by declared.py.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from textmill.config.declared import OnResume


class Section(BaseModel):
    """A named group of knobs."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        protected_namespaces=(),
        defer_build=True,  # most commands read few of the sections
    )


def knob(default: Any, *, flag: str | None = None, on_resume: OnResume = "refuse", **limits: Any) -> Any:
    """A field with a short flag (`--steps`) and a rule for an unfinished run that is called with another value:

    refuse (it can change the weights), grow (only upwards), warn (taken, bits may differ), take (taken and recorded).
    `limits` are pydantic's (ge, gt, le, lt).
    """
    return Field(default, json_schema_extra={"flag": flag, "on_resume": on_resume}, **limits)
