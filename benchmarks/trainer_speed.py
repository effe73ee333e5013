"""Tokens trained a second, against transformers' Trainer: the same GPT-2 architecture, batch, precision and optimizer.

    pip install transformers accelerate
    python benchmarks/trainer_speed.py TEXT [--rounds 5] [--size small|middle] [--steps 200] [--precision bfloat16]

Both train GPT-2 (learned positions, tied head, dropout 0) on the characters of TEXT with fused AdamW 1e-3: small has
4 layers of width 128, context 64, batch 12; middle 6 layers of 192, context 256, batch 16. Ours is `textmill train` as
it stands, its log on disk included; a third row is ours in four times the batch, its precision chosen by itself.
Each side is a process of its own, run in turns (A B C A B C …). Counted is the time from step 20 to the last but ten,
so neither start-up nor the last evaluation. Printed: ours / peer, minimum, median, maximum over the rounds. A machine
without bfloat16 in its processor gains nothing by it; the first line says which one this is.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIZES = {"small": (4, 128, 4, 64, 12), "middle": (6, 192, 6, 256, 16)}  # layers, width, heads, context, batch
WARM, LAST = 20, 10  # steps at either end that are not counted
TOLD = "told: "


def peer(path: Path, size: str, steps: int, precision: str, times: int) -> float:
    """Tokens a second of transformers' Trainer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments

    n_layers, width, heads, context, batch = SIZES[size]
    text = path.read_text(encoding="utf-8")
    number = {character: n for n, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([number[character] for character in text])
    moments: dict[int, float] = {}

    class Windows(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return steps * batch * times

        def __getitem__(self, index: int) -> dict[str, Any]:
            start = int(torch.randint(len(ids) - context, (1,)))
            window = ids[start : start + context + 1]
            return {"input_ids": window[:-1], "targets": window[1:]}

    class NextCharacter(Trainer):
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            logits = model(input_ids=inputs["input_ids"]).logits
            return torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), inputs["targets"].flatten())

    class Clock(TrainerCallback):
        def on_step_end(self, arguments: Any, state: Any, control: Any, **_: Any) -> None:
            moments[state.global_step] = time.perf_counter()

    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(number), n_positions=context, n_layer=n_layers, n_head=heads, n_embd=width,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False, bos_token_id=0, eos_token_id=0,
        )
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, max_steps=steps, per_device_train_batch_size=batch * times, learning_rate=1e-3, weight_decay=0.0,
            save_strategy="no", logging_strategy="no", report_to=[], use_cpu=True, remove_unused_columns=False,
            disable_tqdm=True, optim="adamw_torch_fused", bf16=precision == "bfloat16",
        )  # fmt: skip
        NextCharacter(model=model, args=arguments, train_dataset=Windows(), callbacks=[Clock()]).train()
    n_steps = steps - LAST - WARM
    return n_steps * batch * times * context / (moments[steps - LAST] - moments[WARM])


def ours(path: Path, size: str, steps: int, precision: str, times: int) -> float:
    """Tokens a second of `textmill train`, by its own log."""
    from textmill.config.layers import load_config
    from textmill.training import train

    n_layers, width, heads, context, batch = SIZES[size]
    with tempfile.TemporaryDirectory() as folder:
        flags = {
            "data.paths": (str(path),),
            "tokens.kind": "char",
            "model.preset": "gpt2",
            "model.n_layers": n_layers,
            "model.d_model": width,
            "model.n_heads": heads,
            "model.seq_len": context,
            "model.dropout": 0.0,
            "train.optimizer": "adamw",
            "train.lr": 1e-3,
            "train.weight_decay": 0.0,
            "train.batch": batch * times,
            "train.precision": precision,
            "train.steps": steps,
            "train.eval_every": steps,
            "train.eval_tokens": 5_000,
            "train.sample_tokens": 0,
            "run.dir": f"{folder}/runs",
        }
        run = train(load_config(flags, None))
        lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    spent = {line["step"]: sum(v for k, v in line.items() if k.startswith("time/")) for line in lines}
    n_steps = steps - LAST - WARM
    return n_steps * batch * times * context / (spent[steps - LAST] - spent[WARM])


def in_a_process(side: str, given: argparse.Namespace, precision: str, times: int) -> float:
    command = [sys.executable, __file__, str(given.text), "--side", side, "--size", given.size]
    command += ["--steps", str(given.steps), "--precision", precision, "--times", str(times)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    told = [line.removeprefix(TOLD) for line in done.stdout.splitlines() if line.startswith(TOLD)]
    if done.returncode or not told:
        raise SystemExit(f"{side} failed:\n{done.stderr}")
    return float(told[-1])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("text", type=Path)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--size", choices=list(SIZES), default="small")
    arguments.add_argument("--steps", type=int, default=200)
    arguments.add_argument("--precision", choices=["float32", "bfloat16", "auto"], default="float32")
    arguments.add_argument("--side", choices=["peer", "ours"], help="(internal) run one side and print its number")
    arguments.add_argument("--times", type=int, default=1, help="(internal) so many times the batch")
    given = arguments.parse_args()
    if given.side:
        side = peer if given.side == "peer" else ours
        print(f"{TOLD}{side(given.text, given.size, given.steps, given.precision, given.times)}")
        return

    import torch
    import transformers

    from textmill.training.processor import multiplies_in_bfloat16

    has = "with" if multiplies_in_bfloat16("cpu") else "without"
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {os.cpu_count()} processors {has} bf16")
    same, free = [], []
    for _ in range(given.rounds):
        theirs = in_a_process("peer", given, given.precision, 1)
        same.append(in_a_process("ours", given, given.precision, 1) / theirs)
        free.append(in_a_process("ours", given, "auto", 4) / theirs)
        print(f"ours / peer {same[-1]:.3f}, in four times the batch {free[-1]:.3f}", flush=True)
    for title, ratios in ((f"same batch, {given.precision}", same), ("four times the batch, own precision", free)):
        print(f"ours / peer, {title}: {min(ratios):.3f} {statistics.median(ratios):.3f} {max(ratios):.3f}")


if __name__ == "__main__":
    main()
