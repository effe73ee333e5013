"""Questions of documents answered in several ways, from the cheapest up: which is enough? Room: evaluation/.

Called by `ask --questions FILE --ladder`, which has all that the ways need: documents, questions with known answers,
runs. All ways answer the same questions, and what they get is compared with the same questions drawn. Time is that of
the processor, so that others who use the machine count for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textmill.generation.by_run import generate
from textmill.messages import Message, message, record_of
from textmill.metrics.answers import answer_score
from textmill.metrics.bootstrap import middle, resampled_sums
from textmill.results import Ladder, Rung
from textmill.runs import Run
from textmill.tasks.answering import reader_of
from textmill.tasks.asking import Asker, Known, Offer, by_overlap, is_right
from textmill.text.passage_index import PassageIndex
from textmill.text.search_terms import folded

CLOSED, OVERLAP, EVIDENCE, SCRATCH, PRETRAINED, TOGETHER = (
    "closed", "overlap", "evidence", "scratch", "pretrained", "together"
)  # fmt: skip
LONGEST_WRITTEN = 40
"""Tokens that closed-book generation writes at most; its answer is the first line."""
TRAINED_WEIGHT = 0.4
"""How much a reader counts beside the evidence whose run has not chosen it."""
RESAMPLES, CONFIDENCE, SEED = 1000, 0.95, 0
SHARES = {"right": (1, 0), "refused": (3, 2), "em": (4, 6), "f1": (5, 6)}

Answered = tuple[str, str, str | None]
"""Answer ("": none is given), the text it stands in, and its file (None: it comes from no file)."""


@dataclass(frozen=True)
class Way:
    """One way to answer. needs: the flag that it was not given; size_bytes: what must be kept for it."""

    name: str
    answer: Callable[[str], Answered] | None
    run: Run | None = None
    needs: str = ""
    size_bytes: int = 0


def ladder(
    index: PassageIndex,
    questions: Sequence[Known],
    data: str,
    docs: Sequence[str],
    run: Run | None = None,
    closed: Run | None = None,
    pretrained: Run | None = None,
) -> Ladder:
    """Each way that there is, on the same questions; those that need a run that is not given, with what gives it.

    run: a reader from scratch. closed: a language model. pretrained: a reader that began with the weights of another
    run. Raises RunError for a run that is not of the kind.
    """
    ways = ways_of(index, docs, run, closed, pretrained)
    tables: dict[str, np.ndarray[Any, Any]] = {}
    seconds: dict[str, float] = {}
    for way in ways:
        if way.answer is None:
            continue
        begun = time.process_time()
        given = [way.answer(known.question) for known in questions]
        seconds[way.name] = (time.process_time() - begun) / len(questions)
        tables[way.name] = np.array([row_of(one, *said) for one, said in zip(questions, given, strict=True)])
    best = max(tables, key=lambda name: tables[name][:, 5].sum())
    rungs = [rung_of(way, tables.get(way.name), tables[best], seconds.get(way.name)) for way in ways]
    enough = [rung for rung in rungs if rung.ran and (rung.f1_minus_best is None or rung.f1_minus_best[1] >= 0)]
    recommended = min(enough, key=lambda rung: (rung.seconds_a_question or 0.0, rung.size_bytes))
    verdict = verdict_of(recommended.name, best, rungs)
    return Ladder(
        data=data,
        n_files=index.n_files,
        n_questions=len(questions),
        n_with_answer=sum(bool(one.answers) for one in questions),
        n_without_answer=sum(not one.answers for one in questions),
        rungs=rungs,
        recommended=recommended.name,
        verdict=verdict,
        messages=record_of([verdict, *(rung.title for rung in rungs)]),
    )


TITLES: dict[str, Message] = {
    CLOSED: message("closed book: a language model writes the answer"),
    OVERLAP: message("the sentence of the best passage with most words of the question"),
    EVIDENCE: message("search and evidence, without training"),
    SCRATCH: message("a reader trained from scratch, on what the search finds"),
    PRETRAINED: message("a reader that began pretrained, on what the search finds"),
    TOGETHER: message("search, evidence and reader together"),
}


COMMANDS = {
    CLOSED: "textmill train DOCS --name lm, then --closed lm",
    SCRATCH: "textmill train DOCS --task answer --name reader, then --run reader",
    PRETRAINED: "textmill train DOCS --task mask --name words, textmill train DOCS --task answer --from words "
    "--name more, then --pretrained more",
    TOGETHER: "textmill train DOCS --task answer --name reader, then --run reader",
}
"""What gives the run that a way needs."""


def ways_of(
    index: PassageIndex, docs: Sequence[str], run: Run | None, closed: Run | None, pretrained: Run | None
) -> list[Way]:
    """All ways, the simplest first."""
    n_index = size_of(index.folder)

    def reads(reader: Run, weight: float | None, threshold: float | None) -> Callable[[str], Answered]:
        return by(Asker(index, reader_of(reader), threshold, weight))

    ways = [
        Way(CLOSED, writes(closed), closed, size_bytes=weights_of(closed))
        if closed is not None
        else Way(CLOSED, None, needs="--closed"),
        Way(OVERLAP, lambda question: overlap(index, question), size_bytes=n_index),
        Way(EVIDENCE, by(Asker(index)), size_bytes=n_index),
    ]
    for name, reader, flag in ((SCRATCH, run, "--run"), (PRETRAINED, pretrained, "--pretrained")):
        if reader is None:
            ways.append(Way(name, None, needs=flag))
        else:
            ways.append(Way(name, reads(reader, None, None), reader, size_bytes=n_index + weights_of(reader)))
    reader = pretrained or run
    if reader is None:
        return [*ways, Way(TOGETHER, None, needs="--run")]
    offer = Offer.of(reader)
    weight = (offer.weight if offer else 0.0) or TRAINED_WEIGHT
    together = reads(reader, weight, offer.threshold if offer else None)
    return [*ways, Way(TOGETHER, together, reader, size_bytes=n_index + weights_of(reader))]


def by(asker: Asker) -> Callable[[str], Answered]:
    """How documents answer."""

    def answer(question: str) -> Answered:
        found = asker.ask(question)
        return found.answer, found.text, found.source

    return answer


def overlap(index: PassageIndex, question: str) -> Answered:
    """What tasks.asking.by_overlap finds, which never refuses."""
    found = by_overlap(index, question)
    return ("", "", None) if found is None else (found[0], *found)


def writes(run: Run) -> Callable[[str], Answered]:
    """How a language model answers: the first line that it writes after the question, always its likeliest token."""

    def answer(question: str) -> Answered:
        [said] = generate(run, question + "\n", temperature=0.0, max_new_tokens=LONGEST_WRITTEN)
        line = next((line.strip() for line in said.text.splitlines() if line.strip()), "")
        return line, line, None

    return answer


def row_of(known: Known, answer: str, text: str, source: str | None) -> tuple[float, ...]:
    """Has an answer, and it is given; has none, and none is given; exact match and F1; 1. What comes from no file
    cannot come from a wrong one."""
    has, given = bool(known.answers), bool(answer)
    if source is None:
        inside = " ".join(folded(text).split())
        right = any(" ".join(folded(one).split()) in inside for one in known.answers)
    else:
        right = is_right(known, text, source)
    score = answer_score(answer, known.answers)
    return (
        float(has),
        float(has and given and right),
        float(not has),
        float(not has and not given),
        score.em,
        score.f1,
        1.0,
    )


def rung_of(way: Way, table: np.ndarray[Any, Any] | None, best: np.ndarray[Any, Any], seconds: float | None) -> Rung:
    """A way's row of the ladder."""
    facts: dict[str, Any] = {"name": way.name, "title": TITLES[way.name], "ran": table is not None}
    if table is None:
        return Rung(**facts, command=way.needs and COMMANDS[way.name])
    sums, drawn = table.sum(axis=0), resampled_sums(table, RESAMPLES, SEED)
    metrics = {name: float(sums[above] / sums[below]) for name, (above, below) in SHARES.items() if sums[below]}
    intervals = {name: middle(drawn[:, a], drawn[:, b], CONFIDENCE) for name, (a, b) in SHARES.items()}
    behind = resampled_sums(np.stack([table[:, 5] - best[:, 5], table[:, 6]], axis=1), RESAMPLES, SEED)
    of_run: dict[str, Any] = {}
    if way.run is not None:
        spent = way.run.info.get("time", {})
        of_run = {
            "run": str(way.run.path),
            "training_s": round(float(sum(spent.values())), 2),
            "n_parameters": int(way.run.info.get("n_parameters", {}).get("total", 0)),
        }
    return Rung(
        **facts,
        **of_run,
        metrics=metrics,
        intervals={name: ends for name, ends in intervals.items() if ends is not None},
        f1_minus_best=middle(behind[:, 0], behind[:, 1], CONFIDENCE),
        seconds_a_question=seconds,
        size_bytes=way.size_bytes,
    )


def verdict_of(recommended: str, best: str, rungs: Sequence[Rung]) -> Message:
    """Which way is enough, and why."""
    f1 = {rung.name: f"{100 * rung.metrics['f1']:.1f}" for rung in rungs if rung.ran}
    if recommended == best:
        return message(
            "Take: %(way)s. No cheaper way comes as near as chance would have it to its F1 of %(f1)s %%.",
            way=TITLES[best],
            f1=f1[best],
        )
    return message(
        "Take: %(way)s. Its F1 of %(f1)s %% is within the interval of the best (%(best)s, %(best_f1)s %%), and none "
        "that is takes less time for a question.",
        way=TITLES[recommended],
        f1=f1[recommended],
        best=TITLES[best],
        best_f1=f1[best],
    )


def weights_of(run: Run) -> int:
    """Bytes of the weights that answer."""
    files = run.path.glob("checkpoints/step-*/model.safetensors")
    return max((file.stat().st_size for file in files), default=0)


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
