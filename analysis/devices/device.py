"""A device by its name: the CPU, which needs no torch, or a GPU that torch can use."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

CPU = "cpu"
"""The name that means NumPy and the compiled kernels."""

TORCH_CPU = "torch-cpu"
"""The CPU by way of torch: slower than ``cpu``, but the same code as a GPU runs."""

CUDA_NAME = re.compile(r"cuda(?::([0-9]{1,3}))?")

BROKEN = (ImportError, OSError, RuntimeError, AttributeError, NameError, TypeError, ValueError)
"""What the import of a broken installation raises."""


class DeviceError(Exception):
    """A device cannot be used, or failed; the message says why in one clause."""


class DeviceMemoryError(DeviceError):
    """There is not enough memory on a device."""


@dataclass(frozen=True, eq=False)
class Device:
    """A device that works: its full ``name`` (``cuda:0``), torch, and its place as torch has it."""

    name: str
    torch: Any
    place: Any

    @property
    def is_gpu(self) -> bool:
        """Whether values have to be sent there."""
        return str(self.place.type) != "cpu"

    def free_bytes(self) -> int | None:
        """Return the memory that can be had there, None where nobody counts it."""
        if not self.is_gpu:
            return None
        cuda = self.torch.cuda
        with self.watched():
            free = int(cuda.mem_get_info(self.place)[0])
            # What torch keeps for itself and does not use can be had as well.
            return free + int(cuda.memory_reserved(self.place) - cuda.memory_allocated(self.place))

    def require(self, nbytes: int) -> None:
        """Raise DeviceMemoryError unless so much memory can be had there now."""
        free = self.free_bytes()
        if free is not None and nbytes > free:
            wanted = f"{nbytes / 2**30:.1f} GiB are needed, {free / 2**30:.1f} free"
            raise DeviceMemoryError(f"not enough memory on {self.name}: {wanted}")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turn what torch raises in this block into DeviceError and DeviceMemoryError.

        An algorithm that did not converge stays a ``torch.linalg.LinAlgError``.
        """
        try:
            yield
        except self.torch.linalg.LinAlgError:
            raise
        except self.torch.OutOfMemoryError as error:
            raise DeviceMemoryError(f"not enough memory on {self.name}") from error
        except RuntimeError as error:
            raise DeviceError(f"{self.name} failed: {_clause(error)}") from error


def check_device_name(name: str) -> str:
    """Return ``name`` if it is one of ``cpu``, ``cuda`` and ``cuda:N``. Raises ValueError."""
    if name not in (CPU, TORCH_CPU) and CUDA_NAME.fullmatch(name) is None:
        raise ValueError(f"'{name}' is no device: cpu, cuda or cuda:N")
    return name


def device_kind(name: str) -> str:
    """Return a device's name without its number: results of one kind are taken for each other."""
    return name.partition(":")[0]


def open_device(name: str) -> Device | None:
    """Return the device with this name, ready for use; None for ``cpu``, which imports nothing.

    Importing torch takes seconds, once. Raises ValueError for a name that is none, and DeviceError
    when torch is missing or broken, or finds no such device: nothing else takes its place.
    """
    return None if check_device_name(name) == CPU else _opened(name)


@cache
def _opened(name: str) -> Device:
    torch = _imported_torch()
    if name == TORCH_CPU:
        return Device(TORCH_CPU, torch, torch.device("cpu"))
    known = CUDA_NAME.fullmatch(name)
    number = known[1] if known is not None else None
    count = _count_gpus(torch)
    try:
        index = int(number) if number is not None else int(torch.cuda.current_device())
        if index >= count:
            there = "only cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
            raise DeviceError(f"there is no cuda:{index}: torch finds {there}")
        place = torch.device("cuda", index)
        torch.zeros(1, device=place)
    except RuntimeError as error:
        raise DeviceError(f"{name} cannot be used: {_clause(error)}") from error
    return Device(f"cuda:{index}", torch, place)


def _imported_torch() -> Any:  # noqa: ANN401 (a module that is perhaps not installed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import torch

            torch.zeros(1)
    except ModuleNotFoundError as error:
        if error.name == "torch":
            reason = "needs the package torch (pip install 'tensorpeek[cuda]')"
            raise DeviceError(reason) from error
        raise DeviceError(f"the installed torch is broken: {_clause(error)}") from error
    except BROKEN as error:
        raise DeviceError(f"the installed torch is broken: {_clause(error)}") from error
    if not hasattr(torch, "OutOfMemoryError"):
        raise DeviceError("the installed torch is older than 2.6")
    return torch


def _count_gpus(torch: Any) -> int:  # noqa: ANN401 (a module)
    """Return how many GPUs torch can use, at least one. Raises DeviceError."""
    if not torch.backends.cuda.is_built():
        raise DeviceError(f"the installed torch {torch.__version__} is built without CUDA")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        count = int(torch.cuda.device_count()) if torch.cuda.is_available() else 0
    if not count:
        why = f": {_clause(said[-1].message)}" if said else ""
        raise DeviceError(f"torch finds no CUDA device{why}")
    return count


def _clause(error: object) -> str:
    """Return the first line of a message, or the name of the error if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
