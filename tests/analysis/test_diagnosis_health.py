"""Severities at and around their thresholds; advice; configuration files."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made_tensors import quantized, tensor_of

from tensorpeek.analysis.diagnosis import Diagnosis, Request, Thresholds, check_thresholds, diagnose
from tensorpeek.analysis.diagnosis.error_sums import GridError
from tensorpeek.analysis.diagnosis.health import Measured, judge
from tensorpeek.analysis.diagnosis.outliers import Outliers
from tensorpeek.analysis.diagnosis.spectrum import Spectrum
from tensorpeek.analysis.summary import Summary

RNG = np.random.default_rng(23)


def summary(**counts: int) -> Summary:
    counts = {"nan": 0, "positive_infinity": 0, "negative_infinity": 0} | counts
    names = ("minimum", "maximum", "mean", "std", "absolute_mean", "l2_norm", "quantiles")
    return Summary(count=100, finite=90, zeros=0, **counts, **dict.fromkeys(names))


def spectrum(condition: float | None = 10.0, stable_rank: float = 50.0) -> Spectrum:
    return Spectrum(
        rows=100,
        columns=200,
        largest=1.0,
        smallest=0.1,
        condition=condition,
        rank=90,
        stable_rank=stable_rank,
        effective_rank=100,
        entropy_rank=90.0,
        nuclear_norm=60.0,
        energy_percent={},
        rank_90=80,
        rank_99=95,
        power_law=None,
        method="gram",
    )


def with_sqnr(decibels: float | None, granularity: str = "tensor") -> GridError:
    return GridError("int8 symmetric", granularity, 8, *[None] * 5, decibels, None, 0.0)


@pytest.mark.parametrize(
    ("measured", "severity"),
    [
        ({"spectrum": spectrum(1e3)}, "Excellent"),
        ({"spectrum": spectrum(1.01e3)}, "Good"),
        ({"spectrum": spectrum(1e4)}, "Good"),
        ({"spectrum": spectrum(1.01e4)}, "Warning"),
        ({"spectrum": spectrum(1e5)}, "Warning"),
        ({"spectrum": spectrum(1.01e5)}, "Critical"),
        ({"spectrum": spectrum(math.inf)}, "Critical"),
        ({"spectrum": spectrum(None)}, "Excellent"),
        ({"spectrum": spectrum(stable_rank=30)}, "Excellent"),
        ({"spectrum": spectrum(stable_rank=29.9)}, "Good"),
        ({"spectrum": spectrum(stable_rank=9.9)}, "Warning"),
        ({"errors": [with_sqnr(40)]}, "Excellent"),
        ({"errors": [with_sqnr(math.inf)]}, "Excellent"),
        ({"errors": [with_sqnr(39.9)]}, "Good"),
        ({"errors": [with_sqnr(30)]}, "Good"),
        ({"errors": [with_sqnr(29.9)]}, "Warning"),
        ({"errors": [with_sqnr(None)]}, None),
        ({"errors": [with_sqnr(10)], "is_quantized": True}, None),
        ({"outliers": Outliers(1.0, 5.0, 0.1, 9.0, 3.0)}, "Excellent"),
        ({"outliers": Outliers(1.0, 5.0, 1.0, 9.0, 3.0)}, "Good"),
        ({"outliers": Outliers(1.0, 5.0, 10.0, 9.0, 3.0)}, "Warning"),
        ({"outliers": Outliers(1.0, 50.0, 10.1, 9.0, 3.0)}, "Critical"),
        ({"outliers": Outliers(0.0, None, None, 9.0, 3.0)}, None),
        ({}, None),
        ({"errors": [with_sqnr(50)], "spectrum": spectrum(1e9)}, "Critical"),
    ],
)
def test_severities_at_their_thresholds(measured: dict, severity: str | None) -> None:
    found = judge(Measured(summary=summary(), **measured))
    assert found.severity == severity
    assert bool(found.reasons) == (severity in {"Warning", "Critical"})


@pytest.mark.parametrize("name", ["nan", "positive_infinity", "negative_infinity"])
def test_what_is_not_finite_is_always_critical(name: str) -> None:
    found = judge(Measured(summary=summary(**{name: 1}), errors=[with_sqnr(90)]))
    assert found.severity == "Critical"
    assert "1 NaN value" in found.reasons or "1 infinite value" in found.reasons


def test_advice_names_the_first_remedy_that_is_enough() -> None:
    errors = [with_sqnr(20), with_sqnr(28, "channel"), with_sqnr(33, "group 128")]
    found = judge(Measured(summary=summary(), errors=errors))
    assert found.advice == ("quantize per group 128 (33.0 dB)",)
    found = judge(Measured(summary=summary(), errors=errors[:2]))
    assert found.advice == ("keep in fp16",)


def test_channels_of_different_size_are_to_be_quantized_per_channel() -> None:
    values = RNG.normal(size=(64, 256)) * np.geomspace(1, 1e4, 64)[:, None]
    values[-1] *= 10
    found = diagnose(tensor_of(values.astype(np.float32))).health
    assert found.severity in {"Warning", "Critical"}
    assert any("low rank" in advice for advice in found.advice)


def test_a_few_large_values_are_to_be_clipped_or_quantized_in_groups() -> None:
    values = RNG.normal(size=(64, 256))
    values[0, 0] = 500
    found = diagnose(tensor_of(values), Request(metrics=frozenset({"quantization"}))).health
    assert found.severity == "Warning"
    assert any(advice.startswith("quantize per channel") for advice in found.advice)


def test_dead_channels_are_told() -> None:
    values = RNG.normal(size=(64, 256))
    values[:3] = 0
    found = diagnose(tensor_of(values)).health
    assert "3 of 64 channels are dead" in found.reasons
    assert found.severity == "Critical"  # a rank below the smaller side


def test_a_configuration_file_changes_some_thresholds() -> None:
    found = check_thresholds({"sqnr_db": [50, 45.5], "condition_number": [1, 2, 3]})
    assert found == Thresholds(condition_number=(1, 2, 3), sqnr_db=(50, 45.5))
    assert check_thresholds({}) == Thresholds()
    measured = Measured(summary=summary(), errors=[with_sqnr(46)])
    assert (judge(measured, found).severity, judge(measured).severity) == ("Good", "Excellent")


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"sqnr": [1, 2]}, "unknown threshold 'sqnr'; there are: condition_number"),
        ({"sqnr_db": [1, 2]}, "do not fall"),
        ({"condition_number": [3, 2, 1]}, "do not rise"),
        ({"sqnr_db": [40]}, "not a list of 2 numbers"),
        ({"sqnr_db": [40, math.nan]}, "not a list of 2 numbers"),
        ({"sqnr_db": [True, False]}, "not a list of 2 numbers"),
        ({"sqnr_db": ["a", "b"]}, "not a list of 2 numbers"),
        ({"sqnr_db": 40}, "not a list of 2 numbers"),
    ],
)
def test_what_is_wrong_with_a_configuration(table: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_thresholds(table)


def test_a_quantized_tensor_is_not_told_to_be_quantized() -> None:
    codes = RNG.integers(-127, 128, (20, 50))
    scales = np.geomspace(1e-4, 1, 20)
    tensor = quantized(codes, "int8", scale=scales, scheme="per-channel", axis=0)
    found: Diagnosis = diagnose(tensor, Request(metrics=frozenset({"quantization"})))
    assert not any("quantize per" in advice for advice in found.health.advice)
    assert found.grid_use is not None
