"""Another's model in RUN's place, typed in the shell: each verb does with it what it does with a run of ours."""

from __future__ import annotations

import io
import json
import math
import sys
from pathlib import Path

import pytest
import torch
from fakes import Shell

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))
from foreign_kit import byte_pairs, marian_folder, model_folder, said_in, word_pieces

from textmill import results

transformers = pytest.importorskip("transformers", reason="it makes the folders that are read")

LINES = ["The fine boat came home.", "鹅在五月回家了。", "Who came home? 船长。🙂"]
ENGLISH, CHINESE = "The fine boat came home.", "鹅在五月回家了。"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of random models, one of each kind."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("foreign")
    pieces = word_pieces(LINES)
    model_folder(
        folder / "judge", "BertForSequenceClassification", tokenizer=False, vocab_size=len(pieces), num_labels=3
    )
    said_in(folder / "judge", id2label={"0": "bad", "1": "good", "2": "一般"})
    model_folder(folder / "reader", "BertForQuestionAnswering", tokenizer=False, vocab_size=len(pieces))
    for name in ("judge", "reader"):
        pieces.save_pretrained(folder / name)
    pairs = byte_pairs(LINES, ("<|endoftext|>", "<|im_end|>"), eos_token="<|im_end|>")  # which begins with no mark
    model_folder(folder / "writer", tokenizer=False, vocab_size=len(pairs), bos_token_id=0, eos_token_id=1)
    pairs.save_pretrained(folder / "writer")
    model_folder(folder / "other", "GPT2LMHeadModel", eos_token_id=256)
    marian_folder(folder / "translator", LINES)
    return folder


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], place: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(place)
    return Shell(capsys)


def pipe_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))


# --- classes


def test_a_classifier_tells_each_line_the_class_that_transformers_tells(shell, place, monkeypatch) -> None:
    pipe_in(monkeypatch, "".join(f"{line}\n" for line in LINES))
    found = shell("classify", "judge", "--json").documents(results.Classified)

    pieces = transformers.AutoTokenizer.from_pretrained(place / "judge")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(place / "judge").eval()
    for line, ours in zip(LINES, found, strict=True):
        with torch.no_grad():
            expected = model(**pieces(line, return_tensors="pt")).logits.softmax(dim=-1)[0].tolist()
        assert ours["probabilities"] == pytest.approx(
            dict(zip(("bad", "good", "一般"), expected, strict=True)), abs=1e-5
        )
        assert ours["label"] == max(ours["probabilities"], key=ours["probabilities"].get)


