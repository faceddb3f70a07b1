"""What an input of an ONNX operator is for: the label and the role of a constant there."""

from __future__ import annotations

from tensorpeek.loaders.onnx_format.graph import NodeRecord

_SIGNATURES = {
    "Attention": "- weight bias - - constant",
    "BatchNormalization": "- weight bias running_mean running_var",
    "BiasGelu": "- bias",
    "Clip": "- min max",
    "ConstantOfShape": "shape",
    "Conv": "- weight bias",
    "ConvInteger": "- weight x_zero_point weight_zero_point",
    "ConvTranspose": "- weight bias",
    "DeformConv": "- weight - bias",
    "DequantizeLinear": "- x_scale x_zero_point",
    "DynamicQuantizeLSTM": "- weight recurrence_weight bias - - - - W_scale W_zero_point R_scale "
    "R_zero_point",
    "DynamicQuantizeMatMul": "- weight weight_scale weight_zero_point bias",
    "EmbedLayerNormalization": "- - word_embedding position_embedding segment_embedding gamma beta",
    "Expand": "- shape",
    "FastGelu": "- bias",
    "FusedConv": "- weight bias",
    "FusedGemm": "weight weight bias",
    "FusedMatMul": "weight weight",
    "GRU": "- weight recurrence_weight bias",
    "Gather": "weight indices",
    "GatherBlockQuantized": "weight indices scales zero_points",
    "GatherElements": "- indices",
    "GatherND": "- indices",
    "Gemm": "weight weight bias",
    "GroupNormalization": "- weight bias",
    "InstanceNormalization": "- weight bias",
    "LSTM": "- weight recurrence_weight bias - - - peephole_weight",
    "LayerNormalization": "- weight bias",
    "MatMul": "weight weight",
    "MatMulInteger": "weight weight a_zero_point weight_zero_point",
    "MatMulIntegerToFloat": "weight weight a_scale weight_scale a_zero_point weight_zero_point "
    "bias",
    "MatMulNBits": "- weight weight_scale weight_zero_point g_idx bias",
    "OneHot": "- depth values",
    "PRelu": "- weight",
    "Pad": "- pads constant_value axes",
    "QAttention": "- weight bias x_scale weight_scale - x_zero_point weight_zero_point",
    "QMoE": "- - fc1_weight fc1_scales fc1_bias fc2_weight fc2_scales fc2_bias "
    "fc3_weight fc3_scales fc3_bias fc1_zero_points fc2_zero_points fc3_zero_points",
    "QEmbedLayerNormalization": "- - word_embedding position_embedding segment_embedding gamma "
    "beta",
    "QGemm": "weight x_scale x_zero_point weight weight_scale weight_zero_point bias y_scale "
    "y_zero_point",
    "QLinearConcat": "y_scale y_zero_point",
    "QLinearConv": "- x_scale x_zero_point weight weight_scale weight_zero_point y_scale "
    "y_zero_point bias",
    "QLinearMatMul": "weight x_scale x_zero_point weight weight_scale weight_zero_point y_scale "
    "y_zero_point",
    "QuantizeLinear": "- y_scale y_zero_point",
    "RMSNormalization": "- weight",
    "RNN": "- weight recurrence_weight bias",
    "Range": "start limit delta",
    "Reshape": "- shape",
    "Resize": "- roi scales sizes",
    "SimplifiedLayerNormalization": "- weight",
    "SkipLayerNormalization": "- - weight beta bias",
    "SkipSimplifiedLayerNormalization": "- - weight bias",
    "Slice": "- starts ends axes steps",
    "Split": "- split",
    "Squeeze": "- axes",
    "Tile": "- repeats",
    "TopK": "- k",
    "Unsqueeze": "- axes",
    "Upsample": "- scales",
}  # fmt: skip
"""Labels of an operator's inputs, in order; ``-`` where a constant is not expected."""
_INPUTS = {operator: labels.split() for operator, labels in _SIGNATURES.items()}

