"""How a text longer than a window is read so that each token is predicted exactly once. Room: generation/.

Pure arithmetic, no model. Used by scoring.py and by the measuring of tasks/.
"""

from __future__ import annotations

from typing import NamedTuple

from textmill.errors import ConfigError


class Window(NamedTuple):
    """Read inputs [start, stop); count the targets [first_scored, stop). Input i is what predicts target i."""

    start: int
    stop: int
    first_scored: int


def plan_windows(n_targets: int, window: int | None, stride: int | None) -> list[Window]:
    """Windows over n_targets targets, in order: together they score each target exactly once.

    The first window scores all of its targets. Each later one starts `stride` further and scores only what is new,
    so that every target but those of the first window sees at least window − stride tokens before its own input.
    window None: one window over everything, which leaves a stride nothing to move. stride None: the window.
    No targets: no windows. Raises ConfigError, naming the knob, where the stride would leap over targets.

    >>> plan_windows(10, window=4, stride=3)
    [Window(start=0, stop=4, first_scored=0), Window(start=3, stop=7, first_scored=4), \
Window(start=6, stop=10, first_scored=7)]
    """
    if window is not None and window < 1:
        raise ConfigError(f"eval.window is {window}: a window holds at least 1 token")
    if stride is not None and stride < 1:
        raise ConfigError(f"eval.stride is {stride}: windows are at least 1 token apart")
    if window is not None and stride is not None and stride > window:
        raise ConfigError(
            f"eval.stride ({stride}) is above eval.window ({window}): the tokens between windows would not be scored",
            hint=f"Choose a stride of at most {window}, or leave it out: then it is the window.",
        )
    if n_targets <= 0:
        return []
    if window is None:
        return [Window(0, n_targets, 0)]

    windows = [Window(0, min(window, n_targets), 0)]
    while windows[-1].stop < n_targets:
        start = windows[-1].start + (stride or window)
        windows.append(Window(start, min(start + window, n_targets), windows[-1].stop))
    return windows