def test_a_classifier_is_measured_on_a_labelled_table_and_a_label_that_it_has_not_is_named(shell, place) -> None:
    told = [one["label"] for one in classified(shell)]
    rows = [f"{line},{label}" for line, label in zip(LINES, [told[0], told[1], "bad"], strict=True)]
    Path("labelled.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    [found] = shell("eval", "judge", "--data", "labelled.csv", "--json").documents(results.Evaluation)
    n_right = 2 + (told[2] == "bad")
    assert found["metrics"]["accuracy"] == pytest.approx(n_right / 3)
    assert not (place / "judge" / "eval").exists()

    Path("other.csv").write_text("text,label\nThe boat,good\nThe boat,awful\n")
    said = shell("eval", "judge", "--data", "other.csv")
    assert said.code == 2 and "awful" in said.err and "bad, good, 一般" in said.err


def classified(shell: Shell) -> list[dict]:
    return [shell("classify", "judge", line, "--json").documents(results.Classified)[0] for line in LINES]


# --- answers


def test_a_reader_answers_from_documents_with_the_place_of_the_answer(shell, place) -> None:
    Path("docs").mkdir(exist_ok=True)
    (place / "docs" / "a.txt").write_text(f"{ENGLISH}\n{CHINESE}\n", encoding="utf-8")
    for question in ("Who came home?", "谁回家了？"):
        said = shell("ask", "docs", question, "--run", "reader", "--json", "--threshold", "0")
        [found] = said.documents(results.Asked)
        assert (said.code, found["found"]) == (0, True)
        whole = (place / "docs" / "a.txt").read_bytes()
        assert whole[found["byte_start"] : found["byte_end"]].decode() == found["answer"] != ""


@pytest.mark.parametrize("name", ["reader", "judge", "writer"])
def test_a_model_in_the_place_of_documents_is_told_to_be_none(shell, name) -> None:
    said = shell("ask", name, "Who came home?")
    assert said.code == 2
    assert "this is a model" in said.err and f"--run {name}" in said.err


# --- translations


@pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")
def test_a_translator_gives_each_line_the_translation_that_transformers_gives(shell, place, monkeypatch) -> None:
    pipe_in(monkeypatch, f"{ENGLISH}\n\n{CHINESE}\n")
    found = shell("translate", "translator", "--beams", "1", "--max-new-tokens", "12", "--json").documents(
        results.Translated
    )
    assert [bool(one["translation"]) for one in found][1] is False

    tokenizer = transformers.MarianTokenizer.from_pretrained(place / "translator")
    model = transformers.MarianMTModel.from_pretrained(place / "translator").eval()
    for line, ours in ((ENGLISH, found[0]), (CHINESE, found[2])):
        written = model.generate(
            **tokenizer(line, return_tensors="pt"),
            num_beams=1,
            do_sample=False,
            max_new_tokens=12,
            forced_eos_token_id=None,
        )
        assert ours["translation"].split() == tokenizer.decode(written[0], skip_special_tokens=True).split()


def test_a_translator_is_measured_on_pairs(shell) -> None:
    Path("pairs.tsv").write_text(f"{ENGLISH}\t{CHINESE}\n{LINES[2]}\t{ENGLISH}\n", encoding="utf-8")
    [found] = shell("eval", "translator", "--data", "pairs.tsv", "--json").documents(results.Evaluation)
    assert found["metrics"]["n_chars"] == len(CHINESE) + len(ENGLISH)
    assert {"bleu", "chrf", "bpb"} <= found["metrics"].keys() and "copy" in found["baselines"]


# --- writers


def test_what_a_model_without_a_begin_mark_only_reads_is_told(shell) -> None:
    [found] = shell("score", "writer", "鹅 The boat", "--json").documents(results.Scored)
    assert found["unscored"] == "鹅" and found["tokens"][0]["start"] in (0, 1)
    assert "'鹅', which it begins with, has no probability" in shell("score", "writer", "鹅 The boat").out


def test_two_models_of_other_tokens_are_compared_on_the_bytes_that_both_predict(shell) -> None:
    Path("text.jsonl").write_text("".join(json.dumps({"text": line}) + "\n" for line in LINES))
    [found] = shell("compare", "writer", "other", "--data", "text.jsonl", "--json").documents(results.Comparison)
    [alone] = shell("eval", "writer", "--data", "text.jsonl", "--json").documents(results.Evaluation)

    # tokens of `other` are bytes: not counted is the first token of `writer`, and nothing else
    pairs = transformers.AutoTokenizer.from_pretrained("writer")
    ends = [pairs(line, return_offsets_mapping=True)["offset_mapping"][0][1] for line in LINES]
    first = [len(line[:end].encode()) for line, end in zip(LINES, ends, strict=True)]
    n_bytes = sum(len(line.encode()) for line in LINES) - sum(first)
    assert [one["n_bytes"] for one in found["metrics"]] == [n_bytes] * 2
    assert found["metrics"][0]["loss"] == pytest.approx(alone["metrics"]["loss"], abs=1e-9)  # it predicts no others
    nats = 0.0
    for line in LINES:
        [scored] = shell("score", "other", line, "--json").documents(results.Scored)
        nats -= sum(token["logprob"] for token in scored["tokens"][first[LINES.index(line)] :])
    ends = found["metrics"][1]["loss"] * found["metrics"][1]["n_tokens"] - nats
    assert 0 < ends < 3 * 30 and found["metrics"][1]["n_tokens"] == n_bytes + 3  # the rest is what three ends cost
    low, high = found["differences"]["bpb"]["interval"]
    assert low <= found["differences"]["bpb"]["value"] <= high
    assert found["n_documents"] == 3
    assert any(f"{sum(first)} of" in note and "without a begin mark" in note for note in found["notes"])


def test_one_document_is_drawn_in_parts_that_are_whole_tokens_of_both(shell) -> None:
    Path("novel.txt").write_text("".join(f"{line}\n" for line in LINES * 5), encoding="utf-8")
    [found] = shell("compare", "writer", "other", "--data", "novel.txt", "--json").documents(results.Comparison)
    assert found["differences"]["bpb"]["interval"] is not None
    assert 10 < found["n_documents"] <= 64
    one, two = found["metrics"]
    assert one["n_bytes"] == two["n_bytes"] == len(Path("novel.txt").read_bytes()) - len("The")
    back = shell("compare", "other", "writer", "--data", "novel.txt", "--json").documents(results.Comparison)[0]
    assert back["differences"]["bpb"]["value"] == pytest.approx(-found["differences"]["bpb"]["value"], abs=1e-12)


def test_without_a_text_two_models_of_others_have_none(shell) -> None:
    said = shell("compare", "writer", "other")
    assert said.code == 2 and "--data PATH" in said.err


@pytest.mark.parametrize("other", ["judge", "reader"])
def test_models_that_no_number_tells_apart_are_refused_before_a_text_is_read(shell, other) -> None:
    said = shell("compare", "other", other, "--data", "not-there.txt")
    assert said.code == 2 and "one of the runs" in said.err and "not-there" not in said.err


@pytest.mark.parametrize(
    ("verb", "name", "words"),
    [
        ("generate", "judge", "classifies"),
        ("score", "translator", "translates"),
        ("chat", "reader", "answers questions"),
        ("translate", "writer", "does not translate"),
        ("classify", "translator", "does not classify"),
    ],
)
def test_a_verb_that_a_model_is_not_for_names_the_one_that_it_is_for(shell, verb, name, words) -> None:
    said = shell(verb, name, *(["x"] if verb != "chat" else []))
    assert said.code == 2 and words in said.err and "textmill" in said.err


def test_an_answer_in_a_chat_is_a_line_of_json(shell, monkeypatch) -> None:
    pipe_in(monkeypatch, "鹅在哪里？\nAnd the boat?\n")
    said = shell("chat", "other", "--max-new-tokens", "4", "--json")
    assert [one["prompt"] for one in said.documents(results.Chatted)] == ["鹅在哪里？", "And the boat?"]


def test_perplexity_of_a_text_is_that_of_its_tokens(shell) -> None:
    [found] = shell("score", "other", ENGLISH, "--json").documents(results.Scored)
    shown = shell("score", "other", ENGLISH).out
    assert f"perplexity {math.exp(-found['total_logprob'] / len(found['tokens'])):.3f}" in shown
