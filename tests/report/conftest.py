"""Reports as runs hand them over: a finished English one, a finished Chinese one, one stopped at step 3."""

from __future__ import annotations

import math
from typing import Any

import pytest

from textmill.results import Evaluation, FileLook, Report

PYDOC = (
    "asyncio",
    "collections",
    "http",
    "importlib",
    "json",
    "logging",
    "multiprocessing",
    "pathlib",
    "sqlite3",
    "ssl",
)


def files_of_python() -> list[FileLook]:
    files = []
    for place in range(34):
        markup, train = 311 + 7 * place, 41_000 + 1_733 * place
        held_out = (
            {"validation": 2_048 + place} if place % 5 == 1 else {"test": 2_113 + 3 * place} if place % 5 == 2 else {}
        )
        ledger = {"train": train, "markup": markup, **held_out}
        name = f"docs/{PYDOC[place % len(PYDOC)]}/{place:02d}.md"
        files.append(FileLook(path=name, bytes=sum(ledger.values()), encoding="utf-8", ledger=ledger))
    return files


def totals(files: list[FileLook]) -> dict[str, int]:
    ledger: dict[str, int] = {}
    for file in files:
        for category, size in file.ledger.items():
            ledger[category] = ledger.get(category, 0) + size
    return ledger


def curve(steps: int, every: int, start: float, end: float) -> list[dict[str, float]]:
    """A loss that falls as losses do, with a validation value at every tenth row."""
    points: list[dict[str, float]] = []
    for place, step in enumerate(range(every, steps + 1, every)):
        loss = end + (start - end) * math.exp(-3.2 * (step / steps) ** 0.6) + 0.05 * math.sin(7.0 * place)
        point: dict[str, float] = {"step": step, "train_loss": loss, "lr": 3e-4 * min(1.0, step / (0.05 * steps))}
        if place % 10 == 9:
            point["valid_loss"] = loss + 0.11 + 0.0004 * place
            point["valid_bpb"] = point["valid_loss"] / math.log(2) / 3.31
        points.append(point)
    return points


ENGLISH_SAMPLES = (
    "the he ot te  e sn , eto at re th .  io\nna  te e",
    "the return the the string of the file is the the object to the module and the the.",
    "Return the number of bytes in the given file object. If the file is not closed, the value of the",
    "Return a new string with the given value. If the value is None, the default is used.\n\n    >>> read('x')",
    "Create a new process. The target is called with the given arguments when the process is started.",
    "Return an iterator over the key, value pairs of the mapping. The order of the pairs is the order in which they "
    "were inserted.\n\nChanged in version 3.4: the mapping can be a view.",
    "Open the connection to the database. If timeout is given, the call waits at most that many seconds and then "
    "raises OperationalError.",
    "Return True if the path points to a regular file (or a symbolic link pointing to a regular file), False if it "
    "points to another kind of file.\n\nFalse is also returned if the path doesn't exist or is a broken symlink; other "
    "errors (such as permission errors) are propagated.",
)


