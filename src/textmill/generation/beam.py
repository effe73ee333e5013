"""Greedy and beam search for models that read a source: sources of ids in, the best targets out. Room: generation/.

Used by tasks that translate; knows nothing of text or tokenizers. Scores are taken in float64, each source keeps beams
of its own and ties go to the better beam and the lower id: a source's targets are the same alone and in a batch.
Shapes: R rows read together (a beam each), S tokens of a source, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from textmill.config import GenerateConfig
from textmill.errors import ConfigError, InputError
from textmill.generation.engine import device_of, reading
from textmill.generation.forced import Forced, Progress, Step, in_banks
from textmill.models.encoder_decoder import EncoderDecoder
from textmill.models.layout import PADDING
from textmill.models.sourced import SourcedState

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SORTED_TOGETHER = 1024  # sources among which those of like length are read together


@dataclass(frozen=True)
class BeamSettings:
    """How the best targets are looked for."""

    beams: int = 4
    """Targets kept at each step for each source. 1: greedy, the likeliest token each time."""
    length_power: float = 1.0
    """Targets are ranked by ln P / n^length_power, n their tokens with the end mark. 0: by ln P; 1: by its mean."""
    max_new_tokens: int = 256
    """Tokens of a target at most, the end mark among them; never more than the model's context."""
    n_best: int = 1
    """Targets given for each source, the best first: at most beams."""

    @classmethod
    def of(cls, config: GenerateConfig, n_best: int = 1) -> BeamSettings:
        """The search of [generate]."""
        return cls(config.beams, config.length_power, config.max_new_tokens, n_best)

    def __post_init__(self) -> None:
        for name in ("beams", "max_new_tokens", "n_best"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be at least 1")
        if self.n_best > self.beams:
            raise ConfigError(
                f"n_best is {self.n_best}, and {self.beams} beams find {self.beams} targets",
                hint=f"Look for more: beams = {self.n_best}",
            )
        if self.length_power < 0:
            raise ConfigError(f"length_power is {self.length_power}: it must be at least 0")


@dataclass(frozen=True)
class Hypothesis:
    """A target of a source."""

    ids: tuple[int, ...]
    """Its tokens, the end mark left out."""
    total_logprob: float
    """ln P of the tokens, in nats, and of the end mark where ended."""
    score: float
    """total_logprob / n^length_power: what targets of one source are ranked by."""
    ended: bool
    """It ends in the mark; else max_new_tokens was reached, and it ranks behind all that ended."""
    alignment: tuple[int, ...] = ()
    """For each of ids the place in the source (from 0, padding not counted) that the model looked at most."""


@dataclass
class _Search:
    """The beams of one source."""

    live: list[tuple[int, ...]] = field(default_factory=lambda: [()])
    totals: Floats = field(default_factory=lambda: np.zeros(1))
    found: list[Hypothesis] = field(default_factory=list)
    forced: Forced | None = None
    """What its targets must hold."""
    progress: list[Progress] = field(default_factory=list)
    """Of each beam, where something is forced."""

    def advance(self, log_probs: Floats, tokens: Ints, mark: int, settings: BeamSettings, limit: int) -> list[int]:
        """Take one step, the likeliest tokens (live, n) of each beam given; the beams that go on, by the beam each
        comes from."""
        scores = (self.totals[:, None] + log_probs).ravel()
        order = np.argsort(-scores, kind="stable")[: 2 * settings.beams]
        length, n = len(self.live[0]) + 1, log_probs.shape[1]
        parents: list[int] = []
        live: list[tuple[int, ...]] = []
        totals: list[float] = []
        ended: list[Hypothesis] = []
        best = zip((order // n).tolist(), tokens.ravel()[order].tolist(), scores[order].tolist(), strict=True)
        for rank, (beam, token, total) in enumerate(best):
            if total == -math.inf or len(live) == settings.beams:
                break
            if token == mark:
                if rank < settings.beams:
                    score = total / length**settings.length_power
                    ended.append(Hypothesis(self.live[beam], total, score, ended=True))
            else:
                parents.append(beam)
                live.append((*self.live[beam], token))
                totals.append(total)
        return self.go_on(live, totals, ended, settings, limit, parents)

    def advance_forced(self, log_probs: Floats, mark: int, settings: BeamSettings, limit: int) -> list[int]:
        """advance by whole rows (live, V), where something is forced."""
        forced = cast(Forced, self.forced)
        limit = min(limit, forced.most_tokens)
        length = len(self.live[0]) + 1
        found = forced.steps(log_probs, self.totals, self.progress or [forced.start], 2 * settings.beams)
        # Two beams can write one text by other ways, a term as such or by chance: the better one of them goes on.
        by_text: dict[object, Step] = {}
        for step in found:
            by_text.setdefault((self.live[step.beam], step.token, step.progress), step)
        steps = [step for step in by_text.values() if step.total > -math.inf]
        kept, ending = in_banks(steps, settings.beams, mark)
        if length == limit:  # cut here: those that have written most of their terms
            n_open = [len(step.progress.left) + bool(step.progress.rest) for step in kept]
            kept = [step for step, n in zip(kept, n_open, strict=True) if n == min(n_open)]
        ended = [
            Hypothesis(self.live[step.beam], step.total, step.total / length**settings.length_power, ended=True)
            for step in ending
        ]
        self.progress = [step.progress for step in kept]
        live = [(*self.live[step.beam], step.token) for step in kept]
        return self.go_on(live, [step.total for step in kept], ended, settings, limit, [step.beam for step in kept])

    def go_on(
        self,
        live: list[tuple[int, ...]],
        totals: list[float],
        ended: list[Hypothesis],
        settings: BeamSettings,
        limit: int,
        parents: list[int],
    ) -> list[int]:
        """The parents of the beams, the best first, if they are to go on; what ended, or is cut, is kept."""
        if ended:
            self.found = ranked([*self.found, *ended])[: settings.beams]
        if live and len(live[0]) == limit:
            cut = [
                Hypothesis(ids, total, total / limit**settings.length_power, ended=False)
                for ids, total in zip(live, totals, strict=True)
            ]
            self.found = ranked([*self.found, *cut])[: settings.beams]
            return []
        if not live or self.is_settled(totals[0] / len(live[0]) ** settings.length_power, settings.beams):
            return []
        self.live, self.totals = live, np.array(totals)
        return parents

    def is_settled(self, best_live: float, beams: int) -> bool:
        """As many were found as there are beams, and no beam is now better than the worst of them."""
        return len(self.found) == beams and (beams == 1 or best_live <= self.found[-1].score)


def ranked(found: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Those that ended first, then by score; what was found first stays first on a tie."""
    return sorted(found, key=lambda hypothesis: (not hypothesis.ended, -hypothesis.score))


def likeliest(log_probs: Tensor, n: int) -> tuple[Floats, Ints]:
    """(values, places) of the n highest of each row (R, V), the best first, the lowest place on a tie: (R, n)."""
    n = min(n, log_probs.shape[1])
    values, places = log_probs.topk(n)  # of equal ones, any
    tied = ((log_probs >= values[:, -1:]).sum(dim=1) > n).nonzero()[:, 0]
    if len(tied):
        exact, at_exact = log_probs[tied].sort(stable=True, descending=True)
        values[tied], places[tied] = exact[:, :n], at_exact[:, :n]
    found, at = values.to("cpu", torch.float64).numpy(), places.cpu().numpy()
    order = np.lexsort((at, -found))
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(at, order, axis=1)


def search(
    model: EncoderDecoder,
    sources: Sequence[Sequence[int]],
    mark: int,
    settings: BeamSettings | None = None,
    batch: int = 32,
    forced: Sequence[Forced | None] | None = None,
    begin: int | None = None,
) -> Iterator[list[Hypothesis]]:
    """The n_best targets of each source, in order. batch: sources read together, those of like length; it changes no
    target. forced: for each source what its targets must hold.

    A target is read after the mark, or after `begin` where that is given, and ends in the mark. Raises InputError for a
    source without a token, ContextFull for one beyond the model's context.
    """
    settings = settings or BeamSettings()
    limit = min(settings.max_new_tokens, model.max_context or settings.max_new_tokens)
    for number, source in enumerate(sources, start=1):
        if not len(source):
            raise InputError(f"source {number} has no token", hint="The mark at its end is one.")
    for start in range(0, len(sources), SORTED_TOGETHER):
        some = sources[start : start + SORTED_TOGETHER]
        by_length = sorted(range(len(some)), key=lambda number: len(some[number]))
        found: dict[int, list[Hypothesis]] = {}
        for first in range(0, len(some), batch):
            numbers = by_length[first : first + batch]
            with reading(model):
                told = [None if forced is None else forced[start + number] for number in numbers]
                ends = mark if begin is None else begin, mark
                best = _search(model, [some[number] for number in numbers], ends, settings, limit, told)
            found |= zip(numbers, best, strict=True)
        yield from (found[number] for number in range(len(some)))


def _search(
    model: EncoderDecoder,
    sources: Sequence[Sequence[int]],
    ends: tuple[int, int],
    settings: BeamSettings,
    limit: int,
    forced: Sequence[Forced | None],
) -> list[list[Hypothesis]]:
    """ends: what targets begin with and what they end in."""
    first_id, mark = ends
    device = device_of(model)
    begun = model.begin(*padded(sources, device))
    searches = [_Search(forced=one) for one in forced]
    active, last = searches, [first_id] * len(sources)
    state = begun
    while active:
        ids = torch.tensor(last, device=device)[:, None]
        log_probs, after = cast("tuple[Tensor, SourcedState]", model.log_probs(ids, None, state))
        values, tokens = likeliest(log_probs[:, -1], 2 * settings.beams)  # (R, 2 beams)
        rows: list[int] = []
        going_on: list[_Search] = []
        first, shapes_stay = 0, True
        for one in active:
            n_live = len(one.live)
            own = slice(first, first + n_live)
            if one.forced is None:
                parents = one.advance(values[own], tokens[own], mark, settings, limit)
            else:
                whole = log_probs[own, -1].to("cpu", torch.float64).numpy()
                parents = one.advance_forced(whole, mark, settings, limit)
            if parents:
                rows += [first + parent for parent in parents]
                going_on.append(one)
            shapes_stay = shapes_stay and len(parents) == n_live
            first += n_live
        active = going_on
        if active:
            chosen = torch.tensor(rows, device=device)
            state = after.select_targets(chosen) if shapes_stay else after.select(chosen)
            last = [ids[-1] for one in active for ids in one.live]
    return _aligned(model, begun, first_id, [one.found[: settings.n_best] for one in searches])


def _aligned(
    model: EncoderDecoder, begun: SourcedState, first_id: int, found: list[list[Hypothesis]]
) -> list[list[Hypothesis]]:
    """The same targets with what each of their tokens looked at."""
    flat = [(row, hypothesis) for row, best in enumerate(found) for hypothesis in best]
    device = device_of(model)
    rows = torch.tensor([row for row, _ in flat], device=device)
    ids, segments = padded([[first_id, *hypothesis.ids[:-1]] for _, hypothesis in flat], device)
    state = begun.select(rows)
    weights = model.attention_to_source(ids, segments, state)  # (N, T, S)
    real = state.sight.real
    starts = [0] * len(flat) if real is None else real.int().argmax(dim=1).tolist()
    places = weights.argmax(dim=2).tolist()
    aligned: list[list[Hypothesis]] = [[] for _ in found]
    for number, (row, one) in enumerate(flat):
        looked = tuple(place - starts[number] for place in places[number][: len(one.ids)])
        aligned[row].append(Hypothesis(one.ids, one.total_logprob, one.score, one.ended, looked))
    return aligned


def padded(rows: Sequence[Sequence[int]], device: torch.device | str = "cpu") -> tuple[Tensor, Tensor | None]:
    """(ids (R, T), segments, None where all rows are equally long), padded to the right."""
    longest = max(1, max(map(len, rows), default=1))
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], dtype=torch.long, device=device)
    if all(len(row) == longest for row in rows):
        return ids, None
    lengths = torch.tensor([len(row) for row in rows], device=device)
    inside = torch.arange(longest, device=device) < lengths[:, None]
    return ids, torch.where(inside, 0, PADDING)
