"""Layer, label and role of a tensor, read off its dotted name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tensorpeek.loaders.clean import clean

_BY_LABEL = {
    "weight": "weight",
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "pointwise_kernel": "weight",
    "recurrent_kernel": "weight",
    "embedding": "weight",
    "embeddings": "weight",
    "gamma": "weight",
    "weight_ih": "weight",
    "weight_hh": "weight",
    "in_proj_weight": "weight",
    "bias": "bias",
    "in_proj_bias": "bias",
    "beta": "bias",
    "running_mean": "running mean",
    "running_var": "running variance",
    "moving_mean": "running mean",
    "moving_variance": "running variance",
    "num_batches_tracked": "buffer",
}
_PREFIXES = (("weight_", "weight"), ("bias_", "bias"))


def split_name(name: str) -> tuple[str, str]:
    """Split ``features.0.weight`` into its layer and its label within the layer.

    A name without a dot is a layer of its own, whose one tensor has the same label.
    """
    layer, dot, label = name.rpartition(".")
    return (layer, label) if dot and layer and label else (name, name)


def role_of(label: str) -> str:
    """Return the role that a label such as ``weight`` or ``running_var`` tells, else ``other``."""
    known = _BY_LABEL.get(label)
    if known is not None:
        return known
    return next((role for prefix, role in _PREFIXES if label.startswith(prefix)), "other")


def unique_names(names: Iterable[str]) -> list[str]:
    """Make names safe to show, in order, and number those that come again: ``weight (2)``.

    An empty name becomes ``tensor``.
    """
    taken: set[str] = set()
    counts: Counter[str] = Counter()
    result = []
    for name in (clean(name) or "tensor" for name in names):
        candidate = name
        while candidate in taken:
            counts[name] += 1
            candidate = f"{name} ({counts[name] + 1})"
        taken.add(candidate)
        result.append(candidate)
    return result
