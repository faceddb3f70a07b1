"""Long work ends when it is told to, and tells how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from made_tensors import quantized, tensor_of

from tensorpeek.analysis import Distribution, Stop, measure, uniform_edges
from tensorpeek.loaders import CancelledError, Tensor

SIZE = 3_000_000


class Clock:
    """Says stop after some polls, and notes how long it was not asked."""

    def __init__(self, polls: int) -> None:
        self.polls = polls
        self.longest = 0.0
        self._last: float | None = None

    def __call__(self) -> bool:
        now = time.thread_time()
        if self._last is not None:
            self.longest = max(self.longest, now - self._last)
        self._last = now
        self.polls -= 1
        return self.polls < 0


def _longest_silence(work: Callable[[Stop], object]) -> float:
    """Seconds of work between two polls; the better of runs, as other processes disturb it."""
    clocks = [Clock(1000) for _ in range(3)]
    for clock in clocks:
        work(clock)
    return min(clock.longest for clock in clocks)


def _tensor(name: str) -> Tensor:
    values = np.random.default_rng(0).normal(size=SIZE)
    if name == "per channel":
        codes = (values * 30).clip(-128, 127).reshape(1000, -1)
        return quantized(codes, "int8", scheme="per-channel", axis=1, scale=np.ones(SIZE // 1000))
    if name == "many channels":
        scale = np.random.default_rng(1).random(8192)
        codes = (values[: 8192 * 256] * 30).clip(-128, 127).reshape(8192, 256)
        return quantized(codes, "int8", scheme="per-channel", axis=0, scale=scale)
    if name == "blockwise":
        codes = (values * 30).clip(-128, 127).reshape(1000, -1)
        scale = np.full((10, SIZE // 1000), 0.013)
        return quantized(codes, "int8", scheme="blockwise", axis=0, block=100, scale=scale)
    return tensor_of(values, name)


@pytest.mark.parametrize(
    "name", ["int8", "bfloat16", "float32", "float64", "per channel", "many channels", "blockwise"]
)
def test_measuring_polls_within_50_ms_and_stops(name: str) -> None:
    tensor = _tensor(name)
    assert _longest_silence(lambda stop: measure(tensor, stop=stop)) < 0.05
    for polls in (0, 1, 2):
        with pytest.raises(CancelledError):
            measure(tensor, stop=Clock(polls))


ASK: list[Callable[[Distribution, Stop], object]] = [
    lambda distribution, stop: distribution.histogram(uniform_edges(-3, 3, 50), stop=stop),
    lambda distribution, stop: distribution.count_range(-0.39, 0.39, stop=stop),
]


@pytest.mark.parametrize("ask", ASK, ids=["a histogram", "a range"])
@pytest.mark.parametrize("name", ["float32", "float64", "blockwise"])
def test_exact_answers_of_wide_types_poll_and_stop(
    name: str, ask: Callable[[Distribution, Stop], object]
) -> None:
    distribution = measure(_tensor(name), quantiles=False)
    assert 0 < _longest_silence(lambda stop: ask(distribution, stop)) < 0.05
    with pytest.raises(CancelledError):
        ask(distribution, Clock(1))


@pytest.mark.parametrize("name", ["int8", "float16", "float32", "per channel"])
def test_progress_grows_from_0_to_1(name: str) -> None:
    shares: list[float] = []
    measure(_tensor(name), progress=shares.append)
    assert shares == sorted(shares)
    assert 0 < shares[0] < 1
    assert shares[-1] == 1.0
