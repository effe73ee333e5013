"""One seed, one sha: whatever else differs about a process, a folder or a machine that is busy."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults_kit import COMMAND, WAIT_S, environment, outcome, some_text, training, weights

from textmill.files import sha256_of

ARCHITECTURES = ["rnn", "lstm", "gru", "transformer"]
STEPS = ["--steps", "4", "--train.eval_every", "2"]
OF_TASK = {"lm": [], "classify": ["--task", "classify"], "translate": ["--task", "translate", "--model.seq_len", "64"]}
NAMES = ("crane", "geese", "ibis")


def a_file(name: str, task: str) -> tuple[str, str]:
    """File name and content: three such are the text of a run."""
    draw, lines = random.Random(name), some_text(60, seed=len(name)).splitlines()
    if task == "classify":
        kinds = [draw.choice(["near 近", "far 远"]) for _ in lines]
        rows = [{"text": f"{line} It was {kind}.", "label": kind} for line, kind in zip(lines, kinds, strict=True)]
    elif task == "translate":
        rows = [{"source": line, "target": " ".join(reversed(line.split()))} for line in lines]
    else:
        return f"{name}.txt", "".join(f"{line}\n" for line in lines)
    return f"{name}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def trained(place: Path, words: list[str], reverse: bool = False, task: str = "lm", **env: str) -> str:
    """The sha of a run of three files, in a process and a folder of its own."""
    (place / "texts").mkdir(parents=True)
    for name, content in sorted((a_file(name, task) for name in NAMES), reverse=reverse):
        (place / "texts" / name).write_text(content, encoding="utf-8")
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
    """Another process on each processor, as long as this one lives."""
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    spin = f"import os\nwhile os.getppid() == {os.getpid()}: sum(range(1000000))"
    spinning = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(min(n, 4))]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def all_but_its_page(run: Path) -> dict[str, Any]:
    """The weights, the log but for its times, the floor and what is answered with it: none may differ."""
    floor = {path.name: sha256_of(path) for path in sorted((run / "floor").glob("*.safetensors"))}
    info = json.loads((run / "run.json").read_bytes())
    return {"outcome": outcome(run), "floor": floor, "offer": info.get("offer")}


@pytest.mark.ci
@pytest.mark.parametrize("task", ["classify", "translate"])
def test_nothing_but_the_seed_changes_a_run_of_another_task(tmp_path: Path, task: str) -> None:
    """Labels, classes and pairs have orders of their own: of sets, of dicts, of files."""
    command = [*training("texts", steps=STEPS), *OF_TASK[task]]
    turkish = {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "4242"}
    chinese = {"LC_ALL": "zh_CN.UTF-8", "TEXTMILL_LANG": "zh", "PYTHONHASHSEED": "1", "PYTHONUTF8": "0"}
    rhythm = [*command, "--train.eval_every", "1", "--train.save_every", "3", "-v"]

    one = trained(tmp_path / "a", command, task=task)
    trained(tmp_path / "飞/b", [*command, "-q"], reverse=True, task=task, **turkish)
    shas = [trained(tmp_path / "c", rhythm, task=task, **chinese)]

    assert all_but_its_page(tmp_path / "a/runs/texts") == all_but_its_page(tmp_path / "飞/b/runs/texts")
    assert shas == [one]
    assert trained(tmp_path / "d", [*command, "--seed", "1"], task=task) != one


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
@pytest.mark.parametrize("task", OF_TASK)
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
def test_one_sha_for_each_architecture(
    tmp_path: Path, busy_machine: None, arch: str, task: str, env: dict[str, str]
) -> None:
    command = [*training("texts", arch=arch, steps=STEPS), *OF_TASK[task]]
    one = trained(tmp_path / "one", command, task=task)

    assert trained(tmp_path / "other", command, reverse=True, task=task, **env) == one
    assert trained(tmp_path / "seed", [*command, "--seed", "1"], task=task, **env) != one
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
