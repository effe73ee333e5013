"""Rows of conversations of which the answers alone count. Room: tokens/ (documents -> ids -> batches). Used by lm.

Each conversation stands whole in one row, and does not see the others there; one that is longer than a row is read in
windows that overlap by half, each target counted once. A window in which nothing counts is no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from textmill.errors import ConfigError
from textmill.tokens.packing import IGNORED, PADDING
from textmill.tokens.store import TokenStore

if TYPE_CHECKING:
    from torch import Tensor

OPEN_ROWS = 64
"""A conversation goes into the first of so many rows that has room for it."""

Spans = Sequence[tuple[int, int]]
"""[start, stop) of what counts among the tokens of a document and the mark behind them."""


def counted_in(n_tokens: int, spans: Spans) -> NDArray[np.bool_]:
    """(n_tokens + 1,) True where a token, or the mark at the end, counts."""
    counted = np.zeros(n_tokens + 1, dtype=bool)
    for start, stop in spans:
        counted[start:stop] = True
    return counted


@dataclass(frozen=True)
class Piece:
    """Targets [start, stop) of a document, read from a fresh start; those from first_counted on count, if at all."""

    document: int
    start: int
    stop: int
    first_counted: int

    @property
    def n_places(self) -> int:
        return self.stop - self.start


class AnswerRows:
    """Rows of at most seq_len tokens: a document is read as mark + tokens and predicts tokens + mark; without a begin
    mark its first token is only read."""

    def __init__(
        self,
        store: TokenStore,
        spans: Sequence[Spans],
        seq_len: int,
        mark: int,
        begin: int | None,
        pack: bool = True,
    ):
        """spans: of each document. mark: stands behind a document, begin before it; None: nothing does. Raises
        ConfigError for a seq_len below 2."""
        if seq_len < 2:
            raise ConfigError(f"model.seq_len is {seq_len}: a row of conversations has at least two tokens")
        self.store, self.spans, self.seq_len, self.mark, self.begin = store, spans, seq_len, mark, begin
        self.notes: list[str] = []
        pieces: list[Piece] = []
        n_windowed = n_windows = 0
        for number in range(store.n_documents):
            own = self._pieces(number)
            pieces += own
            if self._n_targets(number) > seq_len:
                n_windowed, n_windows = n_windowed + 1, n_windows + len(own)
        self.rows = packed(pieces, seq_len) if pack else [[place] for place in range(len(pieces))]
        self.pieces = pieces
        if n_windowed:
            self.notes.append(
                f"{n_windowed:,} of {store.n_documents:,} documents are longer than model.seq_len ({seq_len} "
                f"tokens): they are read in {n_windows:,} windows, and what comes late does not see what stood early"
            )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_targets(self) -> int:
        """Targets that count, in all rows together."""
        return sum(int(self.counted(piece).sum()) for piece in self.pieces)

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """ids, targets, segments (B, T) int64 of some rows, padded on the right; targets that do not count are
        IGNORED, segments are numbers of pieces: none goes on from another row."""
        import torch

        numbers = [int(index) for index in indices]
        if not numbers or min(numbers) < 0 or max(numbers) >= len(self):
            raise IndexError(f"rows {numbers} of {len(self)}")
        width = max(sum(self.pieces[place].n_places for place in self.rows[number]) for number in numbers)
        shape = (len(numbers), width)
        ids, targets = np.zeros(shape, dtype=np.int64), np.full(shape, IGNORED, dtype=np.int64)
        segments = np.full(shape, PADDING, dtype=np.int64)
        for line, number in enumerate(numbers):
            at = 0
            for place in self.rows[number]:
                piece = self.pieces[place]
                there = slice(at, at + piece.n_places)
                (inputs, wanted), counted = self._read(piece), self.counted(piece)
                ids[line, there], segments[line, there] = inputs, place
                targets[line, there] = np.where(counted, wanted, IGNORED)
                at += piece.n_places
        return torch.from_numpy(ids), torch.from_numpy(targets), torch.from_numpy(segments)

    def _n_targets(self, number: int) -> int:
        n_tokens = int(self.store.starts[number + 1] - self.store.starts[number])  # the mark among them
        return n_tokens - (self.begin is None)

    def _pieces(self, number: int) -> list[Piece]:
        n_targets, step = self._n_targets(number), max(1, self.seq_len // 2)
        found, start, done = [], 0, 0
        while done < n_targets:
            piece = Piece(number, start, min(start + self.seq_len, n_targets), done)
            if self.counted(piece).any():
                found.append(piece)
            start, done = start + step, piece.stop
        return found

    def counted(self, piece: Piece) -> NDArray[np.bool_]:
        """Which of a piece's targets count (n_places,)."""
        n_tokens = int(self.store.starts[piece.document + 1] - self.store.starts[piece.document]) - 1
        counted = counted_in(n_tokens, self.spans[piece.document])[self.begin is None :]
        counted = counted[piece.start : piece.stop].copy()
        counted[: piece.first_counted - piece.start] = False
        return counted

    def _read(self, piece: Piece) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        tokens = np.append(self.store.document(piece.document), self.mark)
        inputs, targets = tokens[:-1], tokens[1:]
        if self.begin is not None:
            inputs, targets = np.append(self.begin, inputs), tokens
        return inputs[piece.start : piece.stop], targets[piece.start : piece.stop]


def packed(pieces: Sequence[Piece], seq_len: int) -> list[list[int]]:
    """Numbers of pieces by row: each goes into the first of the open rows that has room, or opens one. Rows stand in
    the order in which they were opened."""
    rows: list[list[int]] = []
    open_rows: list[tuple[int, int]] = []  # number of a row, places that are left in it
    for place, piece in enumerate(pieces):
        for slot, (row, left) in enumerate(open_rows):
            if piece.n_places <= left:
                rows[row].append(place)
                open_rows[slot] = (row, left - piece.n_places)
                break
        else:
            open_rows = [*open_rows[-(OPEN_ROWS - 1) :], (len(rows), seq_len - piece.n_places)]
            rows.append([place])
        open_rows = [(row, left) for row, left in open_rows if left]
    return rows
