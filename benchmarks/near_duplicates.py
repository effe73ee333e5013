"""How many planted near duplicates are found, how many other documents are flagged, and how fast, corpus by corpus.

    python benchmarks/near_duplicates.py PATH... [--seed 0] [--least 200] [--copies 0.4] [--show 3]

Each PATH is a corpus, read as `textmill look` reads it; documents beyond 400 words (characters, where words are written
without blanks) are cut into pieces of 200 to 400, those below --least are left out. Documents that are near each other
already are flagged before anything is planted: that share is printed, --show prints some of them, and they are not
planted. Then --copies of all documents are copies of others, changed in one way: one word in thirty replaced by another
of the corpus, taken out, or put in, one in ten replaced, all sentences in another order. Printed by kind of change:
found (copies that stand in a group with their original, percent) and flagged (documents neither copied nor copies that
stand in a group, percent). The last column is MB of UTF-8 per second of processor time on one thread, from texts to
groups; the machine's other work moves it.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from pathlib import Path

import numpy as np

from textmill.config import DataConfig
from textmill.text import ReadReport, read_documents
from textmill.text.near import LEAST_TOKENS, NearDuplicates, folded, tokens

LONGEST = 400
Words = list[tuple[int, int]]


def places(text: str) -> Words:
    """Where the words of a folded text start and end."""
    _, starts, ends = tokens(text)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def documents(path: str, least: int, rng: random.Random) -> list[str]:
    texts = []
    for document in read_documents([path], DataConfig(paths=[path]), ReadReport()):
        text = folded(document.text)
        words = places(text)
        while len(words) > LONGEST:
            n = rng.randrange(least, LONGEST)
            texts.append(text[words[0][0] : words[n - 1][1]])
            words = words[n:]
        if len(words) >= least:
            texts.append(text[words[0][0] : words[-1][1]])
    return texts


def changed(text: str, one_in: int, how: str, vocabulary: list[str], rng: random.Random) -> str:
    """The text with each one_in-th word replaced, taken out, or followed by another, at random places."""
    words = places(text)
    parts, end = [], 0
    chosen = sorted(rng.sample(range(len(words)), round(len(words) / one_in)))
    for start, stop in (words[n] for n in chosen):
        kept = {"replaced": "", "out": "", "in": text[start:stop] + " "}[how]
        added = "" if how == "out" else rng.choice(vocabulary)
        parts += [text[end:start], kept, added]
        end = stop
    return "".join([*parts, text[end:]])


def reordered(text: str, rng: random.Random) -> str:
    sentences = re.findall(r"[^.!?。！？]*[.!?。！？]*", text)
    rng.shuffle(sentences)
    return " ".join(sentences)


def flagged(texts: list[str], seed: int) -> tuple[np.ndarray, list[list[int]]]:
    near = NearDuplicates(seed)
    for text in texts:
        near.add(text)
    return near.groups(), near.clusters(len(texts))


def measure(path: str, least: int, copies: float, show: int, seed: int) -> None:
    rng = random.Random(seed)
    texts = documents(path, least, rng)
    if len(texts) < 10:
        print(f"{Path(path).name}: {len(texts)} documents of {least} words or more: too few")
        return
    _, clusters = flagged(texts, seed)
    for cluster in clusters[:show]:
        print(*(f"    near: {texts[index][:100]!r}" for index in cluster[:3]), sep="\n")
    already = {index for cluster in clusters for index in cluster}
    alone = [text for index, text in enumerate(texts) if index not in already]
    vocabulary = [text[start:end] for text in alone[:1000] for start, end in places(text)]
    changes = {
        "1/30 replaced": lambda text: changed(text, 30, "replaced", vocabulary, rng),
        "1/30 out": lambda text: changed(text, 30, "out", vocabulary, rng),
        "1/30 in": lambda text: changed(text, 30, "in", vocabulary, rng),
        "1/10 replaced": lambda text: changed(text, 10, "replaced", vocabulary, rng),
        "reordered": lambda text: reordered(text, rng),
    }
    row = f"{Path(path).stem[:20]:20} {len(texts):7,} {100 * len(already) / len(texts):6.2f}"
    n_copies = round(len(alone) * copies / (1 - copies))
    for change in changes.values():
        originals = rng.sample(range(len(alone)), n_copies)
        group, _ = flagged([*alone, *(change(alone[index]) for index in originals)], seed)
        found = np.mean(group[len(alone) :] == group[originals])
        sizes = np.bincount(group)
        others = np.setdiff1d(np.arange(len(alone)), originals)
        row += f" {100 * found:7.2f} {100 * np.mean(sizes[group[others]] > 1):5.2f}"
    near = NearDuplicates(seed)
    start = time.process_time()
    for text in alone:
        near.add(text)
    near.groups()
    elapsed_s = time.process_time() - start
    size = sum(len(text.encode()) for text in alone) / 1e6
    print(f"{row} {size / elapsed_s:6.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least", type=int, default=200)
    parser.add_argument("--copies", type=float, default=0.4)
    parser.add_argument("--show", type=int, default=0)
    arguments = parser.parse_args()
    print(f"documents of {arguments.least} words or more; near duplicates are judged from {LEAST_TOKENS} on")
    kinds = " ".join(f"{kind:>13}" for kind in ("1/30 replaced", "1/30 out", "1/30 in", "1/10 replaced", "reordered"))
    print(f"{'corpus':20} {'number':>7} {'before':>6} {kinds}   MB/s")
    print(f"{'':20} {'':7} {'':6}" + "   found  flag" * 5)
    for path in arguments.paths:
        measure(path, arguments.least, arguments.copies, arguments.show, arguments.seed)


if __name__ == "__main__":
    main()
