"""Textmill: from raw text to a language model that is trained, measured, explained and served.

The public names are loaded when they are first asked for: importing textmill imports neither torch nor transformers.
"""

from __future__ import annotations

from typing import Any

from textmill.tables import load

__version__ = "0.1.0"

_PUBLIC = {
    "Config": "textmill.config:Config",
    "TextClassifier": "textmill.training.text_classifier:TextClassifier",
    "ask": "textmill.tasks.asking:ask",
    "classify": "textmill.tasks.classifying:classify",
    "evaluate": "textmill.evaluation:evaluate",
    "generate": "textmill.generation.by_run:generate",
    "translate": "textmill.tasks.translating:translate",
    "look": "textmill.training:look",
    "monitor": "textmill.evaluation.opinion:monitor",
    "open_run": "textmill.hub:open_run",
    "score": "textmill.generation:score",
    "train": "textmill.training:train",
    "write": "textmill.generation:write",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return load(_PUBLIC[name])
    raise AttributeError(f"module 'textmill' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
