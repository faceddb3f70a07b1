"""Everything that is measured of one tensor, in one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, TypeVar, get_args

import numpy as np

from tensorpeek.analysis.devices.device import (
    CPU,
    Device,
    DeviceMemoryError,
    check_device_name,
    open_device,
)
from tensorpeek.analysis.devices.pattern_counts import count_on
from tensorpeek.analysis.diagnosis.blas_threads import one_blas_thread
from tensorpeek.analysis.diagnosis.channel_structure import ChannelStructure, channel_structure
from tensorpeek.analysis.diagnosis.clipping import ClippingRange, best_clipping
from tensorpeek.analysis.diagnosis.error_sums import GridError
from tensorpeek.analysis.diagnosis.grid_use import GridUse, grid_use
from tensorpeek.analysis.diagnosis.health import Health, Measured, judge
from tensorpeek.analysis.diagnosis.held import held
from tensorpeek.analysis.diagnosis.matrix_ranges import MatrixRanges, matrix_ranges
from tensorpeek.analysis.diagnosis.near_duplicates import near_duplicates
from tensorpeek.analysis.diagnosis.outliers import Outliers, outliers
from tensorpeek.analysis.diagnosis.quantization_error import BITS, all_trials, quantization_errors
from tensorpeek.analysis.diagnosis.shape_moments import ShapeMoments, shape_moments
from tensorpeek.analysis.diagnosis.sparsity import Sparsity, sparsity, sparsity_buckets
from tensorpeek.analysis.diagnosis.spectrum import Spectrum, spectrum
from tensorpeek.analysis.diagnosis.thresholds import Thresholds
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.weight_matrix import WeightMatrix, weight_matrix
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.edges import uniform_edges
from tensorpeek.analysis.measure import measure
from tensorpeek.analysis.patterns import count_patterns
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.summary import Summary
from tensorpeek.analysis.wide_scan import is_complex
from tensorpeek.loaders import LoadError, Tensor, View

Metric = Literal["basic", "sparsity", "quantization", "spectral"]

METRICS: tuple[Metric, ...] = ("basic", "sparsity", "quantization", "spectral")

SPARK_BINS = 16
"""Bins of the small histogram that comes with every diagnosis."""

WORTH_SENDING = 1 << 16
"""Elements above which a tensor goes to a device: smaller ones are done here before that begins."""

Measure = TypeVar("Measure")


@dataclass(frozen=True)
class Request:
    """What to measure: groups of measures, in which view, on which integer grids, judged how.

    ``huge`` allows spectra that take minutes and gigabytes. ``basic`` is always measured. The rows
    of the matrix of a spectrum are output channels; with ``conv_axis``, the entries along that
    axis, in tensors of three dimensions or more: 1 makes torch's (out, in, k, k) the matrix
    (in, out * k * k); negative ones count from the end. On a
    ``device`` other than ``cpu`` (``cuda``, ``cuda:1``) bit patterns are counted, spectra computed
    and grids simulated of tensors of more than 65,536 values; all else stays on the CPU. A name
    that is none, of a group, a view or a device, raises ValueError; so does a width below 1.
    """

    metrics: frozenset[Metric] = frozenset(METRICS)
    view: View = "dequantized"
    bits: tuple[int, ...] = BITS
    thresholds: Thresholds = field(default_factory=Thresholds)
    huge: bool = False
    device: str = CPU
    conv_axis: int | None = None

    def __post_init__(self) -> None:
        check_device_name(self.device)
        unknown = sorted(map(str, set(self.metrics) - set(METRICS)))
        if unknown:
            raise ValueError(f"no group of measures: {', '.join(unknown)}")
        if self.view not in get_args(View):
            raise ValueError(f"{self.view!r} is no view: raw or dequantized")
        if min(self.bits, default=1) < 1:
            raise ValueError("a grid has 1 bit or more")


@dataclass(frozen=True, eq=False, kw_only=True)
class Diagnosis:
    """What is known of one tensor in one view.

    Measures that were not asked for, or do not exist, are None (empty for ``errors`` and
    ``clipping``); ``absent`` says why, by the name of the field. ``histogram`` has the counts of
    16 bins from minimum to maximum, within one bucket for wide types. ``error`` is the reason
    why the tensor could not be read. A spectrum for which a device had too little memory is that
    of the CPU, and ``absent`` says so.
    """

    summary: Summary | None = None
    shape: ShapeMoments | None = None
    outliers: Outliers | None = None
    histogram: tuple[int, ...] = ()
    sparsity: Sparsity | None = None
    structure: ChannelStructure | None = None
    duplicates: int | None = None
    errors: tuple[GridError, ...] = ()
    clipping: tuple[ClippingRange, ...] = ()
    grid_use: GridUse | None = None
    spectrum: Spectrum | None = None
    health: Health = field(default_factory=lambda: Health(None))
    absent: dict[str, str] = field(default_factory=dict)
    error: str | None = None


def diagnose(tensor: Tensor, request: Request | None = None, *, stop: Stop = never) -> Diagnosis:
    """Measure and judge a tensor. What cannot be read is told by ``error``, not raised.

    Raises CancelledError, and DeviceError when the device of a request cannot be used.
    """
    request = request or Request()
    device = open_device(request.device)
    try:
        with one_blas_thread():
            found = _Diagnosing(held(tensor, stop), request, stop, device).everything()
    except LoadError as error:
        return Diagnosis(error=tensor.error or error.reason)
    if found.summary is None:
        return found
    measured = Measured(
        summary=found.summary,
        is_quantized=tensor.quantization is not None,
        outliers=found.outliers,
        structure=found.structure,
        errors=found.errors,
        clipping=found.clipping,
        spectrum=found.spectrum,
    )
    return replace(found, health=judge(measured, request.thresholds))


class _Diagnosing:
    """One tensor while it is measured: what several measures share, and what is absent."""

    def __init__(self, tensor: Tensor, request: Request, stop: Stop, device: Device | None) -> None:
        self._tensor = tensor
        self._request = request
        self._stop = stop
        self._absent: dict[str, str] = {}
        self._device = device if tensor.params > WORTH_SENDING else None
        self._count = count_patterns if self._device is None else count_on(self._device)
        self._distribution = measure(
            tensor,
            request.view,
            stop=stop,
            count=self._count,
            foreseen=sparsity_buckets if "sparsity" in request.metrics else None,
        )
        self._matrix = weight_matrix(tensor, request.view, self._distribution.summary)

    def everything(self) -> Diagnosis:
        """Measure what was asked for."""
        found = Diagnosis(summary=self._distribution.summary, absent=self._absent)
        if not self._distribution.summary.finite:
            reason = "no finite values" if self._distribution.summary.count else "empty: no values"
            asked = [metric for metric in METRICS if metric in self._request.metrics]
            self._absent.update(dict.fromkeys(asked, reason))
            return found
        found = self._basic(found)
        if "sparsity" in self._request.metrics:
            found = self._sparsity(found)
        if "quantization" in self._request.metrics:
            found = self._quantization(found)
        if "spectral" in self._request.metrics:
            found = replace(found, spectrum=self._try("spectral", self._spectrum))
        return found

    def _basic(self, found: Diagnosis) -> Diagnosis:
        summary = self._distribution.summary
        edges = uniform_edges(summary.minimum or 0, summary.maximum or 0, SPARK_BINS)
        return replace(
            found,
            shape=shape_moments(
                self._tensor, self._request.view, self._distribution, stop=self._stop
            ),
            outliers=outliers(self._distribution, stop=self._stop),
            histogram=tuple(self._distribution.preview(edges).counts.tolist()),
        )

    def _sparsity(self, found: Diagnosis) -> Diagnosis:
        found = replace(
            found,
            sparsity=sparsity(
                self._tensor, self._request.view, self._distribution, stop=self._stop
            ),
        )
        if self._matrix.channels < 2:
            self._absent["structure"] = self._absent["duplicates"] = "needs a matrix"
            return found
        return replace(
            found,
            structure=self._try(
                "structure",
                lambda: channel_structure(self._matrix, self._ranges(), stop=self._stop),
            ),
            duplicates=self._try(
                "duplicates", lambda: near_duplicates(self._matrix, self._ranges(), stop=self._stop)
            ),
        )

    def _quantization(self, found: Diagnosis) -> Diagnosis:
        if self._tensor.quantization is not None:
            found = replace(found, grid_use=self._try("grid_use", self._grid_use))
        if is_complex(self._tensor.value_type(self._request.view)):
            self._absent["quantization"] = "has complex values"
            return found
        bits = dict.fromkeys(width for width in self._request.bits if width > 1)
        clipping = [
            self._try("clipping", partial(best_clipping, self._distribution, width))
            for width in bits
        ]
        return replace(
            found,
            errors=self._try("quantization", self._errors) or (),
            clipping=tuple(one for one in clipping if one is not None),
        )

    def _errors(self) -> tuple[GridError, ...]:
        try:
            ranges = self._ranges() if self._matrix.channels > 1 else None
        except UnmeasurableError as error:
            self._absent["errors per channel"] = error.reason
            ranges = None
        trials = all_trials(self._request.bits)
        found = quantization_errors(
            self._matrix, ranges, self._distribution, trials, stop=self._stop, device=self._device
        )
        return tuple(found)

    def _grid_use(self) -> GridUse:
        raw: Distribution = self._distribution
        if self._request.view != "raw":
            raw = measure(self._tensor, "raw", stop=self._stop, quantiles=False, count=self._count)
        return grid_use(self._tensor, raw)

    def _spectrum(self) -> Spectrum:
        matrix = self._spectral_matrix()
        take = partial(spectrum, matrix, huge=self._request.huge, stop=self._stop)
        if self._device is not None:
            try:
                return take(device=self._device)
            except DeviceMemoryError as error:
                self._absent[f"spectral on {self._device.name}"] = f"{error}; done on the CPU"
        return take()

    def _spectral_matrix(self) -> WeightMatrix:
        axis, sides = self._request.conv_axis, len(self._tensor.shape)
        if axis is None or sides < 3:
            return self._matrix
        if not -sides <= axis < sides:
            raise UnmeasurableError(f"has no axis {axis}")
        summary = self._distribution.summary
        return weight_matrix(self._tensor, self._request.view, summary, axis=axis % sides)

    def _ranges(self) -> MatrixRanges:
        if self._known_ranges is None:
            self._known_ranges = matrix_ranges(self._matrix, stop=self._stop)
        return self._known_ranges

    _known_ranges: MatrixRanges | None = None

    def _try(self, name: str, take: Callable[[], Measure]) -> Measure | None:
        """Take a measure, or note why there is none."""
        try:
            with np.errstate(over="ignore", under="ignore"):
                return take()
        except UnmeasurableError as error:
            self._absent[name] = error.reason
            return None
