"""Quantized tensors and the packed parameters of quantized modules, against torch's own reading."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch.ao.nn.intrinsic.quantized as nniq
    import torch.ao.nn.quantized as nnq
    import torch.ao.nn.quantized.dynamic as nnqd

from tensorpeek.loaders import open_model
from tensorpeek.loaders.inert_pickle.values import Global, Record
from tensorpeek.loaders.torch_format.packed import packed_parts

pytestmark = pytest.mark.filterwarnings("ignore")

CHANNELS = 4


def values(generator_seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(generator_seed)
    return torch.randn(CHANNELS, 3, 5, generator=generator)


def per_channel(dtype: torch.dtype, axis: int, points_type: torch.dtype) -> torch.Tensor:
    count = values().shape[axis]
    scales = torch.rand(count, dtype=torch.float64) / 20 + 0.01
    points = torch.arange(count, dtype=points_type) + (0.25 if points_type.is_floating_point else 0)
    return torch.quantize_per_channel(values(), scales, points, axis, dtype)


SCHEMES = {
    "qint8 per tensor": lambda: torch.quantize_per_tensor(values(), 0.0173, 3, torch.qint8),
    "quint8 per tensor": lambda: torch.quantize_per_tensor(values(), 0.0173, 120, torch.quint8),
    "qint32 per tensor": lambda: torch.quantize_per_tensor(values(), 1e-6, -7, torch.qint32),
    "qint8 per channel": lambda: per_channel(torch.qint8, 0, torch.int64),
    "quint8 per channel on axis 2": lambda: per_channel(torch.quint8, 2, torch.int64),
    "qint32 per channel": lambda: per_channel(torch.qint32, 1, torch.int64),
    "quint8 with fractional zero points": lambda: per_channel(torch.quint8, 0, torch.float32),
}


@pytest.mark.parametrize("make", SCHEMES.values(), ids=SCHEMES.keys())
def test_a_quantized_tensor_reads_raw_and_dequantized_like_torch(
    tmp_path: Path, make: Callable[[], torch.Tensor]
) -> None:
    path = tmp_path / "quantized.pt"
    written = make()
    torch.save({"w": written}, path)
    expected = torch.load(path, weights_only=True)["w"]
    [tensor] = open_model(path).tensors
    quantization = tensor.quantization
    np.testing.assert_array_equal(tensor.read("raw"), expected.int_repr().numpy(), strict=True)
    np.testing.assert_array_equal(tensor.read(), expected.dequantize().numpy(), strict=True)
    assert quantization.source == f"torch {str(written.dtype).removeprefix('torch.')}"
    assert tensor.views == ("dequantized", "raw")
    if "per tensor" in str(written.qscheme()).replace("_", " "):
        assert quantization.scheme == "per-tensor"
        assert quantization.scales().tolist() == [written.q_scale()]
        assert quantization.zero_points().tolist() == [written.q_zero_point()]
    else:
        assert quantization.axis == written.q_per_channel_axis()
        scales = written.q_per_channel_scales()
        np.testing.assert_array_equal(quantization.scales(), scales.double().numpy())
        points = written.q_per_channel_zero_points()
        np.testing.assert_array_equal(quantization.zero_points(), points.numpy())


@pytest.mark.parametrize(("dtype", "bits"), [(torch.quint4x2, 4), (torch.quint2x4, 2)], ids=str)
def test_packed_embedding_types_are_unpacked(tmp_path: Path, dtype: torch.dtype, bits: int) -> None:
    generator = torch.Generator().manual_seed(1)
    rows = torch.rand(CHANNELS, 6, generator=generator) * 8
    scales, points = torch.rand(CHANNELS) + 0.5, torch.rand(CHANNELS)
    written = torch.quantize_per_channel(rows, scales, points, 0, dtype)
    path = tmp_path / "packed.pt"
    torch.save({"w": written}, path)
    [tensor] = open_model(path).tensors
    assert (tensor.dtype, tensor.quantization.bits) == (f"uint{bits}", bits)
    np.testing.assert_array_equal(tensor.read(), written.dequantize().numpy())


def test_channels_last_codes_keep_their_order(tmp_path: Path) -> None:
    source = torch.randn(4, 3, 2, 5).contiguous(memory_format=torch.channels_last)
    scales, points = torch.rand(4, dtype=torch.float64) / 20 + 0.01, torch.zeros(4, dtype=int)
    written = torch.quantize_per_channel(source, scales, points, 0, torch.qint8)
    path = tmp_path / "channels_last.pt"
    torch.save({"w": written}, path)
    [tensor] = open_model(path).tensors
    assert not tensor.layout.is_contiguous
    np.testing.assert_array_equal(tensor.read("raw"), written.int_repr().numpy())
    np.testing.assert_array_equal(tensor.read(), written.dequantize().numpy())


def weight_like(module: nn.Module, channels_axis: int | None) -> torch.Tensor:
    """Return a quantized weight of the module's shape."""
    shape = module.weight().shape
    source = torch.randn(shape)
    if channels_axis is None:
        return torch.quantize_per_tensor(source, 0.02, 0, torch.qint8)
    count = shape[channels_axis]
    scales = torch.rand(count, dtype=torch.float64) / 20 + 0.01
    points = torch.zeros(count, dtype=torch.int64)
    return torch.quantize_per_channel(source, scales, points, channels_axis, torch.qint8)


