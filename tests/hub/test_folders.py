"""A Hugging Face folder is a RUN like any other, or is refused with the reason; nothing in it is executed."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch
from foreign_kit import LLAMA, D, L, T, V, model_folder, said_in

import textmill
from textmill.errors import Damaged, InputError, RunError, TextmillError
from textmill.hub import open_run
from textmill.results import Generated

pytest.importorskip("transformers", reason="it makes the folders that are read")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder, model of transformers)."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models") / "small"
    return folder, model_folder(folder)


@pytest.fixture
def folder(made, tmp_path):
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made[0], tmp_path / "small"))


def logits_of(folder: Path, ids: torch.Tensor) -> torch.Tensor:
    model = open_run(folder).model()
    return model.head.logits(model(ids)[0])


IDS = torch.arange(20)[None] * 7 % V


def test_a_folder_opens_as_a_run_with_a_complete_config(made):
    folder, reference = made
    run = open_run(folder)

    assert (run.name, run.kind, run.status, run.step) == ("small", "network", "finished", 0)
    assert (run.config.task.name, run.info["form"], run.config.model.preset) == ("lm", "decoder", "llama")
    assert (run.config.model.d_model, run.config.model.n_layers, run.config.model.seq_len) == (D, L, T)
    torch.testing.assert_close(logits_of(folder, IDS), reference(IDS).logits, atol=1e-4, rtol=0)


def test_a_model_writes_what_transformers_writes(made):
    folder, reference = made
    [written] = textmill.generate(folder, "ab", temperature=0.0, max_new_tokens=12)
    assert isinstance(written, Generated)
    begun = torch.tensor([[V - 1, *b"ab"]])

    expected = reference.generate(begun, do_sample=False, max_new_tokens=12, pad_token_id=V - 1)[0, 3:].tolist()

    mark = expected.index(V - 1) if V - 1 in expected else len(expected)
    assert written.text == bytes(expected[:mark]).decode(errors="replace")


def test_a_model_is_measured_on_a_named_text_as_transformers_counts(made, tmp_path):
    folder, reference = made
    text = tmp_path / "x.txt"
    text.write_text("Words.\n", encoding="utf-8")
    found = textmill.evaluate(open_run(folder), data=str(text))

    ids = torch.tensor([[V - 1, *text.read_bytes(), V - 1]])
    with torch.no_grad():
        expected = torch.nn.functional.cross_entropy(reference(ids[:, :-1]).logits[0], ids[0, 1:])
    assert found.metrics["loss"] == pytest.approx(float(expected), abs=1e-5)
    assert not (folder / "eval").exists()


def test_without_a_named_text_there_is_nothing_to_measure_on(made):
    with pytest.raises(RunError, match="no text of it is here") as caught:
        textmill.evaluate(open_run(made[0]))
    assert "--data" in str(caught.value)


def test_shards_and_halves_are_read_and_the_precision_is_told(made, tmp_path):
    folder, reference = made
    half = reference.to(torch.bfloat16)
    half.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    for file in folder.glob("tokenizer*"):
        shutil.copy(file, tmp_path / "shards")
    reference.to(torch.float32)
    assert len(list((tmp_path / "shards").glob("model-*.safetensors"))) > 1

    run = open_run(tmp_path / "shards")
    rounded = {name: tensor.to(torch.bfloat16).float() for name, tensor in open_run(folder).tensors.items()}

    assert run.info["origin"]["precision"] == "bfloat16, computed in float32"
    for name, tensor in run.tensors.items():
        torch.testing.assert_close(tensor, rounded[name], atol=0, rtol=0)


# --- what a folder lacks, or has too much of


def test_a_folder_without_weights_is_refused(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(RunError, match="there are no weights"):
        open_run(folder)


def test_no_such_folder_is_refused(tmp_path):
    with pytest.raises(RunError, match="no such run"):
        open_run(tmp_path / "nothing")


def test_a_truncated_file_of_weights_is_refused(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Damaged, match="not a whole safetensors file"):
        open_run(folder)


def test_a_tokenizer_of_another_vocabulary_is_refused(folder):
    from textmill.tokens import Tokenizer

    Tokenizer.train("bpe", ["the cat sat on the mat " * 200], 280, seed=0).save(folder)
    with pytest.raises(InputError, match="they belong to different models"):
        open_run(folder)


def test_an_unknown_architecture_is_refused_with_those_that_are_known(folder):
    said_in(folder, model_type="mamba", architectures=["MambaForCausalLM"])
    with pytest.raises(InputError, match="'mamba' is not supported") as caught:
        open_run(folder)
    for name in ("gpt2", "llama", "mistral", "qwen2", "qwen3", "nanochat", "bert", "roberta", "marian"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mlp_bias": True}, "'mlp_bias' is True"),
        ({"hidden_act": "quick_gelu"}, "'hidden_act' is 'quick_gelu'"),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "rope_theta": 1e4}}, "type 'yarn'"),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1]}}, "'mrope_section'"),
        ({"attention_multiplier": 0.5}, "'attention_multiplier' (0.5)"),
        ({"num_hidden_layers": "two"}, "'num_hidden_layers' is 'two'"),
        ({"num_key_value_heads": 3}, "must divide"),
        ({"quantization_config": {"bits": 4}}, "quantised weights"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "'LlamaForSequenceClassification'"),
        ({"num_hidden_layers": 10**9}, "1,000,000,000 layers"),
        ({"hidden_size": 48}, "has shape"),
        ({"num_hidden_layers": 1}, "is not a tensor of this model"),
        ({"vocab_size": 0}, "'vocab_size' is 0"),
    ],
)
def test_what_would_change_numbers_is_refused_by_name(folder, change, words):
    said_in(folder, **change)
    with pytest.raises(TextmillError) as caught:
        open_run(folder).model()
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("spoil", ["missing", "extra", "misshapen", "nan", "whole numbers"])
def test_a_tensor_that_is_not_as_it_should_be_is_named_and_nothing_is_loaded(folder, spoil):
    path = folder / "model.safetensors"
    tensors, name = safetensors.torch.load_file(path), "model.layers.1.mlp.up_proj.weight"
    match spoil:
        case "missing":
            del tensors[name]
        case "extra":
            name = "model.layers.1.mlp.side_proj.weight"
            tensors[name] = torch.zeros(2)
        case "misshapen":
            tensors[name] = tensors[name][:-1].contiguous()
        case "nan":
            tensors[name][0, 0] = float("nan")
        case "whole numbers":
            tensors[name] = tensors[name].to(torch.int8)
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(Damaged) as caught:
        open_run(folder).model()
    assert ("feed_forward.up" if spoil == "nan" else name) in str(caught.value)


def test_an_untied_head_that_should_be_tied_is_refused(folder):
    said_in(folder, tie_word_embeddings=True)
    with pytest.raises(Damaged, match=r"lm_head\.weight is not equal to model\.embed_tokens\.weight"):
        open_run(folder).model()


def test_older_folders_say_rotary_positions_otherwise_and_mean_the_same(made, folder):
    modern = open_run(folder).config.model
    said_in(folder, rope_parameters=..., rope_theta=10000.0, rope_scaling=None, torch_dtype="float32", dtype=...)
    assert open_run(folder).config.model == modern
    said_in(folder, rope_scaling={"type": "linear", "factor": 2.0})
    assert open_run(folder).config.model.rope_factor == 2.0


def test_buffers_that_are_computed_are_passed_over(folder):
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(3)
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    open_run(folder).model()


# --- nothing is executed


class Canary:
    """What would leave a file, were it read as a pickle reads."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl", "training_args.bin"])
