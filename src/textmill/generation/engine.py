"""The batched engine: prompts of ids in, new ids out as they come, for anything that stands behind NextToken.

Room: generation/ (weights -> text). Used by writing.py; knows nothing of text, tokenizers or stop texts.
Shapes: R rows read together, T tokens, V vocabulary.

What the engine asks of a state: nothing if it is None, else `state.select(rows)` with rows (R,) int64, in any order and
with repeats, which gives the state of those rows as a value of its own. If it has `reserve(n)`, the engine calls it
after reading texts from their beginning, and from then on uses each state once only.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError, InputError
from textmill.generation.constraints import Constraint, Obeying, obeyed
from textmill.generation.sampling import Floats, Runs, distribution, draw, uniform_at, without
from textmill.models.next_token import IGNORED, NextToken

READ_AT_ONCE = 1024  # tokens of a prompt in one call: bounds the memory of a long one


class Piece(NamedTuple):
    """One new token. row: prompt · n + sample. logprob: nats, by the model itself, before any setting."""

    row: int
    id: int
    logprob: float


def generate(
    model: NextToken,
    prompts: Sequence[Sequence[int]],
    settings: GenerateConfig,
    seed: int | Sequence[int],
    n: int = 1,
    mark: int | None = None,
    *,
    ended: Collection[int] = (),
    stops: Collection[int] = (),
    notice: Callable[[str], None] = warnings.warn,
    constraint: Constraint | None = None,
) -> Iterator[Piece]:
    """Write on from each prompt n times; yield the tokens as they come, a step of all rows at a time.

    prompts: ids, the begin mark already in. mark: the id that ends a row; it is yielded. ended: rows the caller adds to
    while it reads, because a stop text came; they are not written on. stops: ids at which the caller ends a row,
    besides the mark; like it they do not come before min_new_tokens. notice is told, once, that a context was full.
    constraint: what every text obeys; the settings act on what it allows, and logprob stays the model's own.

    seed: one of all prompts, which are then drawn by the same numbers at each position, or one for each.
    A token depends on (seed, index of n, its position, its row's own text): not on the batch, not on other rows.
    The context: where max_context leaves no room for one more token, the last half of the context is read anew as a
    beginning, and the text goes on from there; of a prompt longer than max_context the last max_context // 2 tokens
    are read.
    Raises InputError for an empty prompt (by its number), ConfigError for an n or a seed out of range, and what the
    constraint raises where it begins.
    """
    for number, prompt in enumerate(prompts):
        if not len(prompt):
            raise InputError(
                f"prompt {number} is empty, and without a begin mark (tokens.begin_mark = false) there is nothing to "
                "read before the first token",
                hint="Give at least one character to write on from.",
            )
    if n < 1:
        raise ConfigError(f"n is {n}: at least 1 text a prompt is written")
    if settings.min_new_tokens > settings.max_new_tokens:
        raise ConfigError(
            f"min_new_tokens ({settings.min_new_tokens}) is above max_new_tokens ({settings.max_new_tokens}), which "
            "ends every text",
            where="generate.min_new_tokens",
            hint=f"Say --max-new-tokens {settings.min_new_tokens} or more, or fewer of the other.",
        )
    seeds = [seed] * len(prompts) if isinstance(seed, int) else list(seed)
    if len(seeds) != len(prompts):
        raise ConfigError(f"there are {len(seeds)} seeds for {len(prompts)} prompts")
    for own in seeds:
        uniform_at(own, 0, 0)  # refuses a seed out of range now, not at the first token
    if constraint is not None and (settings.no_repeat or settings.min_new_tokens):
        name = "no_repeat" if settings.no_repeat else "min_new_tokens"
        raise ConfigError(
            f"{name} ({getattr(settings, name)}) could forbid what the constraint needs",
            where=f"generate.{name}",
            hint=f"Say --{name.replace('_', '-')} 0 beside it.",
        )
    rows = range(len(prompts) * n)
    obeying = [None if constraint is None else constraint.begin(row // n, row % n) for row in rows]
    ends = {*stops} if mark is None else {*stops, mark}
    return _pieces(model, prompts, settings, seeds, n, mark, ends, ended, notice, obeying)


@dataclass
class _Text:
    """A text being written: where it stands, and its ids so far."""

    row: int
    sample: int
    ids: list[int]
    seen: set[int]
    """Ids the repetition penalty counts: the prompt's, also where they have left the context, and the new ones."""
    runs: Runs
    """Of generate.no_repeat ids, the prompt's among them."""
    new: list[int] = field(default_factory=list)
    n_read: int = 0
    """Tokens in the model's state."""
    obeying: Obeying | None = None
    """Where it stands under the constraint."""

    def drawn(self, log_probs: Floats, settings: GenerateConfig, seed: int, ends: Collection[int]) -> int:
        """The next id, given ln P of every id (V,). ends: ids that do not come before min_new_tokens."""
        position = len(self.new)
        if self.obeying is None:
            no_end = ends if position < settings.min_new_tokens else ()
            scores = without(log_probs, {*self.runs.completing(), *no_end})
            return draw(distribution(scores, settings, self.seen, self.new), uniform_at(seed, self.sample, position))
        for attempt in count():
            scores = obeyed(log_probs, self.obeying.allowed(settings.max_new_tokens - position))
            uniform = uniform_at(seed, self.sample, position, attempt)
            token_id = draw(distribution(scores, settings, self.seen, self.new), uniform)
            if self.obeying.push(token_id):
                break
        return token_id


@dataclass
class _Group:
    """Texts read in the same calls: all of them have the state's rows, in its order."""

    texts: list[_Text]
    log_probs: Floats
    """ln P of the next token (R, V), float64."""
    state: Any


def _pieces(
    model: NextToken,
    prompts: Sequence[Sequence[int]],
    settings: GenerateConfig,
    seeds: Sequence[int],
    n: int,
    mark: int | None,
    ends: Collection[int],
    ended: Collection[int],
    notice: Callable[[str], None],
    obeying: Sequence[Obeying | None],
) -> Iterator[Piece]:
    if not prompts:
        return
    context = _Context(model.max_context, notice)
    groups = [_begin(model, prompts, n, mark, context, settings)]
    for text in groups[0].texts:
        text.obeying = obeying[text.row]
    for position in range(settings.max_new_tokens):
        for group in groups:
            for text, log_probs in zip(group.texts, group.log_probs, strict=True):
                token_id = text.drawn(log_probs, settings, seeds[text.row // n], ends)
                text.ids.append(token_id)
                text.new.append(token_id)
                text.seen.add(token_id)
                text.runs.push(token_id)
                yield Piece(text.row, token_id, float(log_probs[token_id]))
        if position + 1 < settings.max_new_tokens:
            n_left = settings.max_new_tokens - position - 2  # to be read after the next step
            groups = [going for group in groups for going in _advance(model, group, mark, ended, context, n_left)]


def _begin(
    model: NextToken,
    prompts: Sequence[Sequence[int]],
    n: int,
    mark: int | None,
    context: _Context,
    settings: GenerateConfig,
) -> _Group:
    """The prompts are read once each; their n texts share the state."""
    readable = [context.fitted(list(prompt)) for prompt in prompts]
    log_probs, state = read(model, readable)
    if n > 1:
        rows = torch.arange(len(prompts), device=device_of(model)).repeat_interleave(n)
        log_probs, state = log_probs.repeat(n, axis=0), _select(state, rows)
    texts = [
        _Text(
            number * n + sample,
            sample,
            list(prompt),
            set(prompt) - {mark},
            Runs(settings.no_repeat, prompt),
            n_read=len(readable[number]),
        )
        for number, prompt in enumerate(prompts)
        for sample in range(n)
    ]
    return _Group(texts, log_probs, context.reserved(state, texts, settings.max_new_tokens - 1))


def _advance(
    model: NextToken, group: _Group, mark: int | None, ended: Collection[int], context: _Context, n_left: int
) -> Iterator[_Group]:
    """The group one token further, without the texts that have ended.

    Texts whose context is full leave it for a group of their own, read anew: the others go on with their state.
    """
    places = [place for place, text in enumerate(group.texts) if text.new[-1] != mark and text.row not in ended]
    full = [place for place in places if context.is_full(group.texts[place].n_read)]
    going = [place for place in places if place not in set(full)]
    if going:
        state = group.state
        if len(going) < len(group.texts):
            state = _select(state, torch.tensor(going, device=device_of(model)))
        texts = [group.texts[place] for place in going]
        with reading(model):
            last = torch.tensor([text.ids[-1:] for text in texts], device=device_of(model))
            log_probs, state = model.log_probs(last, state=state)
        for text in texts:
            text.n_read += 1
        yield _Group(texts, _last(log_probs), state)
    if full:
        texts = [group.texts[place] for place in full]
        halves = [context.last_half(text.ids) for text in texts]
        fresh, state = read(model, halves)
        for text, half in zip(texts, halves, strict=True):
            text.n_read = len(half)
        yield _Group(texts, fresh, context.reserved(state, texts, n_left))


class _Context:
    """The rule for texts longer than the model's context, and that it is told once."""

    def __init__(self, max_context: int | None, notice: Callable[[str], None]):
        self.max_context, self.notice, self.told = max_context, notice, False

    def is_full(self, n_read: int) -> bool:
        return self.max_context is not None and n_read >= self.max_context

    def fitted(self, ids: list[int]) -> list[int]:
        return ids if self.max_context is None or len(ids) <= self.max_context else self.last_half(ids)

    def last_half(self, ids: list[int]) -> list[int]:
        assert self.max_context is not None
        if not self.told:
            self.told = True
            self.notice(
                f"The text is longer than the model's context of {self.max_context} tokens: each time it is full, its "
                f"last half is read anew and what stands before that is forgotten."
            )
        return ids[-max(self.max_context // 2, 1) :]

    def reserved(self, state: Any, texts: list[_Text], n_left: int) -> Any:
        """The state with room for what its texts can still read before they end or are full."""
        if not hasattr(state, "reserve"):
            return state
        if self.max_context is not None:
            n_left = min(n_left, self.max_context - min(text.n_read for text in texts))
        return state.reserve(n_left)


def read(model: NextToken, texts: Sequence[Sequence[int]]) -> tuple[Floats, Any]:
    """Read texts of ids from their beginning: ln P of the token after each (R, V) in float64, and the state.

    Shorter texts are padded on the left, told apart by segments; texts of one length are not padded at all. All but
    the last column goes through nll with no target counted, so that scores (R, T, V) need not exist.
    """
    length = max(map(len, texts))
    device = device_of(model)
    ids = torch.zeros(len(texts), length, dtype=torch.int64)
    segments = torch.full_like(ids, -1)
    for row, text in enumerate(texts):
        ids[row, length - len(text) :] = torch.tensor(text)
        segments[row, length - len(text) :] = 0
    ids, segments = ids.to(device), segments.to(device)
    is_ragged = bool((segments < 0).any())
    state = None
    with reading(model):
        for start in range(0, length - 1, READ_AT_ONCE):
            columns = slice(start, min(start + READ_AT_ONCE, length - 1))
            uncounted = torch.full_like(ids[:, columns], IGNORED)
            part = segments[:, columns] if is_ragged else None
            _, state = model.nll(ids[:, columns], uncounted, segments=part, state=state)
        log_probs, state = model.log_probs(ids[:, -1:], segments=segments[:, -1:] if is_ragged else None, state=state)
    return _last(log_probs), state


@contextmanager
def reading(model: NextToken) -> Iterator[None]:
    """The model reads: no gradients, and a module that is in training mode is put back into it afterwards."""
    was_training = bool(getattr(model, "training", False))
    if was_training:
        model.eval()  # type: ignore[attr-defined]
    try:
        with torch.no_grad():
            yield
    finally:
        if was_training:
            model.train()  # type: ignore[attr-defined]


def device_of(model: NextToken) -> torch.device:
    """Where the model wants its ids: with its first parameter; on the CPU if it has none."""
    if isinstance(model, torch.nn.Module):
        for parameter in model.parameters():
            return parameter.device
    return torch.device("cpu")


def _last(log_probs: Tensor) -> Floats:
    """The scores of the last column (R, V), in float64 on the CPU."""
    return np.asarray(log_probs[:, -1].to("cpu", torch.float64).numpy())


def _select(state: Any, rows: Tensor) -> Any:
    return None if state is None else state.select(rows)
