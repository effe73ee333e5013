"""A GGUF file is a RUN: what it computes is what the model does that it was made of, and its tokenizer cuts alike."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from textmill.errors import Damaged, InputError, TextmillError
from textmill.hub import open_run
from textmill.hub.gguf_file import GgufFile

gguf = pytest.importorskip("gguf", reason="it writes the files that are read")
transformers = pytest.importorskip("transformers", reason="the reference is its LlamaForCausalLM")
from tokenizers import Tokenizer as Library  # noqa: E402
from tokenizers import decoders, models, pre_tokenizers, trainers  # noqa: E402

D, H, KV, F, L, T = 64, 4, 2, 96, 2, 48
WORDS = ["the", "cat", "sat", "on", "12", "mats,", "and", "isn't", "345", "dogs\nnor", "猫坐在垫子上。", "🙂", ""]
CORPUS = [" ".join(WORDS[n % 11 :] + WORDS[: n % 7]) for n in range(300)]


def trained() -> Library:
    library = Library(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=alphabet, special_tokens=["<|endoftext|>", "<|im_start|>"], show_progress=False
    )
    library.train_from_iterator(CORPUS, trainer)
    return library


def permuted(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """As llama.cpp's convert_hf_to_gguf.py writes queries and keys (LlamaModel.permute)."""
    return (
        weight.reshape(n_heads, 2, weight.shape[0] // n_heads // 2, *weight.shape[1:])
        .swapaxes(1, 2)
        .reshape(weight.shape)
    )


NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.up_proj": "ffn_up",
    "mlp.gate_proj": "ffn_gate",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def their_name(name: str) -> str:
    for theirs, short in NAMES.items():
        name = name.replace(theirs, short)
    return name.replace("model.layers.", "blk.")


def written(path: Path, quantised: str | None = None, **changes) -> tuple[object, Library]:
    """A file of a random Llama model, and that model with the weights that the file has (rounded, where quantised)."""
    torch.manual_seed(4)
    library = trained()
    n = library.get_vocab_size()
    reference = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=n, hidden_size=D, intermediate_size=F, num_hidden_layers=L, num_attention_heads=H,
            num_key_value_heads=KV, max_position_embeddings=T, rms_norm_eps=1e-5, rope_theta=5000.0,
        )
    ).eval()  # fmt: skip
    writer = gguf.GGUFWriter(path, changes.pop("arch", "llama"))
    writer.add_block_count(L)
    writer.add_context_length(T)
    writer.add_embedding_length(D)
    writer.add_feed_forward_length(F)
    writer.add_head_count(H)
    writer.add_head_count_kv(KV)
    writer.add_rope_freq_base(reference.config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(D // H)
    writer.add_tokenizer_model(changes.pop("kind", "gpt2"))
    writer.add_tokenizer_pre(changes.pop("pre", "gpt-2"))
    words = [library.id_to_token(number) for number in range(n)]
    writer.add_token_list(words)
    writer.add_token_types([3 if word.startswith("<|") else 1 for word in words])
    merges = Library.to_str(library)
    import json

    writer.add_token_merges([" ".join(pair) for pair in json.loads(merges)["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(True)
    for key, value in changes.items():
        writer.add_string(key, value) if isinstance(value, str) else writer.add_uint32(key, value)
    with torch.no_grad():
        for name, parameter in reference.named_parameters():
            parameter.normal_(std=0.25)
            numbers = parameter.numpy()
            if quantised and numbers.ndim == 2:
                kind = gguf.GGMLQuantizationType[quantised]
                parameter.copy_(torch.from_numpy(gguf.dequantize(gguf.quantize(numbers, kind), kind)))
                numbers = parameter.numpy()
            for part, heads in (("q_proj", H), ("k_proj", KV)):
                numbers = permuted(numbers, heads) if part in name else numbers
            if quantised and numbers.ndim == 2:
                writer.add_tensor(their_name(name), gguf.quantize(numbers, kind), raw_dtype=kind)
            else:
                writer.add_tensor(their_name(name), numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return reference, library


@pytest.mark.parametrize("quantised", [None, "F16", "Q8_0", "Q4_0"])
def test_the_logits_are_those_of_the_model_that_the_file_was_made_of(tmp_path, quantised):
    torch.set_num_threads(1)
    reference, _ = written(tmp_path / "small.gguf", quantised)
    run = open_run(tmp_path / "small.gguf")
    model, ids = run.model(), torch.arange(30)[None] * 11 % 300

    with torch.no_grad():
        expected = reference(ids).logits
        assert expected.std() > 0.1
        torch.testing.assert_close(model.head.logits(model(ids)[0]), expected, atol=2e-4, rtol=0)
    assert (quantised or "F32") in run.info["origin"]["precision"]


def test_ids_are_those_of_the_tokenizer_that_the_file_was_made_of(tmp_path):
    _, library = written(tmp_path / "small.gguf")
    tokenizer = open_run(tmp_path / "small.gguf").tokenizer

    for text in [*CORPUS[:20], "猫", "🙂🙂", " two  blanks", "tab\tend\n\n", ""]:
        assert tokenizer.encode(text) == library.encode(text, add_special_tokens=False).ids
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert (tokenizer.begin, tokenizer.mark) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arch": "falcon"}, "architecture 'falcon' is not supported"),
        ({"pre": "dbrx"}, "'tokenizer.ggml.pre' is 'dbrx'"),
        ({"kind": "bert"}, "a tokenizer of kind 'bert'"),
        ({"llama.expert_count": 8}, "'llama.expert_count'"),
        ({"llama.attention.sliding_window": 8}, "'llama.attention.sliding_window'"),
        ({"llama.rope.scaling.type": "yarn"}, "type 'yarn'"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(tmp_path, changes, words):
    written(tmp_path / "small.gguf", **changes)
    with pytest.raises(InputError) as caught:
        open_run(tmp_path / "small.gguf")
    assert words in str(caught.value)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.4, 0.7, 0.999])
def test_a_file_that_is_cut_off_is_refused(tmp_path, share):
    path = tmp_path / "small.gguf"
    written(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(TextmillError) as caught:
        open_run(path).model()
    assert isinstance(caught.value, Damaged)


@pytest.mark.parametrize("quantised", [None, "F16", "Q4_0"])
def test_facts_and_numbers_are_those_that_the_reader_of_the_package_reads(tmp_path, quantised):
    path = tmp_path / "small.gguf"
    written(path, quantised, **{"general.name": "a 猫"})
    theirs, ours = gguf.GGUFReader(path), GgufFile(path)
    facts = {key: field.contents() for key, field in theirs.fields.items() if not key.startswith("GGUF.")}
    assert ours.facts == facts and facts["general.name"] == "a 猫"
    assert ours.tensors.keys() == {tensor.name for tensor in theirs.tensors}
    for tensor in theirs.tensors:
        own = ours.tensors[tensor.name]
        assert own.shape == tuple(int(n) for n in reversed(tensor.shape))
        np.testing.assert_array_equal(own.in_float32(), gguf.dequantize(tensor.data, tensor.tensor_type))


def test_a_file_with_other_bytes_at_its_beginning_is_read_or_refused_and_is_no_bug_of_ours(tmp_path):
    path = tmp_path / "small.gguf"
    written(path)
    content, draws = path.read_bytes(), np.random.default_rng(5)
    n_refused = 0
    for _ in range(300):
        spoiled = bytearray(content)
        for place in draws.integers(4, 2000, size=3):
            spoiled[place] = draws.integers(256)
        path.write_bytes(spoiled)
        try:
            GgufFile(path)
        except (Damaged, InputError):
            n_refused += 1
    assert n_refused > 100


def test_a_file_that_is_no_gguf_is_refused(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"words")
    with pytest.raises(Damaged, match="no GGUF file"):
        open_run(tmp_path / "x.gguf")


def test_a_folder_with_nothing_but_a_gguf_file_names_it(tmp_path):
    written(tmp_path / "small.gguf")
    shutil.copy(tmp_path / "small.gguf", tmp_path / "other.gguf")
    with pytest.raises(TextmillError) as caught:
        open_run(tmp_path)
    assert "other.gguf" in str(caught.value)
