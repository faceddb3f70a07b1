"""Scales, zero points and names that no writer writes, found by damaging files at random."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from made_tensors import quantized, tensor_of

from tensorpeek.loaders import open_model

CODES = np.arange(-2, 2)


@pytest.mark.parametrize("point", [np.inf, -np.inf, np.nan, 1e300, 2.0**63, 0.5])
def test_zero_points_that_are_no_integers_are_floats(point: float) -> None:
    tensor = quantized(CODES, "int8", scale=0.5)
    points = tensor_of(np.array(point), "float64")
    code = dataclasses.replace(tensor.quantization, zero_point=points)
    np.testing.assert_array_equal(code.zero_points(), [point])
    values = dataclasses.replace(tensor, quantization=code).read()
    with np.errstate(over="ignore"):
        wanted = (CODES - point).astype(np.float32) * np.float32(0.5)
    np.testing.assert_array_equal(values, wanted)


def test_zero_points_that_are_whole_floats_are_integers() -> None:
    tensor = quantized(CODES, "int8", scale=0.5)
    points = tensor_of(np.array(-3.0), "float32")
    found = dataclasses.replace(tensor.quantization, zero_point=points).zero_points()
    assert (found.dtype, found.tolist()) == (np.int64, [-3])


def test_a_scale_that_is_a_signaling_nan_gives_nan_without_a_warning() -> None:
    signaling = np.array(0x7F800001, np.uint32).view(np.float32)
    tensor = quantized(CODES, "int8", scale=signaling)
    assert tensor.quantization is not None
    assert np.isnan(tensor.quantization.scales()).all()
    assert np.isnan(tensor.read()).all()


def test_an_element_type_with_control_characters_is_told_without_them(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save({"w": torch.ones(4).to(torch.float8_e4m3fnuz)}, path)
    path.write_bytes(path.read_bytes().replace(b"float8_e4m3fnuz", b"float8_e4\x1b3fnuz"))
    [tensor] = open_model(path).tensors
    assert tensor.error is not None
    assert r"float8_e4\x1b3fnuz" in tensor.error
