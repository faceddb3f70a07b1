"""Scans on executors: threads, processes that are killed, executors that break."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deadly_tensors import deadly_tensor
from made_tensors import tensor_of
from safetensors.numpy import save_file

from tensorpeek.analysis.diagnosis import Diagnosis, Request, diagnose, scan
from tensorpeek.analysis.diagnosis.process_scan import LOST_TWICE, scan_in_processes
from tensorpeek.analysis.diagnosis.scan import diagnose_here
from tensorpeek.analysis.tensor_places import fingerprint, with_identities
from tensorpeek.loaders import Tensor, open_model

RNG = np.random.default_rng(31)
REQUEST = Request(metrics=frozenset({"basic"}))
TENSORS = [tensor_of(RNG.normal(size=200 + n), name=f"t{n}") for n in range(30)]


def plain(diagnosis: Diagnosis) -> str:
    return json.dumps(dataclasses.asdict(diagnosis), sort_keys=True, default=str)


WANTED = [plain(diagnose(tensor, REQUEST)) for tensor in TENSORS]


class Failing(Executor):
    """Gives tasks that raise, or does not take them."""

    def __init__(self, error: BaseException, *, refuses: bool = False) -> None:
        self.error, self.refuses = error, refuses

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        if self.refuses:
            raise self.error
        task: Future[Any] = Future()
        task.set_exception(self.error)
        return task


class Canceling(Executor):
    """Cancels every task, as a cluster that went away does."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        task: Future[Any] = Future()
        task.cancel()
        task.set_running_or_notify_cancel()
        return task


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_find_what_one_thread_finds(threads: int) -> None:
    with ThreadPoolExecutor(threads) as executor:
        found = dict(scan(TENSORS, REQUEST, executor))
    assert [plain(found[place]) for place in range(30)] == WANTED


def test_any_process_pool_will_do() -> None:
    with ProcessPoolExecutor(2, get_context("forkserver")) as executor:
        found = dict(scan(TENSORS, REQUEST, executor))
    assert [plain(found[place]) for place in range(30)] == WANTED


def test_a_pool_of_the_callers_that_breaks_costs_what_it_had_not_done() -> None:
    tensors = [*TENSORS, deadly_tensor("deadly")]
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        found = dict(scan(tensors, REQUEST, executor))
    assert len(found) == 31
    for place, diagnosis in found.items():
        if diagnosis.error is None:
            assert plain(diagnosis) == WANTED[place]
        else:
            assert diagnosis.error == "not measured: its worker process ended abruptly"
            assert (diagnosis.summary, diagnosis.health.severity) == (None, None)
    assert found[30].error is not None


@pytest.mark.parametrize(
    ("executor", "reason"),
    [
        (Failing(BrokenProcessPool()), "its worker process ended abruptly"),
        (Failing(BrokenProcessPool(), refuses=True), "its worker process ended abruptly"),
        (Failing(MemoryError()), "its worker ran out of memory"),
        (Failing(ModuleNotFoundError("No module named 'tensorpeek'")), "No module named"),
        (Failing(ConnectionResetError("gone")), "its worker failed: ConnectionResetError: gone"),
        (Canceling(), "its task was canceled"),
    ],
    ids=["broken", "refusing", "memory", "no package", "connection", "canceled"],
)
def test_a_task_that_was_lost_is_told_and_never_healthy(executor: Executor, reason: str) -> None:
    found = dict(scan(TENSORS[:3], REQUEST, executor))
    assert set(found) == {0, 1, 2}
    for diagnosis in found.values():
        assert diagnosis.error is not None
        assert diagnosis.error.startswith("not measured: ")
        assert reason in diagnosis.error
        assert (diagnosis.summary, diagnosis.health.severity) == (None, None)


def test_a_defect_is_raised_unless_the_executor_says_that_it_is_none() -> None:
    with pytest.raises(ZeroDivisionError):
        list(scan(TENSORS[:1], REQUEST, Failing(ZeroDivisionError())))
    lost = (ZeroDivisionError,)
    ((_, diagnosis),) = scan(TENSORS[:1], REQUEST, Failing(ZeroDivisionError()), lost=lost)
    assert diagnosis.error is not None


def test_processes_find_everything() -> None:
    found = dict(scan_in_processes(TENSORS, REQUEST, 2))
    assert [plain(found[place]) for place in range(30)] == WANTED
    assert list(scan_in_processes([], REQUEST, 2)) == []


def test_a_tensor_that_ends_its_worker_once_is_measured_in_a_new_pool(tmp_path: Path) -> None:
    tensors = [*TENSORS, deadly_tensor("deadly", once=tmp_path / "dead")]
    told: list[int] = []
    found = dict(scan_in_processes(tensors, REQUEST, 2, on_loss=told.append))
    assert [plain(found[place]) for place in range(30)] == WANTED
    assert found[30].error is None
    assert found[30].summary is not None
    assert found[30].summary.maximum == 99
    assert len(told) == 1
    assert 1 <= told[0] <= 4


def test_only_the_tensors_that_always_end_their_worker_are_not_measured() -> None:
    tensors: list[Tensor] = [deadly_tensor("first"), *TENSORS, deadly_tensor("last")]
    found = list(scan_in_processes(tensors, REQUEST, 2))
    places = [place for place, _ in found]
    assert sorted(places) == list(range(32))
    by_place = dict(found)
    assert [plain(by_place[place + 1]) for place in range(30)] == WANTED
    for place in (0, 31):
        assert by_place[place].error == LOST_TWICE
        assert by_place[place].health.severity is None


def test_leaving_early_ends_the_processes() -> None:
    before = set(active_children())
    found = scan_in_processes(TENSORS * 40, REQUEST, 2)
    next(found)
    assert set(active_children()) - before
    found.close()
    assert not set(active_children()) - before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_file_is_the_same_on_a_host_that_numbers_devices_in_another_way(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a.weight": np.arange(8, dtype=np.float32)}, path)
    here = open_model(path).tensors[0]
    there = with_identities(
        here, lambda _, identity: dataclasses.replace(identity, device=identity.device + 1)
    )
    assert fingerprint(there).hexdigest != fingerprint(here).hexdigest
    assert "replaced or changed" in str(diagnose(there, REQUEST).error)
    assert plain(diagnose_here(there, REQUEST)) == plain(diagnose(here, REQUEST))
    os.utime(path, ns=(1, 1))
    assert "replaced or changed" in str(diagnose_here(there, REQUEST).error)
    path.unlink()
    assert diagnose_here(there, REQUEST).error == "no such file"


def test_every_place_of_a_quantized_tensor_can_be_replaced(samples: Path) -> None:
    for tensor in open_model(samples / "resnet8_int8.pt").tensors:
        moved = with_identities(
            tensor, lambda _, identity: dataclasses.replace(identity, device=-1)
        )
        assert {identity.device for _, identity in fingerprint(moved).files} <= {-1}
        assert len(fingerprint(moved).files) == len(fingerprint(tensor).files)


def test_what_has_no_fingerprint_is_refused() -> None:
    with pytest.raises(TypeError, match="has no fingerprint"):
        fingerprint(dataclasses.replace(TENSORS[0], codec=object()))  # type: ignore[arg-type]
