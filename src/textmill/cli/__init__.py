"""A shell line -> a call: one module a verb. Room: cli/, the top storey.

`main` is what the `textmill` command runs. Verbs parse, import their room inside the function, call it once, print.
"""

from __future__ import annotations

from textmill.cli.shell import main

__all__ = ["main"]
