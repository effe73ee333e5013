"""Labelled texts in, a classifier out: look, train, eval and classify as a person types them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema
import pytest

from forked import textmill
from textmill import results
from textmill.text.worlds import Sentiment

pytestmark = pytest.mark.ci

TINY = [
    *("--model.d_model", "16", "--model.n_layers", "1", "--model.seq_len", "64", "--train.batch", "8"),
    *("--eval.resamples", "100", "--steps", "6"),
]


def write_reviews(path: Path, world: Sentiment, numbers: range) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["label", "review"])
        rows.writerows([review.label, review.text] for review in map(world.item, numbers))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classify")
    world = Sentiment(seed=3, language="zh", n_labels=3)
    write_reviews(folder / "reviews.csv", world, range(1400))
    write_reviews(folder / "more.csv", world, range(2000, 2060))
    done = textmill(folder, "train", "reviews.csv", "--task", "classify", "--arch", "gru", "--name", "made", *TINY)
    assert done.returncode == 0, done.stderr.decode()
    return folder


def test_training_measures_what_answers_beside_its_floor(place: Path) -> None:
    run = json.loads((place / "runs/made/run.json").read_text())
    assert (run["form"], run["finished"]) == ("encoder", True)
    assert run["heads"]["classify"]["classes"] == ["中性", "正面", "负面"]  # by code point
    assert 0 <= run["offer"]["weight"] <= 1 and run["offer"]["n_texts"] > 0
    for file in run["data"]["files"]:
        assert sum(file["ledger"].values()) == file["bytes"] == (place / file["path"]).stat().st_size
    measured = json.loads((place / "runs/made/eval/test.json").read_text())
    assert set(measured["baselines"]) >= {"tfidf", "majority"}
    assert measured["baselines"]["tfidf"]["accuracy"] > measured["baselines"]["majority"]["accuracy"]
    low, high = measured["intervals"]["accuracy"]
    assert low <= measured["metrics"]["accuracy"] <= high
    assert {f"f1_class.{name}" for name in ("中性", "正面", "负面")} < set(measured["metrics"])
    right = [row["label"] == row["output"] for row in measured["documents"]]
    assert measured["metrics"]["accuracy"] == pytest.approx(sum(right) / len(right))
    assert "\n→ " in (place / "runs/made/samples/final-1.txt").read_text(encoding="utf-8")
    again = textmill(place, "train", "reviews.csv", "--task", "classify", "--name", "made")
    assert again.returncode == 0 and b"nothing to do" in again.stderr


def test_a_line_in_a_line_out(place: Path) -> None:
    lines = "房间很好。\n\n房间很差。\n".encode()
    done = textmill(place, "classify", "runs/made", stdin=lines)
    assert done.returncode == 0, done.stderr.decode()
    first, empty, last, end = done.stdout.decode().split("\n")
    assert (empty, end) == ("", "")
    assert {first.split("\t")[0], last.split("\t")[0]} <= {"中性", "正面", "负面"}
    found = [
        json.loads(line) for line in textmill(place, "classify", "runs/made", "--json", stdin=lines).stdout.splitlines()
    ]
    for one in found:
        jsonschema.validate(one, results.Classified.model_json_schema(by_alias=True))
    assert [one["label"] for one in found] == [first.split("\t")[0], "", last.split("\t")[0]]
    assert sum(found[0]["probabilities"].values()) == pytest.approx(1)
    alone = json.loads(textmill(place, "classify", "runs/made", "房间很差。", "--json").stdout)
    assert alone["probabilities"] == pytest.approx(found[2]["probabilities"], abs=1e-5)
    unsure = textmill(place, "classify", "runs/made", "--abstain", "1", stdin=lines)
    assert unsure.stdout.decode().startswith("\t") and b"none is sure enough: 2" in unsure.stderr


def test_a_text_unlike_those_of_training_is_answered_and_flagged(place: Path) -> None:
    domain = json.loads((place / "runs/made/floor/domain.json").read_text())
    assert domain["languages"] == ["zh"] and domain["n_texts"] > 20
    lines = "房间很好。\nThe ship sailed before the sun came up.\n\nこれはとても良い部屋でした。\n".encode()
    done = textmill(place, "classify", "runs/made", stdin=lines)
    own, english, empty, _, _ = done.stdout.decode().split("\n")
    assert len(own.split("\t")) == 2 and empty == ""
    label, _, flags = english.split("\t")
    assert label in ("中性", "正面", "负面") and "language" in flags.split(",")
    assert b"texts unlike those of training: 2 of 3 (language 2, " in done.stderr
    found = [
        json.loads(line) for line in textmill(place, "classify", "runs/made", "--json", stdin=lines).stdout.splitlines()
    ]
    assert [bool(one["flags"]) for one in found] == [False, True, False, True]
    for one in found:
        jsonschema.validate(one, results.Classified.model_json_schema(by_alias=True))
    left = textmill(place, "classify", "runs/made", "--abstain-flagged", stdin=lines)
    assert [line.split("\t")[0] == "" for line in left.stdout.decode().split("\n")] == [False, True, True, True, True]
    assert b"They have no answer" in left.stderr and b"none is sure enough" not in left.stderr
    floor = textmill(place, "classify", "runs/made/floor", stdin=lines)
    assert floor.stdout.decode().split("\n")[1].endswith(flags)  # the floor knows the same


def test_an_older_run_classifies_and_says_that_it_flags_nothing(place: Path) -> None:
    (place / "runs/made/floor/domain.json").rename(place / "kept.json")
    try:
        done = textmill(place, "classify", "runs/made", "The ship sailed before the sun came up.")
        refused = textmill(place, "classify", "runs/made", "--abstain-flagged", "The ship sailed.")
        measured = textmill(place, "eval", "runs/made", "--data", "more.csv", "--json")
    finally:
        (place / "kept.json").rename(place / "runs/made/floor/domain.json")
    assert done.returncode == 0 and len(done.stdout.decode().split("\t")) == 2
    assert b"does not know which texts are unlike its own" in done.stderr
    assert refused.returncode == 2 and refused.stdout == b"" and b"Leave --abstain-flagged out" in refused.stderr
    assert json.loads(measured.stdout)["classes"]["flagged"] is None


def test_eval_says_what_is_taken_for_what_and_what_not_answering_would_do(place: Path) -> None:
    done = textmill(place, "eval", "runs/made", "--abstain", "0.7", "--json")
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    jsonschema.validate(found, results.Evaluation.model_json_schema(by_alias=True))
    classes, rows = found["classes"], found["documents"]
    assert classes["names"] == ["中性", "正面", "负面"]
    for label, counts in zip(classes["names"], classes["confusion"], strict=True):
        given = [row["output"] for row in rows if row["label"] == label]
        assert counts == [given.count(name) for name in classes["names"]]
    answered = [row for row in rows if row["probability"] >= 0.7]
    asked = next(row for row in classes["abstaining"] if row["threshold"] == classes["asked"] == 0.7)
    assert asked["n_answered"] == len(answered)
    assert asked["n_wrong"] == sum(row["label"] != row["output"] for row in answered)
    text = textmill(place, "eval", "runs/made", "--abstain", "0.7").stdout.decode()
    assert "true class \\ told as" in text and "answering from 0.7 on" in text
    assert textmill(place, "report", "runs/made", "--lang", "en").returncode == 0
    page = (place / "runs/made/report.html").read_text(encoding="utf-8")
    assert "The dot is --abstain 0.7" in page and "Class by class" in page
    card = (place / "runs/made/README.md").read_text(encoding="utf-8")
    assert "| `--abstain` |" in card
    assert textmill(place, "eval", "runs/made", "--abstain", "7").returncode == 2


def test_a_bad_line_keeps_its_place(place: Path) -> None:
    done = textmill(place, "classify", "runs/made", stdin=b"a\n\xff\xfe\nb\n")
    assert done.returncode == 1 and b"line 2 is no UTF-8" in done.stderr
    assert done.stdout.count(b"\n") == 3 and done.stdout.split(b"\n")[1] == b""
    nothing = textmill(place, "classify", "runs/made")
    assert nothing.returncode == 2 and b"there is no line to classify" in nothing.stderr


def test_opinion_of_aspects_stands_beside_the_class(place: Path) -> None:
    lines = "房间很好，但是前台很差。房间很大。\n\n我们走了。\nThe wifi was bad.\n".encode()
    wanted = ("--aspects", "房间,service", "--aspects", "网络=wifi,网")
    done = textmill(place, "classify", "runs/made", *wanted, stdin=lines)
    assert done.returncode == 0, done.stderr.decode()
    assert "of 4: 房间 1, service 1, 网络 1" in done.stderr.decode()
    first, empty, third, fourth, _ = done.stdout.decode().split("\n")
    _, _, room, service, network, *_ = first.split("\t")
    assert room.startswith("房间: ") and room.endswith(('"房间很好"', '"房间很大。"'))
    assert service.endswith(' "但是前台很差。"') and network == "网络: not named"
    assert empty == "" and third.split("\t")[2:5] == ["房间: not named", "service: not named", "网络: not named"]
    assert fourth.split("\t")[4].endswith(' "The wifi was bad."')

    shown = textmill(place, "classify", "runs/made", *wanted, "--json", stdin=lines).stdout.splitlines()
    found = [json.loads(line) for line in shown]
    for one in found:
        jsonschema.validate(one, results.Classified.model_json_schema(by_alias=True))
    assert found[1]["aspects"] == found[2]["aspects"] == {"房间": None, "service": None, "网络": None}
    opinion = found[0]["aspects"]["房间"]
    for place_of in (opinion, *opinion["sentences"]):
        assert lines.decode()[place_of["start"] : place_of["end"]] == place_of["sentence"]
    parts = [one["probabilities"] for one in opinion["sentences"]]
    assert [one["sentence"] for one in opinion["sentences"]] == ["房间很好", "房间很大。"]
    assert opinion["probabilities"] == pytest.approx({name: sum(p[name] for p in parts) / 2 for name in parts[0]})
    alone = json.loads(textmill(place, "classify", "runs/made", "房间很大。", "--json").stdout)
    assert parts[1] == pytest.approx(alone["probabilities"], abs=1e-5)  # a sentence is read as a text of its own
    one_line = textmill(place, "classify", "runs/made", *wanted, "--json", stdin=lines.splitlines(True)[3])
    assert json.loads(one_line.stdout)["aspects"]["网络"]["probabilities"] == pytest.approx(
        found[3]["aspects"]["网络"]["probabilities"], abs=1e-5
    )
    unsure = textmill(place, "classify", "runs/made", *wanted, "--abstain", "1", stdin=lines)
    assert "\t房间: - 0." in unsure.stdout.decode()


def test_an_aspect_without_terms_is_told_and_a_misspelt_one_refused(place: Path) -> None:
    told = textmill(place, "classify", "runs/made", "--aspects", "wifi", "The wifi was bad.")
    assert told.returncode == 0 and b"only the word itself is looked for" in told.stderr
    for said, why in (
        ("servise", "did you mean 'service'?"),
        ("wifi=", "is no aspect with its terms"),
        (" ", "no aspect"),
    ):
        done = textmill(place, "classify", "runs/made", "--aspects", said, "x")
        assert done.returncode == 2 and why in done.stderr.decode(), done.stderr.decode()


def test_the_floor_is_a_run_and_comes_back_where_it_is_lost(place: Path) -> None:
    done = textmill(place, "classify", "runs/made/floor", "房间很好。", "--json")
    assert done.returncode == 0, done.stderr.decode()
    measured = textmill(place, "eval", "runs/made/floor", "--data", "more.csv", "--json")
    assert measured.returncode == 0, measured.stderr.decode()
    before = json.loads(textmill(place, "eval", "runs/made", "--data", "more.csv", "--json").stdout)
    assert before["baselines"].get("tfidf", before["metrics"]) == pytest.approx(json.loads(measured.stdout)["metrics"])
    (place / "runs/made/floor").rename(place / "kept")
    try:
        after = json.loads(textmill(place, "eval", "runs/made", "--data", "more.csv", "--json").stdout)
    finally:
        (place / "kept").rename(place / "runs/made/floor")
    assert after["metrics"] == before["metrics"]
    whole = textmill(place, "doctor", "runs/made")
    assert whole.returncode == 0 and b"every file is what was written" in whole.stdout


def test_the_report_and_the_card_speak_of_accuracy(place: Path) -> None:
    for lang, words in (("en", "Accuracy, best first"), ("zh", "准确率，从好到差")):
        done = textmill(place, "report", "runs/made", "--lang", lang)
        assert done.returncode == 0, done.stderr.decode()
        page = (place / "runs/made/report.html").read_text(encoding="utf-8")
        assert words in page and "best first" not in page.replace(words, "")
    card = (place / "runs/made/README.md").read_text(encoding="utf-8")
    assert "text-classification" in card and "textmill classify" in card


def test_a_gate_says_no_where_the_floor_does_better(place: Path) -> None:
    found = textmill(place, "eval", "runs/made", "--data", "more.csv", "--fail-under", "floor", "--json")
    measured = json.loads(found.stdout)
    floors = [
        measured["baselines"][name]["accuracy"] for name in ("tfidf", "majority") if name in measured["baselines"]
    ]
    assert found.returncode == (1 if max(floors) > measured["metrics"]["accuracy"] else 0)


def test_bad_input_is_one_clear_line(place: Path) -> None:
    (place / "unknown.csv").write_text("text,label\n还可以,混合\n", encoding="utf-8")
    (place / "one.csv").write_text("text,label\n" + "".join(f"房间 {n},好\n" for n in range(50)), encoding="utf-8")
    refused = {
        ("eval", "runs/made", "--data", "unknown.csv"): "no training text has the label '混合'",
        ("train", "one.csv", "--task", "classify", *TINY): "all texts to train on have one label, '好'",
        ("train", "reviews.csv", "--task", "classify", "--data.label", "lable", *TINY): "lable",
        ("translate", "runs/made", "x"): "this run does not translate",
        ("generate", "runs/made", "x"): "this run classifies: it writes nothing",
        ("train", "reviews.csv", "--balanced", *TINY): "task.balanced is of classes",
    }
    for arguments, said in refused.items():
        done = textmill(place, *arguments)
        assert done.returncode == 2, (arguments, done.stderr.decode())
        assert said in done.stderr.decode()
        assert b"Traceback" not in done.stderr
    assert not (place / "runs/one").exists()


def test_from_python(place: Path) -> None:
    import textmill as house

    found = house.classify(place / "runs/made", ["房间很好。", ""])
    assert [one.label for one in found][1] == "" and found[0].labels == [found[0].label]
    said = house.classify(place / "runs/made", ["房间很好。", ""], aspects=["房间", "网=网"])
    assert [list(one.aspects) for one in said] == [["房间", "网"]] * 2
    assert said[0].aspects["房间"].sentence == "房间很好。" and said[0].aspects["网"] is None


def test_a_stopped_run_goes_on_to_the_same_bits(place: Path) -> None:
    said = ("train", "reviews.csv", "--task", "classify", "--arch", "transformer", *TINY[:-2], "--model.n_heads", "4")
    whole = textmill(place, *said, "--steps", "6", "--name", "whole", "--train.schedule", "constant")
    assert whole.returncode == 0, whole.stderr.decode()
    for steps in ("3", "6"):
        done = textmill(place, *said, "--steps", steps, "--name", "parts", "--train.schedule", "constant")
        assert done.returncode == 0, done.stderr.decode()
    files = [place / f"runs/{name}/checkpoints/step-00000006/model.safetensors" for name in ("whole", "parts")]
    assert files[0].read_bytes() == files[1].read_bytes()
