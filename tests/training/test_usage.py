"""Where the time went, and how much of the machine was used: on clocks that tests set, and in a small run."""

import json
from pathlib import Path

import pytest
from ticking import Ticking

from textmill.config.layers import load_config
from textmill.models.cost import flops_per_token
from textmill.report import render
from textmill.report.saying import utilisation
from textmill.report.words import Words
from textmill.training import train
from textmill.training.clock import Clock
from textmill.training.usage import MATRIX, Usage, logged, multiplication_peak, taken_off

TEXT = "".join(f"Line {i}: the {i % 9} geese of {i * i % 13} flew over {i % 4} hills.\n" for i in range(80))


def test_waiting_for_data_within_an_update_is_taken_off_its_computing() -> None:
    seconds = iter([0.0, 1.0, 4.0, 10.0])  # the update begins, data is waited for from 1 to 4, the update ends
    clock = Clock({}, lambda: next(seconds))
    with clock.doing("train"), taken_off(clock, "data", "train"):
        pass
    assert clock.spent == {"train": 7.0, "data": 3.0}
    assert logged(clock.spent) == {"time/compute_s": 7.0, "time/data_s": 3.0}


def test_the_share_on_paper() -> None:
    """1,000 tokens of 6 MFLOP in 2 s are 3 GFLOP/s: a quarter of 12."""
    usage = Usage(flops_per_token=6_000_000, peak=12e9)
    assert usage.share is None
    usage.took(400, 0.5)
    usage.took(600, 1.5)
    assert usage.share == pytest.approx(0.25)
    assert usage.facts()["share"] == 0.25


def test_the_peak_is_that_of_the_fastest_product_and_takes_less_than_a_second() -> None:
    slow = Ticking(0.1)
    assert multiplication_peak("cpu", "float32", 1, slow) == pytest.approx(2 * MATRIX**3 / 0.1)
    assert slow.seconds <= 1.3  # the last product had begun


def test_a_run_says_where_its_time_went_in_log_record_and_report(tmp_path: Path) -> None:
    path = tmp_path / "geese.txt"
    path.write_text(TEXT)
    run = train(
        load_config(
            {
                "data.paths": (str(path),),
                "tokens.kind": "bytes",
                "model.arch": "gru",
                "model.n_layers": 1,
                "model.d_model": 16,
                "model.seq_len": 16,
                "train.steps": 6,
                "train.batch": 4,
                "train.log_every": 2,
                "machine.threads": 1,
                "machine.device": "cpu",
                "run.dir": str(tmp_path / "runs"),
            }
        )
    )
    lines = [line for line in run.log.read() if "time/compute_s" in line]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert {"time/start_s", "time/compute_s", "time/data_s", "time/evaluate_s", "time/save_s"} <= set(lines[-1])
    assert lines[0]["time/compute_s"] < lines[-1]["time/compute_s"]
    assert 0 < lines[-1]["time/utilisation"] < 2  # a busy machine may have had a low peak

    info = json.loads((run.path / "run.json").read_bytes())
    assert {"start", "train", "data", "evaluate", "save", "log", "floor"} <= set(info["time"])
    assert info["time"]["data"] < info["time"]["start"] + info["time"]["train"]
    assert info["utilisation"]["flops_per_token"] == flops_per_token(run.config.model, run.tokenizer.vocab_size)
    assert "6 N" in info["utilisation"]["convention"]

    report = run.report()
    assert utilisation(report.model_copy(update={"utilisation": {}}), Words("en")) == ""
    shown = (run.path / "report.html").read_text("utf-8")
    assert "waiting for data" in shown
    assert "of what this machine multiplies at most" in shown
    render(report, tmp_path / "zh", "zh")
    shown = (tmp_path / "zh" / "report.html").read_text("utf-8")
    assert "等待数据" in shown
    assert "用到了这台机器乘法能力的" in shown
