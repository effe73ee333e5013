"""Under a limit of addresses, with real processes: refused or stopped in a line that names a size that fits."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold to RLIMIT_AS"),
]

TEXT = "".join(f"Line {i}: the {i % 9} geese of {i * i % 13} flew over {i % 4} hills.\n" for i in range(1200))
LIMITED = """
import resource, sys
import psutil, torch
from textmill.cli import main
from textmill.training import fitting, session
left, is_deaf = int(sys.argv[1]) * 2**20, sys.argv[2] == "deaf"
if is_deaf:  # the check before step 0 sees no limit: only the allocation itself fails
    session.room_on = lambda device, n_threads=1: fitting.Room(2**40, "as if without a limit")
resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + left,) * 2)
sys.exit(main(sys.argv[3:]))
"""
LARGE = ["--arch", "gru", "--model.n_layers", "1", "--model.d_model", "128", "--train.batch", "512"]
QUICK = [
    "--tokens.kind",
    "bytes",
    "--threads",
    "1",
    "--train.eval_tokens",
    "999",
    "--train.sample_tokens",
    "0",
    "--eval.resamples",
    "100",
]


def limited(folder: Path, megabytes: int, *arguments: str, deaf: bool = False) -> subprocess.CompletedProcess[str]:
    """The command with so many more addresses than its imports take, a minute at most."""
    words = [sys.executable, "-c", LIMITED, str(megabytes), "deaf" if deaf else "", *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=folder, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "geese.txt").write_text(TEXT)
    return tmp_path


def command(*more: str) -> list[str]:
    return ["train", "geese.txt", *LARGE, *QUICK, "--steps", "1", *more]


def test_a_run_that_does_not_fit_is_refused_within_a_minute_and_the_advice_is_true(folder: Path) -> None:
    began = time.monotonic()
    refused = limited(folder, 300, *command())
    assert time.monotonic() - began < 60
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert re.search(r"too little memory: training needs about .*the limit of addresses", refused.stderr)
    assert re.search(r"This would fit: --fit, which reads the same rows, \d+ at once", refused.stderr)
    assert not (folder / "runs" / "geese").exists()

    fits = limited(folder, 300, *command("--fit"))
    assert fits.returncode == 0, fits.stderr
    assert "which reads the same rows" in fits.stderr


def test_a_size_that_does_not_fit_is_told_one_that_does(folder: Path) -> None:
    large = ["train", "geese.txt", "--arch", "gru", "--size", "large", *QUICK, "--steps", "1", "--train.batch", "1"]
    refused = limited(folder, 300, *large)
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert re.search(r"This would fit: --size (small|tiny)\.", refused.stderr)


def test_memory_that_runs_out_stops_in_a_line_and_an_older_checkpoint_goes_on(folder: Path) -> None:
    begun = limited(folder, 8000, *command())
    assert begun.returncode == 0, begun.stderr

    more = ["--steps", "2"]
    stopped = limited(folder, 150, *command(*more), deaf=True)
    assert stopped.returncode == 2 and "Traceback" not in stopped.stderr, stopped.stderr
    assert re.search(r"memory ran out: .*step 1 of runs/geese is kept", stopped.stderr)
    assert re.search(r"--fit, which reads the same rows, \d+ at once", stopped.stderr)

    goes_on = limited(folder, 300, *command(*more, "--fit"))
    assert goes_on.returncode == 0, goes_on.stderr
    assert "continuing runs/geese at step 1 of 2" in goes_on.stderr
