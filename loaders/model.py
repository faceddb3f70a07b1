"""A model: the tensors of one file (or one set of files), grouped by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tensorpeek.loaders.imports import Import
from tensorpeek.loaders.tensor import ROLES, Tensor


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """What a weight file holds. Listing costs no array memory.

    ``tensors`` stand in file order and have unique names. ``warnings`` say what a careful reader
    should know: dangerous globals a pickle names, parts that could not be read. ``imports`` are
    the names that running the file would import, the dangerous ones first.
    """

    path: Path
    format: str
    tensors: tuple[Tensor, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    imports: tuple[Import, ...] = ()

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @cached_property
    def layers(self) -> Mapping[str, tuple[Tensor, ...]]:
        """Layers in file order, each with its tensors: the weight first, then by role."""
        groups: dict[str, list[Tensor]] = {}
        for tensor in self.tensors:
            groups.setdefault(tensor.layer, []).append(tensor)
        return {
            layer: tuple(sorted(group, key=lambda tensor: ROLES.index(tensor.role)))
            for layer, group in groups.items()
        }

    @cached_property
    def parameter_layers(self) -> tuple[str, ...]:
        """Layers that hold parameters or normalization statistics, in file order.

        The others hold only constants, optimizer state or the scales of activations.
        """
        return tuple(
            layer
            for layer, tensors in self.layers.items()
            if any(tensor.role in LAYER_ROLES for tensor in tensors)
        )

    @property
    def params(self) -> int:
        """Number of parameters: elements of weights, biases and what else is not bookkeeping."""
        return sum(tensor.params for tensor in self.tensors if tensor.role in PARAMETER_ROLES)


PARAMETER_ROLES = frozenset({"weight", "bias", "other"})
"""Roles that count as parameters of a model; buffers, constants and optimizer state do not."""

LAYER_ROLES = PARAMETER_ROLES | {"running mean", "running variance"}
"""Roles that make a group of tensors a layer of the network."""
