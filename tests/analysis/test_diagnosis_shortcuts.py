"""What makes a diagnosis quick changes no answer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_tensors import tensor_of

from tensorpeek.analysis.diagnosis import blas_threads, power_law
from tensorpeek.analysis.diagnosis.held import MOST, Held, held
from tensorpeek.analysis.stopping import never
from tensorpeek.loaders import CancelledError, LoadError, Tensor, open_model
from tensorpeek.loaders.storage import Inline

RNG = np.random.default_rng(43)


def test_held_tensors_have_the_same_values(samples: Path) -> None:
    for tensor in open_model(samples / "resnet8_int8.pt").tensors:
        kept = held(tensor, never)
        assert kept is tensor or isinstance(kept.storage, Held)
        for view in tensor.views:
            np.testing.assert_array_equal(kept.read(view), tensor.read(view))


def inline(nbytes: int) -> Tensor:
    return dataclasses.replace(tensor_of(np.ones(4)), storage=Inline(bytes(nbytes)))


def test_what_is_large_or_holds_more_than_the_tensor_is_not_held() -> None:
    assert isinstance(held(inline(32), never).storage, Held)
    for tensor in (inline(100), inline(0), dataclasses.replace(inline(32), error="damaged")):
        assert held(tensor, never) is tensor
    large = dataclasses.replace(tensor_of(np.zeros(1)), shape=(MOST,), storage=Inline(b"x"))
    assert isinstance(held(large, never).storage, Held)  # by what there is, not what is claimed


def test_holding_can_be_stopped_and_fails_as_reading_does(tmp_path: Path) -> None:
    path = tmp_path / "values.npy"
    np.save(path, np.ones(100))
    (tensor,) = open_model(path).tensors
    with pytest.raises(CancelledError):
        held(tensor, lambda: True)
    path.unlink()
    with pytest.raises(LoadError, match="no such file"):
        held(tensor, never)


def test_blas_has_its_threads_back_afterwards() -> None:
    functions = blas_threads._functions()
    if functions is None:
        pytest.skip("this NumPy has no OpenBLAS of its own")
    count_threads = functions[1]
    before = count_threads()
    with blas_threads.one_blas_thread():
        assert count_threads() == 1
        with blas_threads.one_blas_thread():
            pass
        assert count_threads() == 1
    assert count_threads() == before


SPECTRA = {
    "a power law": RNG.pareto(2, 700) + 1,
    "more than 1000 values": RNG.pareto(1.5, 1600) + 1,
    "squares of normal values": RNG.normal(size=300) ** 2,
    "a random matrix": np.linalg.svd(RNG.normal(size=(90, 200)), compute_uv=False) ** 2,
    "equal values": np.ones(50),
    "few distinct values": RNG.integers(1, 5, 400).astype(float),
    "every size": np.geomspace(1e-300, 1e300, 200),
    "ten values": np.arange(1.0, 11),
}


@pytest.mark.parametrize("values", SPECTRA.values(), ids=SPECTRA)
def test_the_fit_is_the_best_of_all_beginnings(values: np.ndarray) -> None:
    ordered = np.sort(values)
    starts = ordered.size - power_law.FEWEST + 1
    tried = np.linspace(0, starts - 1, min(starts, power_law.CANDIDATES)).astype(int)
    tried = np.unique(np.searchsorted(ordered, ordered[np.unique(tried)]))
    fits = [power_law._fit(ordered, np.log(ordered), int(start)) for start in tried]
    best = min((f for f in fits if f is not None), key=lambda f: f.distance, default=None)
    assert power_law.fit_power_law(values) == best
