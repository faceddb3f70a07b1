"""Open ONNX models: initializers and constants as tensors, quantized ones with their scales."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.onnx_format.external import ExternalFiles
from tensorpeek.loaders.onnx_format.header import Header, looks_like_onnx, read_header
from tensorpeek.loaders.onnx_format.listing import Listing
from tensorpeek.loaders.onnx_format.quantization import KNOWN, Codings
from tensorpeek.loaders.onnx_format.scope import SAME_WEIGHT, Scope, note_uses, scopes
from tensorpeek.loaders.onnx_format.unknown import unknown_weights
from tensorpeek.loaders.onnx_format.values import Places
from tensorpeek.loaders.onnx_format.wire import open_wire
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.tensor import Tensor

MAX_WARNINGS = 20
"""Warnings of one kind that are listed; the rest are counted."""


def recognizes(file: WeightFile) -> bool:
    """Tell whether the file begins like an ONNX model; a cut one does."""
    try:
        with open_wire(file) as wire:
            return looks_like_onnx(wire)
    except LoadError:
        return False


def load(file: WeightFile) -> Model:
    """List the tensors of an ONNX model; their values are read later. Raises LoadError."""
    with open_wire(file) as wire:
        header = read_header(wire)
    external = ExternalFiles(file.path.parent)
    codings = Codings(Places(str(file.path), file.identity, external))
    all_scopes = _all_scopes(header)
    for scope in all_scopes:
        note_uses(scope)
    for scope in all_scopes:
        for node in scope.graph.nodes:
            codings.note(scope, node)
    tensors = Listing(codings, all_scopes).tensors()
    left = unknown_weights(all_scopes, codings, KNOWN | SAME_WEIGHT)
    lost = [f"external data missing: {name}" for name in external.missing]
    return Model(
        path=file.path,
        format="ONNX",
        tensors=tensors,
        metadata=header.metadata,
        warnings=tuple(
            chain(
                header.warnings,
                _some(lost),
                _some(codings.warnings),
                _some(left),
                _some(_unread(tensors)),
            )
        ),
    )


def _all_scopes(header: Header) -> list[Scope]:
    found = list(scopes(header.graph))
    for function in header.functions:
        found += scopes(function, function.name)
    return found


def _unread(tensors: tuple[Tensor, ...]) -> list[str]:
    return [
        f"{tensor.name}: {tensor.error}"
        for tensor in tensors
        if tensor.error is not None and not tensor.error.startswith("external data missing")
    ]


def _some(warnings: Iterable[str]) -> list[str]:
    listed = [clean(warning, 2000) for warning in warnings]
    if len(listed) <= MAX_WARNINGS:
        return listed
    return [*listed[:MAX_WARNINGS], f"and {len(listed) - MAX_WARNINGS:,} more like this"]
