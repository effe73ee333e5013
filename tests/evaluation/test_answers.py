"""A run that answers questions, from file to report: what is measured, when it refuses, what it stands beside."""

from __future__ import annotations

import json

import pytest

import textmill
from textmill.config.layers import load_config
from textmill.errors import ConfigError, InputError, RunError
from textmill.evaluation.answers import chosen_refusal, difference
from textmill.evaluation.comparing import compare
from textmill.metrics.answers import AnswerScore
from textmill.runs import open_run
from textmill.runs.inspection import inspect
from textmill.tasks.answering import Refusal, reader_of
from textmill.training.session import train

PEOPLE = ("Ann", "Ben", "Cora", "Dan", "Eve", "Finn", "Gus", "Hana")


def squad_file(path, n: int, with_absent: bool = True):
    """n passages of three facts, in two languages; of each, two questions, and one about somebody else."""
    data = []
    for number in range(n):
        names = [PEOPLE[(number + step) % 8] for step in range(4)]
        years = [1500 + (37 * number + 11 * step) % 400 for step in range(3)]
        wording = ("{} built it in {}. ", "{}于{}年建成它。")[number % 2]
        context = "".join(wording.format(*told) for told in zip(names, years, strict=False))
        asked = ("When did {} build it?", "{}哪一年建成它？")[number % 2]
        qas = [
            {
                "id": f"{number}-{step}",
                "question": asked.format(names[step]),
                "answers": [{"text": str(years[step]), "answer_start": context.index(str(years[step]))}],
            }
            for step in range(2)
        ]
        if with_absent:
            qas.append({"id": f"{number}-x", "question": asked.format(names[3]), "answers": [], "is_impossible": True})
        data.append({"title": f"t{number}", "paragraphs": [{"context": context, "qas": qas}]})
    path.write_text(json.dumps({"version": "v2.0", "data": data}), "utf-8")
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")
    path = squad_file(folder / "questions.json", 40)
    said = {
        "data.paths": (str(path),),
        "data.valid_share": 0.2,
        "data.test_share": 0.2,
        "task.name": "answer",
        "model.arch": "lstm",
        "model.d_model": 16,
        "model.seq_len": 64,
        "train.steps": 4,
        "eval.resamples": 100,
        "machine.threads": 1,
        "run.dir": str(folder / "runs"),
    }
    for name, more in (("a", {}), ("b", {"run.seed": 1, "train.best_by": "f1"})):
        train(load_config({**said, **more, "run.name": name}))
    return [open_run(folder / "runs" / name) for name in ("a", "b")]


def test_a_trained_run_is_measured_beside_all_baselines_reported_and_whole(runs):
    run = runs[0]
    found = run.evaluation("test")
    assert found.metrics["n_questions"] == 24 and found.metrics["n_unanswerable"] == 8
    assert set(found.baselines) == {"no_answer", "first_sentence", "lexical_overlap", "sliding_window"}
    assert found.baselines["no_answer"]["f1"] == pytest.approx(8 / 24)
    assert found.baselines["no_answer"]["em_unanswerable"] == 1
    for score in ("em", "f1"):
        assert found.metrics[score] == pytest.approx(sum(row[score] for row in found.documents) / 24)
        low, high = found.intervals[score]
        assert low <= found.metrics[score] <= high
    assert found.metrics["loss"] == pytest.approx(
        sum(row["nats"] for row in found.documents) / sum(row["n_windows"] for row in found.documents)
    )
    assert inspect(run.path).status == "finished"
    assert not [finding for finding in inspect(run.path).findings if finding.severity == "damaged"]
    page = (run.path / "report.html").read_text("utf-8")
    assert "exact match" in page and "F1" in page
    assert textmill.evaluate(run).metrics == found.metrics


def test_other_conventions_are_measured_by_their_names(runs):
    run = open_run(runs[0].path)
    assert run.evaluation("test").convention["convention"] == "textmill"
    run.config = run.config.model_copy(update={"eval": run.config.eval.model_copy(update={"convention": "squad"})})
    assert "EM and F1 by squad" in textmill.evaluate(run).convention["signature"]


def test_when_to_refuse_is_chosen_by_f1_on_validation_and_never_without_a_question_that_teaches_it(runs, tmp_path):
    run = runs[0]
    prepared = run.prepared()
    refusal = chosen_refusal(run, prepared)
    assert refusal == Refusal.of(run) and refusal.n_questions == prepared.valid.n_documents
    reader = reader_of(run)
    asked = list(reader.task.examples(prepared.valid, reader.tokenizer))
    best = [own[0] for *_, own in reader.task.found(reader.model, asked, reader.tokenizer)]
    tried = [
        sum(
            (not one.answers) if answer.score < least else any(answer.text == text for _, text in one.answers)
            for one, answer in zip(asked, best, strict=True)
        )
        / len(asked)
        for least in [refusal.least, *(answer.score for answer in best), 1e9]
    ]
    assert tried[0] >= max(tried) - 1e-9  # a year is right or wrong: F1 and exact match are the same
    assert refusal.f1 == pytest.approx(tried[0], abs=1e-6) and refusal.f1 >= refusal.f1_without


def test_two_runs_are_compared_on_the_same_questions(runs):
    found = compare(*runs)
    assert set(found.differences) == {"em", "f1"} and found.n_documents == 24
    for score in ("em", "f1"):
        gained = found.metrics[1][score] - found.metrics[0][score]
        assert found.differences[score].value == pytest.approx(gained)


def test_a_difference_draws_passages_whole():
    """Two passages, of which one gained 1 and the other lost 1, twice each: every draw is a mean of −1, 0 or 1."""
    ours = [AnswerScore(1, 1, True, "a"), AnswerScore(1, 1, True, "a"), *[AnswerScore(0, 0, True, "b")] * 2]
    theirs = [AnswerScore(0, 0, True, "a"), AnswerScore(0, 0, True, "a"), *[AnswerScore(1, 1, True, "b")] * 2]
    assert difference(ours, theirs, (1000, 0.95, 0)) == (-1.0, 1.0)
    assert difference(ours[:2], theirs[:2], (1000, 0.95, 0)) is None


def test_what_other_tasks_have_is_refused_by_name(runs):
    with pytest.raises(RunError, match="abstaining is for runs that classify"):
        textmill.evaluate(runs[0], abstain=0.5)
    for key, value in (("task.longest_answer", 5), ("task.window_stride", 5)):
        with pytest.raises(ConfigError, match=f"{key} is of questions"):
            load_config({key: value})
    with pytest.raises(ConfigError, match="pooling"):
        load_config({"task.name": "answer", "model.pooling": "mean"})


def test_an_empty_file_and_one_without_questions_are_refused(runs, tmp_path):
    for content in ("", json.dumps({"version": "v2.0", "data": []})):
        path = tmp_path / "other.json"
        path.write_text(content)
        with pytest.raises(InputError):
            textmill.evaluate(runs[0], data=str(path))
