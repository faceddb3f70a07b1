"""Every measure of awkward tensors at once; scanning on executors."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pickle
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_tensors import quantized, tensor_of

from tensorpeek.analysis.diagnosis import METRICS, Request, diagnose, process_pool, scan
from tensorpeek.analysis.diagnosis.scan import cost
from tensorpeek.loaders import DTYPES, CancelledError, Tensor, open_model

RNG = np.random.default_rng(29)


def plain(diagnosis: Any) -> Any:  # noqa: ANN401
    """A diagnosis as text, to compare; what contains no NaN compares."""
    return json.dumps(dataclasses.asdict(diagnosis), sort_keys=True, default=str)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        pytest.param({"metrics": frozenset({"spectrum"})}, "measures: spectrum", id="a group"),
        pytest.param({"view": "dequantised"}, "no view", id="a view"),
        pytest.param({"bits": (8, 0)}, "1 bit or more", id="a width"),
        pytest.param({"device": "gpu"}, "no device", id="a device"),
    ],
)
def test_a_request_for_what_there_is_not_is_refused(how: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Request(**how)


def test_what_is_absent_comes_in_one_order() -> None:
    found = diagnose(tensor_of(np.empty(0, np.float32)))  # sets of names have another each time
    assert list(found.absent) == list(METRICS)


def every_pattern(dtype: str) -> np.ndarray:
    element = DTYPES[dtype]
    if element.kind == "bool":
        return np.array([True, False])
    if element.bits < 8:
        count = 1 << element.bits
        if element.kind == "int":
            low, high = element.limits()
            return np.arange(low, high + 1).astype(element.numpy)
        return np.arange(count).astype(np.uint8).view(element.numpy)
    width = element.numpy.itemsize
    return np.frombuffer(RNG.bytes(width * 1024), element.numpy)


EDGES = [
    pytest.param(np.empty(0, np.float32), id="empty"),
    pytest.param(np.empty((0, 4), np.float16), id="no rows"),
    pytest.param(np.empty((4, 0), np.int8), id="no columns"),
    pytest.param(np.float32(2.5), id="a scalar"),
    pytest.param(np.array([3], np.int64), id="one element"),
    pytest.param(RNG.normal(size=40), id="a vector"),
    pytest.param(RNG.normal(size=(1, 40)), id="one row"),
    pytest.param(RNG.normal(size=(40, 1)), id="one column"),
    pytest.param(np.zeros((9, 9)), id="a zero matrix"),
    pytest.param(np.full((9, 9), np.nan), id="nothing but NaN"),
    pytest.param(np.full((9, 9), np.inf, np.float16), id="nothing but infinities"),
    pytest.param(np.full((9, 9), 7, np.int8), id="equal values"),
    pytest.param(np.array([[1, np.nan], [np.inf, -np.inf]], np.float32), id="hardly any values"),
    pytest.param(np.array([[1e308, -1e308], [1e308, 1e300]]), id="huge values"),
    pytest.param(np.array([[5e-324, 0], [1e-310, 1e-300]]), id="tiny values"),
    pytest.param(np.array([[1e308, 1e-308], [1, 0]]), id="values of every size"),
    pytest.param(np.array([[2**63 - 1, -(2**63)], [0, 1]]), id="the largest integers"),
    pytest.param(np.array([[2**64 - 1, 0]], np.uint64), id="the largest unsigned integer"),
    pytest.param(np.full((3, 3), 65504, np.float16), id="the largest float16"),
    pytest.param(RNG.normal(size=(4, 3, 3, 3)).astype(np.float32), id="a convolution"),
    pytest.param(RNG.normal(size=(2, 2, 2, 2, 2)), id="five dimensions"),
    pytest.param(RNG.normal(size=(5, 5)) + 1j, id="complex values"),
]


@pytest.mark.parametrize("values", EDGES)
def test_awkward_tensors_are_diagnosed_without_a_warning(values: np.ndarray) -> None:
    found = diagnose(tensor_of(values))
    assert found.error is None
    assert found.summary is not None
    json.dumps(dataclasses.asdict(found), default=str)
    for error in found.errors:
        assert error.sqnr_db is None or not math.isnan(error.sqnr_db)
        assert error.cosine is None or -1 <= error.cosine <= 1
    not_finite = found.summary.count - found.summary.finite
    assert (found.health.severity == "Critical") >= (not_finite > 0)
    if not found.summary.finite:
        assert set(found.absent) == set(METRICS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 4])
def test_every_bit_pattern_of_every_type(dtype: str, rows: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # casts in the making of the tensor
        values = every_pattern(dtype)
        tensor = tensor_of(values[: values.size // rows * rows].reshape(rows, -1), dtype)
    found = diagnose(tensor)
    assert found.error is None
    assert sum(found.histogram) == (found.summary.finite if found.summary else 0)


@pytest.mark.parametrize("view", ["raw", "dequantized"])
@pytest.mark.parametrize(
    "tensor",
    [
        quantized(RNG.integers(0, 16, (6, 64)), "uint4", scale=0.1, zero_point=8),
        quantized(
            RNG.integers(-128, 128, (6, 64)),
            "int8",
            scale=np.ones((6, 2)),
            scheme="blockwise",
            axis=1,
            block=32,
        ),
        quantized(
            RNG.integers(-9, 9, (6, 8)), "int32", scale=np.ones(8), scheme="per-channel", axis=1
        ),
        quantized(RNG.integers(-9, 9, (6, 8)), "int8", scale=np.nan),
        quantized(RNG.integers(-9, 9, (6, 8)), "int8", scale=0.0),
    ],
    ids=["uint4", "blocks", "int32 codes", "a scale of NaN", "a scale of 0"],
)
def test_both_views_of_quantized_tensors(tensor: Tensor, view: str) -> None:
    found = diagnose(tensor, Request(view=view))
    assert found.error is None
    assert (
        found.grid_use is not None or "grid_use" in found.absent or "quantization" in found.absent
    )


def test_an_unreadable_tensor_is_told_not_raised() -> None:
    tensor = dataclasses.replace(tensor_of(np.ones(3)), error="reaches past its storage")
    assert diagnose(tensor).error == "reaches past its storage"


def test_only_what_is_asked_for_is_measured() -> None:
    tensor = tensor_of(RNG.normal(size=(20, 20)))
    found = diagnose(tensor, Request(metrics=frozenset({"basic"})))
    assert (found.sparsity, found.errors, found.spectrum) == (None, (), None)
    assert found.shape is not None
    assert found.absent == {}


def test_bits_are_those_asked_for() -> None:
    found = diagnose(tensor_of(RNG.normal(size=(20, 20))), Request(bits=(6, 3)))
    assert {error.bits for error in found.errors if error.grid.startswith("int")} == {6, 3}
    assert [clipping.bits for clipping in found.clipping] == [6, 3]


def test_a_diagnosis_can_be_stopped() -> None:
    with pytest.raises(CancelledError):
        diagnose(tensor_of(RNG.normal(size=(20, 20))), stop=lambda: True)


TENSORS = [tensor_of(RNG.normal(size=(side, 40)), name=f"t{side}") for side in (3, 50, 20, 1)]


def test_the_costliest_tensors_come_first() -> None:
    request = Request()
    found = list(scan(TENSORS, request))
    assert [place for place, _ in found] == [1, 2, 0, 3]
    for place, diagnosis in found:
        assert plain(diagnosis) == plain(diagnose(TENSORS[place], request))
    assert list(scan([], request)) == []
    costs = [cost(tensor, request) for tensor in TENSORS]
    assert sorted(costs, reverse=True) == [costs[place] for place, _ in found]


def test_any_executor_will_do() -> None:
    request = Request()
    wanted = {place: plain(diagnosis) for place, diagnosis in scan(TENSORS, request)}
    with ThreadPoolExecutor(2) as threads:
        found = {p: plain(diagnosis) for p, diagnosis in scan(TENSORS, request, threads)}
    assert found == wanted


def test_processes_give_the_same_and_end(samples: Path) -> None:
    request = Request()
    tensors = [t for t in open_model(samples / "resnet8_int8.pt").tensors if t.role == "weight"][:4]
    wanted = dict(scan(tensors, request))
    with process_pool(2) as pool:
        found = dict(scan(tensors, request, pool))
    assert set(found) == set(wanted)
    for place, diagnosis in found.items():
        assert diagnosis.errors == wanted[place].errors
        assert diagnosis.health.severity == wanted[place].health.severity


def test_workers_have_one_blas_thread_and_leave_ctrl_c_to_the_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with process_pool(1) as pool:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            assert pool.submit(os.getenv, name).result(timeout=120) == "1"
        blocked = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result(timeout=120)
        assert signal.SIGINT in blocked
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_an_early_end_cancels_what_has_not_begun() -> None:
    with ThreadPoolExecutor(1) as threads:
        many = [tensor_of(RNG.normal(size=(60, 60))) for _ in range(50)]
        results = scan(many, Request(), threads)
        next(results)
        results.close()
    assert threads._work_queue.qsize() <= 1


def test_requests_and_diagnoses_can_be_pickled() -> None:
    found = diagnose(TENSORS[0])
    assert plain(pickle.loads(pickle.dumps(found))) == plain(found)
    assert pickle.loads(pickle.dumps(Request())) == Request()
