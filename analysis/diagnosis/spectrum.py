"""The singular values of a weight matrix, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.devices.device import CPU, Device
from tensorpeek.analysis.diagnosis.device_spectrum import solver_on
from tensorpeek.analysis.diagnosis.power_law import PowerLaw, fit_power_law
from tensorpeek.analysis.diagnosis.singular_values import singular_values
from tensorpeek.analysis.diagnosis.weight_matrix import WeightMatrix
from tensorpeek.analysis.stopping import Stop, never

EFFECTIVE = 0.01
"""Share of the largest singular value above which one counts for the effective rank."""

ENERGY_AT = (1, 8, 32, 128)
"""Numbers of leading singular values whose share of the energy is told."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Spectrum:
    """Measures of the singular values s of a matrix of ``rows`` by ``columns``, s1 the largest.

    ``condition`` is s1 / sn, infinite for a rank below the smaller side, None for a zero matrix
    or where sn was not resolved. ``rank`` counts s > s1 * max(rows, columns) * eps, as
    ``numpy.linalg.matrix_rank`` does. ``stable_rank`` is sum s**2 / s1**2 (Rudelson and Vershynin
    2007, doi:10.1145/1255443.1255449), ``effective_rank`` counts s > 0.01 s1, ``entropy_rank`` is
    exp(-sum p ln p) with p = s / sum s (Roy and Vetterli 2007, EUSIPCO), ``nuclear_norm`` sum s.
    ``energy_percent`` maps k to the share of sum s**2 in the first k; ``rank_90`` and ``rank_99``
    are the fewest that hold 90 and 99 % of it. ``power_law`` is fitted to s**2. ``method`` is
    ``gram`` or ``svd``, ``device`` the name of what did it. Norms are in the tensor's units; ranks
    of a zero matrix are 0.
    """

    rows: int
    columns: int
    largest: float
    smallest: float | None
    condition: float | None
    rank: int | None
    stable_rank: float
    effective_rank: int
    entropy_rank: float
    nuclear_norm: float
    energy_percent: dict[int, float]
    rank_90: int
    rank_99: int
    power_law: PowerLaw | None
    method: str
    device: str = CPU


def spectrum(
    matrix: WeightMatrix, *, huge: bool = False, stop: Stop = never, device: Device | None = None
) -> Spectrum:
    """Compute the singular values of a matrix without NaN and infinities; see the method there.

    All of it is done on a ``device`` if there is one, else here. Raises UnmeasurableError for an
    empty matrix, and for one that is too large unless ``huge``; LoadError and CancelledError;
    DeviceMemoryError for one that does not fit the device, and DeviceError.
    """
    solver_of = None if device is None else solver_on(device)
    values, method, resolved = singular_values(matrix, huge=huge, stop=stop, solver_of=solver_of)
    found = spectrum_of(matrix, values, method, resolved=resolved)
    return found if device is None else replace(found, device=device.name)


def spectrum_of(
    matrix: WeightMatrix, values: NDArray[np.float64], method: str, *, resolved: bool
) -> Spectrum:
    """Return what follows from ``values``, as :func:`singular_values` returns them."""
    unit = matrix.exponent
    return Spectrum(
        rows=matrix.channels,
        columns=matrix.columns,
        largest=_units(values[0], unit),
        smallest=_units(values[-1], unit) if resolved else None,
        condition=_condition(values, matrix) if resolved else None,
        rank=_rank(values, matrix) if resolved else None,
        power_law=_scaled_law(values, unit),
        method=method,
        **_ranks(values, unit),  # type: ignore[arg-type]
    )


def _ranks(values: NDArray[np.float64], unit: int) -> dict[str, object]:
    top, total = float(values[0]), float(values.sum())
    if not top:
        ranks = ("stable_rank", "effective_rank", "entropy_rank", "rank_90", "rank_99")
        empty: dict[str, object] = {}
        return dict.fromkeys(ranks, 0) | {"nuclear_norm": 0.0, "energy_percent": empty}
    shares = values[values > 0] / total
    energy = np.cumsum((values / top) ** 2)
    reached = energy / energy[-1]
    return {
        "stable_rank": float(energy[-1]),
        "effective_rank": int(np.count_nonzero(values > EFFECTIVE * top)),
        "entropy_rank": math.exp(-float((shares * np.log(shares)).sum())),
        "nuclear_norm": _units(total, unit),
        "energy_percent": {k: 100 * float(reached[k - 1]) for k in ENERGY_AT if k <= values.size},
        "rank_90": int(np.searchsorted(reached, 0.90)) + 1,
        "rank_99": int(np.searchsorted(reached, 0.99)) + 1,
    }


def _threshold(values: NDArray[np.float64], matrix: WeightMatrix) -> float:
    return float(values[0]) * max(matrix.channels, matrix.columns) * float(np.finfo(float).eps)


def _condition(values: NDArray[np.float64], matrix: WeightMatrix) -> float | None:
    if not values[0]:
        return None
    singular = values[-1] <= _threshold(values, matrix)
    return math.inf if singular else float(values[0] / values[-1])


def _rank(values: NDArray[np.float64], matrix: WeightMatrix) -> int:
    return int(np.count_nonzero(values > _threshold(values, matrix)))


def _scaled_law(values: NDArray[np.float64], unit: int) -> PowerLaw | None:
    top = values[0]
    law = fit_power_law((values / top) ** 2) if top else None
    if law is None:
        return None
    square = float(top) ** 2
    return PowerLaw(
        law.alpha,
        law.alpha_error,
        _units(law.xmin * square, 2 * unit),
        law.tail,
        law.distance,
    )


def _units(value: float, exponent: int) -> float:
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(value, exponent))