@pytest.fixture
def english() -> Report:
    files = files_of_python()
    return Report(
        run="runs/python-docs",
        task="lm",
        arch="transformer",
        status="finished",
        step=2000,
        steps=2000,
        command="textmill train builtin:python-docs --steps 2000 --size tiny --seed 7",
        created="2026-02-03T10:41:07",
        seed=7,
        versions={"textmill": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "tokenizers": "0.23.3", "numpy": "2.4.1"},
        hardware={"cpu": "AMD EPYC 7763 64-Core Processor", "threads": 2, "ram_bytes": 8_326_115_328, "device": "cpu"},
        n_parameters={"total": 1_318_912, "backbone": 794_624},
        tokenizer={"kind": "bpe", "vocab_size": 2048, "bytes_per_token": 3.3127, "note": ""},
        data={
            "paths": ["builtin:python-docs"],
            "fingerprint": "9f2c61d0aa417be3",
            "by_blocks": False,
            "n_documents": {"train": 2711, "validation": 141, "test": 149},
            "n_tokens": {"train": 712_345, "validation": 41_208, "test": 39_977},
            "n_bytes": {"train": 2_363_513, "validation": 136_801, "test": 132_442},
            "languages": {"en": 0.9931, "zh": 0.0004, "other": 0.0065},
            "duplicates": {
                "n_documents": 3001,
                "exact": 12,
                "normalised": 31,
                "examples": ["docs/json/04.md#3 = docs/json/14.md#1", "docs/ssl/09.md#7 = docs/ssl/19.md#2"],
            },
            "notes": [
                "Split by module: docstrings of one module repeat each other, so whole modules are held out.",
                "The tokenizer is bpe with 2,048 tokens, because the text has 2.4 MB and is mostly English.",
            ],
            "bad_records": ["docs/ssl/29.md:118: not UTF-8 (byte 0xe9)", "docs/http/02.md:7: not UTF-8 (byte 0xff)"],
        },
        files=files,
        ledger=totals(files) | {"duplicate": 20_113, "bad_record": 87, "empty": 0},
        curve=curve(2000, 10, 7.62, 3.05),
        samples=[
            {"step": 250 * (place + 1), "prompt": "Return" if text.startswith("Return") else "", "text": text}
            for place, text in enumerate(ENGLISH_SAMPLES)
        ],
        evaluation=Evaluation(
            run="runs/python-docs",
            data="test",
            checkpoint="step-00002000",
            metrics={
                "loss": 4.6138,
                "perplexity": 100.867,
                "bpb": 2.00932,
                "bpc": 2.01147,
                "n_tokens": 40_126,
                "n_bytes": 132_442,
                "n_chars": 132_301,
            },
            intervals={
                "loss": (4.4712, 4.7431),
                "perplexity": (87.46, 114.79),
                "bpb": (1.94721, 2.06559),
                "bpc": (1.9493, 2.0678),
            },
            baselines={
                "uniform": {"loss": 7.62462, "perplexity": 2048.0, "bpb": 3.32057},
                "ngram": {"loss": 4.9374, "perplexity": 139.41, "bpb": 2.15025},
                "ngram_bytes": {"loss": 1.6161, "perplexity": 5.0335, "bpb": 2.33154},
            },
            convention={
                "window": 256,
                "stride": 128,
                "tokenizer": "bpe, 2,048 tokens",
                "confidence": 0.95,
                "resamples": 1000,
                "resampled": "documents",
                "begin_mark": True,
                "notes": ["Each document is read from its begin mark; the mark at its end is predicted and counted."],
            },
            verdict="Of the way from uniform guessing (3.32) to the best known for documentation of this size (about "
            "1.9), the 5-gram covers most; this model goes further and is normal for three minutes on two cores.",
            documents=[
                {
                    "source": f"builtin:python-docs#{n}",
                    "nats": 812.5 + 3.25 * n,
                    "n_tokens": 180 + n,
                    "n_bytes": 590 + 2 * n,
                }
                for n in range(23)
            ],
        ),
        loops={"model": 0.1249, "human": 0.0312},
        time={"prepare": 11.42, "train": 176.03, "evaluate": 24.9, "sample": 6.55, "save": 1.204, "floor": 8.71},
        limits=[
            "It continues text in the manner of Python's documentation. It follows no instructions.",
            "It attends to the last 256 tokens, about 850 bytes: what stood before is gone.",
            "What it states about functions and versions is invented as often as not.",
            "Almost no Chinese was in its text: expect none of use.",
        ],
        next=[
            'textmill generate runs/python-docs "Return the"',
            "textmill chat runs/python-docs",
            'textmill score runs/python-docs "Return the number of bytes."',
            "textmill train builtin:python-docs --arch gru --name python-docs-gru",
        ],
        config={
            "data": {
                "paths": ["builtin:python-docs"],
                "unit": "auto",
                "valid_share": 0.05,
                "strict": False,
                "text": None,
            },
            "tokens": {"kind": "bpe", "vocab_size": 2048, "begin_mark": True},
            "task": {"name": "lm"},
            "model": {"arch": "transformer", "preset": "modern", "n_layers": 4, "d_model": 128, "n_heads": 4},
            "train": {"steps": 2000, "batch": 16, "lr": 0.003, "optimizer": "muon", "max_grad_norm": 1.0},
            "run": {"seed": 7, "name": "python-docs", "runs": "runs"},
        },
    )


CHINESE_SAMPLES = (
    "的了不一，。人来宝是\n玉道",
    "宝玉道：“你们的的人，不是不是不是不是不是不是了。”",
    "宝玉听了，笑道：“你们不知道，我也不知道。”说着，便往里走了。",
    "黛玉听了，不觉落下泪来，说道：“这是怎么说的？我不过是一句顽话，你就认真了。”宝玉忙笑道：“好妹妹，别恼我。”",
    "话说宝玉自那日见了北静王，回来便觉身上不大爽快。贾母听见，忙命人请了太医来诊视，只说是偶感风寒，吃两剂药疏散疏散就好了。",
)