def test_a_pickle_beside_the_weights_is_left_aside_and_named(folder, tmp_path, name):
    (folder / name).write_bytes(pickle.dumps(Canary(tmp_path / "canary")))
    run = open_run(folder)
    run.model()

    assert not (tmp_path / "canary").exists()
    assert any(name in notice for notice in run.notices)
    assert any(name in one for one in run.info["origin"]["left_aside"])


def test_a_pickle_alone_is_refused_with_the_reason(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Canary(tmp_path / "canary")))
    with pytest.raises(RunError, match="can run any program") as caught:
        open_run(folder)
    assert "pytorch_model.bin" in str(caught.value)
    assert not (tmp_path / "canary").exists()


def test_a_program_in_the_folder_is_left_aside_and_named(folder, tmp_path):
    program = f"import os; os.mkdir({str(tmp_path / 'canary')!r})"
    for name in ("modeling_evil.py", "configuration_evil.py", "__init__.py", "sitecustomize.py"):
        (folder / name).write_text(program)
    said_in(folder, auto_map={"AutoModelForCausalLM": "modeling_evil.Evil"}, trust_remote_code=True)
    run = open_run(folder)
    run.model()

    assert not (tmp_path / "canary").exists()
    assert {"modeling_evil.py", "config.json"} <= {one.partition(":")[0] for one in run.info["origin"]["left_aside"]}


