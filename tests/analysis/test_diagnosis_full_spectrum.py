"""All singular values of tensors against SciPy, and what stands in their way."""

from __future__ import annotations

import numpy as np
import pytest
from made_tensors import quantized, tensor_of
from scipy import linalg

from tensorpeek.analysis import measure
from tensorpeek.analysis.diagnosis import UnmeasurableError
from tensorpeek.analysis.diagnosis.full_spectrum import full_spectrum, spectrum_cost
from tensorpeek.analysis.diagnosis.spectrum import spectrum
from tensorpeek.analysis.diagnosis.weight_matrix import weight_matrix
from tensorpeek.loaders import CancelledError

RNG = np.random.default_rng(11)

ARRAYS = {
    "a small matrix": RNG.normal(size=(30, 20)),
    "a matrix by way of its Gram matrix": RNG.normal(size=(200, 300)),
    "a kernel": RNG.normal(size=(20, 12, 3, 3)),
    "values whose squares vanish": RNG.normal(size=(20, 30)) * 1e-200,
    "a matrix of rank 1": np.outer(np.arange(1.0, 9), np.arange(1.0, 7)),
    "zeros": np.zeros((5, 7)),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_all_values_are_those_of_scipy(array: np.ndarray) -> None:
    tensor = tensor_of(array, "float64")
    found = full_spectrum(tensor)
    matrix = array.reshape(array.shape[0], -1)
    truth = linalg.svdvals(matrix)
    np.testing.assert_allclose(found.values, truth, rtol=1e-8, atol=1e-9 * truth[0])
    assert found.bulk is not None
    unit = truth[0] or 1.0  # whose squares NumPy can hold
    assert found.bulk.sigma / unit == pytest.approx((matrix / unit).std(), rel=1e-12)
    assert found.above_bulk == np.sum(found.values > found.bulk.high)
    alone = spectrum(weight_matrix(tensor, "dequantized", measure(tensor).summary))
    for name in ("largest", "condition", "stable_rank", "rank_90", "rank_99", "nuclear_norm"):
        assert getattr(found.spectrum, name) == getattr(alone, name), name


def test_quantized_views_have_spectra_of_their_own() -> None:
    codes = RNG.integers(-100, 100, (16, 24)).astype(np.int8)
    tensor = quantized(codes, "int8", scale=0.5)
    raw, floats = full_spectrum(tensor, "raw"), full_spectrum(tensor)
    np.testing.assert_allclose(raw.values, linalg.svdvals(codes.astype(float)), rtol=1e-9)
    np.testing.assert_allclose(floats.values, raw.values / 2, rtol=1e-9)


REFUSED = {
    "a vector": (np.ones(5), "needs a matrix"),
    "NaN": (np.array([[1.0, np.nan], [0.0, 1.0]]), "has NaN or infinite values"),
    "an infinity": (np.array([[1.0, np.inf], [0.0, 1.0]]), "has NaN or infinite values"),
    "complex values": (np.ones((2, 2), complex), "has complex values"),
    "nothing": (np.ones((0, 4)), "is empty"),
}


@pytest.mark.parametrize(("array", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_spectrum_says_why(array: np.ndarray, reason: str) -> None:
    with pytest.raises(UnmeasurableError) as told:
        full_spectrum(tensor_of(array))
    assert told.value.reason == reason


def test_it_stops_when_asked_and_tells_how_far_it_is() -> None:
    tensor = tensor_of(RNG.normal(size=(300, 200)), "float32")
    with pytest.raises(CancelledError):
        full_spectrum(tensor, stop=lambda: True)
    told: list[float] = []
    full_spectrum(tensor, progress=told.append)
    assert told[-1] == 1


def test_the_cost_grows_with_the_matrix_and_large_ones_are_told() -> None:
    def cost(*shape: int) -> float:
        tensor = tensor_of(np.zeros(1, np.float16))
        object.__setattr__(tensor, "shape", shape)
        found = spectrum_cost(tensor)
        assert found is not None
        assert (found.rows, found.columns) == (shape[0], int(np.prod(shape[1:])))
        assert found.is_large == (min(found.rows, found.columns) > 16_384)
        return found.seconds

    assert cost(64, 64) == 0
    assert cost(256, 256) < cost(1024, 1024) < cost(4096, 4096) < cost(20_000, 20_000)
    assert spectrum_cost(tensor_of(np.ones(9))) is None
    assert spectrum_cost(tensor_of(np.ones((0, 3)))) is None
