"""Quantized weights of ONNX models: found by the graph, and equal to what ONNX computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper
from onnx_models import evaluated, initializer, model_of, named, open_onnx, save

node = helper.make_node
F32 = np.float32
Codes = NDArray[Any]


def _codes(data_type: int, shape: tuple[int, ...]) -> Codes:
    limits = {
        TensorProto.INT4: (-8, 7),
        TensorProto.UINT4: (0, 15),
        TensorProto.INT2: (-2, 1),
        TensorProto.INT8: (-128, 127),
        TensorProto.UINT8: (0, 255),
        TensorProto.INT16: (-32768, 32767),
        TensorProto.INT32: (-70000, 70000),
    }
    low, high = limits.get(data_type, (-3, 3))
    return np.random.default_rng(5).integers(low, high, shape, endpoint=True)


def _scales(shape: tuple[int, ...]) -> Codes:
    return np.random.default_rng(6).uniform(0.001, 0.1, shape).astype(F32)


DEQUANTIZED = {
    "per tensor": ((4, 6), (), {}, "per-tensor", None, None),
    "one scale in a list": ((4, 6), (1,), {"axis": 0}, "per-tensor", None, None),
    "per axis 0": ((4, 6), (4,), {"axis": 0}, "per-channel", 0, None),
    "per axis 1, the default": ((4, 6), (6,), {}, "per-channel", 1, None),
    "per axis -1": ((4, 5, 6), (6,), {"axis": -1}, "per-channel", 2, None),
    "blocks along axis 1": ((4, 6), (4, 3), {"axis": 1, "block_size": 2}, "blockwise", 1, 2),
    "blocks along axis 0": ((6, 5), (2, 5), {"axis": 0, "block_size": 3}, "blockwise", 0, 3),
    "blocks amid": ((2, 6, 3), (2, 2, 3), {"axis": -2, "block_size": 3}, "blockwise", 1, 3),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["INT4", "UINT4", "INT2", "INT8", "UINT8", "INT16", "INT32"])
@pytest.mark.parametrize("case", DEQUANTIZED)
def test_dequantize_linear_gives_what_onnx_computes(tmp_path: Path, case: str, kind: str) -> None:
    shape, scale_shape, attributes, scheme, axis, block = DEQUANTIZED[case]
    data_type = TensorProto.DataType.Value(kind)
    points = _codes(data_type, scale_shape) // 2 * (kind != "INT32")
    inits = [
        initializer("odd name", _codes(data_type, shape), data_type),
        initializer("another", _scales(scale_shape)),
        initializer("third", points, data_type),
    ]
    nodes = [
        node("DequantizeLinear", ["odd name", "another", "third"], ["w"], **attributes),
        node("MatMul", ["x", "w"], ["y"], name="fc"),
    ]
    model = model_of(nodes, inits, ["w"], opset=25)
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    (tensor,) = opened.tensors
    assert (tensor.name, tensor.role, tensor.aliases) == ("fc.weight", "weight", ("odd name",))
    found = tensor.quantization
    assert found is not None
    assert (found.scheme, found.axis, found.block) == (scheme, axis, block)
    assert found.source == "ONNX DequantizeLinear"
    assert found.scale.name == "another"
    assert found.zero_point is not None
    assert (found.zero_points() == points.reshape(-1)).all()
    assert (tensor.read("raw").astype(np.int64) == _codes(data_type, shape)).all()
    wanted = evaluated(model, "w")
    got = tensor.read()
    assert got.dtype == wanted.dtype
    assert got.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kind", ["FLOAT8E4M3FN", "FLOAT8E5M2", "FLOAT8E4M3FNUZ"])
def test_float8_codes_are_scaled_not_cut_to_integers(tmp_path: Path, kind: str) -> None:
    data_type = TensorProto.DataType.Value(kind)
    values = np.linspace(-2, 2, 24).reshape(4, 6)
    inits = [initializer("w", values, data_type), initializer("s", _scales((4,)))]
    model = model_of([node("DequantizeLinear", ["w", "s"], ["d"], axis=0)], inits, ["d"])
    (tensor,) = open_onnx(save(model, tmp_path / "m.onnx")).tensors
    assert tensor.read().tobytes() == evaluated(model, "d").tobytes()


def test_identity_and_constant_nodes_are_looked_through(tmp_path: Path) -> None:
    codes = _codes(TensorProto.INT8, (4, 6)).astype(np.int8)
    nodes = [
        node("Constant", [], ["c"], value=initializer("", codes)),
        node("Identity", ["c"], ["same"]),
        node("Identity", ["s0"], ["s"]),
        node("DequantizeLinear", ["same", "s"], ["d"], axis=1),
        node("Identity", ["d"], ["e"]),
        node("Gemm", ["x", "e", "b"], ["y"], name="gemm"),
    ]
    inits = [initializer("s0", _scales((6,))), initializer("b", np.zeros(6, F32))]
    model = model_of(nodes, inits, ["d"])
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    assert [each.name for each in opened.tensors] == ["gemm.weight", "gemm.bias"]
    assert opened.tensors[0].read().tobytes() == evaluated(model, "d").tobytes()


def test_a_scale_shared_by_two_weights_belongs_to_both(tmp_path: Path) -> None:
    codes = _codes(TensorProto.INT8, (4, 4)).astype(np.int8)
    inits = [
        initializer("w1", codes), initializer("w2", codes.T.copy()), initializer("s", F32(0.5)),
        initializer("z", np.int8(3)),
    ]  # fmt: skip
    nodes = [
        node("DequantizeLinear", ["w1", "s", "z"], ["d1"]),
        node("DequantizeLinear", ["w2", "s", "z"], ["d2"]),
        node("MatMul", ["x", "d1"], ["y"], name="one"),
        node("MatMul", ["y", "d2"], ["v"], name="two"),
    ]
    model = model_of(nodes, inits, ["d1", "d2"])
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    assert [each.name for each in opened.tensors] == ["one.weight", "two.weight"]
    for tensor, output in zip(opened.tensors, ["d1", "d2"], strict=True):
        assert tensor.read().tobytes() == evaluated(model, output).tobytes()


def _qlinear_conv(scale_shape: tuple[int, ...]) -> tuple[ModelProto, dict[str, Codes]]:
    arrays = {
        "w": _codes(TensorProto.INT8, (4, 3, 2, 2)).astype(np.int8),
        "ws": _scales(scale_shape),
        "wz": np.zeros(scale_shape, np.int8),
        "b": _codes(TensorProto.INT32, (4,)).astype(np.int32),
        "xs": F32(0.25),
        "xz": np.uint8(7),
        "ys": F32(0.125),
        "yz": np.uint8(9),
    }
    inputs = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"]
    nodes = [node("QLinearConv", inputs, ["y"], name="features/conv1_quant")]
    return model_of(nodes, [initializer(*each) for each in arrays.items()]), arrays


@pytest.mark.parametrize("scale_shape", [(), (4,)], ids=["per tensor", "per channel"])
def test_qlinear_conv(tmp_path: Path, scale_shape: tuple[int, ...]) -> None:
    model, arrays = _qlinear_conv(scale_shape)
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    roles = {each.name: each.role for each in opened.tensors}
    assert roles == {
        "features/conv1.x_scale": "input scale",
        "features/conv1.x_zero_point": "input zero point",
        "features/conv1.weight": "weight",
        "features/conv1.y_scale": "output scale",
        "features/conv1.y_zero_point": "output zero point",
        "features/conv1.bias": "bias",
    }
    assert list(opened.layers) == ["features/conv1"]
    scale = arrays["ws"].reshape(-1, *[1] * 3 * bool(scale_shape))
    wanted = arrays["w"].astype(F32) * scale
    weight, bias = named(opened, "w"), named(opened, "b")
    assert weight.read().tobytes() == wanted.astype(F32).tobytes()
    wanted = arrays["b"].astype(F32) * (arrays["xs"] * arrays["ws"])
    assert bias.read().tobytes() == wanted.astype(F32).tobytes()
    assert bias.quantization is not None
    assert bias.quantization.source == "ONNX QLinearConv bias"
    assert bias.quantization.zero_point is None


@pytest.mark.parametrize("scale_shape", [(), (5,)], ids=["per tensor", "per column"])
def test_qlinear_matmul(tmp_path: Path, scale_shape: tuple[int, ...]) -> None:
    codes = _codes(TensorProto.UINT8, (6, 5)).astype(np.uint8)
    scales, points = _scales(scale_shape), np.full(scale_shape, 100, np.uint8)
    inits = [
        initializer("s", F32(0.1)), initializer("z", np.uint8(3)), initializer("w", codes),
        initializer("ws", scales), initializer("wz", points),
    ]  # fmt: skip
    nodes = [node("QLinearMatMul", ["x", "s", "z", "w", "ws", "wz", "s", "z"], ["y"], name="m")]
    opened = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx"))
    weight = named(opened, "w")
    assert weight.read().tobytes() == ((codes.astype(F32) - 100) * scales).astype(F32).tobytes()
    assert named(opened, "s").role == "input scale"
    assert named(opened, "s").aliases == ("s", "m.y_scale")
    assert len(opened.tensors) == 3


@pytest.mark.parametrize("transposed", [0, 1])
def test_qgemm(tmp_path: Path, transposed: int) -> None:
    codes = _codes(TensorProto.INT8, (6, 5)).astype(np.int8)
    channels = 6 if transposed else 5
    scales = _scales((channels,))
    bias = np.arange(channels, dtype=np.int32)
    inits = [
        initializer("xs", F32(0.1)), initializer("xz", np.uint8(3)), initializer("w", codes),
        initializer("ws", scales), initializer("wz", np.zeros(channels, np.int8)),
        initializer("b", bias),
    ]  # fmt: skip
    nodes = [
        node(
            "QGemm",
            ["x", "xs", "xz", "w", "ws", "wz", "b"],
            ["y"],
            name="fc_quant",
            domain="com.microsoft",
            transB=transposed,
            alpha=2.0,
        )
    ]
    opened = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx"))
    wanted = codes.astype(F32) * (scales[:, None] if transposed else scales)
    assert named(opened, "fc.weight").read().tobytes() == wanted.tobytes()
    wanted = bias.astype(F32) * (F32(0.1) * scales * F32(2))
    assert named(opened, "fc.bias").read().tobytes() == wanted.tobytes()


def _dynamic(op: str, shape: tuple[int, ...], *, found: bool) -> tuple[ModelProto, Codes]:
    codes = _codes(TensorProto.INT8, shape).astype(np.int8)
    inits = [
        initializer("w_quantized", codes), initializer("w_scale", F32(0.02)),
        initializer("w_zp", np.int8(4)), initializer("bias", np.ones(shape[0], F32)),
    ]  # fmt: skip
    scales = ["xs", "w_scale"] if found else ["xs", "other"]
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"]),
        node(op, ["xq", "w_quantized", "xz", "w_zp"], ["acc"], name="fc/MatMul_quant"),
        node("Cast", ["acc"], ["accf"], to=1),
        node("Mul", scales, ["both"]),
        node("Mul", ["accf", "both"], ["scaled"]),
        node("Add", ["scaled", "bias"], ["y"], name="fc/Add"),
    ]
    return model_of(nodes, inits), codes


@pytest.mark.parametrize(
    ("op", "shape"), [("MatMulInteger", (6, 6)), ("ConvInteger", (4, 3, 2, 2))]
)
def test_the_scale_behind_an_integer_operator_is_found(
    tmp_path: Path, op: str, shape: tuple[int, ...]
) -> None:
    model, codes = _dynamic(op, shape, found=True)
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    assert [each.name for each in opened.tensors] == ["fc/MatMul.weight", "fc/MatMul.bias"]
    wanted = (codes.astype(F32) - 4) * F32(0.02)
    assert opened.tensors[0].read().tobytes() == wanted.tobytes()
    assert opened.warnings == ()


def test_an_integer_weight_without_a_scale_stays_raw_with_a_warning(tmp_path: Path) -> None:
    model, codes = _dynamic("MatMulInteger", (6, 6), found=False)
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    weight = named(opened, "w_quantized")
    assert weight.quantization is None
    assert (weight.read() == codes).all()
    assert opened.warnings == (
        "w_quantized: no scale for it stands behind its MatMulInteger: shown as raw integers",
    )


@pytest.mark.parametrize(
    ("scale", "zero_point", "reason"),
    [
        pytest.param(np.ones(3, F32), None, "has 3 scales for 6 channels", id="too few scales"),
        pytest.param(np.int8([1]), None, "its scale has the type int8", id="an integer scale"),
        pytest.param(np.ones(6, F32), np.zeros(2, np.int8), "2 zero points", id="too few points"),
    ],
)
def test_parts_that_do_not_fit_leave_raw_integers_and_a_warning(
    tmp_path: Path, scale: Codes, zero_point: Codes | None, reason: str
) -> None:
    codes = _codes(TensorProto.INT8, (4, 6)).astype(np.int8)
    inits, inputs = [initializer("w", codes), initializer("s", scale)], ["w", "s"]
    if zero_point is not None:
        inits.append(initializer("z", zero_point))
        inputs.append("z")
    nodes = [node("DequantizeLinear", inputs, ["d"]), node("MatMul", ["x", "d"], ["y"], "fc")]
    opened = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx"))
    weight = named(opened, "fc.weight")
    assert weight.quantization is None
    assert (weight.read() == codes).all()
    assert reason in opened.warnings[0]
    assert len(opened.tensors) == len(inits)


def test_float_qdq_and_qoperator_models_agree_on_layer_names(tmp_path: Path) -> None:
    weight, name = np.ones((2, 2, 1, 1), F32), "block/conv"
    plain = model_of([node("Conv", ["x", "w"], ["y"], name)], [initializer("w", weight)])
    codes = [initializer("w_quantized", weight.astype(np.int8)), initializer("s", F32(1))]
    qdq = model_of(
        [
            node("DequantizeLinear", ["w_quantized", "s"], ["d"], "w_DequantizeLinear"),
            node("Conv", ["x", "d"], ["y"], name),
        ],
        codes,
    )
    qoperator, _ = _qlinear_conv(())
    qoperator.graph.node[0].name = f"{name}_quant"
    for model in (plain, qdq, qoperator):
        assert list(open_onnx(save(model, tmp_path / "m.onnx")).layers) == [name]


def test_onnxruntime_quantizes_dynamically_and_the_weights_are_found(tmp_path: Path) -> None:
    quantization = pytest.importorskip("onnxruntime.quantization")
    weight = np.random.default_rng(1).normal(size=(8, 8)).astype(F32)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])
    nodes = [node("MatMul", ["x", "w"], ["y"], "fc")]
    graph = helper.make_graph(nodes, "g", [x], [y], [initializer("w", weight)])
    opsets = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "float.onnx")
    quantization.quantize_dynamic(tmp_path / "float.onnx", tmp_path / "q.onnx", per_channel=True)
    (tensor,) = open_onnx(tmp_path / "q.onnx").tensors
    assert (tensor.name, tensor.dtype) == ("fc.weight", "int8")
    assert tensor.quantization is not None
    assert tensor.quantization.scheme == "per-channel"
    assert np.abs(tensor.read() - weight).max() < np.abs(weight).max() / 127


def test_a_weight_that_is_turned_before_it_is_dequantized_stays_raw(tmp_path: Path) -> None:
    nodes = [
        node("Transpose", ["w"], ["t"]),
        node("DequantizeLinear", ["t", "s"], ["d"]),
        node("MatMul", ["x", "d"], ["y"], "fc"),
    ]
    inits = [initializer("w", np.ones((2, 3), np.int8)), initializer("s", F32(1))]
    opened = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx"))
    assert named(opened, "fc.weight").quantization is None
    assert opened.warnings == ("w: is rearranged before it is dequantized: shown as raw integers",)


def test_a_bias_added_in_integers_belongs_to_its_product(tmp_path: Path) -> None:
    codes, bias = np.ones((2, 2), np.int8), np.int8([3, -4])
    inits = [
        initializer("w", codes), initializer("b", bias), initializer("bs", F32(0.5)),
        initializer("s", F32(1)), initializer("z", np.int8(0)),
    ]  # fmt: skip
    product = ["x", "s", "z", "w", "s", "z", "s", "z"]
    nodes = [
        node("QLinearMatMul", product, ["p"], "fc/MatMul_quant"),
        node("QLinearAdd", ["p", "s", "z", "b", "bs", "z", "s", "z"], ["y"], "fc/Add_quant"),
    ]
    opened = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx"))
    tensor = named(opened, "fc/MatMul.bias")
    assert tensor.role == "bias"
    assert tensor.read().tolist() == [1.5, -2.0]
    assert named(opened, "s").role == "input scale"
