"""Quantized checkpoints as Hugging Face libraries write them, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from tensorpeek.loaders import Model, Tensor, open_model


def write_model(
    folder: Path, tensors: Mapping[str, Any], config: Mapping[str, Any] | None = None
) -> Path:
    """Write torch tensors as ``model.safetensors``, and ``config.json`` with this section."""
    library = pytest.importorskip("safetensors.torch")
    path = folder / "model.safetensors"
    library.save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    if config is not None:
        whole = {"model_type": "llama", "quantization_config": dict(config)}
        (folder / "config.json").write_text(json.dumps(whole))
    return path


def open_written(
    folder: Path, tensors: Mapping[str, Any], config: Mapping[str, Any] | None = None
) -> Model:
    """Write a model and open it."""
    return open_model(write_model(folder, tensors, config))


def only_weight(model: Model, name: str = "layer.weight") -> Tensor:
    """Return the weight that was put together; nothing may be said against it."""
    assert model.warnings == ()
    (found,) = [tensor for tensor in model.tensors if tensor.name == name]
    assert found.quantization is not None
    assert found.parts
    return found


def same_values(tensor: Tensor, raw: ArrayLike, dequantized: ArrayLike) -> None:
    """Check both views of a tensor, as arrays and in small chunks."""
    for view, values in (("raw", raw), ("dequantized", dequantized)):
        want = np.asarray(values)
        got = tensor.read(view)
        assert got.dtype == tensor.value_type(view)
        assert got.shape == want.shape == tensor.shape
        np.testing.assert_array_equal(got.astype(np.float64), want.astype(np.float64))
        chunks = list(tensor.chunks(view, ordered=True, size=32))
        assert max(chunk.size for chunk in chunks) <= 32
        np.testing.assert_array_equal(
            np.concatenate(chunks).astype(np.float64), want.astype(np.float64).reshape(-1)
        )
