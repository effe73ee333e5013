"""config.json of other people's models <-> [model]. Room: hub/ (other formats <-> ours).

Every key is known, or refused by name: one that is passed over may change numbers. What is asked for is used; HARMLESS
keys change no number (they are of training, of files, of other programs); what begins with an underscore, and what is
null, false or empty, says nothing. Defaults are those of transformers, whose folders leave out what they do not change.
Called through families.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import ValidationError

from textmill.config.model import PRESETS, TransformerConfig
from textmill.errors import ConfigError, InputError, did_you_mean

HARMLESS = {
    *("architectures", "model_type", "transformers_version", "torch_dtype", "dtype", "use_cache", "return_dict"),
    *("bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "cls_token_id", "unk_token_id", "mask_token_id"),
    *("decoder_start_token_id", "initializer_range", "init_std", "task_specific_params", "id2label", "label2id"),
    *("problem_type", "finetuning_task", "gradient_checkpointing", "attention_dropout", "resid_pdrop", "embd_pdrop"),
    *("attn_pdrop", "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout", "dropout"),
    *("activation_dropout", "encoder_layerdrop", "decoder_layerdrop", "summary_type", "summary_use_proj"),
    *("summary_activation", "summary_proj_to_labels", "summary_first_dropout", "auto_map", "trust_remote_code"),
    *("transformers.js_config", "custom_pipelines", "num_labels", "output_past", "max_length", "min_length"),
    *("num_beams", "early_stopping", "bad_words_ids", "forced_eos_token_id", "forced_bos_token_id", "n_ctx"),
    *("static_position_embeddings", "normalize_embedding", "normalize_before", "add_bias_logits"),
    *("add_final_layer_norm", "extra_pos_embeddings", "classif_dropout", "classifier_activation_dropout"),
    *("directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head"),
    *("pooler_type", "is_llama_config", "output_attentions", "output_hidden_states", "attn_implementation"),
    *("unsloth_fixed", "unsloth_version", "do_sample", "temperature", "top_p", "top_k", "repetition_penalty"),
    *("remove_invalid_values", "chunk_size_feed_forward", "max_window_layers", "is_decoder", "num_hidden_layers"),
}
"""Keys that change no number of a model that reads. Those of Marian's form that would are asked for by `must`."""
ACTIVATIONS = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "relu": "relu",
    "relu2": "relu_squared",
}
THEIR_ACTIVATIONS = {"silu": "silu", "gelu": "gelu", "gelu_tanh": "gelu_new", "relu": "relu", "relu_squared": "relu2"}
NOTHING = object()
MOST = 2**31


class Said:
    """What a config.json says, key by key; what nobody asked for is refused in the end. where: the file, for errors."""

    def __init__(self, said: Mapping[str, Any], where: str | None = None):
        self.said, self.where, self.asked = said, where, set[str]()

    def refuse(self, what: str, hint: str | None = None) -> NoReturn:
        raise InputError(what, where=self.where, hint=hint)

    def get(self, key: str, default: Any = NOTHING) -> Any:
        """Its value; the default where it is not there, or null."""
        self.asked.add(key)
        value = self.said.get(key)
        if value is not None:
            return value
        if default is NOTHING:
            self.refuse(f"there is no {key!r}, which this kind of model needs")
        return default

    def number(self, key: str, default: Any = NOTHING) -> int:
        value = self.get(key, default)
        if type(value) is not int or not 1 <= value <= MOST:
            self.refuse(f"{key!r} is {_short(value)}, and must be a whole number, at least 1")
        return value

    def maybe_number(self, key: str, default: int | None = None) -> int | None:
        return None if self.get(key, default) is None else self.number(key, default)

    def positive(self, key: str, default: Any = NOTHING) -> float:
        value = self.get(key, default)
        if type(value) not in (int, float) or not 0 < value < float("inf"):
            self.refuse(f"{key!r} is {_short(value)}, and must be a number above 0")
        return float(value)

    def truth(self, key: str, default: bool) -> bool:
        value = self.get(key, default)
        if type(value) is not bool:
            self.refuse(f"{key!r} is {_short(value)}, and must be true or false")
        return value

    def activation(self, key: str, default: str) -> str:
        value = self.get(key, default)
        if not isinstance(value, str) or value not in ACTIVATIONS:
            self.refuse(f"{key!r} is {_short(value)}; supported are: {', '.join(ACTIVATIONS)}")
        return ACTIVATIONS[value]

    def must(self, key: str, *allowed: Any) -> None:
        """Refused where it is there and says anything else than the first, which is the default too."""
        value = self.get(key, allowed[0])
        if not any(type(value) is type(one) and value == one for one in allowed):
            self.refuse(f"{key!r} is {_short(value)}, which is not supported (supported: {_short(allowed[0])})")

    def finish(self) -> None:
        """Raises InputError, naming the keys that nobody knows and that say something."""
        spare = sorted(
            key
            for key, value in self.said.items()
            if key not in self.asked | HARMLESS and not key.startswith("_") and value not in (None, False, "", [], {})
        )
        if spare:
            told = ", ".join(f"{key!r} ({_short(self.said[key])})" for key in spare[:5])
            more = f" and {len(spare) - 5:,} more" if len(spare) > 5 else ""
            self.refuse(
                f"{told}{more}: not known of this kind of model, and might change what it computes",
                "Nothing is passed over that may change numbers. Only what docs/other-models.md lists is read.",
            )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


