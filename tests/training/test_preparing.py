"""Text prepared ahead of training: what `train` would have prepared, found by it, and nothing on a dry run."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from textmill.config import Config
from textmill.config.layers import load_config
from textmill.errors import ConfigError, TooLittleText
from textmill.training import plan_preparation, prepare_ahead, train

TINY = {"model": {"d_model": 8, "n_layers": 1, "n_heads": 2, "seq_len": 16}, "train": {"steps": 1, "batch": 4}}


@pytest.fixture
def novel(tmp_path: Path) -> Path:
    draw = random.Random(3)
    lines = ["".join(draw.choices("水 river mill\u3000", k=40)) + "\n" for _ in range(60)]
    (tmp_path / "novel.txt").write_text("".join(lines), encoding="utf-8")
    return tmp_path / "novel.txt"


def config_for(novel: Path, **sections: object) -> Config:
    return Config.model_validate(
        {"data": {"paths": [str(novel)]}, "run": {"dir": str(novel.parent / "runs")}} | sections
    )


def test_training_takes_what_was_prepared(novel: Path) -> None:
    config = config_for(novel, **TINY)

    prepared = prepare_ahead(config)
    before = {path: path.read_bytes() for path in Path(prepared.folder).rglob("*") if path.is_file()}
    run = train(config)

    assert not prepared.reused
    assert Path(prepared.folder) == novel.parent / "runs" / ".data" / run.info["data"]["prepared"]
    assert {path: path.read_bytes() for path in Path(prepared.folder).rglob("*") if path.is_file()} == before
    assert prepared.n_tokens == run.info["data"]["n_tokens"]
    assert prepared.ledger == run.info["data"]["ledger"]
    assert prepare_ahead(config).reused


def test_what_is_told_sums_up(novel: Path) -> None:
    prepared = prepare_ahead(config_for(novel, tokens={"kind": "bytes"}))

    assert sum(prepared.ledger.values()) == novel.stat().st_size
    assert {part: prepared.ledger[part] for part in prepared.n_bytes} == prepared.n_bytes
    ends = {part: prepared.n_documents[part] for part in prepared.n_tokens}
    assert prepared.n_tokens == {part: n_bytes + ends[part] for part, n_bytes in prepared.n_bytes.items()}


def test_the_command_that_it_ends_with_trains_on_it(novel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(novel.parent)
    config = Config.model_validate(
        {"data": {"paths": ["novel.txt"], "unit": "line"}, "tokens": {"kind": "char"}, "run": {"dir": "other runs"}}
    )
    assert prepare_ahead(config).next == [
        "textmill train novel.txt --data.unit line --tokens.kind char --runs 'other runs'"
    ]


def test_a_plan_names_the_folder_and_leaves_no_trace(novel: Path) -> None:
    config = config_for(novel)

    plan = plan_preparation(load_config({"data.paths": (str(novel),), "run.dir": str(novel.parent / "runs")}))
    assert not (novel.parent / "runs").exists()
    assert plan.plan["is_there_already"] is False
    prepared = prepare_ahead(config)

    assert plan.writes == [prepared.folder]
    assert plan_preparation(config).plan["is_there_already"] is True


def test_nothing_to_prepare_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no text was named"):
        prepare_ahead(Config())
    short = tmp_path / "short.txt"
    short.write_text("abc", encoding="utf-8")
    for ask in (prepare_ahead, plan_preparation):
        with pytest.raises(TooLittleText):
            ask(config_for(short))
    assert not [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
