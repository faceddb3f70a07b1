"""Two models side by side: which tensors are the same, and how far apart their values are."""

from tensorpeek.analysis.comparison.compare import Comparison, compare
from tensorpeek.analysis.comparison.difference import Difference, WorstChannel
from tensorpeek.analysis.comparison.layouts import Alignment, alignments
from tensorpeek.analysis.comparison.pairing import (
    ACTIVATION_ROLES,
    RULES,
    Pair,
    Pairing,
    pair_tensors,
)

__all__ = [
    "ACTIVATION_ROLES",
    "RULES",
    "Alignment",
    "Comparison",
    "Difference",
    "Pair",
    "Pairing",
    "WorstChannel",
    "alignments",
    "compare",
    "pair_tensors",
]
