"""What a finished run suggests: it follows from the verdict and from the language of the text."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from textmill.cli import main
from textmill.config.layers import load_config
from textmill.runs import Run
from textmill.training import train
from textmill.training.closing import longer, next_commands

ENGLISH = "".join(f"Line {i}: the {i % 9} geese of {i * i % 13} flew over {i % 4} hills.\n" for i in range(80))
CHINESE = "".join(f"第{i}行：{i % 9}只雁在{i * i % 13}月飞过{i % 4}座山。\n" for i in range(80))


def trained(text: str, **more: Any) -> Run:
    """A tiny run of 2 steps in the folder we stand in: far above its floor."""
    Path("geese.txt").write_text(text, encoding="utf-8")
    knobs = {
        "data.paths": ("geese.txt",), "tokens.kind": "bytes", "model.arch": "gru", "model.n_layers": 1,
        "model.d_model": 16, "model.seq_len": 16, "train.steps": 2, "train.batch": 4, "train.sample_tokens": 3,
        "eval.resamples": 100, "machine.threads": 1,
    }  # fmt: skip
    return train(load_config(knobs | more))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("more", [{}, {"run.name": "二 geese", "run.dir": "my runs", "data.valid_share": 0.2}])
def test_a_run_below_its_floor_says_first_how_to_train_it_on_and_that_command_does(more: dict[str, Any]) -> None:
    """It suggested to let the model write, whatever it wrote like."""
    run = trained(ENGLISH, **more)

    first = run.info["next"][0]
    assert first.startswith("textmill train geese.txt") and "--steps 4" in first
    assert run.trained().next == run.info["next"]
    assert run.trained().verdict.startswith(("Worse than the floor: ", "Not normal: "))

    assert main([*shlex.split(first)[1:], "-q"]) == 0
    grown = Run.open(run.path)
    assert grown.step == 4 and grown.status == "finished" and "--steps 8" in grown.info["next"][0]


def test_a_run_that_beats_its_floors_is_not_sent_to_train_on(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(ENGLISH)
    better = run.evaluation()
    assert better is not None
    better.metrics["bpb"] = 0.01
    monkeypatch.setattr(run, "evaluation", lambda: better)

    assert [command.split()[1] for command in next_commands(run)] == ["generate", "chat", "score"]


def test_a_run_that_stopped_by_itself_below_its_floor_is_pointed_to_the_floor() -> None:
    run = trained(ENGLISH)
    run.info["ended_at"] = 2

    assert next_commands(run)[0] == "textmill generate runs/geese/floor Once"
    assert "--steps" not in " ".join(next_commands(run)) and "--steps" in longer(run)


def test_prompts_are_in_the_language_of_the_text() -> None:
    """On a Chinese run it said: generate … 'Once', score … 'some text'."""
    said = " ".join(trained(CHINESE).info["next"])

    assert "从前" in said and "从前有一座山。" in said and "Once" not in said and "some text" not in said


def test_what_the_model_cannot_do_is_kept_with_what_it_is_made_of() -> None:
    run = Run.open(trained(ENGLISH).path)

    assert run.info["limits"] and set(run.info["limits"]) <= run.info["messages"].keys()
    assert run.report().messages == run.info["messages"]
    evaluation = run.evaluation()
    assert evaluation is not None and evaluation.verdict in evaluation.messages
    assert all(text in evaluation.messages for text in ("nats per token", "read apart", "scored, 0 bytes"))
