"""Every block type of ggml gives the values of gguf-py bit by bit, and codes that explain them."""

from __future__ import annotations

import pickle
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from gguf.constants import GGML_QUANT_SIZES
from gguf_files import F32, Q2_0, Q4_0, V3, Entry, Format, block_tensor, open_bytes
from numpy.typing import NDArray

from tensorpeek.analysis import DistributionCache, measure
from tensorpeek.loaders import LoadError, Tensor, open_model

BLOCKS = [kind for kind in Kind if GGML_QUANT_SIZES[kind][0] > 1]
READ_BY_GGUF = [kind for kind in BLOCKS if kind.name not in {"Q1_0", "Q8_1", "Q8_K"}]
WRITTEN_BY_GGUF = [
    Kind.Q4_0,
    Kind.Q4_1,
    Kind.Q5_0,
    Kind.Q5_1,
    Kind.Q8_0,
    Kind.TQ1_0,
    Kind.TQ2_0,
    Kind.MXFP4,
]
COUNT = 60

blocks_of = pytest.mark.parametrize("kind", READ_BY_GGUF, ids=lambda kind: kind.name)


def _random_blocks(kind: Kind) -> NDArray[np.uint8]:
    """Return blocks of any bits at all, infinite and NaN scales among them."""
    generator = np.random.default_rng(kind.value)
    return generator.integers(0, 256, (COUNT, GGML_QUANT_SIZES[kind][1]), np.uint8)


def _finite_blocks(kind: Kind) -> NDArray[np.uint8]:
    """Return those random blocks whose values gguf-py finds finite and not all equal."""
    blocks = _random_blocks(kind)
    values = _reference(kind, blocks)
    fine = np.isfinite(values).all(axis=1) & (np.abs(values).max(axis=1) > 1e-3)
    return blocks[fine & (np.abs(values).max(axis=1) < 1e6)]


def _reference(kind: Kind, blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    with np.errstate(all="ignore"):
        return np.stack([gguf.quants.dequantize(row, kind) for row in blocks])


def _tensor(folder: Path, kind: Kind, blocks: NDArray[np.uint8]) -> Tensor:
    size = GGML_QUANT_SIZES[kind][0] * len(blocks)
    return block_tensor(folder, kind.value, blocks.tobytes(), size)


@blocks_of
def test_any_bits_decode_to_the_values_of_gguf_py_bit_by_bit(tmp_path: Path, kind: Kind) -> None:
    blocks = _random_blocks(kind)
    found, wanted = _tensor(tmp_path, kind, blocks).read(), _reference(kind, blocks).reshape(-1)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, wanted)
    known = ~np.isnan(wanted)
    np.testing.assert_array_equal(found[known].view(np.uint32), wanted[known].view(np.uint32))


@pytest.mark.parametrize("kind", WRITTEN_BY_GGUF, ids=lambda kind: kind.name)
def test_what_gguf_py_quantizes_and_writes_is_read_back(tmp_path: Path, kind: Kind) -> None:
    weights = np.random.default_rng(5).normal(size=(3, 2, 256)).astype(np.float32)
    stored = gguf.quants.quantize(weights, kind)
    path = tmp_path / "written.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("blk.0.attn_q.weight", stored, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensor = open_model(path).tensors[0]
    assert tensor.shape == (3, 2, 256)
    assert tensor.nbytes == stored.nbytes
    assert tensor.quantization is not None
    assert tensor.quantization.source == f"GGUF {kind.name}"
    np.testing.assert_array_equal(tensor.read(), gguf.quants.dequantize(stored, kind))


@blocks_of
@pytest.mark.parametrize("size", [1, 256, 1000, 1 << 20], ids=lambda size: f"chunks of {size}")
def test_chunks_of_any_size_make_up_the_tensor(tmp_path: Path, kind: Kind, size: int) -> None:
    tensor = _tensor(tmp_path, kind, _finite_blocks(kind))
    for view in tensor.views:
        chunks = list(tensor.chunks(view, size=size))
        limit = max(size, GGML_QUANT_SIZES[kind][0])
        assert max(chunk.size for chunk in chunks) <= limit
        assert {chunk.dtype for chunk in chunks} == {tensor.value_type(view)}
        np.testing.assert_array_equal(np.concatenate(chunks), tensor.read(view))


