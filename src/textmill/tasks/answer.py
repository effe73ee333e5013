"""Answering: which stretch of a passage answers a question, or that none does. Room: tasks/.

A store holds the passages, each as often as something is asked about it, and beside each its question, its answers and
the name of the question. A row is mark, question, mark, passage; a passage that does not fit is read in windows that
overlap, each with the whole question before it. A window's loss is −ln P(begin) − ln P(end); one without the answer is
to say that there is none. Places are code points of the passage, and what is given is cut out of it.
Shapes: B questions, W windows of them, T places of a row, C tokens of a passage, F facts (models/matches.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textmill.config import Config
from textmill.errors import ConfigError, InputError, NothingScored
from textmill.generation.beam import padded
from textmill.generation.engine import device_of, reading
from textmill.generation.scoring import character_places
from textmill.messages import plural_message
from textmill.metrics.answers import CHARACTERS, answer_score
from textmill.metrics.language import ExampleScore
from textmill.metrics.loss import LossSum
from textmill.models.matches import CONTEXT, FIRST_MATCH, N_FACTS, NO_ANSWER, QUESTION, matches
from textmill.models.network import Heads
from textmill.tasks.length_batches import LengthSampler, sampler_by_length
from textmill.tasks.measuring import DocumentIds
from textmill.tasks.own_texts import OwnTexts, field_of_texts, kept_texts, text_of
from textmill.tasks.task import Batch
from textmill.text import Document
from textmill.text import documents as passages
from textmill.text.columns import utf8_size
from textmill.tokens import StoreWriter, Tokenizer, TokenStore

if TYPE_CHECKING:
    from textmill.runs import Prepared

HEAD = "span"
FIELDS = (passages.QUESTION, passages.ANSWERS, passages.QUESTION_ID)
ENCODE_TOGETHER = 1024  # passages handed to the tokenizer at once
LONGEST_SHARE = 0.99
"""Of the training answers that are no longer than the longest that is given."""
N_SAMPLES = 3
LONG_SAMPLE = 200  # characters of a passage that are shown
TRIED = 20
"""Begins and ends of a window, likeliest first, that are put together."""

WORD = re.compile(rf"[{CHARACTERS}]|[^\W{CHARACTERS}]+|[^\w\s]")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SpanAnswer:
    """A stretch of a passage, start and end in its code points; text "" = there is no answer in it.

    score: nats by which it is likelier than that there is none; of "", what a stretch must reach.
    """

    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Asked:
    """A question about a passage, as ids without marks. answers: (start, text) in code points, () = there is none.
    place: "file:line" of the passage. between, after: ids that a row has before the passage and behind it."""

    question: str
    context: str
    question_ids: tuple[int, ...]
    ids: tuple[int, ...]
    answers: tuple[tuple[int, str], ...]
    name: str
    place: str
    n_bytes: int
    between: tuple[int, ...]
    after: tuple[int, ...] = ()

    @property
    def n_chars(self) -> int:
        return len(self.context)

    @property
    def n_before(self) -> int:
        """Places of a row before its passage."""
        return 1 + len(self.question_ids) + len(self.between)


@dataclass(frozen=True)
class AnswerScore(ExampleScore):
    """What the windows of a question cost, n_tokens of them; and the answers of its passage that are likeliest, best
    first, "" not among them."""

    found: tuple[SpanAnswer, ...] = ()


@dataclass(frozen=True)
class Window:
    """Tokens first to last (excluded) of the passage of question `number`."""

    number: int
    first: int
    last: int


class AskedRows:
    """The questions of a store, for training."""

    def __init__(self, task: Answer, store: TokenStore, tokenizer: Tokenizer):
        self.task, self.store, self.tokenizer = task, store, tokenizer
        self.questions, self.answers, self.names = (store.field(name) for name in FIELDS)
        self.seq_len = task.seq_len
        n_of_questions = [len(ids) for ids in tokenizer.encode_arrays([question for (question,) in self.questions])]
        n_around = 1 + len(tokenizer.between) + len(tokenizer.after)
        self.own = OwnTexts(store)
        n_of_passages = (np.diff(store.starts) - 1).tolist()
        self.sizes: list[int] = []
        n_lost = 0
        for number, (n_before, n) in enumerate(zip(n_of_questions, n_of_passages, strict=True)):
            windows = task.windows(n_before, n, number, store.source(number), n_around)
            self.sizes.append(sum(n_before + n_around + window.last - window.first for window in windows))
            if len(windows) > 1 and self.answers[number]:
                one = self.one(number)
                places = TokenPlaces.of(one, tokenizer)
                n_lost += not any(places.targets(one.answers, window) for window in windows)
        self.notes: list[str] = []
        if n_lost:
            self.notes.append(
                plural_message(
                    "%(n)s answer is longer than what two windows of its passage have in common and stands whole in "
                    "none: it is not learned. A longer row (--model.seq_len) holds more.",
                    "%(n)s answers are longer than what two windows of their passage have in common and stand whole in "
                    "none: they are not learned. A longer row (--model.seq_len) holds more.",
                    n_lost,
                )
            )

    def __len__(self) -> int:
        """Rows of seq_len places that the windows fill."""
        return max(1, -(-sum(self.sizes) // self.seq_len))

    def one(self, number: int) -> Asked:
        return stored(self.store, number, self.tokenizer, self.questions, self.answers, self.names, self.own)


class Answer:
    """P(begin, end | question, passage), and that there is none.

    stride: tokens from one window to the next; None = half a window, less where answers are long.
    longest: code points of the longest answer; None = as the training answers have it.
    """

    form = "encoder"
    teacher = None
    best_by = "loss"

    def __init__(self, seq_len: int, stride: int | None = None, longest: int | None = None, best_by: str = "loss"):
        self.seq_len, self.stride, self.longest, self.best_by = seq_len, stride, longest, best_by

    @classmethod
    def of(cls, config: Config) -> Self:
        """As [train] and [task] say. Raises ConfigError for what answers have not."""
        if config.train.best_by not in ("loss", "f1"):
            raise ConfigError(
                f"train.best_by is {config.train.best_by}, which answers have not",
                hint="Say loss or f1, or another --task.",
            )
        if not config.tokens.begin_mark:
            raise ConfigError(
                "tokens.begin_mark is false, and the mark before a question is what says that there is no answer",
                hint="Leave it out.",
            )
        if config.train.label_smoothing:
            raise ConfigError("train.label_smoothing is not for answers", hint="Leave it out.")
        task = config.task
        return cls(config.model.seq_len, task.window_stride, task.longest_answer, config.train.best_by)

    def heads_of(self, store: TokenStore) -> Heads:
        """A head that gives answers as long as those of the training questions."""
        lengths = sorted(len(text) for own in store.field(passages.ANSWERS) for _, text in map(parsed, own))
        most = lengths[math.ceil(LONGEST_SHARE * len(lengths)) - 1] if lengths else 1
        return {HEAD: {"longest": self.longest or most}}

    def refuse(self, parts: dict[str, TokenStore]) -> None:
        """Raises InputError where nothing is asked or nothing answered in training."""
        for name, store in parts.items():
            if not store.n_documents:
                raise InputError(f"the {name} part holds no question")
        if not any(parts["train"].field(passages.ANSWERS)):
            raise InputError(
                "no question to train on has an answer: there is nothing to learn but silence",
                hint="Give questions with answers, or name the column: --data.answer NAME",
            )

    # --- passages -> ids -> batches

    def documents(self, texts: Sequence[Document], tokenizer: Tokenizer) -> list[Asked]:
        """Passages with questions as ids."""
        encoded = tokenizer.encode_arrays([document.text for document in texts])
        questions = tokenizer.encode_arrays([document.meta[passages.QUESTION] for document in texts])
        return [
            Asked(
                document.meta[passages.QUESTION],
                document.text,
                tuple(question.tolist()),
                tuple(ids.tolist()),
                tuple(document.meta[passages.ANSWERS]),
                document.meta.get(passages.QUESTION_ID, ""),
                document.source,
                utf8_size(document.text),
                tokenizer.between,
                tokenizer.after,
            )
            for document, ids, question in zip(texts, encoded, questions, strict=True)
        ]

    def encode(self, documents: Iterable[Document], tokenizer: Tokenizer, folder: Path) -> TokenStore:
        """Passages -> ids on disk, what is asked about them beside them. Raises NoSpace."""
        fields = (*FIELDS, *field_of_texts(tokenizer))
        with StoreWriter(folder, tokenizer.vocab_size, fields=fields, mark=tokenizer.mark) as writer:
            documents = iter(documents)
            while some := list(islice(documents, ENCODE_TOGETHER)):
                own = self.documents(some, tokenizer)
                said: dict[str, list[tuple[str, ...]]] = {}
                if not tokenizer.exact:
                    said = kept_texts((one.context, one.ids, tokenizer) for one in own)
                writer.add_all(
                    [(one.ids, one.n_bytes, one.n_chars, one.place) for one in own],
                    said
                    | {
                        passages.QUESTION: [(one.question,) for one in own],
                        passages.ANSWERS: [tuple(f"{start}:{text}" for start, text in one.answers) for one in own],
                        passages.QUESTION_ID: [(one.name,) for one in own],
                    },
                )
            return writer.close()

    def written(self, store: TokenStore) -> range:
        """All: the passages that are read."""
        return range(store.n_documents)

    def examples(self, store: TokenStore, tokenizer: Tokenizer, max_tokens: int | None = None) -> Iterator[Asked]:
        """The questions of a store, up to max_tokens of passages in all, the first one in any case."""
        questions, answers, names = (store.field(name) for name in FIELDS)
        n_tokens, own = 0, OwnTexts(store)
        for number in range(store.n_documents):
            one = stored(store, number, tokenizer, questions, answers, names, own)
            n_tokens += len(one.ids) + 1
            if number and max_tokens is not None and n_tokens > max_tokens:
                return
            yield one

    def rows(self, store: TokenStore, tokenizer: Tokenizer, config: Config) -> AskedRows:
        """Every question of the store. Raises InputError for a question that leaves no room for its passage."""
        return AskedRows(self, store, tokenizer)

    def sampler(self, rows: AskedRows, config: Config) -> LengthSampler:
        """Batches of at most train.batch × model.seq_len places; a passage that is longer is a batch of its own. Raises
        ConfigError for another order than shuffle."""
        return sampler_by_length(rows, config, "a question", "questions", alone=True)

    def collate(self, rows: AskedRows, indices: Sequence[int]) -> Batch:
        """Questions by number -> a batch."""
        return self.batch([rows.one(number) for number in indices], rows.tokenizer)

    def batch(self, asked: Sequence[Asked], tokenizer: Tokenizer, device: torch.device | str = "cpu") -> Batch:
        """ids, segments (W, T), facts (W, T, F), owners (W,); targets (W, T, 2): True where the answer may begin and
        where it may end, at the first place where the window has none."""
        windows = [window for number, one in enumerate(asked) for window in self.windows_of(one, number)]
        places = [TokenPlaces.of(one, tokenizer) for one in asked]
        told = [in_common(one, tokenizer) for one in asked]
        begin = tokenizer.mark if tokenizer.begin is None else tokenizer.begin
        rows = [
            (begin, *one.question_ids, *one.between, *one.ids[window.first : window.last], *one.after)
            for window in windows
            for one in (asked[window.number],)
        ]
        ids, segments = padded(rows, device)
        facts, targets = np.zeros((*ids.shape, N_FACTS), dtype=np.float32), np.zeros((*ids.shape, 2), dtype=bool)
        for row, window in enumerate(windows):
            one = asked[window.number]
            start = one.n_before
            end, last_asked = start + window.last - window.first, 1 + len(one.question_ids)
            facts[row, 0, NO_ANSWER] = facts[row, 1:last_asked, QUESTION] = facts[row, start:end, CONTEXT] = 1.0
            of_question, of_passage = told[window.number]
            facts[row, 1:last_asked, FIRST_MATCH:] = of_question
            facts[row, start:end, FIRST_MATCH:] = of_passage[window.first : window.last]
            found = places[window.number].targets(one.answers, window)
            for first, last in found:
                targets[row, start + first - window.first, 0] = targets[row, start + last - window.first, 1] = True
            if not found:
                targets[row, 0] = True
        return Batch(
            ids,
            torch.from_numpy(targets).to(device),
            segments,
            len(windows),
            owners=torch.tensor([window.number for window in windows], device=device),
            n_read=sum(map(len, rows)),
            facts=torch.from_numpy(facts).to(device),
        )

    def windows_of(self, one: Asked, number: int) -> list[Window]:
        """The windows of the passage of a question; see windows."""
        n_around = 1 + len(one.between) + len(one.after)
        return self.windows(len(one.question_ids), len(one.ids), number, one.place, n_around)

    def windows(self, n_asked: int, n: int, number: int, place: str, n_around: int = 2) -> list[Window]:
        """The windows of a passage of n tokens, of which n_asked tokens ask: the last one ends with it. n_around: marks
        of a row. Raises InputError where nothing is asked, where the passage is empty, and where the question leaves no
        room for it."""
        for length, what in ((n_asked, "question"), (n, "passage")):
            if not length:
                raise InputError(f"the {what} is empty", where=place, hint="Leave it out.")
        width = self.seq_len - n_asked - n_around
        if width < 1:
            raise InputError(
                f"a question of {n_asked:,} tokens leaves no room for its passage in a row of {self.seq_len:,}",
                where=place,
                hint=f"Say --model.seq_len {4 * n_asked}, or shorten the question.",
            )
        if n <= width:
            return [Window(number, 0, n)]
        stride = min(self.stride or max(1, min(width // 2, width - (self.longest or 0))), width)
        n_steps = -(-(n - width) // stride)  # of about the same length
        firsts = [step * (n - width) // n_steps for step in range(n_steps + 1)]
        return [Window(number, first, first + width) for first in firsts]

    # --- loss and numbers

    def log_probs(self, model: Any, batch: Batch) -> Tensor:
        """(W, T, 2) ln P of each place of a window as begin and as end, at least in float32."""
        scores: Tensor = model.heads[HEAD](model(batch.ids, batch.segments, facts=batch.facts), batch.facts)
        return scores.log_softmax(dim=1)

    def loss(self, model: Any, batch: Batch, state: Any = None) -> tuple[LossSum, Any]:
        """Nats over the batch's windows; there is no state."""
        return LossSum(nats_of(self.log_probs(model, batch), batch.targets).sum(), batch.n_targets), None

    def measure(
        self,
        model: Any,
        examples: Iterable[Asked],
        tokenizer: Tokenizer,
        config: Config,
        n_blocks: int | None = None,
    ) -> list[AnswerScore]:
        """What the windows of each question cost, and its likeliest answer, in order."""
        asked = list(examples)
        found = self.found(model, asked, tokenizer, config.eval.batch)
        return [
            AnswerScore(one.place, nats, n_windows, one.n_bytes, one.n_chars, tuple(answers))
            for one, (nats, n_windows, answers) in zip(asked, found, strict=True)
        ]

    def found(
        self, model: Any, asked: Sequence[Asked], tokenizer: Tokenizer, at_once: int = 32, n_best: int = 1
    ) -> list[tuple[float, int, list[SpanAnswer]]]:
        """Of each question, in order: the nats of its windows, their number, and its n_best answers, best first.
        at_once: windows read together; the numbers do not depend on it."""
        told: list[tuple[float, int, list[SpanAnswer]]] = [(0.0, 0, [])] * len(asked)
        with reading(model):
            for numbers in self.together(asked, at_once):
                some = [asked[number] for number in numbers]
                batch = self.batch(some, tokenizer, device_of(model))
                log_probs = self.log_probs(model, batch).double()
                nats = nats_of(log_probs, batch.targets).cpu().numpy()
                scores = log_probs.cpu().numpy()
                row = 0
                for number, one in zip(numbers, some, strict=True):
                    windows = self.windows_of(one, number)
                    rows = slice(row, row + len(windows))
                    places = TokenPlaces.of(one, tokenizer)
                    answers = self.best_of(model, one, places, windows, scores[rows], n_best)
                    told[number] = float(nats[rows].sum()), len(windows), answers
                    row += len(windows)
        return told

    def together(self, asked: Sequence[Asked], at_once: int) -> Iterator[list[int]]:
        """Numbers of questions of like length whose windows are at most at_once together, one question in any case."""
        held: list[int] = []
        n_held = 0
        for number in sorted(range(len(asked)), key=lambda number: len(asked[number].ids)):
            n_windows = len(self.windows_of(asked[number], number))
            if held and n_held + n_windows > at_once:
                yield held
                held, n_held = [], 0
            held.append(number)
            n_held += n_windows
        if held:
            yield held

    def best_of(
        self,
        model: Any,
        one: Asked,
        places: TokenPlaces,
        windows: Sequence[Window],
        log_probs: Floats,
        n_best: int,
    ) -> list[SpanAnswer]:
        """The n_best stretches of a passage over all of its windows, each once, at its best. log_probs (windows, T, 2).

        A stretch begins before it ends, is no longer than the head's longest, and is more than blanks: those around it
        are left out.
        """
        best: dict[tuple[int, int], float] = {}
        longest, begin, tried = self.longest or model.heads[HEAD].longest, one.n_before, max(TRIED, n_best)
        for window, own in zip(windows, log_probs, strict=True):
            against = own[0].sum()
            inside = own[begin : begin + window.last - window.first]
            starts, ends = places.starts[window.first : window.last], places.ends[window.first : window.last]
            for first, last in pairs_of(inside, starts, ends, longest, tried):
                span = without_blanks(one.context, int(starts[first]), int(ends[last]))
                score = float(inside[first, 0] + inside[last, 1] - against)
                if span[0] < span[1] and score > best.get(span, -math.inf):
                    best[span] = score
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:n_best]
        return [SpanAnswer(one.context[start:end], start, end, score) for (start, end), score in ranked]

    def metrics(self, scores: Sequence[AnswerScore]) -> dict[str, float]:
        """loss (nats a window) and n_questions. Raises NothingScored without a question."""
        if not scores:
            raise NothingScored("no question was scored: there is none")
        loss = LossSum(math.fsum(score.nats for score in scores), sum(score.n_tokens for score in scores))
        return {"loss": loss.mean, "n_questions": len(scores)}

    def as_documents(self, examples: Iterable[Asked]) -> list[DocumentIds]:
        """The passages."""
        return [(one.ids, one.n_bytes, one.n_chars, one.place) for one in examples]

    def output_scores(
        self, model: Any, tokenizer: Tokenizer, examples: Iterable[Asked], config: Config
    ) -> dict[str, float]:
        """f1 of the likeliest answers, where the best is chosen by it; of a question without an answer nothing, as when
        to give none is chosen at the end. Else {}."""
        if self.best_by == "loss":
            return {}
        asked = [one for one in examples if one.answers]
        found = self.measure(model, asked, tokenizer, config)
        if not found:
            raise NothingScored(
                "no validation question has an answer, so there is no F1", hint="Say --train.best_by loss."
            )
        scores = [
            answer_score(
                score.found[0].text if score.found else "", [text for _, text in one.answers], config.eval.convention
            )
            for one, score in zip(asked, found, strict=True)
        ]
        return {"f1": sum(score.f1 for score in scores) / len(scores)}

    def judge(
        self,
        model: Any,
        tokenizer: Tokenizer,
        examples: Sequence[Asked],
        config: Config,
        training: TokenStore | None = None,
    ) -> None:
        """evaluation.answers does, which knows when no answer is given."""

    # --- predictions

    def asked(self, question: str, contexts: Sequence[str], tokenizer: Tokenizer) -> list[Asked]:
        """A question about each of several passages."""
        meta = {passages.QUESTION: question, passages.ANSWERS: (), passages.QUESTION_ID: ""}
        return self.documents(
            [Document(context, f"passage {n + 1}", meta) for n, context in enumerate(contexts)], tokenizer
        )

    def predict(
        self, model: Any, tokenizer: Tokenizer, inputs: Sequence[str], config: Config, seed: int
    ) -> Iterator[str]:
        """The likeliest answer to each input: a question, a tab, and what it is asked about."""
        asked = [
            self.asked(question, [context], tokenizer)[0] for question, context in map(question_and_passage, inputs)
        ]
        yield from (own[0].text if own else "" for _, _, own in self.found(model, asked, tokenizer, config.eval.batch))

    def opening(self, config: Config, prepared: Prepared) -> str:
        """A few held-out questions and their passages, a line each."""
        store = prepared.valid or prepared.train
        some = self.examples(store, prepared.tokenizer)
        return "\n".join(
            "\t".join(" ".join(text.split()) for text in (one.question, one.context)) for one in islice(some, N_SAMPLES)
        )

    def samples(
        self, model: Any, tokenizer: Tokenizer, config: Config, opening: str, n: int, n_tokens: int
    ) -> list[str]:
        """The first n lines of the opening, each with its likeliest answer."""
        lines = opening.split("\n")[:n]
        answers = self.predict(model, tokenizer, lines, config, seed=0)
        told = []
        for line, answer in zip(lines, answers, strict=True):
            question, context = question_and_passage(line)
            shown = context if len(context) <= LONG_SAMPLE else context[:LONG_SAMPLE] + "…"
            told.append(f"{shown}\n{question}\n→ {answer or '–'}")
        return told


