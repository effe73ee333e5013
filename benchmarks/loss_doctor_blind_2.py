"""The second blind test of the loss doctor: run-31 to run-42 have a fault, run-43 to run-52 are sound.

    python benchmarks/loss_doctor_blind_2.py FOLDER --train-only         # train all, ask no doctor
    python benchmarks/loss_doctor_blind_2.py FOLDER --cured --train-only # the faulty runs without their fault
    python benchmarks/loss_doctor_blind_2.py FOLDER                      # ask about all

Planted by one who had not seen the doctor, and fixed before it was asked. Texts, runs and questions: doctor_harness.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from doctor_harness import Case, Texts, builtin, documentation, main, once_built, python_docs, world, written

# --- texts


def joined(name: str, texts: Callable[[Path], Iterable[str]], **knobs: Any) -> Texts:
    """A file of texts that are made here."""
    return lambda folder: {"paths": [written(folder / f"{name}.jsonl", texts(folder))], **knobs}


def access_log(n: int, seed: int) -> list[str]:
    """Sessions at a web server, each a few lines of its log."""
    draw = random.Random(seed)
    pages = ["/", "/login", "/logout", "/cart", "/search", "/about", "/api/items", "/api/users", "/static/site.css"]
    agents = ["Firefox/128.0", "Chrome/126.0", "Safari/17.5", "curl/8.5.0"]
    sessions = []
    for _ in range(n):
        host = ".".join(str(draw.randrange(10, 250)) for _ in range(4))
        agent, second, lines = draw.choice(agents), draw.randrange(80_000), []
        for _ in range(draw.randrange(2, 7)):
            second += draw.randrange(1, 40)
            clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            page = draw.choice(pages)
            status, size = draw.choice([200, 200, 200, 200, 304, 404]), draw.randrange(200, 9000)
            lines.append(f'{host} [{clock}] "GET {page}" {status} {size if status == 200 else 0} {agent}')
        sessions.append("\n".join(lines))
    return sessions


def sums(n: int, seed: int) -> list[str]:
    """Sums in words and figures, three a text."""
    draw = random.Random(seed)
    names = ["Ann", "Bob", "Chen", "Dora", "Emil", "Fay", "Gus", "Hana"]
    things = ["apples", "pens", "books", "coins", "stamps", "cards"]
    texts = []
    for _ in range(n):
        told = []
        for _ in range(3):
            one, two, a, b = draw.choice(names), draw.choice(names), draw.randrange(2, 60), draw.randrange(2, 40)
            thing = draw.choice(things)
            told.append(f"{one} has {a} {thing}. {two} gives {one} {b} more. Now {one} has {a + b} {thing}.")
        texts.append(" ".join(told))
    return texts


def sliding(n_chars: int, width: int, step: int, seed: int) -> Callable[[Path], list[str]]:
    """Passages of the documentation inside Python: windows of `width` characters, one each `step` of them."""

    def windows(folder: Path) -> list[str]:
        texts = [text for text in python_docs(folder) if len(text) > 3 * width]
        random.Random(seed).shuffle(texts)
        found: list[str] = []
        read = 0
        for text in texts:
            text = text[:9000]
            found += [text[start : start + width] for start in range(0, len(text) - width + 1, step)]
            read += len(text)
            if read >= n_chars:
                break
        random.Random(seed + 1).shuffle(found)
        return found

    return windows


def in_three_parts(folder: Path) -> list[str]:
    """As a script wrote them that walked through its sources: stories, then sums, then logs."""
    return [*world("stories", 230), *sums(330, 41), *access_log(270, 5)]


def trial(folder: Path) -> dict[str, Any]:
    """4 kB to train on, and passages of all sorts of modules to validate on."""
    texts = python_docs(folder)
    few = written(folder / "trial.jsonl", [text[:250] for text in texts[:16]])
    held_out = written(folder / "held-out.jsonl", [text[:400] for text in texts[45::20]])
    return {"paths": [few], "valid": [held_out], "test_share": 0.0}


def world_in_chinese(name: str, n: int) -> list[str]:
    """The first n texts of a world, in Chinese."""
    from textmill.text.worlds import WORLDS, knobs_of_language

    made = WORLDS[name](**knobs_of_language(name, "zh"))
    return [str(item.row()["text"]) for item in made.items(n)]


# --- plants: lines of code that are wrong


def shifts_again(folder: Path) -> None:
    """The model shifts, as those of the transformers library do, and the rows come shifted already."""
    import torch

    from textmill.models.language import LanguageModel

    def nll(self: Any, ids: Any, targets: Any, segments: Any = None, state: Any = None) -> Any:
        hidden, after = self(ids, segments, state)
        cost = torch.zeros(targets.shape, device=hidden.device)
        if targets.shape[1] > 1:
            cost[:, :-1] = self.head.nll(hidden[:, :-1].contiguous(), targets[:, 1:].contiguous())
        return cost, after

    LanguageModel.nll = nll  # type: ignore[method-assign]


def masks_the_mark(folder: Path) -> None:
    """The mark serves as padding too, and the collator leaves all padding out of the targets."""
    from textmill.tasks.lm import LanguageModelling
    from textmill.tasks.task import Batch
    from textmill.tokens.packing import IGNORED

    def collate(self: Any, rows: Any, indices: Any) -> Batch:
        ids, targets, segments = rows.batch(indices)
        targets[targets == rows.mark] = IGNORED
        return Batch(ids, targets, segments, n_targets=int((targets != IGNORED).sum()))

    LanguageModelling.collate = collate  # type: ignore[method-assign]


def learns_tokens_elsewhere(folder: Path) -> None:
    """The tokenizer of the Chinese run before is taken over."""
    import importlib

    from textmill.tokens import Tokenizer

    prepare = importlib.import_module("textmill.tasks.prepare")  # the package gives a function of that name
    texts = world_in_chinese("stories", 500) + world_in_chinese("sentiment", 3000)

    def learned(config: Any, _: Any, seed: int) -> Tokenizer:
        return Tokenizer.train("bpe", texts, config.tokens.vocab_size, seed)

    prepare.learned = learned  # type: ignore[attr-defined]


def keeps_the_order(folder: Path) -> None:
    """shuffle=False, left from debugging."""
    import numpy as np

    from textmill.tokens.sampler import Sampler

    Sampler._permutation = lambda self, epoch: np.arange(self.n_rows)  # type: ignore[method-assign]


def biases_below_zero(folder: Path) -> None:
    """The bias that was meant for a gate is given to the feed-forward layers."""

    def change(model: Any) -> None:
        for block in model.backbone.blocks:
            block.feed_forward.up.bias.data.fill_(-1.0)

    once_built(change)


def no_group_for_embeddings(folder: Path) -> None:
    """Parameters go into groups by their names, and the embedding's is in none."""
    from textmill.training import session

    build = session.build_optimizers

    def build_of_some(model: Any, config: Any) -> Any:
        model.embedding.weight.requires_grad_(False)
        made = build(model, config)
        model.embedding.weight.requires_grad_(True)
        return made

    session.build_optimizers = build_of_some


