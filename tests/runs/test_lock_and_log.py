"""One trainer a folder; each logged step once."""

import json
import os
from pathlib import Path

import pytest

from textmill.errors import RunError
from textmill.runs.lock import is_locked, locked
from textmill.runs.metrics_log import MetricsLog


def test_a_second_trainer_is_refused_and_told_the_first_ones_pid(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(RunError, match=str(os.getpid())), locked(tmp_path):
            pass
    assert not is_locked(tmp_path)
    with locked(tmp_path):
        pass


def test_a_lock_that_is_a_link_is_refused_and_its_target_untouched(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep me")
    (tmp_path / "lock").symlink_to(target)
    with pytest.raises(RunError), locked(tmp_path):
        pass
    assert target.read_text() == "keep me"


def test_the_log_is_cut_back_to_a_step_and_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for step in (1, 10, 20):
        log.write(step, {"train/loss": 1.0 / step})
    with log.path.open("a") as file:
        file.write('{"step": 30, "train/lo')

    assert [line["step"] for line in log.read()] == [1, 10, 20]
    log.cut_back(10)
    log.write(20, {"train/loss": 0.5})
    assert [json.loads(line)["step"] for line in log.path.read_text().splitlines()] == [1, 10, 20]


def test_a_log_holds_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        MetricsLog(tmp_path / "metrics.jsonl").write(1, {"train/loss": float("nan")})
