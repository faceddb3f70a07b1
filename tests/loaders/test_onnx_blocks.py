"""Packed ONNX weights (MatMulNBits, QMoE, GatherBlockQuantized) against formula and onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper
from onnx_models import initializer, model_of, named, open_onnx, save

node = helper.make_node
F32 = np.float32
Codes = NDArray[Any]
ROWS, COLUMNS, EXPERTS, HIDDEN, INNER = 6, 64, 2, 32, 64


def packed(codes: Codes, bits: int) -> Codes:
    """Pack the codes of each row from the lowest bits on, in whole bytes."""
    spread = np.unpackbits(codes.astype(np.uint8)[..., None], axis=-1, bitorder="little")
    return np.packbits(spread[..., :bits].reshape(*codes.shape[:-1], -1), -1, bitorder="little")


def quantized(
    shape: tuple[int, ...], bits: int, block: int, *, points: bool
) -> tuple[list[Codes], Codes, Codes]:
    """Return codes, scales and zero points as they are stored, the codes, and the values.

    Blocks lie along the last axis; without ``block`` each row is one, and is not an axis of scales.
    """
    generator = np.random.default_rng(bits + block)
    groups = (*shape[:-1], shape[-1] // (block or shape[-1]))
    codes = generator.integers(0, 1 << bits, shape)
    scales = generator.uniform(0.001, 0.1, groups).astype(F32)
    zeros = generator.integers(0, 1 << bits, groups) if points else np.full(groups, 1 << bits - 1)
    differences = codes.reshape(*groups, -1) - zeros[..., None]
    values = (differences.astype(F32) * scales[..., None]).reshape(shape)
    if not block:
        scales, zeros = scales[..., 0], zeros[..., 0]
    return [packed(codes, bits), scales, packed(zeros, bits)], codes, values


def gather_model(bits: int, *, points: bool) -> tuple[ModelProto, Codes, Codes]:
    stored, codes, values = quantized((ROWS, COLUMNS), bits, 16, points=points)
    inits = [initializer(name, array) for name, array in zip("wsz", stored, strict=True)]
    attributes = {"bits": bits, "block_size": 16, "quantize_axis": 1, "gather_axis": 0}
    nodes = [
        node("GatherBlockQuantized", ["w", "i", "s", "z"][: 3 + points], ["y"], "embedding",
             domain="com.microsoft", **attributes),
    ]  # fmt: skip
    model = model_of(nodes, inits[: 2 + points], ["y"])
    model.graph.input.append(helper.make_tensor_value_info("i", TensorProto.INT64, [ROWS]))
    return model, codes, values


each_width = pytest.mark.parametrize("bits", [2, 4, 8])
each_zero_point = pytest.mark.parametrize("points", [False, True], ids=["half", "zero points"])


@each_width
@each_zero_point
def test_embeddings_are_read_by_the_documented_formula(
    tmp_path: Path, bits: int, points: bool
) -> None:
    model, codes, values = gather_model(bits, points=points)
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    [tensor] = opened.tensors
    assert opened.warnings == ()
    assert (tensor.name, tensor.role, tensor.dtype) == ("embedding.weight", "weight", f"uint{bits}")
    assert tensor.nbytes == codes.size * bits // 8
    assert (tensor.read("raw") == codes).all()
    assert tensor.read().tobytes() == values.tobytes()


@each_width
@each_zero_point
def test_embeddings_are_those_that_onnxruntime_looks_up(
    tmp_path: Path, bits: int, points: bool
) -> None:
    runtime = pytest.importorskip("onnxruntime")
    model, _, _ = gather_model(bits, points=points)
    path = save(model, tmp_path / "m.onnx")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    [found] = session.run(None, {"i": np.arange(ROWS)})
    assert open_onnx(path).tensors[0].read().tobytes() == found.tobytes()


@pytest.mark.parametrize("kind", ["INT4", "UINT4"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_embeddings_of_four_bit_types_have_zero_points_of_that_type(
    tmp_path: Path, kind: str, axis: int
) -> None:
    data_type = TensorProto.DataType.Value(kind)
    generator = np.random.default_rng(1)
    low = -8 if kind == "INT4" else 0
    codes = generator.integers(low, low + 16, (32, 48))
    groups = (2, 48) if axis == 0 else (32, 3)
    scales = generator.uniform(0.001, 0.1, groups).astype(F32)
    zeros = generator.integers(low, low + 16, groups)
    inits = [
        initializer("w", codes, data_type), initializer("s", scales),
        initializer("z", zeros, data_type),
    ]  # fmt: skip
    attributes = {"block_size": 16, "quantize_axis": axis, "gather_axis": 1 - axis % 2}
    nodes = [
        node("GatherBlockQuantized", ["w", "i", "s", "z"], ["y"], "embedding",
             domain="com.microsoft", **attributes),
    ]  # fmt: skip
    [tensor] = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx")).tensors
    wide = [np.repeat(each, 16, axis) for each in (zeros, scales)]
    assert (tensor.read("raw") == codes).all()
    assert tensor.read().tobytes() == ((codes - wide[0]).astype(F32) * wide[1]).tobytes()


def experts_model(bits: int, block: int, *, points: bool) -> tuple[ModelProto, list[Codes]]:
    names = ["x", "router", "w1", "s1", "", "w2", "s2", "", "", "", ""]
    inits, values = [], []
    for number, shape in enumerate(((EXPERTS, INNER, HIDDEN), (EXPERTS, HIDDEN, INNER)), 1):
        stored, _, wanted = quantized(shape, bits, block, points=points)
        values.append(wanted)
        parts = zip("wsz", stored, strict=True)
        inits += [initializer(f"{name}{number}", array) for name, array in parts]
    attributes = {"k": 1, "expert_weight_bits": bits, "activation_type": "identity"}
    attributes |= {"block_size": block} if block else {}
    if points:
        names += ["z1", "z2"]
    else:
        inits = [each for each in inits if not each.name.startswith("z")]
    nodes = [node("QMoE", names, ["y"], "moe", domain="com.microsoft", **attributes)]
    model = model_of(nodes, inits, ["y"])
    for name, width in (("x", HIDDEN), ("router", EXPERTS)):
        value = helper.make_tensor_value_info(name, TensorProto.FLOAT, [HIDDEN, width])
        model.graph.input.append(value)
    return model, values


each_block = pytest.mark.parametrize(
    "block", [0, 16, 32], ids=["columns", "blocks", "large blocks"]
)


@each_width
@each_block
@each_zero_point
def test_experts_are_read_by_the_documented_formula(
    tmp_path: Path, bits: int, block: int, points: bool
) -> None:
    model, values = experts_model(bits, block, points=points)
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    assert opened.warnings == ()
    assert [each.name for each in opened.tensors] == ["moe.fc1_weight", "moe.fc2_weight"]
    for tensor, wanted in zip(opened.tensors, values, strict=True):
        assert (tensor.role, tensor.dtype) == ("weight", f"uint{bits}")
        assert tensor.read().tobytes() == wanted.tobytes()


@each_width
@each_zero_point
@pytest.mark.parametrize("expert", range(EXPERTS))
def test_experts_compute_what_onnxruntime_does(
    tmp_path: Path, bits: int, points: bool, expert: int
) -> None:
    """Each unit vector goes to one expert without an activation: out come its two products."""
    runtime = pytest.importorskip("onnxruntime")
    model, _ = experts_model(bits, 0, points=points)
    path = save(model, tmp_path / "m.onnx")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    router = np.full((HIDDEN, EXPERTS), -1e4, F32)
    router[:, expert] = 0
    [found] = session.run(None, {"x": np.eye(HIDDEN, dtype=F32), "router": router})
    first, second = (each.read()[expert].astype(float) for each in open_onnx(path).tensors)
    np.testing.assert_allclose(found, first.T @ second.T, rtol=0, atol=1e-6 * np.abs(found).max())


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        pytest.param({"quant_type": "fp4"}, "is quantized as fp4", id="another kind"),
        pytest.param({"weights_prepacked": 1}, "is arranged for one kind", id="prepacked"),
        pytest.param({"expert_weight_bits": 3}, "codes of 3 bits", id="odd bits"),
        pytest.param({"fc2_expert_weight_bits": 8}, "its scale has the shape", id="other bits"),
        pytest.param({"block_size": 7}, "its scale has the shape", id="another block"),
    ],
)
def test_experts_in_other_ways_stay_integers(
    tmp_path: Path, attributes: dict[str, Any], reason: str
) -> None:
    model, _ = experts_model(4, 16, points=True)
    kept = [each for each in model.graph.node[0].attribute if each.name not in attributes]
    del model.graph.node[0].attribute[:]
    model.graph.node[0].attribute.extend(kept)
    for name, value in attributes.items():
        model.graph.node[0].attribute.append(helper.make_attribute(name, value))
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    assert any(reason in warning for warning in opened.warnings)
    assert named(opened, "moe.fc2_weight").quantization is None


@pytest.mark.parametrize("cut", ["s", "z"])
def test_parts_of_another_size_leave_raw_integers(tmp_path: Path, cut: str) -> None:
    model, _, _ = gather_model(4, points=True)
    for index, each in enumerate(model.graph.initializer):
        if each.name == cut:
            shape = [ROWS, list(each.dims)[1] + 1]
            kind = F32 if cut == "s" else np.uint8
            model.graph.initializer[index].CopyFrom(initializer(cut, np.ones(shape, kind)))
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    assert len(opened.warnings) == 1
    assert named(opened, "embedding.weight").quantization is None


@pytest.mark.parametrize(
    ("kind", "scale"), [("FLOAT16", "FLOAT"), ("FLOAT", "FLOAT16"), ("BFLOAT16", "FLOAT16")]
)
def test_the_stated_type_of_the_output_is_that_of_the_values(
    tmp_path: Path, kind: str, scale: str
) -> None:
    from onnx_models import evaluated

    types = TensorProto.DataType.Value
    codes = np.random.default_rng(2).integers(-128, 128, (5, 7)).astype(np.int8)
    scales = np.random.default_rng(3).uniform(0.001, 0.1, 5)
    inits = [initializer("w", codes), initializer("s", scales, types(scale))]
    nodes = [node("DequantizeLinear", ["w", "s"], ["d"], axis=0, output_dtype=types(kind))]
    model = model_of(nodes, inits, ["d"], opset=23)
    [tensor] = open_onnx(save(model, tmp_path / "m.onnx")).tensors
    wanted, got = evaluated(model, "d"), tensor.read()
    assert got.dtype == wanted.dtype == tensor.value_type("dequantized")
    assert got.tobytes() == wanted.tobytes()


def test_weights_of_unknown_operators_are_counted(tmp_path: Path) -> None:
    codes = np.ones((4, 4), np.int8)
    inits = [initializer(name, codes) for name in ("a", "b", "c", "d")]
    inits += [initializer("s", F32(0.5)), initializer("w_scale", F32(0.5))]
    nodes = [
        node("QOrderedMatMul", ["x", "s", "a", "s", "s"], ["y"], domain="com.microsoft"),
        node("QOrderedMatMul", ["y", "s", "b", "s", "s"], ["z"], domain="com.microsoft"),
        node("Mystery", ["z", "c", "w_scale"], ["v"], domain="somewhere"),
        node("Concat", ["v", "d"], ["u"], axis=0),
    ]
    opened = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx"))
    assert opened.warnings == (
        "not dequantized: 2 weights of QOrderedMatMul",
        "not dequantized: 1 weight of Mystery",
    )


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("columns", [64, 33, 48, 1])
@pytest.mark.parametrize("points", ["default", "packed", "float"])
def test_matmul_nbits(tmp_path: Path, bits: int, columns: int, points: str) -> None:
    rows, block = 5, 16
    blocks = -(-columns // block)
    generator = np.random.default_rng(8)
    codes = generator.integers(0, 1 << bits, (rows, blocks, block))
    scales = generator.uniform(0.001, 0.1, (rows, blocks)).astype(F32)
    zeros = generator.integers(0, 1 << bits, (rows, blocks)).astype(F32)
    if points == "float":
        zeros += F32(0.25)
    inputs, inits = ["x", "w_Q", "s"], [initializer("w_Q", packed(codes, bits))]
    inits.append(initializer("s", scales.reshape(-1)))
    if points == "default":
        zeros[:] = 1 << bits - 1
    else:
        inputs.append("z")
        stored = zeros if points == "float" else packed(zeros, bits)
        inits.append(initializer("z", stored))
    attributes = {"N": rows, "K": columns, "bits": bits, "block_size": block}
    nodes = [
        node("MatMulNBits", inputs, ["y"], f"fc_Q{bits}", domain="com.microsoft", **attributes)
    ]
    (tensor,) = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx")).tensors
    assert (tensor.name, tensor.shape, tensor.dtype) == (
        "fc.weight",
        (rows, columns),
        f"uint{bits}",
    )
    assert tensor.quantization is not None
    assert tensor.quantization.bits == bits
    wanted = codes.reshape(rows, -1)[:, :columns]
    assert (tensor.read("raw") == wanted).all()
    floats = (codes - zeros[..., None].astype(np.float64)).astype(F32) * scales[..., None]
    assert tensor.read().tobytes() == floats.reshape(rows, -1)[:, :columns].tobytes()


def test_long_rows_of_packed_blocks_are_repacked_in_slabs(tmp_path: Path) -> None:
    rows, columns, block = 300, 5003, 32
    codes = np.random.default_rng(2).integers(0, 16, (rows, 157, block))
    inits = [
        initializer("w", packed(codes, 4)), initializer("s", np.ones((rows, 157), F32)),
    ]  # fmt: skip
    attributes = {"N": rows, "K": columns, "bits": 4, "block_size": block}
    nodes = [node("MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", **attributes)]
    (tensor,) = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx")).tensors
    assert (tensor.read("raw") == codes.reshape(rows, -1)[:, :columns]).all()
