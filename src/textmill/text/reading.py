"""Paths -> documents, a file after the other. Room: text/ (bytes -> documents).

`records_of` is the one door to every format: the plan of a split and plain reading both go through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text.delimited import read_delimited
from textmill.text.documents import BAD_RECORD, MARKUP, Document, Dropped, Found, ReadReport
from textmill.text.files import BOM, TextFile, changed, examine, find_files
from textmill.text.jsonl import read_jsonl
from textmill.text.plain import read_plain
from textmill.text.python_docs import read_python_module, read_python_topics

Reader = Callable[[TextFile, DataConfig, Callable[[str], None]], Iterator[Found | Dropped]]

READERS: dict[str, Reader] = {
    "text": read_plain,
    "csv": read_delimited,
    "tsv": read_delimited,
    "jsonl": read_jsonl,
    "python-module": read_python_module,
    "python-topics": read_python_topics,
}


def read_documents(paths: Sequence[str], data: DataConfig, report: ReadReport) -> Iterator[Document]:
    """The documents of files and folders, in order. A bad record is counted in `report`, never fatal.

    Raises InputError for a path that cannot be read, and with data.strict for the first bad record (file:line).
    """
    for file in find_files(paths, report.notes):
        for item in records_of(examine(file, data.strict, report.notes), data, report):
            if isinstance(item, Found):
                yield item.document


def records_of(file: TextFile, data: DataConfig, report: ReadReport) -> Iterator[Found | Dropped]:
    """All of an examined file, counted in `report`; the bytes of what is yielded sum to the file's size."""
    report.begin(file.name, file.encoding)
    for item in _items(file, data, report):
        if data.strict and isinstance(item, Dropped) and item.category == BAD_RECORD:
            raise InputError(item.reason, where=item.source, hint="without --strict it is counted and left out")
        report.count(item)
        yield item


def _items(file: TextFile, data: DataConfig, report: ReadReport) -> Iterator[Found | Dropped]:
    if file.dropped_as:
        yield Dropped(file.dropped_as, file.n_bytes)
        return
    if file.encoding == "utf-8-sig" and not file.format.startswith("python"):
        yield Dropped(MARKUP, len(BOM))
    try:
        yield from READERS[file.format](file, data, report.note)
    except UnicodeDecodeError:  # it was UTF-8 when it was examined
        raise changed(file) from None
