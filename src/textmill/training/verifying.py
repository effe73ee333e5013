"""Whether a run is what its config makes: a stretch of it done again in memory, and compared. Room: training/.

Called by `textmill train … --verify`. It reads the run and writes nothing, also beside a living trainer.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from textmill.config import Config
from textmill.config.layers import Loaded, merge_for_resume
from textmill.errors import RunError
from textmill.results import Difference, Verified
from textmill.runs import Checkpoint, Prepared, Run
from textmill.runs.checkpoint import GROUPS, checkpoints_of, load_checkpoint
from textmill.training.clock import Clock
from textmill.training.naming import default_name
from textmill.training.progress import Listener, Quiet
from textmill.training.session import Session
from textmill.training.spending import with_train
from textmill.training.updates import updates

NOT_COMPARED = ("train/tokens_per_second", "time/", "events")
PROGRESS_COMPARED = ("window", "watch", "n_skipped", "best", "stale", "last_valid")


def verify_run(wanted: Loaded, n_steps: int | None = None, listener: Listener | None = None) -> Verified:
    """Repeat the steps from the last but one checkpoint (from the first step where there is one alone) to the last.

    Every tensor is compared with the last checkpoint, bit by bit, and every loss, rate and norm with the log.
    n_steps: no more than so many steps; where they do not reach the last checkpoint, they are done twice and the two
    outcomes are compared. wanted: names a run folder as its PATH, or the text as in training.
    Raises RunError where there is no run, no checkpoint, where it is another config's or was compiled; Damaged.
    """
    listener = listener or Quiet()
    run = run_of(wanted)
    run.refuse_smaller("has no steps of its own to repeat")
    folders = checkpoints_of(run.checkpoints)[-2:]
    if not folders:
        raise RunError("the run has no checkpoint yet", where=str(run.path), hint="Repeat the training command.")
    if not run.info.get("compile", {}).get("to_the_bit", True):
        raise RunError(
            "the run was compiled (train.compile), and compiled code may give other last bits each time",
            where=str(run.path),
            hint="Nothing can be compared to the bit. A run without --compile can be verified.",
        )
    saved = load_checkpoint(folders[-1])
    start = load_checkpoint(folders[0]) if len(folders) > 1 else None
    first = start.step if start else 0
    until = saved.step if n_steps is None else min(saved.step, first + n_steps)
    config = with_train(run.config, compile=False)  # where it was wanted, it failed
    for key, value in saved.progress.get("made_with", {}).items():  # some knobs may have changed since
        section, _, name = key.partition(".")
        config = config.model_copy(update={section: getattr(config, section).model_copy(update={name: value})})
    replay = Replay(Run(run.path, config, run.info), run.prepared(), start, until, saved.progress["n_rollbacks"])

    listener.notice(f"repeating steps {first + 1} to {until} of {run.path} in memory …")
    repeated, differences = replay.done()
    with_what = f"the checkpoint of step {saved.step}"
    if until < saved.step:
        saved, more = replay.done()
        differences = [*differences, *more]
        with_what = "a second repetition"
    differences = [*differences, *differences_of(saved, repeated)]
    return Verified(
        run=str(run.path),
        equal=not differences,
        first_step=first + 1,
        last_step=until,
        compared_with=with_what,
        n_tensors=sum(len(getattr(saved, group)) for group in GROUPS),
        n_logged=len(replay.logged),
        differences=differences,
    )


def run_of(wanted: Loaded) -> Run:
    """The run that is meant, if it is that of these knobs. Raises RunError."""
    config = wanted.config
    paths, name = config.data.paths, config.run.name
    if len(paths) == 1 and (Path(paths[0]) / "run.json").is_file():
        run = Run.open(paths[0])
        said = {key: origin for key, origin in wanted.origins.items() if key != "data.paths"}
        wanted = Loaded(config, said)
    else:
        run = Run.open(Path(config.run.dir) / (name or default_name(paths[0])))
    if run.kind != "network":
        raise RunError("there are no steps to repeat: counts are not trained", where=str(run.path))
    merge_for_resume(run.config, wanted)
    return run


@dataclass(frozen=True)
class Replay:
    """A stretch of steps in memory. start: the checkpoint it begins with, None = the first step."""

    run: Run
    prepared: Prepared
    start: Checkpoint | None
    until: int
    n_rollbacks: int = 0
    """Of the checkpoint it leads to: what was rolled back in between ran at a higher rate, and is not repeated."""

    @property
    def first(self) -> int:
        return self.start.step if self.start else 0

    @property
    def logged(self) -> dict[int, dict[str, Any]]:
        """The lines of the log within the stretch."""
        return {line["step"]: line for line in self.run.log.read() if self.first < line["step"] <= self.until}

    def done(self) -> tuple[Checkpoint, list[Difference]]:
        """What the steps come to, and where they differ from the log."""
        config: Config = self.run.config
        torch.set_num_threads(config.machine.threads or 1)
        session = Session(self.run, self.prepared, Clock({}), Quiet())
        states = session.resume(deepcopy(self.start)) if self.start else []  # optimizers work in place
        logged, differences = self.logged, []
        session.model.train()
        session.n_rollbacks = self.n_rollbacks
        steps = updates(
            session.model,
            session.optimizers,
            session.task,
            session.batches(),
            session.plan(),
            self.first,
            states,
            session.watch,
        )
        for update in steps:
            session.take_in(update)
            line = logged.get(update.step, {})
            now: dict[str, float] = session.logged(update) if "train/lr" in line else {}
            if any(name.startswith("eval/") for name in line):
                now |= session.evaluate_now(update)[1]
            if "train/lr" in line:  # a step that was skipped has no loss
                session.restart_window()
            differences += [
                Difference(what=f"step {update.step}, {name} in metrics.jsonl", by=distance(line[name], now.get(name)))
                for name in line
                if name != "step" and not name.startswith(NOT_COMPARED) and line[name] != now.get(name)
            ]
            if update.step == self.until:
                break
        return session.checkpoint(update), differences


def differences_of(saved: Checkpoint, repeated: Checkpoint) -> list[Difference]:
    """Every tensor and number that is not the same to the bit, in the order of the files."""
    found = []
    for group in GROUPS:
        before, now = getattr(saved, group), getattr(repeated, group)
        for name in sorted(before.keys() | now.keys()):
            if name not in before or name not in now:
                found.append(Difference(what=f"{group}: {name}, which one of them lacks", by=None))
            elif not same_bits(before[name], now[name]):
                found.append(Difference(what=f"{group}: {name}", by=largest_difference(before[name], now[name])))
    for name in PROGRESS_COMPARED:
        if saved.progress.get(name) != repeated.progress.get(name):
            found.append(Difference(what=f"progress: {name}", by=None))
    return found


def same_bits(one: Tensor, other: Tensor) -> bool:
    """Equal type, shape and bytes: NaN equals itself, 0 is not -0."""
    one, other = one.detach().cpu().contiguous(), other.detach().cpu().contiguous()
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return torch.equal(one.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8))


def largest_difference(one: Tensor, other: Tensor) -> float | None:
    """Of two elements; None where shapes differ or it is no number."""
    if one.shape != other.shape:
        return None
    largest = (one.detach().cpu().double() - other.detach().cpu().double()).abs().max()
    return float(largest) if largest.isfinite() else None


def distance(one: float, other: float | None) -> float | None:
    return None if other is None else abs(one - other)
