"""Bytes -> documents: formats, encodings, cleaning, duplicates, splits, the byte ledger, `look`. Room: text/.

Knows nothing of tokens or models; imports no torch. Names are loaded when they are asked for: who opens a model reads
no text.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from textmill.text.languages import languages  # its module has the same name, so it stands here before that does

if TYPE_CHECKING:
    from textmill.text.documents import Document, Part, ReadReport
    from textmill.text.ledger import Ledger
    from textmill.text.looking import look, look_against
    from textmill.text.opening import stem_of
    from textmill.text.reading import read_documents
    from textmill.text.splits import SplitPlan, plan_split
    from textmill.text.stdin import keep_stdin

__all__ = [
    "Document",
    "Ledger",
    "Part",
    "ReadReport",
    "SplitPlan",
    "keep_stdin",
    "languages",
    "look",
    "look_against",
    "plan_split",
    "read_documents",
    "stem_of",
]

_HOMES = {
    "Document": "documents",
    "Ledger": "ledger",
    "Part": "documents",
    "ReadReport": "documents",
    "SplitPlan": "splits",
    "keep_stdin": "stdin",
    "look": "looking",
    "look_against": "looking",
    "plan_split": "splits",
    "read_documents": "reading",
    "stem_of": "opening",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
