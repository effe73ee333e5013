"""All that cleaning took out -> a file of JSON lines, and back into the documents. Room: text/. Used by look --removed.

A line holds one stretch: `rule`, `source` of its document, `line` of the document, `start` in code points of the
document as it was read, `bytes` in the file's own encoding, `text`. The stretches of a document stand together, in the
order of its text, so that `give_back` can put them in again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from textmill.errors import InputError
from textmill.files import new_file
from textmill.results import Removals
from textmill.text.cleaning import Removed
from textmill.text.splits import SplitPlan


def refuse_place(path: Path, text_paths: Sequence[str]) -> None:
    """Raise InputError where the file of removals must not be written: over a file, in no folder, in the text."""
    if path.exists():
        raise InputError("is there already, and is not overwritten", where=str(path), hint="name another file")
    if not path.parent.is_dir():
        raise InputError("there is no such folder", where=str(path.parent), hint="make it first, or name another")
    for folder in map(Path, text_paths):
        if folder.is_dir() and path.resolve().is_relative_to(folder.resolve()):
            hint = "name a file elsewhere: in there it would be read as text the next time"
            raise InputError(f"lies in {folder}, which is the text itself", where=str(path), hint=hint)


def write_removals(plan: SplitPlan, path: Path) -> Removals:
    """Write every stretch that cleaning took out of the plan's text, in bounded memory; the file is there whole or not.

    Raises InputError if a file of the text changed since the plan was made, NoSpace.
    """
    n_stretches, n_bytes = Counter[str](), Counter[str]()
    with new_file(path) as file:
        for piece in plan.taken_out():
            record = {
                "rule": piece.rule,
                "source": piece.source,
                "line": piece.line,
                "start": piece.start,
                "bytes": piece.n_bytes,
                "text": piece.text,
            }
            file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            n_stretches[piece.rule] += 1
            n_bytes[piece.rule] += piece.n_bytes
        planned = {rule.rule: (rule.n, rule.bytes) for rule in plan.cleaning}
        if planned != {rule: (n, n_bytes[rule]) for rule, n in n_stretches.items()}:
            raise InputError("the text changed while it was read", hint="let it be finished, then repeat the command")
    return Removals(path=str(path), n=n_stretches.total(), bytes=n_bytes.total())


def read_removals(path: Path) -> Iterator[tuple[str, list[Removed]]]:
    """(source of a document, what was taken out of it), in the order of the file: what cleaning.give_back takes.

    Raises InputError for a line that `write_removals` did not write (file:line).
    """
    with path.open(encoding="utf-8", newline="\n") as file:
        pieces = (_piece(line, f"{path}:{number}") for number, line in enumerate(file, start=1))
        for source, group in groupby(pieces, key=lambda pair: pair[0]):
            yield source, [piece for _, piece in group]


def _piece(line: str, where: str) -> tuple[str, Removed]:
    try:
        record = json.loads(line)
        rule, source, start, text = record["rule"], record["source"], record["start"], record["text"]
        return source, Removed(rule, start, start + len(text), text)
    except (ValueError, KeyError, TypeError):
        raise InputError("is no line of a file that look --removed wrote", where=where) from None
