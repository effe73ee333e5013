"""What a translator is worth after some minutes, beside JoeyNMT with its small Transformer after as many, in turns.

    python benchmarks/translation_quality.py SOURCE TARGET VALID_SOURCE VALID_TARGET [--minutes 20] [--rounds 1]
                                             [--decodes 3] [--arch transformer] [--joeynmt PYTHON]

Ours: `textmill train SOURCE TARGET --task translate --valid VALID_SOURCE --minutes M`, everything inside the minutes:
preparing, measuring the machine, training, the final scores, the report. Then `textmill translate` of VALID_SOURCE.
Peer (--joeynmt: the python of an environment with joeynmt 2.3.0, sentencepiece 0.2.0 and importlib_metadata): 4 + 4
layers of width 128, BPE of 10,000 learned before its clock starts, batches of 2,048 tokens, label smoothing 0.1,
stopped after M minutes, its best checkpoint by BLEU; then its own `translate` with 5 beams.
Both are scored by sacreBLEU (13a, cased) on the validation pairs. Printed: BLEU of each round, the words that each
wrote, and seconds to translate with 5 beams, in turns, peer / ours. Files of gzip are unpacked. Run it on an idle
machine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LEARN = """
import sentencepiece
sentencepiece.SentencePieceTrainer.train(
    input="train.src,train.trg", model_prefix="pieces", model_type="bpe", vocab_size=10000, character_coverage=1.0,
    unk_id=0, pad_id=1, bos_id=2, eos_id=3, pad_piece="<pad>")
with open("pieces.vocab", encoding="utf-8") as file, open("vocabulary.txt", "w", encoding="utf-8") as out:
    out.writelines(line.split("\\t")[0] + "\\n" for line in file)
