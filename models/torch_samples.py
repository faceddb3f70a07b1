"""Write the PyTorch samples: a pickled graph in float, and TorchScript in int8."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import torch
from torch.ao.quantization import get_default_qconfig_mapping
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
from torch.fx import GraphModule

INPUT_SHAPE = (1, 3, 32, 32)
OUTPUT_SHAPE = (1, 10)
ENGINE = "x86"
ALIGNMENT = 64
"""Bytes: PyTorch starts every record of its archives on such a boundary."""
LOCAL_RECORDS = (".debug_pkl", ".data/serialization_id")
"""How the records end that hold, or are a hash of, this machine's paths; loading needs none."""


def save_float(model: GraphModule, path: Path) -> None:
    """Save the graph and its state dict, which share their storages, as one checkpoint."""
    checkpoint = {
        "model": model,
        "state_dict": model.state_dict(),
        "input_shape": INPUT_SHAPE,
        "output_shape": OUTPUT_SHAPE,
    }
    torch.save(checkpoint, path)


def quantize(model: GraphModule, calibration: torch.Tensor) -> GraphModule:
    """Return the model in int8, per-channel symmetric weights, calibrated on images (N, 3, 32, 32).

    The engine is set for the whole process, as PyTorch wants it.
    """
    torch.backends.quantized.engine = ENGINE
    with warnings.catch_warnings():
        # PyTorch moves this quantizer to another package; the archives it wrote stay.
        warnings.filterwarnings("ignore", "torch.ao.quantization is deprecated")
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor, torch.quantize_per_channel")
        warnings.filterwarnings("ignore", "Please use quant_min and quant_max")
        mapping = get_default_qconfig_mapping(ENGINE)
        observed = prepare_fx(model, mapping, (calibration[:1],))
        observed(calibration)
        return convert_fx(observed)


def save_int8(model: GraphModule, path: Path) -> None:
    """Save the quantized model as TorchScript, without records that tell local paths."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated")
        warnings.filterwarnings("ignore", "The TorchScript type system doesn't support")
        torch.jit.save(torch.jit.script(model), buffer)
    with zipfile.ZipFile(buffer) as archive, zipfile.ZipFile(path, "w") as stripped:
        for name in archive.namelist():
            if not name.endswith(LOCAL_RECORDS):
                record = name.partition("/")[2]
                _write_aligned(stripped, f"{path.stem}/{record}", archive.read(name))


def predict(path: Path, images: torch.Tensor) -> torch.Tensor:
    """Return the logits (N, 10) of the model as it stands in the file."""
    if path.name.endswith("_int8.pt"):
        return torch.jit.load(path)(images)
    checkpoint = torch.load(path, weights_only=False)
    return checkpoint["model"](images)


def _write_aligned(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Store a record uncompressed, its bytes on a boundary, by an extra field that pads."""
    entry = zipfile.ZipInfo(name)
    header = 30 + len(name.encode()) + 4  # a local file header, its name, an empty extra field
    padding = -(archive.fp.tell() + header) % ALIGNMENT
    entry.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    archive.writestr(entry, content)
