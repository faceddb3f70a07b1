"""The difference of a pair in detail, against NumPy and torch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_tensors import quantized, tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis import Edges, measure
from tensorpeek.analysis.comparison import (
    Comparison,
    Detail,
    Pair,
    StepErrors,
    common_edges,
    compare,
    detail,
)
from tensorpeek.analysis.comparison import streams as streams_module
from tensorpeek.loaders import CancelledError, Tensor

pytestmark = pytest.mark.filterwarnings("ignore")  # quantized tensors are deprecated in torch

RANDOM = np.random.default_rng(11)


def detailed(first: Tensor, second: Tensor, bins: int = 51) -> Detail:
    return detail(compare(Pair(first, second, "test")), bins)


@pytest.mark.parametrize("block", [64, 1 << 16], ids=["small blocks", "one block"])
@pytest.mark.parametrize("bins", [1, 10, 51, 200])
def test_counts_and_channels_are_those_of_numpy(
    bins: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams_module, "BLOCK", block)
    a = RANDOM.standard_normal((7, 5, 3, 3)).astype(np.float32)
    b = a + (RANDOM.standard_normal(a.shape) * 0.01).astype(np.float32)
    found = detailed(tensor_of(a), tensor_of(b), bins)
    delta = b.astype(np.float64) - a.astype(np.float64)
    reach = np.abs(delta).max()
    assert (found.edges.values[0], found.edges.values[-1]) == (-reach, reach)
    assert np.array_equal(found.counts, np.histogram(delta, found.edges.values)[0])
    assert found.counts.sum() == delta.size
    assert found.channels is not None
    rows = torch.from_numpy(delta.reshape(7, -1)), torch.from_numpy(a.astype(np.float64)).flatten(1)
    expected = torch.linalg.vector_norm(rows[0], dim=1) / torch.linalg.vector_norm(rows[1], dim=1)
    np.testing.assert_allclose(found.channels.relative, expected, rtol=1e-12)
    assert found.channels.axis == 0
    assert found.steps is None


def test_equal_tensors_have_one_full_bin() -> None:
    values = np.arange(12.0).reshape(3, 4)
    found = detailed(tensor_of(values), tensor_of(values))
    assert found.counts.max() == 12
    assert found.edges.values[found.counts.argmax()] < 0
    assert found.channels is not None
    assert not found.channels.relative.any()


def test_what_is_not_finite_is_in_no_bin() -> None:
    a = np.array([1.0, np.nan, np.inf, 2.0, 3.0])
    b = np.array([1.5, 1.0, 1.0, np.nan, 2.0])
    found = detailed(tensor_of(a), tensor_of(b))
    assert found.counts.sum() == 2
    assert found.channels is None


def test_transposed_tensors_are_compared_in_the_order_of_the_second() -> None:
    a = RANDOM.standard_normal((3, 3, 4, 6)).astype(np.float32)
    b = np.ascontiguousarray(a.transpose(3, 2, 0, 1)) + np.float32(0.01)
    first = dataclasses.replace(tensor_of(a), label="kernel")
    found = detailed(first, tensor_of(b))
    delta = b.astype(np.float64) - a.transpose(3, 2, 0, 1)
    assert np.array_equal(found.counts, np.histogram(delta, found.edges.values)[0])


def test_a_pair_that_cannot_be_compared_has_no_detail() -> None:
    pair = Pair(tensor_of(np.ones(3)), tensor_of(np.ones(4)), "test")
    with pytest.raises(ValueError, match="not compared"):
        detail(Comparison(pair, error="shapes differ"), 10)


def test_detail_ends_early() -> None:
    found = compare(Pair(tensor_of(np.ones(3)), tensor_of(np.ones(3)), "test"))
    with pytest.raises(CancelledError):
        detail(found, 10, stop=lambda: True)


# Errors in steps


def per_channel(
    values: NDArray[np.float32], scale: NDArray[np.float64], axis: int = 0
) -> tuple[Tensor, torch.Tensor]:
    """Return values quantized per channel by torch: as a tensor of ours, and as torch's."""
    points = torch.zeros(len(scale), dtype=torch.int64)
    made = torch.quantize_per_channel(
        torch.from_numpy(values), torch.from_numpy(scale), points, axis, torch.qint8
    )
    codes = made.int_repr().numpy()
    tensor = quantized(
        codes, "int8", scale=scale, scale_dtype="float64", scheme="per-channel", axis=axis
    )
    return tensor, made


def check_steps(found: StepErrors | None, steps: NDArray[np.float64], clipped: int) -> None:
    assert found is not None
    assert found.count == steps.size
    assert found.largest == pytest.approx(steps.max(), rel=1e-9)
    assert found.mean == pytest.approx(steps.mean(), rel=1e-9)
    assert found.beyond == int((steps > 0.501).sum())
    assert found.clipped == clipped


