"""Quantized layers of Keras 3 give the values with which Keras computes.

Keras' ``abs_max_quantize``, ``pack_int4`` and ``dequantize_with_sz_map`` are restated with NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hf_files import same_values
from keras_files import layer, numbers, sequential, write_archive, write_numbered
from numpy.typing import NDArray

from tensorpeek.analysis import measure, quantization_facts
from tensorpeek.loaders import LoadError, Model, Tensor, open_model

Array = NDArray[Any]


def _policy(mode: str) -> dict[str, Any]:
    settings = {"mode": mode, "source_name": "float32"}
    return {"module": "keras.dtype_policies", "class_name": "DTypePolicy", "config": settings}


def _codes(*shape: int, bits: int = 8, seed: int = 3) -> Array:
    half = 1 << bits - 1
    drawn = np.random.default_rng(seed).integers(-half, half, shape)
    return drawn.astype(np.int8)


def _scales(*shape: int) -> Array:
    return np.random.default_rng(4).uniform(3, 900, shape).astype(np.float32)


def _steps(*shape: int) -> Array:
    return np.float32(1) / _scales(*shape)


def _packed(codes: Array) -> Array:
    """Pack pairs along the last axis, the first in the lower bits."""
    padded = np.concatenate([codes, np.zeros((len(codes), codes.shape[1] % 2), np.int8)], axis=1)
    return padded[:, ::2] & 15 | padded[:, 1::2] << 4


def _groups(size: int, block: int) -> Array:
    return (np.arange(size) // block).astype(np.float32)


def _open(
    folder: Path, kind: str, values: list[Array], mode: str | None, **settings: object
) -> Model:
    """Write one layer: as an archive, or without a configuration if ``mode`` is None."""
    group = {"Dense": "dense", "EinsumDense": "einsum_dense", "Embedding": "embedding"}[kind]
    held = {f"layers/{group}": values}
    if mode is None:
        write_numbered(folder / "m.weights.h5", held)
        return open_model(folder / "m.weights.h5")
    built = {key: settings.pop(key) for key in ("build_config",) if key in settings}
    described = {**layer(kind, group, dtype=_policy(mode), **settings), **built}
    return open_model(write_archive(folder / "m.keras", held, sequential(described)))


def _joined(model: Model, label: str = "kernel") -> Tensor:
    assert model.warnings == ()
    [found] = [tensor for tensor in model.tensors if tensor.quantization is not None]
    assert (found.label, found.role) == (label, "weight")
    assert found.parts
    return found


@pytest.mark.parametrize("mode", ["int8", None], ids=["with a configuration", "weights alone"])
@pytest.mark.parametrize("bias", [True, False], ids=["with a bias", "without a bias"])
def test_dense_kernels_of_8_bits_are_divided_by_the_scales_of_their_outputs(
    tmp_path: Path, mode: str | None, *, bias: bool
) -> None:
    codes, scale = _codes(6, 7), _scales(7)
    values = [codes, *([numbers(7)] if bias else []), scale]
    model = _open(tmp_path, "Dense", values, mode, units=7, use_bias=bias)
    kernel = _joined(model)
    same_values(kernel, codes, codes.astype(np.float32) / scale)
    assert [tensor.label for tensor in model.tensors] == ["kernel", "bias"][: 1 + bias]
    assert [part.label for part in kernel.parts] == ["kernel", "kernel_scale"]
    quantization = kernel.quantization
    assert quantization is not None
    assert (quantization.scheme, quantization.axis, quantization.bits) == ("per-channel", 1, 8)
    np.testing.assert_array_equal(quantization.scales(), np.float32(1) / scale)
    summary = measure(kernel).summary
    assert summary.minimum == float((codes.astype(np.float32) / scale).min())
    assert quantization_facts(kernel, measure(kernel, "raw")).raw_max == codes.max()


@pytest.mark.parametrize("mode", ["int4/-1", None], ids=["with a configuration", "weights alone"])
@pytest.mark.parametrize("units", [6, 7], ids=["an even number", "an odd number"])
def test_dense_kernels_of_4_bits(tmp_path: Path, mode: str | None, units: int) -> None:
    codes, scale = _codes(5, units, bits=4), _scales(units)
    values = [_packed(codes), numbers(units), scale]
    model = _open(tmp_path, "Dense", values, mode, units=units, use_bias=True)
    kernel = _joined(model)
    same_values(kernel, codes, codes.astype(np.float32) / scale)
    assert (kernel.dtype, kernel.shape) == ("int4", (5, units))
    assert kernel.nbytes == sum(part.nbytes for part in kernel.parts)


@pytest.mark.parametrize("mode", ["int4/4", None], ids=["with a configuration", "weights alone"])
@pytest.mark.parametrize("inputs", [8, 9, 11], ids=lambda inputs: f"{inputs} inputs")
def test_groups_of_inputs_have_zero_points(tmp_path: Path, mode: str | None, inputs: int) -> None:
    codes, groups = _codes(inputs, 7, bits=4), -(-inputs // 4)
    step, zero = _steps(groups, 7), _codes(groups, 7, bits=4, seed=9)
    index = _groups(inputs, 4)
    values = [_packed(codes), step, zero, index]
    kernel = _joined(_open(tmp_path, "Dense", values, mode, units=7, use_bias=False))
    of = index.astype(int)
    same_values(kernel, codes, (codes.astype(np.float32) - zero[of]) * step[of])
    quantization = kernel.quantization
    assert quantization is not None
    assert (quantization.scheme, quantization.axis, quantization.block) == ("blockwise", 0, 4)
    np.testing.assert_array_equal(quantization.zero_points(), zero.reshape(-1))


def test_a_dense_kernel_in_an_archive_that_is_compressed(tmp_path: Path) -> None:
    codes, step, zero = _codes(8, 7, bits=4), _steps(2, 7), _codes(2, 7, bits=4)
    held = {"layers/dense": [_packed(codes), step, zero, _groups(8, 4)]}
    config = sequential(layer("Dense", "dense", dtype=_policy("int4/4"), use_bias=False))
    path = write_archive(tmp_path / "m.keras", held, config, deflate=True)
    of = _groups(8, 4).astype(int)
    values = (codes.astype(np.float32) - zero[of]) * step[of]
    same_values(_joined(open_model(path)), codes, values)


EQUATIONS = {
    "channels of two axes": ("abc,cde->abde", (9, 3, 5), (1, 1, 3, 5), (1, 3, 5)),
    "inputs of two axes": ("abde,dec->abc", (3, 5, 6), (1, 1, 6), (1, 1, 6)),
    "channels first": ("abc,dc->abd", (6, 6), (1, 1, 6), (6, 1)),
}


@pytest.mark.parametrize(
    ("equation", "shape", "stored", "broadcast"), EQUATIONS.values(), ids=EQUATIONS
)
def test_einsum_kernels_of_8_bits(
    tmp_path: Path,
    equation: str,
    shape: tuple[int, ...],
    stored: tuple[int, ...],
    broadcast: tuple[int, ...],
) -> None:
    codes, scale = _codes(*shape), _scales(*stored)
    model = _open(tmp_path, "EinsumDense", [codes, scale], "int8", equation=equation)
    values = codes.astype(np.float32) / scale.reshape(broadcast)
    same_values(_joined(model), codes, values)


@pytest.mark.parametrize("mode", ["int4/-1", None], ids=["with a configuration", "weights alone"])
def test_einsum_kernels_of_4_bits_are_stored_as_a_matrix(tmp_path: Path, mode: str | None) -> None:
    codes, scale = _codes(9, 15, bits=4), _scales(15)
    settings = {
        "equation": "abc,cde->abde",
        "output_shape": [None, 3, 5],
        "build_config": {"input_shape": [None, 10, 9]},
    }
    kernel = _joined(_open(tmp_path, "EinsumDense", [_packed(codes), scale], mode, **settings))
    shape = (9, 15) if mode is None else (9, 3, 5)
    values = (codes.astype(np.float32) / scale).reshape(shape)
    same_values(kernel, codes.reshape(shape), values)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("wide", [8, 9])
def test_rows_of_embeddings_have_a_scale_each(tmp_path: Path, bits: int, wide: int) -> None:
    codes, scale = _codes(20, wide, bits=bits), _scales(20)
    stored = codes if bits == 8 else _packed(codes)
    mode = "int8" if bits == 8 else "int4/-1"
    model = _open(tmp_path, "Embedding", [stored, scale], mode, output_dim=wide)
    values = codes.astype(np.float32) / scale[:, None]
    same_values(_joined(model, "embeddings"), codes, values)


@pytest.mark.parametrize("mode", ["int4/4", None], ids=["with a configuration", "weights alone"])
def test_groups_of_a_row_of_embeddings_have_zero_points(tmp_path: Path, mode: str | None) -> None:
    codes, step = _codes(20, 9, bits=4), _steps(20, 3)
    zero, index = _codes(20, 3, bits=4, seed=9), _groups(9, 4)
    values = [_packed(codes), step, zero, index]
    model = _open(tmp_path, "Embedding", values, mode, output_dim=9)
    of = index.astype(int)
    want = (codes.astype(np.float32) - zero[:, of]) * step[:, of]
    same_values(_joined(model, "embeddings"), codes, want)


def test_layers_for_float8_keep_float_kernels_and_their_histories(tmp_path: Path) -> None:
    one, history = np.float32(2), numbers(16)
    values = [numbers(6, 7), numbers(7), *([one, history] * 3)]
    arrays = [np.asarray(value) for value in values]
    model = _open(tmp_path, "Dense", arrays, "float8", units=7, use_bias=True)
    assert model.warnings == ()
    assert [(tensor.label, tensor.role) for tensor in model.tensors] == [
        ("kernel", "weight"),
        ("bias", "bias"),
        ("inputs_scale", "constant"),
        ("inputs_amax_history", "buffer"),
        ("kernel_scale", "constant"),
        ("kernel_amax_history", "buffer"),
        ("outputs_grad_scale", "constant"),
        ("outputs_grad_amax_history", "buffer"),
    ]


@pytest.mark.parametrize("method", ["GPTQ", "AWQ"])
def test_methods_that_are_not_known_are_named(tmp_path: Path, method: str) -> None:
    stored = np.zeros((4, 6), np.uint8)
    more = [np.ones(6, np.float32)] if method == "AWQ" else []
    zero = np.zeros((7, 1), np.uint8)
    values = [numbers(7), stored, numbers(7, 1), zero, *more, _groups(6, 6)]
    model = _open(tmp_path, "Dense", values, f"{method.lower()}/4/-1", units=7, use_bias=True)
    assert model.warnings == (
        f"quantization scheme Keras {method} is not known: its parts are shown as stored",
    )
    assert [tensor.label for tensor in model.tensors][:3] == ["bias", "kernel", "kernel_scale"]
    assert len(model.tensors) == len(values)


DAMAGED: dict[str, tuple[str, list[Array], str | None, dict[str, Any]]] = {
    "an embedding of unknown width": ("Embedding", [_codes(4, 6), _scales(4)], None, {}),
    "one output": ("Dense", [_codes(4, 1), _scales(1)], None, {}),
    "too few scales": ("Dense", [_codes(4, 7), _scales(5)], "int8", {}),
    "scales of integers": ("Dense", [_codes(4, 7), _codes(7).astype("i4")], "int8", {}),
    "too many outputs": ("Dense", [_codes(4, 7), _scales(30)], "int4/-1", {}),
    "packed along the inputs": ("Dense", [_codes(4, 7), _scales(7)], "int4", {}),
    "a scalar": ("Dense", [np.int8(3), _scales(1)], "int8", {}),
    "nothing": ("Dense", [_codes(0, 7), _scales(7)], "int8", {}),
    "an equation of other axes": (
        *("EinsumDense", [_codes(4, 7), _scales(7)], "int8"),
        {"equation": "abc,cdef->abdef"},
    ),
    "axes in turns": (
        *("EinsumDense", [_codes(4, 7, 3), _scales(7)], "int8"),
        {"equation": "ace,abc->be"},
    ),
    "a group of none": (
        *("Dense", [_codes(4, 4), _steps(2, 7), _codes(2, 7), np.float32([7, 7, 7, 7])]),
        *("int4/2", {}),
    ),
    "groups without an end": (
        *("Dense", [_codes(4, 4), _steps(2, 7), _codes(2, 7), _groups(100, 2)]),
        *("int4/2", {}),
    ),
    "a huge index": (
        *("Dense", [_codes(4, 4), _steps(2, 7), _codes(2, 7), np.zeros(1 << 15, "f4")]),
        *("int4/2", {}),
    ),
    "an embedding of a huge width": (
        *("Embedding", [_codes(4, 6), _scales(4)], "int4/-1"),
        {"output_dim": 1 << 39},
    ),
}


@pytest.mark.parametrize(("kind", "values", "mode", "settings"), DAMAGED.values(), ids=DAMAGED)
def test_what_does_not_fit_stays_in_parts(
    tmp_path: Path, kind: str, values: list[Array], mode: str | None, settings: Mapping[str, Any]
) -> None:
    arrays = [np.asarray(value) for value in values]
    model = _open(tmp_path, kind, arrays, mode, use_bias=False, **settings)
    [warning] = model.warnings
    assert "shown as stored" in warning
    assert len(model.tensors) == len(values)
    for tensor, value in zip(model.tensors, arrays, strict=True):
        np.testing.assert_array_equal(tensor.read(), value)


CHUNKS = {
    "rows": {"chunks": (2, 7)},
    "columns": {"chunks": (6, 1)},
    "blocks that do not divide the shape": {"chunks": (4, 5)},
    "gzip": {"chunks": (2, 7), "compression": "gzip"},
    "gzip, shuffle, fletcher32": {"compression": "gzip", "shuffle": True, "fletcher32": True},
}


@pytest.mark.parametrize("band", [1, 1 << 22], ids=["a row of chunks at a time", "all at once"])
@pytest.mark.parametrize("how", CHUNKS.values(), ids=CHUNKS)
def test_chunks_make_one_weight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any], band: int
) -> None:
    monkeypatch.setattr("tensorpeek.loaders.keras_format.chunked.BAND", band)
    codes, scales = _codes(6, 7), _scales(7)
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.create_dataset("0", data=codes, **how)
        group.create_dataset("1", data=scales, chunks=(3,), compression="gzip")
    [weight] = open_model(path).tensors
    assert len(weight.parts) == 2
    np.testing.assert_array_equal(weight.read("raw"), codes)
    np.testing.assert_array_equal(weight.read(), (codes / scales).astype(np.float32))


def test_a_filter_that_is_not_known_leaves_the_parts(tmp_path: Path) -> None:
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.create_dataset("0", data=_codes(6, 7), chunks=(2, 7), compression="lzf")
        group.create_dataset("1", data=_scales(7))
    model = open_model(path)
    assert len(model.tensors) == 2
    with pytest.raises(LoadError, match="filter lzf"):
        model.tensors[0].read()


@pytest.mark.parametrize("shape", [(5, 0), (0, 5), (0,)], ids=str)
def test_chunks_of_nothing(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.create_dataset("0", shape=shape, dtype="f4", maxshape=(None,) * len(shape))
    [tensor] = open_model(path).tensors
    assert tensor.read().shape == shape
