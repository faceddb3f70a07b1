"""ONNX weights of MatMulNBits whose columns each name their group in g_idx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, helper
from onnx_models import initializer, model_of, named, open_onnx, save

from tensorpeek.loaders import LoadError

node = helper.make_node
F32 = np.float32
Codes = NDArray[Any]


def _packed(codes: Codes, bits: int) -> Codes:
    """Pack the codes of each row from the lowest bits on, in whole bytes."""
    spread = np.unpackbits(codes.astype(np.uint8)[..., None], axis=-1, bitorder="little")
    return np.packbits(spread[..., :bits].reshape(*codes.shape[:-1], -1), -1, bitorder="little")


def _reordered(
    index: Codes, *, bits: int = 4, columns: int = 80, points: str = "packed"
) -> tuple[ModelProto, Codes, Codes]:
    """Return a model whose MatMulNBits has a g_idx, its codes, and its values by the formula."""
    rows, block = 5, 16
    blocks = -(-columns // block)
    generator = np.random.default_rng(9)
    codes = generator.integers(0, 1 << bits, (rows, blocks, block))
    scales = generator.uniform(0.001, 0.1, (rows, blocks)).astype(F32)
    zeros = generator.integers(0, 1 << bits, (rows, blocks)).astype(F32)
    stored = {"packed": _packed(zeros, bits), "float": zeros + F32(0.25)}.get(points)
    if points != "packed":
        zeros = np.full_like(zeros, 1 << bits - 1) if stored is None else stored
    inits = [initializer("w_Q", _packed(codes, bits)), initializer("s", scales)]
    inits += [initializer("z", stored)] if stored is not None else []
    inits.append(initializer("g", index))
    inputs = ["x", "w_Q", "s", "z" if stored is not None else "", "g"]
    attributes = {"N": rows, "K": columns, "bits": bits, "block_size": block}
    nodes = [node("MatMulNBits", inputs, ["y"], "fc", domain="com.microsoft", **attributes)]
    flat = codes.reshape(rows, -1)[:, :columns]
    groups = np.resize(index.astype(int), columns) % blocks
    values = (flat.astype(F32) - zeros[:, groups]) * scales[:, groups]
    return model_of(nodes, inits), flat, values


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("columns", [80, 75, 16, 1])
@pytest.mark.parametrize("points", ["default", "packed", "float"])
@pytest.mark.parametrize("padded", [False, True], ids=["as long as a row", "as long as its blocks"])
def test_the_group_of_each_column_is_that_of_g_idx(
    tmp_path: Path, bits: int, columns: int, points: str, padded: bool
) -> None:
    groups = np.random.default_rng(3).permutation(np.arange(columns) // 16).astype(np.int32)
    index = np.pad(groups, (0, -columns % 16)) if padded else groups
    model, codes, values = _reordered(index, bits=bits, columns=columns, points=points)
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    (tensor,) = opened.tensors
    assert opened.warnings == ()
    assert (tensor.name, tensor.shape, tensor.dtype) == ("fc.weight", codes.shape, f"uint{bits}")
    assert tensor.nbytes == -(-codes.size * bits // 8)
    assert (tensor.read("raw") == codes).all()
    assert tensor.read().tobytes() == values.tobytes()
    assert np.concatenate(list(tensor.chunks(size=7))).tobytes() == values.tobytes()


@pytest.mark.parametrize("group", [5, -1, 1 << 30])
@pytest.mark.parametrize("everywhere", [False, True], ids=["in one column", "in all columns"])
def test_a_column_of_no_group_is_an_error_of_the_values(
    tmp_path: Path, group: int, everywhere: bool
) -> None:
    index = np.zeros(80, np.int32)
    index[None if everywhere else 7] = group
    model, codes, _ = _reordered(index)
    (tensor,) = open_onnx(save(model, tmp_path / "m.onnx")).tensors
    assert (tensor.read("raw") == codes).all()
    with pytest.raises(LoadError, match="a column has a group beyond the 5 there are"):
        tensor.read()


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        pytest.param(np.zeros(79, np.int32), "type int32 has 79 groups", id="too short"),
        pytest.param(np.zeros(96, np.int32), "type int32 has 96 groups", id="too long"),
        pytest.param(np.zeros(80, np.int64), "type int64 has 80 groups", id="of another type"),
        pytest.param(np.zeros(80, F32), "type float32 has 80 groups", id="floats"),
    ],
)
def test_a_g_idx_that_does_not_fit_leaves_raw_integers(
    tmp_path: Path, index: Codes, reason: str
) -> None:
    model, _, _ = _reordered(index)
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    assert named(opened, "fc.weight").quantization is None
    assert reason in opened.warnings[0]
    assert len(opened.tensors) == 4


def test_a_g_idx_that_is_computed_leaves_raw_integers(tmp_path: Path) -> None:
    model, _, _ = _reordered(np.zeros(80, np.int32))
    del model.graph.initializer[-1]
    opened = open_onnx(save(model, tmp_path / "m.onnx"))
    assert opened.warnings == (
        "w_Q: its scale, zero point or g_idx is not a constant: shown as raw integers",
    )
