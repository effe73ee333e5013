"""A listener of training for tests."""

from __future__ import annotations

import os
import signal

from textmill.training import Progress, Quiet


class Told(Quiet):
    """Remembers what is said, and asks for a stop at a step."""

    def __init__(self, stop: int | None = None):
        self.stop = stop
        self.lines: list[str] = []

    def notice(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, progress: Progress) -> None:
        if progress.step == self.stop:
            os.kill(os.getpid(), signal.SIGINT)
