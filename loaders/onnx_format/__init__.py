"""ONNX models: initializers, external data, and the quantization that the graph tells."""
