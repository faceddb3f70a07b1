"""Write files as Keras lays them out, with h5py alone."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

LAMBDA = {
    "class_name": "Lambda",
    "config": {
        "name": "lambda",
        "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA"}},
    },
}


def layer(kind: str, name: str, **settings: object) -> dict[str, Any]:
    """A layer as a configuration describes it."""
    return {"class_name": kind, "module": "keras.layers", "config": {"name": name, **settings}}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    """A model as a configuration describes it."""
    return {
        "class_name": "Sequential",
        "module": "keras",
        "config": {"name": "sequential", "layers": list(layers)},
    }


def write_lists(path: Path, layers: Mapping[str, Arrays], **attributes: str) -> Path:
    """Weights as TF-Keras saves them: groups for layers, their order in attributes.

    The keys of ``layers`` are names of layers, those of their arrays names of weights.
    """
    with h5py.File(path, "w") as file:
        for name, text in attributes.items():
            file.attrs[name] = text
        root = file.create_group("model_weights") if "model_config" in attributes else file
        root.attrs["layer_names"] = [name.encode() for name in layers]
        for name, weights in layers.items():
            group = root.create_group(name)
            group.attrs["weight_names"] = [weight.encode() for weight in weights]
            for weight, values in weights.items():
                group.create_dataset(weight, data=values)
    return path


def write_numbered(
    place: Path | io.BytesIO, layers: Mapping[str, list[NDArray[Any]]], **names: str
) -> None:
    """Weights as Keras 3 saves them: variables 0, 1, ... of each path; ``names`` by last part."""
    with h5py.File(place, "w") as file:
        for path, values in layers.items():
            group = file.create_group(f"{path}/vars")
            part = path.rpartition("/")[2]
            if part in names:
                group.attrs["name"] = names[part]
            for index, array in enumerate(values):
                if array.dtype.name == "bfloat16":
                    stored = group.create_dataset(str(index), data=array)
                    stored.attrs["dtype"] = "bfloat16"
                else:
                    group.create_dataset(str(index), data=array)


def write_archive(
    path: Path,
    layers: Mapping[str, list[NDArray[Any]]],
    config: object,
    *,
    deflate: bool = False,
    **names: str,
) -> Path:
    """A .keras file."""
    weights = io.BytesIO()
    write_numbered(weights, layers, **names)
    method = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights.getvalue())
    return path


def numbers(*shape: int, seed: int = 1, dtype: str = "float32") -> NDArray[Any]:
    """Random values, the same for the same seed."""
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)
