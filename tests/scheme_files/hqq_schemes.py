"""Weights of HQQ: ``qmodel.pt``, with settings that are pickled beside the codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from scheme_files.sample import Sample, Samples, array_of, codes, place, scales

SHAPE, GROUP = (16, 64), 32


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    for bits in (8, 4, 2):
        yield _saved(folder, bits)


def _saved(folder: Path, bits: int) -> Sample:
    stored = codes(0, (1 << bits) - 1, (16 * 64 // GROUP, GROUP))
    fields = stored.reshape(8 // bits, -1, GROUP)
    shifts = np.arange(8 - bits, -1, -bits)[:, None, None]
    words = torch.from_numpy((fields << shifts).sum(axis=0).astype(np.uint8))
    step = torch.from_numpy(scales(len(stored), 1)).half()
    zero = torch.from_numpy(scales(len(stored), 1, seed=5) * 80).half()
    state = {
        "W_q": words,
        "nbits": bits,
        "group_size": GROUP,
        "shape": torch.Size(SHAPE),
        "scale": step,
        "zero": zero,
        "axis": 1,
        "packing": f"{bits}bit_u8",
        "unpack_view_dtype": torch.uint8,
        "view_as_float": False,
        "quant_scale": False,
        "quant_zero": False,
    }
    scheme = f"HQQ, {bits} bits, qmodel.pt"
    path = place(folder, scheme, "qmodel.pt")
    torch.save({"layer": state}, path)
    values = ((torch.from_numpy(stored).half() - zero) * step).reshape(SHAPE)
    raw = stored.reshape(SHAPE).astype(np.uint8)
    truths = {"dequantized": array_of(values), "raw": raw}
    return Sample(scheme, path, "layer.weight", truths, "its formula, in torch")
