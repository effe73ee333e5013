"""Training as a terminal shows it: one line redrawn, or a row per evaluation where nobody watches. Room: cli/.

A textmill.training Listener. Everything goes to stderr.
"""

from __future__ import annotations

import shutil
import sys
from types import TracebackType
from typing import TYPE_CHECKING

import click

from textmill.cli.output import Shell, forget, on_one_line, width

if TYPE_CHECKING:
    from textmill.training.progress import Progress


class TerminalListener:
    """Prints what training says. On a terminal the line is redrawn; otherwise, and with -v, rows stay.

    -q: silent. -v: a row for every report, and samples in full.
    """

    def __init__(self, shell: Shell, animated: bool | None = None):
        self.shell = shell
        is_terminal = sys.stderr.isatty() if animated is None else animated
        self.animated = is_terminal and not shell.quiet and not shell.verbose
        self._drawn = 0  # columns of the line that stands there unfinished

    def __enter__(self) -> TerminalListener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            self._echo()
            self._drawn = 0

    def notice(self, text: str) -> None:
        if not self.shell.quiet:
            self._line(text)

    def progress(self, progress: Progress) -> None:
        if self.animated:
            self._redraw(progress_line(progress))
        elif self.shell.verbose and not self.shell.quiet:
            self._line(progress_line(progress))

    def evaluated(self, progress: Progress) -> None:
        if self.shell.quiet:
            return
        self._line(progress_line(progress))
        if progress.sample and self.shell.verbose:
            self._line(f"  | {on_one_line(progress.sample)}")
        elif progress.sample and self.animated:
            self._line(click.style(f"  | {shortened(on_one_line(progress.sample), columns() - 5)}", dim=True))

    def _line(self, text: str) -> None:
        """A line that stays; it takes the place of the one that is being redrawn."""
        self._echo(self._over(text))
        self._drawn = 0

    def _redraw(self, text: str) -> None:
        text = shortened(text, columns() - 1)
        self._echo(self._over(text), nl=False)
        self._drawn = width(text)

    def _echo(self, text: str = "", nl: bool = True) -> None:
        """To stderr; where nobody reads it any more, training goes on in silence."""
        try:
            click.echo(text, nl=nl, err=True, color=False if self.shell.quiet else None)
        except BrokenPipeError:
            forget(sys.stderr)

    def _over(self, text: str) -> str:
        if not self._drawn:
            return text
        return "\r" + text + " " * max(0, self._drawn - width(text))


def progress_line(now: Progress) -> str:
    """`step 1340/2000 67% loss 1.71 val 1.83 bpb 2.31 lr 3.0e-4 18.3k tok/s 374 MB left 0:41`."""
    parts = [f"step {now.step}/{now.steps} {100 * now.step // max(1, now.steps)}%", f"loss {now.loss:.2f}"]
    if now.valid_loss is not None:
        parts.append(f"val {now.valid_loss:.2f}")
    if now.bpb is not None:
        parts.append(f"bpb {now.bpb:.2f}")
    parts += [f"lr {rate(now.lr)}", f"{thousands(now.tokens_per_s)} tok/s", f"{now.memory_mb:.0f} MB"]
    return " ".join([*parts, f"left {clock(now.left_s)}"])


def rate(lr: float) -> str:
    """A learning rate without the padding of its exponent.

    >>> rate(3e-4), rate(0.02), rate(0.0)
    ('3.0e-4', '2.0e-2', '0')
    """
    if lr == 0:
        return "0"
    digits, _, exponent = f"{lr:.1e}".partition("e")
    return f"{digits}e{int(exponent)}"


def thousands(value: float) -> str:
    """A speed in three figures or so.

    >>> thousands(950), thousands(18_340), thousands(2_500_000)
    ('950', '18.3k', '2.5M')
    """
    if value < 999.5:
        return f"{value:.0f}"
    return f"{value / 1e3:.1f}k" if value < 999_950 else f"{value / 1e6:.1f}M"


def clock(seconds: float) -> str:
    """Time that is left.

    >>> clock(41.4), clock(3599.9), clock(3661)
    ('0:41', '1:00:00', '1:01:01')
    """
    minutes, second = divmod(round(max(0.0, seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def columns() -> int:
    return shutil.get_terminal_size().columns


def shortened(text: str, n_columns: int) -> str:
    """The beginning of a text that fits, with … where something is left out."""
    if width(text) <= n_columns:
        return text
    while text and width(text) > n_columns - 1:
        text = text[:-1]
    return text + "…"
