"""The numbers on the screen are those that NumPy computes from what torch and onnx read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from driven_app import DrivenApp, driven
from numpy.typing import NDArray
from onnx import numpy_helper


@dataclass(frozen=True, eq=False)
class Truth:
    """A quantized or float weight as its writer's library reads it."""

    values: NDArray[np.float64]
    codes: NDArray[np.int64] | None = None
    scale: NDArray[np.float64] | None = None
    zero_point: NDArray[np.int64] | None = None


def from_onnx(path: Path, name: str) -> Truth:
    graph = onnx.load(path).graph
    arrays = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    if name in arrays:
        return Truth(arrays[name].astype(np.float64))
    codes = arrays[f"{name}_quantized"].astype(np.int64)
    scale = arrays[f"{name}_scale"].astype(np.float64).reshape(-1)
    zero_point = arrays[f"{name}_zero_point"].astype(np.int64).reshape(-1)
    wide = (-1, *[1] * (codes.ndim - 1))
    values = (codes - zero_point.reshape(wide)) * scale.reshape(wide)
    return Truth(values, codes, scale, zero_point)


def from_torch(path: Path, name: str) -> Truth:
    packed = getattr(torch.jit.load(path), name.removesuffix(".weight"))._packed_params
    weight, _ = torch.ops.quantized.conv2d_unpack(packed)
    return Truth(
        weight.dequantize().double().numpy(),
        weight.int_repr().long().numpy(),
        weight.q_per_channel_scales().numpy(),
        weight.q_per_channel_zero_points().numpy(),
    )


def number(text: str) -> float:
    return float(text.replace(",", ""))


