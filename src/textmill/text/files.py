"""Paths -> files in a fixed order, each examined before a byte of it is used. Room: text/ (bytes -> documents).

Used by reading and splits. A file named by the person must be readable text, or it is an error; inside a folder or an
archive, what cannot be read is dropped with a name (`other:png`, `other:hidden`, `other:binary`) and said. Links named
by the person are followed; links inside folders are not, so no file is read twice and no walk leaves the folder.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shlex
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast

from textmill.errors import InputError, MissingExtra, did_you_mean
from textmill.messages import Message, message
from textmill.text.documents import Part
from textmill.text.encodings import CODECS, Detector, Finding
from textmill.text.opening import Bomb, CannotUnpack, Member, Place, in_one_piece, members_of, open_place, suffixes
from textmill.text.stretches import Stretched
from textmill.text.transcoding import Transcoded
from textmill.text.wording import PART_WORDS, advised, counted, joined_clauses, left_out_as, placed, some_of

if TYPE_CHECKING:
    from textmill.text.arriving import Arriving
    from textmill.text.worlds.made import Made

FORMATS = {
    ".txt": "text",
    ".md": "text",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".json": "json",
    ".tmx": "tmx",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".parquet": "parquet",
    ".pdf": "pdf",
    ".docx": "docx",
    ".epub": "epub",
}
FORMAT_LIST = f"{' '.join(FORMATS)}, each also as .gz .xz .bz2 .zst and inside .zip and .tar"
BINARY_FORMATS = frozenset(("parquet", "pdf", "docx", "epub"))
"""Their bytes are no text: they count as the UTF-8 of the text that is in them."""

DAMAGED, TOO_DEEP = "other:damaged", "other:archive-in-archive"

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
    """A value of FORMATS, world, python-module or python-topics; "" for a file that is dropped whole."""
    named: bool = False
    """The person named this very file."""
    below: tuple[str, ...] = ()
    """Names from the given path down to the file: where split names are looked for."""
    dropped_as: str = ""
    """The category of a file that is dropped whole."""
    part: Part | None = None
    """The part it belongs to by a flag or by its name; None: it is split."""
    archive: Place | None = None
    """The archive at `path` that it is a member of, or the one inside that; None: `path` is the file."""
    member: int = -1
    """Its number in the archive."""
    compression: str = ""
    """.gz, .xz, .bz2 or .zst, of the file or member."""
    packed_bytes: int = 0
    """Bytes that a member takes in the archive at `path`."""
    made: Made | Arriving | None = None
    """What makes its bytes, or where they come from, where no file holds them: `path` then is a name alone."""
    encoding: str = "unknown"
    mark: int = 0
    """Bytes of the byte-order mark."""
    has_bad_bytes: bool = False
    """Some of its bytes cannot be decoded, though it is UTF-8."""
    lines: tuple[str, ...] = ()
    """Three of its lines, where its encoding is not plain UTF-8: for the person to judge by."""
    n_bytes: int = 0
    """Unpacked; of a file in BINARY_FORMATS, as it lies."""
    sha256: str = ""
    stretches: tuple[tuple[int, int], ...] = ()
    """Only these bytes (start, end) of it are read, as if it held no others; (): all."""
    most_bytes: int = 0
    """Only about so many bytes of its text are read, spread over it (Parquet); 0: all."""
    of_bytes: int = 0
    """Its size, where only a part of it is read."""
    beside: TextFile | None = None
    """The file with the translation of its lines, where documents are pairs."""
    labels: tuple[str, ...] = ()
    """The label of all its documents, where its folder says it."""
    kept: tuple[tuple[str, str], ...] = ()
    """(role, column) of values that are kept beside each text, such as ("time", "date"); no label is read then."""
    stamp: tuple[int, int] = (0, 0)
    """Size and modification time of `path` when it was examined: a file that changes while it is read is an error."""

    @property
    def place(self) -> Place:
        """Where its bytes are."""
        return Place(self.path, self.name, self.compression, self.archive, self.member, self.packed_bytes)

    @property
    def identity(self) -> tuple[str, int, int]:
        """Equal for two names of one file."""
        path = os.path.realpath(self.path) if self.made is None else repr(self.made)
        return path, self.archive.member if self.archive else -1, self.member

    @property
    def codec(self) -> str:
        """What Python decodes it with."""
        return CODECS[self.encoding].python if self.encoding in CODECS else "utf-8"

    @property
    def is_transcoded(self) -> bool:
        """Its bytes are not those of its text in UTF-8, even without the mark."""
        return self.has_bad_bytes or self.codec != "utf-8"


def printable(path: str | os.PathLike[str]) -> str:
    """A path as valid text: bytes of a file name that are not UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


