"""Accuracy on dev of the floor of classifiers (tf-idf, logistic regression), with a 95 % interval, and its seconds.

    python benchmarks/classification_floor.py DATA

DATA: see labelled_texts.py. Beside it Naive Bayes as the READMEs of these texts give it, measured on the same dev texts
(ChnSentiCorp there with its repeats). Run it with one thread: OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from labelled_texts import SETS

from textmill.metrics.bootstrap import resampled_sums
from textmill.models.tfidf import Tfidf

NAIVE_BAYES = {
    "SST-2 phrases": 82.0,
    "SST-2 sentences": 80.9,
    "ChnSentiCorp, each text once": 87.0,
    "imdb_cad": 89.8,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    print(f"{'texts':<29} {'train':>6} {'dev':>5}  accuracy (95 %)      Naive Bayes  nats  strength  fit s  texts/s")
    for name, read in SETS.items():
        train, dev = read(options.data)
        start = time.perf_counter()
        model = Tfidf.fit(train.texts, train.as_lists, ["negative", "positive"])
        fitted = time.perf_counter()
        found = model.probabilities(dev.texts)
        read_s = time.perf_counter() - fitted
        truth = np.array(dev.labels)
        right = found.argmax(axis=1) == truth
        sums = resampled_sums(right[:, None].astype(np.float64), 2000, seed=0)[:, 0]
        low, high = np.quantile(100 * sums / len(right), [0.025, 0.975])
        nats = -np.log(found[np.arange(len(truth)), truth]).mean()
        print(
            f"{name:<29} {len(train.texts):>6} {len(truth):>5}  {100 * right.mean():.1f} ({low:.1f} to {high:.1f})"
            f"  {NAIVE_BAYES[name]:>11.1f}  {nats:.3f}  {model.facts['strength']:>7g}  {fitted - start:>5.1f}"
            f"  {len(truth) / read_s:>7,.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
