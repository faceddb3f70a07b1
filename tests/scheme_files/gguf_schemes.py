"""Files of GGUF: every type of ggml that gguf-py can decode, both byte orders, a split model."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from gguf.constants import GGML_QUANT_SIZES
from gguf_files import ARRAY, Q2_0, STRING, UINT32, V3, Entry, Format

from scheme_files.sample import Array, Sample, Samples, codes, pack_bits, place, scales, weights

BLOCKS = [
    kind
    for kind in Kind
    if GGML_QUANT_SIZES[kind][0] > 1 and kind.name not in {"Q1_0", "Q8_1", "Q8_K"}
]
PLAIN = {
    Kind.F32: "float32", Kind.F16: "float16", Kind.F64: "float64", Kind.I8: "int8",
    Kind.I16: "int16", Kind.I32: "int32", Kind.I64: "int64",
}  # fmt: skip
NAME = "blk.0.attn_q.weight"
ROWS = 2


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    for kind, dtype in PLAIN.items():
        values = (codes(-99, 99) if dtype.startswith("int") else weights()).astype(dtype)
        path = place(folder, kind.name, "model.gguf")
        path.write_bytes(_file(kind, values.shape, values.tobytes()))
        truth = gguf.GGUFReader(path).tensors[0].data
        yield Sample(kind.name, path, NAME, {"dequantized": np.array(truth)}, "gguf.GGUFReader")
    yield _brain_floats(folder)
    for kind in BLOCKS:
        yield _blocks(folder, kind)
    yield _two_bits(folder)
    yield _other_order(folder)
    yield _split(folder)


def _two_bits(folder: Path) -> Sample:
    """Write Q2_0, which gguf-py does not decode yet: 64 codes less 1, times a scale."""
    path = place(folder, "Q2_0", "model.gguf")
    raw = codes(0, 3, (ROWS * 2, 64))
    step = scales(ROWS * 2, 1).astype(np.float16)
    blocks = np.concatenate([step.view(np.uint8), pack_bits(raw, 2)], axis=1)
    path.write_bytes(_file(Q2_0, (ROWS, 128), blocks.tobytes()))
    values = ((raw - 1) * step.astype(np.float32)).astype(np.float32).reshape(ROWS, 128)
    truths = {"dequantized": values, "raw": (raw - 1).astype(np.int8).reshape(ROWS, 128)}
    return Sample("Q2_0", path, NAME, truths, "ggml's formula, in NumPy")


def _file(kind: Kind | int, shape: tuple[int, ...], content: bytes, form: Format = V3) -> bytes:
    words = b"".join(form.text(word) for word in ("<s>", "a", "b"))
    pairs = [
        form.pair("general.architecture", STRING, form.text("llama")),
        form.pair("llama.block_count", UINT32, form.pack("I", 1)),
        form.pair("tokenizer.ggml.tokens", ARRAY, form.array(STRING, 3, words)),
    ]
    return form.file(pairs, [Entry(NAME, shape[::-1], int(kind), 0)], content)


def _brain_floats(folder: Path) -> Sample:
    path = place(folder, "BF16", "model.gguf")
    stored = gguf.quants.quantize(weights(special=False), Kind.BF16)
    path.write_bytes(_file(Kind.BF16, weights().shape, stored.tobytes()))
    import ml_dtypes

    truth = gguf.quants.dequantize(stored, Kind.BF16).astype(ml_dtypes.bfloat16)
    return Sample("BF16", path, NAME, {"dequantized": truth}, "gguf.quants.dequantize")


def _drawn(kind: Kind) -> tuple[Array, Array]:
    """Return blocks of random bits whose values are finite and moderate, and those values."""
    width, size = GGML_QUANT_SIZES[kind]
    bits = np.random.default_rng(kind.value).integers(0, 256, (400, size), np.uint8)
    with np.errstate(all="ignore"):
        values = np.stack([gguf.quants.dequantize(row, kind) for row in bits])
        top = np.abs(values).max(axis=1)
        chosen = np.flatnonzero(np.isfinite(values).all(axis=1) & (top > 1e-3) & (top < 1e4))
    count = ROWS * max(1, 256 // width)
    return bits[chosen[:count]], values[chosen[:count]].reshape(ROWS, -1)


def _blocks(folder: Path, kind: Kind) -> Sample:
    path = place(folder, kind.name, "model.gguf")
    stored, truth = _drawn(kind)
    path.write_bytes(_file(kind, truth.shape, stored.tobytes()))
    return Sample(kind.name, path, NAME, {"dequantized": truth}, "gguf.quants.dequantize")


def _other_order(folder: Path) -> Sample:
    path = place(folder, "Q8_0, big-endian", "model.gguf")
    stored, truth = _drawn(Kind.Q8_0)
    swapped = stored.copy()
    swapped[:, [0, 1]] = swapped[:, [1, 0]]
    path.write_bytes(_file(Kind.Q8_0, truth.shape, swapped.tobytes(), Format(3, "big")))
    truths = {"dequantized": truth}
    return Sample("Q8_0, big-endian", path, NAME, truths, "gguf.quants.dequantize")


def _split(folder: Path) -> Sample:
    path = place(folder, "F32, split in two", "model.gguf")
    writer = gguf.GGUFWriter(path, "llama", split_max_tensors=1)
    values = {f"blk.{number}.w.weight": weights(seed=number) for number in range(2)}
    for name, array in values.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    first, second = (path.with_name(f"model-0000{number}-of-00002.gguf") for number in (1, 2))
    truth = np.array(gguf.GGUFReader(second).tensors[0].data)
    truths = {"dequantized": truth}
    return Sample("F32, split in two", first, "blk.1.w.weight", truths, "gguf.GGUFReader")
