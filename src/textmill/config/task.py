"""[task]: what the model is for."""

from __future__ import annotations

from pydantic import field_validator

from textmill.config.section import Section, knob
from textmill.errors import did_you_mean
from textmill.tables import TASKS


class TaskConfig(Section):
    """What the model is for."""

    name: str = knob("lm", flag="--task")
    """lm: language modelling, the next token from those before it. translate: a text into another language. classify:
    which of its classes a text belongs to. mask: hidden words of a text, a beginning for runs that read texts (--from).
    """

    both_ways: bool = knob(False, flag="--both-ways")
    """Of pairs, each is learned in both directions, by one model: textmill translate RUN --to LANGUAGE says which."""

    balanced: bool = knob(False, flag="--balanced")
    """Of classes, each weighs the same in training, however many texts it has."""

    mask_share: float = knob(0.15, gt=0.0, lt=1.0)
    """Of masked words, share of the tokens of a text that are hidden at each reading in training."""

    whole_words: bool = knob(False, flag="--whole-words")
    """Of masked words, hide all tokens of a word together. A Chinese character is a word."""

    @field_validator("name")
    @classmethod
    def task_stands_in_the_table(cls, name: str) -> str:
        if name not in TASKS:
            advice = did_you_mean(name, TASKS)
            raise ValueError(f"no task {name!r}: {advice or 'there are ' + ', '.join(TASKS)}")
        return name
