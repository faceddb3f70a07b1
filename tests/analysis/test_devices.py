"""The code for GPUs: on torch's own CPU everywhere, and on a GPU where there is one."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from made_tensors import quantized, tensor_of
from scipy import linalg

from tensorpeek.analysis.devices import (
    DeviceError,
    open_device,
)
from tensorpeek.analysis.devices import device as device_module
from tensorpeek.analysis.devices import sending as sending_module
from tensorpeek.analysis.devices.pattern_counts import count_on
from tensorpeek.analysis.devices.sending import Sender
from tensorpeek.analysis.diagnosis import Request, UnmeasurableError, diagnose
from tensorpeek.analysis.diagnosis import quantization_error as error_module
from tensorpeek.analysis.diagnosis import singular_values as values_module
from tensorpeek.analysis.diagnosis.spectrum import Spectrum, spectrum
from tensorpeek.analysis.diagnosis.weight_matrix import weight_matrix
from tensorpeek.analysis.measure import measure
from tensorpeek.analysis.patterns import count_patterns
from tensorpeek.loaders import CancelledError, Tensor

torch = pytest.importorskip("torch")

# The module of that name is hidden by the function that the package offers.
diagnosis_module = sys.modules["tensorpeek.analysis.diagnosis.diagnosis"]

RNG = np.random.default_rng(47)

NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

NAMES = [
    pytest.param("torch-cpu", id="torch on the CPU"),
    pytest.param("cuda", id="a GPU", marks=NEEDS_GPU),
]

NARROW = (
    "bool", "int4", "uint8", "int8", "float8_e4m3fn", "float8_e5m2", "int16", "uint16",
    "float16", "bfloat16",
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of torch that wait for each other by spinning take long on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a device, to which small tensors go as well."""
    monkeypatch.setattr(diagnosis_module, "WORTH_SENDING", 0)
    return str(request.param)


@pytest.fixture
def device(name: str) -> device_module.Device:
    found = open_device(name)
    assert found is not None
    return found


def odd_values(dtype: Any, *shape: int) -> np.ndarray:  # noqa: ANN401
    """Normal values with NaN, infinities, both zeros and huge ones among them."""
    values = RNG.normal(size=shape).astype(dtype)
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, np.finfo(dtype).max], dtype)
    values.flat[RNG.choice(values.size, 60, replace=False)] = np.resize(odd, 60)
    return values


# Counts


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 5001], ids="{} values".format)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_counts_are_those_of_numpy(
    device: device_module.Device, monkeypatch: pytest.MonkeyPatch, dtype: str, count: int
) -> None:
    monkeypatch.setattr(sending_module, "ROOM", 64)
    values = RNG.integers(0, np.iinfo(dtype).max, count, dtype, endpoint=True)
    chunks = np.split(values, [count // 3, count // 2])
    found = count_on(device)(iter(chunks), values.itemsize)
    wanted = np.bincount(values, minlength=1 << 8 * values.itemsize)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", NARROW)
def test_every_narrow_type_has_the_same_table(device: device_module.Device, dtype: str) -> None:
    tensor = tensor_of(RNG.integers(-8, 8, (41, 101)), dtype)
    if dtype not in ("bool", "int4"):
        stored = np.frombuffer(RNG.bytes(41 * 101 * tensor.element.numpy.itemsize), np.uint8)
        tensor = tensor_of(stored.view(tensor.element.numpy).reshape(41, 101), dtype)
    found, wanted = measure(tensor, count=count_on(device)), measure(tensor, count=count_patterns)
    assert plain(found.summary) == plain(wanted.summary)
    np.testing.assert_array_equal(found.values, wanted.values)
    np.testing.assert_array_equal(found.counts, wanted.counts)


def test_counting_is_cancelled(device: device_module.Device) -> None:
    tensor = tensor_of(RNG.normal(size=(300, 300)), "float16")
    with pytest.raises(CancelledError):
        measure(tensor, count=count_on(device), stop=lambda: True)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.empty((0, 5)), id="nothing"),
        pytest.param(np.arange(7.0), id="less than a room"),
        pytest.param(np.arange(8.0), id="a room"),
        pytest.param(np.arange(60.0).reshape(5, 12), id="many rooms"),
        pytest.param(np.arange(60.0).reshape(5, 12).T, id="a transpose"),
    ],
)
def test_what_is_sent_arrives(
    device: device_module.Device, monkeypatch: pytest.MonkeyPatch, values: np.ndarray
) -> None:
    monkeypatch.setattr(sending_module, "ROOM", 64)
    values.flags.writeable = False
    sender = Sender(device)
    sent = [sender.send(values, torch.float64) for _ in range(3)]
    for one in sent:
        np.testing.assert_array_equal(one.cpu().numpy(), values)


