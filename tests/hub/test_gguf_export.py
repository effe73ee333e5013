"""What leaves as GGUF is read by transformers' own loader, and writes what the run writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from made_runs import made_run

from textmill.errors import ConfigError, RunError
from textmill.hub import gguf_writing, open_run
from textmill.hub.export import export
from textmill.hub.leaving import texts_of_proof
from textmill.tokens.kinds import QWEN2

transformers = pytest.importorskip("transformers", reason="the reference is transformers")
gguf = pytest.importorskip("gguf", reason="the format is gguf's")
KINDS = [
    {"preset": "llama"},
    {"preset": "llama", "model__n_kv_heads": "2", "model__tied": "true"},
    {"preset": "gpt2"},
    {"preset": "gpt2", "tokens__begin_mark": "false", "model__d_ff": "40"},
]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.mark.parametrize("knobs", KINDS, ids=str)
def test_transformers_reads_the_file_and_gives_the_runs_numbers_ids_and_words(
    knobs: dict[str, str], tmp_path: Path
) -> None:
    run = made_run(tmp_path / "run", model__seq_len="70", **knobs)
    found = export(run, "gguf", tmp_path / "out")
    is_gpt2 = knobs["preset"] == "gpt2"
    config = {"config": transformers.AutoConfig.from_pretrained(tmp_path / "out")} if is_gpt2 else {}
    model = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "out", gguf_file="model.gguf", dtype=torch.float32, **config
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out", gguf_file="model.gguf")
    tokenizer.model_max_length = 10**9

    ids = torch.randint(run.tokenizer.vocab_size, (2, 33), generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        theirs = model(ids).logits.log_softmax(-1)
    torch.testing.assert_close(theirs, run.model().log_probs(ids)[0], atol=1e-4, rtol=0)
    texts = texts_of_proof(300, seed=4, without=("<|endoftext|>",))
    assert tokenizer(texts, add_special_tokens=False)["input_ids"] == run.tokenizer.encode_batch(texts)
    begins = knobs.get("tokens__begin_mark") != "false"
    assert gguf.GGUFReader(tmp_path / "out/model.gguf").fields["tokenizer.ggml.add_bos_token"].contents() is begins
    assert found.proof.n_greedy == 64
    assert set(found.files) == {"README.md", "model.gguf", *(["config.json"] if is_gpt2 else [])}


def test_the_pattern_that_is_named_is_the_one_that_our_bpe_cuts_by() -> None:
    mapping = pytest.importorskip("transformers.integrations.gguf.gguf_tokenizer_mapping")

    assert mapping.GGUF_PRE_TOKENIZER_SPLITS[gguf_writing.PRE_TOKENIZER] == QWEN2


def test_tensors_bear_the_names_and_shapes_of_the_format(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", preset="llama", model__n_kv_heads="2")
    export(run, "gguf", tmp_path / "out")
    reader = gguf.GGUFReader(tmp_path / "out/model.gguf")
    shapes = {tensor.name: tensor.data.shape for tensor in reader.tensors}

    assert shapes["token_embd.weight"] == (run.tokenizer.vocab_size, 16)
    assert (shapes["blk.1.attn_q.weight"], shapes["blk.1.attn_k.weight"]) == ((16, 16), (8, 16))
    assert len(shapes) == 3 + 2 * 9
    # Llama's rows by hand: heads of four, (a0 a1 | b0 b1) -> a0 b0 a1 b1
    [query] = [tensor.data for tensor in reader.tensors if tensor.name == "blk.0.attn_q.weight"]
    ours = run.model().state_dict()["backbone.blocks.0.attention.query.weight"].numpy()
    np.testing.assert_array_equal(query[:4], ours[[0, 2, 1, 3]])


@pytest.mark.parametrize(
    ("made", "reason", "instead"),
    [
        ({"preset": "modern"}, "kind of nanochat", "--preset llama"),
        ({"arch": "gru"}, "no architecture gru", "--to onnx"),
        ({"preset": "gpt2", "model__tied": "false"}, "head has a bias", "--model.tied true"),
        ({"preset": "llama", "tokens__kind": "word"}, "tokens.kind word", "--tokens.kind bpe"),
        (
            {"preset": "llama", "model__rope_scaling": "linear", "model__rope_factor": "2"},
            "rope_scaling",
            "Leave it out",
        ),
        ({"preset": "bert", "task": "mask"}, "--task mask", "--to hf"),
    ],
    ids=str,
)
def test_what_gguf_has_no_place_for_is_refused_with_what_can_be_chosen(
    made: dict[str, str], reason: str, instead: str, tmp_path: Path
) -> None:
    run = made_run(tmp_path / "run", **made)
    with pytest.raises(ConfigError, match=reason) as caught:
        export(run, "gguf", tmp_path / "out")
    assert instead in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_rows_that_were_not_put_in_order_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_writing, "as_llama_cpp", lambda name, weight, config: np.ascontiguousarray(weight))
    run = made_run(tmp_path / "run", preset="llama")
    with pytest.raises(RunError, match="other numbers than the run"):
        export(run, "gguf", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_left_as_llama_is_a_run_again(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", preset="llama", model__n_kv_heads="2")
    export(run, "gguf", tmp_path / "out")
    again = open_run(tmp_path / "out" / "model.gguf")

    theirs, ours = again.model().state_dict(), run.model().state_dict()
    assert all(torch.equal(theirs[name], tensor) for name, tensor in ours.items())
    texts = texts_of_proof(100, seed=2)
    assert again.tokenizer.encode_batch(texts) == run.tokenizer.encode_batch(texts)
