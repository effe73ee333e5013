"""Files -> their passages, and those that a question may be answered from. Room: text/. Used by tasks/asking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textmill.config import DataConfig
from textmill.text.documents import Found, ReadReport
from textmill.text.passages import Passage, stretches
from textmill.text.reading import examined, records_of
from textmill.text.search_terms import missing, question_terms, terms
from textmill.text.sides import files_of


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found. score: BM25 over all passages of the index; above 0, no probability."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stretch of a passage stands: as in Passage."""

    source: str
    line: int | None
    start: int
    end: int
    byte_start: int | None
    byte_end: int | None
    is_exact: bool = True


class PassageIndex:
    """The passages of some files, searched by BM25."""

    def __init__(self, passages: list[Passage], bm25: Any, vocabulary: dict[str, int], n_files: int):
        self._passages, self._bm25, self._vocabulary, self.n_files = passages, bm25, vocabulary, n_files

    @classmethod
    def open(
        cls, paths: Sequence[str], data: DataConfig, into: Path, notice: Callable[[str], None] = lambda text: None
    ) -> PassageIndex:
        """The index of all files of paths; made, or refreshed where files changed. into: a folder of indexes."""
        try:
            import bm25s
        except ImportError:
            raise missing("bm25s") from None
        report, passages = ReadReport(), list[Passage]()
        files = [file for file in files_of(paths, data, report.notes) if not file.dropped_as]
        for file in files:
            for item in records_of(examined(file, data, report.notes), data, report):
                if isinstance(item, Found):
                    text = item.document.text
                    source, _, line = item.document.source.rpartition(":")
                    for one in stretches(text):
                        piece, before = text[one.start : one.end], text[: one.start]
                        place = len(before.encode())
                        passages.append(
                            Passage(piece, source, int(line) + before.count("\n"), one.start, one.end, place,
                                    place + len(piece.encode()), one.heading, number=len(passages))
                        )  # fmt: skip
        found = [terms(" ".join((*one.heading, one.text))) for one in passages]
        vocabulary = {
            term: number for number, term in enumerate(dict.fromkeys(term for some in found for term in some))
        }
        bm25 = bm25s.BM25()
        bm25.index(([[vocabulary[term] for term in some] for some in found], dict(vocabulary)), show_progress=False)
        for note in report.notes:
            notice(note)
        return cls(passages, bm25, vocabulary, len(files))

    @property
    def n_passages(self) -> int:
        return len(self._passages)

    def search(self, question: str, k: int = 20) -> list[Hit]:
        """At most k passages with a term of the question, the best first; of equals, the first in the files."""
        known = [self._vocabulary[term] for term in question_terms(question) if term in self._vocabulary]
        if not known:
            return []
        scores = self._bm25.get_scores_from_ids(known)
        order = np.lexsort((np.arange(len(scores)), -scores))[:k]
        return [Hit(self._passages[number], float(scores[number])) for number in order if scores[number] > 0]

    def place(self, passage: Passage, start: int, end: int) -> Place:
        """Where the characters start … end of a passage's text stand."""
        before = passage.text[:start]
        byte = None if passage.byte_start is None else passage.byte_start + len(before.encode())
        byte_end = None if byte is None else byte + len(passage.text[start:end].encode())
        line = None if passage.line is None else passage.line + before.count("\n")
        return Place(passage.source, line, passage.start + start, passage.start + end, byte, byte_end)
