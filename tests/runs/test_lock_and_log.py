"""One trainer a folder; each logged step once."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from textmill.errors import RunError
from textmill.runs.lock import is_locked, locked, refuse_if_locked
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


def test_a_folder_that_was_made_for_the_lock_alone_goes_again(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for folder in (tmp_path / "runs/a", tmp_path / "mine"):
        with pytest.raises(InterruptedError), locked(folder):
            assert (folder / "lock").read_text() == f"{os.getpid()}\n"
            raise InterruptedError
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]

    with locked(tmp_path / "runs/a"):
        (tmp_path / "runs/a/run.json").write_text("{}")
    assert sorted(path.name for path in (tmp_path / "runs/a").iterdir()) == ["lock", "run.json"]


def test_a_lock_that_was_removed_or_moved_while_it_was_waited_for_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Opened by a second trainer while the first still holds it: what it then gets is a file that nobody looks at.
    folder, flock, seen = tmp_path / "run", fcntl.flock, []

    def slow(descriptor: int, kind: int) -> None:
        if not seen:
            seen.append(os.fstat(descriptor).st_ino)
            folder.rename(tmp_path / "aside")
        flock(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", slow)
    with locked(folder):
        assert (folder / "lock").stat().st_ino != seen[0]
        assert is_locked(folder) and not is_locked(tmp_path / "aside")


def test_a_folder_that_is_moved_away_leaves_a_held_one_in_its_place(tmp_path: Path) -> None:
    folder, aside = tmp_path / "run", tmp_path / "aside"
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    with locked(folder) as lock:
        lock.move_away(aside)
        assert (aside / "run.json").is_file() and not is_locked(aside)
        assert [path.name for path in folder.iterdir()] == ["lock"]
        with pytest.raises(RunError, match=str(os.getpid())):
            refuse_if_locked(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["aside"]
    refuse_if_locked(aside)


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
