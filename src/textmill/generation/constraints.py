"""What a text must look like, told to the engine id by id. Room: generation/ (weights -> text).

Asked by engine.generate before each token and told the token afterwards; knows nothing of models and settings. What
obeys a constraint was written so: nothing is cut out of a text, or mended, when it is done.
Shapes: V vocabulary.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textmill.errors import InputError

Allowed = NDArray[np.bool_]


class Obeying(Protocol):
    """One text that is being written under a constraint, and where it stands."""

    def allowed(self, n_left: int) -> Allowed:
        """(V,) True for every id that may come next: at least one.

        n_left: tokens that can still be written, this one and the end mark among them, at least 1. The ids that end a
        text are allowed exactly where it may end. A constraint that sees that n_left gets short allows what leads to
        an end in time.
        """
        ...

    def push(self, token_id: int) -> bool:
        """Take an id that was allowed. False: with what is left it leads nowhere after all, and nothing has changed but
        that `allowed`, which is asked again, forbids it."""
        ...


class Constraint(Protocol):
    """A rule that texts obey. Its texts know nothing of each other: a text is the same alone and in a batch."""

    def begin(self, prompt: int, sample: int) -> Obeying:
        """A text before its first token. prompt, sample: its place among the prompts and among the n of each."""
        ...


def obeyed(log_probs: ArrayLike, allowed: Allowed) -> NDArray[np.float64]:
    """The scores (V,) of what is allowed, −inf for the rest: no penalty, temperature or cut brings that back.

    Raises InputError where the model gives all that is allowed the probability 0.

    >>> obeyed([-1.0, -2.0], np.array([False, True]))
    array([-inf,  -2.])
    """
    scores = np.where(allowed, np.asarray(log_probs, dtype=np.float64), -np.inf)
    if np.isneginf(scores).all():
        raise InputError(
            "the model gives the probability 0 to every token that the constraint allows here",
            hint="Write without the constraint to see what this model can write.",
        )
    return scores
