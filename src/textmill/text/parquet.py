"""A Parquet file -> documents, a row of the text column each, with its label. Room: text/ (bytes -> documents).

A Parquet file's bytes are compressed columns, so the ledger counts the UTF-8 bytes of the text column and, of labelled
texts, of the names of their classes, and nothing else. Used by reading.
Rows are numbered from 1 through all row groups. A null has no bytes and is an empty record. Needs pyarrow ([data]).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from textmill.config import DataConfig
from textmill.errors import InputError, MissingExtra, TextmillError
from textmill.messages import message
from textmill.text.columns import choose_column, utf8_size
from textmill.text.documents import BAD_RECORD, EMPTY, KEPT, LABELS, Document, Dropped, Found
from textmill.text.files import TextFile, open_unchanged
from textmill.text.label_columns import Columns, FirstRows, choose_columns, needs_columns, unlabelled
from textmill.text.labels import labels_of
from textmill.text.wording import damage, joined, not_installed

if TYPE_CHECKING:
    import pyarrow

BATCH_BYTES, LARGEST_BATCH = 1 << 22, 4096
"""About so many bytes of text, and at most so many rows, are held at once."""
MOST_ENTERED = 16
"""Row groups that a part of a file is taken from."""


def read_parquet(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The documents of a Parquet file, in the order of its rows; a text that is not UTF-8 is a bad record.

    Raises InputError for a damaged file, and where a column is not there, cannot be known or holds no strings or
    labels; MissingExtra without pyarrow.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra(
            not_installed(".parquet", "pyarrow"), where=file.name, hint="pip install 'textmill[data]'"
        ) from None
    with open_unchanged(file) as stream:
        with _damage_named(file):
            table = pyarrow.parquet.ParquetFile(stream, pre_buffer=False, buffer_size=1 << 20)
            schema = table.schema_arrow
        columns = _columns(schema, data, file)
        first_rows = FirstRows(file.name, columns, note)
        for groups, number, most in _portions(table, file.most_bytes):
            with _damage_named(file):
                batches = table.iter_batches(
                    _batch_size(table, columns.text), row_groups=groups, columns=list(columns.used)
                )
            n_bytes = 0
            while not most or n_bytes < most:
                with _damage_named(file, number + 1):
                    batch = next(batches, None)
                    rows = [] if batch is None else _rows(batch, columns)
                if batch is None:
                    break
                for row in rows:
                    number += 1
                    values = dict(zip(columns.used, row, strict=True))
                    item = _item(values, f"{file.name}#{number}", columns, data.label_separator)
                    if isinstance(item, Found):
                        first_rows.add(item.document)
                    yield item
                    n_bytes += item.n_bytes
                    if most and n_bytes >= most:
                        break
        first_rows.end()


def _portions(table: pyarrow.parquet.ParquetFile, most_bytes: int) -> Iterator[tuple[list[int] | None, int, int]]:
    """(row groups or all, rows before them, most bytes of text or 0): all at once, or some groups, spread."""
    n_groups = table.metadata.num_row_groups
    if not most_bytes:
        yield None, 0, 0
        return
    n_entered = min(n_groups, MOST_ENTERED)
    before = [0, *accumulate(table.metadata.row_group(n).num_rows for n in range(n_groups))]
    for place in range(n_entered):
        group = place * n_groups // n_entered
        yield [group], before[group], max(1, most_bytes // n_entered)


def _item(row: dict[str, Any], where: str, columns: Columns, separator: str | None) -> Found | Dropped:
    """row: column -> value."""
    text = row[columns.text]
    if text is None:
        return Dropped(EMPTY, 0, where)
    n_bytes = len(text) if isinstance(text, bytes) else utf8_size(text)
    try:
        row = {name: _decoded(value) for name, value in row.items()}
    except UnicodeDecodeError as error:
        reason = message("not UTF-8: %(error)s (byte %(place)s)", error=error.reason, place=error.start)
        return Dropped(BAD_RECORD, n_bytes, where, reason)
    text = row[columns.text]
    if not text.strip():
        return Dropped(EMPTY, n_bytes, where)
    if columns.kept:
        kept = {role: "" if row[column] is None else str(row[column]) for role, column in columns.kept}
        return Found(Document(text, where, {KEPT: kept}), n_bytes)
    if columns.label is None:
        return Found(Document(text, where), n_bytes)
    names = labels_of(row[columns.label], separator)
    if not names:
        return unlabelled(n_bytes, where, columns)
    return Found(Document(text, where, {LABELS: names}), n_bytes, label=sum(map(utf8_size, names)))


def _decoded(value: Any) -> Any:
    """The same with strings for bytes, in a list too. Raises UnicodeDecodeError."""
    if isinstance(value, list):
        return [_decoded(part) for part in value]
    return value.decode() if isinstance(value, bytes) else value


def _rows(batch: pyarrow.RecordBatch, columns: Columns) -> list[tuple[Any, ...]]:
    return list(zip(*(_values(batch.column(name)) for name in columns.used), strict=True))


def _values(column: pyarrow.Array) -> list[Any]:
    """The column's values; as bytes where one of them is not UTF-8, which the format forbids and files do."""
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pyarrow.types.is_float32(column.type) or pyarrow.types.is_float16(column.type):
        return [float(str(value)) for value in column.to_numpy(zero_copy_only=False)]  # 0.1, not 0.10000000149011612
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return list(column.cast(pyarrow.large_binary()).to_pylist())


