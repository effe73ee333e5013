"""Token ids on disk, memory-mapped. Room: tokens/ (documents -> ids -> batches). Written by tasks, read by everyone.

tokens.bin          every document and the mark after it, little-endian uint16 (uint32 from 65,537 ids on)
starts.bin          int64 (n_documents + 1): where each document begins in tokens.bin; its end
document_bytes.bin  int64: UTF-8 bytes of each document      document_chars.bin  int64: its code points
sources.bin, source_starts.bin    where each document came from, as text laid end to end
NAME.bin, NAME_starts.bin    of a named field: what a task keeps of each document beside its ids, such as its labels:
                             numbers of names, which stand in store.json
store.json          format, counts, and length, type and sha256 of each of these files; written last
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NoReturn, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError

from textmill.errors import Damaged, InputError, NoSpace, RunError
from textmill.files import new_folder, sha256_of, write_json

FORMAT = 1
COUNTED_TOGETHER = 2**22
HEADER = "store.json"
TOKENS, STARTS = "tokens.bin", "starts.bin"
BYTES, CHARS = "document_bytes.bin", "document_chars.bin"
SOURCES, SOURCE_STARTS = "sources.bin", "source_starts.bin"
FLUSH_BYTES = 4 << 20


class ArrayFacts(BaseModel):
    """A file that is one array: elements, their type, bytes on disk and their sha256."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dtype: Literal["<u2", "<u4", "<i8", "|u1"]
    length: NonNegativeInt
    size_bytes: NonNegativeInt
    sha256: str


class Header(BaseModel):
    """store.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    vocab_size: PositiveInt
    mark: NonNegativeInt
    n_documents: NonNegativeInt
    n_tokens: NonNegativeInt
    n_bytes: NonNegativeInt
    n_chars: NonNegativeInt
    files: dict[str, ArrayFacts]
    mark_is_last: bool = True
    """Of all ids; with tokenizers of other people's models it need not be."""
    names: dict[str, list[str]] = {}
    """Of each named field, the names that its numbers stand for."""


class ArrayWriter:
    """Appends to a file in pieces of FLUSH_BYTES; knows its length and sha256. No file stays open in between."""

    def __init__(self, path: Path, dtype: str):
        path.touch()
        self.path, self.dtype = path, np.dtype(dtype)
        self.length = 0
        self.n_pending_bytes = 0
        self._pending: list[bytes] = []
        self._digest = hashlib.sha256()

    def append(self, values: NDArray[Any]) -> None:
        self.append_bytes(values.astype(self.dtype, copy=False).tobytes())

    def append_number(self, value: int) -> None:
        """Many times as fast as an array of one."""
        self.append_bytes(value.to_bytes(self.dtype.itemsize, "little"))

    def append_bytes(self, data: bytes) -> None:
        """Elements as they lie in the file."""
        self.length += len(data) // self.dtype.itemsize
        self._pending.append(data)
        self.n_pending_bytes += len(data)
        if self.n_pending_bytes >= FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        data = b"".join(self._pending)
        with self.path.open("ab") as file:
            file.write(data)
        self._digest.update(data)
        self._pending, self.n_pending_bytes = [], 0

    @property
    def facts(self) -> ArrayFacts:
        return ArrayFacts(
            dtype=self.dtype.str,
            length=self.length,
            size_bytes=self.length * self.dtype.itemsize,
            sha256=self._digest.hexdigest(),
        )


