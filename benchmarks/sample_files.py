"""Write the large files that are measured: ``python benchmarks/sample_files.py KIND PATH``.

:func:`write` does so in a process of its own, which gives its memory back. What is only listed has
holes for values, which take no room on disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TORCH_TENSORS = 2000
ONNX_INITIALIZERS = 700
INITIALIZER_SHAPE = (676, 1024)
SHARDS, SHARD_TENSORS = 20, 500
SHARD_SHAPE = (1024, 1024)
TOKENS, FEW_TOKENS = 150_000, 15_000
BLOCKS = 290
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
    """Write 700 float32 initializers of 2.8 MB into the file itself, just short of 2 GB."""
    import onnx

    rows, columns = INITIALIZER_SHAPE
    nbytes = 4 * rows * columns
    raw = b"\x4a" + _varint(nbytes)  # TensorProto.raw_data
    heads = []
    for index in range(ONNX_INITIALIZERS):
        facts = onnx.TensorProto(data_type=1, dims=INITIALIZER_SHAPE, name=f"layer_{index}.weight")
        head = facts.SerializeToString() + raw
        heads.append(b"\x2a" + _varint(len(head) + nbytes) + head)  # GraphProto.initializer
    model = onnx.ModelProto(ir_version=10)
    model.opset_import.add(version=21)
    size = sum(map(len, heads)) + nbytes * len(heads)
    with path.open("wb") as file:
        file.write(model.SerializeToString() + b"\x3a" + _varint(size))  # ModelProto.graph
        for head in heads:
            file.write(head)
            file.seek(nbytes, 1)
        file.truncate()


def _varint(value: int) -> bytes:
    """Encode a number as protobuf does."""
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*result, value])


def write_safetensors_set(path: Path) -> None:
    """Write an index, and beside it 20 shards of 500 bfloat16 tensors of 2 MiB each."""
    weight_map: dict[str, str] = {}
    for shard in range(SHARDS):
        file = f"model-{shard + 1:05}-of-{SHARDS:05}.safetensors"
        names = [f"model.layers.{shard}.part_{index}.weight" for index in range(SHARD_TENSORS)]
        _write_shard(path.with_name(file), names)
        weight_map |= dict.fromkeys(names, file)
    path.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def write_safetensors_file(path: Path) -> None:
    """Write one file with as many tensors as the set has."""
    count = SHARDS * SHARD_TENSORS
    _write_shard(path, [f"model.layers.{n // 500}.part_{n % 500}.weight" for n in range(count)])


def _write_shard(path: Path, names: list[str]) -> None:
    size = 2 * SHARD_SHAPE[0] * SHARD_SHAPE[1]
    header = {
        name: {
            "dtype": "BF16",
            "shape": SHARD_SHAPE,
            "data_offsets": [index * size, (index + 1) * size],
        }
        for index, name in enumerate(names)
    }
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(file.tell() + size * len(names))


def write_gguf_listing(path: Path, tokens: int = TOKENS) -> None:
    """Write a vocabulary with scores, types and merges, and 290 float16 tensors of 32 MiB."""
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"token{index}" for index in range(tokens)])
    writer.add_token_scores([0.0] * tokens)
    writer.add_token_types([1] * tokens)
    writer.add_token_merges([f"to ken{index}" for index in range(tokens)])
    size = 2 * 4096 * 4096
    for index in range(BLOCKS):
        name = f"blk.{index}.attn_q.weight"
        writer.add_tensor_info(name, (4096, 4096), np.dtype(np.float16), size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with path.open("rb+") as file:
        start = -(-file.seek(0, 2) // 32) * 32
        file.truncate(start + BLOCKS * size)


def write_gguf_few_tokens(path: Path) -> None:
    """Write the same with a tenth of the vocabulary."""
    write_gguf_listing(path, FEW_TOKENS)


def write_large_tensor(path: Path) -> None:
    """Write one bfloat16 tensor of 100 million values."""
    import torch

    values = torch.randn(LARGE_PARAMS // 100, generator=torch.Generator().manual_seed(0))
    torch.save({"large.weight": (values * 0.02).to(torch.bfloat16).repeat(100)}, path)


KINDS = {
    "torch listing": write_torch_listing,
    "onnx listing": write_onnx_listing,
    "safetensors file": write_safetensors_file,
    "safetensors set": write_safetensors_set,
    "gguf listing": write_gguf_listing,
    "gguf few tokens": write_gguf_few_tokens,
    "large tensor": write_large_tensor,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](Path(sys.argv[2]))
