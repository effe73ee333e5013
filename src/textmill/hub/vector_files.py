"""Files of word vectors, as word2vec and GloVe write them <-> words and a table. Room: hub/ (other formats <-> ours).

    layout            first line        then
    word2vec text     `words width`     a word and its numbers a line
    word2vec binary   `words width`     a word, a blank, its numbers as 32-bit floats (little endian), again and again
    GloVe             none              a word and its numbers a line; the word may hold blanks (glove.840B)

Each may be packed by gzip. What can run a program when it is read (a pickle, as gensim saves its models) is refused and
never read. Used by the verb `vectors` and by training, which begins with the vectors of known words.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from textmill.errors import Damaged, InputError
from textmill.files import new_file, sha256_of

Layout = Literal["word2vec", "word2vec-binary", "glove"]
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
PICKLE = re.compile(rb"\x80[\x02-\x05]")
HEADER = re.compile(rb"\s*(\d{1,12})\s+(\d{1,7})\s*\Z")
LINES_LOOKED_AT = 20
"""By which the width of a file without a first line is told: words may hold blanks, and end in numbers."""
LONGEST_LINE, LONGEST_WORD, WIDEST = 1 << 22, 1 << 14, 1 << 16
KINDS = "word2vec (text or binary) or GloVe, .gz or not"


@dataclass(frozen=True)
class VectorFile:
    """words: in the file's order, each once. vectors: (N, D). n_words: that the file holds, wanted or not. n_repeated:
    of a word that stands there again the first counts. n_unreadable: words that are no UTF-8, left out."""

    path: Path
    layout: Layout
    words: list[str]
    vectors: NDArray[np.float32]
    n_words: int
    n_repeated: int
    n_unreadable: int

    @property
    def width(self) -> int:
        return int(self.vectors.shape[1])

    @property
    def sha256(self) -> str:
        return sha256_of(self.path)


def read_vectors(path: Path | str, wanted: Collection[str] | None = None) -> VectorFile:
    """The word vectors of a file. wanted: words to keep; None = all of them.

    Raises InputError, naming the line or the word, for a file that is none, a pickle, a number that is NaN or infinite,
    and a line of another width; Damaged for a file that is cut off.
    """
    path = Path(path)
    with opened(path) as file:
        begin = file.peek(4)[:4]
        refuse_others(begin, path)
        first = file.readline(LONGEST_LINE)
        header = HEADER.match(first)
        if header is None:
            sample = [first, *islice(iter(lambda: file.readline(LONGEST_LINE), b""), LINES_LOOKED_AT - 1)]
            width = width_of(sample)
            if not width:
                raise InputError(
                    "these are no word vectors",
                    where=f"{path}:1",
                    hint=f"Read are {KINDS}: a first line with two whole numbers, or a word and its numbers a line.",
                )
            return collected(path, "glove", text_rows(path, chained(sample, file), width, 1), width, wanted)
        n_words, width = int(header[1]), int(header[2])
        if not 1 <= width <= WIDEST or not n_words:
            raise InputError(f"its first line says {n_words:,} words of width {width:,}", where=f"{path}:1")
        ahead = file.peek(1)
        second = file.readline(LONGEST_LINE) if is_text(ahead) else b""
        if second and len(fields_of(second, width)) == width + 1 and all_numbers(fields_of(second, width)[1:]):
            rows = text_rows(path, chained([second], file), width, 2)
            return collected(path, "word2vec", rows, width, wanted, n_words)
        if second and is_text(second) and second.endswith(b"\n") and len(second) < width:
            raise InputError(
                f"a word and {width:,} numbers were to stand here, as the first line says", where=f"{path}:2"
            )
        return collected(
            path, "word2vec-binary", binary_rows(path, Ahead(second, file), n_words, width), width, wanted, n_words
        )


def collected(
    path: Path,
    layout: Layout,
    rows: Iterator[tuple[bytes, Callable[[], NDArray[np.float32]], str]],
    width: int,
    wanted: Collection[str] | None,
    n_said: int | None = None,
) -> VectorFile:
    """rows: (word, what gives its vector, where it stands)."""
    keep = None if wanted is None else frozenset(wanted)
    vectors: dict[str, NDArray[np.float32]] = {}
    seen: set[str] = set()
    counts: Counter[str] = Counter()
    for raw, vector_of, where in rows:
        counts["words"] += 1
        try:
            word = raw.decode()
        except UnicodeDecodeError:
            counts["unreadable"] += 1
            continue
        if word in seen:
            counts["repeated"] += 1
            continue
        seen.add(word)
        if keep is not None and word not in keep:
            continue
        vector = vector_of()
        if not np.isfinite(vector).all():
            raise InputError(f"the vector of {word!r} holds what is no finite number (NaN or infinity)", where=where)
        vectors[word] = vector
    if n_said is not None and n_said != counts["words"]:
        raise Damaged(
            f"its first line says {n_said:,} words, and it holds {counts['words']:,}",
            where=str(path),
            hint="It may be cut off: fetch it again.",
        )
    table = np.stack(list(vectors.values())) if vectors else np.zeros((0, width), dtype=np.float32)
    return VectorFile(path, layout, list(vectors), table, counts["words"], counts["repeated"], counts["unreadable"])


# --- text


def text_rows(
    path: Path, lines: Iterator[bytes], width: int, first: int
) -> Iterator[tuple[bytes, Callable[[], NDArray[np.float32]], str]]:
    for number, line in enumerate(lines, start=first):
        where = f"{path}:{number}"
        if not line.strip():
            continue
        fields = fields_of(line, width)
        if len(fields) != width + 1:
            raise InputError(
                f"a word and {width:,} numbers were to stand here, and there are {len(fields) - 1:,} numbers",
                where=where,
            )
        yield fields[0], lambda fields=fields, where=where: numbers_of(fields[1:], where), where  # type: ignore[misc]


def fields_of(line: bytes, width: int) -> list[bytes]:
    """A word, which may hold blanks, and what stands behind it: from the right."""
    return line.rstrip(b" \t\r\n").replace(b"\t", b" ").rsplit(b" ", width)


def numbers_of(fields: Sequence[bytes], where: str) -> NDArray[np.float32]:
    try:
        return np.array(fields, dtype=np.float32)
    except ValueError:
        bad = next((field for field in fields if not all_numbers([field])), b"")
        raise InputError(f"{bad.decode(errors='replace')[:40]!r} is no number", where=where) from None


def all_numbers(fields: Sequence[bytes]) -> bool:
    try:
        np.array(fields, dtype=np.float32)
    except ValueError:
        return False
    return True


def width_of(lines: Sequence[bytes]) -> int:
    """Numbers behind a word, in most of these lines: a word may hold blanks, and end in a number itself. 0: these are
    no such lines."""
    widths: Counter[int] = Counter()
    for line in lines:
        fields = line.split()
        n = 0
        while n < len(fields) - 1 and all_numbers([fields[-1 - n]]):
            n += 1
        widths[n] += bool(fields)
    return widths.most_common(1)[0][0]


# --- binary


class Ahead:
    """A file of which some bytes were read already."""

    def __init__(self, ahead: bytes, file: IO[bytes]):
        self.ahead, self.file = ahead, file

    def read(self, n: int) -> bytes:
        found, self.ahead = self.ahead[:n], self.ahead[n:]
        return found + self.file.read(n - len(found)) if len(found) < n else found


def binary_rows(
    path: Path, file: Ahead, n_words: int, width: int
) -> Iterator[tuple[bytes, Callable[[], NDArray[np.float32]], str]]:
    """As word2vec.c writes them: each vector is followed by a line end, which some writers leave out."""
    for number in range(1, n_words + 1):
        word = bytearray()
        while (byte := file.read(1)) != b" ":
            if not byte:
                raise Damaged(f"it ends after {number - 1:,} of {n_words:,} words", where=str(path))
            if byte != b"\n" or word:
                word += byte
            if len(word) > LONGEST_WORD:
                raise InputError(
                    f"its word {number:,} has no end: these are no word vectors",
                    where=str(path),
                    hint=f"Read are {KINDS}.",
                )
        raw = file.read(4 * width)
        if len(raw) < 4 * width:
            raise Damaged(f"it ends within word {number:,} of {n_words:,}", where=str(path))
        where = f"{path}: word {number:,}"
        yield bytes(word), lambda raw=raw: np.frombuffer(raw, dtype="<f4"), where  # type: ignore[misc]
    if file.read(LONGEST_WORD).strip():
        raise Damaged(f"more follows its {n_words:,} words", where=str(path))


def is_text(content: bytes) -> bool:
    """Whether bytes that may end within a character are text without control characters."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        if error.end < len(content) or len(content) - error.start > 3:
            return False
        text = content[: error.start].decode()
    return all(c.isprintable() or c in "\t\r\n\u00a0\u0085\u200b" for c in text)


