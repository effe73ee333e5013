"""The third blind test of the loss doctor: run-53 to run-64 have a fault, run-65 to run-74 are sound.

    python benchmarks/loss_doctor_blind_3.py FOLDER --train-only         # train all, ask no doctor
    python benchmarks/loss_doctor_blind_3.py FOLDER --cured --train-only # the faulty runs without their fault
    python benchmarks/loss_doctor_blind_3.py FOLDER                      # ask about all

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


def bulletins(n: int, seed: int) -> list[str]:
    """Weather in capitals, as it is sent to ships: an area, wind, sea, sight, and what is to come."""
    draw = random.Random(seed)
    areas = ["VIKING", "DOGGER", "FISHER", "HUMBER", "PORTLAND", "BISCAY", "SOLE", "LUNDY", "ROCKALL", "HEBRIDES"]
    winds = ["NORTH", "NORTHEAST", "EAST", "SOUTHEAST", "SOUTH", "SOUTHWEST", "WEST", "NORTHWEST"]
    seas, sights = ["SMOOTH", "SLIGHT", "MODERATE", "ROUGH", "VERY ROUGH"], ["GOOD", "MODERATE", "POOR"]
    texts = []
    for _ in range(n):
        told = []
        for area in draw.sample(areas, draw.randrange(2, 5)):
            force = draw.randrange(2, 8)
            told.append(
                f"{area}: WIND {draw.choice(winds)} {force} TO {force + 1}, SEA {seas[force * 5 // 9]}, "
                f"SIGHT {draw.choice(sights)}, {draw.choice(['RAIN LATER', 'SHOWERS', 'FAIR', 'FOG AT TIMES'])}."
            )
        texts.append("\n".join(told))
    return texts


def requests(n: int, seed: int) -> list[str]:
    """Lines that a service logs, mostly digits and paths."""
    draw = random.Random(seed)
    parts = ["users", "orders", "items", "carts", "static", "img", "v1", "v2", "session", "export"]
    texts = []
    for _ in range(n):
        lines = []
        for _ in range(draw.randrange(3, 8)):
            path = "/".join(draw.sample(parts, draw.randrange(1, 4)))
            lines.append(
                f"2031-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}T{draw.randrange(24):02}:"
                f"{draw.randrange(60):02}:{draw.randrange(60):02}Z {draw.choice([200, 204, 301, 404, 503])} "
                f"/{path}/{draw.randrange(10_000)}?q={draw.randrange(16**6):06x} {draw.randrange(2, 900)}ms"
            )
        texts.append("\n".join(lines))
    return texts


def paragraphs(folder: Path, n: int, seed: int) -> list[str]:
    """So many paragraphs of the documentation inside Python, drawn by lot."""
    found = [part for text in python_docs(folder) for part in text.split("\n\n") if 200 <= len(part) <= 600]
    return random.Random(seed).sample(found, n)


def letters(n_threads: int, seed: int) -> Callable[[Path], list[str]]:
    """Threads of five letters; each holds a paragraph of its own, and quotes the whole of the letter it answers."""

    def texts(folder: Path) -> list[str]:
        own = paragraphs(folder, 5 * n_threads, seed)
        found = []
        for number, part in enumerate(own):
            answered = own[number - 1] if number % 5 else ""
            quoted = "".join(f"\n> {line}" for line in answered.split("\n")) if answered else ""
            found.append(part + ("\n\nYou wrote:" + quoted if quoted else ""))
        return found

    return texts


def kind_after_kind(folder: Path) -> list[str]:
    """Four sources, each by itself, as a script wrote them that walked through folders."""
    return [*bulletins(150, 63), *world("opinions-zh", 500), *world("brackets", 250), *world("stories", 90)]


# --- plants: lines of code that are wrong


def copies_its_input(folder: Path) -> None:
    """Nobody shifts: the targets are the ids themselves, labels = input_ids, and this model does not shift."""
    from textmill.tasks.lm import LanguageModelling
    from textmill.tasks.task import Batch
    from textmill.tokens.packing import IGNORED

    def collate(self: Any, rows: Any, indices: Any) -> Batch:
        ids, targets, segments = rows.batch(indices)
        targets = ids.where(targets != IGNORED, targets)
        return Batch(ids, targets, segments, n_targets=int((targets != IGNORED).sum()))

    LanguageModelling.collate = collate  # type: ignore[method-assign]


def parts_by_line_breaks(folder: Path) -> None:
    """What stands between two texts in training is a line break: "\\n".join(texts)."""
    from textmill.tasks.lm import LanguageModelling
    from textmill.tasks.task import Batch
    from textmill.tokens.packing import IGNORED

    def collate(self: Any, rows: Any, indices: Any) -> Batch:
        ids, targets, segments = rows.batch(indices)
        line_break = self.tokenizer.encode("\n")[-1]
        ids[ids == rows.mark], targets[targets == rows.mark] = line_break, line_break
        return Batch(ids, targets, segments, n_targets=int((targets != IGNORED).sum()))

    take_rows = LanguageModelling.rows

    def rows(self: Any, store: Any, tokenizer: Any, config: Any) -> Any:
        self.tokenizer = tokenizer
        return take_rows(self, store, tokenizer, config)

    LanguageModelling.rows = rows  # type: ignore[method-assign]
    LanguageModelling.collate = collate  # type: ignore[method-assign]


def tokens_of_a_log(folder: Path) -> None:
    """The tokenizer was learnt from the log of a service, and the text is prose."""
    from textmill.tokens import Tokenizer

    learn = Tokenizer.train

    def train(kind: str, texts: Any, vocab_size: Any, seed: int, *rest: Any) -> Any:
        return learn("bpe", requests(1500, 59), vocab_size, seed)

    Tokenizer.train = train  # type: ignore[method-assign,assignment]


def nothing_goes_up(folder: Path) -> None:
    """Both matrices of each feed-forward layer begin at 0, where only the second was meant to: relu²'(0) = 0."""

    def change(model: Any) -> None:
        for block in model.backbone.blocks:
            block.feed_forward.up.weight.data.zero_()

    once_built(change)


