"""[task]: what the model is for."""

from __future__ import annotations

from pydantic import field_validator

from textmill.config.section import Section, knob
from textmill.errors import did_you_mean
from textmill.tables import TASKS, TASKS_OF_PRETRAINING


class TaskConfig(Section):
    """What the model is for."""

    name: str = knob("lm", flag="--task")
    """lm: language modelling, the next token from those before it. translate: a text into another language. classify:
    which of its classes a text belongs to. answer: which stretch of a passage answers a question, or that none does.
    story: the answer to a question about a story of a few sentences, out of the answers of the training stories; of
    stories answer means this too. mask: hidden words of a text, a beginning for runs that read texts (--from)."""

    both_ways: bool = knob(False, flag="--both-ways")
    """Of pairs, each is learned in both directions, by one model: textmill translate RUN --to LANGUAGE says which."""

    balanced: bool = knob(False, flag="--balanced")
    """Of classes, each weighs the same in training, however many texts it has."""

    longest_answer: int | None = knob(None, ge=1)
    """Of questions, code points of the longest answer that is given. Default: all but 1 % of the training answers are
    no longer."""

    window_stride: int | None = knob(None, ge=1)
    """Of questions, tokens by which the next window of a passage begins later, where the passage is longer than a row.
    Default: half a window, or less, so that the longest answer stands whole in one."""

    facts: float | None = knob(None, ge=0.0)
    """Of stories whose supporting sentences are given, how much finding them weighs beside the answer in training. 0:
    only the answer is learned. Default: 0.2."""

    mask_share: float = knob(0.15, gt=0.0, lt=1.0)
    """Of masked words, share of the tokens of a text that are hidden at each reading in training."""

    whole_words: bool = knob(False, flag="--whole-words")
    """Of masked words, hide all tokens of a word together. A Chinese character is a word."""

    @property
    def is_of_masks(self) -> bool:
        """Whether a text is asked for its own hidden words, and for nothing else: a beginning for other runs."""
        return self.name in TASKS_OF_PRETRAINING

    @field_validator("name")
    @classmethod
    def task_stands_in_the_table(cls, name: str) -> str:
        if name not in TASKS:
            advice = did_you_mean(name, TASKS)
            raise ValueError(f"no task {name!r}: {advice or 'there are ' + ', '.join(TASKS)}")
        return name