# --- config.json -> [model]


def family_said(their_config: Mapping[str, Any], where: str | None = None) -> str:
    """The family of a config.json. Raises InputError that lists those that are supported."""
    model_type = their_config.get("model_type")
    if not isinstance(model_type, str):
        model_type = next(
            (name for name, kind in KINDS.items() if set(kind.classes) & set(_classes(their_config))), model_type
        )
    if model_type not in KINDS:
        what = "no 'model_type'" if model_type is None else f"architecture {_short(model_type)} is not supported"
        near = did_you_mean(str(model_type), KINDS, likeness=0.8) if model_type else None
        supported = f"Supported are: {', '.join(KINDS)}."
        raise InputError(what, where=where, hint=f"{near} {supported}" if near else supported)
    return str(model_type)


def _classes(their_config: Mapping[str, Any]) -> list[str]:
    classes = their_config.get("architectures")
    return [one for one in classes if isinstance(one, str)] if isinstance(classes, list) else []


def config_of(family: str, their_config: Mapping[str, Any], where: str | None = None) -> TransformerConfig:
    """[model] of a config.json. Raises InputError, naming the key, for what this Transformer cannot express and for a
    key that is not known."""
    said = Said(their_config, where)
    knobs = KINDS[family].read(said)
    said.asked.add("vocab_size")
    said.finish()
    preset = str(knobs.pop("preset"))
    try:
        return TransformerConfig(preset=preset, **{**PRESETS["transformer"][preset], **knobs})
    except ValidationError as error:
        told = "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors())
        raise InputError(f"no model can be as this says: {told}", where=where) from None


def _read_gpt2(said: Said) -> dict[str, Any]:
    said.must("scale_attn_weights", True)
    said.must("scale_attn_by_inverse_layer_idx", False)
    said.asked.add("reorder_and_upcast_attn")  # the same numbers in another precision
    said.must("add_cross_attention", False)
    return {
        "preset": "gpt2",
        "d_model": said.number("n_embd", 768),
        "n_layers": said.number("n_layer", 12),
        "n_heads": said.number("n_head", 12),
        "d_ff": said.maybe_number("n_inner") or 4 * said.number("n_embd", 768),
        "seq_len": said.number("n_positions", 1024),
        "norm_eps": said.positive("layer_norm_epsilon", 1e-5),
        "activation": said.activation("activation_function", "gelu_new"),
        "tied": said.truth("tie_word_embeddings", True),
    }


def _rope(said: Said, default_theta: float) -> dict[str, Any]:
    """Rotary positions: rope_parameters as transformers 5 writes it, or rope_theta and rope_scaling."""
    scaling = said.get("rope_parameters", None)
    name = "rope_parameters" if scaling is not None else "rope_scaling"
    if scaling is None:
        scaling = said.get("rope_scaling", {})
    if not isinstance(scaling, dict):
        said.refuse(f"{name!r} is {_short(scaling)}, and must be a table")
    said.asked |= {"rope_theta", "rope_scaling", "rope_parameters"}
    inner = Said(scaling, f"{said.where}: {name}" if said.where else name)
    theta = inner.positive("rope_theta", said.said.get("rope_theta") or default_theta)
    kind = inner.get("rope_type", None) or inner.get("type", "default")
    inner.asked |= {"rope_type", "type"}
    partial = inner.get("partial_rotary_factor", said.said.get("partial_rotary_factor") or 1.0)
    said.asked.add("partial_rotary_factor")
    if partial != 1.0:
        said.refuse(f"'partial_rotary_factor' is {_short(partial)}: positions that turn a part of each head only")
    knobs: dict[str, Any] = {"rope_theta": theta}
    if kind == "linear":
        knobs |= {"rope_scaling": "linear", "rope_factor": inner.positive("factor")}
    elif kind == "llama3":
        knobs |= {
            "rope_scaling": "llama3",
            "rope_factor": inner.positive("factor"),
            "rope_low": inner.positive("low_freq_factor"),
            "rope_high": inner.positive("high_freq_factor"),
            "rope_original": inner.number("original_max_position_embeddings"),
        }
    elif kind != "default":
        said.refuse(f"rotary positions of type {_short(kind)} are not supported (supported: default, linear, llama3)")
    inner.asked |= {"original_max_position_embeddings"} if kind == "default" else set()
    inner.finish()
    return knobs


