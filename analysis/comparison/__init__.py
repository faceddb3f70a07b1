"""Two models side by side: which tensors are the same, and how far apart their values are."""

from tensorpeek.analysis.comparison.common_edges import common_edges
from tensorpeek.analysis.comparison.compare import Comparison, compare
from tensorpeek.analysis.comparison.compare_pairs import compare_pairs
from tensorpeek.analysis.comparison.detail import ChannelErrors, Detail, detail
from tensorpeek.analysis.comparison.difference import Difference, WorstChannel
from tensorpeek.analysis.comparison.layouts import Alignment, alignments
from tensorpeek.analysis.comparison.pairing import (
    ACTIVATION_ROLES,
    RULES,
    Pair,
    Pairing,
    pair_tensors,
)
from tensorpeek.analysis.comparison.steps import StepErrors

__all__ = [
    "ACTIVATION_ROLES",
    "RULES",
    "Alignment",
    "ChannelErrors",
    "Comparison",
    "Detail",
    "Difference",
    "Pair",
    "Pairing",
    "StepErrors",
    "WorstChannel",
    "alignments",
    "common_edges",
    "compare",
    "compare_pairs",
    "detail",
    "pair_tensors",
]
