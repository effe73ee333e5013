"""Text to shards, against datasets.map with the same tokenizer: both with two processes' worth of threads, in turns.

    pip install datasets transformers
    python benchmarks/prepare_speed.py TEXT... [--rounds 3] [--kind bpe] [--vocab-size 8192] [--processes 2]

The tokenizer is learned once from the texts by us and saved as tokenizer.json; learning is in neither time.
Peer: datasets.Dataset.from_generator over the lines, then map(batched=True, num_proc=2) with transformers'
PreTrainedTokenizerFast of that file, which writes Arrow files of ids. Caching is off.
Ours: the same lines through Tokenizer.encode_arrays into a StoreWriter, 1024 together, on two threads.
Each side starts from the same list of lines in memory, in a process of its own, and must give the same number of ids.
Printed is the ratio of times (peer / ours) as minimum, median and maximum; absolute times mean nothing on a shared
machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

TOGETHER = 1024


def lines_of(paths: list[Path]) -> list[str]:
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines(keepends=True)]


def peer(lines: list[str], tokenizer_folder: Path, folder: Path, processes: int) -> dict[str, float]:
    import datasets
    from transformers import PreTrainedTokenizerFast

    datasets.disable_caching()
    datasets.disable_progress_bars()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_folder / "tokenizer.json"), split_special_tokens=True
    )

    def ids(batch: dict[str, list[str]]) -> dict[str, Any]:
        return {"input_ids": tokenizer(batch["text"], return_attention_mask=False)["input_ids"]}

    start = time.perf_counter()
    raw = datasets.Dataset.from_dict({"text": lines})
    encoded = raw.map(ids, batched=True, num_proc=processes, remove_columns=["text"])
    encoded.save_to_disk(str(folder / "peer"))
    elapsed_s = time.perf_counter() - start
    return {"elapsed_s": elapsed_s, "n_tokens": sum(len(row) for row in encoded["input_ids"])}


def ours(lines: list[str], tokenizer_folder: Path, folder: Path) -> dict[str, float]:
    from textmill.tokens import StoreWriter, Tokenizer

    tokenizer = Tokenizer.load(tokenizer_folder)
    start = time.perf_counter()
    with StoreWriter(folder / "ours", tokenizer.vocab_size) as writer:
        for first in range(0, len(lines), TOGETHER):
            texts = lines[first : first + TOGETHER]
            encoded = enumerate(zip(texts, tokenizer.encode_arrays(texts), strict=True), start=first + 1)
            writer.add_all([(ids, len(text.encode()), len(text), f"text:{n}") for n, (text, ids) in encoded])
        store = writer.close()
    return {"elapsed_s": time.perf_counter() - start, "n_tokens": store.n_tokens - store.n_documents}


def in_a_process(side: str, arguments: argparse.Namespace, tokenizer_folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, *map(str, arguments.texts), "--side", side]
    command += ["--tokenizer", str(tokenizer_folder), "--processes", str(arguments.processes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kind", default="bpe")
    parser.add_argument("--vocab-size", type=int, default=8192)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--side", choices=["peer", "ours"], help=argparse.SUPPRESS)
    parser.add_argument("--tokenizer", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.processes])
        lines = lines_of(arguments.texts)
        with tempfile.TemporaryDirectory() as folder:
            if arguments.side == "peer":
                result = peer(lines, arguments.tokenizer, Path(folder), arguments.processes)
            else:
                result = ours(lines, arguments.tokenizer, Path(folder))
        print(json.dumps(result))
        return

    from textmill.tokens import Tokenizer

    with tempfile.TemporaryDirectory() as folder:
        lines = lines_of(arguments.texts)
        Tokenizer.train(arguments.kind, lines, arguments.vocab_size, seed=0).save(folder)
        ratios = []
        for number in range(arguments.rounds):
            other, own = (in_a_process(side, arguments, Path(folder)) for side in ("peer", "ours"))
            if other["n_tokens"] != own["n_tokens"]:
                sys.exit(f"not the same ids: {other['n_tokens']:,} and {own['n_tokens']:,} tokens")
            ratios.append(other["elapsed_s"] / own["elapsed_s"])
            print(f"round {number + 1}: peer {other['elapsed_s']:.2f} s, ours {own['elapsed_s']:.2f} s", flush=True)
    n_bytes = sum(len(line.encode()) for line in lines)
    print(f"{n_bytes:,} bytes, {len(lines):,} lines, {arguments.kind} with {arguments.vocab_size:,} ids")
    names = ("datasets", "transformers", "tokenizers", "tiktoken")
    print(", ".join(f"{name} {version(name)}" for name in names), "on", platform.processor() or platform.machine())
    print(f"peer / ours: min {min(ratios):.2f} median {statistics.median(ratios):.2f} max {max(ratios):.2f}")


if __name__ == "__main__":
    main()
