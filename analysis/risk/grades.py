"""Grade single measures by the limits of a scan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tensorpeek.analysis.diagnosis.health import SEVERITIES, Severity


def grade(
    value: float | None, limits: Sequence[float], *, falling: bool = False
) -> Severity | None:
    """Return the severity of a measure as a scan judges it; None where there is no measure.

    ``limits`` go from Excellent on and are inclusive; where there are two, nothing is Critical.
    With ``falling``, more is better. NaN passes no limit.
    """
    if value is None:
        return None
    for severity, limit in zip(SEVERITIES, limits, strict=False):
        if value >= limit if falling else value <= limit:
            return severity
    return SEVERITIES[len(limits)]


def worst_grade(grades: Iterable[Severity | None]) -> Severity | None:
    """Return the worst of some severities; None when there is none."""
    known = [each for each in grades if each is not None]
    return max(known, key=SEVERITIES.index, default=None)
