"""Rooms that answer at once, so that the shell is tested alone; and a helper that runs a command line."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from textmill import results
from textmill.cli import main


@dataclass
class Said:
    """What a command line came to."""

    code: int
    out: str
    err: str

    def documents(self, kind: type[results.Document]) -> list[dict[str, Any]]:
        """The JSON lines of stdout, each valid against its schema."""
        found = [json.loads(line) for line in self.out.splitlines()]
        for document in found:
            jsonschema.validate(document, kind.model_json_schema(by_alias=True))
            assert document["schema"].startswith("textmill.")
        return found


class Shell:
    """`shell("look", "x.txt")` runs `textmill look x.txt` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]):
        self.capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        self.capsys.readouterr()
        code = main(arguments)
        out, err = self.capsys.readouterr()
        return Said(code, out, err)


def fake_room(monkeypatch: pytest.MonkeyPatch, name: str, **doors: Any) -> None:
    """Put doors in place of a room; its submodules stay what they are."""
    room = ModuleType(name)
    spec = importlib.util.find_spec("textmill")
    assert spec is not None and spec.submodule_search_locations is not None
    room.__path__ = [str(Path(spec.submodule_search_locations[0]) / name.rpartition(".")[2])]
    for door, function in doors.items():
        setattr(room, door, function)
    monkeypatch.setitem(sys.modules, name, room)


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything under a folder: name -> (time of change, content)."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


LOOK = results.Look(
    files=[
        results.FileLook(path="a.txt", bytes=90, encoding="utf-8", ledger={"train": 80, "test": 10}),
        results.FileLook(path="二.csv", bytes=10, encoding="utf-8", ledger={"train": 4, "markup": 6}),
    ],
    bytes=100,
    ledger={"train": 84, "test": 10, "markup": 6},
    languages={"en": 0.75, "zh": 0.25, "other": 0.0},
    duplicates=results.Duplicates(n_documents=5, exact=1, normalised=2, examples=["a.txt:1 = a.txt:3"]),
    n_documents={"train": 4, "test": 1},
    preview=["One\tline"],
    bad_records=["二.csv:3: 2 cells instead of 3"],
    notes=["A file is one document."],
    suggestion="textmill train a.txt 二.csv",
)
METRICS = {"loss": 1.7, "perplexity": 5.47, "bpb": 2.01, "bpc": 2.2, "n_tokens": 1234.0, "n_bytes": 3000.0}
BASELINES = {"uniform": {"bpb": 8.0, "loss": 5.5}, "ngram": {"bpb": 2.15, "loss": 1.9}, "ngram_bytes": {"bpb": 2.3}}
EVALUATION = results.Evaluation(
    run="runs/a",
    data="test",
    metrics=METRICS,
    intervals={"bpb": (1.95, 2.07)},
    baselines=BASELINES,
    convention={"window": 256, "stride": 256, "tokenizer": "bpe"},
    verdict="Better than the floor.",
)
TRAINED = results.Trained(
    run="runs/a",
    step=20,
    metrics=METRICS,
    baselines=BASELINES,
    report="runs/a/report.html",
    verdict="Worse than the floor: so says the test.",
    next=["textmill train a.txt --steps 40", "textmill generate runs/a Once"],
)
INFO = results.Info(
    run="runs/a",
    kind="network",
    status="finished",
    step=20,
    steps=20,
    arch="gru",
    n_parameters={"total": 1_234_567, "backbone": 800_000},
    tokenizer={"kind": "bpe", "vocab_size": 300, "note": ""},
    data={"paths": ["a.txt"]},
    metrics=METRICS,
    made={"command": "textmill train a.txt", "seed": 0},
)
LINE = results.RunLine(
    name="a", status="finished", task="lm", arch="gru", step=20, steps=20, bpb=2.01, modified="2026-01-02T03:04:05"
)
SCORED = results.Scored(
    text="a\n",
    tokens=[
        results.ScoredToken(
            text="a",
            id=97,
            start=0,
            end=1,
            logprob=-0.5,
            rank=1,
            alternatives=[{"text": "a", "id": 97, "logprob": -0.5}],
        ),
        results.ScoredToken(text="\n", id=10, start=1, end=2, logprob=-1.5, rank=3, alternatives=[]),
    ],
    total_logprob=-2.0,
)
DEMO = results.Demo(
    run="runs/demo",
    bpb=2.0,
    baselines=BASELINES,
    beats_floors=True,
    samples=["One\ntwo"],
    report="runs/demo/report.html",
    next=["textmill chat runs/demo"],
)
PLAN = results.Plan(
    verb="train", run="runs/a", writes=["runs/a/", "runs/.data/"], plan={"n_parameters": 800_000, "device": "cpu"}
)
REPORTED = results.Reported(
    run="runs/a", report="runs/a/report.html", card="runs/a/README.md", plots=["runs/a/plots/curve.svg"]
)
