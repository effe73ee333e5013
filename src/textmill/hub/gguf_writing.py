"""A run -> model.gguf, one file for llama.cpp and its kin: `export --to gguf`. Room: hub/.

The Llama and GPT-2 kinds with our byte-level BPE, in float32, by the gguf package's writer. Names of tensors are those
of its own table; what llama.cpp turns is turned: the rows of Llama's queries and keys, and GPT-2's matrices. Read back
by transformers' GGUF loader, which turns them again. Format: github.com/ggml-org/ggml, docs/gguf.md.
Shapes: H heads, E width of a head, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textmill.config import Config
from textmill.config.model import TransformerConfig
from textmill.errors import ConfigError
from textmill.files import read_json, write_json
from textmill.hub.families import family_of, their_config_of, theirs_of
from textmill.hub.leaving import (
    EXPORTING,
    Leaving,
    Written,
    equal_greedily,
    equal_texts,
    needs,
    refuse_difference,
    versions,
)
from textmill.hub.stock_folder import compared, ids_said, proof_of, quiet_transformers, scores_there, stock_family
from textmill.hub.tokenizer_file import words_of, write_tokenizer
from textmill.results import Proof

FILE = "model.gguf"
KINDS = ("llama", "gpt2")
PRE_TOKENIZER = "qwen2"
"""The name under which llama.cpp knows the pattern that our bpe cuts texts by (tokens/kinds.py, QWEN2)."""
NORMAL, CONTROL = 1, 3
"""Types of tokens in GGUF."""
INSTEAD = "Train with --preset llama or --preset gpt2, and --tokens.kind bpe."


class GgufFolder:
    """model.gguf, as llama.cpp reads it."""

    title = "GGUF"

    def refuse(self, config: Config, kind: str) -> None:
        if config.task.name != "lm":
            raise ConfigError(
                f"a run of --task {config.task.name} writes no text, and GGUF is here for models that do",
                where=EXPORTING + self.title,
                hint="It leaves as ONNX: --to onnx, or as a Hugging Face folder: --to hf.",
            )
        model = config.model
        if not isinstance(model, TransformerConfig):
            raise ConfigError(
                f"llama.cpp has no architecture {model.arch}",
                where=EXPORTING + self.title,
                hint=f"It leaves as ONNX: --to onnx. For GGUF: {INSTEAD[0].lower()}{INSTEAD[1:]}",
            )
        family = stock_family(config, self.title, INSTEAD)
        if family not in KINDS:
            raise ConfigError(
                f"a model of the kind of {family} (--preset {model.preset}) is not written as GGUF",
                where=EXPORTING + self.title,
                hint=INSTEAD,
            )
        if family == "llama" and (model.rope_scaling is not None or model.biased != "none"):
            what = "model.rope_scaling" if model.rope_scaling is not None else "model.attention_bias"
            raise ConfigError(
                f"{what} is set, which is not written as GGUF", where=EXPORTING + self.title, hint="Leave it out."
            )
        if kind not in ("auto", "bpe"):
            raise ConfigError(
                f"llama.cpp cuts no text as tokens.kind {kind} does",
                where=EXPORTING + self.title,
                hint="Train with --tokens.kind bpe, or let it leave as a Hugging Face folder: --to hf.",
            )

    def write(self, leaving: Leaving, folder: Path) -> Written:
        needs("gguf", "transformers")
        write_gguf(leaving, folder)
        family, notes = family_of(leaving.config.model), []
        if family == "gpt2":
            said = their_config_of(leaving.model.config, leaving.model.vocab_size, family=family)
            write_json(folder / "config.json", said | ids_said(leaving))
            notes.append(
                "config.json is for transformers alone, which does not take the context and the inner width of a GPT-2 "
                "from the file."
            )
        prompt = "从前" if leaving.is_chinese else "Once"
        return Written(
            architecture=family,
            python=(PROGRAM_GPT2 if family == "gpt2" else PROGRAM).format(prompt=prompt),
            needs=("transformers", "gguf"),
            library="gguf",
            notes=[
                *notes,
                "All numbers are float32; llama.cpp's own tools make smaller files of it.",
                "It was proved by transformers' reader of GGUF. llama.cpp itself was not run.",
            ],
            proof=prove_gguf(leaving, folder),
        )


def write_gguf(leaving: Leaving, folder: Path) -> None:
    """model.gguf in a folder that exists."""
    import gguf

    config: TransformerConfig = leaving.model.config
    family = family_of(config)
    kind = {"llama": gguf.MODEL_ARCH.LLAMA, "gpt2": gguf.MODEL_ARCH.GPT2}[family]
    writer = gguf.GGUFWriter(folder / FILE, family)
    writer.add_name(leaving.run.name)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_vocab_size(leaving.model.vocab_size)
    writer.add_context_length(config.seq_len)
    writer.add_embedding_length(config.d_model)
    writer.add_block_count(config.n_layers)
    writer.add_feed_forward_length(config.feed_forward_width)
    writer.add_head_count(config.n_heads)
    if family == "llama":
        writer.add_head_count_kv(config.kv_heads)
        writer.add_key_length(config.head_width)
        writer.add_value_length(config.head_width)
        writer.add_layer_norm_rms_eps(config.norm_eps)
        writer.add_rope_dimension_count(config.head_width)
        writer.add_rope_freq_base(config.rope_theta)
    else:
        writer.add_layer_norm_eps(config.norm_eps)
    add_tokenizer(writer, leaving, folder)

    table = gguf.get_tensor_name_map(kind, config.n_layers)
    for name, tensor in theirs_of(family, leaving.model.state_dict(), config).items():
        there = table.get_name(name, try_suffixes=(".weight", ".bias"))
        assert there is not None, f"gguf has no name for {name}"
        writer.add_tensor(there, as_llama_cpp(name, tensor.detach().float().numpy(), config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def as_llama_cpp(name: str, weight: NDArray[Any], config: TransformerConfig) -> NDArray[Any]:
    """One of transformers' tensors as llama.cpp keeps it.

    Llama: its rotary positions turn neighbours (x_2i, x_2i+1), ours the two halves of a head, so that the rows of
    queries and keys are put in that order. GPT-2: its matrices lie the other way round.
    """
    for part, n_heads in (("q_proj.weight", config.n_heads), ("k_proj.weight", config.kv_heads)):
        if name.endswith(part):
            halves = weight.reshape(n_heads, 2, config.head_width // 2, -1)  # (H, 2, E/2, D)
            return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))
    if name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
        return np.ascontiguousarray(weight.T)
    return np.ascontiguousarray(weight)


def add_tokenizer(writer: Any, leaving: Leaving, folder: Path) -> None:
    """The tokens in the order of their ids, byte-level as in tokenizer.json; the merges in theirs."""
    write_tokenizer(leaving, folder)
    path = folder / "tokenizer.json"
    layout = read_json(path)
    path.unlink()
    mark = leaving.tokenizer.mark
    by_id = words_of(layout)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list([by_id[number] for number in range(mark + 1)])
    writer.add_token_types([NORMAL] * mark + [CONTROL])
    writer.add_token_merges([" ".join(merge) for merge in layout["model"]["merges"]])
    writer.add_bos_token_id(mark)
    writer.add_eos_token_id(mark)
    writer.add_add_bos_token(leaving.begin is not None)
    writer.add_add_eos_token(False)


def prove_gguf(leaving: Leaving, folder: Path) -> Proof:
    """Read back by transformers and compared. Raises RunError where something differs."""
    with quiet_transformers():
        import transformers

        beside = (folder / "config.json").is_file()
        config = {"config": transformers.AutoConfig.from_pretrained(folder)} if beside else {}
        theirs: Any = transformers.AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=FILE, local_files_only=True, dtype=torch.float32, **config
        )
        theirs.eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, gguf_file=FILE, local_files_only=True)
    difference, n_numbers = compared(leaving, lambda batch: scores_there(leaving, theirs, batch))
    refuse_difference(difference, "transformers, reading model.gguf,")
    n_greedy = equal_greedily(leaving, lambda ids: theirs(input_ids=ids).logits)

    def encode(texts: Sequence[str]) -> list[list[int]]:
        found: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
        return found

    tokenizer.model_max_length = 1 << 30
    n_equal = equal_texts(encode, leaving.tokenizer, "transformers, reading model.gguf,")
    return proof_of(leaving, difference, n_numbers, n_equal, n_greedy, versions("transformers", "gguf"))


PROGRAM = """\
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".", gguf_file="model.gguf")
model = AutoModelForCausalLM.from_pretrained(".", gguf_file="model.gguf")
found = model.generate(**tokenizer("{prompt}", return_tensors="pt"), max_new_tokens=40)
print(tokenizer.decode(found[0], skip_special_tokens=True))
"""
PROGRAM_GPT2 = """\
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".", gguf_file="model.gguf")
config = AutoConfig.from_pretrained(".")
model = AutoModelForCausalLM.from_pretrained(".", gguf_file="model.gguf", config=config)
found = model.generate(**tokenizer("{prompt}", return_tensors="pt"), max_new_tokens=40)
print(tokenizer.decode(found[0], skip_special_tokens=True))
"""
