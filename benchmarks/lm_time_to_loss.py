"""Time to a loss, against transformers' Trainer: characters, context 64, 4 layers, width 128, on one text.

    pip install transformers accelerate
    python benchmarks/lm_time_to_loss.py TEXT [--rounds 3] [--equal-time]

The first 90 % of the characters train, the last 10 % validate, scored whole in non-overlapping windows of 64 by the
same code on both sides: nats per character over the characters that occur (byte ids that the text never uses are left
out of the softmax). On tinyshakespeare these are 1,742 windows and 65 characters, where a Witten-Bell 5-gram reaches
1.669 nats.

Peer: transformers' Trainer, GPT-2 configuration of that size, AdamW 1e-3, batch 12, dropout 0, 2000 steps.
Ours: `textmill train` with the preset modern, Muon 0.02 (momentum 0.9) and AdamW 6e-3, warm-up, level, fall; 250 steps,
and with --equal-time as many steps as fit into the time the peer took. These rates were chosen on the first 90 % of
tinyshakespeare alone, cut in the same way; the peer's are nanoGPT's documented ones for this size.
Each side is a process of its own, run in turns (A B A B ...); printed are the ratios of training time (the loop alone)
and of whole-process time, with minimum, median and maximum. Absolute times mean nothing on a shared machine.
The whole process ends when the side has its number: the peer's with the scoring above, ours with the report of the run,
which reads the same windows. That ours is then scored once more, by the code that scored the peer, is in a ratio of its
own.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CONTEXT, LAYERS, WIDTH, HEADS, BATCH = 64, 4, 128, 4, 12
PEER_STEPS, OUR_STEPS = 2000, 250
TOLD = "told: "


def parts(path: Path) -> tuple[str, str]:
    text = path.read_text(encoding="utf-8")
    cut = int(len(text) * 0.9)
    return text[:cut], text[cut:]


def validation_loss(log_probs: Any, ids: Any, used: Any) -> float:
    """Nats per character over whole windows; log_probs: ids (B, T) -> (B, T, V); renormalised over the used ids."""
    import torch

    n_windows = (len(ids) - 1) // CONTEXT
    inputs = ids[: n_windows * CONTEXT].view(n_windows, CONTEXT)
    targets = ids[1 : n_windows * CONTEXT + 1].view(n_windows, CONTEXT)
    place = torch.full((int(max(used.max(), ids.max())) + 1,), -1)
    place[used] = torch.arange(len(used))
    total = 0.0
    with torch.no_grad():
        for some, wanted in zip(inputs.split(128), targets.split(128), strict=True):
            scores = log_probs(some)[..., used].log_softmax(-1)
            total -= float(scores.gather(-1, place[wanted][..., None]).double().sum())
    return total / (n_windows * CONTEXT)


def peer(path: Path) -> dict[str, float]:
    """One run of transformers' Trainer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

    training, validation = parts(path)
    characters = sorted(set(training + validation))
    number = {character: n for n, character in enumerate(characters)}
    ids = torch.tensor([number[character] for character in training])
    set_seed(int(os.environ.get("BENCH_SEED", "0")))

    class Windows(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return PEER_STEPS * BATCH

        def __getitem__(self, index: int) -> dict[str, Any]:
            start = int(torch.randint(len(ids) - CONTEXT, (1,)))
            window = ids[start : start + CONTEXT + 1]
            return {"input_ids": window[:-1], "targets": window[1:]}

    class NextCharacter(Trainer):
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            logits = model(input_ids=inputs["input_ids"]).logits
            return torch.nn.functional.cross_entropy(logits.flatten(0, 1), inputs["targets"].flatten())

    config = GPT2Config(
        vocab_size=len(characters), n_positions=CONTEXT, n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, max_steps=PEER_STEPS, per_device_train_batch_size=BATCH, learning_rate=1e-3, weight_decay=0.0,
            save_strategy="no", logging_strategy="no", report_to=[], use_cpu=True, remove_unused_columns=False,
            disable_tqdm=True, lr_scheduler_type="cosine", warmup_steps=100,
        )  # fmt: skip
        trainer = NextCharacter(model=model, args=arguments, train_dataset=Windows())
        start = time.perf_counter()
        trainer.train()
        train_s = time.perf_counter() - start
    model.eval()
    held_out = torch.tensor([number[character] for character in validation])
    loss = validation_loss(
        lambda rows: model(input_ids=rows).logits.log_softmax(-1), held_out, torch.arange(len(characters))
    )
    return {"train_s": train_s, "loss": loss, "steps": PEER_STEPS}


def ours(path: Path, steps: int) -> dict[str, float]:
    """One run of `textmill train`, in a folder of its own."""
    import torch

    from textmill.config.layers import load_config
    from textmill.training import train

    training, validation = parts(path)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "train.txt").write_text(training, encoding="utf-8")
        (Path(folder) / "valid.txt").write_text(validation, encoding="utf-8")
        flags = {
            "data.paths": (f"{folder}/train.txt",),
            "data.valid": (f"{folder}/valid.txt",),
            "data.test_share": 0.0,
            "tokens.kind": "char",
            "tokens.begin_mark": False,
            "model.seq_len": CONTEXT,
            "model.n_layers": LAYERS,
            "model.d_model": WIDTH,
            "model.n_heads": HEADS,
            "model.dropout": 0.0,
            "train.batch": BATCH,
            "train.steps": steps,
            "train.optimizer": "muon",
            "train.lr": 0.02,
            "train.lr_rest": 6e-3,
            "train.momentum": 0.9,
            "train.schedule": "wsd",
            "train.decay_share": 0.6,
            "eval.stride": CONTEXT,  # as the score below
            "train.eval_every": steps,
            "train.eval_tokens": 5_000,  # while training; the measurement after it reads all
            "train.save_every": steps,
            "train.sample_tokens": 0,
            "run.seed": int(os.environ.get("BENCH_SEED", "0")),
            "run.dir": f"{folder}/runs",
            **json.loads(os.environ.get("BENCH_FLAGS", "{}")),
        }
        run = train(load_config(flags, None))
        print(f"{TOLD}{{}}", flush=True)  # its number stands in its report: the clock of the whole process stops
        model, tokenizer = run.model("last"), run.tokenizer
        used = torch.tensor(sorted({i for c in sorted(set(training + validation)) for i in tokenizer.encode(c)}))
        loss = validation_loss(lambda rows: model.log_probs(rows)[0], torch.tensor(tokenizer.encode(validation)), used)
        return {"train_s": run.info["time"]["train"], "loss": loss, "steps": steps, **run.info["time"]}


