"""[task]: what the model is for."""

from __future__ import annotations

from textmill.config.section import Section, knob


class TaskConfig(Section):
    """What the model is for."""

    name: str = knob("lm", flag="--task")
    """lm: language modelling, the next token from those before it."""
