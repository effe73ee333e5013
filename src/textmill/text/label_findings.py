"""What is said of labelled texts before they are trained on, and of their split. Room: text/. Loads no torch.

Classes and how many texts each has, texts that are equal and have other labels, classes of far longer texts; and of a
split, classes that a held-out part lacks and copies across its parts.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike

from textmill.messages import Message, message, plural_message
from textmill.text.documents import LABELS, Document
from textmill.text.labels import in_class_order
from textmill.text.normalise import normalised_digest
from textmill.text.wording import joined, joined_clauses, percent, some_of

N_MOST = 2_000_000
"""Texts that are read."""
N_SHOWN, SHOWN_CLASSES = 3, 20
FEW = 10
"""Texts of a class below which little can be learned of it."""
ENOUGH = 20
"""Texts of a class from which on it should stand in every part, and have a usual length."""
UNBALANCED = 4
"""The largest class has so many times the texts of the smallest."""
LONGER = 2
"""The median text of a class is so many times as long as that of the others."""


@dataclass
class _Seen:
    """What is kept of the texts: an entry each, and their different labels."""

    kinds: dict[tuple[str, ...], int] = field(default_factory=dict)
    """The labels of a text -> their number."""
    numbers: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("q"))
    """In characters."""
    places: list[str] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, documents: Iterable[Document]) -> _Seen:
        seen = cls()
        for document in islice(documents, N_MOST):
            seen.numbers.append(seen.kinds.setdefault(document.meta[LABELS], len(seen.kinds)))
            seen.lengths.append(len(document.content))
            seen.places.append(document.source)
            seen.digests.append(normalised_digest(document.content))
        return seen

    def counts(self) -> dict[str, int]:
        """Texts of each class, in class order."""
        counts: Counter[str] = Counter()
        for labels, n in zip(self.kinds, np.bincount(self.numbers, minlength=len(self.kinds)), strict=True):
            counts.update(dict.fromkeys(labels, int(n)))
        return {name: counts[name] for name in in_class_order(counts)}


def label_counts(documents: Iterable[Document]) -> dict[str, int]:
    """{class: texts that have it}, in class order. A text with several labels counts for each."""
    counts = Counter(name for document in documents for name in document.meta[LABELS])
    return {name: counts[name] for name in in_class_order(counts)}


def findings_of_labels(documents: Iterable[Document]) -> list[str]:
    """Sentences about labelled training texts: their classes first, then what is odd."""
    seen = _Seen.of(documents)
    n_texts, counts = len(seen.places), seen.counts()
    if not n_texts:
        return []
    findings: list[str] = [classes_told(counts, n_texts)]
    several = [number for labels, number in seen.kinds.items() if len(labels) > 1]
    if n_several := int(np.isin(seen.numbers, several).sum()):
        findings.append(plural_message("%(n)s text has several labels.", "%(n)s texts have several labels.", n_several))
    if len(counts) == 1:
        findings.append(
            message(
                "All texts have the label %(name)s: nothing can be told apart, so no classifier can be trained.",
                name=next(iter(counts)),
            )
        )
    findings += _balance_told(counts, n_texts)
    findings += _conflicts_told(seen)
    findings += _lengths_told(seen, counts)
    return findings


def classes_told(counts: Mapping[str, int], n_texts: int) -> Message:
    """The classes with the number of their texts, and its share; of many, the largest."""
    names = list(counts)
    if len(names) > SHOWN_CLASSES:
        names.sort(key=lambda name: -counts[name])  # stable: class order among equals
    shown = [
        message("%(name)s %(n)s (%(share)s)", name=name, n=f"{counts[name]:,}", share=percent(counts[name] / n_texts))
        for name in names
    ]
    return plural_message(
        "%(n)s class: %(classes)s.",
        "%(n)s classes: %(classes)s.",
        len(names),
        classes=some_of(shown, limit=SHOWN_CLASSES),
    )


def classes_missing(labels: Mapping[tuple[str, ...], int], n_kept: ArrayLike, n_here: ArrayLike) -> list[str]:
    """The classes that a part lacks, though ENOUGH texts of them were kept; in class order.

    labels: the labels of a text -> their number; n_kept and n_here: (numbers,) how many texts have them in all, and in
    the part.
    """
    kept, here = Counter[str](), Counter[str]()
    for names, number in labels.items():
        for name in names:
            kept[name] += int(np.asarray(n_kept)[number])
            here[name] += int(np.asarray(n_here)[number])
    return in_class_order(name for name in kept if kept[name] >= ENOUGH and not here[name])


def missing_told(part: Message, names: Sequence[str]) -> Message:
    """part: in the middle of a sentence."""
    return plural_message(
        "The %(part)s part holds no text of %(n)s class, though there are %(enough)s of it or more: %(names)s.",
        "The %(part)s part holds no text of %(n)s classes, though there are %(enough)s of each or more: %(names)s.",
        len(names),
        part=part,
        enough=ENOUGH,
        names=some_of(names),
    )


def copies_told(n_held: int, n_copies: int, n_exact: int) -> Message:
    """How many held-out texts also stood in the training text, from where they were dropped."""
    return message(
        "Of the %(all)s held-out texts, %(n)s stood in the train text too, %(exact)s of them as exact copies.",
        all=f"{n_held:,}",
        n=f"{n_copies:,}",
        exact=f"{n_exact:,}",
    )


def _balance_told(counts: Mapping[str, int], n_texts: int) -> list[Message]:
    found = []
    few = [message("%(name)s %(n)s", name=name, n=n) for name, n in counts.items() if n < FEW]
    if few:
        found.append(
            plural_message(
                "%(n)s class has fewer than %(few)s texts: %(classes)s. Little can be learned of it.",
                "%(n)s classes have fewer than %(few)s texts: %(classes)s. Little can be learned of them.",
                len(few),
                few=FEW,
                classes=some_of(few),
            )
        )
    largest, smallest = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    if counts[largest] >= UNBALANCED * counts[smallest]:
        found.append(
            message(
                "Unbalanced: %(largest)s has %(times)s times as many texts as %(smallest)s. Who always says "
                "%(largest)s is right for %(share)s of them, so accuracy alone says little.",
                largest=largest,
                times=f"{counts[largest] / counts[smallest]:.3g}",
                smallest=smallest,
                share=percent(counts[largest] / n_texts),
            )
        )
    return found


def _conflicts_told(seen: _Seen) -> list[Message]:
    """Texts that are equal after normalisation and do not have the same labels."""
    first: dict[bytes, int] = {}
    other: dict[bytes, int] = {}
    for number, digest in enumerate(seen.digests):
        before = first.setdefault(digest, number)
        if seen.numbers[before] != seen.numbers[number]:
            other.setdefault(digest, number)
    if not other:
        return []
    n_texts = sum(digest in other for digest in seen.digests)
    labels = [joined(names) for names in seen.kinds]
    shown = [
        message(
            "%(one)s (%(its)s) = %(other)s (%(others)s)",
            one=seen.places[first[digest]],
            its=labels[seen.numbers[first[digest]]],
            other=seen.places[number],
            others=labels[seen.numbers[number]],
        )
        for digest, number in islice(other.items(), N_SHOWN)
    ]
    rest = len(other) - len(shown)
    places = joined_clauses(shown)
    if rest:
        places = message("%(names)s and %(n)s more", names=places, n=f"{rest:,}")
    return [
        plural_message(
            "%(n)s text stands there under different labels, %(times)s times in all: %(places)s. It stays in, but one "
            "of the labels is wrong, or the text alone does not decide.",
            "%(n)s texts stand there under different labels, %(times)s times in all: %(places)s. They stay in, but one "
            "of the labels of each is wrong, or the text alone does not decide.",
            len(other),
            times=f"{n_texts:,}",
            places=places,
        )
    ]


def _lengths_told(seen: _Seen, counts: Mapping[str, int]) -> list[Message]:
    """Classes whose texts are far longer than those of the others, of the largest classes."""
    found = []
    lengths, numbers = np.asarray(seen.lengths), np.asarray(seen.numbers)
    for name in sorted(counts, key=lambda name: -counts[name])[:SHOWN_CLASSES]:
        has_it = np.isin(numbers, [number for labels, number in seen.kinds.items() if name in labels])
        if min(has_it.sum(), (~has_it).sum()) < ENOUGH:
            continue
        usual, others = np.median(lengths[has_it]), np.median(lengths[~has_it])
        if usual >= LONGER * others:
            found.append(
                message(
                    "Texts with the label %(name)s are much longer: %(n)s characters in the median, the others "
                    "%(others)s. A classifier may learn their length.",
                    name=name,
                    n=f"{usual:,.0f}",
                    others=f"{others:,.0f}",
                )
            )
    return found
