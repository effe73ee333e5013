"""What the loss doctor says of twelve faults, planted by somebody who had not read it, and of ten sound runs.

    python benchmarks/loss_doctor_blind.py [FOLDER] [--only NAME ...] [--train-only] [--cured]

FOLDER keeps texts and runs; a run that is there already is not trained again. Without it they go when all is said.
Each run is trained by a process of its own: mostly by ordinary knobs, and where there is none for the fault, by a line
of the run's code that is replaced in that process, or by text prepared so. Then `textmill doctor RUN --json` is asked,
as a process, which sees neither. Of each run are printed: what was planted, its curves, the first finding of a cause,
all the others, and whether the first is right. --train-only asks no doctor. --cured trains each faulty run again
without its fault, where that is possible, to show what the fault costs; nothing is asked of those.

The plants were fixed before any answer of the doctor was seen; run-23, which is asked by --only alone, came later.
RIGHT_WORDS says by which words an answer counts as the fault that was planted. Some 22 runs of half a minute each on
one thread.
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


def from_three_mirrors(folder: Path) -> dict[str, Any]:
    """Paragraphs as three sites show them (one wraps its lines anew), all shuffled together and only then split."""
    paragraphs = [part for text in python_docs(folder) for part in text.split("\n\n") if 200 <= len(part) <= 1200]
    paragraphs = random.Random(6).sample(paragraphs, 60)
    crawled = [*paragraphs, *paragraphs, *(" ".join(part.split()) for part in paragraphs)]
    random.Random(7).shuffle(crawled)
    n = len(crawled) // 10
    return {
        "paths": [written(folder / "crawl-a.jsonl", crawled[2 * n :])],
        "valid": [written(folder / "crawl-b.jsonl", crawled[:n])],
        "test": [written(folder / "crawl-c.jsonl", crawled[n : 2 * n])],
    }


def from_stamped_mirrors(folder: Path) -> dict[str, Any]:
    """As from_three_mirrors, but each site puts its stamp above a paragraph, and nobody looks for near copies."""
    paragraphs = [part for text in python_docs(folder) for part in text.split("\n\n") if 200 <= len(part) <= 1200]
    paragraphs = random.Random(23).sample(paragraphs, 60)
    stamps = ("Mirror A, page 1 of 1", "From the archive of site B, 11 March", "(c) site C, reprinted")
    crawled = [f"{stamp}\n{part}" for stamp in stamps for part in paragraphs]
    random.Random(24).shuffle(crawled)
    n = len(crawled) // 10
    return {
        "paths": [written(folder / "crawl-a.jsonl", crawled[2 * n :])],
        "valid": [written(folder / "crawl-b.jsonl", crawled[:n])],
        "test": [written(folder / "crawl-c.jsonl", crawled[n : 2 * n])],
        "near_duplicates": "off",
    }


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


def corpus_after_corpus(folder: Path) -> dict[str, Any]:
    """Five corpora in one file, as `cat` lays them: each by itself, one after the other."""
    parts = [world("stories", 120), world("stories-zh", 350), world("sentiment", 250), world("sentiment-zh", 700)]
    docs = [part for text in python_docs(folder) for part in text.split("\n\n") if 100 <= len(part) <= 1000]
    return {"paths": [written(folder / "all.jsonl", [text for part in [*parts, docs[:60]] for text in part])]}


# --- what is replaced in the run's own process


def double_shift(folder: Path) -> None:
    """The model shifts its labels by itself, and is given labels that are shifted already."""
    from textmill.models import IGNORED, LanguageModel

    right = LanguageModel.nll

    def nll(self: Any, ids: Any, targets: Any, segments: Any = None, state: Any = None) -> Any:
        shifted = targets.roll(-1, dims=1)
        shifted[:, -1] = IGNORED
        return right(self, ids, shifted, segments, state)

    LanguageModel.nll = nll  # type: ignore[method-assign]


def run_together(folder: Path) -> None:
    """Documents are laid end to end for training without anything between them, as `group_texts` in examples does."""
    from textmill.tasks.lm import LanguageModelling
    from textmill.tokens import PackedRows

    class RunTogether:
        def __init__(self, store: Any):
            self.tokens = store.tokens[store.tokens != store.mark]
            self.n_tokens, self.n_documents = len(self.tokens), store.n_documents
            self.starts = store.starts - range(store.n_documents + 1)

    def rows(self: Any, store: Any, tokenizer: Any, config: Any) -> Any:
        return PackedRows(RunTogether(store), config.model.seq_len, tokenizer.mark)  # type: ignore[arg-type]

    LanguageModelling.rows = rows  # type: ignore[method-assign]


def english_tokenizer(folder: Path) -> None:
    """The tokenizer comes from an English model."""
    from textmill.tokens import Tokenizer

    learn = Tokenizer.train

    def train(kind: str, texts: Any, vocab_size: Any, seed: int, *rest: Any) -> Any:
        return learn("bpe", python_docs(folder)[:150], vocab_size, seed)

    Tokenizer.train = train  # type: ignore[method-assign,assignment]


def bias_of_a_detector(folder: Path) -> None:
    """Biases before the ReLU begin at ln(0.01 / 0.99), which a detector has at its last layer alone."""
    import torch

    def after(model: Any) -> None:
        with torch.no_grad():
            for block in model.backbone.blocks:
                block.feed_forward.up.bias.fill_(-4.6)

    once_built(after)


def not_shuffled(folder: Path) -> None:
    """DataLoader(shuffle=False)."""
    import numpy as np

    from textmill.tokens import Sampler

    Sampler._permutation = lambda self, epoch: np.arange(self.n_rows)  # type: ignore[method-assign]


def frozen_embedding(folder: Path) -> None:
    """requires_grad_(False), left over from a model whose embeddings were pretrained: here they are random."""
    once_built(lambda model: model.embedding.requires_grad_(False))


def once_built(change: Callable[[Any], Any]) -> None:
    """Change the model of the run before its optimizers are made."""
    from textmill.training import session

    build = session.build_model

    def build_and_change(*arguments: Any, **knobs: Any) -> Any:
        model = build(*arguments, **knobs)
        change(model)
        return model

    session.build_model = build_and_change


# --- the runs

FAULTY = [
    Case(
        "run-01",
        "rate too high",
        "From sgd to adamw, and its rate of 0.5, held level, was kept: the loss stands still high above a sound one.",
        builtin("builtin:stories,lang=zh,n=1000"),
        {
            "model": {"arch": "lstm", "d_model": 112},
            "train": {"steps": 300, "batch": 8, "optimizer": "adamw", "lr": 0.5, "schedule": "constant"},
        },
        cure={"train": {"lr": 3e-3}},
    ),
    Case(
        "run-02",
        "rate too low",
        "A rate for fine-tuning, 5e-5, on a model that begins from nothing: all losses fall slowly and end too high.",
        documentation(200_000, seed=2),
        {"model": {"arch": "rnn", "d_model": 192}, "train": {"steps": 300, "batch": 8, "lr": 5e-5}},
        cure={"train": {"lr": 3e-3}},
    ),
    Case(
        "run-03",
        "no warm-up",
        "RMSprop's first steps are ten times its rate: six post-norm layers end where letters are counted, at 3.6 "
        "nats; after 60 steps of warm-up the same run comes to 0.97.",
        builtin("builtin:stories,lang=zh,n=1000"),
        {
            "model": {"preset": "classic", "n_layers": 6, "d_model": 64, "seq_len": 64},
            "train": {"steps": 120, "batch": 8, "optimizer": "rmsprop", "momentum": 0.0, "lr": 3e-3}
            | {"warmup_steps": 0, "max_grad_norm": None},
        },
        cure={"train": {"warmup_steps": 60}},
    ),
    Case(
        "run-04",
        "labels shifted by one",
        "The model's weights tell the token after the next better than the next.",
        builtin("builtin:sentiment,n=1500"),
        {"model": {"arch": "gru", "d_model": 128}, "train": {"steps": 300, "batch": 8}},
        plant=double_shift,
    ),
    Case(
        "run-05",
        "end marks missing",
        "No row of training holds the mark, so the model gives it nearly no probability where a text ends.",
        builtin("builtin:sentiment,lang=zh,n=2500"),
        {"model": {"arch": "lstm", "d_model": 112}, "train": {"steps": 300, "batch": 8}},
        plant=run_together,
    ),
    Case(
        "run-06",
        "duplicates across splits",
        "Nine of ten held-out paragraphs stand in the training text: the held-out loss says nothing of new text.",
        from_three_mirrors,
        {"model": {"preset": "gpt2", "n_layers": 2, "d_model": 64, "seq_len": 64}, "train": {"steps": 400, "batch": 8}},
    ),
    Case(
        "run-07",
        "wrong tokenizer for the text",
        "A vocabulary of English pieces under Chinese text: three tokens a character, nearly all ids never used.",
        builtin("builtin:stories,lang=zh,n=800"),
        {
            "model": {"n_layers": 2, "d_model": 64, "seq_len": 128},
            "tokens": {"kind": "bpe", "vocab_size": 1024},
            "train": {"steps": 300, "batch": 4},
        },
        plant=english_tokenizer,
    ),
    Case(
        "run-08",
        "far too little data",
        "Half a page of text, some 1,000 characters, for 800,000 weights, learnt by heart within a few dozen updates.",
        builtin("builtin:stories,lang=zh,n=10"),
        {"model": {"arch": "gru"}, "train": {"steps": 300}},
    ),
    Case(
        "run-09",
        "over-fitting",
        "No dropout, no decay, too many passes: the held-out loss turns and rises to the end, training's falls on.",
        documentation(30_000, seed=9, valid_share=0.1),
        {
            "model": {"arch": "lstm", "d_model": 192, "dropout": 0.0},
            "train": {"steps": 700, "batch": 12, "lr": 5e-3, "weight_decay": 0.0, "schedule": "constant"},
        },
    ),
    Case(
        "run-10",
        "dead units",
        "No unit of any feed-forward layer is ever above 0: half of the weights do nothing and get no gradient.",
        builtin("builtin:stories,n=600"),
        {
            "model": {"preset": "classic", "n_layers": 2, "d_model": 64, "seq_len": 64},
            "train": {"steps": 300, "batch": 8, "optimizer": "adamw", "lr": 1e-3, "warmup_steps": 30},
        },
        plant=bias_of_a_detector,
    ),
    Case(
        "run-11",
        "data order not shuffled",
        "Rows are read in the order of a file sorted by corpus: the training loss is a saw, a tooth an epoch.",
        corpus_after_corpus,
        {
            "model": {"preset": "llama", "n_layers": 2, "d_model": 64, "seq_len": 64},
            "train": {"epochs": 3, "batch": 8, "spike": None},
        },
        plant=not_shuffled,
    ),
    Case(
        "run-12",
        "embeddings frozen",
        "The embedding is to the bit what it was drawn as, in every checkpoint.",
        builtin("builtin:pairs,lang=zh,n=2500", text="source"),
        {"model": {"arch": "rnn", "d_model": 160}, "train": {"steps": 300, "batch": 8}},
        plant=frozen_embedding,
    ),
]

SOUND = [
    Case(
        "run-13",
        None,
        "the default dialect of the Transformer on documentation",
        documentation(250_000, seed=13),
        {"model": {"n_layers": 2, "d_model": 64, "seq_len": 64}, "train": {"steps": 400, "batch": 8}},
    ),
    Case(
        "run-14",
        None,
        "gpt2 on Chinese stories",
        builtin("builtin:stories,lang=zh,n=1500"),
        {"model": {"preset": "gpt2", "n_layers": 2, "d_model": 64, "seq_len": 64}, "train": {"steps": 400, "batch": 8}},
    ),
    Case(
        "run-15",
        None,
        "classic under Adam with warm-up on English reviews",
        builtin("builtin:sentiment,n=2000"),
        {
            "model": {"preset": "classic", "n_layers": 2, "d_model": 64, "seq_len": 64},
            "train": {"steps": 400, "batch": 8, "optimizer": "adam", "lr": 2e-3, "warmup_steps": 50},
        },
    ),
    Case(
        "run-16",
        None,
        "llama on five corpora in two languages, shuffled",
        corpus_after_corpus,
        {
            "model": {"preset": "llama", "n_layers": 2, "d_model": 64, "seq_len": 64},
            "train": {"epochs": 3, "batch": 8},
        },
    ),
    Case(
        "run-17",
        None,
        "LSTM on documentation",
        documentation(250_000, seed=17),
        {"model": {"arch": "lstm", "d_model": 128}, "train": {"steps": 400, "batch": 8}},
    ),
    Case(
        "run-18",
        None,
        "LSTM on Chinese stories, a larger part held out, a lower rate",
        builtin("builtin:stories,lang=zh,n=1500", valid_share=0.1),
        {"model": {"arch": "lstm", "d_model": 112}, "train": {"steps": 400, "batch": 8, "lr": 2e-3}},
    ),
    Case(
        "run-19",
        None,
        "GRU on a small text of English stories, words, stopped early",
        builtin("builtin:stories,n=400", valid_share=0.1),
        {
            "model": {"arch": "gru", "d_model": 96, "dropout": 0.3},
            "tokens": {"kind": "word"},
            "train": {"epochs": 10, "batch": 8, "patience": 3},
        },
    ),
    Case(
        "run-20",
        None,
        "GRU that translates English into Chinese",
        builtin("builtin:pairs,n=2000"),
        {"task": {"name": "translate"}, "model": {"arch": "gru", "d_model": 96}, "train": {"epochs": 8}},
    ),
    Case(
        "run-21",
        None,
        "RNN on brackets, whose entropy is known",
        builtin("builtin:brackets,n=3000"),
        {"model": {"arch": "rnn", "d_model": 128}, "tokens": {"kind": "char"}, "train": {"steps": 300, "batch": 8}},
    ),
    Case(
        "run-22",
        None,
        "RNN on Chinese reviews",
        builtin("builtin:sentiment,lang=zh,n=3000"),
        {"model": {"arch": "rnn", "d_model": 160}, "train": {"steps": 400, "batch": 8}},
    ),
]

LATER = [
    Case(
        "run-23",
        "duplicates across splits",
        "Nearly all held-out paragraphs stand in the training text, with another line above them.",
        from_stamped_mirrors,
        {"model": {"preset": "gpt2", "n_layers": 2, "d_model": 64, "seq_len": 64}, "train": {"steps": 400, "batch": 8}},
    ),
]
"""Planted after the first answers: from the text of run-06 preparation itself drops what stands on two sides."""

CASES = {case.name: case for case in [*FAULTY, *SOUND, *LATER]}
BLIND = [case.name for case in [*FAULTY, *SOUND]]


def config_of(case: Case, folder: Path, cured: bool) -> Knobs:
    """The knobs of a run whose text and folder lie under `folder`."""
    config: Knobs = {
        "data": case.data(folder / "text"),
        "machine": {"threads": 1},
        "train": {"sample_tokens": 0, "eval_tokens": 4000},
        "run": {"dir": str(folder), "name": case.name, "seed": list(CASES).index(case.name)},
    }
    for knobs in (case.knobs, case.cure if cured else {}):
        for section, said in knobs.items():
            config[section] = config.get(section, {}) | said
    return config


def train(case: Case, folder: Path, cured: bool) -> None:
    """In this process, which is spoilt by the plant."""
    import textmill

    config = textmill.Config(**config_of(case, folder, cured))
    if case.plant is not None and not cured:
        case.plant(folder / "text")
    textmill.train(config)


def trained(case: Case, folder: Path, cured: bool = False) -> Path:
    """The run folder of a case, trained by a process of its own where it is not there yet."""
    run = folder / case.name
    if not (run / "metrics.jsonl").is_file():
        command = [sys.executable, __file__, str(folder), "--train", case.name, *(["--cured"] if cured else [])]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where texts and runs are kept")
    parser.add_argument("--only", nargs="+", choices=CASES, default=BLIND, metavar="NAME")
    parser.add_argument("--train-only", action="store_true", help="ask no doctor")
    parser.add_argument("--cured", action="store_true", help="train the faulty runs without their fault")
    parser.add_argument("--train", choices=CASES, metavar="NAME", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        train(CASES[arguments.train], arguments.folder, arguments.cured)
        return
    with tempfile.TemporaryDirectory() as temporary:
        go_through(
            [CASES[name] for name in arguments.only],
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


if __name__ == "__main__":
    main()
