"""`--pretrain TEXT`: first a run of masked words on text without labels, then the run itself begins from it. Room:
training/.

Called by session, which trains both. The first run lies beside the second, as NAME-pretrained, and is continued or used
again like any other. It reads the named text and what the labelled training texts say; held-out texts, and what is
nearly equal to one, are kept out of it as they are of any training text (text/splits.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from textmill.config import Config
from textmill.config.knobs import value_of
from textmill.config.layers import Loaded, load_config, with_said
from textmill.errors import ConfigError, InputError
from textmill.files import make_folder, write_atomically
from textmill.runs import Run
from textmill.tables import TASKS_OF_PRETRAINING
from textmill.text import Document, ReadReport, SplitPlan, plan_split, read_documents
from textmill.text.against import find_overlaps
from textmill.training.budget import DEFAULT_MINUTES
from textmill.training.naming import folder_of

SAME = "same"
"""In place of a text: the labelled training texts alone."""
SUFFIX = "-pretrained"
SHARED = {
    "data": {"encoding", "clean", "duplicates", "near_duplicates", "strict", "split_seed", "header", "unit"},
    "tokens": {"kind", "segmenter", "vocab_size", "begin_mark"},
    "train": {"precision", "compile", "recompute", "fit"},
    "run": {"dir", "seed"},
}
"""Knobs that the first run has as they were said for the second; all of [machine] too, and of [model] all but OWN."""
OWN = {"dropout", "token_dropout", "pooling"}


def pretrained(loaded: Loaded, notice: Callable[[str], None], train: Callable[[Loaded], Run]) -> Loaded:
    """Train the first run; the config of the second, which begins from it. train: continues a run or makes it.

    Raises ConfigError where both --from and --pretrain say what to begin with, and as training does.
    """
    config = loaded.config
    if config.model.start is not None:
        raise ConfigError(
            "--from and --pretrain both say what to begin with",
            hint="Say one. To pretrain from a run: textmill train TEXT --task mask --from RUN",
        )
    plan = plan_split(config.data)
    first = first_config(loaded, plan, notice)
    notice(f"first {first.config.run.name}: {lasting(first.config)} of hidden words, then {config.run.name}")
    run = train(first)
    return with_said(loaded, {"model.start": str(run.path)}, "--pretrain")


def first_config(loaded: Loaded, plan: SplitPlan, notice: Callable[[str], None]) -> Loaded:
    """What the first run is to do; its text, where it comes from labelled texts, is written under RUNS/.data."""
    config, folder = loaded.config, folder_of(loaded.config)
    into = folder.parent / ".data"
    named = [path for path in config.train.pretrain if path != SAME]
    own = kept_texts(into, "labelled", plan.documents("train"))
    held_out = [document for part in ("validation", "test") for document in plan.documents(part)]
    flags: dict[str, Any] = {
        key: value_of(config, key)
        for key in loaded.said
        if (section := key.partition(".")[0]) == "machine"
        or (section == "model" and key[6:] not in OWN)
        or key.partition(".")[2] in SHARED.get(section, ())
    }
    flags |= {"task.name": TASKS_OF_PRETRAINING[0], "run.name": f"{config.run.name}{SUFFIX}"}
    flags |= {"data.paths": (*named, str(own))}
    if config.data.text:
        flags["data.text"] = tuple(dict.fromkeys((*config.data.text, "text")))
    if held_out:
        flags["data.test"] = (str(kept_texts(into, "held-out", held_out)),)
    if named and "data.unit" not in loaded.said:
        flags["data.unit"] = "line"
        notice("--pretrain: a line of a plain text file is a text (--data.unit decides)")
    first = load_config(flags | length_of(config), folder=folder.parent / ".data")
    if named and next(read_documents(named, first.config.data, ReadReport()), None) is None:
        raise InputError(
            "there is no text to learn hidden words from",
            where=", ".join(named),
            hint="Name another file, or --pretrain same for the texts that have labels.",
        )
    if held_out and named:
        tell_overlaps(first.config, held_out, notice)
    return first


def length_of(config: Config) -> dict[str, Any]:
    """How long the first run takes: as many steps as are said; of a budget its share; else as long as the second."""
    train = config.train
    if train.pretrain_steps is not None:
        return {"train.steps": train.pretrain_steps}
    if train.steps is not None:
        return {"train.steps": train.steps}
    if train.epochs is not None:
        return {"train.epochs": train.epochs}
    return {"train.minutes": seconds_of(config) / 60}


def seconds_of(config: Config) -> float:
    """Of a budget, what the first run takes; 0 where it is counted in steps or passes."""
    train = config.train
    if train.pretrain_steps is not None or train.steps is not None or train.epochs is not None:
        return 0.0
    return 60 * (train.minutes or DEFAULT_MINUTES) * train.pretrain_share


def lasting(config: Config) -> str:
    train = config.train
    if train.steps is not None:
        return f"{train.steps:,} steps"
    return f"{train.epochs:g} passes" if train.epochs is not None else f"{train.minutes:g} minutes"


def kept_texts(into: Path, what: str, documents: Iterable[Document]) -> Path:
    """Texts as JSON lines in a file that is named by its content, written where it is not there yet. Raises NoSpace."""
    lines = [json.dumps({"text": document.text}, ensure_ascii=False) + "\n" for document in documents]
    content = "".join(lines).encode(errors="surrogatepass")
    path = into / f"{what}-{hashlib.sha256(content).hexdigest()[:16]}.jsonl"
    if not path.is_file():
        make_folder(into)
        write_atomically(path, content)
    return path


def tell_overlaps(first: Config, held_out: list[Document], notice: Callable[[str], None]) -> None:
    """Say how many held-out texts stand in a longer text of the first run, in part or whole: those are no repeats, and
    stay. Nothing of their labels is there."""
    found = find_overlaps(plan_split(first.data).documents("train"), held_out)
    if found.n_found:
        one = found.found[0]
        notice(
            f"--pretrain: {found.n_found:,} of {len(held_out):,} held-out texts share long runs of words with it, such "
            f"as {one.test} with {one.training}: without their labels, yet their words are not new to the model"
        )
