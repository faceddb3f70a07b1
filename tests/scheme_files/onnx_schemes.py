"""Files of ONNX: every element type, and every way in which its operators quantize weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx_models import evaluated, initializer, model_of, save

from scheme_files.sample import SHAPE, Array, Sample, Samples, codes, pack_bits, place, scales
from scheme_files.sample import weights as drawn

node = helper.make_node

TYPES = [
    *("BOOL", "INT2", "INT4", "INT8", "INT16", "INT32", "INT64"),
    *("UINT2", "UINT4", "UINT8", "UINT16", "UINT32", "UINT64"),
    *("FLOAT4E2M1", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ"),
    *("FLOAT8E8M0", "FLOAT16", "BFLOAT16", "FLOAT", "DOUBLE", "COMPLEX64", "COMPLEX128"),
]

LIMITS = {
    "INT2": (-2, 1), "UINT2": (0, 3), "INT4": (-8, 7), "UINT4": (0, 15), "INT8": (-128, 127),
    "UINT8": (0, 255), "INT16": (-32768, 32767), "UINT16": (0, 65535), "INT32": (-70000, 70000),
}  # fmt: skip

GRIDS: dict[str, tuple[tuple[int, ...], dict[str, int]]] = {
    "per tensor": ((), {}),
    "per channel": ((6,), {"axis": 0}),
    "blocks of 16": ((6, 4), {"axis": 1, "block_size": 16}),
}

REFERENCE = "onnx ReferenceEvaluator"
FORMULA = "the operator's definition, in NumPy"


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    yield from _plain(folder)
    yield from _kept_elsewhere(folder)
    for kind in LIMITS:
        for grid in GRIDS:
            yield _dequantize_linear(folder, kind, grid)
    for kind in ("FLOAT8E4M3FN", "FLOAT8E5M2"):
        yield _small_floats(folder, kind)
    yield _convolution(folder)
    yield _product(folder)
    yield _general_product(folder)
    yield _integer_product(folder)
    for bits in (2, 4, 8):
        yield _packed_product(folder, bits)
        yield _packed_embedding(folder, bits)
        yield from _experts(folder, bits)
    yield _stated_output(folder)
    yield _sparse(folder)


def _values(kind: str) -> Array:
    dtype = helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(kind))
    if kind == "BOOL":
        return codes(0, 1).astype(dtype)
    if kind in LIMITS or kind.startswith(("INT", "UINT")):
        return codes(*LIMITS.get(kind, (0, 100_000))).astype(dtype)
    return drawn(special=kind not in {"FLOAT4E2M1", "FLOAT8E8M0"}).astype(dtype)


def _plain(folder: Path) -> Samples:
    for kind in TYPES:
        path = place(folder, kind, "model.onnx")
        values = np.abs(drawn(special=False)) if kind == "FLOAT8E8M0" else _values(kind)
        data_type = TensorProto.DataType.Value(kind)
        save(model_of([], [initializer("weight", values, data_type)]), path)
        truth = _unpacked(numpy_helper.to_array(onnx.load(path).graph.initializer[0]))
        yield Sample(kind, path, "weight", {"dequantized": truth}, "onnx.numpy_helper")


def _kept_elsewhere(folder: Path) -> Samples:
    path = place(folder, "FLOAT in float_data", "model.onnx")
    proto = helper.make_tensor("weight", TensorProto.FLOAT, SHAPE, drawn().reshape(-1))
    truth = numpy_helper.to_array(onnx.load(save(model_of([], [proto]), path)).graph.initializer[0])
    by = "onnx.numpy_helper"
    yield Sample("FLOAT in float_data", path, "weight", {"dequantized": truth}, by)
    path = place(folder, "INT64 in int64_data", "model.onnx")
    proto = helper.make_tensor("weight", TensorProto.INT64, SHAPE, codes(-99, 99).reshape(-1))
    truth = numpy_helper.to_array(onnx.load(save(model_of([], [proto]), path)).graph.initializer[0])
    yield Sample("INT64 in int64_data", path, "weight", {"dequantized": truth}, by)
    path = place(folder, "FLOAT in a file beside", "model.onnx")
    model = model_of([], [initializer("weight", drawn())])
    onnx.save(
        model, path, save_as_external_data=True, location="model.data", size_threshold=0
    )  # this empties the model
    truth = numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    yield Sample("FLOAT in a file beside", path, "weight", {"dequantized": truth}, by)


def _dequantize_linear(folder: Path, kind: str, grid: str) -> Sample:
    scheme = f"DequantizeLinear, {kind}, {grid}"
    shape, attributes = GRIDS[grid]
    data_type = TensorProto.DataType.Value(kind)
    low, high = LIMITS[kind]
    points = codes(low // 2, high // 2, (*shape, 2))[..., 0] * (kind != "INT32")
    inits = [
        initializer("codes", codes(low, high), data_type),
        initializer("scale", scales(*shape)),
        initializer("zero_point", points, data_type),
    ]
    nodes = [
        node("DequantizeLinear", ["codes", "scale", "zero_point"], ["floats"], **attributes),
        node("MatMul", ["x", "floats"], ["y"], "fc"),
    ]
    model = model_of(nodes, inits, ["floats"], opset=25)
    path = save(model, place(folder, scheme, "model.onnx"))
    raw = _unpacked(numpy_helper.to_array(onnx.load(path).graph.initializer[0]))
    truths = {"dequantized": evaluated(model, "floats"), "raw": raw}
    return Sample(scheme, path, "fc.weight", truths, REFERENCE)


def _unpacked(values: Array) -> Array:
    """Return integers of less than a byte as whole bytes, which is how values are handed out."""
    small = {"int2": np.int8, "int4": np.int8, "uint2": np.uint8, "uint4": np.uint8}
    return values.astype(small.get(values.dtype.name, values.dtype))


def _small_floats(folder: Path, kind: str) -> Sample:
    scheme = f"DequantizeLinear, {kind}, per channel"
    data_type = TensorProto.DataType.Value(kind)
    inits = [
        initializer("codes", drawn(special=False), data_type),
        initializer("scale", scales(6)),
    ]
    nodes = [
        node("DequantizeLinear", ["codes", "scale"], ["floats"], axis=0),
        node("MatMul", ["x", "floats"], ["y"], "fc"),
    ]
    model = model_of(nodes, inits, ["floats"])
    path = save(model, place(folder, scheme, "model.onnx"))
    raw = numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    truths = {"dequantized": evaluated(model, "floats"), "raw": raw}
    return Sample(scheme, path, "fc.weight", truths, REFERENCE)


def _saved(folder: Path, scheme: str, nodes: list[Any], arrays: dict[str, Array]) -> Path:
    inits = [initializer(name, values) for name, values in arrays.items()]
    return save(model_of(nodes, inits), place(folder, scheme, "model.onnx"))


_INPUT = {"x_scale": np.float32(0.25), "x_zero": np.uint8(7)}
_OUTPUT = {"y_scale": np.float32(0.125), "y_zero": np.uint8(9)}


def _convolution(folder: Path) -> Sample:
    scheme = "QLinearConv, INT8, per channel"
    stored, steps = codes(-128, 127, (4, 3, 3, 3)).astype(np.int8), scales(4)
    arrays = {
        "w": stored, "w_scale": steps, "w_zero": np.zeros(4, np.int8),
        "b": codes(-9000, 9000, (4,)).astype(np.int32), **_INPUT, **_OUTPUT,
    }  # fmt: skip
    inputs = ["x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero", "b"]
    path = _saved(folder, scheme, [node("QLinearConv", inputs, ["y"], "conv_quant")], arrays)
    floats = stored.astype(np.float32) * steps[:, None, None, None]
    return Sample(scheme, path, "conv.weight", {"dequantized": floats, "raw": stored}, FORMULA)


def _product(folder: Path) -> Sample:
    scheme = "QLinearMatMul, UINT8, per column"
    stored, steps = codes(0, 255, (6, 5)).astype(np.uint8), scales(5)
    arrays = {"w": stored, "w_scale": steps, "w_zero": np.full(5, 100, np.uint8)}
    inputs = ["x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero"]
    nodes = [node("QLinearMatMul", inputs, ["y"], "fc_quant")]
    path = _saved(folder, scheme, nodes, {**arrays, **_INPUT, **_OUTPUT})
    floats = (stored.astype(np.float32) - 100) * steps
    return Sample(scheme, path, "fc.weight", {"dequantized": floats, "raw": stored}, FORMULA)


def _general_product(folder: Path) -> Sample:
    scheme = "QGemm, INT8, per row"
    stored, steps = codes(-128, 127, (6, 5)).astype(np.int8), scales(6)
    arrays = {"w": stored, "w_scale": steps, "w_zero": np.zeros(6, np.int8), **_INPUT}
    arrays["b"] = np.arange(6, dtype=np.int32)
    inputs = ["x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "b"]
    gemm = node("QGemm", inputs, ["y"], "fc_quant", domain="com.microsoft", transB=1)
    path = _saved(folder, scheme, [gemm], arrays)
    floats = stored.astype(np.float32) * steps[:, None]
    return Sample(scheme, path, "fc.weight", {"dequantized": floats, "raw": stored}, FORMULA)


def _integer_product(folder: Path) -> Sample:
    scheme = "MatMulInteger, INT8, per tensor"
    stored = codes(-128, 127, (6, 6)).astype(np.int8)
    arrays = {"w_quantized": stored, "w_scale": np.float32(0.02), "w_zp": np.int8(4)}
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"]),
        node("MatMulInteger", ["xq", "w_quantized", "xz", "w_zp"], ["sum"], "fc/MatMul_quant"),
        node("Cast", ["sum"], ["floats"], to=1),
        node("Mul", ["xs", "w_scale"], ["both"]),
        node("Mul", ["floats", "both"], ["y"]),
    ]
    path = _saved(folder, scheme, nodes, arrays)
    floats = (stored.astype(np.float32) - 4) * np.float32(0.02)
    truths = {"dequantized": floats, "raw": stored}
    return Sample(scheme, path, "fc/MatMul.weight", truths, FORMULA)


def _packed_product(folder: Path, bits: int) -> Sample:
    scheme = f"MatMulNBits, {bits} bits, blocks of 16"
    rows, columns, block = 5, 40, 16
    blocks = -(-columns // block)
    stored = codes(0, (1 << bits) - 1, (rows, blocks, block))
    points = codes(0, (1 << bits) - 1, (rows, blocks), seed=9)
    steps = scales(rows, blocks)
    arrays = {
        "w_Q": pack_bits(stored, bits),
        "scale": steps.reshape(-1),
        "zero_point": pack_bits(points, bits),
    }
    settings = {"N": rows, "K": columns, "bits": bits, "block_size": block}
    inputs = ["x", "w_Q", "scale", "zero_point"]
    nodes = [node("MatMulNBits", inputs, ["y"], f"fc_Q{bits}", domain="com.microsoft", **settings)]
    path = _saved(folder, scheme, nodes, arrays)
    floats = (stored - points[..., None]).astype(np.float32) * steps[..., None]
    truths = {
        "dequantized": floats.reshape(rows, -1)[:, :columns],
        "raw": stored.reshape(rows, -1)[:, :columns].astype(np.uint8),
    }
    return Sample(scheme, path, "fc.weight", truths, FORMULA)


def _packed_embedding(folder: Path, bits: int) -> Sample:
    scheme = f"GatherBlockQuantized, {bits} bits, blocks of 16"
    stored = codes(0, (1 << bits) - 1, (6, 4, 16))
    points, steps = codes(0, (1 << bits) - 1, (6, 4), seed=9), scales(6, 4)
    arrays = {
        "w": pack_bits(stored.reshape(6, 64), bits),
        "scale": steps,
        "zero_point": pack_bits(points, bits),
    }
    settings = {"bits": bits, "block_size": 16, "quantize_axis": 1, "gather_axis": 0}
    inputs, domain = ["w", "index", "scale", "zero_point"], "com.microsoft"
    nodes = [node("GatherBlockQuantized", inputs, ["y"], "embedding", domain=domain, **settings)]
    path = _saved(folder, scheme, nodes, arrays)
    floats = (stored - points[..., None]).astype(np.float32) * steps[..., None]
    truths = {"dequantized": floats.reshape(SHAPE), "raw": stored.reshape(SHAPE).astype(np.uint8)}
    return Sample(scheme, path, "embedding.weight", truths, FORMULA)


def _experts(folder: Path, bits: int) -> Samples:
    """Write weights of two experts, with scales for blocks and for whole columns."""
    for block, grid in ((16, "blocks of 16"), (0, "per channel")):
        scheme = f"QMoE, {bits} bits, {grid}"
        groups = (2, 5, 32 // (block or 32))
        stored = codes(0, (1 << bits) - 1, (*groups, block or 32))
        steps = scales(*groups)
        whole = (2, 5, 32)
        arrays = {
            "fc1": pack_bits(stored.reshape(whole), bits),
            "fc1_scale": steps if block else steps[..., 0],
        }
        settings = {"expert_weight_bits": bits} | ({"block_size": block} if block else {})
        inputs, domain = ["x", "router", "fc1", "fc1_scale"], "com.microsoft"
        nodes = [node("QMoE", inputs, ["y"], "moe", domain=domain, k=1, **settings)]
        path = _saved(folder, scheme, nodes, arrays)
        floats = (stored - (1 << bits - 1)).astype(np.float32) * steps[..., None]
        truths = {
            "dequantized": floats.reshape(whole),
            "raw": stored.reshape(whole).astype(np.uint8),
        }
        yield Sample(scheme, path, "moe.fc1_weight", truths, FORMULA)


def _stated_output(folder: Path) -> Sample:
    scheme = "DequantizeLinear, INT8, output_dtype FLOAT16"
    stored = codes(-128, 127).astype(np.int8)
    inits = [initializer("w", stored), initializer("scale", scales(6))]
    kind = TensorProto.FLOAT16
    nodes = [node("DequantizeLinear", ["w", "scale"], ["d"], axis=0, output_dtype=kind)]
    model = model_of(nodes, inits, ["d"], opset=23)
    path = save(model, place(folder, scheme, "model.onnx"))
    truths = {"dequantized": evaluated(model, "d"), "raw": stored}
    return Sample(scheme, path, "w", truths, REFERENCE)


def _sparse(folder: Path) -> Sample:
    scheme = "sparse initializer"
    dense = np.where(codes(0, 3) == 0, drawn(special=False), np.float32(0))
    values = initializer("sparse", dense[dense != 0])
    indices = initializer("indices", np.flatnonzero(dense))
    model = model_of([], [])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, SHAPE))
    path = save(model, place(folder, scheme, "model.onnx"))
    return Sample(scheme, path, "sparse", {"dequantized": dense}, "NumPy")