def small_buffer(folder: Path) -> None:
    """Rows are drawn from a buffer of 24 that is filled in the order of the file."""
    import numpy as np

    from textmill.tokens.sampler import Sampler

    def permutation(self: Any, epoch: int) -> Any:
        draw, coming = np.random.default_rng([self.seed, epoch]), iter(range(self.n_rows))
        buffer, order = [row for _, row in zip(range(24), coming, strict=False)], []
        while buffer:
            place = int(draw.integers(len(buffer)))
            order.append(buffer[place])
            following = next(coming, None)
            if following is None:
                buffer.pop(place)
            else:
                buffer[place] = following
        return np.array(order)

    Sampler._permutation = permutation  # type: ignore[method-assign]


def masked_gradient(folder: Path) -> None:
    """A mask lets only new tokens' vectors learn, and there are no new tokens: the gradient is 0, decay goes on."""
    once_built(lambda model: model.embedding.weight.register_hook(lambda gradient: gradient * 0.0))


FAULTY = [
    Case(
        "run-53",
        "rate too high",
        "an RNN of two layers under Adam at a constant 0.1, and no clipping; 0.002 is sound",
        builtin("builtin:opinions,n=1500,seed=53"),
        {
            "model": {"arch": "rnn", "n_layers": 2, "d_model": 128, "seq_len": 64, "dropout": 0.0},
            "train": {"optimizer": "adam", "lr": 0.1, "batch": 12, "steps": 280, "schedule": "constant"}
            | {"max_grad_norm": None, "spike": None},
            "tokens": {"kind": "char"},
        },
        cure={"train": {"lr": 0.002}},
    ),
    Case(
        "run-54",
        "rate too low",
        "Muon at 1e-4 and the AdamW beside it at 3e-5, from a run that was tuned further; the defaults are sound",
        documentation(250_000, seed=54),
        {
            "model": {"preset": "modern", "n_layers": 2, "d_model": 96, "seq_len": 128, "dropout": 0.0},
            "train": {"optimizer": "muon", "lr": 1e-4, "lr_rest": 3e-5, "batch": 8, "steps": 250},
            "tokens": {"kind": "bytes"},
        },
        cure={"train": {"lr": None, "lr_rest": None}},
    ),
    Case(
        "run-55",
        "no warm-up",
        "six post-norm layers under RMSprop at 0.002 from the first step; with 60 steps of warm-up it is sound",
        builtin("builtin:opinions,lang=zh,n=2500,seed=55"),
        {
            "model": {"preset": "gpt2", "norm_place": "post", "n_layers": 6, "d_model": 64, "seq_len": 48}
            | {"n_heads": 4, "dropout": 0.0},
            "train": {
                "optimizer": "rmsprop",
                "momentum": 0.0,
                "lr": 0.002,
                "batch": 8,
                "steps": 180,
                "warmup_steps": 0,
                "schedule": "linear",
                "max_grad_norm": None,
            },
            "tokens": {"kind": "char"},
        },
        cure={"train": {"warmup_steps": 60}},
    ),
    Case(
        "run-56",
        "labels shifted by one",
        "no one shifts: each place is taught the token that it reads, and the training loss goes to nothing",
        builtin("builtin:sentiment,lang=zh,n=4000,seed=56,n_sentences=2:4"),
        {
            "model": {"preset": "modern", "n_layers": 2, "d_model": 96, "seq_len": 96, "dropout": 0.0},
            "train": {"batch": 8, "steps": 220},
            "tokens": {"kind": "bpe", "vocab_size": 900},
        },
        plant=copies_its_input,
    ),
    Case(
        "run-57",
        "end marks missing",
        "texts are joined by line breaks, so no text teaches its end",
        joined("bulletins", lambda folder: bulletins(900, 57)),
        {
            "model": {"preset": "gpt2", "n_layers": 2, "d_model": 96, "seq_len": 128, "dropout": 0.0},
            "train": {"optimizer": "adamw", "lr": 0.002, "batch": 8, "steps": 150, "warmup_steps": 20},
            "tokens": {"kind": "char"},
        },
        plant=parts_by_line_breaks,
    ),
    Case(
        "run-58",
        "duplicates across splits",
        "letters quote what they answer, and are split by lot: what is held out stands in the answers to it",
        joined("letters", letters(22, 58), valid_share=0.1),
        {
            "model": {"preset": "llama", "n_layers": 2, "d_model": 112, "seq_len": 96, "dropout": 0.0},
            "train": {"batch": 8, "epochs": 6},
            "tokens": {"kind": "bpe", "vocab_size": 700},
        },
    ),
    Case(
        "run-59",
        "wrong tokenizer for the text",
        "prose is cut by the tokenizer of a log: nearly each letter is a token, and dates are never seen",
        builtin("builtin:stories,n=900,seed=59"),
        {
            "model": {"preset": "llama", "n_layers": 2, "d_model": 96, "seq_len": 128},
            "train": {"batch": 8, "steps": 150},
            "tokens": {"kind": "bpe", "vocab_size": 1200},
        },
        plant=tokens_of_a_log,
    ),
    Case(
        "run-60",
        "far too little data",
        "six paragraphs, 2 kB, for a Transformer of 800,000 weights; others are held out",
        lambda folder: {
            "paths": [written(folder / "six.jsonl", paragraphs(folder, 6, 60))],
            "valid": [written(folder / "others.jsonl", paragraphs(folder, 30, 61))],
            "test_share": 0.0,
        },
        {
            "model": {"preset": "llama", "n_layers": 4, "d_model": 128, "seq_len": 64, "dropout": 0.1},
            "train": {"batch": 8, "steps": 150},
            "tokens": {"kind": "bytes"},
        },
        cure={"data": {"paths": ("builtin:python-docs",)}},
    ),
    Case(
        "run-61",
        "over-fitting",
        "a GRU on whole words reads 60 kB fifteen times without dropout or decay",
        documentation(60_000, seed=61, valid_share=0.1),
        {
            "model": {"arch": "gru", "n_layers": 1, "d_model": 160, "seq_len": 48, "dropout": 0.0},
            "train": {
                "optimizer": "adam",
                "lr": 0.004,
                "batch": 12,
                "epochs": 15,
                "schedule": "constant",
                "weight_decay": 0.0,
            },
            "tokens": {"kind": "word", "vocab_size": 2000},
        },
        cure={"train": {"epochs": 3}},
    ),
    Case(
        "run-62",
        "dead units",
        "the first matrix of all feed-forward layers begins at 0, under relu²: no unit ever fires, and none learns",
        builtin("builtin:pairs,n=4000,seed=62", text="target"),
        {
            "model": {"preset": "modern", "n_layers": 3, "d_model": 96, "seq_len": 64, "dropout": 0.0},
            "train": {"batch": 12, "steps": 180},
            "tokens": {"kind": "char"},
        },
        plant=nothing_goes_up,
    ),
    Case(
        "run-63",
        "data order not shuffled",
        "four sources one after the other, and a shuffle that looks only 24 rows ahead",
        joined("all", kind_after_kind),
        {
            "model": {"arch": "lstm", "n_layers": 1, "d_model": 144, "seq_len": 64, "dropout": 0.0},
            "train": {"batch": 12, "epochs": 3, "order": "shuffle", "spike": None},
            "tokens": {"kind": "char"},
        },
        plant=small_buffer,
    ),
    Case(
        "run-64",
        "embeddings frozen",
        "a mask for the vectors of new tokens lets none of the others learn; they shrink by decay alone",
        joined("bulletins", lambda folder: bulletins(900, 64)),
        {
            "model": {"preset": "llama", "n_layers": 2, "d_model": 96, "seq_len": 96, "dropout": 0.0},
            "train": {"optimizer": "adamw", "lr": 0.002, "weight_decay": 0.1, "batch": 8, "steps": 150}
            | {"warmup_steps": 20},
            "tokens": {"kind": "char"},
        },
        plant=masked_gradient,
    ),
]