def _read_llama(said: Said) -> dict[str, Any]:
    said.must("mlp_bias", False)
    said.must("pretraining_tp", 1)
    said.must("rope_interleaved", False)
    bias = said.truth("attention_bias", False)
    return _llama_like(said, "llama", kv=None, theta=10000.0) | {"attention_bias": "all" if bias else None}


def _read_mistral(said: Said) -> dict[str, Any]:
    knobs = _llama_like(said, "llama", kv=8, theta=10000.0)
    return knobs | {
        "window": _shorter(said.maybe_number("sliding_window", _absent(said, "sliding_window", 4096)), knobs)
    }


def _absent(said: Said, key: str, default: int) -> int | None:
    """The default of a key that is not there at all; null is a value."""
    return None if key in said.said else default


def _read_qwen2(said: Said) -> dict[str, Any]:
    knobs = _llama_like(said, "qwen2", kv=32, theta=10000.0)
    return knobs | {"window": _window_of_layers(said, knobs)}


def _read_qwen3(said: Said) -> dict[str, Any]:
    bias = said.truth("attention_bias", False)
    knobs = _llama_like(said, "qwen3", kv=32, theta=10000.0, d_head=128)
    return knobs | {"window": _window_of_layers(said, knobs), "attention_bias": "all" if bias else None}


def _llama_like(said: Said, preset: str, kv: int | None, theta: float, d_head: int | None = None) -> dict[str, Any]:
    n_heads, d_model = said.number("num_attention_heads", 32), said.number("hidden_size", 4096)
    d_head = said.maybe_number("head_dim", d_head)
    return {
        "preset": preset,
        "d_model": d_model,
        "n_layers": said.number("num_hidden_layers", 32),
        "n_heads": n_heads,
        "n_kv_heads": said.maybe_number("num_key_value_heads", kv) or n_heads,
        "d_head": None if d_head is not None and d_head * n_heads == d_model else d_head,
        "d_ff": said.number("intermediate_size"),
        "seq_len": said.number("max_position_embeddings"),
        "norm_eps": said.positive("rms_norm_eps", 1e-6),
        "activation": said.activation("hidden_act", "silu"),
        "tied": said.truth("tie_word_embeddings", False),
        **_rope(said, theta),
    }


def _shorter(window: int | None, knobs: Mapping[str, Any]) -> int | None:
    """A window that is no shorter than the context hides nothing."""
    return None if window is None or window >= int(knobs["seq_len"]) else window


def _window_of_layers(said: Said, knobs: Mapping[str, Any]) -> int | None:
    """The sliding window of Qwen: of all layers, or of none; of some it is refused."""
    uses, window = said.truth("use_sliding_window", False), said.maybe_number("sliding_window")
    first = said.get("max_window_layers", 28)
    kinds = said.get("layer_types", None)
    if kinds is None:
        n_layers = int(knobs["n_layers"])
        is_sliding = [uses and window is not None and n >= first for n in range(n_layers)]
    elif isinstance(kinds, list) and set(kinds) <= {"full_attention", "sliding_attention"}:
        is_sliding = [kind == "sliding_attention" and uses and window is not None for kind in kinds]
    else:
        said.refuse(f"'layer_types' is {_short(kinds)}; supported are: full_attention, sliding_attention")
    window = _shorter(window, knobs)
    if window is None or not any(is_sliding):
        return None
    if not all(is_sliding):
        said.refuse(f"{sum(is_sliding)} of {len(is_sliding)} layers have a sliding window: not supported for a part")
    return window


