"""`--from RUN`: what is taken of another run, what is new, what is refused; and that the run stands alone after."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from told import Told

from textmill.config.layers import Loaded, load_config
from textmill.errors import ConfigError, Damaged, InputError, Interrupted, RunError
from textmill.runs import Run
from textmill.training import plan_run, train
from textmill.training.beginning import new_model

BOATS = "".join(f"The {i % 7} boats of day {i * i % 11} came home, and {i % 5} did not.\n" for i in range(60))
SMALL = {"transformer": {"model.n_heads": 2}}


@pytest.fixture(autouse=True)
def nothing_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textmill.training.session.close", lambda *args: None)


@pytest.fixture
def said(tmp_path: Path):
    (tmp_path / "boats.txt").write_text(BOATS)
    (tmp_path / "geese.txt").write_text(BOATS.replace("boats", "geese") + "鹅回家了。\n" * 30)
    rows = [f"{('good', 'bad')[i % 2]},The {('fine', 'poor')[i % 2]} boat {i}" for i in range(60)]
    (tmp_path / "reviews.csv").write_text("\n".join(["label,text", *rows]) + "\n")

    def config(name: str, **more: Any) -> Loaded:
        start = more.get("model.start")
        shape = {"model.arch": "gru", "model.n_layers": 1, "model.d_model": 16, "model.seq_len": 12}
        flags = ({"tokens.kind": "bytes"} | shape) if start is None else {}
        flags |= {
            "data.paths": (str(tmp_path / "boats.txt"),),
            "data.near_duplicates": "off",
            "train.steps": 6,
            "train.batch": 3,
            "train.sample_tokens": 0,
            "eval.resamples": 100,
            "machine.threads": 1,
            "machine.device": "cpu",
            "run.dir": str(tmp_path / "runs"),
            "run.name": name,
        }
        flags |= more
        if str(flags.get("model.arch")) == "transformer":
            flags["model.n_heads"] = 2
        paths = {"classify": "reviews.csv"}.get(str(flags.get("task.name")))
        return load_config(flags | ({"data.paths": (str(tmp_path / paths),)} if paths else {}))

    return config


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.load("last").model


def first_weights(run: Run) -> dict[str, torch.Tensor]:
    return dict(new_model(run.config, run.prepared(), "cpu", run.start).state_dict())


@pytest.mark.parametrize("arch", ["gru", "transformer"])
def test_a_classifier_begins_with_the_words_of_a_mask_run_and_a_head_of_its_own(arch: str, said) -> None:
    base = train(said("base", **{"task.name": "mask", "model.arch": arch}))
    told = Told()
    run = train(said("run", **{"task.name": "classify", "model.start": str(base.path)}), listener=told)
    first, best = first_weights(run), base.load("best").model
    assert run.config.model.arch == arch
    assert run.config.model.d_model == 16
    for name, tensor in first.items():
        if not name.startswith("heads."):
            assert torch.equal(tensor, best[name]), name
    [line] = [line for line in told.lines if line.startswith("begins with")]
    assert "embedding (" in line and "backbone (" in line
    assert "new: head classify; left there: head mask" in line
    assert (run.path / "tokenizer.json").read_bytes() == (base.path / "tokenizer.json").read_bytes()
    assert run.info["start"]["step"] == 6
    assert run.config.model.start == str(base.path)
    # And the head is the one that it would have had without.
    alone = first_weights(train(said("alone", **{"task.name": "classify", "model.arch": arch})))
    for name, tensor in first.items():
        if name.startswith("heads."):
            assert torch.equal(tensor, alone[name]), name


def test_the_same_head_is_taken_and_another_is_not(said, tmp_path: Path) -> None:
    base = train(said("base", **{"task.name": "classify"}))
    same = train(said("same", **{"task.name": "classify", "model.start": str(base.path)}))
    assert base.config.train.bad_step == same.config.train.bad_step == "skip"  # what nobody said is decided as ever
    assert same.info["start"]["new"] == []
    best = base.load("best").model
    assert all(torch.equal(tensor, best[name]) for name, tensor in first_weights(same).items())
    text = (tmp_path / "reviews.csv").read_text().replace("bad", "awful")
    (tmp_path / "reviews.csv").write_text(text)
    other = train(said("other", **{"task.name": "classify", "model.start": str(base.path)}))
    assert other.info["start"]["new"] == ["head classify"]


@pytest.mark.parametrize("arch", ["rnn", "lstm", "gru", "transformer"])
def test_a_language_model_goes_on_on_another_text_with_all_it_had(arch: str, said, tmp_path: Path) -> None:
    base = train(said("base", **{"model.arch": arch}))
    other = {"data.paths": (str(tmp_path / "geese.txt"),), "model.start": str(base.path)}
    run = train(said("run", **other))
    best = base.load("best").model
    assert all(torch.equal(tensor, best[name]) for name, tensor in first_weights(run).items())
    assert run.info["start"]["new"] == []
    assert not torch.equal(weights(run)["embedding.weight"], best["embedding.weight"])


def test_an_encoder_begins_with_the_transformer_of_a_language_model(said) -> None:
    base = train(said("base", **{"model.arch": "transformer"}))
    run = train(said("run", **{"task.name": "mask", "model.start": str(base.path)}))
    best, first = base.load("best").model, first_weights(run)
    assert {name for name in first if not name.startswith("heads.")} == {
        name for name in best if not name.startswith("head.")
    }
    assert all(torch.equal(first[name], best[name]) for name in first if not name.startswith("heads."))
    assert run.info["start"]["left"] == ["head"]


def test_a_run_that_began_from_another_goes_on_alike_when_that_one_is_gone(said) -> None:
    base = train(said("base", **{"task.name": "mask"}))
    wanted = {"task.name": "classify", "model.start": str(base.path)}
    whole = train(said("whole", **wanted))
    for stop in (1, 4):
        with pytest.raises(Interrupted):
            train(said(f"stopped-{stop}", **wanted), listener=Told(stop))
    shutil.rmtree(base.path)
    shutil.rmtree(base.path.parent / ".data")
    for stop in (1, 4):
        again = train(said(f"stopped-{stop}", **wanted))
        assert all(torch.equal(tensor, weights(again)[name]) for name, tensor in weights(whole).items())


@pytest.mark.parametrize("arch", ["rnn", "lstm", "gru", "transformer"])
def test_a_mask_run_that_was_stopped_is_the_unbroken_one(arch: str, said) -> None:
    wanted = {"task.name": "mask", "model.arch": arch, "model.dropout": 0.2}
    whole = train(said("whole", **wanted))
    with pytest.raises(Interrupted):
        train(said("stopped", **wanted), listener=Told(4))
    again = train(said("stopped", **wanted))
    assert all(torch.equal(tensor, weights(again)[name]) for name, tensor in weights(whole).items())
    assert [line.get("train/loss") for line in again.log.read()] == [
        line.get("train/loss") for line in whole.log.read()
    ]


def test_another_beginning_is_refused_on_resume(said) -> None:
    bases = [train(said(name, **{"task.name": "mask"})) for name in ("one", "two")]
    train(said("run", **{"task.name": "classify", "model.start": str(bases[0].path)}))
    with pytest.raises(RunError, match=r"model\.start: "):
        train(said("run", **{"task.name": "classify", "model.start": str(bases[1].path)}))


def test_what_contradicts_the_other_run_is_refused_by_name_and_nothing_is_written(said, tmp_path: Path) -> None:
    base = train(said("base", **{"task.name": "mask"}))
    more = {"model.d_model": 32, "model.n_layers": 1, "tokens.kind": "char", "model.arch": "lstm"}
    with pytest.raises(ConfigError) as refused:
        train(said("run", **{"task.name": "classify", "model.start": str(base.path), **more}))
    told = str(refused.value)
    assert "model.arch: 'gru' there, 'lstm' here" in told
    assert "model.d_model: 16 there, 32 here" in told
    assert "tokens.kind: 'bytes' there, 'char' here" in told
    assert "n_layers" not in told, "what agrees may be said"
    assert not (tmp_path / "runs" / "run" / "run.json").exists()


def test_what_may_differ_is_taken_as_said(said) -> None:
    base = train(said("base", **{"task.name": "mask"}))
    free = {"model.seq_len": 20, "model.dropout": 0.05, "model.pooling": "mean", "model.token_dropout": 0.1}
    run = train(said("run", **{"task.name": "classify", "model.start": str(base.path), **free}))
    assert {f"model.{name}": getattr(run.config.model, name) for name in ("seq_len", "dropout", "pooling")} == {
        key: value for key, value in free.items() if key != "model.token_dropout"
    }


@pytest.mark.parametrize(
    ("base", "task", "told"),
    [
        ({"model.arch": "gru"}, "classify", "gru of a language model reads forwards alone"),
        ({"task.name": "mask"}, "lm", "it is of form encoder, and this task of form decoder"),
    ],
)
def test_a_run_of_which_nothing_fits_is_refused_with_the_reason(base, task: str, told: str, said) -> None:
    other = train(said("base", **base))
    with pytest.raises(RunError, match=told) as refused:
        train(said("run", **{"task.name": task, "model.start": str(other.path)}))
    assert "--task" in str(refused.value)


def test_weights_that_lack_a_tensor_or_have_one_too_many_are_refused_by_its_name(said, monkeypatch) -> None:
    base = train(said("base", **{"task.name": "mask"}))
    load = Run.load

    def spoilt(self: Run, which: Any) -> Any:
        saved = load(self, which)
        if self.path == base.path:
            saved.model["backbone.cells.extra"] = saved.model.pop("backbone.cells.weight_hh_l0")
        return saved

    monkeypatch.setattr(Run, "load", spoilt)
    with pytest.raises(Damaged) as refused:
        train(said("run", **{"task.name": "classify", "model.start": str(base.path)}))
    assert "backbone.cells.weight_hh_l0 is missing" in str(refused.value)
    assert "backbone.cells.extra is not a tensor of this model" in str(refused.value)


def test_a_run_that_is_not_there_is_named(said, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no such run"):
        train(said("run", **{"task.name": "classify", "model.start": str(tmp_path / "runs" / "none")}))


def test_the_kept_weights_are_part_of_the_run_and_a_changed_file_is_found(said) -> None:
    base = train(said("base", **{"task.name": "mask"}))
    wanted = {"task.name": "classify", "model.start": str(base.path)}
    run = train(said("run", **wanted))
    assert run.start is not None
    assert "start.safetensors" in run.info["hashes"]
    tensors = safetensors.torch.load_file(run.start)
    assert not [name for name in tensors if name.startswith("heads.")]
    safetensors.torch.save_file({name: tensor + 1 for name, tensor in tensors.items()}, run.start)
    with pytest.raises(Damaged, match="the file is not what was written"):
        train(said("run", **wanted | {"train.steps": 9}))


def test_a_plan_says_what_it_begins_with(said) -> None:
    base = train(said("base", **{"task.name": "mask"}))
    plan = plan_run(said("run", **{"task.name": "classify", "model.start": str(base.path)})).plan
    assert plan["begins_with"] == f"step 6 of {base.path}"
    assert (plan["arch"], plan["tokenizer"]) == ("gru", "bytes")


# --- --pretrain


def test_one_command_learns_hidden_words_first_and_begins_from_there(said, tmp_path: Path) -> None:
    wanted = {"task.name": "classify", "train.pretrain": (str(tmp_path / "geese.txt"),), "train.pretrain_steps": 4}
    told = Told()
    run = train(said("reviews", **wanted), listener=told)
    base = Run.open(tmp_path / "runs" / "reviews-pretrained")
    assert (base.config.task.name, base.config.train.steps, base.step) == ("mask", 4, 4)
    assert run.config.model.start == str(base.path)
    assert run.info["start"]["task"] == "mask"
    assert base.config.model.arch == run.config.model.arch == "gru"
    assert any("first reviews-pretrained: 4 steps of hidden words, then reviews" in line for line in told.lines)
    by_hand = train(said("by-hand", **{"task.name": "classify", "model.start": str(base.path)}))
    assert all(torch.equal(tensor, weights(by_hand)[name]) for name, tensor in weights(run).items())


@pytest.mark.parametrize("stop", ["first", "second"])
def test_the_same_command_goes_on_in_either_run(stop: str, said, tmp_path: Path) -> None:
    wanted = {"task.name": "classify", "train.pretrain": ("same",), "train.steps": 6, "train.pretrain_steps": 3}
    whole = train(said("whole", **wanted))
    listener = Told(2 if stop == "first" else 5)  # the first has three steps
    with pytest.raises(Interrupted):
        train(said("stopped", **wanted), listener=listener)
    assert (tmp_path / "runs" / "stopped" / "run.json").is_file() == (stop == "second")
    again = train(said("stopped", **wanted))
    assert all(torch.equal(tensor, weights(again)[name]) for name, tensor in weights(whole).items())


def test_held_out_texts_are_not_read_before_they_are_measured_on(said, tmp_path: Path) -> None:
    rows = [f"{('good', 'bad')[i % 2]},The {('fine', 'poor')[i % 2]} ship number {i * 7919}" for i in range(60)]
    (tmp_path / "reviews.csv").write_text("\n".join(["label,text", *rows]) + "\n")
    texts = [row.partition(",")[2] for row in rows]
    (tmp_path / "more.txt").write_text("\n".join([*texts, *(f"Unheard {i} of" for i in range(40))]) + "\n")
    wanted = {"task.name": "classify", "train.pretrain": (str(tmp_path / "more.txt"),), "train.pretrain_steps": 2}
    run = train(said("run", **wanted))
    base = Run.open(tmp_path / "runs" / "run-pretrained")

    def texts_of(store: Any, tokenizer: Any) -> set[str]:
        return {tokenizer.decode(store.document(n).tolist()) for n in range(store.n_documents)}

    own, theirs = run.prepared(), base.prepared()
    held_out = texts_of(own.valid, own.tokenizer) | texts_of(own.test, own.tokenizer)
    assert held_out
    read = texts_of(theirs.train, theirs.tokenizer) | texts_of(theirs.valid, theirs.tokenizer)
    assert not held_out & read
    assert texts_of(theirs.test, theirs.tokenizer) == held_out
    assert texts_of(own.train, own.tokenizer) <= read
    assert any(text.startswith("Unheard") for text in read)


def test_a_text_without_a_word_is_refused_before_anything_is_trained(said, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    wanted = {"task.name": "classify", "train.pretrain": (str(tmp_path / "empty.txt"),)}
    with pytest.raises(InputError, match="there is no text to learn hidden words from"):
        train(said("run", **wanted))
    assert not list((tmp_path / "runs").glob("*/run.json"))


def test_two_beginnings_are_refused(said) -> None:
    base = train(said("base", **{"task.name": "mask"}))
    both = {"task.name": "classify", "train.pretrain": ("same",), "model.start": str(base.path)}
    with pytest.raises(ConfigError, match="--from and --pretrain both say what to begin with"):
        train(said("run", **both))


def test_the_first_run_has_its_share_of_the_minutes_and_the_clock_of_the_second_counts_it(said) -> None:
    from textmill.training.pretraining import length_of, seconds_of
    from textmill.training.spending import START_UP_S, Stopwatch

    wanted = {"task.name": "classify", "train.pretrain": ("same",), "train.pretrain_share": 0.25, "train.minutes": 8.0}
    config = said("run", **wanted, **{"train.steps": None}).config
    assert length_of(config) == {"train.minutes": 2.0}
    watch = Stopwatch.start(lambda: 100.0, seconds_of(config))
    assert watch.elapsed_s == START_UP_S + 120.0
    assert watch.since_start_s == 0.0
    assert length_of(said("run", **{"train.steps": 7}).config) == {"train.steps": 7}
