"""A world: a number -> an item whose right answer is known; a world -> files to train on. Room: text/ (worlds).

Every world is a frozen dataclass of its knobs and a seed. Its n-th item is a pure function of them and n.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from textmill.errors import InputError
from textmill.files import new_folder
from textmill.text.documents import PARTS, Part

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
FILES: dict[Part, str] = {"train": "train.jsonl", "validation": "valid.jsonl", "test": "test.jsonl"}


class Item(Protocol):
    """What a world yields."""

    @property
    def key(self) -> str:
        """Items with the same key stand on the same side of a split."""

    def row(self) -> dict[str, Any]:
        """The item as named columns; `text` where there is one text."""


ItemT = TypeVar("ItemT", bound=Item, covariant=True)


class World(ABC, Generic[ItemT]):
    """Items with known answers, as many as are asked for."""

    name: ClassVar[str]
    what: ClassVar[str]
    """An item, in a line."""
    files: ClassVar[Mapping[Any, str]] = FILES
    """What `write` makes in its folder: part -> name."""
    next_command: ClassVar[str] = "textmill look {folder}"
    """What to do with a folder that was written."""
    seed: int

    @abstractmethod
    def item(self, number: int) -> ItemT:
        """The item of this number, from 0 up: a function of the knobs, the seed and the number alone."""

    def items(self, n: int, start: int = 0) -> Iterator[ItemT]:
        """Items start … start + n - 1, one at a time."""
        for number in range(start, start + n):
            yield self.item(number)

    def group_of(self, row: Mapping[str, Any]) -> str | None:
        """What the rows of items with one key share; None where the text is the key."""
        return None

    def write(self, n: int, folder: Path) -> Written:
        """Write the first n items into a new folder. Raises InputError where it has content."""
        return write(self, n, folder)

    def check_range(self, knob: str, least: float, most: float | None = None) -> None:
        """Raises InputError where a knob is not between the two, both allowed; None: no upper end."""
        value = getattr(self, knob)
        allowed = f"at least {least}" if most is None else f"{least} to {most}"
        check(least <= value and (most is None or value <= most), f"{knob} is {value}, must be {allowed}", self.name)


def check(condition: bool, message: str, world: str) -> None:
    """Raises InputError with the message where a knob of a world is out of range."""
    if not condition:
        raise InputError(message, where=f"world '{world}'")


def check_language(language: str, world: str) -> None:
    """Raises InputError for a language that no world speaks."""
    check(language in LANGUAGES, f"no language '{language}' (there are: {', '.join(LANGUAGES)})", world)


def part_of(key: str, valid_share: float, test_share: float) -> Part:
    """The side of the split that a key stands on: by its hash, so a repeated item is on one side only."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    if place < test_share:
        return "test"
    return "validation" if place < test_share + valid_share else "train"


@dataclass(frozen=True)
class Written:
    """The files of a world and how many items each holds."""

    paths: Mapping[Any, Path]
    n_items: Mapping[Any, int]


def write(
    world: World[Item], n: int, folder: Path, *, valid_share: float = 0.05, test_share: float = 0.05, start: int = 0
) -> Written:
    """Write items start … start + n - 1 of a world; see write_items."""
    return write_items(world.items(n, start), folder, valid_share=valid_share, test_share=test_share)


def write_items(items: Iterable[Item], folder: Path, *, valid_share: float = 0.05, test_share: float = 0.05) -> Written:
    """Write items as train.jsonl, valid.jsonl and test.jsonl, one at a time, into a new folder.

    The side of an item is decided by the hash of its key, so the shares are met on average, and no key is on two sides.
    The folder appears whole or not at all. Raises InputError for shares out of range and for a folder that has content.
    """
    if valid_share < 0 or test_share < 0 or valid_share + test_share >= 1:
        raise InputError(f"valid_share {valid_share} and test_share {test_share} must leave something to train on")
    n_items = dict.fromkeys(PARTS, 0)
    with into_new_folder(folder) as unfinished, contextlib.ExitStack() as stack:
        files = {part: stack.enter_context((unfinished / name).open("wb")) for part, name in FILES.items()}
        for item in items:
            part = part_of(item.key, valid_share, test_share)
            n_items[part] += 1
            files[part].write(line(item))
    return Written({part: folder / name for part, name in FILES.items()}, n_items)


def into_new_folder(folder: Path) -> contextlib.AbstractContextManager[Path]:
    """A folder that appears whole or not at all. Raises InputError where there is one with content."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError("is there already and is not an empty folder", where=str(folder), hint="name a new folder")
    return new_folder(folder)


def line(item: Item) -> bytes:
    """The item as a line of JSON in UTF-8."""
    return json.dumps(item.row(), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
