"""Documents laid end to end and cut into rows for training. Room: tokens/ (ids -> batches). Used by tasks.

Nothing is lost: every token of every document, its mark included, is a target exactly once in all the rows together.
Shapes: B rows, T tokens of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from textmill.errors import ConfigError
from textmill.tokens.store import TokenStore

if TYPE_CHECKING:
    from torch import Tensor

IGNORED = -100  # a target that is not counted: the ignore_index of torch's cross entropy
PADDING = -1  # segment of a place that is in no document

Row = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class PackedRows:
    """Rows of seq_len tokens: row r predicts the targets r·T to (r+1)·T − 1 of the stream; the last row may be shorter.

    With a begin mark, token p is predicted after token p − 1, and the first of all after a mark: each document is read
    as mark + tokens and predicts tokens + mark (the mark that ends a document begins the next; where `begin` is another
    token, that one stands in its place). Without, the first token is only read.
    isolate: segments number the documents (their place in the store), so that a model lets none see another; without a
    begin mark the first token of every document is then no target, as nothing before it may be seen.
    pack False: a row holds one document or, of a long one, seq_len of its targets; rows differ in length.
    """

    def __init__(
        self,
        store: TokenStore,
        seq_len: int,
        mark: int,
        begin_mark: bool = True,
        isolate: bool = False,
        pack: bool = True,
        begin: int | None = None,
    ):
        """Raises ConfigError for a seq_len below 1."""
        if seq_len < 1:
            raise ConfigError(f"model.seq_len is {seq_len}: a row has at least one token")
        self.store, self.seq_len, self.mark = store, seq_len, mark
        self.begin_mark, self.isolate = begin_mark, isolate
        self.begin = mark if begin is None else begin
        self.notes: list[str] = []
        self._cuts = None if pack else document_cuts(store, seq_len, begin_mark)
        self.n_places = store.n_tokens if begin_mark else max(store.n_tokens - 1, 0)
        """Places with a target, counted or not, in all rows together."""

    def __len__(self) -> int:
        return -(-self.n_places // self.seq_len) if self._cuts is None else len(self._cuts[0])

    @property
    def n_targets(self) -> int:
        """Targets that count, in all rows together."""
        if self._cuts is not None:
            return int(self._cuts[1].sum())
        return self.n_places - (self.store.n_documents - 1 if self._drops_first_tokens and self.n_places else 0)

    def row(self, i: int) -> Row:
        """ids, targets, segments (n,) of row i; n is seq_len, or less in the last row."""
        ids, targets, segments, _ = self._read(np.array([i]))
        return ids[0], targets[0], segments[0]

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor | None]:
        """ids, targets, segments (B, T) int64 of some rows, the short one padded on the right.

        segments is None where nothing is padded and documents are not isolated: each row is one piece of text.
        """
        import torch

        ids, targets, segments, is_padded = self._read(np.asarray(indices, dtype=np.int64))
        if not (self.isolate or is_padded):
            return torch.from_numpy(ids), torch.from_numpy(targets), None
        return torch.from_numpy(ids), torch.from_numpy(targets), torch.from_numpy(segments)

    @property
    def _drops_first_tokens(self) -> bool:
        return self.isolate and not self.begin_mark

    @cached_property
    def _windows(self) -> NDArray[np.unsignedinteger]:
        """Every T + 1 tokens in a row (n_tokens − T, T + 1): a view, nothing is read."""
        return np.lib.stride_tricks.sliding_window_view(self.store.tokens, self.seq_len + 1)

    def _read(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], bool]:
        """ids, targets, segments (B, T) of the rows and whether anything is padding."""
        if not len(rows) or rows.min() < 0 or rows.max() >= len(self):
            raise IndexError(f"rows {rows.tolist()} of {len(self)}")
        if self._cuts is None:
            first = rows * self.seq_len  # place of each row's first target
            n_places = np.minimum(self.seq_len, self.n_places - first)
        else:
            first, n_places = self._cuts[0][rows], self._cuts[1][rows]
        width = int(n_places.max())
        is_padded = bool(n_places.min() < width)

        read = self._tokens_around(first, n_places, width)  # (B, T + 1)
        ids, targets = read[:, :-1].copy(), read[:, 1:].copy()
        if self.begin_mark and self.begin != self.mark:
            places = first[:, None] + np.arange(width)
            begins = self.store.starts[np.searchsorted(self.store.starts[:-1], places, side="right") - 1] == places
            ids[begins] = self.begin
        beyond = np.arange(width) >= n_places[:, None]
        if is_padded:
            ids[beyond], targets[beyond] = 0, IGNORED
        segments = np.zeros_like(ids)
        if self.isolate:
            places = first[:, None] + np.arange(width)
            segments = np.searchsorted(self.store.starts, places, side="right") - 1
            if self._drops_first_tokens:
                targets[np.searchsorted(self.store.starts, places + 1, side="right") - 1 != segments] = IGNORED
        segments[beyond] = PADDING
        return ids, targets, segments, is_padded

    def _tokens_around(self, first: NDArray[np.int64], n_places: NDArray[np.int64], width: int) -> NDArray[np.int64]:
        """The token before each row's first target, and its targets (B, width + 1); zeros beyond its end."""
        before = first - 1 if self.begin_mark else first  # −1: the mark before everything
        if width == self.seq_len == n_places.min() and self.store.n_tokens > self.seq_len:
            read = self._windows[np.maximum(before, 0)].astype(np.int64)
        else:
            read = np.zeros((len(first), width + 1), dtype=np.int64)
            for line, start, n in zip(read, before.tolist(), n_places.tolist(), strict=True):
                tokens = self.store.tokens[max(start, 0) : start + n + 1]
                line[n + 1 - len(tokens) : n + 1] = tokens
        if self.begin_mark:
            of_all = before < 0
            read[of_all, 1:] = self._first_targets(width)
            read[of_all, 0] = self.mark
        return read

    def _first_targets(self, width: int) -> NDArray[np.int64]:
        tokens = np.zeros(width, dtype=np.int64)
        tokens[: self.store.n_tokens] = self.store.tokens[:width]
        return tokens


def document_cuts(store: TokenStore, seq_len: int, begin_mark: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(first place, number of places) of the rows that hold one document each, or seq_len targets of a long one.

    Without a begin mark the first token of a document is only read, and a document of a mark alone has no row.
    """
    starts = np.asarray(store.starts, dtype=np.int64)
    n_targets = np.diff(starts) - (0 if begin_mark else 1)
    n_rows = -(-n_targets // seq_len)
    of = np.repeat(np.arange(len(n_rows)), n_rows)  # the document of each row
    part = np.arange(len(of)) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows)  # 0, 1, … within its document
    return starts[of] + part * seq_len, np.minimum(seq_len, n_targets[of] - part * seq_len)
