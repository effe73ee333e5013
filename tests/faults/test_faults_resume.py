"""A run goes on as what it was: whatever else was said or put in its place is refused, with both values."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faults_kit import STEPS, InProcess, outcome, refused, training, tree

from textmill.config.knobs import Knob, knobs_of
from textmill.tokens import Tokenizer

LONGER = training(steps=[*STEPS[2:], "--steps", "8"])
SAID = {"model.n_layers": 1, "model.d_model": 16, "model.seq_len": 16, "train.batch": 4, "tokens.kind": "bytes"}
OTHER = {  # where the next value would not be a fitting one
    "data.paths": "other.txt",
    "data.valid": "other.txt",
    "data.test": "other.txt",
    "model.arch": "lstm",
    "train.epochs": "2.0",
    "train.precision": "bfloat16",
    "tokens.segmenter": "jieba",
    "tokens.vocab_size": "300",
    "data.clean": "control",
}
OF_OTHER_TASKS = {
    "data.pairs",
    "data.source",
    "data.target",
    "data.labelled",
    "data.label",
    "data.label_separator",
    "data.questions",
    "data.make_questions",
    "data.question",
    "data.answer",
    "data.stories",
    "data.conversations",
    "data.conditions",
    "task.both_ways",
    "tokens.shared",
    "model.source_attention",
    "model.pooling",
    "model.token_dropout",
    "task.balanced",
    "task.longest_answer",
    "task.window_stride",
    "task.facts",
    "task.mask_share",
    "task.whole_words",
    "train.pretrain",
    "train.tune",
    "train.tune_layers",
    "train.lora_rank",
    "train.lora_alpha",
    "train.lora_dropout",
    "train.lora_targets",
    "train.teacher_share",
    "train.teacher_temperature",
}  # refused where a task has no use for them
KNOBS = {key: knob for key, knob in knobs_of("gru").items() if knob.on_resume == "refuse" and key not in OF_OTHER_TASKS}


def other_value(knob: Knob) -> str:
    """Another value than the run has, as a word."""
    before = SAID.get(knob.key, knob.default)
    if knob.key in OTHER:
        return OTHER[knob.key]
    if knob.choices:
        return next(str(choice) for choice in knob.choices if choice not in (before, "auto"))
    if isinstance(before, bool) or knob.kind is bool:
        return str(not before).lower()
    if isinstance(before, float):
        return str(before / 2 if before else 0.5)
    if isinstance(before, int):
        return str(before + 1)
    return "1" if knob.kind is int else "0.5" if knob.kind is float else "other"


def without(command: list[str], flag: str) -> list[str]:
    """A command without a flag and its value."""
    place = command.index(flag)
    return command[:place] + command[place + 2 :]


@pytest.mark.ci
@pytest.mark.parametrize("key", KNOBS)
def test_a_knob_that_can_change_the_weights_is_refused_with_both_values(mill: InProcess, geese: Path, key: str) -> None:
    (geese.parent.parent / "other.txt").write_text((geese.parent.parent / "geese.txt").read_text())
    before = tree(geese)
    value = other_value(KNOBS[key])
    command = [*LONGER, f"--{key}", value]
    if key == "data.paths":
        command.remove("geese.txt")
    if key == "tokens.segmenter":
        command += ["--tokens.kind", "word"]
    if key == "model.arch":
        command = without(command, "--arch")
    if key in ("train.epochs", "train.minutes"):
        command = without(command, "--steps")

    said = mill(*command, "--name", "geese")

    refused(said, "this run was begun with other settings (saved -> said):", f"{key}: ")
    [line] = [line for line in said.err.splitlines() if line.strip().startswith(f"{key}: ")]
    assert line.lower().partition(" -> ")[2].strip("'[]") == value
    assert tree(geese) == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text + "One more.\n", "geese.txt: 4,"),
        (lambda text: text.replace("Line 7:", "Line 8:"), "files and sizes are the same"),
    ],
    ids=["longer", "same size"],
)
def test_another_text_is_refused_and_told_apart(
    mill: InProcess, geese: Path, change: Callable[[str], str], told: str
) -> None:
    text = geese.parent.parent / "geese.txt"
    text.write_text(change(text.read_text(encoding="utf-8")), encoding="utf-8")
    before = tree(geese)

    refused(mill(*LONGER), "geese.txt: the text changed since this run began", told)

    assert tree(geese) == before


def test_files_that_came_and_went_are_listed(mill: InProcess, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"texts/{name}.txt").write_text("".join(f"{name} {i} geese\n" for i in range(200)))
    assert mill(*training("texts")).code == 0
    (tmp_path / "texts/b.txt").rename(tmp_path / "texts/c.txt")
    (tmp_path / "texts/c.txt").write_text("another\n" * 90)

    refused(mill(*training("texts")), "texts/b.txt: 2,290 bytes -> gone", "texts/c.txt: not there -> 720 bytes")


def with_another_tokenizer(folder: Path) -> None:
    Tokenizer.train("char", ["geese"], None, 0).save(folder)


def with_another_seed(folder: Path) -> None:
    config = (folder / "config.toml").read_text()
    assert "\nseed = 0\n" in config
    (folder / "config.toml").write_text(config.replace("\nseed = 0\n", "\nseed = 7\n"))


@pytest.mark.parametrize(
    ("harm", "name"), [(with_another_tokenizer, "tokenizer.json"), (with_another_seed, "config.toml")]
)
def test_a_file_of_the_run_that_was_replaced_is_refused(
    mill: InProcess, geese: Path, harm: Callable[[Path], None], name: str
) -> None:
    harm(geese)
    before = tree(geese)

    refused(mill(*LONGER), f"runs/geese/{name}: the file is not what was written (its sha256: ", "… -> ")

    assert tree(geese) == before


def test_text_that_was_prepared_with_another_tokenizer_is_refused_until_it_is_prepared_again(
    mill: InProcess, geese: Path
) -> None:
    [prepared] = (geese.parent / ".data").iterdir()
    with_another_tokenizer(prepared)
    before = tree(geese)

    refused(mill(*LONGER), f"{prepared.name}/tokenizer.json: the text is prepared with another tokenizer", "… -> ")
    assert tree(geese) == before

    shutil.rmtree(prepared)
    assert mill(*LONGER).code == 0


def test_steps_may_grow_and_threads_and_versions_are_told(mill: InProcess, geese: Path) -> None:
    info = json.loads((geese / "run.json").read_bytes())
    info["versions"] |= {"torch": "2.10.0", "numpy": "1.26.0"}
    (geese / "run.json").write_text(json.dumps(info))
    refused(mill(*training(steps=[*STEPS[2:], "--steps", "5"])), "train.steps: 6 -> 5 (may only grow)")

    said = mill(*LONGER, "--threads", "2")

    assert said.code == 0
    assert outcome(geese)["last"]["step"] == 8
    for told in ("machine.threads: 1 -> 2", "torch: 2.10.0 -> ", "numpy: 1.26.0 -> "):
        assert told in said.err
    assert said.err.count("the last bits may differ from now on") == 3
