"""Small files of every format and scheme, with the values that others find in them."""

from collections.abc import Callable
from pathlib import Path

from scheme_files import (
    flax_schemes,
    gguf_schemes,
    hf_schemes,
    keras_schemes,
    numpy_schemes,
    onnx_schemes,
    safetensors_schemes,
    tflite_schemes,
    torch_schemes,
)
from scheme_files.sample import Array, Sample, Samples

FORMATS: dict[str, Callable[[Path], Samples]] = {
    "PyTorch": torch_schemes.write,
    "safetensors": safetensors_schemes.write,
    "Hugging Face quantization": hf_schemes.write,
    "ONNX": onnx_schemes.write,
    "GGUF": gguf_schemes.write,
    "TFLite": tflite_schemes.write,
    "Keras": keras_schemes.write,
    "Flax": flax_schemes.write,
    "NumPy": numpy_schemes.write,
}
"""What writes the files of each format into a folder."""

__all__ = ["FORMATS", "Array", "Sample", "Samples"]