_ROLES = {
    "weight": "weight",
    "recurrence_weight": "weight",
    "peephole_weight": "weight",
    **{f"fc{number}_weight": "weight" for number in (1, 2, 3)},
    **{f"fc{number}_bias": "bias" for number in (1, 2, 3)},
    **{f"fc{number}_{part}": "other" for number in (1, 2, 3) for part in ("scales", "zero_points")},
    "word_embedding": "weight",
    "position_embedding": "weight",
    "segment_embedding": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "running_mean": "running mean",
    "running_var": "running variance",
    "x_scale": "input scale",
    "a_scale": "input scale",
    "x_zero_point": "input zero point",
    "a_zero_point": "input zero point",
    "y_scale": "output scale",
    "y_zero_point": "output zero point",
    "weight_scale": "other",
    "weight_zero_point": "other",
    "scales": "other",
    "zero_points": "other",
}
_CONSTANT = frozenset({
    "shape", "min", "max", "indices", "start", "limit", "delta", "pads", "constant_value", "axes",
    "roi", "scales", "sizes", "starts", "ends", "steps", "split", "repeats", "k", "depth",
    "values", "g_idx", "constant",
})  # fmt: skip

ADDITIONS = {"Add": 1, "QLinearAdd": 3}
"""Operators that add, and the sum of the places of the two inputs that are added."""

PRODUCTS = frozenset({
    "MatMul", "MatMulInteger", "FusedMatMul", "MatMulNBits", "DynamicQuantizeMatMul",
    "MatMulIntegerToFloat", "QLinearMatMul", "Conv", "ConvInteger", "ConvTranspose",
})  # fmt: skip
"""Operators after which an added constant is their bias."""


def label_of(node: NodeRecord, index: int) -> tuple[str, str]:
    """Return the label of a node's input and the role of a constant there.

    Where the operator says nothing: ``input_0`` and so on, ``other``.
    """
    labels = _INPUTS.get(node.op_type, ())
    label = labels[index] if index < len(labels) else "-"
    if node.op_type.startswith("Reduce") and index == 1:
        label = "axes"
    if label == "-" and node.op_type.startswith("QLinear"):
        return _quantized_activation(node, index)
    if label == "-":
        return f"input_{index}", "other"
    return label, _role(node, label)


def _role(node: NodeRecord, label: str) -> str:
    if label == "scales" and node.op_type == "GatherBlockQuantized":
        return "other"
    return "constant" if label in _CONSTANT else _ROLES[label]


_BINARY = ("QLinearAdd", "QLinearMul")


def _quantized_activation(node: NodeRecord, index: int) -> tuple[str, str]:
    """Label an input of com.microsoft's QLinear operators: value, scale, zero point, again."""
    if node.op_type == "QLinearConcat":
        kinds, place, side = ("input", "x_scale", "x_zero_point"), (index - 2) % 3, "x"
    else:
        last = 6 if node.op_type in _BINARY else 3
        side = "y" if index >= last else "x"
        place = (index - last + 1) if index >= last else index % 3
        kinds = ("input", f"{side}_scale", f"{side}_zero_point")
    label = kinds[min(max(place, 0), 2)]
    return (f"input_{index}", "other") if label == "input" else (label, _ROLES[label])


_SUFFIXED = ("QLinear", "QGemm", "ConvInteger", "MatMulInteger", "DynamicQuantize")
_WEIGHT_SUFFIXES = ("_quantized", "_DQ_Q2", "_DQ_Q4", "_DQ_Q8", "_Q2", "_Q4", "_Q8")


def original_node(node: NodeRecord) -> str:
    """Return the name of a node without what onnxruntime's quantizers append to it."""
    if node.op_type.startswith(_SUFFIXED):
        return node.name.removesuffix("_quant")
    if node.op_type == "MatMulNBits":
        return node.name.removesuffix(f"_Q{node.integer('bits', 4)}")
    return node.name


def original_weight(name: str) -> str:
    """Return the name of an initializer without what onnxruntime's quantizers append to it."""
    for suffix in _WEIGHT_SUFFIXES:
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix)
    return name
