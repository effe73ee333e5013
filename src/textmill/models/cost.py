"""What a model costs: parameters, FLOPs, memory, as pure functions of a config. Room: models/.

Nothing is allocated and no torch is loaded, so that planning and --help are instant. An architecture that this page
does not know is counted on the meta device instead, and so is what Adafactor keeps, which depends on each shape.
Letters: L layers, D width, T tokens in a row, V vocabulary, N parameters that multiply.

FLOPs convention: a multiply-add is two, backward costs twice forward, so a trained token costs 6 N (Kaplan et al. 2020)
with N = backbone matrices and head, without embeddings (a look-up); a Transformer's attention adds 12 L D T (Chowdhery
et al. 2022, appendix B: every token against all T of its row, the causal half not taken off).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textmill.config.model import ModelConfig, RecurrentConfig, TransformerConfig
from textmill.models.activations import Reading, activation_numbers, head_numbers, reserved_numbers, widest_numbers
from textmill.models.clusters import clusters_of

if TYPE_CHECKING:
    from textmill.models.network import Heads

CONVENTION = "6 N + 12 L D T a token: N without embeddings, multiply-add = 2, backward = 2 forward, causal half counted"

MASK_SHARE = 0.15
"""Of the tokens of a text, those that are scored where its words are masked."""

GATES = {"rnn": 1, "lstm": 4, "gru": 3}  # vectors of width D that a recurrent cell computes from input and state

# Numbers an optimizer keeps beside each parameter: (in the matrices that Muon takes, in all others).
OPTIMIZER_NUMBERS = {
    "sgd": (0, 0),
    "momentum": (1, 1),
    "nesterov": (1, 1),
    "rmsprop": (1, 1),
    "adam": (2, 2),
    "adamw": (2, 2),
    "muon": (1, 2),
}


@dataclass(frozen=True)
class Parameters:
    """Counts that add up to the model. backbone: all but embeddings and head, what --size names."""

    embeddings: int
    """Of tokens and learned positions; a tied head is counted here."""
    backbone: int
    head: int
    matrices: int
    """The part of backbone that are matrices."""
    head_multiplies: int
    """Numbers the head multiplies by: V D, tied or not. Of an adaptive softmax those that every token passes: its
    clusters, which few tokens reach, are not counted. Of an encoder those that weigh its tokens: the scores of classes,
    made once a text, are not counted. Of masked words MASK_SHARE of them, on average over the tokens."""

    @property
    def total(self) -> int:
        return self.embeddings + self.backbone + self.head


def parameters(
    config: ModelConfig,
    vocab_size: int,
    form: str = "decoder",
    source_vocab_size: int | None = None,
    heads: Heads | None = None,
) -> Parameters:
    """Exact counts, equal to those of build_model with the same form, heads and source_vocab_size.

    >>> from textmill.config import PRESETS, TransformerConfig
    >>> gpt2 = PRESETS["transformer"]["gpt2"]
    >>> small = TransformerConfig(preset="gpt2", **gpt2, n_layers=12, d_model=768, n_heads=12, seq_len=1024)
    >>> parameters(small, vocab_size=50257).total
    124439808
    """
    known = isinstance(config, TransformerConfig) or config.arch in GATES
    if not known or form not in ("decoder", "encoder-decoder", "encoder") or set(heads or ()) - {"classify", "mask"}:
        return _on_meta_device(config, vocab_size, form, source_vocab_size, heads)
    if isinstance(config, TransformerConfig):
        counts = _of_transformer(config, vocab_size, form == "encoder-decoder")
    else:
        counts = _of_recurrence(config, vocab_size, form)
    if form == "encoder":
        heads = heads or {}
        n_head = multiplies = 0
        if "classify" in heads:
            n_head += _of_classify_head(config, len(heads["classify"]["classes"]))
            multiplies += _weighing(config)
        if "mask" in heads:
            n_head += _of_mask_head(config, vocab_size)
            multiplies += round(MASK_SHARE * (vocab_size + config.d_model) * config.d_model)
        return replace(counts, head=n_head, head_multiplies=multiplies)
    return replace(counts, embeddings=counts.embeddings + (source_vocab_size or 0) * config.d_model)


def flops_per_token(
    config: ModelConfig,
    vocab_size: int,
    seq_len: int | None = None,
    training: bool = True,
    form: str = "decoder",
    heads: Heads | None = None,
) -> int:
    """Of one token in a row of seq_len (default: the config's), by CONVENTION. Not training: a third of it.

    Of an encoder-decoder: of a target token together with a source token, both rows of seq_len.
    """
    counts = parameters(config, vocab_size, form, heads=heads)
    forward = 2 * (counts.matrices + counts.head_multiplies)
    if isinstance(config, TransformerConfig):
        n_attentions = 3 if form == "encoder-decoder" else 1  # of each side to itself, and of one to the other
        seen = min(seq_len or config.seq_len, config.window or config.seq_len)
        forward += 4 * n_attentions * config.n_layers * config.n_heads * config.head_width * seen
    return 3 * forward if training else forward


def memory_bytes(
    config: ModelConfig,
    vocab_size: int,
    optimizer: str | None = "adamw",
    bytes_per_number: int = 4,
    form: str = "decoder",
    source_vocab_size: int | None = None,
    heads: Heads | None = None,
) -> dict[str, int]:
    """Bytes of weights, gradients and optimizer (keys), activations left out. optimizer None: only to be used."""
    counts = parameters(config, vocab_size, form, source_vocab_size, heads)
    if optimizer is None:
        return {"weights": counts.total * bytes_per_number, "gradients": 0, "optimizer": 0}
    return {
        "weights": counts.total * bytes_per_number,
        "gradients": counts.total * bytes_per_number,
        "optimizer": bytes_per_number
        * _numbers_kept(optimizer, counts, config, vocab_size, form, source_vocab_size, heads),
    }


def _numbers_kept(
    optimizer: str,
    counts: Parameters,
    config: ModelConfig,
    vocab_size: int,
    form: str,
    source_vocab_size: int | None,
    heads: Heads | None,
) -> int:
    """Of an optimizer. adafactor: a row and a column of each matrix, a copy of each vector, a count of their steps."""
    if optimizer == "adafactor":
        from textmill.models.network import build_model

        model = build_model(config, vocab_size, form, heads or {}, device="meta", source_vocab_size=source_vocab_size)
        return sum(1 + sum(parameter.shape) for parameter in model.parameters())
    in_matrices, elsewhere = OPTIMIZER_NUMBERS[optimizer]
    return in_matrices * counts.matrices + elsewhere * (counts.total - counts.matrices)


LIBRARIES_BYTES = 90_000_000
"""What torch and its libraries take when they are first used, code and buffers: measured on tiny models."""

HOLES, HOLES_OF_CELLS = 0.45, 0.12
"""Of what a micro-batch takes, so much in addition where the system's allocator keeps freed blocks: tensors that live
for different times leave holes in its heap: a Transformer's, and those of recurrent cells, which are fewer and larger.
Measured with glibc (benchmarks/memory_of_training.py)."""

MUON_NUMBERS = 3.3
"""Numbers that Muon holds while it steps in float32, for each of the matrices: directions, updates, products."""


def training_bytes(
    config: ModelConfig,
    vocab_size: int,
    reading: Reading,
    optimizer: str = "adamw",
    form: str = "decoder",
    *,
    accumulates: bool = False,
    averages: bool = False,
    continues: bool = False,
    steps_together: bool = True,
    leaves_holes: bool = True,
    source_vocab_size: int | None = None,
    heads: Heads | None = None,
) -> dict[str, int]:
    """What training holds at most, above what the program takes itself: `total`, what it is made of, and `reserved`:
    addresses in addition, without memory behind them. In float32.

    The most is one of three: backward (all that was kept, with gradients of earlier micro-batches where it
    accumulates), the optimizer's step (all gradients), or a checkpoint (the largest of its files once more).
    averages: the weights are averaged too. continues: the weights of a checkpoint stay in memory beside the model's.
    steps_together: Muon orthogonalises matrices of one shape at once, in float32 (processors without bfloat16).
    leaves_holes: freed blocks stay in the heap, as they do on a processor unless they are given back at once.
    """
    counts = parameters(config, vocab_size, form, source_vocab_size, heads)
    held = memory_bytes(config, vocab_size, optimizer, form=form, source_vocab_size=source_vocab_size, heads=heads)
    reading = replace(reading, is_whole=form == "encoder")
    head = head_numbers(config, vocab_size, reading)
    activations = 4 * activation_numbers(config, vocab_size, reading)
    copies = held["weights"] * (averages + continues + (averages and continues))
    of_muon = round(MUON_NUMBERS * counts.matrices) if optimizer == "muon" and steps_together else 0
    backward = max(head.passing, widest_numbers(config, reading)) + head.gradient
    phases = {
        "backward": activations + 4 * backward + (held["gradients"] if accumulates else 0),
        "step": held["gradients"] + 4 * of_muon,
        "checkpoint": max(held["weights"], held["optimizer"]),
    }
    parts = {
        "weights": held["weights"],
        "optimizer": held["optimizer"],
        "copies": copies,
        "gradients": held["gradients"],
        "activations": activations,
        "reserved": 4 * reserved_numbers(config, reading),
    }
    share = HOLES if isinstance(config, TransformerConfig) else HOLES_OF_CELLS
    parts["holes"] = round(share * (activations + 4 * backward)) if leaves_holes else 0
    total = held["weights"] + held["optimizer"] + copies + max(phases.values()) + parts["holes"] + LIBRARIES_BYTES
    return {"total": total, **parts}


def state_bytes(config: ModelConfig, n_tokens: int, bytes_per_number: int = 4) -> int:
    """Bytes of one row's state after n_tokens: the key-value cache, or the vectors of a recurrence."""
    if isinstance(config, TransformerConfig):
        return 2 * config.n_layers * config.kv_heads * config.head_width * n_tokens * bytes_per_number
    return config.n_layers * config.d_model * (2 if config.arch == "lstm" else 1) * bytes_per_number


def _of_transformer(config: TransformerConfig, vocab_size: int, sourced: bool) -> Parameters:
    d, wide, bias = config.d_model, config.feed_forward_width, config.bias
    kv_width = config.kv_heads * config.head_width
    q_width = config.n_heads * config.head_width
    attention = 2 * d * q_width + 2 * d * kv_width  # query and out, key and value
    feed_forward = (3 if config.gated else 2) * d * wide
    attention_biases = {"all": d + q_width + 2 * kv_width, "qkv": q_width + 2 * kv_width, "none": 0}[config.biased]
    attention_biases += 2 * config.head_width if config.qk_norm_gain else 0  # weights of norms, which no matrix has
    biases = attention_biases + ((2 if config.gated else 1) * wide + d if bias else 0)
    norm = {"layer": 2 * d if bias else d, "rms": d, "rms_weightless": 0}[config.norm]
    n_norms = 2 * config.n_layers + (config.norm_place == "pre") + config.embed_norm
    matrices = config.n_layers * (attention + feed_forward)
    others = config.n_layers * biases + n_norms * norm
    places = config.seq_len * d if config.positions == "learned" else 0
    if sourced:  # the same stack again, and in each layer of one of them attention to the other
        matrices = 2 * matrices + config.n_layers * attention
        others = 2 * others + config.n_layers * (attention_biases + norm)
        places = 2 * places
    return Parameters(
        embeddings=vocab_size * d + places,
        backbone=matrices + others,
        head=_of_head(config, vocab_size, bias, sourced),
        matrices=matrices,
        head_multiplies=_head_multiplies(config, vocab_size),
    )


def _of_head(config: ModelConfig, vocab_size: int, bias: bool, sourced: bool) -> int:
    if config.softmax == "adaptive":
        clusters = clusters_of(vocab_size, config.d_model)
        return clusters.n_matrix_numbers + (clusters.n_first if bias else 0)
    weights = 0 if config.tied else vocab_size * config.d_model
    return weights + (vocab_size if bias and (sourced or not config.tied) else 0)


def _head_multiplies(config: ModelConfig, vocab_size: int) -> int:
    n_rows = clusters_of(vocab_size, config.d_model).n_first if config.softmax == "adaptive" else vocab_size
    return n_rows * config.d_model


def _of_classify_head(config: ModelConfig, n_classes: int) -> int:
    turning = config.d_model * (config.d_model + 1) if config.pooling == "first" else 0  # once a text
    return n_classes * (config.d_model + 1) + _weighing(config) + turning


def _of_mask_head(config: ModelConfig, vocab_size: int) -> int:
    d = config.d_model
    return d + d * d + d + 2 * d + vocab_size + (0 if config.tied else vocab_size * d)


def _weighing(config: ModelConfig) -> int:
    """Numbers that say how much each token weighs in its text."""
    return config.d_model * (config.d_model + 1) if config.pooling == "attention" else 0


def _of_recurrence(config: RecurrentConfig, vocab_size: int, form: str) -> Parameters:
    d, gates, sourced = config.d_model, GATES[config.arch], form == "encoder-decoder"
    matrices = config.n_layers * gates * 2 * d * d  # from the input and from the state
    both_ways = config.n_layers * gates * 2 * (d * (d // 2) + (d // 2) ** 2)  # two directions of half the width
    biases = config.n_layers * gates * 2 * d
    if form == "encoder":
        matrices = both_ways
    if sourced:  # comparing (where it is learned) and mixing
        matrices += both_ways + 2 * d * d
        biases *= 2
        if config.source_attention == "additive":
            matrices, biases = matrices + 2 * d * d, biases + d
    return Parameters(
        embeddings=vocab_size * d,
        backbone=matrices + biases,
        head=_of_head(config, vocab_size, True, sourced),
        matrices=matrices,
        head_multiplies=_head_multiplies(config, vocab_size),
    )


def _on_meta_device(
    config: ModelConfig,
    vocab_size: int,
    form: str = "decoder",
    source_vocab_size: int | None = None,
    heads: Heads | None = None,
) -> Parameters:
    from textmill.models.network import build_model

    model = build_model(config, vocab_size, form, heads or {}, device="meta", source_vocab_size=source_vocab_size)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    total = sum(sizes.values())
    head = sum(n for name, n in sizes.items() if name.startswith(("head.", "heads.")))
    embeddings = (vocab_size + (source_vocab_size or 0)) * config.d_model
    weighing = _weighing(config) if heads else 0
    return Parameters(
        embeddings=embeddings,
        backbone=total - head - embeddings,
        head=head,
        matrices=sum(matrix.numel() for _, matrix in model.matrices()),
        head_multiplies=weighing if form == "encoder" else _head_multiplies(config, vocab_size),
    )
