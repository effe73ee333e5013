"""Files -> an index of their passages on the disk -> those that a question may be answered from. Room: text/.

Used by tasks/asking. An index lies in FOLDER/FINGERPRINT (RUNS/.index): it is safe to delete, and made again where it
is gone or damaged. FINGERPRINT stands for the paths, the options of reading and the version of the format, so other
options are another index. Opened again, only what changed is read: a file whose size and time are as they were is taken
as it is, unless it was written in the moment in which it was read; else its bytes decide. The index itself is a folder
named after what is in it, made whole beside the one before, and `current.json` names it: who is killed leaves the old
one, who reads meanwhile has read it already.

Scores are BM25 by bm25s, over terms of search_terms.py: a passage is searched by its headings and its text; of a
question with its answer, by both.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from textmill.config import DataConfig
from textmill.errors import Damaged, InputError, TextmillError
from textmill.files import (
    make_folder,
    misfits_told,
    new_folder,
    read_json,
    remove_abandoned,
    seal_holds,
    sha256_of,
    write_sealed_json,
)
from textmill.messages import message, plural_message
from textmill.text.documents import ReadReport
from textmill.text.files import CHUNK, TextFile, open_bytes
from textmill.text.passage_reading import read_passages
from textmill.text.passage_scores import best, built, loaded, scorer
from textmill.text.passage_store import LINES, Names, Part, joined, load, part_of, renumbered, save
from textmill.text.passages import Passage
from textmill.text.places import Places
from textmill.text.question_columns import with_questions
from textmill.text.reading import examined
from textmill.text.search_terms import question_terms, simplified
from textmill.text.sides import files_of
from textmill.text.wording import some_of

FORMAT = 1
"""Of what is stored, and of how texts become passages and terms: raised, indexes are made again."""
CURRENT, MANIFEST = "current.json", "manifest.json"
SETTLED_NS = 2_000_000_000
"""A file that was written so shortly before it was read may be written again within one tick of its file system."""
OPTIONS = ("text", "header", "columns", "question", "answer", "unit", "encoding", "clean", "strict")
"""Knobs of [data] that say what a passage is."""


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
    """The bytes, decoded, are the stretch. False: see Passage.is_exact."""


@dataclass(frozen=True)
class _Known:
    """A file that is in the index: as it was when it was read. dropped_as: it has no text that can be read."""

    name: str
    path: str
    size: int
    mtime_ns: int
    is_settled: bool
    sha256: str
    codec: str
    dropped_as: str
    n_passages: int

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.path


@dataclass(frozen=True)
class _Stored:
    """An index as it lies in its folder."""

    files: list[_Known]
    part: Part
    names: list[str]
    bm25: Any
    """None where no passage has a term."""


class PassageIndex:
    """The passages of some files, searched by BM25. Opened by `open`."""

    def __init__(self, stored: _Stored, folder: Path):
        self._stored, self.folder = stored, folder
        self._part, self._names, self._bm25 = stored.part, stored.names, stored.bm25

    @classmethod
    def open(
        cls, paths: Sequence[str], data: DataConfig, into: Path, notice: Callable[[str], None] = lambda text: None
    ) -> PassageIndex:
        """The index of all files of paths: made, or refreshed where files changed, which is said by `notice`, as is
        what cannot be read. into: the folder of indexes.

        Raises InputError where a path cannot be read or no file has a text; MissingExtra; NoSpace.
        """
        scorer()  # before any work
        simplified()
        home = into / fingerprint_of(paths, data)
        if abandoned := remove_abandoned(home):
            notice(message("Removed, left by an index that was never finished: %(names)s.", names=some_of(abandoned)))
        before: _Stored | None = None
        try:
            before = _opened(home)
        except Damaged as error:
            notice(message("The index is damaged (%(why)s), and is made anew.", why=error.message))
            shutil.rmtree(home)
        notes: list[str] = []
        files = files_of(paths, data, notes)
        for note in notes:
            notice(note)
        refresh = _Refresh(files, data, before)
        if before is not None and not refresh.is_needed:
            if refresh.known != before.files:  # their times alone
                _write_manifest(home, refresh.known)
            return cls(replace(before, files=refresh.known), home)
        refresh.tell(notice)
        part, names, terms = refresh.read(notice)
        _keep(home, refresh.known, part, names, terms)
        return cls(_opened(home) or _never(), home)

    @property
    def n_files(self) -> int:
        """Files that were read, with a text in them or not; without those that cannot be."""
        return sum(not file.dropped_as for file in self._stored.files)

    @property
    def n_passages(self) -> int:
        return len(self._part.rows)

    def passage(self, number: int) -> Passage:
        """A passage by its number, from 0 in the order of the files."""
        return self._part.passage(number, self._names)

    def search(self, question: str, k: int = 20) -> list[Hit]:
        """At most k passages with a term of the question, the best first; of equals, the first in the files."""
        if self._bm25 is None:
            return []
        found = best(self._bm25, question_terms(question), k)
        return [Hit(self.passage(number), score) for number, score in found]

    def n_with(self, term: str) -> int:
        """How many passages have a term of search_terms."""
        number = None if self._bm25 is None else self._bm25.vocab_dict.get(term)
        if number is None:
            return 0
        first, behind = self._bm25.scores["indptr"][number : number + 2]
        return int(behind - first)

    def place(self, passage: Passage, start: int, end: int) -> Place:
        """Where the characters start … end of the text of a passage of this index stand; at least one.

        Raises InputError where its file changed since it was read.
        """
        assert 0 <= start < end <= len(passage.text), "a stretch of the passage, not empty"
        row = self._part.rows[passage.number]
        file = self._stored.files[row["file"]]
        _refuse_changed(file)
        runs = self._part.runs_of(passage.number)
        record = None
        if not passage.is_exact and len(runs) == 1 and passage.byte_start is not None and passage.byte_end is not None:
            record, runs = (passage.byte_start, passage.byte_end), [runs[0]._replace(byte_start=-1, byte_end=-1)]
        places = Places(passage.text, runs, file.codec, bool(row["flags"] & LINES), record)
        stood = places.of(start, end)
        has_bytes = stood.byte_start >= 0
        return Place(
            passage.source,
            stood.line or None,
            stood.start,
            stood.end,
            stood.byte_start if has_bytes else None,
            stood.byte_end if has_bytes else None,
            stood.is_exact,
        )


def fingerprint_of(paths: Sequence[str], data: DataConfig) -> str:
    """Equal for equal paths, options of reading, and format: the name of the folder of an index."""
    said = data.model_dump(mode="json", include=set(OPTIONS))
    parts = {"format": FORMAT, "here": str(Path.cwd()), "paths": list(paths), "data": said}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


# -- reading -----------------------------------------------------------------------------------------------------------


class _Refresh:
    """What of some files must be read, beside an index of before; and their passages, read or taken from it."""

    def __init__(self, files: Sequence[TextFile], data: DataConfig, before: _Stored | None):
        self._files, self._data, self._before = files, data, before
        self._old = {file.key: number for number, file in enumerate(before.files)} if before else {}
        self.known: list[_Known] = []
        """The files as they are now; of those that must be read, as soon as they are."""
        self._to_read: list[int] = []
        for number, file in enumerate(files):
            old = self._old.get((file.name, str(file.path)))
            same = _as_it_was(file, before.files[old]) if before is not None and old is not None else None
            if same is None:
                self._to_read.append(number)
                same = _Known(file.name, str(file.path), 0, 0, False, "", "", "", 0)
            self.known.append(same)

    @property
    def is_needed(self) -> bool:
        before = [] if self._before is None else [file.key for file in self._before.files]
        return bool(self._to_read) or before != [file.key for file in self.known]

    def tell(self, notice: Callable[[str], None]) -> None:
        """Say what is read, and why."""
        n_read = len(self._to_read)
        if self._before is None:
            notice(plural_message("Reading %(n)s file into the index.", "Reading %(n)s files into the index.", n_read))
            return
        n_gone = len(self._old.keys() - {file.key for file in self.known})
        if n_read:
            notice(
                plural_message(
                    "%(n)s file is new or changed, and is read into the index.",
                    "%(n)s files are new or changed, and are read into the index.",
                    n_read,
                )
            )
        if n_gone:
            notice(
                plural_message(
                    "%(n)s file is gone, and is taken out of the index.",
                    "%(n)s files are gone, and are taken out of the index.",
                    n_gone,
                )
            )

    def read(self, notice: Callable[[str], None]) -> tuple[Part, list[str], list[str]]:
        """The passages of all files, with their names and terms. Raises InputError where there are none."""
        before, report = self._before, ReadReport()
        names = Names(before.names if before else ())
        vocabulary = Names(before.bm25.vocab_dict if before and before.bm25 is not None else ())
        first = np.cumsum([0, *(file.n_passages for file in before.files)]) if before else np.zeros(1, dtype=int)
        to_read = set(self._to_read)
        parts: list[Part] = []
        for number, file in enumerate(self._files):
            if number in to_read:
                read_at = time.time_ns()
                found = examined(file, self._data, report.notes)
                how, options = with_questions(found, self._data, report.note)
                passages = read_passages(how, options, report)
                parts.append(part_of(number, passages, names, vocabulary))
                size, mtime_ns = _stamp(file) if found.dropped_as else found.stamp
                self.known[number] = _Known(
                    file.name, str(file.path), size, mtime_ns, mtime_ns < read_at - SETTLED_NS, found.sha256,
                    found.codec, found.dropped_as, len(parts[-1].rows),
                )  # fmt: skip
            else:
                assert before is not None
                old = self._old[self.known[number].key]
                parts.append(before.part.part(first[old], first[old + 1]))
        for note in report.notes:
            notice(note)
        if report.n_bad_records:
            notice(
                plural_message(
                    "%(n)s record cannot be read, and is not searched: %(which)s.",
                    "%(n)s records cannot be read, and are not searched: %(which)s.",
                    report.n_bad_records,
                    which=some_of(report.bad_records, report.n_bad_records),
                )
            )
        part = joined(parts)
        if not len(part.rows):
            raise InputError(
                plural_message(
                    "the file holds no text",
                    "none of the %(n)s files holds a text",
                    len(self._files),
                ),
                where=some_of([file.name for file in self._files]),
                hint=message("textmill look PATH says what each file holds"),
            )
        return part, *renumbered(part, names, vocabulary)


def _stamp(file: TextFile) -> tuple[int, int]:
    """Size and time of what a file lies in; (0, 0) where nothing does. Raises InputError where it is gone."""
    if file.made is not None:
        return 0, 0
    try:
        status = file.path.stat()
    except OSError as error:
        raise InputError(
            message("cannot be read: %(why)s", why=error.strerror or str(error)), where=file.name
        ) from None
    return status.st_size, status.st_mtime_ns


def _as_it_was(file: TextFile, known: _Known) -> _Known | None:
    """What is known of a file, where it still holds; None: it must be read."""
    read_at = time.time_ns()
    size, mtime_ns = _stamp(file)
    if known.is_settled and (size, mtime_ns) == (known.size, known.mtime_ns):
        return known
    if not file.dropped_as and _digest(file) != known.sha256:
        return None
    is_settled = mtime_ns < read_at - SETTLED_NS
    return replace(known, size=size, mtime_ns=mtime_ns, is_settled=is_settled)


def _digest(file: TextFile) -> str:
    """Hex sha256 of a file's unpacked bytes; "" where they cannot be had: reading it tells why."""
    digest = hashlib.sha256()
    try:
        with open_bytes(file) as stream:
            while piece := stream.read(CHUNK):
                digest.update(piece)
    except (OSError, TextmillError):
        return ""
    return digest.hexdigest()


