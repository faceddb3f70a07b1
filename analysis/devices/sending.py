"""Move values to a device by way of pinned memory: one part is copied while another is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.devices.device import Device

ROOM = 16 << 20
"""Bytes that are sent at once: enough to hide what each transfer costs to begin."""

Stored = NDArray[np.uint8]


class Sender:
    """Two pinned pieces of memory in turn, and what tells that one of them is free again."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._rooms: list[Any] = [None, None]
        self._sent: list[Any] = [None, None]
        self._turn = 0

    def send(self, values: NDArray[Any], kind: Any) -> Any:  # noqa: ANN401 (types of torch)
        """Return a copy on the device of values that torch calls ``kind``, in their shape.

        Raises DeviceError.
        """
        torch = self._device.torch
        stored = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        parts = list(self.gathered([stored]))
        with self._device.watched():
            if not parts:
                return torch.empty(values.shape, dtype=kind, device=self._device.place)
            whole = parts[0] if len(parts) == 1 else torch.cat(parts)
            return whole.view(kind).reshape(values.shape)

    def gathered(self, chunks: Iterable[Stored]) -> Iterator[Any]:
        """Yield the bytes of all chunks on the device, :data:`ROOM` at a time.

        Raises DeviceError, and what the chunks raise.
        """
        room, filled = self._free_room(), 0
        for chunk in chunks:
            done = 0
            while done < chunk.size:
                part = chunk[done : done + ROOM - filled]
                room[filled : filled + part.size] = part
                done, filled = done + part.size, filled + part.size
                if filled == ROOM:
                    yield self._send_room(filled)
                    room, filled = self._free_room(), 0
        if filled:
            yield self._send_room(filled)

    def _free_room(self) -> Stored:
        """Return the memory whose turn it is, as soon as what was in it has been sent."""
        with self._device.watched():
            if self._sent[self._turn] is not None:
                self._sent[self._turn].synchronize()
            if self._rooms[self._turn] is None:
                torch, pinned = self._device.torch, self._device.is_gpu
                self._rooms[self._turn] = torch.empty(ROOM, dtype=torch.uint8, pin_memory=pinned)
            room: Stored = self._rooms[self._turn].numpy()
        return room

    def _send_room(self, filled: int) -> Any:  # noqa: ANN401 (a tensor of torch)
        device, room = self._device, self._rooms[self._turn][:filled]
        with device.watched():
            there = room.to(device.place, non_blocking=True, copy=True)
            if device.is_gpu:
                self._sent[self._turn] = device.torch.cuda.Event()
                self._sent[self._turn].record(device.torch.cuda.current_stream(device.place))
        self._turn = 1 - self._turn
        return there
