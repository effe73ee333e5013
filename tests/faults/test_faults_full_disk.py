"""A disk that is really full: a clear stop, nothing half-written, and the same command goes on once there is room."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults_kit import Driver, InProcess, environment, names, outcome, refused, some_text, training, tree

Disk = Callable[[int], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """disk(kilobytes): a small file system of its own; called again, its size changes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if sys.platform != "linux" or not mount or not umount:
        pytest.skip("a small disk needs Linux and mount")
    made = False

    def of_size(kilobytes: int) -> Path:
        nonlocal made
        options = f"{'remount,' if made else ''}size={kilobytes}k"
        command = [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode:
            pytest.skip(f"a small disk needs the right to mount: {done.stderr.strip()}")
        made = True
        return folder

    yield of_size
    if made:
        subprocess.run([umount, "--lazy", str(folder)], check=True, timeout=60)


def test_a_full_disk_during_preparation_is_told_and_leaves_nothing(mill: InProcess, tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "geese.txt").write_text(some_text(4000), encoding="utf-8")
    small = disk(64)
    before = tree(tmp_path)

    said = mill(*training(), "--runs", str(small))

    refused(said, "the disk is full", str(small), "Free some space and repeat the same command")
    assert tree(tmp_path) == before


def test_a_full_disk_while_standard_input_is_kept_is_told(
    mill: InProcess, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "long.txt"
    text.write_text(some_text(4000), encoding="utf-8")
    small = disk(64)

    with text.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        said = mill(*training("-"), "--runs", str(small))

    refused(said, "the disk is full after", "standard input")
    assert names(small / ".data") == []


@pytest.mark.ci
def test_a_disk_that_is_full_at_any_time_costs_nothing_but_the_time(driver: Driver, tmp_path: Path, disk: Disk) -> None:
    """From too small for the text to just too small for the report: each stop is told, and the run goes on from it."""
    (tmp_path / "geese.txt").write_text(some_text(), encoding="utf-8")
    command = training(steps=["--steps", "9", "--train.eval_every", "3"])
    assert driver(tmp_path, [*command, "--runs", "whole"]).code == 0
    stops = []

    for kilobytes in range(16, 4000, 48):
        small = disk(kilobytes)
        done = driver(tmp_path, [*command, "--runs", "disk"])
        if done.code == 0:
            break
        refused(done, "the disk is full", "disk/", "Free some space")
        stops.append(done.err)

    assert done.code == 0
    assert len(stops) > 5
    assert any("disk/.data/" in err for err in stops) and any("disk/geese/" in err for err in stops)
    assert outcome(small / "geese") == outcome(tmp_path / "whole/geese")
    left = [path for path in small.rglob("*") if path.name.endswith(".tmp")]
    assert left == []


@pytest.mark.ci
def test_a_limit_on_the_size_of_files_is_told_like_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "geese.txt").write_text(some_text(4000), encoding="utf-8")
    limited = "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536));"
    limited += "sys.argv = ['textmill', *sys.argv[1:]]; runpy.run_module('textmill', run_name='__main__')"

    done = subprocess.run(
        [sys.executable, "-c", limited, *training()],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=tmp_path,
        env=environment(),
        timeout=120,
    )

    assert done.returncode == 2, done.stderr
    assert "error: " in done.stderr and "File too large" in done.stderr and "Traceback" not in done.stderr
    assert names(tmp_path) == ["geese.txt"]  # a start that fails leaves nothing, no folder either
