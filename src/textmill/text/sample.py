"""A large text -> a bounded part of it, drawn over all of it by a seed. Room: text/. Used by splits (look --sample).

Files that are small, or that no reader can enter in part, are drawn whole, each with the same chance. Large ones are
laid end to end and cut into equal stretches, and from each stretch a block is read: it begins and ends where a record
does, so every document has about the same chance. Formats that cannot be entered in the middle, and packed files, give
their beginning instead. What is read is a bounded number of bytes, whatever the size of the text; every file is listed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random
from typing import BinaryIO

from textmill.errors import ConfigError, InputError
from textmill.messages import message, plural_message
from textmill.results import FileLook, Sampled
from textmill.text.files import BINARY_FORMATS, CHUNK, TextFile, open_bytes, size_on_disk
from textmill.text.opening import CannotUnpack
from textmill.text.wording import some_of

LEAST_BLOCK, MOST_BLOCKS = 1 << 14, 128
"""A block has at least so many bytes, if the sample has; and there are at most so many."""
MOST_TINY, LEAST_COST = 1000, 1 << 12
"""Beyond so many, a file costs at least so much of the sample, however small: a million tiny ones take time too."""
MOST_BEYOND = 2
"""Blocks end with a record, but all of them hold at most so many times what was asked for."""
REACH = 1 << 22
"""So far behind a place the next record is looked for. A longer one cannot be entered."""
WHOLE_ONLY = frozenset(("pdf", "docx", "epub", "python-module", "python-topics"))
IN_BLOCKS = frozenset(("text", "csv", "tsv", "jsonl"))
LINE, PARAGRAPH = re.compile(rb"\n"), re.compile(rb"\n[ \t\r]*\n")
WIDE_LINE_ENDS = (b"\n\0\0\0", b"\0\0\0\n", b"\n\0", b"\0\n")  # UTF-32 and UTF-16, little end first and last

Stretches = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Sample:
    """The files to read, some of them in part, and what there is to say of them."""

    files: list[TextFile]
    asked: str
    seed: int
    n_files: int
    n_bytes: int
    dropped: dict[str, int]

    def facts(self, looks: Sequence[FileLook]) -> Sampled:
        """What was read, once it is. looks: of the files, in their order."""
        in_part = [file.of_bytes > 0 for file in self.files]
        n_read = sum(
            look.bytes if part else size_on_disk(file)
            for file, look, part in zip(self.files, looks, in_part, strict=True)
        )
        is_known = not any(
            part and (file.compression or file.format in BINARY_FORMATS)
            for file, part in zip(self.files, in_part, strict=True)
        )
        n_in_blocks = sum(len(file.stretches) > 1 or file.most_bytes > 0 for file in self.files)
        return Sampled(
            asked=self.asked,
            seed=self.seed,
            n_files=self.n_files,
            bytes=self.n_bytes,
            n_files_read=len(self.files),
            bytes_read=n_read,
            share=n_read / self.n_bytes if is_known and self.n_bytes else None,
            n_in_blocks=n_in_blocks,
            n_beginnings=sum(in_part) - n_in_blocks,
            dropped=self.dropped,
        )


def size_said(said: str, n_bytes: int) -> int | None:
    """Bytes of a sample of n_bytes, as it was said: a number of bytes, with a unit, or a share in percent.

    None: all of it. Raises ConfigError for anything else.

    >>> size_said("2.5 MB", 0), size_said("64KiB", 0), size_said("5%", 1000), size_said("100%", 1000)
    (2500000, 65536, 50, None)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:(%)|([kmgt]?)(i?)b?)\s*", said, re.IGNORECASE)
    number = float(found[1]) if found else 0.0
    if found is None or not number:
        raise ConfigError(f"'{said}' is no size", where="--sample", hint="Say it such as 200MB, 2GB or 5%.")
    if found[2]:
        return None if number >= 100 else max(1, round(number / 100 * n_bytes))
    power = " kmgt".index((found[3] or " ").lower())
    base: int = 1024 if found[4] else 1000
    return max(1, round(number * float(base**power)))


def draw_sample(files: Sequence[TextFile], said: str, unit: str, seed: int, notes: list[str]) -> Sample | None:
    """The part of these files that `said` asks for; None where that is all of it. unit: of [data].

    Raises ConfigError for what is no size, InputError where not one file fits.
    """
    there = [file for file in files if not file.dropped_as]
    sizes = [size_on_disk(file) for file in there]
    most = size_said(said, sum(sizes))
    if most is None or (most >= sum(sizes) and _all_unpacked(there, sizes, most)):
        return None
    drawn = _drawn(there, sizes, most, unit, Random(f"textmill sample {seed}"), notes)
    if not drawn:
        raise InputError(
            f"no file can be read within a sample of {said}: the smallest has {min(sizes):,} bytes, and none can be "
            "read in part",
            where=some_of([file.name for file in there]),
            hint="Say a larger --sample.",
        )
    dropped: dict[str, int] = {}
    for file in files:
        if file.dropped_as:
            dropped[file.dropped_as] = dropped.get(file.dropped_as, 0) + size_on_disk(file)
    chosen = [drawn[place] for place in sorted(drawn)]
    _tell(chosen, unit, notes)
    return Sample(chosen, said, seed, len(there), sum(sizes), dict(sorted(dropped.items())))


