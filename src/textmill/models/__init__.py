"""From ids to scores: the four architectures behind one door, and the n-gram model. Room: models/.

Names are loaded when they are asked for: cost.py counts parameters and FLOPs without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textmill.models.encoder import Encoder
    from textmill.models.heads import Head
    from textmill.models.language import LanguageModel
    from textmill.models.layout import PADDING, Layout
    from textmill.models.network import Network, build_model
    from textmill.models.next_token import IGNORED, NextToken
    from textmill.models.state import State

__all__ = [
    "IGNORED",
    "PADDING",
    "Encoder",
    "Head",
    "LanguageModel",
    "Layout",
    "Network",
    "NextToken",
    "State",
    "build_model",
]

_HOMES = {
    "Encoder": "encoder",
    "Head": "heads",
    "LanguageModel": "language",
    "Network": "network",
    "build_model": "network",
    "PADDING": "layout",
    "Layout": "layout",
    "IGNORED": "next_token",
    "NextToken": "next_token",
    "State": "state",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
