"""Texts with their translations -> documents. Room: text/ (bytes -> documents): two files, a table, or JSON lines.

Line n of the one file is the translation of line n of the other, so no line is ever left out: what does not fit is an
error that names the first pair. Lines end in LF or CR LF and nowhere else, as in plain.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from statistics import median

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.text.columns import utf8_size
from textmill.text.documents import MARKUP, TARGET, Document, Dropped, Found
from textmill.text.files import TextFile, open_text
from textmill.text.jsonl import BadRecord, members_of, no_key, text_of
from textmill.text.plain import without_line_end
from textmill.text.transcoding import size_in

FAR = math.log(3)  # a pair whose ratio of lengths is so many times the usual one looks shifted
DEFAULT_SIDES = ("source", "target")


@dataclass(frozen=True)
class SentencePair:
    """A text and its translation. place: "file:line" of the source, or of the record of both."""

    source: str
    target: str
    place: str

    @classmethod
    def of(cls, document: Document) -> SentencePair:
        """The pair that a document of pairs is."""
        return cls(document.text, document.meta[TARGET], document.source)

    def document(self) -> Document:
        """As a document; texts that share a side never stand on two sides of a split."""
        group = (f"source {self.source.strip()}", f"target {self.target.strip()}")
        return Document(self.source, self.place, {TARGET: self.target, "group": group})


def read_aligned(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The pairs of two text files, line by line. Raises InputError for other line counts and for an empty side."""
    other = file.beside
    if other is None:
        raise AssertionError("sides.with_sides puts the translation beside a text file")
    for side in (file, other):
        if side.has_bad_bytes:
            raise InputError(
                f"some of its bytes are no {side.encoding}, and a line that is left out would move all that follow",
                where=side.name,
                hint="Mend those bytes (textmill look names them), or say another --encoding.",
            )
    with open_text(file) as sources, open_text(other) as targets:
        number = 0
        for number, (one, two) in enumerate(zip_longest(sources, targets), start=1):
            if one is None or two is None:
                raise uneven(file, other)
            source, target = (str(without_line_end(raw.decode())) for raw in (one, two))
            if not (source.strip() and target.strip()) and n_lines(file) != n_lines(other):
                raise uneven(file, other)
            pair = whole_pair(SentencePair(source, target, f"{file.name}:{number}"))
            n_bytes = utf8_size(source)
            beside = size_in(target, other.codec)
            yield Found(pair.document(), n_bytes, markup=len(one) - n_bytes, beside=beside)
    if not number:
        raise InputError("there is no pair of sentences in it", where=file.name)


