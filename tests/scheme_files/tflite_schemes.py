"""Files of TFLite: every element type, every way of quantization, sparse tensors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
from tflite_models import TYPES, Grid, Made, Sparse, activation, constant, model_of

from scheme_files.sample import Array, Sample, Samples, codes, pack_bits, place, scales, weights

FORMULA = "scale * (code - zero point), in NumPy"


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    for name in TYPES:
        yield _plain(folder, name)
    for dtype in ("int8", "uint8", "int16", "int32", "int64"):
        yield _per_tensor(folder, dtype)
    for axis in (0, 1):
        yield _per_axis(folder, axis)
    yield _int4(folder)
    yield _blockwise(folder)
    yield _sparse(folder)


def _plain(folder: Path, name: str) -> Sample:
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    whole = dtype.kind in "biu"
    values = (codes(0, 99) if whole else weights()).astype(dtype)
    path = place(folder, name, "model.tflite")
    path.write_bytes(model_of(([constant("w", values)], [])))
    return Sample(name, path, "w", {"dequantized": values}, "NumPy, as written")


def _written(folder: Path, scheme: str, made: Made, floats: Array, raw: Array) -> Sample:
    path = place(folder, scheme, "model.tflite")
    path.write_bytes(model_of(([made], [])))
    return Sample(scheme, path, "w", {"dequantized": floats, "raw": raw}, FORMULA)


def _per_tensor(folder: Path, dtype: str) -> Sample:
    low = 0 if dtype == "uint8" else -100
    raw = codes(low, 120).astype(dtype)
    floats = np.float32(0.037) * (raw.astype(np.int64) - 11).astype(np.float32)
    made = constant("w", raw, Grid([0.037], [11]))
    return _written(folder, f"{dtype} per tensor", made, floats, raw)


def _per_axis(folder: Path, axis: int) -> Sample:
    raw = codes(-128, 127, (6, 8)).astype(np.int8)
    count = raw.shape[axis]
    steps, points = scales(count), np.arange(count) - 2
    shape = (-1, 1) if axis == 0 else (1, -1)
    difference = (raw.astype(np.int64) - points.reshape(shape)).astype(np.float32)
    made = constant("w", raw, Grid(steps, points, axis))
    scheme = f"int8 per channel, axis {axis}"
    return _written(folder, scheme, made, difference * steps.reshape(shape), raw)


def _int4(folder: Path) -> Sample:
    raw, steps = codes(-8, 7, (3, 8)).astype(np.int8), scales(3)
    content = pack_bits(raw & 15, 4).tobytes()
    made = Made("w", raw.shape, 17, content, Grid(steps, [0, 0, 0]))
    floats = raw.astype(np.float32) * steps[:, None]
    return _written(folder, "int4 per channel", made, floats, raw)


def _blockwise(folder: Path) -> Sample:
    raw = codes(-8, 7, (2, 3, 10)).astype(np.int8)
    step = np.linspace(0.25, 2, 12).astype(np.float16).reshape(2, 3, 2)
    points = (np.arange(12) % 5 - 2).astype(np.int32).reshape(2, 3, 2)
    content = pack_bits((raw & 15).reshape(1, -1), 4).tobytes()
    made = Made("w", raw.shape, 17, content, Grid(details=(2, 2, 3, 5, ())))
    tensors = [activation("x"), made, constant("s", step), constant("z", points)]
    path = place(folder, "int4 blocks of 5", "model.tflite")
    path.write_bytes(model_of((tensors, [(9, [0, 1], [0])])))
    wide = [np.repeat(each, 5, 2) for each in (step, points)]
    floats = (raw - wide[1]).astype(np.float32) * wide[0].astype(np.float32)
    truths = {"dequantized": floats.astype(np.float16), "raw": raw}
    return Sample("int4 blocks of 5", path, "w.weight", truths, FORMULA)


def _sparse(folder: Path) -> Sample:
    raw = np.zeros((3, 4), np.int8)
    raw[0, 1], raw[1, 3], raw[2, 0], raw[2, 2] = 5, -7, 100, -128
    rows = (np.array([0, 1, 2, 4], np.uint8), np.array([1, 3, 0, 2], np.uint8))
    stored = constant("w", np.array([5, -7, 100, -128], np.int8), Grid([0.5], [3]))
    made = replace(stored, shape=raw.shape, sparse=Sparse([0, 1], [], [3, rows]))
    floats = (raw.astype(np.float32) - 3) * np.float32(0.5)
    return _written(folder, "int8 per tensor, sparse rows", made, floats, raw)
