"""What leaves as a Hugging Face folder is one of transformers' own models, offline and without code of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from made_runs import CLASSES, made_run

from textmill.errors import ConfigError, RunError, UsageError
from textmill.hub import open_run, stock_folder
from textmill.hub.export import export
from textmill.hub.exportable import refuse_unexportable
from textmill.hub.leaving import texts_of_proof
from textmill.runs import Run
from textmill.tables import TOKENIZERS

transformers = pytest.importorskip("transformers", reason="the reference is transformers")
STOCK = {
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "modern": "NanoChatForCausalLM",
}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.mark.parametrize("preset", STOCK)
def test_a_language_model_is_a_stock_class_that_gives_the_runs_numbers_and_words(preset: str, tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", preset=preset)
    found = export(run, "hf", tmp_path / "out")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")

    assert type(model).__name__ == found.architecture == STOCK[preset]
    ids = torch.randint(run.tokenizer.vocab_size, (3, 21), generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        theirs = model(ids).logits.log_softmax(-1)
    torch.testing.assert_close(theirs, run.model().log_probs(ids)[0], atol=1e-4, rtol=0)
    read = tokenizer("The wheel", return_tensors="pt")
    written = model.generate(**read, do_sample=False, max_new_tokens=20)[0].tolist()
    assert written == greedy(run, read["input_ids"][0].tolist(), 20)
    assert found.proof.by.keys() == {"transformers", "tokenizers"}


def greedy(run: Run, ids: list[int], n: int) -> list[int]:
    model = run.model()
    for _ in range(n):
        ids = [*ids, int(model.log_probs(torch.tensor([ids]))[0][0, -1].argmax())]
        if ids[-1] == run.tokenizer.mark:
            break
    return ids


@pytest.mark.parametrize("knobs", [{"model__n_kv_heads": "2"}, {"model__tied": "true"}])
def test_shared_heads_and_a_tied_head_leave_too(knobs: dict[str, str], tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", preset="llama", **knobs)
    export(run, "hf", tmp_path / "out")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    ids = torch.arange(12)[None]
    with torch.no_grad():
        theirs = model(ids).logits.log_softmax(-1)
    torch.testing.assert_close(theirs, run.model().log_probs(ids)[0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_every_kind_of_tokenizer_gives_the_runs_ids_in_transformers_and_the_text_back(
    kind: str, tmp_path: Path
) -> None:
    run = made_run(tmp_path / "run", preset="llama", tokens__kind=kind)
    export(run, "hf", tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    tokenizer.model_max_length = 10**9
    mark, texts = run.tokenizer.mark, texts_of_proof(200, seed=5)

    theirs = tokenizer(texts)["input_ids"]
    assert theirs == [[mark, *ids] for ids in run.tokenizer.encode_batch(texts)]
    assert [tokenizer.decode(ids, skip_special_tokens=True) for ids in theirs] == texts
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, len(tokenizer)) == (mark, mark, mark + 1)


def test_a_model_that_reads_no_begin_mark_gets_none(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", preset="gpt2", tokens__begin_mark="false")
    export(run, "hf", tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")

    assert tokenizer("Once")["input_ids"] == run.tokenizer.encode("Once")
    assert json.loads((tmp_path / "out/config.json").read_text())["bos_token_id"] is None


def test_pipelines_write_on_and_fill_in(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", preset="modern")
    export(run, "hf", tmp_path / "out")
    write = transformers.pipeline("text-generation", model=str(tmp_path / "out"))
    [found] = write("the mill", max_new_tokens=5, do_sample=False, return_full_text=True)
    ids = greedy(run, [run.tokenizer.mark, *run.tokenizer.encode("the mill")], 5)
    assert found["generated_text"] == run.tokenizer.decode(ids)


def test_hidden_words_leave_as_bert_and_its_mask_is_the_stand_in(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", preset="bert", task="mask")
    export(run, "hf", tmp_path / "out")
    fill = transformers.pipeline("fill-mask", model=str(tmp_path / "out"))

    text = "the wheel of[MASK] mill"
    before, after = (run.tokenizer.encode(part) for part in text.split("[MASK]"))
    ids = torch.tensor([[run.tokenizer.mark, *before, 0, *after]])
    place = 1 + len(before)
    masked = torch.zeros_like(ids, dtype=torch.bool)
    masked[0, place] = True
    model = run.model()
    scores = model.heads["mask"].logits(model(ids, masked=masked), model.embedding.weight)[0, place].softmax(-1)
    best = [(one["token"], one["score"]) for one in fill(text, top_k=3)]
    assert [token for token, _ in best] == scores.topk(3).indices.tolist()
    assert [score for _, score in best] == pytest.approx(scores.topk(3).values.tolist(), abs=1e-5)


def test_a_classifier_by_the_first_token_leaves_as_bert(tmp_path: Path) -> None:
    from textmill.tasks.classifying import classifier_of

    run = made_run(tmp_path / "run", preset="bert", task="classify", model__pooling="first")
    export(run, "hf", tmp_path / "out")
    classify = transformers.pipeline("text-classification", model=str(tmp_path / "out"), top_k=None)

    texts = ["the mill", "水车转动，磨坊在河边。", ""]
    wanted = classifier_of(run).probabilities(texts)
    for found, own in zip(classify(texts), wanted, strict=True):
        by_class = {one["label"]: one["score"] for one in found}
        assert [by_class[name] for name in CLASSES] == pytest.approx(own.tolist(), abs=1e-5)


def test_a_translator_leaves_as_marian(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", preset="marian", task="translate")
    found = export(run, "hf", tmp_path / "out")
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    texts = ["the mill", "水车转动，磨坊在河边。"]
    read = tokenizer(texts, return_tensors="pt", padding=True)
    mark = run.tokenizer.mark
    assert found.architecture == "MarianMTModel"
    assert [ids[ids.index(mark) - 1] for ids in read["input_ids"].tolist()] == [
        run.tokenizer.encode(text)[-1] for text in texts
    ]

    written = model.generate(**read, num_beams=1, do_sample=False, max_new_tokens=8).tolist()
    ours = run.model()
    for text, theirs in zip(texts, written, strict=True):
        state, ids = ours.begin(torch.tensor([[*run.tokenizer.encode(text), mark]])), [mark]
        for _ in range(8):
            ids.append(int(ours.log_probs(torch.tensor([ids]), None, state)[0][0, -1].argmax()))
            if ids[-1] == mark:
                break
        assert theirs[: len(ids)] == ids


REFUSED: list[tuple[dict[str, str], str, str]] = [
    ({"arch": "lstm"}, "no stock class", "--to onnx"),
    ({"preset": "classic"}, "norm_place post", "--preset gpt2, llama, qwen3 or modern"),
    ({"preset": "llama", "model__softmax": "adaptive"}, "softmax adaptive", "--preset"),
    ({"preset": "llama", "model__logit_cap": "15"}, "logit_cap 15", "--preset"),
    ({"preset": "qwen2"}, "tokenizer of qwen2", "--preset llama, qwen3"),
    ({"preset": "bert", "task": "classify"}, "pooling is attention", "--model.pooling first"),
]


@pytest.mark.parametrize(
    ("made", "reason", "instead"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_no_stock_class_can_express_is_refused_with_what_can(
    made: dict[str, str], reason: str, instead: str, tmp_path: Path
) -> None:
    run = made_run(tmp_path / "run", **made)
    with pytest.raises(ConfigError, match=reason) as caught:
        export(run, "hf", tmp_path / "out")
    assert instead in str(caught.value)
    assert not (tmp_path / "out").exists()
    wanted = run.config.train.model_copy(update={"exportable": "hf"})
    with pytest.raises(ConfigError, match=reason):
        refuse_unexportable(run.config.model_copy(update={"train": wanted}))


def test_a_folder_that_gives_other_numbers_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run(tmp_path / "run", preset="gpt2")
    right = stock_folder.theirs_of

    def spoilt(*arguments: Any) -> dict[str, torch.Tensor]:
        tensors = right(*arguments)
        tensors["transformer.h.1.mlp.c_fc.bias"] = tensors["transformer.h.1.mlp.c_fc.bias"] + 0.01
        return tensors

    monkeypatch.setattr(stock_folder, "theirs_of", spoilt)
    with pytest.raises(RunError, match="other numbers than the run"):
        export(run, "hf", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_without_transformers_our_own_reader_proves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock_folder.importlib.util, "find_spec", lambda name: None)
    run = made_run(tmp_path / "run", preset="llama")
    found = export(run, "hf", tmp_path / "out")

    assert found.proof.by.keys() == {"textmill", "tokenizers"}
    assert found.proof.max_difference == 0


ROUND_TRIPS = ["gpt2 lm", "llama lm", "qwen3 lm", "modern lm", "bert mask", "bert classify", "marian translate"]


@pytest.mark.parametrize("kind", ROUND_TRIPS)
def test_what_left_is_a_run_again_with_the_same_weights_and_ids(kind: str, tmp_path: Path) -> None:
    preset, task = kind.split()
    pooling = {"model__pooling": "first"} if task == "classify" else {}
    run = made_run(tmp_path / "run", preset=preset, task=task, **pooling)
    export(run, "hf", tmp_path / "out")
    again = open_run(tmp_path / "out")

    assert (again.config.task.name, again.config.model.preset) == (task, preset)
    theirs, ours = again.model().state_dict(), run.model().state_dict()
    assert theirs.keys() == ours.keys()
    for name, tensor in ours.items():
        assert torch.equal(theirs[name][: len(tensor)], tensor), name  # a word for hidden words stands behind all
    texts = texts_of_proof(100, seed=2, without=("[MASK]",))
    assert again.tokenizer.encode_batch(texts) == run.tokenizer.encode_batch(texts)
    assert [again.tokenizer.decode(ids) for ids in again.tokenizer.encode_batch(texts)] == texts
    assert (again.tokenizer.begin, again.tokenizer.mark) == (run.tokenizer.begin, run.tokenizer.mark)
    with pytest.raises(UsageError, match="say where"):
        export(again, "onnx")
    twice = export(again, "hf", tmp_path / "twice")
    assert twice.files["model.safetensors"] == (tmp_path / "out/model.safetensors").stat().st_size
