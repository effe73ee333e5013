"""How long an index of many files takes to build, to open, and to refresh after one change; how long a question takes.

    OMP_NUM_THREADS=1 python benchmarks/ask_index.py [--files 10000] [--bytes 5000] [--questions 300] [--profile]

Half of the files are Markdown in made-up English, half plain text in made-up Chinese, words drawn by Zipf's law, each
with headings, paragraphs and a fact that no other file has. Printed are wall-clock and processor seconds on one thread,
each question's wall clock (median, 95th of 100, longest), how many of the facts are found first, bytes on the disk, and
the most memory that the process held (VmHWM). The machine's other work moves wall clocks; the processor's seconds
hardly.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

from textmill.config import DataConfig
from textmill.text.passage_index import PassageIndex

SYLLABLES = [a + b for a in "bdfgklmnprstv" for b in ("a", "e", "i", "o", "u", "an", "er", "il", "on")]
N_WORDS = 40_000


class Language:
    """A made-up language: words by Zipf's law, and how they stand together."""

    def __init__(self, name: str, rng: random.Random):
        self.is_chinese = name == "zh"
        if self.is_chinese:
            characters = [chr(rng.randrange(0x4E00, 0x9FA0)) for _ in range(3000)]
            self.words = ["".join(rng.choices(characters, k=rng.choice((1, 2, 2, 2, 3)))) for _ in range(N_WORDS)]
        else:
            self.words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(N_WORDS)]
        self.weights = list(accumulate(1 / rank for rank in range(1, N_WORDS + 1)))

    def sentence(self, rng: random.Random) -> str:
        words = rng.choices(self.words, cum_weights=self.weights, k=rng.randint(6, 18))
        return "".join(words) + "。" if self.is_chinese else " ".join(words).capitalize() + ". "

    def document(self, n_bytes: int, fact: str, rng: random.Random) -> str:
        parts: list[str] = []
        size = 0
        while size < n_bytes:
            title = self.sentence(rng)[:20].strip(". 。")
            paragraphs = ["".join(self.sentence(rng) for _ in range(rng.randint(2, 7))) for _ in range(3)]
            parts += [f"第{len(parts) // 4 + 1}节 {title}" if self.is_chinese else f"## {title}", *paragraphs]
            size = sum(len(part.encode()) for part in parts)
        parts[rng.randrange(1, len(parts))] += fact
        return "\n\n".join(parts) + "\n"


def made(folder: Path, n_files: int, n_bytes: int, seed: int) -> dict[str, str]:
    """Write the files; {question: name of the file that answers it}."""
    rng = random.Random(seed)
    languages = {name: Language(name, rng) for name in ("en", "zh")}
    questions: dict[str, str] = {}
    for number in range(n_files):
        name = "zh" if number % 2 else "en"
        word = rng.choice(languages[name].words)
        code = f"{word}{number}" if name == "zh" else f"{word}-{number}"
        if name == "zh":
            question, fact = f"{code}的保修期是多久？", f"{code}的保修期是{rng.randint(2, 60)}个月。"
        else:
            question, fact = (
                f"How long is the warranty of the {code}?",
                f"The {code} has a warranty of {rng.randint(2, 60)} months. ",
            )
        path = folder / f"{number // 100:03}" / f"{number:05}.{'txt' if name == 'zh' else 'md'}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(languages[name].document(n_bytes, fact, rng), encoding="utf-8")
        os.utime(path, (1e9, 1e9))
        questions[question] = path.name
    return questions


@contextmanager
def timed(what: str) -> Iterator[None]:
    wall, processor = time.perf_counter(), time.process_time()
    yield
    print(
        f"{what:34} {time.perf_counter() - wall:8.2f} s wall {time.process_time() - processor:8.2f} s processor",
        flush=True,
    )


def most_memory() -> int:
    """MB that the process held at the most, so far."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--bytes", type=int, default=5_000)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", action="store_true", help="print where building spends its time")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        docs, into = Path(temporary, "docs"), Path(temporary, "into")
        docs.mkdir()
        questions = made(docs, args.files, args.bytes, args.seed)
        n_bytes = sum(path.stat().st_size for path in docs.rglob("*.*"))
        print(f"{args.files:,} files, {n_bytes:,} bytes; memory before: {most_memory()} MB")
        profile = cProfile.Profile()
        with timed("building"):
            if args.profile:
                profile.enable()
            index = PassageIndex.open([str(docs)], DataConfig(), into)
            profile.disable()
        stored = sum(path.stat().st_size for path in into.rglob("*") if path.is_file())
        print(f"{index.n_passages:,} passages, {stored:,} bytes on the disk; memory: {most_memory()} MB")
        with timed("opening, nothing changed"):
            PassageIndex.open([str(docs)], DataConfig(), into)
        changed = docs / "000" / "00000.md"
        changed.write_text(changed.read_text() + "\nOne more line.\n")
        with timed("refreshing, one file changed"):
            index = PassageIndex.open([str(docs)], DataConfig(), into, print)
        seconds: list[float] = []
        n_first = 0
        asked = random.Random(args.seed).sample(list(questions.items()), min(args.questions, len(questions)))
        for question, name in asked:
            start = time.perf_counter()
            hits = index.search(question)
            seconds.append(time.perf_counter() - start)
            n_first += bool(hits) and Path(hits[0].passage.source).name == name
        seconds.sort()
        median, late, longest = (1000 * seconds[n] for n in (len(seconds) // 2, int(len(seconds) * 0.95), -1))
        print(f"a question: median {median:.1f} ms, 95th {late:.1f} ms, longest {longest:.1f} ms")
        print(f"memory at the most: {most_memory()} MB")
        print(f"the fact stands in the first passage: {n_first} of {len(asked)}")
        if args.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