# -- finding -----------------------------------------------------------------------------------------------------------


IsText = Callable[[str], bool]
"""Whether files of an ending (".de") that is no format are read as plain text."""


def no_ending(ending: str) -> bool:
    return False


def find_files(paths: Iterable[str], notes: list[str], is_text: IsText = no_ending) -> list[TextFile]:
    """The files of `paths`, folders walked in sorted order; each file once. Notes say what is not read.

    Raises InputError for a path that is missing, is no file (pipe, device), has an extension that is not read, or is
    a folder with nothing readable.
    """
    from textmill.text import builtin, catalogue

    files: list[TextFile] = []
    seen: set[tuple[str, int, int]] = set()
    repeated: list[str] = []
    for given in paths:
        if given.startswith(builtin.BUILTIN):
            found = builtin.find(given, notes)
        elif given.startswith((catalogue.PYPI, catalogue.HUB)):
            found = catalogue.find(given, notes)
        else:
            found = _find(given, notes, is_text)
        for file in found:
            if file.identity in seen:
                repeated.append(file.name)
                continue
            seen.add(file.identity)
            files.append(file)
    if repeated:
        notes.append(message("Named more than once and read once: %(names)s.", names=some_of(repeated)))
    return files


def _find(given: str, notes: list[str], is_text: IsText) -> list[TextFile]:
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
        raise _missing(path, name) from None
    except PermissionError:
        raise InputError("cannot be read: permission denied", where=name) from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=name) from None
    if stat.S_ISDIR(status.st_mode):
        if is_run(path):
            raise InputError(
                "is a run, not text",
                where=name,
                hint=f"Name the folder with the text; what is in the run: textmill info {shlex.quote(name)}",
            )
        return _folder(path, name, notes, is_text)
    if not stat.S_ISREG(status.st_mode):
        raise InputError(
            f"is a {_kind(status.st_mode)}, not a file or a folder",
            where=name,
            hint="for a stream, name '-' and pipe it in; or store it in a file first",
        )
    ending, compression, archive = suffixes(path.name)
    if archive:
        return _archive(path, name, notes, is_text)
    if ending and ending not in FORMATS and not is_text(ending):
        raise InputError(
            f"files of the kind '{ending}' are not read",
            where=name,
            hint=f"read are {FORMAT_LIST}; a plain text under another name can be renamed to .txt",
        )
    if not ending:
        notes.append(message("%(file)s has no extension and is read as plain text.", file=name))
    format_ = FORMATS.get(ending, "text")
    return [TextFile(path, name, format_, named=True, below=(path.name,), compression=compression)]


def _missing(path: Path, name: str) -> InputError:
    if path.is_symlink():
        return InputError(f"is a link to nothing ({printable(path.readlink())})", where=name)
    parent = path.parent
    known = [entry.name for entry in os.scandir(parent)] if parent.is_dir() and os.access(parent, os.R_OK) else []
    near = did_you_mean(path.name, known)
    return InputError("no such file or folder", where=name, hint=near)


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFBLK: "device", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "special file")


def is_run(folder: Path) -> bool:
    """A run folder holds what textmill wrote about a text, its report and samples too: that is not text to learn."""
    return (folder / "run.json").is_file() and (folder / "config.toml").is_file()


