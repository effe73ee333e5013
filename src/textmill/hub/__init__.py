"""Other people's formats <-> ours: Hugging Face folders, GGUF. Room: hub/.

open_run opens whatever RUN may be. Names are loaded when they are asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textmill.hub.folders import ForeignRun, open_folder
    from textmill.hub.opening import open_run

__all__ = ["ForeignRun", "open_folder", "open_run"]

_HOMES = {"ForeignRun": "folders", "open_folder": "folders", "open_run": "opening"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