def _all_unpacked(files: Sequence[TextFile], sizes: Sequence[int], most: int) -> bool:
    """Whether the text fits with its packed files unpacked; no more than `most` bytes are unpacked to know it."""
    left = most - sum(size for file, size in zip(files, sizes, strict=True) if not file.compression)
    for file in files:
        if not file.compression:
            continue
        try:
            with open_bytes(file) as stream:
                while left >= 0 and (piece := stream.read(CHUNK)):
                    left -= len(piece)
        except CannotUnpack:  # reading will say so
            continue
    return left >= 0


def _drawn(
    files: Sequence[TextFile], sizes: Sequence[int], most: int, unit: str, random: Random, notes: list[str]
) -> dict[int, TextFile]:
    """Place of a file -> the file, with what is to be read of it."""
    small = max(4 * LEAST_BLOCK, most // 64)
    fits = [size <= min(small, most) and not file.compression for file, size in zip(files, sizes, strict=True)]
    whole = [n for n, file in enumerate(files) if fits[n] or _is_whole(file)]
    large = sorted(set(range(len(files))) - set(whole))
    drawn: dict[int, TextFile] = {}
    left = most * sum(sizes[n] for n in whole) / max(1, sum(sizes))
    for n in random.sample(whole, len(whole)):
        cost = max(sizes[n], LEAST_COST if len(drawn) >= MOST_TINY else 0)
        if cost <= left or (not drawn and not large and sizes[n] <= most):
            drawn[n] = files[n]
            left -= cost
        if left < 1:
            break
    if large:
        of_large = round(most * sum(sizes[n] for n in large) / sum(sizes))
        drawn |= _drawn_in_part(files, sizes, large, max(1, of_large), unit, random, notes)
    return drawn


def _is_whole(file: TextFile) -> bool:
    """Whether nothing less than the whole file can be read."""
    is_packed = bool(file.compression) or file.archive is not None
    return file.format in WHOLE_ONLY or (file.format == "parquet" and is_packed)


def _drawn_in_part(
    files: Sequence[TextFile],
    sizes: Sequence[int],
    large: Sequence[int],
    most: int,
    unit: str,
    random: Random,
    notes: list[str],
) -> dict[int, TextFile]:
    """Of the large files, one block from each of equal stretches of all of them."""
    n_blocks = min(MOST_BLOCKS, max(1, most // LEAST_BLOCK))
    block = most // n_blocks
    ends = list(accumulate(sizes[n] for n in large))
    step = ends[-1] / n_blocks
    places: dict[int, list[int]] = {}
    at = 0
    for k in range(n_blocks):
        point = int((k + random.random()) * step)
        while ends[at] <= point:
            at += 1
        places.setdefault(large[at], []).append(point - (ends[at] - sizes[large[at]]))
    drawn = {}
    for n, points in places.items():
        file = _in_part(files[n], sizes[n], points, block, unit)
        if file is None:
            notes.append(
                message("Not in the sample, because its first record alone is longer: %(file)s.", file=files[n].name)
            )
        else:
            drawn[n] = file
    return drawn


def _in_part(file: TextFile, size: int, points: Sequence[int], block: int, unit: str) -> TextFile | None:
    """The file with the stretches to be read: blocks where its format allows them, else its beginning."""
    n_bytes = block * len(points)
    if file.format == "parquet":
        return replace(file, most_bytes=n_bytes, of_bytes=size)
    ending = PARAGRAPH if unit == "paragraph" and file.format == "text" else LINE
    try:
        with closing(open_bytes(file)) as stream:
            if (
                file.format in IN_BLOCKS
                and not file.compression
                and file.archive is None
                and b"\0" not in stream.read(1 << 12)
            ):
                stretches = _blocks(stream, size, points, block, ending)
                if stretches and (file.format not in ("csv", "tsv") or _records_are_lines(stream, stretches)):
                    return replace(file, stretches=stretches, of_bytes=size)
            stream.seek(0)
            head = stream.read(n_bytes + REACH)
    except CannotUnpack:  # it is met again where it is examined, within these bytes
        return replace(file, stretches=((0, n_bytes),), of_bytes=size)
    if len(head) <= n_bytes:
        return file
    end = _end_of_beginning(head, n_bytes, file.format, ending)
    return replace(file, stretches=((0, end),), of_bytes=size) if end else None


def _blocks(stream: BinaryIO, size: int, points: Sequence[int], block: int, ending: re.Pattern[bytes]) -> Stretches:
    """(start, end) of the first record, which may be a header, and of a block at each point; () where records are too
    long for that."""
    wanted = [(0, 1), *((point, min(size, point + block)) for point in points)]
    found: list[tuple[int, int]] = []
    for first, last in wanted:
        start, end = _record_start(stream, first, size, ending), _record_start(stream, last, size, ending)
        if start is None or end is None:
            return ()
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    n_bytes = sum(end - start for start, end in found)
    return tuple(found) if n_bytes <= MOST_BEYOND * block * len(points) else ()


def _record_start(stream: BinaryIO, at: int, size: int, ending: re.Pattern[bytes]) -> int | None:
    """Where the first record begins that does not begin before `at`; None where that is out of reach."""
    if at == 0 or at >= size:
        return min(at, size)
    start = max(0, at - 64)  # a separator may lie across the place
    stream.seek(start)
    read = b""
    while len(read) < REACH:
        piece = stream.read(1 << 16)
        read += piece
        for found in ending.finditer(read):
            if start + found.end() >= at:
                return start + found.end()
        if not piece:
            return size
    return None


def _records_are_lines(stream: BinaryIO, stretches: Stretches) -> bool:
    """Whether no line of a table opens a quote that another one closes: only then can it be entered at a line."""
    for start, end in stretches:
        stream.seek(start)
        if any(line.count(b'"') % 2 for line in io.BytesIO(stream.read(end - start))):
            return False
    return True


def _end_of_beginning(head: bytes, n_bytes: int, format_: str, ending: re.Pattern[bytes]) -> int:
    """Where to cut a file that is read from its start: at the end of a record about n_bytes from it, or 0.

    A text, a page or a JSON file whose lines are longer is cut between two characters; its reader can stop there.
    """
    wide = next((mark for mark in WIDE_LINE_ENDS if b"\0" in mark and _aligned(head, mark, len(head))), None)
    if b"\0" in head[: 1 << 12] and wide:
        return _aligned(head, wide, n_bytes) or _aligned(head, wide, len(head))
    ends: Iterable[int] = (found.end() for found in ending.finditer(head))
    if format_ in ("csv", "tsv"):
        ends = _outside_quotes(head)
    before = behind = 0
    for end in ends:
        if end > n_bytes:
            behind = end
            break
        before = end
    if before >= n_bytes // 2:
        return before
    if format_ in ("csv", "tsv", "jsonl"):
        return behind or before
    cut = n_bytes
    while cut > n_bytes - 1024 and cut > 1 and head[cut - 1] >= 0x30:
        cut -= 1
    if head[cut - 1] < 0x30:
        return cut
    cut = n_bytes
    while cut > n_bytes - 4 and head[cut] & 0xC0 == 0x80:
        cut -= 1
    return cut


def _outside_quotes(head: bytes) -> Iterable[int]:
    """Ends of lines behind which no quote is open."""
    n_quotes, position = 0, 0
    for line in io.BytesIO(head):
        n_quotes += line.count(b'"')
        position += len(line)
        if not n_quotes % 2 and line.endswith(b"\n"):
            yield position


def _aligned(head: bytes, mark: bytes, n_bytes: int) -> int:
    """The end of the last such line end before n_bytes that stands at a whole character; 0 without one."""
    at = head.rfind(mark, 0, n_bytes)
    while at > 0 and at % len(mark):
        at = head.rfind(mark, 0, at + len(mark) - 1)
    return at + len(mark) if at > 0 else 0


def _tell(chosen: Sequence[TextFile], unit: str, notes: list[str]) -> None:
    """Which files are read in blocks, and of which only the beginning."""
    blocks = [file.name for file in chosen if len(file.stretches) > 1 or file.most_bytes]
    begun = [file.name for file in chosen if len(file.stretches) == 1]
    if blocks:
        notes.append(
            plural_message(
                "Read in blocks spread over %(n)s file: %(files)s.",
                "Read in blocks spread over %(n)s files: %(files)s.",
                len(blocks),
                files=some_of(blocks),
            )
        )
    if begun:
        notes.append(
            plural_message(
                "Only the beginning is read of %(n)s file: %(files)s.",
                "Only the beginning is read of %(n)s files: %(files)s.",
                len(begun),
                files=some_of(begun),
            )
        )
    single = [file.name for file in chosen if file.stretches and file.format in ("text", "html")]
    if single and unit in ("auto", "file"):
        notes.append(
            message(
                "A file is one document, so the length of a document that is read in part is that of the part: "
                "%(files)s.",
                files=some_of(single),
            )
        )
