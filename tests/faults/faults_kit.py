"""What the fault tests share: texts, the real command, a folder's tree, a run's weights as one number."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy

from forked import Parent, textmill
from textmill.cli import main

COMMAND = [sys.executable, "-m", "textmill"]
WAIT_S = 120  # a hang guard, no promise of speed
TINY = [
    *("--tokens.kind", "bytes", "--model.d_model", "16", "--model.n_layers", "1", "--model.seq_len", "16"),
    *("--train.batch", "4", "--train.log_every", "1", "--train.sample_tokens", "3", "--eval.resamples", "100"),
    *("--threads", "1"),
]
STEPS = ["--steps", "6", "--train.eval_every", "2"]
ONE_SAVE = ["--steps", "2", "--train.eval_every", "2"]
NEVER_ENDS = ["--steps", "1000000", "--train.eval_every", "5"]


def some_text(n_lines: int = 120, seed: int = 1) -> str:
    """Sentences, a line each."""
    draw = random.Random(seed)
    return "".join(f"Line {i}: {draw.randrange(9)} geese of {draw.randrange(999)} 飞过山.\n" for i in range(n_lines))


def training(text: str = "geese.txt", *, arch: str = "gru", steps: Sequence[str] = STEPS) -> list[str]:
    """The words of a training command that takes a moment."""
    heads = ["--model.n_heads", "2"] if arch == "transformer" else []
    return ["train", text, "--arch", arch, *TINY, *heads, *steps]


@dataclass
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    def documents(self) -> list[dict[str, Any]]:
        """stdout as JSON lines, and nothing else."""
        found = [json.loads(line) for line in self.out.splitlines()]
        assert found and all(document["schema"].startswith("textmill.") for document in found)
        return found


@dataclass
class Driven(Said):
    """What a command that was stopped came to: calls of the package until then, signals that were sent."""

    calls: int
    fired: int


class InProcess:
    """`mill("look", "x.txt")` runs `textmill look x.txt` here, without starting a process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]):
        self.capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        self.capsys.readouterr()
        code = main(arguments)
        out, err = self.capsys.readouterr()
        return Said(code, out, err)


def environment() -> dict[str, str]:
    ours = {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1", "TEXTMILL_LANG": "en", "TOKENIZERS_PARALLELISM": "false"}
    return {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")} | ours


def run_command(folder: Path, *arguments: str, stdin: bytes = b"") -> Said:
    """A command beside others, to its end, in a process that was forked for it."""
    done = textmill(folder, *arguments, stdin=stdin, env=environment())
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def run_anew(folder: Path, *arguments: str, **env: str) -> Said:
    """The command as a person types it, in a process that starts with Python itself."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=folder,
        env=environment() | env,
        timeout=WAIT_S,
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def start_command(folder: Path, *arguments: str, program: Sequence[str] = COMMAND) -> subprocess.Popen[str]:
    """The command, started; stdout and stderr go to files beside the folder, so that no pipe can fill up."""
    with (folder / ".out").open("w") as out, (folder / ".err").open("w") as err:
        return subprocess.Popen(
            [*program, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder, env=environment()
        )


def ended(process: subprocess.Popen[str], folder: Path) -> Said:
    """Wait, bounded, for a command that was started."""
    try:
        code = process.wait(WAIT_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return Said(code, (folder / ".out").read_text(), (folder / ".err").read_text())


def wait_until(true: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> None:
    """Bounded; fails at once where the process that should bring it about is gone."""
    end = time.monotonic() + WAIT_S
    while not true():
        assert process is None or process.poll() is None, "the process ended before that"
        assert time.monotonic() < end, "this never became true"
        time.sleep(0.005)


class Driver:
    """fault_driver.py, running: a command in a process that is stopped at an exact instant."""

    def __enter__(self) -> Driver:
        self.parent = Parent(str(Path(__file__).with_name("fault_driver.py")), environment())
        return self

    def __exit__(self, *error: object) -> None:
        self.parent.close()

    def __call__(
        self,
        folder: Path,
        arguments: Sequence[str],
        at: Sequence[str | int] = (),
        signals: Sequence[int] = (),
        page: bool = True,
        spoilt: Sequence[int] = (),
    ) -> Driven:
        """Run a command in `folder`; send it the signals at an instant (see fault_driver.py)."""
        trap = {"at": list(at), "signals": [int(number) for number in signals]} if at else None
        streams = {"out": str(folder / ".out"), "err": str(folder / ".err")}
        (folder / ".trap").unlink(missing_ok=True)
        told = self.parent.ask(
            {"argv": list(arguments), "cwd": str(folder), **streams, "trap": trap, "page": page, "spoilt": list(spoilt)}
        )
        out, err = ((folder / name).read_text() for name in (".out", ".err"))
        return Driven(told["code"], out, err, told["calls"], told["fired"])


def last_step(run: Path) -> int:
    """The last step in metrics.jsonl, 0 without one."""
    path = run / "metrics.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    return int(json.loads(lines[-1])["step"]) if lines else 0


def logged_steps(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def weights(run: Path) -> str:
    """sha256 over the names, types, shapes and bytes of the last checkpoint's model."""
    folder = run / str(json.loads((run / "last.json").read_bytes())["checkpoint"])
    digest = hashlib.sha256()
    for name, tensor in sorted(safetensors.numpy.load_file(folder / "model.safetensors").items()):
        digest.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def outcome(run: Path) -> dict[str, Any]:
    """All of a finished run that must not depend on how often it was disturbed."""
    info = json.loads((run / "run.json").read_bytes())
    log = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in log:
        for name in [name for name in line if name.startswith(("train/tokens_per_second", "time/"))]:
            del line[name]
    evaluations = {
        path.name: {
            key: value for key, value in json.loads(path.read_bytes()).items() if key in ("metrics", "baselines")
        }
        for path in sorted((run / "eval").glob("*.json"))
    }
    return {
        "finished": info["finished"],
        "weights": weights(run),
        "best": json.loads((run / "best.json").read_bytes()),
        "last": json.loads((run / "last.json").read_bytes()),
        "log": log,
        "evaluations": evaluations,
        "samples": {path.name: path.read_text() for path in sorted((run / "samples").glob("*.txt"))},
        "page": (run / "report.html").is_file(),
    }


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything under a folder but locks: name -> (time of change, content). A folder's own time is not looked at."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) if path.is_file() else (0, b"")
        for path in sorted(folder.rglob("*"))
        if path.name != "lock" and not path.is_symlink()
    }


def names(folder: Path) -> list[str]:
    """What lies in a folder, hidden things too."""
    return sorted(path.name for path in folder.iterdir())


def refused(said: Said, *words: str) -> None:
    """Exit 2, nothing on stdout, one error line that holds the words, its hints behind it, no traceback."""
    assert said.code == 2, said
    assert said.out == ""
    lines = said.err.splitlines()
    errors = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    assert len(errors) == 1, said.err
    assert all(line.startswith("  ") for line in lines[errors[0] + 1 :]), said.err
    assert "Traceback" not in said.err and "bug of Textmill" not in said.err
    told = "\n".join(lines[errors[0] :])
    assert all(word in told for word in words), said.err


def flip_a_bit(path: Path, where: float = 0.6) -> None:
    """One bit of a file, where: its place as a share of the file's length."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * where)] ^= 0b100
    path.write_bytes(bytes(content))


def copied(run: Path, place: Path) -> Path:
    """A working folder of its own: text, prepared text and run, with their times."""
    shutil.copytree(run.parent.parent, place, dirs_exist_ok=True)
    return place / run.relative_to(run.parent.parent)
