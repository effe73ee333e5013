"""The map of characters of a sentencepiece model, as sentencepiece reads it: the longest match first. Room: tokens/.

Used by foreign for models that must equal sentencepiece on every text (Marian). The tokenizers library reads the same
map by graphemes and leaves most rules of several characters out.
Layout of a map: the size of a trie in bytes, uint32; the trie, a double array of uint32 (Darts: an inner node has a
label in its low 8 bits and the distance to its children in the high ones); texts, each with a zero byte behind it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from sys import byteorder

LABEL = (1 << 31) | 0xFF


class Charsmap:
    """Characters to characters."""

    def __init__(self, blob: bytes):
        """Raises ValueError for what is no map."""
        n_bytes = int.from_bytes(blob[:4], "little")
        if n_bytes % 4 or not 4 <= n_bytes <= len(blob) - 4:
            raise ValueError("the map of characters is cut")
        self._units = array("I", blob[4 : 4 + n_bytes])
        if byteorder == "big":
            self._units.byteswap()
        self._texts = blob[4 + n_bytes :]
        self._root = self._children(0)
        self._after: dict[tuple[int, str], tuple[int | None, str | None]] = {}

    def normalised(self, text: str) -> tuple[str, Sequence[int]]:
        """The text with what matches the map replaced, from left to right, the longest match first; and for each of its
        characters the place in `text` that it came from, with the length of `text` at the end."""
        parts: list[str] = []
        places: list[int] = []
        at = 0
        while at < len(text):
            stop, found = at + 1, None
            node: int | None = self._root
            end = at
            while node is not None and end < len(text):
                node, value = self._step(node, text[end])
                end += 1
                if value is not None:
                    stop, found = end, value
            part = text[at] if found is None else found
            parts.append(part)
            places += [at] * len(part)
            at = stop
        return "".join(parts), [*places, len(text)]

    def _step(self, node: int, character: str) -> tuple[int | None, str | None]:
        """The node behind a character, None where the map ends; and what stands for all up to here, if anything."""
        key = (node, character)
        if key not in self._after:
            self._after[key] = self._walked(node, character)
        return self._after[key]

    def _walked(self, node: int, character: str) -> tuple[int | None, str | None]:
        unit = 0
        for byte in character.encode():
            place = node ^ byte
            if not byte or place >= len(self._units):
                return None, None
            unit = self._units[place]
            if unit & LABEL != byte:
                return None, None
            node = place ^ self._distance(unit)
        if not unit >> 8 & 1:
            return node, None
        start = self._units[node] & 0x7FFFFFFF
        return node, self._texts[start : self._texts.index(b"\0", start)].decode()

    def _children(self, place: int) -> int:
        return place ^ self._distance(self._units[place])

    @staticmethod
    def _distance(unit: int) -> int:
        return (unit >> 10) << ((unit & 1 << 9) >> 6)
