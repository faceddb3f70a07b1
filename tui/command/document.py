"""Answers as JSON: one tensor a line, numbers as numbers, never an invalid literal."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor

Json = dict[str, Any]


def tensor_facts(tensor: Tensor) -> Json:
    """Return what the header tells of a tensor: name, layer, role, dtype, shape, params."""
    return {
        "name": tensor.name,
        "layer": tensor.layer,
        "role": tensor.role,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "params": tensor.params,
    }


def print_document(command: str, models: Sequence[Json], errors: Sequence[Json]) -> None:
    """Print ``models`` (each with ``tensors``) under the schema ``tensorpeek.<command>/1``."""
    write = sys.stdout.write
    write(f'{{"schema": "tensorpeek.{command}/1",\n "models": [')
    for index, model in enumerate(models):
        write(",\n  {" if index else "\n  {")
        facts = {key: value for key, value in model.items() if key != "tensors"}
        write(_dump(facts)[1:-1])
        write(', "tensors": [')
        for place, tensor in enumerate(model["tensors"]):
            write((",\n    " if place else "\n    ") + _dump(tensor))
        write("]}")
    write(f'],\n "errors": {_dump(list(errors))}}}\n')


def print_lists(command: str, facts: Json) -> None:
    """Print ``facts`` under the schema ``tensorpeek.<command>/1``, one item of a list a line."""
    write = sys.stdout.write
    write(f'{{"schema": "tensorpeek.{command}/1"')
    for key, value in facts.items():
        write(f',\n "{key}": ')
        if isinstance(value, list) and value:
            write("[\n  " + ",\n  ".join(_dump(item) for item in value) + "]")
        else:
            write(_dump(value))
    write("}\n")


def finite(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    """Return ``value`` with "NaN", "Infinity" and "-Infinity" for floats that are not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _dump(value: Json | list[Json]) -> str:
    return json.dumps(finite(value), allow_nan=False)