FAULTY = [
    Case(
        "run-31",
        "rate too high",
        "a GPT-2 under AdamW at 0.02, the rate that Muon had before; 0.001 is sound",
        documentation(250_000, seed=31),
        {
            "model": {"preset": "gpt2", "n_layers": 3, "d_model": 96, "seq_len": 128, "dropout": 0.0},
            "train": {"optimizer": "adamw", "lr": 0.02, "batch": 8, "steps": 300, "warmup_steps": 20},
            "tokens": {"kind": "char"},
        },
        cure={"train": {"lr": 0.001}},
    ),
    Case(
        "run-32",
        "rate too low",
        "an LSTM under plain SGD at 0.003, the rate that AdamW had before; 0.5 is sound",
        builtin("builtin:stories,lang=zh,n=2000,seed=32"),
        {
            "model": {"arch": "lstm", "n_layers": 1, "d_model": 160, "seq_len": 48, "dropout": 0.0},
            "train": {"optimizer": "sgd", "lr": 0.003, "batch": 16, "steps": 350, "schedule": "cosine"},
            "tokens": {"kind": "char"},
        },
        cure={"train": {"lr": 0.5}},
    ),
    Case(
        "run-33",
        "no warm-up",
        "a post-norm Transformer under Adam at 0.002 from the first step; with 80 steps of warm-up it is sound",
        documentation(300_000, seed=33),
        {
            "model": {"preset": "classic", "n_layers": 6, "d_model": 96, "seq_len": 96, "dropout": 0.0},
            "train": {
                "optimizer": "adam",
                "beta2": 0.98,
                "lr": 0.002,
                "batch": 8,
                "steps": 350,
                "warmup_steps": 0,
                "schedule": "cosine",
            },
            "tokens": {"kind": "char"},
        },
        cure={"train": {"warmup_steps": 80}},
    ),
    Case(
        "run-34",
        "labels shifted by one",
        "the loss shifts targets that are shifted already: each place is taught the token after the next",
        documentation(250_000, seed=34),
        {
            "model": {"arch": "gru", "n_layers": 1, "d_model": 192, "seq_len": 64, "dropout": 0.0},
            "train": {"batch": 16, "steps": 300},
            "tokens": {"kind": "char"},
        },
        plant=shifts_again,
    ),
    Case(
        "run-35",
        "end marks missing",
        "the end mark is the padding too, and padding is no target: no text teaches its end",
        joined("sums", lambda folder: sums(2200, 35)),
        {
            "model": {"preset": "llama", "n_layers": 3, "d_model": 96, "seq_len": 128, "dropout": 0.0},
            "train": {"batch": 8, "steps": 200},
            "tokens": {"kind": "char"},
        },
        plant=masks_the_mark,
    ),
    Case(
        "run-36",
        "duplicates across splits",
        "passages are windows that overlap by half and are split by lot: held-out ones stand in their neighbours",
        joined("passages", sliding(90_000, 1200, 600, 36)),
        {
            "model": {"preset": "modern", "n_layers": 3, "d_model": 128, "seq_len": 128, "dropout": 0.0},
            "train": {"batch": 8, "epochs": 3},
            "tokens": {"kind": "bpe", "vocab_size": 800},
        },
    ),
    Case(
        "run-37",
        "wrong tokenizer for the text",
        "English documentation is cut by the tokenizer of a Chinese run: nearly each letter is a token of its own",
        documentation(400_000, seed=37),
        {
            "model": {"arch": "lstm", "n_layers": 1, "d_model": 160, "seq_len": 64},
            "train": {"batch": 16, "steps": 220},
            "tokens": {"kind": "bpe", "vocab_size": 1500},
        },
        plant=learns_tokens_elsewhere,
    ),
    Case(
        "run-38",
        "far too little data",
        "the first lines of 16 modules, 4 kB, taken for a trial, are still all that is read; there are 2 MB",
        trial,
        {
            "model": {"arch": "rnn", "n_layers": 1, "d_model": 192, "seq_len": 48, "dropout": 0.2},
            "train": {"batch": 16, "steps": 250},
            "tokens": {"kind": "char"},
        },
        cure={"data": {"paths": ("builtin:python-docs",)}},
    ),
    Case(
        "run-39",
        "over-fitting",
        "a wide model without dropout reads 40 kB fifteen times",
        documentation(40_000, seed=39),
        {
            "model": {"preset": "llama", "n_layers": 3, "d_model": 128, "seq_len": 96, "dropout": 0.0},
            "train": {"optimizer": "adamw", "lr": 0.002, "batch": 8, "epochs": 15},
            "tokens": {"kind": "bpe", "vocab_size": 1200},
        },
        cure={"train": {"epochs": 3}},
    ),
    Case(
        "run-40",
        "dead units",
        "the bias of all feed-forward layers begins at -1: no ReLU ever fires, and none learns",
        builtin("builtin:markov,n=3000,seed=40,order=2"),
        {
            "model": {
                "preset": "gpt2",
                "activation": "relu",
                "n_layers": 2,
                "d_model": 96,
                "seq_len": 96,
                "dropout": 0.0,
            },
            "train": {"optimizer": "adamw", "lr": 0.003, "batch": 8, "steps": 300, "warmup_steps": 30},
            "tokens": {"kind": "char"},
        },
        plant=biases_below_zero,
    ),
    Case(
        "run-41",
        "data order not shuffled",
        "stories, then sums, then logs, read in the order of the file",
        joined("all", in_three_parts),
        {
            "model": {"preset": "modern", "n_layers": 2, "d_model": 112, "seq_len": 128, "dropout": 0.0},
            "train": {"batch": 8, "epochs": 1, "order": "shuffle"},
            "tokens": {"kind": "char"},
        },
        plant=keeps_the_order,
    ),
    Case(
        "run-42",
        "embeddings frozen",
        "the optimizer's groups are made by name and hold no embedding",
        builtin("builtin:pairs,lang=zh,n=5000,seed=42", text="source"),
        {
            "model": {"arch": "gru", "n_layers": 1, "d_model": 96, "seq_len": 64, "dropout": 0.0},
            "train": {"batch": 16, "steps": 200},
            "tokens": {"kind": "char"},
        },
        plant=no_group_for_embeddings,
    ),
]

