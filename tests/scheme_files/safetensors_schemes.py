"""Files of safetensors: every element type, a sharded set, weights of which several make up one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from scheme_files.sample import Sample, Samples, array_of, place, torch_values, weights
from scheme_files.torch_schemes import TYPES

BY = "safetensors.torch"
NAME = "layer.weight"


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    for dtype in TYPES:
        if dtype == torch.complex128:  # the format has no such type
            continue
        name = str(dtype).removeprefix("torch.")
        path = place(folder, name, "model.safetensors")
        save_file({NAME: torch_values(dtype)}, path)
        truth = array_of(load_file(path)[NAME])
        yield Sample(name, path, NAME, {"dequantized": truth}, BY)
    yield _nibbles(folder)
    yield _set(folder)


def _nibbles(folder: Path) -> Sample:
    import ml_dtypes

    path = place(folder, "float4_e2m1fn", "model.safetensors")
    pairs = torch.arange(96, dtype=torch.uint8).reshape(6, 16)
    save_file({NAME: pairs.view(torch.float4_e2m1fn_x2)}, path)
    stored = pairs.numpy()
    codes = np.stack((stored & 15, stored >> 4), axis=2).reshape(6, 32)
    truths = {"dequantized": codes.view(ml_dtypes.float4_e2m1fn)}
    return Sample("float4_e2m1fn", path, NAME, truths, "ml_dtypes, as written")


def _set(folder: Path) -> Sample:
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    path = place(folder, "sharded set", "model.safetensors.index.json")
    parts = {
        f"layers.{number}.weight": torch.from_numpy(weights(seed=number)) for number in range(2)
    }
    for shard, (name, values) in zip(names, parts.items(), strict=True):
        save_file({name: values}, path.with_name(shard))
    weight_map = dict(zip(parts, names, strict=True))
    path.write_text(json.dumps({"metadata": {"total_size": 3072}, "weight_map": weight_map}))
    truth = load_file(path.with_name(names[1]))["layers.1.weight"].numpy()
    return Sample("sharded set", path, "layers.1.weight", {"dequantized": truth}, BY)