class _Walk:
    """One walk through a folder or an archive: files in a fixed order, and the names of what is passed over."""

    def __init__(self, name: str, is_text: IsText):
        self.name, self.is_text = name, is_text
        self.links: list[str] = []
        self.specials: list[str] = []
        self.hidden_folders: list[str] = []
        self.runs: list[str] = []
        self.damaged: list[str] = []
        self.too_deep: list[str] = []
        self.n_entries = 0  # of the archive that is walked through, with those inside of it

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
                elif is_run(path):
                    self.runs.append(shown)
                else:
                    yield from self.files(path, shown, (*below, entry.name))
            elif entry.is_file(follow_symlinks=False):
                found = _by_name(path, shown, (*below, entry.name), hidden, self.is_text)
                if suffixes(entry.name)[2] and not hidden:
                    yield from self.archive(path, shown, (*below, entry.name))
                else:
                    yield found
            else:
                self.specials.append(shown)

    def archive(self, path: Path, name: str, below: tuple[str, ...], named: bool = False) -> Iterator[TextFile]:
        """The members of an archive in its order. A damaged one is an error where it was named, else dropped whole."""
        self.n_entries = 0
        try:
            yield from self.members(Place(path, name), below)
        except CannotUnpack as error:
            if named:
                raise
            self.damaged.append(placed(name, error.message))
            yield TextFile(path, name, "", below=below, dropped_as=DAMAGED)

    def members(self, archive: Place, below: tuple[str, ...]) -> Iterator[TextFile]:
        entries = members_of(archive, self.n_entries)
        self.n_entries += len(entries)
        for entry in entries:
            inside = PurePosixPath(entry.name.replace("\\", "/"))
            shown = f"{archive.name}/{printable(entry.name)}"
            hidden = any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in inside.parts)
            if entry.kind == "folder":
                continue
            if entry.kind == "link":
                self.links.append(shown)
                continue
            if entry.kind == "special":
                self.specials.append(shown)
                continue
            file = replace(
                _by_name(archive.path, shown, (*below, *inside.parts), hidden, self.is_text),
                archive=archive,
                member=entry.number,
                packed_bytes=_on_the_disk(entry, archive),
                n_bytes=entry.n_bytes,
            )
            if inside.is_absolute() or ".." in inside.parts:
                yield replace(file, format="", dropped_as="other:points-outside")
            elif entry.kind == "encrypted":
                yield replace(file, format="", dropped_as="other:encrypted")
            elif suffixes(inside.name)[2] and not hidden:
                yield from self.inner(file)
            else:
                yield file

    def inner(self, file: TextFile) -> Iterator[TextFile]:
        """The members of an archive inside an archive; dropped whole where it is damaged, or still deeper inside."""
        if file.archive and file.archive.archive:
            self.too_deep.append(file.name)
            yield replace(file, dropped_as=TOO_DEEP)
            return
        try:
            yield from self.members(replace(file.place, n_bytes=file.n_bytes), file.below)
        except CannotUnpack as error:
            self.damaged.append(placed(file.name, error.message))
            yield replace(file, dropped_as=DAMAGED)


def _on_the_disk(entry: Member, archive: Place) -> int:
    """Bytes that an entry takes in the file on the disk: of an archive inside an archive, its share of what that takes,
    so that what unpacks twice is measured by what it was at first."""
    if archive.archive is None:
        return entry.packed_bytes
    return entry.packed_bytes * min(archive.packed_bytes, archive.n_bytes) // max(1, archive.n_bytes)


def _by_name(path: Path, shown: str, below: tuple[str, ...], hidden: bool, is_text: IsText) -> TextFile:
    """A file that was not named by the person, as its name says."""
    ending, compression, archive = suffixes(below[-1])
    format_ = "" if hidden or archive else FORMATS.get(ending, "text" if is_text(ending) else "")
    dropped_as = "" if format_ else f"other:{'hidden' if hidden else _extension(archive or ending or compression)}"
    return TextFile(path, shown, format_, below=below, dropped_as=dropped_as, compression=compression)


def _extension(suffix: str) -> str:
    if not suffix:
        return "no-extension"
    word = suffix[1:].replace(".", "-")
    return word if re.fullmatch(r"[a-z0-9_+-]{1,12}", word) else "unknown-extension"


def _archive(path: Path, name: str, notes: list[str], is_text: IsText) -> list[TextFile]:
    walk = _Walk(name, is_text)
    return _found(walk, list(walk.archive(path, name, (path.name,), named=True)), "archive", notes)


def _folder(path: Path, name: str, notes: list[str], is_text: IsText) -> list[TextFile]:
    walk = _Walk(name, is_text)
    return _found(walk, list(walk.files(path, name, (path.name,))), "folder", notes)


