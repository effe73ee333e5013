"""A data set of the Hugging Face hub -> JSON lines in the cache, at the commit it was read at. Room: text/."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies

from textmill.errors import InputError, MissingExtra
from textmill.files import new_folder
from textmill.messages import message
from textmill.text.catalogue.cache import (
    NEEDS_NO_NETWORK,
    Progress,
    Receipt,
    Say,
    alone,
    cache_folder,
    receipt_in,
    silent,
    unwatched,
    write_receipt,
)
from textmill.text.catalogue.records import LeftOut, Record, jsonl

HUB = "hf:"
HUB_CONNECT_S = 3
_HUB_NAME = re.compile(
    r"hf:(?P<repository>[\w.-]+(?:/[\w.-]+)?)(?::(?P<config>[^/:]+))?(?:/(?P<split>[\w.-]+))?", re.ASCII
)


@dataclass(frozen=True)
class HubSet:
    """`hf:org/name[:config][/split]`: a data set of the hub, one of its configs, one of its splits."""

    given: str
    repository: str
    config: str | None
    split: str | None

    @property
    def folder(self) -> Path:
        """Where it lies in the cache: another one for another name."""
        parts = {"": self.repository, ",config=": self.config, ",split=": self.split}
        return cache_folder() / "hf" / "".join(word + quote(part, safe="") for word, part in parts.items() if part)


def hub_set(given: str) -> HubSet:
    """The parts of a hub name. Raises InputError where it is none.

    >>> hub_set("hf:org/name:en/test").config, hub_set("hf:org/name/test").split, hub_set("hf:org/name").split
    ('en', 'test', None)
    """
    found = _HUB_NAME.fullmatch(given)
    if found is None or any(part in (".", "..") for part in re.split("[/:]", given)):
        raise InputError("is no name of a data set", where=given, hint="the form is hf:org/name[:config][/split]")
    return HubSet(given, found["repository"], found["config"], found["split"])


def fetch_hub_set(asked: HubSet, say: Say = silent, progress: Progress = unwatched) -> Receipt:
    """Have a data set of the hub in the cache as JSON lines, a file a split, with the commit that it was read at.

    It is streamed; code of a data set is never run. What is in the cache is used as it is, whatever the hub has since.
    Raises MissingExtra without `datasets`, InputError without a network (within seconds) or for what the hub refuses.
    """
    if (there := receipt_in(asked.folder)) is not None:
        return there
    datasets, hub = _hub_libraries(asked.given)
    commit = _commit_of(asked, hub)
    say(f"fetching {asked.given} at commit {commit[:12]}")
    with alone(cache_folder(), say), new_folder(asked.folder) as filling:
        if asked.folder.exists():  # damaged, or fetched by the process that was waited for, at the same commit
            shutil.rmtree(asked.folder)
        left_out, n_bytes = LeftOut(), 0
        for split, rows in _splits(asked, datasets, commit):
            with (filling / f"{split}.jsonl").open("wb") as file:
                for row in _rows(asked, rows):
                    line = jsonl([_only_json(row, left_out)])
                    file.write(line)
                    n_bytes += len(line)
                    progress(n_bytes, None)
        return write_receipt(filling, asked.repository, commit, left_out)


def _hub_libraries(given: str) -> tuple[Any, Any]:
    try:
        return importlib.import_module("datasets"), importlib.import_module("huggingface_hub")
    except ImportError:
        raise MissingExtra(
            "reading data sets of the hub needs datasets, which is not installed",
            where=given,
            hint="pip install 'textmill[data]'",
        ) from None


def _commit_of(asked: HubSet, hub: Any) -> str:
    """The commit that the hub has now."""
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        if os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE"):
            raise InputError(f"{name} is set, and the data set is not in the cache", where=asked.given)
    endpoint = urlsplit(importlib.import_module(f"{hub.__name__}.constants").ENDPOINT)
    proxy = urlsplit(getproxies().get(endpoint.scheme, ""))
    target = proxy if proxy.hostname else endpoint
    if not reachable(target.hostname or "", target.port or (443 if target.scheme == "https" else 80), HUB_CONNECT_S):
        raise InputError(
            f"the hub cannot be reached ({target.hostname}), and the data set is not in the cache",
            where=asked.given,
            hint=NEEDS_NO_NETWORK,
        )
    with _hub_errors(asked):
        return str(hub.HfApi().dataset_info(asked.repository, timeout=10 * HUB_CONNECT_S).sha)


def reachable(host: str, port: int, seconds: float) -> bool:
    """Whether a connection comes about in time; looking up the name counts, which a socket's own limit leaves out."""
    import socket

    connected = threading.Event()

    def connect() -> None:
        with contextlib.suppress(OSError, ValueError), socket.create_connection((host, port), timeout=seconds):
            connected.set()

    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(seconds)
    return connected.is_set()


def _splits(asked: HubSet, datasets: Any, commit: str) -> list[tuple[str, Any]]:
    with _hub_errors(asked):
        streams = datasets.load_dataset(
            asked.repository, asked.config, split=asked.split, revision=commit, streaming=True
        )
        return [(asked.split, streams)] if asked.split else list(streams.items())


def _rows(asked: HubSet, rows: Iterable[Record]) -> Iterator[Record]:
    """The rows, with what the hub's libraries raise turned into our errors, and only that."""
    iterator = iter(rows)
    while True:
        with _hub_errors(asked):
            row = next(iterator, None)
        if row is None:
            return
        yield row


@contextlib.contextmanager
def _hub_errors(asked: HubSet) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"the hub's library refuses: {first}", where=asked.given) from error


def _only_json(row: Record, left_out: LeftOut) -> Record:
    """A row without the columns that JSON cannot hold: pictures, sounds, bytes."""
    held: Record = {}
    for name, value in row.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            kind = type(value).__name__
            left_out[message("values of the column '%(name)s', which are %(kind)s", name=name, kind=kind)] += 1
        else:
            held[name] = value
    return held
