"""One trainer a folder; each logged step once."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from textmill.errors import RunError
from textmill.runs.lock import is_locked, locked, refuse_if_locked
from textmill.runs.metrics_log import MetricsLog, seal_of


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


def test_a_seal_is_that_of_the_whole_file_and_only_what_is_new_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    assert log.seal() == seal_of(b"")
    for step in range(1, 40):
        log.write(step, {"train/loss": 1.0 / step})
        if step % 3 == 0:
            assert log.seal() == seal_of(log.path.read_bytes())
    log.cut_back(20)
    log.write(21, {"train/loss": 2.0})
    assert log.seal() == seal_of(log.path.read_bytes())

    hashed = []
    digest = log.hashed

    class Watched:
        def update(self, content: bytes) -> None:
            hashed.append(content)
            digest.update(content)

        def hexdigest(self) -> str:
            return digest.hexdigest()

    monkeypatch.setattr(log, "hashed", Watched())
    log.write(22, {})
    assert log.seal() == seal_of(log.path.read_bytes())
    assert hashed == [b'{"step": 22}\n']


@pytest.mark.parametrize(
    ("harm", "where", "kept"),
    [
        (lambda lines: [*lines[:3], b"{spoilt", *lines[4:]], ":4: ", [1, 2, 3, 5, 6]),
        (lambda lines: [*lines[:3], lines[1], *lines[4:]], ":4: ", [1, 2, 3, 5, 6]),
        (lambda lines: [*lines[:3], lines[3].replace(b"0.5", b"0.6"), *lines[4:]], ": ", [1, 2, 3, 4, 5, 6]),
        (lambda lines: lines[:4], ": ", [1, 2, 3, 4]),
    ],
    ids=["no object", "a step twice", "another loss", "cut"],
)
def test_a_damaged_log_is_told_kept_aside_and_what_can_be_read_of_it_stays(
    tmp_path: Path, harm: Callable[[list[bytes]], list[bytes]], where: str, kept: list[int]
) -> None:
    # Once, whatever stood behind a damaged line was dropped, and nothing was said.
    log, told = MetricsLog(tmp_path / "metrics.jsonl"), []
    for step in range(1, 7):
        log.write(step, {"train/loss": 0.5})
    seal = log.seal()
    log.write(7, {"train/loss": 0.5})
    lines = log.path.read_bytes().splitlines()
    spoilt = b"".join(line + b"\n" for line in harm(lines))
    log.path.write_bytes(spoilt)

    log.cut_back(6, seal, told.append)

    assert [line["step"] for line in log.read()] == kept
    [notice] = told
    assert notice.startswith(f"{log.path}{where}what was logged up to step 6 is not what was written")
    assert (tmp_path / "metrics.jsonl.damaged").read_bytes() == spoilt
    assert log.seal() == seal_of(log.path.read_bytes())


def test_a_whole_log_is_cut_back_to_its_seal_in_silence_and_a_lost_one_is_told(tmp_path: Path) -> None:
    log, told = MetricsLog(tmp_path / "metrics.jsonl"), []
    log.write(1, {"train/loss": 0.5})
    seal, content = log.seal(), log.path.read_bytes()
    log.path.write_bytes(content + b'{"step": 2}\n{"st')

    log.cut_back(1, seal, told.append)
    assert (told, log.path.read_bytes()) == ([], content)

    log.path.unlink()
    log.cut_back(1, seal, told.append)
    assert len(told) == 1 and "metrics.jsonl is missing" in told[0]
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_log_holds_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        MetricsLog(tmp_path / "metrics.jsonl").write(1, {"train/loss": float("nan")})
