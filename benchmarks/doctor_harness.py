"""What the blind tests of the loss doctor share: texts, runs in processes of their own, questions, answers.

A file of plants calls main() with its cases; see loss_doctor_blind.py and loss_doctor_blind_2.py. Each run is trained
by a process of its own: mostly by ordinary knobs, and where there is none for the fault, by a line of the run's code
that is replaced in that process, or by text prepared so. Then `textmill doctor RUN --json` is asked, as a process,
which sees neither. RIGHT_WORDS says by which words an answer counts as the fault that was planted.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Knobs = dict[str, dict[str, Any]]
Texts = Callable[[Path], dict[str, Any]]
"""A folder to write into -> knobs of [data]."""

RIGHT_WORDS = {
    "rate too high": r"rate .*too (high|large)|too (high|large) .*rate",
    "rate too low": r"rate .*too (low|small)|too (low|small) .*rate",
    "no warm-up": r"warm-?up",
    "labels shifted by one": r"shift|off by one|one (place|token) (too|off|ahead)",
    "end marks missing": r"\bend(s|ing)?\b.*mark|mark.*\bend",
    "duplicates across splits": r"(held.out|validation|test).*(train|cop|duplicate|twice|known)|duplicate|copies",
    "wrong tokenizer for the text": r"tokeni[sz]er",
    "far too little data": r"too little|little (text|data)|more text",
    "over-fitting": r"over-?fit|by heart|memori",
    "dead units": r"dead|never (fire|active)|units",
    "data order not shuffled": r"shuffle|order",
    "embeddings frozen": r"frozen|embedding",
}


@dataclass(frozen=True)
class Case:
    """A run: what is planted in it (None: it is sound), why one would agree, text and knobs, and what is replaced."""

    name: str
    fault: str | None
    why: str
    data: Texts
    knobs: Knobs
    plant: Callable[[Path], None] | None = None
    """Given the folder of the texts."""
    cure: Knobs = field(default_factory=dict)
    """Knobs without the fault; with a plant, it is left out as well."""

    @property
    def is_curable(self) -> bool:
        return bool(self.cure) or self.plant is not None


# --- texts


def builtin(*paths: str, **knobs: Any) -> Texts:
    """The data knobs of built-in text."""
    return lambda folder: {"paths": paths, **knobs}


def python_docs(folder: Path) -> list[str]:
    """The documentation inside Python, a text a module or topic; kept beside all runs, as reading it takes seconds."""
    from textmill.config import DataConfig
    from textmill.text import plan_split

    kept = folder.parent.parent / "python-docs.json"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        plan = plan_split(DataConfig(paths=("builtin:python-docs",), valid_share=0.0, test_share=0.0))
        kept.write_text(json.dumps([document.text for document in plan.documents("train")]), encoding="utf-8")
    texts: list[str] = json.loads(kept.read_text(encoding="utf-8"))
    return texts


def world(name: str, n: int) -> list[str]:
    """The first n texts of a world, by its default knobs."""
    from textmill.text.worlds import named

    return [str(item.row()["text"]) for item in named(name).items(n)]


def written(path: Path, texts: Iterable[str]) -> str:
    """JSON lines, a text each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    path.write_text("".join(lines), encoding="utf-8")
    return str(path)


def documentation(n_chars: int, seed: int, **knobs: Any) -> Texts:
    """So much of the documentation inside Python: the beginnings of modules and topics drawn by lot."""

    def texts(folder: Path) -> dict[str, Any]:
        drawn = python_docs(folder)
        random.Random(seed).shuffle(drawn)
        some: list[str] = []
        while sum(map(len, some)) < n_chars:
            some.append(drawn.pop()[:3000])
        return {"paths": [written(folder / "documentation.jsonl", some)], **knobs}

    return texts


def once_built(change: Callable[[Any], Any]) -> None:
    """Change the model of the run before its optimizers are made."""
    from textmill.training import session

    build = session.new_model

    def build_and_change(*arguments: Any, **knobs: Any) -> Any:
        model = build(*arguments, **knobs)
        change(model)
        return model

    session.new_model = build_and_change


# --- runs and questions


def config_of(case: Case, folder: Path, cured: bool, seed: int) -> Knobs:
    """The knobs of a run whose text and folder lie under `folder`."""
    config: Knobs = {
        "data": case.data(folder / "text"),
        "machine": {"threads": 1},
        "train": {"sample_tokens": 0, "eval_tokens": 4000},
        "run": {"dir": str(folder), "name": case.name, "seed": seed},
    }
    for knobs in (case.knobs, case.cure if cured else {}):
        for section, said in knobs.items():
            config[section] = config.get(section, {}) | said
    return config


