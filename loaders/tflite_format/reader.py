"""Open TFLite models: constant tensors with their quantization, named by their operators."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.tensor import Tensor
from tensorpeek.loaders.tflite_format.facts import facts_of
from tensorpeek.loaders.tflite_format.flatbuffer import open_flatbuffer
from tensorpeek.loaders.tflite_format.graph import read_subgraphs, root_of
from tensorpeek.loaders.tflite_format.listing import Listing
from tensorpeek.loaders.tflite_format.quantization import Codings
from tensorpeek.loaders.tflite_format.schema import IDENTIFIER
from tensorpeek.loaders.tflite_format.values import Buffers

MAX_WARNINGS = 20
"""Warnings of one kind that are listed; the rest are counted."""


def recognizes(file: WeightFile) -> bool:
    """Tell whether the file has TFLite's identifier, also if its end is missing."""
    return file.head[4:8] == IDENTIFIER


def load(file: WeightFile) -> Model:
    """List the constant tensors of a TFLite model; their values are read later.

    Raises LoadError.
    """
    with open_flatbuffer(file) as flat:
        root = root_of(flat)
        subgraphs = read_subgraphs(root)
        buffers = Buffers(root)
        codings = Codings(buffers)
        tensors = Listing(buffers, codings).tensors(subgraphs)
        metadata = facts_of(root, subgraphs, buffers)
    if not tensors:
        raise LoadError(file.path, "holds no tensors")
    return Model(
        path=file.path,
        format="TFLite",
        tensors=tensors,
        metadata=metadata,
        warnings=tuple(chain(_some(codings.warnings), _some(_unread(tensors)))),
    )


def _unread(tensors: tuple[Tensor, ...]) -> list[str]:
    return [f"{tensor.name}: {tensor.error}" for tensor in tensors if tensor.error is not None]


def _some(warnings: Iterable[str]) -> list[str]:
    listed = [clean(warning, 2000) for warning in warnings]
    if len(listed) <= MAX_WARNINGS:
        return listed
    return [*listed[:MAX_WARNINGS], f"and {len(listed) - MAX_WARNINGS:,} more like this"]