def _columns(schema: pyarrow.Schema, data: DataConfig, file: TextFile) -> Columns:
    if needs_columns(file, data):
        texts = [field.name for field in schema if _holds_strings(field.type)]
        columns = choose_columns(schema.names, data, file.kept, file.name, texts)
    else:
        columns = Columns(choose_column(schema.names, data.text, file.name))
    for name in columns.used:
        if schema.names.count(name) > 1:
            raise InputError(
                message("two columns are called '%(name)s'", name=name),
                where=file.name,
                hint=message("rename one of them"),
            )
    name = columns.text
    type_ = schema.field(name).type
    if not _holds_strings(type_):
        texts = [field.name for field in schema if _holds_strings(field.type)]
        raise InputError(
            message("the column '%(name)s' holds %(type)s, not strings", name=name, type=type_),
            where=file.name,
            hint=message("columns of strings are: %(names)s. Choose one with: --data.text NAME", names=joined(texts))
            if texts
            else None,
        )
    if columns.label is not None and not _holds_labels(schema.field(columns.label).type):
        raise InputError(
            message(
                "the column '%(name)s' holds %(type)s, not labels",
                name=columns.label,
                type=schema.field(columns.label).type,
            ),
            where=file.name,
            hint=message("labels are strings, numbers, true or false, or lists of them: --data.label NAME"),
        )
    return columns


def _holds_strings(type_: pyarrow.DataType) -> bool:
    import pyarrow

    if pyarrow.types.is_dictionary(type_):
        type_ = type_.value_type
    return bool(
        pyarrow.types.is_string(type_) or pyarrow.types.is_large_string(type_) or pyarrow.types.is_string_view(type_)
    )


def _holds_labels(type_: pyarrow.DataType) -> bool:
    import pyarrow

    types = pyarrow.types
    if types.is_list(type_) or types.is_large_list(type_) or types.is_dictionary(type_):
        type_ = type_.value_type
    is_number = types.is_integer(type_) or types.is_floating(type_) or types.is_decimal(type_)
    return bool(_holds_strings(type_) or is_number or types.is_boolean(type_) or types.is_null(type_))


def _batch_size(table: pyarrow.parquet.ParquetFile, name: str) -> int:
    """Rows that hold about BATCH_BYTES of text, by the row group whose texts are longest."""
    longest = 1.0
    leaf = next(i for i in range(len(table.schema)) if table.schema.column(i).path == name)
    for number in range(table.metadata.num_row_groups):
        group = table.metadata.row_group(number)
        longest = max(longest, group.column(leaf).total_uncompressed_size / max(1, group.num_rows))
    return max(1, min(LARGEST_BATCH, int(BATCH_BYTES / longest)))


@contextmanager
def _damage_named(file: TextFile, row: int | None = None) -> Iterator[None]:
    """Whatever pyarrow says of a damaged file, as an error that names it."""
    try:
        yield
    except TextmillError:
        raise
    except Exception as error:
        place = f"{file.name}#{row}" if row else file.name
        raise InputError(
            damage("Parquet file", error),
            where=place,
            hint=message("fetch or write it anew"),
        ) from None
