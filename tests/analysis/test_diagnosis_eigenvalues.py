"""Eigenvalues of symmetric matrices, beside scipy's and closed forms, in both of LAPACK's ways."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from tensorpeek.analysis.diagnosis import eigenvalues
from tensorpeek.analysis.diagnosis.eigenvalues import (
    TWO_STAGES,
    in_two_stages,
    symmetric_eigenvalues,
    two_stage_routine,
)

needs_two_stages = pytest.mark.skipif(
    two_stage_routine() is None, reason="NumPy's library has no dsyevd_2stage"
)


def gram(rows: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal((rows, rows + 3))
    return values @ values.T


@needs_two_stages
@pytest.mark.parametrize("rows", [1, 2, 3, 17, 64, 130, 400])
def test_two_stages_find_the_eigenvalues_of_scipy(rows: int) -> None:
    matrix = gram(rows)
    expected = scipy.linalg.eigvalsh(matrix)
    found = in_two_stages(two_stage_routine(), matrix.copy())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * expected[-1])


@needs_two_stages
def test_two_stages_find_the_known_eigenvalues_of_a_second_difference() -> None:
    rows = 300
    matrix = 2 * np.eye(rows) - np.eye(rows, k=1) - np.eye(rows, k=-1)
    known = 4 * np.sin(np.pi * np.arange(1, rows + 1) / (2 * (rows + 1))) ** 2
    found = in_two_stages(two_stage_routine(), matrix)
    np.testing.assert_allclose(found, known, rtol=0, atol=1e-13)


@needs_two_stages
def test_two_stages_take_a_matrix_that_is_read_only_or_in_columns() -> None:
    matrix = gram(50)
    expected = np.linalg.eigvalsh(matrix)
    matrix.flags.writeable = False
    found = in_two_stages(two_stage_routine(), matrix)
    in_columns = in_two_stages(two_stage_routine(), np.asfortranarray(gram(50)))
    np.testing.assert_allclose(found, expected, atol=1e-12 * expected[-1])
    assert in_columns.tolist() == found.tolist()


def test_zero_matrices_have_zero_eigenvalues() -> None:
    assert not symmetric_eigenvalues(np.zeros((8, 8))).any()


@pytest.mark.parametrize("has_routine", [True, False], ids=["two stages", "eigvalsh alone"])
def test_large_matrices_take_what_there_is(
    has_routine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    routine = two_stage_routine()
    monkeypatch.setattr(eigenvalues, "TWO_STAGES", 100)
    monkeypatch.setattr(eigenvalues, "two_stage_routine", lambda: routine if has_routine else None)
    monkeypatch.setattr(
        eigenvalues,
        "in_two_stages",
        lambda found, matrix: taken.append(found) or in_two_stages(found, matrix),
    )
    matrix = gram(120)
    expected = scipy.linalg.eigvalsh(matrix)
    found = symmetric_eigenvalues(matrix)
    np.testing.assert_allclose(found, expected, atol=1e-12 * expected[-1])
    assert bool(taken) == (has_routine and routine is not None)
    assert TWO_STAGES > 1000


@needs_two_stages
def test_a_failure_of_the_routine_is_an_error_of_linear_algebra() -> None:
    def failing(*arguments: object) -> int:
        import ctypes

        address = arguments[10].value
        ctypes.c_int64.from_address(address).value = 3
        return 0

    with pytest.raises(np.linalg.LinAlgError, match="did not converge"):
        in_two_stages(failing, gram(4))
