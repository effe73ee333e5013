"""Paths -> documents, a file after the other. Room: text/ (bytes -> documents).

`records_of` is the one door to every format: the plan of a split and plain reading both go through it. What a reader
yields passes two stations: bytes of UTF-8 become bytes of the file's own encoding, and the document is cleaned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from textmill.config import DataConfig
from textmill.errors import InputError, MissingExtra
from textmill.messages import message
from textmill.tables import load
from textmill.text.conditions import conditioned
from textmill.text.documents import (
    ANSWERED,
    BAD_RECORD,
    LABELS,
    MARKUP,
    NO_LABEL,
    UNUSED_COLUMN,
    Document,
    Dropped,
    Found,
    ReadReport,
    TakenOut,
)
from textmill.text.files import BINARY_FORMATS, TextFile, changed, examine, open_unchanged
from textmill.text.long_cleaning import Cleaning
from textmill.text.long_text import LONG, LongText, gathered
from textmill.text.sides import files_of
from textmill.text.transcoding import Left, SourceCounter, size_in
from textmill.text.wording import advised

Reader = Callable[[TextFile, DataConfig, Callable[[str], None]], Iterator[Found | Dropped]]

READERS = {
    "text": "textmill.text.plain:read_plain",
    "csv": "textmill.text.delimited:read_delimited",
    "tsv": "textmill.text.delimited:read_delimited",
    "jsonl": "textmill.text.jsonl:read_jsonl",
    "json": "textmill.text.json_file:read_json",
    "tmx": "textmill.text.tmx:read_texts",
    "html": "textmill.text.html:read_html",
    "parquet": "textmill.text.parquet:read_parquet",
    "pdf": "textmill.text.pdf:read_pdf",
    "docx": "textmill.text.docx:read_docx",
    "epub": "textmill.text.epub:read_epub",
    "world": "textmill.text.builtin:read_world",
    "python-module": "textmill.text.python_docs:read_python_module",
    "python-topics": "textmill.text.python_docs:read_python_topics",
}
"""Format -> where its reader lives."""

PAIR_READERS = {
    "text": "textmill.text.aligned:read_aligned",
    "tsv": "textmill.text.aligned:read_table",
    "jsonl": "textmill.text.aligned:read_json_lines",
    "tmx": "textmill.text.tmx:read_pairs",
    "world": "textmill.text.aligned:read_json_lines",
}
"""The same where a document is a text and its translation."""

QUESTION_READERS = {
    "json": "textmill.text.questions:read_json",
    "jsonl": "textmill.text.questions:read_jsonl",
    "csv": "textmill.text.questions:read_table",
    "tsv": "textmill.text.questions:read_table",
}
"""The same where a document is a passage with a question and its answers."""
STORIES, STORY_FORMATS = "textmill.text.stories:read_stories", ("text", "jsonl", "world")
"""The same where a document is a story with a question."""

WITH_LABELS = ("csv", "tsv", "jsonl", "json", "parquet", "world")
"""The formats whose records may hold labels, or what else is kept beside a text, by the same readers; of a file that is
one text, its folder says its label."""


def read_documents(paths: Sequence[str], data: DataConfig, report: ReadReport) -> Iterator[Document]:
    """The documents of files and folders, in order. A bad record is counted in `report`, never fatal.

    Raises InputError for a path that cannot be read, and with data.strict for the first bad record (file:line).
    """
    for file in files_of(paths, data, report.notes):
        for item in records_of(examined(file, data, report.notes), data, report):
            if isinstance(item, Found):
                yield item.document


def examined(file: TextFile, data: DataConfig, notes: list[str]) -> TextFile:
    """The file, and the one with its translation, with their facts."""
    file = examine(file, data.strict, notes, data.encoding)
    if file.beside is None:
        return file
    return replace(file, beside=examine(file.beside, data.strict, notes, data.encoding))


def records_of(file: TextFile, data: DataConfig, report: ReadReport) -> Iterator[Found | Dropped]:
    """All of an examined file, counted in `report`; the bytes of what is yielded sum to the file's size."""
    report.begin(file.name, file.encoding)
    for item in _items(file, data, report):
        if data.strict and isinstance(item, Dropped) and item.reason and item.category in (BAD_RECORD, NO_LABEL):
            raise InputError(item.reason, where=item.source, hint="without --strict it is counted and left out")
        report.count(item)
        yield item


def _items(file: TextFile, data: DataConfig, report: ReadReport) -> Iterator[Found | Dropped]:
    if file.dropped_as:
        yield Dropped(file.dropped_as, file.n_bytes)
        return
    is_clean = file.format in ("world", "python-module", "python-topics")
    if file.mark and not file.format.startswith("python"):  # whose readers count all bytes themselves
        yield Dropped(MARKUP, file.mark)
    reader: Reader = load(reader_of(file, data))
    items: Iterator[Found | Dropped] = map(_laid_down, reader(file, data, report.note))
    if file.labels:
        items = _labelled(file, items)
    if file.stretches and file.format == "json":
        items = _cut_off(items)
    if file.is_transcoded:
        items = _in_own_bytes(file, items)
    if data.cleaning_rules and not is_clean:
        items = _cleaned(file, items, data.cleaning_rules, report)
    if data.conditions and tuple(role for role, _ in file.kept) == data.conditions:
        items = conditioned(items, data.conditions, file.codec)
    try:
        yield from items
    except UnicodeDecodeError:  # it was UTF-8 when it was examined
        raise changed(file) from None
    except (InputError, MissingExtra) as error:
        if file.named or file.format not in BINARY_FORMATS:
            raise
        yield Dropped(BAD_RECORD, 0, file.name, advised(error.message, error.hint))


