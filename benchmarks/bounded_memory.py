"""How much memory `look` and preparation take at most, for texts far larger than they need: the bound is 1.5 GB.

    python benchmarks/bounded_memory.py [--cases NAME...] [--runs look bytes char bpe word] [--languages en zh]
                                        [--size-mb 1000] [--line-mb 200] [--files 100000] [--folder DIR]

Cases: many (small files in a tree), jsonl, lines (--data.unit line), paragraphs (--data.unit paragraph), file (one
document), other (the same as UTF-16 in English, GB 18030 in Chinese), line-prose, line-letters (one line of words with
blanks; of letters alone). Texts are drawn from made-up words, or Han characters, as often as Zipf's law has them; they
are written below --folder, one at a time, and deleted.
A run is `textmill look` or the preparation that `train` does before step 0, with tokens of a kind, in a process of its
own. Printed: the most memory that was resident (VmHWM), minutes, documents and tokens. Exit 1 where a run fails, or
takes more than 1.5 GB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

MOST_BYTES = 1_500_000_000
CASES = ("many", "jsonl", "lines", "paragraphs", "file", "other", "line-prose", "line-letters")
RUNS = ("look", "bytes", "char", "bpe", "word")
KNOBS = {"lines": {"data.unit": "line"}, "paragraphs": {"data.unit": "paragraph"}}
TOGETHER = 1 << 16  # lines that are drawn at once

SYLLABLES = [first + vowel + last for first in "bdfgklmnprstvw" for vowel in "aeiou" for last in ("", "n", "r", "s")]


def zipf(draw: np.random.Generator, n_kinds: int, shape: tuple[int, int]) -> np.ndarray[Any, Any]:
    """Numbers below n_kinds, the n-th of them about as often as 1/n."""
    steps = np.cumsum(1 / (10 + np.arange(n_kinds)))
    return np.searchsorted(steps, draw.random(shape) * steps[-1])


def lines_of(language: str, blanks: bool = True) -> Iterator[str]:
    """Lines without end. blanks: words apart and signs between them; without, letters alone."""
    draw = np.random.default_rng(7)
    if language == "en":
        numbers = draw.integers(0, len(SYLLABLES), (40_000, 4))
        lengths = draw.integers(1, 5, 40_000)
        words = ["".join(SYLLABLES[n] for n in row[:k]) for row, k in zip(numbers, lengths, strict=True)]
        between, end = (" ", ".") if blanks else ("", "")
        while True:
            for row in zipf(draw, len(words), (TOGETHER, 14)):
                yield between.join([words[n] for n in row.tolist()]).capitalize() + end
    han = np.concatenate([np.arange(0x4E00, 0x9FA5, 5), [ord(sign) for sign in "，。" if blanks]])
    order = draw.permutation(len(han))
    while True:
        codes = han[order[zipf(draw, len(han), (TOGETHER, 40))]].astype("<u4")
        if blanks:
            codes[:, 11::12] = ord("，")
        for row in codes:
            yield row.tobytes().decode("utf-32-le") + ("。" if blanks else "")


def write(path: Path, language: str, n_bytes: int, encoding: str, end: str, as_json: bool, blanks: bool) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        together: list[str] = []
        n_written = n_waiting = 0
        for number, line in enumerate(lines_of(language, blanks)):
            text = json.dumps({"id": number, "text": line}, ensure_ascii=False) if as_json else line
            text += "\n" if end == "paragraph" and number % 9 == 8 else ""
            together.append(text + ("\n" if end == "paragraph" else end))
            n_waiting += len(together[-1])
            if n_waiting >= 1 << 20:
                file.write("".join(together))
                n_written, n_waiting = file.tell(), 0
                together.clear()
            if n_written >= n_bytes:
                return


def written(case: str, language: str, folder: Path, arguments: argparse.Namespace) -> Path:
    """The text of a case, a file or a folder."""
    if case == "many":
        lines = lines_of(language)
        for number in range(arguments.files):
            below = folder / "many" / f"{number // 1000:03}"
            if number % 1000 == 0:
                below.mkdir(parents=True)
            (below / f"{number:06}.txt").write_text("\n".join(next(lines) for _ in range(3)), encoding="utf-8")
        return folder / "many"
    path = folder / f"{case}.{'jsonl' if case == 'jsonl' else 'txt'}"
    encoding = {"en": "utf-16", "zh": "gb18030"}[language] if case == "other" else "utf-8"
    is_one_line = case.startswith("line-")
    n_bytes = 1_000_000 * (arguments.line_mb if is_one_line else arguments.size_mb)
    blanks = case != "line-letters"
    end = (" " if blanks and language == "en" else "") if is_one_line else "paragraph" if case == "paragraphs" else "\n"
    write(path, language, n_bytes, encoding, end, case == "jsonl", blanks)
    return path


def run(what: str, path: Path, case: str, folder: Path) -> dict[str, Any]:
    """In a process of its own: look, or prepare with tokens of a kind."""
    from textmill.config.layers import load_config

    knobs: dict[str, Any] = {"data.paths": (str(path),), **KNOBS.get(case, {})}
    if what == "look":
        from textmill.training import look

        return {"n_documents": look(load_config(knobs, None).config.data).n_documents, "n_tokens": 0}
    from textmill.tasks.prepare import prepare

    prepared, _ = prepare(load_config({**knobs, "tokens.kind": what}, None).config, folder)
    return {"n_documents": prepared.ledger["n_documents"], "n_tokens": prepared.train.n_tokens}


def most_resident_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this machine does not say how much memory was resident: Linux does")


def measured(what: str, path: Path, case: str, limit_s: float) -> str:
    """One line of the table; "" at its end where all is well."""
    with tempfile.TemporaryDirectory(dir=path.parent) as made:
        command = [sys.executable, __file__, "--one", what, str(path), case, made]
        start = time.perf_counter()
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit_s)
        except subprocess.TimeoutExpired:
            return f"not done in {limit_s:.0f} s"
    minutes = (time.perf_counter() - start) / 60
    if done.returncode:
        return f"failed after {minutes:.1f} min: {done.stderr.strip().splitlines()[-1:]}"
    found = json.loads(done.stdout.splitlines()[-1])
    verdict = "" if found["bytes"] <= MOST_BYTES else "too much"
    return (
        f"{found['bytes'] / 1e6:6,.0f} MB {minutes:6.1f} min  {sum(found['n_documents'].values()):10,} documents "
        f"{found['n_tokens']:13,} tokens {verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=RUNS)
    parser.add_argument("--languages", nargs="+", choices=("en", "zh"), default=("en", "zh"))
    parser.add_argument("--size-mb", type=int, default=1000)
    parser.add_argument("--line-mb", type=int, default=200)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--limit-s", type=float, default=7200)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        what, path, case, folder = arguments.one
        found = run(what, Path(path), case, Path(folder))
        print(json.dumps(found | {"bytes": most_resident_bytes()}))
        return
    is_bounded = True
    for case in arguments.cases:
        for language in arguments.languages:
            with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
                path = written(case, language, Path(folder), arguments)
                for what in arguments.runs:
                    line = measured(what, path, case, arguments.limit_s)
                    is_bounded &= line.endswith("tokens ")
                    print(f"{case:12} {language} {what:6} {line}", flush=True)
    sys.exit(0 if is_bounded else 1)


if __name__ == "__main__":
    main()
