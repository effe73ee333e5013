"""[eval] and [generate]: how a model is measured, and how it writes."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from textmill.config.section import Section, knob


class EvalConfig(Section):
    """How a model is measured."""

    window: int | None = knob(None, ge=1, on_resume="take")
    """Tokens a model reads at once. Default: its context; a recurrence reads whole documents."""
    stride: int | None = knob(None, ge=1, on_resume="take")
    """Tokens between the starts of windows; each token is predicted once. Default: the window."""
    batch: int = knob(32, ge=1, on_resume="take")
    """Windows read together; the numbers do not depend on it."""
    resamples: int = knob(1000, ge=100, on_resume="take")
    """Bootstrap resamples behind an interval."""
    confidence: float = knob(0.95, gt=0.0, lt=1.0, on_resume="take")
    """Share of resamples that an interval covers."""
    seed: int = knob(0, ge=0, on_resume="take")
    """Of the bootstrap."""
    convention: Literal["textmill", "squad", "cmrc"] = knob("textmill", on_resume="take", flag="--convention")
    """By which rule answers are held beside the right ones: textmill, which suits every script, or as the scripts of
    SQuAD or CMRC 2018 count."""


class GenerateConfig(Section):
    """How a model writes. Order: what is forbidden, penalties, temperature, top_k, top_p, min_p, then rescale."""

    temperature: float = knob(0.8, ge=0.0, on_resume="take", flag="--temperature")
    """Below 1 bolder in what it is sure of, above 1 wilder; 0 takes the best token (the lowest id on a tie)."""
    top_k: int = knob(0, ge=0, on_resume="take", flag="--top-k")
    """Only the k best tokens. 0: off."""
    top_p: float = knob(0.95, ge=0.0, le=1.0, on_resume="take", flag="--top-p")
    """The smallest best-first set of tokens that reaches this share; at least one."""
    min_p: float = knob(0.0, ge=0.0, le=1.0, on_resume="take", flag="--min-p")
    """Only tokens at least this likely, as a share of the likeliest. 0: off."""
    repetition_penalty: float = knob(1.0, gt=0.0, on_resume="take", flag="--repetition-penalty")
    """Divides positive and multiplies negative logits of seen ids (prompt included, padding never). 1: off."""
    presence_penalty: float = knob(0.0, on_resume="take", flag="--presence-penalty")
    """Taken once from the logit of each id that was generated."""
    frequency_penalty: float = knob(0.0, on_resume="take", flag="--frequency-penalty")
    """Taken from the logit of an id for each time it was generated."""
    no_repeat: int = knob(0, ge=0, on_resume="take", flag="--no-repeat")
    """No run of so many tokens comes twice in a text, prompt included (no_repeat_ngram_size elsewhere). 0: off."""
    max_new_tokens: int = knob(200, ge=1, on_resume="take", flag="--max-new-tokens")
    """Tokens written at most."""
    min_new_tokens: int = knob(0, ge=0, on_resume="take", flag="--min-new-tokens")
    """Tokens written before the model may end a text; a stop text still ends it."""
    beams: int = knob(5, ge=1, on_resume="take", flag="--beams")
    """Translations kept at each step of the search. 1: greedy, the likeliest token each time."""
    length_power: float = knob(1.0, ge=0.0, on_resume="take", flag="--length-power")
    """Translations are ranked by ln P / n^x, n their tokens. 0: by ln P, which favours short ones; 1: by its mean."""
    stop: tuple[str, ...] = knob((), on_resume="take", flag="--stop")
    """Texts that end the writing; they are not part of it. The prompt is not searched."""

    @field_validator("stop")
    @classmethod
    def no_stop_is_empty(cls, stop: tuple[str, ...]) -> tuple[str, ...]:
        if "" in stop:
            raise ValueError("a stop text must not be empty")
        return stop
