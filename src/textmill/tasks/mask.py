"""Masked words: a text with some of its tokens hidden, and which ones they were. Room: tasks/. Devlin et al. 2019.

Any text will do, and what is learned is how words stand together, read from both sides: a beginning for runs that are
to say something of texts (`--from RUN`). A document is read as mark + tokens in windows of at most model.seq_len, as a
classifier reads it; no window holds two documents. Its loss is −ln P(token), a hidden token.
Shapes: B windows read together, T places of a window, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from textmill.config import Config
from textmill.errors import ConfigError, InputError, NothingScored
from textmill.generation.engine import device_of, reading
from textmill.metrics.language import ExampleScore
from textmill.metrics.loss import LossSum, perplexity
from textmill.models import IGNORED
from textmill.models.layout import PADDING
from textmill.models.network import Heads
from textmill.tasks.length_batches import LengthSampler, sampler_by_length
from textmill.tasks.lm import LanguageModelling
from textmill.tasks.measuring import DocumentIds, documents_of, first_tokens
from textmill.tasks.task import Batch
from textmill.text import Document
from textmill.tokens import Tokenizer, TokenStore
from textmill.tokens.words import WordTable

if TYPE_CHECKING:
    from textmill.runs import Prepared

HEAD = "mask"
SHARE_STOOD_IN, SHARE_EXCHANGED = 0.8, 0.1
"""Of the tokens that are asked for: read as the stand-in, or as another token; the others are read as they are. Without
them the model would see stand-ins in training and none when it is used."""
N_PASSES = 7
"""Readings of a held-out text, each token hidden in one of them: about as many at once as in training."""
N_SAMPLES = 3
LONG_SAMPLE = 200  # characters of a text that is shown

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class MaskScore(ExampleScore):
    """What the tokens of a document cost in nats, each hidden once; and how many of them were guessed."""

    n_right: int = 0


@dataclass(frozen=True)
class Windows:
    """Documents in windows of at most seq_len places, of about the same length within a document. documents, starts,
    stops (B,): whose, and which places of mark + tokens. Windows without a token are none."""

    documents: Ints
    starts: Ints
    stops: Ints

    @classmethod
    def of(cls, n_tokens: Ints, seq_len: int, begin_mark: bool, n_after: int = 0) -> Windows:
        """n_tokens: of each document. n_after: of what is read behind each."""
        lengths = n_tokens + begin_mark + n_after
        widths = -(-lengths // np.maximum(-(-lengths // seq_len), 1))
        counts = np.where(n_tokens > 0, -(-lengths // np.maximum(widths, 1)), 0)
        documents = np.repeat(np.arange(len(lengths)), counts)
        numbers = np.arange(len(documents)) - np.repeat(np.cumsum(counts) - counts, counts)
        starts = numbers * widths[documents]
        stops = np.minimum(starts + widths[documents], lengths[documents])
        holds_token = (stops > begin_mark) & (starts < lengths[documents] - n_after)
        return cls(documents[holds_token], starts[holds_token], stops[holds_token])

    def __len__(self) -> int:
        return len(self.documents)


class MaskedRows:
    """The windows of a store with tokens hidden anew at every step: row `step · n_windows + number`.

    What is hidden is a pure function of (seed, step, number): a resumed run hides the same, and so do micro-batches of
    another size.
    """

    def __init__(self, store: TokenStore, tokenizer: Tokenizer, task: Mask, seed: int):
        self.store, self.tokenizer, self.task, self.seed = store, tokenizer, task, seed
        self.windows = Windows.of(np.diff(store.starts) - 1, task.seq_len, task.begin_mark, len(tokenizer.after))
        self.sizes: list[int] = (self.windows.stops - self.windows.starts).tolist()
        self.seq_len = task.seq_len
        self.words = WordTable(tokenizer) if task.whole_words else None
        self.plain_ids = tokenizer.plain_ids
        self.notes: list[str] = []

    def __len__(self) -> int:
        """Rows of seq_len places that the windows fill."""
        return max(1, -(-sum(self.sizes) // self.seq_len))

    def row(self, number: int) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """(ids as they are read, targets, where the stand-in is read), each (T,)."""
        step, window = divmod(number, len(self.windows))
        own = int(self.windows.documents[window])
        start, stop = int(self.windows.starts[window]), int(self.windows.stops[window])
        before, after = self.task.around(self.tokenizer)
        document = self.store.document(own)
        ids = np.concatenate([before, document, after])[start:stop].astype(np.int64)
        generator = np.random.default_rng((self.seed, step, window))
        n_before = len(before) if start == 0 else 0
        n_own = min(stop, len(before) + len(document)) - start
        asked = n_before + self.asked(ids[n_before:n_own], generator)
        targets = np.full(len(ids), IGNORED, dtype=np.int64)
        targets[asked] = ids[asked]
        fate = generator.random(len(asked))
        stood_in = np.zeros(len(ids), dtype=bool)
        stood_in[asked[fate < SHARE_STOOD_IN]] = True
        exchanged = asked[(fate >= SHARE_STOOD_IN) & (fate < SHARE_STOOD_IN + SHARE_EXCHANGED)]
        ids[exchanged] = self.plain_ids[generator.integers(len(self.plain_ids), size=len(exchanged))]
        return ids, targets, stood_in

    def asked(self, ids: Ints, generator: np.random.Generator) -> Ints:
        """Places of a share of the ids, one at least; of whole words, as many words as make that share."""
        n_asked = n_of(len(ids), self.task.share)
        if self.words is None:
            return np.sort(generator.permutation(len(ids))[:n_asked])
        firsts = self.words.firsts(ids)
        order = generator.permutation(len(firsts))
        lengths = np.diff(np.append(firsts, len(ids)))[order]
        n_words = 1 + int(np.searchsorted(np.cumsum(lengths), n_asked))
        is_drawn = np.zeros(len(firsts), dtype=bool)
        is_drawn[order[:n_words]] = True
        return np.flatnonzero(np.repeat(is_drawn, np.diff(np.append(firsts, len(ids)))))


class RemaskedSampler(LengthSampler):
    """The windows of each update, as rows of that step."""

    def rows(self, step: int) -> list[list[int]]:
        n_windows = len(self.sizes)
        return [[step * n_windows + number for number in numbers] for numbers in super().rows(step)]


class Mask:
    """P(hidden token | all others of its window).

    share: of the tokens of a window that are hidden in training. whole_words: all tokens of a word or none.
    """

    form = "encoder"
    teacher = None
    best_by = "loss"

    def __init__(
        self,
        seq_len: int,
        begin_mark: bool = True,
        share: float = 0.15,
        whole_words: bool = False,
        label_smoothing: float = 0.0,
    ):
        self.seq_len, self.begin_mark, self.share, self.whole_words = seq_len, begin_mark, share, whole_words
        self.label_smoothing = label_smoothing
        self.texts = LanguageModelling()  # whose documents these are

    @classmethod
    def of(cls, config: Config) -> Self:
        """As [train] and [task] say. Raises ConfigError where the best is to be chosen by what has none."""
        if config.train.best_by != "loss":
            raise ConfigError(
                f"train.best_by is {config.train.best_by}, and hidden words are told by their loss",
                hint="Leave it out, or say another --task.",
            )
        return cls(
            config.model.seq_len,
            config.tokens.begin_mark,
            config.task.mask_share,
            config.task.whole_words,
            config.train.label_smoothing or 0.0,
        )

    def around(self, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
        """Ids that are read before a document and behind it."""
        begins = self.begin_mark and tokenizer.begin is not None
        return [tokenizer.begin] if begins else [], list(tokenizer.after)  # type: ignore[list-item]

    def heads_of(self, store: TokenStore) -> Heads:
        """A head over the vocabulary."""
        return {HEAD: {"vocab_size": store.vocab_size}}

    def refuse(self, parts: dict[str, TokenStore]) -> None:
        """Any text will do."""

    # --- texts -> ids -> batches: a document is what it is for a language model

    def encode(self, documents: Iterable[Document], tokenizer: Tokenizer, folder: Path) -> TokenStore:
        """Documents -> ids on disk. Raises NoSpace."""
        return self.texts.encode(documents, tokenizer, folder)

    def written(self, store: TokenStore) -> range:
        """All."""
        return self.texts.written(store)

    def documents(self, texts: Sequence[Document], tokenizer: Tokenizer) -> list[DocumentIds]:
        """Documents as ids."""
        return self.texts.documents(texts, tokenizer)

    def examples(self, store: TokenStore, tokenizer: Tokenizer, max_tokens: int | None = None) -> Iterator[DocumentIds]:
        """The documents of a store, until about max_tokens are read by all N_PASSES readings; the last is cut there."""
        most = None if max_tokens is None else max(1, max_tokens // N_PASSES)
        return first_tokens(documents_of(store), most, tokenizer)

    def as_documents(self, examples: Iterable[DocumentIds]) -> list[DocumentIds]:
        """They are documents."""
        return list(examples)

    def rows(self, store: TokenStore, tokenizer: Tokenizer, config: Config) -> MaskedRows:
        """Every window of the store, at every step."""
        return MaskedRows(store, tokenizer, self, config.run.seed)

    def sampler(self, rows: MaskedRows, config: Config) -> RemaskedSampler:
        """Batches of at most train.batch × model.seq_len places. Raises ConfigError for another order than shuffle."""
        order = sampler_by_length(rows, config, "a text with hidden words", "texts")
        return RemaskedSampler(order.sizes, order.tokens, order.accumulate, order.seed)

    def collate(self, rows: MaskedRows, indices: Sequence[int]) -> Batch:
        """Windows by row number -> a batch."""
        return batch_of([rows.row(number) for number in indices])

    # --- loss and numbers

    def loss(self, model: Any, batch: Batch, state: Any = None) -> tuple[LossSum, Any]:
        """Nats over the hidden tokens, with the gradient of the smoothed loss; there is no state."""
        hidden = model(batch.ids, batch.segments, masked=batch.masked)
        smoothing = self.label_smoothing if model.training else 0.0
        nats = model.heads[HEAD].nll(hidden, batch.targets, model.embedding.weight, smoothing)
        return LossSum(nats.sum(), batch.n_targets), None

    def measure(
        self,
        model: Any,
        examples: Iterable[DocumentIds],
        tokenizer: Tokenizer,
        config: Config,
        n_blocks: int | None = None,
    ) -> list[MaskScore]:
        """Nats of each document, every token hidden exactly once, in one of N_PASSES readings; of one that is alone,
        in at most n_blocks contiguous blocks of windows. No number depends on a seed, or on what is read together."""
        texts = list(examples)
        n_tokens = np.array([len(ids) for ids, *_ in texts], dtype=np.int64)
        windows = Windows.of(n_tokens, self.seq_len, self.begin_mark, len(tokenizer.after))
        owners, names = windows.documents, [(source, n_bytes, n_chars) for _, n_bytes, n_chars, source, *_ in texts]
        if n_blocks is not None and len(texts) == 1 and len(windows) > 1:
            n_blocks = min(n_blocks, len(windows))
            owners = np.arange(len(windows)) * n_blocks // len(windows)
            names = [(f"{names[0][0]} block {block + 1}/{n_blocks}", 0, 0) for block in range(n_blocks)]
        nats, n_hidden, n_right = np.zeros((3, len(names)))
        with reading(model):
            for numbers, batch in self.readings(texts, windows, tokenizer, config.eval.batch, str(device_of(model))):
                hidden = model(batch.ids, batch.segments, masked=batch.masked)
                cost, likeliest = model.heads[HEAD].told(hidden, batch.targets, model.embedding.weight)
                asked = batch.targets != IGNORED
                whose = owners[numbers][asked.nonzero()[:, 0].cpu().numpy()]
                right = (likeliest == batch.targets[asked]).cpu().numpy()
                for sums, values in ((nats, cost.cpu().numpy()), (n_hidden, 1.0), (n_right, right)):
                    np.add.at(sums, whose, values)
        return [
            MaskScore(source, float(nats[number]), int(n_hidden[number]), n_bytes, n_chars, int(n_right[number]))
            for number, (source, n_bytes, n_chars) in enumerate(names)
        ]

    def readings(
        self,
        texts: Sequence[DocumentIds],
        windows: Windows,
        tokenizer: Tokenizer,
        at_once: int,
        device: str = "cpu",
    ) -> Iterator[tuple[Ints, Batch]]:
        """(numbers of windows, their batch), until every token of all windows was hidden once; at_once of them
        together, of like length."""
        before, after = self.around(tokenizer)
        by_length = np.argsort(windows.stops - windows.starts, kind="stable")
        for start in range(0, len(by_length), at_once):
            numbers = by_length[start : start + at_once]
            rows = []
            for number in numbers:
                first, own = int(windows.starts[number]), np.asarray(texts[int(windows.documents[number])][0])
                ids = np.concatenate([before, own, after]).astype(np.int64)[first : int(windows.stops[number])]
                n_before = len(before) if first == 0 else 0
                n_own = min(len(ids), len(before) + len(own) - first)
                turns = [np.full(n_before, -1), passes_of(n_own - n_before), np.full(len(ids) - n_own, -1)]
                rows.append((ids, np.concatenate(turns)))
            for turn in range(min(N_PASSES, max(len(ids) for ids, _ in rows))):
                taken = [place for place, (_, turns) in enumerate(rows) if (turns == turn).any()]
                asked = [(ids, np.where(turns == turn, ids, IGNORED), turns == turn) for ids, turns in rows]
                if taken:
                    yield numbers[taken], batch_of([asked[place] for place in taken]).to(device)

    def metrics(self, scores: Sequence[ExampleScore]) -> dict[str, float]:
        """loss (nats a hidden token), perplexity, accuracy and n_masked, the number of them. Raises NothingScored."""
        loss = LossSum(math.fsum(score.nats for score in scores), sum(score.n_tokens for score in scores))
        if not loss.count:
            raise NothingScored("no token was hidden: the text is empty")
        n_right = sum(score.n_right for score in scores if isinstance(score, MaskScore))
        return {
            "loss": loss.mean,
            "perplexity": perplexity(loss),
            "accuracy": n_right / loss.count,
            "n_masked": loss.count,
        }

    def output_scores(
        self, model: Any, tokenizer: Tokenizer, examples: Iterable[DocumentIds], config: Config
    ) -> dict[str, float]:
        """Its loss says all."""
        return {}

    def judge(
        self,
        model: Any,
        tokenizer: Tokenizer,
        examples: Sequence[DocumentIds],
        config: Config,
        training: TokenStore | None = None,
    ) -> None:
        """evaluation.masked does, which knows the floor."""

    # --- what it guesses

    def predict(
        self, model: Any, tokenizer: Tokenizer, inputs: Sequence[str], config: Config, seed: int
    ) -> Iterator[str]:
        """Some tokens of each text and what is guessed in their place, such as `film → movie`."""
        for text in inputs:
            yield self.guesses(model, tokenizer, text)

    def guesses(self, model: Any, tokenizer: Tokenizer, text: str) -> str:
        """Of the first window of a text, the tokens of the first reading: `token → guess`, with commas."""
        ids = tokenizer.encode(text)
        windows = Windows.of(np.array([len(ids)]), self.seq_len, self.begin_mark, len(tokenizer.after))
        if not len(windows):
            return "–"
        first = Windows(windows.documents[:1], windows.starts[:1], windows.stops[:1])
        with reading(model):
            _, batch = next(self.readings([(ids, 0, 0, "")], first, tokenizer, 1, str(device_of(model))))
            hidden = model(batch.ids, batch.segments, masked=batch.masked)
            _, likeliest = model.heads[HEAD].told(hidden, batch.targets, model.embedding.weight)
        wanted = batch.targets[batch.targets != IGNORED].tolist()
        pairs = zip(wanted, likeliest.tolist(), strict=True)
        return ", ".join(f"{shown(tokenizer, one)} → {shown(tokenizer, other)}" for one, other in pairs)

    def opening(self, config: Config, prepared: Prepared) -> str:
        """A few held-out texts, a line each."""
        store = prepared.valid or prepared.train
        texts = []
        for number in range(min(N_SAMPLES, store.n_documents)):
            text = " ".join(prepared.tokenizer.decode(store.document(number)[:LONG_SAMPLE].tolist()).split())
            texts.append(text[:LONG_SAMPLE] or "-")
        return "\n".join(texts)

    def samples(
        self, model: Any, tokenizer: Tokenizer, config: Config, opening: str, n: int, n_tokens: int
    ) -> list[str]:
        """The first n lines of the opening, each with some of its tokens and what is guessed in their place."""
        return [f"{text}\n→ {self.guesses(model, tokenizer, text)}" for text in opening.split("\n")[:n]]


def n_of(n_tokens: int, share: float) -> int:
    """Tokens of so many that are hidden: one at least.

    >>> n_of(100, 0.15), n_of(3, 0.15)
    (15, 1)
    """
    return max(1, round(share * n_tokens))


def passes_of(n_tokens: int) -> Ints:
    """(n_tokens,) in which of N_PASSES readings each token of a window is hidden: drawn once for all windows of that
    length, about as many in each reading."""
    return np.random.default_rng(n_tokens).permutation(n_tokens).astype(np.int64) % N_PASSES


def batch_of(rows: Sequence[tuple[Ints, Ints, NDArray[np.bool_]]]) -> Batch:
    """Rows (ids, targets, where the stand-in is read) as a batch, padded to the right."""
    if not rows:
        raise InputError("a batch of no text")
    lengths = np.array([len(ids) for ids, _, _ in rows])
    real = np.arange(lengths.max()) < lengths[:, None]
    ids, targets, masked = (
        np.zeros(real.shape, dtype=np.int64),
        np.full(real.shape, IGNORED, dtype=np.int64),
        np.zeros(real.shape, dtype=bool),
    )
    for place, own in enumerate((ids, targets, masked)):
        own[real] = np.concatenate([row[place] for row in rows])
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(targets),
        None if real.all() else torch.from_numpy(np.where(real, 0, PADDING)),
        n_targets=int((targets != IGNORED).sum()),
        n_read=int(lengths.sum()),
        masked=torch.from_numpy(masked),
    )


def shown(tokenizer: Tokenizer, number: int) -> str:
    """A token for people, on one line."""
    return tokenizer.token_text(number).strip() or repr(tokenizer.token_text(number))
