"""Tuning another's encoder on labelled texts, against transformers' Trainer: the same weights, texts and passes.

    pip install transformers accelerate
    python benchmarks/tuning_beside_trainer.py MODEL TRAIN.csv TEST.csv [--rounds 3] [--epochs 2]

MODEL is a BERT folder, TRAIN and TEST tables with the columns text and label. Both tune all of it by AdamW 5e-5 with a
warm-up of a tenth, about 32 texts an update; the Trainer's rate falls linearly, and it pads each batch to its longest
text, as it does by default. Ours is `textmill train --from MODEL --task classify` as it stands, and its validation part
is TEST for both, so that both learn from the same texts. Each side is a process of its own, run in turns (A B A B …),
seed = round. Counted is the time of the updates alone, with their log. Printed: tokens a second without padding, ours /
peer, minimum, median, maximum over the rounds; and the accuracy on TEST of both after the last update.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RATE, TEXTS = 5e-5, 32
TOLD = "told: "


def rows_of(path: Path) -> tuple[list[str], list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def peer(given: argparse.Namespace) -> tuple[float, float]:
    """(seconds of the updates for each epoch, accuracy) of transformers' Trainer."""
    import torch
    import transformers

    texts, labels = rows_of(given.train)
    held, truth = rows_of(given.test)
    classes = sorted(set(labels))
    tokenizer = transformers.AutoTokenizer.from_pretrained(given.model)
    most = min(tokenizer.model_max_length, 512)

    class Texts(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __init__(self, texts: list[str], labels: list[str]):
            self.ids = tokenizer(texts, truncation=True, max_length=most)["input_ids"]
            self.labels = [classes.index(label) for label in labels]

        def __len__(self) -> int:
            return len(self.ids)

        def __getitem__(self, index: int) -> dict[str, Any]:
            return {"input_ids": self.ids[index], "labels": self.labels[index]}

    moments: list[float] = []

    class Clock(transformers.TrainerCallback):
        def on_step_begin(self, arguments: Any, state: Any, control: Any, **_: Any) -> None:
            moments.append(time.perf_counter())

        def on_step_end(self, arguments: Any, state: Any, control: Any, **_: Any) -> None:
            moments.append(time.perf_counter())

    transformers.set_seed(given.seed)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(given.model, num_labels=len(classes))
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder, num_train_epochs=given.epochs, per_device_train_batch_size=TEXTS, learning_rate=RATE,
            warmup_steps=len(texts) * given.epochs // TEXTS // 10,
            lr_scheduler_type="linear", save_strategy="no", logging_strategy="no", report_to=[],
            use_cpu=True, disable_tqdm=True, optim="adamw_torch_fused", seed=given.seed, weight_decay=0.01,
        )  # fmt: skip
        trainer = transformers.Trainer(
            model=model,
            args=arguments,
            train_dataset=Texts(texts, labels),
            data_collator=transformers.DataCollatorWithPadding(tokenizer),
            callbacks=[Clock()],
        )
        trainer.train()
        guesses = trainer.predict(Texts(held, truth)).predictions.argmax(-1)
    accuracy = sum(classes[guess] == label for guess, label in zip(guesses, truth, strict=True)) / len(truth)
    return (moments[-1] - moments[0]) / given.epochs, float(accuracy)


def ours(given: argparse.Namespace) -> tuple[float, float]:
    """The same of `textmill train`."""
    from textmill.config.layers import load_config
    from textmill.training import train

    with tempfile.TemporaryDirectory() as folder:
        flags = {
            "data.paths": (str(given.train),),
            "data.valid": (str(given.test),),
            "data.test_share": 0.0,
            "task.name": "classify",
            "model.start": str(given.model),
            "train.epochs": given.epochs,
            "run.seed": given.seed,
            "run.dir": f"{folder}/runs",
        }
        run = train(load_config(flags, None))
        lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    counted = ("time/data_s", "time/compute_s", "time/log_s")
    seconds = sum(lines[-1].get(name, 0.0) for name in counted)
    return seconds / given.epochs, [line["eval/accuracy"] for line in lines if "eval/accuracy" in line][-1]


def in_a_process(side: str, given: argparse.Namespace, seed: int) -> tuple[float, float]:
    command = [sys.executable, __file__, str(given.model), str(given.train), str(given.test), "--side", side]
    command += ["--epochs", str(given.epochs), "--seed", str(seed)]
    done = subprocess.run(command, env=os.environ | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True)
    told = [line.removeprefix(TOLD) for line in done.stdout.splitlines() if line.startswith(TOLD)]
    if done.returncode or not told:
        raise SystemExit(f"{side} failed:\n{done.stderr[-2000:]}")
    seconds, accuracy = json.loads(told[-1])
    return seconds, accuracy


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("train", type=Path)
    arguments.add_argument("test", type=Path)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--epochs", type=int, default=2)
    arguments.add_argument("--side", choices=["peer", "ours"], help="(internal) run one side and print its numbers")
    arguments.add_argument("--seed", type=int, default=0, help="(internal)")
    given = arguments.parse_args()
    if given.side:
        side = peer if given.side == "peer" else ours
        print(f"{TOLD}{json.dumps(side(given))}")
        return

    import torch
    import transformers

    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {os.cpu_count()} processors")
    ratios, accuracies = [], {"ours": list[float](), "peer": list[float]()}
    for seed in range(given.rounds):
        found = {name: in_a_process(name, given, seed) for name in (("peer", "ours") if seed % 2 else ("ours", "peer"))}
        ratios.append(found["peer"][0] / found["ours"][0])  # the same texts: tokens a second are as 1 / seconds
        for name, (_, accuracy) in found.items():
            accuracies[name].append(accuracy)
        print(
            f"seconds a pass {found['ours'][0]:.1f}, peer {found['peer'][0]:.1f}: ours / peer {ratios[-1]:.3f}; "
            f"accuracy {found['ours'][1]:.4f}, peer {found['peer'][1]:.4f}",
            flush=True,
        )
    print(f"tokens a second, ours / peer: {min(ratios):.3f} {statistics.median(ratios):.3f} {max(ratios):.3f}")
    for name, values in accuracies.items():
        print(f"accuracy, {name}: {min(values):.4f} {statistics.median(values):.4f} {max(values):.4f}")


if __name__ == "__main__":
    main()
