"""Stories: the answer to a question about a few sentences, out of the answers of training. Room: tasks/.

A text is a story and its question, a line each (text/stories.py), and its label the answer: so a story is classified.
Of other texts it differs in how it is read. Every line is a row of its own; lines that are equal are read once a batch;
and where the sentences that prove the answer are given, finding them is learned beside it (task.facts).
Shapes: R different lines of a batch, T tokens of a line, B stories, S sentences of one, C answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from textmill.config import Config
from textmill.errors import ConfigError, InputError
from textmill.generation.beam import padded
from textmill.generation.engine import device_of, reading
from textmill.messages import message
from textmill.metrics.loss import LossSum
from textmill.models.network import Heads
from textmill.tasks.classify import (
    ENCODE_TOGETHER,
    Classify,
    LabelledIds,
    LabelledRows,
    Probabilities,
    classes_of,
    fields_of_texts,
    nats_of,
    stored_text,
)
from textmill.tasks.length_batches import LengthSampler
from textmill.tasks.own_texts import OwnTexts, field_of_texts, text_of
from textmill.tasks.task import Batch, Judgement
from textmill.text import Document
from textmill.text.columns import utf8_size
from textmill.text.documents import FACTS, LABELS
from textmill.text.stories import parted
from textmill.tokens import StoreWriter, Tokenizer, TokenStore

HEAD = "story"
LINES = "lines"
"""The field of a store that holds the tokens of each line, as numbers written out."""
UNKNOWN = "?"
"""In place of the numbers of the facts of a story, where they are not given."""
FACTS_WEIGHT = 1.0
FOUND = 0.5
"""A sentence is said to prove the answer where the attention to it is larger."""

Lines = Sequence[Sequence[int]]
"""A story as ids: its sentences, and the question last."""


@dataclass(frozen=True)
class StoryIds(LabelledIds):
    """A story as ids, line ends included. lines: the same line by line, without them, the question last. facts: numbers
    of the sentences that prove the answer; None: not given."""

    lines: tuple[tuple[int, ...], ...] = ()
    facts: tuple[int, ...] | None = None


class StoryRows(LabelledRows):
    """The stories of a store, for training."""

    def __init__(self, store: TokenStore, tokenizer: Tokenizer, seq_len: int, begin_mark: bool):
        super().__init__(store, tokenizer, seq_len, begin_mark)
        self.line_lengths, self.facts = store.field(LINES), store.field(FACTS)
        self.line_end = len(tokenizer.encode("\n"))
        self.sizes = [len(lengths) for lengths in self.line_lengths]

    def __len__(self) -> int:
        return len(self.sizes)

    def text(self, number: int) -> StoryIds:
        text = super().text(number)
        return story_of(text, self.line_lengths[number], self.facts[number], self.line_end)


class StorySampler(LengthSampler):
    """Batches of so many stories, those of like length together."""

    def __init__(self, sizes: Sequence[int], batch: int, accumulate: int, seed: int):
        self.batch = batch
        super().__init__(sizes, batch * max(sizes, default=1), accumulate, seed)

    def cut(self, numbers: Sequence[int]) -> Iterator[list[int]]:
        for start in range(0, len(numbers), self.batch):
            yield list(numbers[start : start + self.batch])


class ReadStories(Classify):
    """P(answer | story, question). facts: what finding the given proofs weighs in training."""

    best_by = "accuracy"
    head = HEAD

    def __init__(self, *arguments: Any, facts: float = FACTS_WEIGHT, **named: Any):
        super().__init__(*arguments, **named)
        self.facts = facts

    @classmethod
    def of(cls, config: Config) -> Self:
        task = super().of(config)
        if config.task.facts is not None:
            task.facts = config.task.facts
        return task

    def heads_of(self, store: TokenStore) -> Heads:
        """A head over the answers of the training stories."""
        return {HEAD: {"classes": classes_of(store)[0]}}

    def refuse(self, parts: dict[str, TokenStore]) -> None:
        super().refuse(parts)
        for store in parts.values():
            for number, lengths in enumerate(store.field(LINES)):
                self.refuse_long(max(map(int, lengths)), store.source(number))

    def refuse_long(self, n_tokens: int, where: str) -> None:
        """Raises InputError for a line of so many tokens, where that is more than a row holds."""
        if n_tokens + self.begin_mark > self.seq_len:
            raise InputError(
                f"a sentence of {n_tokens} tokens is longer than a row holds ({self.seq_len})",
                where=where,
                hint=f"Say a longer --model.seq_len, {n_tokens + 1} or more, or make shorter sentences of it.",
            )

    # --- texts -> ids -> batches

    def ids_of(self, texts: Sequence[str], tokenizer: Tokenizer) -> list[Lines]:
        """Stories as ids, line by line."""
        lines = [text.split("\n") for text in texts]
        encoded = tokenizer.encode_batch([line for own in lines for line in own])
        ends = list(accumulate(map(len, lines), initial=0))
        return [[[*line, *tokenizer.after] for line in encoded[start:end]] for start, end in pairwise(ends)]

    def documents(self, texts: Sequence[Document], tokenizer: Tokenizer) -> list[LabelledIds]:
        """Stories with their answers as ids."""
        line_end = tokenizer.encode("\n")
        return [
            StoryIds(
                ids=joined([line[: len(line) - len(tokenizer.after)] for line in lines], line_end),
                labels=tuple(document.meta.get(LABELS, ())),
                place=document.source,
                n_bytes=utf8_size(document.text),
                n_chars=len(document.text),
                after=tokenizer.after,
                kept=None if tokenizer.exact else document.text,
                lines=tuple(map(tuple, lines)),
                facts=document.meta.get(FACTS),
            )
            for document, lines in zip(texts, self.ids_of([one.text for one in texts], tokenizer), strict=True)
        ]

    def encode(self, documents: Iterable[Document], tokenizer: Tokenizer, folder: Path) -> TokenStore:
        fields = (LABELS, LINES, FACTS, *field_of_texts(tokenizer))
        with StoreWriter(folder, tokenizer.vocab_size, fields=fields, mark=tokenizer.mark) as writer:
            documents = iter(documents)
            while some := list(islice(documents, ENCODE_TOGETHER)):
                own = [story for story in self.documents(some, tokenizer) if isinstance(story, StoryIds)]
                writer.add_all(
                    [(story.ids, story.n_bytes, story.n_chars, story.place) for story in own],
                    fields_of_texts(own, tokenizer)
                    | {
                        LABELS: [story.labels for story in own],
                        LINES: [[str(len(line) - len(tokenizer.after)) for line in story.lines] for story in own],
                        FACTS: [(UNKNOWN,) if story.facts is None else [*map(str, story.facts)] for story in own],
                    },
                )
            return writer.close()

    def examples(self, store: TokenStore, tokenizer: Tokenizer, max_tokens: int | None = None) -> Iterator[LabelledIds]:
        labels, lengths, facts = store.field(LABELS), store.field(LINES), store.field(FACTS)
        line_end, n_tokens, kept = len(tokenizer.encode("\n")), 0, OwnTexts(store)
        for number in range(store.n_documents):
            text = stored_text(store, number, labels, tokenizer, kept)
            story = story_of(text, lengths[number], facts[number], line_end)
            n_tokens += len(story.ids) + 1
            if number and max_tokens is not None and n_tokens > max_tokens:
                return
            yield story

    def rows(self, store: TokenStore, tokenizer: Tokenizer, config: Config) -> StoryRows:
        """Every story of the store."""
        return StoryRows(store, tokenizer, self.seq_len, self.begin_mark)

    def sampler(self, rows: LabelledRows, config: Config) -> LengthSampler:
        """Batches of train.batch stories. Raises ConfigError for another order than shuffle."""
        train = config.train
        if train.batch is None:
            raise AssertionError("training.defaults decides the batch first")
        if train.order != "shuffle":
            raise ConfigError(
                f"train.order is {train.order}, and a story does not go on from the one before it",
                hint="Leave it out: stories are read in shuffled order.",
            )
        return StorySampler(rows.sizes, train.batch, train.accumulate, config.run.seed)

    def batch(
        self,
        texts: Sequence[LabelledIds],
        mark: int | None,
        classes: Sequence[str],
        several: bool,
        device: torch.device | str = "cpu",
    ) -> Batch:
        """ids, segments (R, T) of the different lines; stories (B, 1 + S); targets: numbers of answers (B,); proofs
        (B, S): 1 for a sentence that proves, 0 for others, -1 where that is not given."""
        number_of = {name: number for number, name in enumerate(classes)}
        stories = [text for text in texts if isinstance(text, StoryIds)]
        batch = self.read_together([story.lines for story in stories], mark, device)
        assert batch.stories is not None
        proofs = torch.full((len(stories), batch.stories.shape[1] - 1), -1.0)
        for row, story in enumerate(stories):
            if story.facts is not None:
                proofs[row, : len(story.lines) - 1] = 0.0
                proofs[row, list(story.facts)] = 1.0
        targets = torch.tensor([number_of[story.labels[0]] for story in stories], device=device)
        return Batch(
            batch.ids,
            targets,
            batch.segments,
            len(stories),
            n_read=batch.n_read,
            stories=batch.stories,
            proofs=proofs.to(device),
        )

    def read_together(self, stories: Sequence[Lines], mark: int | None, device: torch.device | str = "cpu") -> Batch:
        """Stories as ids -> a batch without targets, each different line once. Raises InputError for a line that is
        longer than a row, and for one without a token, where there is no mark."""
        row_of: dict[tuple[int, ...], int] = {}
        numbers = [[row_of.setdefault(tuple(line), len(row_of)) for line in (own[-1], *own[:-1])] for own in stories]
        rows = [(mark, *line) if self.begin_mark and mark is not None else line for line in row_of]
        if not all(rows):
            raise InputError("a line has no token, and without a begin mark (tokens.begin_mark) nothing is read")
        self.refuse_long(max(map(len, row_of)), "")
        ids, segments = padded(rows, device)
        wide = torch.full((len(stories), max(map(len, numbers))), -1)
        for row, own in enumerate(numbers):
            wide[row, : len(own)] = torch.tensor(own)
        none = torch.zeros(len(stories), dtype=torch.long, device=ids.device)
        n_read = sum(map(len, rows))
        return Batch(ids, none, segments, len(stories), n_read=n_read, stories=wide.to(device))

    # --- loss and numbers

    def answered(self, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """(logits (B, C), attention (B, S)) in float32."""
        hidden = model(batch.ids, batch.segments)  # (R, T, D)
        real = None if batch.segments is None else batch.segments >= 0
        logits, attention = model.heads[HEAD](hidden, real, batch.stories)
        return logits.float(), attention.float()

    def loss(self, model: Any, batch: Batch, state: Any = None) -> tuple[LossSum, Any]:
        """Nats over the batch's answers, with the gradient of the smoothed and balanced loss and of finding the facts;
        there is no state."""
        logits, attention = self.answered(model, batch)
        nats = nats_of(logits, batch.targets, False)  # (B,)
        if model.training:
            wanted = nats_of(logits, batch.targets, False, self.label_smoothing)
            if batch.weights is not None:
                wanted = wanted * batch.weights
            if self.facts and batch.proofs is not None:
                wanted = wanted + self.facts * nats_of_facts(attention, batch.proofs)
            nats = wanted + (nats - wanted).detach()
        return LossSum(nats.sum(), batch.n_targets), None

    def log_probs(self, model: Any, texts: Sequence[Any], mark: int | None, at_once: int = 32) -> Probabilities:
        """ln P of each answer (N, C) of stories as ids, line by line; see `looked`."""
        return self.looked(model, texts, mark, at_once)[0]

    def looked(
        self, model: Any, stories: Sequence[Lines], mark: int | None, at_once: int = 32
    ) -> tuple[Probabilities, list[Probabilities]]:
        """(ln P of each answer (N, C), the attention to the sentences (S,) of each). at_once: stories read together;
        the numbers do not depend on it."""
        head = model.heads[HEAD]
        found = np.zeros((len(stories), len(head.classes)))
        attention: list[Probabilities] = [np.zeros(0)] * len(stories)
        by_length = sorted(range(len(stories)), key=lambda number: len(stories[number]))
        with reading(model):
            for start in range(0, len(by_length), at_once):
                numbers = by_length[start : start + at_once]
                batch = self.read_together([stories[number] for number in numbers], mark, device_of(model))
                logits, shares = self.answered(model, batch)
                found[numbers] = head.log_probs(logits.double()).cpu().numpy()
                for number, own in zip(numbers, shares.double().cpu().numpy(), strict=True):
                    attention[number] = own[: len(stories[number]) - 1]
        return found, attention

    def inputs_of(self, texts: Sequence[LabelledIds]) -> list[Any]:
        return [text.lines if isinstance(text, StoryIds) else (text.ids,) for text in texts]

    def controls(self, texts: Sequence[str]) -> dict[str, list[str]]:
        """emptied: the questions alone. Who answers them as well has not read the stories."""
        return {"emptied": [parted(text)[1] for text in texts]}

    def judge(
        self,
        model: Any,
        tokenizer: Tokenizer,
        examples: Sequence[LabelledIds],
        config: Config,
        training: TokenStore | None = None,
    ) -> Judgement | None:
        """Precision and recall of the sentences that are said to prove the answers, where they are given."""
        stories = [story for story in examples if isinstance(story, StoryIds)]
        _, attention = self.looked(model, self.inputs_of(stories), tokenizer.begin, config.eval.batch)
        said = [np.flatnonzero(own > FOUND).tolist() for own in attention]
        rows: list[dict[str, Any]] = [
            {"facts": numbered(own)} | ({} if story.facts is None else {"facts_given": numbered(story.facts)})
            for own, story in zip(said, stories, strict=True)
        ]
        known = [
            (set(own), set(story.facts)) for own, story in zip(said, stories, strict=True) if story.facts is not None
        ]
        if not known:
            return Judgement({}, {}, {}, {}, rows)
        n_right = sum(len(own & given) for own, given in known)
        n_said, n_given = sum(len(own) for own, _ in known), sum(len(given) for _, given in known)
        metrics = {
            "facts_precision": n_right / n_said if n_said else 0.0,
            "facts_recall": n_right / n_given if n_given else 0.0,
        }
        told = message(
            "sentences with an attention above a half, beside those given as proofs, over %(n)s questions",
            n=f"{len(known):,}",
        )
        return Judgement(metrics, {}, {}, {"facts": told}, rows)

    def opening(self, config: Config, prepared: Any) -> str:
        """A few held-out stories, with blank lines between."""
        store = prepared.valid or prepared.train
        some = range(min(3, store.n_documents))
        own = OwnTexts(store)
        return "\n\n".join(
            text_of(store.document(number).tolist(), own.kept(number), prepared.tokenizer) for number in some
        )

    def samples(
        self, model: Any, tokenizer: Tokenizer, config: Config, opening: str, n: int, n_tokens: int
    ) -> list[str]:
        """The first n stories of the opening, each with its answer, how likely that is, and what it was drawn from."""
        texts, head = opening.split("\n\n")[:n], model.heads[HEAD]
        found, attention = self.looked(model, self.ids_of(texts, tokenizer), tokenizer.begin, config.eval.batch)
        told = []
        for text, own, looks in zip(texts, np.exp(found), attention, strict=True):
            sentences, question = parted(text)
            lines = [f"{'*' if look > FOUND else ' '} {line}" for line, look in zip(sentences, looks, strict=True)]
            told.append("\n".join([*lines, f"{question}\n→ {head.classes[int(own.argmax())]} {own.max():.2f}"]))
        return told


def numbered(facts: Iterable[int]) -> str:
    """Numbers of sentences, from 0, with blanks between."""
    return " ".join(map(str, facts))


def joined(lines: Lines, line_end: Sequence[int]) -> tuple[int, ...]:
    """Lines as ids, end to end with line ends between."""
    ids: list[int] = []
    for number, line in enumerate(lines):
        ids += [*line_end, *line] if number else line
    return tuple(ids)


def story_of(text: LabelledIds, lengths: tuple[str, ...], facts: tuple[str, ...], line_end: int) -> StoryIds:
    """A text of a store as a story. lengths, facts: its fields. line_end: tokens of a line end."""
    lines, start = [], 0
    for length in map(int, lengths):
        lines.append((*text.ids[start : start + length], *text.after))
        start += length + line_end
    known = None if facts == (UNKNOWN,) else tuple(map(int, facts))
    sizes = text.n_bytes, text.n_chars, text.after, text.kept
    return StoryIds(text.ids, text.labels, text.place, *sizes, tuple(lines), known)


def nats_of_facts(attention: Tensor, facts: Tensor) -> Tensor:
    """(B,) −ln P of which sentences prove the answer, each told for itself; 0 where they are not given (-1)."""
    wanted = facts.clamp(min=0.0)
    nats = F.binary_cross_entropy(attention.clamp(1e-6, 1 - 1e-6), wanted, reduction="none")
    return (nats * (facts >= 0)).sum(dim=1)