def _refuse_changed(file: _Known) -> None:
    """Raises InputError where a file is not what it was when it was read, or is gone."""
    if not file.size and not file.mtime_ns:
        return
    with suppress(OSError):
        status = Path(file.path).stat()
        if (status.st_size, status.st_mtime_ns) == (file.size, file.mtime_ns):
            return
    raise InputError(
        message("the file changed since it was read"),
        where=file.name,
        hint=message("repeat the command: the index is refreshed"),
    )


# -- the folder --------------------------------------------------------------------------------------------------------


def _opened(home: Path) -> _Stored | None:
    """The index that lies there; None: there is none. Raises Damaged where it is not what was written."""
    for tried_again in (False, True):
        try:
            current = _sealed(home / CURRENT)
        except FileNotFoundError:
            return None
        with misfits_told(home / CURRENT, "it does not say where the index is"):
            folder = home / str(current["index"])
            files = [_Known(**file) for file in current["files"]]
            hashes = dict(current["hashes"])
        try:
            for name, sha256 in hashes.items():
                if sha256_of(folder / name) != sha256:
                    raise Damaged("a file does not hold what was written", where=str(folder / name))
            return _loaded(folder, files)
        except FileNotFoundError as error:
            if tried_again:  # else another may have just refreshed it
                raise Damaged("a file of it is gone", where=error.filename) from None
    return None