# Spectra


def spectrum_on(device: device_module.Device | None, tensor: Tensor, **how: Any) -> Spectrum:  # noqa: ANN401
    matrix = weight_matrix(tensor, "dequantized", measure(tensor).summary)
    return spectrum(matrix, device=device, **how)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16", "float8_e4m3fn"])
@pytest.mark.parametrize("shape", [(30, 20), (200, 300), (300, 200), (20, 12, 3, 3)], ids=str)
def test_spectra_are_those_of_scipy(
    device: device_module.Device, dtype: str, shape: tuple[int, ...]
) -> None:
    tensor = tensor_of(RNG.normal(size=shape), dtype)
    found, wanted = spectrum_on(device, tensor), spectrum_on(None, tensor)
    truth = linalg.svdvals(tensor.read().astype(np.float64).reshape(shape[0], -1))
    assert (found.device, wanted.device) == (device.name, "cpu")
    assert found.method == wanted.method
    assert found.largest == pytest.approx(truth[0], rel=1e-12)
    assert found.smallest == pytest.approx(truth[-1], rel=1e-6)
    assert found.nuclear_norm == pytest.approx(truth.sum(), rel=1e-10)
    assert found.stable_rank == pytest.approx((truth**2).sum() / truth[0] ** 2, rel=1e-10)
    counts = ("rank", "effective_rank", "rank_90", "rank_99")
    assert [getattr(found, one) for one in counts] == [getattr(wanted, one) for one in counts]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_spectra_of_channels_on_any_axis(
    device: device_module.Device, monkeypatch: pytest.MonkeyPatch, axis: int
) -> None:
    monkeypatch.setattr(sending_module, "ROOM", 4096)
    shape = (40, 30, 25)
    codes = RNG.integers(-100, 100, shape)
    scales = RNG.uniform(0.1, 1, shape[axis])
    tensor = quantized(codes, "int8", scale=scales, scheme="per-channel", axis=axis)
    rows = np.moveaxis(tensor.read().astype(np.float64), axis, 0).reshape(shape[axis], -1)
    truth = linalg.svdvals(rows)
    found = spectrum_on(device, tensor)
    assert (found.rows, found.columns) == rows.shape
    assert found.largest == pytest.approx(truth[0], rel=1e-12)
    assert found.smallest == pytest.approx(truth[-1], rel=1e-6)


@pytest.mark.parametrize("log_condition", [3, 5, 7, 9, 12])
@pytest.mark.parametrize("shape", [(250, 150), (150, 250)], ids=str)
def test_the_condition_number_at_any_condition(
    device: device_module.Device, log_condition: int, shape: tuple[int, int]
) -> None:
    left = np.linalg.qr(RNG.normal(size=(shape[0], 150)))[0]
    right = np.linalg.qr(RNG.normal(size=(shape[1], 150)))[0]
    matrix = (left * np.geomspace(1, 10.0**-log_condition, 150)) @ right.T
    found = spectrum_on(device, tensor_of(matrix))
    assert found.method == ("svd" if log_condition > 6 else "gram")
    assert found.condition == pytest.approx(10.0**log_condition, rel=2e-3)


