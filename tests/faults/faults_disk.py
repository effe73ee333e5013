"""A folder's traffic with its disk, call by call, and a disk that forgets at a power cut what was not fsynced.

`watched` patches what this package reaches the disk by: os functions, files opened for writing, and the tensors' own
writer, which is not Python and is seen as a write. `Disk` follows the folder and keeps two states of each file and
folder: what a reader sees (live), and what the last fsync made sure of (kept).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

import textmill.models.ngram

Told = Callable[[str, Path, str], None]  # (call, path, "before" | "half" | "after")


@contextlib.contextmanager
def watched(root: Path, told: Told) -> Iterator[None]:
    """Tell every call that changes something under root: before it, after it, and in the midst of a write."""
    root = root.resolve()
    with pytest.MonkeyPatch.context() as patch:
        for call in ("fsync", "mkdir", "rename", "replace", "unlink", "remove", "rmdir"):
            patch.setattr(os, call, _telling(call, getattr(os, call), root, told))
        patch.setattr(io, "open", _opening(io.open, root, told))
        for module in (safetensors.torch, textmill.models.ngram):
            patch.setattr(module, "save_file", _saving(module.save_file, root, told))
        yield


def _telling(call: str, real: Callable[..., Any], root: Path, told: Told) -> Callable[..., Any]:
    def instead(target: Any, *arguments: Any, **more: Any) -> Any:
        path = _named(target, more.get("dir_fd"), root)
        if path is None:
            return real(target, *arguments, **more)
        told(call, path, "before")
        result = real(target, *arguments, **more)
        told(call, Path(arguments[0]).absolute() if call in ("rename", "replace") else path, "after")
        return result

    return instead


def _named(target: Any, folder: int | None, root: Path) -> Path | None:
    """The path of a name or of an open file, where it lies under root."""
    if isinstance(target, int) or folder is not None:
        asked = os.fstat(target if folder is None else folder)
        known = (root, *root.rglob("*"))
        found = next((path for path in known if os.path.samestat(path.lstat(), asked)), None)
        if found is None:
            return None
        return found if folder is None else found / target
    path = Path(target).absolute()
    return path if path.is_relative_to(root) else None


def _opening(real: Callable[..., Any], root: Path, told: Told) -> Callable[..., Any]:
    def instead(file: Any, mode: str = "r", *arguments: Any, **more: Any) -> Any:
        path = None if isinstance(file, int) or not set(mode) & set("wax+") else _named(file, None, root)
        if path is None:
            return real(file, mode, *arguments, **more)
        told("open", path, "before")
        opened = real(file, mode, *arguments, **more)
        told("open", path, "after")
        write = opened.write

        def in_halves(data: Any) -> int:
            told("write", path, "before")
            done = write(data[: len(data) // 2])
            opened.flush()
            told("write", path, "half")
            done += write(data[len(data) // 2 :])
            opened.flush()
            told("write", path, "after")
            return int(done)

        opened.write = in_halves
        return opened

    return instead


def _saving(real: Callable[..., Any], root: Path, told: Told) -> Callable[..., Any]:
    def instead(tensors: Any, filename: Any, *arguments: Any, **more: Any) -> None:
        path = _named(filename, None, root)
        if path is None:
            return real(tensors, filename, *arguments, **more)
        told("write", path, "before")
        real(tensors, filename, *arguments, **more)
        whole = path.read_bytes()
        os.truncate(path, len(whole) // 2)
        told("write", path, "half")
        descriptor = os.open(path, os.O_WRONLY)
        os.write(descriptor, whole)
        os.close(descriptor)
        told("write", path, "after")

    return instead


@dataclass(eq=False)
class File:
    inode: int
    signature: tuple[int, ...] = ()
    live: bytes = b""
    kept: bytes = b""


@dataclass(eq=False)
class Folder:
    inode: int
    live: dict[str, File | Folder] = field(default_factory=dict)
    kept: dict[str, File | Folder] = field(default_factory=dict)


Choice = Callable[[File | Folder], str]  # "kept" | "live" | "half": what of it outlives the cut


class Disk:
    """A folder as its disk has it. What lies there in the beginning is on the disk."""

    def __init__(self, root: Path):
        self.path = root.resolve()
        self.root = Folder(self.path.stat().st_ino)
        self.look()
        self._settle(self.root)

    def follow(self, call: str, path: Path) -> None:
        """Take in what a call has just done."""
        if call in ("rename", "replace"):
            self._moved(path)
        self.look()
        if call == "fsync":
            node = self._at(path)
            if isinstance(node, File):
                node.kept = node.live
            else:
                node.kept = dict(node.live)

    def look(self) -> None:
        """Take in what the folder shows now."""
        self._look(self.root, self.path)

    def survivor(self, choice: Choice) -> dict[str, bytes | None]:
        """What lies there after a cut: path -> content, None for a folder."""
        found: dict[str, bytes | None] = {}
        self._gather(self.root, "", choice, found)
        return found

    def _gather(self, folder: Folder, prefix: str, choice: Choice, found: dict[str, bytes | None]) -> None:
        entries = folder.kept if choice(folder) == "kept" else folder.live
        for name, node in sorted(entries.items()):
            path = f"{prefix}{name}"
            if isinstance(node, Folder):
                found[path] = None
                self._gather(node, f"{path}/", choice, found)
            else:
                found[path] = self._content(node, choice(node))

    def _content(self, file: File, chosen: str) -> bytes:
        if chosen == "kept" or file.live == file.kept:
            return file.kept
        return file.live if chosen == "live" else file.live[: (len(file.kept) + len(file.live)) // 2]

    def _look(self, folder: Folder, path: Path) -> None:
        there = {entry.name: entry for entry in os.scandir(path) if not entry.is_symlink()}
        for name in folder.live.keys() - there.keys():
            del folder.live[name]
        for name, entry in there.items():
            node = folder.live.get(name)
            status = entry.stat()
            if node is None or node.inode != status.st_ino or entry.is_dir() != isinstance(node, Folder):
                node = Folder(status.st_ino) if entry.is_dir() else File(status.st_ino)
                folder.live[name] = node
            if isinstance(node, Folder):
                self._look(node, path / name)
                continue
            signature = (status.st_size, status.st_mtime_ns)
            if signature != node.signature:
                node.signature, node.live = signature, Path(entry.path).read_bytes()

    def _moved(self, path: Path) -> None:
        """Something took this name: it is the same file or folder as before, with what was fsynced of it."""
        inode = path.stat().st_ino
        folder = self._at(path.parent)
        assert isinstance(folder, Folder)
        for node_folder in self._folders(self.root):
            for name, node in list(node_folder.live.items()):
                if node.inode == inode:
                    del node_folder.live[name]
                    folder.live[path.name] = node
                    return

    def _folders(self, folder: Folder) -> Iterator[Folder]:
        yield folder
        for node in list(folder.live.values()):
            if isinstance(node, Folder):
                yield from self._folders(node)

    def _at(self, path: Path) -> File | Folder:
        node: File | Folder = self.root
        for part in path.relative_to(self.path).parts:
            assert isinstance(node, Folder)
            node = node.live[part]
        return node

    def _settle(self, node: File | Folder) -> None:
        if isinstance(node, Folder):
            node.kept = dict(node.live)
            for inner in node.live.values():
                self._settle(inner)
        else:
            node.kept = node.live


def only_fsynced(node: File | Folder) -> str:
    """The disk that promises least: names and contents of the last fsync."""
    return "kept"


def names_first(node: File | Folder) -> str:
    """A disk that writes names at once and contents when asked: files that were never fsynced are empty."""
    return "live" if isinstance(node, Folder) else "kept"


def half_written(node: File | Folder) -> str:
    """A disk that was in the midst of every content that was not fsynced."""
    return "live" if isinstance(node, Folder) else "half"


def by_chance(seed: str) -> Choice:
    """A disk that had come as far as chance would have it, with each file and folder."""
    return lambda node: ("kept", "live", "half")[
        hashlib.sha256(f"{seed} {node.inode}".encode()).digest()[0] % (2 if isinstance(node, Folder) else 3)
    ]


def materialise(survivor: dict[str, bytes | None], place: Path) -> None:
    """Put what survived into a folder that is not there yet."""
    place.mkdir(parents=True)
    for name, content in survivor.items():
        if content is None:
            (place / name).mkdir()
        else:
            (place / name).write_bytes(content)


def number_of(survivor: dict[str, bytes | None]) -> str:
    """Equal for equal folders."""
    digest = hashlib.sha256()
    for name, content in sorted(survivor.items()):
        digest.update(f"{name} {'folder' if content is None else hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()
