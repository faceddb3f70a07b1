"""Show the stored parts of each quantized weight as the one tensor that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.hf_quantization.awq import awq_gemm, awq_gemv, awq_gemv_fast, packed_words
from tensorpeek.loaders.hf_quantization.bitsandbytes_weights import four_bits, int8_rows
from tensorpeek.loaders.hf_quantization.configuration import read_configuration
from tensorpeek.loaders.hf_quantization.gptq import gptq
from tensorpeek.loaders.hf_quantization.hints import Hints, hints_of, metadata_of
from tensorpeek.loaders.hf_quantization.hqq import hqq
from tensorpeek.loaders.hf_quantization.misfits import Misfit, misfit_warnings
from tensorpeek.loaders.hf_quantization.nibble_floats import mxfp4_blocks
from tensorpeek.loaders.hf_quantization.packed_integers import packed
from tensorpeek.loaders.hf_quantization.parts import Layer, MisfitError, UnknownSchemeError, Weight
from tensorpeek.loaders.hf_quantization.scaled import with_scale
from tensorpeek.loaders.hf_quantization.torchao_tensors import (
    PARTS,
    TORCHAO,
    Described,
    bases_of,
    described,
    described_within,
    torchao,
)
from tensorpeek.loaders.naming import role_of, split_name
from tensorpeek.loaders.tensor import Tensor

Joiner = Callable[[Layer, Hints], Weight | None]

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True)
class Joined:
    """The tensors of a model with its quantized weights put together, in file order."""

    tensors: tuple[Tensor, ...]
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


def join_beside(
    path: Path, tensors: Sequence[Tensor], descriptions: Mapping[str, str] = _NOTHING
) -> Joined:
    """Join the parts of the model at ``path`` as the configuration beside it says."""
    config, warnings = read_configuration(path.parent)
    joined = join_parts(tensors, config, descriptions)
    return Joined(joined.tensors, (*warnings, *joined.warnings), joined.metadata)


def join_parts(
    tensors: Sequence[Tensor],
    config: Mapping[str, object] | None,
    descriptions: Mapping[str, str] = _NOTHING,
) -> Joined:
    """Return the tensors with those that make up one quantized weight as one tensor.

    It stands where its first part stood and has the parts as its ``parts``. ``config`` is the
    model's quantization configuration, if known; else names, types and shapes tell the scheme.
    ``descriptions`` are what torchao wrote of the tensors of the model, by their names. Parts that
    do not fit together, and those of an unknown method, stay as they are, with a warning. Shapes,
    and a little JSON, are read; codes and scales are not.
    """
    hints = hints_of(config)
    told = {one.name: one for one in described(descriptions)}
    by_name = {tensor.name: tensor for tensor in tensors}
    if not hints.is_known and not (hints.method == TORCHAO and _is_described(told, by_name)):
        reason = "describes no tensor here" if hints.method == TORCHAO else "is not known"
        warning = f"quantization method {hints.method} {reason}: its parts are shown as stored"
        return Joined(tuple(tensors), (warning,), metadata_of(config))
    weights, misfits = _weights(tensors, _main_parts(told, by_name), by_name, hints)
    listed = _listed(tensors, weights) if weights else tuple(tensors)
    return Joined(listed, tuple(misfit_warnings(misfits)), metadata_of(config))


def _is_described(told: Mapping[str, Described], names: Iterable[str]) -> bool:
    """Whether there are descriptions by torchao, in the metadata or among the parts."""
    return bool(told) or any(name.endswith(f".{TORCHAO}") for name in names)


def _main_parts(
    told: Mapping[str, Described], by_name: Mapping[str, Tensor]
) -> dict[str, tuple[str, Joiner]]:
    """Return how to join each weight of torchao, by the name of the first part that is there."""
    found: dict[str, tuple[str, Joiner]] = {}
    for name, one in told.items():
        for base in bases_of(name):
            parts = (f"{base}{label}" for label in PARTS)
            first = next((part for part in parts if part in by_name), None)
            if first is not None:
                found[first] = base, partial(_described, one)
    return found


def _described(one: Described, layer: Layer, _: Hints) -> Weight:
    return torchao(layer, one)


def _weights(
    tensors: Sequence[Tensor],
    main_parts: Mapping[str, tuple[str, Joiner]],
    by_name: Mapping[str, Tensor],
    hints: Hints,
) -> tuple[list[Weight], list[Misfit]]:
    """Return the weights that can be put together, and the names of others with the reason."""
    weights: list[Weight] = []
    misfits: list[Misfit] = []
    taken: set[str] = set()
    for tensor in tensors:
        found = main_parts.get(tensor.name)
        if found is None and tensor.name.endswith(_ENDINGS):
            found = _joiner(tensor.name)
        if found is None:
            continue
        base, join = found
        try:
            weight = join(Layer(base, by_name), hints)
            if weight is None:
                continue
            names = {part.name for part in weight.parts}
            _check_free(weight, names, taken, by_name)
        except (MisfitError, LoadError) as error:
            misfits.append((tensor.name, error))
            continue
        taken |= names | {weight.name}
        weights.append(weight)
    return weights, misfits


def _check_free(
    weight: Weight, names: set[str], taken: set[str], by_name: Mapping[str, Tensor]
) -> None:
    if weight.name in by_name and weight.name not in names:
        raise MisfitError("there is a weight of that name beside its parts")
    if not taken.isdisjoint(names | {weight.name}):
        raise MisfitError("its parts belong to another weight too")


def _listed(tensors: Sequence[Tensor], weights: Sequence[Weight]) -> tuple[Tensor, ...]:
    by_part = {part.name: weight for weight in weights for part in weight.parts}
    listed: list[Tensor] = []
    done: set[str] = set()
    for tensor in tensors:
        weight = by_part.get(tensor.name)
        if weight is None:
            listed.append(tensor)
        elif weight.name not in done:
            done.add(weight.name)
            listed.append(_tensor(weight))
    return tuple(listed)


def _tensor(weight: Weight) -> Tensor:
    layer, label = split_name(weight.name)
    if layer != weight.name:
        layer = weight.parts[0].layer
    plain = weight.plain
    return Tensor(
        name=weight.name,
        layer=layer,
        label=label,
        role="weight" if plain is None else role_of(label),
        shape=weight.shape,
        dtype=weight.dtype,
        storage=plain.storage if plain is not None else None,
        layout=plain.layout if plain is not None else None,
        codec=weight.codec,
        stored_nbytes=sum(part.nbytes for part in weight.parts),
        quantization=weight.quantization,
        aliases=plain.aliases if plain is not None else (),
        source=weight.parts[0].source,
        parts=weight.parts,
    )


def _joiner(name: str) -> tuple[str, Joiner] | None:
    """Return the base of the layer whose weight the tensor ``name`` is the main part of."""
    for ending, join in _BY_ENDING.items():
        if name.endswith(f".{ending}") or name == ending:
            return name[: len(name) - len(ending)], join
    for kind in ("nf4", "fp4"):
        parameter = name.removesuffix(f".quant_state.bitsandbytes__{kind}")
        if parameter != name:
            return _of_parameter(parameter, kind)
    if name.endswith("_blocks"):
        base, label = _split(name.removesuffix("_blocks"))
        return base, lambda layer, _: mxfp4_blocks(layer, label)
    return None


def _of_parameter(parameter: str, kind: str) -> tuple[str, Joiner]:
    base, label = _split(parameter)
    return base, lambda layer, _: four_bits(layer, label, kind)


def _split(name: str) -> tuple[str, str]:
    layer, dot, label = name.rpartition(".")
    return layer + dot, label


def _words(layer: Layer, hints: Hints) -> Weight:
    if "marlin" in hints.form:
        raise UnknownSchemeError(f"{(hints.method or 'gptq').upper()} Marlin")
    qweight = layer.by_name[layer.base + "qweight"]
    if qweight.dtype == "int16":
        return awq_gemv_fast(layer, hints)
    form = packed_words(Layer(layer.base, layer.by_name), hints)
    return {"gptq": gptq, "gemm": awq_gemm, "gemv": awq_gemv}[form](layer, hints)


def _marlin(layer: Layer, _: Hints) -> None:
    """Raise UnknownSchemeError for the parts ``B`` and ``s`` of AutoGPTQ's and Marlin's layers."""
    scale = layer.by_name.get(layer.base + "s")
    if scale is not None and layer.by_name[layer.base + "B"].dtype == "int32":
        raise UnknownSchemeError("GPTQ Marlin")


def _aqlm(layer: Layer, _: Hints) -> None:
    """Raise UnknownSchemeError for codes beside their codebooks."""
    if layer.base + "codes" in layer.by_name:
        raise UnknownSchemeError("AQLM")


def _quanto(layer: Layer, _: Hints) -> None:
    """Raise UnknownSchemeError for the parts of a tensor subclass of optimum-quanto."""
    if layer.base + "weight._scale" in layer.by_name:
        raise UnknownSchemeError("quanto")


def _scaled_by(label: str) -> Joiner:
    def join(layer: Layer, hints: Hints) -> Weight | None:
        if layer.base + "weight" not in layer.by_name:
            return None
        return with_scale(layer, hints, label)

    return join


_BY_ENDING: dict[str, Joiner] = {
    "qweight": _words,
    "W_q": lambda layer, _: hqq(layer),
    "B": _marlin,
    "codebooks": _aqlm,
    "weight._data": _quanto,
    TORCHAO: lambda layer, _: described_within(layer),
    "SCB": lambda layer, _: int8_rows(layer),
    "weight_packed": packed,
    "weight_scale": _scaled_by("weight_scale"),
    "weight_scale_inv": _scaled_by("weight_scale_inv"),
    "scale_weight": _scaled_by("scale_weight"),
}
_ENDINGS = (*_BY_ENDING, "__nf4", "__fp4", "_blocks")
