"""What an input of a TFLite operator is for: the label and the role of a constant there."""

from __future__ import annotations

from tensorpeek.loaders.tflite_format.schema import Op

_LSTM = (
    "- input_to_input_weight input_to_forget_weight input_to_cell_weight input_to_output_weight "
    "recurrent_to_input_weight recurrent_to_forget_weight recurrent_to_cell_weight "
    "recurrent_to_output_weight cell_to_input_weight cell_to_forget_weight cell_to_output_weight "
    "input_gate_bias forget_gate_bias cell_gate_bias output_gate_bias projection_weight "
    "projection_bias - - input_norm_weight forget_norm_weight cell_norm_weight output_norm_weight"
)

_SIGNATURES = {
    Op.BATCH_MATMUL: "weight weight",
    Op.CONV_2D: "- weight bias",
    Op.CONV_3D: "- weight bias",
    Op.CONV_3D_TRANSPOSE: "output_shape weight - bias",
    Op.DEPTHWISE_CONV_2D: "- weight bias",
    Op.EMBEDDING_LOOKUP: "ids weight",
    Op.EMBEDDING_LOOKUP_SPARSE: "ids indices shape - weight",
    Op.FULLY_CONNECTED: "- weight bias",
    Op.GATHER: "weight indices",
    Op.LSTM: _LSTM,
    Op.PRELU: "- weight",
    Op.RNN: "- weight recurrent_weight bias",
    Op.SEQUENCE_LSTM: _LSTM,
    Op.SEQUENCE_RNN: "- weight recurrent_weight bias",
    Op.SVDF: "- feature_weight time_weight bias",
    Op.TRANSPOSE_CONV: "output_shape weight - bias",
}
"""Labels of an operator's inputs, in order; ``-`` where a constant is not expected."""

_LABELS: dict[int, list[str]] = {op: labels.split() for op, labels in _SIGNATURES.items()}

PRODUCTS = frozenset({Op.CONV_2D, Op.DEPTHWISE_CONV_2D, Op.FULLY_CONNECTED, Op.BATCH_MATMUL})
"""Operators after which an added vector is their bias."""

ARITHMETIC = frozenset({Op.ADD, Op.MUL, Op.SUB, Op.DIV})
"""Operators whose constants may be learned: what a normalization adds and multiplies with."""

SAME_VALUES = frozenset({Op.DEQUANTIZE, Op.DENSIFY, Op.TRANSPOSE})
"""Operators behind whose first input a weight is still that weight."""

LAYOUTS: dict[int, str] = {
    Op.CONV_2D: "OHWI",
    Op.DEPTHWISE_CONV_2D: "1HWC",
    Op.TRANSPOSE_CONV: "OHWI",
    Op.CONV_3D: "DHWIO",
    Op.FULLY_CONNECTED: "OI",
}
"""In which order the dimensions of an operator's weight stand (out, in, channel, depth, height,
width)."""


def label_of(code: int, slot: int) -> tuple[str, str]:
    """Return the label of an operator's input and the role of a constant there.

    Where the operator says nothing: an empty label, ``constant`` or, for arithmetic, ``other``.
    """
    labels = _LABELS.get(code, ())
    label = labels[slot] if slot < len(labels) else "-"
    if label.endswith("weight"):
        return label, "weight"
    if label.endswith("bias"):
        return label, "bias"
    return "", "other" if code in ARITHMETIC else "constant"


def weight_slot(code: int) -> int:
    """Return which input is the first weight of an operator, -1 if it has none."""
    labels = _LABELS.get(code, ())
    return next((slot for slot, label in enumerate(labels) if label.endswith("weight")), -1)
