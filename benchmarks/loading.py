"""Load a language model and write its first token, against transformers on the same Hugging Face folder.

    pip install transformers
    python benchmarks/loading.py FOLDER [--rounds 5]

Each side is a whole process with one thread, run in turns (A B A B …); files are read once before, so that both find
them in memory. Ours is `textmill generate FOLDER PROMPT` for one token at temperature 0, transformers the shortest
program that does the same; both must write the same token. Printed: ours / transformers, minimum, median, maximum over
the rounds, by the clock and by processor time of the child. Bar: at most 0.5 by the clock.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

PROMPT = "The capital of France is"
PEER = """\
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, prompt = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)
ids = tokenizer(prompt, return_tensors="pt")
written = model.generate(**ids, max_new_tokens=1, do_sample=False)[0, ids["input_ids"].shape[1]:]
print(tokenizer.decode(written))
"""
ALONE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def taken(command: list[str]) -> tuple[float, float, str]:
    """Seconds by the clock, seconds of processor time, and what a process prints."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env={**os.environ, **ALONE})
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    for path in given.folder.iterdir():
        if path.is_file():
            path.read_bytes()
    one_token = ("--max-new-tokens", "1", "--temperature", "0", "--machine.threads", "1")
    ours = [sys.executable, "-m", "textmill", "generate", str(given.folder), PROMPT, *one_token]
    peer = [sys.executable, "-c", PEER, str(given.folder), PROMPT]
    walls, processors = [], []
    for _ in range(given.rounds):
        our_wall, our_processor, we_wrote = taken(ours)
        peer_wall, peer_processor, they_wrote = taken(peer)
        if we_wrote.removeprefix(PROMPT).strip() != they_wrote.strip():
            raise SystemExit(f"not the same token: {we_wrote!r} and {they_wrote!r}")
        walls.append(our_wall / peer_wall)
        processors.append(our_processor / peer_processor)
        print(
            f"clock {our_wall:.2f} / {peer_wall:.2f} s = {walls[-1]:.3f}, "
            f"processor {our_processor:.2f} / {peer_processor:.2f} s = {processors[-1]:.3f}",
            flush=True,
        )
    for title, ratios in (("clock", walls), ("processor", processors)):
        print(f"ours / transformers, {title}: {min(ratios):.3f} {statistics.median(ratios):.3f} {max(ratios):.3f}")


if __name__ == "__main__":
    main()
