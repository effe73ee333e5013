"""`--teacher RUN`: what a run learns from another, that it repeats to the bit, and what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from told import Told

from textmill.config.layers import Loaded, load_config
from textmill.errors import ConfigError, Interrupted, RunError
from textmill.metrics.loss import LossSum
from textmill.models import build_model
from textmill.runs import Run
from textmill.tasks.task import Batch
from textmill.tasks.teacher import Teacher
from textmill.training import plan_run, train

BOATS = "".join(
    f"The {i % 7} boats of day {i * i % 11} came home, and {i % 5} did not. 船回家了。\n" for i in range(60)
)
SHAPES: dict[str, dict[str, Any]] = {
    "transformer": {"model.arch": "transformer", "model.n_heads": 2},
    "gru": {"model.arch": "gru"},
    "lstm": {"model.arch": "lstm"},
    "rnn": {"model.arch": "rnn"},
}


@pytest.fixture(autouse=True)
def nothing_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textmill.training.session.close", lambda *args: None)


@pytest.fixture
def said(tmp_path: Path):
    (tmp_path / "boats.txt").write_text(BOATS)
    rows = [f"{('good', 'bad')[i % 2]},The {('fine', 'poor')[i % 2]} boat {i}" for i in range(40)]
    (tmp_path / "reviews.csv").write_text("\n".join(["label,text", *rows]) + "\n")
    pairs = [f"boat {i} came home\tBoot {i} kam heim" for i in range(40)]
    (tmp_path / "pairs.tsv").write_text("en\tde\n" + "\n".join(pairs) + "\n")

    def config(name: str, arch: str = "gru", task: str = "lm", **more: Any) -> Loaded:
        path = {"classify": "reviews.csv", "translate": "pairs.tsv"}.get(task, "boats.txt")
        flags = {
            "data.paths": (str(tmp_path / path),),
            "task.name": task,
            **SHAPES[arch],
            "model.n_layers": 1,
            "model.d_model": 16,
            "model.seq_len": 32 if task == "translate" else 12,
            "data.near_duplicates": "off",
            "train.steps": 6,
            "train.batch": 3,
            "train.sample_tokens": 0,
            "machine.threads": 1,
            "machine.device": "cpu",
            "run.dir": str(tmp_path / "runs"),
            "run.name": name,
        }
        if "train.teacher" not in more:
            flags["tokens.kind"] = "char"
        return load_config(flags | more)

    return config


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.load("last").model


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("task", ["lm", "classify", "translate"])
def test_a_run_learns_from_a_teacher_of_another_architecture_and_width(said, task):
    teacher = train(said("teacher", "transformer", task, **{"model.d_model": 24, "model.n_heads": 2}))
    alone = train(said("alone", "gru", task))
    told = Told()
    taught = train(said("taught", "gru", task, **{"train.teacher": str(teacher.path)}), listener=told)
    assert taught.tokenizer.vocab_size == teacher.tokenizer.vocab_size
    assert weights(alone).keys() == weights(taught).keys() and not same(weights(alone), weights(taught))
    assert any("learns from" in line for line in told.lines)
    assert taught.info["teacher"]["sha256"] == teacher.weights_sha256(teacher.load("best"))


@pytest.mark.parametrize("batch", [3, 80])  # the teacher reads along; it reads the text once
@pytest.mark.parametrize("arch", ["transformer", "lstm"])
def test_a_taught_run_that_is_stopped_goes_on_to_the_same_bits(said, arch, batch):
    teacher = train(said("teacher", "transformer"))
    more = {"train.teacher": str(teacher.path), "train.batch": batch, "train.save_every": 2, "model.dropout": 0.2}
    unbroken = train(said("unbroken", arch, **more))
    assert unbroken.info["teacher"]["keeps"] == (batch == 80)

    with pytest.raises(Interrupted):
        train(said("stopped", arch, **more), listener=Told(stop=3))
    assert same(weights(unbroken), weights(train(said("stopped", arch, **more))))


def test_the_loss_that_is_told_is_the_models_own(said):
    """At the first step the model has not learned yet: a taught run tells the loss that it tells alone."""
    teacher = train(said("teacher", "transformer"))
    more = {"train.log_every": 1, "train.order": "stream"}
    first = [train(said("alone", **more)), train(said("taught", **more, **{"train.teacher": str(teacher.path)}))]
    losses = [next(line["train/loss"] for line in run.log.read() if line["step"] == 1) for run in first]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_a_student_that_minimises_the_gap_alone_comes_to_what_its_teacher_holds_likely(said):
    """The teacher prefers an id that never stands in the text: only from it can that be learned."""
    from textmill.tasks.lm import LanguageModelling

    config = said("x").config.model
    teacher, student = (build_model(config, 9, seed=seed).eval() for seed in (1, 2))
    with torch.no_grad():
        teacher.head.bias[4] = 5.0
    task = LanguageModelling()
    task.teacher = Teacher(teacher, share=1.0, temperature=1.0)
    ids = torch.randint(0, 3, (4, 12), generator=torch.Generator().manual_seed(0))
    batch = Batch(ids, ids.roll(-1, 1), None, ids.numel())
    optimizer = torch.optim.Adam(student.parameters(), lr=0.03)
    student.train()
    for _ in range(60):
        optimizer.zero_grad()
        loss, _ = task.loss(student, batch)
        (loss.total / loss.count).backward()
        optimizer.step()
    assert isinstance(loss, LossSum)
    likely = student.eval().log_probs(ids)[0][..., 4].exp()
    torch.testing.assert_close(likely, teacher.log_probs(ids)[0][..., 4].exp(), atol=0.1, rtol=0)
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_a_row_that_is_longer_than_the_teachers_context_is_read_in_windows_that_overlap(said):
    config = said("x", "transformer", **{"model.seq_len": 8}).config.model
    model = build_model(config, 11, seed=3).eval()
    ids = torch.randint(0, 11, (2, 20), generator=torch.Generator().manual_seed(1))
    hidden = Teacher(model, 0.5, 1.0).read(Batch(ids, ids, None, 40))
    assert hidden.shape == (2, 20, 16)
    for start, stop, first in ((0, 8, 0), (4, 12, 8), (8, 16, 12), (12, 20, 16)):
        torch.testing.assert_close(hidden[:, first:stop], model(ids[:, start:stop])[0][:, first - start :])


def test_what_is_kept_of_a_row_is_what_was_read_of_it_in_half_precision(said):
    config = said("x", "transformer").config.model
    model = build_model(config, 11, seed=3).eval()
    rows = torch.randint(0, 11, (20, 12), generator=torch.Generator().manual_seed(1))
    calls = []

    def at(numbers):
        calls.append(list(numbers))
        numbers = [number for number in numbers if number < 20]
        return Batch(rows[numbers], rows[numbers], None, 12, numbers=tuple(numbers))

    teacher = Teacher(model, 0.5, 1.0, keeps=True, rows=at)
    batch = at([17, 3, 17])
    calls.clear()
    found = teacher.of_numbered(batch)
    expected = model(rows[[17, 3, 17]])[0]
    torch.testing.assert_close(found, expected, atol=2e-2, rtol=1e-2)
    assert torch.equal(found, teacher.of_numbered(replace(batch))) and len(calls) == 2


def test_a_teacher_that_changed_is_refused_when_the_run_goes_on(said, tmp_path):
    teacher = train(said("teacher", "transformer"))
    more = {"train.teacher": str(teacher.path)}
    train(said("taught", **more))
    shutil.rmtree(teacher.path)
    train(said("teacher", "transformer", **{"run.seed": 5}))
    with pytest.raises(RunError, match="the teacher changed since this run began"):
        train(said("taught", **more, **{"train.steps": 9}))
    with pytest.raises(RunError, match=r"train\.teacher"):
        train(said("taught", **{"train.teacher": str(tmp_path / "another")}))


def test_what_cannot_teach_is_refused_by_name(said, tmp_path):
    teacher = train(said("teacher", "transformer"))
    reviews = train(said("reviews", "transformer", "classify"))
    named = {"train.teacher": str(teacher.path)}
    with pytest.raises(RunError, match="is of task lm, and cannot teach task classify"):
        train(said("x", task="classify", **named))
    with pytest.raises(ConfigError, match="another tokenizer"):
        train(said("x", **named, **{"tokens.kind": "bytes"}))
    with pytest.raises(ConfigError, match=r"model\.softmax is adaptive"):
        said("x", **named, **{"model.softmax": "adaptive"})
    with pytest.raises(ConfigError, match=r"train\.teacher_share is of --teacher"):
        said("x", **{"train.teacher_share": 0.3})
    with pytest.raises(ConfigError, match="tasks lm, translate, classify"):
        said("x", task="mask", **named)
    with pytest.raises(RunError, match="there is no such run"):
        train(said("x", **{"train.teacher": str(tmp_path / "nowhere")}))
    (tmp_path / "reviews.csv").write_text((tmp_path / "reviews.csv").read_text().replace("bad,", "poor,"))
    with pytest.raises(RunError, match="tells bad, good apart, and the texts have good, poor"):
        train(said("x", task="classify", **{"train.teacher": str(reviews.path)}))
    assert not (tmp_path / "runs" / "x" / "run.json").exists()


def test_a_dry_run_counts_what_the_teacher_costs(said):
    teacher = train(said("teacher", "transformer"))
    alone = plan_run(said("x")).plan["cost_about"]
    plan = plan_run(said("x", **{"train.teacher": str(teacher.path)})).plan
    assert plan["learns_from"] == f"step 6 of {teacher.path}"
    assert plan["cost_about"]["flops"] > alone["flops"] and plan["cost_about"]["memory_bytes"] > alone["memory_bytes"]
