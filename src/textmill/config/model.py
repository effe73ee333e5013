"""[model]: a union told apart by `arch`; `--model.n_heads` on a GRU is an unknown key.

Presets and sizes are plain tables of knobs, expanded just above the defaults: single knobs win over them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Tag, field_validator, model_validator

from textmill.config.knobs import kind_of
from textmill.config.section import Section, knob
from textmill.errors import did_you_mean
from textmill.tables import ARCHITECTURES

Size = Literal["micro", "tiny", "small", "base", "large"]


class BaseModelConfig(Section):
    """Knobs that every architecture has."""

    size: Size = knob("tiny", flag="--size")
    """Parameters without embeddings and head: micro 0.1 M, tiny 0.8 M, small 5 M, base 25 M, large 85 M (within 10 %).
    Of classifiers the default is micro."""
    start: str | None = knob(None, flag="--from")
    """RUN to begin with the weights of: its tokenizer is taken, its architecture and size, and of its weights all that
    fit; a head for another task is new."""
    vectors: str | None = knob(None)
    """FILE of word vectors (word2vec, GloVe) to begin with: words of the vocabulary that it knows begin with theirs,
    the others are drawn. Its width must be d_model."""
    seq_len: int = knob(256, ge=2)
    """Tokens in a row: the context of a Transformer, the reach of back-propagation in a recurrence. Of questions the
    default is 512."""
    n_layers: int = knob(4, ge=1)
    """Layers."""
    d_model: int = knob(128, ge=1)
    """Width: of the embedding and of every layer."""
    dropout: float | None = knob(None, ge=0.0, lt=1.0)
    """Share of activations set to 0 in training. Default: chosen from the amount of text."""
    tied: bool = knob(False)
    """The head shares its weights with the embedding."""
    softmax: Literal["full", "adaptive"] = knob("full", flag="--softmax")
    """How the next token is told: by one softmax, or by one over frequent tokens and clusters of rare ones, which is
    several times faster for words and large vocabularies, and a little worse."""
    logit_cap: float | None = knob(None, gt=0.0)
    """Logits are bent to stay within ± this: cap · tanh(logit / cap)."""
    pooling: Literal["attention", "max", "mean", "first"] = knob("attention")
    """How an encoder makes one vector of all tokens of a text: attention (a mean with learned weights), max (of each
    number the highest), mean, or first (what stands at its first place, turned once more, as BERT does)."""
    token_dropout: float | None = knob(None, ge=0.0, lt=1.0)
    """Of an encoder, share of a text's tokens that are hidden from it at each reading in training (Iyyer et al. 2015).
    Default: chosen from the number of texts."""

    @model_validator(mode="after")
    def an_adaptive_softmax_has_weights_of_its_own(self) -> Self:
        if self.tied and self.softmax == "adaptive":
            raise ValueError("softmax adaptive shares no weights with the embedding: say tied false, or softmax full")
        return self


class TransformerConfig(BaseModelConfig):
    """Self-attention. One class covers the dialects; a preset is a set of these knobs."""

    arch: Literal["transformer"] = knob("transformer", flag="--arch")
    """rnn, lstm, gru or transformer."""
    preset: Literal["bert", "classic", "gpt2", "llama", "marian", "modern", "qwen2", "qwen3"] = knob(
        "modern", flag="--preset"
    )
    """Dialect: a set of the knobs below, equal to the reference implementation it names."""
    n_heads: int = knob(4, ge=1)
    """Attention heads."""
    n_kv_heads: int | None = knob(None, ge=1)
    """Heads of keys and values, shared by groups of queries. Default: n_heads."""
    d_head: int | None = knob(None, ge=1)
    """Width of an attention head. Default: d_model / n_heads."""
    d_ff: int | None = knob(None, ge=1)
    """Width of the feed-forward layer. Default: 4 d_model; where it is gated, 8/3 d_model up to a multiple of 32."""
    norm: Literal["layer", "rms", "rms_weightless"] = knob("rms_weightless")
    """Normalisation: LayerNorm, RMSNorm, or RMSNorm without weights."""
    norm_place: Literal["pre", "post"] = knob("pre")
    """Before each sublayer (and once at the end), or after each residual sum."""
    norm_eps: float = knob(1e-6, gt=0.0)
    """Added to the variance before its root."""
    embed_norm: bool = knob(True)
    """Normalise the embeddings before the first layer."""
    qk_norm: bool = knob(True)
    """Normalise queries and keys of each head by RMSNorm, without weights unless qk_norm_gain."""
    qk_norm_gain: bool = knob(False)
    """The norm of queries and keys has weights, and comes before rotation."""
    window: int | None = knob(None, ge=1)
    """Tokens that a token sees, itself included: the last so many of its text. Default: all that came before."""
    positions: Literal["sinusoidal", "sinusoidal_halves", "learned", "rotary"] = knob("rotary")
    """How a token knows its place. sinusoidal: sines and cosines in turns; sinusoidal_halves: first all sines."""
    rope_theta: float = knob(10000.0, gt=0.0)
    """Base of the rotary frequencies."""
    rope_scaling: Literal["linear", "llama3"] | None = knob(None)
    """How rotary frequencies are slowed for a context longer than rope_original. linear: all by rope_factor; llama3:
    slow ones by rope_factor, fast ones not at all, those between by degrees. Default: not at all."""
    rope_factor: float = knob(1.0, gt=0.0)
    """By how much rope_scaling slows them."""
    rope_low: float = knob(1.0, gt=0.0)
    """Of rope_scaling llama3, turns within rope_original of the fastest frequencies that are slowed by all of it."""
    rope_high: float = knob(4.0, gt=0.0)
    """Of rope_scaling llama3, turns within rope_original of the slowest frequencies that are not slowed."""
    rope_original: int = knob(8192, ge=1)
    """Of rope_scaling llama3, the context before it was made longer."""
    activation: Literal["relu", "gelu", "gelu_tanh", "silu", "relu_squared"] = knob("relu_squared")
    """Between the two halves of the feed-forward layer."""
    gated: bool = knob(False)
    """The feed-forward layer is multiplied by a gate (SwiGLU with silu)."""
    bias: bool = knob(False)
    """Linear layers have a bias."""
    attention_bias: Literal["all", "qkv", "none"] | None = knob(None)
    """Which maps of attention have one: all, those to queries, keys and values, or none. Default: all where bias says
    so, else none."""
    scale_embedding: bool = knob(False)
    """Embeddings are multiplied by the root of d_model."""
    logit_cap: float | None = knob(15.0, gt=0.0)
    """Logits are bent to stay within ± this: cap · tanh(logit / cap)."""
    init: Literal["normal", "zero_projections"] = knob("zero_projections")
    """normal: N(0, 0.02), residual projections by 1/√(2L). zero_projections: residual projections start at 0."""

    @property
    def head_width(self) -> int:
        """d_head, its default filled in."""
        return self.d_head or self.d_model // self.n_heads

    @property
    def biased(self) -> str:
        """attention_bias, its default filled in."""
        return self.attention_bias or ("all" if self.bias else "none")

    @property
    def kv_heads(self) -> int:
        """n_kv_heads, its default filled in."""
        return self.n_kv_heads or self.n_heads

    @property
    def feed_forward_width(self) -> int:
        """d_ff, its default filled in."""
        if self.d_ff is not None:
            return self.d_ff
        return -(-8 * self.d_model // 96) * 32 if self.gated else 4 * self.d_model

    @model_validator(mode="after")
    def heads_divide_the_width(self) -> TransformerConfig:
        if self.d_head is None and self.d_model % self.n_heads:
            raise ValueError(f"n_heads ({self.n_heads}) must divide d_model ({self.d_model})")
        if self.n_heads % (self.n_kv_heads or self.n_heads):
            raise ValueError(f"n_kv_heads ({self.n_kv_heads}) must divide n_heads ({self.n_heads})")
        if self.positions == "rotary" and self.head_width % 2:
            raise ValueError(f"rotary positions need an even head width, not {self.head_width}")
        return self

    @model_validator(mode="after")
    def what_refines_another_knob_has_it(self) -> TransformerConfig:
        if self.qk_norm_gain and not self.qk_norm:
            raise ValueError("qk_norm_gain is of the norm of queries and keys, and qk_norm is false")
        if self.rope_scaling is not None and self.positions != "rotary":
            raise ValueError(f"rope_scaling is of rotary positions, and positions is {self.positions}")
        if self.rope_scaling == "llama3" and self.rope_high <= self.rope_low:
            raise ValueError(f"rope_high ({self.rope_high:g}) must be above rope_low ({self.rope_low:g})")
        return self


class RecurrentConfig(BaseModelConfig):
    """A recurrence: the state is all it keeps of the past. Also for any architecture without knobs of its own."""

    arch: str = knob("gru", flag="--arch")
    """rnn, lstm, gru or transformer."""
    seq_len: int = knob(64, ge=2)
    """Tokens in a row: the reach of back-propagation. The state is carried on beyond it. Of questions the default is
    512."""
    source_attention: Literal["dot", "additive"] = knob("dot")
    """How a model that reads a source compares what it writes with it: dot, or additive (Bahdanau)."""

    @model_validator(mode="after")
    def a_first_place_has_seen_the_text(self) -> Self:
        if self.pooling == "first":
            raise ValueError("pooling first is of Transformers: a recurrence has read next to nothing at a first place")
        return self

    @field_validator("arch")
    @classmethod
    def arch_stands_in_the_table(cls, arch: str) -> str:
        if arch not in ARCHITECTURES:
            advice = did_you_mean(arch, ARCHITECTURES)
            raise ValueError(f"no architecture {arch!r}: {advice or 'there are ' + ', '.join(ARCHITECTURES)}")
        return arch


def section_of(values: object) -> str:
    """Which section the knobs of [model] belong to: an architecture with knobs of its own has one, the others share."""
    arch = values.get("arch", "transformer") if isinstance(values, dict) else getattr(values, "arch", None)
    return kind_of(arch)


ModelConfig = Annotated[
    Annotated[TransformerConfig, Tag("transformer")] | Annotated[RecurrentConfig, Tag("recurrent")],
    Discriminator(section_of),
]

# Touvron et al. 2023; transformers' LlamaForCausalLM.
LLAMA: dict[str, Any] = {
    "norm": "rms",
    "norm_place": "pre",
    "norm_eps": 1e-5,
    "embed_norm": False,
    "qk_norm": False,
    "positions": "rotary",
    "activation": "silu",
    "gated": True,
    "bias": False,
    "scale_embedding": False,
    "logit_cap": None,
    "init": "normal",
    "tied": False,
}

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "transformer": {
        # Vaswani et al. 2017 as torch.nn.TransformerEncoder has it: post-norm, ReLU, sinusoids, embeddings by √d.
        "classic": {
            "norm": "layer",
            "norm_place": "post",
            "norm_eps": 1e-5,
            "embed_norm": False,
            "qk_norm": False,
            "positions": "sinusoidal",
            "activation": "relu",
            "gated": False,
            "bias": True,
            "scale_embedding": True,
            "logit_cap": None,
            "init": "normal",
            "tied": False,
        },
        # Devlin et al. 2018; transformers' BertModel, made for encoders. The positions hold the vector of token type 0.
        "bert": {
            "norm": "layer",
            "norm_place": "post",
            "norm_eps": 1e-12,
            "embed_norm": True,
            "qk_norm": False,
            "positions": "learned",
            "activation": "gelu",
            "gated": False,
            "bias": True,
            "scale_embedding": False,
            "logit_cap": None,
            "init": "normal",
            "tied": True,
        },
        # Radford et al. 2019; transformers' GPT2LMHeadModel.
        "gpt2": {
            "norm": "layer",
            "norm_place": "pre",
            "norm_eps": 1e-5,
            "embed_norm": False,
            "qk_norm": False,
            "positions": "learned",
            "activation": "gelu_tanh",
            "gated": False,
            "bias": True,
            "scale_embedding": False,
            "logit_cap": None,
            "init": "normal",
            "tied": True,
        },
        "llama": LLAMA,
        # Junczys-Dowmunt et al. 2018; transformers' MarianMTModel as the OPUS-MT models have it, made for translation.
        "marian": {
            "norm": "layer",
            "norm_place": "post",
            "norm_eps": 1e-5,
            "embed_norm": False,
            "qk_norm": False,
            "positions": "sinusoidal_halves",
            "activation": "silu",
            "gated": False,
            "bias": True,
            "scale_embedding": True,
            "logit_cap": None,
            "init": "normal",
            "tied": True,
        },
        # Yang et al. 2024, 2407.10671; transformers' Qwen2ForCausalLM.
        "qwen2": LLAMA | {"norm_eps": 1e-6, "attention_bias": "qkv", "tied": True},
        # Yang et al. 2025, 2505.09388; transformers' Qwen3ForCausalLM.
        "qwen3": LLAMA | {"norm_eps": 1e-6, "qk_norm": True, "qk_norm_gain": True, "tied": True},
        # transformers' NanoChatForCausalLM.
        "modern": {
            "norm": "rms_weightless",
            "norm_place": "pre",
            "norm_eps": 1e-6,
            "embed_norm": True,
            "qk_norm": True,
            "positions": "rotary",
            "activation": "relu_squared",
            "gated": False,
            "bias": False,
            "scale_embedding": False,
            "logit_cap": 15.0,
            "init": "zero_projections",
            "tied": False,
        },
    },
}

# Parameters without embeddings and head: Transformer 12 L d², LSTM 8 L d², GRU 6 L d², RNN 2 L d² (and biases).
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "transformer": {
        "micro": {"n_layers": 2, "d_model": 64, "n_heads": 4},
        "tiny": {"n_layers": 4, "d_model": 128, "n_heads": 4},
        "small": {"n_layers": 6, "d_model": 264, "n_heads": 6},
        "base": {"n_layers": 8, "d_model": 512, "n_heads": 8},
        "large": {"n_layers": 12, "d_model": 768, "n_heads": 12},
    },
    "lstm": {
        "micro": {"n_layers": 1, "d_model": 112},
        "tiny": {"n_layers": 1, "d_model": 320},
        "small": {"n_layers": 1, "d_model": 792},
        "base": {"n_layers": 2, "d_model": 1248},
        "large": {"n_layers": 2, "d_model": 2304},
    },
    "gru": {
        "micro": {"n_layers": 1, "d_model": 128},
        "tiny": {"n_layers": 1, "d_model": 368},
        "small": {"n_layers": 1, "d_model": 912},
        "base": {"n_layers": 2, "d_model": 1440},
        "large": {"n_layers": 2, "d_model": 2656},
    },
    "rnn": {
        "micro": {"n_layers": 1, "d_model": 224},
        "tiny": {"n_layers": 1, "d_model": 632},
        "small": {"n_layers": 1, "d_model": 1584},
        "base": {"n_layers": 2, "d_model": 2496},
        "large": {"n_layers": 2, "d_model": 4608},
    },
}

# The same sizes where a source is read. n_layers counts each side; Transformer 28 L d², and with dot attention to the
# source LSTM (14 L + 2) d², GRU (10.5 L + 2) d², RNN (3.5 L + 2) d².
SIZES_WITH_SOURCE: dict[str, dict[str, dict[str, Any]]] = {
    "transformer": {
        "micro": {"n_layers": 1, "d_model": 60, "n_heads": 2},
        "tiny": {"n_layers": 2, "d_model": 120, "n_heads": 4},
        "small": {"n_layers": 3, "d_model": 240, "n_heads": 6},
        "base": {"n_layers": 4, "d_model": 480, "n_heads": 8},
        "large": {"n_layers": 6, "d_model": 704, "n_heads": 11},
    },
    "lstm": {
        "micro": {"n_layers": 1, "d_model": 80},
        "tiny": {"n_layers": 1, "d_model": 224},
        "small": {"n_layers": 1, "d_model": 550},
        "base": {"n_layers": 2, "d_model": 928},
        "large": {"n_layers": 2, "d_model": 1666},
    },
    "gru": {
        "micro": {"n_layers": 1, "d_model": 90},
        "tiny": {"n_layers": 1, "d_model": 254},
        "small": {"n_layers": 1, "d_model": 622},
        "base": {"n_layers": 2, "d_model": 1060},
        "large": {"n_layers": 2, "d_model": 1902},
    },
    "rnn": {
        "micro": {"n_layers": 1, "d_model": 134},
        "tiny": {"n_layers": 1, "d_model": 382},
        "small": {"n_layers": 1, "d_model": 938},
        "base": {"n_layers": 2, "d_model": 1692},
        "large": {"n_layers": 2, "d_model": 3040},
    },
}

# And where an encoder reads, a recurrence with half its width a way: LSTM 6 L d², GRU 4.5 L d², RNN 1.5 L d².
SIZES_OF_ENCODERS: dict[str, dict[str, dict[str, Any]]] = {
    "transformer": SIZES["transformer"],
    "lstm": {
        "micro": {"n_layers": 1, "d_model": 128},
        "tiny": {"n_layers": 1, "d_model": 368},
        "small": {"n_layers": 1, "d_model": 912},
        "base": {"n_layers": 2, "d_model": 1440},
        "large": {"n_layers": 2, "d_model": 2656},
    },
    "gru": {
        "micro": {"n_layers": 1, "d_model": 148},
        "tiny": {"n_layers": 1, "d_model": 416},
        "small": {"n_layers": 1, "d_model": 1056},
        "base": {"n_layers": 2, "d_model": 1664},
        "large": {"n_layers": 2, "d_model": 3072},
    },
    "rnn": {
        "micro": {"n_layers": 1, "d_model": 258},
        "tiny": {"n_layers": 1, "d_model": 736},
        "small": {"n_layers": 1, "d_model": 1824},
        "base": {"n_layers": 2, "d_model": 2880},
        "large": {"n_layers": 2, "d_model": 5328},
    },
}

DEFAULT_SIZES = {"encoder": "micro"}
"""Of forms that have another than the knob's."""

ARCH_OF_MADE_QUESTIONS = "gru"
"""Of questions that are made from documents. On 200 pages of the world facts, after 36 s of one processor, held-out
questions were answered with an F1 of 0.84 by a GRU and of 0.79 by an LSTM."""

SEQ_LEN_OF_QUESTIONS = 512
"""Tokens in a row of a question and what is read about it: most passages in one window (Devlin et al. 2018: 384)."""


def sizes_of(form: str) -> dict[str, dict[str, dict[str, Any]]]:
    """What --size names for models of a form: architecture -> size -> knobs."""
    return {"encoder-decoder": SIZES_WITH_SOURCE, "encoder": SIZES_OF_ENCODERS}.get(form, SIZES)
