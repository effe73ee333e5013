"""What the conversions share: records as JSON lines, each once, and the count of those left out. Room: text/."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from textmill.messages import message
from textmill.text.catalogue.archive import Archive

Record = dict[str, Any]
LeftOut = Counter[str]
"""Reason -> how many records a conversion leaves out."""
Convert = Callable[[Archive, LeftOut], Iterator[tuple[str, bytes]]]
"""Gives (name below the corpus, content), and counts in LeftOut what it leaves out."""

TWICE, SAME = message("the same record once more"), message("the same in both languages")
EMPTY_SIDE, FUZZY = message("nothing on one side"), message("marked as an uncertain translation")


def jsonl(records: Iterable[Record]) -> bytes:
    """Records as JSON lines; non-ASCII stays readable."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def distinct(records: Iterable[Record], left_out: LeftOut, *keys: str) -> Iterator[Record]:
    """The first of all records that agree in `keys`."""
    seen: set[tuple[Any, ...]] = set()
    for record in records:
        key = tuple(record[name] for name in keys)
        if key in seen:
            left_out[TWICE] += 1
            continue
        seen.add(key)
        yield record


def translations(pairs: Iterable[Record], left_out: LeftOut) -> Iterator[Record]:
    """Records with both sides (en, zh), which differ; each pair once."""
    for record in distinct(pairs, left_out, "en", "zh"):
        if not record["en"].strip() or not record["zh"].strip():
            left_out[EMPTY_SIDE] += 1
        elif record["en"] == record["zh"]:
            left_out[SAME] += 1
        else:
            yield record


def agreeing(records: Sequence[Record], left_out: LeftOut) -> Iterator[Record]:
    """Each text once, and none that bears two labels."""
    labels: dict[str, set[str]] = {}
    for record in records:
        labels.setdefault(record["text"], set()).add(record["label"])
    for record in distinct(records, left_out, "text"):
        if len(labels[record["text"]]) > 1:
            left_out[message("the same text under two labels")] += 1
        else:
            yield record
