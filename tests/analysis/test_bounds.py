"""An interval of real numbers holds exactly these elements of a type."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tensorpeek.analysis.bounds import closed_bounds

LARGEST32 = float(np.finfo(np.float32).max)
TINY32 = float(np.finfo(np.float32).smallest_subnormal)


@pytest.mark.parametrize(
    ("name", "low", "high", "expected"),
    [
        pytest.param("int32", 0.5, 3.5, (1, 3), id="integers are rounded inward"),
        pytest.param("int32", -1e9, math.inf, (-(10**9), 2**31 - 1), id="up to the type's limit"),
        pytest.param("uint64", -5, 2**64, (0, 2**64 - 1), id="beyond both limits"),
        pytest.param("int64", 2**62 + 1, 2**62 + 1, (2**62 + 1, 2**62 + 1), id="one large integer"),
        pytest.param("int32", 0.2, 0.8, None, id="no integer between"),
        pytest.param("int32", 2**31, math.inf, None, id="above all integers"),
        pytest.param("uint32", -math.inf, -1, None, id="below all integers"),
        pytest.param("float32", 1.0, 2.0, (1.0, 2.0), id="bounds that are elements"),
        pytest.param("float32", 1e39, math.inf, (math.inf, math.inf), id="infinity alone"),
        pytest.param("float32", 0.0, 1e39, (0.0, LARGEST32), id="all but infinity"),
        pytest.param(
            "float32", LARGEST32 * (1 + 1e-9), 1e39, None, id="between the largest and infinity"
        ),
        pytest.param("float32", TINY32 / 4, TINY32, (TINY32, TINY32), id="the smallest denormal"),
        pytest.param("float64", math.nan, 1.0, None, id="a bound of NaN"),
        pytest.param("float64", 1.0, 0.0, None, id="bounds out of order"),
    ],
)
def test_bounds(name: str, low: float, high: float, expected: tuple[float, float] | None) -> None:
    assert closed_bounds(np.dtype(name), low, high) == expected


def test_an_interval_between_two_float32_is_empty() -> None:
    assert closed_bounds(np.dtype(np.float32), 1 + 1e-9, 1 + 2e-9) is None
    found = closed_bounds(np.dtype(np.float32), 0.1, 0.2)
    assert found is not None
    lower, upper = float(found[0]), float(found[1])
    assert 0.1 <= lower <= upper <= 0.2
    assert float(np.nextafter(np.float32(lower), np.float32(0))) < 0.1
    assert float(np.nextafter(np.float32(upper), np.float32(1))) > 0.2
