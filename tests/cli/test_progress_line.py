"""Training as it is shown: the line of the design, redrawn on a terminal, rows elsewhere."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from textmill.cli import progress
from textmill.cli.output import Shell
from textmill.cli.progress import TerminalListener, progress_line, shortened
from textmill.training.progress import Progress

NOW = Progress(
    step=1340,
    steps=2000,
    loss=1.7149,
    lr=3e-4,
    tokens_per_s=18_340.0,
    memory_mb=374.2,
    left_s=41.4,
    valid_loss=1.8301,
    bpb=2.3149,
    sample="Once\nupon",
)
LINE = "step 1340/2000 67% loss 1.71 val 1.83 bpb 2.31 lr 3.0e-4 18.3k tok/s 374 MB left 0:41"


def listener(animated: bool, quiet: bool = False, verbose: bool = False) -> TerminalListener:
    shell = Shell(json=False, quiet=quiet, verbose=verbose, dry_run=False, config_file=Path(), said={})
    return TerminalListener(shell, animated=animated)


def test_the_line_is_that_of_the_design() -> None:
    assert progress_line(NOW) == LINE


def test_without_a_terminal_there_is_a_row_for_each_evaluation(capsys: pytest.CaptureFixture[str]) -> None:
    with listener(animated=False) as shown:
        shown.notice("begins")
        shown.progress(NOW)
        shown.evaluated(NOW)

    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"begins\n{LINE}\n"


def test_on_a_terminal_the_line_is_redrawn_and_wiped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "columns", lambda: 120)
    with listener(animated=True) as shown:
        shown.progress(NOW)
        shown.progress(NOW)
        shown.notice("said")
        shown.progress(NOW)

    err = capsys.readouterr().err
    assert err == f"{LINE}\r{LINE}\rsaid{' ' * (len(LINE) - 4)}\n{LINE}\n"


def test_verbose_keeps_every_row_and_the_sample(capsys: pytest.CaptureFixture[str]) -> None:
    with listener(animated=True, verbose=True) as shown:
        shown.progress(NOW)
        shown.evaluated(NOW)

    assert capsys.readouterr().err == f"{LINE}\n{LINE}\n  | Once\\nupon\n"


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with listener(animated=True, quiet=True) as shown:
        shown.notice("begins")
        shown.progress(NOW)
        shown.evaluated(NOW)

    assert capsys.readouterr() == ("", "")


def test_a_shortened_text_fits_and_shows_that_it_was_cut() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("山水山水", 6) == "山水…"


def test_the_examples_in_its_documentation_hold() -> None:
    assert doctest.testmod(progress).failed == 0
