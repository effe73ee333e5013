"""What stands in a GGUF file: facts by key and tensors by name. Room: hub/. Used by gguf.

The file is mapped, not read: a tensor costs nothing until it is asked for. (The gguf package's own reader makes an
array of every string of the vocabulary, which takes seconds.) Layout, all little-endian: "GGUF", version, counts of
tensors and facts; facts (key, type, value); tensors (name, extents, type, offset); padding; their bytes.
Source: docs/gguf.md of ggml-org/ggml, version 3.
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textmill.errors import Damaged, InputError, MissingExtra

MAGIC, VERSIONS = b"GGUF", (2, 3)
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Type of a fact -> its format in `struct`."""
TEXT, LIST = 8, 9
MOST_EXTENTS = 4
ALIGNMENT = 32
"""Bytes, unless general.alignment says otherwise."""


@dataclass(frozen=True)
class GgufTensor:
    """A tensor as it lies in the file. shape: rows first, as numpy says it."""

    name: str
    kind: Any
    shape: tuple[int, ...]
    data: NDArray[Any]

    def in_float32(self) -> NDArray[np.float32]:
        """Its numbers (shape), by the package's dequantiser."""
        from gguf import dequantize

        return np.asarray(dequantize(self.data, self.kind), dtype=np.float32).reshape(self.shape)


class GgufFile:
    """A file, read but for the numbers of its tensors. Raises Damaged for one that is none, or not whole, InputError
    for a version or a type that is not known, MissingExtra without gguf."""

    def __init__(self, path: Path):
        try:
            import gguf  # noqa: F401
        except ImportError:
            raise MissingExtra(
                "reading a .gguf file needs gguf, which is not installed",
                where=str(path),
                hint="pip install 'textmill[export]'",
            ) from None
        self.path, self._at = path, 4
        with path.open("rb") as file:
            if file.read(4) != MAGIC:
                raise Damaged("this is no GGUF file", where=str(path))
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        version = self._number("I")
        if version not in VERSIONS:
            raise InputError(
                f"GGUF version {version} is not supported (known are: 2, 3, little-endian)", where=str(path)
            )
        n_tensors, n_facts = self._number("Q"), self._number("Q")
        self.facts: dict[str, Any] = {}
        for _ in range(self._count(n_facts)):
            key = self._text()
            self.facts[key] = self._value(self._number("I"))
        described = [self._described() for _ in range(self._count(n_tensors))]
        alignment = self.facts.get("general.alignment", ALIGNMENT)
        if type(alignment) is not int or alignment < 1:
            raise self._damaged(f"general.alignment is {alignment!r}")
        start = -(-self._at // alignment) * alignment
        self.tensors = {
            name: self._tensor(name, extents, kind, offset, start) for name, extents, kind, offset in described
        }
        if len(self.tensors) != n_tensors:
            raise self._damaged("a tensor stands in it twice")

    def _damaged(self, why: str) -> Damaged:
        return Damaged(f"this GGUF file is not whole: {why}", where=str(self.path))

    def _take(self, n_bytes: int) -> int:
        """Where the next n_bytes begin."""
        at = self._at
        if n_bytes > len(self._bytes) - at:
            raise self._damaged(f"it ends at byte {len(self._bytes):,}, within what it says of itself")
        self._at = at + n_bytes
        return at

    def _count(self, n: int) -> int:
        """A number of things that each take a byte at least."""
        if n > len(self._bytes) - self._at:
            raise self._damaged(f"it says that {n:,} things follow, and ends at byte {len(self._bytes):,}")
        return n

    def _number(self, kind: str) -> Any:
        form = f"<{kind}"
        return struct.unpack_from(form, self._bytes, self._take(struct.calcsize(form)))[0]

    def _text(self) -> str:
        n_bytes = self._number("Q")
        at = self._take(n_bytes)
        try:
            return self._bytes[at : at + n_bytes].decode()
        except UnicodeDecodeError:
            raise self._damaged(f"the text at byte {at:,} is no UTF-8") from None

    def _value(self, kind: int) -> Any:
        if kind in NUMBERS:
            return self._number(NUMBERS[kind])
        if kind == TEXT:
            return self._text()
        if kind != LIST:
            raise self._damaged(f"there is no type {kind} of facts (byte {self._at:,})")
        kind, n = self._number("I"), self._count(self._number("Q"))
        if kind in NUMBERS:
            form = f"<{n}{NUMBERS[kind]}"
            return list(struct.unpack_from(form, self._bytes, self._take(struct.calcsize(form))))
        if kind != TEXT:
            raise self._damaged(f"a list of type {kind} is not known (byte {self._at:,})")
        return [self._text() for _ in range(n)]

    def _described(self) -> tuple[str, list[int], int, int]:
        """Name, extents, type and offset of the next tensor."""
        name, n_extents = self._text(), self._number("I")
        if not 1 <= n_extents <= MOST_EXTENTS:
            raise self._damaged(f"tensor {name!r} has {n_extents} extents")
        extents = [self._number("Q") for _ in range(n_extents)]
        if 0 in extents:
            raise self._damaged(f"tensor {name!r} has no numbers")
        return name, extents, self._number("I"), self._number("Q")

    def _tensor(self, name: str, extents: list[int], kind: int, offset: int, start: int) -> GgufTensor:
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

        try:
            known = GGMLQuantizationType(kind)
            n_block, n_bytes_of_block = GGML_QUANT_SIZES[known]
        except (ValueError, KeyError):
            raise InputError(f"tensor {name!r} is of a type that is not known ({kind})", where=str(self.path)) from None
        shape = tuple(reversed(extents))
        if shape[-1] % n_block:
            raise self._damaged(f"the rows of tensor {name!r} are no whole blocks")
        row, at = shape[-1] // n_block * n_bytes_of_block, start + offset
        n_bytes = math.prod(shape[:-1]) * row
        if at + n_bytes > len(self._bytes):
            raise self._damaged(f"tensor {name!r} is cut off")
        plain = {"F32": np.float32, "F16": np.float16, "F64": np.float64}.get(known.name, np.uint8)
        data = np.frombuffer(self._bytes, np.uint8, n_bytes, at).view(plain)
        return GgufTensor(name, known, shape, data.reshape(*shape[:-1], -1))
