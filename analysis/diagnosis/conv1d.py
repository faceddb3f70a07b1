"""GPT-2's Conv1D: weights that are stored (in, out) under the names of others that are not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tensorpeek.loaders import Tensor

_LAYER = re.compile(
    r"(?:.*\.)?h\.\d+\.(?:(?:attn|crossattention)\.(?:c_attn|q_attn|c_proj)|mlp\.(?:c_fc|c_proj))"
)
_FUSED = re.compile(r"(?:.*\.)?h\.\d+\.attn\.c_attn")


def stores_conv1d(tensors: Sequence[Tensor]) -> bool:
    """Return whether a model's attention layers are the Conv1D of Hugging Face's GPT-2.

    The names alone do not tell: others have Linear layers of the same names. The shape of the
    layer that makes query, key and value in one does: (n, 3n) where Linear has (3n, n).
    """
    shapes = [one.shape for one in tensors if _is_weight(one) and _FUSED.fullmatch(one.layer)]
    return bool(shapes) and all(outputs == 3 * inputs for inputs, outputs in shapes)


def outputs_last(tensor: Tensor) -> Tensor:
    """Return a weight of such a layer as one whose output channels are the last axis.

    Others, and quantized ones, whose scales tell, are returned as they are.
    """
    if not _is_weight(tensor) or not _LAYER.fullmatch(tensor.layer):
        return tensor
    return replace(tensor, label="kernel")


def with_outputs_known(tensors: Sequence[Tensor], model: Sequence[Tensor]) -> list[Tensor]:
    """Return tensors of a model, the weights of its Conv1D layers as what they are.

    So a scan measures them, and every screen that tells channels apart.
    """
    if not stores_conv1d(model):
        return list(tensors)
    return [outputs_last(tensor) for tensor in tensors]


def _is_weight(tensor: Tensor) -> bool:
    return tensor.label == "weight" and len(tensor.shape) == 2 and tensor.quantization is None