def _read_nanochat(said: Said) -> dict[str, Any]:
    said.must("attention_bias", False)
    knobs = _llama_like(said, "modern", kv=None, theta=10000.0) if said.said.get("hidden_act") else None
    if knobs is None:
        said = _with_default(said, "hidden_act", "relu2")
        knobs = _llama_like(said, "modern", kv=None, theta=10000.0)
    cap = said.get("final_logit_softcapping", None if "final_logit_softcapping" in said.said else 15.0)
    return knobs | {"logit_cap": None if cap is None else said.positive("final_logit_softcapping", 15.0)}


def _with_default(said: Said, key: str, value: Any) -> Said:
    """The same, whose questions are still counted, with a value for a key that is not there."""
    filled = Said({**said.said, key: value}, said.where)
    filled.asked = said.asked
    return filled


def _read_bert(said: Said) -> dict[str, Any]:
    said.must("position_embedding_type", "absolute")
    said.must("is_decoder", False)
    said.must("add_cross_attention", False)
    said.asked.add("type_vocab_size")
    return {
        "preset": "bert",
        "d_model": said.number("hidden_size", 768),
        "n_layers": said.number("num_hidden_layers", 12),
        "n_heads": said.number("num_attention_heads", 12),
        "d_ff": said.number("intermediate_size", 3072),
        "seq_len": said.number("max_position_embeddings", 512),
        "norm_eps": said.positive("layer_norm_eps", 1e-12),
        "activation": said.activation("hidden_act", "gelu"),
        "tied": said.truth("tie_word_embeddings", True),
    }


def _read_roberta(said: Said) -> dict[str, Any]:
    said.must("pad_token_id", 1)
    knobs = _read_bert(said)
    return knobs | {"seq_len": int(knobs["seq_len"]) - 2}  # its positions begin at the id of the padding + 1


def _read_marian(said: Said) -> dict[str, Any]:
    for side in ("layers", "attention_heads", "ffn_dim"):
        if said.number(f"encoder_{side}") != said.number(f"decoder_{side}"):
            told = said.said[f"encoder_{side}"], said.said[f"decoder_{side}"]
            said.refuse(f"'encoder_{side}' and 'decoder_{side}' are {told[0]} and {told[1]}: both sides must be alike")
    for key, needed in (("normalize_before", False), ("normalize_embedding", False), ("add_final_layer_norm", False)):
        said.must(key, needed)
    said.must("static_position_embeddings", True)
    said.must("is_encoder_decoder", True)
    said.asked |= {"decoder_vocab_size", "share_encoder_decoder_embeddings"}
    return {
        "preset": "marian",
        "d_model": said.number("d_model"),
        "n_layers": said.number("encoder_layers"),
        "n_heads": said.number("encoder_attention_heads"),
        "d_ff": said.number("encoder_ffn_dim"),
        "seq_len": said.number("max_position_embeddings", 1024),
        "activation": said.activation("activation_function", "gelu"),
        "scale_embedding": said.truth("scale_embedding", False),
        "tied": said.truth("tie_word_embeddings", True),
    }


# --- [model] -> config.json


def family_of(config: Any, form: str = "decoder") -> str:
    """The family whose models are of this config and form. Raises ConfigError that says why there is none."""
    if not isinstance(config, TransformerConfig):
        raise ConfigError(f"an architecture {config.arch} stands in no stock format: that is of Transformers alone")
    candidates = [name for name, kind in KINDS.items() if kind.form == form]
    misfits = {name: _misfits(name, config) for name in candidates}
    for name, facts in misfits.items():
        if not facts:
            return name
    nearest = min(misfits, key=lambda name: len(misfits[name]))
    raise ConfigError(
        f"no stock class is as this model: of the nearest, {nearest}, it differs in {', '.join(misfits[nearest])}",
        hint=f"Train with --preset {KINDS[nearest].preset}, and leave its knobs as they are.",
    )


FREE = {
    "gpt2": {"norm_eps", "activation", "init", "tied"},
    "llama": {"norm_eps", "activation", "init", "tied"},
    "mistral": {"norm_eps", "activation", "init", "tied"},
    "qwen2": {"norm_eps", "activation", "init", "tied"},
    "qwen3": {"norm_eps", "activation", "init", "tied"},
    "nanochat": {"norm_eps", "activation", "init", "tied", "logit_cap"},
    "bert": {"norm_eps", "activation", "init", "tied"},
    "roberta": {"norm_eps", "activation", "init", "tied"},
    "marian": {"activation", "init", "scale_embedding"},
}
"""Knobs that a family leaves open, besides sizes."""
REFINING = {"qk_norm_gain": False, "window": None, "attention_bias": None, "rope_scaling": None, "softmax": "full"}
"""Knobs that a preset may leave out, and what it means by that."""
OPEN_REFINING = {
    "llama": {"rope_scaling", "d_head"},
    "mistral": {"rope_scaling", "window", "d_head"},
    "qwen2": {"rope_scaling", "window", "d_head"},
    "qwen3": {"rope_scaling", "window", "d_head"},
    "nanochat": {"rope_scaling"},
}


