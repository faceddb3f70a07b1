"""Small ONNX models that tests write, and how the tests open them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from tensorpeek.loaders import LoadError, Model, Tensor
from tensorpeek.loaders.onnx_format import reader as onnx_file
from tensorpeek.loaders.registry import look_at


def open_onnx(path: Path) -> Model:
    """Open a file with the ONNX loader, which must recognize it."""
    file = look_at(path)
    if not onnx_file.recognizes(file):
        raise LoadError(path, "not recognized")
    return onnx_file.load(file)


def named(model: Model, name: str) -> Tensor:
    """The one tensor that goes by ``name``, or has it as another name."""
    (found,) = [each for each in model.tensors if name in (each.name, *each.aliases)]
    return found


def initializer(name: str, values: ArrayLike, data_type: int | None = None) -> TensorProto:
    """A tensor with its values in raw_data; ``data_type`` for those that NumPy lacks."""
    array = np.asarray(values)
    if data_type is None:
        return numpy_helper.from_array(array, name)
    return helper.make_tensor(
        name, data_type, array.shape, array.astype(helper.tensor_dtype_to_np_dtype(data_type)), True
    )


def model_of(
    nodes: Sequence[NodeProto],
    initializers: Sequence[TensorProto],
    outputs: Sequence[str] = (),
    opset: int = 21,
) -> onnx.ModelProto:
    """A model of one graph; ``outputs`` are float outputs of unknown shape."""
    outs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(nodes, "graph", [], outs, initializers)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def save(model: onnx.ModelProto, path: Path) -> Path:
    """Write the model as the onnx library serializes it."""
    path.write_bytes(model.SerializeToString())
    return path


def evaluated(model: onnx.ModelProto, output: str) -> np.ndarray[Any, Any]:
    """What the reference implementation of the onnx library computes for a constant output."""
    known = {each.name for each in model.graph.initializer}
    constant = onnx.ModelProto()
    constant.CopyFrom(model)
    del constant.graph.node[:]
    for node in model.graph.node:
        if known.issuperset(node.input):
            known.update(node.output)
            constant.graph.node.append(node)
    (result,) = ReferenceEvaluator(constant).run([output], {})
    return np.asarray(result)
