"""Weights that Hugging Face libraries quantize: GPTQ, AWQ, bitsandbytes, FP8, NVFP4, MXFP4 ...

The libraries need a GPU; their packing and their arithmetic are restated here with NumPy and torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from scheme_files import hqq_schemes, torchao_schemes
from scheme_files.sample import Array, Sample, Samples, codes, pack_bits, place, scales, weights
from scheme_files.sample import array_of as bits_of

FEATURES, OUT, GROUP = 64, 32, 32
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]
INT8_STEP = 7.874015718698502e-3
"""What bitsandbytes multiplies by where it means 1 / 127."""

Parts = Mapping[str, torch.Tensor]


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    for bits in (2, 3, 4, 8):
        yield _gptq(folder, bits)
    yield _awq(folder)
    yield _awq_fast(folder)
    yield _four_bits(folder, "nf4")
    yield _four_bits(folder, "fp4")
    yield _int8_rows(folder)
    for bits in (4, 8):
        yield _packed(folder, bits)
    yield from _fp8(folder)
    yield _nvfp4(folder)
    yield _mxfp4(folder)
    yield from hqq_schemes.write(folder)
    yield from torchao_schemes.write(folder)


def _saved(
    folder: Path,
    scheme: str,
    parts: Parts,
    *,
    dequantized: torch.Tensor,
    raw: Array,
    config: Mapping[str, Any] | None = None,
    name: str = "layer.weight",
) -> Sample:
    path = place(folder, scheme, "model.safetensors")
    save_file({part: tensor.contiguous() for part, tensor in parts.items()}, path)
    if config is not None:
        path.with_name("config.json").write_text(json.dumps({"quantization_config": config}))
    truths = {"dequantized": bits_of(dequantized), "raw": raw}
    return Sample(scheme, path, name, truths, "its formula, in torch")


def _words(rows: Array, bits: int) -> torch.Tensor:
    """Pack the codes of each row, the first in the lowest bits, in words of 32 bits."""
    packed = pack_bits(rows, bits)
    return torch.from_numpy(packed.view(np.uint32).view(np.int32).copy())


def _half(*shape: int) -> torch.Tensor:
    return torch.from_numpy(scales(*shape).astype(np.float16))


def _gptq(folder: Path, bits: int) -> Sample:
    top = (1 << bits) - 1
    stored, zeros = codes(0, top, (FEATURES, OUT)), codes(1, top, (2, OUT), seed=3)
    step = _half(2, OUT)
    parts = {
        "layer.qweight": _words(stored.T, bits).T,
        "layer.qzeros": _words(zeros - 1, bits),
        "layer.scales": step,
        "layer.g_idx": torch.arange(FEATURES, dtype=torch.int32) // GROUP,
    }
    config = {"quant_method": "gptq", "bits": bits, "group_size": GROUP}
    difference = torch.from_numpy(stored - np.repeat(zeros, GROUP, 0)).half()
    values = (difference * step.repeat_interleave(GROUP, 0)).T
    raw = stored.T.astype(np.uint8)
    return _saved(
        folder,
        f"GPTQ, {bits} bits, groups of 32",
        parts,
        dequantized=values,
        raw=raw,
        config=config,
    )


def _awq_words(rows: Array) -> torch.Tensor:
    return _words(rows.reshape(len(rows), -1, 8)[..., AWQ_ORDER].reshape(len(rows), -1), 4)


def _awq(folder: Path) -> Sample:
    stored, zeros = codes(0, 15, (FEATURES, OUT)), codes(0, 15, (2, OUT), seed=3)
    step = _half(2, OUT)
    parts = {
        "layer.qweight": _awq_words(stored),
        "layer.qzeros": _awq_words(zeros),
        "layer.scales": step,
    }
    config = {"quant_method": "awq", "version": "gemm", "bits": 4, "group_size": GROUP}
    difference = torch.from_numpy(stored - np.repeat(zeros, GROUP, 0)).half()
    values = (difference * step.repeat_interleave(GROUP, 0)).T
    raw = stored.T.astype(np.uint8)
    return _saved(
        folder, "AWQ, 4 bits, groups of 32", parts, dequantized=values, raw=raw, config=config
    )


def _awq_fast(folder: Path) -> Sample:
    stored, zeros = codes(0, 15, (FEATURES, OUT)), codes(0, 15, (2, OUT), seed=3)
    step, offset = torch.zeros(2, 32, OUT, dtype=torch.float16)
    step[:2] = _half(2, OUT)
    offset[:2] = -(step[:2] * torch.from_numpy(zeros).float()).half()
    rows = stored.T.reshape(OUT, -1, 4, 4, 2).transpose(0, 1, 3, 2, 4)
    rows = rows.reshape(OUT, -1, 4, 4, 2).transpose(0, 1, 2, 4, 3)
    fours = rows.reshape(OUT // 4, 4, -1, 64).transpose(0, 2, 1, 3).reshape(OUT // 4, -1)
    parts = {
        "layer.qweight": torch.from_numpy(pack_bits(fours, 4).view(np.int16)),
        "layer.qzeros": offset,
        "layer.scales": step,
    }
    config = {"quant_method": "awq", "version": "gemv_fast", "bits": 4, "group_size": GROUP}
    wide = [part[:2].T.repeat_interleave(GROUP, 1).float() for part in (step, offset)]
    values = (torch.from_numpy(stored.T) * wide[0] + wide[1]).half()
    raw = stored.T.astype(np.uint8)
    return _saved(folder, "AWQ, gemv_fast", parts, dequantized=values, raw=raw, config=config)


def _four_bits(folder: Path, kind: str) -> Sample:
    stored = codes(0, 15, (16, 32)).reshape(-1)
    levels = torch.linspace(-1, 1, 16) if kind == "nf4" else torch.from_numpy(E2M1 / 6)
    absmax = torch.from_numpy(scales(8) * 30)
    state = {"quant_type": kind, "blocksize": 64, "dtype": "bfloat16", "shape": [16, 32]}
    text = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
    packed = (stored[::2] << 4 | stored[1::2]).astype(np.uint8)
    parts = {
        "layer.weight": torch.from_numpy(packed).reshape(-1, 1),
        "layer.weight.quant_map": levels,
        "layer.weight.absmax": absmax,
        f"layer.weight.quant_state.bitsandbytes__{kind}": text,
    }
    values = levels[stored] * absmax.repeat_interleave(64)
    config = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    raw = stored.reshape(16, 32).astype(np.uint8)
    scheme = f"bitsandbytes {kind.upper()}, blocks of 64"
    values = values.reshape(16, 32).to(torch.bfloat16)
    return _saved(folder, scheme, parts, dequantized=values, raw=raw, config=config)


def _int8_rows(folder: Path) -> Sample:
    stored = codes(-127, 127, (OUT, FEATURES)).astype(np.int8)
    rows = torch.from_numpy(scales(OUT) * 30)
    parts = {"layer.weight": torch.from_numpy(stored), "layer.SCB": rows}
    values = torch.from_numpy(stored) * rows.view(-1, 1) * INT8_STEP
    return _saved(folder, "bitsandbytes int8, per row", parts, dequantized=values, raw=stored)


def _packed(folder: Path, bits: int) -> Sample:
    half = 1 << bits - 1
    stored = codes(-half, half - 1, (OUT, FEATURES)).astype(np.int8)
    step = torch.from_numpy(scales(OUT, 2)).to(torch.bfloat16)
    parts = {
        "layer.weight_packed": _words(stored.astype(np.int64) + half, bits),
        "layer.weight_scale": step,
        "layer.weight_shape": torch.tensor([OUT, FEATURES]),
    }
    grid = {"num_bits": bits, "type": "int", "group_size": GROUP}
    groups = {"group_0": {"targets": ["Linear"], "weights": grid}}
    config = {
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "config_groups": groups,
    }
    values = torch.from_numpy(stored).to(torch.bfloat16) * step.repeat_interleave(GROUP, 1)
    scheme = f"compressed-tensors, {bits} bits, groups of 32"
    return _saved(folder, scheme, parts, dequantized=values, raw=stored, config=config)


def _fp8(folder: Path) -> Samples:
    stored = torch.from_numpy(weights(OUT, FEATURES)).to(torch.float8_e4m3fn)
    raw = bits_of(stored)
    one, rows = torch.tensor([0.037]), torch.from_numpy(scales(OUT, 1))
    for scheme, step in (("FP8, one scale", one), ("FP8, a scale per row", rows)):
        parts = {"layer.weight": stored, "layer.weight_scale": step}
        yield _saved(folder, scheme, parts, dequantized=stored.float() * step, raw=raw)
    blocks = torch.from_numpy(scales(2, 2))
    parts = {"layer.weight": stored, "layer.weight_scale_inv": blocks}
    config = {"quant_method": "fp8", "weight_block_size": [16, 32]}
    spread = blocks.repeat_interleave(16, 0).repeat_interleave(32, 1)
    values = stored.float() * spread
    yield _saved(
        folder, "FP8, blocks of 16 x 32", parts, dequantized=values, raw=raw, config=config
    )


def _nvfp4(folder: Path) -> Sample:
    stored = codes(0, 15, (OUT, FEATURES))
    inner = torch.from_numpy(scales(OUT, 4) * 30).to(torch.float8_e4m3fn)
    outer = torch.tensor([0.625])
    parts = {
        "layer.weight": torch.from_numpy(pack_bits(stored, 4)),
        "layer.weight_scale": inner,
        "layer.weight_scale_2": outer,
    }
    levels = torch.from_numpy(E2M1[stored])
    values = levels * (inner.float() * outer).repeat_interleave(16, 1)
    raw = _fp4(E2M1[stored])
    return _saved(folder, "NVFP4, blocks of 16", parts, dequantized=values, raw=raw)


def _mxfp4(folder: Path) -> Sample:
    stored = codes(0, 15, (2, 6, 2, 32))
    exponents = torch.from_numpy(codes(110, 130, (2, 6, 2)).astype(np.uint8))
    exponents[0, 0, 0] = 255  # NaN
    name = "mlp.experts.gate_up_proj"
    parts = {
        f"{name}_blocks": torch.from_numpy(pack_bits(stored, 4)),
        f"{name}_scales": exponents,
    }
    step = torch.pow(2.0, exponents.float() - 127)
    step[0, 0, 0] = torch.nan
    values = (torch.from_numpy(E2M1[stored]) * step[..., None]).reshape(2, 6, 64)
    raw = _fp4(E2M1[stored].reshape(2, 6, 64))
    config = {"quant_method": "mxfp4"}
    scheme = "MXFP4, blocks of 32"
    return _saved(
        folder,
        scheme,
        parts,
        dequantized=values.to(torch.bfloat16),
        raw=raw,
        config=config,
        name=name,
    )


def _fp4(values: Array) -> Array:
    import ml_dtypes

    return values.astype(ml_dtypes.float4_e2m1fn)