def numbers(text: str) -> list[float]:
    """All numbers in a text."""
    return [number(match) for match in re.findall(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", text)]


def close(*expected: float) -> object:
    """Equal to the six digits that are shown."""
    return pytest.approx(list(expected), rel=1e-5, abs=1e-12)


def check_statistics(app: DrivenApp, values: NDArray[np.float64]) -> None:
    shown = app.statistics()
    expected = {
        "min": values.min(),
        "max": values.max(),
        "mean": values.mean(),
        "std": values.std(),
        "median": np.median(values),
        "mean |x|": np.abs(values).mean(),
        "L2 norm": np.sqrt((values**2).sum()),
    }
    assert [number(shown[label]) for label in expected] == close(*expected.values())
    low, high = np.quantile(values, [0.01, 0.99])
    assert numbers(shown["1 % … 99 %"]) == pytest.approx([low, high], rel=1e-3)
    assert numbers(shown["shape"]) == list(values.shape)
    assert number(shown["params"]) == values.size
    assert numbers(shown["zeros"])[0] == (values == 0).sum()
    assert shown["NaN, inf"] == "0, 0"


def check_range(app: DrivenApp, values: NDArray[np.float64]) -> None:
    low, high = float(app.field("low")), float(app.field("high"))
    shown = app.statistics()
    inside = int(((values >= low) & (values <= high)).sum())
    assert shown["in range"] == f"{inside:,} / {values.size:,}"
    assert shown["share"] == f"{100 * inside / values.size:.2f} %"
    assert numbers(shown["range"]) == pytest.approx([low, high], rel=1e-3)


def check_default_range(app: DrivenApp, values: NDArray[np.float64]) -> None:
    mean, std = values.mean(), values.std()
    assert [float(app.field("low")), float(app.field("high"))] == close(mean - std, mean + std)
    check_range(app, values)


def check_bins(app: DrivenApp, values: NDArray[np.float64], edges: NDArray[np.float64]) -> None:
    counts, _ = np.histogram(values, edges)
    assert app.histogram.counts.tolist() == counts.tolist()
    index = int(counts.argmax())
    share, reached = 100 / values.size * np.array([counts[index], counts[: index + 1].sum()])
    line = app.line("#cursor")
    assert line.startswith(f"bin {index + 1}/{counts.size}  ")
    assert f"  n={counts[index]:,}  " in line
    assert f"  cum {reached:.2f} %" in line
    assert numbers(line.split("n=")[1])[1] == pytest.approx(share, rel=0.005)


FLOATS = [("conv2d_1.weight", ""), ("conv2d_8.weight", "nnnnnnn"), ("dense.bias", "nnt")]


async def test_float_tensors_show_what_numpy_computes(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        for name, keys in FLOATS:
            await app.press(*keys)
            assert app.subject() == name
            values = from_onnx(samples / "resnet8.onnx", name).values
            check_statistics(app, values)
            check_default_range(app, values)
            check_bins(app, values, np.linspace(values.min(), values.max(), 51))


@pytest.mark.filterwarnings("ignore")  # TorchScript and quantized tensors are deprecated
async def test_per_channel_weights_show_what_torch_unpacks(samples: Path) -> None:
    path = samples / "resnet8_int8.pt"
    async with driven(path) as app:
        await app.press("n")
        truth = from_torch(path, "conv2d_2.weight")
        check_statistics(app, truth.values)
        check_default_range(app, truth.values)
        check_quantization(app, truth, "per-channel, axis 0")
        await app.press("v")
        check_raw(app, truth)


@pytest.mark.parametrize("name", ["resnet8_int8_qdq.onnx", "resnet8_uint8_qoperator.onnx"])
async def test_onnx_weights_show_what_onnx_reads(samples: Path, name: str) -> None:
    async with driven(samples / name) as app:
        await app.press("n", "n", "n")
        truth = from_onnx(samples / name, "conv2d_4.weight")
        check_statistics(app, truth.values)
        check_default_range(app, truth.values)
        per_channel = "qdq" in name
        check_quantization(app, truth, "per-channel, axis 0" if per_channel else "per-tensor")
        await app.press("v")
        check_raw(app, truth)


def check_quantization(app: DrivenApp, truth: Truth, scheme: str) -> None:
    assert truth.codes is not None
    assert truth.scale is not None
    assert truth.zero_point is not None
    shown = app.statistics()
    assert shown["scheme"] == scheme
    scale = shown["scale" if truth.scale.size == 1 else "mean scale"]
    assert number(scale) == pytest.approx(truth.scale.mean(), rel=1e-5)
    assert number(shown["zero point"]) == pytest.approx(truth.zero_point.mean())
    assert numbers(shown["int range"]) == [truth.codes.min(), truth.codes.max()]


def check_raw(app: DrivenApp, truth: Truth) -> None:
    """Stored integers: their own statistics, range, and bins of whole integers."""
    assert truth.codes is not None
    codes = truth.codes.astype(np.float64)
    check_statistics(app, codes)
    assert app.statistics()["min"] == str(truth.codes.min())
    check_default_range(app, codes)
    edges = app.histogram.edges
    assert edges.levels is not None
    assert np.all(edges.values % 1 == 0.5)
    assert np.all(np.diff(edges.values) == edges.levels)
    assert edges.values[0] == codes.min() - 0.5
    assert codes.max() < edges.values[-1] <= codes.max() + edges.levels
    noun = "level" if edges.levels == 1 else "levels"
    assert f"{edges.bins} bins of {edges.levels} {noun}" in app.text()
    check_bins(app, codes, edges.values)


async def test_an_entered_range_is_counted_exactly(samples: Path) -> None:
    values = from_onnx(samples / "resnet8.onnx", "conv2d_1.weight").values
    one = repr(float(np.float32(values.reshape(-1)[7])))
    async with driven(samples / "resnet8.onnx") as app:
        for entry in ("-0.25,0.25", f"{one},{one}", "-inf,inf", "0,1e300", "5,6"):
            await app.press("r")
            await app.write("low", entry)
            await app.press("enter")
            check_range_count(app, values, *map(float, entry.split(",")))


def check_range_count(app: DrivenApp, values: NDArray[np.float64], low: float, high: float) -> None:
    inside = int(((values >= low) & (values <= high)).sum())
    assert app.statistics()["in range"] == f"{inside} / {values.size}"
    chosen = app.histogram.selected
    assert chosen is not None
    assert chosen.sum() == inside