def _misfits(family: str, config: TransformerConfig) -> list[str]:
    """What of a config a family cannot say."""
    preset = {**REFINING, **PRESETS["transformer"][KINDS[family].preset]}
    free = FREE[family] | OPEN_REFINING.get(family, set())
    facts = []
    for name, needed in preset.items():
        found = getattr(config, name)
        if name == "attention_bias":
            found, needed = config.biased, needed or ("all" if preset["bias"] else "none")
            if family in ("llama", "qwen3") and found in ("all", "none"):
                continue
        if name not in free and found != needed:
            facts.append(f"{name} {found} (there: {needed})")
    if "d_head" not in free and config.d_head is not None and config.d_head * config.n_heads != config.d_model:
        facts.append(f"d_head {config.d_head}")
    if config.kv_heads != config.n_heads and not OPEN_REFINING.get(family):
        facts.append(f"n_kv_heads {config.kv_heads}")
    return facts


def their_config_of(
    config: TransformerConfig,
    vocab_size: int,
    *,
    family: str | None = None,
    form: str = "decoder",
    source_vocab_size: int | None = None,
) -> dict[str, Any]:
    """What config.json says of a model: the inverse of config_of. Ids of begin, end and padding, and the names of
    classes, are the caller's to add. family: default, family_of(config, form), whose errors it raises."""
    family = family or family_of(config, form)
    kind = KINDS[family]
    said = {"model_type": family, "vocab_size": vocab_size, "torch_dtype": "float32", "use_cache": True}
    return said | kind.write(config, vocab_size, source_vocab_size)


def _write_gpt2(config: TransformerConfig, vocab_size: int, n_of_sources: int | None) -> dict[str, Any]:
    return {
        "architectures": ["GPT2LMHeadModel"],
        "n_embd": config.d_model,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "n_inner": config.feed_forward_width,
        "n_positions": config.seq_len,
        "layer_norm_epsilon": config.norm_eps,
        "activation_function": THEIR_ACTIVATIONS[config.activation],
        "tie_word_embeddings": config.tied,
    }


def _rope_written(config: TransformerConfig) -> dict[str, Any]:
    said: dict[str, Any] = {"rope_type": config.rope_scaling or "default", "rope_theta": config.rope_theta}
    if config.rope_scaling is not None:
        said["factor"] = config.rope_factor
    if config.rope_scaling == "llama3":
        said |= {
            "low_freq_factor": config.rope_low,
            "high_freq_factor": config.rope_high,
            "original_max_position_embeddings": config.rope_original,
        }
    return said


def _write_llama_like(*classes: str) -> Callable[[TransformerConfig, int, int | None], dict[str, Any]]:
    def write(config: TransformerConfig, vocab_size: int, n_of_sources: int | None) -> dict[str, Any]:
        # rope_theta beside rope_parameters is what readers older than transformers 5 look for.
        old = {key: value for key, value in _rope_written(config).items() if key != "rope_theta"}
        return {
            "architectures": list(classes),
            "hidden_size": config.d_model,
            "num_hidden_layers": config.n_layers,
            "num_attention_heads": config.n_heads,
            "num_key_value_heads": config.kv_heads,
            "head_dim": config.head_width,
            "intermediate_size": config.feed_forward_width,
            "max_position_embeddings": config.seq_len,
            "rms_norm_eps": config.norm_eps,
            "hidden_act": THEIR_ACTIVATIONS[config.activation],
            "rope_parameters": _rope_written(config),
            "rope_theta": config.rope_theta,
            "rope_scaling": old if config.rope_scaling else None,
            "tie_word_embeddings": config.tied,
            **_more_of(classes[0], config),
        }

    return write


