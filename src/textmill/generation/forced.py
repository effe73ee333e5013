"""Terms that a target must hold, forced inside the search. Room: generation/. Used by beam.

Every beam knows which terms it has written and whether it is inside one. Beams that have written equally much of their
terms compete with each other alone, as many of them as a search without terms has, and half as many inside a term (grid
beam search, Hokamp & Liu 2017, 1704.07138; Post & Vilar 2018, 1804.06609), so those that write a term early or late
both live on. The end mark is taken only by a beam that has written all. Nothing is put into a finished text.
Shapes: R beams of one source, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Term:
    """What is to be written, as ids: at the beginning of a text or behind a blank; and where a blank is wanted."""

    alone: tuple[int, ...]
    behind_a_word: tuple[int, ...]


@dataclass(frozen=True)
class Letters:
    """Of each id (V,), whether it goes on inside a word, and whether a word behind it wants a blank."""

    begins: Bools
    ends: Bools


@dataclass(frozen=True)
class Progress:
    """How far a beam is with its terms."""

    left: tuple[int, ...]
    """Numbers of the terms that are not begun."""
    rest: tuple[int, ...] = ()
    """Ids still to come of the term that it is inside."""
    behind_a_term: bool = False
    behind_a_word: bool = False

    @property
    def is_whole(self) -> bool:
        return not self.left and not self.rest


@dataclass(frozen=True)
class Step:
    """A beam that goes on by a token."""

    beam: int
    token: int
    total: float
    progress: Progress


class Forced:
    """The terms of one source, and the steps that its beams may take."""

    def __init__(self, terms: Sequence[Term], letters: Letters, mark: int, n_source: int):
        """n_source: tokens of the source."""
        self.terms, self.letters, self.mark, self.n_source = terms, letters, mark, n_source

    @property
    def start(self) -> Progress:
        return Progress(tuple(range(len(self.terms))))

    @cached_property
    def most_tokens(self) -> int:
        """Of a target: a beam that has not written its terms by then goes round in circles."""
        of_terms = sum(max(len(term.alone), len(term.behind_a_word)) for term in self.terms)
        return 2 * self.n_source + of_terms + 10

    def steps(self, log_probs: Floats, totals: Floats, progress: Sequence[Progress], n: int) -> list[Step]:
        """The steps of beams (R, V), the best first: the n best that are free, and all that begin or follow a term."""
        found = []
        for beam, (row, total, now) in enumerate(zip(log_probs, totals, progress, strict=True)):
            if now.rest:
                found.append(self.following(beam, row, total, now))
                continue
            allowed = np.where(self.letters.begins, -math.inf, row) if now.behind_a_term else row.copy()
            if not now.is_whole:
                allowed[self.mark] = -math.inf
            likely = np.argsort(-allowed, kind="stable")[:n].tolist()
            for token in [*likely, *([self.mark] if self.mark not in likely else [])]:
                if allowed[token] > -math.inf:
                    free = replace(now, behind_a_term=False, behind_a_word=bool(self.letters.ends[token]))
                    found.append(Step(beam, token, float(total + row[token]), free))
            for number in now.left:
                term = self.terms[number]
                ids = term.behind_a_word if now.behind_a_word else term.alone
                left = tuple(other for other in now.left if other != number)
                found.append(self.following(beam, row, total, replace(now, left=left, rest=ids)))
        return sorted(found, key=lambda step: (-step.total, step.beam, step.token))

    def following(self, beam: int, row: Floats, total: float, now: Progress) -> Step:
        """The step to the next id of the term that it is inside."""
        token, *rest = now.rest
        after = replace(
            now,
            rest=tuple(rest),
            behind_a_term=not rest,
            behind_a_word=bool(self.letters.ends[token]),
        )
        return Step(beam, token, float(total + row[token]), after)


def in_banks(steps: Sequence[Step], beams: int, mark: int) -> tuple[list[Step], list[Step]]:
    """(what goes on, what ends) of steps, the best first: for each number of begun terms the best `beams` that go on
    outside of them, half as many at each place inside; of those that end the best one, and others among the best."""
    banks: dict[tuple[int, int], list[Step]] = {}
    for step in steps:
        banks.setdefault((len(step.progress.left), len(step.progress.rest)), []).append(step)
    going_on: list[Step] = []
    ended: list[Step] = []
    for (_, inside), bank in banks.items():
        ends = [step for step in bank if step.token == mark]
        ended += [*ends[:1], *(step for step in ends[1:] if step in bank[:beams])]
        going_on += [step for step in bank if step.token != mark][: max(1, beams // 2) if inside else beams]
    return sorted(going_on, key=lambda step: -step.total), ended
