"""Ctrl-C and SIGTERM: the first asks for a stop at the next step, the second quits at once. Room: training/.

Both are answered on stderr at once, also where all else is quiet: who presses a key wants to know that it was heard.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from textmill.errors import Interrupted
from textmill.stopping import leave_if_importing, say_at_once

WATCHED = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether, and by which signal, somebody asked to stop."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self.saved_step: int | None = None
        """The step of the last checkpoint; training says it after each save."""
        self._deferred = False

    @property
    def requested(self) -> bool:
        return self.signal_number is not None

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside, a signal only sets `requested`: the loop saves and leaves. Outside, it raises Interrupted at once."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            kept = "nothing was saved yet" if self.saved_step is None else f"saved at step {self.saved_step}"
            say_at_once(f"left at once; {kept}")
            os._exit(128 + number)
        self.signal_number = number
        if self._deferred:
            say_at_once("stopping after this step (again: leave at once)")
            return
        stopped = Interrupted(
            "stopped", signal_number=number, hint="The same command goes on: what was prepared or saved is kept."
        )
        leave_if_importing(number, frame, str(stopped))
        raise stopped


@contextlib.contextmanager
def watch_signals() -> Iterator[StopRequest]:
    """Handle SIGINT and SIGTERM while inside; the handlers from before are put back. Off the main thread: none."""
    stop = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop._on_signal) for number in WATCHED}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
