"""A clock that is set, a kill without a process, and a listener that can call for it: shared by tests of budgets."""

from __future__ import annotations

from textmill.training import Progress


class Ticking:
    """A clock that goes on by `tick` whenever it is read."""

    def __init__(self, tick: float):
        self.tick, self.seconds = tick, 0.0

    def __call__(self) -> float:
        self.seconds += self.tick
        return self.seconds


class Killed(BaseException):
    """As by SIGKILL: nothing is saved."""


class Watcher:
    """Notes what is said; kills at a step, or at a notice, where asked to."""

    def __init__(self, at_step: int | None = None, at_notice: str | None = None):
        self.at_step, self.at_notice, self.notices = at_step, at_notice, list[str]()

    def notice(self, text: str) -> None:
        self.notices.append(text)
        if self.at_notice and self.at_notice in text:
            raise Killed

    def progress(self, progress: Progress) -> None:
        if progress.step == self.at_step:
            raise Killed

    def evaluated(self, progress: Progress) -> None:
        return
