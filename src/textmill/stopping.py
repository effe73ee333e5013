"""What a signal may do at once. Storey: just above errors; the shell and training ask it in their handlers."""

from __future__ import annotations

import os
from types import FrameType


def leave_if_importing(number: int, frame: FrameType | None, words: str) -> None:
    """End the process with 128 + number and a last word, if a module is being imported; else do nothing.

    An exception that is raised inside an import may come out as another one, or not at all: numpy, for one, says then
    that it has no attribute 'ma'. Nothing that must be tidied up is begun within an import.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os.write(2, f"\n{words}\n".encode())
            os._exit(128 + number)
        frame = frame.f_back
