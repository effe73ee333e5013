"""Bytes -> documents: formats, encodings, cleaning, duplicates, splits, the byte ledger, `look`. Room: text/.

Knows nothing of tokens or models; imports no torch.
"""

from __future__ import annotations

from textmill.text.documents import Document, Part, ReadReport
from textmill.text.languages import languages
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
