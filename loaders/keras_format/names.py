"""Layer, label and role of every dataset: by the lists of TF-Keras, or the paths of Keras 3."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tensorpeek.loaders.keras_format.model_config import ModelConfig, snake_case
from tensorpeek.loaders.keras_format.outline import Dataset, Outline
from tensorpeek.loaders.keras_format.variable_labels import labels_of
from tensorpeek.loaders.naming import role_of

_ROOT = "model_weights"
_OPTIMIZERS = ("optimizer", "optimizer_weights")
_VARIABLES = "vars"
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
_SUFFIX = re.compile(r":\d+\Z")
_DIGITS = re.compile(r"(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Named:
    """A dataset, how it is called, and where in a layer it belongs.

    ``group`` is the path of a layer of Keras 3 whose variables are known.
    """

    dataset: Dataset
    name: str
    layer: str
    label: str
    role: str
    group: str | None = None


def is_keras3(outline: Outline) -> bool:
    """Whether variables are numbered: ``layers/dense/vars/0``."""
    return any(_is_variable(one.path) for one in outline.datasets)


def name_datasets(outline: Outline, config: ModelConfig) -> list[Named]:
    """Name all datasets: layers in the order that the file tells, optimizer state last."""
    listed = sorted(outline.datasets, key=lambda one: _natural(one.path))
    named = _keras3(outline, config, listed) if is_keras3(outline) else _by_lists(outline, listed)
    return sorted(named, key=lambda one: one.role == "optimizer state")


def _by_lists(outline: Outline, listed: Iterable[Dataset]) -> list[Named]:
    """Name datasets by the attributes layer_names and weight_names, the rest by their paths."""
    root = _ROOT if outline.texts(_ROOT, "layer_names") else ""
    places: dict[str, tuple[int, str, str]] = {}
    for layer in outline.texts(root, "layer_names"):
        group = f"{root}/{layer}".strip("/")
        for weight in outline.texts(group, "weight_names"):
            places.setdefault(f"{group}/{weight}", (len(places), layer, weight))
    found: list[tuple[int, Named]] = []
    for one in listed:
        place = places.get("/".join(one.path))
        named = _by_path(one) if place is None else _by_list(one, place[1], place[2])
        found.append((len(places) if place is None else place[0], named))
    return [named for _, named in sorted(found, key=lambda pair: pair[0])]


def _by_list(one: Dataset, layer: str, weight: str) -> Named:
    """Name a weight; what it repeats of its layer's name, and what stands before, is left out."""
    outer, parts = layer.split("/"), weight.split("/")
    for start in range(len(parts) - len(outer)):
        if parts[start : start + len(outer)] == outer:
            parts = parts[start + len(outer) :]
            break
    label = _SUFFIX.sub("", parts[-1])
    name = "/".join((layer, *parts))
    return Named(one, name, "/".join((layer, *parts[:-1])), label, role_of(label))


def _by_path(one: Dataset) -> Named:
    name = "/".join(one.path)
    label = _SUFFIX.sub("", one.path[-1])
    role = "optimizer state" if one.path[0] in _OPTIMIZERS else role_of(label)
    return Named(one, name, "/".join(one.path[:-1]) or name, label, role)


def _keras3(outline: Outline, config: ModelConfig, listed: Iterable[Dataset]) -> list[Named]:
    groups: dict[tuple[str, ...], list[Dataset]] = defaultdict(list)
    others = []
    for one in listed:
        if _is_variable(one.path):
            groups[one.path[:-2]].append(one)
        else:
            others.append(_by_path(one))
    order = {path: index for index, path in enumerate(config.groups)}
    layers = _layer_names(outline, config, groups)
    found: list[Named] = []
    for path in sorted(groups, key=lambda path: _place(order, path)):
        found += _variables(outline, config, groups[path], layers[path])
    return found + others


def _variables(
    outline: Outline, config: ModelConfig, variables: list[Dataset], layer: str
) -> list[Named]:
    """Name the variables of one layer, which stand in order."""
    path = variables[0].path[:-2]
    known = config.groups.get("/".join(path))
    kinds = [path[-1], outline.text("/".join((*path, _VARIABLES)), "name") or ""] if path else []
    if known is not None:
        kinds.insert(0, snake_case(known.kind))
    if path and path[-1].endswith("_dense"):  # the projections of an attention layer
        kinds.append("einsum_dense")
    whole = [one.path[-1] for one in variables] == [str(index) for index in range(len(variables))]
    types = "".join({"int8": "i", "uint8": "u"}.get(one.dtype, "f") for one in variables)
    settings = known.settings if known is not None else None
    labels = labels_of(kinds, types, settings) if whole else None
    found = []
    for index, one in enumerate(variables):
        label = labels[index] if labels else f"variable {one.path[-1]}"
        role = _role(path, label)
        group = "/".join(path) if labels and role != "optimizer state" else None
        found.append(Named(one, "/".join(one.path), layer, label, role, group))
    return found


def _role(path: tuple[str, ...], label: str) -> str:
    if path and path[0] in _OPTIMIZERS:
        return "optimizer state"
    if label == "scale":
        return "weight"
    if label.endswith(("_scale", "_scales", "_zero")) or label == "g_idx":
        return "constant"
    if label.endswith(("_state", "_history")) or label in ("mean", "variance", "count"):
        return "buffer"
    if path and path[0].lstrip("_").startswith(("metric", "compile_metric", "loss")):
        return "buffer"
    return role_of(label)


def _layer_names(
    outline: Outline, config: ModelConfig, paths: Iterable[tuple[str, ...]]
) -> dict[tuple[str, ...], str]:
    """Return the names of layers as the model has them; where two are alike, the file's paths."""
    names = {path: _layer_name(outline, config, path) for path in paths}
    owners: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for path, name in names.items():
        owners[name].append(path)
    return {
        path: name if len(owners[name]) == 1 else "/".join(path) or name
        for path, name in names.items()
    }


def _layer_name(outline: Outline, config: ModelConfig, path: tuple[str, ...]) -> str:
    parts = []
    for depth, part in enumerate(path, start=1):
        if part in _CONTAINERS:
            continue
        at = "/".join(path[:depth])
        told = outline.text(f"{at}/{_VARIABLES}", "name")
        known = config.groups.get(at)
        parts.append(told or (known.name if known is not None else "") or part)
    return "/".join(parts) or outline.text(_VARIABLES, "name") or "model"


def _is_variable(path: tuple[str, ...]) -> bool:
    return len(path) > 1 and path[-2] == _VARIABLES and path[-1].isdecimal()


def _place(order: dict[str, int], path: tuple[str, ...]) -> tuple[list[int], object]:
    """Return a key by which layers stand in the order of the configuration, then by name."""
    steps = [order.get("/".join(path[:depth]), len(order)) for depth in range(2, len(path) + 1, 2)]
    return steps or [len(order)], _natural(path)


def _natural(path: tuple[str, ...]) -> list[list[tuple[int, str]]]:
    """Return a key by which 2 stands before 10."""
    return [
        [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(step)]
        for step in path
    ]