@dataclass(frozen=True)
class TokenPlaces:
    """Where each token of a passage stands, (C,) and (C,): from its first code point to after its last. Tokens that
    divide a code point stand where it does."""

    starts: Ints
    ends: Ints

    @classmethod
    def of(cls, one: Asked, tokenizer: Tokenizer) -> TokenPlaces:
        """Of the passage of a question."""
        return cls.within(one.context, one.ids, tokenizer)

    @classmethod
    def within(cls, text: str, ids: Sequence[int], tokenizer: Tokenizer) -> TokenPlaces:
        """Of a text, and what the tokenizer made of it."""
        if not tokenizer.exact:
            found = np.array(character_places(text, tokenizer.offsets(text)), dtype=np.int64)
            return cls(*found.reshape(-1, 2).T)
        ends = tokenizer.ends_of(ids)
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        if text.isascii():
            return cls(starts, ends)
        data = np.frombuffer(text.encode(), dtype=np.uint8)
        character = np.cumsum((data & 0xC0) != 0x80) - 1
        return cls(character[starts], code_point_ends(text, ends))

    def targets(self, answers: Sequence[tuple[int, str]], window: Window) -> list[tuple[int, int]]:
        """First and last token of each answer that stands whole in a window; where a token holds more than the answer,
        all of it is taken."""
        found = []
        for start, text in answers:
            first = int(np.searchsorted(self.ends, start, side="right"))
            last = int(np.searchsorted(self.starts, start + len(text), side="left")) - 1
            if window.first <= first and last < window.last:
                found.append((first, last))
        return found