def test_an_unknown_architecture_that_asks_for_its_program_is_refused_with_that_reason(folder):
    said_in(folder, model_type="evil", auto_map={"AutoModelForCausalLM": "modeling_evil.Evil"})
    with pytest.raises(InputError, match="none is executed"):
        open_run(folder)


def test_private_settings_of_other_programs_are_left_aside(folder):
    said_in(folder, _attn_implementation_internal="somebody/kernel", _commit_hash=None)
    assert any("_attn_implementation_internal" in one for one in open_run(folder).info["origin"]["left_aside"])


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "sub/x.safetensors", "..", 7, "x.bin"])
def test_an_index_that_points_out_of_the_folder_is_refused(folder, name):
    shutil.copy(folder / "model.safetensors", folder.parent / "outside.safetensors")
    (folder / "model.safetensors").rename(folder / "x.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"lm_head.weight": name}}))
    with pytest.raises(InputError, match="no safetensors file of this folder"):
        open_run(folder)


def test_a_missing_shard_is_named(folder):
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    table = dict.fromkeys(tensors, "model-00001-of-00002.safetensors") | {
        "lm_head.weight": "model-00002-of-00002.safetensors"
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    with pytest.raises(InputError, match=r"missing: model-00002-of-00002\.safetensors"):
        open_run(folder)


def test_an_index_that_says_otherwise_than_the_files_is_refused(folder):
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    table = dict.fromkeys([*tensors, "model.extra.weight"], "a.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    with pytest.raises(Damaged, match=r"model\.extra\.weight does not lie in a\.safetensors"):
        open_run(folder)


def test_a_header_of_a_hundred_gigabytes_is_refused_at_once(folder):
    (folder / "model.safetensors").write_bytes((10**11).to_bytes(8, "little") + b"{}")
    with pytest.raises(Damaged, match="not a whole safetensors file"):
        open_run(folder)


def test_a_config_of_a_gigabyte_is_not_read(folder):
    with (folder / "config.json").open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(Damaged, match="are not read"):
        open_run(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a": 1, "a": 2}', b"\xff\xfe", b"[" * 100_000])
def test_a_config_that_is_none_is_refused(folder, content):
    (folder / "config.json").write_bytes(content)
    with pytest.raises(TextmillError) as caught:
        open_run(folder)
    assert caught.value.exit_code == 2


def test_a_device_in_place_of_a_file_is_not_read(folder):
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("/dev/zero")
    with pytest.raises(Damaged, match="this is no file"):
        open_run(folder)


def test_the_licence_is_that_of_the_front_matter(folder):
    assert open_run(folder).info["origin"]["licence"] is None
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\nlicense: mine\n")
    assert open_run(folder).info["origin"]["licence"] == "apache-2.0"


def test_what_a_folder_is_is_told_whole(folder):
    info = open_run(folder).summary()
    n = sum(p.numel() for p in model_folder(folder.parent / "again").parameters())

    assert info.n_parameters["total"] == n
    assert (info.origin["family"], info.origin["architecture"], info.origin["context"]) == (
        "llama",
        "LlamaForCausalLM",
        T,
    )
    assert (info.origin["bytes_to_load"], info.origin["bytes_to_train"]) == (4 * n, 16 * n)
    assert (info.origin["safe"], info.origin["left_aside"]) == (True, [])
    assert LLAMA["hidden_size"] == D
