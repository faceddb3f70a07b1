"""Which tensor of one model is which of another: by name, by known rules, by shape at last."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tensorpeek.analysis.comparison.layouts import can_align
from tensorpeek.analysis.comparison.names import (
    bare_name,
    hugging_face_name,
    label_key,
    layer_key,
)
from tensorpeek.loaders import Tensor

Key = Callable[[Tensor], Hashable]

EXACT = "same name"
ALIAS = "another name in the file"
PREFIX = "name without prefixes"
GGUF = "GGUF name"
LAYER = "layer and label"
ORDER = "shape and order"
LAYER_MATE = "layer of a matched weight"
SHAPE = "only one of its shape"
RULES = (EXACT, ALIAS, PREFIX, GGUF, LAYER, ORDER, LAYER_MATE, SHAPE)
"""Every rule, in the order in which they are tried."""

ACTIVATION_ROLES = frozenset(
    {"input scale", "input zero point", "output scale", "output zero point"}
)
"""What quantizes activations: a float model has none of it."""

_SHAPED_ROLES = frozenset({"weight", "bias", "buffer", "constant", "other"})
"""Roles under which the same tensor may stand in different files."""


@dataclass(frozen=True, eq=False, slots=True)
class Pair:
    """Two tensors that are taken for the same one, and the rule that says so.

    ``alone`` tells whether shape and order alone speak for it, with others of the same shape.
    """

    first: Tensor
    second: Tensor
    rule: str
    alone: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Pairing:
    """All pairs, in the order of the first model, and what has no partner."""

    pairs: tuple[Pair, ...]
    only_first: tuple[Tensor, ...]
    only_second: tuple[Tensor, ...]


def pair_tensors(first: Sequence[Tensor], second: Sequence[Tensor]) -> Pairing:
    """Pair the tensors of two models; no values are read.

    Each rule of :data:`RULES` sees what those before it left over, and pairs only what it can
    tell apart in both models. Up to ``GGUF name`` shapes may differ; from then on they must fit:
    equal, or up to a known permutation. A layer is matched as a whole: one pair of tensors of the
    same label that do not fit speaks against it.
    """
    matching = _Matching(list(first), list(second))
    matching.by_key(EXACT, lambda tensor: tensor.name)
    matching.by_alias()
    matching.by_key(PREFIX, lambda tensor: bare_name(tensor.name))
    matching.by_key(GGUF, lambda tensor: hugging_face_name(tensor.name))
    matching.by_layer()
    matching.by_order()
    matching.by_layer_mates()
    matching.by_shape()
    places = {tensor.name: place for place, tensor in enumerate(first)}
    pairs = sorted(matching.pairs, key=lambda pair: places[pair.first.name])
    return Pairing(tuple(pairs), tuple(matching.first), tuple(matching.second))


@dataclass
class _Matching:
    """The tensors that are left of both models, and the pairs found so far."""

    first: list[Tensor]
    second: list[Tensor]
    pairs: list[Pair] = field(default_factory=list)

    def take(self, found: Iterable[Pair]) -> None:
        """Keep pairs and strike their tensors off both lists."""
        new = list(found)
        self.pairs += new
        struck = {id(tensor) for pair in new for tensor in (pair.first, pair.second)}
        self.first = [tensor for tensor in self.first if id(tensor) not in struck]
        self.second = [tensor for tensor in self.second if id(tensor) not in struck]

    def by_key(self, rule: str, key: Key) -> None:
        """Pair tensors whose key is the same and occurs once in each model."""
        right = _grouped(self.second, key)
        self.take(
            Pair(one[0], right[name][0], rule)
            for name, one in _grouped(self.first, key).items()
            if len(one) == 1 == len(right.get(name, ()))
        )

    def by_alias(self) -> None:
        """Pair tensors of which one has the other's name among its further names."""
        left, right = _by_any_name(self.first), _by_any_name(self.second)
        found: dict[int, Pair] = {}
        taken: set[int] = set()
        for name, one in left.items():
            other = right.get(name)
            if other is not None and id(one) not in found and id(other) not in taken:
                found[id(one)] = Pair(one, other, ALIAS)
                taken.add(id(other))
        self.take(found.values())

    def by_layer(self) -> None:
        """Pair layers of the same name whose tensors fit, label by label."""
        right = _grouped(self.second, layer_key)
        found: list[Pair] = []
        for name, group in _grouped(self.first, layer_key).items():
            ours, theirs = _grouped(group, label_key), _grouped(right.get(name, ()), label_key)
            both = [label for label in ours if label in theirs]
            single = all(len(ours[label]) == 1 == len(theirs[label]) for label in both)
            if single and all(_fit(ours[label][0], theirs[label][0]) for label in both):
                found += [Pair(ours[label][0], theirs[label][0], LAYER) for label in both]
        self.take(found)

    def by_order(self) -> None:
        """Pair weights of fitting shapes in file order, if both models have equally many."""
        right = _grouped(_weights(self.second), _lengths)
        found: list[Pair] = []
        for lengths, ours in _grouped(_weights(self.first), _lengths).items():
            theirs = right.get(lengths, [])
            couples = list(zip(ours, theirs, strict=False))
            if len(ours) == len(theirs) and all(_fit(*couple) for couple in couples):
                found += [Pair(*couple, ORDER, alone=len(couples) > 1) for couple in couples]
        self.take(found)

    def by_layer_mates(self) -> None:
        """Pair what else is in the layers of matched weights, by label, else by role."""
        layers = {
            (pair.first.layer, pair.second.layer)
            for pair in self.pairs
            if pair.rule == ORDER and pair.first.layer != pair.first.name
        }
        for key in (label_key, _role):
            left, right = _grouped(self.first, _layer), _grouped(self.second, _layer)
            found: dict[int, Pair] = {}
            for one, other in layers:
                for pair in _alike(left.get(one, []), right.get(other, []), key):
                    found.setdefault(id(pair.second), pair)
            self.take(found.values())

    def by_shape(self) -> None:
        """Pair tensors that are alone with their lengths of axes in both models."""
        right = _grouped(_shaped(self.second), _lengths)
        self.take(
            Pair(ours[0], right[lengths][0], SHAPE)
            for lengths, ours in _grouped(_shaped(self.first), _lengths).items()
            if len(ours) == 1 == len(right.get(lengths, ())) and _fit(ours[0], right[lengths][0])
        )


