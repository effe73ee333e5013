"""`export --to int8`: a run folder again, the loss told as compare tells it, and what such a run refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from foreign_kit import model_folder
from made_runs import CLASSES, made_run

from textmill.cli import main
from textmill.config.layers import load_config
from textmill.errors import RunError, UsageError
from textmill.evaluation.comparing import compare
from textmill.hub import open_run
from textmill.hub.export import export
from textmill.hub.smaller import loses_more, shrink
from textmill.models.smaller import shrunk, widened
from textmill.results import ScoreDifference, Smaller
from textmill.runs.inspection import inspect
from textmill.training import train

LINES = "the wheel of the mill turned {}.\n水车转动，磨坊在河边 {}。\n"


@pytest.fixture
def text(tmp_path: Path) -> str:
    (tmp_path / "mill.jsonl").write_text(
        "".join(json.dumps({"text": LINES.format(n, n * n)}, ensure_ascii=False) + "\n" for n in range(12))
    )
    (tmp_path / "reviews.csv").write_text("label,text\n" + "".join(f"{CLASSES[n % 2]},水车 {n}\n" for n in range(12)))
    (tmp_path / "pairs.tsv").write_text("en\tzh\n" + "".join(f"the mill {n}\t水车 {n}\n" for n in range(12)))
    return str(tmp_path)


DATA = {"lm": "mill.jsonl", "classify": "reviews.csv", "translate": "pairs.tsv"}


@pytest.mark.parametrize("to", ["int8", "bf16"])
@pytest.mark.parametrize(
    ("arch", "task"),
    [(a, "lm") for a in ("rnn", "lstm", "gru", "transformer")] + [("gru", "classify"), ("lstm", "translate")],
)
def test_a_smaller_run_opens_everywhere_with_the_weights_that_were_made(tmp_path, text, arch, task, to):
    run = made_run(tmp_path / "whole", arch, task=task)
    made = shrink(run, to, tmp_path / "small", data=f"{text}/{DATA[task]}")
    small = open_run(tmp_path / "small")
    expected = widened(shrunk(run.weights(run.load()), to))
    found = small.model().state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert all(finding.severity != "damaged" for finding in inspect(tmp_path / "small").findings)
    assert small.summary().origin["run"] == str(run.path) and small.arch == arch
    assert made.bytes_after < made.bytes_before * (0.45 if to == "int8" else 0.51)
    assert made.files["checkpoints/step-00000002/model.safetensors"] == (
        (tmp_path / "small/checkpoints/step-00000002/model.safetensors").stat().st_size
    )
    assert 0 < made.speed[0] <= made.speed[1] <= made.speed[2]

    told = compare(run, small, f"{text}/{DATA[task]}")
    assert told.metrics == made.metrics
    if "bpb" in told.differences:
        assert made.differences["bpc"].value == pytest.approx(told.metrics[1]["bpc"] - told.metrics[0]["bpc"], abs=1e-9)
        low, high = made.differences["bpc"].interval
        assert low <= made.differences["bpc"].value <= high
    else:
        assert made.differences["accuracy"] == told.differences["accuracy"]
    assert small.info["smaller"]["differences"].keys() == made.differences.keys()


def test_a_folder_of_another_tool_is_made_smaller_too(tmp_path, text):
    model_folder(tmp_path / "theirs")
    with pytest.raises(UsageError, match="say where the export goes"):
        shrink(tmp_path / "theirs", "int8", data=f"{text}/mill.jsonl")
    with pytest.raises(UsageError, match="say a text"):
        shrink(tmp_path / "theirs", "int8", tmp_path / "small")
    assert not (tmp_path / "small").exists()
    shrink(tmp_path / "theirs", "int8", tmp_path / "small", data=f"{text}/mill.jsonl")
    theirs, small = open_run(tmp_path / "theirs"), open_run(tmp_path / "small")
    ids = torch.tensor([[1, 2, 3, 4]])
    whole, ours = (run.model().log_probs(ids)[0] for run in (theirs, small))
    torch.testing.assert_close(ours, whole, atol=0.05, rtol=0)
    assert small.tokenizer.encode("the mill 水车") == theirs.tokenizer.encode("the mill 水车")
    assert all(finding.severity != "damaged" for finding in inspect(tmp_path / "small").findings)
    with pytest.raises(RunError, match="trained elsewhere"):
        small.prepared()


def test_what_a_smaller_run_is_not_for_is_refused_and_names_the_original(tmp_path, text):
    run = made_run(tmp_path / "runs" / "whole", "gru")
    shrink(run, "int8", tmp_path / "runs" / "small", data=f"{text}/mill.jsonl")

    def said(**more: Any) -> Any:
        knobs = {"data.paths": (f"{text}/mill.jsonl",), "run.dir": str(tmp_path / "runs"), "train.steps": 1}
        return load_config(knobs | {name.replace("__", "."): value for name, value in more.items()})

    small = str(tmp_path / "runs" / "small")
    for refused in (
        lambda: export(small, "onnx", tmp_path / "onnx"),
        lambda: shrink(small, "bf16", tmp_path / "again", data=f"{text}/mill.jsonl"),
        lambda: train(said(model__start=small, run__name="x")),
        lambda: train(said(run__name="small")),
    ):
        with pytest.raises(RunError, match=r"holds the int8 weights of .*whole") as told:
            refused()
        assert str(run.path) in str(told.value.hint)
    assert not any((tmp_path / name).exists() for name in ("onnx", "again", "runs/x/run.json"))


def test_what_counts_has_no_weights_to_make_smaller(tmp_path, text):
    run = made_run(tmp_path / "whole", "gru")
    run.info["kind"] = "ngram"
    with pytest.raises(RunError, match="has no weights to make smaller"):
        shrink(run, "int8", tmp_path / "small", data=f"{text}/mill.jsonl")


def test_more_than_allowed_is_a_loss_in_bits_or_in_accuracy(tmp_path, text):
    made = shrink(made_run(tmp_path / "whole", "gru"), "bf16", tmp_path / "small", data=f"{text}/mill.jsonl")

    def with_difference(name: str, value: float) -> Smaller:
        return made.model_copy(update={"differences": {name: ScoreDifference(value=value, interval=None)}})

    assert loses_more(with_difference("bpc", 0.02), 0.01) and not loses_more(with_difference("bpc", -0.5), 0.01)
    assert loses_more(with_difference("accuracy", -0.02), 0.01) and not loses_more(
        with_difference("accuracy", 0.5), 0.01
    )


def test_the_verb_tells_what_is_lost_and_ends_with_1_beyond_a_bound(tmp_path, text, capsys):
    made_run(tmp_path / "whole", "gru")
    words = ["export", str(tmp_path / "whole"), "--to", "int8", "--data", f"{text}/mill.jsonl", "--fresh"]
    assert exit_code_of(words) == 0
    shown = capsys.readouterr().out
    assert "bits per character" in shown and "times the original's" in shown
    assert exit_code_of([*words, "--json", "--fail-over", "-9"]) == 1
    found = capsys.readouterr()
    assert json.loads(found.out)["schema"] == "textmill.export.smaller/1" and "--fail-over -9" in found.err
    assert exit_code_of(["export", str(tmp_path / "whole"), "--to", "onnx", "--fail-over", "1"]) == 2


def exit_code_of(words: list[str]) -> int:
    try:
        return int(main(words) or 0)
    except SystemExit as ended:
        return int(ended.code or 0)