def module(kind: str, *, axis: int | None = 0) -> nn.Module:
    made = {
        "Linear": lambda: nnq.Linear(6, 4),
        "LinearReLU": lambda: nniq.LinearReLU(6, 4),
        "dynamic Linear": lambda: nnqd.Linear(6, 4),
        "Conv1d": lambda: nnq.Conv1d(3, 4, 3, stride=2, padding=1),
        "Conv2d": lambda: nnq.Conv2d(3, 4, (3, 2), padding=1, dilation=2),
        "Conv3d": lambda: nnq.Conv3d(3, 4, 2),
        "ConvReLU2d": lambda: nniq.ConvReLU2d(3, 4, 3),
        "ConvTranspose2d": lambda: nnq.ConvTranspose2d(3, 4, 3),
    }[kind]()
    axis = None if kind == "ConvTranspose2d" else axis
    made.set_weight_bias(weight_like(made, axis), torch.randn(4))
    if "dynamic" not in kind:
        made.scale, made.zero_point = 0.125, 17
    return made


KINDS = ["Linear", "LinearReLU", "dynamic Linear", "Conv1d", "Conv2d", "Conv3d", "ConvReLU2d"]


class Net(nn.Module):
    """Two layers deep, so that names have to be found."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Identity(), inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(x)


def as_state_dict(net: nn.Module, path: Path) -> None:
    torch.save(net.state_dict(), path)


def as_pickled_module(net: nn.Module, path: Path) -> None:
    torch.save(net, path)


def as_script(net: nn.Module, path: Path) -> None:
    torch.jit.save(torch.jit.script(net.eval()), path)


WRITERS = {"state_dict": as_state_dict, "module": as_pickled_module, "TorchScript": as_script}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
@pytest.mark.parametrize("axis", [0, None], ids=["per channel", "per tensor"])
@pytest.mark.parametrize("kind", [*KINDS, "ConvTranspose2d"])
def test_a_quantized_module_shows_weight_and_bias_under_its_own_name(
    tmp_path: Path, kind: str, axis: int | None, write: Callable[[nn.Module, Path], None]
) -> None:
    layer = module(kind, axis=axis)
    path = tmp_path / "module.pt"
    write(Net(layer), path)
    model = open_model(path)
    tensors = {tensor.name: tensor for tensor in model.tensors}
    weight = tensors["block.1.weight"]
    assert (weight.layer, weight.label, weight.role) == ("block.1", "weight", "weight")
    expected = layer.weight()
    np.testing.assert_array_equal(weight.read("raw"), expected.int_repr().numpy())
    np.testing.assert_array_equal(weight.read(), expected.dequantize().numpy())
    assert weight.quantization.source == "torch qint8"
    np.testing.assert_array_equal(tensors["block.1.bias"].read(), layer.bias().detach().numpy())
    assert tensors["block.1.bias"].role == "bias"
    rest = {tensor.name: tensor for tensor in model.tensors if tensor.role.startswith("output")}
    if "dynamic" in kind:  # its state_dict has the scale it does not use, its other forms do not
        assert set(rest) <= {"block.1.scale", "block.1.zero_point"}
        return
    assert set(rest) == {"block.1.scale", "block.1.zero_point"}
    assert rest["block.1.scale"].read().item() == 0.125
    assert rest["block.1.zero_point"].read().item() == 17
    assert rest["block.1.zero_point"].role == "output zero point"
    assert len(tensors) == 4


@pytest.mark.parametrize("with_bias", [True, False], ids=["with bias", "without bias"])
@pytest.mark.parametrize("kind", ["Linear", "Conv1d", "Conv2d", "Conv3d"])
def test_packed_objects_outside_of_their_modules_are_read(
    tmp_path: Path, kind: str, with_bias: bool
) -> None:
    layer = module(kind)
    if not with_bias:
        layer.set_weight_bias(layer.weight(), None)

    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            packed = layer._packed_params
            self.packed = packed._packed_params if kind == "Linear" else packed

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    path = tmp_path / "bare.pt"
    torch.jit.save(torch.jit.script(Bare()), path)
    tensors = {tensor.name: tensor for tensor in open_model(path).tensors}
    assert set(tensors) == ({"packed.weight", "packed.bias"} if with_bias else {"packed.weight"})
    expected = layer.weight().dequantize().numpy()
    found = tensors["packed.weight"].read()
    assert found.ndim == (4 if kind == "Conv1d" else expected.ndim)  # torch packs 1d layers as 2d
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


TENSOR, BIAS = (
    Record(Global("torch._utils", name), ()) for name in ("_rebuild_qtensor", "_rebuild_tensor_v2")
)
STRIDE = Record(Global("torch._utils", "_rebuild_tensor_v2"), ())
LIST = Global("torch.jit._pickle", "build_tensorlist")


@pytest.mark.parametrize(
    ("name", "state", "expected"),
    [
        ("LinearPackedParamsBase", (TENSOR, None), [("weight", TENSOR)]),
        (
            "Conv2dPackedParamsBase",
            (TENSOR, BIAS, [STRIDE, STRIDE], [STRIDE], [STRIDE], STRIDE),
            [("weight", TENSOR), ("bias", BIAS)],
        ),
        (
            "Conv2dPackedParamsBase",
            ("2", Record(LIST, ([STRIDE, TENSOR],)), [None]),
            [("weight", TENSOR)],
        ),
        (
            "Conv3dPackedParamsBase",
            (Record(LIST, ([3, 1, 1],)), [None, TENSOR, BIAS]),
            [("weight", TENSOR), ("bias", BIAS)],
        ),
        ("Conv3dPackedParamsBase", ([3, 1, 1], [None, TENSOR, None]), [("weight", TENSOR)]),
        ("EmbeddingPackedParamsBase", (1, [TENSOR], [], [8]), [("weight", TENSOR)]),
        ("Conv2dPackedParamsBase", ("9", "what"), None),
        ("Conv2dPackedParamsBase", ([], []), None),
    ],
    ids=[
        "a linear layer without a bias",
        "version 1 of convolutions",
        "version 2 without a bias",
        "version 3",
        "version 3 without a bias",
        "an embedding",
        "an unknown version",
        "an empty state",
    ],
)
def test_packed_states_of_all_versions_are_told_apart(
    name: str, state: object, expected: object
) -> None:
    """The layouts are those of ATen/native/quantized/cpu/conv_serialization.h."""
    record = Record(Global("__torch__.torch.classes.quantized", name), (), state)
    assert packed_parts(record) == expected


def test_a_frozen_script_lists_its_constants(tmp_path: Path) -> None:
    layer = module("Linear")
    frozen = torch.jit.freeze(torch.jit.script(Net(layer).eval()))
    path = tmp_path / "frozen.pt"
    torch.jit.save(frozen, path)
    model = open_model(path)
    [weight] = [tensor for tensor in model.tensors if tensor.quantization]
    assert weight.name == "linear_1.weight"
    np.testing.assert_array_equal(weight.read(), layer.weight().dequantize().numpy())


def test_a_quantized_embedding_is_read(tmp_path: Path) -> None:
    embedding = nnq.Embedding(5, 4)
    scales, points = torch.rand(5) + 0.1, torch.rand(5)
    weight = torch.quantize_per_channel(torch.randn(5, 4), scales, points, 0, torch.quint8)
    embedding.set_weight(weight)
    for name, written in {"state.pt": embedding.state_dict(), "module.pt": embedding}.items():
        torch.save({"net": written}, tmp_path / name)
        [tensor] = open_model(tmp_path / name).tensors
        assert tensor.name == "weight"
        np.testing.assert_array_equal(tensor.read(), weight.dequantize().numpy())


def test_a_dynamic_lstm_shows_its_four_tensors(tmp_path: Path) -> None:
    lstm = nnqd.LSTM(3, 2)
    path = tmp_path / "lstm.pt"
    torch.save({"lstm": lstm}, path)
    tensors = {tensor.label: tensor for tensor in open_model(path).tensors}
    assert set(tensors) == {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}
    assert tensors["weight_ih"].shape == (8, 3)
    assert tensors["weight_hh"].quantization.scheme == "per-tensor"


def test_activation_scales_of_a_converted_graph_are_no_weights(tmp_path: Path) -> None:
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))
    torch.backends.quantized.engine = "fbgemm"
    example = torch.randn(2, 3, 8, 8)
    prepared = prepare_fx(net.eval(), get_default_qconfig_mapping("fbgemm"), example)
    prepared(example)
    converted = convert_fx(prepared)
    stream = io.BytesIO()
    torch.save(converted.state_dict(), stream)
    path = tmp_path / "graph.pt"
    path.write_bytes(stream.getvalue())
    model = open_model(path)
    roles = {tensor.name: tensor.role for tensor in model.tensors}
    assert roles["0.weight"] == "weight"
    assert roles["3.weight"] == "weight"
    assert roles["0.scale"] == "output scale"
    assert {roles[name] for name in roles if name.endswith(("scale_0", "scale"))} <= {
        "input scale",
        "output scale",
    }
    weights = [tensor for tensor in model.tensors if tensor.quantization]
    assert [tensor.name for tensor in weights] == ["0.weight", "3.weight"]
