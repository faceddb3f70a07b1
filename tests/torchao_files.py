"""Parts of torchao's tensor subclasses, drawn at random, and files of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from tensorpeek.loaders import Model, open_model

OUT, FEATURES = 32, 64
E2M1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])
TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}

Parts = Mapping[str, torch.Tensor]


def dtype_of(name: str) -> dict[str, str]:
    return {"_type": "torch.dtype", "_data": name}


def open_described(
    folder: Path,
    parts: Parts,
    kind: str,
    attributes: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
) -> Model:
    described = {"_type": kind, "_data": dict(attributes), "_tensor_data_names": list(parts)}
    metadata = {
        "format": "pt",
        "layer.weight": json.dumps(described),
        "layer.bias": json.dumps({"_type": "Tensor"}),
        "tensor_names": json.dumps(["layer.weight", "layer.bias"]),
    }
    tensors = {f"layer._weight_{label}": part.contiguous() for label, part in parts.items()}
    tensors["layer.bias"] = torch.zeros(OUT)
    path = folder / "model.safetensors"
    save_file(tensors, path, metadata)
    if config is not None:
        path.with_name("config.json").write_text(json.dumps({"quantization_config": config}))
    return open_model(path)


def drawn(*shape: int, low: int = -128, high: int = 127) -> torch.Tensor:
    drawn = np.random.default_rng(7).integers(low, high, shape, endpoint=True)
    return torch.from_numpy(drawn.astype(np.int8))


def scales(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    drawn = np.random.default_rng(8).uniform(0.001, 0.1, shape).astype(np.float32)
    return torch.from_numpy(drawn).to(dtype)


def plain(values: torch.Tensor) -> NDArray[np.float64]:
    return values.to(torch.float64).numpy()


def spread(parts: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    for axis, size in enumerate(shape):
        parts = parts.repeat_interleave(size // parts.shape[axis], axis)
    return parts
