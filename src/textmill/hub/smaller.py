"""A run -> the same run in fewer bits, with what that costs: `textmill export RUN --to int8`. Room: hub/.

What is written is a run folder of ours, which opens wherever RUN stands; what may not be done with it (train on, other
formats) is refused there, naming the original. The loss is measured before the folder takes its name, on the
same documents for both, and stands in its run.json. How bits are taken away: models/smaller.py.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from textmill.config import Config
from textmill.config.train import TrainConfig
from textmill.errors import RunError, UsageError
from textmill.evaluation import evaluate, save_evaluation
from textmill.evaluation.comparing import compared
from textmill.files import new_folder, remove_abandoned, write_json
from textmill.hub.export import folder_for, moved_away, refuse_taken
from textmill.hub.opening import open_run
from textmill.messages import message
from textmill.models.smaller import Bits, shrunk
from textmill.results import Comparison, ScoreDifference, Smaller
from textmill.runs import Checkpoint, Run
from textmill.runs.checkpoint import save_checkpoint
from textmill.runs.folder import pointer_to

N_ROUNDS = 5
N_READINGS = 4
N_TOKENS_READ = 256


def shrink(
    run: Run | str | os.PathLike[str],
    to: Bits,
    out: str | os.PathLike[str] | None = None,
    *,
    data: str | None = None,
    checkpoint: str | int | None = None,
    fresh: bool = False,
    notice: Callable[[str], None] = lambda text: None,
) -> Smaller:
    """Write a run whose weights take fewer bits, and measure what that costs.

    run: a Run, its folder or its name. out: a new folder; default, export/TO in the run's own. data: text to measure
    on; default, what the run held out. checkpoint, fresh: as of export. Raises as export and compare do; then nothing
    is written.
    """
    if not isinstance(run, Run):
        run = open_run(os.fspath(run))
    folder = folder_for(run, to, out)
    refuse_taken(folder, fresh)
    refuse_unshrinkable(run)
    which = checkpoint if checkpoint is not None else run.default_checkpoint
    saved = run.load(which)
    if data is None and run.info["data"].get("prepared"):
        run.prepared()  # raises where the text is gone, before anything is written
    elif data is None:
        raise UsageError(
            "say a text to measure the loss on: this RUN has none of its own",
            hint=f"textmill export {run.path} --to {to} --out {folder} --data PATH",
        )
    for name in remove_abandoned(folder.parent):
        notice(f"removed {name}, which a killed export had left")
    run.default_checkpoint = str(which)  # what is measured is what was made smaller
    whole = run.weights(saved)
    tensors = shrunk(whole, to)
    with new_folder(folder) as inside:
        small = written(run, saved, to, inside, tensors)
        notice("measuring both on the same text …")
        evaluations = [evaluate(one, data) for one in (run, small)]
        found = compared(evaluations, run.config.eval)
        differences = with_bits_per_character(found)
        speed = speed_ratio(run, small)
        small.info["smaller"] |= {
            "data": found.data,
            "differences": {name: told.model_dump() for name, told in differences.items()},
            "speed": speed,
        }
        small.write_info()
        if data is None:
            measured = evaluations[1].model_copy(update={"run": str(folder)})
            save_evaluation(inside, measured)
        there = [path for path in sorted(inside.rglob("*")) if path.is_file()]
        files = {str(path.relative_to(inside)): path.stat().st_size for path in there}
        if folder.exists() and any(folder.iterdir()):
            notice(f"{folder} was moved to {moved_away(folder)}")
    return Smaller(
        run=str(run.path),
        step=saved.step,
        to=to,
        out=str(folder),
        files=files,
        bytes_before=bytes_of(whole),
        bytes_after=bytes_of(tensors),
        data=found.data,
        n_documents=found.n_documents,
        metrics=found.metrics,
        differences=differences,
        confidence=found.confidence,
        speed=speed,
        notes=[
            message("It computes in float32: what is smaller is the file, not the memory that it takes."),
            *found.notes,
        ],
    )


def refuse_unshrinkable(run: Run) -> None:
    """Raises RunError for what has no weights, or has fewer bits already."""
    if run.kind != "network":
        raise RunError(
            f"this run is of kind {run.kind}: it counts, and has no weights to make smaller",
            where=str(run.path),
            hint="Name the run that it is the floor of.",
        )
    run.refuse_smaller("is not made smaller again")


def written(run: Run, saved: Checkpoint, to: Bits, folder: Path, tensors: dict[str, Tensor]) -> Run:
    """The run folder of a run's weights in fewer bits, in a folder that exists."""
    progress = {"is_best": True, "valid_loss": saved.progress.get("valid_loss"), "smaller": to}
    save_checkpoint(folder / "checkpoints", Checkpoint(saved.step, model=tensors, progress=progress))
    for which in ("best", "last"):
        write_json(folder / f"{which}.json", pointer_to(saved.step, progress))
    info = {
        key: value
        for key, value in run.info.items()
        if key not in ("hashes", "start", "next", "budget", "origin", "teacher")
    }
    info = {"format": 1, "sample_prompt": "", "finished": True} | info
    info["smaller"] = {"run": str(run.path), "to": to, "step": saved.step, "sha256": run.weights_sha256(saved)}
    return Run.create(folder, alone(run.config), info, run.tokenizer)


