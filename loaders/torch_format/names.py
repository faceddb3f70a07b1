"""Names, layers and roles of the tensors of a PyTorch file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.naming import role_of, split_name, unique_names
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.tensor import Tensor
from tensorpeek.loaders.torch_format.facts import Facts, Quantizer

CONTAINERS = frozenset({"state_dict", "model", "model_state_dict", "module", "net", "weights"})
"""Keys at the root of a checkpoint that say nothing about the tensors below them."""

MAX_ALIASES = 16
"""Other names told of one tensor."""

MAX_FULL_NAME = 1024
"""Characters of a full name that tell two tensors apart."""

_PACKED = re.compile(r"(?:^|\.)_packed_params(?=\.|$)")
_PACKED_WEIGHT = re.compile(r"(^|\.)_packed_weight$")
_PACKED_WITHIN = re.compile(r"(?:^|\.)_packed_weight(?=\.)")
_ACTIVATION = re.compile(r"(?s)(.+?)_((?:input_)?(scale|zero_point)_\d+)")
_KINDS = {"scale": "scale", "zero_point": "zero point"}


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """A tensor with its full dotted name, and which kind of member of its module it is.

    ``container`` is the well-known key at the root that the name starts with, if it does.
    """

    name: str
    facts: Facts
    section: str = ""
    container: str = ""


def found_at(path: Sequence[str], facts: Facts, section: str = "") -> Found:
    """Note a tensor at the end of ``path``; names are cut so that no file can make them huge."""
    first = [part.lower() for part in path[:2]]
    if any(part.startswith("optim") for part in first):
        section = "optimizer state"
    elif any("rng" in part and "rng" in part.split("_") for part in first):
        section = "buffer"  # the state of a random number generator is no parameter
    container = path[0] if len(path) > 1 and path[0] in CONTAINERS else ""
    return Found(dotted(path)[:MAX_FULL_NAME], facts, section, container)


@dataclass(frozen=True, eq=False, slots=True)
class Placed:
    """A tensor as it was found first, and the other names under which the file lists it."""

    found: Found
    aliases: tuple[str, ...]


def name_tensors(found: Iterable[Found], source: str, *, strip: bool) -> tuple[Tensor, ...]:
    """Give each tensor one unique name, its layer and its role; list shared ones once.

    With ``strip``, a well-known key at the root is left out of names when no two tensors would
    then have the same one. All names are safe to show.
    """
    placed = _merge(found)
    names = unique_names(_short(placed, strip=strip))
    known = frozenset(names)
    tensors = zip(placed, names, strict=True)
    return tuple(_tensor(one, name, known, source) for one, name in tensors)


def dotted(path: Sequence[str]) -> str:
    """Join a path; the wrappers that quantized modules pack their weights in are left out."""
    name = ".".join(path)
    if "_packed_" in name:
        name = _PACKED_WITHIN.sub("", _PACKED.sub("", name)).lstrip(".")
        name = _PACKED_WEIGHT.sub(r"\1weight", name)
    return name or "tensor"


def _merge(found: Iterable[Found]) -> list[Placed]:
    """Bring together what lies in the same place with the same shape, strides and type."""
    first: dict[object, Found] = {}
    others: dict[object, dict[str, None]] = {}
    for one in found:
        known = first.setdefault(one.facts.key, one)
        if one.name != known.name:
            aliases = others.setdefault(one.facts.key, {})
            if len(aliases) < MAX_ALIASES:
                aliases[clean(one.name)] = None
    return [Placed(one, tuple(others.get(key, ()))) for key, one in first.items()]


def _short(placed: list[Placed], *, strip: bool) -> list[str]:
    full = [one.found.name for one in placed]
    if not strip:
        return full
    short = [name[_prefix(one) :] for one, name in zip(placed, full, strict=True)]
    used = Counter(short)
    pairs = list(zip(placed, short, strict=True))
    clashing = {one.found.container for one, name in pairs if used[name] > 1}
    return [one.found.name if one.found.container in clashing else name for one, name in pairs]


def _prefix(one: Placed) -> int:
    """Return how many characters of a full name its container and the dot after it take."""
    return len(one.found.container) + 1 if one.found.container else 0


def _tensor(one: Placed, name: str, known: frozenset[str], source: str) -> Tensor:
    facts = one.found.facts
    layer, label, role = _describe(one.found, name, known)
    quantization = None
    if facts.quantizer is not None:
        quantization = _quantization(facts.quantizer, DTYPES[facts.dtype].bits, name, source)
    return Tensor(
        name=name,
        layer=layer,
        label=label,
        role=role,
        shape=facts.shape,
        dtype=facts.dtype,
        storage=facts.storage,
        layout=facts.layout,
        quantization=quantization,
        aliases=tuple(alias for alias in one.aliases if alias != name),
        error=facts.error,
        source=source,
    )


def _quantization(quantizer: Quantizer, bits: int, name: str, source: str) -> Quantization:
    def part(label: str, facts: Facts) -> Tensor:
        return Tensor(
            name=f"{name}.{label}",
            layer=name,
            label=label,
            role="other",
            shape=facts.shape,
            dtype=facts.dtype,
            storage=facts.storage,
            layout=facts.layout,
            source=source,
        )

    return Quantization(
        scheme=quantizer.scheme,
        source=quantizer.source,
        bits=bits,
        scale=part("scale", quantizer.scale),
        zero_point=part("zero_point", quantizer.zero_point),
        axis=quantizer.axis,
    )


def _describe(found: Found, name: str, known: frozenset[str]) -> tuple[str, str, str]:
    """Return layer, label and role."""
    layer, label = split_name(name)
    if found.section == "optimizer state":
        return layer, label, "optimizer state"
    if found.section == "constant":
        role = role_of(label)
        return layer, label, "constant" if role == "other" else role
    activation = _activation(name, layer, label, known)
    if activation is not None:
        return activation
    role = role_of(label)
    return layer, label, "buffer" if role == "other" and found.section == "buffer" else role


def _activation(
    name: str, layer: str, label: str, known: frozenset[str]
) -> tuple[str, str, str] | None:
    """Recognize the scale or zero point of an activation by its counterpart beside it.

    Quantized modules have ``scale`` and ``zero_point``, converted graphs ``relu_scale_0`` and
    ``relu_zero_point_0``, the latter with ``_input`` where it is a module's input.
    """
    if label in _KINDS:
        other = "zero_point" if label == "scale" else "scale"
        counterpart = f"{name[: len(name) - len(label)]}{other}"
        return (layer, label, f"output {_KINDS[label]}") if counterpart in known else None
    match = _ACTIVATION.fullmatch(name)
    if match is None:
        return None
    owner, suffix, kind = match.groups()
    other = "zero_point" if kind == "scale" else "scale"
    if f"{owner}_{suffix.replace(kind, other)}" not in known:
        return None
    side = "input" if suffix.startswith("input_") else "output"
    return owner, suffix, f"{side} {_KINDS[kind]}"
