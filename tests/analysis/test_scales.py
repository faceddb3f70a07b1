"""Scales and saturation by channel equal what NumPy computes from what torch and onnx read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from made_tensors import quantized
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tensorpeek.analysis import ChannelSaturation, ScaleStrip, scale_strip
from tensorpeek.analysis.saturation import channel_saturation
from tensorpeek.loaders import CHUNK, CancelledError, Tensor, open_model

RNG = np.random.default_rng(7)

Array = NDArray[np.float64]


def check_columns(strip: ScaleStrip, by_channel: Array, columns: int) -> None:
    """Equal groups of neighbors, at most ``columns`` of them, that together are all channels."""
    channels = len(by_channel)
    each = -(-channels // columns)
    assert strip.channels == channels
    assert strip.scales_each == by_channel.shape[1]
    assert strip.starts.tolist() == [*range(0, channels, each), channels]
    assert strip.channels_per_column == min(each, channels)
    groups = [by_channel[start : start + each] for start in range(0, channels, each)]
    assert len(groups) <= columns
    assert strip.low.tolist() == [group.min() for group in groups]
    assert strip.middle.tolist() == [np.median(group) for group in groups]
    assert strip.high.tolist() == [group.max() for group in groups]


def check_extremes(strip: ScaleStrip, by_channel: Array) -> None:
    assert strip.smallest is not None
    assert strip.median is not None
    assert strip.largest is not None
    assert strip.smallest.value == by_channel.min()
    assert strip.median.value == np.median(by_channel)
    assert strip.largest.value == by_channel.max()
    assert strip.smallest.value in by_channel[strip.smallest.channel]
    assert strip.largest.value in by_channel[strip.largest.channel]
    distance = np.abs(by_channel - np.median(by_channel))
    assert distance[strip.median.channel].min() == distance.min()
    assert strip.not_finite == 0


def check_saturation(
    saturation: ChannelSaturation | None, codes: NDArray[np.int64], low: int, high: int
) -> None:
    """``codes`` have the channels as their first axis."""
    rows = codes.reshape(len(codes), -1)
    at_low, at_high = (rows == low).sum(axis=1), (rows == high).sum(axis=1)
    assert saturation is not None
    assert saturation.at_low.tolist() == at_low.tolist()
    assert saturation.at_high.tolist() == at_high.tolist()
    both = at_low + at_high
    assert saturation.total == both.sum()
    assert saturation.channel == np.flatnonzero(both == both.max())[0]
    assert saturation.count == both.max()
    assert saturation.others == (both == both.max()).sum() - 1
    assert saturation.codes == rows.shape[1]
    assert saturation.percent == pytest.approx(100 * both.max() / rows.shape[1])


@pytest.mark.filterwarnings("ignore")  # torch's quantized tensors are deprecated
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("columns", [1, 7, 24, 100])
def test_scales_of_torch_channels_are_gathered_as_numpy_does(
    tmp_path: Path, axis: int, columns: int
) -> None:
    values = torch.randn(24, 30, 11) * torch.rand(24, 30, 11)
    scales = torch.rand(values.shape[axis], dtype=torch.float64) / 60
    zeros = torch.zeros(values.shape[axis], dtype=torch.int64)
    weight = torch.quantize_per_channel(values, scales, zeros, axis, torch.qint8)
    path = tmp_path / "quantized.pt"
    torch.save({"layer.weight": weight}, path)
    strip = scale_strip(open_model(path).tensors[0], columns)
    assert strip.unit == "channel"
    by_channel = weight.q_per_channel_scales().numpy()[:, np.newaxis]
    check_columns(strip, by_channel, columns)
    check_extremes(strip, by_channel)
    codes = np.moveaxis(weight.int_repr().long().numpy(), axis, 0)
    check_saturation(strip.saturation, codes, -128, 127)


@pytest.mark.filterwarnings("ignore")  # TorchScript and quantized tensors are deprecated
def test_packed_weights_in_another_order_of_axes_are_counted_by_channel(samples: Path) -> None:
    path = samples / "resnet8_int8.pt"
    module = torch.jit.load(path)
    for name, tensors in open_model(path).layers.items():
        if not name.startswith("conv2d"):
            continue
        weight, _ = torch.ops.quantized.conv2d_unpack(getattr(module, name)._packed_params)
        strip = scale_strip(tensors[0], 10)
        check_columns(strip, weight.q_per_channel_scales().numpy()[:, np.newaxis], 10)
        check_saturation(strip.saturation, weight.int_repr().long().numpy(), -128, 127)


def test_scales_along_an_axis_of_onnx_are_what_onnx_reads(samples: Path) -> None:
    path = samples / "resnet8_int8_qdq.onnx"
    arrays = {
        entry.name: numpy_helper.to_array(entry) for entry in onnx.load(path).graph.initializer
    }
    found = 0
    for tensor in open_model(path).tensors:
        if tensor.role != "weight" or tensor.quantization is None:
            continue
        axis = tensor.quantization.axis
        assert axis is not None
        scales = arrays[f"{tensor.name}_scale"].astype(np.float64)[:, np.newaxis]
        codes = arrays[f"{tensor.name}_quantized"].astype(np.int64)
        strip = scale_strip(tensor, 9)
        check_columns(strip, scales, 9)
        check_extremes(strip, scales)
        limits = np.iinfo(arrays[f"{tensor.name}_quantized"].dtype)
        check_saturation(strip.saturation, np.moveaxis(codes, axis, 0), limits.min, limits.max)
        found += 1
    assert found >= 9


def blocked_onnx(path: Path, axis: int) -> tuple[Tensor, Array]:
    """A weight of 10 by 12 by 3 in blocks of 4 along an axis, and its scales."""
    shape = [10, 12, 3]
    codes = RNG.integers(-8, 8, shape).astype(np.int8)
    shape[axis] = -(-shape[axis] // 4)
    scales = (RNG.random(shape) + 0.1).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("DequantizeLinear", ["w", "s"], ["y"], axis=axis, block_size=4)],
        "graph",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(codes, "w"), numpy_helper.from_array(scales, "s")],
    )
    opsets = [helper.make_opsetid("", 21)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())
    (tensor,) = (each for each in open_model(path).tensors if each.quantization is not None)
    return tensor, scales.astype(np.float64)


@pytest.mark.parametrize("axis", [1, 2])
def test_scales_of_blocks_belong_to_rows(tmp_path: Path, axis: int) -> None:
    tensor, scales = blocked_onnx(tmp_path / "blocked.onnx", axis)
    strip = scale_strip(tensor, 4)
    assert strip.unit == "row"
    check_columns(strip, scales.reshape(10, -1), 4)
    check_extremes(strip, scales.reshape(10, -1))
    assert strip.saturation is None


def test_scales_of_blocks_of_rows_stand_in_their_own_order(tmp_path: Path) -> None:
    tensor, scales = blocked_onnx(tmp_path / "blocked.onnx", 0)
    strip = scale_strip(tensor, 13)
    assert strip.unit == "scale"
    check_columns(strip, scales.reshape(-1, 1), 13)
    assert strip.saturation is None


def test_scales_among_the_codes_belong_to_rows(shared_data: Path) -> None:
    gguf = pytest.importorskip("gguf")
    path = shared_data / "formats" / "gguf" / "stories260K-q8_0.gguf"
    blocks = {
        entry.name: entry.data
        for entry in gguf.GGUFReader(path).tensors
        if entry.tensor_type == gguf.GGMLQuantizationType.Q8_0
    }
    assert blocks
    tensors = {tensor.name: tensor for tensor in open_model(path).tensors}
    for name, stored in blocks.items():
        rows = np.ascontiguousarray(stored).reshape(len(stored), -1, 34)
        scales = np.abs(rows[:, :, :2].copy().view(np.float16)[:, :, 0].astype(np.float64))
        strip = scale_strip(tensors[name], 50)
        assert strip.unit == "row"
        check_columns(strip, scales, 50)


def test_one_scale_is_one_column(samples: Path) -> None:
    strip = scale_strip(quantized([[1, 2], [3, 4]], "int8", scale=0.5), 80)
    check_columns(strip, np.array([[0.5]]), 80)
    assert strip.saturation is None


def test_codes_narrower_than_their_type_are_saturated_at_their_own_limits() -> None:
    codes = RNG.integers(-8, 8, (5, 40))
    tensor = quantized(codes, "int8", scale=[1.0] * 5, scheme="per-channel", axis=0, bits=4)
    check_saturation(channel_saturation(tensor), codes, -8, 7)


def test_codes_that_are_small_floats_are_saturated_at_the_largest_finite_ones() -> None:
    codes = RNG.choice([-448.0, -1.5, 0.0, 448.0, 2.0], (3, 50))
    tensor = quantized(codes, "float8_e4m3fn", scale=[1.0, 2.0, 3.0], scheme="per-channel", axis=0)
    check_saturation(channel_saturation(tensor), codes.astype(np.int64), -448, 448)


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["rows", "middle axis", "columns"])
def test_channels_are_told_apart_across_chunks(axis: int) -> None:
    codes = RNG.integers(-2, 2, (3, 401, 601))
    codes[2, -1, -1] = 1
    scale = np.ones(codes.shape[axis])
    tensor = quantized(codes, "int2", scale=scale, scheme="per-channel", axis=axis)
    assert tensor.params > 2 * CHUNK
    check_saturation(channel_saturation(tensor), np.moveaxis(codes, axis, 0), -2, 1)


def test_channels_without_saturated_codes_have_none() -> None:
    tensor = quantized(np.zeros((4, 6)), "int8", scale=[1.0] * 4, scheme="per-channel", axis=0)
    saturation = channel_saturation(tensor)
    assert saturation is not None
    assert (saturation.total, saturation.count, saturation.percent) == (0, 0, 0.0)


def test_scales_that_are_not_finite_are_counted_and_left_out() -> None:
    scales = [np.nan, 2.0, np.inf, -1.0, 5.0, np.nan]
    tensor = quantized(np.zeros((6, 2)), "int8", scale=scales, scheme="per-channel", axis=0)
    strip = scale_strip(tensor, 3)
    assert strip.not_finite == 3
    np.testing.assert_array_equal(strip.low, [2.0, -1.0, 5.0])
    assert strip.smallest is not None
    assert (strip.smallest.value, strip.smallest.channel) == (-1.0, 3)
    assert strip.largest is not None
    assert (strip.largest.value, strip.largest.channel) == (5.0, 4)
    alone = scale_strip(tensor, 6)
    np.testing.assert_array_equal(alone.middle, [np.nan, 2.0, np.nan, -1.0, 5.0, np.nan])
    nothing = quantized(
        np.zeros((2, 2)), "int8", scale=[np.nan, np.inf], scheme="per-channel", axis=0
    )
    assert scale_strip(nothing, 6).median is None


def test_huge_scales_have_a_median() -> None:
    huge = np.finfo(np.float64).max
    tensor = quantized(
        np.zeros((2, 2)),
        "int8",
        scale=[huge, huge],
        scale_dtype="float64",
        scheme="per-channel",
        axis=0,
    )
    assert scale_strip(tensor, 1).middle.tolist() == [huge]


@pytest.mark.parametrize("shape", [(0, 4), (4, 0)], ids=["no channel", "empty channels"])
def test_empty_tensors_have_no_saturated_codes(shape: tuple[int, int]) -> None:
    tensor = quantized(
        np.zeros(shape), "int8", scale=np.ones(shape[0]), scheme="per-channel", axis=0
    )
    strip = scale_strip(tensor, 5)
    assert strip.channels == shape[0]
    assert strip.saturation is None or strip.saturation.percent == 0.0


def test_stopping_is_polled_and_wrong_arguments_are_refused() -> None:
    tensor = quantized(np.zeros((4, 6)), "int8", scale=[1.0] * 4, scheme="per-channel", axis=0)
    with pytest.raises(CancelledError):
        scale_strip(tensor, 4, stop=lambda: True)
    with pytest.raises(CancelledError):
        channel_saturation(tensor, stop=lambda: True)
    with pytest.raises(ValueError, match="0 columns"):
        scale_strip(tensor, 0)
    assert tensor.quantization is not None
    assert tensor.quantization.scale is not None
    with pytest.raises(ValueError, match="not quantized"):
        scale_strip(tensor.quantization.scale, 4)