def _sealed(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    if not seal_holds(content):
        raise Damaged("the file does not hold what was written", where=str(path))
    with misfits_told(path, "it is no object"):
        return dict(read_json(path))


def _loaded(folder: Path, files: list[_Known]) -> _Stored:
    part, names = load(folder)
    return _Stored(files, part, names, loaded(folder / "bm25") if len(part.terms) else None)


def _keep(home: Path, files: list[_Known], part: Part, names: list[str], terms: list[str]) -> None:
    """Store an index, and take away those before it."""
    make_folder(home)
    part_name = _name_of(part, names, terms)
    hashes: dict[str, str] = {}
    with suppress(FileExistsError), new_folder(home / part_name) as temporary:  # another may have just made the same
        save(part, names, temporary)
        if terms:
            built(part.terms, part.terms_at, terms, temporary / "bm25")
        hashes |= {
            str(path.relative_to(temporary)): sha256_of(path) for path in sorted(temporary.rglob("*")) if path.is_file()
        }
    value = {"format": FORMAT, "index": part_name, "hashes": hashes, "files": [asdict(file) for file in files]}
    write_sealed_json(home / CURRENT, value)
    for old in home.glob("index-*"):
        if old.name != part_name:
            shutil.rmtree(old, ignore_errors=True)


def _name_of(part: Part, names: list[str], terms: list[str]) -> str:
    """A name for what is in an index."""
    digest = hashlib.sha256()
    for array in (part.rows, part.runs, part.terms, part.texts):
        digest.update(array.tobytes())
    digest.update(json.dumps([names, terms]).encode())
    return f"index-{digest.hexdigest()[:16]}"


def _write_manifest(home: Path, files: list[_Known]) -> None:
    """Note the files anew, of the index that is there."""
    current = _sealed(home / CURRENT)
    write_sealed_json(home / CURRENT, current | {"files": [asdict(file) for file in files]})


def _never() -> _Stored:
    raise AssertionError("an index was stored, and is not there")
