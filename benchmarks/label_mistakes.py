"""How many planted label mistakes are found: 10 % of the labels turned round by a seed, the ranking cut at as many.

    python benchmarks/label_mistakes.py [DATA] [--seeds 3]

On the sentiment grammar in English and Chinese (2,000 texts), and with DATA (see labelled_texts.py) on ChnSentiCorp,
each text once. Precision where as many are flagged as were planted equals recall there. Beside it the share of mistakes
that is estimated. What the publishers got wrong themselves counts against us.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from labelled_texts import Labelled, each_once, table

from textmill.evaluation.label_mistakes import check_labels
from textmill.text.worlds import Sentiment
from textmill.training.reader_voice import NAME, reader

SHARE = 0.1
N_GRAMMAR = 2000


def sets(data: Path | None, seed: int) -> Iterator[tuple[str, Labelled]]:
    for language in ("en", "zh"):
        world = Sentiment(language=language, seed=seed)
        items = list(world.items(N_GRAMMAR))
        texts = Labelled([item.text for item in items], [world.labels.index(item.label) for item in items])
        yield f"grammar, {language}", texts
    if data:
        yield "ChnSentiCorp train", each_once(table((data / "chnsenticorp" / "train.tsv").read_bytes()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(
        f"{'texts':<20} seed  texts  planted  found among as many  among twice as many  estimated share"
        "  likely  precision: expected, planted  seconds"
    )
    for seed in range(options.seeds):
        for name, (texts, labels) in sets(options.data, seed):
            n_planted = round(SHARE * len(texts))
            planted = np.random.default_rng(seed).permutation(len(texts))[:n_planted]
            given = np.array(labels)
            given[planted] = 1 - given[planted]
            start = time.perf_counter()
            check = check_labels(
                texts, [[label] for label in given.tolist()], ["negative", "positive"], seed, costly={NAME: reader}
            )
            elapsed = time.perf_counter() - start
            order = [suspect.number for suspect in check.suspects]
            found = [100 * len(set(planted.tolist()) & set(order[:n])) / n_planted for n in (n_planted, 2 * n_planted)]
            n_likely = len(check.likely)
            right = len(set(planted.tolist()) & set(order[:n_likely])) / max(1, n_likely)
            print(
                f"{name:<20} {seed:>4} {len(texts):>6} {n_planted:>8} {found[0]:>19.1f}% {found[1]:>18.1f}%"
                f" {100 * check.estimated_share:>15.1f}%"
                f" {n_likely:>7} {100 * (check.precision(n_likely) or 0):>18.1f}% {100 * right:>7.1f}%"
                f" {elapsed:>8.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
