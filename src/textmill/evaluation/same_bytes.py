"""Two language models whose tokens differ, measured on the same bytes of the same text. Room: evaluation/.

Used by comparing. A model that has no begin mark only reads the first token of a document, and another tokenizer cuts a
text elsewhere: what is counted begins, and a document that is alone is cut, only where a token ends for both.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textmill.errors import InputError, RunError
from textmill.evaluation.evaluating import BLOCKS, convention_of, printable, unread_told
from textmill.files import sha256_of
from textmill.messages import message
from textmill.metrics.language import ExampleScore, metrics_of
from textmill.results import Evaluation
from textmill.runs import Run, device_named
from textmill.tasks.lm import BY_TEMPLATE, plain_documents
from textmill.tasks.measuring import token_nats
from textmill.text import Document, ReadReport, read_documents
from textmill.text.documents import ANSWERED
from textmill.tokens import Tokenizer


@dataclass(frozen=True)
class SameText:
    """What both are measured on: its name, its documents, and what is to be told of them."""

    name: str
    documents: list[Document]
    notes: list[str]


def other_tokens(ours: Run, theirs: Run) -> bool:
    """Whether both write plain text, and read it as other tokens or from another beginning."""
    runs = (ours, theirs)
    if any(run.info["form"] != "decoder" or run.config.task.name != "lm" for run in runs):
        return False
    files = [run.path / "tokenizer.json" for run in runs]
    same = all(run.keeps_results for run in runs) and len({sha256_of(file) for file in files if file.is_file()}) == 1
    return not same or ours.config.tokens.begin_mark != theirs.config.tokens.begin_mark


def same_text(ours: Run, theirs: Run, data: str | None) -> SameText | None:
    """The text of both; None where it is conversations, which are laid out as tokens. data: as in compare.

    Raises InputError where both do not read the same documents there, RunError where no text is known.
    """
    runs = (ours, theirs)
    if data is None:
        found = [_held_out(run) for run in runs if run.keeps_results]
        if not found:
            raise RunError(
                "these models were trained elsewhere, and no text of them is here",
                where=f"{ours.path} and {theirs.path}",
                hint="Name a text for both: --data PATH",
            )
    else:
        own = [run for run in runs if run.keeps_results] or [ours]
        found = [_read(run, data) for run in own]
    one, *_others = found
    if any(ANSWERED in document.meta for document in one.documents):
        return None
    content = [[(document.source, document.text) for document in each.documents] for each in found]
    if any(each != content[0] for each in content[1:]):
        raise InputError(
            "the two runs were not measured on the same documents: other texts were held out, or cut otherwise",
            where=f"{ours.path} and {theirs.path}",
            hint="Name one text for both: --data PATH",
        )
    return one


def measured_on(runs: Sequence[Run], text: SameText) -> list[Evaluation]:
    """What each spends on the same parts of the text: whole documents, but for what a model without a begin mark only
    reads; of a document that is alone contiguous parts. What is to be told of that is added to the notes of the text.
    Their floors are not measured."""
    texts = [document.text for document in text.documents]
    places = [[places_of(run.tokenizer, one) for run in runs] for one in texts]
    n_parts = BLOCKS if len(texts) == 1 else 1
    marks = [run.config.tokens.begin_mark for run in runs]
    parts = [cuts(own, marks, len(one.encode()), n_parts) for own, one in zip(places, texts, strict=True)]
    text.notes.extend(_notes(texts, parts))
    found = []
    for number, run in enumerate(runs):
        config, tokenizer = run.config, run.tokenizer
        model = run.model(run.default_checkpoint, device=device_named(config.machine.device))
        nats = token_nats(
            model,
            plain_documents(text.documents, tokenizer),
            mark=tokenizer.mark,
            begin_mark=config.tokens.begin_mark,
            window=config.eval.window,
            stride=config.eval.stride,
            batch=config.eval.batch,
            begin=tokenizer.begin,
        )
        scores = [
            score
            for document, own, at, each in zip(text.documents, nats, places, parts, strict=True)
            for score in _scores(document, own, at[number], each)
        ]
        found.append(
            Evaluation(
                run=str(run.path),
                data=text.name,
                checkpoint=str(run.default_checkpoint) if run.kind == "network" else "",
                metrics=metrics_of(scores),
                intervals={},
                baselines={},
                convention=convention_of(
                    tokenizer, model, config.tokens.begin_mark, config.eval.window, config.eval.stride
                ),
                documents=[vars(score) | {"source": printable(score.source)} for score in scores],
            )
        )
    return found


def places_of(tokenizer: Tokenizer, text: str) -> dict[int, int]:
    """Byte of a text -> how many of its tokens end there or before, wherever no token reaches across.

    A blank that the library gives to no token may be on either side.
    """
    offsets, n_bytes = tokenizer.offsets(text), len(text.encode())
    ends = np.maximum.accumulate([0, *(end for _, end in offsets)]).tolist()
    starts = [*np.minimum.accumulate([n_bytes, *(start for start, _ in reversed(offsets))]).tolist()][::-1]
    found: dict[int, int] = {}
    for number, (end, start) in enumerate(zip(ends, starts, strict=True)):
        for place in range(end, start + 1):
            found.setdefault(place, number)
    return found


def cuts(places: Sequence[dict[int, int]], begin_marks: Sequence[bool], n_bytes: int, n_parts: int) -> list[int]:
    """Bytes between which the parts of a document lie: where tokens of all end, the first behind what one that has no
    begin mark only reads, the last the end of the document. places: of each, as places_of tells them."""
    common = sorted(set.intersection(*(set(own) for own in places)))
    usable = [
        place
        for place in common
        if all(begins or own[place] >= 1 for own, begins in zip(places, begin_marks, strict=True))
    ] or [n_bytes]
    wanted = np.linspace(usable[0], n_bytes, n_parts + 1)[1:-1]
    at = np.searchsorted(usable, wanted).clip(max=len(usable) - 1)
    return sorted({usable[0], *(usable[number] for number in at), n_bytes}) if usable[0] < n_bytes else [n_bytes] * 2


def _scores(document: Document, nats: Any, places: dict[int, int], bounds: list[int]) -> list[ExampleScore]:
    """Of each part of a document; the end mark is in the last."""
    content = document.text.encode()
    found = []
    for number, (start, stop) in enumerate(itertools.pairwise(bounds)):
        last = number == len(bounds) - 2
        own = nats[places[start] : len(nats) if last else places[stop]]
        n_chars = sum(byte & 0xC0 != 0x80 for byte in content[start:stop])  # 10xxxxxx continues a code point
        source = document.source if len(bounds) == 2 else f"{document.source} bytes {start}-{stop}"
        found.append(ExampleScore(source, float(own.sum()), len(own), stop - start, n_chars))
    return found


def _notes(texts: Sequence[str], parts: Sequence[list[int]]) -> list[str]:
    notes: list[str] = []
    left_out = sum(bounds[0] for bounds in parts)
    if left_out:
        notes.append(
            message(
                "Not counted for either: %(n)s of %(all)s bytes, at the beginning of documents, which a model without "
                "a begin mark only reads.",
                n=f"{left_out:,}",
                all=f"{sum(len(one.encode()) for one in texts):,}",
            )
        )
    if len(texts) == 1:
        notes.append(
            message(
                "The text is one document: %(n)s contiguous parts of it are drawn, cut where tokens of both end.",
                n=len(parts[0]) - 1,
            )
        )
    return notes


# --- the text


def _read(run: Run, data: str) -> SameText:
    report = ReadReport()
    documents = list(read_documents([data], run.config.data, report))
    if not documents:
        raise InputError("there is no document here to measure on", where=data)
    return SameText(data, documents, unread_told(report))


def _held_out(run: Run) -> SameText:
    """What a run of ours held out, as text. Raises InputError where nothing was, or its tokens do not give it back."""
    prepared, tokenizer = run.prepared(), run.tokenizer
    for name, store in (("test", prepared.test), ("validation", prepared.valid)):
        if store is None or not store.n_documents:
            continue
        if not tokenizer.exact:
            raise InputError(
                "the tokens of this run do not give its text back as it was",
                where=str(run.path),
                hint="Name a text for both: --data PATH",
            )
        meta = {ANSWERED: ()} if {ANSWERED, BY_TEMPLATE} & set(store.names) else {}
        return SameText(
            name,
            [
                Document(tokenizer.decode(store.document(number).tolist()), store.source(number), dict(meta))
                for number in range(store.n_documents)
            ],
            [],
        )
    raise InputError(
        "nothing was held out when this run was trained, so there is nothing to measure on",
        where=str(run.path),
        hint="Name a text: --data PATH",
    )
