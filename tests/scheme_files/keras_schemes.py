"""Files of Keras: HDF5 of TF-Keras and Keras 3, archives, chunks and filters."""

from __future__ import annotations

from pathlib import Path

import h5py
import ml_dtypes
import numpy as np
from keras_files import layer, sequential, write_archive, write_lists, write_numbered

from scheme_files import keras_quantized_schemes
from scheme_files.sample import Sample, Samples, codes, place, weights

TYPES = ["i1", "i4", "u1", "f2", "f4", "f8", ">f4", "c8"]
CONFIG = sequential(layer("Dense", "dense"))


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    yield from _types(folder)
    yield from _filters(folder)
    path = place(folder, "TF-Keras HDF5", "model.h5")
    weight = {"dense/kernel:0": weights(), "dense/bias:0": weights(64)}
    write_lists(path, {"dense": weight}, keras_version="2.4.0")
    yield _sample("TF-Keras HDF5", path, "dense/dense/kernel:0", "dense/kernel:0")
    path = place(folder, "Keras 3 weights", "model.weights.h5")
    write_numbered(path, {"layers/dense": [weights(), weights(64)]})
    yield _sample("Keras 3 weights", path, "layers/dense/vars/0", "layers/dense/vars/0")
    path = place(folder, "Keras 3 weights, bfloat16", "model.weights.h5")
    brain = weights().astype(ml_dtypes.bfloat16)
    write_numbered(path, {"layers/dense": [brain]})
    truths = {"dequantized": brain}
    name = "layers/dense/vars/0"
    yield Sample("Keras 3 weights, bfloat16", path, name, truths, "ml_dtypes, as written")
    for scheme, deflate in (("Keras archive", False), ("Keras archive, deflated", True)):
        path = place(folder, scheme, "model.keras")
        write_archive(path, {"layers/dense": [weights(), weights(64)]}, CONFIG, deflate=deflate)
        truths = {"dequantized": weights()}
        yield Sample(scheme, path, name, truths, "NumPy, as written")
    yield from keras_quantized_schemes.write(folder)


def _sample(scheme: str, path: Path, dataset: str, name: str) -> Sample:
    with h5py.File(path) as file:
        truth = file[dataset][()]
    native = truth.astype(truth.dtype.newbyteorder("="))
    return Sample(scheme, path, name, {"dequantized": native}, "h5py")


def _types(folder: Path) -> Samples:
    for kind in TYPES:
        dtype = np.dtype(kind)
        scheme = f"HDF5 {dtype.name}{'' if dtype.isnative else ', big-endian'}"
        path = place(folder, scheme, "model.h5")
        values = codes(0, 99) if dtype.kind in "iu" else weights()
        with h5py.File(path, "w") as file:
            file.create_dataset("w", data=values.astype(dtype))
        yield _sample(scheme, path, "w", "w")


def _filters(folder: Path) -> Samples:
    for settings in (
        {},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
    ):
        scheme = ", ".join(["HDF5 chunks", *settings]).replace("compression", "gzip")
        path = place(folder, scheme, "model.h5")
        with h5py.File(path, "w") as file:
            file.create_dataset("w", data=weights(), chunks=(4, 10), **settings)
        yield _sample(scheme, path, "w", "w")
