"""Greedy and beam search for models that read a source: sources of ids in, the best targets out. Room: generation/.

Used by tasks that translate; knows nothing of text or tokenizers. Scores are taken in float64, each source keeps beams
of its own and ties go to the better beam and the lower id: a source's targets are the same alone and in a batch.
Shapes: R rows read together (a beam each), S tokens of a source, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from textmill.config import GenerateConfig
from textmill.errors import ConfigError
from textmill.generation.engine import device_of, reading
from textmill.models.encoder_decoder import EncoderDecoder
from textmill.models.layout import PADDING
from textmill.models.sourced import SourcedState
from textmill.models.state import State

Floats = npt.NDArray[np.float64]


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

    number: int
    live: list[tuple[int, ...]] = field(default_factory=lambda: [()])
    totals: Floats = field(default_factory=lambda: np.zeros(1))
    found: list[Hypothesis] = field(default_factory=list)

    def advance(self, log_probs: Floats, mark: int, settings: BeamSettings, limit: int) -> list[int]:
        """Take one step, log_probs (live, V) given; the beams that go on, by the beam each comes from."""
        scores = self.totals[:, None] + log_probs
        order = best_first(scores, 2 * settings.beams)
        length = len(self.live[0]) + 1
        parents: list[int] = []
        live: list[tuple[int, ...]] = []
        totals: list[float] = []
        for rank, (beam, token) in enumerate(zip(*np.unravel_index(order, scores.shape), strict=True)):
            total = float(scores[beam, token])
            if total == -math.inf or len(live) == settings.beams:
                break
            if token == mark:
                if rank < settings.beams:
                    score = total / length**settings.length_power
                    self.found.append(Hypothesis(self.live[beam], total, score, ended=True))
            else:
                parents.append(int(beam))
                live.append((*self.live[beam], int(token)))
                totals.append(total)
        self.found = ranked(self.found)[: settings.beams]
        if length == limit:
            cut = [
                Hypothesis(ids, total, total / length**settings.length_power, ended=False)
                for ids, total in zip(live, totals, strict=True)
            ]
            self.found = ranked([*self.found, *cut])[: settings.beams]
            return []
        if not live or self.is_settled(max(totals), settings, limit):
            return []
        self.live, self.totals = live, np.array(totals)
        return parents

    def is_settled(self, best_total: float, settings: BeamSettings, limit: int) -> bool:
        """No beam can still become better than what was found: ln P only falls, and weighs least at full length."""
        if len(self.found) < settings.beams:
            return False
        return settings.beams == 1 or best_total / limit**settings.length_power <= self.found[-1].score


def ranked(found: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Those that ended first, then by score; what was found first stays first on a tie."""
    return sorted(found, key=lambda hypothesis: (not hypothesis.ended, -hypothesis.score))


def best_first(scores: Floats, n: int) -> npt.NDArray[np.int64]:
    """Places of the n highest of scores, flattened, the best first, the lowest place on a tie."""
    flat = scores.ravel()
    if n >= flat.size:
        return np.argsort(-flat, kind="stable")
    least = np.partition(flat, flat.size - n)[flat.size - n]
    candidates = np.flatnonzero(flat >= least)
    return candidates[np.argsort(-flat[candidates], kind="stable")][:n]


def search(
    model: EncoderDecoder,
    sources: Sequence[Sequence[int]],
    mark: int,
    settings: BeamSettings | None = None,
    batch: int = 32,
) -> Iterator[list[Hypothesis]]:
    """The n_best targets of each source, in order. batch: sources read together; it changes no target.

    A target is read after the mark and ends in it. Raises InputError for a source without a token, ContextFull for one
    beyond the model's context.
    """
    settings = settings or BeamSettings()
    limit = min(settings.max_new_tokens, model.max_context or settings.max_new_tokens)
    for start in range(0, len(sources), batch):
        with reading(model):
            yield from _search(model, sources[start : start + batch], mark, settings, limit)


def _search(
    model: EncoderDecoder, sources: Sequence[Sequence[int]], mark: int, settings: BeamSettings, limit: int
) -> list[list[Hypothesis]]:
    device = device_of(model)
    begun = model.begin(*padded(sources, device))
    searches = [_Search(number) for number in range(len(sources))]
    active, last = searches, [mark] * len(sources)
    state: State = begun
    while active:
        ids = torch.tensor(last, device=device)[:, None]
        log_probs, after = model.log_probs(ids, None, state)
        found = log_probs[:, -1].to("cpu", torch.float64).numpy()  # (R, V)
        rows: list[int] = []
        going_on: list[_Search] = []
        first = 0
        for one in active:
            n_live = len(one.live)
            parents = one.advance(found[first : first + n_live], mark, settings, limit)
            if parents:
                rows += [first + parent for parent in parents]
                going_on.append(one)
            first += n_live
        active = going_on
        if active:
            state = after.select(torch.tensor(rows, device=device))
            last = [ids[-1] for one in active for ids in one.live]
    return _aligned(model, begun, mark, [one.found[: settings.n_best] for one in searches])


def _aligned(
    model: EncoderDecoder, begun: SourcedState, mark: int, found: list[list[Hypothesis]]
) -> list[list[Hypothesis]]:
    """The same targets with what each of their tokens looked at."""
    flat = [(row, hypothesis) for row, best in enumerate(found) for hypothesis in best]
    device = device_of(model)
    rows = torch.tensor([row for row, _ in flat], device=device)
    ids, segments = padded([[mark, *hypothesis.ids[:-1]] for _, hypothesis in flat], device)
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
