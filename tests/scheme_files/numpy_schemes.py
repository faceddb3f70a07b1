"""Files of NumPy: .npy in every type, order and version, .npz stored and compressed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scheme_files.sample import Sample, Samples, codes, place, weights

KINDS = (
    *("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"),
    *("f2", "f4", "f8", "c8", "c16", ">i4", ">f2", ">f4", ">f8", ">c8"),
)


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    for kind in KINDS:
        dtype = np.dtype(kind)
        integral = dtype.kind in "biu"
        values = (codes(0, 99) if integral else weights()).astype(dtype)
        scheme = dtype.name if dtype.isnative else f"{dtype.name}, big-endian"
        path = place(folder, scheme, "layer.weight.npy")
        np.save(path, values)
        truth = np.load(path).astype(dtype.newbyteorder("="))
        yield Sample(scheme, path, "layer.weight", {"dequantized": truth}, "numpy.load")
    path = place(folder, "float32, Fortran order", "layer.weight.npy")
    np.save(path, np.asfortranarray(weights()))
    truths = {"dequantized": np.load(path)}
    yield Sample("float32, Fortran order", path, "layer.weight", truths, "numpy.load")
    for scheme, save in (("npz, stored", np.savez), ("npz, deflated", np.savez_compressed)):
        path = place(folder, scheme, "model.npz")
        save(path, **{"layer.weight": weights(), "layer.bias": weights(6)})
        with np.load(path) as archive:
            truths = {"dequantized": archive["layer.weight"]}
        yield Sample(scheme, path, "layer.weight", truths, "numpy.load")