@blocks_of
def test_values_are_the_scale_times_the_code_plus_an_offset(tmp_path: Path, kind: Kind) -> None:
    tensor = _tensor(tmp_path, kind, _finite_blocks(kind))
    assert tensor.quantization is not None
    assert tensor.quantization.block is not None
    width = tensor.quantization.block
    codes = tensor.read("raw").astype(np.float64).reshape(-1, width)
    values = tensor.read().astype(np.float64).reshape(-1, width)
    scales = tensor.quantization.scales()
    assert scales.shape == (len(codes),)
    for code, value, scale in zip(codes, values, scales, strict=True):
        order = np.argsort(code, kind="stable")
        sign = np.sign(value[order[-1]] - value[order[0]])
        moved = value - code * scale * sign
        rounding = 4 * np.finfo(np.float32).eps * np.abs(value).max()
        np.testing.assert_allclose(moved, moved[0], rtol=0, atol=rounding)


LIMITS = {
    "Q4_0": (-8, 7),
    "Q4_1": (0, 15),
    "Q5_0": (-16, 15),
    "Q5_1": (0, 31),
    "Q8_0": (-128, 127),
    "Q2_K": (0, 3),
    "Q3_K": (-4, 3),
    "Q4_K": (0, 15),
    "Q5_K": (0, 31),
    "Q6_K": (-32, 31),
    "IQ2_XXS": (-43, 43),
    "IQ2_XS": (-43, 43),
    "IQ2_S": (-43, 43),
    "IQ3_XXS": (-62, 62),
    "IQ3_S": (-15, 15),
    "IQ1_S": (-9, 9),
    "IQ1_M": (-9, 9),
    "IQ4_NL": (-127, 113),
    "IQ4_XS": (-127, 113),
    "MXFP4": (-6, 6),
    "NVFP4": (-6, 6),
}


@pytest.mark.parametrize("name", LIMITS)
def test_codes_fill_the_range_of_their_type(tmp_path: Path, name: str) -> None:
    codes = _tensor(tmp_path, Kind[name], _random_blocks(Kind[name])).read("raw").astype(float)
    assert (codes.min(), codes.max()) == LIMITS[name]


def test_a_block_of_single_bits_has_two_values(tmp_path: Path) -> None:
    bits = np.arange(128) % 3 == 0
    block = np.float16(0.5).tobytes() + np.packbits(bits, bitorder="little").tobytes()
    tensor = block_tensor(tmp_path, Kind.Q1_0.value, block, 128)
    np.testing.assert_array_equal(tensor.read("raw"), bits)
    np.testing.assert_array_equal(tensor.read(), np.where(bits, np.float32(0.5), -0.5))


def _two_bits(scale: float, codes: NDArray[np.int64]) -> bytes:
    """Return a block of ggml's Q2_0: four codes in a byte, the first in the lowest bits."""
    fields = codes.reshape(-1, 4) << np.array([0, 2, 4, 6])
    return np.float16(scale).tobytes() + fields.sum(axis=1).astype(np.uint8).tobytes()


@pytest.mark.parametrize("scale", [0.5, -0.1, 6e-8, 65504.0, np.inf, np.nan])
def test_a_block_of_two_bits_has_the_values_of_ggml(tmp_path: Path, scale: float) -> None:
    stored = np.random.default_rng(2).integers(0, 4, (3, 64))
    blocks = b"".join(_two_bits(scale, codes) for codes in stored)
    tensor = block_tensor(tmp_path, Q2_0, blocks, 192)
    with np.errstate(all="ignore"):
        values = (stored - 1).astype(np.float32) * np.float32(np.float16(scale))
    assert tensor.nbytes == 54
    np.testing.assert_array_equal(tensor.read("raw"), (stored - 1).reshape(-1))
    np.testing.assert_array_equal(tensor.read(), values.reshape(-1))
    assert tensor.quantization is not None
    assert tensor.quantization.source == "GGUF Q2_0"


def test_larger_blocks_under_the_number_of_two_bits_are_not_misread(tmp_path: Path) -> None:
    blocks = bytes(34 * 4)  # 128 elements each, as a fork writes them: 136 bytes instead of 144
    entries = [Entry("w", [512], Q2_0, 0), Entry("v", [2], F32, 136)]
    values = np.array([1, 2], "<f4").tobytes()
    one, two = open_bytes(tmp_path, V3.file((), entries, blocks + values)).tensors
    assert one.error == "has blocks of another size than those of ggml's Q2_0 (type 42)"
    with pytest.raises(LoadError, match="type 42"):
        one.read()
    np.testing.assert_array_equal(two.read(), [1, 2])


