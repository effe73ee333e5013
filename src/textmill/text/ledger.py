"""Where every byte goes, file by file, exactly. Room: text/.

Categories: train, validation, test, label, markup, unused_column, duplicate, bad_record, empty, other:NAME. In a
sample, text stands for the first three.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textmill.results import FileLook
from textmill.text.documents import BAD_RECORD, DUPLICATE, EMPTY, LABEL, MARKUP, PARTS, TEXT, UNUSED_COLUMN

ORDER = (*PARTS, TEXT, LABEL, MARKUP, UNUSED_COLUMN, DUPLICATE, BAD_RECORD, EMPTY)


def in_order(categories: Iterable[str]) -> list[str]:
    """Parts first, then what was dropped, other:NAME last."""
    return sorted(categories, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


@dataclass(frozen=True)
class Ledger:
    """A FileLook for each file; a category that holds no byte does not stand in it."""

    files: list[FileLook]

    def __post_init__(self) -> None:
        for file in self.files:
            # Only a bug of a reader can break this: files that change are refused while they are read.
            assert sum(file.ledger.values()) == file.bytes, f"{file.path}: {file.ledger} is not {file.bytes} bytes"

    @property
    def n_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def total(self) -> dict[str, int]:
        """{category: bytes} over all files; sums to n_bytes."""
        counts: dict[str, int] = {}
        for file in self.files:
            for category, n_bytes in file.ledger.items():
                counts[category] = counts.get(category, 0) + n_bytes
        return {category: counts[category] for category in in_order(counts)}
