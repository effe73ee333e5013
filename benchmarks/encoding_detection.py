"""How often the encoding of a text is found, what it costs, and how a peer does on the same bytes.

    python benchmarks/encoding_detection.py FILE|FOLDER... [--lengths 200 500 2000] [--per-file 40] [--seed 0]
                                            [--peer] [--mistakes]

The files are UTF-8 (also as .gz). From each, pieces of so many characters are cut at random places and written in every
encoding that can hold them; a piece without a character beyond ASCII is left out of all but UTF-16 and UTF-32, since it
is the same bytes in the others. A folder stands for all its .txt .tsv .csv .json .gz .tokens .de .en files.
Printed: accuracy by encoding and length, then by file; what was taken for what; the share of near ties; and the time of
the first pass (SHA-256 alone, detector alone, both), as ratios of interleaved runs with minimum, median and maximum.
--peer also asks charset-normalizer (`from_bytes(...).best()`); names of one family count as one (gbk = gb18030...).
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


def ours(raw: bytes) -> tuple[str, int]:
    detector = Detector()
    detector.feed(raw)
    found = detector.finding()
    return "binary" if found.is_binary else found.encoding, len(found.near_ties)


def peers(raw: bytes) -> tuple[str, int]:
    from charset_normalizer import from_bytes

    best = from_bytes(raw).best()
    if best is None:
        return "nothing", 0
    try:
        return named(best.encoding.replace("_", "-")), 0
    except Exception:
        return best.encoding, 0


def accuracy(args: argparse.Namespace, detect: Callable[[bytes], tuple[str, int]]) -> None:
    draw = random.Random(args.seed)
    right: dict[tuple[str, int], list[bool]] = defaultdict(list)
    by_file: dict[str, list[bool]] = defaultdict(list)
    confused: Counter[tuple[str, str]] = Counter()
    n_ties = n_pieces = 0
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
                    right[encoding, length].append(found == encoding)
                    by_file[name].append(found == encoding)
                    confused[encoding, found] += 1
                    n_ties += ties > 0
                    n_pieces += 1
                    if args.mistakes and found != encoding:
                        print(f"    {name}: {encoding} taken for {found}: {piece[:50]!r}")
    print(f"{'encoding':12}" + "".join(f"{length:>18}" for length in args.lengths))
    for encoding in WRITTEN:
        cells = [right.get((encoding, length), []) for length in args.lengths]
        shown = (f"{100 * sum(cell) / len(cell):.2f} % of {len(cell)}" if cell else "-" for cell in cells)
        print(f"{encoding:12}" + "".join(f"{cell:>18}" for cell in shown))
    for name, cell in sorted(by_file.items()):
        print(f"  {name:28} {100 * sum(cell) / len(cell):7.2f} % of {len(cell)}")
    for (encoding, found), n in sorted(confused.items()):
        if encoding != found:
            print(f"  {encoding} taken for {found}: {n}")
    hits = sum(sum(cell) for cell in right.values())
    print(
        f"all: {100 * hits / n_pieces:.3f} % of {n_pieces} right; near ties shown for {100 * n_ties / n_pieces:.2f} %"
    )


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
        cost(args)


if __name__ == "__main__":
    main()
