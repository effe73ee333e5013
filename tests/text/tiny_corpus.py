"""A corpus of two poems, in archives made here, for the tests of the catalogue."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from textmill.text import catalogue
from textmill.text.catalogue import Archive, Corpus, LeftOut

POEMS = {"a.txt": "A short poem.\n", "deep/b.txt": "另一首短诗。\n"}


def wheel(members: dict[str, bytes | str], name: str = "tinypoems", version: str = "1.0") -> bytes:
    """A wheel as pip accepts it."""
    info = f"{name}-{version}.dist-info"
    whole = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    return zipped(whole)


def zipped(members: dict[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            # Without a date of its own it would get the clock's, and another hash at every call.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred(members: dict[str, bytes | str], *others: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for other in others:
            archive.addfile(other)
    return buffer.getvalue()


def poems(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    for name in archive.names(r"(.+/)?poems/.+"):
        yield name.partition("poems/")[2], archive.read(name)


POEM_WHEEL = wheel({f"poems/{name}": text for name, text in POEMS.items()})


def corpus_of(data: bytes, archive: str = "tinypoems-1.0-py3-none-any.whl", **more: Any) -> Corpus:
    facts: dict[str, Any] = {
        "name": "tinypoems",
        "version": "1.0",
        "archive": archive,
        "sha256": hashlib.sha256(data).hexdigest(),
        "archive_bytes": len(data),
        "what": "two poems",
        "document": "a poem",
        "language": "en, zh",
        "task": "lm",
        "licence": "CC0-1.0",
        "source": "written for this test",
        "traps": (),
        "n_documents": 2,
        "n_bytes": sum(len(text.encode()) for text in POEMS.values()),
        "text_sha256": "",
        "convert": poems,
    }
    return Corpus(**(facts | more))


def no_process(*arguments: Any, **settings: Any) -> Any:
    raise AssertionError("a process was started")


def offer(monkeypatch: pytest.MonkeyPatch, corpus: Corpus) -> Corpus:
    monkeypatch.setattr(catalogue, "CORPORA", (corpus,))
    return corpus


def lay(cache: Path, corpus: Corpus, data: bytes) -> None:
    """Put an archive where a download would have put it."""
    (cache / "archives").mkdir(parents=True, exist_ok=True)
    (cache / "archives" / corpus.archive).write_bytes(data)


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
