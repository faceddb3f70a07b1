"""What quantizing a model would cost, tensor by tensor, for any grid and any sharing of scales."""

from tensorpeek.analysis.risk.first_look import FirstLook, first_look
from tensorpeek.analysis.risk.grades import grade, worst_grade
from tensorpeek.analysis.risk.schemes import GRANULARITIES, GRID_NAMES, Scheme, known_errors
from tensorpeek.analysis.risk.trial_error import is_instant, trial_error

__all__ = [
    "GRANULARITIES",
    "GRID_NAMES",
    "FirstLook",
    "Scheme",
    "first_look",
    "grade",
    "is_instant",
    "known_errors",
    "trial_error",
    "worst_grade",
]
