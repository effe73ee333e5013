"""A file -> its passages, each with where it stands. Room: text/. Used by passage_index.

Documents come through reading.records_of, cleaned; a passage's text is the cleaned one, its place that in the file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from textmill.config import DataConfig
from textmill.text.documents import KEPT, PAGES, Document, Found, ReadReport
from textmill.text.files import TextFile
from textmill.text.long_text import whole
from textmill.text.passages import Passage, Stretch, stretches
from textmill.text.places import FilePlaces, Places, Run
from textmill.text.question_columns import QUESTION
from textmill.text.reading import records_of


@dataclass(frozen=True, slots=True)
class Read:
    """A passage of a file, and the runs of its characters where they are more than one; see places."""

    passage: Passage
    runs: list[Run]
    has_lines: bool


def read_passages(file: TextFile, data: DataConfig, report: ReadReport) -> Iterator[Read]:
    """The passages of an examined file, in order; what is dropped is counted in the report. Raises InputError."""
    follows = FilePlaces(file)
    try:
        for item in records_of(file, data, report):
            places = follows.take(item)
            if places is not None and isinstance(item, Found):
                yield from _passages(file, item.document, places)
    finally:
        follows.close()


def _passages(file: TextFile, document: Document, places: Places) -> Iterator[Read]:
    question = document.meta.get(KEPT, {}).get(QUESTION, "").strip()
    if question:
        text = whole(document.content)
        start = len(text) - len(text.lstrip())
        yield _read(file, document, places, Stretch(start, len(text.rstrip()), ()), question)
        return
    for stretch in stretches(document.content):
        yield _read(file, document, places, stretch)


def _source(file: TextFile, document: Document, start: int) -> str:
    """The file, and behind a # the record, or the page on which a character of the text stands."""
    pages = document.meta.get(PAGES)
    if pages:
        number = bisect_right(pages, start, key=lambda page: page[0]) - 1
        return f"{file.name}#page {pages[max(number, 0)][1]}"
    inside = document.source.removeprefix(file.name)
    is_whole = inside.startswith(":") or file.format in ("docx", "epub")
    return file.name if is_whole else document.source


def _read(file: TextFile, document: Document, places: Places, stretch: Stretch, question: str = "") -> Read:
    stood = places.of(stretch.start, stretch.end)
    passage = Passage(
        places.text[stretch.start : stretch.end],
        _source(file, document, stood.start),
        stood.line or None,
        stood.start,
        stood.end,
        stood.byte_start if stood.byte_start >= 0 else None,
        stood.byte_end if stood.byte_start >= 0 else None,
        stretch.heading,
        question,
        stood.is_exact,
    )
    return Read(passage, places.runs_of(stretch.start, stretch.end), places.has_lines)
