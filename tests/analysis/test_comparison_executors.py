"""Many pairs on any executor: results in order, what nobody waits for is canceled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np
import pytest
from made_tensors import tensor_of

from tensorpeek.analysis.comparison import Comparison, Pair, compare, compare_pairs
from tensorpeek.analysis.diagnosis.workers import process_pool
from tensorpeek.loaders import CancelledError

RNG = np.random.default_rng(3)


def noisy(size: int) -> np.ndarray:
    values = RNG.normal(size=(4, size)).astype(np.float32)
    values[0, 0] = np.nan if size % 2 else 0
    return values


TENSORS = [tensor_of(noisy(size), name=f"n{size}.weight") for size in (3, 900, 17, 50, 2)]
PAIRS = [Pair(one, tensor_of(noisy(one.shape[1]), name=one.name), "name") for one in TENSORS]


class Collecting(Executor):
    """Does tasks one by one when it is told, and notes in which order they were given."""

    def __init__(self) -> None:
        self.given: list[tuple[Future[Any], Any, Any]] = []

    def submit(self, fn: Any, /, *args: Any, **_: Any) -> Future[Any]:  # noqa: ANN401
        future: Future[Any] = Future()
        self.given.append((future, fn, args))
        return future

    def work(self, count: int) -> None:
        for future, task, words in self.given[:count]:
            if future.set_running_or_notify_cancel():
                future.set_result(task(*words))


def taking(results: Iterator[Comparison], count: int) -> tuple[threading.Thread, list[Comparison]]:
    """Take some results in a thread, which waits for them."""
    found: list[Comparison] = []
    thread = threading.Thread(target=lambda: found.extend(islice(results, count)))
    thread.start()
    return thread, found


def wait_for_tasks(executor: Collecting) -> None:
    while len(executor.given) < len(PAIRS):
        threading.Event().wait(0.001)


def test_the_largest_begin_first_and_results_come_in_order() -> None:
    executor = Collecting()
    waiting, found = taking(compare_pairs(PAIRS, executor), len(PAIRS))
    wait_for_tasks(executor)
    assert [pair.first.shape[1] for *_, (pair,) in executor.given] == [900, 50, 17, 3, 2]
    executor.work(len(PAIRS))
    waiting.join()
    assert [one.pair for one in found] == PAIRS


def test_what_nobody_waits_for_is_canceled() -> None:
    executor = Collecting()
    results = compare_pairs(PAIRS, executor)
    waiting, found = taking(results, 1)
    wait_for_tasks(executor)
    executor.work(4)  # the first pair is the fourth largest
    waiting.join()
    results.close()
    assert [one.pair for one in found] == PAIRS[:1]
    assert [future.cancelled() for future, *_ in executor.given] == [False] * 4 + [True]


def test_without_an_executor_each_is_compared_when_it_is_asked_for() -> None:
    asked: list[float] = []
    results = compare_pairs(PAIRS, progress=asked.append)
    next(results)
    count = len(asked)
    next(results)
    assert len(asked) > count > 0


@pytest.mark.parametrize(
    "executor",
    [lambda: ThreadPoolExecutor(3), lambda: process_pool(1)],
    ids=["threads", "a process"],
)
def test_an_executor_finds_what_one_thread_finds(executor: Callable[[], Any]) -> None:
    with executor() as workers:
        found = list(compare_pairs(PAIRS, workers))
    expected = [compare(pair) for pair in PAIRS]
    assert [one.pair.first.name for one in found] == [pair.first.name for pair in PAIRS]
    assert [repr(one.difference) for one in found] == [repr(one.difference) for one in expected]


@pytest.mark.parametrize("count", [1, 3])
def test_a_stop_reaches_threads(count: int) -> None:
    with ThreadPoolExecutor(count) as executor, pytest.raises(CancelledError):
        list(compare_pairs(PAIRS, executor, stop=lambda: True))