SOUND = [
    Case(
        "run-43",
        None,
        "an LSTM on characters, by its own defaults",
        documentation(300_000, seed=43),
        {"model": {"arch": "lstm", "d_model": 192, "seq_len": 64}, "train": {"epochs": 2, "batch": 12}},
    ),
    Case(
        "run-44",
        None,
        "a GRU on Chinese stories, two layers",
        builtin("builtin:stories,lang=zh,n=1000,seed=44"),
        {"model": {"arch": "gru", "n_layers": 2, "d_model": 128, "seq_len": 64}, "train": {"epochs": 2, "batch": 16}},
    ),
    Case(
        "run-45",
        None,
        "a llama under Muon",
        documentation(350_000, seed=45),
        {
            "model": {"preset": "llama", "n_layers": 3, "d_model": 128, "seq_len": 128},
            "train": {"batch": 8, "steps": 200},
            "tokens": {"kind": "bpe", "vocab_size": 1000},
        },
    ),
    Case(
        "run-46",
        None,
        "a GPT-2 under AdamW at a constant rate of 0.001, after a warm-up",
        builtin("builtin:pairs,lang=zh,n=6000,seed=46", text="source"),
        {
            "model": {"preset": "gpt2", "n_layers": 3, "d_model": 96, "seq_len": 96},
            "train": {
                "optimizer": "adamw",
                "lr": 0.001,
                "schedule": "constant",
                "warmup_steps": 20,
                "batch": 10,
                "steps": 220,
            },
        },
    ),
    Case(
        "run-47",
        None,
        "stopped early by patience 2, where held-out loss no longer falls",
        documentation(120_000, seed=47),
        {
            "model": {"preset": "modern", "n_layers": 3, "d_model": 112, "seq_len": 128},
            "train": {"batch": 8, "epochs": 12, "patience": 2, "eval_every": 30, "schedule": "constant", "lr": 0.01},
            "tokens": {"kind": "bpe", "vocab_size": 600},
        },
    ),
    Case(
        "run-48",
        None,
        "an RNN on the symbols of a hidden chain, in contiguous lanes (train.order stream)",
        builtin("builtin:hidden-markov,n=2500,seed=48"),
        {
            "model": {"arch": "rnn", "d_model": 160, "seq_len": 48},
            "train": {"batch": 16, "steps": 280, "order": "stream"},
        },
    ),
    Case(
        "run-49",
        None,
        "little text, but a small model with dropout that reads it a few times",
        documentation(45_000, seed=49, valid_share=0.1),
        {
            "model": {"preset": "modern", "n_layers": 2, "d_model": 64, "seq_len": 64, "dropout": 0.3},
            "train": {"batch": 4, "epochs": 3},
            "tokens": {"kind": "char"},
        },
    ),
    Case(
        "run-50",
        None,
        "a post-norm Transformer under Adam with a warm-up, Chinese reviews",
        builtin("builtin:sentiment,lang=zh,n=4500,seed=50,n_sentences=2:4"),
        {
            "model": {"preset": "classic", "n_layers": 3, "d_model": 96, "seq_len": 96},
            "train": {"optimizer": "adam", "lr": 0.001, "warmup_steps": 60, "batch": 8, "epochs": 1.5},
        },
    ),
    Case(
        "run-51",
        None,
        "a GRU under RMSprop without momentum, on the log of a web server",
        joined("access", lambda folder: access_log(900, 51)),
        {
            "model": {"arch": "gru", "d_model": 160, "seq_len": 64},
            "train": {
                "optimizer": "rmsprop",
                "lr": 0.002,
                "momentum": 0.0,
                "batch": 16,
                "epochs": 1,
                "max_grad_norm": 1.0,
            },
            "tokens": {"kind": "char"},
        },
    ),
    Case(
        "run-52",
        None,
        "a Transformer on whole words that fall by Zipf's law, one pass",
        builtin("builtin:zipf,n=350,seed=52"),
        {
            "model": {"preset": "modern", "n_layers": 2, "d_model": 128, "seq_len": 96},
            "train": {"batch": 8, "epochs": 1},
            "tokens": {"kind": "word"},
        },
    ),
]

if __name__ == "__main__":
    main(__doc__, FAULTY, SOUND)
