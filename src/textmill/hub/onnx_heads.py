"""Hidden vectors -> scores, as nodes of a graph: the heads of onnx_models.py. Room: hub/.

Shapes: B batch, T tokens, D width, V vocabulary, F facts of a token.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from textmill.hub.onnx_graph import Graph, Value
from textmill.models.adaptive_head import AdaptiveHead
from textmill.models.classify_head import ClassifyHead
from textmill.models.matches import CONTEXT, NO_ANSWER, QUESTION
from textmill.models.span_head import EPS, SpanHead


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


def told_facts(graph: Graph, head: SpanHead, x: Value, facts: Value) -> Value:
    """models.span_head.SpanHead.take_in: (B, T, D)."""
    d_model = head.align.shape[0]
    question, context = is_told(graph, facts, QUESTION), is_told(graph, facts, CONTEXT)
    plain = graph.rms_normed(x, EPS)
    aligned = graph.linear(plain, head.align, None, "head.align")
    alike = graph.op("MatMul", aligned, graph.op("Transpose", aligned, perm=[0, 2, 1]))  # (B, T, T)
    alike = graph.op("Div", alike, graph.number(math.sqrt(d_model)))
    alike = graph.op("Where", graph.unsqueezed(question, 1), alike, graph.number(-math.inf))
    nearest = graph.op(
        "MatMul", graph.op("Softmax", alike, axis=-1), graph.linear(x, head.aligned, None, "head.aligned")
    )
    whole = gathered(graph, plain, x, question, head.asks, "head.asks")
    told = graph.op("Add", nearest, graph.unsqueezed(graph.linear(whole, head.asked, None, "head.asked"), 1))
    told = graph.op("Where", graph.unsqueezed(context, 2), told, graph.number(0.0))
    if head.typed:
        n_before = graph.op("CumSum", graph.op("Cast", context, to=7), graph.constant(np.array(1, dtype=np.int64)))
        behind = graph.op("And", graph.op("Greater", n_before, graph.ints(0)), graph.op("Not", context))
        of_it = graph.unsqueezed(graph.op("Cast", behind, to=1), 2)  # 7: int64, 1: float32
        x = graph.op("Add", x, graph.op("Mul", of_it, graph.constant(head.facts.detach()[CONTEXT], "head.behind")))
    return graph.op("Add", x, graph.op("Add", graph.linear(facts, head.facts.T, None, "head.facts"), told))


def span_scores(graph: Graph, head: SpanHead, hidden: Value, facts: Value) -> Value:
    """models.span_head.SpanHead.forward: (B, T, 2)."""
    d_model = head.align.shape[0]
    question, none = is_told(graph, facts, QUESTION), is_told(graph, facts, NO_ANSWER)
    vector = gathered(graph, hidden, hidden, question, head.weigh, "head.weigh")  # (B, D)
    both = head.bilinear.detach().reshape(2 * d_model, d_model)
    wanted = graph.reshaped(graph.linear(vector, both, None, "head.bilinear"), 0, 2, d_model)
    wanted = graph.op("Add", wanted, graph.constant(head.linear, "head.linear"))
    scores = graph.op("MatMul", hidden, graph.op("Transpose", wanted, perm=[0, 2, 1]))
    scores = graph.op("Div", scores, graph.number(math.sqrt(d_model)))
    absent = graph.op("Mul", fact(graph, facts, NO_ANSWER), graph.constant(head.absent, "head.absent"))
    open_ = graph.unsqueezed(graph.op("Or", is_told(graph, facts, CONTEXT), none), 2)
    return graph.op("Where", open_, graph.op("Add", scores, absent), graph.number(-math.inf))


def gathered(graph: Graph, seen: Value, values: Value, question: Value, weigh: Tensor, name: str) -> Value:
    """models.span_head.SpanHead.gathered: (B, D)."""
    height = graph.op("MatMul", seen, graph.constant(weigh.detach()[:, None], name))
    heights = graph.op("Where", question, graph.reshaped(height, 0, -1), graph.number(-math.inf))
    weights = graph.unsqueezed(graph.op("Softmax", heights, axis=-1), 1)  # (B, 1, T)
    return graph.reshaped(graph.op("MatMul", weights, values), 0, -1)


def fact(graph: Graph, facts: Value, column: int) -> Value:
    """(B, T, 1)."""
    return graph.op("Slice", facts, graph.ints(column), graph.ints(column + 1), graph.ints(2))


def is_told(graph: Graph, facts: Value, column: int) -> Value:
    """(B, T) True where a fact is told."""
    return graph.op("Greater", graph.op("Squeeze", fact(graph, facts, column), graph.ints(2)), graph.number(0.0))