class StoreWriter:
    """Writes a TokenStore document by document, in bounded memory.

    The folder appears whole, in close(); before that, and after any error, there is nothing of it.

    >>> with StoreWriter(folder, vocab_size=257) as writer:  # doctest: +SKIP
    ...     writer.add([104, 105], n_bytes=2, n_chars=2, source="a.txt:1")
    """

    def __init__(
        self,
        folder: Path | str,
        vocab_size: int,
        n_bytes_expected: int | None = None,
        fields: Sequence[str] = (),
        mark: int | None = None,
        holds_marks: bool = False,
    ):
        """vocab_size: control token included; mark: its id, by default the last. holds_marks: documents may hold it.
        n_bytes_expected: of the text, where known, so that a full disk is told with the space needed. fields: what is
        kept of each document beside its ids, such as labels. Raises RunError where the folder has content, NoSpace.
        """
        self.folder = Path(folder)
        self.vocab_size, self.mark = vocab_size, vocab_size - 1 if mark is None else mark
        self._holds_marks = holds_marks
        self._n_bytes_expected = n_bytes_expected
        self._n_bytes = self._n_chars = 0
        self._arrays: dict[str, ArrayWriter] = {}
        self._names: dict[str, dict[str, int]] = {name: {} for name in fields}
        if self.folder.exists() and any(self.folder.iterdir()):
            raise RunError("there is something here already: no store is written over it", where=str(self.folder))
        self._making = new_folder(self.folder)
        self._temporary = self._making.__enter__()
        self._open = True
        types = {
            TOKENS: "<u2" if vocab_size <= 1 << 16 else "<u4",
            STARTS: "<i8",
            BYTES: "<i8",
            CHARS: "<i8",
            SOURCES: "|u1",
            SOURCE_STARTS: "<i8",
        }
        for name in fields:
            types |= dict.fromkeys(files_of_field(name), "<i8")
        with self._or_nothing():
            for name, dtype in types.items():
                self._arrays[name] = ArrayWriter(self._temporary / name, dtype)
            self._start_next_document()

    def add(self, ids: Sequence[int] | NDArray[Any], n_bytes: int, n_chars: int, source: str) -> None:
        """One document without a mark: the writer adds it. Raises InputError for an id out of range, NoSpace."""
        self.add_all([(ids, n_bytes, n_chars, source)])

    def add_all(
        self,
        documents: Sequence[tuple[Sequence[int] | NDArray[Any], int, int, str]],
        fields: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ) -> None:
        """add of each (ids, n_bytes, n_chars, source), in order; for many short ones in a tenth of the time.

        fields: of each of the writer's fields, what is kept of each of these documents: none, one or several names.
        """
        kept = fields or {}
        if set(kept) != set(self._names) or any(len(own) != len(documents) for own in kept.values()):
            raise ValueError(f"each document has the fields {sorted(self._names)}, and {sorted(kept)} were given")
        if not documents:
            return
        rows = [np.asarray(ids, dtype=None if len(ids) else np.int64) for ids, _, _, _ in documents]
        places = [self._as_stored(source) for _, _, _, source in documents]
        with self._or_nothing():
            ends = np.cumsum([len(row) for row in rows])
            tokens = np.concatenate(rows)
            if (first := self._first_wrong(tokens)) is not None:
                self._refuse(int(tokens[first]), documents[int(np.searchsorted(ends, first, side="right"))][3])
            firsts = self._arrays[TOKENS].length + ends + np.arange(1, len(rows) + 1)  # of the documents after these
            source_firsts = self._arrays[SOURCES].length + np.cumsum([len(place) for place in places])
            self._arrays[TOKENS].append(np.insert(tokens, ends, self.mark))
            self._arrays[BYTES].append(np.array([n_bytes for _, n_bytes, _, _ in documents]))
            self._arrays[CHARS].append(np.array([n_chars for _, _, n_chars, _ in documents]))
            self._arrays[SOURCES].append_bytes(b"".join(places))
            self._arrays[STARTS].append(firsts)
            self._arrays[SOURCE_STARTS].append(source_firsts)
            for name, rows_of_names in kept.items():
                self._add_field(name, rows_of_names)
        self._n_bytes += sum(n_bytes for _, n_bytes, _, _ in documents)
        self._n_chars += sum(n_chars for _, _, n_chars, _ in documents)

    def add_in_parts(self, parts: Iterable[NDArray[Any]], n_bytes: int, n_chars: int, source: str) -> None:
        """add of a document whose ids come one part after the other, as Tokenizer.encode_parts gives them."""
        if self._names:
            raise ValueError(f"each document has the fields {sorted(self._names)}: add_all takes them")
        with self._or_nothing():
            for tokens in parts:
                if (first := self._first_wrong(tokens)) is not None:
                    self._refuse(int(tokens[first]), source)
                self._arrays[TOKENS].append(tokens)
            self._arrays[TOKENS].append_number(self.mark)
            self._arrays[BYTES].append_number(n_bytes)
            self._arrays[CHARS].append_number(n_chars)
            self._arrays[SOURCES].append_bytes(self._as_stored(source))
            self._start_next_document()
        self._n_bytes += n_bytes
        self._n_chars += n_chars

    def close(self) -> TokenStore:
        """The store, whole and on disk. Raises NoSpace."""
        with self._or_nothing():
            for array in self._arrays.values():
                array.flush()
            header = Header(
                format=FORMAT,
                vocab_size=self.vocab_size,
                mark=self.mark,
                mark_is_last=self.mark == self.vocab_size - 1,
                n_documents=self._arrays[BYTES].length,
                n_tokens=self._arrays[TOKENS].length,
                n_bytes=self._n_bytes,
                n_chars=self._n_chars,
                files={name: array.facts for name, array in self._arrays.items()},
                names={name: list(numbers) for name, numbers in self._names.items()},
            )
            write_json(self._temporary / HEADER, header.model_dump(exclude_defaults=True))
        self._open = False
        self._making.__exit__(None, None, None)
        return TokenStore(self.folder)

    def abort(self) -> None:
        """Remove what was written; of a store that is closed, nothing."""
        if self._open:
            self._open = False
            abandoned = RunError("abandoned", where=str(self.folder))
            self._making.__exit__(RunError, abandoned, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is not None:
            self.abort()
        elif self._open:
            self.close()

    def _first_wrong(self, tokens: NDArray[Any]) -> int | None:
        """Where the first id stands that no document may hold."""
        if not len(tokens) or 0 <= tokens.min() <= tokens.max() < self.mark:
            return None
        marks = (tokens == self.mark) & (not self._holds_marks)
        wrong = np.flatnonzero((tokens < 0) | marks | (tokens >= self.vocab_size))
        return int(wrong[0]) if len(wrong) else None

    def _refuse(self, wrong: int, source: str) -> NoReturn:
        problem = "is the mark" if wrong == self.mark else f"is not one of {self.vocab_size:,}"
        raise InputError(f"id {wrong} {problem}: a document is stored without control tokens", where=source)

    def _add_field(self, name: str, rows: Sequence[Sequence[str]]) -> None:
        numbers, values, starts = self._names[name], *(self._arrays[file] for file in files_of_field(name))
        firsts = values.length + np.cumsum([len(row) for row in rows])
        values.append(np.array([numbers.setdefault(one, len(numbers)) for row in rows for one in row], dtype=np.int64))
        starts.append(firsts)

    @staticmethod
    def _as_stored(source: str) -> bytes:
        """A file name that is not UTF-8 has lone surrogates in Python: surrogatepass keeps them."""
        return source.encode(errors="surrogatepass")

    def _start_next_document(self) -> None:
        self._arrays[STARTS].append_number(self._arrays[TOKENS].length)
        self._arrays[SOURCE_STARTS].append_number(self._arrays[SOURCES].length)
        for name in self._names:
            values, starts = files_of_field(name)
            self._arrays[starts].append_number(self._arrays[values].length)

    @contextlib.contextmanager
    def _or_nothing(self) -> Iterator[None]:
        """On any error remove what was written; a full disk is told with the space needed."""
        assert self._open, "this store is closed"
        try:
            yield
        except BaseException as error:
            self.abort()
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpace(
                    f"the disk is full: {self._space_needed()}",
                    where=str(self.folder),
                    hint="Free some space and repeat the same command; nothing half-written was left behind.",
                ) from error
            raise

    def _space_needed(self) -> str:
        so_far = sum(array.facts.size_bytes for array in self._arrays.values())
        if self._n_bytes_expected is None:
            return f"the tokens of this text need more than {so_far:,} bytes"
        at_most = self._n_bytes_expected * self._arrays[TOKENS].dtype.itemsize  # a token is a byte of text or more
        return f"the tokens of this text need up to {max(at_most, so_far):,} bytes"


class TokenStore:
    """Documents as ids, read from disk when they are asked for. Opening costs a look at sizes, whatever they are."""

    def __init__(self, folder: Path | str):
        """Raises InputError where there is no store, RunError for another version's format, Damaged naming the file."""
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError("there is no token store here", where=str(self.folder))
        self._header = read_header(self.folder / HEADER)
        for name, facts in self._header.files.items():
            self._check_size(name, facts)
        self.vocab_size, self.mark = self._header.vocab_size, self._header.mark
        self.n_documents = self._header.n_documents
        self.n_tokens = self._header.n_tokens
        """Marks included."""
        self.n_bytes, self.n_chars = self._header.n_bytes, self._header.n_chars
        """Of the text: UTF-8 bytes and code points."""
        self._check_counts()

    # documents

    @cached_property
    def tokens(self) -> NDArray[Any]:
        """The whole stream (n_tokens,): document, mark, document, mark, ... uint16 or uint32, mapped from disk."""
        return self._array(TOKENS)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """int64 (n_documents + 1): document i with its mark is tokens[starts[i]:starts[i + 1]]."""
        return self._array(STARTS)

    def counts(self) -> NDArray[np.int64]:
        """How often each id stands in the store (V,)."""
        counts = np.zeros(self.vocab_size, dtype=np.int64)
        for start in range(0, len(self.tokens), COUNTED_TOGETHER):
            counts += np.bincount(self.tokens[start : start + COUNTED_TOGETHER], minlength=self.vocab_size)
        return counts

    def document(self, i: int) -> NDArray[np.int64]:
        """Ids of document i without its mark. Raises Damaged where it lies outside the tokens."""
        start, end = self._span(STARTS, self.starts, i, self.n_tokens)
        return self.tokens[start : end - 1].astype(np.int64)

    def document_bytes(self, i: int) -> int:
        """UTF-8 bytes of document i."""
        return int(self._document_bytes[self._checked(i)])

    def document_chars(self, i: int) -> int:
        """Code points of document i."""
        return int(self._document_chars[self._checked(i)])

    def source(self, i: int) -> str:
        """Where document i came from: "file:line" or "file#record"."""
        start, end = self._span(SOURCE_STARTS, self._source_starts, i, len(self._sources))
        return self._sources[start:end].tobytes().decode(errors="surrogatepass")

    @property
    def names(self) -> dict[str, list[str]]:
        """Of each named field, the names that occur in it, in the order in which they first do."""
        return self._header.names

    def field(self, name: str) -> list[tuple[str, ...]]:
        """What is kept of each document in a named field. Raises KeyError where the store has no such field, Damaged
        where it is not what was written."""
        names = self._header.names[name]
        values, starts = (self._array(file) for file in files_of_field(name))
        if len(values) and not 0 <= int(values.min()) <= int(values.max()) < len(names):
            raise self._damaged(files_of_field(name)[0], f"it names more than the {len(names):,} names of {name}")
        told = [names[number] for number in values.tolist()]
        return [tuple(told[first:last]) for first, last in pairwise(starts.tolist())]

    # wholeness

    def verify(self, full: bool = True) -> None:
        """Raises Damaged naming the first file that does not hold what store.json says.

        full: read everything, about a second for a GB. Otherwise all but the tokens: the index is whole, and each
        document lies where it was written. (Opening alone looks at sizes and ends.)
        """
        for name, facts in self._header.files.items():
            if (full or name != TOKENS) and sha256_of(self.folder / name) != facts.sha256:
                raise self._damaged(name, "its sha256 is not the one that was written")
        if self.n_documents and np.diff(self.starts).min() < 1:
            raise self._damaged(STARTS, "documents do not follow each other")
        if self.n_documents and np.diff(self._source_starts).min() < 0:
            raise self._damaged(SOURCE_STARTS, "sources do not follow each other")
        for field in self.names:
            if self.n_documents and np.diff(self._array(files_of_field(field)[1])).min() < 0:
                raise self._damaged(files_of_field(field)[1], "documents do not follow each other")
        if int(self._document_bytes.sum()) != self.n_bytes or int(self._document_chars.sum()) != self.n_chars:
            raise self._damaged(HEADER, "its counts are not those of the documents")
        if full and self.n_documents and (self.tokens[self.starts[1:] - 1] != self.mark).any():
            raise self._damaged(TOKENS, "a document does not end with the mark")

    def _check_size(self, name: str, facts: ArrayFacts) -> None:
        path = self.folder / name
        if Path(name).name != name:
            raise self._damaged(HEADER, f"{name!r} is no file of this folder")
        if facts.size_bytes != facts.length * np.dtype(facts.dtype).itemsize:
            raise self._damaged(HEADER, f"length and size of {name} contradict each other")
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            raise self._damaged(name, "the file is missing")
        if size != facts.size_bytes:
            raise self._damaged(name, f"it has {size:,} bytes instead of {facts.size_bytes:,}")

    def _check_counts(self) -> None:
        n_sources = self._header.files[SOURCES].length if SOURCES in self._header.files else 0
        expected = {
            TOKENS: self.n_tokens,
            STARTS: self.n_documents + 1,
            BYTES: self.n_documents,
            CHARS: self.n_documents,
            SOURCES: n_sources,
            SOURCE_STARTS: self.n_documents + 1,
        }
        fields = {}
        for field in self._header.names:
            of_values, of_starts = files_of_field(field)
            expected[of_starts] = self.n_documents + 1
            fields[of_starts] = self._header.files[of_values].length if of_values in self._header.files else 0
            expected[of_values] = fields[of_starts]
        for name, length in expected.items():
            if name not in self._header.files or self._header.files[name].length != length:
                raise self._damaged(HEADER, f"it does not describe {name} with {length:,} elements")
        if self.mark >= self.vocab_size or (self._header.mark_is_last and self.mark != self.vocab_size - 1):
            raise self._damaged(HEADER, f"mark {self.mark} is not the last of {self.vocab_size:,} ids")
        for name, starts, end in (
            (STARTS, self.starts, self.n_tokens),
            (SOURCE_STARTS, self._source_starts, n_sources),
            *((name, self._array(name), length) for name, length in fields.items()),
        ):
            if starts[0] != 0 or starts[-1] != end:
                raise self._damaged(name, "it does not begin at 0 and end with the last document")

    @cached_property
    def _document_bytes(self) -> NDArray[np.int64]:
        return self._array(BYTES)

    @cached_property
    def _document_chars(self) -> NDArray[np.int64]:
        return self._array(CHARS)

    @cached_property
    def _sources(self) -> NDArray[np.uint8]:
        return self._array(SOURCES)

    @cached_property
    def _source_starts(self) -> NDArray[np.int64]:
        return self._array(SOURCE_STARTS)

    def _array(self, name: str) -> NDArray[Any]:
        """A file of the store, mapped; as a plain array, because memmap's own slices are slow."""
        facts = self._header.files[name]
        if not facts.length:
            return np.empty(0, dtype=facts.dtype)  # an empty file cannot be mapped
        return np.memmap(self.folder / name, dtype=facts.dtype, mode="r").view(np.ndarray)

    def _checked(self, i: int) -> int:
        if not 0 <= i < self.n_documents:
            raise IndexError(f"document {i} of {self.n_documents}")
        return i

    def _span(self, name: str, starts: NDArray[np.int64], i: int, end_of_all: int) -> tuple[int, int]:
        start, end = starts[self._checked(i) : i + 2].tolist()
        if not 0 <= start <= end <= end_of_all or (name == STARTS and start == end):
            raise self._damaged(name, f"document {i} lies outside: {start:,} to {end:,}")
        return start, end

    def _damaged(self, name: str, problem: str) -> Damaged:
        return Damaged(
            problem,
            where=str(self.folder / name),
            hint="Delete the prepared text's folder and repeat the command: it is made anew from your files.",
        )


def files_of_field(name: str) -> tuple[str, str]:
    """Of a named field: the numbers of the names, and where each document's begin."""
    return f"{name}.bin", f"{name}_starts.bin"


def read_header(path: Path) -> Header:
    """store.json. Raises Damaged, or RunError for another version of the format."""
    try:
        header = Header.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise Damaged("the file is missing: the store was not finished", where=str(path)) from None
    except (OSError, ValidationError) as error:
        raise Damaged(f"this does not describe a store: {error}", where=str(path)) from error
    if header.format != FORMAT:
        raise RunError(f"this store has format {header.format}, this version reads {FORMAT}", where=str(path))
    return header
