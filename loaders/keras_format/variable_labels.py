"""What the numbered variables of a Keras 3 layer are: kernel, bias, gamma, moving mean ...

The order is that in which the layers of Keras 3.15 create their variables; it is the same in
``save_own_variables``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_CONVOLUTION = re.compile(r"(?:depthwise_)?conv\dd(?:_transpose)?")
_SEPARABLE = re.compile(r"separable_conv\dd")
_KERNEL = ("kernel", "bias")

_LABELS: Mapping[str, tuple[str, ...]] = {
    "dense": _KERNEL,
    "einsum_dense": _KERNEL,
    "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "layer_normalization": ("gamma", "beta"),
    "group_normalization": ("gamma", "beta"),
    "rms_normalization": ("scale",),
    "normalization": ("mean", "variance", "count"),
    "embedding": ("embeddings",),
    "lstm_cell": ("kernel", "recurrent_kernel", "bias"),
    "gru_cell": ("kernel", "recurrent_kernel", "bias"),
    "simple_rnn_cell": ("kernel", "recurrent_kernel", "bias"),
    "cell": ("kernel", "recurrent_kernel", "bias"),
    "p_re_lu": ("alpha",),
    "seed_generator": ("seed_generator_state",),
}

_SWITCHES = {"bias": "use_bias", "beta": "center", "gamma": "scale"}
"""The setting that leaves a variable out."""

_BOTH = ("kernel", "bias")
_GROUPS = ("kernel_scale", "kernel_zero", "g_idx")
_AMAX = (
    *("inputs_scale", "inputs_amax_history", "kernel_scale", "kernel_amax_history"),
    *("outputs_grad_scale", "outputs_grad_amax_history"),
)
_QUANTIZED: Mapping[str, Mapping[tuple[str, ...], str]] = {
    "kernel": {
        (*_BOTH, "kernel_scale"): "iff",
        (*_BOTH, *_GROUPS): "iffif",
        (*_BOTH, *_AMAX): "ffffffff",
        ("bias", "kernel", *_GROUPS): "fufuf",
        ("bias", "kernel", "kernel_scale", "kernel_zero", "awq_scales", "g_idx"): "fufuff",
    },
    "embeddings": {
        ("embeddings", "embeddings_scale"): "if",
        ("embeddings", "embeddings_scale", "embeddings_zero", "g_idx"): "ifif",
    },
}
"""The variables of quantized layers: of 8 bits, 4 bits, float8, GPTQ, AWQ; and their types.

The types are i for int8, u for uint8 and f for others; no two layers have the same ones. The lists
are those of the layers' ``variable_serialization_spec``.
"""


def labels_of(
    kinds: Sequence[str], types: str, settings: Mapping[str, object] | None
) -> tuple[str, ...] | None:
    """Return the labels of the variables of a layer, or None if they cannot be told.

    ``kinds`` are the names that may tell its class, the surest first; ``types`` has a letter for
    each variable: i for int8, u for uint8 and f for others.
    """
    full = next((labels for kind in kinds if (labels := _labels(kind)) is not None), None)
    if full is None:
        return None
    for labels in _variants(full, settings):
        if len(labels) == len(types) == types.count("f"):
            return labels
    for labels, letters in _QUANTIZED.get(full[0], {}).items():
        if letters == types:
            return labels
        bias = labels.index("bias") if "bias" in labels else len(labels)
        if letters[:bias] + letters[bias + 1 :] == types:
            return labels[:bias] + labels[bias + 1 :]
    return None


def _labels(kind: str) -> tuple[str, ...] | None:
    base = re.sub(r"_\d+\Z", "", kind)
    if _CONVOLUTION.fullmatch(base):
        return _KERNEL
    if _SEPARABLE.fullmatch(base):
        return ("depthwise_kernel", "pointwise_kernel", "bias")
    return _LABELS.get(base)


def _variants(
    full: tuple[str, ...], settings: Mapping[str, object] | None
) -> tuple[tuple[str, ...], ...]:
    """Return the sets of variables that a layer can have.

    With its settings that is one. Without them all of them, or those that only one set of
    switches gives: a layer of one variable has no bias, a batch normalization of two only its
    statistics.
    """
    switched = {
        label for label, name in _SWITCHES.items() if settings and settings.get(name) is False
    }
    if settings is not None:
        return (tuple(label for label in full if label not in switched),)
    if "gamma" in full:
        return (full, tuple(label for label in full if label not in _SWITCHES))
    return (full, tuple(label for label in full if label != "bias"))