def in_common(one: Asked, tokenizer: Tokenizer) -> tuple[Floats, Floats]:
    """What each token of a question has in common with its passage, (Q, F - 3), and each of the passage with the
    question, (C, F - 3). It is words that are compared, Chinese ones character by character, and a token is told what
    its word is: a name that the tokenizer cuts into letters is the same as a whole, or is not."""
    known: dict[str, int] = {}
    question, of_question = words_of(one.question, one.question_ids, tokenizer, known)
    passage, of_passage = words_of(one.context, one.ids, tokenizer, known)
    sides = []
    for own, other, place in ((question, passage, of_question), (passage, question, of_passage)):
        facts = matches(other, own)
        sides.append(np.concatenate([facts, np.zeros((1, facts.shape[1]), dtype=np.float32)])[place])
    return sides[0], sides[1]


def words_of(text: str, ids: Sequence[int], tokenizer: Tokenizer, known: dict[str, int]) -> tuple[Ints, Ints]:
    """The words of a text as numbers, equal for words that differ in case alone, and of each token the place of the
    word that it ends in, -1 for none. known: the numbers so far; new words are added."""
    found = list(WORD.finditer(text))
    numbers = np.array([known.setdefault(word[0].casefold(), len(known)) for word in found], dtype=np.int64)
    ends = TokenPlaces.within(text, ids, tokenizer).ends
    starts, stops = (np.array([end(word) for word in found], dtype=np.int64) for end in (re.Match.start, re.Match.end))
    place = np.searchsorted(starts, ends - 1, side="right") - 1
    inside = (place >= 0) & (ends - 1 < np.append(stops, 0)[place])
    return numbers, np.where(inside, place, -1)


