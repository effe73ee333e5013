"""The text column of a Parquet file -> documents, a row each. Room: text/ (bytes -> documents). Used by reading.

A Parquet file's bytes are compressed columns, so the ledger counts the UTF-8 bytes of the text column and nothing else.
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
from textmill.text.documents import BAD_RECORD, EMPTY, Document, Dropped, Found
from textmill.text.files import TextFile, open_unchanged
from textmill.text.wording import damage, joined, not_installed

if TYPE_CHECKING:
    import pyarrow

BATCH_BYTES, LARGEST_BATCH = 1 << 22, 4096
"""About so many bytes of text, and at most so many rows, are held at once."""
MOST_ENTERED = 16
"""Row groups that a part of a file is taken from."""


def read_parquet(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The documents of a Parquet file, in the order of its rows; a text that is not UTF-8 is a bad record.

    Raises InputError for a damaged file, and where the text column is not there, cannot be known or holds no strings;
    MissingExtra without pyarrow.
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
        name = _text_column(schema, data, file)
        for groups, number, most in _portions(table, file.most_bytes):
            with _damage_named(file):
                batches = table.iter_batches(_batch_size(table, name), row_groups=groups, columns=[name])
            n_bytes = 0
            while not most or n_bytes < most:
                with _damage_named(file, number + 1):
                    batch = next(batches, None)
                    values = [] if batch is None else _values(batch.column(0))
                if batch is None:
                    break
                for value in values:
                    number += 1
                    item = _item(value, f"{file.name}#{number}")
                    yield item
                    n_bytes += item.n_bytes
                    if most and n_bytes >= most:
                        break


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


def _item(value: str | bytes | None, where: str) -> Found | Dropped:
    if value is None:
        return Dropped(EMPTY, 0, where)
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError as error:
            reason = message("not UTF-8: %(error)s (byte %(place)s)", error=error.reason, place=error.start)
            return Dropped(BAD_RECORD, len(value), where, reason)
    n_bytes = utf8_size(value)
    return Found(Document(value, where), n_bytes) if value.strip() else Dropped(EMPTY, n_bytes, where)


def _values(column: pyarrow.Array) -> list[Any]:
    """The column's values; as bytes where one of them is not UTF-8, which the format forbids and files do."""
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return list(column.cast(pyarrow.large_binary()).to_pylist())


def _text_column(schema: pyarrow.Schema, data: DataConfig, file: TextFile) -> str:
    name = choose_column(schema.names, data.text, file.name)
    if schema.names.count(name) > 1:
        raise InputError(
            message("two columns are called '%(name)s'", name=name), where=file.name, hint=message("rename one of them")
        )
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
    return name


def _holds_strings(type_: pyarrow.DataType) -> bool:
    import pyarrow

    if pyarrow.types.is_dictionary(type_):
        type_ = type_.value_type
    return bool(
        pyarrow.types.is_string(type_) or pyarrow.types.is_large_string(type_) or pyarrow.types.is_string_view(type_)
    )


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