@pytest.mark.parametrize("scale", [1e250, 1e-250], ids=["huge", "tiny"])
@pytest.mark.parametrize("shape", [(200, 150), (150, 200)], ids=str)
def test_scale_changes_no_ratio(
    device: device_module.Device, scale: float, shape: tuple[int, int]
) -> None:
    matrix = RNG.normal(size=shape)
    found = spectrum_on(device, tensor_of(matrix * scale))
    assert found.largest == pytest.approx(linalg.svdvals(matrix)[0] * scale, rel=1e-12)
    assert found.condition == pytest.approx(np.linalg.cond(matrix), rel=1e-6)


def test_a_zero_matrix_and_an_outer_product(device: device_module.Device) -> None:
    zero = spectrum_on(device, tensor_of(np.zeros((200, 150))))
    assert (zero.largest, zero.smallest, zero.condition, zero.rank) == (0, 0, None, 0)
    one = spectrum_on(device, tensor_of(np.outer(np.arange(1, 200), np.arange(1, 150))))
    assert (one.rank, one.condition, one.method) == (1, math.inf, "svd")


@pytest.mark.parametrize("shape", [(200, 150), (150, 200)], ids=str)
def test_the_limits_are_those_of_the_cpu(
    device: device_module.Device, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    singular = tensor_of(np.outer(np.arange(1, shape[0] + 1), np.arange(1, shape[1] + 1)))
    monkeypatch.setattr(values_module, "LARGEST_VALUES", 1)
    for place in (None, device):
        with pytest.raises(UnmeasurableError, match="more than 2 GiB"):
            spectrum_on(place, singular)
        assert spectrum_on(place, singular, huge=True).method == "svd"
    monkeypatch.setattr(values_module, "LARGEST_SIDE", 100)
    with pytest.raises(UnmeasurableError, match="smaller side, 150, is above 100"):
        spectrum_on(device, singular)


@pytest.mark.parametrize("shape", [(200, 150), (150, 200)], ids=str)
def test_what_does_not_fit_is_done_on_the_cpu_and_said(
    name: str, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    tensor = tensor_of(RNG.normal(size=shape))
    device = open_device(name)
    assert device is not None
    monkeypatch.setattr(device_module.Device, "free_bytes", lambda self: 1 << 16)
    found = diagnose(tensor, Request(metrics=frozenset({"spectral"}), device=name))
    assert found.spectrum is not None
    assert found.spectrum.device == "cpu"
    reason = found.absent[f"spectral on {device.name}"]
    assert reason.startswith(f"not enough memory on {device.name}: 0.0 GiB are needed")
    assert reason.endswith("done on the CPU")
    assert "spectral" not in found.absent


@pytest.mark.parametrize(
    ("raised", "wanted"),
    [
        pytest.param(torch.OutOfMemoryError("no"), "not enough memory on", id="no memory"),
        pytest.param(RuntimeError("CUDA error: x\nmore"), "failed: CUDA error: x$", id="a failure"),
        pytest.param(torch.linalg.LinAlgError("no"), "did not converge", id="no convergence"),
    ],
)
def test_what_torch_raises_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch, raised: Exception, wanted: str
) -> None:
    def fail(_gram: Any) -> None:  # noqa: ANN401
        raise raised

    device = open_device(name)
    assert device is not None
    request = Request(metrics=frozenset({"spectral"}), device=name)
    tensor = tensor_of(RNG.normal(size=(200, 150)))
    monkeypatch.setattr(torch.linalg, "eigvalsh", fail)
    if "failed" in wanted:
        with pytest.raises(DeviceError, match=wanted):
            diagnose(tensor, request)
        return
    found = diagnose(tensor, request)
    said = found.absent.get("spectral", found.absent.get(f"spectral on {device.name}"))
    assert wanted in str(said)
    assert (found.spectrum is None) == ("converge" in wanted)


# Everything

TENSORS = [
    pytest.param(tensor_of(np.empty(0, np.float32)), id="empty"),
    pytest.param(tensor_of(np.float32(-2.5)), id="one value"),
    pytest.param(tensor_of(np.zeros((9, 130), np.float32)), id="zeros"),
    pytest.param(tensor_of(RNG.normal(size=500).astype(np.float32)), id="a vector"),
    pytest.param(tensor_of(odd_values(np.float32, 60, 101)), id="special float32"),
    pytest.param(tensor_of(odd_values(np.float16, 60, 101)), id="special float16"),
    pytest.param(tensor_of(RNG.normal(size=(200, 257)) * 1e-300), id="tiny values"),
    pytest.param(tensor_of(RNG.normal(size=(257, 100)) * 1e300), id="huge values"),
    pytest.param(tensor_of(np.abs(RNG.normal(size=(70, 90)))), id="positive values"),
    pytest.param(tensor_of(RNG.normal(size=(3, 4001)).astype(np.float32)), id="long rows"),
    pytest.param(tensor_of(RNG.normal(size=(20, 12, 3, 3)), "bfloat16"), id="a convolution"),
    pytest.param(tensor_of(RNG.normal(size=(150, 160)), "float8_e4m3fn"), id="fp8"),
    pytest.param(
        dataclasses.replace(tensor_of(RNG.normal(size=(30, 20, 40))), label="kernel"),
        id="channels on the last axis",
    ),
    pytest.param(
        quantized(RNG.integers(-128, 128, (6, 70)), "int8", scale=0.01, zero_point=3), id="codes"
    ),
    pytest.param(
        quantized(
            RNG.integers(-128, 128, (60, 70)),
            "int8",
            scale=RNG.uniform(0.1, 1, 70),
            scheme="per-channel",
            axis=1,
        ),
        id="codes by channel",
    ),
]

EXACT = frozenset({"grid", "granularity", "bits", "clipped_percent", "scale_min", "scale_max"})


def plain(found: Any) -> Any:  # noqa: ANN401
    return dataclasses.asdict(found)


@pytest.mark.parametrize("tensor", TENSORS)
def test_everything_equals_the_cpu(
    name: str, monkeypatch: pytest.MonkeyPatch, tensor: Tensor
) -> None:
    monkeypatch.setattr(error_module, "DEVICE_SLAB", 1 << 10)
    found = diagnose(tensor, Request(bits=(8, 4, 3), device=name))
    wanted = diagnose(tensor, Request(bits=(8, 4, 3)))
    assert len(found.errors) == len(wanted.errors)
    for one, other in zip(found.errors, wanted.errors, strict=True):
        for field, value in plain(other).items():
            if field in EXACT or value is None:
                assert getattr(one, field) == value, (one, other, field)
            else:
                assert getattr(one, field) == pytest.approx(value, rel=1e-9), (one, other, field)
    if wanted.spectrum is not None and found.spectrum is not None:
        assert found.spectrum.largest == pytest.approx(wanted.spectrum.largest, rel=1e-10)
    rest = {"errors": (), "spectrum": None}
    assert repr(plain(dataclasses.replace(found, **rest))) == repr(
        plain(dataclasses.replace(wanted, **rest))
    )


def test_small_tensors_stay_on_the_cpu() -> None:
    found = diagnose(tensor_of(RNG.normal(size=(256, 256))), Request(device="torch-cpu"))
    assert found.spectrum is not None
    assert found.spectrum.device == "cpu"


@NEEDS_GPU
def test_the_memory_of_a_gpu_is_counted() -> None:
    device = open_device("cuda")
    assert device is not None
    free, total = torch.cuda.mem_get_info()
    assert 0 < free <= total
    assert 0 < (device.free_bytes() or 0) <= total
