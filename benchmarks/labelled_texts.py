"""Published labelled texts as (texts, labels), for the benchmarks of classification. See each README beside the files.

DATA is a folder with sst2/ (train.tsv.gz, train.sentences.txt, dev.tsv), chnsenticorp/ (train.tsv, dev.tsv) and
imdb_cad/ (orig_train.tsv, orig_dev.tsv). Labels: 1 positive, 0 negative.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from textmill.text.normalise import normalised


class Labelled(NamedTuple):
    texts: list[str]
    labels: list[int]

    @property
    def as_lists(self) -> list[list[int]]:
        return [[label] for label in self.labels]


class Parts(NamedTuple):
    train: Labelled
    dev: Labelled


def table(content: bytes, label: int = 0, text: int = 1, positive: str = "1", quoted: bool = False) -> Labelled:
    if quoted:
        rows = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter="\t"))[1:]
    else:
        rows = [line.split("\t") for line in content.decode().split("\n")[1:] if line]
    return Labelled([row[text] for row in rows], [int(row[label] == positive) for row in rows])


def each_once(texts: Labelled, without: Iterable[str] = ()) -> Labelled:
    """Equal texts, once normalised, count once: the first; those of `without` not at all."""
    seen = {normalised(text) for text in without}
    kept = Labelled([], [])
    for text, label in zip(*texts, strict=True):
        key = normalised(text)
        if key not in seen:
            seen.add(key)
            kept.texts.append(text)
            kept.labels.append(label)
    return kept


def sst2_phrases(data: Path) -> Parts:
    return Parts(
        table(gzip.decompress((data / "sst2" / "train.tsv.gz").read_bytes())),
        table((data / "sst2" / "dev.tsv").read_bytes()),
    )


def sst2_sentences(data: Path) -> Parts:
    lines = [line.split(" ", 1) for line in (data / "sst2" / "train.sentences.txt").read_text().split("\n") if line]
    return Parts(Labelled([text for _, text in lines], [int(label) for label, _ in lines]), sst2_phrases(data).dev)


def chnsenticorp(data: Path) -> Parts:
    """Texts of dev removed from train, equal texts once in each."""
    train, dev = (table((data / "chnsenticorp" / f"{part}.tsv").read_bytes()) for part in ("train", "dev"))
    return Parts(each_once(train, without=dev.texts), each_once(dev))


def imdb_cad(data: Path) -> Parts:
    train, dev = (
        table((data / "imdb_cad" / f"orig_{part}.tsv").read_bytes(), positive="Positive", quoted=True)
        for part in ("train", "dev")
    )
    return Parts(train, dev)


SETS = {
    "SST-2 phrases": sst2_phrases,
    "SST-2 sentences": sst2_sentences,
    "ChnSentiCorp, each text once": chnsenticorp,
    "imdb_cad": imdb_cad,
}
