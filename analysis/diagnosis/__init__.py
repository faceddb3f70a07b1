"""Which weights will hurt, from their values alone: sparsity, rounding, spectra, health."""

from tensorpeek.analysis.diagnosis.diagnosis import METRICS, Diagnosis, Metric, Request, diagnose
from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum, full_spectrum
from tensorpeek.analysis.diagnosis.health import SEVERITIES, Health, Measured, Severity, judge
from tensorpeek.analysis.diagnosis.scan import cost, scan
from tensorpeek.analysis.diagnosis.spectrum import Spectrum
from tensorpeek.analysis.diagnosis.thresholds import Thresholds, check_thresholds
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.workers import process_pool

__all__ = [
    "METRICS",
    "SEVERITIES",
    "Diagnosis",
    "FullSpectrum",
    "Health",
    "Measured",
    "Metric",
    "Request",
    "Severity",
    "Spectrum",
    "Thresholds",
    "UnmeasurableError",
    "check_thresholds",
    "cost",
    "diagnose",
    "full_spectrum",
    "judge",
    "process_pool",
    "scan",
]
