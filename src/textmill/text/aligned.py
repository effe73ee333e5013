"""Two aligned files, a TSV or JSON lines -> sentence pairs. Room: text/ (bytes -> documents).

Line n of the one side is the translation of line n of the other, so no line is ever left out: what does not fit is an
error that names the first pair. Lines end in LF or CR LF and nowhere else, as in plain.py.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any

from textmill.errors import InputError
from textmill.text.files import TextFile, examine, open_text, printable
from textmill.text.long_text import whole
from textmill.text.plain import without_line_end

COMPRESSIONS = (".gz", ".xz", ".bz2", ".zst")
FAR = math.log(3)  # a pair whose ratio of lengths is so many times the usual one looks shifted


@dataclass(frozen=True)
class SentencePair:
    """A text and its translation. place: "file:line" of the source, or of the record of both."""

    source: str
    target: str
    place: str


def pairs_of_files(source: str | Path, target: str | Path, encoding: str | None = None) -> list[SentencePair]:
    """The pairs of two files, line by line. Raises InputError for other line counts and for an empty side."""
    sources, targets = (list(lines_of(path, encoding)) for path in (source, target))
    name, other = printable(source), printable(target)
    if len(sources) != len(targets):
        raise InputError(
            f"{name} has {len(sources)} lines and {other} has {len(targets)}, and each line must be the translation of "
            f"its like. {first_suspicious(sources, targets)}",
            hint="Put the line in that is missing, or take out the one that is too many.",
        )
    pairs = [
        SentencePair(one, two, f"{name}:{number}")
        for number, (one, two) in enumerate(zip(sources, targets, strict=True), start=1)
    ]
    return without_empty_sides(pairs, name)


def pairs_of_tsv(path: str | Path, encoding: str | None = None) -> list[SentencePair]:
    """The pairs of lines "source TAB target". Quotes are text. Raises InputError for any other line."""
    pairs = []
    for number, line in enumerate(lines_of(path, encoding), start=1):
        place, columns = f"{printable(path)}:{number}", line.split("\t")
        if len(columns) != 2:
            raise InputError(
                f"{len(columns)} columns, and a pair is two: a source, a tab, its translation",
                where=place,
                hint="Keep the two columns of the texts; a tab inside a text must be written as a blank.",
            )
        pairs.append(SentencePair(columns[0], columns[1], place))
    return without_empty_sides(pairs, printable(path))


def pairs_of_jsonl(
    path: str | Path, source: str = "source", target: str = "target", encoding: str | None = None
) -> list[SentencePair]:
    """The pairs of JSON lines {"translation": {SOURCE: …, TARGET: …}} or {SOURCE: …, TARGET: …}, such as a world of
    pairs writes. Raises InputError for any other line."""
    pairs = []
    for number, line in enumerate(lines_of(path, encoding), start=1):
        place = f"{printable(path)}:{number}"
        try:
            record: Any = json.loads(line)
        except ValueError as error:
            raise InputError(f"this line is no JSON ({error})", where=place, hint="Write one object a line.") from None
        sides = record.get("translation", record) if isinstance(record, dict) else None
        found = [sides.get(key) if isinstance(sides, dict) else None for key in (source, target)]
        if not all(isinstance(text, str) for text in found):
            known = ", ".join(sides) if isinstance(sides, dict) else "no keys"
            raise InputError(
                f"no texts under '{source}' and '{target}' (there are: {known})",
                where=place,
                hint='A pair is {"translation": {"en": "…", "zh": "…"}} with the two languages named.',
            )
        pairs.append(SentencePair(str(found[0]), str(found[1]), place))
    return without_empty_sides(pairs, printable(path))


def lines_of(path: str | Path, encoding: str | None = None) -> Iterator[str]:
    """The lines of a text file in any encoding, whatever it is called. Raises InputError where there is none."""
    own = Path(path)
    if not own.is_file():
        raise InputError("there is no such file", where=printable(path), hint="Check the path.")
    compression = own.suffix if own.suffix in COMPRESSIONS else ""
    named = TextFile(own, printable(os.fspath(path)), "text", named=True, compression=compression)
    with open_text(examine(named, True, [], encoding)) as stream:
        for raw in stream:
            yield whole(without_line_end(raw.decode()))


def without_empty_sides(pairs: list[SentencePair], name: str) -> list[SentencePair]:
    """The pairs as they are. Raises InputError where there is none, or a side of one is empty."""
    if not pairs:
        raise InputError("there is no pair of sentences in it", where=name)
    for pair in pairs:
        empty = [side for side in ("source", "target") if not getattr(pair, side).strip()]
        if empty:
            there = f": {shortened(pair.source or pair.target)!r}" if len(empty) == 1 else ""
            raise InputError(
                f"the {' and the '.join(empty)} of this pair {'is' if len(empty) == 1 else 'are'} empty{there}",
                where=pair.place,
                hint="Take the line out on both sides, or translate it.",
            )
    return pairs


def first_suspicious(sources: Sequence[str], targets: Sequence[str]) -> str:
    """A sentence about the first pair whose lengths do not go together, where the sides may have come apart."""
    ratios = [math.log((len(two) + 1) / (len(one) + 1)) for one, two in zip(sources, targets, strict=False)]
    usual = median(ratios[: len(ratios) // 2 + 1]) if ratios else 0.0
    for number, (one, two) in enumerate(zip_longest(sources, targets), start=1):
        if one is None or two is None:
            return f"Line {number} stands alone: {shortened(one or two or '')!r}."
        if not (one.strip() and two.strip()) or abs(ratios[number - 1] - usual) > FAR:
            return f"The first pair that looks wrong is line {number}: {shortened(one)!r} and {shortened(two)!r}."
    raise AssertionError("sides of unequal length have a line that stands alone")


def shortened(text: str, longest: int = 40) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