def code_point_ends(text: str, ends: Ints) -> Ints:
    """UTF-8 ends of tokens -> ends in code points, after the code point that each divides or ends."""
    data = np.frombuffer(text.encode(), dtype=np.uint8)
    if len(data) == len(text):
        return ends
    character: Ints = np.cumsum((data & 0xC0) != 0x80) - 1  # of each byte: 10xxxxxx goes on
    return character[ends - 1] + 1


def pairs_of(scores: Floats, starts: Ints, ends: Ints, longest: int, most: int) -> list[tuple[int, int]]:
    """(first, last) tokens of the stretches of at most `longest` code points whose scores (C, 2) are highest in sum,
    `most` of them, highest first, the earlier first where two are equal. starts, ends (C,): code points of the tokens.
    """
    places = np.arange(len(scores))
    too_far = np.searchsorted(ends, starts + longest, side="right")  # (C,) the first token that makes it too long
    reach = int((too_far - places).max(initial=0))
    if reach < 1:
        return []
    lasts = places[:, None] + np.arange(reach)  # (C, reach)
    sums = scores[:, :1] + scores[np.minimum(lasts, len(scores) - 1), 1]
    sums = np.where(lasts < too_far[:, None], sums, -np.inf).ravel()
    some = np.sort(np.argpartition(-sums, most)[:most]) if most < len(sums) else np.arange(len(sums))
    some = some[np.argsort(-sums[some], kind="stable")]
    return [(int(place // reach), int(lasts.ravel()[place])) for place in some if sums[place] > -np.inf]


def without_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch without blanks at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def nats_of(log_probs: Tensor, targets: Tensor) -> Tensor:
    """(W,) −ln P(begin) − ln P(end), of several answers that it is one of them. log_probs, targets (W, T, 2)."""
    return -log_probs.masked_fill(~targets, -math.inf).logsumexp(dim=1).sum(dim=1)


def parsed(answer: str) -> tuple[int, str]:
    """(start, text) as a store keeps it."""
    start, _, text = answer.partition(":")
    return int(start), text


def stored(
    store: TokenStore,
    number: int,
    tokenizer: Tokenizer,
    questions: Sequence[tuple[str, ...]],
    answers: Sequence[tuple[str, ...]],
    names: Sequence[tuple[str, ...]],
    own: OwnTexts,
) -> Asked:
    """Question `number` of a store. questions, answers, names, own: its fields."""
    ids, question = store.document(number).tolist(), questions[number][0]
    return Asked(
        question,
        text_of(ids, own.kept(number), tokenizer),
        tuple(tokenizer.encode(question)),
        tuple(ids),
        tuple(parsed(answer) for answer in answers[number]),
        names[number][0],
        store.source(number),
        store.document_bytes(number),
        tokenizer.between,
        tokenizer.after,
    )


def question_and_passage(line: str) -> tuple[str, str]:
    """Raises InputError where there is no tab between them."""
    question, tab, context = line.partition("\t")
    if not tab:
        raise InputError("a question and what it is asked about stand in a line, with a tab between them", where=line)
    return question, context
