"""Language modelling: the next token from those before it. Room: tasks/.

Documents are packed into rows without loss: every token of every document is a target exactly once an epoch. Of
conversations (text/conversations.py) the answers alone are targets, each with what ends it; they are laid out by the
chat template of the tokenizer (tokens/chat_turns.py), where it has one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from textmill.config import Config
from textmill.errors import ConfigError, InputError
from textmill.generation import write
from textmill.generation.writing import PromptIds
from textmill.metrics.language import ExampleScore, metrics_of
from textmill.metrics.loss import LossSum
from textmill.models import IGNORED
from textmill.models.network import NO_HEADS, Heads
from textmill.tasks.measuring import DocumentIds, Plain, TokenSizes, documents_of, first_tokens, score_documents
from textmill.tasks.task import Batch, Judgement
from textmill.tasks.teacher import Teacher
from textmill.text import Document
from textmill.text.columns import utf8_size
from textmill.text.documents import ANSWERED, TURNS
from textmill.tokens import PackedRows, Sampler, StoreWriter, Tokenizer, TokenStore
from textmill.tokens.answer_rows import AnswerRows, counted_in
from textmill.tokens.chat_template import going_on
from textmill.tokens.chat_turns import ChatTurns
from textmill.tokens.cuts import PART_CHARS
from textmill.tokens.packing import PADDING

if TYPE_CHECKING:
    from textmill.runs import Prepared

BY_TEMPLATE = "answered_by_template"
"""Field of a store whose conversations a chat template laid out: where their answers stand."""
SAMPLE_PROMPT_CHARACTERS = 16
MANY_DOCUMENTS = 100
Laid = tuple[NDArray[np.int64], list[tuple[int, int]]]
ENCODE_TOGETHER = 1024  # documents handed to the tokenizer at once


class LanguageModelling:
    """P(next token | the tokens before it)."""

    form = "decoder"
    best_by = "loss"
    teacher: Teacher | None = None

    def __init__(self, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    @classmethod
    def of(cls, config: Config) -> Self:
        """With the smoothing of [train]. Raises ConfigError where the best is to be chosen by what has none."""
        if config.train.best_by != "loss":
            raise ConfigError(
                f"train.best_by is {config.train.best_by}, which a language model has not",
                hint="Leave it out, or say another --task.",
            )
        return cls(config.train.label_smoothing or 0.0)

    def heads_of(self, store: TokenStore) -> Heads:
        """None but the one over the vocabulary."""
        return NO_HEADS

    def refuse(self, parts: dict[str, TokenStore]) -> None:
        """Any text will do."""

    def encode(self, documents: Iterable[Document], tokenizer: Tokenizer, folder: Path) -> TokenStore:
        """Documents -> ids on disk, each followed by the mark. Raises NoSpace."""
        documents = iter(documents)
        first = next(documents, None)
        if first is None:
            return StoreWriter(folder, tokenizer.vocab_size, mark=tokenizer.mark).close()
        documents = itertools.chain([first], documents)
        if ANSWERED in first.meta:
            return encode_conversations(documents, tokenizer, folder)
        with StoreWriter(folder, tokenizer.vocab_size, mark=tokenizer.mark) as writer:
            waiting: list[Document] = []
            n_waiting = 0
            for document in documents:
                refuse_mixed(document, ANSWERED in document.meta)
                content = document.content
                if len(content) > PART_CHARS:
                    waiting, n_waiting = self._add(writer, waiting, tokenizer)
                    parts = tokenizer.encode_parts(content)
                    writer.add_in_parts(parts, utf8_size(content), len(content), document.source)
                    continue
                waiting.append(document)
                n_waiting += len(content)
                if len(waiting) == ENCODE_TOGETHER or n_waiting > PART_CHARS:
                    waiting, n_waiting = self._add(writer, waiting, tokenizer)
            self._add(writer, waiting, tokenizer)
            return writer.close()

    def written(self, store: TokenStore) -> range:
        """All."""
        return range(store.n_documents)

    def _add(self, writer: StoreWriter, texts: list[Document], tokenizer: Tokenizer) -> tuple[list[Document], int]:
        """Write documents; none is waiting then."""
        writer.add_all(plain_documents(texts, tokenizer))
        return [], 0

    def documents(self, texts: Sequence[Document], tokenizer: Tokenizer) -> list[DocumentIds]:
        """Documents as ids without marks, with their UTF-8 bytes, code points and source; of conversations those of
        their answers, and where these stand."""
        with layout_of(tokenizer) as laid_out:
            return [
                answered(*laid_out(document), document.source, tokenizer) if ANSWERED in document.meta else plain
                for document, plain in zip(texts, plain_documents(texts, tokenizer), strict=True)
            ]

    def rows(self, store: TokenStore, tokenizer: Tokenizer, config: Config) -> PackedRows | AnswerRows:
        """Rows of model.seq_len tokens over the whole store."""
        spans = spans_of(store)
        if spans is not None:
            begins = config.tokens.begin_mark and BY_TEMPLATE not in store.names  # which says what it begins with
            begin = tokenizer.begin if begins else None
            rows = AnswerRows(store, spans, config.model.seq_len, tokenizer.mark, begin, config.tokens.pack)
            if BY_TEMPLATE in store.names:
                rows.notes.append("turns are laid out by the chat template of the tokenizer, as in chat")
            return rows
        return PackedRows(
            store,
            config.model.seq_len,
            tokenizer.mark,
            begin_mark=config.tokens.begin_mark,
            isolate=config.tokens.isolate,
            pack=config.tokens.pack,
            begin=tokenizer.begin,
        )

    def examples(self, store: TokenStore, tokenizer: Tokenizer, max_tokens: int | None = None) -> Iterator[DocumentIds]:
        """The documents of a store up to max_tokens in all; the last one is cut there."""
        spans = spans_of(store)
        if spans is not None:
            conversations = (
                answered(store.document(number), own, store.source(number), tokenizer)
                for number, own in enumerate(spans)
            )
            return first_tokens(conversations, max_tokens, tokenizer)
        return first_tokens(documents_of(store), max_tokens, tokenizer)

    def sampler(self, rows: PackedRows | AnswerRows, config: Config) -> Sampler:
        """Rows in train.order, train.batch at once."""
        train = config.train
        if train.batch is None or train.order is None:
            raise AssertionError("training.defaults decides batch and order first")
        return Sampler(len(rows), train.batch, train.accumulate, config.run.seed, train.order)

    def collate(self, rows: PackedRows | AnswerRows, indices: Sequence[int]) -> Batch:
        """Row numbers -> a batch; padding is in no document and no target."""
        ids, targets, segments = rows.batch(indices)
        n_targets = int((targets != IGNORED).sum())
        n_read = int((segments != PADDING).sum()) if isinstance(rows, AnswerRows) and segments is not None else None
        return Batch(ids, targets, segments, n_targets=n_targets, n_read=n_read, numbers=tuple(map(int, indices)))

    def loss(self, model: Any, batch: Batch, state: Any = None) -> tuple[LossSum, Any]:
        """Nats over the batch's targets, with the gradient of the smoothed loss and of what a teacher says; and the
        state after its last token."""
        if model.training and (self.label_smoothing or self.teacher is not None):
            hidden, state = model(batch.ids, batch.segments, state)
            lesson = None if self.teacher is None else self.teacher.lesson(batch)
            nats = model.head.nll(hidden, batch.targets, self.label_smoothing, lesson)
        else:
            nats, state = model.nll(batch.ids, batch.targets, batch.segments, state)
        return LossSum(nats.sum(), batch.n_targets), state

    def as_documents(self, examples: Iterable[DocumentIds]) -> list[DocumentIds]:
        """They are documents."""
        return list(examples)

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
    ) -> Judgement | None:
        """What it predicts is measured by its loss: there is nothing else to judge."""
        return None

    def measure(
        self,
        model: Any,
        examples: Iterable[DocumentIds],
        tokenizer: Tokenizer,
        config: Config,
        n_blocks: int | None = None,
    ) -> list[ExampleScore]:
        """Nats of each document, read apart; of one that is alone, in n_blocks contiguous blocks."""
        examples = list(examples)
        by_template = tokenizer.chat_template is not None and any(len(example) == 5 for example in examples)
        return score_documents(
            model,
            examples,
            mark=tokenizer.mark,
            begin_mark=config.tokens.begin_mark and not by_template,
            window=config.eval.window,
            stride=config.eval.stride,
            batch=config.eval.batch,
            sizes=TokenSizes.of(tokenizer),
            n_blocks=n_blocks,
            begin=tokenizer.begin,
        )

    def metrics(self, scores: Sequence[ExampleScore]) -> dict[str, float]:
        """loss perplexity bpb bpc and the counts behind them."""
        return metrics_of(scores)

    def predict(
        self, model: Any, tokenizer: Tokenizer, inputs: Sequence[str], config: Config, seed: int
    ) -> Iterator[str]:
        """What the model writes on from each input."""
        written = write(model, tokenizer, inputs, config.generate, seed=seed, begin_mark=config.tokens.begin_mark)
        yield from (result.text for result in written.finish())

    def opening(self, config: Config, prepared: Prepared) -> str:
        """What is said before the first answer of a held-out conversation; of other texts the opening of held-out text
        where documents are few; else nothing, if the mark is there to begin with."""
        store = prepared.valid or prepared.train
        if (spans := spans_of(store)) is not None:
            before = store.document(0)[: spans[0][0][0]].tolist()
            if BY_TEMPLATE not in store.names:
                return prepared.tokenizer.decode(before)
            return with_control_words(before, prepared.tokenizer)
        opening = prepared.tokenizer.decode(store.document(0)[:64].tolist())[:SAMPLE_PROMPT_CHARACTERS]
        if prepared.train.n_documents <= MANY_DOCUMENTS:
            return opening
        return "" if config.tokens.begin_mark else opening[:1]

    def samples(
        self, model: Any, tokenizer: Tokenizer, config: Config, opening: str, n: int, n_tokens: int
    ) -> list[str]:
        """n texts that begin with the opening."""
        settings = config.generate.model_copy(update={"max_new_tokens": n_tokens, "stop": ()})
        by_template = tokenizer.chat_template is not None and any(word in opening for word in tokenizer.control_words)
        written = write(
            model,
            tokenizer,
            [PromptIds(opening, tokenizer.encode_with_control(opening)) if by_template else opening],
            settings,
            seed=config.run.seed,
            n=n,
            begin_mark=config.tokens.begin_mark,
            notice=lambda text: None,  # that a sample outgrows the context is no news
        )
        return [opening + result.text for result in written.finish()]


def with_control_words(ids: Iterable[int], tokenizer: Tokenizer) -> str:
    """The text of ids, in which a control token is its word."""
    return "".join(
        tokenizer.decode(list(own)) if is_text else "".join(map(tokenizer.token_text, own))
        for is_text, own in itertools.groupby(ids, lambda token_id: bool(tokenizer.token_bytes(token_id)))
    )


def plain_documents(texts: Sequence[Document], tokenizer: Tokenizer) -> list[Plain]:
    """Documents as ids without marks, with their UTF-8 bytes, code points and source."""
    encoded = tokenizer.encode_arrays([document.text for document in texts])
    return [
        (ids, utf8_size(document.text), len(document.text), document.source)
        for document, ids in zip(texts, encoded, strict=True)
    ]


# --- conversations


def encode_conversations(documents: Iterable[Document], tokenizer: Tokenizer, folder: Path) -> TokenStore:
    """Conversations -> ids on disk, and beside each where its answers stand. Raises NoSpace, InputError for a text that
    is none."""
    name = ANSWERED if tokenizer.chat_template is None else BY_TEMPLATE
    with (
        StoreWriter(
            folder, tokenizer.vocab_size, fields=(name,), mark=tokenizer.mark, holds_marks=name == BY_TEMPLATE
        ) as writer,
        layout_of(tokenizer) as laid_out,
    ):
        for document in documents:
            refuse_mixed(document, ANSWERED not in document.meta)
            ids, spans = laid_out(document)
            text = document.text
            rows = [(ids, utf8_size(text), len(text), document.source)]
            writer.add_all(rows, {name: [[f"{start}:{stop}" for start, stop in spans]]})
        return writer.close()


@contextmanager
def layout_of(tokenizer: Tokenizer) -> Iterator[Callable[[Document], Laid]]:
    """What gives the ids of a conversation and [start, stop) of its answers among them: as the tokenizer's chat
    template lays it out, where it has one, else with labels."""
    if tokenizer.chat_template is None:
        yield lambda document: encoded_turns(document, tokenizer)
        return
    with ChatTurns(tokenizer) as turns:

        def laid_out(document: Document) -> Laid:
            messages = [{"role": role, "content": said} for role, said in document.meta[TURNS]]
            ids, spans = turns.answered(messages, document.source)
            return np.array(ids, dtype=np.int64), spans

        yield laid_out


def refuse_mixed(document: Document, is_other: bool) -> None:
    """Raises InputError for a conversation among texts, and for a text among conversations."""
    if is_other:
        raise InputError(
            "conversations and plain texts are mixed, and of one the answers alone are learned",
            where=document.source,
            hint="Train on the texts first, then on the conversations: --from RUN. Or --data.conversations false "
            "--data.text KEY.",
        )


def encoded_turns(document: Document, tokenizer: Tokenizer) -> tuple[NDArray[np.int64], list[tuple[int, int]]]:
    """The ids of a conversation, and [start, stop) of its answers among them and the mark behind them.

    It is cut before and behind each answer, as it is cut where a person is asked: no token stands on both sides.
    """
    text, bounds = document.text, [0]
    for start, stop in document.meta[ANSWERED]:
        bounds += [start, stop]
    bounds.append(len(text))
    texts = [text[start:stop] for start, stop in itertools.pairwise(bounds)]
    pieces = tokenizer.encode_arrays(texts)
    if not tokenizer.exact:  # one that puts a blank before each text puts none inside it
        pieces = [pieces[0], *(np.array(going_on(tokenizer.encode, one), dtype=np.int32) for one in texts[1:])]
    ends = np.cumsum([len(piece) for piece in pieces]).tolist()
    spans = [(ends[place - 1], ends[place]) for place in range(1, len(pieces), 2)]
    if document.meta[ANSWERED][-1][1] == len(text):
        spans[-1] = (spans[-1][0], ends[-1] + 1)  # the mark ends it
    return np.concatenate(pieces).astype(np.int64), spans


def spans_of(store: TokenStore) -> list[list[tuple[int, int]]] | None:
    """Of each document of a store, where its answers stand; None where documents are no conversations."""
    name = next((name for name in (ANSWERED, BY_TEMPLATE) if name in store.names), None)
    return None if name is None else [[_span(span) for span in spans] for spans in store.field(name)]


def _span(name: str) -> tuple[int, int]:
    start, _, stop = name.partition(":")
    return int(start), int(stop)


def answered(
    ids: NDArray[np.int64], spans: Sequence[tuple[int, int]], source: str, tokenizer: Tokenizer
) -> DocumentIds:
    """A conversation as it is measured: by its answers."""
    texts = [tokenizer.decode(ids[start:stop].tolist()) for start, stop in spans]
    n_bytes, n_chars = sum(map(utf8_size, texts)), sum(map(len, texts))
    return ids, n_bytes, n_chars, source, counted_in(len(ids), spans)
