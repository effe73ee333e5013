"""Translation: the target's next token from its source and the tokens before it. Room: tasks/.

From Python only so far: pairs in memory, batches by tokens, loss, measurement and prediction. The verbs, splits and
ledger do not know it yet, so it does not stand in tables.TASKS.
Shapes: B batch, S tokens of a source, T tokens of a target.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from textmill.errors import ConfigError, ContextFull
from textmill.generation.beam import BeamSettings, Hypothesis, padded, search
from textmill.generation.engine import device_of, reading
from textmill.metrics.language import ExampleScore, metrics_of
from textmill.metrics.loss import LossSum
from textmill.models import IGNORED
from textmill.models.encoder_decoder import EncoderDecoder
from textmill.text.aligned import SentencePair
from textmill.text.columns import utf8_size
from textmill.tokens import Tokenizer

POOL = 64  # batches whose pairs are sorted by length together: like lengths meet, and the order stays random


@dataclass(frozen=True)
class PairIds:
    """A pair as ids. source: as the model reads it, its mark at the end. target: without marks."""

    source: tuple[int, ...]
    target: tuple[int, ...]
    place: str
    n_bytes: int
    n_chars: int


@dataclass(frozen=True)
class PairBatch:
    """Pairs read together. source (B, S); ids, targets (B, T); segments -1 at padding, None where there is none."""

    source: Tensor
    source_segments: Tensor | None
    ids: Tensor
    targets: Tensor
    segments: Tensor | None
    n_targets: int


@dataclass(frozen=True)
class Translation:
    """A translated text. score: what the n best are ranked by; n_tokens, with the end mark; ended: it is whole."""

    text: str
    score: float
    ended: bool
    hypothesis: Hypothesis | None = None


class Translate:
    """P(target | source). One vocabulary for both sides.

    label_smoothing: share of the target's probability that training spreads over all tokens; the loss that is reported
    is without it. direction: a name of the target's language that each source begins with, behind which stands a mark
    of its own, so that no text can be taken for it; for one model of several directions.
    """

    form = "encoder-decoder"
    heads: tuple[str, ...] = ()
    best_by = "loss"

    def __init__(self, tokenizer: Tokenizer, label_smoothing: float = 0.0, direction: str | None = None):
        if not 0 <= label_smoothing < 1:
            raise ConfigError(f"label_smoothing is {label_smoothing}: it must be at least 0 and below 1")
        self.tokenizer, self.label_smoothing, self.direction = tokenizer, label_smoothing, direction

    # --- pairs -> ids -> batches

    def source_ids(self, texts: Sequence[str], direction: str | None = None) -> list[tuple[int, ...]]:
        """Sources as the model reads them: (direction, mark,) tokens, mark. direction: another one than the task's."""
        mark, direction = self.tokenizer.mark, direction or self.direction
        before = [] if direction is None else [*self.tokenizer.encode(direction), mark]
        return [(*before, *ids, mark) for ids in self.tokenizer.encode_batch(list(texts))]

    def encode(self, pairs: Sequence[SentencePair], direction: str | None = None) -> list[PairIds]:
        """Pairs -> ids, in order."""
        sources = self.source_ids([pair.source for pair in pairs], direction)
        targets = self.tokenizer.encode_batch([pair.target for pair in pairs])
        return [
            PairIds(source, tuple(target), pair.place, utf8_size(pair.target), len(pair.target))
            for pair, source, target in zip(pairs, sources, targets, strict=True)
        ]

    def collate(self, pairs: Sequence[PairIds], device: torch.device | str = "cpu") -> PairBatch:
        """Each target is read as mark + tokens and predicts tokens + mark."""
        mark = self.tokenizer.mark
        source, source_segments = padded([pair.source for pair in pairs], device)
        ids, segments = padded([(mark, *pair.target) for pair in pairs], device)
        targets, _ = padded([(*pair.target, mark) for pair in pairs], device)
        if segments is not None:
            targets = targets.masked_fill(segments < 0, IGNORED)
        n_targets = sum(len(pair.target) + 1 for pair in pairs)
        return PairBatch(source, source_segments, ids, targets, segments, n_targets)

    # --- loss and numbers

    def loss(self, model: Any, batch: PairBatch, state: Any = None) -> tuple[LossSum, Any]:
        """Nats over the batch's targets, with the gradient of the smoothed loss; and the state after them."""
        begun = model.begin(batch.source, batch.source_segments)
        hidden, after = model(batch.ids, batch.segments, begun)
        nats = model.head.nll(hidden, batch.targets, self.label_smoothing if model.training else 0.0)
        return LossSum(nats.sum(), batch.n_targets), after

    def measure(self, model: EncoderDecoder, pairs: Sequence[PairIds], batch: int = 32) -> list[ExampleScore]:
        """Nats of each target given its source, in the order of the pairs; batch changes nothing."""
        scores: list[ExampleScore | None] = [None] * len(pairs)
        by_length = sorted(range(len(pairs)), key=lambda n: (len(pairs[n].target), len(pairs[n].source)))
        with reading(model):
            for start in range(0, len(pairs), batch):
                numbers = by_length[start : start + batch]
                some = self.collate([pairs[number] for number in numbers], device_of(model))
                nats, _ = model.nll(
                    some.ids, some.targets, some.segments, model.begin(some.source, some.source_segments)
                )
                for number, own in zip(numbers, nats.to("cpu", torch.float64).sum(dim=1).tolist(), strict=True):
                    pair = pairs[number]
                    scores[number] = ExampleScore(pair.place, own, len(pair.target) + 1, pair.n_bytes, pair.n_chars)
        return [score for score in scores if score is not None]

    def metrics(self, scores: Sequence[ExampleScore]) -> dict[str, float]:
        """loss perplexity bpb bpc of the targets, and the counts behind them."""
        return metrics_of(scores)

    # --- translations

    def predict(
        self,
        model: EncoderDecoder,
        texts: Sequence[str],
        settings: BeamSettings | None = None,
        direction: str | None = None,
        batch: int = 32,
    ) -> Iterator[list[Translation]]:
        """The n best translations of each text, in order; of an empty text the one empty text.

        Raises ContextFull, before anything is translated, where a text is longer than the model can read.
        """
        sources = self.source_ids(texts, direction)
        for number, source in enumerate(sources, start=1):
            if model.max_context is not None and len(source) > model.max_context:
                raise ContextFull(
                    f"text {number} has {len(source)} tokens with its marks, and the model reads {model.max_context}",
                    hint="Cut it into sentences, or train with a longer --model.seq_len.",
                )
        full = [number for number, text in enumerate(texts) if text.strip()]
        found = search(model, [sources[number] for number in full], self.tokenizer.mark, settings, batch)
        for text in texts:
            if not text.strip():
                yield [Translation("", 0.0, ended=True)]
                continue
            best = next(found)
            yield [Translation(self.tokenizer.decode(one.ids), one.score, one.ended, one) for one in best]


