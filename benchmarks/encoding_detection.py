"""How often the encoding of a text is found, what it costs, and how a peer does on the same bytes.

    python benchmarks/encoding_detection.py FILE|FOLDER... [--lengths 200 500 2000] [--per-file 40] [--seed 0]
                                            [--peer] [--mistakes]

The files are UTF-8 (also as .gz). From each, pieces of so many characters are cut at random places and written in every
encoding that can hold them; a piece without a character beyond ASCII is left out of all but UTF-16 and UTF-32, since it
is the same bytes in the others. A folder stands for all its .txt .tsv .csv .json .gz .tokens .de .en files.
Printed: accuracy by encoding and length, by language and length, by language and encoding, by the number of odd signs
in Latin text, and by file; what was taken for what; the share of near ties, also among the mistakes; the time of one
finding for files of several sizes; and the time of the first pass (detector alone against SHA-256 alone), as ratios of
interleaved runs with minimum, median and maximum.
--peer also asks charset-normalizer (`from_bytes(...).best()`). Right is the encoding itself (a family has one name: gbk
is gb18030), or another that reads the same text from the bytes, as CP1250 does from "é" in CP1252.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from textmill.text.encodings import CODECS, Detector, named

KINDS = {".txt", ".tsv", ".csv", ".json", ".gz", ".tokens", ".de", ".en"}
WRITTEN = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "gb18030", "big5", "shift_jis", "cp1252")


def texts(paths: list[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in KINDS and file.is_file():
                raw = file.read_bytes()
                yield file.name, (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()


def pieces(text: str, length: int, n: int, draw: random.Random) -> Iterator[str]:
    """Random pieces; where less than a hundredth is beyond ASCII, each piece holds such a character."""
    rare = [place for place, character in enumerate(text) if character > "\x7f"]
    for _ in range(n if len(text) > length else 0):
        start = draw.randrange(len(text) - length)
        if rare and len(rare) * 100 < len(text):
            start = max(0, min(len(text) - length, draw.choice(rare) - draw.randrange(length)))
        yield text[start : start + length]


def language(file: str, piece: str) -> str:
    """Chinese or mixed by the share of Han characters; else what the file's name says."""
    han = sum("\u4e00" <= character < "\ua000" for character in piece) / len(piece)
    return "Chinese" if han > 0.3 else "mixed" if han > 0.03 else "German" if ".de" in file else "English"


def oddity(piece: str) -> str:
    """How many characters beyond ASCII there are."""
    n_odd = sum(character > "\x7f" for character in piece)
    return str(n_odd) if n_odd < 3 else "3-5" if n_odd < 6 else "6+"


def ours(raw: bytes) -> tuple[str, list[str]]:
    detector = Detector()
    detector.feed(raw)
    found = detector.finding()
    return "binary" if found.is_binary else found.encoding, [tie.encoding for tie in found.near_ties]


def reads(raw: bytes, codec: str, piece: str) -> bool:
    try:
        return raw.decode(CODECS[codec].python if codec in CODECS else codec) == piece
    except (LookupError, UnicodeError):
        return False


def peers(raw: bytes) -> tuple[str, list[str]]:
    from charset_normalizer import from_bytes

    best = from_bytes(raw).best()
    if best is None:
        return "nothing", []
    try:
        return named(best.encoding.replace("_", "-")), []
    except Exception:
        return best.encoding, []


def table(title: str, cells: dict[tuple[str, str], list[bool]]) -> None:
    columns = list(dict.fromkeys(column for _, column in cells))
    print(f"{title:20}" + "".join(f"{column:>17}" for column in columns))
    for row in dict.fromkeys(row for row, _ in cells):
        found = [cells.get((row, column), []) for column in columns]
        shown = (f"{100 * sum(cell) / len(cell):.2f} % of {len(cell)}" if cell else "-" for cell in found)
        print(f"  {row:18}" + "".join(f"{cell:>17}" for cell in shown))


