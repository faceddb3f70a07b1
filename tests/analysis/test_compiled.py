"""The compiled kernels against NumPy: the same counts to the last one, the same sums."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from made_tensors import quantized, tensor_of

from tensorpeek.analysis import measure
from tensorpeek.analysis.compiled import VARIABLE, engine
from tensorpeek.analysis.compiled import library as library_module
from tensorpeek.analysis.diagnosis import Request, diagnose
from tensorpeek.analysis.edges import uniform_edges
from tensorpeek.loaders import DTYPES, Tensor

RNG = np.random.default_rng(41)

if engine().name != "compiled":
    pytest.skip("no compiler built the kernels", allow_module_level=True)

OnNumpy = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def on_numpy(monkeypatch: pytest.MonkeyPatch) -> Iterator[OnNumpy]:
    """A way to run something without the kernels."""

    def run(task: Callable[[], Any]) -> Any:  # noqa: ANN401
        with monkeypatch.context() as context:
            context.setenv(VARIABLE, "numpy")
            library_module.forget()
            assert engine().name == "numpy"
            try:
                return task()
            finally:
                library_module.forget()

    yield run
    library_module.forget()


def special(dtype: Any, count: int) -> np.ndarray:  # noqa: ANN401
    """Values of every kind: NaN, infinities, both zeros, subnormal and huge ones."""
    limits = np.finfo(dtype)
    values = RNG.normal(size=count).astype(dtype)
    odd = [np.nan, np.inf, -np.inf, -0.0, 0.0, limits.smallest_subnormal, -limits.tiny, limits.max]
    with np.errstate(all="ignore"):
        values[:: max(count // 40, 1)] = np.resize(np.array(odd, dtype), values.size)[
            : values[:: max(count // 40, 1)].size
        ]
    return values


def patterns(dtype: str, count: int) -> Tensor:
    """Bytes at random, as a tensor of a type."""
    element = DTYPES[dtype]
    values = np.frombuffer(RNG.bytes(count * element.numpy.itemsize), element.numpy)
    return tensor_of(values.reshape(3, -1) if count % 3 == 0 else values, dtype)


TENSORS = [
    pytest.param(tensor_of(np.empty(0, np.float32)), id="empty"),
    pytest.param(tensor_of(np.float32(-2.5)), id="one value"),
    pytest.param(tensor_of(np.full((3, 5), np.nan, np.float32)), id="nothing but NaN"),
    pytest.param(tensor_of(np.array([-0.0, -0.0], np.float32)), id="minus zero"),
    pytest.param(tensor_of(np.array([[-0.0, 0.0], [5e-324, 0]])), id="the smallest float64"),
    pytest.param(tensor_of(np.zeros((9, 130), np.float32)), id="zeros"),
    pytest.param(tensor_of(np.full((9, 130), 0.1, np.float32)), id="equal values"),
    pytest.param(tensor_of(special(np.float32, 3000).reshape(30, 100)), id="special float32"),
    pytest.param(tensor_of(special(np.float64, 3000).reshape(30, 100)), id="special float64"),
    pytest.param(tensor_of(special(np.float32, 65_537)), id="one more than a block"),
    pytest.param(tensor_of(RNG.normal(size=(7, 40_001))), id="long odd rows"),
    pytest.param(tensor_of(RNG.normal(1000, 0.01, (300, 500)).astype(np.float32)), id="far mean"),
    pytest.param(tensor_of(RNG.normal(size=(1, 3)).astype(np.float32)), id="three values"),
    pytest.param(tensor_of(RNG.normal(size=(6, 5, 3, 3)).astype(np.float32)), id="a convolution"),
    pytest.param(tensor_of(RNG.normal(size=(40, 33)) * 1e300), id="huge float64"),
    pytest.param(tensor_of(RNG.normal(size=(40, 33)) * 1e-300), id="tiny float64"),
    pytest.param(tensor_of(RNG.normal(size=(40, 33)) + 1j), id="complex values"),
    pytest.param(tensor_of(RNG.integers(-(2**62), 2**62, (40, 33))), id="int64"),
    pytest.param(tensor_of(RNG.integers(0, 2**16, 70_001).astype(np.uint16)), id="uint16"),
    pytest.param(tensor_of(RNG.integers(0, 2**8, 70_001).astype(np.uint8)), id="odd bytes"),
    pytest.param(tensor_of(np.full((64, 64), -1, np.int8)), id="equal bytes"),
    *[
        pytest.param(patterns(dtype, 3 * 1001), id=f"bytes as {dtype}")
        for dtype in ("int8", "int16", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")
    ],
    pytest.param(patterns("float32", 3 * 4001), id="bytes as float32"),
    pytest.param(patterns("float64", 3 * 4001), id="bytes as float64"),
    pytest.param(
        quantized(RNG.integers(-128, 128, (6, 70)), "int8", scale=0.01, zero_point=3), id="codes"
    ),
    pytest.param(
        quantized(
            RNG.integers(-8, 8, (6, 64)),
            "int8",
            scale=np.geomspace(1, 9, 12).reshape(6, 2),
            scheme="blockwise",
            axis=1,
            block=32,
        ),
        id="blocks of codes",
    ),
]


def same(found: Any, wanted: Any, where: str = "") -> None:  # noqa: ANN401
    """Compare records: floats to rounding, all else exactly."""
    if dataclasses.is_dataclass(wanted):
        for field in dataclasses.fields(wanted):
            name = f"{where}.{field.name}"
            same(getattr(found, field.name), getattr(wanted, field.name), name)
    elif isinstance(wanted, dict):
        assert list(found) == list(wanted), where
        for key in wanted:
            same(found[key], wanted[key], f"{where}[{key}]")
    elif isinstance(wanted, tuple | list):
        assert len(found) == len(wanted), where
        for index, (one, other) in enumerate(zip(found, wanted, strict=True)):
            same(one, other, f"{where}[{index}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=2e-13, abs=1e-320, nan_ok=True), where
    else:
        assert found == wanted, where


@pytest.mark.parametrize("view", ["dequantized", "raw"])
@pytest.mark.parametrize("tensor", TENSORS)
def test_both_engines_say_the_same_of_every_tensor(
    tensor: Tensor, view: str, on_numpy: OnNumpy
) -> None:
    request = Request(view=view, bits=(8, 4, 2))
    found = diagnose(tensor, request)
    wanted = on_numpy(lambda: diagnose(tensor, request))
    assert found.error is None
    # The cosine and shape of nearly equal values cancel: what is left is rounding.
    same(dataclasses.replace(found, shape=None, errors=()), replaced(wanted))
    for one, other in zip(found.errors, wanted.errors, strict=True):
        assert one.cosine == pytest.approx(other.cosine, rel=1e-14)
        same(dataclasses.replace(one, cosine=None), dataclasses.replace(other, cosine=None))
    if wanted.shape is not None and wanted.shape.skewness is not None:
        assert found.shape is not None
        assert found.shape.skewness == pytest.approx(wanted.shape.skewness, rel=1e-6, abs=1e-9)
        assert found.shape.excess_kurtosis == pytest.approx(
            wanted.shape.excess_kurtosis, rel=1e-6, abs=1e-9
        )


def replaced(diagnosis: Any) -> Any:  # noqa: ANN401
    return dataclasses.replace(diagnosis, shape=None, errors=())


@pytest.mark.parametrize("view", ["dequantized", "raw"])
@pytest.mark.parametrize("tensor", TENSORS)
def test_both_engines_count_the_same(tensor: Tensor, view: str, on_numpy: OnNumpy) -> None:
    def counted() -> tuple[Any, ...]:
        distribution = measure(tensor, view)
        summary = distribution.summary
        low, high = summary.minimum or 0, summary.maximum or 0
        edges = uniform_edges(low, high, 31)
        selection = (float(low) / 3, float(high) / 2)
        histogram = distribution.histogram(edges, selection)
        return (
            (summary.count, summary.finite, summary.zeros, summary.nan),
            (summary.positive_infinity, summary.negative_infinity),
            (summary.minimum, summary.maximum, summary.quantiles),
            histogram.counts.tolist(),
            None if histogram.selected is None else histogram.selected.tolist(),
            [distribution.count_range(*pair).count for pair in (selection, (-np.inf, 0), (0, 0))],
        )

    assert counted() == on_numpy(counted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mean", [0.0, 1000.0])
def test_moments_are_those_of_exact_sums(dtype: type, mean: float) -> None:
    values = RNG.normal(mean, 0.01, 200_003).astype(dtype)
    summary = measure(tensor_of(values)).summary
    exact = [float(value) for value in values]
    middle = math.fsum(exact) / len(exact)
    spread = math.sqrt(math.fsum((value - middle) ** 2 for value in exact) / len(exact))
    scale = math.fsum(map(abs, exact)) / len(exact)
    assert summary.mean == pytest.approx(middle, abs=1e-15 * scale)
    assert summary.std == pytest.approx(spread, rel=1e-14)
    assert summary.absolute_mean == pytest.approx(scale, rel=1e-15)


def test_results_do_not_depend_on_how_memory_lies() -> None:
    from tensorpeek.analysis.compiled.value_kernels import value_kernels

    room = np.zeros(8 * 1001 + 1, np.uint8)
    values = RNG.normal(size=1001)
    room[1:] = values.view(np.uint8)
    unaligned = room[1:].view(np.float64)
    assert not unaligned.flags.aligned
    kernels = value_kernels(values.dtype)
    assert kernels is not None
    tables = np.zeros((3, 1 << 16), np.int64)
    wanted = kernels.scan(values, tables[0])
    assert kernels.scan(unaligned, tables[1]) == wanted
    assert kernels.scan(np.repeat(values, 2)[::2], tables[2]) == wanted
    assert (tables == tables[0]).all()


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 1023, 1024, 1025, 4097])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_kernel_takes_any_number_of_values(dtype: type, count: int) -> None:
    from tensorpeek.analysis.compiled.value_kernels import value_kernels
    from tensorpeek.analysis.order_keys import upper_patterns

    values = RNG.normal(size=count).astype(dtype)
    kernels = value_kernels(values.dtype)
    assert kernels is not None
    buckets = np.zeros(1 << 16, np.int64)
    sums = kernels.scan(values, buckets)
    floats = values.astype(np.float64)
    assert sums.finite == buckets.sum() == count
    assert sums.total == pytest.approx(math.fsum(floats), abs=1e-12)
    np.testing.assert_array_equal(buckets, np.bincount(upper_patterns(values), minlength=1 << 16))
    bounds = np.array([-0.5, 0, 1], dtype), np.array([0.5, 0, -1], dtype)
    wanted = [np.count_nonzero((values >= a) & (values <= b)) for a, b in zip(*bounds, strict=True)]
    assert kernels.count_between(values, *bounds).tolist() == wanted
    lookup = RNG.random(1 << 16) < 0.5
    for magnitudes in (False, True):
        looked_at = np.abs(values) if magnitudes else values
        picked = kernels.pick(values, lookup, magnitudes=magnitudes)
        np.testing.assert_array_equal(picked, looked_at[lookup[upper_patterns(looked_at)]])
    standard = (floats - 0.1) * 2
    powers = [math.fsum(standard**power) for power in range(1, 5)]
    assert kernels.powers(values, 0.1, 2.0) == pytest.approx(powers, rel=1e-12, abs=1e-11)
