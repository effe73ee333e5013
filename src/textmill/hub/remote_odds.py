"""Log-probabilities of labels, from what a server tells of tokens. Room: hub/. Pure. Used by remote_model.py.

By completions each label is echoed behind the prompt, and its tokens are summed; by chat the likeliest first tokens of
the answer are read, where the labels differ by them.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textmill.hub.remote_echo import Echo
from textmill.results import RemoteUse

MOST_FIRST = 20
"""Likeliest first tokens that the interface of chats gives."""
LEAST_MASS = 0.5
"""Of the probability of first tokens; where the labels have less together, the answer is none of them."""
MOST_ALIKE = 0.01
"""Of the probability of first tokens, that several labels may begin with."""
QUOTES = "\"'“”‘’「」『』《》`*"
ENDS = ".。!！,，;；:："


class NoOdds(ValueError):
    """What came does not tell how likely the labels are."""


@dataclass(frozen=True)
class Odds:
    """How likely each label is, (labels,) shares that sum to 1; None: the answer is none of them. said: the likeliest
    first token, in a chat."""

    shares: tuple[float, ...] | None
    said: str
    use: RemoteUse


def folded_label(text: str) -> str:
    """A label, or an answer, for comparing: without quotes and marks around it, case and width."""
    text = unicodedata.normalize("NFKC", text).strip()
    before = None
    while before != text:
        before = text
        text = text.strip().strip(QUOTES).rstrip(ENDS)
    return text.casefold()


def continued(prompt: str, labels: Sequence[str]) -> list[str]:
    """The texts that are echoed: a label each behind the prompt; where one label begins another, with its line end.

    >>> continued("Label:", ["good", "bad"]), continued("L:", ["good", "good enough"])
    (['Label: good', 'Label: bad'], ['L: good\\n', 'L: good enough\\n'])
    """
    one_begins_another = any(a != b and b.startswith(a) for a in labels for b in labels)
    return [f"{prompt} {label}{chr(10) * one_begins_another}" for label in labels]


def nats_behind(echo: Echo, start: int) -> float:
    """ln P of what stands behind `start`, in code points. Raises NoOdds where a token reaches across it."""
    over = next((token for token in echo.tokens if token.start < start < token.end), None)
    own = [token for token in echo.scored if token.start >= start]
    if over is not None or not own:
        said = "" if over is None else f", {over.text!r},"
        raise NoOdds(f"a token{said} reaches from the prompt into the label: what it costs belongs to neither alone")
    return math.fsum(token.logprob or 0.0 for token in own)


def shares_of(nats: Sequence[float]) -> tuple[float, ...]:
    """Normalised over the labels.

    >>> shares_of([math.log(0.3), math.log(0.1)])
    (0.75, 0.25)
    """
    most = max(nats)
    weights = [math.exp(value - most) for value in nats]
    return tuple(round(weight / math.fsum(weights), 12) for weight in weights)


def first_tokens(answer: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The likeliest first tokens of a chat's answer and their nats. Raises NoOdds where it tells none."""
    told = answer["choices"][0].get("logprobs")
    content = told.get("content") if isinstance(told, dict) else None
    first = content[0] if isinstance(content, list) and content else None
    tops = first.get("top_logprobs") if isinstance(first, dict) else None
    if not isinstance(tops, list) or not tops:
        raise NoOdds("it answers without log-probabilities of its tokens")
    found = []
    for one in tops:
        token, value = (one.get("token"), one.get("logprob")) if isinstance(one, dict) else (None, None)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not isinstance(token, str) or value is None or not is_number or math.isnan(value) or value > 1e-3:
            raise NoOdds(f"a log-probability of its first token is none: {one!r}")
        found.append((token, float(value)))
    return found


def shares_by_first(tops: Sequence[tuple[str, float]], labels: Sequence[str]) -> tuple[float, ...] | None:
    """Shares of the labels by the first token of an answer; None where it is likelier that it is none of them. A label
    that is not among the tokens has 0. Raises NoOdds where the labels do not differ by it.

    >>> tops = [("Pos", math.log(0.6)), (" neg", math.log(0.2)), ("I", math.log(0.2))]
    >>> shares_by_first(tops, ["positive", "negative"])
    (0.75, 0.25)
    """
    mass, alike = [0.0] * len(labels), 0.0
    for token, nats in tops:
        word = folded_label(token)
        own = [number for number, label in enumerate(labels) if word and folded_label(label).startswith(word)]
        if len(own) == 1:
            mass[own[0]] += math.exp(nats)
        elif own:
            alike += math.exp(nats)
    if alike > MOST_ALIKE:
        raise NoOdds("labels begin with the same token, and a chat tells the likeliest first ones alone")
    total = math.fsum(mass)
    return tuple(round(own / total, 12) for own in mass) if total >= LEAST_MASS else None