def alone(config: Config) -> Config:
    """The config of a run whose weights stand for themselves: what was trained beside others is added in."""
    fields = TrainConfig.model_fields
    own = {name: fields[name].default for name in fields if name == "tune" or name.startswith(("tune_", "lora_"))}
    model = config.model.model_copy(update={"start": None})
    return config.model_copy(update={"model": model, "train": config.train.model_copy(update=own)})


def with_bits_per_character(found: Comparison) -> dict[str, ScoreDifference]:
    """The differences of a comparison; of what is told in bits per byte also in bits per character."""
    told, metrics = dict(found.differences), found.metrics[0]
    if "bpb" in told and metrics.get("bpb"):
        per_character = metrics["bpc"] / metrics["bpb"]  # bytes a character, of the same text
        of_bytes = told.pop("bpb")
        ends = None if of_bytes.interval is None else tuple(end * per_character for end in of_bytes.interval)
        told = {"bpc": ScoreDifference(value=of_bytes.value * per_character, interval=ends)} | told
    return told


def loses_more(made: Smaller, most: float) -> bool:
    """Whether more is lost than allowed: bits per character, or shares of accuracy and of exact match."""
    lost = [
        made.differences[name].value * sign
        for name, sign in (("bpc", 1), ("accuracy", -1), ("em", -1))
        if name in made.differences
    ]
    return any(one > most for one in lost)


def bytes_of(tensors: dict[str, Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def speed_ratio(run: Run, small: Run) -> list[float]:
    """[least, median, most] of how many times as many tokens the small one reads in the same processor time, of
    N_ROUNDS rounds in which both read the same rows in turns."""
    readers = [reader(one) for one in (run, small)]
    for read in readers:
        read()  # what is allocated once is no measure
    ratios = []
    for number in range(N_ROUNDS):
        seconds = [0.0, 0.0]
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            start = time.process_time()
            for _ in range(N_READINGS):
                readers[which]()
            seconds[which] = time.process_time() - start
        ratios.append(seconds[0] / max(seconds[1], 1e-9))
    return [round(value, 3) for value in (min(ratios), statistics.median(ratios), max(ratios))]


def reader(run: Run) -> Callable[[], Any]:
    """What reads a row of the model's tokens once, of a translator a source and a target."""
    model: Any = run.model()
    n = min(run.config.model.seq_len, N_TOKENS_READ)
    ids = torch.arange(n)[None] % model.vocab_size
    if model.form != "encoder-decoder":
        return lambda: model(ids)
    sources = ids % (model.source_vocab_size or model.vocab_size)
    return lambda: model(ids, None, model.begin(sources))