"""
SIDE = {
    "max_length": 100,
    "lowercase": False,
    "level": "bpe",
    "voc_file": "vocabulary.txt",
    "tokenizer_type": "sentencepiece",
    "tokenizer_cfg": {"model_file": "pieces.model"},
}
LAYERS = {
    "type": "transformer",
    "num_layers": 4,
    "num_heads": 4,
    "embeddings": {"embedding_dim": 128, "scale": True, "dropout": 0.1},
    "hidden_size": 128,
    "ff_size": 512,
    "dropout": 0.1,
    "layer_norm": "pre",
}
PEER = {
    "name": "peer",
    "joeynmt_version": "2.3.0",
    "model_dir": "model",
    "use_cuda": False,
    "fp16": False,
    "random_seed": 42,
    "num_workers": 0,
    "data": {
        "train": "train",
        "dev": "valid",
        "dataset_type": "plain",
        "src": {"lang": "src", **SIDE},
        "trg": {"lang": "trg", **SIDE},
        "special_symbols": {
            **{"unk_token": "<unk>", "unk_id": 0, "pad_token": "<pad>", "pad_id": 1},
            **{"bos_token": "<s>", "bos_id": 2, "eos_token": "</s>", "eos_id": 3},
        },
    },
    "testing": {
        "n_best": 1,
        "beam_size": 5,
        "beam_alpha": 1.0,
        "batch_size": 2048,
        "batch_type": "token",
        "eval_metrics": ["bleu"],
        "sacrebleu_cfg": {"tokenize": "13a", "lowercase": False},
    },
    "training": {
        "optimizer": "adamw",
        "normalization": "tokens",
        "adam_betas": [0.9, 0.98],
        "scheduling": "warmupinversesquareroot",
        "learning_rate": 0.002,
        "learning_rate_warmup": 400,
        "learning_rate_min": 1e-7,
        "weight_decay": 1e-4,
        "clip_grad_norm": 1.0,
        "label_smoothing": 0.1,
        "loss": "crossentropy",
        "batch_size": 2048,
        "batch_type": "token",
        "batch_multiplier": 1,
        "epochs": 1000,
        "validation_freq": 300,
        "logging_freq": 100,
        "early_stopping_metric": "bleu",
        "overwrite": True,
        "shuffle": True,
        "print_valid_sents": [0],
        "keep_best_ckpts": 1,
    },
    "model": {
        "initializer": "xavier_uniform",
        "embed_initializer": "xavier_uniform",
        "init_gain": 1.0,
        "embed_init_gain": 1.0,
        "bias_initializer": "zeros",
        "tied_embeddings": True,
        "tied_softmax": True,
        "encoder": LAYERS,
        "decoder": LAYERS,
    },
}


def train_ours(folder: Path, minutes: float, arch: str, number: int) -> list[str]:
    """The command that translates with what was trained."""
    name = f"round-{number}"
    command = [sys.executable, "-m", "textmill"]
    train = ["train", "train.src", "train.trg", "--task", "translate", "--valid", "valid.src", "--arch", arch]
    said = ["--source", "src", "--target", "trg", "--minutes", str(minutes), "--name", name, "--run.seed", str(number)]
    run([*command, *train, *said], folder)
    return [*command, "translate", f"runs/{name}"]


def train_peer(folder: Path, minutes: float, python: str) -> list[str]:
    """The same of JoeyNMT."""
    import yaml

    (folder / "peer.yaml").write_text(yaml.safe_dump(PEER))
    shutil.rmtree(folder / "model", ignore_errors=True)
    command = [python, "-m", "joeynmt"]
    with (folder / "peer.log").open("w") as log:
        process = subprocess.Popen([*command, "train", "peer.yaml"], cwd=folder, stdout=log, stderr=log)
        try:
            process.wait(60 * minutes)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:  # where signals are ignored, as in a job of a shell: its best is kept
                process.kill()
                process.wait()
    if not (folder / "model/best.ckpt").exists():
        sys.exit(f"the peer kept no checkpoint:\n{(folder / 'peer.log').read_text()[-3000:]}")
    return [*command, "translate", "peer.yaml"]


def decode(folder: Path, command: list[str]) -> tuple[float, float, int]:
    """(BLEU, seconds of the whole process, words written)."""
    start = time.perf_counter()
    done = run(command, folder, (folder / "valid.src").read_bytes())
    took_s = time.perf_counter() - start
    return bleu(folder, done.decode().splitlines()), took_s, len(done.split())


def bleu(folder: Path, translations: list[str]) -> float:
    from sacrebleu.metrics.bleu import BLEU

    references = (folder / "valid.trg").read_text(encoding="utf-8").splitlines()
    if len(translations) != len(references):
        sys.exit(f"{len(translations)} translations of {len(references)} lines")
    return float(BLEU(tokenize="13a").corpus_score(translations, [references]).score)


def run(command: list[str], folder: Path, text: bytes = b"") -> bytes:
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr.decode()[-3000:]}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("source", "target", "valid_source", "valid_target"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--decodes", type=int, default=3)
    parser.add_argument("--arch", default="transformer")
    parser.add_argument("--joeynmt", metavar="PYTHON")
    arguments = parser.parse_args()
    os.environ["PYTHONUNBUFFERED"] = "1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = {
            "train.src": "source",
            "train.trg": "target",
            "valid.src": "valid_source",
            "valid.trg": "valid_target",
        }
        for place, said in places.items():
            path: Path = getattr(arguments, said)
            data = path.read_bytes()
            (folder / place).write_bytes(gzip.decompress(data) if path.suffix == ".gz" else data)
        if arguments.joeynmt:
            run([arguments.joeynmt, "-c", LEARN], folder)
        ratios = []
        for number in range(1, arguments.rounds + 1):
            mine = train_ours(folder, arguments.minutes, arguments.arch, number)
            found = json.loads((folder / f"runs/round-{number}/run.json").read_text())
            trained = sum(found["time"].values()) / 60
            print(f"round {number}: ours took {trained:.1f} minutes", flush=True)
            other = train_peer(folder, arguments.minutes, arguments.joeynmt) if arguments.joeynmt else []
            for _ in range(arguments.decodes):
                score, took_s, n_words = decode(folder, mine)
                print(f"  ours {score:.2f} BLEU, {took_s:.1f} s to write {n_words:,} words", flush=True)
                if other:
                    score, other_s, n_words = decode(folder, other)
                    ratios.append(other_s / took_s)
                    print(f"  peer {score:.2f} BLEU, {other_s:.1f} s to write {n_words:,} words", flush=True)
        if ratios:
            print(f"translating, peer / ours: {min(ratios):.2f} {statistics.median(ratios):.2f} {max(ratios):.2f}")


if __name__ == "__main__":
    main()
