"""What it costs that a run cannot be lost: the share of its time that saving, logging and looking for NaN take.

    python benchmarks/reliability_cost.py [--minutes 2] [--ten 10] [--size small] [TEXT]

A run over a text of about 1 MB (default: made from a seed) is trained in this process at the defaults, but for two
things that are no cost of reliability and take long: it is evaluated on little text, and writes no samples. Both are
left out of the share as well, so that it comes out too large rather than too small. The time is taken by the clock that
writes run.json's `time`: `save` (tensors gathered and looked at, written, hashed, fsynced, old ones deleted) and `log`.
Within it each part is timed by itself, and the looks at every step (loss, gradient) as well, which the clock counts as
training. A busy machine lengthens both sides of a share; its load is printed.

Extrapolated to ten minutes of training: at the defaults there are ten evaluations, however long the run is, and one
save at each at the most; what comes with each step or line grows with the steps. So the share is (10 x the mean save
here + what steps and lines cost a second of training here x ten minutes) / ten minutes.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from textmill.config.layers import load_config
from textmill.runs import MetricsLog, Prepared, Run, checkpoint, folder
from textmill.training import Listener, faults, session, train
from textmill.training.clock import Clock

WORDS = ("geese", "crane", "river", "flew", "over", "under", "hills", "and", "the", "morning", "snow", "fell", "again")
PROMISED = 0.03
N_SAVES = 10  # of a run at the defaults, at most: save_every is eval_every, a tenth of the steps
LEAN = {"train.eval_tokens": 2000, "train.sample_tokens": 0, "machine.threads": 1}


def made_text(n_bytes: int, seed: int = 1) -> str:
    draw, lines, size = random.Random(seed), [], 0
    while size < n_bytes:
        line = " ".join(draw.choices(WORDS, k=draw.randrange(4, 20))) + f" {draw.randrange(10**6)}.\n"
        lines.append(line)
        size += len(line)
    return "".join(lines)


CLOCKS: list[Clock] = []


def ended(run: Run, prepared: Prepared, clock: Clock, listener: Listener) -> None:
    """In place of what follows the last step (floor, measurement, page): it is no part of the share."""
    CLOCKS.append(clock)


class Timer:
    """Seconds and calls by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
                self.calls[name] = self.calls.get(name, 0) + 1

        return call

    def watch(self) -> None:
        """Put the timers where training will find them."""
        checkpoint.sha256_of = self.timed("hash", checkpoint.sha256_of)  # type: ignore[attr-defined]
        MetricsLog.seal = self.timed("hash the log", MetricsLog.seal)  # type: ignore[method-assign]
        os.fsync = self.timed("fsync", os.fsync)
        folder.prune = self.timed("delete", folder.prune)  # type: ignore[attr-defined]
        session.all_finite = self.timed("look at each tensor", session.all_finite)  # type: ignore[attr-defined]
        watch = faults.LossWatch
        watch.fault = self.timed("look at each step", watch.fault)  # type: ignore[method-assign]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", type=Path)
    parser.add_argument("--minutes", type=float, default=2.0, help="about how long the run here trains")
    parser.add_argument("--ten", type=float, default=10.0, help="minutes of the run it is extrapolated to")
    parser.add_argument("--size", default="small")
    said = parser.parse_args()
    session.close = ended
    with tempfile.TemporaryDirectory() as place:
        text = said.text or Path(place, "geese.txt")
        if said.text is None:
            text.write_text(made_text(1_000_000))
        knobs = {"data.paths": (str(text),), "model.size": said.size, "run.dir": f"{place}/runs", **LEAN}
        start = time.perf_counter()
        trial = train(load_config(knobs | {"train.steps": 3, "train.eval_every": 3, "run.name": "trial"}))
        per_step_s = CLOCKS[-1].spent["train"] / trial.step
        print(f"three steps for the pace: {per_step_s:.2f} s a step, {time.perf_counter() - start:.0f} s in all")

        timer = Timer()
        timer.watch()
        steps = max(10, round(60 * said.minutes / per_step_s))
        start = time.perf_counter()
        run = train(load_config(knobs | {"train.steps": steps, "run.name": "measured"}))
        report(run, steps, time.perf_counter() - start, timer, said.ten)


def report(run: Run, steps: int, wall_s: float, timer: Timer, ten: float) -> None:
    clock = CLOCKS[-1].spent
    n_saves = timer.calls["delete"]
    tensors = json.loads((run.path / "last.json").read_bytes())["checkpoint"]
    size = sum(path.stat().st_size for path in (run.path / tensors).iterdir())
    print(
        f"{platform.machine()}, {os.cpu_count()} processors, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{steps} steps, {n_saves} saves of {size / 1e6:.0f} MB, {wall_s:.0f} s of wall time\n")
    print("by the run's clock, seconds: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in clock.items()))
    print("of these, seconds (calls):")
    for name, seconds in sorted(timer.seconds.items(), key=lambda item: -item[1]):
        print(f"  {name:22} {seconds:8.3f} ({timer.calls[name]})")

    by_step = clock["log"] + timer.seconds["look at each step"]
    cost = clock["save"] + by_step
    trained = clock["train"] + cost
    print(f"\nhere, {n_saves} saves: {cost:.2f} s of {trained:.0f} s of training and saving: {cost / trained:.2%}")
    seconds = 60 * ten
    then = (N_SAVES * clock["save"] / n_saves + by_step / trained * seconds) / seconds
    verdict = "kept" if then <= PROMISED else "broken"
    print(f"a run of {ten:g} minutes: {then:.2%}; promised: at most {PROMISED:.0%}: {verdict}")


if __name__ == "__main__":
    main()
