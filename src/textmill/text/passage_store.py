"""Passages and their terms as arrays, in memory and in a folder. Room: text/. Used by passage_index.

A Part holds the passages of a file, or of many: rows of numbers, and what they count off. Parts are put behind one
another without being read again, which is what makes a refresh cheap; numbers of names and terms are given anew in the
order in which they first stand, so that an index that was refreshed is the same, bit by bit, as one made from scratch.
Stored are arrays of numpy without pickle, UTF-8 and JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textmill.text.passage_reading import Read
from textmill.text.passages import Passage
from textmill.text.places import Run
from textmill.text.search_terms import terms

EXACT, LINES = 1, 2
ROW = np.dtype(
    [("file", "<u4"), ("source", "<u4"), ("heading", "<u4"), ("line", "<u4"), ("start", "<u8"), ("end", "<u8"),
     ("byte_start", "<i8"), ("byte_end", "<i8"), ("flags", "u1"),
     ("n_text", "<u4"), ("n_question", "<u4"), ("n_runs", "<u4"), ("n_terms", "<u4")]
)  # fmt: skip
"""source, heading: numbers of names. n_text, n_question: bytes of UTF-8. byte_start: -1 where there is none."""
RUN = np.dtype(
    [("start", "<u4"), ("end", "<u4"), ("decoded", "<u8"), ("line", "<u4"), ("byte_start", "<i8"), ("byte_end", "<i8"),
     ("is_plain", "?")]
)  # fmt: skip
QUESTION_WEIGHT = 2
"""So many times the terms of a question count that a passage answers."""


class Names:
    """Texts by number; a new one takes the next."""

    def __init__(self, known: Iterable[str] = ()):
        self.numbers: dict[str, int] = {name: number for number, name in enumerate(known)}

    def __getitem__(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers))


@dataclass
class Part:
    """The passages of some files."""

    rows: NDArray[Any]
    texts: NDArray[np.uint8]
    runs: NDArray[Any]
    terms: NDArray[np.uint32]

    def __post_init__(self) -> None:
        rows = self.rows
        n_bytes = rows["n_text"].astype(np.int64) + rows["n_question"]
        self._texts_at = _offsets(n_bytes)
        self._runs_at = _offsets(rows["n_runs"])
        self.terms_at = _offsets(rows["n_terms"])

    def part(self, first: int, last: int) -> Part:
        """The passages from first to last."""
        return Part(
            self.rows[first:last],
            self.texts[self._texts_at[first] : self._texts_at[last]],
            self.runs[self._runs_at[first] : self._runs_at[last]],
            self.terms[self.terms_at[first] : self.terms_at[last]],
        )

    def passage(self, number: int, names: Sequence[str]) -> Passage:
        """A passage as it was read."""
        row = self.rows[number]
        start = int(self._texts_at[number])
        middle = start + int(row["n_text"])
        end = int(self._texts_at[number + 1])
        has_bytes = row["byte_start"] >= 0
        return Passage(
            bytes(self.texts[start:middle]).decode(),
            names[row["source"]],
            int(row["line"]) or None,
            int(row["start"]),
            int(row["end"]),
            int(row["byte_start"]) if has_bytes else None,
            int(row["byte_end"]) if has_bytes else None,
            tuple(json.loads(names[row["heading"]])),
            bytes(self.texts[middle:end]).decode(),
            bool(row["flags"] & EXACT),
            number,
        )

    def runs_of(self, number: int) -> list[Run]:
        """The runs of a passage's text; see places."""
        row = self.rows[number]
        found = self.runs[self._runs_at[number] : self._runs_at[number + 1]]
        return [Run._make(one.tolist()) for one in found] or [
            Run(0, int(row["end"]) - int(row["start"]), int(row["start"]), int(row["line"]), int(row["byte_start"]),
                int(row["byte_end"]))
        ]  # fmt: skip


def part_of(file: int, read: Iterable[Read], names: Names, vocabulary: Names) -> Part:
    """The passages of one file."""
    rows: list[tuple[int, ...]] = []
    texts: list[bytes] = []
    runs: list[Run] = []
    found: list[int] = []
    for one in read:
        passage = one.passage
        text, question = passage.text.encode(), passage.question.encode()
        searched = terms(" \n".join((*passage.heading, *[passage.question] * QUESTION_WEIGHT, passage.text)))
        found += [vocabulary[term] for term in searched]
        texts += [text, question]
        runs += one.runs
        byte_start, byte_end = (-1 if at is None else at for at in (passage.byte_start, passage.byte_end))
        rows.append(
            (file, names[passage.source], names[json.dumps(passage.heading, ensure_ascii=False)], passage.line or 0,
             passage.start, passage.end, byte_start, byte_end,
             EXACT * passage.is_exact | LINES * one.has_lines, len(text), len(question), len(one.runs), len(searched))
        )  # fmt: skip
    return Part(
        np.array(rows, dtype=ROW),
        np.frombuffer(b"".join(texts), dtype=np.uint8),
        np.array(runs, dtype=RUN),
        np.array(found, dtype=np.uint32),
    )


def joined(parts: Sequence[Part]) -> Part:
    """Parts behind one another; `file` is the place of each. At least one."""
    rows = np.concatenate([part.rows for part in parts])
    rows["file"] = np.repeat(np.arange(len(parts), dtype=np.uint32), [len(part.rows) for part in parts])
    return Part(
        rows,
        np.concatenate([part.texts for part in parts]),
        np.concatenate([part.runs for part in parts]),
        np.concatenate([part.terms for part in parts]),
    )


def renumbered(part: Part, names: Names, vocabulary: Names) -> tuple[list[str], list[str]]:
    """Number names and terms anew, in the order in which they first stand; those that are used, (names, terms)."""
    used = np.stack([part.rows["source"], part.rows["heading"]], axis=1).ravel()
    numbers, kept_names = _in_order(used, names)
    part.rows["source"], part.rows["heading"] = numbers[::2], numbers[1::2]
    part.terms, kept_terms = _in_order(part.terms, vocabulary)
    return kept_names, kept_terms


def _in_order(numbers: NDArray[np.uint32], names: Names) -> tuple[NDArray[np.uint32], list[str]]:
    used, first = np.unique(numbers, return_index=True)
    used = used[np.argsort(first)]
    new = np.zeros(len(names.numbers), dtype=np.uint32)
    new[used] = np.arange(len(used), dtype=np.uint32)
    all_names = list(names.numbers)
    return new[numbers], [all_names[number] for number in used]


def _offsets(counts: NDArray[Any]) -> NDArray[np.int64]:
    found = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=found[1:])
    return found


# -- in a folder -------------------------------------------------------------------------------------------------------


def save(part: Part, names: Sequence[str], folder: Path) -> None:
    """Write a part and its names into a folder that is there."""
    np.save(folder / "rows.npy", part.rows, allow_pickle=False)
    np.save(folder / "runs.npy", part.runs, allow_pickle=False)
    np.save(folder / "terms.npy", part.terms, allow_pickle=False)
    np.save(folder / "texts.npy", part.texts, allow_pickle=False)
    (folder / "names.json").write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")


def load(folder: Path) -> tuple[Part, list[str]]:
    """What `save` wrote, its arrays left on the disk until they are asked for."""
    rows, runs, found, texts = (
        np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        for name in ("rows", "runs", "terms", "texts")
    )
    return Part(rows, texts, runs, found), json.loads((folder / "names.json").read_text(encoding="utf-8"))
