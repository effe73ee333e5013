"""A run of poems from training to a text under its conditions, in its form."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from pathlib import Path

import pytest
import torch

from textmill.cli import main
from textmill.errors import TextmillError
from textmill.runs import open_run

CHARACTERS = "春風吹江水山花滿玉枝夏夜聞啼鳥秋月照清池冬雪落長人知不青天白日"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Poems of two authors, all of them 5x4; and a run of them."""
    place = tmp_path_factory.mktemp("poems")
    rows = ["title\tauthor\ttext"]
    for number in range(120):
        lines = [
            "".join(CHARACTERS[(number * 7 + line * 11 + at * (number % 5 + 1)) % len(CHARACTERS)] for at in range(5))
            for line in range(4)
        ]
        rows.append(f"其{number}\t{'李白' if number % 2 else '杜甫'}\t{lines[0]}，{lines[1]}。{lines[2]}，{lines[3]}。")
    (place / "poems.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    here = Path.cwd()
    os.chdir(place)
    try:
        command = "train poems.tsv --data.conditions title,author --arch gru --size tiny --steps 3 --threads 1 -q"
        assert code_of(command.split()) == 0
        shutil.copytree("runs", "gone")
        shutil.rmtree("gone/.data")
    finally:
        os.chdir(here)
    return place


def code_of(words: list[str]) -> int:
    try:
        return int(main(words) or 0)
    except SystemExit as left:
        return int(left.code or 0)
    except TextmillError as error:
        return error.exit_code


def say(capfd: pytest.CaptureFixture[str], folder: Path, *words: str) -> tuple[int, str, str]:
    here = Path.cwd()
    os.chdir(folder)
    try:
        code = code_of([*words])
    finally:
        os.chdir(here)
    out, err = capfd.readouterr()
    return code, out, err


def test_a_poem_under_conditions_keeps_its_form(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = [
        "generate",
        "runs/poems",
        "",
        "--title",
        "其七",
        "--author",
        "李白",
        "--form",
        "5x4",
        "--n",
        "20",
        "--json",
    ]
    code, out, err = say(capfd, folder, *words, "--temperature", "1.2")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and len(found) == 20
    for one in found:
        assert one["prompt"] == "其七\t李白\n" and one["finish_reason"] == "stop"
        assert re.fullmatch("([\u4e00-\u9fff]{5}[，。]){3}[\u4e00-\u9fff]{5}。", one["text"])
        assert one["form"]["bits_per_character"] > 0 and 0 < one["form"]["forbidden_share"] < 1
    assert "no title '其七'" in err and "bits per character in this form" in err


def test_conditions_that_are_not_said_come_from_the_training_text(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = say(capfd, folder, "generate", "runs/poems", "", "--author", "杜甫", "--json")
    title = re.search("No title was said: '其(\\d+)'", err)
    assert code == 0 and title and int(title[1]) % 2 == 0  # his are the even ones
    assert json.loads(out)["prompt"] == f"其{title[1]}\t杜甫\n"


def test_an_author_that_the_text_does_not_know_is_told_with_the_nearest(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, err = say(capfd, folder, "generate", "runs/poems", "", "--author", "李白白", "--title", "其1")
    assert code == 0 and "no author '李白白'; the nearest is '李白'" in err


def test_bits_per_character_are_of_the_poems_alone(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What is measured is −log2 P(poem and its end | conditions), by the model read here by hand."""
    code, out, _ = say(capfd, folder, "eval", "runs/poems", "--data", "poems.tsv", "--json")
    metrics = json.loads(out)["metrics"]
    rows = [line.split("\t") for line in (folder / "poems.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    assert code == 0 and metrics["n_bytes"] == sum(len(poem.encode()) for _, _, poem in rows)

    run = open_run(folder / "runs/poems")
    model, tokenizer = run.model(), run.tokenizer
    nats = 0.0
    with torch.no_grad():
        for title, author, poem in rows:
            before = [tokenizer.mark, *tokenizer.encode(f"{title}\t{author}\n")]
            ids = torch.tensor([[*before, *tokenizer.encode(poem), tokenizer.mark]])
            each, _ = model.nll(ids[:, :-1], ids[:, 1:])
            nats += float(each[0, len(before) - 1 :].double().sum())
    n_characters = sum(len(poem) for _, _, poem in rows)
    assert metrics["bpc"] == pytest.approx(nats / math.log(2) / n_characters, rel=1e-5)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["--given", "dynasty=唐"], "no condition 'dynasty'"),
        (["--given", "唐"], "is no NAME=TEXT"),
        (["--title", "春", "--given", "title=夏"], "said twice"),
        (["--form", "5x0"], "cannot be met"),
        (["--form", "5x4", "--acrostic", "春龘"], "begin with 龘"),
        (["--form", "5x4", "--max-new-tokens", "3"], "too few for the form"),
        (["--form", "5x4", "--breaks", "a"], "parts no lines"),
        (["--rhyme"], "say --form too"),
        (["--form", "5x4", "--stop", "。"], "stop text"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str], wrong: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = say(capfd, folder, "generate", "runs/poems", "", *words)
    assert code == 2 and out == "" and wrong in err


def test_without_the_training_text_the_breaks_are_said(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["generate", "gone/poems", "", "--title", "其1", "--author", "李白", "--form", "3x2"]
    code, _, err = say(capfd, folder, *words)
    assert code == 2 and "--breaks" in err
    code, out, err = say(capfd, folder, *words, "--breaks", "，\\n")
    assert code == 0 and re.fullmatch("[\u4e00-\u9fff]{3}[，\n][\u4e00-\u9fff]{3}，?\n", out)
    assert "not compared" in err
