"""Paths -> files in a fixed order, each examined before a byte of it is used. Room: text/ (bytes -> documents).

Used by reading and splits. A file named by the person must be readable text, or it is an error; inside a folder, what
cannot be read is dropped with a name (`other:pdf`, `other:hidden`, `other:not-utf-8`) and said. Links named by the
person are followed; links inside folders are not, so no file is read twice and no walk leaves the folder.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from textmill.errors import InputError, did_you_mean
from textmill.text.documents import Part
from textmill.text.wording import counted, some_of

FORMATS = {".txt": "text", ".md": "text", ".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl"}
FORMAT_LIST = " ".join(FORMATS)
BOM = codecs.BOM_UTF8

SPLIT_WORDS: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


@dataclass(frozen=True)
class TextFile:
    """A file to read, or to name as dropped. The facts behind `examined` stand in only after `examine`."""

    path: Path
    name: str
    """As it is shown: the person's path, or python-docs/MODULE.py."""
    format: str
    """text, csv, tsv, jsonl, python-module, python-topics; "" for a file that is dropped whole."""
    named: bool = False
    """The person named this very file."""
    below: tuple[str, ...] = ()
    """Names from the given path down to the file: where split names are looked for."""
    dropped_as: str = ""
    """The category of a file that is dropped whole."""
    part: Part | None = None
    """The part it belongs to by a flag or by its name; None: it is split."""
    encoding: str = "unknown"
    n_bytes: int = 0
    sha256: str = ""
    stamp: tuple[int, int] = (0, 0)
    """Size and modification time when it was examined: a file that changes while it is read is an error."""