def read_table(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The pairs of lines "source TAB target". Quotes are text, and the first line is a pair unless --source and
    --target, or the words source and target, stand in it. Raises InputError for any other line."""
    wanted = data.source or DEFAULT_SIDES[0], data.target or DEFAULT_SIDES[1]
    places = (0, 1)
    n_columns = 2
    with open_text(file) as stream:
        for number, raw in enumerate(stream, start=1):
            where = f"{file.name}:{number}"
            columns = str(without_line_end(raw.decode())).split("\t")
            if number == 1 and all(name in columns for name in wanted):
                places, n_columns = (columns.index(wanted[0]), columns.index(wanted[1])), len(columns)
                yield Dropped(MARKUP, len(raw))
                continue
            if number == 1 and len(columns) > 2:
                raise InputError(
                    f"{len(columns)} columns, and a pair is two: a source, a tab, its translation",
                    where=where,
                    hint="Name the two in the first line, and say which: --source en --target de; a tab inside a text "
                    "must be written as a blank.",
                )
            if len(columns) != n_columns:
                raise InputError(
                    f"{len(columns)} columns where {n_columns} are expected: a source, a tab, its translation",
                    where=where,
                    hint="Mend or take out this line; a tab inside a text must be written as a blank.",
                )
            pair = whole_pair(SentencePair(columns[places[0]], columns[places[1]], where))
            others = [text for place, text in enumerate(columns) if place not in places]
            yield found(pair, len(raw), sum(size_in(text, file.codec) for text in others))


def read_json_lines(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The pairs of JSON lines {"translation": {SOURCE: …, TARGET: …}} or {SOURCE: …, TARGET: …}, such as a world of
    pairs writes. Without --source and --target, the keys source and target, or the only two there are. Raises
    InputError for any other line."""
    wanted: tuple[str, str] | None = (data.source, data.target) if data.source and data.target else None
    with open_text(file) as stream:
        for number, raw in enumerate(stream, start=1):
            where = f"{file.name}:{number}"
            if not raw.strip(b" \t\r\n"):
                yield Dropped(MARKUP, len(raw))
                continue
            try:
                members = members_of(raw.decode())
                sides = {name: value for name, (value, _) in members.items()}
                if isinstance(sides.get("translation"), dict):
                    sides = sides["translation"]
                wanted = wanted or keys_of(sides, data, where)
                lacking = [name for name in wanted if name not in sides]
                if lacking:
                    raise no_key(lacking[0], sides)
                source, target = (text_of(sides[name], f"'{name}'") for name in wanted)
            except BadRecord as bad:
                raise InputError(
                    bad.reason,
                    where=where,
                    hint='A pair is {"translation": {"en": "…", "de": "…"}}; --source and --target say which key is '
                    "which.",
                ) from None
            others = [shown for name, (_, shown) in members.items() if name not in (*wanted, "translation")]
            pair = whole_pair(SentencePair(source, target, where))
            yield found(pair, len(raw), sum(size_in(text, file.codec) for text in others))


def keys_of(sides: dict[str, object], data: DataConfig, where: str) -> tuple[str, str]:
    """The keys of source and target in the first record."""
    texts = [name for name, value in sides.items() if isinstance(value, str)]
    if not (data.source or data.target) and all(name in texts for name in DEFAULT_SIDES):
        return DEFAULT_SIDES
    if (two := the_two(texts, data)) is not None:
        return two
    raise InputError(
        f"it is not said which two of its texts are the pair (there are: {', '.join(texts) or 'none'})",
        where=where,
        hint="Say their keys: --source en --target de",
    )


def the_two(names: Sequence[str], data: DataConfig) -> tuple[str, str] | None:
    """(source, target) among the names of texts: the one that is said and the only other, or the only two there are;
    None where that says nothing."""
    if data.source or data.target:
        others = [name for name in names if name not in (data.source, data.target)]
        return (data.source or others[0], data.target or others[0]) if len(others) == 1 else None
    return (names[0], names[1]) if len(names) == 2 else None


def found(pair: SentencePair, n_all: int, unused: int) -> Found:
    """A pair whose two sides stand in one record of n_all bytes."""
    n_bytes = utf8_size(pair.source) + utf8_size(pair.target)
    return Found(pair.document(), n_bytes, n_all - n_bytes - unused, unused)


def whole_pair(pair: SentencePair) -> SentencePair:
    """The pair as it is. Raises InputError where a side of it is empty."""
    empty = [side for side in ("source", "target") if not getattr(pair, side).strip()]
    if empty:
        there = f": {shortened(pair.source or pair.target)!r}" if len(empty) == 1 else ""
        raise InputError(
            f"the {' and the '.join(empty)} of this pair {'is' if len(empty) == 1 else 'are'} empty{there}",
            where=pair.place,
            hint="Take the line out on both sides, or translate it.",
        )
    return pair


def n_lines(file: TextFile) -> int:
    with open_text(file) as stream:
        return sum(1 for _ in stream)


def uneven(file: TextFile, other: TextFile) -> InputError:
    """The error of two files of unlike length."""
    sides = []
    for side in (file, other):
        with open_text(side) as stream:
            sides.append([str(without_line_end(raw.decode())) for raw in stream])
    sources, targets = sides
    return InputError(
        f"{file.name} has {len(sources)} lines and {other.name} has {len(targets)}, and each line must be the "
        f"translation of its like. {first_suspicious(sources, targets)}",
        hint="Put the line in that is missing, or take out the one that is too many.",
    )


def first_suspicious(sources: Sequence[str], targets: Sequence[str]) -> str:
    """A sentence about where the sides come apart, or else about the first pair whose lengths do not go together."""
    from textmill.text.pair_findings import slip_in  # which knows pairs, and is asked by a look too

    n = min(len(sources), len(targets))
    slip = slip_in(sources[:n], targets[:n])
    if slip is not None:
        number = slip[0]
        shown = f"{shortened(sources[number])!r} and {shortened(targets[number])!r}"
        return f"They come apart at about line {number + 1}: {shown}."
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
