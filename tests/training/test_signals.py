"""A signal is answered at once: the first on its way to a save, the second on its way out."""

import os
import signal

import pytest

from textmill.errors import Interrupted
from textmill.training.signals import watch_signals

NUMBERS = [signal.SIGINT, signal.SIGTERM]


class Left(BaseException):
    """os._exit, played."""


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(code: int) -> None:
        raise Left(code)

    monkeypatch.setattr(os, "_exit", leave)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_signal_is_acknowledged_and_work_goes_on(number: int, capfd: pytest.CaptureFixture[str]) -> None:
    with watch_signals() as stop, stop.deferred():
        os.kill(os.getpid(), number)
        assert stop.requested

    assert capfd.readouterr() == ("", "stopping after this step (again: leave at once)\n")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("step", "words"), [(40, "left at once; saved at step 40\n"), (None, "left at once; nothing was saved yet\n")]
)
def test_the_second_says_what_is_kept_before_it_leaves(
    number: int, step: int | None, words: str, left: None, capfd: pytest.CaptureFixture[str]
) -> None:
    with watch_signals() as stop, stop.deferred():
        stop.saved_step = step
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Left) as gone:
            os.kill(os.getpid(), number)

    assert gone.value.args == (128 + number,)
    assert capfd.readouterr().err.endswith(words)


def test_a_second_signal_while_it_unwinds_is_no_silence_either(left: None, capfd: pytest.CaptureFixture[str]) -> None:
    with watch_signals():
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Left):
            os.kill(os.getpid(), signal.SIGTERM)

    assert capfd.readouterr().err == "left at once; nothing was saved yet\n"


def test_a_stderr_that_nobody_reads_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int, content: bytes) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(os, "write", broken)
    with watch_signals() as stop, stop.deferred():
        os.kill(os.getpid(), signal.SIGINT)
    assert stop.requested
