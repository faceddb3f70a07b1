"""Files of PyTorch: plain and quantized tensors, modules, TorchScript, and what came before zip."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch_files import write_tar

from scheme_files.sample import Array, Sample, Samples, array_of, place, torch_values, weights

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch.ao.nn.quantized as nnq

TYPES = [
    *(torch.bool, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
    *(torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz),
    *(torch.float8_e8m0fnu, torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.complex64, torch.complex128),
]

VALUES = torch.from_numpy(weights(4, 3, 5, special=False))
ROW_SCALES = torch.linspace(0.01, 0.06, 4, dtype=torch.float64)
ROW_POINTS = torch.arange(4)


def _per_channel(dtype: torch.dtype, axis: int, *, fractional: bool = False) -> torch.Tensor:
    count = VALUES.shape[axis]
    steps = torch.linspace(0.01, 0.06, count, dtype=torch.float64)
    points = torch.arange(count) + 0.25 if fractional else torch.arange(count)
    return torch.quantize_per_channel(VALUES, steps, points, axis, dtype)


def _packed(dtype: torch.dtype, levels: int) -> torch.Tensor:
    rows = torch.from_numpy(np.abs(weights(4, 8, special=False))) * levels / 2
    points = torch.linspace(0.1, 0.9, 4)
    return torch.quantize_per_channel(rows, torch.linspace(0.5, 1, 4), points, 0, dtype)


QUANTIZED: dict[str, Callable[[], torch.Tensor]] = {
    "qint8 per tensor": lambda: torch.quantize_per_tensor(VALUES, 0.0173, 3, torch.qint8),
    "quint8 per tensor": lambda: torch.quantize_per_tensor(VALUES, 0.0173, 120, torch.quint8),
    "qint32 per tensor": lambda: torch.quantize_per_tensor(VALUES, 1e-6, -7, torch.qint32),
    "qint8 per channel": lambda: _per_channel(torch.qint8, 0),
    "quint8 per channel, axis 2": lambda: _per_channel(torch.quint8, 2),
    "qint32 per channel, axis 1": lambda: _per_channel(torch.qint32, 1),
    "quint8, fractional zero points": lambda: _per_channel(torch.quint8, 0, fractional=True),
    "quint4x2 per channel": lambda: _packed(torch.quint4x2, 16),
    "quint2x4 per channel": lambda: _packed(torch.quint2x4, 4),
}


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # quantized tensors and TorchScript are deprecated
        yield from _plain(folder)
        yield from _quantized(folder)
        yield from _modules(folder)
        yield from _old(folder)


def _plain(folder: Path) -> Samples:
    for dtype in TYPES:
        name = str(dtype).removeprefix("torch.")
        path = place(folder, name, "model.pt")
        torch.save({"layer.weight": torch_values(dtype)}, path)
        truth = array_of(torch.load(path, weights_only=True)["layer.weight"])
        yield Sample(name, path, "layer.weight", {"dequantized": truth}, "torch.load")
    scheme = "channels last"
    path = place(folder, scheme, "model.pt")
    image = torch.from_numpy(weights(2, 3, 4, 5)).contiguous(memory_format=torch.channels_last)
    torch.save({"layer.weight": image}, path)
    yield Sample(scheme, path, "layer.weight", {"dequantized": image.numpy()}, "torch.load")


def _quantized(folder: Path) -> Samples:
    for scheme, make in QUANTIZED.items():
        path = place(folder, scheme, "model.pt")
        torch.save({"layer.weight": make()}, path)
        theirs = torch.load(path, weights_only=True)["layer.weight"]
        yield Sample(scheme, path, "layer.weight", _views(theirs), "torch dequantize, int_repr")


def _views(theirs: torch.Tensor) -> dict[str, Array]:
    truths = {"dequantized": theirs.dequantize().numpy()}
    if theirs.dtype not in {torch.quint4x2, torch.quint2x4}:  # int_repr gives packed bytes there
        truths["raw"] = theirs.int_repr().numpy()
    return truths


class Net(nn.Module):
    """A network of one layer."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Identity(), inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(x)


def _layer(kind: str) -> nn.Module:
    layer = nnq.Linear(6, 4) if kind == "Linear" else nnq.Conv2d(3, 4, 3)
    source = torch.from_numpy(weights(*layer.weight().shape, special=False))
    steps = torch.linspace(0.01, 0.06, 4, dtype=torch.float64)
    points = torch.zeros(4, dtype=torch.int64)
    weight = torch.quantize_per_channel(source, steps, points, 0, torch.qint8)
    layer.set_weight_bias(weight, torch.arange(4.0))
    return layer


def _modules(folder: Path) -> Samples:
    for kind in ("Linear", "Conv2d"):
        layer = _layer(kind)
        truths = _views(layer.weight())
        for way in ("module", "TorchScript"):
            scheme = f"{way}, packed int8 {kind}"
            path = place(folder, scheme, "model.pt")
            if way == "module":
                torch.save(Net(layer), path)
            else:
                torch.jit.save(torch.jit.script(Net(layer).eval()), path)
            yield Sample(scheme, path, "block.1.weight", truths, "torch dequantize, int_repr")
    plain = nn.Linear(6, 4)
    plain.weight.data = torch.from_numpy(weights(4, 6))
    path = place(folder, "TorchScript, float32", "model.pt")
    torch.jit.save(torch.jit.script(Net(plain).eval()), path)
    truth = torch.jit.load(path).state_dict()["block.1.weight"].numpy()
    by = "torch.jit.load"
    yield Sample("TorchScript, float32", path, "block.1.weight", {"dequantized": truth}, by)


def _old(folder: Path) -> Samples:
    path = place(folder, "before 1.6, float32", "model.pth")
    saved = {"layer.weight": torch.from_numpy(weights())}
    torch.save(saved, path, _use_new_zipfile_serialization=False)
    truth = torch.load(path, weights_only=True)["layer.weight"].numpy()
    by = "torch.load"
    yield Sample("before 1.6, float32", path, "layer.weight", {"dequantized": truth}, by)
    path = place(folder, "before 1.6, qint8 per channel", "model.pth")
    made = {"layer.weight": QUANTIZED["qint8 per channel"]()}
    torch.save(made, path, _use_new_zipfile_serialization=False)
    truths = _views(made["layer.weight"])
    by = "torch dequantize, int_repr"
    yield Sample("before 1.6, qint8 per channel", path, "layer.weight", truths, by)
    path = place(folder, "tar of 0.1, float32", "model.tar")
    write_tar(saved, path)
    truth = torch.load(path, weights_only=False)["layer.weight"].numpy()
    yield Sample("tar of 0.1, float32", path, "layer.weight", {"dequantized": truth}, "torch.load")
    path = place(folder, "pickled NumPy array", "model.pkl")
    path.write_bytes(pickle.dumps({"layer.weight": weights()}, protocol=4))
    truth = pickle.loads(path.read_bytes())["layer.weight"]
    yield Sample("pickled NumPy array", path, "layer.weight", {"dequantized": truth}, "pickle")