@pytest.mark.parametrize(
    ("kind", "head", "count", "tail"),
    [
        pytest.param(Kind.Q8_1, np.array([0.25, 7], "<f2").tobytes(), 32, b"", id="with one sum"),
        pytest.param(Kind.Q8_K, np.float32(0.25).tobytes(), 256, bytes(32), id="with many sums"),
    ],
)
def test_blocks_that_hold_sums_too_give_scale_times_code(
    tmp_path: Path, kind: Kind, head: bytes, count: int, tail: bytes
) -> None:
    codes = (np.arange(count) * 7 % 255 - 127).astype(np.int8)
    tensor = block_tensor(tmp_path, kind.value, head + codes.tobytes() + tail, count)
    np.testing.assert_array_equal(tensor.read("raw"), codes)
    np.testing.assert_array_equal(tensor.read(), codes * np.float32(0.25))


SWAPPED = {
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q8_0": [0],
    "Q2_K": [80, 82],
    "Q3_K": [108],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
    "TQ1_0": [52],
    "TQ2_0": [64],
    "IQ4_NL": [0],
    "MXFP4": [],
    "NVFP4": [],
}


@pytest.mark.parametrize("name", SWAPPED)
def test_big_endian_blocks_differ_in_their_half_floats(tmp_path: Path, name: str) -> None:
    kind = Kind[name]
    blocks = _finite_blocks(kind)
    swapped = blocks.copy()
    for at in SWAPPED[name]:
        swapped[:, [at, at + 1]] = swapped[:, [at + 1, at]]
    size = GGML_QUANT_SIZES[kind][0] * len(blocks)
    content = Format(3, "big").file((), [Entry("w", [size], kind, 0)], swapped.tobytes())
    tensor = open_bytes(tmp_path, content).tensors[0]
    np.testing.assert_array_equal(tensor.read(), _reference(kind, blocks).reshape(-1))


def test_big_endian_blocks_of_words_are_not_guessed(tmp_path: Path) -> None:
    content = Format(3, "big").file((), [Entry("w", [256], Kind.IQ2_XXS, 0)], bytes(66))
    tensor = open_bytes(tmp_path, content).tensors[0]
    assert tensor.error is not None
    assert "byte order" in tensor.error
    with pytest.raises(LoadError, match="byte order"):
        tensor.read()


def test_a_tensor_travels_to_another_process(tmp_path: Path) -> None:
    tensor = _tensor(tmp_path, Kind.Q6_K, _finite_blocks(Kind.Q6_K))
    again = pickle.loads(pickle.dumps(tensor))
    np.testing.assert_array_equal(again.read(), tensor.read())
    np.testing.assert_array_equal(again.quantization.scales(), tensor.quantization.scales())


def test_a_file_that_was_replaced_is_not_read(tmp_path: Path) -> None:
    tensor = block_tensor(tmp_path, Q4_0, bytes(18), 32)
    Path(tensor.source).write_bytes(V3.file((), [Entry("w", [32], Q4_0, 0)], bytes(36)))
    with pytest.raises(LoadError, match="replaced or changed"):
        tensor.read()


def test_measures_of_a_file_that_was_replaced_are_not_found_again(tmp_path: Path) -> None:
    cache = DistributionCache()
    first = block_tensor(tmp_path, Q4_0, bytes(18), 32)
    cache.keep(first, "raw", measure(first, "raw"))
    assert cache.find(first, "raw") is not None
    other = block_tensor(tmp_path, Q4_0, bytes(20), 32)
    assert cache.find(other, "raw") is None


def test_scales_within_blocks_decode_no_codes_from_elsewhere(tmp_path: Path) -> None:
    tensor = block_tensor(tmp_path, Q4_0, bytes(18), 32)
    assert tensor.quantization is not None
    with pytest.raises(ValueError, match="among the codes"):
        tensor.quantization.decoder(tensor.shape)


def test_an_empty_tensor_has_no_values(tmp_path: Path) -> None:
    tensor = block_tensor(tmp_path, Q4_0, b"", 0)
    assert tensor.read().shape == (0,)
    assert tensor.read("raw").shape == (0,)
    assert tensor.quantization is not None
    assert tensor.quantization.scales().shape == (0,)
    assert tensor.quantization.zero_points().shape == (0,)
