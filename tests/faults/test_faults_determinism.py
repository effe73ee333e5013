"""One seed, one sha: whatever else differs about a process, a folder or a machine that is busy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults_kit import COMMAND, WAIT_S, environment, outcome, some_text, training, weights

ARCHITECTURES = ["rnn", "lstm", "gru", "transformer"]
STEPS = ["--steps", "4", "--train.eval_every", "2"]


def trained(place: Path, words: list[str], reverse: bool = False, **env: str) -> str:
    """The sha of a run of two files, in a process and a folder of its own."""
    (place / "texts").mkdir(parents=True)
    for name in sorted(("crane.txt", "geese.txt", "ibis.txt"), reverse=reverse):
        (place / "texts" / name).write_text(some_text(60, seed=len(name)), encoding="utf-8")
    quick = "import textmill.training.closing as closing; closing.render = lambda *page: None; "
    quick += "import sys; from textmill.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", quick, *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
        cwd=place,
        env=environment() | env,
        timeout=WAIT_S,
    )
    assert done.returncode == 0, done.stderr
    return weights(place / "runs/texts")


@pytest.fixture
def busy_machine() -> Iterator[None]:
    """Another process on each processor."""
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(min(n, 4))]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


@pytest.mark.ci
def test_nothing_but_the_seed_changes_a_weight(tmp_path: Path) -> None:
    command = training("texts", steps=STEPS)
    turkish = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "4242"}
    chinese = {"LC_ALL": "zh_CN.UTF-8", "TEXTMILL_LANG": "zh", "TZ": "America/St_Johns", "PYTHONHASHSEED": "1"}
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "0", "TZ": "UTC"}
    rhythm = [*training("texts", steps=["--steps", "4", "--train.eval_every", "1"]), "--train.save_every", "3"]

    shas = {
        "as it is": trained(tmp_path / "a", command),
        "Turkish, another order of files": trained(tmp_path / "a longer name/b", command, reverse=True, **turkish),
        "Chinese, quiet": trained(tmp_path / "飞", [*command, "-q"], **chinese),
        "C, verbose": trained(tmp_path / "c", [*command, "-v"], **plain),
        "evaluated and saved at other steps": trained(tmp_path / "d", rhythm),
    }

    assert len(set(shas.values())) == 1, shas
    assert trained(tmp_path / "e", [*command, "--seed", "1"]) not in shas.values()


@pytest.mark.slow
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "4294967295", "TZ": "Pacific/Chatham"},
        {"LC_ALL": "C", "PYTHONUTF8": "0"},
        {"LC_ALL": "tr_TR.UTF-8"},
        {"LC_ALL": "zh_CN.UTF-8", "TEXTMILL_LANG": "zh"},
    ],
    ids=lambda env: " ".join(env.values()),
)
def test_one_sha_for_each_architecture(tmp_path: Path, busy_machine: None, arch: str, env: dict[str, str]) -> None:
    command = training("texts", arch=arch, steps=STEPS)
    one = trained(tmp_path / "one", command)

    assert trained(tmp_path / "other", command, reverse=True, **env) == one
    assert trained(tmp_path / "seed", [*command, "--seed", "1"], **env) != one
    assert outcome(tmp_path / "one/runs/texts")["log"] == outcome(tmp_path / "other/runs/texts")["log"]


@pytest.mark.ci
def test_a_busy_machine_changes_no_bit(tmp_path: Path, busy_machine: None) -> None:
    command = training("texts", arch="transformer", steps=STEPS)

    assert trained(tmp_path / "busy", command) == trained(tmp_path / "again", command, TZ="Asia/Tokyo")


@pytest.mark.ci
def test_another_version_of_torch_is_told_and_goes_on(tmp_path: Path) -> None:
    command = training("texts", steps=STEPS)
    trained(tmp_path, command)
    path = tmp_path / "runs/texts/run.json"
    info = json.loads(path.read_bytes())
    info["versions"]["torch"] = "2.10.0"
    path.write_text(json.dumps(info))

    done = subprocess.run(
        [*COMMAND, *training("texts", steps=["--steps", "5", "--train.eval_every", "2"]), "--threads", "2"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
        timeout=WAIT_S,
    )

    assert done.returncode == 0, done.stderr
    assert "torch: 2.10.0 -> " in done.stderr and "the last bits may differ from now on" in done.stderr
    assert "machine.threads: 1 -> 2: the last bits may differ" in done.stderr
