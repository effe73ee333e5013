"""Conditions that a person asks a run to write under, such as a title and an author. Room: tasks/.

The values that the training text has are read from the run's prepared store. What is not said is taken from there, from
a record that has what is said: a model has seen no text without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textmill.errors import RunError, UsageError, did_you_mean, nearest
from textmill.generation.sampling import uniform_at
from textmill.messages import Message, message
from textmill.tasks.lm import spans_of
from textmill.text.conditions import laid_before, values_of

if TYPE_CHECKING:
    from textmill.runs import Run


def conditions_before(run: Run, said: Mapping[str, str], seed: int) -> tuple[str, list[Message]]:
    """What stands before a text that is written under the conditions said (name -> value), and what is to be told.

    "" of a run without conditions. Raises UsageError for a condition that the run has not.
    """
    names = run.config.data.conditions
    for name in said:
        if name not in names:
            raise UsageError(
                f"this run has no condition '{name}' (there are: {', '.join(names)})"
                if names
                else f"this run was trained without conditions, so there is no '{name}' to write under",
                where=str(run.path),
                hint=did_you_mean(name, names) or "Train with columns as conditions: --data.conditions title,author",
            )
    if not names:
        return "", []
    known = known_values(run)
    if known is None:
        blank = [name for name in names if name not in said]
        notes = [message("The training text is not there: conditions are not compared with it.")]
        if blank:
            notes.append(message("Not said, and left empty: %(names)s.", names=", ".join(blank)))
        return laid_before([said.get(name, "") for name in names]), notes

    notes = []
    fitting = known
    for place, name in enumerate(names):
        if name not in said:
            continue
        value = laid_before([said[name]])[:-1]
        having = [values for values in fitting if values[place] == value]
        if having:
            fitting = having
        elif all(values[place] != value for values in known):
            near = nearest(value, sorted({values[place] for values in known}))
            notes.append(
                message("The training text has no %(name)s '%(value)s'.", name=name, value=value)
                if near is None
                else message(
                    "The training text has no %(name)s '%(value)s'; the nearest is '%(near)s'.",
                    name=name,
                    value=value,
                    near=near,
                )
            )
    taken = fitting[int(uniform_at(seed, 0, 0) * len(fitting))]
    for place, name in enumerate(names):
        if name not in said:
            notes.append(
                message(
                    "No %(name)s was said: '%(value)s' is taken from the training text.", name=name, value=taken[place]
                )
            )
    return laid_before([said.get(name, taken[place]) for place, name in enumerate(names)]), notes


def known_values(run: Run) -> list[tuple[str, ...]] | None:
    """Of each training document the values of its conditions; None where the prepared text was deleted."""
    try:
        prepared = run.prepared()
    except RunError:
        return None
    store, tokenizer = prepared.train, prepared.tokenizer
    spans = spans_of(store) or []
    return [
        values_of(tokenizer.decode(store.document(number)[: own[0][0]].tolist())) for number, own in enumerate(spans)
    ]
