"""A reader that was trained on documents, asked as `ask` asks it, beside what needs no training. Room: evaluation/.

Used by evaluation.answers for runs whose questions were made from their documents (data.make_questions), and by
training when it closes. Held-out passages are searched for the answer to each of their questions; and so are as many
passages of the training part that neither name what is asked about nor hold the answer: there to refuse is right. How
much the reader counts beside the evidence, and below what it refuses, is chosen on the validation part.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textmill.config import DataConfig
from textmill.metrics.answers import answer_score, best_threshold
from textmill.metrics.bootstrap import middle, resampled_sums
from textmill.runs import Prepared
from textmill.tasks.answer import Asked
from textmill.tasks.answering import Reader
from textmill.tasks.asking import Asker, Candidate, Known, Offer, blended, is_right
from textmill.text.evidence import HAN, Evidence
from textmill.text.evidence import THRESHOLD as THRESHOLD_OF_EVIDENCE
from textmill.text.passage_index import PassageIndex
from textmill.text.question_making import chinese_name, names_in
from textmill.text.search_terms import folded
from textmill.text.worlds.draws import draws

MOST_ASKED = 100
"""Questions of a part that are asked; of more, so many are drawn."""
WEIGHTS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6)
SHARES = {"asked_right": (1, 0), "asked_refused": (3, 2), "asked_em": (4, 6), "asked_f1": (5, 6)}
"""Metric -> its columns of Row, the one above over the one below."""

Row = tuple[float, ...]
"""Of a question: has an answer, and it stands in the sentence that is given; has none, and is refused; exact match and
F1 ("" where it is refused); 1."""


@dataclass(frozen=True)
class Put:
    """A question put to passages, and what is found for it. group: the passage that it was made from."""

    known: Known
    group: str
    candidates: tuple[Candidate, ...]

    def row(self, weight: float, threshold: float, convention: str) -> Row:
        """What comes of it where the reader counts so much and less is refused."""
        best = next(iter(blended(self.candidates, weight)), None)
        return scored(self.known, best if best is not None and best.score >= threshold else None, convention)


@dataclass(frozen=True)
class AskedOf:
    """What questions came to, with the reader and without. n_left_out: questions that were not drawn."""

    trained: tuple[Row, ...]
    untrained: tuple[Row, ...]
    groups: tuple[str, ...]
    n_left_out: int

    def metrics(self, rows: Sequence[Row]) -> dict[str, float]:
        """The shares of SHARES; one without questions is not there."""
        sums = np.array(rows, dtype=np.float64).sum(axis=0)
        return {name: float(sums[above] / sums[below]) for name, (above, below) in SHARES.items() if sums[below]}

    def intervals(self, rows: Sequence[Row], how_sure: tuple[int, float, int]) -> dict[str, tuple[float, float]]:
        """Of the same; the questions of a passage are drawn together. {} below two passages."""
        drawn = self._drawn(np.array(rows), how_sure)
        if drawn is None:
            return {}
        found = {name: middle(drawn[:, a], drawn[:, b], how_sure[1]) for name, (a, b) in SHARES.items()}
        return {name: ends for name, ends in found.items() if ends is not None}

    def difference(self, how_sure: tuple[int, float, int]) -> tuple[float, float] | None:
        """The interval of asked_f1 with the reader − without, the same passages drawn for both."""
        above = np.array(self.trained)[:, 5] - np.array(self.untrained)[:, 5]
        drawn = self._drawn(np.stack([above, np.ones(len(above))], axis=1), how_sure)
        return None if drawn is None else middle(drawn[:, 0], drawn[:, 1], how_sure[1])

    def _drawn(self, table: NDArray[np.float64], how_sure: tuple[int, float, int]) -> NDArray[np.float64] | None:
        numbers = np.unique(np.array(self.groups), return_inverse=True)[1]
        sums = np.zeros((int(numbers.max(initial=-1)) + 1, table.shape[1]))
        np.add.at(sums, numbers, table)
        return None if len(sums) < 2 else resampled_sums(sums, how_sure[0], how_sure[2])


def chosen_asking(reader: Reader, prepared: Prepared, convention: str, seed: int) -> Offer:
    """How much the reader counts beside the evidence, and below what is refused, so that F1 on the validation questions
    is highest; of equals, the less it counts. Without validation questions it does not count."""
    if prepared.valid is None:
        return Offer()
    asked = list(reader.task.examples(prepared.valid, reader.tokenizer))
    puts, _ = put(reader, asked, contexts_of(prepared, reader), seed)
    best, chosen = -1.0, Offer()
    for weight in WEIGHTS if puts else ():
        tops = [next(iter(blended(one.candidates, weight)), None) for one in puts]
        rows = [scored(one.known, top, convention) for one, top in zip(puts, tops, strict=True)]
        threshold = best_threshold(
            [row[5] for row in rows],
            [top is not None for top in tops],
            [bool(one.known.answers) for one in puts],
            [0.0 if top is None else -top.score for top in tops],
            least=-1.01,
        )
        if threshold.score > best + 1e-9:
            best, chosen = threshold.score, Offer(weight, round(min(-threshold.value, 1.0), 6))
    return chosen


def asked_of(
    reader: Reader, offer: Offer, asked: Sequence[Asked], others: Iterable[str], convention: str, seed: int
) -> AskedOf | None:
    """Questions asked with the reader as `offer` has it, and without any. others: passages of other documents. None
    where no question has an answer."""
    puts, n_left_out = put(reader, asked, others, seed)
    if not puts:
        return None
    return AskedOf(
        tuple(one.row(offer.weight, offer.threshold, convention) for one in puts),
        tuple(one.row(0.0, THRESHOLD_OF_EVIDENCE, convention) for one in puts),
        tuple(one.group for one in puts),
        n_left_out,
    )


def contexts_of(prepared: Prepared, reader: Reader) -> list[str]:
    """The training passages, each once."""
    store = prepared.train
    texts = (reader.tokenizer.decode(store.document(number).tolist()) for number in range(store.n_documents))
    return list(dict.fromkeys(texts))


def put(reader: Reader, asked: Sequence[Asked], others: Iterable[str], seed: int) -> tuple[list[Put], int]:
    """The questions with an answer, each put to the passages of all, and to as many others where none of these names
    what it is about or holds its answer; and how many questions were not drawn."""
    with_answer = [one for one in asked if one.answers]
    random = draws("asked", seed)
    drawn = random.some(with_answer, min(MOST_ASKED, len(with_answer)))
    here = list(dict.fromkeys(one.context for one in asked))
    rest = [text for text in dict.fromkeys(others) if text not in set(here)]
    there = random.some(rest, min(len(here), len(rest)))
    found: list[Put] = []
    with indexed(here) as index:
        if index is not None:
            asker = Asker(index, reader)
            for one in drawn:
                known = Known(one.question, tuple(text for _, text in one.answers), "", one.place)
                found.append(Put(known, one.context, tuple(asker.candidates(one.question))))
    unread = [folded(text) for text in there]
    with indexed(there) as index:
        if index is not None:
            asker = Asker(index, reader)
            for one in drawn:
                strangers = [*about(one.question), *(text for _, text in one.answers)]
                if len(strangers) > len(one.answers) and not any(
                    folded(name) in text for name in strangers for text in unread
                ):
                    known = Known(one.question, (), "", one.place)
                    found.append(Put(known, one.context, tuple(asker.candidates(one.question))))
    return found, len(with_answer) - len(drawn)


def about(question: str) -> list[str]:
    """The names in a question."""
    if HAN.search(question):
        return [name for name in [chinese_name(question)] if name]
    return names_in(question)


def scored(known: Known, given: Evidence | None, convention: str) -> Row:
    """A row of what is given; None: nothing is."""
    has = bool(known.answers)
    score = answer_score("" if given is None else given.answer, known.answers, convention)
    right = has and given is not None and is_right(known, given.sentence, given.passage.source)
    return float(has), float(right), float(not has), float(not has and given is None), score.em, score.f1, 1.0


@contextmanager
def indexed(texts: Sequence[str]) -> Iterator[PassageIndex | None]:
    """An index of texts, a passage or more each, that is gone afterwards; None of no text."""
    if not texts:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="textmill-") as folder:
        file = Path(folder) / "texts.jsonl"
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
        data = DataConfig(paths=(str(file),), text=("text",), clean=("none",))
        yield PassageIndex.open(data.paths, data, Path(folder) / "index")
