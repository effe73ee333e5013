"""The labels of a plan's texts -> which of them are likely mistakes, and how sure that is. Room: evaluation/.

Called by `look --mistakes`. label_mistakes.py finds them; here the texts are read, of many a sample is drawn, and what
was found is told and written down.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from textmill.errors import InputError
from textmill.evaluation.label_mistakes import LabelCheck, Suspect, Voice, check_labels
from textmill.files import new_file
from textmill.messages import Message, message, paragraph, plural_message
from textmill.results import Mistake, Mistakes
from textmill.text import SplitPlan
from textmill.text.documents import LABELS, PARTS, Document
from textmill.text.labels import in_class_order
from textmill.text.wording import joined, percent

MOST_CHARACTERS = 1_500_000  # of more, texts drawn by seed; on one thread a million take about a minute
SHOWN = 10
SHOWN_CHARACTERS = 160
WRITTEN = (".csv", ".jsonl")
VOICES_TOLD = {
    str(told): told
    for told in (message("words and characters"), message("phrases"), message("a network that reads in order"))
}
COLUMNS = ("place", "label", "suggested", "probability", "text")


def measure_mistakes(
    plan: SplitPlan,
    seed: int = 0,
    into: Path | None = None,
    costly: Mapping[str, Voice] | None = None,
    most_characters: int = MOST_CHARACTERS,
) -> Mistakes:
    """Which labels are likely mistakes, in all parts of the plan's split.

    into: a new file for all of them, .csv or .jsonl (see refuse_file). costly: see check_labels. most_characters: of
    more text, whole texts are drawn by seed. Where nothing can be checked, `n_likely` is None and the verdict says why.
    Raises NoSpace.
    """
    start = time.perf_counter()
    sizes = np.array([len(document.content) for document in _documents(plan)], dtype=np.int64)
    wanted = _drawn(sizes, most_characters, seed)
    drawn = [document for document, is_wanted in zip(_documents(plan), wanted, strict=True) if is_wanted]
    classes = in_class_order({name for document in drawn for name in document.meta[LABELS]})
    facts: dict[str, object] = {"n_texts": len(drawn), "of_texts": len(sizes)}
    if any(len(document.meta[LABELS]) != 1 for document in drawn):
        return _told(facts, [message("Label mistakes are looked for where each text has one label.")])
    number_of = {name: number for number, name in enumerate(classes)}
    labels = [[number_of[document.meta[LABELS][0]]] for document in drawn]
    try:
        check = check_labels([document.text for document in drawn], labels, classes, seed, costly=costly)
    except InputError as error:
        return _told(facts, [message("Label mistakes cannot be looked for: %(why)s.", why=error.message)])
    likely = check.likely
    if into is not None:
        write_mistakes(into, likely, drawn)
    found: dict[str, object] = {
        "n_likely": len(likely),
        "precision": check.precision(len(likely)),
        "estimated_share": check.estimated_share,
        "voices": check.weights,
        "seconds": round(time.perf_counter() - start, 1),
        "path": None if into is None else str(into),
        "examples": [_example(suspect, drawn) for suspect in likely[:SHOWN]],
    }
    return _told(facts | found, _sentences(check, len(drawn), len(sizes)))


def _documents(plan: SplitPlan) -> Iterator[Document]:
    """All, part by part: read twice rather than held."""
    return (document for part in PARTS for document in plan.documents(part))


def _drawn(sizes: npt.NDArray[np.int64], most_characters: int, seed: int) -> npt.NDArray[np.bool_]:
    """Which documents (N,), as many as have at most most_characters; one in any case."""
    order = np.random.default_rng(seed).permutation(len(sizes))
    n_drawn = max(1, int(np.searchsorted(np.cumsum(sizes[order]), most_characters, side="right")))
    drawn = np.zeros(len(sizes), dtype=np.bool_)
    drawn[order[:n_drawn]] = True
    return drawn


def _example(suspect: Suspect, documents: Sequence[Document]) -> Mistake:
    document = documents[suspect.number]
    text = " ".join(document.text.split())
    return Mistake(
        place=document.source,
        label=suspect.given,
        suggested=suspect.expected,
        probability=suspect.probability,
        text=text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…",
    )


def _sentences(check: LabelCheck, n_texts: int, of_texts: int) -> list[Message]:
    n_likely = len(check.likely)
    said = [
        plural_message(
            "Of %(all)s labels, %(n)s is a likely mistake.",
            "Of %(all)s labels, %(n)s are likely mistakes.",
            n_likely,
            all=f"{n_texts:,}",
        )
    ]
    precision = check.precision(n_likely)
    if precision is not None:
        said.append(
            message(
                "Of those, %(precision)s are expected to be wrong indeed, by models that were not shown the texts; of "
                "all labels, %(share)s.",
                precision=percent(precision),
                share=percent(check.estimated_share),
            )
        )
    heard = [name for name, weight in check.weights.items() if weight > 0]
    said.append(message("Heard were: %(voices)s.", voices=joined([VOICES_TOLD.get(name, name) for name in heard])))
    if n_texts < of_texts:
        said.append(
            message("Looked for in a seeded sample: %(n)s of %(all)s texts.", n=f"{n_texts:,}", all=f"{of_texts:,}")
        )
    return said


def _told(facts: Mapping[str, object], sentences: Sequence[Message]) -> Mistakes:
    verdict = paragraph(sentences)
    return Mistakes.model_validate({**facts, "verdict": str(verdict)}).model_copy(update={"verdict": verdict})


def refuse_file(path: Path) -> None:
    """Raise InputError where what is found cannot be written in a form that the file's name asks for."""
    if path.suffix.lower() not in WRITTEN:
        raise InputError(
            f"likely mistakes are written as {' or '.join(WRITTEN)}", where=str(path), hint="name the file so"
        )


def write_mistakes(path: Path, likely: Sequence[Suspect], documents: Sequence[Document]) -> None:
    """All of them, the likeliest first, with the columns COLUMNS; the file is there whole or not."""
    rows = [
        (documents[one.number].source, one.given, one.expected, round(one.probability, 6), documents[one.number].text)
        for one in likely
    ]
    with new_file(path) as file:
        if path.suffix.lower() == ".jsonl":
            for row in rows:
                record = dict(zip(COLUMNS, row, strict=True))
                file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        else:
            table = io.StringIO(newline="")
            csv.writer(table, lineterminator="\n").writerows([COLUMNS, *rows])
            file.write(table.getvalue().encode("utf-8"))