@pytest.mark.parametrize("is_first", [False, True], ids=["b is quantized", "a is quantized"])
def test_rounding_is_within_half_a_step_and_clipping_is_counted(is_first: bool) -> None:
    values = RANDOM.standard_normal((6, 4, 3, 3)).astype(np.float32)
    scale = np.abs(values).reshape(6, -1).max(1).astype(np.float64) / 127
    scale[2] /= 4
    tensor, made = per_channel(values, scale)
    pair = (tensor, tensor_of(values)) if is_first else (tensor_of(values), tensor)
    found = detailed(*pair).steps
    error = np.abs(made.dequantize().numpy().astype(np.float64) - values)
    levels = values / scale[:, None, None, None]
    clipped = int(((levels > 127.501) | (levels < -128.501)).sum())
    check_steps(found, (error / scale[:, None, None, None]).reshape(-1), clipped)
    assert found is not None
    assert clipped > 0
    assert found.side == ("a" if is_first else "b")
    assert (found.smallest_step, found.largest_step) == (scale.min(), scale.max())


def test_rounding_alone_is_never_beyond_half_a_step() -> None:
    values = RANDOM.standard_normal((6, 40)).astype(np.float32)
    scale = np.abs(values).max(1).astype(np.float64) / 127
    found = detailed(tensor_of(values), per_channel(values, scale)[0]).steps
    assert found is not None
    assert found.largest <= 0.5 + 1e-4
    assert (found.beyond, found.clipped) == (0, 0)


def test_steps_of_one_scale_with_a_zero_point() -> None:
    values = RANDOM.uniform(-1, 3, 500).astype(np.float32)
    made = torch.quantize_per_tensor(torch.from_numpy(values), 0.01, 64, torch.quint8)
    tensor = quantized(made.int_repr().numpy(), "uint8", scale=[0.01], zero_point=[64])
    found = detailed(tensor_of(values), tensor).steps
    exact = made.dequantize().numpy().astype(np.float64)
    step = float(np.float32(0.01))
    levels = values / step + 64
    clipped = int(((levels > 255.501) | (levels < -0.501)).sum())
    check_steps(found, np.abs(exact - values) / step, clipped)
    assert clipped > 0


def test_the_scales_of_a_transposed_first_tensor_are_those_of_its_channels() -> None:
    values = RANDOM.standard_normal((3, 3, 4, 6)).astype(np.float32)
    scale = np.linspace(0.01, 0.06, 6)
    tensor, made = per_channel(values, scale, axis=3)
    turned = np.ascontiguousarray(values.transpose(3, 2, 0, 1))
    found = detailed(dataclasses.replace(tensor, label="kernel"), tensor_of(turned)).steps
    steps = np.abs(made.dequantize().numpy().astype(np.float64) - values) / scale
    levels = values / scale
    check_steps(found, steps.reshape(-1), int(((levels > 127.501) | (levels < -128.501)).sum()))


def test_two_quantized_tensors_have_no_steps() -> None:
    codes = np.arange(6, dtype=np.int8)
    one = quantized(codes, "int8", scale=[0.5])
    assert detailed(one, quantized(codes, "int8", scale=[0.25])).steps is None


# The same bins for both


def counted(tensor: Tensor, edges: Edges) -> NDArray[np.int64]:
    return measure(tensor).histogram(edges).counts


@pytest.mark.parametrize("bins", [10, 50, 200])
@pytest.mark.parametrize("scheme", ["per tensor", "per channel", "float", "integers"])
def test_both_are_counted_as_numpy_does(scheme: str, bins: int) -> None:
    values = RANDOM.standard_normal((8, 60)).astype(np.float32)
    first = tensor_of(values)
    if scheme == "per tensor":
        made = torch.quantize_per_tensor(torch.from_numpy(values), 0.03, 5, torch.qint8)
        second = quantized(made.int_repr().numpy(), "int8", scale=[0.03], zero_point=[5])
    elif scheme == "per channel":
        second = per_channel(values, np.linspace(0.02, 0.04, 8))[0]
    elif scheme == "float":
        second = tensor_of((values * 1.5).astype(np.float16))
    else:
        first = tensor_of(np.arange(-90, 30, dtype=np.int16))
        second = tensor_of(np.arange(-3, 200, dtype=np.int32))
    edges = common_edges((first, second), (measure(first), measure(second)), bins)
    for tensor in (first, second):
        truth = np.histogram(tensor.read().astype(np.float64), edges.values)[0]
        assert np.array_equal(counted(tensor, edges), truth)
        assert truth.sum() == tensor.params
    assert (edges.levels is not None) == (scheme in {"per tensor", "integers"})


def test_levels_of_one_scale_give_no_comb() -> None:
    values = np.linspace(-1, 1, 10_001, dtype=np.float32)
    made = torch.quantize_per_tensor(torch.from_numpy(values), 2 / 255, 0, torch.qint8)
    tensor = quantized(made.int_repr().numpy(), "int8", scale=[2 / 255])
    first = tensor_of(values)
    edges = common_edges((first, tensor), (measure(first), measure(tensor)), 50)
    inner = counted(tensor, edges)[1:-1]
    assert inner.max() - inner.min() <= 5


def test_nothing_finite_gives_bins_from_zero_to_one() -> None:
    nothing = tensor_of(np.array([np.nan]))
    edges = common_edges((nothing, nothing), (measure(nothing), measure(nothing)), 10)
    assert (edges.values[0], edges.values[-1]) == (0, 1)