def in_a_process(side: str, path: Path, steps: int, seed: int) -> dict[str, float]:
    start = time.perf_counter()
    environment = os.environ | {"BENCH_SEED": str(seed), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, str(path), "--side", side, "--steps", str(steps)]
    with tempfile.TemporaryFile("w+") as errors:
        ends, found = [], {}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            for line in process.stdout or ():
                if line.startswith(TOLD):  # the Trainer prints lines of its own
                    ends.append(time.perf_counter() - start)
                    found |= json.loads(line.removeprefix(TOLD))
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{side} failed:\n{errors.read()}")
    return found | {"process_s": ends[0], "scored_s": ends[-1]}


def spread(values: list[float]) -> str:
    return f"{min(values):.3f} {statistics.median(values):.3f} {max(values):.3f}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("text", type=Path)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--equal-time", action="store_true", help="also train ours as long as the peer took")
    arguments.add_argument("--side", choices=["peer", "ours"], help="(internal) run one side and print its numbers")
    arguments.add_argument("--steps", type=int, default=OUR_STEPS)
    given = arguments.parse_args()
    if given.side:
        numbers = peer(given.text) if given.side == "peer" else ours(given.text, given.steps)
        print(f"{TOLD}{json.dumps(numbers)}")
        return

    import torch
    import transformers

    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {os.cpu_count()} processors")
    rows = []
    for seed in range(given.rounds):
        a = in_a_process("peer", given.text, PEER_STEPS, seed)
        b = in_a_process("ours", given.text, given.steps, seed)
        row = {"peer": a, "ours": b}
        if given.equal_time:
            fits = math.floor(given.steps * a["train_s"] / b["train_s"])
            row["equal"] = in_a_process("ours", given.text, fits, seed)
        rows.append(row)
        print(json.dumps(row), flush=True)
    print("                                       min   median max")
    print("loss of the peer, nats                ", spread([r["peer"]["loss"] for r in rows]))
    print("loss of ours, nats                    ", spread([r["ours"]["loss"] for r in rows]))
    print("ours / peer, training time            ", spread([r["ours"]["train_s"] / r["peer"]["train_s"] for r in rows]))
    print(
        "ours / peer, whole process            ",
        spread([r["ours"]["process_s"] / r["peer"]["process_s"] for r in rows]),
    )
    print(
        "   with the second scoring of ours    ", spread([r["ours"]["scored_s"] / r["peer"]["scored_s"] for r in rows])
    )
    if given.equal_time:
        print("loss of ours in the peer's time, nats ", spread([r["equal"]["loss"] for r in rows]))
        times = [r["equal"]["train_s"] / r["peer"]["train_s"] for r in rows]
        print("   its training time / the peer's     ", spread(times))


if __name__ == "__main__":
    main()