def accuracy(args: argparse.Namespace, detect: Callable[[bytes], tuple[str, list[str]]]) -> None:
    draw = random.Random(args.seed)
    by_length: dict[tuple[str, str], list[bool]] = {(name, str(n)): [] for name in WRITTEN for n in args.lengths}
    by_language: dict[tuple[str, str], list[bool]] = defaultdict(list)
    by_both: dict[tuple[str, str], list[bool]] = defaultdict(list)
    by_oddity: dict[tuple[str, str], list[bool]] = {(name, n): [] for name in WRITTEN for n in ("1", "2", "3-5", "6+")}
    by_file: dict[str, list[bool]] = defaultdict(list)
    confused: Counter[tuple[str, str]] = Counter()
    n_ties = n_pieces = n_seconds = 0
    for name, text in texts(args.paths):
        for length in args.lengths:
            for piece in pieces(text, length, args.per_file, draw):
                for encoding in WRITTEN:
                    if piece.isascii() and CODECS[encoding].unit == 1:
                        continue
                    try:
                        raw = piece.encode(CODECS[encoding].python)
                    except UnicodeEncodeError:
                        continue
                    found, ties = detect(raw)
                    spoken, is_right = language(name, piece), found == encoding or reads(raw, found, piece)
                    by_length[encoding, str(length)].append(is_right)
                    by_language[spoken, str(length)].append(is_right)
                    by_both[encoding, spoken].append(is_right)
                    if spoken in ("English", "German") and not piece.isascii():
                        by_oddity[encoding, oddity(piece)].append(is_right)
                    by_file[name].append(is_right)
                    confused[encoding, found] += not is_right
                    n_ties += bool(ties)
                    n_seconds += encoding in ties
                    n_pieces += 1
                    if args.mistakes and not is_right:
                        odd = "".join(sorted({character for character in piece if character > "\x7f"}))
                        print(
                            f"    {name} {length}: {encoding} taken for {found}, ties {ties}: {odd[:20]} {piece[:40]!r}"
                        )
    table("encoding, characters", by_length)
    table("language, characters", by_language)
    table("encoding, language", by_both)
    table("Latin, odd signs", by_oddity)
    for name, cell in sorted(by_file.items()):
        print(f"  {name:28} {100 * sum(cell) / len(cell):7.2f} % of {len(cell)}")
    for (encoding, found), n in sorted(confused.items()):
        if n:
            print(f"  {encoding} taken for {found}: {n}")
    wrong = n_pieces - sum(sum(cell) for cell in by_length.values())
    print(f"all: {100 * (1 - wrong / n_pieces):.3f} % of {n_pieces} right", end="; ")
    print(
        f"near ties shown for {100 * n_ties / n_pieces:.2f} %; of {wrong} mistakes {n_seconds} had the right one as tie"
    )


def cost_of_a_finding(args: argparse.Namespace) -> None:
    """Milliseconds from the last byte fed to the verdict: minimum and median of 15."""
    text = "".join(text for _, text in texts(args.paths))
    print("milliseconds of a finding (minimum, median)")
    for size in (1_000, 10_000, 100_000, 1_000_000):
        row = f"  {size:9,} bytes"
        samples = {name: text.encode(name, "ignore")[:size] for name in ("utf-8", "gb18030", "utf-16-le", "cp1252")}
        for name, raw in (samples | {"random": random.Random(args.seed).randbytes(size)}).items():
            spent = []
            for _ in range(15):
                detector = Detector()
                detector.feed(raw)
                start = time.perf_counter()
                detector.finding()
                spent.append(1000 * (time.perf_counter() - start))
            row += f"   {name} {min(spent):.2f} {statistics.median(spent):.2f}"
        print(row)


def cost(args: argparse.Namespace) -> None:
    """The first pass over 32 MB of each file's text, in pieces of 256 KB: the detector against the digest."""

    def timed(step: Callable[[bytes], object], raw: bytes) -> float:
        start = time.perf_counter()
        for place in range(0, len(raw), 1 << 18):
            step(raw[place : place + (1 << 18)])
        return time.perf_counter() - start

    for name, text in texts(args.paths):
        for encoding in ("utf-8", "gb18030"):
            raw = text.encode(encoding)
            raw *= max(1, (32 << 20) // max(1, len(raw)))
            alone, rates = [], []
            for _ in range(5):
                digest, detector = hashlib.sha256(), Detector()
                base = timed(digest.update, raw)
                spent = timed(detector.feed, raw)
                start = time.perf_counter()
                detector.finding()
                spent += time.perf_counter() - start
                alone.append(spent / base)
                rates.append(len(raw) / spent / 1e6)
            low, middle, high = min(alone), statistics.median(alone), max(alone)
            print(
                f"  {name:28} {encoding:8} detector {low:.2f} {middle:.2f} {high:.2f} times SHA-256, "
                f"{statistics.median(rates):.0f} MB/s"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--lengths", type=int, nargs="+", default=[200, 500, 2000])
    parser.add_argument("--per-file", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--mistakes", action="store_true")
    parser.add_argument("--no-cost", action="store_true")
    args = parser.parse_args()
    print("ours")
    accuracy(args, ours)
    if args.peer:
        print("charset-normalizer")
        accuracy(args, peers)
    if not args.no_cost:
        cost_of_a_finding(args)
        cost(args)


if __name__ == "__main__":
    main()
