"""AWQ weights, packed as AutoAWQ's ``from_linear`` does it for its two kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hf_files import only_weight, open_written, same_values
from numpy.typing import NDArray

Ints = NDArray[Any]

GEMM_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def pack(codes: Ints, order: list[int], words: int) -> torch.Tensor:
    """Pack eight codes of a row into a word, in ``order``; rows are padded to ``words``."""
    packed = np.zeros((len(codes), words), np.uint32)
    for column in range(words):
        for i in range(8):
            if column * 8 + order[i] < codes.shape[1]:
                packed[:, column] |= codes[:, column * 8 + order[i]].astype(np.uint32) << (i * 4)
    return torch.from_numpy(packed.view(np.int32).copy())


def drawn(features: int, out: int, group: int) -> tuple[Any, Any, Any, Any]:
    """Return codes (in, out), zero points, scales (groups, out) and the values (out, in)."""
    rng = np.random.default_rng(group)
    groups = features // group
    codes, zeros = (rng.integers(0, 16, (size, out)) for size in (features, groups))
    scales = torch.from_numpy(rng.normal(0, 0.1, (groups, out)).astype(np.float16))
    spread = scales.repeat_interleave(group, 0)
    values = torch.from_numpy(codes - np.repeat(zeros, group, 0)).half() * spread
    return codes, zeros, scales, values.T


@pytest.mark.parametrize("told", [True, False], ids=["told by a config", "told by shapes"])
@pytest.mark.parametrize("group", [32, 96], ids=["groups", "one group"])
def test_codes_in_the_order_of_the_gemm_kernel(tmp_path: Path, told: bool, group: int) -> None:
    codes, zeros, scales, values = drawn(96, 40, group)
    parts = {
        "layer.qweight": pack(codes, GEMM_ORDER, 5),
        "layer.qzeros": pack(zeros, GEMM_ORDER, 5),
        "layer.scales": scales,
    }
    config = {"quant_method": "awq", "version": "gemm", "bits": 4, "group_size": group}
    weight = only_weight(open_written(tmp_path, parts, config if told else None))
    same_values(weight, codes.T, values)
    assert weight.quantization is not None
    assert (weight.dtype, weight.quantization.source) == ("uint4", "AWQ")
    points = weight.quantization.zero_points().reshape(40, -1)
    np.testing.assert_array_equal(points, zeros.T)


@pytest.mark.parametrize(
    ("features", "group", "words"),
    [(256, 128, 1), (256, 64, 2), (512, 32, 4), (2304, 128, 3)],
    ids=["groups of 128", "groups of 64", "groups of 32", "three words of zero points"],
)
@pytest.mark.parametrize("told", [True, False], ids=["told by a config", "told by shapes"])
def test_codes_in_plain_rows_for_the_gemv_kernel(
    tmp_path: Path, features: int, group: int, words: int, told: bool
) -> None:
    codes, zeros, scales, values = drawn(features, 24, group)
    plain = list(range(8))
    padded = torch.zeros(24, words * 8, dtype=torch.float16)
    padded[:, : features // group] = scales.T
    parts = {
        "layer.qweight": pack(codes.T, plain, features // 8),
        "layer.qzeros": pack(zeros.T, plain, words),
        "layer.scales": padded,
    }
    config = {"quant_method": "awq", "version": "GEMV", "bits": 4, "group_size": group}
    weight = only_weight(open_written(tmp_path, parts, config if told else None))
    same_values(weight, codes.T, values)


def pack_rows_of_four(codes: Ints) -> torch.Tensor:
    """Pack codes (out, in) as AutoAWQ's ``pack_intweight`` does, with its reshapes."""
    out, features = codes.shape
    packed = codes.reshape(out, features // 32, 4, 4, 2).transpose(0, 1, 3, 2, 4)
    packed = packed.reshape(out, features // 32, 4, 4, 2).transpose(0, 1, 2, 4, 3)
    packed = packed.reshape(out // 4, 4, features // 64, 64).transpose(0, 2, 1, 3)
    packed = packed.reshape(out // 4, features // 64, 64, 4)
    words = sum(packed[..., index] << 4 * index for index in range(4))
    return torch.from_numpy(words.reshape(out // 4, features).astype(np.int16))


@pytest.mark.parametrize(
    ("features", "group", "stored"),
    [(256, 128, 8), (256, 64, 16), (512, 32, 32), (2304, 128, 24)],
    ids=["groups of 128", "groups of 64", "groups of 32", "three words of zero points"],
)
@pytest.mark.parametrize("told", [True, False], ids=["told by a config", "told by shapes"])
def test_codes_of_four_rows_in_one_for_the_fast_gemv_kernel(
    tmp_path: Path, features: int, group: int, stored: int, told: bool
) -> None:
    codes, zeros, scales, _ = drawn(features, 24, group)
    padded, offsets = torch.zeros(2, stored, 24, dtype=torch.float16)
    padded[: features // group] = scales
    offsets[: features // group] = -(scales * torch.from_numpy(zeros).float()).half()
    parts = {
        "layer.qweight": pack_rows_of_four(codes.T),
        "layer.qzeros": offsets,
        "layer.scales": padded,
    }
    config = {"quant_method": "awq", "version": "gemv_fast", "bits": 4, "group_size": group}
    weight = only_weight(open_written(tmp_path, parts, config if told else None))
    steps, shifts = (
        part[: features // group].T.repeat_interleave(group, 1).float()
        for part in (padded, offsets)
    )
    same_values(weight, codes.T, (torch.from_numpy(codes.T) * steps + shifts).half())


def test_long_rows_of_the_fast_gemv_kernel_are_read_in_pieces(tmp_path: Path) -> None:
    codes = np.random.default_rng(5).integers(0, 16, (8, 1 << 16))
    parts = {
        "layer.qweight": pack_rows_of_four(codes),
        "layer.qzeros": torch.zeros(512, 8, dtype=torch.float16),
        "layer.scales": torch.ones(512, 8, dtype=torch.float16),
    }
    weight = only_weight(open_written(tmp_path, parts))
    np.testing.assert_array_equal(weight.read("raw"), codes)
    np.testing.assert_array_equal(weight.read().astype(int), codes)


@pytest.mark.parametrize("shape", [(6, 96), (6, 0), (0, 64), (6,), (6, 64, 1)])
def test_words_of_16_bits_that_fit_nothing_stay_as_they_are(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    parts = {
        "layer.qweight": torch.zeros(shape, dtype=torch.int16),
        "layer.qzeros": torch.zeros(8, 24, dtype=torch.float16),
        "layer.scales": torch.zeros(8, 24, dtype=torch.float16),
    }
    model = open_written(tmp_path, parts)
    assert len(model.warnings) == 1
    assert {tensor.name for tensor in model.tensors} == parts.keys()


def test_the_bands_that_are_read_begin_where_words_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorpeek.loaders.hf_quantization.weight_codec.TURNED_BAND", 64 * 32)
    codes, zeros, scales, values = drawn(64, 104, 32)
    parts = {
        "qweight": pack(codes, GEMM_ORDER, 13),
        "qzeros": pack(zeros, GEMM_ORDER, 13),
        "scales": scales,
    }
    weight = only_weight(open_written(tmp_path, parts), "weight")
    same_values(weight, codes.T, values)


def test_parts_of_another_kernel_stay_as_they_are(tmp_path: Path) -> None:
    parts = {
        "layer.qweight": torch.zeros(6, 64, dtype=torch.int16),
        "layer.scales": torch.zeros(8, 24, dtype=torch.float16),
        "layer.scaled_zeros": torch.zeros(8, 24, dtype=torch.float16),
    }
    model = open_written(tmp_path, parts, {"quant_method": "awq", "version": "gemv_fast"})
    assert {tensor.name for tensor in model.tensors} == set(parts)
    assert "there is no qzeros" in model.warnings[0]
