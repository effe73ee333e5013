"""A run is created, continued or refused; what goes wrong is said, and nothing is lost."""

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch

import textmill
from textmill.config.layers import Loaded, from_toml, load_config
from textmill.errors import ConfigError, Damaged, Diverged, InputError, NoSpace, RunError
from textmill.evaluation import evaluate
from textmill.generation import generate
from textmill.runs import Run, list_runs, open_run
from textmill.training import Progress, plan_run, train

TEXT = "".join(f"Line {i}: the {i % 9} geese of {i * i % 13} flew over {i % 4} hills.\n" for i in range(80))


class Watcher:
    """Notes what is said."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.seen: list[Progress] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def progress(self, progress: Progress) -> None:
        self.seen.append(progress)

    def evaluated(self, progress: Progress) -> None:
        return


def said(folder: Path, text: str | None = TEXT, **more: Any) -> Loaded:
    path = folder / "geese.txt"
    if text is not None:
        path.write_text(text)
    return load_config(
        {
            "data.paths": (str(path),),
            "tokens.kind": "bytes",
            "model.arch": "gru",
            "model.n_layers": 1,
            "model.d_model": 16,
            "model.seq_len": 16,
            "train.steps": 6,
            "train.batch": 4,
            "train.sample_tokens": 3,
            "train.eval_every": 2,
            "eval.resamples": 100,
            "machine.threads": 1,
            "run.dir": str(folder / "runs"),
        }
        | more
    )


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def finished(tmp_path: Path) -> Run:
    return train(said(tmp_path))


def test_a_run_folder_holds_what_the_design_says(finished: Run) -> None:
    names = {path.name for path in finished.path.iterdir()}
    assert names >= {
        "config.toml", "run.json", "tokenizer.json", "metrics.jsonl", "checkpoints", "last.json", "best.json",
        "floor", "eval", "samples", "plots", "report.html", "README.md",
    }  # fmt: skip
    checkpoint = finished.checkpoints / "step-00000006"
    assert {p.name for p in checkpoint.iterdir()} >= {"model.safetensors", "optimizer.safetensors", "manifest.json"}
    assert finished.status == "finished"
    # config.toml is complete: it alone repeats the run, to the bit
    config = from_toml(finished.path / "config.toml")
    assert config.train.lr is not None and config.model.dropout is not None and config.machine.threads == 1
    again = train(config.model_copy(update={"run": config.run.model_copy(update={"name": "again"})}))
    mine, theirs = finished.load("last"), again.load("last")
    assert all(torch.equal(mine.model[name], theirs.model[name]) for name in mine.model)


def test_floor_and_checkpoint_folders_open_as_runs(finished: Run) -> None:
    floor = open_run(finished.path / "floor")
    assert floor.kind == "ngram"
    assert floor.model().max_context is None or floor.model().max_context > 0
    old = open_run(finished.checkpoints / "step-00000006")
    assert old.name == "geese" and old.default_checkpoint == "00000006"
    assert old.model() is not None


def test_only_the_last_checkpoints_and_the_best_are_kept(tmp_path: Path) -> None:
    run = train(said(tmp_path, **{"train.save_every": 1, "train.keep": 2}))
    kept = sorted(p.name for p in run.checkpoints.iterdir())
    best = json.loads((run.path / "best.json").read_text())["checkpoint"].removeprefix("checkpoints/")
    assert kept == sorted({"step-00000005", "step-00000006", best})


def test_a_changed_config_is_refused_with_every_difference_and_nothing_is_touched(
    finished: Run, tmp_path: Path
) -> None:
    before = everything_below(finished.path)
    with pytest.raises(RunError, match=r"train\.lr") as refused:
        train(said(tmp_path, **{"train.lr": 0.5, "model.d_model": 32}))
    assert "model.d_model: 16 -> 32" in str(refused.value)
    assert "--fresh" in str(refused.value)
    assert everything_below(finished.path) == before


def test_a_changed_text_is_refused(finished: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="text changed"):
        train(said(tmp_path, TEXT + "One more.\n"))


def test_steps_may_grow_and_the_run_goes_on(finished: Run, tmp_path: Path) -> None:
    watcher = Watcher()
    run = train(said(tmp_path, **{"train.steps": 9}), listener=watcher)
    assert [p.step for p in watcher.seen] == [7, 8, 9]
    assert run.step == 9
    with pytest.raises(RunError, match="may only grow"):
        train(said(tmp_path, **{"train.steps": 8}))


def test_fresh_starts_anew_and_loses_nothing(finished: Run, tmp_path: Path) -> None:
    weights = (finished.checkpoints / "step-00000006" / "model.safetensors").read_bytes()
    watcher = Watcher()
    run = train(said(tmp_path, **{"run.seed": 5}), fresh=True, listener=watcher)
    assert [p.step for p in watcher.seen] == list(range(1, 7))
    [moved] = (tmp_path / "runs" / ".replaced").iterdir()
    assert (moved / "checkpoints" / "step-00000006" / "model.safetensors").read_bytes() == weights
    assert run.config.run.seed == 5
    assert any(str(moved) in notice for notice in watcher.notices)


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "geese"
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("precious")
    with pytest.raises(RunError, match="no run"):
        train(said(tmp_path))
    assert everything_below(folder) == {"thesis.txt": b"precious"}


@pytest.mark.parametrize("kept", [1, 3])
def test_one_flipped_bit_is_set_aside_and_the_checkpoint_before_it_is_used(tmp_path: Path, kept: int) -> None:
    whole = train(said(tmp_path, **{"run.name": "whole"}))
    half = said(tmp_path, **{"run.name": "half", "train.keep": kept, "train.save_every": 1})
    run = train(half)
    # As if the last one had been damaged before the end: the run is not finished and its last step is gone.
    for path in run.checkpoints.iterdir():
        if kept == 3 and path.name != "step-00000006":
            continue
        file = path / "model.safetensors"
        data = bytearray(file.read_bytes())
        data[-5] ^= 4
        file.write_bytes(data)
    run.info["finished"] = False
    run.write_info()

    watcher = Watcher()
    if kept == 1:
        # A run whose every checkpoint is damaged: a clear error, never a silent fresh start, nothing deleted.
        with pytest.raises(Damaged, match="no checkpoint of this run is whole"):
            train(half, listener=watcher)
        assert all(path.name.endswith(".damaged") for path in run.checkpoints.iterdir())
        with pytest.raises(Damaged):
            train(half, listener=watcher)
        return
    resumed = train(half, listener=watcher)
    assert any("step-00000006.damaged" in notice for notice in watcher.notices)
    assert (run.checkpoints / "step-00000006.damaged").is_dir()
    mine, theirs = resumed.load("last"), whole.load("last")
    assert all(torch.equal(mine.model[name], theirs.model[name]) for name in theirs.model)


def test_reading_a_run_with_a_flipped_bit_is_an_error_that_names_the_file_and_moves_nothing(finished: Run) -> None:
    best = finished.path / json.loads((finished.path / "best.json").read_text())["checkpoint"]
    file = best / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)
    before = everything_below(finished.path)
    with pytest.raises(Damaged, match=r"model\.safetensors"):
        finished.model("best")
    assert everything_below(finished.path) == before


def test_a_run_that_meets_nan_stops_with_step_rate_and_advice_and_keeps_what_was_saved(tmp_path: Path) -> None:
    # A rate of 1e30 without clipping throws the weights so far that the second or third step meets inf or NaN.
    loaded = said(
        tmp_path,
        **{
            "model.arch": "transformer",
            "model.n_heads": 2,
            "train.optimizer": "sgd",
            "train.lr": 1e30,
            "train.max_grad_norm": None,
            "train.warmup_steps": 0,
            "train.save_every": 1,
            "train.eval_every": 6,
            "train.sample_tokens": 0,
            "train.schedule": "constant",
        },
    )
    with pytest.raises(Diverged, match=r"step \d: the (loss|gradient) is not finite: .* the rate 1e\+30") as stopped:
        train(loaded)
    assert "--train.lr" in str(stopped.value)
    assert stopped.value.exit_code == 1
    run = Run.open(tmp_path / "runs" / "geese")
    saved = run.load("last")
    assert all(torch.isfinite(tensor).all() for tensor in saved.model.values())


def test_weights_whose_validation_is_nan_are_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textmill.tasks.lm.metrics_of", lambda scores: {"loss": math.nan, "bpb": math.nan})
    with pytest.raises(Diverged, match=r"step 2: .*not saved"):
        train(said(tmp_path))
    assert not (tmp_path / "runs" / "geese" / "last.json").exists()


def test_a_full_disk_during_preparation_names_the_path_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    loaded = said(tmp_path)
    before = everything_below(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(NoSpace, match="disk is full") as stopped:
            train(loaded)
    assert str(tmp_path / "runs") in str(stopped.value)
    assert everything_below(tmp_path) == before
    assert train(loaded).status == "finished"


def test_early_stopping_ends_after_so_many_evaluations_without_a_new_best(tmp_path: Path) -> None:
    # The validation text is unlike the training text, so it soon gets worse.
    train_text, valid = tmp_path / "a.txt", tmp_path / "b.txt"
    train_text.write_text("abababab\n" * 200)
    valid.write_text("xyzzyxqj\n" * 20)
    more = {
        "data.paths": (str(train_text),),
        "data.valid": (str(valid),),
        "train.steps": 200,
        "train.eval_every": 2,
        "train.patience": 3,
        "train.lr": 0.05,
    }
    watcher = Watcher()
    run = train(said(tmp_path, **more), listener=watcher)
    assert run.step < 200
    assert any("without a new best" in notice for notice in watcher.notices)
    assert json.loads((run.path / "best.json").read_text())["step"] == run.step - 6
    again = Watcher()
    train(said(tmp_path, **more), listener=again)
    assert not again.seen and any("nothing to do" in notice for notice in again.notices)


def test_the_averaged_weights_are_the_ones_that_are_read(tmp_path: Path) -> None:
    run = train(said(tmp_path, **{"train.average": 0.9}))
    saved = run.load("best")
    model = run.model("best")
    assert isinstance(model, torch.nn.Module)
    assert all(torch.equal(tensor, saved.average[name]) for name, tensor in model.state_dict().items())
    assert any(not torch.equal(saved.average[name], saved.model[name]) for name in saved.model)


def test_a_missing_path_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"geese\.txt"):
        train(said(tmp_path, text=None))
    assert not list(tmp_path.iterdir())


def test_planning_writes_nothing_and_names_what_would_be_written(tmp_path: Path) -> None:
    loaded = said(tmp_path)
    before = everything_below(tmp_path)
    plan = plan_run(loaded)
    assert everything_below(tmp_path) == before
    assert plan.run == str(tmp_path / "runs" / "geese")
    train(loaded)
    assert plan_run(loaded).plan["continues_at_step"] == 6


@pytest.mark.parametrize("kind", ["bytes", "char", "bpe"])
def test_a_plan_foretells_what_training_then_decides(tmp_path: Path, kind: str) -> None:
    loaded = said(tmp_path, **{"tokens.kind": kind, "tokens.vocab_size": 300 if kind == "bpe" else None})
    plan = plan_run(loaded).plan
    run = train(loaded)
    n_tokens = run.prepared().train.n_tokens
    assert plan["train_tokens_about"] == pytest.approx(n_tokens, rel=0.1)
    assert plan["vocab_size_about"] == run.tokenizer.vocab_size
    assert plan["steps"] == run.config.train.steps and plan["batch"] == run.config.train.batch
    assert plan["backbone_parameters"] == run.info["n_parameters"]["backbone"]
    on_disk = sum(file.stat().st_size for file in run.path.glob("checkpoints/*/*.safetensors"))
    assert plan["cost_about"]["disk_bytes"] >= on_disk  # two checkpoints, or three where the best is older


def test_two_runs_of_one_text_share_what_was_prepared(tmp_path: Path) -> None:
    one = train(said(tmp_path, **{"run.name": "one"}))
    two = train(said(tmp_path, **{"run.name": "two", "model.arch": "lstm"}))
    assert one.prepared().path == two.prepared().path
    assert len(list((tmp_path / "runs" / ".data").iterdir())) == 1


def test_one_spoilt_run_does_not_hide_the_others(tmp_path: Path) -> None:
    """`ls` once stopped at the first run.json that was cut short."""
    for name in ("good", "spoilt"):
        train(said(tmp_path, **{"run.name": name}))
    spoilt = tmp_path / "runs" / "spoilt" / "run.json"
    spoilt.write_text(spoilt.read_text()[:40])
    found = list_runs(tmp_path / "runs")
    assert [run.name for run in found.runs] == ["good"]
    assert list(found.unreadable) == ["spoilt"] and str(spoilt.parent) in found.unreadable["spoilt"]


def test_a_run_writes_on_in_one_call(finished: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    [one] = textmill.generate(finished, "Line", seed=3, max_new_tokens=5)
    again = textmill.generate("geese", ["Line", "The"], n=2, seed=3, max_new_tokens=5)

    assert (one.prompt, one.seed, one.n_prompt_tokens) == ("Line", 3, 4) and one.n_tokens <= 5
    assert [found.prompt for found in again] == ["Line", "Line", "The", "The"]
    assert again[0] == one
    with pytest.raises(ConfigError, match=r"did you mean 'generate\.temperature'"):
        textmill.generate(finished, "Line", temprature=0.5)
    with pytest.raises(ConfigError, match=r"generate\.top_p"):
        textmill.generate(finished, "Line", top_p=2.0)
    with pytest.raises(ConfigError, match="said by name"):
        textmill.generate(finished, ["Line"], finished.config.generate, 3)  # type: ignore[call-overload]


def test_a_model_and_ids_are_written_on_token_by_token(finished: Run) -> None:
    settings = finished.config.generate.model_copy(update={"max_new_tokens": 3})

    pieces = list(textmill.generate(finished.model(), [[76, 105]], settings, 3))

    assert pieces == list(generate(finished.model(), [[76, 105]], settings, 3))


@pytest.mark.parametrize("begun", [False, True])
def test_a_device_that_is_not_here_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    """It was once a torch message, after the text was prepared and the folder made."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = train(said(tmp_path)) if begun else None
    loaded = said(tmp_path, **{"machine.device": "cuda", "train.steps": 9})
    before = everything_below(tmp_path)
    monkeypatch.setattr("textmill.text.splits._Scan", None)  # reading the text would fail

    for work in (train, plan_run):
        with pytest.raises(ConfigError, match="there is no CUDA here; there is: "):
            work(loaded)
    if run is not None:
        run.config = loaded.config
        with pytest.raises(ConfigError, match="there is no CUDA here; there is: "):
            evaluate(run, data="nowhere.txt")
    assert everything_below(tmp_path) == before


