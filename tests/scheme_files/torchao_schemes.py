"""Weights of torchao's tensor subclasses in safetensors; their arithmetic restated with torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import torch
from safetensors.torch import save_file

from scheme_files.sample import Array, Sample, Samples, array_of, codes, place, scales, weights

OUT, FEATURES, GROUP = 16, 64, 32
E2M1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])

Parts = Mapping[str, torch.Tensor]


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    yield _int8(folder)
    yield _small_integers(folder)
    yield _float8(folder)
    yield _int4(folder)
    yield _mxfp8(folder)
    yield _nvfp4(folder)


def _dtype(name: str) -> dict[str, str]:
    return {"_type": "torch.dtype", "_data": name}


def _saved(
    folder: Path,
    kind: str,
    parts: Parts,
    attributes: Mapping[str, Any],
    *,
    values: torch.Tensor,
    raw: Array,
) -> Sample:
    path = place(folder, f"torchao {kind}", "model.safetensors")
    described = {"_type": kind, "_data": attributes, "_tensor_data_names": list(parts)}
    metadata = {"layer.weight": json.dumps(described), "tensor_names": '["layer.weight"]'}
    tensors = {f"layer._weight_{label}": part.contiguous() for label, part in parts.items()}
    save_file(tensors, path, metadata)
    truths = {"dequantized": array_of(values), "raw": raw}
    return Sample(f"torchao {kind}", path, "layer.weight", truths, "its formula, in torch")


def _drawn(low: int, high: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(codes(low, high, shape)).to(torch.int8)


def _int8(folder: Path) -> Sample:
    stored, point = _drawn(-128, 127, OUT, FEATURES), _drawn(-9, 9, OUT, 1)
    step = torch.from_numpy(scales(OUT, 1))
    values = ((stored.bfloat16() - point.bfloat16()) * step).bfloat16()
    attributes = {"block_size": [1, FEATURES], "dtype": _dtype("bfloat16")}
    parts = {"qdata": stored, "scale": step, "zero_point": point}
    return _saved(folder, "Int8Tensor", parts, attributes, values=values, raw=stored.numpy())


def _small_integers(folder: Path) -> Sample:
    stored, point = _drawn(-8, 7, OUT, FEATURES), _drawn(-8, 7, OUT, 2)
    step = torch.from_numpy(scales(OUT, 2)).bfloat16()
    spread, zero = (part.repeat_interleave(GROUP, 1) for part in (step, point))
    values = (stored.bfloat16() - zero.bfloat16()) * spread
    attributes = {
        "target_dtype": _dtype("int4"),
        "block_size": [1, GROUP],
        "dtype": _dtype("bfloat16"),
        "activation_quantization": None,
    }
    parts = {"qdata": stored, "scale": step, "zero_point": point}
    kind = "IntxUnpackedToInt8Tensor"
    return _saved(folder, kind, parts, attributes, values=values, raw=stored.numpy())


def _float8(folder: Path) -> Sample:
    stored = torch.from_numpy(weights(OUT, FEATURES)).to(torch.float8_e4m3fn)
    step = torch.from_numpy(scales(OUT, 1))
    values = (stored.float() * step).bfloat16()
    attributes = {"block_size": [1, FEATURES], "dtype": _dtype("bfloat16")}
    parts = {"qdata": stored, "scale": step}
    return _saved(folder, "Float8Tensor", parts, attributes, values=values, raw=array_of(stored))


def _int4(folder: Path) -> Sample:
    stored = _drawn(-8, 7, OUT, FEATURES)
    step = torch.from_numpy(scales(2, OUT)).bfloat16()
    offset = torch.from_numpy(scales(2, OUT, seed=3) - 0.05).bfloat16()
    wide = [part.T.repeat_interleave(GROUP, 1).float() for part in (step, offset)]
    values = (stored.float() * wide[0] + wide[1]).bfloat16()
    packed = stored[:, ::2] & 15 | stored[:, 1::2] << 4
    attributes = {"block_size": [1, GROUP], "shape": [OUT, FEATURES]}
    parts = {"qdata": packed, "scale": step, "zero_point": offset}
    return _saved(folder, "Int4Tensor", parts, attributes, values=values, raw=stored.numpy())


def _mxfp8(folder: Path) -> Sample:
    stored = torch.from_numpy(weights(OUT, FEATURES)).to(torch.float8_e5m2)
    exponents = torch.from_numpy(codes(110, 130, (OUT, 2))).to(torch.uint8)
    step = torch.exp2(exponents.float() - 127).bfloat16().repeat_interleave(GROUP, 1)
    attributes = {
        "elem_dtype": _dtype("float8_e5m2"),
        "block_size": GROUP,
        "orig_dtype": _dtype("bfloat16"),
        "is_swizzled_scales": False,
    }
    parts = {"qdata": stored, "scale": exponents.view(torch.float8_e8m0fnu)}
    values = stored.bfloat16() * step
    return _saved(folder, "MXTensor", parts, attributes, values=values, raw=array_of(stored))


def _nvfp4(folder: Path) -> Sample:
    stored = _drawn(0, 15, OUT, FEATURES).view(torch.uint8)
    within = (torch.from_numpy(scales(OUT, 4)) * 30).to(torch.float8_e4m3fn)
    whole = torch.tensor(0.375)
    levels = E2M1[stored.long()]
    values = (levels * (whole * within.float()).repeat_interleave(16, 1)).bfloat16()
    attributes = {"block_size": 16, "orig_dtype": _dtype("bfloat16")}
    packed = stored[:, ::2] | stored[:, 1::2] << 4
    parts = {"qdata": packed, "scale": within, "per_tensor_scale": whole}
    raw = levels.numpy().astype(ml_dtypes.float4_e2m1fn)
    return _saved(folder, "NVFP4Tensor", parts, attributes, values=values, raw=raw)
