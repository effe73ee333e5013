"""From documents without questions to a run that is asked: what is said, what is kept, and what answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from textmill.cli import main
from textmill.text.worlds import Facts

SMALL = ["--steps", "3", "--model.d_model", "16", "--data.valid_share", "0.2", "--data.test_share", "0.2"]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main([*words])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.ci
@pytest.mark.parametrize("language", ["en", "zh"])
def test_documents_become_a_run_that_says_which_answers_and_is_asked_in_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["textmill"])
    Facts(language=language, seed=4).write(20, tmp_path / "hb")
    known = [json.loads(line) for line in Path("hb/questions.jsonl").read_text(encoding="utf-8").splitlines()]

    code, _, err = run(capsys, "train", "hb/documents", "--task", "answer", "--name", "r", *SMALL)
    assert code == 0, err
    assert "documents without questions" in err and "Questions made from the documents" in err
    info = json.loads(Path("runs/r/run.json").read_text(encoding="utf-8"))
    assert set(info["asks"]) == {"weight", "threshold", "is_better"}
    assert not info["asks"]["is_better"]  # three steps teach nothing

    code, out, _ = run(capsys, "eval", "runs/r", "--json")
    found = json.loads(out)
    assert code == 0 and {"asked_right", "asked_refused", "asked_f1"} <= set(found["metrics"])
    assert {"asked_right", "asked_f1"} <= set(found["baselines"]["evidence"])
    assert "`textmill ask` answers without it" in found["verdict"]
    low, high = found["convention"]["asked_f1_minus_evidence"]
    assert low <= 0 and low <= high

    told = next(one for one in known if one["kind"] == "told")
    code, out, err = run(capsys, "ask", "runs/r", told["question"], "--json")
    assert code == 0 and told["answers"][0] in json.loads(out)["text"]
    assert "not better than what needs no training" in err
    plain = json.loads(run(capsys, "ask", "hb/documents", told["question"], "--json")[1])
    assert json.loads(out) == plain


def test_a_run_of_another_kind_has_no_documents_to_answer_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["textmill"])
    Path("geese.txt").write_text("The geese fly south in autumn. " * 60)
    assert run(capsys, "train", "geese.txt", "--steps", "1", "--model.d_model", "16", "--model.n_layers", "1")[0] == 0

    code, _, err = run(capsys, "ask", "runs/geese", "Where do geese fly?")
    assert code == 2 and "not trained on documents" in err and "--run RUN" in err


def test_an_empty_document_and_one_without_anything_to_ask_are_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("empty/a.md").write_text("")
    Path("dull").mkdir()
    for number in range(20):
        Path(f"dull/{number}.md").write_text(f"so it goes and goes {'and goes ' * number}\n")

    assert run(capsys, "train", "empty", "--task", "answer")[0] == 2
    code, _, err = run(capsys, "train", "dull", "--task", "answer")
    assert code == 2 and "nothing is told in these documents" in err and "names, numbers with units" in err
