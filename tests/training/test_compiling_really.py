"""--compile by torch's own compiler: a small run, and one on a machine whose C++ compiler is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from textmill.runs import Run
from textmill.runs.checkpoint import load_checkpoint

pytestmark = pytest.mark.ci

RUN = """
import sys
from textmill.config.layers import load_config
from textmill.training import session, train
session.close = lambda *args: None
arch, name, compiles = sys.argv[1:]
flags = {
    "data.paths": ("geese.txt",), "tokens.kind": "bytes", "model.arch": arch, "model.n_layers": 1, "model.d_model": 16,
    "model.seq_len": 16, "train.steps": 4, "train.batch": 4, "train.sample_tokens": 3, "machine.threads": 1,
    "machine.device": "cpu", "run.name": name, "train.compile": compiles == "yes", "train.precision": "float32",
    "model.dropout": 0.0, "train.optimizer": "sgd", "train.lr": 0.1,
}
class Says:
    def notice(self, text): print(text)
    def progress(self, progress): return
    def evaluated(self, progress): return
train(load_config(flags | ({"model.n_heads": 2} if arch == "transformer" else {})), listener=Says())
print("inductor" if "torch._inductor.compile_fx" in sys.modules else "no inductor")
"""


def trained(folder: Path, arch: str, name: str, compiles: bool, **environment: str) -> tuple[Run, str]:
    (folder / "geese.txt").write_text("".join(f"Line {i}: {i * i % 97} geese flew by.\n" for i in range(120)))
    done = subprocess.run(
        [sys.executable, "-c", RUN, arch, name, "yes" if compiles else "no"],
        cwd=folder,
        env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(folder / "cache"), "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Run.open(folder / "runs" / name), done.stdout + done.stderr


def test_a_compiled_run_comes_to_the_same_within_rounding(tmp_path: Path) -> None:
    """Without dropout, whose numbers compiled code draws in its own way; by steps that do not enlarge rounding."""
    plain, told = trained(tmp_path, "transformer", "plain", compiles=False)
    assert "no inductor" in told
    run, told = trained(tmp_path, "transformer", "compiled", compiles=True)
    assert "failed" not in told and "no inductor" not in told
    assert run.info["compile"]["to_the_bit"] is False
    mine, theirs = (load_checkpoint(each.checkpoints / "step-00000004").model for each in (run, plain))
    assert mine.keys() == theirs.keys()
    assert max(float((mine[name] - theirs[name]).abs().max()) for name in mine) < 1e-3


def test_without_a_compiler_on_the_machine_the_run_goes_on_and_says_why(tmp_path: Path) -> None:
    plain, _ = trained(tmp_path, "transformer", "plain", compiles=False)
    run, told = trained(tmp_path, "transformer", "compiled", compiles=True, CXX="/no/such/compiler")
    assert told.count("train.compile failed, so the run goes on without it") == 1
    assert run.info["compile"]["to_the_bit"] is True
    mine, theirs = (load_checkpoint(each.checkpoints / "step-00000004").model for each in (run, plain))
    assert all((mine[name] == theirs[name]).all() for name in mine)
