"""The constants of a TFLite model as tensors with unique names, in the order of its operators."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tensorpeek.loaders.codec import Codec
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.naming import unique_names
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.tensor import Tensor
from tensorpeek.loaders.tflite_format.graph import Subgraph, TensorRecord
from tensorpeek.loaders.tflite_format.naming import (
    Claim,
    claim_of,
    is_turned,
    layer_names,
    one_name,
    without_operation,
)
from tensorpeek.loaders.tflite_format.quantization import Codings
from tensorpeek.loaders.tflite_format.roles import LAYOUTS
from tensorpeek.loaders.tflite_format.schema import TENSOR_TYPES, TensorField
from tensorpeek.loaders.tflite_format.sparse_tables import sparse_codec
from tensorpeek.loaders.tflite_format.values import Buffers, Stored

MAX_ALIASES = 32
"""Other names kept of one tensor."""
MAX_COMPARED = 64 << 20
"""Bytes of scales read to tell whether tensors that share a buffer are the same."""


@dataclass(slots=True, eq=False)
class Constant:
    """A tensor with values, and the others that share them."""

    record: TensorRecord
    stored: Stored
    quantization: Quantization | None = None
    codec: Codec | None = None
    aliases: dict[str, None] = field(default_factory=dict)


class Listing:
    """The tensors of a model in the making."""

    def __init__(self, buffers: Buffers, codings: Codings) -> None:
        self._buffers = buffers
        self._codings = codings
        self._room = MAX_COMPARED
        self._owners: dict[TensorRecord, TensorRecord] = {}

    def tensors(self, subgraphs: Sequence[Subgraph]) -> tuple[Tensor, ...]:
        """Return all constants but those that are scales of others and nothing else."""
        found = [
            constant
            for subgraph in subgraphs
            for record in subgraph.tensors
            if (constant := self._constant(record)) is not None
        ]
        parts = self._codings.parts
        listed = self._merged([
            each for each in found if each.record not in parts or each.record.uses
        ])  # fmt: skip
        claims = {each: self._claim(each) for each in listed}
        listed.sort(key=lambda each: claims[each].order)
        return self._named(listed, claims)

    def _claim(self, constant: Constant) -> Claim:
        """Return what a constant is for; its anchor is one of the constants listed, or None."""
        coded = constant.quantization is not None
        claim = claim_of(constant.record, constant.stored, coded=coded)
        anchor = None if claim.anchor is None else self._owners.get(claim.anchor)
        return replace(claim, anchor=anchor)

    def _constant(self, record: TensorRecord) -> Constant | None:
        try:
            sparsity = record.table.table(TensorField.SPARSITY)
            find = self._buffers.dense if sparsity is None else self._buffers.stored
            stored = find(record)
            if stored is None or stored.error is not None:
                return None if stored is None else Constant(record, stored)
            quantization = self._codings.of(record, stored)
            if isinstance(quantization, str):
                return Constant(record, stored._replace(span=None, error=quantization))
            if sparsity is None:
                return Constant(record, stored, quantization)
            codec = sparse_codec(sparsity, stored, quantization, self._buffers)
        except LoadError as error:
            dtype = TENSOR_TYPES.get(record.type, "uint8")
            return Constant(record, Stored(dtype, record.shape, error=error.reason))
        if isinstance(codec, str):
            return Constant(record, stored._replace(span=None, error=f"sparse tensor: {codec}"))
        return Constant(record, stored, quantization, codec)

    def _merged(self, constants: list[Constant]) -> list[Constant]:
        """Return the constants, those that differ in nothing but their name as one."""
        groups: dict[tuple[object, ...], list[Constant]] = {}
        for each in constants:
            key = (each.stored, each.record.table.start if each.codec is not None else -1)
            groups.setdefault(key, []).append(each)
        kept = []
        for group in groups.values():
            first: dict[object, Constant] = {}
            for each in group:
                same = self._fingerprint(each.quantization) if len(group) > 1 else None
                if each.stored.span is None:
                    same = each
                known = first.setdefault(same, each)
                self._owners[each.record] = known.record
                if known is each:
                    kept.append(each)
                elif len(known.aliases) < MAX_ALIASES:
                    known.aliases[each.record.name] = None
        return kept

    def _fingerprint(self, quantization: Quantization | None) -> object:
        """Return what two equal quantizations have in common: a digest of their numbers."""
        if quantization is None:
            return None
        digest = hashlib.blake2b(digest_size=16)
        for part in (quantization.scale, quantization.zero_point):
            self._room -= part.nbytes if part is not None else 0
            if self._room < 0:
                return quantization
            if part is not None and part.storage is not None:
                with part.storage.open() as read:
                    digest.update(read(0, part.storage.nbytes))
            digest.update(b".")
        return quantization.scheme, quantization.axis, quantization.block, digest.digest()

    def _named(self, listed: list[Constant], claims: dict[Constant, Claim]) -> tuple[Tensor, ...]:
        layers = layer_names(claims[each] for each in listed)
        places = [_place(each.record, claims[each], layers) for each in listed]
        names = unique_names(name for name, _, _ in places)
        return tuple(
            self._tensor(each, claims[each], name, place)
            for each, name, place in zip(listed, names, places, strict=True)
        )

    def _tensor(
        self, constant: Constant, claim: Claim, name: str, place: tuple[str, str, str]
    ) -> Tensor:
        wanted, layer, label = place
        record, stored = constant.record, constant.stored
        aliases = {record.name: None} | constant.aliases
        dense = constant.codec is None and stored.span is not None
        return Tensor(
            name=name,
            layer=layer,
            label=label + name.removeprefix(wanted) if name != wanted else label,
            role=claim.role,
            shape=stored.shape,
            dtype=stored.dtype,
            storage=stored.span if dense else None,
            layout=stored.layout if dense else None,
            codec=constant.codec,
            stored_nbytes=stored.span.nbytes if constant.codec and stored.span else None,
            quantization=constant.quantization,
            aliases=tuple(alias for alias in aliases if alias and alias != name),
            error=stored.error,
            source=record.table.file.path,
            axes=_axes(record, claim, len(stored.shape)),
        )


def _axes(record: TensorRecord, claim: Claim, rank: int) -> str:
    """Return in which order the dimensions of a weight stand, if its operator tells."""
    if claim.role != "weight" or claim.operator is None or is_turned(record, claim.operator):
        return ""
    letters = LAYOUTS.get(claim.operator.code, "")
    return letters if len(letters) == rank else ""


def _place(
    record: TensorRecord, claim: Claim, layers: dict[TensorRecord, str]
) -> tuple[str, str, str]:
    """Return the name that a constant should have, its layer and its label there."""
    if claim.anchor is not None:
        layer = layers[claim.anchor]
        return f"{layer}.{claim.label}", layer, claim.label
    name = one_name(record.name) or "tensor"
    if claim.label:
        layer = without_operation(name)
        return f"{layer}.{claim.label}", layer, claim.label
    layer, _, label = name.rpartition("/")
    return (name, layer, label) if layer and label else (name, name, name)
