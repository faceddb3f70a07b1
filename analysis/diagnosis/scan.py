"""Diagnose many tensors, here or on any executor, the costliest first."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, as_completed
from dataclasses import replace
from pathlib import Path

from tensorpeek.analysis.devices.device import CPU
from tensorpeek.analysis.diagnosis.diagnosis import Diagnosis, Request, diagnose
from tensorpeek.analysis.tensor_places import with_identities
from tensorpeek.loaders import Tensor
from tensorpeek.loaders.storage import FileIdentity

PASS = 200
"""What a pass over an element costs, in multiplications of a spectrum: about 150 ns."""

LOST: tuple[type[BaseException], ...] = (BrokenExecutor, MemoryError, OSError, ImportError)
"""What a task raises when the place where it ran failed, and not the measuring."""


class ClusterError(Exception):
    """There is no cluster to work on; the message says why in one clause."""


def scan(
    tensors: Sequence[Tensor],
    request: Request,
    executor: Executor | None = None,
    *,
    lost: tuple[type[BaseException], ...] = (),
) -> Generator[tuple[int, Diagnosis], None, None]:
    """Yield the place of each tensor and its diagnosis, as they get done, costliest first.

    With an ``executor`` (processes, threads, a cluster) each tensor is one task; tensors are
    picklable places, not values. A tensor whose task was lost (a process ended abruptly, the task
    was canceled, one of ``LOST`` or ``lost`` was raised) has a diagnosis with an ``error`` and
    nothing else. When the iterator is left early, tasks that have not begun are canceled.

    A device does one tensor after the other, in this process: a request with one and an
    ``executor`` raise ValueError. Raises DeviceError when it cannot be used.
    """
    if executor is not None:
        require_cpu(request)
    order = costliest_first(tensors, request)
    if executor is None:
        for place in order:
            yield place, diagnose(tensors[place], request)
        return
    tasks: dict[Future[Diagnosis], int] = {}
    refused: dict[int, Diagnosis] = {}
    try:
        for place in order:
            try:
                tasks[executor.submit(diagnose_here, tensors[place], request)] = place
            except BrokenExecutor as error:
                refused[place] = not_measured(error)
        for task in as_completed(tasks):
            yield tasks[task], outcome(task, lost)
        yield from refused.items()
    finally:
        for task in tasks:
            task.cancel()


def require_cpu(request: Request) -> None:
    """Raise ValueError for a request that is not for the CPU."""
    if request.device != CPU:
        raise ValueError(f"{request.device} works in this process alone, without an executor")


def diagnose_here(tensor: Tensor, request: Request) -> Diagnosis:
    """Diagnose a tensor that perhaps another host has opened: its files differ in the device.

    A network file system has a device number of its own on every host that mounts it.
    """
    return diagnose(with_identities(tensor, _identity_here), request)


def _identity_here(path: str, identity: FileIdentity) -> FileIdentity:
    try:
        here = FileIdentity.of(Path(path).stat())
    except OSError:
        return identity
    return here if replace(here, device=identity.device) == identity else identity


def outcome(task: Future[Diagnosis], lost: tuple[type[BaseException], ...] = ()) -> Diagnosis:
    """Return what a task that is done has found; one with an ``error`` if it was lost.

    What else it raised, a defect, is raised here.
    """
    known: tuple[type[BaseException], ...] = (CancelledError, *LOST, *lost)
    try:
        return task.result()
    except known as error:
        return not_measured(error)


def not_measured(error: BaseException) -> Diagnosis:
    """Return the diagnosis of a tensor whose task was lost."""
    if isinstance(error, BrokenExecutor):
        reason = "its worker process ended abruptly"
    elif isinstance(error, CancelledError):
        reason = "its task was canceled"
    elif isinstance(error, MemoryError):
        reason = "its worker ran out of memory"
    else:
        reason = f"its worker failed: {type(error).__name__}: {error}"
    return Diagnosis(error=f"not measured: {reason}")


def costliest_first(tensors: Sequence[Tensor], request: Request) -> list[int]:
    """Return the places of tensors in the order in which they should be begun."""
    return sorted(range(len(tensors)), key=lambda place: -cost(tensors[place], request))


def cost(tensor: Tensor, request: Request) -> float:
    """Estimate the work for a tensor, for order and progress, in arbitrary units."""
    params = float(tensor.params)
    if "spectral" not in request.metrics or len(tensor.shape) < 2 or not params:
        return 1 + params
    rows = max(tensor.shape[0], 1)
    return 1 + params + params * min(rows, params / rows) / PASS
