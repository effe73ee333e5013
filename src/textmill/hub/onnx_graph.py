"""A graph of ONNX, written node by node. Room: hub/ (our formats <-> others').

What onnx.py describes models with. Torch's own exporter freezes the time dimension of recurrent cells; ONNX's nodes for
them take a state and any length, so the graph is written here and proved equal at export (proof.py).
Shapes: B batch, T new tokens, P past tokens, D width, E width of a head.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

OPSET, IR_VERSION = 18, 9
PROTOBUF_MOST = 2**31 - 2**24
"""Bytes of a file that protobuf can hold, and some room: weights beyond them lie in a file beside it."""
WEIGHTS_SUFFIX = ".data"

Value = str
"""A name of a tensor in the graph."""


class Graph:
    """Nodes in their order, constants, inputs and outputs. A method adds a node and gives the name of what it makes.

    name: of the file, without .onnx.
    """

    def __init__(self, name: str):
        self.name = name
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    # --- what goes in and comes out

    def input(self, name: str, kind: type[np.generic], dims: Sequence[str | int]) -> Value:
        """dims: numbers, and names of those that may be any number."""
        self.inputs.append(_declared(name, kind, dims))
        return name

    def output(self, name: str, value: Value, kind: type[np.generic], dims: Sequence[str | int]) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(_declared(name, kind, dims))

    def constant(self, array: Any, name: str | None = None) -> Value:
        """A tensor that is part of the graph. The same name twice is the same tensor."""
        if isinstance(array, Tensor):
            array = array.detach().cpu().numpy()
        name = name or f"constant_{len(self.constants)}"
        self.constants.setdefault(name, np.asarray(array, order="C"))
        return name

    def number(self, value: float) -> Value:
        return self.constant(np.array(value, dtype=np.float32))

    def ints(self, *values: int) -> Value:
        return self.constant(np.array(values, dtype=np.int64))

    # --- nodes

    def node(self, kind: str, *inputs: Value, n_outputs: int = 1, **attributes: Any) -> list[Value]:
        from onnx import helper

        outputs = [f"{kind.lower()}_{len(self.nodes)}" + (f"_{i}" if i else "") for i in range(n_outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, **attributes))
        return outputs

    def op(self, kind: str, *inputs: Value, **attributes: Any) -> Value:
        """A node with one output."""
        return self.node(kind, *inputs, **attributes)[0]

    def size(self, value: Value, axis: int) -> Value:
        """How long a tensor is in one dimension: int64 (1,)."""
        return self.op("Shape", value, start=axis, end=axis + 1)

    def range(self, start: Value, stop: Value) -> Value:
        """start, start + 1, …, stop - 1. start, stop: int64 (1,)."""
        ends = (self.op("Squeeze", value) for value in (start, stop))
        return self.op("Range", *ends, self.constant(np.array(1, dtype=np.int64)))

    def linear(self, x: Value, weight: Tensor, bias: Tensor | None, name: str) -> Value:
        """(..., in) -> (..., out). weight (out, in), as torch keeps it."""
        product = self.op("MatMul", x, self.constant(weight.detach().T, f"{name}.weight_transposed"))
        return product if bias is None else self.op("Add", product, self.constant(bias, f"{name}.bias"))

    def reshaped(self, x: Value, *dims: int) -> Value:
        """0: as it is; -1: the rest."""
        return self.op("Reshape", x, self.ints(*dims))

    def unsqueezed(self, x: Value, axis: int) -> Value:
        return self.op("Unsqueeze", x, self.ints(axis))

    def rms_normed(self, x: Value, eps: float) -> Value:
        mean = self.op("ReduceMean", self.op("Mul", x, x), self.ints(-1), keepdims=1)
        return self.op("Div", x, self.op("Sqrt", self.op("Add", mean, self.number(eps))))

    def layer_normed(self, x: Value, weight: Tensor, bias: Tensor | None, eps: float, name: str) -> Value:
        parts = [self.constant(weight, f"{name}.weight")]
        parts += [] if bias is None else [self.constant(bias, f"{name}.bias")]
        return self.op("LayerNormalization", x, *parts, axis=-1, epsilon=eps)

    def bent(self, x: Value, activation: str) -> Value:
        """An activation of TransformerConfig."""
        half = self.number(0.5)
        match activation:
            case "relu":
                return self.op("Relu", x)
            case "relu_squared":
                positive = self.op("Relu", x)
                return self.op("Mul", positive, positive)
            case "silu":
                return self.op("Mul", x, self.op("Sigmoid", x))
            case "gelu":
                raised = self.op("Erf", self.op("Mul", x, self.number(math.sqrt(0.5))))
            case "gelu_tanh":
                cube = self.op("Mul", self.op("Mul", x, x), self.op("Mul", x, self.number(0.044715)))
                raised = self.op("Tanh", self.op("Mul", self.op("Add", x, cube), self.number(math.sqrt(2 / math.pi))))
            case _:
                raise AssertionError(f"no activation {activation}")
        return self.op("Mul", self.op("Mul", x, half), self.op("Add", raised, self.number(1.0)))

    # --- the file

    def save(self, folder: Path, facts: dict[str, str], most: int = PROTOBUF_MOST) -> None:
        """Write NAME.onnx; where it would hold more than `most` bytes, the weights into NAME.onnx.data beside it."""
        import onnx
        from onnx import helper, numpy_helper

        tensors = [numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, tensors)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="textmill"
        )
        helper.set_model_props(model, facts)
        large = sum(array.nbytes for array in self.constants.values()) > most
        path = folder / f"{self.name}.onnx"
        onnx.save_model(model, path, save_as_external_data=large, location=path.name + WEIGHTS_SUFFIX)
        onnx.checker.check_model(str(path), full_check=True)


def _declared(name: str, kind: type[np.generic], dims: Sequence[str | int]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), list(dims))
