"""Read the configuration of a Keras model: the kinds of its layers, and what it would execute."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.safetensors_format.json_object import JsonError, parse_object

LAMBDA_WARNING = "holds a Lambda layer: its code is never decoded"

MAX_WARNINGS = 20

MAX_DIMENSIONS = 16
"""Dimensions of a shape that is taken from a configuration."""

_MODES = ("int8", "int4", "float8", "gptq", "awq")
_OURS = re.compile(r"(?:keras|tensorflow|tf_keras|builtins)(?:\..*)?")
_FIRST = re.compile(r"(.)([A-Z][a-z]+)")
_SECOND = re.compile(r"([a-z])([A-Z])")


@dataclass(frozen=True, slots=True)
class LayerConfig:
    """What the configuration says of a layer: its name, its class, its settings.

    ``inputs`` is the shape for which it was built, None where that is not told.
    """

    name: str
    kind: str
    settings: Mapping[str, object]
    inputs: tuple[int | None, ...] | None = None

    @property
    def mode(self) -> str | None:
        """How the layer is quantized: ``int8``, ``int4/128``, ``gptq/4/128``; None if it is not."""
        policy = self.settings.get("dtype")
        inner = policy.get("config") if isinstance(policy, dict) else None
        told = inner.get("mode", inner.get("name")) if isinstance(inner, dict) else policy
        mode = told.partition("_from_")[0] if isinstance(told, str) else ""
        return mode if mode.startswith(_MODES) else None


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """``groups`` are layers by the path under which Keras 3 stores them: ``layers/conv2d_1``."""

    groups: Mapping[str, LayerConfig] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_config(text: str | bytes) -> ModelConfig:
    """Read a configuration; one that is damaged gives a warning and nothing else."""
    try:
        content = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
        root = parse_object(content)
    except JsonError as error:
        return ModelConfig(warnings=(f"its configuration {error}",))
    return ModelConfig(dict(_groups(root)), tuple(_doubts(root)))


def snake_case(kind: str) -> str:
    """Write a class's name as Keras 3 names groups: ``Conv2DTranspose`` is conv2d_transpose.

    The rule is that of ``keras.src.utils.naming.to_snake_case``.
    """
    name = re.sub(r"\W+", "", kind)
    return _SECOND.sub(r"\1_\2", _FIRST.sub(r"\1_\2", name)).lower()


def _groups(root: Mapping[str, object]) -> Iterator[tuple[str, LayerConfig]]:
    pending = [("", root)]
    while pending:
        prefix, model = pending.pop()
        settings = model.get("config")
        layers = settings.get("layers") if isinstance(settings, dict) else None
        counts: Counter[str] = Counter()
        for layer in layers if isinstance(layers, list) else ():
            found = _layer(layer)
            if found is None:
                continue
            base = snake_case(found.kind)
            group = f"{base}_{counts[base]}" if counts[base] else base
            counts[base] += 1
            yield f"{prefix}layers/{group}", found
            pending.append((f"{prefix}layers/{group}/", layer))


def _layer(value: object) -> LayerConfig | None:
    if not isinstance(value, dict):
        return None
    kind, settings = value.get("class_name"), value.get("config")
    if not isinstance(kind, str) or not isinstance(settings, dict) or len(kind) > 200:
        return None
    name = settings.get("name", value.get("name"))
    inputs = shape_from(_member(value.get("build_config"), "input_shape"))
    return LayerConfig(name if isinstance(name, str) else "", kind, settings, inputs)


def shape_from(value: object) -> tuple[int | None, ...] | None:
    """Return a shape in which some sizes may be unknown, None if the value is no shape."""
    if not isinstance(value, list) or len(value) > MAX_DIMENSIONS:
        return None
    fine = all(size is None or (type(size) is int and 0 < size < 1 << 40) for size in value)
    return tuple(value) if fine else None


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _doubts(root: Mapping[str, object]) -> Iterator[str]:
    """Say what loading the model in Keras could execute."""
    lambdas, foreign = False, dict[str, None]()
    for part in _objects(root):
        kind, module = part.get("class_name"), part.get("module")
        lambdas = lambdas or kind in ("Lambda", "__lambda__")
        if isinstance(module, str) and isinstance(kind, str):
            outside = module.partition(".")[0] == "builtins" or not _OURS.fullmatch(module)
            if outside and not (module == "builtins" and kind == "function"):
                foreign[clean(f"{module}.{kind}", 120)] = None
    if lambdas:
        yield LAMBDA_WARNING
    for name in list(foreign)[:MAX_WARNINGS]:
        yield f"names {name}, which is not of Keras and is never imported"
    if len(foreign) > MAX_WARNINGS:
        yield f"names {len(foreign) - MAX_WARNINGS:,} more classes that are not of Keras"


def _objects(root: object) -> Iterator[Mapping[str, object]]:
    pending = [root]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield value
            pending += value.values()
        elif isinstance(value, list):
            pending += value
