"""Write the large files that are measured: ``python benchmarks/sample_files.py KIND PATH``.

:func:`write` does so in a process of its own, which gives its memory back.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TORCH_TENSORS = 2000
ONNX_INITIALIZERS = 700
INITIALIZER_BYTES = 1 << 19
LARGE_PARAMS = 100_000_000


def write(kind: str, path: Path) -> None:
    """Write a file of a kind in another process. Raises CalledProcessError."""
    subprocess.run([sys.executable, str(Path(__file__).resolve()), kind, str(path)], check=True)


def write_torch_listing(path: Path) -> None:
    """Write 2,000 float32 tensors of 1 MiB; their values are holes in the file and take no room."""
    import torch

    tensors = {
        f"model.layers.{index // 4}.part_{index % 4}.weight": torch.empty(256, 1024)
        for index in range(TORCH_TENSORS)
    }
    with torch.serialization.skip_data():
        torch.save(tensors, path)


def write_onnx_listing(path: Path) -> None:
    """Write 700 float32 initializers of 512 KiB into the file itself."""
    import onnx

    content = bytes(INITIALIZER_BYTES)
    shape = (256, INITIALIZER_BYTES // 1024)
    weights = [
        onnx.helper.make_tensor(f"layer_{index}.weight", 1, shape, content, raw=True)
        for index in range(ONNX_INITIALIZERS)
    ]
    graph = onnx.helper.make_graph([], "graph", [], [], weights)
    onnx.save_model(onnx.helper.make_model(graph), str(path))


def write_large_tensor(path: Path) -> None:
    """Write one bfloat16 tensor of 100 million values."""
    import torch

    values = torch.randn(LARGE_PARAMS // 100, generator=torch.Generator().manual_seed(0))
    torch.save({"large.weight": (values * 0.02).to(torch.bfloat16).repeat(100)}, path)


KINDS = {
    "torch listing": write_torch_listing,
    "onnx listing": write_onnx_listing,
    "large tensor": write_large_tensor,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](Path(sys.argv[2]))
