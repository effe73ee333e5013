"""The demo: a Transformer on the documentation that ships inside Python. Room: training/.

Nothing is downloaded, and whole modules and topics are held out: docstrings of one module repeat each other.
"""

from __future__ import annotations

from typing import Any

from textmill.config.layers import load_config
from textmill.errors import RunError
from textmill.results import Demo
from textmill.training.progress import Listener
from textmill.training.session import train

DEMO_STEPS = 800


def demo(listener: Listener, steps: int | None = None, runs_dir: str = "runs", name: str = "demo") -> Demo:
    """Train, measure, sample and report; the numbers stand beside both floors.

    Raises RunError where the run in RUNS/demo is another one.
    """
    flags: dict[str, Any] = {
        "data.paths": ("builtin:python-docs",),
        "model.seq_len": 128,
        "model.dropout": 0.0,  # not two passes over the text
        "train.batch": 16,
        "train.momentum": 0.9,
        "train.lr_rest": 6e-3,
        "train.steps": steps or DEMO_STEPS,
        "run.dir": runs_dir,
        "run.name": name,
    }
    run = train(load_config(flags, None), listener=listener)
    evaluation = run.evaluation()
    if evaluation is None:
        raise RunError("the demo was not measured", where=str(run.path), hint="Delete the folder and repeat.")
    bpb = evaluation.metrics["bpb"]
    floors = {floor: numbers for floor, numbers in evaluation.baselines.items() if floor.startswith("ngram")}
    samples = [path.read_bytes().decode() for path in sorted((run.path / "samples").glob("final-*.txt"))]
    return Demo(
        run=str(run.path),
        bpb=bpb,
        baselines=evaluation.baselines,
        beats_floors=all(bpb < numbers["bpb"] for numbers in floors.values()),
        samples=samples,
        report=str(run.path / "report.html"),
        next=run.info["next"],
    )
