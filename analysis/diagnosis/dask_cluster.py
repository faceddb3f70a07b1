"""Workers of a Dask cluster as an executor."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tensorpeek.analysis.diagnosis.scan import ClusterError

TIMEOUT = 10.0
"""Seconds to wait for a scheduler to answer, and then for its first worker."""


@dataclass(frozen=True)
class Cluster:
    """Workers behind an ``executor``; ``lost`` is what their tasks raise when a worker fails."""

    executor: Executor
    lost: tuple[type[BaseException], ...]


@contextmanager
def dask_cluster(address: str, *, timeout: float = TIMEOUT) -> Iterator[Cluster]:
    """Connect to the scheduler at ``address`` (``tcp://host:8786``) until the block is left.

    A task whose worker ends is begun again on another one, as often as the scheduler allows; what
    has not begun when the block is left is given up. Workers need tensorpeek and the files under
    the same paths. Raises ClusterError when the package is missing, the scheduler does not answer
    in time, or has no workers.
    """
    try:
        from distributed import Client
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        reason = "needs the package distributed (pip install 'tensorpeek[dask]')"
        raise ClusterError(reason) from error
    for name in logging.getLogger().manager.loggerDict:
        if name.startswith("distributed"):  # lost tasks are told by their tensors
            logging.getLogger(name).setLevel(logging.CRITICAL)
    client = _connected(Client, address, timeout)
    try:
        yield Cluster(_ClusterExecutor(client), (KilledWorker, RuntimeError))
    finally:
        client.close(timeout=timeout)


class _ClusterExecutor(Executor):
    """Gives tasks to a Dask client.

    That of ``Client.get_executor`` never ends a task whose scheduler went away.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 (untyped)
        self._client = client

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Give a task to the cluster."""
        local: Future[Any] = Future()
        remote = self._client.submit(fn, *args, pure=False, **kwargs)
        remote.add_done_callback(lambda done: _hand_on(done, local))
        return local


def _hand_on(remote: Any, local: Future[Any]) -> None:  # noqa: ANN401 (untyped)
    """Let a future end as that of a cluster has ended."""
    if not local.set_running_or_notify_cancel():
        return
    try:
        local.set_result(remote.result())
    except asyncio.CancelledError:
        local.set_exception(CancelledError())
    except BaseException as error:  # noqa: BLE001 (handed on, as every executor does)
        local.set_exception(error)


def _connected(open_client: Any, address: str, timeout: float) -> Any:  # noqa: ANN401 (untyped)
    try:
        with ThreadPoolExecutor(1) as thread:  # the caller may run a loop of its own: a notebook
            thread.submit(asyncio.run, _greet_within(address, timeout)).result()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions that differ: tasks tell if it matters
            client = open_client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError, TypeError, MemoryError) as error:
        raise ClusterError(f"no Dask scheduler answers at '{address}'") from error
    try:
        client.wait_for_workers(1, timeout=timeout)
    except (OSError, ValueError) as error:
        client.close(timeout=timeout)
        raise ClusterError(f"the scheduler at {address} has no workers") from error
    return client


async def _greet_within(address: str, timeout: float) -> None:
    """Greet, in so many seconds: Dask itself waits for ever for who takes a call and is silent."""
    await asyncio.wait_for(_greet(address, timeout), timeout)


async def _greet(address: str, timeout: float) -> None:
    """Exchange greetings with a scheduler: a client that fails at this says so at length.

    Raises OSError, ValueError, or MemoryError where something else answers, such as the dashboard.
    """
    from distributed.comm import connect
    from distributed.security import Security

    arguments = Security().get_connection_args("client")
    comm = await connect(address, timeout=timeout, **arguments)
    await comm.close()
