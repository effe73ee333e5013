"""Every error Textmill raises on purpose, one family. Bottom storey: imports nothing of the house.

    TextmillError                exit   what went wrong
    ├── UsageError                2     the command line: unknown verb, flag, impossible combination
    ├── ConfigError               2     a knob: unknown key, value out of range, two that contradict each other
    ├── InputError                2     a file: missing, unreadable, wrong encoding, no such column
    │   └── TooLittleText         2     fewer documents, bytes or tokens than the work needs
    ├── RunError                  2     a run folder: none, another config's, locked by another process
    │   └── Damaged               2     a file that does not hold what its manifest says
    ├── RemoteError               2     a server of a remote model: unreachable, wrong key, a garbled answer
    ├── MissingExtra              2     an optional dependency that is not installed
    ├── NoSpace                   2     a full disk
    ├── NoMemory                  2     memory ran out while a model trained
    ├── NothingScored             2     a measurement over no tokens
    ├── ContextFull               2     more tokens than the model can attend to
    ├── Diverged                  1     NaN or Inf in training: stopped before the weights changed
    └── Interrupted             130     SIGINT (143: SIGTERM), after saving

A message says what is wrong and where (file:line, key, column); the hint says what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TextmillError(Exception):
    """What is wrong, where, and what to do. `exit_code` is the shell's; see the table above."""

    exit_code = 2

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None):
        super().__init__(message)
        self.message, self.where, self.hint = message, where, hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f"\n  {self.hint}" if self.hint else ""
        return f"{place}{self.message}{advice}"


class UsageError(TextmillError):
    """The command line asks for something that does not exist or does not go together."""


class ConfigError(TextmillError):
    """A knob is unknown, out of range, or contradicts another."""


class InputError(TextmillError):
    """A file is missing, unreadable, in another encoding, or lacks a column."""


class TooLittleText(InputError):
    """There is less text than the work needs; the message names both amounts."""


class RunError(TextmillError):
    """A run folder is none, belongs to another config, or is held by another process."""


class Damaged(RunError):
    """A file does not hold what its manifest says."""


class RemoteError(TextmillError):
    """The server of a remote model cannot be reached, refuses, or answers what is no answer."""

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None, status: int | None = None):
        """status: of its answer over HTTP, where there was one."""
        super().__init__(message, where=where, hint=hint)
        self.status = status


class MissingExtra(TextmillError):
    """An optional dependency is not installed; the hint is the exact pip command."""


class NoSpace(TextmillError):
    """The disk is full; the message names the path and the space needed."""


class NoMemory(TextmillError):
    """Memory ran out; the message names what was needed and what is kept, the hint what would fit."""


class NothingScored(TextmillError):
    """A measurement was asked for over no tokens at all."""


class ContextFull(TextmillError):
    """More tokens than the model can attend to."""


class Diverged(TextmillError):
    """NaN, Inf or a spike in the loss or the gradient: training stopped before such weights were saved."""

    exit_code = 1

    def __init__(self, step: int, why: str, loss: float, grad_norm: float, lr: float, consequence: str):
        """What happened at which step and rate, and what to try. loss in nats a token."""
        super().__init__(
            f"step {step}: {why}: the loss is {loss:g}, the norm of the gradient {grad_norm:g}, "
            f"the rate {lr:g}: {consequence}",
            hint=f"Try a lower rate (--train.lr {lr / 3:.1g}) or a longer warm-up (--train.warmup_steps) under another "
            "--name; or go on from the last checkpoint without this step (--train.bad_step skip) or at half the rate "
            "(--train.bad_step rollback).",
        )
        self.step, self.why, self.loss, self.grad_norm, self.lr = step, why, loss, grad_norm, lr


class Interrupted(TextmillError):
    """Training was asked to stop by a signal; everything is saved. Exit code 128 + signal number."""

    def __init__(self, message: str, *, signal_number: int, hint: str | None = None):
        super().__init__(message, hint=hint)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


def did_you_mean(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """`did you mean 'label'?` for the nearest known word, or None where none is near.

    likeness: what is near, as difflib's ratio; higher where the word may as well be right.

    >>> did_you_mean("lable", ["label", "text"])
    "did you mean 'label'?"
    """
    near = nearest(word, known, likeness)
    return f"did you mean '{near}'?" if near is not None else None


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The nearest known word, or None where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=likeness)
    return near[0] if near else None
