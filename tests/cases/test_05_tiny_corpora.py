"""Case 05: corpora shorter than the context, of one line, of nothing. All architectures, through the training door."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from textmill.config.layers import load_config
from textmill.errors import InputError
from textmill.runs import Run
from textmill.tables import ARCHITECTURES
from textmill.training import train

CASE = Path(__file__).parent / "05-tiny-corpora"


def train_on(name: str, into: Path, arch: str, **more: Any) -> Run:
    flags = {
        "data.paths": (str(CASE / name),),
        "tokens.kind": "bytes",
        "model.arch": arch,
        "model.n_layers": 1,
        "model.d_model": 16,
        "model.seq_len": 64,
        "train.steps": 3,
        "train.sample_tokens": 4,
        "eval.resamples": 100,
        "machine.threads": 1,
        "run.dir": str(into / "runs"),
    } | more
    return train(load_config(flags))


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize(("begin_mark", "n_targets"), [(True, 26), (False, 25)])
def test_25_bytes_train_as_one_short_window_with_every_target(
    arch: str, begin_mark: bool, n_targets: int, tmp_path: Path
) -> None:
    # 25 bytes give 24 next-byte pairs; the end mark is one more target, and the first byte is one after a begin mark.
    run = train_on("tiny.txt", tmp_path, arch, **{"tokens.begin_mark": begin_mark})

    assert run.step == 3
    from textmill.tasks import task_of

    prepared = run.prepared()
    rows = task_of(run.config).rows(prepared.train, prepared.tokenizer, run.config)
    assert len(rows) == 1
    assert task_of(run.config).collate(rows, [0]).n_targets == n_targets
    assert prepared.valid is None and prepared.test is None
    losses = [line["train/loss"] for line in run.log.read() if "train/loss" in line]
    assert losses and all(math.isfinite(loss) for loss in losses)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_three_lines_with_ten_percent_validation_are_two_and_one(arch: str, tmp_path: Path) -> None:
    run = train_on("three.txt", tmp_path, arch, **{"data.unit": "line", "data.valid_share": 0.1})
    prepared = run.prepared()
    assert prepared.valid is not None
    texts = [
        {prepared.tokenizer.decode(store.document(i).tolist()) for i in range(store.n_documents)}
        for store in (prepared.train, prepared.valid)
    ]
    assert sorted(map(len, texts)) == [1, 2]
    assert texts[0] | texts[1] == {"天亮了。", "鸟醒了。", "孩子还在睡。"}
    assert run.evaluation() is not None


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_without_validation_no_validation_number_is_stored_and_the_rule_is_told(arch: str, tmp_path: Path) -> None:
    more = {"data.unit": "line", "data.valid_share": 0.0, "data.test_share": 0.0}
    run = train_on("three.txt", tmp_path, arch, **more)
    log = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert not [key for line in log for key in line if key.startswith("eval/")]
    assert run.evaluation() is None
    assert json.loads((run.path / "best.json").read_text())["valid_loss"] is None
    assert any("last one is kept" in limit for limit in run.info["limits"])


@pytest.mark.parametrize("name", ["empty.txt", "blank.txt"])
def test_text_of_nothing_is_refused_by_name_before_anything_is_made(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        train_on(name, tmp_path, "gru")
    assert name in str(refused.value)
    assert refused.value.exit_code == 2
    assert not list(tmp_path.rglob("*"))
