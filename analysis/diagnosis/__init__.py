"""Which weights will hurt, from their values alone: sparsity, rounding, spectra, health."""

from tensorpeek.analysis.diagnosis.diagnosis import METRICS, Diagnosis, Metric, Request, diagnose
from tensorpeek.analysis.diagnosis.health import SEVERITIES, Health, Measured, Severity, judge
from tensorpeek.analysis.diagnosis.scan import cost, scan
from tensorpeek.analysis.diagnosis.thresholds import Thresholds, parse_thresholds
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.workers import process_pool

__all__ = [
    "METRICS",
    "SEVERITIES",
    "Diagnosis",
    "Health",
    "Measured",
    "Metric",
    "Request",
    "Severity",
    "Thresholds",
    "UnmeasurableError",
    "cost",
    "diagnose",
    "judge",
    "parse_thresholds",
    "process_pool",
    "scan",
]
