"""A network -> the graph of model.onnx, which onnxruntime runs without Textmill or PyTorch. Room: hub/.

    network                            goes in                                  comes out
    RNN, GRU, LSTM decoder             ids, h (and c)                           logits, h_after (and c_after)
    Transformer decoder                ids, past_keys.N, past_values.N          logits, keys.N, values.N
    encoder with classes               ids, real                                logits
    encoder of hidden words            ids, real, hidden                        logits

Batch, time and past are any numbers. What is carried on is said: a state goes in and comes out, so that a text read in
parts gives what it gives as a whole. onnx_folder.py writes it, and holds each graph to its network.
Shapes: B batch, T new tokens, P past tokens, L layers, D width, V vocabulary, C classes, K key-value heads, E width of
a head.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from textmill.hub.onnx_graph import Graph, Value
from textmill.models import Network
from textmill.models.adaptive_head import AdaptiveHead
from textmill.models.both_ways import BothWays
from textmill.models.classify_head import ClassifyHead
from textmill.models.layout import Layout
from textmill.models.mask_head import MaskHead
from textmill.models.recurrent import Recurrent
from textmill.models.transformer import Block, Transformer, WeightlessRMSNorm

GATES = {"RNN_TANH": [0], "LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2]}
"""ONNX's order of the gates, as places in torch's: input output forget cell; update reset new."""
At = Callable[[Value], Value]
KINDS = {"RNN_TANH": "RNN", "LSTM": "LSTM", "GRU": "GRU"}


def graph_of(model: Network) -> Graph:
    """The graph of a decoder, or of an encoder with classes or hidden words."""
    graph = Graph("textmill")
    ids = graph.input("ids", np.int64, ["batch", "time"])
    x = graph.op("Gather", graph.constant(model.embedding.weight, "embedding.weight"), ids)  # (B, T, D)
    (encode if model.form == "encoder" else decode)(graph, model, ids, x)
    return graph


def decode(graph: Graph, model: Any, ids: Value, x: Value) -> None:
    """A language model: what it keeps of the past goes in and comes out."""
    backbone = model.backbone
    if isinstance(backbone, Recurrent):
        names = backbone.state_names
        shape: list[str | int] = [backbone.config.n_layers, "batch", backbone.config.d_model]
        begin = {name: graph.input(name, np.float32, shape) for name in names}
        hidden, after = through_cells(graph, backbone, x, begin, None)
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

    hidden, kept = through_blocks(graph, backbone, x, at, sees, caches)
    write_scores(graph, model, hidden)
    for n, both in enumerate(kept):
        for part, value in zip(("keys", "values"), both, strict=True):
            graph.output(
                f"{part}.{n}", value, np.float32, ["batch", config.kv_heads, "past_and_time", config.head_width]
            )


def encode(graph: Graph, model: Any, ids: Value, x: Value) -> None:
    """A model that reads a text whole, one text a row, with padding at the right."""
    real = graph.input("real", np.bool_, ["batch", "time"])
    head = next(iter(model.heads.values()))
    if isinstance(head, MaskHead):
        hidden_here = graph.unsqueezed(graph.input("hidden", np.bool_, ["batch", "time"]), 2)
        x = graph.op("Where", hidden_here, graph.constant(head.stand_in, "stand_in"), x)
    if isinstance(model.backbone, BothWays):
        lengths = graph.op("ReduceSum", graph.op("Cast", real, to=6), graph.ints(1), keepdims=0)  # 6: int32
        hidden, _ = through_cells(graph, model.backbone, x, None, lengths)
    else:
        n_tokens = graph.size(ids, 1)

        def at(table: Value) -> Value:  # beyond the end of the table too few rows, which cannot be added
            return graph.op("Slice", table, graph.ints(0), n_tokens, graph.ints(0))

        sees = graph.reshaped(real, 0, 1, 1, -1)  # (B, 1, 1, T)
        hidden, _ = through_blocks(graph, model.backbone, x, at, sees, None)
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
    graph: Graph, backbone: Transformer, x: Value, at: At, sees: Value, caches: list[list[Value]] | None
) -> tuple[Value, list[tuple[Value, Value]]]:
    """(hidden (B, T, D), keys and values (B, K, P+T, E) of each layer). places (T,): where the tokens stand. sees: True
    where a token (row) may look at another (column). caches: keys and values of the past, None = there is none."""
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
    for number, block in enumerate(cast("list[Block]", backbone.blocks)):
        past = caches[number] if caches is not None else None
        x, cache = through_block(graph, block, x, sees, turn, past, f"blocks.{number}")
        kept.append(cache)
    if backbone.last_norm is not None:
        x = normed(graph, backbone.last_norm, x, "last_norm")
    return x, kept


def through_block(
    graph: Graph, block: Block, x: Value, sees: Value, turn: list[Value] | None, past: list[Value] | None, name: str
) -> tuple[Value, tuple[Value, Value]]:
    def attended(x: Value) -> tuple[Value, tuple[Value, Value]]:
        return attention(graph, block.attention, x, sees, turn, past, f"{name}.attention")

    def fed(x: Value) -> Value:
        return feed_forward(graph, block.feed_forward, x, f"{name}.feed_forward")

    def norm(part: str, x: Value) -> Value:
        return normed(graph, getattr(block, part), x, f"{name}.{part}")

    if block.norm_place == "pre":
        mixed, cache = attended(norm("attention_norm", x))
        x = graph.op("Add", x, mixed)
        return graph.op("Add", x, fed(norm("feed_forward_norm", x))), cache
    mixed, cache = attended(x)
    x = norm("attention_norm", graph.op("Add", x, mixed))
    return norm("feed_forward_norm", graph.op("Add", x, fed(x))), cache


def attention(
    graph: Graph, part: Any, x: Value, sees: Value, turn: list[Value] | None, past: list[Value] | None, name: str
) -> tuple[Value, tuple[Value, Value]]:
    """(B, T, D), and the keys and values with these T places in them."""

    def heads(kind: str, n: int) -> Value:
        projection = getattr(part, kind)
        flat = graph.linear(x, projection.weight, projection.bias, f"{name}.{kind}")
        return graph.reshaped(flat, 0, 0, n, part.d_head)  # (B, T, H, E)

    q, k, v = heads("query", part.n_heads), heads("key", part.n_kv_heads), heads("value", part.n_kv_heads)
    if part.query_norm is not None:  # one with weights comes before the rotation
        q, k = (
            graph.op(
                "Mul", graph.rms_normed(value, part.qk_norm_eps), graph.constant(gain.weight, f"{name}.{which}_norm")
            )
            for which, value, gain in (("query", q, part.query_norm), ("key", k, part.key_norm))
        )
    if turn is not None:
        q, k = turned(graph, q, turn), turned(graph, k, turn)
    if part.query_norm is None and part.qk_norm_eps is not None:
        q, k = graph.rms_normed(q, part.qk_norm_eps), graph.rms_normed(k, part.qk_norm_eps)
    q, k, v = (graph.op("Transpose", value, perm=[0, 2, 1, 3]) for value in (q, k, v))  # (B, H or K, T, E)
    if past is not None:
        k, v = (graph.op("Concat", before, now, axis=2) for before, now in zip(past, (k, v), strict=True))
    cache = (k, v)
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
    return graph.linear(mixed, part.out.weight, part.out.bias, f"{name}.out"), cache


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


# --- heads


def write_scores(graph: Graph, model: Any, hidden: Value) -> None:
    """logits (B, T, V); of an adaptive softmax ln P, which are logits too."""
    logits = adaptive_scores(graph, model.head, hidden) if isinstance(model.head, AdaptiveHead) else None
    if logits is None:
        head = model.head
        logits = capped(graph, graph.linear(hidden, head.projection, head.bias, "head"), head.cap)
    graph.output("logits", logits, np.float32, ["batch", "time", model.vocab_size])


def capped(graph: Graph, logits: Value, cap: float | None) -> Value:
    if cap is None:
        return logits
    return graph.op("Mul", graph.op("Tanh", graph.op("Div", logits, graph.number(cap))), graph.number(cap))


def adaptive_scores(graph: Graph, head: AdaptiveHead, hidden: Value) -> Value:
    """models.adaptive_head.AdaptiveHead.log_probs."""
    log_softmax: Callable[[Value], Value] = lambda scores: graph.op("LogSoftmax", scores, axis=-1)  # noqa: E731
    first = log_softmax(capped(graph, graph.linear(hidden, head.projection, head.bias, "head"), head.cap))
    n_clusters = len(head.starts)
    sizes = graph.ints(head.n_frequent, *[1] * n_clusters)
    frequent, *of_clusters = graph.node("Split", first, sizes, n_outputs=1 + n_clusters, axis=-1)
    parts = [frequent]
    for number, (reduce, expand) in enumerate(zip(head.reduce, head.expand, strict=True)):
        narrow = graph.linear(hidden, reduce, None, f"head.reduce.{number}")
        scores = capped(graph, graph.linear(narrow, expand, None, f"head.expand.{number}"), head.cap)
        parts.append(graph.op("Add", of_clusters[number], log_softmax(scores)))
    by_rank = graph.op("Concat", *parts, axis=-1)
    return graph.op("Gather", by_rank, graph.constant(head.rank, "head.rank"), axis=-1)


def pooled(graph: Graph, head: ClassifyHead, hidden: Value, real: Value) -> Value:
    """models.classify_head.ClassifyHead.pooled of texts of one row each: (B, D)."""
    lowest = graph.number(-math.inf)
    if head.turn is not None:
        first = graph.op("Gather", hidden, graph.constant(np.array(0, dtype=np.int64)), axis=1)
        return graph.op("Tanh", graph.linear(first, head.turn, head.turn_bias, "head.turn"))
    if head.pooling == "max":
        seen = graph.op("Where", graph.unsqueezed(real, 2), hidden, lowest)
        return graph.op("ReduceMax", seen, graph.ints(1), keepdims=0)
    if head.compare is None or head.score is None:
        heights = graph.op("Where", real, graph.number(0.0), lowest)
    else:
        compared = graph.op("Tanh", graph.linear(hidden, head.compare, None, "head.compare"))
        height = graph.op("MatMul", compared, graph.constant(head.score.detach()[:, None], "head.score"))
        heights = graph.op("Where", real, graph.reshaped(height, 0, -1), lowest)
    weights = graph.unsqueezed(graph.op("Softmax", heights, axis=-1), 1)  # (B, 1, T)
    return graph.reshaped(graph.op("MatMul", weights, hidden), 0, -1)