# --- files


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The bytes of a file, unpacked where it is packed. Raises InputError where it cannot be read."""
    try:
        with path.open("rb") as raw:
            if raw.peek(2)[:2] != GZIP:
                yield raw
                return
            with gzip.open(raw) as unpacked:
                yield unpacked
    except gzip.BadGzipFile as error:
        raise Damaged(f"this is no whole gzip file ({error})", where=str(path)) from None
    except EOFError:
        raise Damaged("this gzip file is cut off", where=str(path), hint="Fetch it again.") from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=str(path)) from None


def refuse_others(begin: bytes, path: Path) -> None:
    """Raises InputError for an empty file, and for what is not read."""
    if not begin:
        raise InputError("the file is empty", where=str(path))
    if PICKLE.match(begin):
        raise InputError(
            "this is a pickle (a model that gensim saved?), which can run any program when it is read: it is not",
            where=str(path),
            hint="Where it comes from, write it as text: model.wv.save_word2vec_format('words.vec')",
        )
    if begin == ZIP:
        raise InputError("this is a zip archive", where=str(path), hint="Unpack it, and name the file in it.")


def chained(before: Sequence[bytes], file: Any) -> Iterator[bytes]:
    yield from before
    yield from iter(lambda: file.readline(LONGEST_LINE), b"")


def write_vectors(path: Path, words: Sequence[str], vectors: NDArray[np.float32]) -> None:
    """Write word vectors as word2vec's text, which read_vectors and other tools read; packed where the name ends in
    .gz. Every number comes back to the bit. Raises NoSpace."""
    assert not any(set(word) & set(" \t\r\n") for word in words), "a word holds no blank"
    with new_file(path) as raw:
        if path.suffix != ".gz":
            _write(raw, words, vectors)
            return
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
            _write(packed, words, vectors)


def _write(file: Any, words: Sequence[str], vectors: NDArray[np.float32]) -> None:
    file.write(f"{len(words)} {vectors.shape[1]}\n".encode())
    for word, vector in zip(words, vectors, strict=True):
        file.write(f"{word} {' '.join(f'{number:.9g}' for number in vector.tolist())}\n".encode())
