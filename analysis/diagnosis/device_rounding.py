"""Simulated quantization on a device: a piece is sent once, and rounded to every grid there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tensorpeek.analysis.devices.device import Device
from tensorpeek.analysis.devices.sending import Sender
from tensorpeek.analysis.diagnosis.device_grids import DeviceRounded, is_known, round_there
from tensorpeek.analysis.diagnosis.error_sums import ErrorSums
from tensorpeek.analysis.diagnosis.trials import KnownRanges, Trial, is_first
from tensorpeek.analysis.diagnosis.weight_matrix import Slab

SLAB = 1 << 21
"""Elements of a piece: 16 MiB as float64, and about ten times that while it is rounded."""


@dataclass(frozen=True, eq=False)
class DeviceRounding:
    """The trials of each granularity, and the sums they add to."""

    device: Device
    sender: Sender
    units: Mapping[str | int, list[tuple[Trial, ErrorSums]]]

    def add(self, slab: Slab, known: KnownRanges) -> None:
        """Round a piece to every grid and take in the errors. Raises DeviceError."""
        torch = self.device.torch
        sent = self.sender.send(slab.values, torch.float64)
        with self.device.watched():
            signal = float((sent * sent).sum())
            for unit, values, low, high in self._ranged(slab, sent, known):
                trials = self.units[unit]
                rows = [
                    _sums(torch, values, round_there(torch, trial.grid, values, low, high))
                    for trial, _ in trials
                ]
                for (_, total), row in zip(trials, torch.stack(rows).tolist(), strict=True):
                    total.signal += signal
                    total.add_rounded(row, scales=is_first(slab, unit))

    def _ranged(
        self,
        slab: Slab,
        sent: Any,  # noqa: ANN401 (a tensor of torch)
        known: KnownRanges,
    ) -> Iterator[tuple[str | int, Any, Any, Any]]:
        """Yield each granularity with the values and the range of each group, to broadcast."""
        torch = self.device.torch
        for unit in self.units:
            if isinstance(unit, int):
                groups = _grouped(torch, sent, unit)
                yield unit, groups, groups.amin(1, keepdim=True), groups.amax(1, keepdim=True)
                continue
            low, high = known.low, known.high
            if unit == "channel":
                if known.ranges is None:
                    continue
                rows = slice(slab.row, slab.row + slab.values.shape[0])
                low, high = known.ranges.low[rows, None], known.ranges.high[rows, None]
            ends = [torch.tensor(end, device=self.device.place) for end in (low, high)]
            yield unit, sent, *ends


def device_rounding(device: Device, sums: Mapping[Trial, ErrorSums]) -> DeviceRounding | None:
    """Return what rounds on a device to the grids of some trials, None if one is not known."""
    if not all(is_known(trial.grid) for trial in sums):
        return None
    units: dict[str | int, list[tuple[Trial, ErrorSums]]] = {}
    for trial, total in sums.items():
        units.setdefault(trial.granularity, []).append((trial, total))
    return DeviceRounding(device, Sender(device), units)


def _sums(torch: Any, values: Any, rounded: DeviceRounded) -> Any:  # noqa: ANN401
    """Return the sums of a grid in the order in which ``ErrorSums.add_rounded`` takes them."""
    errors, scales = rounded.errors, rounded.scales
    clipped = 0 if rounded.clipped is None else rounded.clipped.sum()
    return torch.stack(
        [
            (errors * errors).sum(),
            (errors * values).sum(),
            errors.abs().sum(),
            torch.as_tensor(clipped, dtype=errors.dtype, device=errors.device),
            scales.sum(),
            torch.as_tensor(float(scales.numel()), dtype=errors.dtype, device=errors.device),
            scales.min(),
            scales.max(),
        ]
    )


def _grouped(torch: Any, values: Any, width: int) -> Any:  # noqa: ANN401
    """Return a row for each group; the last one of a row of values is filled up with zeros."""
    columns = values.shape[1]
    if width >= columns:
        return values
    if columns % width:
        values = torch.nn.functional.pad(values, (0, -columns % width))
    return values.reshape(-1, width)
