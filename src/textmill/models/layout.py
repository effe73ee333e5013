"""Where each token of a batch stands: its position, its document, and what it may see. Room: models/.

A network makes one Layout a call and hands it on; attention takes mask and positions from it, a recurrence its
documents. This is the one place that owns masks and alignment: is_causal starts its diagonal at the first key, which
is wrong once there is a past, so it is used only without one.
Shapes: B batch, T new tokens, P past tokens.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from textmill.errors import InputError
from textmill.models.state import State

PADDING = -1  # the segment number of a place that holds no token


class Layout:
    """The places of B rows of T new tokens, after the past that `state` remembers.

    segments (B, T): number of the document in its row, -1 = padding, on either side; None = every row goes on in the
    document it is in. A document is a row's tokens of one number up to the next other number. With a state, a row goes
    on in the state's document where its first number equals the one the state ended in, and starts anew otherwise.
    Padding sees padding only and is seen by nothing else, so that no place is without sight and none gives NaN.
    """

    def __init__(
        self,
        batch: int,
        n_tokens: int,
        segments: Tensor | None = None,
        state: State | None = None,
        device: torch.device | str = "cpu",
    ):
        if segments is not None and segments.shape != (batch, n_tokens):
            raise InputError(f"segments have shape {tuple(segments.shape)}, the ids ({batch}, {n_tokens})")
        if state is not None and len(state.n_seen) != batch:
            raise InputError(
                f"the state holds {len(state.n_seen)} rows, the ids {batch}", hint="state.select(rows) picks rows"
            )
        self.batch, self.n_tokens, self.device = batch, n_tokens, device
        self.segments, self.state = segments, state
        self.n_past = 0 if state is None else state.n_past
        self.window: int | None = None
        """Tokens that one sees, itself included; None = all of its document before it."""

    def seen_through(self, window: int | None) -> Layout:
        """The same places, each of which sees the last `window` tokens of its document, itself included."""
        if window is None or self.n_past + self.n_tokens <= window:
            return self
        narrowed = copy.copy(self)
        narrowed.window = window
        narrowed.__dict__.pop("visible", None)
        return narrowed

    # --- which paths are open

    @cached_property
    def in_step(self) -> bool:
        """Every row is one document whose tokens stand at positions P, P+1, …, with padding at most to the right.

        Then is_causal alone is the right mask: what follows, padding included, is never seen.
        """
        if self.state is not None:
            return self.segments is None and self.state.documents is None and self.n_past > 0
        if self.segments is None:
            return True
        first, following = self.segments[:, :-1], self.segments[:, 1:]
        return bool(((following == first) | (following == PADDING)).all())

    @property
    def is_causal(self) -> bool:
        """attend() may use the causal fast path: no past, nothing to hide but the future."""
        return self.in_step and self.n_past == 0 and self.window is None

    # --- documents

    @cached_property
    def real(self) -> Tensor:
        """(B, T) True where there is a token, False at padding."""
        if self.segments is None:
            return torch.ones(self.batch, self.n_tokens, dtype=torch.bool, device=self.device)
        return self.segments >= 0

    @cached_property
    def _last_real(self) -> Tensor:
        """(B, T) place of the last token up to here, -1 where there is none yet."""
        places = torch.arange(self.n_tokens, device=self.device)
        return torch.where(self.real, places, -1).cummax(dim=1).values

    @cached_property
    def starts(self) -> Tensor:
        """(B, T) True at the first token of a document that the state does not already hold."""
        if self.segments is None:
            starts = torch.zeros(self.batch, self.n_tokens, dtype=torch.bool, device=self.device)
            if self.state is None:
                starts[:, 0] = True
            return starts
        before = F.pad(self._last_real[:, :-1], (1, 0), value=-1)
        ended_in = torch.full_like(self.segments[:, :1], PADDING) if self.state is None else self.state.segment[:, None]
        previous = torch.where(before >= 0, self.segments.gather(1, before.clamp(min=0)), ended_in)
        return self.real & (self.segments != previous)

    @cached_property
    def documents(self) -> Tensor | None:
        """(B, P+T) running number of each place's document in its row, padding -1; None = one unpadded document."""
        if self.segments is None and (self.state is None or self.state.documents is None):
            return None
        if self.state is None:
            past, current = None, torch.zeros(self.batch, 1, dtype=torch.long, device=self.device)
        elif self.state.documents is None:
            past = torch.zeros(self.batch, self.n_past, dtype=torch.long, device=self.device)
            current = past.new_zeros(self.batch, 1)
        else:
            past = self.state.documents
            current = past.amax(dim=1, keepdim=True).clamp(min=0)
        if self.segments is None:
            new = current.expand(self.batch, self.n_tokens)
        else:
            new = torch.where(self.real, current + self.starts.cumsum(dim=1), PADDING)
        return new if past is None else torch.cat([past, new], dim=1)

    # --- what attention needs

    @cached_property
    def positions(self) -> Tensor:
        """(B, T) tokens of the same document before this one; 0 at padding that stands before all tokens."""
        if self.in_step:
            return torch.arange(self.n_past, self.n_past + self.n_tokens, device=self.device).expand(self.batch, -1)
        seen_before = 0 if self.state is None else self.state.n_seen[:, None]
        before = self.real.cumsum(dim=1) - 1  # tokens before this one in these T, of any document
        if self.segments is None:
            return seen_before + before
        started_at = torch.where(self.starts, before, -1).cummax(dim=1).values
        return torch.where(started_at >= 0, before - started_at, seen_before + before).clamp(min=0)

    @cached_property
    def visible(self) -> Tensor:
        """(B or 1, 1, T, P+T) True where the query (row) may look at the key (column)."""
        queries = torch.arange(self.n_past, self.n_past + self.n_tokens, device=self.device)
        keys = torch.arange(self.n_past + self.n_tokens, device=self.device)
        up_to_here = keys[None, :] <= queries[:, None]
        if self.documents is None:
            if self.window is not None:
                up_to_here &= keys[None, :] > queries[:, None] - self.window
            return up_to_here[None, None]
        same_document = self.documents[:, self.n_past :, None] == self.documents[:, None, :]
        if self.window is not None:  # padding may lie between two tokens of a document: tokens are counted
            n_up_to = (self.documents >= 0).cumsum(dim=1)
            near = n_up_to[:, self.n_past :, None] - n_up_to[:, None, :] < self.window
            same_document = same_document & near
        return (same_document & up_to_here)[:, None]

    @property
    def mask(self) -> Tensor | None:
        """What attend() needs: None where is_causal says it all, or where one new token may see everything."""
        if self.is_causal or (self.in_step and self.n_tokens == 1 and self.window is None):
            return None
        return self.visible

    # --- what the next state needs

    @cached_property
    def n_seen(self) -> Tensor:
        """(B,) tokens of the document each row ends in."""
        if self.segments is None:
            before = 0 if self.state is None else self.state.n_seen
            return before + torch.full((self.batch,), self.n_tokens, dtype=torch.long, device=self.device)
        last = self._last_real[:, -1]
        at_last = self.positions.gather(1, last.clamp(min=0)[:, None])[:, 0] + 1
        return torch.where(last >= 0, at_last, torch.zeros_like(last) if self.state is None else self.state.n_seen)

    @cached_property
    def segment(self) -> Tensor:
        """(B,) number of the document each row ends in, -1 = none has begun."""
        if self.segments is None:
            if self.state is None:
                return torch.zeros(self.batch, dtype=torch.long, device=self.device)
            return self.state.segment.clamp(min=0)
        last = self._last_real[:, -1]
        at_last = self.segments.gather(1, last.clamp(min=0)[:, None])[:, 0]
        return torch.where(
            last >= 0, at_last, torch.full_like(last, PADDING) if self.state is None else self.state.segment
        )


