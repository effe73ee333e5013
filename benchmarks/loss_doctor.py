"""Does `textmill doctor` name the fault that was planted, and keep silent about sound runs?

    python benchmarks/loss_doctor.py [--seed 100] [--only NAME...] [--show]

Twelve faults, each planted in one tiny real run on text of textmill.text.worlds, and ten sound runs (four
architectures, English, Chinese and a source of known entropy). The doctor sees what lies in the run folder: metrics,
prepared text, weights. Printed for each: the first cause it names, whether that is the planted one, and seconds. The
thresholds were chosen on seeds below 100: report on others.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn

from textmill.config.layers import load_config
from textmill.runs import Run
from textmill.text import SplitPlan, worlds
from textmill.tokens import PackedRows, Sampler, Tokenizer
from textmill.training import session, train
from textmill.training.diagnosis import diagnose
from textmill.training.vitals import vitals_of

Plant = Callable[[], contextlib.AbstractContextManager[Any]]
GRU = {"model.arch": "gru", "model.d_model": 64, "model.n_layers": 1, "train.lr": 5e-3}
TRANSFORMER = {"model.arch": "transformer", "model.d_model": 64, "model.n_layers": 2, "model.n_heads": 2}
CLASSIC = TRANSFORMER | {"model.preset": "classic", "train.optimizer": "adamw", "train.lr": 1e-3}


def text_of(world: str, n: int, seed: int, folder: Path) -> Path:
    """n documents of a world, a line of JSON each."""
    path = folder / "text.jsonl"
    path.write_bytes(b"".join(worlds.line(item) for item in worlds.named(world, seed).items(n)))
    return path


def trained(folder: Path, text: Path, seed: int, knobs: dict[str, Any], plant: Plant = contextlib.nullcontext) -> Run:
    """A run of a few seconds; what follows the last step is left out."""
    flags = {
        "data.paths": (str(text),),
        "tokens.kind": "char",
        "model.seq_len": 48,
        "train.batch": 8,
        "train.steps": 160,
        "train.log_every": 1,
        "train.sample_tokens": 0,
        "train.eval_tokens": 4000,
        "machine.threads": 1,
        "run.seed": seed,
        "run.dir": str(folder / "runs"),
        **knobs,
    }
    with mock.patch.object(session, "close"), plant():
        return train(load_config(flags))


# faults


@contextlib.contextmanager
def shifted() -> Iterator[None]:
    read = PackedRows._read

    def late(self: PackedRows, rows: Any) -> Any:
        ids, targets, segments, is_padded = read(self, rows)
        targets = np.concatenate([targets[:, 1:], np.full_like(targets[:, :1], -100)], axis=1)
        return ids, targets, segments, is_padded

    with mock.patch.object(PackedRows, "_read", late):
        yield


@contextlib.contextmanager
def without_marks() -> Iterator[None]:
    around = PackedRows._tokens_around

    def bare(self: PackedRows, *places: Any) -> Any:
        read = around(self, *places)
        read[read == self.mark] = 32
        return read

    with mock.patch.object(PackedRows, "_tokens_around", bare):
        yield


@contextlib.contextmanager
def copied() -> Iterator[None]:
    documents = SplitPlan.documents

    def leaking(self: SplitPlan, part: Any) -> Any:
        found = list(documents(self, part))
        if part == "validation":
            found = found[len(found) // 3 :] + list(documents(self, "train"))[: len(found) // 3]
        yield from found

    with mock.patch.object(SplitPlan, "documents", leaking):
        yield


@contextlib.contextmanager
def foreign_tokenizer() -> Iterator[None]:
    learn = Tokenizer.train
    texts = [story.row()["text"] for story in worlds.named("stories-zh", 3).items(300)]

    def elsewhere(kind: str, mine: Any, size: int | None, seed: int) -> Tokenizer:
        return learn(kind, texts, size, seed)

    with mock.patch.object(Tokenizer, "train", elsewhere):
        yield


@contextlib.contextmanager
def built(change: Callable[[nn.Module], None]) -> Iterator[None]:
    build = session.build_model

    def changed(*arguments: Any, **more: Any) -> nn.Module:
        model = build(*arguments, **more)
        change(model)
        return model

    with mock.patch.object(session, "build_model", changed):
        yield


def frozen(model: Any) -> None:
    model.embedding.requires_grad_(False)


def dying(model: Any) -> None:
    with torch.no_grad():
        for block in model.backbone.blocks:
            block.feed_forward.up.bias[: len(block.feed_forward.up.bias) * 2 // 3] = -50.0


@contextlib.contextmanager
def in_order() -> Iterator[None]:
    with mock.patch.object(Sampler, "_permutation", lambda self, epoch: np.arange(self.n_rows)):
        yield


def grouped(n: int, seed: int, folder: Path) -> Path:
    """English, then Chinese: as files of a folder are read one after the other."""
    path = folder / "text.jsonl"
    lines = [worlds.line(item) for name in ("stories", "stories-zh") for item in worlds.named(name, seed).items(n)]
    path.write_bytes(b"".join(lines))
    return path


FAULTS: dict[str, tuple[str, int, dict[str, Any], Plant]] = {
    "the learning rate is too high": ("stories", 400, GRU | {"train.lr": 1.0}, contextlib.nullcontext),
    "the learning rate is too low": ("stories", 400, GRU | {"train.lr": 2e-5}, contextlib.nullcontext),
    "there was no warm-up": (
        "stories", 400, CLASSIC | {"train.lr": 3e-2, "train.warmup_steps": 0}, contextlib.nullcontext
    ),
    "the labels are shifted": ("stories", 400, GRU, shifted),
    "the end marks are missing": ("stories", 400, GRU, without_marks),
    "held-out documents stand in the training text": ("stories", 400, GRU, copied),
    "the tokenizer does not fit the text": ("stories", 400, GRU, foreign_tokenizer),
    "there is far too little text": ("stories", 12, GRU | {"train.steps": 300}, contextlib.nullcontext),
    "the model over-fits": (
        "sentiment", 150, TRANSFORMER | {"train.steps": 400, "model.dropout": 0.0}, contextlib.nullcontext
    ),
    "many units are dead": ("stories", 400, CLASSIC, lambda: built(dying)),
    "the rows were not shuffled": ("grouped", 60, TRANSFORMER | {"train.steps": 300}, in_order),
    "the embeddings are frozen": ("stories", 400, GRU, lambda: built(frozen)),
}  # fmt: skip

SOUND: list[tuple[str, int, dict[str, Any]]] = [
    ("stories", 400, GRU),
    ("stories", 400, GRU | {"model.arch": "lstm"}),
    ("stories", 400, GRU | {"model.arch": "rnn", "train.lr": 2e-3}),
    ("stories", 400, TRANSFORMER),
    ("stories", 400, CLASSIC),
    ("stories-zh", 600, GRU),
    ("stories-zh", 600, TRANSFORMER),
    ("sentiment", 500, GRU | {"tokens.kind": "bytes"}),
    ("sentiment", 500, TRANSFORMER | {"tokens.kind": "bpe"}),
    ("grouped", 60, TRANSFORMER | {"train.steps": 300}),
]


def diagnosed(
    world: str, n: int, seed: int, knobs: dict[str, Any], plant: Plant, show: bool
) -> tuple[list[str], float]:
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        folder = Path(place)
        text = grouped(n, seed, folder) if world == "grouped" else text_of(world, n, seed, folder)
        run = trained(folder, text, seed, knobs, plant)
        vitals = vitals_of(run)
        found = diagnose(vitals, run.name)
        if show:
            ends = {"train": vitals.train[:2] + vitals.train[-2:], "valid": vitals.valid[:1] + vitals.valid[-2:]}
            print("  ", vars(vitals) | ends)
            for finding in found:
                print("  ", finding.strength, finding.what, "|", finding.evidence)
        return [finding.what for finding in found], time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--only", nargs="*", help="Words of the faults to plant; `sound` for the sound runs.")
    parser.add_argument("--show", action="store_true")
    said = parser.parse_args()
    torch.set_num_threads(1)
    named = right = alarms = 0
    for number, (fault, (world, n, knobs, plant)) in enumerate(FAULTS.items()):
        if said.only and not any(word in fault for word in said.only):
            continue
        causes, seconds = diagnosed(world, n, said.seed + number, knobs, plant, said.show)
        named, right = named + 1, right + (causes[:1] == [fault])
        print(f"{'right' if causes[:1] == [fault] else 'WRONG'}  {fault}: {causes}  {seconds:.0f} s", flush=True)
    n_sound = 0
    for number, (world, n, knobs) in enumerate(SOUND):
        if said.only and "sound" not in said.only:
            continue
        causes, seconds = diagnosed(world, n, said.seed + 50 + number, knobs, contextlib.nullcontext, said.show)
        n_sound, alarms = n_sound + 1, alarms + bool(causes)
        print(
            f"{'ALARM' if causes else 'quiet'}  sound, {knobs['model.arch']} on {world}: {causes}  {seconds:.0f} s",
            flush=True,
        )
    print(f"named first: {right} of {named} faults; alarms: {alarms} of {n_sound} sound runs (seed {said.seed})")


if __name__ == "__main__":
    main()