SOUND = [
    Case(
        "run-65",
        None,
        "a small text read twice by a small model: brief, and it could go on",
        documentation(40_000, seed=65, valid_share=0.1),
        {
            "model": {"arch": "gru", "d_model": 64, "seq_len": 48, "dropout": 0.1},
            "train": {"optimizer": "adamw", "lr": 0.004, "batch": 6, "epochs": 2},
            "tokens": {"kind": "char"},
        },
    ),
    Case(
        "run-66",
        None,
        "a high rate that is fine: a llama under AdamW at 0.006 after a warm-up, Chinese stories",
        builtin("builtin:stories,lang=zh,n=1800,seed=66"),
        {
            "model": {"preset": "llama", "n_layers": 2, "d_model": 80, "seq_len": 80},
            "train": {"optimizer": "adamw", "lr": 0.006, "warmup_steps": 40, "batch": 10, "steps": 180},
            "tokens": {"kind": "char"},
        },
    ),
    Case(
        "run-67",
        None,
        "a GPT-2 under Adafactor, weather in capitals",
        joined("bulletins", lambda folder: bulletins(1100, 67)),
        {
            "model": {"preset": "gpt2", "n_layers": 2, "d_model": 96, "seq_len": 96},
            "train": {"optimizer": "adafactor", "batch": 8, "steps": 160},
            "tokens": {"kind": "char"},
        },
    ),
    Case(
        "run-68",
        None,
        "a Transformer that translates Chinese into English",
        builtin("builtin:pairs,lang=zh,n=1500,seed=68"),
        {
            "task": {"name": "translate"},
            "model": {"preset": "modern", "n_layers": 1, "d_model": 96},
            "train": {"epochs": 6},
        },
    ),
    Case(
        "run-69",
        None,
        "a GRU that tells good Chinese reviews from bad ones",
        builtin("builtin:sentiment,lang=zh,n=2000,seed=69"),
        {
            "task": {"name": "classify"},
            "model": {"arch": "gru", "d_model": 96},
            "train": {"epochs": 2.5, "batch": 16},
        },
    ),
    Case(
        "run-70",
        None,
        "an LSTM on English reviews, by its own defaults",
        builtin("builtin:sentiment,n=2500,seed=70"),
        {
            "task": {"name": "classify"},
            "model": {"arch": "lstm", "d_model": 96, "seq_len": 64},
            "train": {"epochs": 3, "batch": 16},
        },
    ),
    Case(
        "run-71",
        None,
        "an LSTM under Nesterov's momentum, a rate that falls as a cosine, documentation in bytes",
        documentation(250_000, seed=71),
        {
            "model": {"arch": "lstm", "d_model": 160, "seq_len": 64},
            "train": {
                "optimizer": "nesterov",
                "momentum": 0.9,
                "lr": 0.5,
                "schedule": "cosine",
                "batch": 12,
                "steps": 250,
            },
            "tokens": {"kind": "bytes"},
        },
    ),
    Case(
        "run-72",
        None,
        "a Transformer on a Markov chain, ended while it still learns",
        builtin("builtin:markov,n=3000,seed=72"),
        {
            "model": {"preset": "modern", "n_layers": 2, "d_model": 96, "seq_len": 64},
            "train": {"batch": 12, "steps": 160},
            "tokens": {"kind": "char"},
        },
    ),
    Case(
        "run-73",
        None,
        "an RNN of two layers whose running average is kept, opinions in English",
        builtin("builtin:opinions,n=1800,seed=73"),
        {
            "model": {"arch": "rnn", "n_layers": 2, "d_model": 128, "seq_len": 48},
            "train": {"batch": 16, "steps": 200, "average": 0.98},
            "tokens": {"kind": "char"},
        },
    ),
    Case(
        "run-74",
        None,
        "a row for each text (tokens.pack false), no begin mark, words, English sentences",
        builtin("builtin:pairs,n=3000,seed=74", text="source"),
        {
            "model": {"preset": "llama", "n_layers": 2, "d_model": 80, "seq_len": 48},
            "train": {"batch": 16, "epochs": 1},
            "tokens": {"kind": "word", "pack": False, "begin_mark": False},
        },
    ),
]

if __name__ == "__main__":
    main(__doc__, FAULTY, SOUND)
