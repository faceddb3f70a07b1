"""Sparse ONNX initializers: the dense tensors that they stand for, and what breaks their rules."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from onnx import SparseTensorProto, TensorProto, helper
from onnx_models import initializer, model_of, named, open_onnx, save

from tensorpeek.loaders import LoadError, Tensor


def opened(sparse: SparseTensorProto, path: Path) -> Tensor:
    model = model_of([helper.make_node("Identity", ["sparse"], ["y"])], [], ["y"])
    model.graph.sparse_initializer.append(sparse)
    return named(open_onnx(save(model, path / "m.onnx")), "sparse")


def of_dense(dense: np.ndarray, *, flat: bool, data_type: int | None = None) -> SparseTensorProto:
    places = np.flatnonzero(dense) if flat else np.argwhere(dense)
    values = initializer("sparse", dense[dense != 0], data_type)
    indices = initializer("indices", places.astype(np.int64))
    return helper.make_sparse_tensor(values, indices, dense.shape)


forms = pytest.mark.parametrize("flat", [True, False], ids=["flat indices", "rows of indices"])


@forms
@pytest.mark.parametrize("shape", [(), (7,), (4, 5), (3, 4, 5), (600, 700), (0, 3)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.float16, np.int64])
def test_the_dense_values_are_read(
    tmp_path: Path, shape: tuple[int, ...], dtype: type, flat: bool
) -> None:
    generator = np.random.default_rng(4)
    kept = generator.random(shape) < 0.3
    dense = np.asarray(generator.integers(1, 9, shape) * kept).astype(dtype)
    tensor = opened(of_dense(dense, flat=flat), tmp_path)
    assert (tensor.shape, tensor.dtype, tensor.error) == (shape, np.dtype(dtype).name, None)
    assert tensor.stored_nbytes == np.count_nonzero(dense) * (
        dense.itemsize + 8 * (1 if flat else dense.ndim)
    )
    np.testing.assert_array_equal(tensor.read(), dense)
    again = pickle.loads(pickle.dumps(tensor))
    size = 11 if dense.size < 1000 else 4099
    parts = list(again.chunks(size=size))
    assert all(part.size <= size for part in parts)
    np.testing.assert_array_equal(np.concatenate([*parts, []]), dense.reshape(-1))


def test_onnxruntime_reads_the_same(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    dense = np.zeros((6, 9), np.float32)
    dense[[0, 2, 5], [8, 3, 0]] = [1.5, -2, 7]
    tensor = opened(of_dense(dense, flat=True), tmp_path)
    session = runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(tensor.read(), session.run(None, {})[0])


def _of(values: list[float], places: list[object], shape: list[int]) -> SparseTensorProto:
    """Made field by field: the onnx library checks some of what it makes."""
    sparse = SparseTensorProto(dims=shape)
    sparse.values.CopyFrom(initializer("sparse", np.array(values, np.float32)))
    sparse.indices.CopyFrom(initializer("indices", np.array(places, np.int64)))
    return sparse


@pytest.mark.parametrize(
    ("sparse", "reason"),
    [
        pytest.param(_of([1, 2], [3], [9]), "has indices of shape", id="too few indices"),
        pytest.param(_of([1], [[1, 2]], [9]), "has indices of shape", id="too many columns"),
        pytest.param(_of([[1.0]], [1], [9]), "are no list", id="a matrix of values"),
        pytest.param(_of([1], [1], [1 << 40]), "are not shown", id="a terabyte from nothing"),
        pytest.param(_of([1, 2], [0, 1], [1]), "are not shown", id="more values than elements"),
        pytest.param(_of([1], [1], [-4]), "negative size", id="a negative size"),
        pytest.param(_of([1], [1], [1 << 40, 1 << 40]), "impossible shape", id="2^80 elements"),
    ],
)
def test_impossible_shapes_are_errors_of_the_tensor(
    tmp_path: Path, sparse: SparseTensorProto, reason: str
) -> None:
    tensor = opened(sparse, tmp_path)
    assert reason in (tensor.error or "")
    with pytest.raises(LoadError):
        tensor.read()


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        pytest.param([0, 9], "outside of its shape", id="past the end"),
        pytest.param([-1, 3], "outside of its shape", id="negative"),
        pytest.param([3, 3], "do not ascend", id="twice the same"),
        pytest.param([4, 1], "do not ascend", id="descending"),
    ],
)
def test_wrong_indices_are_errors_of_the_values(
    tmp_path: Path, places: list[object], reason: str
) -> None:
    tensor = opened(_of([1, 2], places, [9]), tmp_path)
    assert tensor.error is None
    with pytest.raises(LoadError, match=reason):
        tensor.read()


def test_a_sparse_weight_is_not_dequantized(tmp_path: Path) -> None:
    dense = np.eye(4, dtype=np.int8)
    nodes = [helper.make_node("DequantizeLinear", ["sparse", "s"], ["y"])]
    model = model_of(nodes, [initializer("s", np.float32(0.5))], ["y"])
    model.graph.sparse_initializer.append(of_dense(dense, flat=False))
    found = open_onnx(save(model, tmp_path / "m.onnx"))
    assert found.warnings == ("sparse: is sparse: shown as raw integers",)
    np.testing.assert_array_equal(named(found, "sparse").read(), dense)


@pytest.mark.parametrize("kind", ["FLOAT6E2M3", "FLOAT6E3M2"])
def test_types_of_six_bits_say_that_they_are_not_read(tmp_path: Path, kind: str) -> None:
    number = {"FLOAT6E2M3": 27, "FLOAT6E3M2": 28}[kind]
    tensor = TensorProto(name="six", dims=[4], raw_data=bytes(3))
    model = model_of([], [])
    model.graph.initializer.append(tensor)
    model.graph.initializer[0].data_type = number
    [found] = open_onnx(save(model, tmp_path / "m.onnx")).tensors
    assert found.error == f"data type {kind} is not supported"
