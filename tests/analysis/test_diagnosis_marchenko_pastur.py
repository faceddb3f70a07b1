"""The law of noise against closed forms, integrals by SciPy, and random matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, linalg

from tensorpeek.analysis.diagnosis.marchenko_pastur import median_sigma, noise_bulk

SHAPES = {
    "a square matrix": (300, 300),
    "a wide matrix": (200, 800),
    "a tall matrix": (900, 100),
    "one row": (1, 50),
}


@pytest.mark.parametrize(("rows", "columns"), SHAPES.values(), ids=SHAPES)
def test_edges_follow_the_closed_form(rows: int, columns: int) -> None:
    bulk = noise_bulk(rows, columns, 0.25)
    n, m = max(rows, columns), min(rows, columns)
    assert bulk.high == pytest.approx(0.25 * math.sqrt(n) * (1 + math.sqrt(m / n)))
    assert bulk.low == pytest.approx(0.25 * math.sqrt(n) * (1 - math.sqrt(m / n)), abs=1e-12)


@pytest.mark.parametrize(("rows", "columns"), list(SHAPES.values())[:3], ids=list(SHAPES)[:3])
def test_the_density_is_that_of_the_squares_and_integrates_to_one(rows: int, columns: int) -> None:
    bulk = noise_bulk(rows, columns, 0.5)
    one = lambda x: float(bulk.density(np.array([x]))[0])  # noqa: E731
    total, _ = integrate.quad(one, bulk.low, bulk.high, limit=200)
    assert total == pytest.approx(1, abs=1e-4)
    # Marchenko and Pastur give the density of x = s**2 / n for q = m / n and a variance.
    n, m = max(rows, columns), min(rows, columns)
    s = bulk.low + 0.3 * (bulk.high - bulk.low)
    x, q, variance = s * s / n, m / n, 0.25
    low, high = variance * (1 - math.sqrt(q)) ** 2, variance * (1 + math.sqrt(q)) ** 2
    of_squares = math.sqrt((high - x) * (x - low)) / (2 * math.pi * variance * q * x)
    assert one(s) == pytest.approx(of_squares * 2 * s / n)
    assert one(bulk.high * 1.01) == 0
    assert bulk.expected(np.linspace(0, bulk.high, 200)).sum() == pytest.approx(m, rel=2e-3)


@pytest.mark.parametrize("kind", ["normal", "uniform", "signs"])
@pytest.mark.parametrize(("rows", "columns"), list(SHAPES.values())[:3], ids=list(SHAPES)[:3])
def test_random_matrices_fill_the_bulk(kind: str, rows: int, columns: int) -> None:
    rng = np.random.default_rng(7)
    draw = {
        "normal": rng.normal(size=(rows, columns)),
        "uniform": rng.uniform(-math.sqrt(3), math.sqrt(3), (rows, columns)),
        "signs": rng.choice([-1.0, 1.0], (rows, columns)),
    }[kind]
    values = linalg.svdvals(0.1 * draw)
    bulk = noise_bulk(rows, columns, 0.1)
    stray = 3 * bulk.high * (rows * columns) ** (-1 / 3)
    assert values[0] == pytest.approx(bulk.high, abs=stray)
    assert values[-1] == pytest.approx(bulk.low, abs=stray)
    assert bulk.above(values) <= 3
    assert bulk.below(values) <= 3
    edges = np.linspace(0, bulk.high * 1.05, 11)
    counts = np.histogram(values, edges)[0]
    assert np.abs(counts - bulk.expected(edges)).max() <= 0.04 * values.size + 2
    assert median_sigma(rows, columns, values) == pytest.approx(0.1, rel=0.02)


def test_planted_directions_stand_above_the_noise() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.05, (400, 200))
    left = np.linalg.qr(rng.normal(size=(400, 5)))[0]
    right = np.linalg.qr(rng.normal(size=(200, 5)))[0]
    matrix = noise + left * 20.0 @ right.T
    values = linalg.svdvals(matrix)
    by_elements = noise_bulk(400, 200, float(matrix.std()))
    assert by_elements.above(values) == 5
    sigma = median_sigma(400, 200, values)
    assert sigma == pytest.approx(0.05, rel=0.05)
    assert sigma < by_elements.sigma
    assert noise_bulk(400, 200, sigma).above(values) == pytest.approx(5, abs=1)


def test_a_constant_matrix_has_an_empty_bulk() -> None:
    bulk = noise_bulk(4, 6, 0.0)
    assert (bulk.low, bulk.high) == (0, 0)
    assert not bulk.density(np.array([0.0, 1.0])).any()
    assert median_sigma(4, 6, np.zeros(4)) == 0


@pytest.mark.parametrize("wrong", [(0, 3, 1.0), (3, 0, 1.0), (3, 3, math.nan), (3, 3, -1.0)])
def test_what_is_no_matrix_of_noise_is_refused(wrong: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match=r"side|sigma"):
        noise_bulk(*wrong)