def train(case: Case, folder: Path, cured: bool, seed: int) -> None:
    """In this process, which is spoilt by the plant."""
    import textmill

    config = textmill.Config(**config_of(case, folder, cured, seed))
    if case.plant is not None and not cured:
        case.plant(folder / "text")
    textmill.train(config)


def trained(case: Case, folder: Path, cured: bool = False) -> Path:
    """The run folder of a case, trained by a process of its own where it is not there yet."""
    run = folder / case.name
    if not (run / "metrics.jsonl").is_file():
        command = [sys.executable, sys.argv[0], str(folder), "--train", case.name, *(["--cured"] if cured else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"  training ended with {done.returncode}: {done.stderr.strip().splitlines()[-1][:300]}")
    return run


def curves(run: Path) -> str:
    """Losses of a run in nats: of training at about ten steps, of held-out text at each evaluation."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    told = [line for line in lines if "train/loss" in line]
    every = max(1, len(told) // 10)
    training = [f"{line['step']}:{line['train/loss']:.3f}" for line in [*told[:-1:every], told[-1]]]
    held_out = [f"{line['step']}:{line['eval/loss']:.3f}" for line in lines if "eval/loss" in line]
    events = [f"  event {event}" for line in lines for event in line.get("events", [])]
    return "\n".join([f"  training  {' '.join(training)}", f"  held out  {' '.join(held_out)}", *events])


def asked(run: Path) -> list[dict[str, Any]]:
    """The findings of `textmill doctor RUN --json`. Exits where it says nothing that can be read."""
    command = [sys.executable, "-m", "textmill", "doctor", str(run), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    findings: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return findings


def told(finding: dict[str, Any]) -> str:
    strength = "" if finding["strength"] is None else f" {finding['strength']:.2f}"
    return (
        f"{finding['severity']}{strength}: {finding['what']}\n"
        f"      evidence: {finding['evidence']}\n      remedy: {finding['remedy']}\n      where: {finding['where']}"
    )


def is_named_first(fault: str, findings: list[dict[str, Any]]) -> bool:
    """The first cause that is told is this fault."""
    causes = [finding for finding in findings if finding["severity"] == "cause"]
    return bool(causes) and re.search(RIGHT_WORDS[fault], causes[0]["what"], re.IGNORECASE) is not None


def main(doc: str | None, faulty: list[Case], sound: list[Case], later: list[Case] | None = None) -> None:
    """later: cases that are asked by --only alone."""
    cases = {case.name: case for case in [*faulty, *sound, *(later or [])]}
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where texts and runs are kept")
    blind = [case.name for case in [*faulty, *sound]]
    parser.add_argument("--only", nargs="+", choices=cases, default=blind, metavar="NAME")
    parser.add_argument("--train-only", action="store_true", help="ask no doctor")
    parser.add_argument("--cured", action="store_true", help="train the faulty runs without their fault")
    parser.add_argument("--train", choices=cases, metavar="NAME", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        train(cases[arguments.train], arguments.folder, arguments.cured, seed=list(cases).index(arguments.train))
        return
    with tempfile.TemporaryDirectory() as temporary:
        go_through(
            [cases[name] for name in arguments.only],
            arguments.folder or Path(temporary),
            arguments.train_only,
            arguments.cured,
        )


def go_through(cases: list[Case], folder: Path, train_only: bool, cured: bool) -> None:
    n_named = n_alarms = 0
    for case in cases:
        print(f"{case.name}  {case.fault or 'sound'}: {case.why}")
        if cured:
            if case.is_curable:
                print(curves(trained(case, folder / f"{case.name}-cured", cured=True)), flush=True)
            continue
        run = trained(case, folder / case.name)
        print(curves(run), flush=True)
        if train_only:
            continue
        findings = asked(run)
        causes = [finding for finding in findings if finding["severity"] == "cause"]
        print(f"  first: {causes[0]['what'] if causes else 'no cause'}")
        for finding in findings:
            print(f"    {told(finding)}")
        if case.fault is None:
            n_alarms += bool(causes)
            print(f"  {'ALARM' if causes else 'no alarm'}", flush=True)
        else:
            is_right = is_named_first(case.fault, findings)
            n_named += is_right
            print(f"  {'right' if is_right else 'WRONG'}", flush=True)
    if not (train_only or cured):
        n_faulty = sum(case.fault is not None for case in cases)
        print(f"named first: {n_named} of {n_faulty}; alarms: {n_alarms} of {len(cases) - n_faulty} sound runs")