def reader_of(file: TextFile, data: DataConfig) -> str:
    """Where the reader of a file lives. Raises InputError for a format without columns, pairs or labels."""
    if file.kept and file.format not in WITH_LABELS:
        role, column = file.kept[0]
        raise InputError(
            message(
                "there are no columns in the format %(format)s, so there is no '%(column)s' for --%(role)s",
                format=file.format,
                column=column,
                role="data.conditions" if data.conditions else role,
            ),
            where=file.name,
            hint=message("read are .csv, .tsv, .jsonl, .json and .parquet"),
        )
    if file.kept:
        return READERS[file.format]
    if data.stories:
        if file.format not in STORY_FORMATS:
            raise InputError(
                message("stories are not read from the format %(format)s", format=file.format),
                where=file.name,
                hint=message("read are text files in bAbI's format, and .jsonl"),
            )
        return STORIES
    if data.labelled and not file.labels and file.format not in WITH_LABELS:
        raise InputError(
            message("labels are not read from the format %(format)s", format=file.format),
            where=file.name,
            hint=message("read are .csv, .tsv, .jsonl, .json, .parquet, and a folder of texts for each class"),
        )
    if data.reads_questions:
        if file.format not in QUESTION_READERS:
            raise InputError(
                message("questions are not read from the format %(format)s", format=file.format),
                where=file.name,
                hint=message("read are SQuAD files (.json), .jsonl, .csv and .tsv"),
            )
        return QUESTION_READERS[file.format]
    if not data.pairs:
        return READERS[file.format]
    if file.format not in PAIR_READERS:
        raise InputError(
            f"pairs are not read from the format {file.format}",
            where=file.name,
            hint="Read are two text files of as many lines, .tsv, .jsonl and .tmx.",
        )
    return PAIR_READERS[file.format]


def _labelled(file: TextFile, items: Iterator[Found | Dropped]) -> Iterator[Found | Dropped]:
    """The same with the label that the file's folder gives to all its documents."""
    for item in items:
        if isinstance(item, Found):
            document = item.document
            item = replace(item, document=replace(document, meta={**document.meta, LABELS: file.labels}))
        yield item


def _cut_off(items: Iterator[Found | Dropped]) -> Iterator[Found | Dropped]:
    """The same of a file that is cut inside a record: the last one is not bad, it is cut."""
    held: Found | Dropped | None = None
    for item in items:
        if held is not None:
            yield held
        held = item
    if isinstance(held, Dropped) and held.category == BAD_RECORD:
        held = Dropped("other:cut-off", held.n_bytes)
    if held is not None:
        yield held


def _in_own_bytes(file: TextFile, items: Iterator[Found | Dropped]) -> Iterator[Found | Dropped]:
    """The same with sizes in the file's own encoding, and between them what cannot be decoded.

    Readers see UTF-8. They measure unused columns in the file's encoding already (`transcoding.size_in`), and markup is
    what is left over, so the sum of an item is its stretch of UTF-8 all the same.
    """
    with open_unchanged(file) as stream:
        counter = SourceCounter(stream, file.codec, file.mark)
        for item in items:
            if isinstance(item, Dropped):
                n_source, left = counter.advance(item.n_bytes)
                item = replace(item, n_bytes=n_source)
            else:
                n_source, left = counter.advance(item.n_bytes + item.markup + item.unused_column + item.label)
                values = item.unused_column + item.label
                texts = item.document.texts if file.beside is None else item.document.texts[:1]
                texts = texts if item.counted is None else item.counted
                n_text = min(sum(size_in(text, file.codec) for text in texts), n_source - values)
                item = replace(item, n_bytes=n_text, markup=n_source - n_text - values)
            yield from (_undecodable(file, some) for some in left)
            yield item
        yield from (_undecodable(file, some) for some in counter.rest())


def _undecodable(file: TextFile, left: Left) -> Dropped:
    raw = left.bad.raw
    shown = " ".join(f"0x{byte:02x}" for byte in raw[:4]) + (" …" if len(raw) > 4 else "")
    reason = message(
        "byte %(position)s of the file: %(bytes)s cannot stand there in %(encoding)s",
        position=left.bad.position,
        bytes=shown,
        encoding=file.encoding,
    )
    return Dropped(BAD_RECORD, len(raw), f"{file.name}:{left.line}", reason)


def _laid_down(item: Found | Dropped) -> Found | Dropped:
    """The same; a long text that its reader gave as a str no longer is one."""
    if isinstance(item, Dropped) or isinstance(content := item.document.content, LongText) or len(content) <= LONG:
        return item
    return replace(item, document=replace(item.document, content=gathered([content])))


def _cleaned(
    file: TextFile, items: Iterator[Found | Dropped], rules: Sequence[str], report: ReadReport
) -> Iterator[Found | Dropped]:
    for item in items:
        if isinstance(item, Dropped) or ANSWERED in item.document.meta:  # whose answers have their places
            yield item
            continue
        cleaning = Cleaning(item.document, rules)
        source, n_left = item.document.source, item.n_bytes
        for line, piece in cleaning.removed():
            n_bytes = min(size_in(piece.text, file.codec), n_left)
            n_left -= n_bytes
            report.cleaned(piece.rule, source, piece.text, n_bytes)
            yield TakenOut(f"other:{piece.rule}", n_bytes, source, "", piece.rule, piece.start, line, piece.text)
        if cleaning.document is None:
            yield Dropped(MARKUP, item.markup + n_left)
            yield Dropped(UNUSED_COLUMN, item.unused_column + item.label)
        elif cleaning.document is item.document:
            yield item
        else:
            yield replace(item, document=cleaning.document, n_bytes=n_left)
