"""The constants of an ONNX graph as tensors with unique names, in the order of its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.onnx_format.naming import Claim, claims
from tensorpeek.loaders.onnx_format.quantization import Codings
from tensorpeek.loaders.onnx_format.scope import Scope, Use, Value
from tensorpeek.loaders.tensor import Tensor

MAX_ALIASES = 32
"""Other names kept of one tensor: a graph may use one constant ten thousand times."""
MAX_USES = 1000
"""Uses of one constant among which the one is sought that names it."""


class Listing:
    """The tensors of a model in the making."""

    def __init__(self, codings: Codings, scopes: Sequence[Scope]) -> None:
        self._codings = codings
        self._scopes = scopes
        self._owners: dict[str, str] = {}
        self._names: dict[str, int] = {}

    def tensors(self) -> tuple[Tensor, ...]:
        """Return all constants but the scales and zero points of quantized ones.

        Those that nodes use come first, in the order of the nodes, then the others.
        """
        nodes = (node for scope in self._scopes for node in scope.graph.nodes)
        order = {node: place for place, node in enumerate(nodes)}
        last = len(order)
        found: list[tuple[tuple[int, int], Value, list[Use]]] = []
        for value in self._values():
            uses = [use for use in value.uses if (use.node, use.slot) not in self._codings.parts]
            if value.uses and not uses:
                continue
            uses = uses or value.passed_on
            place = (order[uses[0].node], uses[0].slot) if uses else (last, 0)
            found.append((place, value, uses))
        found.sort(key=lambda entry: entry[0])
        return tuple(self._tensor(value, uses) for _, value, uses in found)

    def _values(self) -> Iterator[Value]:
        for scope in self._scopes:
            yield from scope.values.values()
            yield from scope.repeated

    def _tensor(self, value: Value, uses: list[Use]) -> Tensor:
        coding = self._codings.found.get(value)
        stored = self._codings.stored(value) if coding is None else coding.stored
        first, *others = claims(value, uses[:MAX_USES], stored, coded=coding is not None)
        layer, label, name = self._unique(first)
        aliases = dict.fromkeys(clean(other) for other in (value.name, *_names(others)) if other)
        aliases.pop(name, None)
        return Tensor(
            name=name,
            layer=layer,
            label=label,
            role=first.role,
            shape=stored.shape,
            dtype=stored.dtype,
            storage=stored.storage,
            layout=stored.layout,
            codec=stored.codec if coding is None else coding.codec,
            stored_nbytes=None if stored.codec is None else stored.codec.stored_nbytes,
            quantization=None if coding is None else coding.quantization,
            aliases=tuple(aliases),
            error=None if stored.error is None else clean(stored.error),
            source=self._codings.places.path,
        )

    def _unique(self, claim: Claim) -> tuple[str, str, str]:
        """Return layer, label and name: with the subgraph's path, or a number, if taken."""
        layer, label = claim.layer, claim.label
        if self._owners.setdefault(layer, claim.path) != claim.path and claim.path:
            layer = f"{claim.path}/{layer}"
        layer, label = clean(layer), clean(label)
        name = layer if claim.layer == claim.label == layer else f"{layer}.{label}"
        count = self._names[name] = self._names.get(name, 0) + 1
        if count == 1:
            return layer, label, name
        while f"{name}#{count}" in self._names:
            count += 1
        self._names[name] = count
        self._names[f"{name}#{count}"] = 1
        return layer, f"{label}#{count}", f"{name}#{count}"


def _names(others: list[Claim]) -> Iterator[str]:
    for claim in others[:MAX_ALIASES]:
        yield claim.name