def _found(walk: _Walk, files: list[TextFile], kind: str, notes: list[str]) -> list[TextFile]:
    """The files of a walk, with what was passed over noted. Raises InputError where nothing is readable."""
    by_kind: dict[str, list[str]] = {}
    for file in files:
        if file.dropped_as:
            by_kind.setdefault(file.dropped_as, []).append(file.name)
    passed_over = [f"{len(names)} × {kind}" for kind, names in sorted(by_kind.items())]
    if walk.links:
        passed_over.append(counted(len(walk.links), "link"))
    if walk.hidden_folders:
        passed_over.append(counted(len(walk.hidden_folders), "hidden folder"))
    if walk.runs:
        passed_over.append(counted(len(walk.runs), "run"))
    if all(file.dropped_as for file in files):
        held = f": it holds {', '.join(passed_over)}" if passed_over else ": it is empty"
        raise InputError(f"nothing readable in this {kind}{held}", where=walk.name, hint=f"read are {FORMAT_LIST}")
    for category, names in sorted(by_kind.items()):
        notes.append(_not_read(category, some_of(names)))
    if walk.damaged:
        notes.append(message("Not read, because it is damaged: %(names)s.", names=some_of(walk.damaged)))
    if walk.too_deep:
        notes.append(
            message(
                "An archive inside an archive is read, one inside of that is not: %(names)s. Unpack the outermost one, "
                "and name the folder.",
                names=some_of(walk.too_deep),
            )
        )
    if walk.links:
        notes.append(
            message("Links inside folders and archives are not followed: %(names)s.", names=some_of(walk.links))
        )
    if walk.hidden_folders:
        notes.append(message("Hidden folders are not entered: %(names)s.", names=some_of(walk.hidden_folders)))
    if walk.runs:
        notes.append(message("Run folders are not text and are not entered: %(names)s.", names=some_of(walk.runs)))
    if walk.specials:
        notes.append(message("Neither files nor folders, not read: %(names)s.", names=some_of(walk.specials)))
    return files


def _not_read(category: str, what: str) -> Message:
    return message("Not read, counted as %(category)s: %(what)s.", category=left_out_as(category), what=what)


# -- examining ---------------------------------------------------------------------------------------------------------

CHUNK = 1 << 18
NOT_TEXT = "other:not-text"


def examine(file: TextFile, strict: bool, notes: list[str], encoding: str | None = None) -> TextFile:
    """The file with its facts: size, sha256, encoding; one pass in small pieces.

    encoding: decided by hand; None: found. What is no text, or cannot be unpacked, is an InputError where the person
    named the file, or with `strict`; inside a folder or an archive it is dropped whole, and a note says why. With
    `strict`, an encoding that could as well be another is an InputError too.
    """
    if file.dropped_as:
        return replace(file, n_bytes=file.n_bytes or _status(file).st_size)
    if file.most_bytes:
        return replace(file, n_bytes=file.of_bytes, encoding=file.format, stamp=_stamp(file))
    detector = None if file.format in BINARY_FORMATS else Detector(None if file.made else encoding)
    digest = hashlib.sha256()
    n_bytes = 0
    stamp = _stamp(file)
    try:
        with open_bytes(file) as stream:
            while chunk := _read(file, stream):
                digest.update(chunk)
                n_bytes += len(chunk)
                if detector:
                    detector.feed(chunk)
    except (CannotUnpack, MissingExtra) as error:
        category = "other:bomb" if isinstance(error, Bomb) else "other:cannot-be-unpacked"
        return _dropped(file, strict, error, category, file.packed_bytes or _status(file).st_size, notes)
    file = replace(file, n_bytes=n_bytes, sha256=digest.hexdigest(), stamp=stamp)
    if detector is None:
        return replace(file, encoding=file.format)
    finding = detector.finding()
    if finding.is_binary:
        problem = InputError(
            message("not a text: %(why)s", why=finding.reason),
            where=file.name,
            hint="if it is one, say its encoding: --encoding NAME",
        )
        return _dropped(file, strict, problem, NOT_TEXT, n_bytes, notes)
    _tell_near_ties(file, finding, strict, notes)
    return replace(
        file,
        encoding=finding.encoding,
        mark=finding.mark,
        has_bad_bytes=finding.n_bad > 0,
        lines=() if finding.how == "utf-8" else tuple(finding.lines),
    )


