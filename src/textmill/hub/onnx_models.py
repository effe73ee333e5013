"""A network -> the graphs that onnxruntime runs without Textmill or PyTorch. Room: hub/.

    network                            goes in                                  comes out
    RNN, GRU, LSTM decoder             ids, h (and c)                           logits, h_after (and c_after)
    Transformer decoder                ids, past_keys.N, past_values.N          logits, keys.N, values.N
    encoder with classes               ids, real                                logits
    encoder of hidden words            ids, real, hidden                        logits
    encoder that finds answers         ids, real, facts                         logits
    RNN, GRU, LSTM with a source       ids, real                                source_values (source_keys), h (and c)
                                       ids, h (and c), real, source_…           logits, h_after (and c_after)
    Transformer with a source          ids, real                                source_keys.N, source_values.N
                                       ids, past_keys.N, …, real, source_…      logits, keys.N, values.N

A network with a source is two graphs, encoder and decoder: what the one gives goes into the other under the same name.
Batch, time and past are any numbers. What is carried on is said: a state goes in and comes out, so that a text read in
parts gives what it gives as a whole. onnx_folder.py writes it, and holds each graph to its network.
Shapes: B batch, T new tokens, P past tokens, S tokens of a source, L layers, D width, V vocabulary, C classes, H heads,
K key-value heads, E width of a head, F facts of a token.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from textmill.hub.onnx_graph import Graph, Value
from textmill.hub.onnx_heads import capped, pooled, span_scores, told_facts, write_scores
from textmill.models import Network
from textmill.models.both_ways import BothWays
from textmill.models.layout import Layout
from textmill.models.mask_head import MaskHead
from textmill.models.matches import N_FACTS
from textmill.models.recurrent import Recurrent
from textmill.models.recurrent_source import SourceAttention, SourcedRecurrent
from textmill.models.span_head import SpanHead
from textmill.models.transformer import Block, Transformer, WeightlessRMSNorm

GATES = {"RNN_TANH": [0], "LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2]}
"""ONNX's order of the gates, as places in torch's: input output forget cell; update reset new."""
At = Callable[[Value], Value]
KINDS = {"RNN_TANH": "RNN", "LSTM": "LSTM", "GRU": "GRU"}


@dataclass(frozen=True)
class Source:
    """What a decoder is shown of its source. real (B, S): True where there is a token. layers: keys and values of each
    block of a Transformer (B, K, S, E); of a recurrence one of both (B, S, D), what places are compared with and what
    they take."""

    real: Value
    layers: list[tuple[Value, Value]]


def graphs_of(model: Network) -> list[Graph]:
    """The graph of a decoder, or of an encoder with a head; of an encoder-decoder both of them."""
    if model.form == "encoder-decoder":
        return [graph_of_source(model), graph_of_target(model)]
    graph = Graph("model")
    ids, x = embedded(graph, model.embedding)
    if model.form == "encoder":
        encode(graph, model, ids, x)
    else:
        decode(graph, model, model.backbone, ids, x)
    return [graph]


def embedded(graph: Graph, table: nn.Embedding, time: str = "time") -> tuple[Value, Value]:
    """(ids (B, T), their vectors (B, T, D))."""
    ids = graph.input("ids", np.int64, ["batch", time])
    return ids, graph.op("Gather", graph.constant(table.weight, "embedding.weight"), ids)


def decode(graph: Graph, model: Any, backbone: Any, ids: Value, x: Value, source: Source | None = None) -> None:
    """A language model: what it keeps of the past goes in and comes out."""
    if isinstance(backbone, Recurrent):
        names = backbone.state_names
        shape: list[str | int] = [backbone.config.n_layers, "batch", backbone.config.d_model]
        begin = {name: graph.input(name, np.float32, shape) for name in names}
        hidden, after = through_cells(graph, backbone, x, begin, None)
        if source is not None:
            hidden = mixed_with_source(graph, model.backbone.attention, hidden, source)
        write_scores(graph, model, hidden)
        for name in names:
            graph.output(f"{name}_after", after[name], np.float32, shape)
        return
    config, caches = backbone.config, []
    for n in range(config.n_layers):
        past: list[str | int] = ["batch", config.kv_heads, "past", config.head_width]
        caches.append([graph.input(f"past_{part}.{n}", np.float32, past) for part in ("keys", "values")])
    start = graph.size(caches[0][0], 2)
    stop = graph.op("Add", start, graph.size(ids, 1))
    places, keys = graph.range(start, stop), graph.range(graph.ints(0), stop)
    queries = graph.unsqueezed(places, 1)
    sees = graph.op("GreaterOrEqual", queries, keys)  # (T, P+T)
    if config.window is not None:
        first = graph.op("Sub", queries, graph.ints(config.window))
        sees = graph.op("And", sees, graph.op("Greater", keys, first))

    def at(table: Value) -> Value:  # an error beyond the end of the table
        return graph.op("Gather", table, places)

    hidden, kept = through_blocks(graph, backbone, x, at, sees, caches, source)
    write_scores(graph, model, hidden)
    for n, both in enumerate(kept):
        for part, value in zip(("keys", "values"), both, strict=True):
            graph.output(
                f"{part}.{n}", value, np.float32, ["batch", config.kv_heads, "past_and_time", config.head_width]
            )


# --- with a source


def graph_of_source(model: Any) -> Graph:
    """What is made of a source, once."""
    graph, backbone = Graph("encoder"), model.backbone
    ids, x = embedded(graph, model.embedding if model.source_embedding is None else model.source_embedding, "source")
    real = graph.input("real", np.bool_, ["batch", "source"])
    hidden, ends = read_whole(graph, backbone.encoder, ids, x, real)
    if isinstance(backbone, SourcedRecurrent):
        width, n_layers = backbone.config.d_model, backbone.config.n_layers
        graph.output("source_values", hidden, np.float32, ["batch", "source", width])
        if backbone.attention.key is not None:
            keys = graph.linear(hidden, backbone.attention.key.weight, None, "attention.key")
            graph.output("source_keys", keys, np.float32, ["batch", "source", width])
        for name, vectors in ends.items():  # (L · 2, B, D/2), the two directions of a layer in turns
            apart = graph.constant(np.array([n_layers, 2, -1, width // 2], dtype=np.int64))
            in_turns = graph.op("Transpose", graph.op("Reshape", vectors, apart), perm=[0, 2, 1, 3])
            graph.output(name, graph.reshaped(in_turns, 0, 0, -1), np.float32, [n_layers, "batch", width])
        return graph
    config = backbone.config
    shape: list[str | int] = ["batch", config.kv_heads, "source", config.head_width]
    for n, block in enumerate(backbone.blocks):
        part, name = block.cross_attention, f"blocks.{n}.cross_attention"
        keys, values = (heads_of(graph, part, kind, hidden, part.n_kv_heads, name) for kind in ("key", "value"))
        keys = head_normed(graph, part, keys, "key", name)
        for kind, value in (("keys", keys), ("values", values)):
            graph.output(f"source_{kind}.{n}", graph.op("Transpose", value, perm=[0, 2, 1, 3]), np.float32, shape)
    return graph


def graph_of_target(model: Any) -> Graph:
    """The next token of a target, given what was made of its source."""
    graph, backbone, config = Graph("decoder"), model.backbone, model.config
    ids, x = embedded(graph, model.embedding)
    real = graph.input("real", np.bool_, ["batch", "source"])
    layers = []
    if isinstance(backbone, SourcedRecurrent):
        dims: list[str | int] = ["batch", "source", config.d_model]
        values = graph.input("source_values", np.float32, dims)
        has_keys = backbone.attention.key is not None
        layers.append((graph.input("source_keys", np.float32, dims) if has_keys else values, values))
    else:
        dims = ["batch", config.kv_heads, "source", config.head_width]
        for n in range(config.n_layers):
            keys, values = (graph.input(f"source_{kind}.{n}", np.float32, dims) for kind in ("keys", "values"))
            layers.append((keys, values))
    decode(graph, model, backbone.decoder, ids, x, Source(real, layers))
    return graph


def mixed_with_source(graph: Graph, part: SourceAttention, hidden: Value, source: Source) -> Value:
    """models.recurrent_source.SourceAttention: (B, T, D)."""
    [(keys, values)] = source.layers
    if part.query is None or part.score is None:
        scores = graph.op("MatMul", hidden, graph.op("Transpose", keys, perm=[0, 2, 1]))
        scores = graph.op("Div", scores, graph.number(math.sqrt(part.mix.out_features)))
    else:
        queries = graph.unsqueezed(graph.linear(hidden, part.query.weight, None, "attention.query"), 2)
        compared = graph.op("Tanh", graph.op("Add", queries, graph.unsqueezed(keys, 1)))  # (B, T, S, D)
        height = graph.op("MatMul", compared, graph.constant(part.score.detach()[:, None], "attention.score"))
        scores = graph.op("Squeeze", height, graph.ints(3))
    seen = graph.op("Where", graph.unsqueezed(source.real, 1), scores, graph.number(-math.inf))
    found = graph.op("MatMul", graph.op("Softmax", seen, axis=-1), values)
    both = graph.op("Concat", found, hidden, axis=-1)
    return graph.op("Tanh", graph.linear(both, part.mix.weight, None, "attention.mix"))


# --- read whole


def read_whole(graph: Graph, backbone: Any, ids: Value, x: Value, real: Value) -> tuple[Value, dict[str, Value]]:
    """(hidden (B, T, D) of texts of one row each, padding at the right; of a recurrence what either direction ends
    in)."""
    if isinstance(backbone, BothWays):
        lengths = graph.op("ReduceSum", graph.op("Cast", real, to=6), graph.ints(1), keepdims=0)  # 6: int32
        return through_cells(graph, backbone, x, None, lengths)
    n_tokens = graph.size(ids, 1)

    def at(table: Value) -> Value:  # beyond the end of the table too few rows, which cannot be added
        return graph.op("Slice", table, graph.ints(0), n_tokens, graph.ints(0))

    sees = graph.reshaped(real, 0, 1, 1, -1)  # (B, 1, 1, T)
    return through_blocks(graph, backbone, x, at, sees, None)[0], {}


def encode(graph: Graph, model: Any, ids: Value, x: Value) -> None:
    """A model that reads a text whole, one text a row, with padding at the right."""
    real = graph.input("real", np.bool_, ["batch", "time"])
    head = next(iter(model.heads.values()))
    if isinstance(head, MaskHead):
        hidden_here = graph.unsqueezed(graph.input("hidden", np.bool_, ["batch", "time"]), 2)
        x = graph.op("Where", hidden_here, graph.constant(head.stand_in, "stand_in"), x)
    if isinstance(head, SpanHead):
        facts = graph.input("facts", np.float32, ["batch", "time", N_FACTS])
        x = told_facts(graph, head, x, facts)
        hidden, _ = read_whole(graph, model.backbone, ids, x, real)
        graph.output("logits", span_scores(graph, head, hidden, facts), np.float32, ["batch", "time", 2])
        return
    hidden, _ = read_whole(graph, model.backbone, ids, x, real)
    if isinstance(head, MaskHead):
        table = model.embedding.weight if head.weight is None else head.weight
        turned = graph.bent(graph.linear(hidden, head.turn, head.turn_bias, "turn"), "gelu")
        turned = graph.layer_normed(turned, head.norm_weight, head.norm_bias, head.norm_eps, "head_norm")
        logits = capped(graph, graph.linear(turned, table, head.bias, "head"), head.cap)
        graph.output("logits", logits, np.float32, ["batch", "time", head.vocab_size])
    else:
        vectors = pooled(graph, head, hidden, real)
        logits = graph.linear(vectors, head.weight, head.bias, "head")
        graph.output("logits", logits, np.float32, ["batch", len(head.classes)])


# --- recurrences


def through_cells(
    graph: Graph, backbone: Recurrent, x: Value, begin: dict[str, Value] | None, lengths: Value | None
) -> tuple[Value, dict[str, Value]]:
    """(hidden (B, T, D), the vectors after the last token, each (L, B, D)). begin: those before the first one; None =
    zeros. lengths (B,) int32: tokens of each row, where rows are padded at the right."""
    after: dict[str, list[Value]] = {name: [] for name in backbone.state_names}
    cells = backbone.cells
    n_ways, kind = (2 if cells.bidirectional else 1), cells.mode
    parts = {name: [vectors] for name, vectors in (begin or {}).items()}
    if cells.num_layers > 1:
        for name, vectors in (begin or {}).items():
            sizes = graph.ints(*[1] * cells.num_layers)
            parts[name] = graph.node("Split", vectors, sizes, n_outputs=cells.num_layers, axis=0)
    x = graph.op("Transpose", x, perm=[1, 0, 2])  # (T, B, D)
    for layer in range(cells.num_layers):
        own = [weights_of_layer(cells, f"l{layer}{way}") for way in ("", "_reverse")[:n_ways]]
        w, r, b = (torch.stack([way[part] for way in own]) for part in range(3))
        values = [graph.constant(value, f"cells.{layer}.{name}") for value, name in ((w, "W"), (r, "R"), (b, "B"))]
        states = [parts[name][layer] if begin else "" for name in backbone.state_names]
        attributes: dict[str, Any] = {"hidden_size": cells.hidden_size}
        if kind == "GRU":
            attributes["linear_before_reset"] = 1  # the reset acts on U h + b, as in torch
        if n_ways == 2:
            attributes["direction"] = "bidirectional"
        n_outputs = 1 + len(backbone.state_names)
        read, *ends = graph.node(KINDS[kind], x, *values, lengths or "", *states, n_outputs=n_outputs, **attributes)
        x = graph.reshaped(
            graph.op("Transpose", read, perm=[0, 2, 1, 3]), 0, 0, -1
        )  # (T, B, D), both ways side by side
        for name, end in zip(backbone.state_names, ends, strict=True):
            after[name].append(end)
    joined = {name: graph.op("Concat", *vectors, axis=0) for name, vectors in after.items()}
    return graph.op("Transpose", x, perm=[1, 0, 2]), joined


def weights_of_layer(cells: nn.RNNBase, suffix: str) -> tuple[Tensor, Tensor, Tensor]:
    """(W, R, B) of ONNX: weights of the input, of the state, both biases one after the other."""
    order = GATES[cells.mode]

    def of(name: str) -> Tensor:
        gates = getattr(cells, f"{name}_{suffix}").detach().chunk(len(order))
        return torch.cat([gates[place] for place in order])

    return of("weight_ih"), of("weight_hh"), torch.cat([of("bias_ih"), of("bias_hh")])


# --- Transformers


def through_blocks(
    graph: Graph,
    backbone: Transformer,
    x: Value,
    at: At,
    sees: Value,
    caches: list[list[Value]] | None,
    source: Source | None = None,
) -> tuple[Value, list[tuple[Value, Value]]]:
    """(hidden (B, T, D), keys and values (B, K, P+T, E) of each layer). at: a table of all places -> its rows where the
    tokens stand. sees: True where a token (row) may look at another (column). caches: keys and values of the past, None
    = there is none."""
    config = backbone.config
    if config.scale_embedding:
        x = graph.op("Mul", x, graph.number(math.sqrt(config.d_model)))
    whole = Layout(1, config.seq_len)
    like = torch.empty(0, dtype=torch.float32)
    if backbone.learned is not None:
        table = graph.constant(backbone.learned.weight, "learned.weight")
        x = graph.op("Add", x, at(table))
    if backbone.sinusoids is not None:
        table = graph.constant(backbone.sinusoids.at(whole, like), "sinusoids")
        x = graph.op("Add", x, at(table))
    if backbone.embed_norm is not None:
        x = normed(graph, backbone.embed_norm, x, "embed_norm")
    turn = None
    if backbone.rotation is not None:
        tables = zip(("cos", "sin"), backbone.rotation.at(whole, like), strict=True)
        turn = [at(graph.constant(table, name)) for name, table in tables]  # (T, 1, E)

    kept = []
    looks_at = None if source is None else graph.reshaped(source.real, 0, 1, 1, -1)  # (B, 1, 1, S)
    for number, block in enumerate(cast("list[Block]", backbone.blocks)):
        past = caches[number] if caches is not None else None
        seen = None if source is None or looks_at is None else (*source.layers[number], looks_at)
        x, cache = through_block(graph, block, x, sees, turn, past, seen, f"blocks.{number}")
        kept.append(cache)
    if backbone.last_norm is not None:
        x = normed(graph, backbone.last_norm, x, "last_norm")
    return x, kept


def through_block(
    graph: Graph,
    block: Block,
    x: Value,
    sees: Value,
    turn: list[Value] | None,
    past: list[Value] | None,
    source: tuple[Value, Value, Value] | None,
    name: str,
) -> tuple[Value, tuple[Value, Value]]:
    """source: keys, values (B, K, S, E), and what may be seen of them."""

    def attended(x: Value) -> tuple[Value, tuple[Value, Value]]:
        return attention(graph, block.attention, x, sees, turn, past, f"{name}.attention")

    def crossed(x: Value) -> Value:
        assert source is not None, "a block with attention to a source is always given one"
        return cross_attention(graph, block.cross_attention, x, *source, f"{name}.cross_attention")

    def fed(x: Value) -> Value:
        return feed_forward(graph, block.feed_forward, x, f"{name}.feed_forward")

    def norm(part: str, x: Value) -> Value:
        return normed(graph, getattr(block, part), x, f"{name}.{part}")

    if block.norm_place == "pre":
        mixed, cache = attended(norm("attention_norm", x))
        x = graph.op("Add", x, mixed)
        if block.cross_attention is not None:
            x = graph.op("Add", x, crossed(norm("cross_norm", x)))
        return graph.op("Add", x, fed(norm("feed_forward_norm", x))), cache
    mixed, cache = attended(x)
    x = norm("attention_norm", graph.op("Add", x, mixed))
    if block.cross_attention is not None:
        x = norm("cross_norm", graph.op("Add", x, crossed(x)))
    return norm("feed_forward_norm", graph.op("Add", x, fed(x))), cache


def attention(
    graph: Graph, part: Any, x: Value, sees: Value, turn: list[Value] | None, past: list[Value] | None, name: str
) -> tuple[Value, tuple[Value, Value]]:
    """(B, T, D), and the keys and values with these T places in them."""
    q = heads_of(graph, part, "query", x, part.n_heads, name)
    k, v = (heads_of(graph, part, kind, x, part.n_kv_heads, name) for kind in ("key", "value"))
    if part.query_norm is not None:  # one with weights comes before the rotation
        q, k = head_normed(graph, part, q, "query", name), head_normed(graph, part, k, "key", name)
    if turn is not None:
        q, k = turned(graph, q, turn), turned(graph, k, turn)
    if part.query_norm is None:
        q, k = head_normed(graph, part, q, "query", name), head_normed(graph, part, k, "key", name)
    q, k, v = (graph.op("Transpose", value, perm=[0, 2, 1, 3]) for value in (q, k, v))  # (B, H or K, T, E)
    if past is not None:
        k, v = (graph.op("Concat", before, now, axis=2) for before, now in zip(past, (k, v), strict=True))
    return mixed_by(graph, part, q, k, v, sees, name), (k, v)


def cross_attention(graph: Graph, part: Any, x: Value, k: Value, v: Value, sees: Value, name: str) -> Value:
    """models.attention.CrossAttention: (B, T, D)."""
    q = head_normed(graph, part, heads_of(graph, part, "query", x, part.n_heads, name), "query", name)
    return mixed_by(graph, part, graph.op("Transpose", q, perm=[0, 2, 1, 3]), k, v, sees, name)


def heads_of(graph: Graph, part: Any, kind: str, x: Value, n: int, name: str) -> Value:
    """(B, T, n, E). kind: query, key or value."""
    projection = getattr(part, kind)
    return graph.reshaped(graph.linear(x, projection.weight, projection.bias, f"{name}.{kind}"), 0, 0, n, part.d_head)


def head_normed(graph: Graph, part: Any, x: Value, kind: str, name: str) -> Value:
    """Queries or keys (..., E), normalised where the model does so."""
    if part.qk_norm_eps is None:
        return x
    gain, plain = getattr(part, f"{kind}_norm"), graph.rms_normed(x, part.qk_norm_eps)
    return plain if gain is None else graph.op("Mul", plain, graph.constant(gain.weight, f"{name}.{kind}_norm"))


def mixed_by(graph: Graph, part: Any, q: Value, k: Value, v: Value, sees: Value, name: str) -> Value:
    """softmax(QKᵀ/√E)V, put together again: (B, T, D). q (B, H, T, E); k, v (B, K, P+T or S, E)."""
    groups = part.n_heads // part.n_kv_heads
    if groups > 1:  # each head of keys and values serves a group of queries
        k, v = (
            graph.reshaped(
                graph.op("Expand", graph.unsqueezed(value, 2), graph.ints(1, 1, groups, 1, 1)),
                *(0, part.n_heads, -1, part.d_head),
            )
            for value in (k, v)
        )
    scores = graph.op("MatMul", q, graph.op("Transpose", k, perm=[0, 1, 3, 2]))
    scores = graph.op("Div", scores, graph.number(math.sqrt(part.d_head)))
    weights = graph.op("Softmax", graph.op("Where", sees, scores, graph.number(-math.inf)), axis=-1)
    mixed = graph.reshaped(graph.op("Transpose", graph.op("MatMul", weights, v), perm=[0, 2, 1, 3]), 0, 0, -1)
    return graph.linear(mixed, part.out.weight, part.out.bias, f"{name}.out")


def turned(graph: Graph, x: Value, turn: list[Value]) -> Value:
    """models.attention.turned: x (B, T, H, E), each place turned by its angles."""
    cos, sin = turn
    halves = graph.node("Split", x, n_outputs=2, num_outputs=2, axis=-1)
    exchanged = graph.op("Concat", *reversed(halves), axis=-1)
    return graph.op("Add", graph.op("Mul", x, cos), graph.op("Mul", exchanged, sin))


def feed_forward(graph: Graph, part: Any, x: Value, name: str) -> Value:
    def through(kind: str, x: Value) -> Value:
        return graph.linear(x, getattr(part, kind).weight, getattr(part, kind).bias, f"{name}.{kind}")

    wide = through("up", x)
    if part.gate is None:
        return through("down", graph.bent(wide, part.activation))
    return through("down", graph.op("Mul", graph.bent(through("gate", x), part.activation), wide))


def normed(graph: Graph, norm: nn.Module, x: Value, name: str) -> Value:
    if isinstance(norm, WeightlessRMSNorm):
        return graph.rms_normed(x, norm.eps)
    if isinstance(norm, nn.RMSNorm):
        return graph.op("Mul", graph.rms_normed(x, float(norm.eps or 0.0)), graph.constant(norm.weight, name))
    assert isinstance(norm, nn.LayerNorm), "make_norm makes no other"
    return graph.layer_normed(x, norm.weight, norm.bias, norm.eps, name)
