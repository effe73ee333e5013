"""What a model spends on documents: each token predicted exactly once, summed in float64. Room: tasks/.

Used by tasks (validation while training) and evaluation, for networks and n-grams alike, through NextToken. Numbers do
not depend on the batch; how many tokens are scored does not depend on window and stride either.

A document is read as mark + tokens and predicts tokens + mark; without a begin mark its first token is read only.
All inputs lie in one array, all targets in another (input i is what predicts target i); a text is a range of them that
is read from a fresh start: a document, or with packed=True all documents in one stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from textmill.errors import ContextFull
from textmill.generation.engine import device_of, reading
from textmill.generation.windows import plan_windows
from textmill.metrics.language import ExampleScore
from textmill.models.next_token import IGNORED, NextToken

if TYPE_CHECKING:
    from textmill.tokens import Tokenizer, TokenStore

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Plain = tuple[Sequence[int] | npt.NDArray[Any], int, int, str]
Answered = tuple[Sequence[int] | npt.NDArray[Any], int, int, str, npt.NDArray[np.bool_]]
DocumentIds = Plain | Answered
"""ids without marks, UTF-8 bytes, code points, source; and, where not all is measured, which of the ids and of the mark
behind them are, (n + 1,): bytes and code points are those of these."""

READ_AT_ONCE = 16_384  # tokens of whole documents in one call, where the state is carried on
PADDING = -1  # the segment number of a place that holds no token


def documents_of(store: TokenStore) -> Iterator[DocumentIds]:
    """(ids, n_bytes, n_chars, source) of every document of a store."""
    for number in range(store.n_documents):
        yield store.document(number), store.document_bytes(number), store.document_chars(number), store.source(number)


def first_tokens(
    documents: Iterable[DocumentIds], max_tokens: int | None, tokenizer: Tokenizer
) -> Iterator[DocumentIds]:
    """The documents up to max_tokens in all; the last one is cut there. None: all of them."""
    left = max_tokens
    for document in documents:
        ids, n_bytes, n_chars, source, *answered = document
        if answered:  # which is never cut
            if left is not None and left <= 0:
                return
            yield document
            left = None if left is None else left - len(ids)
            continue
        if left is not None and len(ids) > left:
            some = [int(i) for i in ids[:left]]
            if some:
                sizes = tokenizer.n_bytes_of(some), len(tokenizer.decode(some))
                if not tokenizer.exact:
                    own = np.asarray(ids, dtype=np.int64)
                    table = TokenSizes.of(tokenizer)
                    per_id = (table.n_bytes[own], n_bytes), (table.n_chars[own], n_chars)
                    sizes = tuple(int(shared_out(each, whole)[left - 1]) for each, whole in per_id)  # type: ignore[assignment]
                yield some, *sizes, source
            return
        yield ids, n_bytes, n_chars, source
        if left is not None:
            left -= len(ids)


@dataclass(frozen=True)
class TokenSizes:
    """UTF-8 bytes of each id (V,), and code points that begin in it (V,): of a whole text they sum to its own."""

    n_bytes: Ints
    n_chars: Ints

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> TokenSizes:
        """Of every id of a tokenizer; the mark has none."""
        tokens = [tokenizer.token_bytes(number) for number in range(tokenizer.vocab_size)]
        begins = [sum(byte & 0xC0 != 0x80 for byte in token) for token in tokens]  # 10xxxxxx continues a code point
        return cls(np.array([len(token) for token in tokens]), np.array(begins))

    @classmethod
    def of_bytes(cls) -> TokenSizes:
        """Of the 256 bytes and the mark after them."""
        values = np.arange(256)
        return cls(np.append(np.ones(256, dtype=np.int64), 0), np.append(values & 0xC0 != 0x80, 0).astype(np.int64))


def shared_out(sizes: Ints, whole: int) -> Ints:
    """(T,) sizes summed up to each token, which for all of a text are `whole`: tokens that do not give a text back have
    shares of its own size.

    >>> shared_out(np.array([3, 1, 4]), 8), shared_out(np.array([3, 1, 4]), 16)
    (array([3, 4, 8]), array([ 6,  8, 16]))
    """
    ends: Ints = np.cumsum(sizes)
    if not len(ends) or ends[-1] == whole:
        return ends
    if not ends[-1]:
        return np.linspace(0, whole, len(ends) + 1)[1:].round().astype(np.int64)
    shares: Ints = np.rint(ends * (whole / ends[-1])).astype(np.int64)
    return shares


@dataclass(frozen=True)
class _Targets:
    """Everything that is to be predicted. texts: (start, stop) of what is read from a fresh start.

    Example j owns the targets bounds[j] … bounds[j + 1]. counted: those that are measured.
    """

    ids: Ints
    targets: Ints
    texts: list[tuple[int, int]]
    bounds: Ints
    examples: list[tuple[str, int, int]]
    counted: npt.NDArray[np.bool_]


def score_documents(
    model: NextToken,
    documents: Iterable[DocumentIds],
    mark: int,
    begin_mark: bool = True,
    window: int | None = None,
    stride: int | None = None,
    batch: int = 32,
    packed: bool = False,
    sizes: TokenSizes | None = None,
    n_blocks: int | None = None,
    begin: int | None = None,
) -> list[ExampleScore]:
    """What the model spends on each document, in the order given; the end mark is scored, its bytes are 0.

    window: tokens read at once, from a fresh start; default: the model's context, and where that has no bound, whole
    documents, read on with the state carried. stride: as in plan_windows. batch: windows (documents) read together.
    packed: all documents are one stream, each seeing those before it; without a begin mark only the first one loses its
    first token. sizes: needed without a begin mark and for blocks, to say how many bytes were scored.
    n_blocks: a document that is alone is scored as that many contiguous blocks (fewer where it is shorter).
    begin: what stands before a document, where it is not the mark.
    Raises ContextFull where the window is longer than the model's context, ConfigError where the stride leaps.
    """
    documents = list(documents)
    if sizes is None and (not begin_mark or (n_blocks is not None and len(documents) == 1)):
        raise ValueError("sizes are needed to count the bytes of a part of a document: TokenSizes.of(tokenizer)")
    lined_up = _line_up(documents, mark, begin_mark, packed, sizes, n_blocks, mark if begin is None else begin)
    nats = _nats(model, lined_up, window, stride, batch)
    scores = []
    for number, (source, n_bytes, n_chars) in enumerate(lined_up.examples):
        place = slice(lined_up.bounds[number], lined_up.bounds[number + 1])
        own = nats[place][lined_up.counted[place]]
        scores.append(ExampleScore(source, float(own.sum()), len(own), n_bytes, n_chars))
    return scores


def token_nats(
    model: NextToken,
    documents: Sequence[Plain],
    mark: int,
    begin_mark: bool = True,
    window: int | None = None,
    stride: int | None = None,
    batch: int = 32,
    begin: int | None = None,
) -> list[Floats]:
    """Of each document what each of its tokens and the mark behind them cost, (T + 1,).

    The first is NaN without a begin mark. The rest, and what is raised, as in score_documents."""
    begins = mark if begin is None else begin
    lined_up = _line_up(list(documents), mark, begin_mark, False, None, None, begins)
    nats = _nats(model, lined_up, window, stride, batch)
    unread = [] if begin_mark else [np.nan]
    return [np.concatenate([unread, nats[start:stop]]) for start, stop in lined_up.texts]


def _nats(model: NextToken, lined_up: _Targets, window: int | None, stride: int | None, batch: int) -> Floats:
    """What each target costs; NaN where it is not counted. Raises ContextFull."""
    if window is not None and model.max_context is not None and window > model.max_context:
        raise ContextFull(
            f"eval.window is {window}, but the model can read {model.max_context} tokens at once",
            hint=f"Choose a window of at most {model.max_context}, or leave it out.",
        )
    nats = np.full(len(lined_up.targets), np.nan)
    with reading(model):
        if window is None and model.max_context is None:
            _score_carried(model, lined_up, batch, nats)
        else:
            _score_windows(model, lined_up, window or model.max_context, stride, batch, nats)
    return nats


def _line_up(
    documents: list[DocumentIds],
    mark: int,
    begin_mark: bool,
    packed: bool,
    sizes: TokenSizes | None,
    n_blocks: int | None,
    begin: int,
) -> _Targets:
    splits = n_blocks is not None and len(documents) == 1
    ids, targets, texts, lengths, examples, counted = [], [], [], [], [], []
    for number, (own, n_bytes, n_chars, source, *answered) in enumerate(documents):
        tokens = np.append(np.asarray(own, dtype=np.int64), mark)
        begins = begin_mark or (packed and number > 0)
        inputs = np.concatenate([[begin], tokens[:-1]]) if begins else tokens[:-1]
        predicted = tokens if begins else tokens[1:]
        of_all = answered[0] if answered else np.ones(len(tokens), dtype=bool)
        counted.append(of_all if begins else of_all[1:])
        if not begins and sizes is not None and of_all[0]:  # the first token is read only: its bytes are not scored
            n_bytes -= int(shared_out(np.where(of_all, sizes.n_bytes[tokens], 0), n_bytes)[0])
            n_chars -= int(shared_out(np.where(of_all, sizes.n_chars[tokens], 0), n_chars)[0])
        ids.append(inputs)
        targets.append(predicted)
        lengths.append(len(predicted))
        examples.append((source, n_bytes, n_chars))

    bounds = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    texts = [(int(start), int(stop)) for start, stop in pairwise(bounds)]
    if packed:
        texts = [(0, int(bounds[-1]))]
    no_ids = [np.zeros(0, dtype=np.int64)]
    lined_up = _Targets(
        np.concatenate(ids or no_ids),
        np.concatenate(targets or no_ids),
        texts,
        bounds,
        examples,
        np.concatenate(counted or [np.zeros(0, dtype=bool)]),
    )
    return _in_blocks(lined_up, n_blocks, sizes) if splits and n_blocks and sizes else lined_up


def _in_blocks(lined_up: _Targets, n_blocks: int, sizes: TokenSizes) -> _Targets:
    """The one document as contiguous blocks of nearly equal length; it is read as before."""
    [(source, n_bytes, n_chars)] = lined_up.examples
    ends = [
        np.concatenate([[0], shared_out(np.where(lined_up.counted, each[lined_up.targets], 0), whole)])
        for each, whole in ((sizes.n_bytes, n_bytes), (sizes.n_chars, n_chars))
    ]
    n_blocks = max(1, min(n_blocks, len(lined_up.targets)))
    bounds = np.linspace(0, len(lined_up.targets), n_blocks + 1).round().astype(np.int64)
    examples = []
    for block in range(n_blocks):
        place = f"{source} block {block + 1}/{n_blocks}"
        own_bytes, own_chars = (int(one[bounds[block + 1]] - one[bounds[block]]) for one in ends)
        examples.append((place, own_bytes, own_chars))
    return replace(lined_up, bounds=bounds, examples=examples)


def _score_windows(
    model: NextToken, lined_up: _Targets, window: int | None, stride: int | None, batch: int, nats: Floats
) -> None:
    """Fill `nats`, reading windows from a fresh start; those of like length together."""
    windows = [
        (start + part.start, start + part.stop, start + part.first_scored)
        for start, stop in lined_up.texts
        for part in plan_windows(stop - start, window, stride)
    ]
    windows.sort(key=lambda part: part[0] - part[1])
    for number in range(0, len(windows), batch):
        starts, stops, first_scored = np.array(windows[number : number + batch], dtype=np.int64).T
        _read(model, lined_up, starts, stops, first_scored, None, nats)


def _score_carried(model: NextToken, lined_up: _Targets, batch: int, nats: Floats) -> None:
    """Fill `nats`, reading whole texts in pieces with the state carried on: memory does not grow with their length."""
    texts = sorted((text for text in lined_up.texts if text[0] < text[1]), key=lambda text: text[0] - text[1])
    for together in _groups(texts, batch):
        at, stops = np.array(together, dtype=np.int64).T
        state: Any = None
        while len(at):
            until = np.minimum(at + max(1, READ_AT_ONCE // len(at)), stops)
            state = _read(model, lined_up, at, until, at, state, nats)
            going_on = np.flatnonzero(until < stops)
            if state is not None and len(going_on) < len(at):
                state = state.select(torch.from_numpy(going_on).to(device_of(model)))
            at, stops = until[going_on], stops[going_on]


def _groups(items: list[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _read(
    model: NextToken, lined_up: _Targets, starts: Ints, stops: Ints, first_scored: Ints, state: Any, nats: Floats
) -> Any:
    """Read the ranges starts … stops as rows, put what their targets cost into `nats`; the state after them."""
    places = starts[:, None] + np.arange((stops - starts).max())
    there = places < stops[:, None]
    counted = there & (places >= first_scored[:, None])
    places = np.where(there, places, 0)
    counted &= lined_up.counted[places]
    ids = np.where(there, lined_up.ids[places], 0)
    targets = np.where(counted, lined_up.targets[places], IGNORED)
    segments = None if there.all() else torch.from_numpy(np.where(there, 0, PADDING)).to(device_of(model))

    device = device_of(model)
    cost, state = model.nll(torch.from_numpy(ids).to(device), torch.from_numpy(targets).to(device), segments, state)
    nats[places[counted]] = cost.to("cpu", torch.float64).numpy()[counted]
    return state