def _more_of(name: str, config: TransformerConfig) -> dict[str, Any]:
    """What one of the kin of Llama says and the others do not."""
    bias = {"attention_bias": config.biased == "all"}
    sliding = {
        "use_sliding_window": config.window is not None,
        "sliding_window": config.window,
        "max_window_layers": 0 if config.window is not None else config.n_layers,
    }
    found: dict[str, dict[str, Any]] = {
        "LlamaForCausalLM": {**bias, "mlp_bias": False},
        "MistralForCausalLM": {"sliding_window": config.window},
        "Qwen2ForCausalLM": sliding,
        "Qwen3ForCausalLM": {**bias, **sliding},
        "NanoChatForCausalLM": {"attention_bias": False, "final_logit_softcapping": config.logit_cap},
    }
    return found[name]


def _write_bert(config: TransformerConfig, vocab_size: int, n_of_sources: int | None) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "hidden_size": config.d_model,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "intermediate_size": config.feed_forward_width,
        "max_position_embeddings": config.seq_len,
        "type_vocab_size": 2,
        "layer_norm_eps": config.norm_eps,
        "hidden_act": THEIR_ACTIVATIONS[config.activation],
        "tie_word_embeddings": config.tied,
    }


def _write_roberta(config: TransformerConfig, vocab_size: int, n_of_sources: int | None) -> dict[str, Any]:
    more = {"architectures": ["RobertaModel"], "type_vocab_size": 1, "pad_token_id": 1}
    return _write_bert(config, vocab_size, n_of_sources) | more | {"max_position_embeddings": config.seq_len + 2}


def _write_marian(config: TransformerConfig, vocab_size: int, n_of_sources: int | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "architectures": ["MarianMTModel"],
        "is_encoder_decoder": True,
        "d_model": config.d_model,
        "max_position_embeddings": config.seq_len,
        "activation_function": "swish" if config.activation == "silu" else THEIR_ACTIVATIONS[config.activation],
        "scale_embedding": config.scale_embedding,
        "static_position_embeddings": True,
        "tie_word_embeddings": config.tied,
        "vocab_size": n_of_sources or vocab_size,
        "decoder_vocab_size": vocab_size,
        "share_encoder_decoder_embeddings": n_of_sources is None,
    }
    for side in ("encoder", "decoder"):
        said |= {
            f"{side}_layers": config.n_layers,
            f"{side}_attention_heads": config.n_heads,
            f"{side}_ffn_dim": config.feed_forward_width,
        }
    return said


@dataclass(frozen=True)
class KindOfConfig:
    """How a family says [model]. classes: of transformers, whose folders are read -> the head that they have, "" for a
    body alone."""

    form: str
    preset: str
    read: Callable[[Said], dict[str, Any]]
    write: Callable[[TransformerConfig, int, int | None], dict[str, Any]]
    classes: Mapping[str, str]


def _of_llama(name: str, preset: str, read: Callable[[Said], dict[str, Any]]) -> KindOfConfig:
    return KindOfConfig(
        "decoder",
        preset,
        read,
        _write_llama_like(f"{name}ForCausalLM"),
        {f"{name}ForCausalLM": "lm", f"{name}Model": ""},
    )


KINDS: dict[str, KindOfConfig] = {
    "gpt2": KindOfConfig("decoder", "gpt2", _read_gpt2, _write_gpt2, {"GPT2LMHeadModel": "lm", "GPT2Model": ""}),
    "llama": _of_llama("Llama", "llama", _read_llama),
    "mistral": _of_llama("Mistral", "llama", _read_mistral),
    "qwen2": _of_llama("Qwen2", "qwen2", _read_qwen2),
    "qwen3": _of_llama("Qwen3", "qwen3", _read_qwen3),
    "nanochat": _of_llama("NanoChat", "modern", _read_nanochat),
    "bert": KindOfConfig(
        "encoder",
        "bert",
        _read_bert,
        _write_bert,
        {
            "BertModel": "",
            "BertForMaskedLM": "mask",
            "BertForPreTraining": "mask",
            "BertForSequenceClassification": "classify",
            "BertForQuestionAnswering": "span",
        },
    ),
    "roberta": KindOfConfig(
        "encoder",
        "bert",
        _read_roberta,
        _write_roberta,
        {"RobertaModel": "", "RobertaForMaskedLM": "mask", "RobertaForSequenceClassification": "classify"},
    ),
    "marian": KindOfConfig(
        "encoder-decoder",
        "marian",
        _read_marian,
        _write_marian,
        {"MarianMTModel": "translate", "MarianModel": "translate"},
    ),
}
"""model_type of a config.json -> how it is read and written, and which of its classes."""
