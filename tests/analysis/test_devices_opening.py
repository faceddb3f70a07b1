"""Which devices can be opened, and what is said where one cannot; a GPU that is pretended."""

from __future__ import annotations

import dataclasses
import sys
import tomllib
import types
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_tensors import tensor_of

from tensorpeek.analysis.devices import (
    DeviceError,
    DeviceMemoryError,
    device_kind,
    open_device,
)
from tensorpeek.analysis.devices import device as device_module
from tensorpeek.analysis.devices import sending as sending_module
from tensorpeek.analysis.devices.pattern_counts import count_on
from tensorpeek.analysis.diagnosis import Request, diagnose, scan
from tensorpeek.analysis.diagnosis.process_scan import scan_in_processes

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(61)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", "", "cuda:1234"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no device: cpu, cuda or cuda:N"):
        Request(device=name)


def test_the_kind_of_a_device_is_its_name_without_a_number() -> None:
    assert [device_kind(one) for one in ("cpu", "cuda", "cuda:3")] == ["cpu", "cuda", "cuda"]


def test_torch_comes_with_the_extra_of_that_name_alone() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    assert extras["cuda"] == [one for one in extras["dev"] if one.startswith("torch")]
    assert not any("torch" in one or "cuda" in one for one in extras["all"])
    assert not any("torch" in one for one in project["project"]["dependencies"])


def test_the_cpu_needs_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert open_device("cpu") is None


@pytest.fixture
def anew() -> Iterator[None]:
    """Devices are opened anew, and again after the test."""
    device_module._opened.cache_clear()
    yield
    device_module._opened.cache_clear()


@pytest.mark.usefixtures("anew")
def test_a_torch_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(DeviceError, match=r"^needs the package torch \(pip .*tensorpeek\[cuda\]"):
        diagnose(tensor_of(np.ones(3)), Request(device="cuda"))


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise OSError('libcudart.so.12: no such file\\nmore')", "libcudart.so.12: no such file"),
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("raise RuntimeError", "RuntimeError"),
        ("pass", "module 'torch' has no attribute 'zeros'"),
    ],
    ids=["a missing library", "a missing module", "no message", "an empty module"],
)
def test_a_torch_that_is_broken_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, reason: str
) -> None:
    (tmp_path / "torch.py").write_text(code)
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DeviceError) as raised:
        open_device("cuda")
    assert str(raised.value) == f"the installed torch is broken: {reason}"


class FakeCuda:
    """What torch says of GPUs, made up."""

    def __init__(self, count: int, warning: str = "") -> None:
        self.count, self.warning = count, warning

    def is_available(self) -> bool:
        if self.warning:
            warnings.warn(self.warning, stacklevel=1)
        return self.count > 0

    def device_count(self) -> int:
        return self.count

    def current_device(self) -> int:
        return 0


def fake_torch(cuda: FakeCuda, *, built: bool = True) -> types.ModuleType:
    fake = types.ModuleType("torch")
    fake.__version__ = "2.99"

    def zeros(*shape: int, device: object = None) -> None:
        if device is not None:
            raise RuntimeError("CUDA error: out of order\nCompile with ...")

    built_in = types.SimpleNamespace(is_built=lambda: built)
    facts = {
        "cuda": cuda,
        "zeros": zeros,
        "device": torch.device,
        "backends": types.SimpleNamespace(cuda=built_in),
        "OutOfMemoryError": torch.OutOfMemoryError,
    }
    vars(fake).update(facts)
    return fake


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize(
    ("fake", "name", "reason"),
    [
        pytest.param(
            fake_torch(FakeCuda(0), built=False),
            "cuda",
            "the installed torch 2.99 is built without CUDA",
            id="a build for the CPU",
        ),
        pytest.param(
            fake_torch(FakeCuda(0)), "cuda:0", "torch finds no CUDA device", id="no device"
        ),
        pytest.param(
            fake_torch(FakeCuda(0, "The driver is too old\n(found 11)")),
            "cuda",
            "torch finds no CUDA device: The driver is too old",
            id="an old driver",
        ),
        pytest.param(
            fake_torch(FakeCuda(2)),
            "cuda:2",
            "there is no cuda:2: torch finds cuda:0 to cuda:1",
            id="a third of two",
        ),
        pytest.param(
            fake_torch(FakeCuda(1)),
            "cuda:1",
            "there is no cuda:1: torch finds only cuda:0",
            id="a second of one",
        ),
        pytest.param(
            fake_torch(FakeCuda(1)),
            "cuda",
            "cuda cannot be used: CUDA error: out of order",
            id="one that fails",
        ),
    ],
)
def test_why_a_gpu_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, fake: types.ModuleType, name: str, reason: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", fake)
    with pytest.raises(DeviceError) as raised:
        open_device(name)
    assert str(raised.value) == reason