@pytest.fixture
def chinese() -> Report:
    ledger = {"train": 2_398_112, "validation": 131_004, "test": 129_981, "other:目录与页眉": 4_417, "empty": 1_236}
    files = [
        FileLook(path="红楼梦/第001-120回.txt", bytes=sum(ledger.values()), encoding="utf-8", ledger=ledger),
    ]
    return Report(
        run="runs/红楼梦",
        task="lm",
        arch="gru",
        status="finished",
        step=1500,
        steps=1500,
        command="textmill train 红楼梦/ --arch gru --minutes 10",
        created="2026-02-04T21:05:33",
        seed=0,
        versions={"textmill": "0.1.0", "python": "3.12.4", "torch": "2.13.0"},
        hardware={"cpu": "Intel(R) Core(TM) i5-1135G7", "threads": 4, "device": "cpu"},
        n_parameters={"total": 3_905_024, "backbone": 790_528},
        tokenizer={
            "kind": "bpe",
            "vocab_size": 6000,
            "bytes_per_token": 4.118,
            "note": "asked for 8000, the text supports 6000",
        },
        data={
            "paths": ["红楼梦/"],
            "by_blocks": True,
            "n_documents": {"train": 1, "validation": 1, "test": 1},
            "n_tokens": {"train": 582_301, "validation": 31_870, "test": 31_544},
            "n_bytes": {"train": 2_398_112, "validation": 131_004, "test": 129_981},
            "languages": {"zh": 0.9871, "en": 0.0002, "other": 0.0127},
            "notes": ["只有一个文件：按行尾切成连续区块，分别留出验证与测试部分。"],
        },
        files=files,
        ledger=ledger,
        curve=curve(1500, 25, 8.4, 3.9),
        samples=[
            {"step": 300 * (place + 1), "prompt": "宝玉" if text.startswith("宝玉") else "", "text": text}
            for place, text in enumerate(CHINESE_SAMPLES)
        ],
        evaluation=Evaluation(
            run="runs/红楼梦",
            data="test",
            checkpoint="step-00001400",
            metrics={
                "loss": 4.4871,
                "perplexity": 88.86,
                "bpb": 1.57194,
                "bpc": 4.6113,
                "n_tokens": 31_545,
                "n_bytes": 129_981,
            },
            intervals={"bpb": (1.53102, 1.61288), "loss": (4.3703, 4.6039)},
            baselines={
                "uniform": {"loss": 8.69951, "perplexity": 6000.0, "bpb": 3.04765},
                "ngram": {"loss": 4.6012, "perplexity": 99.6, "bpb": 1.61191},
                "ngram_bytes": {"loss": 1.1893, "perplexity": 3.2848, "bpb": 1.71579},
            },
            convention={"window": None, "stride": None, "confidence": 0.95, "resamples": 1000, "notes": []},
            verdict="介于均匀猜测（3.05）与 n 元语法（1.61）之下：对十分钟训练的小模型来说属于正常。",
        ),
        loops={"model": 0.214, "human": 0.018},
        time={"prepare": 9.1, "train": 604.8, "evaluate": 31.2, "sample": 12.0, "save": 2.2, "floor": 15.7},
        limits=["它只会接着写，不回答问题，也不听从指令。", "它读过的只有一部小说，人名和情节都会编造。"],
        next=["textmill generate runs/红楼梦 宝玉", "textmill chat runs/红楼梦"],
        config={"data": {"paths": ["红楼梦/"]}, "model": {"arch": "gru", "n_layers": 2}, "run": {"seed": 0}},
    )


@pytest.fixture
def stopped() -> Report:
    """A run that was stopped at step 3: nothing measured, one point of a curve, hardly anything known."""
    return bare(run="runs/notes", status="unfinished", step=3, steps=2000, curve=[{"step": 3, "train_loss": 5.52}])


def bare(**known: Any) -> Report:
    """A report of which only this is known."""
    nothing: dict[str, Any] = {
        "run": "runs/x",
        "task": "lm",
        "arch": "lstm",
        "status": "prepared",
        "step": 0,
        "seed": 0,
    }
    nothing |= {"steps": None, "command": "", "created": "", "evaluation": None}
    nothing |= {name: {} for name in ("versions", "hardware", "n_parameters", "tokenizer", "data", "ledger")}
    nothing |= {name: {} for name in ("loops", "time", "config")}
    nothing |= {name: [] for name in ("files", "curve", "samples", "limits", "next")}
    return Report(**(nothing | known))
