"""Judge the measures of a tensor: how bad it is, why, and what one can do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tensorpeek.analysis.diagnosis.channel_structure import ChannelStructure
from tensorpeek.analysis.diagnosis.clipping import ClippingRange
from tensorpeek.analysis.diagnosis.error_sums import GridError
from tensorpeek.analysis.diagnosis.outliers import Outliers
from tensorpeek.analysis.diagnosis.spectrum import Spectrum
from tensorpeek.analysis.diagnosis.thresholds import FALLING, Thresholds
from tensorpeek.analysis.summary import Summary

Severity = Literal["Excellent", "Good", "Warning", "Critical"]

SEVERITIES: tuple[Severity, ...] = ("Excellent", "Good", "Warning", "Critical")
"""From best to worst."""

JUDGED_BITS = 8
"""The widest integer grid whose SQNR is judged: what hardware runs without further care."""

WORTH_DB = 1.0
"""Gain of a clipping range that is worth advice."""

LOW_RANK = 0.25
"""Share of the ranks with 99 % of the energy below which low-rank factors save memory."""


@dataclass(frozen=True)
class Health:
    """The worst ``severity`` of all measures, ``reasons`` for it in words, and ``advice``.

    ``severity`` is None when nothing could be judged.
    """

    severity: Severity | None
    reasons: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Measured:
    """What is known of a tensor; None where it was not measured."""

    summary: Summary
    is_quantized: bool = False
    outliers: Outliers | None = None
    structure: ChannelStructure | None = None
    errors: Sequence[GridError] = ()
    clipping: Sequence[ClippingRange] = ()
    spectrum: Spectrum | None = None


@dataclass
class _Findings:
    severities: list[Severity] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    def judge(self, value: float, limits: Sequence[float], name: str) -> bool:
        """Note the severity of a measure; say whether it is worse than Good."""
        passed = [value >= limit if name in FALLING else value <= limit for limit in limits]
        severity = SEVERITIES[passed.index(True) if True in passed else len(limits)]
        self.severities.append(severity)
        return SEVERITIES.index(severity) > 1


def judge(measured: Measured, thresholds: Thresholds | None = None) -> Health:
    """Return the health of a tensor by ``thresholds``, by default those of :class:`Thresholds`.

    NaN or an infinity is always Critical. The SQNR of a tensor that is quantized already, and the
    spectrum of one row or column, are not judged.
    """
    limits = thresholds or Thresholds()
    findings = _Findings()
    _judge_finite(measured.summary, findings)
    if measured.outliers is not None:
        _judge_outliers(measured, limits, findings)
    if not measured.is_quantized:
        _judge_errors(measured, limits, findings)
    if measured.spectrum is not None:
        _judge_spectrum(measured.spectrum, limits, findings)
    if measured.structure is not None:
        _note_structure(measured.structure, findings)
    worst = max(findings.severities, key=SEVERITIES.index, default=None)
    advice = tuple(dict.fromkeys(findings.advice))
    return Health(worst, tuple(findings.reasons), advice)


def _judge_finite(summary: Summary, findings: _Findings) -> None:
    infinite = summary.positive_infinity + summary.negative_infinity
    for count, name in ((summary.nan, "NaN"), (infinite, "infinite")):
        if count:
            findings.severities.append("Critical")
            findings.reasons.append(f"{count:,} {name} value{'' if count == 1 else 's'}")
            findings.advice.append("find out where training or conversion broke; do not deploy")


def _judge_outliers(measured: Measured, limits: Thresholds, findings: _Findings) -> None:
    share = measured.outliers.extreme_percent if measured.outliers else None
    if share is None:
        return
    if findings.judge(share, limits.extreme_outliers_percent, "extreme_outliers_percent"):
        findings.reasons.append(f"{share:.3g} % extreme outliers (beyond 3 interquartile ranges)")
        findings.advice.append("clip outliers or keep them apart in fp16")


def _judge_errors(measured: Measured, limits: Thresholds, findings: _Findings) -> None:
    known = {(error.grid, error.granularity): error.sqnr_db for error in measured.errors}
    widths = [
        error.bits
        for error in measured.errors
        if error.grid == f"int{error.bits} symmetric" and error.bits <= JUDGED_BITS
    ]
    if not widths:
        return
    bits = max(widths)
    grid = f"int{bits} symmetric"
    whole = known.get((grid, "tensor"))
    if whole is None:
        return
    if findings.judge(whole, limits.sqnr_db, "sqnr_db"):
        findings.reasons.append(f"SQNR {whole:.1f} dB at {bits} bits with one scale")
        findings.advice += _remedies(measured, known, grid, limits.sqnr_db[-1])


def _remedies(
    measured: Measured,
    known: dict[tuple[str, str], float | None],
    grid: str,
    enough: float,
) -> list[str]:
    """Return what lifts the SQNR to ``enough``, cheapest first, or what to do if nothing does."""
    clipping = next((c for c in measured.clipping if grid.startswith(f"int{c.bits} ")), None)
    remedies = []
    if clipping is not None and clipping.gain_db >= WORTH_DB:
        reach = f"{clipping.sqnr_db:.1f} dB"
        remedies.append(f"clip at ±{clipping.limit:.4g} ({reach})")
    for unit in ("channel", "group 128", "group 64", "group 32"):
        ratio = known.get((grid, unit))
        if ratio is not None and ratio >= enough:
            return [*remedies, f"quantize per {unit} ({ratio:.1f} dB)"]
    if clipping is not None and remedies and clipping.sqnr_db >= enough:
        return remedies
    return [*remedies, "keep in fp16"]


def _judge_spectrum(spectrum: Spectrum, limits: Thresholds, findings: _Findings) -> None:
    side = min(spectrum.rows, spectrum.columns)
    if side < 2 or not spectrum.largest:
        return
    condition = spectrum.condition
    if condition is not None and findings.judge(
        condition, limits.condition_number, "condition_number"
    ):
        singular = math.isinf(condition)
        words = f"rank {spectrum.rank:,} of {side:,}" if singular else f"{condition:.3g}"
        findings.reasons.append(f"condition number {'infinite: ' if singular else ''}{words}")
        findings.advice.append("keep in fp16 where outputs feed a solve or a norm")
    ratio = spectrum.stable_rank / side
    if findings.judge(ratio, limits.stable_rank_ratio, "stable_rank_ratio"):
        findings.reasons.append(f"stable rank {spectrum.stable_rank:.1f} of {side:,}")
    if spectrum.rank_99 <= LOW_RANK * side:
        findings.advice.append(f"low rank {spectrum.rank_99:,} holds 99 % of the energy")


def _note_structure(structure: ChannelStructure, findings: _Findings) -> None:
    """Say what channels add nothing: this is no fault by itself, so it has no severity."""
    if structure.dead_rows and structure.rows > 1:
        findings.reasons.append(f"{structure.dead_rows:,} of {structure.rows:,} channels are dead")
        findings.advice.append("prune dead channels")
