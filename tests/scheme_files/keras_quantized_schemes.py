"""Quantized layers of Keras 3: kernels and embeddings of 8 and 4 bits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from keras_files import layer, sequential, write_archive

from scheme_files.sample import Array, Sample, Samples, codes, pack_bits, place, scales

Truths = tuple[str, Array, Array]
"""The scheme, its codes and its values."""

BY = "its formula, in NumPy"


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    yield _dense(folder, 8)
    yield _dense(folder, 4)
    yield _groups(folder)
    yield _einsum(folder)
    yield _embedding(folder)


def _saved(path: Path, held: list[Array], described: Mapping[str, Any], truths: Truths) -> Sample:
    group = {"Dense": "dense", "EinsumDense": "einsum_dense", "Embedding": "embedding"}
    at = f"layers/{group[described['class_name']]}"
    write_archive(path, {at: held}, sequential(dict(described)))
    scheme, raw, values = truths
    return Sample(scheme, path, f"{at}/vars/0", {"dequantized": values, "raw": raw}, BY)


def _path(folder: Path, scheme: str) -> Path:
    return place(folder, scheme, "model.keras")


def _policy(mode: str) -> dict[str, Any]:
    config = {"mode": mode, "source_name": "float32"}
    return {"class_name": "QuantizedDTypePolicy", "module": "keras", "config": config}


def _stored(raw: Array, bits: int) -> Array:
    return raw if bits == 8 else pack_bits(raw & 15, 4).view(np.int8)


def _dense(folder: Path, bits: int) -> Sample:
    half = 1 << bits - 1
    raw = codes(-half, half - 1, (12, 16)).astype(np.int8)
    step = scales(16) * 1000
    described = layer("Dense", "dense", dtype=_policy(f"int{bits}"), use_bias=False, units=16)
    held = [_stored(raw, bits), step]
    scheme = f"Keras 3 Dense, int{bits}"
    return _saved(_path(folder, scheme), held, described, (scheme, raw, raw / step))


def _groups(folder: Path) -> Sample:
    raw = codes(-8, 7, (12, 16)).astype(np.int8)
    step, zero = scales(3, 16), codes(-8, 7, (3, 16), seed=4).astype(np.int8)
    index = np.arange(12) // 4
    values = (raw.astype(np.float32) - zero[index]) * step[index]
    described = layer("Dense", "dense", dtype=_policy("int4/4"), use_bias=False, units=16)
    held = [_stored(raw, 4), step, zero, index.astype(np.float32)]
    scheme = "Keras 3 Dense, int4 in groups of 4"
    return _saved(_path(folder, scheme), held, described, (scheme, raw, values))


def _einsum(folder: Path) -> Sample:
    raw = codes(-128, 127, (8, 3, 4)).astype(np.int8)
    step = scales(1, 1, 3, 4) * 1000
    settings = {"dtype": _policy("int8"), "equation": "abc,cde->abde", "bias_axes": None}
    described = layer("EinsumDense", "einsum_dense", **settings)
    scheme = "Keras 3 EinsumDense, int8"
    return _saved(_path(folder, scheme), [raw, step], described, (scheme, raw, raw / step[0]))


def _embedding(folder: Path) -> Sample:
    raw = codes(-8, 7, (20, 10)).astype(np.int8)
    step = scales(20) * 100
    described = layer("Embedding", "embedding", dtype=_policy("int4/-1"), output_dim=10)
    held = [_stored(raw, 4), step]
    scheme = "Keras 3 Embedding, int4"
    return _saved(_path(folder, scheme), held, described, (scheme, raw, raw / step[:, None]))