class PairSampler:
    """Which pairs are read together: batches of at most `tokens` places, pairs of like length together.

    Places are rows times their longest side, padding counted, so that memory is bounded. Batches of step n depend on
    (seed, n) alone; each pair comes once an epoch. Raises ConfigError where a pair alone is larger than a batch.
    """

    def __init__(self, pairs: Sequence[PairIds], tokens: int, seed: int):
        self.sizes = [max(len(pair.source), len(pair.target) + 1) for pair in pairs]
        for pair, size in zip(pairs, self.sizes, strict=True):
            if size > tokens:
                raise ConfigError(
                    f"a batch holds {tokens} tokens, and a pair alone has {size}", where=pair.place,
                    hint="Take larger batches, or leave the pair out.",
                )  # fmt: skip
        self.tokens, self.seed = tokens, seed
        self._firsts = [0]  # step with which each epoch begins
        self._epoch, self._batches = -1, list[list[int]]()

    def numbers(self, step: int) -> list[int]:
        """Numbers of the pairs of a step, counted from 0."""
        while self._firsts[-1] <= step:
            self._firsts.append(self._firsts[-1] + len(self.batches(len(self._firsts) - 1)))
        epoch = int(np.searchsorted(self._firsts, step, side="right")) - 1
        return self.batches(epoch)[step - self._firsts[epoch]]

    def batches(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch, in order."""
        if epoch != self._epoch:
            generator = np.random.default_rng((self.seed, epoch))
            order = generator.permutation(len(self.sizes)).tolist()
            mean = max(1, sum(self.sizes) // max(1, len(self.sizes)))
            pool = max(1, POOL * self.tokens // mean)
            batches: list[list[int]] = []
            for start in range(0, len(order), pool):
                batches += self.cut(sorted(order[start : start + pool], key=self.sizes.__getitem__))
            self._batches = [batches[number] for number in generator.permutation(len(batches))]
            self._epoch = epoch
        return self._batches

    def cut(self, numbers: Sequence[int]) -> Iterator[list[int]]:
        """Pairs, sorted by length, into batches as full as they may be."""
        held: list[int] = []
        for number in numbers:
            if held and (len(held) + 1) * self.sizes[number] > self.tokens:
                yield held
                held = []
            held.append(number)
        if held:
            yield held