class SourceLayout(Layout):
    """The places of B sources, read as a whole: each token sees all of its row, what follows it too.

    segments (B, S): one document a row, padding -1 on either side. Raises InputError for a row without a token, which
    would leave its targets nothing to look at, and for a row of several documents.
    """

    def __init__(self, batch: int, n_tokens: int, segments: Tensor | None = None, device: torch.device | str = "cpu"):
        super().__init__(batch, n_tokens, segments, None, device)
        if segments is None:
            return
        n_documents = self.starts.sum(dim=1)
        if bool((n_documents != 1).any()):
            row = int((n_documents != 1).nonzero()[0])
            raise self.refusal(row, int(n_documents[row]))

    def refusal(self, row: int, n_documents: int) -> InputError:
        """Of a row that is not one document."""
        return InputError(
            f"row {row} of the sources holds {n_documents} documents, and a source is one",
            hint="give each source a row of its own, with one token or more (the mark at its end is one)",
        )

    @property
    def is_causal(self) -> bool:
        return False

    @cached_property
    def visible(self) -> Tensor:
        """(B, 1, S, S) True where the query (row) may look at the key (column); padding sees padding only."""
        return (self.real[:, :, None] == self.real[:, None, :])[:, None]

    @property
    def mask(self) -> Tensor | None:
        return None if self.segments is None else self.visible

    @property
    def sight(self) -> SourceSight:
        """What those see that look at this source from outside."""
        return SourceSight(None if self.segments is None else self.real)


class TextLayout(SourceLayout):
    """The places of B texts, or windows of texts, read as a whole by an encoder: as sources are."""

    def refusal(self, row: int, n_documents: int) -> InputError:
        if not n_documents:
            return InputError(
                f"row {row} holds no token, and there is nothing to be said of it",
                hint="leave it out, or let each text begin with the mark (tokens.begin_mark)",
            )
        return InputError(
            f"row {row} holds {n_documents} documents, and an encoder reads one in a row",
            hint="give each text a row of its own",
        )


@dataclass(frozen=True)
class SourceSight:
    """What each target sees of its source: all tokens, no padding. real (B, S): None where there is no padding."""

    real: Tensor | None
    is_causal: bool = False

    @property
    def mask(self) -> Tensor | None:
        """(B, 1, 1, S), as attend() takes it."""
        return None if self.real is None else self.real[:, None, None]
