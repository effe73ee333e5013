"""What cleaning keeps of texts that are known to be clean: the share of bytes by rule and file, and every removal.

    python benchmarks/cleaning_keeps.py PATHS [--unit file|line] [--show 20]

PATHS are texts or folders of texts, also .gz. Each row of a table and each string of a JSON file is a document of its
own (--unit line: each line of a text too); of every rule the removed stretches are printed, to be judged by eye.
The rate is UTF-8 megabytes that clean() takes in a second, all rules on; it means nothing on a busy machine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textmill.text.cleaning import RULES, Removed, clean
from textmill.text.documents import Document

TABLES, TEXTS = (".tsv", ".csv"), (".txt", ".tokens", ".en", ".de", ".md")


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def texts(path: Path, unit: str) -> Iterator[str]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind == ".json":
        yield from strings(json.loads(text))
    elif kind in TABLES:
        yield from (field for row in text.split("\n") for field in row.split("\t") if field.strip())
    elif unit == "line":
        yield from (line for line in text.split("\n") if line.strip())
    else:
        yield text


def files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from files(sorted(path.iterdir()))
        elif path.name.removesuffix(".gz").endswith((*TABLES, *TEXTS, ".json")):
            yield path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--unit", choices=("file", "line"), default="file", help="what a document of a text file is")
    parser.add_argument("--show", type=int, default=20, help="removals printed of a file")
    options = parser.parse_args()

    print(f"{'kept %':>9} {'MB/s':>6}  " + "  ".join(f"{rule:>14}" for rule in RULES) + "   (bytes removed)")
    n_bytes = n_removed_bytes = 0
    for path in files(options.paths):
        documents = [Document(text, f"{path.name}:{i}") for i, text in enumerate(texts(path, options.unit), start=1)]
        size = sum(len(document.text.encode()) for document in documents)
        start = time.perf_counter()
        removed: list[tuple[str, Removed]] = []
        for document in documents:
            removed += [(document.source, piece) for piece in clean(document, tuple(RULES))[1]]
        elapsed = time.perf_counter() - start
        by_rule = {rule: sum(len(p.text.encode()) for _, p in removed if p.rule == rule) for rule in RULES}
        lost = sum(by_rule.values())
        counts = "  ".join(f"{by_rule[rule]:>14,}" for rule in RULES)
        print(f"{100 * (1 - lost / max(1, size)):9.4f} {size / elapsed / 1e6:6.1f}  {counts}   {path}")
        for source, piece in removed[: options.show]:
            print(f"          {source} {piece.rule}: {piece.text[:120]!r}")
        n_bytes, n_removed_bytes = n_bytes + size, n_removed_bytes + lost
    print(f"{100 * (1 - n_removed_bytes / max(1, n_bytes)):9.4f} of {n_bytes:,} bytes kept")


if __name__ == "__main__":
    main()
