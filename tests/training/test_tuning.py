"""`--tune`: what a run trains of another's weights, what its checkpoints hold, and that it goes on to the bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from told import Told
from torch.testing import assert_close

from textmill.config import Config
from textmill.config.layers import Loaded, load_config
from textmill.errors import ConfigError, Damaged, Interrupted
from textmill.runs import Run
from textmill.training import plan_run, train
from textmill.training.beginning import new_model
from textmill.training.optimizers import build_optimizers
from textmill.training.verifying import verify_run

BOATS = "".join(f"The {i % 7} boats of day {i * i % 11} came home, and {i % 5} did not.\n" for i in range(60))
PAIRS = "".join(f"{i % 7} boats\t{i % 7} 条船\n" for i in range(60))
LABELS = "label,text\n" + "".join(
    f"{('good', 'bad')[i % 2]},The {('fine', 'poor')[i % 2]} boat {i}\n" for i in range(60)
)
ASKED = [
    {"context": f"The boat {i} came home on day {i % 9}.", "question": "When?", "answers": [f"day {i % 9}"]}
    for i in range(60)
]
STORIES = "".join(
    f"1 Mary went to the {room}.\n2 John took milk {i}.\n3 Where is Mary?\t{room}\t1\n"
    for i, room in enumerate(("garden", "office", "hall", "garden", "hall") * 8)
)
TEXTS = {
    "lm": ("boats.txt", BOATS + "船回家了。\n" * 20),
    "mask": ("boats.txt", BOATS + "船回家了。\n" * 20),
    "translate": ("pairs.tsv", "en\tzh\n" + PAIRS),
    "classify": ("reviews.csv", LABELS),
    "answer": ("asked.jsonl", "".join(json.dumps(one) + "\n" for one in ASKED)),
    "story": ("stories.txt", STORIES),
}
TUNES: dict[str, dict[str, Any]] = {
    "lora": {"train.tune": "lora", "train.lora_rank": 2},
    "last": {"train.tune": "last"},
    "frozen": {"train.tune": "frozen"},
}


FAST = {("transformer", "lora"), ("lstm", "lora")}


@pytest.fixture(autouse=True)
def nothing_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textmill.training.session.close", lambda *args: None)


@pytest.fixture
def said(tmp_path: Path) -> Any:
    def config(name: str, task: str = "lm", **more: Any) -> Loaded:
        file, text = TEXTS[task]
        (tmp_path / file).write_text(text, encoding="utf-8")
        shape = {"model.arch": "gru", "model.n_layers": 2, "model.d_model": 16, "model.seq_len": 32}
        if str(more.get("model.arch")) == "transformer":
            shape["model.n_heads"] = 2
        flags = {"tokens.kind": "bytes"} | shape if "model.start" not in more else {}
        flags |= {
            "data.paths": (str(tmp_path / file),),
            "data.near_duplicates": "off",
            "task.name": task,
            "train.steps": 6,
            "train.batch": 3,
            "train.sample_tokens": 0,
            "eval.resamples": 100,
            "machine.threads": 1,
            "machine.device": "cpu",
            "run.dir": str(tmp_path / "runs"),
            "run.name": name,
        }
        return load_config(flags | more)

    return config


def files_of(run: Run) -> dict[str, torch.Tensor]:
    folder = max(run.checkpoints.iterdir())
    return {
        f"{path.name}/{name}": tensor
        for path in folder.glob("*.safetensors")
        for name, tensor in safetensors.torch.load_file(path).items()
    }


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("arch", "how"),
    [
        pytest.param(arch, how, marks=[] if (arch, how) in FAST else [pytest.mark.ci])
        for arch in ("transformer", "rnn", "lstm", "gru")
        for how in TUNES
    ],
)
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(arch: str, how: str, said: Any) -> None:
    base = train(said("base", **{"model.arch": arch, "model.dropout": 0.1}))
    knobs = TUNES[how] | {"model.start": str(base.path), "train.average": 0.9, "train.layer_decay": 0.8}
    if arch == "transformer" and how == "lora":
        knobs["train.lora_dropout"] = 0.2
    whole = train(said("whole", **knobs))
    with pytest.raises(Interrupted):
        train(said("parts", **knobs), listener=Told(stop=3))
    assert Run.open(whole.path.parent / "parts").step == 3
    parts = train(said("parts", **knobs))
    assert same(files_of(whole), files_of(parts))
    assert verify_run(said("parts", **knobs)).equal


@pytest.mark.parametrize(
    ("task", "how"),
    [
        pytest.param(task, how, marks=[] if (task, how) == ("classify", "lora") else [pytest.mark.ci])
        for task in TEXTS
        for how in TUNES
    ],
)
def test_every_task_trains_what_is_named_and_opens_whole(task: str, how: str, said: Any) -> None:
    form_of_base = {"lm": "lm", "translate": "translate", "story": "story"}.get(task, "mask")
    base = train(said("base", form_of_base, **{"model.arch": "transformer", "train.lr": 0.01}))
    told = Told()
    run = train(said("run", task, **TUNES[how], **{"model.start": str(base.path)}), listener=told)

    before, after = base.weights(base.load()), run.weights(run.load("last"))
    kept = run.load("last").model
    start = safetensors.torch.load_file(run.path / "start.safetensors")
    moved = {name for name in after if name not in start or not torch.equal(after[name], start[name])}
    assert all(torch.equal(start[name], before[name]) for name in start)
    assert moved
    if how == "lora":
        assert any(".adapters." in name for name in kept)
        assert not kept.keys() & start.keys()
    else:
        assert kept.keys() >= moved
    assert kept.keys() & after.keys() < after.keys()
    assert sum(tensor.numel() for tensor in kept.values()) == run.info["start"]["n_trained"]
    [line] = [line for line in told.lines if line.startswith("begins with")]
    assert f"; --tune {how} trains {run.info['start']['n_trained']:,} of " in line
    model = run.model("last")  # whole, as any other
    assert model.state_dict().keys() == after.keys()
    assert sum(p.numel() for p in model.parameters()) == sum(tensor.numel() for tensor in after.values())


@pytest.mark.parametrize("arch", ["transformer", "lstm"])
def test_before_its_first_step_it_is_to_the_bit_the_run_it_comes_from(arch: str, said: Any) -> None:
    base = train(said("base", **{"model.arch": arch}))
    run = train(said("run", **TUNES["lora"], **{"model.start": str(base.path)}))
    ids = torch.tensor([[104, 105, 32, 228, 189, 160]])
    first = new_model(run.config, run.prepared(), "cpu", run.start).eval()
    assert torch.equal(first(ids)[0], base.model()(ids)[0])
    model = new_model(run.config, run.prepared(), "cpu", run.start).eval()
    saved = run.load("last")
    model.load_state_dict(saved.model, strict=False)
    assert_close(run.model("last")(ids)[0], model(ids)[0].detach(), rtol=0, atol=1e-6 * float(saved.step))
    assert not torch.equal(run.model("last")(ids)[0], base.model()(ids)[0])


def test_a_checkpoint_of_adapters_is_small_and_the_start_stands_beside_it_once(said: Any) -> None:
    base = train(said("base", **{"model.arch": "transformer", "model.d_model": 64}))
    run = train(said("run", **TUNES["lora"], **{"model.start": str(base.path)}))
    sizes = [sum(f.stat().st_size for f in folder.glob("*.safetensors")) for folder in run.checkpoints.iterdir()]
    assert max(sizes) < (run.path / "start.safetensors").stat().st_size / 3
    assert not list(run.checkpoints.rglob("start*"))


def test_a_start_that_is_gone_or_damaged_is_told_and_put_back_it_is_read_again(said: Any) -> None:
    base = train(said("base"))
    run = train(said("run", **TUNES["lora"], **{"model.start": str(base.path)}))
    start = run.path / "start.safetensors"
    whole = start.read_bytes()
    start.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(Damaged, match="missing, or not what was written") as raised:
        Run.open(run.path).model()
    assert raised.value.where == str(start)
    start.unlink()
    with pytest.raises(Damaged, match="missing, or not what was written"):
        Run.open(run.path).model()
    start.write_bytes(whole)
    assert Run.open(run.path).model() is not None


def test_a_run_begins_from_one_with_adapters_as_from_any_other(said: Any) -> None:
    base = train(said("base"))
    first = train(said("first", **TUNES["lora"], **{"model.start": str(base.path), "train.lr": 0.05}))
    second = train(said("second", **TUNES["last"], **{"model.start": str(first.path)}))
    start = safetensors.torch.load_file(second.path / "start.safetensors")
    whole = first.weights(first.load())
    assert start.keys() == whole.keys()
    assert all(torch.equal(start[name], whole[name]) for name in start)
    assert not torch.equal(start["backbone.cells.weight_ih_l0"], base.load().model["backbone.cells.weight_ih_l0"])


@pytest.mark.parametrize("arch", ["transformer", "gru"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon", "sgd"])
def test_each_layer_learns_at_its_share_of_the_rate(optimizer: str, arch: str, said: Any) -> None:
    """lr · decay^(L − l), worked out by hand for L = 2 and a half."""
    base = train(said("base", **{"model.arch": arch}))
    model = new_model(base.config, base.prepared(), "cpu")
    knobs = {"optimizer": optimizer, "lr": 0.08, "lr_rest": 0.08, "weight_decay": 0.1, "layer_decay": 0.5}
    optimizers = build_optimizers(model, base.config.train.model_copy(update=knobs))
    rates = {
        name: group["peak_lr"] for one in optimizers for group in one.param_groups for name in group["param_names"]
    }
    assert rates.keys() == {name for name, _ in model.named_parameters()}
    for name, rate in rates.items():
        expected = 0.02 if "embedding" in name else 0.04 if "blocks.0." in name or "_l0" in name else 0.08
        assert rate == pytest.approx(expected), name
    assert optimizers[0].param_groups[0]["peak_lr"] == pytest.approx(0.08)  # what the log tells


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        ({"train.tune": "lora"}, "train.tune is lora, and there is no run to begin from: add --from RUN"),
        ({"train.lora_rank": 4}, "train.lora_rank is of --tune lora, and train.tune is full"),
        ({"train.tune_layers": 2}, "train.tune_layers is of --tune last, and train.tune is full"),
    ],
)
def test_tuning_that_makes_no_sense_is_refused_before_any_work(knobs: dict[str, Any], told: str, said: Any) -> None:
    with pytest.raises(ConfigError) as raised:
        said("run", **knobs)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        ({"train.tune": "lora", "train.lora_targets": ("quary",)}, "train.lora_targets names 'quary'"),
        ({"train.tune": "lora", "train.lora_rank": 17}, "train.lora_rank is 17, and"),
        ({"train.tune": "last", "train.tune_layers": 9}, "train.tune_layers is 9, and the model has 2"),
    ],
)
def test_tuning_that_a_model_cannot_is_refused_and_nothing_is_written(
    knobs: dict[str, Any], told: str, said: Any, tmp_path: Path
) -> None:
    base = train(said("base"))
    with pytest.raises(ConfigError, match=told):
        train(said("run", **knobs, **{"model.start": str(base.path)}))
    assert {path.name for path in (tmp_path / "runs" / "run").glob("*")} <= {"lock"}


def test_other_adapters_are_refused_when_it_goes_on(said: Any) -> None:
    base = train(said("base"))
    start = {"model.start": str(base.path)}
    train(said("run", **TUNES["lora"], **start))
    with pytest.raises(Exception, match=r"train.lora_rank: 2 -> 3"):
        train(said("run", **TUNES["lora"] | {"train.lora_rank": 3, "train.steps": 8}, **start))


def test_a_plan_tells_of_less_memory_and_disk(said: Any) -> None:
    base = train(said("base", **{"model.arch": "transformer", "model.d_model": 64}))
    plans = {
        how: plan_run(said(f"run-{how}", **TUNES.get(how, {}), **{"model.start": str(base.path)})).plan["cost_about"]
        for how in ("full", "lora", "frozen")
    }
    assert plans["lora"]["disk_bytes"] < plans["full"]["disk_bytes"] / 2
    assert plans["lora"]["memory_bytes"] < plans["full"]["memory_bytes"]
    assert plans["frozen"]["flops"] < plans["lora"]["flops"] < plans["full"]["flops"]


def test_a_pretrained_run_may_be_tuned_too(said: Any, tmp_path: Path) -> None:
    run = train(said("run", "classify", **TUNES["lora"], **{"train.pretrain": ("same",), "train.pretrain_steps": 4}))
    assert isinstance(run.config, Config)
    assert run.config.train.tune == "lora"
    assert Run.open(tmp_path / "runs" / "run-pretrained").config.train.tune == "full"
