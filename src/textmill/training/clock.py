"""Where a run's time goes. Room: training/."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Seconds by kind of work; what no `doing` names is not counted."""

    def __init__(self, spent: dict[str, float], now: Callable[[], float] = time.perf_counter):
        self.spent, self.now = dict(spent), now

    @contextmanager
    def doing(self, kind: str) -> Iterator[None]:
        start = self.now()
        try:
            yield
        finally:
            self.spent[kind] = self.spent.get(kind, 0.0) + self.now() - start
