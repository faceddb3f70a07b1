"""Write the ONNX samples: float, int8 as QDQ, and uint8 as QOperator."""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path

import onnx
import onnxruntime
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from torch.fx import GraphModule
from torch_samples import INPUT_SHAPE

OPSET = 17


class Images(CalibrationDataReader):
    """Images (N, 3, 32, 32), handed to the calibration one by one."""

    def __init__(self, images: torch.Tensor) -> None:
        self._batches = iter(images.split(1))

    def get_next(self) -> dict[str, object] | None:
        """Return the next image by the name of the model's input, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch.numpy()}


def save_float(model: GraphModule, path: Path) -> None:
    """Export the graph, its nodes named as the layers are."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The newer exporter needs onnxscript and does not keep layer names.
        warnings.filterwarnings("ignore", "You are using the legacy", DeprecationWarning)
        torch.onnx.export(
            model,
            (torch.zeros(INPUT_SHAPE),),
            buffer,
            input_names=["images"],
            output_names=["logits"],
            opset_version=OPSET,
            dynamo=False,
        )
    exported = onnx.load_from_string(buffer.getvalue())
    _name_by_layer(exported.graph)
    onnx.checker.check_model(exported, full_check=True)
    onnx.save(exported, path)


def _name_by_layer(graph: onnx.GraphProto) -> None:
    """Rename ``/conv2d_1/Conv`` to ``conv2d_1``, its output too, and drop remarks on sources."""
    names = {node.output[0]: node.name.strip("/").split("/")[0].lower() for node in graph.node}
    results = {output: name for output, name in names.items() if output != "logits"}
    for node in graph.node:
        node.name = names[node.output[0]]
        node.doc_string = ""
        node.input[:] = [results.get(name, name) for name in node.input]
        node.output[:] = [results.get(name, name) for name in node.output]


def save_quantized(
    source: Path, path: Path, calibration: torch.Tensor, *, style: QuantFormat
) -> None:
    """Quantize the float ONNX file: QDQ to int8 per channel, QOperator to uint8 per tensor."""
    is_qdq = style is QuantFormat.QDQ
    logging.getLogger().setLevel(logging.ERROR)  # it advises a pass that changes nothing here
    quantize_static(
        source,
        path,
        Images(calibration),
        quant_format=style,
        per_channel=is_qdq,
        activation_type=QuantType.QInt8 if is_qdq else QuantType.QUInt8,
        weight_type=QuantType.QInt8 if is_qdq else QuantType.QUInt8,
    )
    onnx.checker.check_model(onnx.load(path))


def predict(path: Path, images: torch.Tensor) -> torch.Tensor:
    """Return the logits (N, 10) that ONNX Runtime computes for images (N, 3, 32, 32)."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rows = [session.run(None, {"images": image.numpy()})[0] for image in images.split(1)]
    return torch.cat([torch.from_numpy(row) for row in rows])
