"""A GGUF file of the Llama kind as a RUN. Room: hub/ (other formats <-> ours).

What stands in it (gguf_file), quantised weights by the gguf package's dequantiser, is told to the rest as a
Hugging Face folder would tell them: keys of config.json, names of tensors, files of a tokenizer. llama.cpp keeps the
rows of queries and keys in another order (rotary pairs side by side), which is put right here.
Source: the GGUF specification and convert_hf_to_gguf.py of ggml-org/llama.cpp.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as Library
from torch import Tensor

from textmill.errors import Damaged, InputError, MissingExtra
from textmill.hub.config_json import config_of
from textmill.hub.families import ours_of
from textmill.hub.folders import ForeignRun, foreign_run, refuse_other_vocabulary
from textmill.hub.gguf_file import GgufFile
from textmill.messages import message
from textmill.tokens import Tokenizer
from textmill.tokens.kinds import QWEN2

ARCHITECTURES = ("llama",)
UNUSED = {
    *("general.", "tokenizer.", "split.", "quantize.", "GGUF."),
    *("llama.vocab_size", "llama.tensor_data_layout"),
}
"""What keys begin with that say nothing of the numbers."""
LAYERS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CUTS = ("gpt-2", "smollm", "llama-bpe", "qwen2")
"""tokenizer.ggml.pre: the rules by which a byte-level tokenizer cuts a text, by their registered names."""
CONTROL, DEFINED, BYTE = 3, 4, 6  # tokenizer.ggml.token_type; the numbers are those of sentencepiece


def open_gguf(path: Path) -> ForeignRun:
    """The model in a .gguf file. Raises InputError, naming the key, for what is not supported, Damaged for a file that
    is not whole, MissingExtra without gguf."""
    file = GgufFile(path)
    facts = Facts(file)
    said = config_said(facts, file)
    model = config_of("llama", said, str(path))
    tokenizer = tokenizer_of(facts, said)
    sizes = (int(said["vocab_size"]), None)
    refuse_other_vocabulary(tokenizer, sizes, path)

    def weights() -> dict[str, Tensor]:
        return ours_of("llama", tensors_of(file, said, path), model, where=str(path))

    kinds = sorted({tensor.kind.name for tensor in file.tensors.values()})
    origin = {
        "format": "gguf",
        "family": "llama",
        "architecture": str(facts.get("general.architecture")),
        "precision": f"{' and '.join(kinds)}, computed in float32",
        "weights": [path.name],
        "licence": facts.get("general.license", None),
        "safe": True,
        "why": "tensors and text alone are read; nothing of the file is executed",
        "left_aside": [],
    }
    return foreign_run(path, "decoder", model, {}, "lm", tokenizer, weights, [path], sizes, origin)


class Facts:
    """The metadata of a file by key."""

    def __init__(self, file: GgufFile):
        self.fields, self.where = file.facts, str(file.path)
        self.asked: set[str] = set()

    def get(self, key: str, *default: Any) -> Any:
        """Its value, or the default. Raises InputError where it is not there."""
        self.asked.add(key)
        if key in self.fields:
            return self.fields[key]
        if default:
            return default[0]
        raise InputError(f"the file does not say {key!r}, which is needed", where=self.where)


def config_said(facts: Facts, file: GgufFile) -> dict[str, Any]:
    """What config.json would say. Raises InputError for an architecture or a key that is not supported."""
    arch = facts.get("general.architecture")
    if arch not in ARCHITECTURES:
        raise InputError(
            f"a GGUF file of architecture {arch!r} is not supported",
            where=facts.where,
            hint=f"Supported are: {', '.join(ARCHITECTURES)}. Others are read from their Hugging Face folders.",
        )
    shapes = {tensor.name: tensor.shape for tensor in file.tensors.values()}
    table = shapes.get("token_embd.weight")
    if table is None or len(table) != 2:
        raise Damaged("the file holds no embedding (token_embd.weight)", where=facts.where)
    if "rope_freqs.weight" in shapes:
        raise InputError(
            "rotary frequencies of the file's own (rope_freqs.weight) are not supported", where=facts.where
        )
    n_heads = facts.get("llama.attention.head_count")
    width = facts.get("llama.embedding_length")
    if type(n_heads) is not int or type(width) is not int or n_heads < 1:
        raise InputError("its heads and width must be whole numbers", where=facts.where)
    d_head = facts.get("llama.attention.key_length", width // n_heads)
    for key in ("llama.attention.value_length", "llama.rope.dimension_count"):
        if facts.get(key, d_head) != d_head:
            raise InputError(
                f"{key!r} is {facts.get(key)}, and heads are {d_head} wide: not supported", where=facts.where
            )
    said = {
        "model_type": "llama",
        "vocab_size": table[0],
        "hidden_size": width,
        "head_dim": d_head,
        "intermediate_size": facts.get("llama.feed_forward_length"),
        "num_hidden_layers": facts.get("llama.block_count"),
        "num_attention_heads": n_heads,
        "num_key_value_heads": facts.get("llama.attention.head_count_kv", n_heads),
        "max_position_embeddings": facts.get("llama.context_length"),
        # float32 in the file: 9.999999747378752e-06 was said as 1e-05
        "rms_norm_eps": float(
            np.format_float_positional(np.float32(facts.get("llama.attention.layer_norm_rms_epsilon")))
        ),
        "rope_parameters": rope_said(facts),
        "tie_word_embeddings": "output.weight" not in shapes,
    }
    known = facts.asked | {"llama.rope.scaling.finetuned"}
    spare = sorted(key for key in facts.fields if key not in known and not key.startswith(tuple(UNUSED)))
    if spare:
        raise InputError(
            f"{', '.join(repr(key) for key in spare[:5])}: not known of this kind of model, and might change what it "
            "computes",
            where=facts.where,
        )
    return said


def rope_said(facts: Facts) -> dict[str, Any]:
    said = {"rope_type": "default", "rope_theta": float(facts.get("llama.rope.freq_base", 10000.0))}
    kind = facts.get("llama.rope.scaling.type", "none")
    factor = facts.get("llama.rope.scaling.factor", facts.get("llama.rope.scale_linear", None))
    original = facts.get("llama.rope.scaling.original_context_length", None)
    if kind == "linear" and factor:
        return said | {"rope_type": "linear", "factor": float(factor)}
    if kind not in ("none", "linear") or original:
        raise InputError(f"rotary positions of type {kind!r} are not supported", where=facts.where)
    return said


def tensors_of(file: GgufFile, said: dict[str, Any], path: Path) -> dict[str, Tensor]:
    """Their tensors in float32, by the names of a Hugging Face folder."""
    found: dict[str, Tensor] = {}
    for name, tensor in file.tensors.items():
        numbers = tensor.in_float32()
        weights = torch.from_numpy(numbers if numbers.flags.writeable else numbers.copy())
        of_layer = name.split(".")
        if name in WHOLE:
            found[WHOLE[name]] = weights
        elif len(of_layer) == 4 and of_layer[0] == "blk" and of_layer[2] in LAYERS:
            _, number, part, kind = of_layer
            if part in ("attn_q", "attn_k"):
                heads = said["num_attention_heads" if part == "attn_q" else "num_key_value_heads"]
                weights = halves_apart(weights, heads, path, name)
            found[f"model.layers.{number}.{LAYERS[part]}.{kind}"] = weights
        else:
            found[name] = weights  # refused by this name: it has no place
    return found


def halves_apart(weight: Tensor, n_heads: int, path: Path, name: str) -> Tensor:
    """Rows whose rotary pairs stand side by side -> the first of all pairs of a head, then the second ones."""
    if weight.shape[0] % (2 * n_heads):
        raise Damaged(f"{name} has {weight.shape[0]} rows, which are no {n_heads} heads of pairs", where=str(path))
    return weight.reshape(n_heads, -1, 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


# --- the tokenizer


def tokenizer_of(facts: Facts, said: dict[str, Any]) -> Tokenizer:
    """The tokenizer in the metadata: its files are written where foreign_tokenizer reads them. Raises InputError for a
    kind that is not supported."""
    from textmill.tokens.foreign import foreign_tokenizer

    kind = facts.get("tokenizer.ggml.model")
    tokens, types = facts.get("tokenizer.ggml.tokens"), facts.get("tokenizer.ggml.token_type", None)
    if not isinstance(tokens, list) or (types is not None and len(types) != len(tokens)):
        raise Damaged("the tokens and their types do not fit together", where=facts.where)
    types = types or [1] * len(tokens)
    with tempfile.TemporaryDirectory(prefix="textmill-") as name:
        folder = Path(name)
        (folder / "tokenizer_config.json").write_text(json.dumps(words_said(facts, tokens, kind)), encoding="utf-8")
        (folder / "config.json").write_text(json.dumps({"vocab_size": said["vocab_size"]}), encoding="utf-8")
        if kind == "gpt2":
            content = str(byte_level(facts, tokens, types).to_str())
            (folder / "tokenizer.json").write_text(content, encoding="utf-8")
        elif kind == "llama":
            (folder / "tokenizer.model").write_bytes(sentencepiece_of(facts, tokens, types))
        else:
            raise InputError(
                f"a tokenizer of kind {kind!r} is not supported", where=facts.where, hint="Supported are: gpt2, llama."
            )
        try:
            tokenizer = foreign_tokenizer(folder)
            tokenizer.encode("a")
        except InputError as error:
            raise InputError(f"its tokenizer: {error.message}", where=facts.where, hint=error.hint) from error
    tokenizer.note = message("The tokenizer is another's: %(files)s.", files=Path(facts.where).name)
    return tokenizer


def words_said(facts: Facts, tokens: list[str], kind: str) -> dict[str, Any]:
    """What tokenizer_config.json would say."""
    said: dict[str, Any] = {"tokenizer_class": "LlamaTokenizer" if kind == "llama" else "PreTrainedTokenizerFast"}
    roles = {"bos": "bos", "eos": "eos", "unknown": "unk", "padding": "pad"}
    for theirs, ours in roles.items():
        number = facts.get(f"tokenizer.ggml.{theirs}_token_id", None)
        if number is not None:
            if type(number) is not int or not 0 <= number < len(tokens):
                raise Damaged(
                    f"'tokenizer.ggml.{theirs}_token_id' is {number}, and there is no such token", where=facts.where
                )
            said[f"{ours}_token"] = tokens[number]
    said["add_bos_token"] = bool(facts.get("tokenizer.ggml.add_bos_token", kind == "llama"))
    if kind == "llama":
        said |= {"legacy": False, "add_prefix_space": bool(facts.get("tokenizer.ggml.add_space_prefix", True))}
    template = facts.get("tokenizer.chat_template", None)
    return said | ({"chat_template": template} if isinstance(template, str) else {})


def byte_level(facts: Facts, tokens: list[str], types: list[int]) -> Library:
    """A byte-level BPE: tokens, merges, and the rule that cuts a text."""
    merges = [tuple(merge.split(" ")) for merge in facts.get("tokenizer.ggml.merges")]
    if any(len(pair) != 2 for pair in merges):
        raise Damaged("a merge is no pair", where=facts.where)
    vocab = {token: number for number, token in enumerate(tokens)}
    if len(vocab) != len(tokens):
        raise Damaged("a token stands twice in the vocabulary", where=facts.where)
    cut = facts.get("tokenizer.ggml.pre", "gpt-2")
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    by_gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    match cut:
        case "gpt-2":
            cutter: Any = by_gpt2
        case "smollm":
            cutter = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), by_gpt2])
        case "llama-bpe":
            cutter = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated"), plain])
        case "qwen2":
            cutter = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), behavior="isolated"), plain])
        case _:
            raise InputError(
                f"how this tokenizer cuts a text is not known: 'tokenizer.ggml.pre' is {cut!r}",
                where=facts.where,
                hint=f"Known are: {', '.join(CUTS)}.",
            )
    try:
        library = Library(models.BPE(vocab=vocab, merges=merges, ignore_merges=cut == "llama-bpe"))
    except Exception as error:  # the library raises plain Exception
        raise Damaged(f"the merges do not fit the vocabulary: {error}", where=facts.where) from error
    library.pre_tokenizer = cutter
    library.decoder = decoders.ByteLevel()
    controls = [token for token, kind in zip(tokens, types, strict=True) if kind == CONTROL]
    defined = [token for token, kind in zip(tokens, types, strict=True) if kind == DEFINED]
    library.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in controls])
    library.add_tokens([AddedToken(token, special=False, normalized=False) for token in defined])
    return library


def sentencepiece_of(facts: Facts, tokens: list[str], types: list[int]) -> bytes:
    """A tokenizer.model: the pieces with their scores and types, merged best score first."""
    try:
        from sentencepiece import sentencepiece_model_pb2 as description
    except ImportError:
        raise MissingExtra(
            "this tokenizer needs sentencepiece and protobuf, which are not installed",
            where=facts.where,
            hint="pip install 'textmill[hf]'",
        ) from None
    scores = facts.get("tokenizer.ggml.scores")
    if len(scores) != len(tokens):
        raise Damaged("the tokens and their scores do not fit together", where=facts.where)
    proto: Any = getattr(description, "ModelProto")()  # noqa: B009 - made when it is imported: mypy does not see it
    for token, score, kind in zip(tokens, scores, types, strict=True):
        proto.pieces.add(piece=token, score=score, type=kind)
    spec, normal = proto.trainer_spec, proto.normalizer_spec
    spec.model_type, spec.byte_fallback = 2, BYTE in types
    spec.unk_id = facts.get("tokenizer.ggml.unknown_token_id", 0)
    spec.bos_id = facts.get("tokenizer.ggml.bos_token_id", 1)
    spec.eos_id = facts.get("tokenizer.ggml.eos_token_id", 2)
    spec.pad_id = facts.get("tokenizer.ggml.padding_token_id", -1)
    normal.name, normal.escape_whitespaces, normal.remove_extra_whitespaces = "identity", True, False
    normal.add_dummy_prefix = bool(facts.get("tokenizer.ggml.add_space_prefix", True))
    return bytes(proto.SerializeToString())
