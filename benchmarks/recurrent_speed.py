"""Words trained a second by an LSTM, against the plain loop that most tutorials have, and what adaptive softmax costs.

    python benchmarks/recurrent_speed.py TEXT... [--width 200] [--rounds 3] [--steps 120] [--vocab 20000]

Both read the same words (kind word, learned from TEXT), 20 lanes of 35 steps, the state carried on, 2 layers, no
dropout, SGD with the gradient clipped to 0.25. The plain loop is nn.Embedding, nn.LSTM, nn.Linear and cross_entropy in
float32; ours is `textmill train --arch lstm` as it stands, its log included: with exact softmax, and with
--model.softmax adaptive. Each is a process of its own, run in turns. Counted is the time from step 20 to the last but
ten. Printed: ours / plain for both, minimum, median, maximum over the rounds; the loss on held-out text of all three
after the same number of steps, nats a word.
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

LANES, REACH, LAYERS, RATE, CLIP = 20, 35, 2, 10.0, 0.25
WARM, LAST = 20, 10
TOLD = "told: "
SIDES = ("plain", "exact", "adaptive")


def flags_of(given: argparse.Namespace, folder: str) -> dict[str, Any]:
    return {
        "data.paths": tuple(map(str, given.text)),
        "data.valid_share": 0.05,
        "data.test_share": 0.0,
        "tokens.kind": "word",
        "tokens.vocab_size": given.vocab,
        "model.arch": "lstm",
        "model.n_layers": LAYERS,
        "model.d_model": given.width,
        "model.seq_len": REACH,
        "model.dropout": 0.0,
        "model.softmax": "adaptive" if given.side == "adaptive" else "full",
        "train.optimizer": "sgd",
        "train.lr": RATE,
        "train.schedule": "constant",
        "train.warmup_steps": 0,
        "train.max_grad_norm": CLIP,
        "train.batch": LANES,
        "train.precision": "auto",
        "train.spike": None,
        "train.steps": given.steps,
        "train.eval_every": given.steps,
        "train.sample_tokens": 0,
        "run.dir": f"{folder}/runs",
    }


def ours(given: argparse.Namespace) -> tuple[float, float]:
    """(words a second, nats a word on held-out text) of `textmill train`."""
    from textmill.config.layers import load_config
    from textmill.training import train

    with tempfile.TemporaryDirectory() as folder:
        run = train(load_config(flags_of(given, folder), None))
        lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
        loss = run.trained().metrics["loss"]
    spent = {line["step"]: sum(v for k, v in line.items() if k.startswith("time/")) for line in lines}
    seconds = spent[given.steps - LAST] - spent[WARM]
    return (given.steps - LAST - WARM) * LANES * REACH / seconds, loss


def plain(given: argparse.Namespace) -> tuple[float, float]:
    """The same of the loop of a tutorial, on the same ids."""
    import numpy as np
    import torch
    from torch import nn

    from textmill.config.layers import load_config
    from textmill.tasks.prepare import prepare

    with tempfile.TemporaryDirectory() as folder:
        prepared, _ = prepare(load_config(flags_of(given, folder), None).config, Path(folder))
        vocab = prepared.tokenizer.vocab_size
        stores = {"train": prepared.train, "valid": prepared.valid}
        mark = prepared.tokenizer.mark
        ids = {
            name: torch.from_numpy(
                np.concatenate([[mark, *store.document(n)] for n in range(store.n_documents)]).astype(np.int64)
            )
            for name, store in stores.items()
            if store is not None
        }
    torch.manual_seed(0)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(vocab, given.width)
            self.cells = nn.LSTM(given.width, given.width, LAYERS)
            self.decoder = nn.Linear(given.width, vocab)
            nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
            nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
            nn.init.zeros_(self.decoder.bias)

        def forward(self, words: Any, state: Any) -> Any:
            hidden, state = self.cells(self.embedding(words), state)
            return self.decoder(hidden), state

    model, state = Model(), None
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    lanes = ids["train"][: len(ids["train"]) // LANES * LANES].view(LANES, -1).t().contiguous()
    moments = {}
    start = 0
    for step in range(1, given.steps + 1):
        if start + REACH + 1 > len(lanes):
            start, state = 0, None
        words, targets = lanes[start : start + REACH], lanes[start + 1 : start + REACH + 1]
        scores, state = model(words, state)
        state = tuple(vector.detach() for vector in state)
        nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad()
        start += REACH
        moments[step] = time.perf_counter()
    total, state = 0.0, None
    with torch.no_grad():
        held_out = ids["valid"]
        for start in range(0, len(held_out) - 1, 512):
            words, targets = held_out[start : start + 512][:, None], held_out[start + 1 : start + 513]
            scores, state = model(words[: len(targets)], state)
            total += float(nn.functional.cross_entropy(scores[:, 0], targets, reduction="sum"))
    seconds = moments[given.steps - LAST] - moments[WARM]
    return (given.steps - LAST - WARM) * LANES * REACH / seconds, total / (len(held_out) - 1)


def in_a_process(side: str, given: argparse.Namespace) -> tuple[float, float]:
    command = [sys.executable, __file__, *map(str, given.text), "--side", side, "--width", str(given.width)]
    command += ["--steps", str(given.steps), "--vocab", str(given.vocab)]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True)
    told = [line.removeprefix(TOLD) for line in done.stdout.splitlines() if line.startswith(TOLD)]
    if done.returncode or not told:
        raise SystemExit(f"{side} failed:\n{done.stderr}")
    speed, loss = json.loads(told[-1])
    return speed, loss


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("text", type=Path, nargs="+")
    arguments.add_argument("--width", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--steps", type=int, default=120)
    arguments.add_argument("--vocab", type=int, default=20_000)
    arguments.add_argument("--side", choices=SIDES, help="(internal) run one side and print its numbers")
    given = arguments.parse_args()
    if given.side:
        print(f"{TOLD}{json.dumps(plain(given) if given.side == 'plain' else ours(given))}")
        return

    import torch

    from textmill.training.processor import multiplies_in_bfloat16

    has = "with" if multiplies_in_bfloat16("cpu") else "without"
    print(f"torch {torch.__version__}, {os.cpu_count()} processors {has} bf16, width {given.width}")
    rounds = []
    for _ in range(given.rounds):
        rounds.append({side: in_a_process(side, given) for side in SIDES})
        print(json.dumps(rounds[-1]), flush=True)
    for side in SIDES[1:]:
        ratios = [one[side][0] / one["plain"][0] for one in rounds]
        print(f"{side} / plain, words a second: {min(ratios):.2f} {statistics.median(ratios):.2f} {max(ratios):.2f}")
    for side in SIDES:
        losses = [one[side][1] for one in rounds]
        print(f"held-out loss of {side}: {min(losses):.3f} {statistics.median(losses):.3f} {max(losses):.3f}")


if __name__ == "__main__":
    main()