def printable(path: str | os.PathLike[str]) -> str:
    """A path as valid text: bytes of a file name that are not UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


# -- finding -----------------------------------------------------------------------------------------------------------


def find_files(paths: Iterable[str], notes: list[str]) -> list[TextFile]:
    """The files of `paths`, folders walked in sorted order; each file once. Notes say what is not read.

    Raises InputError for a path that is missing, is no file (pipe, device), has an extension that is not read, or is
    a folder with nothing readable.
    """
    from textmill.text import python_docs

    files: list[TextFile] = []
    seen: set[str] = set()
    repeated: list[str] = []
    for given in paths:
        found = python_docs.find(given) if given.startswith("builtin:") else _find(given, notes)
        for file in found:
            real = os.path.realpath(file.path)
            if real in seen:
                repeated.append(file.name)
                continue
            seen.add(real)
            files.append(file)
    if repeated:
        notes.append(f"Named more than once and read once: {some_of(repeated)}.")
    return files


def _find(given: str, notes: list[str]) -> list[TextFile]:
    if given == "-":
        raise InputError(
            "standard input is not a file: it must be copied to one first",
            where="-",
            hint="inside textmill: text.keep_stdin(folder) gives the copy's path",
        )
    path = Path(given)
    name = printable(given)
    try:
        status = path.stat()
    except FileNotFoundError:
        raise _missing(path, name, given) from None
    except PermissionError:
        raise InputError("cannot be read: permission denied", where=name) from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=name) from None
    if stat.S_ISDIR(status.st_mode):
        return _folder(path, name, notes)
    if not stat.S_ISREG(status.st_mode):
        raise InputError(
            f"is a {_kind(status.st_mode)}, not a file or a folder",
            where=name,
            hint="for a stream, name '-' and pipe it in; or store it in a file first",
        )
    suffix = path.suffix.lower()
    if suffix and suffix not in FORMATS:
        raise InputError(
            f"files of the kind '{suffix}' are not read",
            where=name,
            hint=f"read are {FORMAT_LIST}; a plain text under another name can be renamed to .txt",
        )
    if not suffix:
        notes.append(f"{name} has no extension and is read as plain text.")
    return [TextFile(path, name, FORMATS.get(suffix, "text"), named=True, below=(path.name,))]


def _missing(path: Path, name: str, given: str) -> InputError:
    if path.is_symlink():
        return InputError(f"is a link to nothing ({printable(path.readlink())})", where=name)
    if given.startswith(("hf:", "pypi:")):
        return InputError(
            "catalogue data sets are not read yet",
            where=name,
            hint="name a file or a folder; or builtin:python-docs, which needs no download",
        )
    parent = path.parent
    known = [entry.name for entry in os.scandir(parent)] if parent.is_dir() and os.access(parent, os.R_OK) else []
    near = did_you_mean(path.name, known)
    return InputError("no such file or folder", where=name, hint=near)


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFBLK: "device", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "special file")


class _Walk:
    """One walk through a folder: files in sorted order, and the names of what is passed over."""

    def __init__(self, name: str):
        self.name = name
        self.links: list[str] = []
        self.specials: list[str] = []
        self.hidden_folders: list[str] = []

    def files(self, folder: Path, name: str, below: tuple[str, ...]) -> Iterator[TextFile]:
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except PermissionError:
            raise InputError("the folder cannot be listed: permission denied", where=name) from None
        for entry in entries:
            path = folder / entry.name
            shown = f"{name.rstrip('/')}/{printable(entry.name)}"
            hidden = entry.name.startswith(".")
            if entry.is_symlink():
                self.links.append(shown)
            elif entry.is_dir(follow_symlinks=False):
                if hidden:
                    self.hidden_folders.append(shown)
                else:
                    yield from self.files(path, shown, (*below, entry.name))
            elif entry.is_file(follow_symlinks=False):
                suffix = Path(entry.name).suffix.lower()
                format_ = "" if hidden else FORMATS.get(suffix, "")
                dropped_as = "" if format_ else f"other:{'hidden' if hidden else _extension(suffix)}"
                yield TextFile(path, shown, format_, below=(*below, entry.name), dropped_as=dropped_as)
            else:
                self.specials.append(shown)


def _extension(suffix: str) -> str:
    if not suffix:
        return "no-extension"
    word = suffix[1:]
    return word if re.fullmatch(r"[a-z0-9_+-]{1,12}", word) else "unknown-extension"


def _folder(path: Path, name: str, notes: list[str]) -> list[TextFile]:
    walk = _Walk(name)
    files = list(walk.files(path, name, (path.name,)))
    by_kind: dict[str, list[str]] = {}
    for file in files:
        if file.dropped_as:
            by_kind.setdefault(file.dropped_as, []).append(file.name)
    passed_over = [f"{len(names)} × {kind}" for kind, names in sorted(by_kind.items())]
    if walk.links:
        passed_over.append(counted(len(walk.links), "link"))
    if walk.hidden_folders:
        passed_over.append(counted(len(walk.hidden_folders), "hidden folder"))
    if all(file.dropped_as for file in files):
        held = f": it holds {', '.join(passed_over)}" if passed_over else ": it is empty"
        raise InputError(f"nothing readable in this folder{held}", where=name, hint=f"read are {FORMAT_LIST}")
    for kind, names in sorted(by_kind.items()):
        notes.append(f"Not read, counted as {kind}: {some_of(names)}.")
    if walk.links:
        notes.append(f"Links inside folders are not followed: {some_of(walk.links)}. Name a link itself to read it.")
    if walk.hidden_folders:
        notes.append(f"Hidden folders are not entered: {some_of(walk.hidden_folders)}.")
    if walk.specials:
        notes.append(f"Neither files nor folders, not read: {some_of(walk.specials)}.")
    return files


# -- examining ---------------------------------------------------------------------------------------------------------

CHUNK = 1 << 18


def examine(file: TextFile, strict: bool, notes: list[str]) -> TextFile:
    """The file with its facts: size, sha256, encoding; one pass in small pieces.

    Bytes that are not UTF-8 are an InputError with their position where the person named the file, or with `strict`;
    inside a folder the file is dropped whole as other:not-utf-8, and the note gives the position.
    """
    with open_bytes(file) as stream:
        status = os.fstat(stream.fileno())
        digest = hashlib.sha256()
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        head = b""
        n_bytes = 0
        problem: InputError | None = None
        while chunk := _read(file, stream):
            head = head or chunk[:65536]
            digest.update(chunk)
            if problem is None:
                problem = _decoding_problem(file, decoder, chunk, n_bytes, head, final=False)
            n_bytes += len(chunk)
        if problem is None:
            problem = _decoding_problem(file, decoder, b"", n_bytes, head, final=True)
    if problem is None and _looks_like_utf16(head):
        problem = InputError(
            "a quarter or more of its bytes are NUL: this is UTF-16 or a binary file, not UTF-8 text",
            where=f"{file.name}: byte {head.index(0)}",
            hint="other encodings than UTF-8 are not read yet: convert it first (iconv -t UTF-8)",
        )
    facts = {
        "n_bytes": n_bytes,
        "sha256": digest.hexdigest(),
        "stamp": (status.st_size, status.st_mtime_ns),
    }
    if file.dropped_as:
        return replace(file, **facts)  # type: ignore[arg-type]
    if problem is not None:
        if file.named or strict:
            raise problem
        notes.append(f"Not read, counted as other:not-utf-8: {problem.where}: {problem.message}.")
        return replace(file, format="", dropped_as="other:not-utf-8", **facts)  # type: ignore[arg-type]
    return replace(file, encoding="utf-8-sig" if head.startswith(BOM) else "utf-8", **facts)  # type: ignore[arg-type]


def _decoding_problem(
    file: TextFile, decoder: codecs.IncrementalDecoder, chunk: bytes, offset: int, head: bytes, final: bool
) -> InputError | None:
    """Why these bytes are not UTF-8, with the position in the file, or None. `offset`: bytes before `chunk`."""
    pending = len(decoder.getstate()[0])
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        position = offset - pending + error.start
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            guess = "it starts like UTF-16"
        elif b"\x00" in head:
            guess = "it looks like a binary file"
        else:
            guess = "it may be in another encoding, or damaged"
        return InputError(
            f"not UTF-8: 0x{error.object[error.start]:02x} cannot stand there ({error.reason}); {guess}",
            where=f"{file.name}: byte {position}",
            hint="other encodings than UTF-8 are not read yet: convert it first (iconv -f OLD -t UTF-8)",
        )
    return None


def _looks_like_utf16(head: bytes) -> bool:
    """ASCII in UTF-16 without its mark is valid UTF-8 with every second byte NUL. A stray NUL is text."""
    n_nul = head.count(0)
    return n_nul >= 8 and n_nul * 4 >= len(head)


def open_bytes(file: TextFile) -> BinaryIO:
    """The file, opened at its first byte. Raises InputError where it cannot be."""
    try:
        return file.path.open("rb")
    except PermissionError:
        raise InputError("cannot be read: permission denied", where=file.name) from None
    except FileNotFoundError:
        raise changed(file) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=file.name) from None


def _read(file: TextFile, stream: BinaryIO) -> bytes:
    """The next piece of a file. Raises InputError where the disk, or whatever it lies on, does not give it."""
    try:
        return stream.read(CHUNK)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=file.name) from None


def open_text(file: TextFile) -> BinaryIO:
    """An examined file, opened behind its byte-order mark. Raises InputError if it changed since it was examined."""
    stream = open_bytes(file)
    status = os.fstat(stream.fileno())
    if (status.st_size, status.st_mtime_ns) != file.stamp:
        stream.close()
        raise changed(file)
    if file.encoding == "utf-8-sig":
        stream.seek(len(BOM))
    return stream


def changed(file: TextFile) -> InputError:
    """The error for a file that is not what it was a moment ago."""
    return InputError("changed while it was read", where=file.name, hint="let it be finished, then repeat the command")


# -- parts by name -----------------------------------------------------------------------------------------------------


def part_named(below: tuple[str, ...]) -> tuple[Part, bool] | None:
    """The part that a file's name or its folders' names say, and whether one is exactly the word (`dev.txt`).

    A name that is the word goes before one that holds it (`news-test.txt`); the file before its folders. A name that
    holds words of two parts says nothing. Words and delimiters as in Hugging Face `datasets` (data_files.py).

    >>> part_named(("corpus", "train", "a.txt")), part_named(("news-dev.csv",)), part_named(("latest.txt",))
    (('train', True), ('validation', False), None)
    """
    stems = [name.lower() for name in below[:-1]] + [Path(below[-1]).stem.lower()] if below else []
    for stem in reversed(stems):
        if stem in SPLIT_WORDS:
            return SPLIT_WORDS[stem], True
    # A folder that was given itself must be the word: all below it would follow a part of its name.
    for stem in reversed(stems[1:] if len(stems) > 1 else stems):
        parts = {SPLIT_WORDS[word] for word in re.split(r"[\W_\d]+", stem) if word in SPLIT_WORDS}
        if len(parts) == 1:
            return parts.pop(), False
    return None


def with_named_parts(files: Sequence[TextFile], notes: list[str]) -> list[TextFile]:
    """The files, each with the part that its name says. Names are passed over, and that is said, where following them
    would leave nothing to train on, or where a name only holds the word and no other name says train."""
    named = [None if file.dropped_as else part_named(file.below) for file in files]
    has_train = any(name and name[0] == "train" for name in named)
    parts = [name[0] if name and (name[1] or has_train) else None for name in named]
    loose = [file.name for file, name, part in zip(files, named, parts, strict=True) if name and not part]
    if loose:
        notes.append(f"Not taken as a split, because no other file is named train: {some_of(loose)}.")
    if not any(part in (None, "train") for file, part in zip(files, parts, strict=True) if not file.dropped_as):
        if any(parts):
            notes.append("The names say test or validation for all files: they are split as if they had no such names.")
        return list(files)
    for part in ("train", "validation", "test"):
        taken = [file.name for file, said in zip(files, parts, strict=True) if said == part]
        if taken and (part != "train" or any(said in ("validation", "test") for said in parts)):
            notes.append(f"Taken as {part} text by name: {some_of(taken)}.")
    held_apart = any(part in ("validation", "test") for part in parts)
    unnamed = [f.name for f, said in zip(files, parts, strict=True) if said is None and not f.dropped_as]
    if held_apart and unnamed:
        notes.append(f"No split name, taken as train text: {some_of(unnamed)}.")
    # "train" by name is the pool that is split, like a file without any such name.
    return [
        replace(file, part=part) if part in ("validation", "test") else file
        for file, part in zip(files, parts, strict=True)
    ]