def test_a_device_works_in_this_process_alone() -> None:
    tensors, request = [tensor_of(np.ones((3, 3)))], Request(device="torch-cpu")
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(ValueError, match="works in this process alone"),
    ):
        list(scan(tensors, request, pool))
    with pytest.raises(ValueError, match="works in this process alone"):
        list(scan_in_processes(tensors, request, 2))
    ((place, found),) = scan(tensors, request)
    assert place == 0
    assert found.error is None


class PretendedGpu(device_module.Device):
    """torch's CPU that is treated as a GPU: pinned memory, events, a count of free memory."""

    is_gpu = True


@dataclasses.dataclass
class PretendedCuda:
    """What a device asks of ``torch.cuda``; ``log`` has what was recorded and waited for."""

    free: int = 1 << 30
    log: list[str] = dataclasses.field(default_factory=list)

    def Event(self) -> Any:  # noqa: ANN401, N802
        number = sum(line.startswith("sent") for line in self.log)
        return types.SimpleNamespace(
            record=lambda stream: self.log.append(f"sent {number} on {stream}"),
            synchronize=lambda: self.log.append(f"waited for {number}"),
        )

    def current_stream(self, place: object) -> str:
        return f"the stream of {place}"

    def mem_get_info(self, _place: object) -> tuple[int, int]:
        return self.free, 1 << 40

    def memory_reserved(self, _place: object) -> int:
        return 3000

    def memory_allocated(self, _place: object) -> int:
        return 1000


class PretendedTorch:
    """torch with other GPUs."""

    def __init__(self, cuda: PretendedCuda) -> None:
        self.cuda = cuda
        self.pinned = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(torch, name)

    def empty(self, *shape: Any, pin_memory: bool = False, **how: Any) -> Any:  # noqa: ANN401
        self.pinned += pin_memory
        return torch.empty(*shape, **how)


def test_pinned_memory_is_filled_again_only_after_it_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending_module, "ROOM", 64)
    cuda = PretendedCuda()
    pretended = PretendedTorch(cuda)
    gpu = PretendedGpu("cuda:0", pretended, torch.device("cpu"))
    values = RNG.integers(0, 256, 250, np.uint8)
    np.testing.assert_array_equal(
        count_on(gpu)(iter([values]), 1), np.bincount(values, minlength=256)
    )
    assert pretended.pinned == 2
    assert cuda.log == [
        "sent 0 on the stream of cpu",
        "sent 1 on the stream of cpu",
        "waited for 0",
        "sent 2 on the stream of cpu",
        "waited for 1",
        "sent 3 on the stream of cpu",
    ]


def test_free_memory_is_what_the_driver_and_torch_can_give() -> None:
    gpu = PretendedGpu("cuda:0", PretendedTorch(PretendedCuda(5000)), torch.device("cpu"))
    assert gpu.free_bytes() == 7000
    gpu.require(7000)
    with pytest.raises(DeviceMemoryError, match=r"^not enough memory on cuda:0: "):
        gpu.require(7001)
