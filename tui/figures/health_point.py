"""What figures of a whole model show of each tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.analysis.diagnosis import (
    SEVERITIES,
    Request,
    Severity,
    UnmeasurableError,
    diagnose,
)
from tensorpeek.analysis.risk import first_look, grade, trial_error, worst_grade
from tensorpeek.loaders import LoadError
from tensorpeek.tui.command.scan_ranking import at, number, sqnr_db
from tensorpeek.tui.command.scan_record import record_of

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor
    from tensorpeek.tui.command.document import Json
    from tensorpeek.tui.figures.draft import Draft


@dataclass(frozen=True, kw_only=True)
class HealthPoint:
    """One tensor: its measures, None where there is none, and what they are judged to mean.

    ``rank_ratio`` is the stable rank over the smaller side of the matrix. ``error`` is the reason
    why the tensor could not be read.
    """

    name: str
    severity: Severity | None = None
    sqnr_db: float | None = None
    extreme_percent: float | None = None
    condition: float | None = None
    rank_ratio: float | None = None
    zeros_percent: float | None = None
    reasons: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    error: str | None = None

    @property
    def badness(self) -> tuple[float, ...]:
        """Smaller for what is worse: severity, then reasons, SQNR, outliers."""
        rank = -1 if self.severity is None else SEVERITIES.index(self.severity)
        ratio = math.inf if self.sqnr_db is None else self.sqnr_db
        return -rank, -len(self.reasons), ratio, -(self.extreme_percent or 0.0)


def point_of_record(record: Json) -> HealthPoint:
    """Return what a record of ``tensorpeek scan --json`` says of a tensor."""
    stable = number(at(record, "spectral", "stable_rank"))
    sides = at(record, "spectral", "rows"), at(record, "spectral", "columns")
    side = min(sides) if None not in sides else 0
    largest = number(at(record, "spectral", "largest"))
    is_judged = side > 1 and bool(largest)
    severity = record["severity"]
    return HealthPoint(
        name=record["name"],
        severity=severity if severity in SEVERITIES else None,
        sqnr_db=sqnr_db(record),
        extreme_percent=number(at(record, "basic", "outliers", "extreme_percent")),
        condition=number(at(record, "spectral", "condition")) if is_judged else None,
        rank_ratio=stable / side if stable is not None and is_judged else None,
        zeros_percent=number(at(record, "basic", "zeros_percent")),
        reasons=tuple(record["reasons"]),
        advice=tuple(record["advice"]),
        error=record["error"],
    )


def risk_points(
    tensors: Sequence[Tensor], draft: Draft, done: Callable[[Tensor], None]
) -> list[HealthPoint]:
    """Look at tensors and try one way to quantize them. Raises CancelledError."""
    points = []
    for tensor in tensors:
        points.append(_risk_point(tensor, draft))
        done(tensor)
    return points


def _risk_point(tensor: Tensor, draft: Draft) -> HealthPoint:
    options, stop = draft.options, draft.stop
    limits, ratio = options.thresholds, None
    try:
        look, distribution = first_look(tensor, options.view, stop=stop)
        if look.summary.finite:
            error = trial_error(tensor, distribution, options.scheme, view=options.view, stop=stop)
            ratio = error.sqnr_db
    except LoadError as error:
        return HealthPoint(name=tensor.name, error=tensor.error or error.reason)
    except UnmeasurableError:
        ratio = None
    grades: list[Severity | None] = [
        grade(ratio, limits.sqnr_db, falling=True),
        grade(look.extreme_percent, limits.extreme_outliers_percent),
        "Critical" if look.broken else None,
    ]
    return HealthPoint(
        name=tensor.name,
        severity=worst_grade(grades),
        sqnr_db=ratio,
        extreme_percent=look.extreme_percent,
        zeros_percent=look.zeros_percent,
    )


def diagnosed_points(
    tensors: Sequence[Tensor], draft: Draft, done: Callable[[Tensor], None]
) -> list[HealthPoint]:
    """Measure tensors in full, as a scan does. Raises CancelledError."""
    options = draft.options
    request = Request(view=options.view, thresholds=options.thresholds, huge=options.huge)
    points = []
    for tensor in tensors:
        record = record_of(tensor, request, diagnose(tensor, request, stop=draft.stop))
        points.append(point_of_record(record))
        done(tensor)
    return points
