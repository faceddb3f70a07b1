"""Filters of convolutions: maps, norms and values as torch and NumPy see them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from made_tensors import quantized, tensor_of

from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.kernels import (
    Filters,
    Kernel,
    KernelLayout,
    filter_similarity,
    kernel_layout,
    possible_layouts,
    read_filter,
    read_filters,
    read_input,
)
from tensorpeek.analysis.kernels import blocks as blocks_module
from tensorpeek.analysis.kernels import filters as filters_module
from tensorpeek.analysis.stopping import never
from tensorpeek.loaders import CancelledError, LoadError, Model, Tensor, open_model

RANDOM = np.random.default_rng(7)

LAYOUTS = {
    "one dimension, torch": ("OIW", (5, 4, 7)),
    "one dimension, transposed": ("IOW", (4, 5, 7)),
    "one dimension, Keras": ("WIO", (7, 4, 5)),
    "one dimension, depthwise Keras": ("WCM", (7, 4, 2)),
    "two dimensions, torch": ("OIHW", (6, 4, 3, 5)),
    "two dimensions, transposed": ("IOHW", (4, 6, 3, 5)),
    "two dimensions, Keras": ("HWIO", (3, 5, 4, 6)),
    "two dimensions, Keras transposed": ("HWOI", (3, 5, 6, 4)),
    "two dimensions, TFLite": ("OHWI", (6, 3, 5, 4)),
    "depthwise, Keras": ("HWCM", (3, 5, 4, 2)),
    "depthwise, TFLite": ("1HWC", (1, 3, 5, 6)),
    "three dimensions, torch": ("OIDHW", (4, 3, 2, 3, 5)),
    "three dimensions, Keras": ("DHWIO", (2, 3, 5, 3, 4)),
}

CANONICAL = {
    "OIW": "oiw->oiw", "IOW": "iow->oiw", "WIO": "wio->oiw", "WCM": "wcm->cmw",
    "OIHW": "oihw->oihw", "IOHW": "iohw->oihw", "HWIO": "hwio->oihw", "HWOI": "hwoi->oihw",
    "OHWI": "ohwi->oihw", "HWCM": "hwcm->cmhw", "1HWC": "ihwc->cihw",
    "OIDHW": "oidhw->oidhw", "DHWIO": "dhwio->oidhw",
}  # fmt: skip
"""The order of PyTorch for each, as einsum writes it."""


def in_torch_order(name: str, values: np.ndarray) -> np.ndarray:
    """Return a kernel as (filters, inputs, depth, height, width)."""
    turned = torch.einsum(CANONICAL[name], torch.from_numpy(values)).numpy()
    if "M" in name:
        turned = turned.reshape(-1, 1, *turned.shape[2:])
    return turned.reshape(*turned.shape[:2], *(1,) * (5 - turned.ndim), *turned.shape[2:])


def check(found: Filters, truth: np.ndarray) -> None:
    """Compare with what torch gets out of the same values."""
    values = torch.from_numpy(truth.astype(np.float64))
    flat = values.flatten(1)
    np.testing.assert_allclose(found.mean, values.mean(1), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(found.peak, values.abs().amax(1))
    np.testing.assert_allclose(found.norms, torch.linalg.vector_norm(flat, dim=1), rtol=1e-12)
    np.testing.assert_array_equal(found.low, flat.amin(1))
    np.testing.assert_array_equal(found.high, flat.amax(1))
    assert found.values is None or np.array_equal(found.values, truth)


@pytest.mark.parametrize("size", [7, 40, 1 << 18], ids=["tiny blocks", "blocks", "one block"])
@pytest.mark.parametrize("is_held", [True, False], ids=["held", "too large to hold"])
@pytest.mark.parametrize(("name", "shape"), LAYOUTS.values(), ids=LAYOUTS)
def test_every_order_of_axes_gives_what_torch_gives(
    name: str, shape: tuple[int, ...], is_held: bool, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = RANDOM.standard_normal(shape).astype(np.float32)
    truth = in_torch_order(name, values)
    if not is_held:
        monkeypatch.setattr(filters_module, "MOST_HELD", truth[0].size)
    monkeypatch.setitem(blocks_module.blocks.__kwdefaults__, "size", size)
    kernel = Kernel(tensor_of(values), "dequantized", KernelLayout(name))
    found = read_filters(kernel)
    assert (found.values is not None) == is_held
    check(found, truth)
    for index in {0, truth.shape[1] - 1}:
        assert np.array_equal(read_input(kernel, index), truth[:, index])
    for index in {0, 1, len(truth) - 1}:
        assert np.array_equal(read_filter(kernel, index), truth[index])


def test_blocks_cover_a_tensor_once() -> None:
    values = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    for size in range(1, 130):
        again = np.full(values.shape, np.nan)
        for place, part in blocks_module.blocks(tensor_of(values), "dequantized", never, size=size):
            assert part.size <= size
            assert np.isnan(again[place]).all()
            again[place] = part
        assert np.array_equal(again, values)


def test_values_that_are_not_finite_are_counted_and_show_in_their_place() -> None:
    values = np.ones((3, 2, 2, 2), np.float32)
    values[0, 1, 1, 1], values[1, 0, 0, 0] = np.nan, np.inf
    found = read_filters(Kernel(tensor_of(values), "dequantized", KernelLayout("OIHW")))
    assert found.not_finite.tolist() == [1, 1, 0]
    assert np.isnan(found.mean[0, 0]).tolist() == [[False, False], [False, True]]
    assert found.mean[1, 0, 0, 0] == np.inf
    assert found.norms.tolist() == [7**0.5, 7**0.5, 8**0.5]
    assert found.high.tolist() == [1, 1, 1]


def test_dead_filters_are_those_without_a_value_above_the_limit() -> None:
    values = np.zeros((5, 2, 3, 3), np.float64)
    values[1, 0, 0, 0] = 1e-6
    values[2, 1, 2, 2] = -1.01e-6
    values[3, 0, 0, 0] = np.nan
    values[4] = 1
    found = read_filters(Kernel(tensor_of(values), "dequantized", KernelLayout("OIHW")))
    assert found.dead.tolist() == [True, True, False, False, False]


def test_both_views_of_a_quantized_kernel() -> None:
    codes = RANDOM.integers(-128, 128, (4, 3, 3, 3)).astype(np.int8)
    scale = np.array([0.5, 0.25, 0.125, 1.0])
    tensor = quantized(codes, "int8", scale=scale, scheme="per-channel", axis=0)
    layout = KernelLayout("OIHW")
    raw = read_filters(Kernel(tensor, "raw", layout))
    check(raw, codes.reshape(4, 3, 1, 3, 3))
    assert raw.values is not None
    assert raw.values.dtype == np.int8
    floats = (codes * scale[:, None, None, None]).astype(np.float32)
    check(read_filters(Kernel(tensor, "dequantized", layout)), floats.reshape(4, 3, 1, 3, 3))


def test_more_places_than_can_be_shown_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters_module, "MOST_PLACES", 53)
    kernel = Kernel(tensor_of(np.ones((6, 1, 3, 3))), "dequantized", KernelLayout("OIHW"))
    for read in (read_filters, lambda one: read_input(one, 0), lambda one: read_filter(one, 0)):
        with pytest.raises(UnmeasurableError, match="places"):
            read(kernel)


def test_more_filters_than_can_be_shown_are_refused() -> None:
    kernel = Kernel(tensor_of(np.ones((70_000, 1, 1))), "dequantized", KernelLayout("OIW"))
    with pytest.raises(UnmeasurableError, match="more than 65,536 filters"):
        read_filters(kernel)


def test_complex_kernels_are_refused() -> None:
    kernel = Kernel(tensor_of(np.ones((2, 1, 3), "c8")), "dequantized", KernelLayout("OIW"))
    with pytest.raises(UnmeasurableError, match="complex"):
        read_filters(kernel)


def test_reading_ends_early_and_tells_progress() -> None:
    kernel = Kernel(tensor_of(np.ones((4, 1, 3))), "dequantized", KernelLayout("OIW"))
    with pytest.raises(CancelledError):
        read_filters(kernel, stop=lambda: True)
    shares: list[float] = []
    read_filters(kernel, progress=shares.append)
    assert shares[-1] == 1.0
    with pytest.raises(IndexError):
        read_input(kernel, 1)


def test_a_tensor_of_fewer_values_than_its_shape_is_an_error() -> None:
    tensor = tensor_of(np.ones((4, 1, 3)))
    short = dataclasses.replace(tensor, shape=(5, 1, 3))
    with pytest.raises(LoadError, match="fewer values"):
        read_filters(Kernel(short, "dequantized", KernelLayout("OIW")))


# Similarity


def test_cosines_and_neighbors_are_those_of_numpy() -> None:
    values = RANDOM.standard_normal((300, 4, 3, 3)).astype(np.float32)
    flat = values.reshape(300, -1).astype(np.float64)
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    cosines = unit @ unit.T - 2 * np.eye(300)
    found = filter_similarity(values)
    assert np.array_equal(found.nearest, cosines.argmax(axis=1))
    np.testing.assert_allclose(found.cosine, cosines.max(axis=1), atol=1e-6)
    assert found.duplicates == 0
    chain = [int(np.linalg.norm(flat, axis=1).argmax())]
    while len(chain) < 300:
        left = [index for index in range(300) if index not in set(chain)]
        chain.append(max(left, key=lambda index: cosines[chain[-1], index]))
    assert found.chain.tolist() == chain


def test_duplicates_are_told_from_what_is_only_alike() -> None:
    values = RANDOM.standard_normal((7, 2, 3, 3)).astype(np.float32)
    values[3] = values[1]
    values[4] = 2 * values[1]
    values[5] = 0
    values[6] = -values[0]
    found = filter_similarity(values)
    assert found.original.tolist() == [-1, -1, -1, 1, 1, -1, -1]
    assert found.identical.tolist() == [False, False, False, True, False, False, False]
    assert found.duplicates == 2
    assert found.nearest[5] == -1
    assert np.isnan(found.cosine[5])
    assert found.chain[-1] == 5


def test_filters_of_few_values_are_duplicates_only_if_equal() -> None:
    values = np.array([1.0, 2.0, 1.0, -1.0]).reshape(4, 1, 1, 1)
    found = filter_similarity(values)
    assert found.original.tolist() == [-1, -1, 0, -1]


def test_huge_and_tiny_values_have_directions_too() -> None:
    values = np.stack([np.full(9, 1e300), np.full(9, 1e-300), np.full(9, np.nan), np.zeros(9)])
    found = filter_similarity(values)
    assert found.original.tolist() == [-1, 0, -1, -1]


# Orders of axes, by what a model says


def listed(model: Model, shape: tuple[int, ...], name: str, label: str = "weight") -> Tensor:
    tensor = tensor_of(np.ones(shape, np.float32), name=f"{name}.{label}")
    return dataclasses.replace(tensor, layer=name, label=label)


def model(kind: str, **metadata: str) -> Model:
    return Model(path=Path("m"), format=kind, tensors=(), metadata=metadata)


@pytest.mark.parametrize(
    ("kind", "layer", "label", "shape", "name"),
    [
        ("PyTorch", "features.0", "weight", (8, 3, 3, 3), "OIHW"),
        ("ONNX", "conv1", "weight", (8, 3, 7), "OIW"),
        ("safetensors", "stem", "weight", (8, 3, 2, 3, 3), "OIDHW"),
        ("TorchScript", "conv_transpose2d_1", "weight", (8, 3, 3, 3), "IOHW"),
        ("PyTorch", "decoder.deconv1", "weight", (8, 3, 3, 3), "IOHW"),
        ("Keras HDF5", "conv2d_1", "kernel", (3, 3, 4, 8), "HWIO"),
        ("Keras v3", "layers/conv2d_transpose", "kernel", (3, 3, 8, 4), "HWOI"),
        ("Keras v3", "layers/depthwise_conv2d", "kernel", (3, 3, 8, 1), "HWCM"),
        ("Keras HDF5", "dw", "depthwise_kernel", (3, 3, 8, 2), "HWCM"),
        ("Keras HDF5", "conv1d", "kernel", (3, 4, 8), "WIO"),
        ("Flax", "params.Conv_0", "kernel", (3, 3, 4, 8), "HWIO"),
        ("Flax", "attention.query", "kernel", (64, 4, 16), None),
        ("TFLite", "conv", "weight", (8, 3, 3, 4), "OHWI"),
        ("TFLite", "dw", "weight", (1, 3, 3, 8), "1HWC"),
        ("PyTorch", "experts", "weight", (8, 64, 256), None),
        ("PyTorch", "linear", "weight", (8, 64), None),
        ("PyTorch", "none", "weight", (0, 3, 3, 3), None),
        ("PyTorch", "conv", "weight_g", (8, 1, 1), None),
    ],
)
def test_the_order_of_axes_is_told_by_format_label_and_name(
    kind: str, layer: str, label: str, shape: tuple[int, ...], name: str | None
) -> None:
    facts = {"weight layouts": "CONV_2D: OHWI, DEPTHWISE_CONV_2D: 1HWC"}
    one = model(kind, **facts)
    layout = kernel_layout(listed(one, shape, layer, label), one)
    assert (layout.name if layout else None) == name
    assert layout is None or layout in possible_layouts(shape)


def test_the_same_filters_come_out_of_keras_tflite_and_torch(shared_data: Path) -> None:
    keras = open_model(shared_data / "tiny" / "pretrainedResnet.h5")
    torch_model = open_model(shared_data / "seed" / "resnet8.pt")
    tflite = open_model(shared_data / "tiny" / "pretrainedResnet_quant.tflite")
    found = []
    for one in (keras, torch_model, tflite):
        laid = [(tensor, kernel_layout(tensor, one)) for tensor in one.tensors]
        found.append([read_filters(Kernel(each, "dequantized", own)) for each, own in laid if own])
    assert [len(each) for each in found] == [9, 9, 9]
    for ours in found[0]:
        theirs = [one for one in found[1] if np.array_equal(one.values, ours.values)]  # type: ignore[arg-type]
        assert len(theirs) == 1
        np.testing.assert_array_equal(ours.peak, theirs[0].peak)
    shapes = [sorted(one.values.shape for one in each) for each in found]  # type: ignore[union-attr]
    assert shapes[0] == shapes[1] == shapes[2]


@pytest.mark.parametrize("name", ["resnet8.pt", "resnet8_int8.pt"])
def test_the_sample_models_have_torch_filters(samples: Path, name: str) -> None:
    one = open_model(samples / name)
    kernels = [(tensor, kernel_layout(tensor, one)) for tensor in one.tensors]
    found = [(tensor, layout) for tensor, layout in kernels if layout]
    assert len(found) == 9
    for tensor, layout in found:
        check(
            read_filters(Kernel(tensor, "dequantized", layout)),
            tensor.read().reshape(*tensor.shape[:2], 1, *tensor.shape[2:]),
        )
