"""`--tokens.shared no` from the shell: train, stop, go on, eval, translate, doctor."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from textmill.text.worlds import Pairs

pytestmark = pytest.mark.ci

TINY = [
    *("--model.d_model", "16", "--model.n_layers", "1", "--model.seq_len", "64", "--generate.max_new_tokens", "12"),
    *("--train.batch", "4", "--train.sample_tokens", "12", "--eval.resamples", "100"),
]


def textmill(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "textmill", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, cwd=folder, timeout=300)


def test_each_side_has_its_own_vocabulary_from_the_text_to_the_translation(tmp_path: Path) -> None:
    pairs = [Pairs(seed=3).item(number) for number in range(220)]
    for side, language in (("source", "en"), ("target", "zh")):
        lines = "".join(f"{getattr(pair, side)}\n" for pair in pairs)
        (tmp_path / f"news.{language}").write_text(lines, encoding="utf-8")
    train = ["train", "news.en", "news.zh", "--task", "translate", "--arch", "gru", "--tokens.shared", "no", *TINY]
    planned = textmill(tmp_path, *train, "--steps", "6", "-n", "--json")
    assert planned.returncode == 0, planned.stderr.decode()
    done = textmill(tmp_path, *train, "--steps", "6", "--name", "two")
    assert done.returncode == 0, done.stderr.decode()
    assert "Each side has a vocabulary of its own" in done.stderr.decode()
    more = textmill(tmp_path, *train, "--steps", "9", "--name", "two")
    assert more.returncode == 0, more.stderr.decode()
    run = json.loads((tmp_path / "runs/two/run.json").read_text())
    assert run["finished"] and {"tokenizer.json", "tokenizer.source.json"} <= set(run["hashes"])
    facts = json.loads((tmp_path / "runs/two/tokenizer.source.textmill.json").read_text())
    mine = json.loads((tmp_path / "runs/two/tokenizer.textmill.json").read_text())
    assert facts["vocab_size"] != mine["vocab_size"]
    plan = json.loads(planned.stdout)["plan"]
    assert (plan["vocab_size_about"], plan["source_vocab_size_about"]) == (mine["vocab_size"], facts["vocab_size"])

    sources = "The small cat sees the dog.\n\nA bird runs.\n"
    out = textmill(tmp_path, "translate", "two", stdin=sources.encode())
    assert out.returncode == 0, out.stderr.decode()
    assert len(out.stdout.decode().split("\n")) == 4
    for verb in (["eval", "two"], ["doctor", "two"], ["report", "two"], ["info", "two"]):
        assert (told := textmill(tmp_path, *verb)).returncode == 0, told.stderr.decode()
    for arguments in (
        ["generate", "runs/two/floor", "猫"],
        ["train", "news.en", "news.zh", *train[3:], "--steps", "9"],
    ):
        told = textmill(tmp_path, *arguments, *(["--name", "two"] if arguments[0] == "train" else []))
        assert told.returncode == 0, told.stderr.decode()

    said = ["yes" if word == "no" else word for word in train]
    other = textmill(tmp_path, *said, "--steps", "12", "--name", "two")
    assert other.returncode == 2 and b"tokens.shared" in other.stderr

    (tmp_path / "runs/two/tokenizer.source.json").unlink()
    lacking = textmill(tmp_path, "translate", "two", "A bird runs.")
    assert lacking.returncode != 0 and b"Traceback" not in lacking.stderr and b"source_embedding" in lacking.stderr
