"""What a signal may do at once. Storey: just above errors; the shell and training ask it in their handlers."""

from __future__ import annotations

import contextlib
import os
from types import FrameType


def leave_if_importing(number: int, frame: FrameType | None, words: str) -> None:
    """End the process with 128 + number and a last word, if a module is being imported; else do nothing.

    An exception that is raised inside an import may come out as another one, or not at all: numpy, for one, says then
    that it has no attribute 'ma'. Nothing that must be tidied up is begun within an import.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            say_at_once(words)
            os._exit(128 + number)
        frame = frame.f_back


def say_at_once(words: str) -> None:
    """A line on stderr past every buffer, which a handler may have interrupted; where nobody reads it, it is lost.

    At a terminal it begins with a line end: a line that is being redrawn, or the ^C of the key, stands there.
    """
    with contextlib.suppress(OSError):
        os.write(2, f"{chr(10) if os.isatty(2) else ''}{words}\n".encode())
