"""What autograd keeps of one micro-batch until backward, as pure functions of a config. Room: models/. Used by cost.py.

Counted term by term from the forward code; tests/models/test_activations.py holds the sums to what torch saves. No
torch is loaded. Numbers are float32; where products are made in bfloat16, fewer bytes are kept.
Letters: B rows, T tokens of a row, S tokens of its source, N = B·T, D width, F of the feed-forward layer, K of the
keys, H query heads, G key-value heads, V vocabulary.

    of                      kept, a place                                why
    embedding               its id, 2 numbers; D where it is normed      what a norm bends
    norm                    its input D, its statistics                  layer: 2, rms: 1; of rms with weights D more
    query, key, value       their input D, once                          what comes out of the norm before them
    attention               q D, k K, v K, its output D, H sums          the fused kernel's; masks: 4 T bytes a place
      normed q and k        D + K, H + G statistics                      as they went in, beside as they came out
      dropout, processor    D + D for q and k, 3 H T in all              written out: weights, noise, what it leaves
    feed-forward            its input D, BENT times F                    what is bent, what is multiplied
    dropout                 D of noise                                   on a processor a float, elsewhere a byte
    cells                   CELLS times D                                torch.nn's, a step at a time; LSTM: oneDNN's
    head                    its rows D, the scores of few rows           chunks of many scores are not kept: `Head`
    head of an encoder      D of what weighs tokens, their weights       `ClassifyHead`; its scores are few
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from textmill.config.model import ModelConfig, RecurrentConfig, TransformerConfig
from textmill.models.clusters import clusters_of

SCORES_AT_ONCE, SCORES_OF_A_CHUNK, ROWS_OF_A_CHUNK, COMPARED_AT_ONCE = 2**19, 2**22, 192, 2**23
"""Those of softmax.py and recurrent_source.py, which load torch; a test holds them equal."""

BENT = {"relu": (1, 3), "gelu": (2, 4), "gelu_tanh": (2, 4), "silu": (2, 4), "relu_squared": (2, 4)}
"""Vectors of width F that are kept: (plain, gated). relu keeps what it gives alone, the others what they bend too."""

CELLS = {"rnn": (2, 2), "lstm": (6, 8), "gru": (8, 8)}
"""Vectors of width D that a layer of cells keeps of a place, its output among them, its input not: (rows of one length,
rows packed)."""

CELLS_BACKWARD = {"rnn": (2, 2), "lstm": (11, 6), "gru": (6, 6)}
"""The same for what backward writes in addition while it is in the layer: measured."""

ONEDNN_UNWRITTEN = 11
"""Rows of one length go through oneDNN in an LSTM. Of its workspace, 16 D, forward writes 5 D: the rest is reserved,
and written by the backward of that layer. It counts where addresses are limited."""


ONEDNN_BOTH_WAYS = 10
"""What that workspace is larger by, in D a layer, where an encoder reads both ways: whether it is written was not
measured, so it counts as kept."""


@dataclass(frozen=True)
class Reading:
    """What a micro-batch reads. n_source: tokens of a source row, 0 = none. is_padded: rows differ in length. is_apart:
    documents in a row do not see each other. is_fused: dropout of attention weights is made by the kernel that attends
    (not on a processor). is_made_again: of a layer only what goes in is kept, and one at a time is made again
    (train.recompute). is_whole: an encoder reads each row as a whole, and says something of it. n_masked: places of
    which it tells the token that is hidden there, where that is what it says."""

    n_rows: int
    n_tokens: int
    n_source: int = 0
    is_padded: bool = False
    is_apart: bool = False
    is_fused: bool = False
    is_made_again: bool = False
    is_whole: bool = False
    n_masked: int = 0

    @property
    def n_places(self) -> int:
        return self.n_rows * self.n_tokens

    @property
    def n_source_places(self) -> int:
        return self.n_rows * self.n_source


def is_counted(config: ModelConfig) -> bool:
    """Whether this page knows the architecture."""
    return isinstance(config, TransformerConfig) or config.arch in CELLS


def activation_numbers(config: ModelConfig, vocab_size: int, reading: Reading) -> int:
    """Kept by embedding, backbone and head together, of a decoder, or of an encoder-decoder where a source is read.

    Of an architecture that is not counted: by the head alone.
    """
    if not is_counted(config):
        return head_numbers(config, vocab_size, reading).kept
    if reading.is_made_again and config.n_layers > 1:
        one, once = config.model_copy(update={"n_layers": 1}), replace(reading, is_made_again=False)
        inputs = (config.n_layers - 1) * (reading.n_places + reading.n_source_places) * config.d_model
        return activation_numbers(one, vocab_size, once) + inputs
    if isinstance(config, TransformerConfig):
        kept = _of_transformer(config, reading)
    else:
        kept = _of_recurrence(config, reading)
    return kept + head_numbers(config, vocab_size, reading).kept


@dataclass(frozen=True)
class HeadNumbers:
    """kept: until backward. passing: at most in addition, while the nats are made. gradient: of the head's weights,
    which is there before the layers' backward begins."""

    kept: int
    passing: int
    gradient: int


