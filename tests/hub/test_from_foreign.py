"""`--from PATH`: a run begins with another's model, and stands alone after."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from foreign_kit import byte_pairs, model_folder, said_in

import textmill
from textmill.config.layers import load_config
from textmill.errors import ConfigError, RunError
from textmill.hub import open_run
from textmill.runs import Run
from textmill.training import Quiet, train

pytest.importorskip("transformers", reason="it makes the folders that are read")


@pytest.fixture(autouse=True)
def nothing_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr("textmill.training.session.close", lambda *args: None)


@pytest.fixture
def said(tmp_path: Path):
    lines = [f"The {n % 7} boats of day {n * n % 11} came home.\n鹅在第 {n} 天回家了。\n" for n in range(60)]
    (tmp_path / "boats.txt").write_text("".join(lines), encoding="utf-8")
    rows = [f"{('good', 'bad')[n % 2]},The {('fine', 'poor')[n % 2]} boat {n}" for n in range(60)]
    (tmp_path / "reviews.csv").write_text("\n".join(["label,text", *rows]) + "\n")

    def config(start: Path, text: str = "boats.txt", **more):
        flags = {
            "data.paths": (str(tmp_path / text),),
            "data.near_duplicates": "off",
            "model.start": str(start),
            "train.steps": 2,
            "train.lr": 1e-9,
            "train.optimizer": "adamw",
            "run.dir": str(tmp_path / "runs"),
            "run.name": "tuned",
            "machine.threads": 1,
        }
        return load_config(flags | more, folder=tmp_path)

    return config


def test_a_language_model_begins_with_all_weights_and_the_tokenizer_and_its_config_is_complete(tmp_path, said):
    model_folder(tmp_path / "small")
    theirs = open_run(tmp_path / "small")
    run = train(said(tmp_path / "small", **{"model.seq_len": 32}), listener=Quiet())

    assert (run.config.model.preset, run.config.model.n_kv_heads, run.config.model.seq_len) == ("llama", 2, 32)
    start = run.model("last")
    for name, tensor in theirs.model().state_dict().items():  # a rate of 1e-9 leaves them as they were
        torch.testing.assert_close(start.state_dict()[name], tensor, atol=1e-6, rtol=0)
    shutil.rmtree(tmp_path / "small")
    again = Run.open(run.path)
    assert again.tokenizer.encode("鹅 home") == theirs.tokenizer.encode("鹅 home")
    assert len(textmill.generate(again, "The", max_new_tokens=3)) == 1


def test_a_classifier_begins_with_an_encoder_and_a_head_of_its_own(tmp_path, said):
    model_folder(tmp_path / "bert", "BertModel")
    run = train(said(tmp_path / "bert", "reviews.csv", **{"task.name": "classify"}), listener=Quiet())

    assert run.info["start"]["taken"].keys() == {"embedding", "backbone"}
    assert run.info["start"]["new"] == ["head classify"]
    assert {one.label for one in textmill.classify(run, ["The fine boat"])} <= {"good", "bad"}


def test_a_classifier_with_the_same_classes_keeps_its_head(tmp_path, said):
    model_folder(
        tmp_path / "sorted",
        "BertForSequenceClassification",
        id2label={0: "bad", 1: "good"},
        label2id={"bad": 0, "good": 1},
    )
    said_in(tmp_path / "sorted", id2label={"0": "bad", "1": "good"})
    run = train(said(tmp_path / "sorted", "reviews.csv", **{"task.name": "classify"}), listener=Quiet())

    assert run.config.model.pooling == "first"
    assert "head classify" in run.info["start"]["taken"]
    before = textmill.classify(open_run(tmp_path / "sorted"), ["The fine boat"])[0].probabilities
    after = textmill.classify(run, ["The fine boat"])[0].probabilities
    assert after == pytest.approx(before, abs=1e-5)


CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def test_conversations_are_learned_and_measured_in_the_models_own_template(tmp_path, said):
    lines = [{"prompt": f"鹅在哪里？ {n}", "completion": f"By the lake {n * 7}."} for n in range(30)]
    (tmp_path / "chats.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    pairs = byte_pairs(
        [line["prompt"] + line["completion"] for line in lines],
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        eos_token="<|im_end|>",
    )
    reference = model_folder(
        tmp_path / "chatty", tokenizer=False, vocab_size=len(pairs), bos_token_id=0, eos_token_id=2
    )
    pairs.chat_template = CHATML
    pairs.save_pretrained(tmp_path / "chatty")
    (tmp_path / "one.jsonl").write_text(json.dumps(lines[3]) + "\n")
    found = textmill.evaluate(open_run(tmp_path / "chatty"), data=str(tmp_path / "one.jsonl"))

    user, answer = {"role": "user", "content": lines[3]["prompt"]}, lines[3]["completion"]
    text = pairs.apply_chat_template([user, {"role": "assistant", "content": answer}], tokenize=False)
    ids = torch.tensor([pairs(text, add_special_tokens=False)["input_ids"]])
    n_prompt = len(pairs(text[: text.index(answer)], add_special_tokens=False)["input_ids"])
    labels = ids.clone()
    labels[:, :n_prompt] = labels[:, -1:] = -100  # the line end behind <|im_end|> is no answer
    with torch.no_grad():
        expected = reference(input_ids=ids, labels=labels).loss
    assert found.metrics["loss"] == pytest.approx(float(expected), abs=1e-5)
    assert found.metrics["n_bytes"] == len(answer.encode())

    run = train(said(tmp_path / "chatty", "chats.jsonl"), listener=Quiet())
    assert run.info["data"]["conversations"] == "template"
    assert Run.open(run.path).tokenizer.chat_template == CHATML
    opening = run.info["sample_prompt"]  # what a chat would begin with, to the token
    assert re.fullmatch(r"<\|im_start\|>user\n鹅在哪里？ \d+<\|im_end\|>\n<\|im_start\|>assistant\n", opening)
    samples = [sample.read_text() for sample in (run.path / "samples").glob("*.txt")]
    assert samples and all(sample.startswith(opening) for sample in samples)


def test_what_in_a_folder_is_left_aside_is_told_of_a_beginning_too(tmp_path, said):
    class Heard(Quiet):
        said: list[str] = []  # noqa: RUF012

        def notice(self, text: str) -> None:
            self.said.append(text)

    model_folder(tmp_path / "small")
    (tmp_path / "small" / "pytorch_model.bin").write_bytes(b"x")
    train(said(tmp_path / "small"), listener=Heard())
    assert any("pytorch_model.bin" in text and "left aside" in text for text in Heard.said)


def test_an_encoder_without_a_head_has_nothing_to_be_measured(tmp_path):
    model_folder(tmp_path / "bert", "BertModel")
    (tmp_path / "a.txt").write_text("Words.\n")
    with pytest.raises(RunError, match="no head to be measured"):
        textmill.evaluate(open_run(tmp_path / "bert"), data=str(tmp_path / "a.txt"))


def test_another_width_than_the_models_is_refused(tmp_path, said):
    model_folder(tmp_path / "small")
    with pytest.raises(ConfigError, match="d_model"):
        train(said(tmp_path / "small", **{"model.d_model": 48}), listener=Quiet())


def test_a_recurrence_of_the_same_text_begins_from_no_folder_that_is_not_there(tmp_path, said):
    with pytest.raises(RunError, match="no such run"):
        train(said(tmp_path / "nothing"), listener=Quiet())
