"""Models to look at in the table of tensors: of every kind, and of many layers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from driven_app import model_at, put_models
from made_tensors import quantized, tensor_of

from tensorpeek.loaders import Tensor

RNG = np.random.default_rng(3)


def named(name: str, array: np.ndarray) -> Tensor:
    layer, _, label = name.rpartition(".")
    return dataclasses.replace(
        tensor_of(array, name=name), layer=layer or name, label=label or name, source="made"
    )


FLOATS = RNG.normal(0, 0.5, (32, 24)).astype(np.float32)


HOLED = np.where(RNG.random((16, 16)) < 0.25, 0, RNG.normal(0, 1, (16, 16))).astype(np.float16)


BROKEN = FLOATS.copy()


BROKEN[0, :3] = [np.nan, np.inf, np.nan]


def put_made(monkeypatch: pytest.MonkeyPatch, path: Path) -> Path:
    """Let the app open, at a path, floats, halves with zeros, NaN, codes, what cannot be read."""
    codes = dataclasses.replace(
        quantized(RNG.integers(-100, 100, (8, 8)), "int8", scale=[0.5], zero_point=[3]),
        name="q.weight",
        layer="q",
    )
    lost = dataclasses.replace(named("lost.weight", FLOATS), error="lies beyond the file's end")
    tensors = [
        named("plain.weight", FLOATS),
        named("holed.weight", HOLED),
        named("broken.weight", BROKEN),
        codes,
        lost,
        named("empty", np.empty((0, 4), np.float32)),
    ]
    put_models(monkeypatch, {path: model_at(path, tensors)})
    return path


def write_many(path: Path, count: int) -> Path:
    """Write float32 tensors of two values each: its number, and the number's square."""
    header = {
        f"model.layers.{index // 4}.part_{index % 4}.weight": {
            "dtype": "F32",
            "shape": [2],
            "data_offsets": [8 * index, 8 * index + 8],
        }
        for index in range(count)
    }
    numbers = np.arange(count, dtype=np.float32)
    text = json.dumps(header).encode()
    values = np.stack([numbers, numbers**2], 1).tobytes()
    path.write_bytes(len(text).to_bytes(8, "little") + text + values)
    return path
