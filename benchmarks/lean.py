"""Measure how little large files cost to list: goals are 0.6 s of processor time and 80 MB.

Beside ``tensorpeek ls FILE --json`` run the library of each format, which lists the same facts, and
the limit: what has to be read in any case, not decoded. Other terminal apps follow, on safetensors.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import peers
import sample_files
from listing import Commands, compare, floor, own, python

SAFETENSORS = """
import json, pathlib, sys
from safetensors import safe_open
index = pathlib.Path(sys.argv[1])
for shard in sorted(set(json.loads(index.read_text())["weight_map"].values())):
    with safe_open(index.with_name(shard), "np") as file:
        for name in file.keys():
            entry = file.get_slice(name)
            print(name, entry.get_dtype(), entry.get_shape())
"""
SAFETENSORS_LIMIT = """
import pathlib, sys
index = pathlib.Path(sys.argv[1])
index.read_bytes()
for shard in index.parent.glob("*.safetensors"):
    with shard.open("rb") as file:
        file.read(int.from_bytes(file.read(8), "little"))
"""
TORCH = """
import sys, torch
for name, tensor in torch.load(sys.argv[1], mmap=True, weights_only=True).items():
    print(name, tensor.dtype, tuple(tensor.shape))
"""
TORCH_LIMIT = """
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    names = archive.namelist()
    archive.read(next(name for name in names if name.endswith("data.pkl")))
"""
"""Read the zip's directory and the pickle."""

ONNX = """
import sys, onnx
for tensor in onnx.load(sys.argv[1]).graph.initializer:
    print(tensor.name, tensor.data_type, list(tensor.dims))
"""
ONNX_LIMIT = f"""
import os, sys
handle = os.open(sys.argv[1], os.O_RDONLY)
step = os.fstat(handle).st_size // {sample_files.ONNX_INITIALIZERS}
for index in range({sample_files.ONNX_INITIALIZERS}):
    os.pread(handle, 64, index * step)
"""
"""Read as much as an initializer's name and shape take and jump over its values."""

GGUF = """
import sys, gguf
for tensor in gguf.GGUFReader(sys.argv[1]).tensors:
    print(tensor.name, tensor.tensor_type, list(tensor.shape))
"""
GGUF_LIMIT = """
import sys
with open(sys.argv[1], "rb") as file:
    file.read(int(sys.argv[2]))
"""
"""Read the header: a vocabulary has no index, so all of it has to be stepped through."""

FREE_MEMORY = 8e9
"""Bytes that onnx.load needs for 1.9 GB, with some to spare."""


def main(rounds: int = 3) -> None:
    """Print a table for each large file."""
    with tempfile.TemporaryDirectory(prefix="tensorpeek-") as folder:
        for measure in (_safetensors, _torch, _onnx, _gguf):
            measure(Path(folder), rounds)
    peers.main(rounds)


def _safetensors(folder: Path, rounds: int) -> None:
    path = folder / "model.safetensors.index.json"
    sample_files.write("safetensors set", path)
    files = list(folder.glob("*.safetensors"))
    size = sum(file.stat().st_size for file in files) / 1e9
    count = sample_files.SHARDS * sample_files.SHARD_TENSORS
    title = f"{count:,} tensors, safetensors, {len(files)} files, {size:.1f} GB"
    limit = {"the limit: index and headers": python(SAFETENSORS_LIMIT, path)}
    other = {"safetensors.safe_open": python(SAFETENSORS, path)}
    compare(title, floor() | limit | own(path) | other, rounds)


def _torch(folder: Path, rounds: int) -> None:
    path = _written("torch listing", folder / "listing.pt")
    title = f"{sample_files.TORCH_TENSORS:,} tensors, PyTorch, {_size(path)}"
    limit = {"the limit: zip directory, pickle": python(TORCH_LIMIT, path)}
    other = {"torch.load(mmap, weights_only)": python(TORCH, path)}
    compare(title, floor() | limit | own(path) | other, rounds)


def _onnx(folder: Path, rounds: int) -> None:
    path = _written("onnx listing", folder / "listing.onnx")
    title = f"{sample_files.ONNX_INITIALIZERS} initializers, ONNX, embedded, {_size(path)}"
    limit = {"the limit: names touched": python(ONNX_LIMIT, path)}
    other: Commands = {}
    if _free_memory() > FREE_MEMORY:
        other = {"onnx.load, one run": python(ONNX, path)}
    else:
        title += ", without onnx.load, which needs more memory than is free"
    compare(title, floor() | limit | own(path) | other, rounds, once=other)
    path.unlink()


def _gguf(folder: Path, rounds: int) -> None:
    path = _written("gguf listing", folder / "listing.gguf")
    few = _written("gguf few tokens", folder / "few.gguf")
    blocks = sample_files.BLOCKS * 2 * 4096 * 4096
    title = f"{sample_files.BLOCKS} tensors, {sample_files.TOKENS:,} tokens, GGUF, {_size(path)}"
    header = str(path.stat().st_size - blocks)
    limit = {"the limit: header": [*python(GGUF_LIMIT, path), header]}
    slow = f"gguf.GGUFReader, {sample_files.FEW_TOKENS:,} tokens, one run"
    other = {slow: python(GGUF, few)}
    compare(title, floor() | limit | own(path) | other, rounds, once=other)


def _written(kind: str, path: Path) -> Path:
    sample_files.write(kind, path)
    return path


def _size(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size / 1e9:.2f} GB ({status.st_blocks * 512 / 1e6:.0f} MB on disk)"


def _free_memory() -> float:
    """Return bytes of memory that are free; infinity where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return float("inf")
    facts = dict(line.split(":", 1) for line in lines)
    return 1024 * float(facts["MemAvailable"].split()[0])


if __name__ == "__main__":
    main()
