"""What a scheme costs: against brute force in NumPy, and the same numbers as a diagnosis."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made_tensors import quantized, tensor_of

from tensorpeek.analysis import measure
from tensorpeek.analysis.diagnosis import (
    Request,
    Thresholds,
    UnmeasurableError,
    diagnose,
)
from tensorpeek.analysis.risk import (
    GRANULARITIES,
    GRID_NAMES,
    Scheme,
    first_look,
    grade,
    is_instant,
    known_errors,
    trial_error,
    worst_grade,
)
from tensorpeek.loaders import Tensor

RNG = np.random.default_rng(2)

TENSORS = {
    "float32": tensor_of(RNG.normal(size=(24, 200)), "float32"),
    "float16": tensor_of(RNG.standard_t(3, size=(24, 200)), "float16"),
    "bfloat16 kernel": tensor_of(RNG.normal(size=(8, 6, 3, 3)), "bfloat16"),
    "a vector": tensor_of(RNG.normal(size=300), "float32"),
    "quantized": quantized(RNG.integers(-99, 99, (12, 64)), "int8", scale=0.1),
    "zeros": tensor_of(np.zeros((4, 40)), "float32"),
}


def error_of(tensor: Tensor, scheme: Scheme) -> float | None:
    return trial_error(tensor, measure(tensor), scheme).sqnr_db


@pytest.mark.parametrize("tensor", TENSORS.values(), ids=TENSORS)
def test_every_scheme_gives_the_numbers_of_a_diagnosis(tensor: Tensor) -> None:
    known = known_errors(diagnose(tensor, Request(bits=(8, 6, 4, 3, 2))))
    compared = 0
    for grid in GRID_NAMES:
        for unit in GRANULARITIES:
            for symmetric in (True, False):
                scheme = Scheme(grid, unit, symmetric)
                if scheme.key in known:
                    truth = known[scheme.key].sqnr_db
                    assert error_of(tensor, scheme) == (
                        None if truth is None else pytest.approx(truth, rel=1e-9)
                    )
                    compared += 1
    assert compared >= 5 * 4 * 2


@pytest.mark.parametrize("bits", [8, 6, 4, 3, 2])
@pytest.mark.parametrize("unit", GRANULARITIES, ids=str)
def test_symmetric_integers_against_brute_force(bits: int, unit: str | int) -> None:
    tensor = TENSORS["float32"]
    values = tensor.read().astype(np.float64)
    parts = {"tensor": [values.ravel()], "channel": list(values)}.get(str(unit))
    if parts is None:
        width = int(unit)
        parts = [row[at : at + width] for row in values for at in range(0, row.size, width)]
    top = 2 ** (bits - 1) - 1
    noise = 0.0
    for part in parts:
        scale = np.abs(part).max() / top
        noise += float(((np.rint(part / scale) * scale - part) ** 2).sum())
    truth = 10 * math.log10(float((values**2).sum()) / noise)
    assert error_of(tensor, Scheme(f"int{bits}", unit)) == pytest.approx(truth, abs=1e-6)


def test_one_channel_alone_has_one_scale() -> None:
    tensor = TENSORS["a vector"]
    whole = error_of(tensor, Scheme("int4", "tensor"))
    assert error_of(tensor, Scheme("int4", "channel")) == whole


def test_floats_have_the_groups_of_their_sources() -> None:
    assert Scheme("nf4", "tensor").key == ("nf4", "group 64")
    assert Scheme("mxfp4", 128).key == ("mxfp4", "group 32")
    assert Scheme("fp8 e4m3").key == ("fp8 e4m3", "tensor")
    assert not Scheme("nf4").has_free_unit
    assert Scheme("int4", 128, symmetric=False).words == "int4 per group 128, asymmetric"
    assert Scheme("nf4").words == "nf4 per group 64"


def test_steps_lead_around() -> None:
    scheme = Scheme()
    for _ in GRID_NAMES:
        scheme = scheme.with_grid(1)
    for _ in GRANULARITIES:
        scheme = scheme.with_granularity(-1)
    assert scheme == Scheme()
    assert scheme.with_other_kind().with_other_kind() == scheme


def test_tables_of_counts_answer_at_once() -> None:
    narrow, wide = measure(TENSORS["float16"]), measure(TENSORS["float32"])
    assert is_instant(narrow, Scheme("int4", "tensor"))
    assert not is_instant(narrow, Scheme("int4", "channel"))
    assert not is_instant(narrow, Scheme("nf4", "tensor"))
    assert not is_instant(wide, Scheme("int4", "tensor"))


def test_complex_values_have_no_grid() -> None:
    tensor = tensor_of(np.ones((2, 2), complex))
    with pytest.raises(UnmeasurableError, match="complex"):
        trial_error(tensor, measure(tensor), Scheme())


def test_a_first_look_counts_outliers_zeros_and_what_is_not_finite() -> None:
    values = RNG.normal(size=4000)
    values[:3], values[3], values[4:14] = 50.0, np.nan, 0.0
    look, distribution = first_look(tensor_of(values, "float64"))
    assert distribution.summary.count == 4000
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, [0.25, 0.75])
    apart = 3 * (high - low)
    outside = np.mean((finite < low - apart) | (finite > high + apart))
    assert look.extreme_percent == pytest.approx(100 * outside)
    assert look.zeros_percent == pytest.approx(100 * 10 / 4000)
    assert look.broken == 1
    empty, _ = first_look(tensor_of(np.zeros((0, 3))))
    assert (empty.extreme_percent, empty.zeros_percent, empty.broken) == (None, None, 0)


def test_grades_have_the_limits_of_a_scan() -> None:
    limits = Thresholds()
    ratios = [40.0, 39.9, 30.0, 29.9, math.inf, math.nan, None]
    assert [grade(ratio, limits.sqnr_db, falling=True) for ratio in ratios] == [
        "Excellent",
        "Good",
        "Good",
        "Warning",
        "Excellent",
        "Warning",
        None,
    ]
    shares = [0.1, 0.11, 1.0, 10.0, 10.1]
    assert [grade(share, limits.extreme_outliers_percent) for share in shares] == [
        "Excellent",
        "Good",
        "Good",
        "Warning",
        "Critical",
    ]
    assert worst_grade(["Good", None, "Critical", "Warning"]) == "Critical"
    assert worst_grade([None]) is None