def head_numbers(config: ModelConfig, vocab_size: int, reading: Reading) -> HeadNumbers:
    """Of the nats of every place. Few scores are made at once and kept; many go in chunks, with their gradient."""
    n, d = reading.n_places, config.d_model
    if reading.n_masked:
        return _of_masked(config, vocab_size, reading)
    if reading.is_whole:
        return _of_pooling(config, reading)
    targets = 4 * n if reading.is_padded else 2 * n  # and the places that count
    capped = config.logit_cap is not None
    if config.softmax == "adaptive":
        clusters = clusters_of(vocab_size, d)
        first = _of_softmax(n, clusters.n_first, d, capped)
        return HeadNumbers(first.kept + targets, first.passing, clusters.n_matrix_numbers)
    found = _of_softmax(n, vocab_size, d, capped)
    return HeadNumbers(found.kept + targets, found.passing, vocab_size * d)


def _of_softmax(n: int, n_classes: int, d: int, capped: bool) -> HeadNumbers:
    if n * n_classes <= SCORES_AT_ONCE:
        return HeadNumbers(kept=(2 if capped else 1) * n * n_classes, passing=2 * n * n_classes, gradient=0)
    chunk = min(n, max(ROWS_OF_A_CHUNK, SCORES_OF_A_CHUNK // n_classes)) * n_classes
    return HeadNumbers(kept=n * d, passing=(2 if capped else 1) * chunk, gradient=0)


def _of_masked(config: ModelConfig, vocab_size: int, reading: Reading) -> HeadNumbers:
    """Of hidden tokens: their rows before and after each of three maps, their scores; and what is read in their place,
    by which every row is chosen."""
    n, d = reading.n_masked, config.d_model
    found = _of_softmax(n, vocab_size, d, config.logit_cap is not None)
    kept = found.kept + n * (4 * d + 4) + reading.n_places * 4
    return HeadNumbers(kept, found.passing + 2 * n * d, vocab_size * d + d * d)


def _of_pooling(config: ModelConfig, reading: Reading) -> HeadNumbers:
    """Of an encoder's head: what weighs the tokens, their weights and their noughts. A plain mean keeps no vectors,
    the highest of them are looked for in vectors without padding."""
    n, d, has_cells = reading.n_places, config.d_model, not isinstance(config, TransformerConfig)
    if config.pooling != "attention":
        not_kept = d if has_cells and is_packed(reading) else 0
        if config.pooling == "first":
            return HeadNumbers(kept=reading.n_rows * 2 * d, passing=n * d, gradient=0)
        if config.pooling == "mean":
            return HeadNumbers(kept=n * (2 - not_kept), passing=n * d, gradient=0)
        return HeadNumbers(kept=n * (d + 1 - not_kept), passing=2 * n * d, gradient=0)
    turned = d if has_cells and not is_packed(reading) else 0  # (B, T, D) of what cells write as (T, B, D)
    return HeadNumbers(kept=n * (d + 2 + turned), passing=2 * n * d, gradient=0)


def widest_numbers(config: ModelConfig, reading: Reading) -> int:
    """What backward holds of the layer that it is in, beside what was kept: gradients of its widest vectors."""
    if not is_counted(config):
        return 0
    if isinstance(config, TransformerConfig):
        wide = (3 if config.gated else 2) * config.feed_forward_width
        looks = 2 * config.n_heads * reading.n_tokens if config.dropout and not reading.is_fused else 0
        return reading.n_places * (2 * config.d_model + max(wide, looks))
    return reading.n_places * CELLS_BACKWARD[config.arch][is_packed(reading)] * config.d_model


def reserved_numbers(config: ModelConfig, reading: Reading) -> int:
    """What is saved and not written before backward, of all layers: addresses without memory behind them."""
    if config.arch != "lstm" or is_packed(reading):
        return 0
    return reading.n_places * config.n_layers * ONEDNN_UNWRITTEN * config.d_model


# --- Transformer


def _of_transformer(config: TransformerConfig, reading: Reading) -> int:
    decoder = _of_stack(config, reading.n_rows, reading.n_tokens, reading)
    if not reading.n_source:
        return decoder
    encoder = _of_stack(config, reading.n_rows, reading.n_source, reading)
    d, kv = config.d_model, config.kv_heads * config.head_width
    to_source = reading.n_places * (
        (_norm(config) if config.norm_place == "pre" else d + _norm(config))
        + d
        + _attention(config, reading, kv_kept=0)
    )
    normed_keys = kv + config.kv_heads if config.qk_norm else 0
    normed_keys += kv if config.qk_norm_gain else 0
    of_source = reading.n_source_places * (2 * kv + normed_keys)
    looked_at = _mask(reading, reading.n_tokens, reading.n_source)
    if config.dropout and not reading.is_fused:
        looked_at += 3 * config.n_heads * reading.n_rows * reading.n_tokens * reading.n_source
    return decoder + encoder + config.n_layers * (to_source + of_source + looked_at)


def _of_stack(config: TransformerConfig, n_rows: int, n_tokens: int, reading: Reading) -> int:
    n, d = n_rows * n_tokens, config.d_model
    kv = config.kv_heads * config.head_width
    noise = _noise(config.dropout, d, reading)
    sublayers = 2 * (_norm(config) + d + noise)  # a norm's input and statistics, what comes out of it
    feed_forward = BENT[config.activation][config.gated] * config.feed_forward_width
    block = sublayers + _attention(config, reading, kv_kept=2 * kv) + feed_forward
    written_out = 3 * config.n_heads * n_tokens if config.dropout and not reading.is_fused else 0
    before = 2 + noise + (_norm(config) if config.embed_norm else 0)
    last = _norm(config) if config.norm_place == "pre" else 0
    return n * (config.n_layers * (block + written_out) + before + last + d) + config.n_layers * _mask(
        reading, n_tokens, n_tokens
    )


def _norm(config: TransformerConfig) -> int:
    """A norm's input, and its statistics."""
    d = config.d_model
    return {"layer": d + 2, "rms": 2 * d + 1, "rms_weightless": d + 1}[config.norm]


def _attention(config: TransformerConfig, reading: Reading, kv_kept: int) -> int:
    """q, k, v, the output, the sums of its softmax; without the input of the maps."""
    heads, kv_heads = config.n_heads, config.kv_heads
    q, kv = heads * config.head_width, kv_heads * config.head_width
    kept = q + kv_kept + q + heads
    if config.qk_norm:
        kept += q + heads + (kv + kv_heads if kv_kept else 0)
    if config.qk_norm_gain:
        kept += q + (kv if kv_kept else 0)
    return kept


def _mask(reading: Reading, n_queries: int, n_keys: int) -> int:
    """Of one layer: it is made of booleans, and kept as numbers."""
    is_hidden = reading.is_apart or (reading.is_whole and reading.is_padded)
    return reading.n_rows * n_queries * n_keys if is_hidden else 0


def _noise(dropout: float | None, width: int, reading: Reading) -> int:
    if not dropout:
        return 0
    return width // 4 if reading.is_fused else width


# --- recurrence


def is_packed(reading: Reading) -> bool:
    """Whether cells read rows of unlike length."""
    return reading.is_padded or reading.is_apart


def _of_recurrence(config: RecurrentConfig, reading: Reading) -> int:
    decoder = _of_cells(config, reading, reading.n_places)
    if not reading.n_source:
        return decoder
    n, d, sources = reading.n_places, config.d_model, reading.n_source_places
    encoder = _of_cells(config, reading, sources)
    compared = n * reading.n_source  # the weights, and what of them is hidden
    if config.source_attention == "additive":
        at_once = compared * d
        encoder += sources * d  # the keys
        compared += at_once if at_once <= COMPARED_AT_ONCE else n * d  # tanh(q + k), or the queries it is made of again
    mixed = n * (2 * d + d + _noise(config.dropout, d, reading))  # what was found beside what is said, and the mixture
    return encoder + decoder + compared + mixed


def _of_cells(config: RecurrentConfig, reading: Reading, n: int) -> int:
    d, layers, packed = config.d_model, config.n_layers, is_packed(reading)
    noise = _noise(config.dropout, d, reading)
    of_onednn = config.arch == "lstm" and not packed
    turned = d if of_onednn else 0  # (T, B, D) as oneDNN writes it, and (B, T, D) as the head reads it
    dropped = d if of_onednn and noise else 0  # between layers
    both_ways = ONEDNN_BOTH_WAYS if of_onednn and reading.is_whole else 0
    kept = d + turned + layers * (CELLS[config.arch][packed] + both_ways) * d
    return n * (2 + kept + (layers + 1) * noise + (layers - 1) * dropped + (6 if packed else 0))