def _dropped(
    file: TextFile, strict: bool, problem: InputError | MissingExtra, category: str, n_bytes: int, notes: list[str]
) -> TextFile:
    if file.named or strict:
        raise problem
    advice = problem.hint if isinstance(problem, MissingExtra) else None
    notes.append(_not_read(category, placed(problem.where or file.name, advised(problem.message, advice))))
    return replace(file, format="", dropped_as=category, n_bytes=n_bytes)


def _tell_near_ties(file: TextFile, finding: Finding, strict: bool, notes: list[str]) -> None:
    if not finding.near_ties:
        return
    readings = [(finding.encoding, finding.lines), *((tie.encoding, tie.lines) for tie in finding.near_ties)]
    shown = joined_clauses(
        message("as %(encoding)s: %(lines)s", encoding=encoding, lines=" / ".join(lines))
        for encoding, lines in readings
    )
    if strict:
        raise InputError(
            f"its encoding could be {' or '.join(encoding for encoding, _ in readings)} ({shown})",
            where=file.name,
            hint=f"Say which: --encoding {finding.encoding}",
        )
    notes.append(
        message(
            "%(file)s is read as %(encoding)s, nearly as likely is another: %(readings)s (--encoding decides).",
            file=file.name,
            encoding=finding.encoding,
            readings=shown,
        )
    )


def _status(file: TextFile) -> os.stat_result:
    try:
        return file.path.stat()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=file.name) from None


def size_on_disk(file: TextFile) -> int:
    """Bytes of a file as it lies; of a member of an archive, unpacked as the archive says."""
    return file.n_bytes if file.archive is not None else _status(file).st_size


def _stamp(file: TextFile) -> tuple[int, int]:
    if file.made is not None:
        return 0, 0
    status = _status(file)
    return status.st_size, status.st_mtime_ns


def open_bytes(file: TextFile) -> BinaryIO:
    """The file's unpacked bytes, from the first on; seekable (from the end too: readers of binary formats need it, so
    a packed one is unpacked to memory or a nameless file first). Raises InputError where it cannot be opened."""
    if file.made is not None:
        return file.made.open()
    try:
        stream = open_place(file.place)
        if file.stretches:
            return cast(BinaryIO, io.BufferedReader(Stretched(stream, file.stretches), CHUNK))
        if file.format not in BINARY_FORMATS or (file.archive is None and not file.compression):
            return stream
        return in_one_piece(stream)
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


def open_unchanged(file: TextFile) -> BinaryIO:
    """An examined file's unpacked bytes. Raises InputError if it changed since it was examined."""
    if _stamp(file) != file.stamp:
        raise changed(file)
    return open_bytes(file)


def open_text(file: TextFile) -> BinaryIO:
    """An examined file as UTF-8 without its byte-order mark, from its first character on; seekable.

    What cannot be decoded is not in it: reading.records_of names it. Raises InputError if the file changed since it was
    examined.
    """
    stream = open_unchanged(file)
    if file.is_transcoded:
        return cast(BinaryIO, io.BufferedReader(Transcoded(stream, file.codec, file.mark), CHUNK))
    stream.seek(file.mark)
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
        notes.append(
            message("Not taken as a split, because no other file is named train: %(names)s.", names=some_of(loose))
        )
    if not any(part in (None, "train") for file, part in zip(files, parts, strict=True) if not file.dropped_as):
        if any(parts):
            notes.append(
                message("The names say test or validation for all files: they are split as if they had no such names.")
            )
        return list(files)
    for part in ("train", "validation", "test"):
        taken = [file.name for file, said in zip(files, parts, strict=True) if said == part]
        if taken and (part != "train" or any(said in ("validation", "test") for said in parts)):
            notes.append(
                message("Taken as %(part)s text by name: %(names)s.", part=PART_WORDS[part], names=some_of(taken))
            )
    held_apart = any(part in ("validation", "test") for part in parts)
    unnamed = [f.name for f, said in zip(files, parts, strict=True) if said is None and not f.dropped_as]
    if held_apart and unnamed:
        notes.append(message("No split name, taken as train text: %(names)s.", names=some_of(unnamed)))
    # "train" by name is the pool that is split, like a file without any such name.
    return [
        replace(file, part=part) if part in ("validation", "test") else file
        for file, part in zip(files, parts, strict=True)
    ]