def test_a_run_of_another_machine_is_refused_its_device_with_the_way_out(finished: Run, tmp_path: Path) -> None:
    machine = finished.config.machine.model_copy(update={"device": "mps"})
    finished.write_config(finished.config.model_copy(update={"machine": machine}))
    if torch.backends.mps.is_available():
        pytest.skip("this machine has what the test wants to be without")

    with pytest.raises(ConfigError, match="no MPS here") as refused:
        train(said(tmp_path, **{"train.steps": 9}))
    assert "--device auto" in str(refused.value)


def test_a_plan_names_what_is_decided(tmp_path: Path) -> None:
    plan = plan_run(said(tmp_path, **{"model.arch": "transformer", "model.n_heads": 2, "model.preset": "gpt2"})).plan

    assert (plan["arch"], plan["preset"], plan["size"], plan["seq_len"]) == ("transformer", "gpt2", "tiny", 16)
    assert plan["lr"] > 0 and plan["dropout"] == 0.2
    assert "preset" not in plan_run(said(tmp_path)).plan


def test_training_and_a_plan_say_that_a_model_is_too_large_for_its_text(tmp_path: Path) -> None:
    loaded = said(tmp_path, TEXT[:200], **{"model.d_model": 32, "model.seq_len": 500, "train.steps": 1})
    watcher = Watcher()
    planned = plan_run(loaded).plan["notes"]
    train(loaded, listener=watcher)

    for words in ("besides embeddings and head for", "model.seq_len (500) is longer than the text"):
        assert any(words in note for note in planned)
        assert any(words in note for note in watcher.notices)


def test_a_run_by_epochs_repeats_from_its_own_config(tmp_path: Path) -> None:
    run = train(said(tmp_path, **{"train.steps": None, "train.epochs": 1.0, "train.eval_every": 50}))
    assert run.config.train.epochs == 1.0 and run.config.train.steps
    again = run.config.model_copy(update={"run": run.config.run.model_copy(update={"name": "again"})})

    assert train(again).step == run.step
    with pytest.raises(ConfigError, match="both say how long to train"):
        train(said(tmp_path, **{"train.epochs": 1.0, "train.steps": 3, "run.name": "both"}))
