"""What a check finds in values, against arrays that are known to be sick or healthy."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from made_tensors import quantized, tensor_of

from tensorpeek.analysis.integrity import (
    RULES,
    channel_axis,
    check_model,
    check_tensor,
    rule_of,
    tensor_check,
)
from tensorpeek.loaders import CancelledError, Model, Tensor
from tensorpeek.loaders.imports import Import
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import FileIdentity, FileSpan, Inline

RNG = np.random.default_rng(3)
HEALTHY = RNG.normal(size=(6, 4, 3, 3)).astype(np.float32)


def rules(tensor: Tensor) -> list[str]:
    return [finding.rule for finding in check_tensor(tensor).findings]


def messages(tensor: Tensor) -> str:
    return "; ".join(finding.message for finding in check_tensor(tensor).findings)


def changed(values: np.ndarray, place: object, value: float) -> np.ndarray:
    copy = values.copy()
    copy[place] = value
    return copy


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(HEALTHY, [], id="a healthy kernel has no findings"),
        pytest.param(changed(HEALTHY, (2, 1, 0, 0), np.nan), ["nan"], id="one NaN"),
        pytest.param(changed(HEALTHY, 5, np.inf), ["infinity"], id="a channel of infinities"),
        pytest.param(changed(HEALTHY, 5, 0), ["dead-channel"], id="a dead channel"),
        pytest.param(changed(HEALTHY, 5, -0.0), ["dead-channel"], id="a channel of minus zeros"),
        pytest.param(changed(HEALTHY, 5, 0.25), ["constant-channel"], id="a constant channel"),
        pytest.param(HEALTHY * 0, ["dead-tensor"], id="nothing but zeros"),
        pytest.param(HEALTHY * 0 + 2, ["constant-tensor"], id="nothing but one value"),
        pytest.param(HEALTHY * np.nan, ["nan"], id="nothing but NaN"),
        pytest.param(np.zeros((0, 3), np.float32), [], id="an empty weight"),
        pytest.param(np.float32(1.5), [], id="a scalar"),
        pytest.param(np.ones(8, np.float32), [], id="a fresh normalization scale"),
        pytest.param(np.zeros(8, np.float32), ["dead-tensor"], id="a scale that multiplies by 0"),
        pytest.param(np.ones((8, 1, 1, 1), np.float32), [], id="channels of one value"),
        pytest.param(np.arange(12).reshape(3, 4), [], id="integers"),
        pytest.param(changed(np.arange(12).reshape(3, 4), 1, 7), ["constant-channel"], id="ints"),
        pytest.param(np.eye(3) > 0, [], id="booleans"),
        pytest.param(np.array([1 + 1j, complex(0, np.nan)]), ["nan"], id="a complex NaN"),
        pytest.param(np.array([complex(1e308, 1.7e308)] * 2), [], id="a large complex value"),
        pytest.param(np.array([complex(-np.inf, 0)]), ["infinity"], id="a complex infinity"),
    ],
)
def test_rules_that_a_weight_breaks(values: np.ndarray, expected: list[str]) -> None:
    assert rules(tensor_of(values)) == expected


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float8_e5m2", "float8_e4m3fn"])
def test_small_floats_are_checked_too(dtype: str) -> None:
    values = np.linspace(-2, 2, 24).reshape(4, 6)
    assert rules(tensor_of(values, dtype)) == []
    assert rules(tensor_of(changed(values, 0, np.nan), dtype)) == ["nan"]
    assert rules(tensor_of(changed(values, 1, 0), dtype)) == ["dead-channel"]


SCALES = {
    "ordinary": [1, 0.5, 2, 1],
    "negative": [-1, 0.5, -2, 0],
    "so small that values vanish": [1e-45, 1e-30, 1, 1],
    "so large that values overflow": [3e38, 1, 1, 1],
    "not finite": [np.nan, 1, np.inf, 1],
}


@pytest.mark.parametrize("scales", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize("axis", [0, 1, None], ids=["rows", "columns", "one scale"])
@pytest.mark.parametrize("result", ["float32", "float16", "float64"])
def test_codes_tell_what_dequantized_values_do(
    scales: list[float], axis: int | None, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = RNG.integers(-128, 128, (4, 4, 90)).astype(np.int8)
    codes[1], codes[:, 2], codes[3, 3] = 7, 3, 3
    with np.errstate(over="ignore"):
        scale = np.array(scales if axis is not None else scales[0]).astype(result)
    tensor = quantized(
        codes,
        "int8",
        scale=scale,
        zero_point=3,
        scale_dtype=result,
        scheme="per-tensor" if axis is None else "per-channel",
        axis=axis,
    )
    found = check_tensor(tensor)
    monkeypatch.setattr(tensor_check, "code_extremes", lambda *_: None)
    assert found == check_tensor(tensor)


def test_a_scale_that_is_infinite_or_zero_is_found_in_the_dequantized_values() -> None:
    codes = np.arange(1, 13, dtype=np.int8).reshape(3, 4)
    infinite = quantized(codes, "int8", scale=[1, np.inf, 1], scheme="per-channel", axis=0)
    dead = quantized(codes, "int8", scale=[1, 1, 0], scheme="per-channel", axis=0)
    assert rules(infinite) == ["infinity"]
    assert "4 of 12" in messages(infinite)
    assert rules(dead) == ["dead-channel"]
    assert messages(dead).endswith("(axis 0): 2")


@given(
    arrays.arrays(np.int8, arrays.array_shapes(min_dims=2, max_dims=4, max_side=5)),
    st.sampled_from(["weight", "kernel", "depthwise_kernel"]),
)
def test_dead_channels_are_those_that_numpy_finds(values: np.ndarray, label: str) -> None:
    tensor = dataclasses.replace(tensor_of(values % 3), label=label)
    axis = channel_axis(tensor)
    assert axis is not None
    rows = np.moveaxis(values % 3, axis, 0).reshape(values.shape[axis], -1)
    low, high = rows.min(axis=1), rows.max(axis=1)
    found = {finding.rule: finding.message for finding in check_tensor(tensor).findings}
    if rows.shape[1] < 2:
        return
    dead, constant = np.sum((low == 0) & (high == 0)), np.sum((low == high) & (low != 0))
    if low.min() == high.max():
        assert set(found) <= {"dead-tensor", "constant-tensor"}
        return
    assert ("dead-channel" in found) == bool(dead)
    assert ("constant-channel" in found) == bool(constant)
    if dead:
        assert found["dead-channel"].startswith(f"{dead} of {len(rows)} channels")


def test_channels_across_chunks() -> None:
    values = RNG.normal(size=(5, 200_001)).astype(np.float32)
    values[3] = 0
    assert messages(tensor_of(values)) == "1 of 5 channels is zero (axis 0): 3"
    kernel = dataclasses.replace(tensor_of(values.T), label="kernel")
    assert messages(kernel) == "1 of 5 channels is zero (axis 1): 3"


def test_only_weights_have_dead_channels() -> None:
    zeros = np.zeros((4, 4), np.float32)
    for role in ("bias", "buffer", "optimizer state", "constant"):
        assert rules(dataclasses.replace(tensor_of(zeros), role=role)) == []


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        ("string tensor: has no numeric values", "not-checked"),
        ("data type FLOAT6E2M3 is not supported", "not-checked"),
        ("unknown ggml type 77", "not-checked"),
        ("external data missing: weights.bin", "missing-part"),
        ("shard b.safetensors is missing", "missing-part"),
        ("shard b.safetensors does not hold it", "missing-part"),
        ("damaged: its chunks overlap", "overlapping-data"),
        ("truncated: 12 bytes are missing at its end", "damaged-tensor"),
        ("reaches past its storage: needs 8 bytes of 4", "damaged-tensor"),
    ],
)
def test_what_cannot_be_read_is_a_finding_and_unchecked(reason: str, rule: str) -> None:
    assert rule_of(reason) == rule
    result = check_tensor(dataclasses.replace(tensor_of(HEALTHY), error=reason))
    assert [finding.rule for finding in result.findings] == [rule]
    assert result.unchecked == reason


def test_a_tensor_that_fails_while_it_is_read_is_unchecked(tmp_path: Path) -> None:
    path = tmp_path / "values"
    path.write_bytes(HEALTHY.tobytes())
    span = FileSpan(str(path), 0, HEALTHY.nbytes, FileIdentity.of(path.stat()))
    tensor = dataclasses.replace(tensor_of(HEALTHY), storage=span)
    assert check_tensor(tensor).unchecked is None
    path.write_bytes(b"shorter")
    result = check_tensor(tensor)
    assert result.unchecked is not None
    assert [finding.rule for finding in result.findings] == ["damaged-tensor"]


def test_too_many_channels_are_said_to_be_unchecked() -> None:
    layout = Layout((1, 1 << 23, 2), (0, 0, 0))
    tensor = dataclasses.replace(
        tensor_of(np.ones(1, np.float32), layout=layout), label="depthwise_kernel"
    )
    result = check_tensor(dataclasses.replace(tensor, storage=Inline(bytes(4))))
    assert result.unchecked is not None
    assert "not-checked" in [finding.rule for finding in result.findings]


def test_a_check_can_be_stopped() -> None:
    with pytest.raises(CancelledError):
        check_tensor(tensor_of(HEALTHY), stop=lambda: True)


def model_of(*tensors: Tensor, warnings: tuple[str, ...] = ()) -> Model:
    return Model(path=Path("m.pt"), format="PyTorch", tensors=tensors, warnings=warnings)


def span(name: str, start: int, nbytes: int) -> Tensor:
    storage = FileSpan("file", start, nbytes, FileIdentity(0, 0, 0, 0))
    return dataclasses.replace(tensor_of(HEALTHY, name=name), storage=storage)


@pytest.mark.parametrize(
    ("spans", "overlapping"),
    [
        pytest.param([(0, 8), (8, 8)], [], id="end to end"),
        pytest.param([(0, 8), (0, 8)], [], id="shared"),
        pytest.param([(0, 8), (4, 8)], ["t1"], id="partly"),
        pytest.param([(0, 99), (4, 8), (50, 10)], ["t1", "t2"], id="inside of another"),
        pytest.param([(4, 8), (0, 5)], ["t0"], id="not in file order"),
    ],
)
def test_overlapping_bytes(spans: list[tuple[int, int]], overlapping: list[str]) -> None:
    model = model_of(*(span(f"t{place}", *one) for place, one in enumerate(spans)))
    found = check_model(model)
    assert [finding.tensor for finding in found] == overlapping
    assert {finding.rule for finding in found} <= {"overlapping-data"}


def test_dangerous_imports_that_no_warning_tells() -> None:
    imports = (Import("os.system", True, True), Import("os.popen", True, False))
    harmless = Import("collections.OrderedDict", False, True)
    told = model_of(warnings=("shard a: names the global os.system (never executed)",))
    model = dataclasses.replace(told, imports=(*imports, harmless))
    assert [(one.rule, "popen" in one.message) for one in check_model(model)] == [
        ("dangerous-global", False),
        ("dangerous-global", True),
    ]


def test_warnings_become_findings_once() -> None:
    damaged = dataclasses.replace(tensor_of(HEALTHY, name="w"), error="is damaged")
    found = check_model(
        model_of(
            damaged,
            warnings=(
                "w: is damaged",
                "names the global os.system (never executed)",
                "shard b is missing; it should hold 2 tensors",
                "names no operator set: its end may be missing",
            ),
        )
    )
    assert [finding.rule for finding in found] == [
        "dangerous-global",
        "missing-part",
        "doubtful-file",
    ]
    assert all(finding.rule in RULES for finding in found)