def _alike(first: list[Tensor], second: list[Tensor], key: Key) -> Iterator[Pair]:
    """Yield pairs of fitting tensors of two layers that alone have the same key."""
    theirs = _grouped(second, key)
    for name, ours in _grouped(first, key).items():
        others = theirs.get(name, [])
        if len(ours) == 1 == len(others) and _fit(ours[0], others[0]):
            yield Pair(ours[0], others[0], LAYER_MATE)


def _by_any_name(tensors: Iterable[Tensor]) -> dict[str, Tensor]:
    names: dict[str, Tensor] = {}
    for tensor in tensors:
        for name in (tensor.name, *tensor.aliases):
            names.setdefault(name, tensor)
    return names


def _grouped(tensors: Iterable[Tensor], key: Key) -> dict[Hashable, list[Tensor]]:
    groups: dict[Hashable, list[Tensor]] = {}
    for tensor in tensors:
        groups.setdefault(key(tensor), []).append(tensor)
    return groups


def _weights(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [one for one in tensors if one.role == "weight" and len(_lengths(one)) > 1]


def _shaped(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return the tensors of a few elements or more that may stand under another name."""
    return [one for one in tensors if one.role in _SHAPED_ROLES and one.params > 2]


def _lengths(tensor: Tensor) -> tuple[int, ...]:
    """Return the lengths of a tensor's axes whatever their order, those of 1 left out."""
    return tuple(sorted(length for length in tensor.shape if length != 1))


def _layer(tensor: Tensor) -> str:
    return tensor.layer


def _role(tensor: Tensor) -> str:
    return tensor.role


def _fit(first: Tensor, second: Tensor) -> bool:
    if first.error is not None or second.error is not None:
        return False
    return can_align(first.shape, second.shape)
