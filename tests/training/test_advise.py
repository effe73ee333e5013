"""What `look` advises is what was looked at, and training would take it; look is one call from Python."""

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textmill
from textmill.cli.output import Shell
from textmill.cli.train import loaded_for, train_command
from textmill.config import DataConfig
from textmill.errors import ConfigError, InputError, TooLittleText
from textmill.tables import FINDINGS, TASK_FORMS, TASKS
from textmill.training import plan_removals, plan_run, train
from textmill.training.advise import training_command

SENTENCES = "".join(f"The {i % 9} geese of {i * i % 13} flew over {i % 4} hills.\n" for i in range(80))


AS_THE_TASK = ("pairs", "labelled", "questions", "stories")


def taken_by_training(command: str) -> DataConfig:
    """[data] as the real command line would hand it to training; what the task adds to it left open, as it was said."""
    program, verb, *words = shlex.split(command)
    assert (program, verb) == ("textmill", "train")
    found: list[DataConfig] = []

    def listen(shell: Shell, paths: tuple[str, ...], fresh: bool, verify: int | None) -> None:
        found.append(loaded_for(shell, paths).config.data.model_copy(update=dict.fromkeys(AS_THE_TASK)))

    with mock.patch.object(train_command, "function", listen), train_command.make_context("train", words) as ctx:
        train_command.invoke(ctx)
    return found[0]


NAMES = st.text("abcXYZ山-_,.=' \\\"$/", min_size=1, max_size=8).filter(lambda name: name != "-")
SHARES = st.floats(0, 0.49, allow_nan=False)
CONFIGS = st.builds(
    DataConfig,
    paths=st.lists(NAMES.filter(lambda name: not name.startswith("-")), min_size=1, max_size=3, unique=True),
    valid=st.lists(NAMES, max_size=2),
    test=st.lists(NAMES, max_size=2),
    text=st.lists(NAMES, max_size=2),
    header=st.booleans(),
    columns=st.lists(NAMES, max_size=3),
    unit=st.sampled_from(["auto", "file", "line", "paragraph"]),
    valid_share=SHARES,
    test_share=SHARES,
    split_seed=st.integers(0, 2**40),
    duplicates=st.sampled_from(["keep", "exact", "normalised"]),
    strict=st.booleans(),
)


@settings(deadline=None)
@given(CONFIGS)
def test_the_suggested_command_takes_the_text_as_it_was_looked_at(data: DataConfig) -> None:
    assert taken_by_training(training_command({"data": data})) == data


def test_a_path_that_looks_like_an_option_stays_a_path_and_one_named_twice_is_said_once() -> None:
    command = training_command({"data": DataConfig(paths=("-dash.txt", "a b.txt", "-dash.txt", "-"))})

    assert command == "textmill train ./-dash.txt 'a b.txt' -"
    assert taken_by_training(command).paths == ("./-dash.txt", "a b.txt", "-")


def test_what_the_project_file_would_change_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("textmill.toml").write_text("[data]\nunit = 'line'\nheader = false\n")
    data = DataConfig(paths=("a.txt",))

    assert taken_by_training(training_command({"data": data})) == data


def test_look_is_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b.txt"):
        Path(name).write_text(name + SENTENCES)

    assert textmill.look("a.txt") == textmill.look(Path("a.txt")) == textmill.look(DataConfig(paths=("a.txt",)))
    found = textmill.look(["a.txt", "b.txt"], unit="line")
    assert found.duplicates.n_documents == 160
    assert found.suggestion == "textmill train a.txt b.txt --data.unit line"
    assert textmill.look(DataConfig(paths=("a.txt", "b.txt")), unit="line") == found


def test_look_reads_a_short_text_as_its_task_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What training would say of a short text was once asked as of language modelling, which reads no pairs."""
    (tmp_path / "p.tsv").write_text("".join(f"line {n}\tZeile {n}\n" for n in range(40)))
    assert textmill.look(tmp_path / "p.tsv", task="translate").suggestion.endswith("p.tsv --task translate")

    monkeypatch.setitem(TASKS, "classify", TASKS["lm"])
    monkeypatch.setitem(TASK_FORMS, "classify", "decoder")
    monkeypatch.setitem(FINDINGS, "classify", "textmill.text.label_findings:findings_of_labels")
    (tmp_path / "r.csv").write_text("review,mood\n" + "".join(f"review {n},{n % 2}\n" for n in range(40)))
    found = textmill.look(tmp_path / "r.csv", task="classify", label="mood", tokens=True, valid_share=0, test_share=0)
    assert "2 classes: 0 20 (50 %), 1 20 (50 %)." in found.notes and found.tokens is not None
    assert found.suggestion.endswith("--data.label mood --data.valid_share 0.0 --data.test_share 0.0 --task classify")


def test_what_the_file_of_removals_would_hold_is_what_it_then_holds(tmp_path: Path) -> None:
    path, out = tmp_path / "a.txt", tmp_path / "removed.jsonl"
    path.write_text("All rights reserved.\nThe kettle\x00 was on.\nThe milk\x01 boiled over\x02.\n" * 3)
    data = DataConfig(paths=(str(path),))

    planned = plan_removals(data, out)
    assert not out.exists()
    textmill.look(data, removed=out)

    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert planned["stretches_by_rule"] == Counter(line["rule"] for line in lines)
    assert planned["stretches_by_rule"]["control"] == 9
    assert planned["removals"] == {"stretches": len(lines), "bytes": sum(line["bytes"] for line in lines)}
    with pytest.raises(InputError, match="is there already"):
        plan_removals(data, out)
    with pytest.raises(ConfigError, match="a sample is not all that was removed"):
        plan_removals(data, tmp_path / "other.jsonl", "50%")


@pytest.mark.parametrize(
    ("arguments", "knobs", "words"),
    [
        (["a.txt"], {"unti": "line"}, "did you mean 'data.unit'?"),
        (["a.txt"], {"unit": "word"}, "data.unit must be one of auto, file, line, paragraph"),
        ([[]], {}, "no text was named"),
    ],
)
def test_a_wrong_call_of_look_is_answered_in_our_words(arguments: list[Any], knobs: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        textmill.look(*arguments, **knobs)

    assert words in str(refused.value)


@pytest.mark.parametrize("n_characters", [1, 14, 15, 16, 40])
def test_look_and_a_dry_run_and_training_agree_on_what_is_too_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_characters: int
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short.txt").write_text("x" * n_characters)
    config = textmill.Config(data={"paths": "short.txt"}, model={"arch": "gru", "d_model": 4}, train={"steps": 1})
    found = textmill.look("short.txt")
    told = [note for note in found.notes if "16 are the least" in note]

    if n_characters + 1 >= 16:  # the end mark is a token
        assert not told and found.suggestion
        assert plan_run(load(config)).plan["train_tokens_about"] == n_characters + 1
        return
    assert told and not found.suggestion
    with pytest.raises(TooLittleText) as dry:
        plan_run(load(config))
    with pytest.raises(TooLittleText) as real:
        train(config)
    assert str(dry.value) == str(real.value)
    assert dry.value.message in told[0]


def load(config: textmill.Config) -> Any:
    from textmill.training.naming import as_said

    return as_said(config)
