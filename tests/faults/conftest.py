"""Fixtures of the fault tests: a shell in this process, and runs that are trained once."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults_kit import ONE_SAVE, Driver, InProcess, copied, some_text, training

from textmill.cli import main


@pytest.fixture
def mill(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """The command line, in a working folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTMILL_LANG", "en")
    return InProcess(capsys)


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, runs/geese of a working folder; to be copied, never touched."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "geese.txt").write_text(some_text(), encoding="utf-8")
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert main(training()) == 0
    return folder / "runs" / "geese"


@pytest.fixture(scope="session")
def young_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with a single checkpoint; to be copied, never touched."""
    folder = tmp_path_factory.mktemp("young")
    (folder / "geese.txt").write_text(some_text(), encoding="utf-8")
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert main(training(steps=ONE_SAVE)) == 0
    return folder / "runs" / "geese"


@pytest.fixture
def young(young_once: Path, tmp_path: Path) -> Path:
    """A copy of the run with a single checkpoint."""
    return copied(young_once, tmp_path)


@pytest.fixture
def geese(trained_once: Path, tmp_path: Path) -> Path:
    """A copy of the finished run in this test's working folder, beside its text."""
    return copied(trained_once, tmp_path)


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    """The command in processes that are stopped at exact instants."""
    with Driver() as driver:
        yield driver
