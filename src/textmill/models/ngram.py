"""The n-gram model: interpolated modified Kneser-Ney, order 5. Room: models/ (ids -> scores).

The floor that every network has to beat, and a NextToken like any other: it can be scored, it can write. Chen & Goodman
1999, "An empirical study of smoothing techniques for language modeling", equations 25 and 26. It cannot abort: where a
text is too small or too regular to estimate discounts from, the stated fallback (0.5, 1, 1.5) stands in.

P(w | h) = max(c(hw) − D(c(hw)), 0) / c(h) + γ(h) P(w | h without its first token), γ(h) the mass that D took away.
c is the count in the text at the highest order and for what follows a begin mark; below, the number of different tokens
that stood before. The lowest order falls back on 1/V, so every token has P > 0. After an unseen h, P is the next lower
order's. A document is read as mark + tokens and predicts tokens + mark; contexts do not cross documents.

An n-gram's id is its rank among those of its length; (id of its prefix) × V + (its last token) is the key that one
sorted array a length holds. So a text is looked up length by length, all places at once.
Shapes: B batch, T time (tokens), V vocabulary, N places, k length of an n-gram.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from textmill.errors import Damaged, InputError, RunError, TooLittleText
from textmill.files import json_of, misfits_told, sha256_of, write_json
from textmill.models.next_token import IGNORED

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)  # KenLM's --discount_fallback
MAX_TOKENS = 20_000_000  # what a floor is fitted on at most: fitting takes up to 150 bytes a token
DENSE_VALUES = 8_000_000  # probabilities (places × V) that log_probs holds beside its answer
FORMAT = 1


def estimate_discounts(counts: Ints) -> tuple[tuple[float, float, float], bool]:
    """D1, D2, D3+ from how many n-grams of one length were counted 1, 2, 3, 4 times; True where they are the fallback.

    Fallback (all three): one of these four numbers is 0, or a D is outside (0, its count].

    >>> estimate_discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4]))
    ((0.5, 1.25, 1.0), False)
    >>> estimate_discounts(np.array([1, 1, 2]))
    ((0.5, 1.0, 1.5), True)
    """
    n1, n2, n3, n4 = (int((counts == times).sum()) for times in (1, 2, 3, 4))
    if 0 in (n1, n2, n3, n4):
        return FALLBACK_DISCOUNTS, True
    y = n1 / (n1 + 2 * n2)
    discounts = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    if any(not 0 < discount <= count for count, discount in enumerate(discounts, start=1)):
        return FALLBACK_DISCOUNTS, True
    return discounts, False


@dataclass(frozen=True)
class _Ranked:
    """Different keys in order (U,), how often each occurs, where one of them stands, and the rank of each key (N,)."""

    keys: Ints
    times: Ints
    example: Ints
    rank: npt.NDArray[np.int32]

    @classmethod
    def of(cls, keys: Ints) -> _Ranked:
        order = np.argsort(keys)
        keys = keys[order]
        is_new = np.append(True, keys[1:] != keys[:-1])[: len(keys)]
        starts = np.flatnonzero(is_new)
        rank = np.empty(len(keys), dtype=np.int32)
        rank[order] = np.cumsum(is_new, dtype=np.int32) - 1
        return cls(keys[starts], np.diff(np.append(starts, len(keys))), order[starts], rank)


@dataclass(frozen=True)
class NGramState:
    """What an n-gram model remembers of each row: a value, never changed in place.

    recent (B, order − 1): the last ids of the current document, right-aligned, −1 where there are fewer.
    segment (B,): the number of that document, −1 before any token. n_seen (B,): tokens of it so far.
    """

    recent: Tensor
    segment: Tensor
    n_seen: Tensor

    def select(self, rows: Tensor) -> NGramState:
        """The state of these rows, in this order; a row may be taken twice."""
        return NGramState(self.recent[rows], self.segment[rows], self.n_seen[rows])

    def detach(self) -> NGramState:
        """Itself: there are no gradients here."""
        return self

    def reserve(self, n: int) -> NGramState:
        """Itself: it does not grow."""
        return self

    def tensors(self) -> dict[str, Tensor]:
        """By name, to be stored."""
        return {"recent": self.recent, "segment": self.segment, "n_seen": self.n_seen}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> NGramState:
        """The inverse of tensors()."""
        return cls(tensors["recent"], tensors["segment"], tensors["n_seen"])


class Level:
    """The n-grams of one length k: sorted keys, counts, and what their contexts (the n-grams of length k − 1) keep."""

    def __init__(self, keys: Ints, counts: npt.NDArray[np.integer[Any]], n_contexts: int, vocab_size: int):
        self.keys, self.vocab_size = keys, vocab_size
        discounts, self.is_fallback = estimate_discounts(counts.astype(np.int64))
        self.discounts = discounts
        self.discount_of = np.array([0.0, *discounts])

        # Each array ends with what index −1 (not seen) must find.
        self.counts = np.append(counts, 0).astype(np.int32)
        context = (keys // vocab_size).astype(np.int32)
        total = np.bincount(context, weights=counts, minlength=n_contexts)
        removed = np.bincount(context, weights=self._removed(counts), minlength=n_contexts)
        del context
        followed_by_nothing = total == 0  # then all of P is the next lower order's
        total[followed_by_nothing] = removed[followed_by_nothing] = 1.0
        self.totals = np.append(total, 1).astype(np.int32)
        self.backoff = np.append(removed / total, 1.0)

    def __len__(self) -> int:
        return len(self.keys)

    def _removed(self, counts: npt.NDArray[np.integer[Any]]) -> Floats:
        removed: Floats = self.discount_of[np.minimum(counts, 3)]
        return removed

    def find(self, contexts: Ints, tokens: Ints) -> Ints:
        """Ids of context + token (N,), −1 where it was not seen or the context is −1."""
        ids = np.full(len(contexts), -1, dtype=np.int64)
        known = np.flatnonzero(contexts >= 0)
        if not len(known) or not len(self.keys):
            return ids
        keys = contexts[known] * self.vocab_size + tokens[known]
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        ids[known] = np.where(self.keys[places] == keys, places, -1)
        return ids

    def shares(self, ids: Ints, contexts: Ints) -> Floats:
        """max(c − D(c), 0) / c(context) of n-grams, 0 for −1: the part of P that this length gives."""
        counts = self.counts[ids]
        shares: Floats = (counts - self._removed(counts)) / self.totals[contexts]
        return shares

    def followers(self, contexts: Ints) -> tuple[Ints, Ints]:
        """Every n-gram that continues a context: (row of `contexts`, id of the n-gram), flat."""
        starts = np.searchsorted(self.keys, contexts * self.vocab_size)
        stops = np.searchsorted(self.keys, (contexts + 1) * self.vocab_size)
        lengths = np.where(contexts >= 0, stops - starts, 0)
        rows = np.repeat(np.arange(len(contexts)), lengths)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return rows, starts[rows] + within


@dataclass(frozen=True)
class _Reading:
    """The real tokens of a (B, T) batch and its state as one stream of N places; padding is gone.

    flat (N,): where each stands in (B, order − 1 + T), the state's tokens first. linked (N,): it goes on from the
    place before. contexts[j] (N,): id of the last j tokens up to each place, −1 where unseen or there are fewer.
    """

    flat: Ints
    tokens: Ints
    labels: Ints
    linked: npt.NDArray[np.bool_]
    contexts: list[Ints]


class NGram:
    """P(next token | the last order − 1 tokens), from counts. A NextToken; see the module's docstring.

    >>> model = NGram.fit(np.array([0, 1, 0, 1, 2, 3]), vocab_size=4, mark=3)
    >>> nats, _ = model.nll(torch.tensor([[3, 0]]), torch.tensor([[0, 1]]))
    """

    max_context: int | None = None

    def __init__(self, levels: Sequence[Level], vocab_size: int, mark: int, facts: dict[str, Any]):
        self.levels, self.vocab_size, self.mark = list(levels), vocab_size, mark
        self.order = len(levels)
        self.facts = facts
        first = self.levels[0]
        self._unigram = first.shares(np.arange(vocab_size), np.zeros(vocab_size, dtype=np.int64))
        self._unigram += first.backoff[0] / vocab_size

    # from text

    @classmethod
    def fit(cls, stream: npt.ArrayLike, vocab_size: int, mark: int, order: int = 5) -> NGram:
        """Count a stream of ids: document, mark, document, mark, … A last document that was cut lacks its mark.

        Raises TooLittleText where there is no token, InputError for an id outside the vocabulary.
        """
        text = np.asarray(stream, dtype=np.int64)
        if not len(text):
            raise TooLittleText("an n-gram model needs at least 1 token of training text, there are 0")
        if text.min() < 0 or text.max() >= vocab_size:
            raise InputError(f"a token id is outside the vocabulary of {vocab_size}: {text.min()} … {text.max()}")
        tokens = np.concatenate([[mark], text]).astype(np.int32)  # the begin mark of the first document
        here = np.arange(len(tokens), dtype=np.int32)
        mark_before = np.maximum.accumulate(np.where(tokens == mark, here, 0))
        place = np.zeros_like(here)  # of a token in its document: 1 = the first; an end mark belongs to it
        place[1:] = here[1:] - mark_before[:-1]
        n_documents = int((place == 1).sum())
        del here, mark_before

        levels: list[Level] = []
        keys, n_contexts, grams = np.arange(vocab_size), 1, tokens
        for k in range(2, order + 1):
            # From the n-grams of length k − 1 that end at each place to those of length k.
            at = np.flatnonzero(place >= k - 1)
            ranked = _Ranked.of(grams[at - 1].astype(np.int64) * vocab_size + tokens[at])
            different_before = np.bincount(grams[at[ranked.example]], minlength=len(keys))
            if k > 2:  # nothing stands before a begin mark: what starts with one keeps its count
                different_before += np.bincount(grams[place == k - 2], minlength=len(keys))
            levels.append(Level(keys, different_before, n_contexts, vocab_size))

            grams = np.full(len(tokens), -1, dtype=np.int32)
            grams[at] = ranked.rank
            n_contexts, keys, counts = len(keys), ranked.keys, ranked.times
        if order == 1:
            counts = np.bincount(text, minlength=vocab_size)
        levels.append(Level(keys, counts, n_contexts, vocab_size))
        facts = {"n_tokens": len(text), "n_documents": n_documents}
        return cls(levels, vocab_size, mark, facts)

    @property
    def fallback_orders(self) -> list[int]:
        """Lengths whose discounts are the fallback, because the text gives none."""
        return [k for k, level in enumerate(self.levels, start=1) if level.is_fallback]

    def describe(self) -> dict[str, Any]:
        """What a report should say of it: order, tokens it has seen, discounts."""
        return {
            "model": "interpolated modified Kneser-Ney",
            "order": self.order,
            **self.facts,
            "vocab_size": self.vocab_size,
            "n_ngrams": [int((level.counts > 0).sum()) for level in self.levels],
            "discounts": [list(level.discounts) for level in self.levels],
            "fallback_orders": self.fallback_orders,
        }

    # NextToken

    def nll(
        self, ids: Tensor, targets: Tensor, segments: Tensor | None = None, state: NGramState | None = None
    ) -> tuple[Tensor, NGramState]:
        """−ln P(target) (B, T) in nats, float64, 0 where the target is IGNORED; and the state after the last id."""
        reading = self._read(ids, segments, state)
        n_past = self.order - 1
        wanted = np.full((ids.shape[0], n_past + ids.shape[1]), IGNORED, dtype=np.int64)
        wanted[:, n_past:] = targets.cpu().numpy()
        nats = np.zeros(wanted.size)

        counted = np.flatnonzero(wanted.reshape(-1)[reading.flat] != IGNORED)
        words = wanted.reshape(-1)[reading.flat][counted]
        self._check(words)
        contexts = [context[counted] for context in reading.contexts]
        # Where the target is the token that comes next, it has been looked up already, as a context.
        after = np.minimum(counted + 1, len(reading.flat) - 1)
        next_is_target = reading.linked[after] & (reading.tokens[after] == words) & (after > counted)

        probability = self._unigram[words]
        for k, level in enumerate(self.levels[1:], start=2):
            if k < self.order:
                found = np.where(next_is_target, reading.contexts[k][after], -1)
                rest = np.flatnonzero(~next_is_target)
                found[rest] = level.find(contexts[k - 1][rest], words[rest])
            else:
                found = level.find(contexts[k - 1], words)
            probability = level.shares(found, contexts[k - 1]) + level.backoff[contexts[k - 1]] * probability
        nats[reading.flat[counted]] = -np.log(probability)
        answer = torch.from_numpy(nats.reshape(wanted.shape)[:, n_past:].copy())
        return answer.to(ids.device), self._state_after(reading, ids, state)

    def log_probs(
        self, ids: Tensor, segments: Tensor | None = None, state: NGramState | None = None
    ) -> tuple[Tensor, NGramState]:
        """ln P of every token (B, T, V), float64; at padding it is uniform. And the state after the last id."""
        reading = self._read(ids, segments, state)
        n_past = self.order - 1
        n_rows, n_steps = ids.shape
        answer = np.full((n_rows * n_steps, self.vocab_size), -np.log(self.vocab_size))
        row, column = reading.flat // (n_past + n_steps), reading.flat % (n_past + n_steps)
        new = np.flatnonzero(column >= n_past)
        places = row[new] * n_steps + column[new] - n_past
        step = max(1, DENSE_VALUES // self.vocab_size)
        for start in range(0, len(new), step):
            part = new[start : start + step]
            answer[places[start : start + step]] = np.log(self._distribution([c[part] for c in reading.contexts]))
        log_probs = torch.from_numpy(answer.reshape(n_rows, n_steps, self.vocab_size))
        return log_probs.to(ids.device), self._state_after(reading, ids, state)

    def _distribution(self, contexts: list[Ints]) -> Floats:
        """P of every token (N, V) after contexts[j] (N,), the ids of the last j tokens."""
        probability = np.tile(self._unigram, (len(contexts[0]), 1))
        for k, level in enumerate(self.levels[1:], start=2):
            context = contexts[k - 1]
            probability *= level.backoff[context][:, None]
            rows, ids = level.followers(context)
            probability[rows, level.keys[ids] % self.vocab_size] += level.shares(ids, context[rows])
        return probability

    def _check(self, ids: Ints) -> None:
        if len(ids) and (ids.min() < 0 or ids.max() >= self.vocab_size):
            raise InputError(f"a token id is outside the vocabulary of {self.vocab_size}: {ids.min()} … {ids.max()}")

    def _read(self, ids: Tensor, segments: Tensor | None, state: NGramState | None) -> _Reading:
        n_past = self.order - 1
        n_rows, n_steps = ids.shape
        tokens = np.full((n_rows, n_past + n_steps), -1, dtype=np.int64)
        labels = np.full_like(tokens, -1)
        tokens[:, n_past:] = ids.cpu().numpy()
        labels[:, n_past:] = 0 if segments is None else segments.cpu().numpy()
        if state is not None:
            recent, segment = state.recent.cpu().numpy(), state.segment.cpu().numpy()
            tokens[:, :n_past] = recent
            labels[:, :n_past] = np.where(recent >= 0, segment[:, None], -1)
            if segments is None:
                labels[:, n_past:] = np.maximum(segment, 0)[:, None]

        flat = np.flatnonzero(labels >= 0)
        stream, label = tokens.reshape(-1)[flat], labels.reshape(-1)[flat]
        self._check(stream)
        linked = np.zeros(len(flat), dtype=np.bool_)
        row = flat // (n_past + n_steps)
        linked[1:] = (row[1:] == row[:-1]) & (label[1:] == label[:-1])

        contexts = [np.zeros(len(flat), dtype=np.int64), stream]
        for level in self.levels[1:-1]:
            before = np.full(len(flat), -1, dtype=np.int64)
            before[1:] = np.where(linked[1:], contexts[-1][:-1], -1)
            contexts.append(level.find(before, stream))
        return _Reading(flat, stream, label, linked, contexts[: self.order])

    def _state_after(self, reading: _Reading, ids: Tensor, state: NGramState | None) -> NGramState:
        n_past = self.order - 1
        n_rows, width = ids.shape[0], n_past + ids.shape[1]
        recent = np.full((n_rows, n_past), -1, dtype=np.int64)
        segment = np.full(n_rows, -1, dtype=np.int64) if state is None else state.segment.cpu().numpy().copy()
        n_seen = np.zeros(n_rows, dtype=np.int64) if state is None else state.n_seen.cpu().numpy().copy()
        if len(reading.flat):
            here = np.arange(len(reading.flat))
            begins = np.maximum.accumulate(np.where(reading.linked, 0, here))  # of the document each place is in
            row = reading.flat // width
            last = np.flatnonzero(np.append(row[1:] != row[:-1], True))
            rows, start = row[last], begins[last]

            back = last[:, None] - np.arange(n_past - 1, -1, -1)
            recent[rows] = np.where(back >= start[:, None], reading.tokens[np.maximum(back, 0)], -1)
            segment[rows] = reading.labels[last]
            # Tokens that came with the state are in its n_seen already.
            is_new = np.cumsum(reading.flat % width >= n_past)
            came_before = reading.flat[start] % width < n_past
            n_new = is_new[last] - is_new[start] + ~came_before
            n_seen[rows] = n_new + np.where(came_before, n_seen[rows], 0)
        tensors = (torch.from_numpy(array).to(ids.device) for array in (recent, segment, n_seen))
        return NGramState(*tensors)

    # a folder that lasts

    def save(self, folder: Path) -> None:
        """model.safetensors (per length: last tokens, counts, followers of each context) and model.json."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        n_contexts = 1
        for k, level in enumerate(self.levels, start=1):
            arrays[f"{k}.token"] = (level.keys % self.vocab_size).astype(np.int32)
            arrays[f"{k}.count"] = level.counts[:-1]
            followers = np.bincount(level.keys // self.vocab_size, minlength=n_contexts)
            arrays[f"{k}.followers"] = followers.astype(np.int32)
            n_contexts = len(level)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "model.safetensors"
        save_file(arrays, path)
        about = {"format": FORMAT, "kind": "ngram", "order": self.order, "vocab_size": self.vocab_size}
        about |= {"mark": self.mark, "facts": self.facts, "sha256": sha256_of(path)}
        write_json(folder / "model.json", about)

    @classmethod
    def load(cls, folder: Path) -> NGram:
        """The inverse of save. Raises RunError where there is none, Damaged where a file is not what was written."""
        path = folder / "model.safetensors"
        if not path.is_file() or not (folder / "model.json").is_file():
            raise RunError("there is no n-gram model here (model.json and model.safetensors)", where=str(folder))
        with misfits_told(folder, "model.json does not describe an n-gram model"):
            about = json_of((folder / "model.json").read_bytes())
            order, vocab_size, mark = int(about["order"]), int(about["vocab_size"]), int(about["mark"])
            facts, sha256 = dict(about["facts"]), str(about["sha256"])
        if about.get("kind") != "ngram" or about.get("format") != FORMAT:
            raise RunError(
                f"model.json is of kind {about.get('kind')!r}, format {about.get('format')!r}; "
                f"this reads kind 'ngram', format {FORMAT}",
                where=str(folder),
            )
        if sha256_of(path) != sha256:
            raise Damaged("the file does not hold what model.json says (sha256)", where=str(path))
        try:
            arrays = load_file(path)
        except (OSError, SafetensorError) as error:
            raise Damaged(f"not a whole safetensors file ({error})", where=str(path)) from error
        levels: list[Level] = []
        with misfits_told(path, "the counts do not belong together"):
            for k in range(1, order + 1):
                followers = arrays[f"{k}.followers"].astype(np.int64)
                if followers.min(initial=0) < 0 or followers.sum() != len(arrays[f"{k}.token"]):
                    raise ValueError(f"order {k} has other followers than tokens")  # before they take memory
                keys = np.repeat(np.arange(len(followers)) * vocab_size, followers) + arrays[f"{k}.token"]
                levels.append(Level(keys, arrays[f"{k}.count"], len(followers), vocab_size))
            return cls(levels, vocab_size, mark, facts)
