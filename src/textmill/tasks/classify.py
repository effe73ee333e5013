"""Classification: which of its classes a text belongs to, such as what its writer feels. Room: tasks/.

A store holds the texts, and beside each its labels (the field `labels`). A text is read as mark + tokens; one that is
longer than model.seq_len is read in windows, over all of which the head pools: nothing of it is cut. Its loss is
−ln P(label), a text; of several labels a text, the sum over the classes of what each decision costs.
Shapes: B texts, W windows of them, T places of a window, C classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from textmill.config import Config
from textmill.errors import ConfigError, InputError, NothingScored
from textmill.generation.beam import padded
from textmill.generation.engine import device_of, reading
from textmill.metrics.language import ExampleScore
from textmill.metrics.loss import LossSum
from textmill.models.network import Heads
from textmill.models.teaching import softened_gap
from textmill.tasks.length_batches import LengthSampler, sampler_by_length
from textmill.tasks.measuring import DocumentIds
from textmill.tasks.own_texts import OwnTexts, field_of_texts, kept_texts, text_of
from textmill.tasks.task import Batch, Judgement
from textmill.tasks.teacher import Teacher
from textmill.text import Document
from textmill.text.columns import utf8_size
from textmill.text.documents import LABELS
from textmill.text.labels import in_class_order
from textmill.text.wording import some_of
from textmill.tokens import StoreWriter, Tokenizer, TokenStore

if TYPE_CHECKING:
    from textmill.runs import Prepared

HEAD = "classify"
ENCODE_TOGETHER = 1024  # texts handed to the tokenizer at once
N_SAMPLES = 3
LONG_SAMPLE = 200  # characters of a text that are shown

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class LabelledIds:
    """A text as ids, without marks, with its labels. place: "file:line"."""

    ids: tuple[int, ...]
    labels: tuple[str, ...]
    place: str
    n_bytes: int
    n_chars: int
    after: tuple[int, ...] = ()
    """Ids that are read behind it."""
    kept: str | None = None
    """The text itself, where its ids do not give it back."""

    @property
    def whole(self) -> tuple[int, ...]:
        """Its ids, and what is read behind them."""
        return (*self.ids, *self.after)

    def text(self, tokenizer: Tokenizer) -> str:
        return text_of(self.ids, self.kept, tokenizer)


@dataclass(frozen=True)
class LabelScore(ExampleScore):
    """What a text's labels cost in nats, and whether the likeliest class is its own: of several, whether they are just
    those with a probability above a half."""

    right: bool = False


class LabelledRows:
    """The texts of a store with the numbers of their classes, for training."""

    def __init__(self, store: TokenStore, tokenizer: Tokenizer, seq_len: int, begin_mark: bool):
        self.store, self.tokenizer, self.seq_len, self.begin_mark = store, tokenizer, seq_len, begin_mark
        self.labels = store.field(LABELS)
        self.classes, self.several = classes_of(store)
        self.notes: list[str] = []
        self.own = OwnTexts(store)
        lengths = store.starts[1:] - store.starts[:-1] - (not begin_mark) + len(tokenizer.after)
        n_windows = -(-lengths // seq_len)
        self.sizes: list[int] = (n_windows * -(-lengths // np.maximum(n_windows, 1))).tolist()

    def __len__(self) -> int:
        """Rows of seq_len places that the texts fill."""
        return max(1, -(-sum(self.sizes) // self.seq_len))

    @cached_property
    def weights(self) -> Tensor:
        """(C,) by which the loss of a text of each class is multiplied, for all classes to weigh the same: 1 on average
        over the texts."""
        counts = Counter(own[0] for own in self.labels)
        return torch.tensor([len(self.labels) / (len(self.classes) * counts[name]) for name in self.classes])

    def text(self, number: int) -> LabelledIds:
        return stored_text(self.store, number, self.labels, self.tokenizer, self.own)


class Classify:
    """P(class | text).

    balanced: in training each class weighs the same, however many texts it has. begin_mark: a text begins with the
    mark.
    """

    form = "encoder"
    teacher: Teacher | None = None
    best_by = "loss"
    head = HEAD

    def __init__(
        self,
        seq_len: int,
        begin_mark: bool = True,
        label_smoothing: float = 0.0,
        balanced: bool = False,
        best_by: str = "loss",
    ):
        self.seq_len, self.begin_mark = seq_len, begin_mark
        self.label_smoothing, self.balanced, self.best_by = label_smoothing, balanced, best_by

    @classmethod
    def of(cls, config: Config) -> Self:
        """As [train] and [task] say. Raises ConfigError where the best is to be chosen by what has none."""
        if config.train.best_by not in ("loss", "accuracy"):
            raise ConfigError(
                f"train.best_by is {config.train.best_by}, which a classifier has not",
                hint="Say loss or accuracy, or another --task.",
            )
        return cls(
            config.model.seq_len,
            config.tokens.begin_mark,
            config.train.label_smoothing or 0.0,
            config.task.balanced,
            config.train.best_by,
        )

    def heads_of(self, store: TokenStore) -> Heads:
        """A head over the classes of the training texts."""
        classes, several = classes_of(store)
        return {HEAD: {"classes": classes, "several": several}}

    def refuse(self, parts: dict[str, TokenStore]) -> None:
        """Raises InputError where training would be of one class, or where a part to be measured on holds a label that
        no training text has."""
        classes, several = classes_of(parts["train"])
        if len(classes) < 2 and not several:
            raise InputError(
                f"all texts to train on have one label, {classes[0]!r}: there is nothing to tell apart",
                hint="Give texts of two classes or more, or name another column: --data.label NAME",
            )
        for name, store in parts.items():
            refuse_unknown(classes, ((store.source(number), own) for number, own in enumerate(store.field(LABELS))))
            if not store.n_documents:
                raise InputError(f"the {name} part holds no text with a label")

    # --- texts -> ids -> batches

    def documents(self, texts: Sequence[Document], tokenizer: Tokenizer) -> list[LabelledIds]:
        """Labelled documents as ids."""
        encoded = tokenizer.encode_arrays([document.text for document in texts])
        return [
            LabelledIds(
                tuple(ids.tolist()),
                tuple(document.meta.get(LABELS, ())),
                document.source,
                utf8_size(document.text),
                len(document.text),
                tokenizer.after,
                None if tokenizer.exact else document.text,
            )
            for document, ids in zip(texts, encoded, strict=True)
        ]

    def ids_of(self, texts: Sequence[str], tokenizer: Tokenizer) -> list[Any]:
        """Texts as log_probs reads them."""
        return [[*ids, *tokenizer.after] for ids in tokenizer.encode_batch(list(texts))]

    def inputs_of(self, texts: Sequence[LabelledIds]) -> list[Any]:
        """The same of texts that are ids already."""
        return [text.whole for text in texts]

    def controls(self, texts: Sequence[str]) -> dict[str, list[str]]:
        """What is answered beside the texts, by name, to see what the answers come from: the accuracy on them stands
        among the baselines."""
        return {}

    def encode(self, documents: Iterable[Document], tokenizer: Tokenizer, folder: Path) -> TokenStore:
        """Documents -> ids on disk, their labels beside them. Raises NoSpace."""
        fields = (LABELS, *field_of_texts(tokenizer))
        with StoreWriter(folder, tokenizer.vocab_size, fields=fields, mark=tokenizer.mark) as writer:
            documents = iter(documents)
            while some := list(islice(documents, ENCODE_TOGETHER)):
                own = self.documents(some, tokenizer)
                writer.add_all(
                    [(text.ids, text.n_bytes, text.n_chars, text.place) for text in own],
                    {LABELS: [text.labels for text in own]} | fields_of_texts(own, tokenizer),
                )
            return writer.close()

    def written(self, store: TokenStore) -> range:
        """All: the texts that are read."""
        return range(store.n_documents)

    def examples(self, store: TokenStore, tokenizer: Tokenizer, max_tokens: int | None = None) -> Iterator[LabelledIds]:
        """The texts of a store up to max_tokens in all, the first one in any case."""
        n_tokens, labels, own = 0, store.field(LABELS), OwnTexts(store)
        for number in range(store.n_documents):
            text = stored_text(store, number, labels, tokenizer, own)
            n_tokens += len(text.ids) + 1
            if number and max_tokens is not None and n_tokens > max_tokens:
                return
            yield text

    def rows(self, store: TokenStore, tokenizer: Tokenizer, config: Config) -> LabelledRows:
        """Every text of the store. Raises ConfigError where classes cannot weigh the same."""
        rows = LabelledRows(store, tokenizer, self.seq_len, self.begin_mark)
        if self.balanced and rows.several:
            raise ConfigError(
                "task.balanced is of one label a text, and these texts have several", hint="Leave --balanced out."
            )
        return rows

    def sampler(self, rows: LabelledRows, config: Config) -> LengthSampler:
        """Batches of at most train.batch × model.seq_len places; a text that is longer is a batch of its own. Raises
        ConfigError for another order than shuffle."""
        return sampler_by_length(rows, config, "a labelled text", "texts", alone=True)

    def collate(self, rows: LabelledRows, indices: Sequence[int]) -> Batch:
        """Texts by number -> a batch."""
        texts = [rows.text(number) for number in indices]
        batch = self.batch(texts, rows.tokenizer.begin, rows.classes, rows.several)
        return replace(batch, weights=rows.weights[batch.targets]) if self.balanced else batch

    def batch(
        self,
        texts: Sequence[LabelledIds],
        mark: int | None,
        classes: Sequence[str],
        several: bool,
        device: torch.device | str = "cpu",
    ) -> Batch:
        """ids, segments (W, T), owners (W,); targets: class numbers (B,), of several labels a text 0 or 1, (B, C)."""
        windows, owners = self.windows([text.whole for text in texts], mark)
        ids, segments = padded(windows, device)
        number_of = {name: number for number, name in enumerate(classes)}
        if several:
            targets = torch.zeros(len(texts), len(classes), device=device)
            for row, text in enumerate(texts):
                targets[row, [number_of[label] for label in text.labels]] = 1.0
        else:
            targets = torch.tensor([number_of[text.labels[0]] for text in texts], device=device)
        n_read = sum(map(len, windows))
        return Batch(ids, targets, segments, len(texts), owners=owners.to(device), n_read=n_read)

    def windows(self, texts: Sequence[Sequence[int]], mark: int | None) -> tuple[list[Sequence[int]], Tensor]:
        """Texts as ids -> windows of at most seq_len places, of about the same length within a text; and the number of
        the text that each belongs to, (W,). mark: what stands before a text. Raises InputError for a text without a
        token, where there is no mark."""
        windows: list[Sequence[int]] = []
        owners: list[int] = []
        for number, ids in enumerate(texts):
            whole = (mark, *ids) if self.begin_mark and mark is not None else tuple(ids)
            if not whole:
                raise InputError(
                    f"text {number + 1} has no token, and without a begin mark (tokens.begin_mark) nothing is read"
                )
            n_windows = -(-len(whole) // self.seq_len)
            width = -(-len(whole) // n_windows)
            own = [whole[start : start + width] for start in range(0, len(whole), width)]
            windows += own
            owners += [number] * len(own)
        return windows, torch.tensor(owners)

    # --- loss and numbers

    def logits(self, model: Any, batch: Batch) -> Tensor:
        """(B, C) in float32."""
        hidden = model(batch.ids, batch.segments)  # (W, T, D)
        real = None if batch.segments is None else batch.segments >= 0
        logits: Tensor = model.heads[self.head](hidden, real, batch.owners)
        return logits.float()

    @torch.no_grad()
    def taught(self, batch: Batch, classes: Sequence[str]) -> Tensor:
        """The teacher's scores (B, C) of these classes, which are its own in another order perhaps."""
        assert self.teacher is not None
        theirs = list(self.teacher.model.heads[self.head].classes)
        return self.logits(self.teacher.model, batch)[:, [theirs.index(name) for name in classes]]

    def loss(self, model: Any, batch: Batch, state: Any = None) -> tuple[LossSum, Any]:
        """Nats over the batch's texts, with the gradient of the smoothed and balanced loss, and of what a teacher says;
        there is no state."""
        head = model.heads[self.head]
        logits = self.logits(model, batch)
        nats = nats_of(logits, batch.targets, head.several)  # (B,)
        taught = self.teacher is not None
        if model.training and (self.label_smoothing or batch.weights is not None or taught):
            wanted = nats_of(logits, batch.targets, head.several, self.label_smoothing)
            if self.teacher is not None:
                gap = softened_gap(logits, self.taught(batch, head.classes), self.teacher.temperature, head.several)
                wanted = (1 - self.teacher.share) * wanted + self.teacher.share * gap
            if batch.weights is not None:
                wanted = wanted * batch.weights
            nats = wanted + (nats - wanted).detach()
        return LossSum(nats.sum(), batch.n_targets), None

    def measure(
        self,
        model: Any,
        examples: Iterable[LabelledIds],
        tokenizer: Tokenizer,
        config: Config,
        n_blocks: int | None = None,
    ) -> list[LabelScore]:
        """What the labels of each text cost, in order. Raises InputError for a label that the model does not know."""
        texts, head = list(examples), model.heads[self.head]
        refuse_unknown(head.classes, ((text.place, text.labels) for text in texts))
        found = self.log_probs(model, self.inputs_of(texts), tokenizer.begin, config.eval.batch)
        number_of = {name: number for number, name in enumerate(head.classes)}
        scores = []
        for text, own in zip(texts, found, strict=True):
            numbers = sorted(number_of[label] for label in text.labels)
            if head.several:
                nats, predicted = costs(own, numbers), np.flatnonzero(own > np.log(0.5)).tolist()
            else:
                nats, predicted = -float(own[numbers[0]]), [int(own.argmax())]
            scores.append(LabelScore(text.place, nats, 1, text.n_bytes, text.n_chars, predicted == numbers))
        return scores

    def log_probs(self, model: Any, texts: Sequence[Any], mark: int | None, at_once: int = 32) -> Probabilities:
        """ln P of each class (N, C) of texts as ids, in order; of several labels a text, of each alone. mark: what
        stands before a text. at_once: windows read together; the numbers do not depend on it."""
        head = model.heads[self.head]
        found = np.zeros((len(texts), len(head.classes)))
        by_length = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        with reading(model):
            for numbers in self.together([len(text) + self.begin_mark for text in texts], by_length, at_once):
                windows, owners = self.windows([texts[number] for number in numbers], mark)
                ids, segments = padded(windows, device_of(model))
                batch = Batch(ids, owners, segments, len(numbers), owners=owners.to(ids.device))
                found[numbers] = head.log_probs(self.logits(model, batch).double()).cpu().numpy()
        return found

    def together(self, lengths: Sequence[int], order: Sequence[int], at_once: int) -> Iterator[list[int]]:
        """Numbers of texts whose windows are at most at_once together, one text in any case."""
        held: list[int] = []
        n_held = 0
        for number in order:
            n_windows = max(1, -(-lengths[number] // self.seq_len))
            if held and n_held + n_windows > at_once:
                yield held
                held, n_held = [], 0
            held.append(number)
            n_held += n_windows
        if held:
            yield held

    def metrics(self, scores: Sequence[LabelScore]) -> dict[str, float]:
        """loss (nats a text), accuracy and n_texts. Raises NothingScored without a text."""
        if not scores:
            raise NothingScored("no text was scored: there is none")
        loss = LossSum(sum(score.nats for score in scores), len(scores))
        return {
            "loss": loss.mean,
            "accuracy": sum(score.right for score in scores) / len(scores),
            "n_texts": len(scores),
        }

    def as_documents(self, examples: Iterable[LabelledIds]) -> list[DocumentIds]:
        """The texts."""
        return [(text.ids, text.n_bytes, text.n_chars, text.place) for text in examples]

    def output_scores(
        self, model: Any, tokenizer: Tokenizer, examples: Iterable[LabelledIds], config: Config
    ) -> dict[str, float]:
        """accuracy, where the best is chosen by it; else {}."""
        if self.best_by == "loss":
            return {}
        return {"accuracy": self.metrics(self.measure(model, examples, tokenizer, config))["accuracy"]}

    def judge(
        self,
        model: Any,
        tokenizer: Tokenizer,
        examples: Sequence[LabelledIds],
        config: Config,
        training: TokenStore | None = None,
    ) -> Judgement | None:
        """None: evaluation.labels says all of a classifier's answers, and knows the floor and what is offered."""
        return None

    # --- predictions

    def predict(
        self, model: Any, tokenizer: Tokenizer, inputs: Sequence[str], config: Config, seed: int
    ) -> Iterator[str]:
        """The likeliest class of each text; of several labels a text, those above a half, with commas."""
        head = model.heads[self.head]
        found = self.log_probs(model, self.ids_of(inputs, tokenizer), tokenizer.begin, config.eval.batch)
        yield from (", ".join(named(own, head.classes, head.several)) for own in np.exp(found))

    def opening(self, config: Config, prepared: Prepared) -> str:
        """A few held-out texts, a line each."""
        store = prepared.valid or prepared.train
        some, own, by = range(min(N_SAMPLES, store.n_documents)), OwnTexts(store), prepared.tokenizer
        texts = [text_of(store.document(number).tolist(), own.kept(number), by) for number in some]
        return "\n".join(" ".join(text.split()) or "-" for text in texts)

    def samples(
        self, model: Any, tokenizer: Tokenizer, config: Config, opening: str, n: int, n_tokens: int
    ) -> list[str]:
        """The first n lines of the opening, each with its class and how likely that is."""
        texts, head = opening.split("\n")[:n], model.heads[self.head]
        found = np.exp(self.log_probs(model, self.ids_of(texts, tokenizer), tokenizer.begin, config.eval.batch))
        return [
            f"{text if len(text) <= LONG_SAMPLE else text[:LONG_SAMPLE] + '…'}\n→ "
            + (", ".join(f"{head.classes[number]} {own[number]:.2f}" for number in likeliest(own, head.several)) or "–")
            for text, own in zip(texts, found, strict=True)
        ]


def classes_of(store: TokenStore) -> tuple[list[str], bool]:
    """The classes of the texts of a store, in class order; and whether a text may have several, or none."""
    several = any(len(own) != 1 for own in store.field(LABELS))
    return in_class_order(store.names[LABELS]), several


def refuse_unknown(classes: Sequence[str], texts: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Raises InputError, naming the first place, where a text has no label, or one that is no class. texts: (place,
    labels)."""
    known = set(classes)
    for place, labels in texts:
        unknown = [label for label in labels if label not in known]
        if unknown:
            raise InputError(
                f"no training text has the label {unknown[0]!r}",
                where=place,
                hint=f"The model knows {some_of(list(classes))}. Mend the label or take the text out; a class "
                "so rare that all its texts were held out needs more texts, or --valid and --test of your own.",
            )


def fields_of_texts(texts: Sequence[LabelledIds], tokenizer: Tokenizer) -> dict[str, list[tuple[str, ...]]]:
    """The field of the texts themselves, where there is to be one."""
    if tokenizer.exact:
        return {}
    return kept_texts((text.text(tokenizer), text.ids, tokenizer) for text in texts)


def stored_text(
    store: TokenStore, number: int, labels: Sequence[tuple[str, ...]], tokenizer: Tokenizer, own: OwnTexts
) -> LabelledIds:
    """Text `number` of a store. labels, own: of all its texts."""
    return LabelledIds(
        tuple(store.document(number).tolist()),
        labels[number],
        store.source(number),
        store.document_bytes(number),
        store.document_chars(number),
        tokenizer.after,
        own.kept(number),
    )


def texts_of(store: TokenStore, tokenizer: Tokenizer) -> tuple[list[str], list[tuple[str, ...]]]:
    """The texts of a store and their labels."""
    own = OwnTexts(store)
    texts = [text_of(store.document(n).tolist(), own.kept(n), tokenizer) for n in range(store.n_documents)]
    return texts, store.field(LABELS)


def fitted_on(store: TokenStore, tokenizer: Tokenizer) -> tuple[list[str], list[list[int]], list[str], bool]:
    """What a floor is fitted on: texts, the numbers of their classes, the classes, and whether a text may have
    several."""
    texts, labels = texts_of(store, tokenizer)
    classes, several = classes_of(store)
    number_of = {name: number for number, name in enumerate(classes)}
    return texts, [[number_of[label] for label in own] for own in labels], classes, several


def nats_of(logits: Tensor, targets: Tensor, several: bool, smoothing: float = 0.0) -> Tensor:
    """(B,) −ln P of the labels; smoothing: Szegedy et al. 2016, of several labels towards a half."""
    if several:
        wanted = targets * (1 - smoothing) + smoothing / 2
        return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").sum(dim=1)
    return F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)


def costs(log_probs: NDArray[np.float64], numbers: Sequence[int]) -> float:
    """−ln P of the decisions of all classes, of which `numbers` are the right ones. log_probs (C,), of each alone."""
    is_label = np.zeros(len(log_probs), dtype=bool)
    is_label[list(numbers)] = True
    against = np.log(-np.expm1(np.minimum(log_probs, -1e-300)))
    return -float(np.where(is_label, log_probs, against).sum())


def likeliest(probabilities: NDArray[np.float64], several: bool) -> list[int]:
    """Numbers of the classes that are given: the likeliest (the first on a tie), of several labels those above a
    half."""
    return np.flatnonzero(probabilities > 0.5).tolist() if several else [int(probabilities.argmax())]


def sureness(probabilities: NDArray[np.float64], several: bool) -> float:
    """What --abstain goes by: the probability of the answer, of several labels that of the least sure one; 1 where
    there is none above a half, which is an answer too."""
    return float(min((probabilities[number] for number in likeliest(probabilities, several)), default=1.0))


def named(probabilities: NDArray[np.float64], classes: Sequence[str], several: bool) -> list[str]:
    """The classes that are given to a text."""
    return [classes[number] for number in likeliest(probabilities, several)]
